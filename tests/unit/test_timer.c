/* SPDX-License-Identifier: Apache-2.0 */
/* The software timers of one CPU. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <hv/bits.h>
#include <hv/timer.h>

static struct cpu_timers t;

static int begin(void **state)
{
	t = (struct cpu_timers){ 0 };
	return 0;
}

static void nothing_is_due_that_was_not_set(void **state)
{
	assert_int_equal(timers_next(&t), TIMER_NEVER);
	assert_int_equal(timers_expire(&t, UINT64_MAX), 0);
}

static void the_earliest_comes_first(void **state)
{
	timers_set(&t, TIMER_RTC, 300);
	timers_set(&t, TIMER_POLL, 100);
	timers_set(&t, TIMER_WATCHDOG, 200);
	assert_int_equal(timers_next(&t), 100);
	assert_int_equal(timers_expire(&t, 99), 0);
	assert_int_equal(timers_expire(&t, 100), BIT(TIMER_POLL));
	assert_int_equal(timers_next(&t), 200);
	assert_int_equal(timers_expire(&t, 1000), BIT(TIMER_WATCHDOG) | BIT(TIMER_RTC));
	assert_int_equal(timers_next(&t), TIMER_NEVER);
}

static void one_that_is_due_comes_once(void **state)
{
	timers_set(&t, TIMER_RTC, 5);
	assert_int_equal(timers_expire(&t, 5), BIT(TIMER_RTC));
	assert_int_equal(timers_expire(&t, 5), 0);
}

static void setting_again_moves_it_and_never_stops_it(void **state)
{
	timers_set(&t, TIMER_RTC, 5);
	timers_set(&t, TIMER_RTC, 7);
	assert_int_equal(timers_expire(&t, 6), 0);
	timers_set(&t, TIMER_RTC, TIMER_NEVER);
	assert_int_equal(timers_expire(&t, UINT64_MAX), 0);
}

static void the_time_0_is_a_deadline(void **state)
{
	timers_set(&t, TIMER_RTC, 0);
	assert_int_equal(timers_expire(&t, 1), BIT(TIMER_RTC));
}

static void what_is_too_far_away_is_never(void **state)
{
	assert_int_equal(timer_add(1, 2), 3);
	assert_int_equal(timer_add(UINT64_MAX - 1, 2), TIMER_NEVER);
	assert_int_equal(timer_add(TIMER_NEVER, 1), TIMER_NEVER);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(nothing_is_due_that_was_not_set, begin),
		cmocka_unit_test_setup(the_earliest_comes_first, begin),
		cmocka_unit_test_setup(one_that_is_due_comes_once, begin),
		cmocka_unit_test_setup(setting_again_moves_it_and_never_stops_it, begin),
		cmocka_unit_test_setup(the_time_0_is_a_deadline, begin),
		cmocka_unit_test(what_is_too_far_away_is_never),
	};

	return cmocka_run_group_tests_name("timer", tests, NULL, NULL);
}
