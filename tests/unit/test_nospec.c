/* SPDX-License-Identifier: Apache-2.0 */
/* Indices that a guest chooses: below the bound they are themselves, and never beyond it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <hv/bits.h>
#include <hv/nospec.h>

static void an_index_in_bounds_is_itself_and_others_are_zero(void **state)
{
	static const uint32_t bounds[] = { 1, 2, 3, 31, 32, 512, UINT32_MAX };
	static const uint64_t beyond[] = { 0, 1, UINT32_MAX, UINT64_C(1) << 32, UINT64_C(1) << 63 };

	for (size_t k = 0; k < ARRAY_SIZE(bounds); k++) {
		uint32_t n = bounds[k];

		assert_int_equal(index_nospec(0, n), 0);
		assert_int_equal(index_nospec(n / 2, n), n / 2);
		assert_int_equal(index_nospec(n - 1, n), n - 1);
		for (size_t i = 0; i < ARRAY_SIZE(beyond); i++)
			assert_int_equal(index_nospec(n + beyond[i], n), 0);
		assert_int_equal(index_nospec(UINT64_MAX, n), 0);
	}
}

static void a_masked_index_is_below_a_power_of_two(void **state)
{
	for (uint32_t n = 1; n; n <<= 1) {
		assert_int_equal(index_nospec_pow2(n - 1, n), n - 1);
		assert_int_equal(index_nospec_pow2(n / 2, n), n / 2);
		assert_int_equal(index_nospec_pow2(n, n), 0);
		assert_true(index_nospec_pow2(UINT64_MAX, n) < n);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_index_in_bounds_is_itself_and_others_are_zero),
		cmocka_unit_test(a_masked_index_is_below_a_power_of_two),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
