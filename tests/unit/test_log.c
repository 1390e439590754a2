/* SPDX-License-Identifier: Apache-2.0 */
/* Budgets of log lines: by time, whatever is done in between. Every line left out is counted. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include <host.h>
#include <hv/gic.h>
#include <hv/vm.h>

struct gic gic;

static struct vm vm;

static int begin(void **state)
{
	memset(&vm, 0, sizeof(vm));
	memcpy(vm.name, "alpha", 6);
	vm.log = RATELIMIT(VM_LOG_BURST, VM_LOG_MS);
	vm.alerts = RATELIMIT(VM_ALERT_BURST, VM_ALERT_MS);
	host_log_full = false;
	host_log_clear();
	return 0;
}

static unsigned lines(void)
{
	unsigned n = 0;

	for (const char *s = host_log(); (s = strchr(s, '\n')); s++)
		n++;
	return n;
}

static void a_burst_and_then_one_a_period(void **state)
{
	struct ratelimit r = RATELIMIT(3, 100);
	uint32_t missed = 0;
	unsigned passed = 0;

	for (unsigned i = 0; i < 50; i++)
		passed += ratelimit_pass(&r, &missed);
	assert_int_equal(passed, 3);
	host_time_advance(101000);
	assert_true(ratelimit_pass(&r, &missed));
	assert_int_equal(missed, 47);
	assert_false(ratelimit_pass(&r, &missed));
	/* For an hour: never more than a burst and one a period. */
	passed = 0;
	for (unsigned i = 0; i < 36000; i++) {
		host_time_advance(100000);
		passed += ratelimit_pass(&r, &missed) + ratelimit_pass(&r, &missed);
	}
	assert_in_range(passed, 36000, 36400);
	host_time_advance(UINT64_C(3600000000));
	for (passed = 0; ratelimit_pass(&r, &missed);)
		passed++;
	assert_int_equal(passed, 3);
}

static void without_a_burst_nothing_passes(void **state)
{
	struct ratelimit r = { 0 };
	uint32_t missed;

	assert_false(ratelimit_pass(&r, &missed));
}

static void a_flood_is_cut_and_counted(void **state)
{
	for (unsigned i = 0; i < 10000; i++)
		vm_log(&vm, "noise %u", i);
	assert_int_equal(lines(), VM_LOG_BURST);
	host_time_advance(VM_LOG_MS * 1000);
	host_log_clear();
	vm_log(&vm, "again");
	assert_string_equal(host_log(), "alpha: again (before it 9968 lines were not printed)\n");
}

/* What says that a guest was contained has a budget of its own. */
static void noise_does_not_blind_alerts(void **state)
{
	for (unsigned i = 0; i < 10000; i++)
		vm_log(&vm, "noise");
	host_log_full = true; /* of what guests may fill */
	host_log_clear();
	vm_alert(&vm, LOG_ERR, "stopped");
	assert_string_equal(host_log(), "alpha: stopped\n");
	for (unsigned i = 0; i < 10000; i++)
		vm_alert(&vm, LOG_INFO, "starts again");
	assert_int_equal(lines(), VM_ALERT_BURST);
}

static void a_full_log_counts_as_missed(void **state)
{
	host_log_full = true;
	vm_log(&vm, "a");
	vm_log(&vm, "b");
	host_log_full = false;
	vm_log(&vm, "c");
	assert_string_equal(host_log(), "alpha: c (before it 2 lines were not printed)\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_burst_and_then_one_a_period, begin),
		cmocka_unit_test_setup(without_a_burst_nothing_passes, begin),
		cmocka_unit_test_setup(a_flood_is_cut_and_counted, begin),
		cmocka_unit_test_setup(noise_does_not_blind_alerts, begin),
		cmocka_unit_test_setup(a_full_log_counts_as_missed, begin),
	};

	return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
