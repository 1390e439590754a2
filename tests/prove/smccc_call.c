/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every call of a guest, with any registers, whatever firmware has and answers: firmware is asked
 * for nothing but what the list here names, and nothing but x0 to x3 changes.
 */
#include "prove.h"

#include "common/vm/smccc.c"

static unsigned asked;

void arch_firmware_call(uint64_t regs[4])
{
	uint32_t fn = (uint32_t)regs[0];

	PROVE(fn == SMCCC_FN_ARCH_FEATURES || fn == SMCCC_FN_SOC_ID ||
		      fn == SMCCC_FN_WORKAROUND_1 || fn == SMCCC_FN_WORKAROUND_2 ||
		      fn == SMCCC_FN_WORKAROUND_3 || fn == SMCCC_FN_WORKAROUND_4 ||
		      (fn & ~PSCI_FN_64BIT) == TRNG_FN_RND ||
		      (fn >= TRNG_FN_VERSION && fn <= TRNG_FN_GET_UUID),
	      "firmware is asked for mitigations, its name and random numbers");
	asked++;
	for (unsigned i = 0; i < 4; i++)
		regs[i] = nondet_u64();
}

enum psci_action psci_call(struct vcpu *vcpu, struct guest_regs *r)
{
	PROVE(((uint32_t)r->x[0] & ~(PSCI_FN_64BIT | 31)) == PSCI_FN_VERSION, "PSCI's number");
	return PSCI_RESUME;
}

void prove(void)
{
	struct guest_regs r, was;
	struct vcpu v;
	uint32_t fn;
	bool trng;

	__CPROVER_havoc_object(&r);
	was = r;
	fn = (uint32_t)r.x[0];
	trng = (fn & ~PSCI_FN_64BIT) == TRNG_FN_RND || fn - TRNG_FN_VERSION < 3;
	firmware.has_arch = nondet_bool();
	firmware.has_trng = firmware.has_arch && nondet_bool();
	PROVE(smccc_call(&v, &r) == PSCI_RESUME, "the guest goes on");
	PROVE(asked <= 1, "firmware is asked once");
	PROVE(firmware.has_arch || !asked, "old firmware is not asked");
	for (unsigned i = 1; i < 31; i++)
		PROVE(r.x[i] == was.x[i] || (trng && i < 4), "other registers stay");
	PROVE(r.pc == was.pc && r.pstate == was.pstate, "nor does the guest move");
}
