/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <hv/sort.h>

#define MAX_KEYS 200

static void every_length_is_sorted_and_found(void **state)
{
	uint64_t keys[MAX_KEYS], seed = 1;

	for (size_t count = 0; count <= MAX_KEYS; count++) {
		uint64_t sum = 0;

		for (size_t i = 0; i < count; i++) {
			seed = seed * 6364136223846793005u + 1;
			keys[i] = 2 * (seed >> 33) % (2 * count); /* even, some of them equal */
			sum += keys[i];
		}
		sort_keys(keys, count);
		for (size_t i = 0; i < count; i++) {
			size_t at = sort_find(keys, count, keys[i]);

			sum -= keys[i];
			assert_true(!i || keys[i - 1] <= keys[i]);
			assert_int_equal(keys[at], keys[i]);
			assert_true(!at || keys[at - 1] < keys[i]);
			at = sort_find(keys, count, keys[i] + 1); /* is not there */
			assert_true(at > i && (at == count || keys[at] > keys[i] + 1));
		}
		assert_int_equal(sum, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_length_is_sorted_and_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
