/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A vCPU's start: all state of EL1 and EL0 in its CPU as after reset, so that neither what firmware
 * left nor an earlier life is seen, then stage 2, timers, and the entry state of the boot protocol
 * (arm64 Image: x0 = device tree; PSCI: x0 = context).
 */
#include <arch/barrier.h>
#include <hv/gic.h>
#include <hv/irq.h>
#include <hv/life.h>
#include <hv/plan.h>
#include <hv/smccc.h>
#include <hv/vm.h>

#include "controls.h"
#include "cpu.h"
#include "entry.h"
#include "sysreg.h"

#define SCTLR_EL1_RESET  0x30d00800 /* RES1; MMU and caches off, little endian */
#define PSTATE_EL1H_DAIF 0x3c5

/*
 * What a guest can have changed and no trap keeps it from, DDI 0487 D1.8: these to 0. What only
 * some CPUs have (keys, TPIDR2, MPAM, virtual SErrors) is in controls.c; SIMD and debug registers
 * follow below; the CPU interface of the GIC is vgic_vcpu_reset(). General registers and PSTATE are
 * the frame of guest_enter().
 */
/* clang-format off */
#define EACH_ZERO(X)                                                                               \
	X(actlr_el1) X(cpacr_el1) X(ttbr0_el1) X(ttbr1_el1) X(tcr_el1) X(mair_el1) X(amair_el1)    \
	X(vbar_el1) X(esr_el1) X(far_el1) X(afsr0_el1) X(afsr1_el1) X(par_el1) X(elr_el1)          \
	X(spsr_el1) X(sp_el0) X(sp_el1) X(contextidr_el1) X(tpidr_el0) X(tpidrro_el0) X(tpidr_el1) \
	X(csselr_el1) X(cntkctl_el1)

/* The timers of EL1, which go on while a vCPU sleeps. */
#define EACH_TIMER(X) X(cntv_ctl_el0) X(cntv_cval_el0) X(cntp_ctl_el0) X(cntp_cval_el0)

/* Breakpoint and watchpoint n; how many there are says ID_AA64DFR0_EL1. */
#define EACH_DEBUG(X)                                                                              \
	X(15) X(14) X(13) X(12) X(11) X(10) X(9) X(8) X(7) X(6) X(5) X(4) X(3) X(2) X(1) X(0)
/* clang-format on */

static void reset_breakpoints(unsigned last)
{
	switch (last) {
#define X(n)                                                                                       \
	case n:                                                                                    \
		write_sysreg(dbgbcr##n##_el1, 0);                                                  \
		write_sysreg(dbgbvr##n##_el1, 0);                                                  \
		__attribute__((fallthrough));
		EACH_DEBUG(X)
#undef X
	default:
		break;
	}
}

static void reset_watchpoints(unsigned last)
{
	switch (last) {
#define X(n)                                                                                       \
	case n:                                                                                    \
		write_sysreg(dbgwcr##n##_el1, 0);                                                  \
		write_sysreg(dbgwvr##n##_el1, 0);                                                  \
		__attribute__((fallthrough));
		EACH_DEBUG(X)
#undef X
	default:
		break;
	}
}

/* As after a cold reset: the OS lock is set, which makes all of MDSCR_EL1 writable (D23.3.20). */
static void reset_debug(const struct cpu *c)
{
	uint64_t dfr0 = c->id_regs[DFR0];

	write_sysreg(oslar_el1, 1);
	write_sysreg(osdlr_el1, 0);
	arch_isb();
	write_sysreg(mdscr_el1, 0);
	write_sysreg(mdccint_el1, 0);
	write_sysreg(dbgclaimclr_el1, 0xff);
	write_sysreg(osdtrrx_el1, 0);
	write_sysreg(osdtrtx_el1, 0);
	write_sysreg(oseccr_el1, 0);
	reset_breakpoints((unsigned)field_get(DFR0_BRPS, dfr0));
	reset_watchpoints((unsigned)field_get(DFR0_WRPS, dfr0));
}

/* PMSELR_EL0 says whose registers are meant: of an event counter, or, 31, the cycle counter. */
static void reset_counters(const struct cpu *c)
{
	if (!cpu_has_pmu(c))
		return;
	write_sysreg(pmcr_el0, 0);
	write_sysreg(pmcntenclr_el0, UINT32_MAX);
	write_sysreg(pmintenclr_el1, UINT32_MAX);
	for (unsigned i = 0; i < cpu_event_counters(c); i++) {
		write_sysreg(pmselr_el0, i);
		arch_isb();
		write_sysreg(pmxevtyper_el0, 0);
		write_sysreg(pmxevcntr_el0, 0);
	}
	write_sysreg(pmselr_el0, 31);
	arch_isb();
	write_sysreg(pmxevtyper_el0, 0);
	write_sysreg(pmccntr_el0, 0);
	write_sysreg(pmselr_el0, 0);
	write_sysreg(pmuserenr_el0, 0);
	write_sysreg(pmovsclr_el0, UINT32_MAX); /* nothing counts any more */
}

static void reset_el1(const struct cpu *c)
{
	write_sysreg(sctlr_el1, SCTLR_EL1_RESET);
#define X(name) write_sysreg(name, 0);
	EACH_ZERO(X)
#undef X
	if (gic.version == 3)
		write_sysreg(ICC_SRE_EL1, 7); /* system registers, no bypass: IHI 0069 §12.2.22 */
	reset_debug(c);
	reset_counters(c);
	simd_reset();
}

static void load_controls(void)
{
	const struct vm *vm = this_cpu()->vcpu->vm;

	this_cpu()->hcr_off = 0;
	controls_load(this_cpu(), vm->features);
	arch_isb();
	if (vm->features & VM_SVE)
		sve_load(vm->plan->sve_bits);
	/* What an earlier life of this VMID left in this CPU. */
	__asm__ volatile("tlbi vmalls12e1; dsb nsh; ic iallu; dsb nsh; isb" ::: "memory");
}

/* Everything that the CPU has of a vCPU: before each start. */
static void vcpu_load(struct vcpu *vcpu)
{
	struct vm *vm = vcpu->vm;

	reset_el1(this_cpu());
#define X(name) write_sysreg(name, 0);
	EACH_TIMER(X)
#undef X
	write_sysreg(vpidr_el2, read_sysreg(midr_el1));
	write_sysreg(vmpidr_el2, BIT(31) | vcpu_affinity(vcpu->index));
	write_sysreg(vtcr_el2, s2_vtcr(&vm->cpu_s2));
	write_sysreg(vttbr_el2, s2_vttbr(&vm->cpu_s2));
	write_sysreg(cntvoff_el2, vm->cntvoff);
	arch_isb();
	load_controls();
	vgic_vcpu_reset(vcpu);
	smccc_vcpu_reset();
}

/*
 * The one transition out of OFF: the caller of CPU_ON set entry and context before. A guest that
 * is being stopped is not entered any more.
 */
static bool take_pending(struct vcpu *v)
{
	bool running = vm_state(v->vm) == VM_RUNNING;

	return vcpu_change_state(v, VCPU_ON_PENDING, running ? VCPU_ON : VCPU_OFF) ==
		       VCPU_ON_PENDING &&
	       running;
}

/* What is to be done with a guest while this CPU is parked. */
static void look_after(struct vcpu *v)
{
	uint32_t again_us = 0;

	if (life_poll(v, &again_us))
		power_off();
	if (again_us)
		timer_arm(again_us);
}

void cpu_suspend(struct vcpu *v)
{
	vcpu_change_state(v, VCPU_ON, VCPU_SUSPENDED);
	vgic_look_again(v);
	for (;;) {
		irq_dispatch(v);
		if (__atomic_load_n(&v->vgic.attention, __ATOMIC_ACQUIRE))
			trap_attention(v);
		if (vgic_wakes())
			break;
		__asm__ volatile("dsb sy; wfi" ::: "memory"); /* as in cpu_run() */
	}
	vcpu_change_state(v, VCPU_SUSPENDED, VCPU_ON);
}

/*
 * Behind a powerdown state, DEN 0022 §6.4: as CPU_ON enters, but that timers and the interrupt
 * controller, CPU interface and all, are as they were.
 */
void cpu_resume(struct vcpu *v)
{
	reset_el1(this_cpu());
	load_controls();
	smccc_vcpu_reset();
	guest_enter(v->entry, v->context, PSTATE_EL1H_DAIF);
}

void cpu_run(void)
{
	struct vcpu *v = this_cpu()->vcpu;

	for (;;) {
		irq_dispatch(v);
		timer_look_at_ports();
		v = __atomic_load_n(&this_cpu()->vcpu, __ATOMIC_ACQUIRE); /* boot gives it late */
		if (v)
			look_after(v);
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
	enum vcpu_state state = v ? __atomic_load_n(&v->state, __ATOMIC_RELAXED) : VCPU_OFF;

	if (state == VCPU_ON || state == VCPU_SUSPENDED)
		life_parked(v);
	stack_reset_and_run(this_cpu()->stack_top);
}
