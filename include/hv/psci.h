/* SPDX-License-Identifier: Apache-2.0 */
/* PSCI (DEN 0022) for guests. */
#ifndef HV_PSCI_H
#define HV_PSCI_H

#include <hv/vm.h>

/*
 * What the caller does next. PSCI_RESUME: return with x0 set; PSCI_STANDBY: the same, when an
 * interrupt is there for the vCPU. PSCI_POWERDOWN: wait for one, then enter as after CPU_ON, at
 * vcpu->entry with vcpu->context. The others do not return to the guest: this vCPU is off, or the
 * whole guest is, perhaps to start again. PSCI_VM_CRASH: what its on-crash says.
 */
enum psci_action {
	PSCI_RESUME,
	PSCI_STANDBY,
	PSCI_POWERDOWN,
	PSCI_CPU_OFF,
	PSCI_VM_OFF,
	PSCI_VM_RESET,
	PSCI_VM_CRASH,
};

/* x0 is one of PSCI's 32 numbers, of either width: smccc_call() looks at that. */
enum psci_action psci_call(struct vcpu *vcpu, struct guest_regs *regs);

#endif
