/* SPDX-License-Identifier: Apache-2.0 */
/* SMCCC as a guest sees it: what firmware has comes through, everything else is not supported. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include <arch/firmware.h>
#include <hv/smccc.h>
#include <spec/psci.h>

#define KEPT UINT64_C(0x1122334455667788)

static struct vcpu vcpu;
static unsigned psci_calls, firmware_calls;

/* What this machine's firmware answers. */
static struct {
	bool smccc;
	uint32_t version;
	int32_t features[5]; /* of SOC_ID, WORKAROUND_1..4 */
	int32_t trng;
	uint64_t last[4]; /* the last call that was not a question */
} fw;

static const uint32_t optional[] = { SMCCC_FN_SOC_ID, SMCCC_FN_WORKAROUND_1, SMCCC_FN_WORKAROUND_2,
				     SMCCC_FN_WORKAROUND_3, SMCCC_FN_WORKAROUND_4 };

static int32_t features(uint32_t fn)
{
	for (unsigned i = 0; i < ARRAY_SIZE(optional); i++)
		if (optional[i] == fn)
			return fw.features[i];
	return -1;
}

void arch_firmware_call(uint64_t regs[4])
{
	firmware_calls++;
	switch (regs[0]) {
	case PSCI_FN_FEATURES:
		assert_int_equal(regs[1], SMCCC_FN_VERSION);
		regs[0] = fw.smccc ? 0 : UINT32_MAX;
		break;
	case SMCCC_FN_VERSION:
		assert_true(fw.smccc);
		regs[0] = fw.version;
		break;
	case SMCCC_FN_ARCH_FEATURES:
		regs[0] = (uint32_t)features((uint32_t)regs[1]);
		break;
	case TRNG_FN_VERSION:
		regs[0] = (uint32_t)fw.trng;
		break;
	default:
		memcpy(fw.last, regs, sizeof(fw.last));
		regs[0] = 7;
	}
	regs[1] = 0xb1;
	regs[2] = 0xb2;
	regs[3] = 0xb3;
}

enum psci_action psci_call(struct vcpu *v, struct guest_regs *r)
{
	assert_ptr_equal(v, &vcpu);
	psci_calls++;
	r->x[0] = 0;
	return PSCI_CPU_OFF;
}

static struct guest_regs regs;

static int64_t call(uint64_t fn, uint64_t a1)
{
	regs = (struct guest_regs){ .x = { fn, a1, KEPT, KEPT, KEPT }, .pc = 1, .pstate = 2 };
	assert_int_equal(smccc_call(&vcpu, &regs), PSCI_RESUME);
	assert_int_equal(regs.x[4], KEPT);
	assert_true(regs.pc == 1 && regs.pstate == 2);
	return (int64_t)regs.x[0];
}

static void with_firmware(bool smccc, uint32_t version, int32_t trng)
{
	memset(&fw, 0, sizeof(fw));
	fw.smccc = smccc;
	fw.version = version;
	fw.trng = trng;
	for (unsigned i = 0; i < ARRAY_SIZE(fw.features); i++)
		fw.features[i] = -1;
	smccc_init();
	firmware_calls = psci_calls = 0;
}

static bool is_named(uint32_t fn)
{
	for (unsigned i = 0; i < ARRAY_SIZE(optional); i++)
		if (fn == optional[i])
			return true;
	return fn == SMCCC_FN_VERSION || fn == SMCCC_FN_ARCH_FEATURES ||
	       (fn >= TRNG_FN_VERSION && fn <= TRNG_FN_RND) || fn == (TRNG_FN_RND | PSCI_FN_64BIT);
}

static void psci_has_its_32_numbers_of_both_widths(void **state)
{
	with_firmware(true, SMCCC_VERSION_1_2, 0);
	for (uint32_t n = 0; n < 64; n++) {
		struct guest_regs r = { .x = { (PSCI_FN_VERSION + n % 32) |
					       n / 32 * PSCI_FN_64BIT } };

		assert_int_equal(smccc_call(&vcpu, &r), PSCI_CPU_OFF);
	}
	assert_int_equal(psci_calls, 64);
	assert_int_equal(firmware_calls, 0);
}

static void what_is_not_named_never_reaches_firmware(void **state)
{
	with_firmware(true, SMCCC_VERSION_1_2, 0);
	/* Every owner and width, fast and yielding, and numbers next to those that there are. */
	for (uint32_t owner = 0; owner < 256; owner++)
		for (uint32_t n = 0; n < 0x10000; n += n < 0x100 ? 1 : 0x7f) {
			uint32_t fn = owner << 24 | n;

			if (is_named(fn) || (fn & 0xbfffffe0) == PSCI_FN_VERSION)
				continue;
			assert_int_equal(call(fn, 0), SMCCC_NOT_SUPPORTED);
			assert_int_equal(call(SMCCC_FN_ARCH_FEATURES, fn), SMCCC_NOT_SUPPORTED);
		}
	assert_int_equal(firmware_calls, 0);
	assert_int_equal(call(SMCCC_FN_ARCH_FEATURES, TRNG_FN_VERSION), SMCCC_NOT_SUPPORTED);
}

static void version_and_features(void **state)
{
	with_firmware(false, 0, 0);
	assert_int_equal(call(SMCCC_FN_VERSION, 0), 0x10002);
	assert_int_equal(call(SMCCC_FN_ARCH_FEATURES, SMCCC_FN_VERSION), 0);
	assert_int_equal(call(SMCCC_FN_ARCH_FEATURES, SMCCC_FN_ARCH_FEATURES), 0);
	assert_int_equal(firmware_calls, 0);
}

static void old_firmware_is_not_asked(void **state)
{
	static const uint32_t versions[] = { 0, 0x10000 };

	for (unsigned old = 0; old < 2; old++) {
		with_firmware(old, versions[old], 0);
		for (unsigned i = 0; i < ARRAY_SIZE(optional); i++) {
			fw.features[i] = 0;
			assert_int_equal(call(SMCCC_FN_ARCH_FEATURES, optional[i]), -1);
			assert_int_equal(call(optional[i], 0), -1);
		}
		assert_int_equal(call(TRNG_FN_VERSION, 0), -1);
		smccc_vcpu_reset();
		assert_int_equal(firmware_calls, 0);
	}
}

static void mitigations_are_as_firmware_has_them(void **state)
{
	for (unsigned i = 0; i < ARRAY_SIZE(optional); i++)
		for (int32_t answer = -2; answer <= 1; answer++) {
			with_firmware(true, SMCCC_VERSION_1_1, -1);
			fw.features[i] = answer;
			assert_int_equal(call(SMCCC_FN_ARCH_FEATURES, optional[i]), answer);
			assert_int_equal(call(optional[i], UINT64_C(0x5500000001)), 7);
			assert_int_equal(fw.last[0], optional[i]);
			assert_int_equal(fw.last[1], 1); /* a 32-bit argument */
			/* What firmware left in other registers is not the guest's. */
			assert_true(regs.x[2] == KEPT && regs.x[3] == KEPT && fw.last[2] == 0);
		}
}

static void random_numbers_come_through_whole(void **state)
{
	with_firmware(true, SMCCC_VERSION_1_1, 0x10000);
	assert_int_equal(call(TRNG_FN_VERSION, 0), 0x10000);
	assert_int_equal(call(TRNG_FN_RND | PSCI_FN_64BIT, 192), 7);
	assert_int_equal(fw.last[0], TRNG_FN_RND | PSCI_FN_64BIT);
	assert_int_equal(fw.last[1], 192);
	assert_true(regs.x[1] == 0xb1 && regs.x[2] == 0xb2 && regs.x[3] == 0xb3);
	with_firmware(true, SMCCC_VERSION_1_1, -1);
	assert_int_equal(call(TRNG_FN_RND, 32), -1);
	assert_int_equal(call(TRNG_FN_VERSION, 0), -1);
	assert_int_equal(firmware_calls, 0);
}

static void a_new_life_has_the_switched_mitigation_on(void **state)
{
	for (int32_t answer = -2; answer <= 1; answer++) {
		with_firmware(true, SMCCC_VERSION_1_1, -1);
		fw.features[2] = answer;
		smccc_vcpu_reset();
		assert_int_equal(fw.last[0], answer == 0 ? SMCCC_FN_WORKAROUND_2 : 0);
		assert_int_equal(fw.last[1], answer == 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(psci_has_its_32_numbers_of_both_widths),
		cmocka_unit_test(what_is_not_named_never_reaches_firmware),
		cmocka_unit_test(version_and_features),
		cmocka_unit_test(old_firmware_is_not_asked),
		cmocka_unit_test(mitigations_are_as_firmware_has_them),
		cmocka_unit_test(random_numbers_come_through_whole),
		cmocka_unit_test(a_new_life_has_the_switched_mitigation_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
