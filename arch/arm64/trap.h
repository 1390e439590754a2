/* Called from vectors.S with the frame of the trapped guest. */
#ifndef ARM64_TRAP_H
#define ARM64_TRAP_H

#include <hv/vits.h>
#include <hv/vm.h>

/* Synchronous exceptions: the two frequent classes, and all the others. */
void trap_data_abort(struct guest_regs *r, uint64_t esr, struct vcpu *v);
void trap_hypercall(struct guest_regs *r, uint64_t esr, struct vcpu *v);
void trap_other(struct guest_regs *r, uint64_t esr, struct vcpu *v);
void trap_serror(struct guest_regs *r, struct vcpu *v);
/* Before a return to the guest while vcpu->vgic.attention is nonzero; may not return. */
void trap_attention(struct vcpu *v);

/* Ends v's guest: called on one of its CPUs, does not return. life.c */
_Noreturn void vm_stop(struct vcpu *v);

#endif
