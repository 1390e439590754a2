/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The emulated generic watchdog; the virtual GIC is a level, the CPU's timer a deadline, and a
 * crash a count that the test reads.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <host.h>
#include <hv/life.h>
#include <hv/plan.h>
#include <hv/pmem.h>
#include <hv/timer.h>
#include <hv/vwatchdog.h>
#include <spec/sbsa_watchdog.h>

#define VINTID  41
#define CNTVOFF 5000 /* the guest's counter began that much later */
#define REFRESH (WDT_FRAME + WDT_WRR)

static struct vm vm = { .name = "alpha", .cntvoff = CNTVOFF };
static struct vcpu vcpu = { .vm = &vm };
static emul_fn *access_fn;
static void *access_arg;
static bool level;
static unsigned crashes;
static uint64_t due;

uint64_t arch_time_ticks(void);

enum hv_status vm_emulate(struct vm *v, ipa_t base, uint64_t size, emul_fn *fn, void *arg,
			  uint8_t *kind)
{
	assert_ptr_equal(v, &vm);
	assert_int_equal(base.v, GUEST_WATCHDOG_BASE);
	assert_int_equal(size, 2 * WDT_FRAME);
	assert_null(kind);
	access_fn = fn;
	access_arg = arg;
	return HV_OK;
}

void vgic_set_level(struct vm *v, struct vcpu *cur, uint32_t vintid, bool l)
{
	assert_ptr_equal(v, &vm);
	assert_true(!cur || cur == &vcpu);
	assert_int_equal(vintid, VINTID);
	level = l;
}

void life_crash(struct vm *v)
{
	assert_ptr_equal(v, &vm);
	crashes++;
}

void vm_alert(struct vm *v, enum log_level l, const char *fmt, ...) { (void)v, (void)l, (void)fmt; }

static void set_timer(enum cpu_timer which, uint64_t at)
{
	assert_int_equal(which, TIMER_WATCHDOG);
	due = at;
}

static uint64_t access_sized(uint64_t off, uint8_t size, bool write, uint64_t value)
{
	struct mmio_access m = { .off = off, .size = size, .write = write, .value = value };

	assert_int_equal(access_fn(&vcpu, access_arg, &m), EMUL_OK);
	return m.value;
}

static uint32_t get(uint64_t off) { return (uint32_t)access_sized(off, 4, false, 0); }

static uint64_t get64(uint64_t off) { return access_sized(off, 8, false, 0); }

static void set(uint64_t off, uint32_t v) { access_sized(off, 4, true, v); }

/* The guest's counter. */
static uint64_t now(void) { return arch_time_ticks() - CNTVOFF; }

static int begin(void **state)
{
	host_time_advance(CNTVOFF);
	vwatchdog_reset(vm.vwatchdog);
	crashes = 0;
	due = TIMER_NEVER;
	return 0;
}

static void let_time_come(void)
{
	assert_int_not_equal(due, TIMER_NEVER);
	if (due > arch_time_ticks())
		host_time_advance(due - arch_time_ticks());
	vwatchdog_timer(&vcpu);
}

static void start(uint64_t offset)
{
	access_sized(WDT_WOR, 8, true, offset);
	set(WDT_WCS, WCS_EN);
}

static void reset_values(void **state)
{
	for (uint64_t off = 0; off < 2 * WDT_FRAME; off += 4)
		assert_int_equal(get(off), (off & 0xfff) == WDT_IIDR ? 0x10000 : 0);
	assert_int_equal(due, TIMER_NEVER);
}

static void registers_keep_the_bits_that_they_have(void **state)
{
	access_sized(WDT_WOR, 8, true, UINT64_MAX);
	assert_int_equal(get64(WDT_WOR), UINT64_C(0xffffffffffff));
	assert_int_equal(get(WDT_WOR), UINT32_MAX);
	assert_int_equal(get(WDT_WOR + 4), 0xffff);
	set(WDT_WOR, 0x12345678);
	assert_int_equal(get64(WDT_WOR), UINT64_C(0xffff12345678));
	set(WDT_WOR + 4, 0xabcd0001);
	assert_int_equal(get64(WDT_WOR), UINT64_C(0x000112345678));
	set(WDT_WCV, 0x9abcdef0);
	set(WDT_WCV + 4, 0x12345678);
	assert_int_equal(get64(WDT_WCV), UINT64_C(0x123456789abcdef0));
	set(WDT_WCS, UINT32_MAX);
	assert_int_equal(get(WDT_WCS), WCS_EN);
	set(WDT_IIDR, 0);
	assert_int_equal(get(WDT_IIDR), 0x10000);
}

static void the_first_timeout_interrupts_and_the_second_crashes(void **state)
{
	start(1000);
	assert_int_equal(get64(WDT_WCV), now() + 1000);
	host_time_advance(1000); /* the counter must be greater than the compare value */
	assert_int_equal(get(WDT_WCS), WCS_EN);
	let_time_come();
	assert_true(level);
	assert_int_equal(get(WDT_WCS), WCS_EN | WCS_WS0);
	assert_int_equal(crashes, 0);
	assert_int_equal(get64(WDT_WCV), now() + 1000);
	let_time_come();
	assert_int_equal(crashes, 1);
	assert_int_equal(get(WDT_WCS), WCS_EN | WCS_WS0 | WCS_WS1);
	assert_int_equal(due, TIMER_NEVER); /* once */
	/* Too late, from whichever vCPU. */
	set(REFRESH, 0);
	set(WDT_WCS, 0);
	access_sized(WDT_WCV, 8, true, 0);
	vwatchdog_timer(&vcpu);
	assert_int_equal(get(WDT_WCS), WCS_EN | WCS_WS0 | WCS_WS1);
	assert_int_equal(crashes, 1);
}

static void each_of_these_is_a_refresh(void **state)
{
	static const uint64_t offs[] = { REFRESH, WDT_WOR, WDT_WOR + 4, WDT_WCS };

	for (unsigned i = 0; i < ARRAY_SIZE(offs); i++) {
		vwatchdog_reset(vm.vwatchdog);
		start(1000);
		let_time_come();
		assert_true(level);
		host_time_advance(100);
		set(offs[i], offs[i] == WDT_WOR + 4 ? 0 : 1001);
		assert_false(level);
		assert_int_equal(get(WDT_WCS), WCS_EN);
		assert_int_equal(get64(WDT_WCV), now() + get64(WDT_WOR));
		host_time_advance(1000);
		vwatchdog_timer(&vcpu);
		assert_int_equal(crashes, 0);
	}
}

static void who_refreshes_in_time_lives(void **state)
{
	start(1000);
	for (unsigned i = 0; i < 100; i++) {
		host_time_advance(900);
		vwatchdog_timer(&vcpu); /* a deadline of another CPU, or an old one */
		set(REFRESH, i);
	}
	assert_int_equal(crashes, 0);
	assert_false(level);
}

static void a_compare_value_that_is_written_counts(void **state)
{
	start(1000);
	access_sized(WDT_WCV, 8, true, now() + 50);
	assert_int_equal(due, arch_time_ticks() + 51);
	let_time_come();
	assert_true(level);
	access_sized(WDT_WCV, 8, true, UINT64_MAX); /* no refresh, and for ever */
	assert_true(level);
	assert_int_equal(due, TIMER_NEVER);
	host_time_advance(1000000);
	vwatchdog_timer(&vcpu);
	assert_int_equal(crashes, 0);
}

static void giant_values_do_not_wrap(void **state)
{
	start(UINT64_MAX);
	assert_int_equal(due, arch_time_ticks() + UINT64_C(0x1000000000000));
	access_sized(WDT_WCV, 8, true, UINT64_MAX - 1);
	assert_int_equal(due, TIMER_NEVER);
	vwatchdog_timer(&vcpu);
	assert_int_equal(get(WDT_WCS), WCS_EN);
}

static void no_offset_at_all_is_a_crash_in_two_steps(void **state)
{
	start(0);
	host_time_advance(1);
	vwatchdog_timer(&vcpu);
	assert_int_equal(crashes, 0);
	host_time_advance(1);
	vwatchdog_timer(&vcpu);
	assert_int_equal(crashes, 1);
	assert_int_equal(due, TIMER_NEVER);
}

static void disabled_it_does_nothing(void **state)
{
	start(1000);
	let_time_come();
	set(WDT_WCS, 0);
	assert_false(level);
	assert_int_equal(due, TIMER_NEVER);
	host_time_advance(100000);
	vwatchdog_timer(&vcpu);
	assert_int_equal(get(WDT_WCS), 0);
	assert_int_equal(crashes, 0);
}

/* A stopped guest, and the next life: nothing of the watchdog is left. */
static void a_reset_disables_it(void **state)
{
	start(1000);
	let_time_come();
	vwatchdog_reset(vm.vwatchdog);
	assert_false(level);
	host_time_advance(100000);
	vwatchdog_timer(&vcpu); /* its deadline is over nevertheless */
	assert_int_equal(crashes, 0);
	assert_int_equal(get64(WDT_WOR), 0);
	assert_int_equal(get64(WDT_WCV), 0);
}

/* The guest looks before the CPU's timer has interrupted. */
static void a_look_sees_what_the_time_is(void **state)
{
	start(1000);
	host_time_advance(1001);
	assert_int_equal(get(WDT_WCS), WCS_EN | WCS_WS0);
	assert_true(level);
}

static void bytes_and_halfwords_are_nothing(void **state)
{
	start(1000);
	access_sized(WDT_WCS, 1, true, 0);
	access_sized(WDT_WCS, 2, true, 0);
	access_sized(REFRESH, 2, true, 0);
	assert_int_equal(get(WDT_WCS), WCS_EN);
	assert_int_equal(access_sized(WDT_WOR, 2, false, 0), 0);
	assert_int_equal(access_sized(WDT_WOR, 1, false, 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(reset_values, begin),
		cmocka_unit_test_setup(registers_keep_the_bits_that_they_have, begin),
		cmocka_unit_test_setup(the_first_timeout_interrupts_and_the_second_crashes, begin),
		cmocka_unit_test_setup(each_of_these_is_a_refresh, begin),
		cmocka_unit_test_setup(who_refreshes_in_time_lives, begin),
		cmocka_unit_test_setup(a_compare_value_that_is_written_counts, begin),
		cmocka_unit_test_setup(giant_values_do_not_wrap, begin),
		cmocka_unit_test_setup(no_offset_at_all_is_a_crash_in_two_steps, begin),
		cmocka_unit_test_setup(disabled_it_does_nothing, begin),
		cmocka_unit_test_setup(a_reset_disables_it, begin),
		cmocka_unit_test_setup(a_look_sees_what_the_time_is, begin),
		cmocka_unit_test_setup(bytes_and_halfwords_are_nothing, begin),
	};

	void *arena = aligned_alloc(MIB(2), MIB(2));
	int failed;

	host_time_step(0);
	timer_on_hardware(set_timer);
	pmem_reset();
	pmem_add((struct range){ (uintptr_t)arena, MIB(2) });
	if (vwatchdog_init(&vm, IPA(GUEST_WATCHDOG_BASE), VINTID) != HV_OK || !vm.vwatchdog)
		return 1;
	failed = cmocka_run_group_tests_name("vwatchdog", tests, NULL, NULL);
	free(arena);
	return failed;
}
