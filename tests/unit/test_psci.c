/* SPDX-License-Identifier: Apache-2.0 */
/* PSCI as a guest sees it: which functions there are, and what they answer. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include <hv/gic.h>
#include <hv/irq.h>
#include <hv/psci.h>
#include <spec/psci.h>

#define RAM 0x40000000

static struct vm vm = { .name = "alpha", .vcpu_count = 2 };
static struct vcpu vcpu[2] = { { .vm = &vm }, { .vm = &vm } };
static const struct vcpu *kicked;

bool vm_ram_pa(const struct vm *v, ipa_t ipa, uint64_t size, pa_t *pa)
{
	(void)v;
	*pa = PA(ipa.v);
	return ipa.v >= RAM && ipa.v + size <= RAM + 0x1000000;
}

void vcpu_kick(const struct vcpu *from, const struct vcpu *to)
{
	assert_ptr_equal(from, &vcpu[0]);
	kicked = to;
}

static enum psci_action action;

static int64_t call(uint64_t fn, uint64_t a, uint64_t b, uint64_t c)
{
	struct guest_regs r = { .x = { fn, a, b, c } };

	action = psci_call(&vcpu[0], &r);
	return (int64_t)r.x[0];
}

static int begin(void **state)
{
	static struct vcpu *all[2];

	vm.vcpu = all;
	vm.vcpu[0] = &vcpu[0];
	vm.vcpu[1] = &vcpu[1];
	vcpu[0].state = VCPU_ON;
	vcpu[1].state = VCPU_OFF;
	kicked = NULL;
	return 0;
}

static void every_number_is_known_or_not_supported(void **state)
{
	/* 32-bit and 64-bit: DEN 0022 §5.1 */
	static const char *const there = "xxxxx.x.xxx...x...x.............",
				 *const twin = ".x.xx.........x...x.............";

	for (uint32_t n = 0; n < 64; n++) {
		bool has = n < 32 && there[n] == 'x', has64 = n < 32 && twin[n] == 'x';

		assert_int_equal(call(PSCI_FN_FEATURES, PSCI_FN_VERSION + n, 0, 0),
				 has ? 0 : PSCI_NOT_SUPPORTED);
		assert_int_equal(call(PSCI_FN_FEATURES, (PSCI_FN_VERSION + n) | PSCI_FN_64BIT, 0,
				      0),
				 has64 ? 0 : PSCI_NOT_SUPPORTED);
		if (n < 32 && !has)
			assert_int_equal(call(PSCI_FN_VERSION + n, 0, 0, 0), PSCI_NOT_SUPPORTED);
		if (n < 32 && !has64)
			assert_int_equal(call((PSCI_FN_VERSION + n) | PSCI_FN_64BIT, 0, 0, 0),
					 PSCI_NOT_SUPPORTED);
		assert_int_equal(action, PSCI_RESUME);
	}
	assert_int_equal(call(PSCI_FN_FEATURES, SMCCC_FN_VERSION, 0, 0), 0);
	assert_int_equal(call(PSCI_FN_FEATURES, 0xc0000000, 0, 0), PSCI_NOT_SUPPORTED);
	assert_int_equal(call(PSCI_FN_FEATURES, 0, 0, 0), PSCI_NOT_SUPPORTED);
	assert_int_equal(call(PSCI_FN_FEATURES, 0x04000003, 0, 0), PSCI_NOT_SUPPORTED);
}

static void versions_and_constants(void **state)
{
	assert_int_equal(call(PSCI_FN_VERSION, 0, 0, 0), 0x10001);
	assert_int_equal(call(PSCI_FN_MIGRATE_INFO, 0, 0, 0), 2);
}

#define SUSPEND        (PSCI_FN_CPU_SUSPEND | PSCI_FN_64BIT)
#define SYSTEM_SUSPEND (PSCI_FN_SYSTEM_SUSPEND | PSCI_FN_64BIT)

/* DEN 0022 §5.4.2: the entry point is for powerdown states only. */
static void cpu_suspend_waits_as_its_state_says(void **state)
{
	for (uint64_t level = 0; level < 4; level++) {
		assert_int_equal(call(SUSPEND, level << 24 | 0xffff, 1, 2), PSCI_SUCCESS);
		assert_int_equal(action, PSCI_STANDBY);
		vcpu[0].entry = vcpu[0].context = 0;
		call(SUSPEND, level << 24 | 0x10000, RAM + 8, UINT64_C(0x1234567887654321));
		assert_int_equal(action, PSCI_POWERDOWN);
		assert_int_equal(vcpu[0].entry, RAM + 8);
		assert_int_equal(vcpu[0].context, 0x1234567887654321);
	}
	call(PSCI_FN_CPU_SUSPEND, 0x10000, UINT64_C(0xf00000000) | RAM, UINT64_MAX);
	assert_int_equal(action, PSCI_POWERDOWN);
	assert_int_equal(vcpu[0].entry, RAM);
	assert_int_equal(vcpu[0].context, UINT32_MAX);
}

static void cpu_suspend_refuses(void **state)
{
	vcpu[0].entry = 4711;
	for (unsigned bit = 0; bit < 32; bit++) {
		bool reserved = bit > 25 || (bit > 16 && bit < 24);

		if (!reserved)
			continue;
		assert_int_equal(call(SUSPEND, UINT64_C(1) << bit, RAM, 0), PSCI_INVALID);
		assert_int_equal(action, PSCI_RESUME);
		assert_int_equal(call(SUSPEND, UINT64_C(1) << bit | 0x10000, RAM, 0), PSCI_INVALID);
		assert_int_equal(action, PSCI_RESUME);
	}
	assert_int_equal(call(SUSPEND, 0x10000, RAM - 4, 0), PSCI_INVALID_ADDRESS);
	assert_int_equal(action, PSCI_RESUME);
	assert_int_equal(call(SUSPEND, 0x10000, RAM + 2, 0), PSCI_INVALID_ADDRESS);
	assert_int_equal(call(SYSTEM_SUSPEND, RAM + 1, 0, 0), PSCI_INVALID_ADDRESS);
	assert_int_equal(action, PSCI_RESUME);
	assert_int_equal(vcpu[0].entry, 4711);
}

static void the_system_suspends_with_its_last_vcpu(void **state)
{
	for (unsigned s = 0; s < VCPU_STATES; s++) {
		vcpu[1].state = (enum vcpu_state)s;
		if (s == VCPU_OFF)
			continue;
		assert_int_equal(call(SYSTEM_SUSPEND, RAM, 0, 0), PSCI_DENIED);
		assert_int_equal(action, PSCI_RESUME);
	}
	vcpu[1].state = VCPU_OFF;
	call(SYSTEM_SUSPEND, RAM + 4, 5, 6);
	assert_int_equal(action, PSCI_POWERDOWN);
	assert_int_equal(vcpu[0].entry, RAM + 4);
	assert_int_equal(vcpu[0].context, 5);
}

/* PSCI has no word for it: a suspended vCPU is on. */
static void a_suspended_vcpu_is_on(void **state)
{
	vcpu[1].state = VCPU_SUSPENDED;
	assert_int_equal(call(PSCI_FN_CPU_ON | PSCI_FN_64BIT, 1, RAM, 0), PSCI_ALREADY_ON);
	assert_int_equal(call(PSCI_FN_AFFINITY_INFO, 1, 0, 0), PSCI_AFFINITY_ON);
	assert_null(kicked);
}

static void ends(void **state)
{
	call(PSCI_FN_CPU_OFF, 0, 0, 0);
	assert_int_equal(action, PSCI_CPU_OFF);
	call(PSCI_FN_SYSTEM_OFF, 0, 0, 0);
	assert_int_equal(action, PSCI_VM_OFF);
	call(PSCI_FN_SYSTEM_RESET, 0, 0, 0);
	assert_int_equal(action, PSCI_VM_RESET);
	/* DEN 0022 §5.13: the warm reset only; a 64-bit call has a 32-bit type. */
	call(PSCI_FN_SYSTEM_RESET2, 0, 0, 0);
	assert_int_equal(action, PSCI_VM_CRASH);
	call(PSCI_FN_SYSTEM_RESET2 | PSCI_FN_64BIT, 0, 4711, 0);
	assert_int_equal(action, PSCI_VM_CRASH);
	assert_int_equal(call(PSCI_FN_SYSTEM_RESET2, 1, 0, 0), PSCI_INVALID);
	assert_int_equal(call(PSCI_FN_SYSTEM_RESET2, 0x80000000, 0, 0), PSCI_INVALID);
	assert_int_equal(action, PSCI_RESUME);
}

static void cpu_on_starts_once(void **state)
{
	uint64_t on = PSCI_FN_CPU_ON | PSCI_FN_64BIT, info = PSCI_FN_AFFINITY_INFO | PSCI_FN_64BIT;

	assert_int_equal(call(info, 1, 0, 0), 1);
	assert_int_equal(call(on, 1, RAM + 0x100, UINT64_C(0x1234567887654321)), 0);
	assert_ptr_equal(kicked, &vcpu[1]);
	assert_int_equal(vcpu[1].entry, RAM + 0x100);
	assert_int_equal(vcpu[1].context, 0x1234567887654321);
	assert_int_equal(call(info, 1, 0, 0), 2);
	assert_int_equal(call(on, 1, RAM + 0x200, 0), PSCI_ON_PENDING);
	assert_int_equal(vcpu[1].entry, RAM + 0x100);
	vcpu[1].state = VCPU_ON;
	assert_int_equal(call(on, 1, RAM, 0), PSCI_ALREADY_ON);
	assert_int_equal(call(info, 1, 0, 0), 0);
	assert_int_equal(call(info, 0, 0, 0), 0);
}

static void bad_arguments(void **state)
{
	uint64_t on = PSCI_FN_CPU_ON | PSCI_FN_64BIT, info = PSCI_FN_AFFINITY_INFO | PSCI_FN_64BIT;

	assert_int_equal(call(on, 2, RAM, 0), PSCI_INVALID);
	assert_int_equal(call(on, 0x80000001, RAM, 0), PSCI_INVALID);
	assert_int_equal(call(on, UINT64_C(0x100000001), RAM, 0), PSCI_INVALID);
	assert_int_equal(call(on, 1, RAM - 4, 0), PSCI_INVALID_ADDRESS);
	assert_int_equal(call(on, 1, RAM + 2, 0), PSCI_INVALID_ADDRESS);
	assert_int_equal(call(info, 2, 0, 0), PSCI_INVALID);
	assert_int_equal(call(info, 1, 1, 0), PSCI_INVALID);
	assert_int_equal(vcpu[1].state, VCPU_OFF);
	assert_null(kicked);
}

static void a_32_bit_call_has_32_bit_arguments(void **state)
{
	assert_int_equal(call(PSCI_FN_CPU_ON, UINT64_C(0xf00000001), UINT64_C(0xf00000000) | RAM,
			      UINT64_MAX),
			 0);
	assert_int_equal(vcpu[1].entry, RAM);
	assert_int_equal(vcpu[1].context, UINT32_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(every_number_is_known_or_not_supported, begin),
		cmocka_unit_test_setup(versions_and_constants, begin),
		cmocka_unit_test_setup(cpu_suspend_waits_as_its_state_says, begin),
		cmocka_unit_test_setup(cpu_suspend_refuses, begin),
		cmocka_unit_test_setup(the_system_suspends_with_its_last_vcpu, begin),
		cmocka_unit_test_setup(a_suspended_vcpu_is_on, begin),
		cmocka_unit_test_setup(ends, begin),
		cmocka_unit_test_setup(cpu_on_starts_once, begin),
		cmocka_unit_test_setup(bad_arguments, begin),
		cmocka_unit_test_setup(a_32_bit_call_has_32_bit_arguments, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
