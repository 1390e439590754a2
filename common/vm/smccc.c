/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls of guests by the SMC Calling Convention (DEN 0028), HVC and SMC alike. PSCI is psci.c's;
 * the rest is answered here: mitigations, SoC identification and random numbers as the firmware of
 * this machine has them, everything else is not supported. A guest's vCPU is pinned, so what
 * firmware answers and does is right for the CPU that asks, and concerns no other guest.
 */
#include <arch/firmware.h>
#include <hv/bits.h>
#include <hv/smccc.h>
#include <spec/psci.h>

static struct {
	bool has_arch; /* SMCCC 1.1 or newer: the functions of the Arm architecture */
	bool has_trng;
} firmware __ro_after_boot;

/* What this leaves is SMCCC_FN_VERSION for fast calls of the architecture and standard services. */
#define SMCCC_OWNERS 0xbb000000U

static int64_t firmware_call(uint32_t fn, uint64_t a1)
{
	uint64_t regs[4] = { fn, a1 };

	arch_firmware_call(regs);
	return (int32_t)regs[0]; /* all functions here are 32-bit calls */
}

void smccc_init(void)
{
	firmware.has_arch = firmware_call(PSCI_FN_FEATURES, SMCCC_FN_VERSION) >= 0 &&
			    firmware_call(SMCCC_FN_VERSION, 0) >= SMCCC_VERSION_1_1;
	firmware.has_trng = firmware.has_arch && firmware_call(TRNG_FN_VERSION, 0) >= 0;
}

void smccc_vcpu_reset(void)
{
	/* 0: required, and switched by the guest. */
	if (firmware.has_arch && firmware_call(SMCCC_FN_ARCH_FEATURES, SMCCC_FN_WORKAROUND_2) == 0)
		firmware_call(SMCCC_FN_WORKAROUND_2, 1);
}

/* DEN 0028 §7.3: 0 or more where there is such a function. */
static int64_t arch_features(uint32_t fn)
{
	switch (fn) {
	case SMCCC_FN_VERSION:
	case SMCCC_FN_ARCH_FEATURES:
		return SMCCC_SUCCESS;
	case SMCCC_FN_SOC_ID:
	case SMCCC_FN_WORKAROUND_1:
	case SMCCC_FN_WORKAROUND_2:
	case SMCCC_FN_WORKAROUND_3:
	case SMCCC_FN_WORKAROUND_4:
		return firmware.has_arch ? firmware_call(SMCCC_FN_ARCH_FEATURES, fn) :
					   SMCCC_NOT_SUPPORTED;
	}
	return SMCCC_NOT_SUPPORTED;
}

/* Random numbers, Arm DEN 0098: all four results are the guest's. */
static int64_t trng_call(struct guest_regs *r)
{
	if (!firmware.has_trng)
		return SMCCC_NOT_SUPPORTED;
	arch_firmware_call(r->x);
	return (int64_t)r->x[0];
}

static __cold int64_t other_call(struct guest_regs *r)
{
	uint32_t fn = (uint32_t)r->x[0], arg = (uint32_t)r->x[1];

	switch (fn) {
	case SMCCC_FN_VERSION:
		return SMCCC_VERSION_1_2;
	case SMCCC_FN_ARCH_FEATURES:
		return arch_features(arg);
	case SMCCC_FN_SOC_ID:
	case SMCCC_FN_WORKAROUND_1:
	case SMCCC_FN_WORKAROUND_2:
	case SMCCC_FN_WORKAROUND_3:
	case SMCCC_FN_WORKAROUND_4:
		return firmware.has_arch ? firmware_call(fn, arg) : SMCCC_NOT_SUPPORTED;
	case TRNG_FN_VERSION:
	case TRNG_FN_FEATURES:
	case TRNG_FN_GET_UUID:
	case TRNG_FN_RND:
	case TRNG_FN_RND | PSCI_FN_64BIT:
		return trng_call(r);
	}
	return SMCCC_NOT_SUPPORTED;
}

enum psci_action smccc_call(struct vcpu *vcpu, struct guest_regs *r)
{
	uint32_t fn = (uint32_t)r->x[0];
	int64_t result = SMCCC_NOT_SUPPORTED;

	if ((fn & ~(PSCI_FN_64BIT | PSCI_FN_MASK)) == PSCI_FN_VERSION)
		return psci_call(vcpu, r);
	if ((fn & SMCCC_OWNERS) == SMCCC_FN_VERSION)
		result = other_call(r);
	r->x[0] = (uint64_t)result;
	return PSCI_RESUME;
}
