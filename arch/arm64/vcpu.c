/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A vCPU's start: the EL1 registers of its CPU in their reset state, stage-2, timers, and the
 * entry state of the boot protocol (arm64 Image: x0 = device tree; PSCI: x0 = context).
 */
#include <arch/barrier.h>
#include <hv/irq.h>
#include <hv/life.h>
#include <hv/vm.h>

#include "cpu.h"
#include "sysreg.h"

#define SCTLR_EL1_RESET  0x30d00800 /* RES1; MMU and caches off, little endian */
#define PSTATE_EL1H_DAIF 0x3c5

/* Warm reset of what a guest can have changed, DDI 0487 D1.8: these to 0, and SCTLR_EL1. */
/* clang-format off */
#define EACH_ZERO(X)                                                                               \
	X(actlr_el1) X(cpacr_el1) X(ttbr0_el1) X(ttbr1_el1) X(tcr_el1) X(mair_el1) X(amair_el1)    \
	X(vbar_el1) X(esr_el1) X(far_el1) X(afsr0_el1) X(afsr1_el1) X(par_el1) X(elr_el1)          \
	X(spsr_el1) X(sp_el0) X(sp_el1) X(contextidr_el1) X(tpidr_el0) X(tpidrro_el0) X(tpidr_el1) \
	X(csselr_el1) X(mdscr_el1) X(cntkctl_el1) X(cntv_ctl_el0) X(cntv_cval_el0)                 \
	X(cntp_ctl_el0) X(cntp_cval_el0)
/* clang-format on */

static void reset_el1(void)
{
	write_sysreg(sctlr_el1, SCTLR_EL1_RESET);
#define X(name) write_sysreg(name, 0);
	EACH_ZERO(X)
#undef X
}

/* EL1 reset state, stage-2, timers: before each start. */
static void vcpu_load(struct vcpu *vcpu)
{
	struct vm *vm = vcpu->vm;

	reset_el1();
	idreg_load();
	write_sysreg(vpidr_el2, read_sysreg(midr_el1));
	write_sysreg(vmpidr_el2, BIT(31) | vcpu->index);
	write_sysreg(vtcr_el2, s2_vtcr(&vm->cpu_s2));
	write_sysreg(vttbr_el2, s2_vttbr(&vm->cpu_s2));
	write_sysreg(cntvoff_el2, vm->cntvoff);
	arch_isb();
	/* What an earlier life of this VMID left in this CPU. */
	__asm__ volatile("tlbi vmalls12e1; dsb nsh; ic iallu; dsb nsh; isb" ::: "memory");
	vgic_vcpu_reset(vcpu);
}

/*
 * The one transition out of OFF: the caller of CPU_ON set entry and context before. A guest that
 * is being stopped is not entered any more.
 */
static bool take_pending(struct vcpu *v)
{
	enum vcpu_state want = VCPU_ON_PENDING;
	bool running = __atomic_load_n(&v->vm->state, __ATOMIC_ACQUIRE) == VM_RUNNING;

	return __atomic_compare_exchange_n(&v->state, &want, running ? VCPU_ON : VCPU_OFF, false,
					   __ATOMIC_ACQ_REL, __ATOMIC_RELAXED) &&
	       running;
}

void cpu_run(void)
{
	struct vcpu *v = this_cpu()->vcpu;

	for (;;) {
		irq_dispatch(v);
		v = __atomic_load_n(&this_cpu()->vcpu, __ATOMIC_ACQUIRE); /* boot gives it late */
		if (v && take_pending(v))
			break;
		/* Wakes for a pending interrupt although EL2 masks it (DDI 0487 D1.6). */
		__asm__ volatile("dsb sy; wfi" ::: "memory");
	}
	vcpu_load(v);
	guest_enter(v->entry, v->context, PSTATE_EL1H_DAIF);
}

void cpu_park(void)
{
	struct vcpu *v = this_cpu()->vcpu;

	if (v && __atomic_load_n(&v->state, __ATOMIC_RELAXED) == VCPU_ON)
		life_parked(v);
	stack_reset_and_run(this_cpu()->stack_top);
}
