/* SPDX-License-Identifier: Apache-2.0 */
/* How long a guest that crashes waits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <hv/life.h>

static void the_wait_doubles_up_to_a_bound(void **state)
{
	uint32_t ms = 0, want = 100;

	for (unsigned i = 0; i < 100; i++) {
		ms = life_backoff_ms(ms, 0);
		assert_int_equal(ms, want);
		want = MIN(2 * want, 10000U);
	}
}

static void a_life_of_a_minute_is_a_new_beginning(void **state)
{
	assert_int_equal(life_backoff_ms(6400, 59), 10000);
	assert_int_equal(life_backoff_ms(6400, 60), 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_wait_doubles_up_to_a_bound),
		cmocka_unit_test(a_life_of_a_minute_is_a_new_beginning),
	};

	return cmocka_run_group_tests_name("life", tests, NULL, NULL);
}
