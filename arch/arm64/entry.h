/* SPDX-License-Identifier: Apache-2.0 */
/* What the assembly and SGI_STOP call. */
#ifndef ARM64_ENTRY_H
#define ARM64_ENTRY_H

#include <hv/vm.h>

/* head.S */
_Noreturn void start(const void *fdt, uint64_t entry_ticks);
_Noreturn void start_below_el2(const void *fdt);

/* vectors.S, with the frame of the trapped guest: the two frequent classes of synchronous
 * exceptions, and all the others. */
void trap_data_abort(struct guest_regs *r, uint64_t esr, struct vcpu *v);
void trap_hypercall(struct guest_regs *r, uint64_t esr, struct vcpu *v);
void trap_other(struct guest_regs *r, uint64_t esr, struct vcpu *v);
void trap_serror(struct guest_regs *r, uint64_t esr, struct vcpu *v);
void trap_fiq(struct vcpu *v);
/* An SError that EL2 took where it looks for pending ones; it returns there. */
void trap_el2_serror(uint64_t esr);
/* Before a return to the guest while vcpu->vgic.attention is nonzero; may not return. */
void trap_attention(struct vcpu *v);

/* "halt" (or NULL) or "reset": what a fault of EL2 ends in. Boot only. */
void crash_on_fault(const char *what);
_Noreturn void crash(const struct guest_regs *r, uint64_t sp);
void crash_stop(void *arg, uint32_t intid, struct vcpu *cur);

#endif
