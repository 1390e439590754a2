/* SPDX-License-Identifier: Apache-2.0 */
/* The emulated PL031. The virtual GIC is a level, the timer a deadline that the test reads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <host.h>
#include <hv/plan.h>
#include <hv/pmem.h>
#include <hv/timer.h>
#include <hv/vrtc.h>
#include <spec/pl031.h>

#define EPOCH  1700000000U
#define SECOND UINT64_C(1000000) /* ticks of the host's clock */
#define VINTID 40

static struct vm vm = { .name = "alpha" };
static struct vcpu vcpu = { .vm = &vm };
static emul_fn *access_fn;
static void *access_arg;
static bool level;
static uint64_t due, boot_ticks;

uint64_t arch_time_ticks(void);

enum hv_status vm_emulate(struct vm *v, ipa_t base, uint64_t size, emul_fn *fn, void *arg,
			  uint8_t *kind)
{
	assert_ptr_equal(v, &vm);
	assert_int_equal(base.v, GUEST_RTC_BASE);
	assert_int_equal(size, PAGE_SIZE);
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

static void set_timer(enum cpu_timer which, uint64_t at)
{
	assert_int_equal(which, TIMER_RTC);
	due = at;
}

static uint64_t access_sized(uint64_t off, uint8_t size, bool write, uint64_t value)
{
	struct mmio_access m = { .off = off, .size = size, .write = write, .value = value };

	assert_int_equal(access_fn(&vcpu, access_arg, &m), EMUL_OK);
	return m.value;
}

static uint32_t get(uint64_t off) { return (uint32_t)access_sized(off, 4, false, 0); }

static void set(uint64_t off, uint32_t v) { access_sized(off, 4, true, v); }

static int begin(void **state)
{
	vrtc_reset(vm.vrtc);
	vrtc_set_time(EPOCH);
	boot_ticks = arch_time_ticks();
	due = TIMER_NEVER;
	return 0;
}

/* What the CPU's timer does when its deadline is over. */
static void let_time_come(void)
{
	assert_int_not_equal(due, TIMER_NEVER);
	assert_true(due > arch_time_ticks());
	host_time_advance(due - arch_time_ticks());
	vrtc_timer(&vcpu);
}

static void identification_is_a_pl031(void **state)
{
	static const uint8_t want[] = { 0x31, 0x10, 0x04, 0x00, 0x0d, 0xf0, 0x05, 0xb1 };

	for (unsigned i = 0; i < 8; i++)
		assert_int_equal(get(0xfe0 + 4 * i), want[i]);
}

static void the_time_goes_on_by_seconds(void **state)
{
	assert_int_equal(get(PL031_DR), EPOCH);
	host_time_advance(999999);
	assert_int_equal(get(PL031_DR), EPOCH);
	host_time_advance(1);
	assert_int_equal(get(PL031_DR), EPOCH + 1);
	host_time_advance(100 * SECOND);
	assert_int_equal(get(PL031_DR), EPOCH + 101);
}

static void reset_values_and_what_can_be_written(void **state)
{
	static const struct {
		uint32_t off, reset, ones;
	} rows[] = {
		{ PL031_MR, 0, ~0U }, { PL031_CR, 1, 1 },
		{ PL031_IMSC, 0, 1 }, { PL031_RIS, 0, 0 },
		{ PL031_MIS, 0, 0 },  { PL031_ICR, 0, 0 },
		{ 0x020, 0, 0 },      { 0xfdc, 0, 0 },
		{ PL031_LR, 0, ~0U }, /* last: then the time is another one */
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_int_equal(get(rows[i].off), rows[i].reset);
		set(rows[i].off, ~0U);
		assert_int_equal(get(rows[i].off), rows[i].ones);
		set(rows[i].off, 0);
		assert_int_equal(get(rows[i].off), rows[i].off == PL031_CR);
	}
}

static void a_written_time_is_the_guests_until_its_reset(void **state)
{
	set(PL031_LR, 1000);
	assert_int_equal(get(PL031_DR), 1000);
	assert_int_equal(get(PL031_LR), 1000);
	host_time_advance(5 * SECOND);
	assert_int_equal(get(PL031_DR), 1005);
	set(PL031_DR, 7); /* read-only */
	assert_int_equal(get(PL031_DR), 1005);
	vrtc_reset(vm.vrtc);
	assert_int_equal(get(PL031_DR), EPOCH + 5);
	assert_int_equal(get(PL031_LR), 0);
}

static void the_time_wraps(void **state)
{
	set(PL031_LR, UINT32_MAX);
	host_time_advance(SECOND);
	assert_int_equal(get(PL031_DR), 0);
}

static void an_alarm_interrupts_once_in_its_second(void **state)
{
	set(PL031_MR, EPOCH + 10);
	assert_int_equal(due, TIMER_NEVER); /* masked: nobody is to be woken */
	set(PL031_IMSC, 1);
	assert_int_equal(due, boot_ticks + 10 * SECOND);
	assert_false(level);
	let_time_come();
	assert_true(level);
	assert_int_equal(get(PL031_RIS), 1);
	assert_int_equal(get(PL031_MIS), 1);
	assert_int_equal(get(PL031_DR), EPOCH + 10);
	set(PL031_ICR, 1);
	assert_false(level);
	assert_int_equal(get(PL031_RIS), 0);
	assert_int_equal(due, TIMER_NEVER);
	host_time_advance(SECOND);
	assert_int_equal(get(PL031_RIS), 0);
}

static void a_masked_alarm_is_seen_in_the_status(void **state)
{
	set(PL031_MR, EPOCH + 3);
	host_time_advance(3 * SECOND - 1);
	assert_int_equal(get(PL031_RIS), 0);
	host_time_advance(1);
	assert_int_equal(get(PL031_RIS), 1);
	assert_int_equal(get(PL031_MIS), 0);
	assert_false(level);
	set(PL031_IMSC, 1);
	assert_true(level);
	set(PL031_IMSC, 0);
	assert_false(level);
}

static void an_alarm_of_this_second_comes_at_once(void **state)
{
	set(PL031_IMSC, 1);
	set(PL031_MR, EPOCH);
	assert_true(level);
}

/* The time before the alarm is another one then: it comes sooner, later, or after 2^32 s. */
static void a_written_time_moves_the_alarm(void **state)
{
	set(PL031_IMSC, 1);
	set(PL031_MR, EPOCH + 100);
	set(PL031_LR, EPOCH + 98);
	assert_int_equal(due, boot_ticks + 2 * SECOND);
	set(PL031_LR, EPOCH + 101);
	assert_int_equal(due, boot_ticks + UINT32_MAX * SECOND);
	set(PL031_LR, EPOCH + 100);
	assert_true(level);
}

/* Another CPU moved the alarm: the deadline of this one is over and means nothing. */
static void a_deadline_that_is_not_the_alarms_does_nothing(void **state)
{
	set(PL031_IMSC, 1);
	set(PL031_MR, EPOCH + 10);
	due = 1234;
	host_time_advance(5 * SECOND);
	vrtc_timer(&vcpu);
	assert_false(level);
	assert_int_equal(due, 1234);
}

static void a_reset_takes_the_alarm_back(void **state)
{
	set(PL031_IMSC, 1);
	set(PL031_MR, EPOCH + 1);
	vrtc_reset(vm.vrtc);
	host_time_advance(2 * SECOND);
	vrtc_timer(&vcpu);
	assert_false(level);
	set(PL031_IMSC, 1);
	assert_false(level);
	set(PL031_MR, EPOCH + 2);
	assert_true(level);
	vrtc_reset(vm.vrtc);
	assert_false(level);
}

static void other_widths(void **state)
{
	set(PL031_MR, 0x11223344);
	assert_int_equal(access_sized(PL031_MR, 2, false, 0) & 0xffff, 0x3344);
	assert_int_equal(access_sized(PL031_MR + 3, 1, false, 0) & 0xff, 0x11);
	assert_int_equal(access_sized(PL031_DR, 8, false, 0), EPOCH);
	access_sized(PL031_MR, 1, true, 0);
	access_sized(PL031_MR, 2, true, 0);
	access_sized(PL031_DR, 8, true, UINT64_C(5) << 32);
	access_sized(PL031_LR, 8, true, 5);
	assert_int_equal(get(PL031_MR), 0x11223344);
	assert_int_equal(get(PL031_DR), EPOCH);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(identification_is_a_pl031, begin),
		cmocka_unit_test_setup(the_time_goes_on_by_seconds, begin),
		cmocka_unit_test_setup(reset_values_and_what_can_be_written, begin),
		cmocka_unit_test_setup(a_written_time_is_the_guests_until_its_reset, begin),
		cmocka_unit_test_setup(the_time_wraps, begin),
		cmocka_unit_test_setup(an_alarm_interrupts_once_in_its_second, begin),
		cmocka_unit_test_setup(a_masked_alarm_is_seen_in_the_status, begin),
		cmocka_unit_test_setup(an_alarm_of_this_second_comes_at_once, begin),
		cmocka_unit_test_setup(a_written_time_moves_the_alarm, begin),
		cmocka_unit_test_setup(a_deadline_that_is_not_the_alarms_does_nothing, begin),
		cmocka_unit_test_setup(a_reset_takes_the_alarm_back, begin),
		cmocka_unit_test_setup(other_widths, begin),
	};

	void *arena = aligned_alloc(MIB(2), MIB(2));
	int failed;

	host_time_step(0);
	timer_on_hardware(set_timer);
	pmem_reset();
	pmem_add((struct range){ (uintptr_t)arena, MIB(2) });
	if (vrtc_init(&vm, IPA(GUEST_RTC_BASE), VINTID) != HV_OK || !vm.vrtc)
		return 1;
	failed = cmocka_run_group_tests_name("vrtc", tests, NULL, NULL);
	free(arena);
	return failed;
}
