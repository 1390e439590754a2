/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every PSCI call of a guest with two vCPUs in any states. Assumed: what smccc.c checked, that the
 * number is one of PSCI's.
 */
#include "prove.h"

#include "common/vm/psci.c"
#include "common/vm/state.c"

static bool is_ram, kicked;
static uint64_t asked;

bool vm_ram_pa(const struct vm *vm, ipa_t ipa, uint64_t size, pa_t *pa)
{
	PROVE(size == 4, "a whole instruction is looked at");
	asked = ipa.v;
	return is_ram;
}

void vcpu_kick(const struct vcpu *from, const struct vcpu *to)
{
	kicked = true;
}

void prove(void)
{
	struct vcpu v[2], was[2], *list[2] = { &v[0], &v[1] };
	struct vm vm = { .vcpu_count = 2, .vcpu = list };
	enum psci_action action;
	struct guest_regs r;
	bool turned_on = false;

	__CPROVER_havoc_object(&r);
	__CPROVER_havoc_object(v);
	for (unsigned i = 0; i < 2; i++) {
		ASSUME(v[i].state <= VCPU_SUSPENDED);
		v[i].vm = &vm;
		v[i].index = (uint16_t)i;
		was[i] = v[i];
	}
	ASSUME(((uint32_t)r.x[0] & ~(PSCI_FN_64BIT | PSCI_FN_MASK)) == PSCI_FN_VERSION);
	is_ram = nondet_bool();
	action = psci_call(&v[0], &r);
	for (unsigned i = 0; i < 2; i++) {
		bool changed = v[i].state != was[i].state;

		PROVE(!changed || (was[i].state == VCPU_OFF && v[i].state == VCPU_ON_PENDING),
		      "a call turns on what is off, and changes no other state");
		PROVE(changed || (i == 0 && action == PSCI_POWERDOWN) ||
			      (v[i].entry == was[i].entry && v[i].context == was[i].context),
		      "the entry point of what is not off stays");
		PROVE(!changed || (is_ram && v[i].entry == asked && !(asked & 3)),
		      "a vCPU starts in RAM, aligned");
		turned_on = turned_on || changed;
	}
	PROVE(action != PSCI_POWERDOWN || (is_ram && v[0].entry == asked && !(asked & 3)),
	      "a powered down vCPU wakes up in RAM, aligned");
	PROVE(turned_on == kicked, "who is turned on is woken");
	PROVE(!turned_on || (action == PSCI_RESUME && r.x[0] == PSCI_SUCCESS), "and said so");
}
