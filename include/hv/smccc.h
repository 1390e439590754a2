/* SPDX-License-Identifier: Apache-2.0 */
/* Calls of guests by the SMC Calling Convention (DEN 0028): PSCI, and what firmware offers. */
#ifndef HV_SMCCC_H
#define HV_SMCCC_H

#include <hv/psci.h>

/* Asks this machine's firmware what it has. Boot only, boot CPU. */
void smccc_init(void);
/* Puts the mitigation that a guest may switch (WORKAROUND_2) of this CPU on, as after reset. */
void smccc_vcpu_reset(void);
/*
 * Performs a call with immediate 0 from `vcpu`, on its CPU. `r` holds arguments and results: x0 is
 * the function, then the result (SMCCC_NOT_SUPPORTED for an unknown function). x1..x3 change for
 * random numbers only. Takes no lock, and as long as firmware takes.
 */
enum psci_action smccc_call(struct vcpu *vcpu, struct guest_regs *r);

#endif
