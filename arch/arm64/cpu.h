/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A physical CPU. TPIDR_EL2 points to its struct; assembly knows the first members. The vCPU is
 * fixed at boot and never changes.
 */
#ifndef ARM64_CPU_H
#define ARM64_CPU_H

/*
 * What C and assembly agree on. vectors.S and head.S use these numbers; the assertions below hold
 * them against the structures of C.
 */
#define CPU_STACK_SLOT     16384 /* a power of two; its first page is never mapped */
#define CPU_STACK_GUARD    4096
#define CPU_STACK_SIZE     (CPU_STACK_SLOT - CPU_STACK_GUARD)
#define CPU_OFF_VCPU       0 /* struct cpu */
#define CPU_OFF_STACK      8
#define CPU_OFF_EMERGENCY  16
#define EMERGENCY_SIZE     2048
#define VCPU_OFF_ATTENTION 0   /* struct vcpu: 32 bits */
#define FRAME_SIZE         272 /* struct guest_regs, rounded up to 16 */
#define FRAME_OFF_X1       8
#define FRAME_OFF_X30      240 /* x30 and pc, one pair */
#define FRAME_OFF_PC       248
#define FRAME_OFF_PSTATE   256
#define STACK_ALIGN        16 /* of SP, checked by hardware: SCTLR_EL2.SA */

#ifndef __ASSEMBLY__
#include <arch/firmware.h>
#include <hv/limits.h>
#include <hv/life.h>
#include <hv/timer.h>
#include <hv/vm.h>

#define ID_REG_COUNT 56 /* op0 3, op1 0, CRn 0, CRm 1..7, op2 0..7 */

struct __attribute__((aligned(16))) cpu {
	struct vcpu *vcpu; /* NULL: no guest here */
	uintptr_t stack_top;
	uint8_t emergency[EMERGENCY_SIZE]; /* the stack of crash() when the other is full */
	uint64_t mpidr;                    /* affinity fields */
	unsigned id;
	bool online; /* set by that CPU with release */
	uint64_t id_regs[ID_REG_COUNT];
	uint64_t controls;        /* by number, controls.h: what it has and EL2 may write */
	uint64_t hcr_off;         /* bits of HCR_EL2 that an event took away until the next life */
	uint64_t withheld;        /* what it has and firmware keeps from EL2 */
	uint16_t sve_lengths;     /* as idreg_sve_lengths() */
	struct cpu_timers timers; /* of CNTHP */
	uint64_t *window_block, *window_page; /* entries of this CPU's windows, levels 2 and 3 */
};

_Static_assert(offsetof(struct cpu, vcpu) == CPU_OFF_VCPU, "vectors.S");
_Static_assert(offsetof(struct cpu, stack_top) == CPU_OFF_STACK, "vectors.S, head.S");
_Static_assert(offsetof(struct cpu, emergency) == CPU_OFF_EMERGENCY, "vectors.S");
_Static_assert((CPU_OFF_EMERGENCY + EMERGENCY_SIZE) % STACK_ALIGN == 0, "vectors.S: a stack's top");
_Static_assert(CPU_STACK_GUARD + CPU_STACK_SIZE == CPU_STACK_SLOT &&
		       (CPU_STACK_SLOT & (CPU_STACK_SLOT - 1)) == 0,
	       "vectors.S finds the guard page by the address");
_Static_assert(offsetof(struct vcpu, vgic.attention) == VCPU_OFF_ATTENTION &&
		       sizeof(((struct vcpu *)0)->vgic.attention) == 4,
	       "vectors.S");
_Static_assert(offsetof(struct guest_regs, x[0]) == 0 &&
		       offsetof(struct guest_regs, x[1]) == FRAME_OFF_X1 &&
		       offsetof(struct guest_regs, x[30]) == FRAME_OFF_X30,
	       "vectors.S saves x0..x30 in ascending pairs");
_Static_assert(offsetof(struct guest_regs, pc) == FRAME_OFF_PC && FRAME_OFF_PC == FRAME_OFF_X30 + 8,
	       "vectors.S saves x30 and pc as a pair");
_Static_assert(offsetof(struct guest_regs, pstate) == FRAME_OFF_PSTATE, "vectors.S");
_Static_assert((sizeof(struct guest_regs) + STACK_ALIGN - 1) / STACK_ALIGN * STACK_ALIGN ==
		       FRAME_SIZE,
	       "vectors.S: a frame, and SP stays aligned");

extern struct cpu *cpus;    /* the boot CPU's alone before cpus_init() */
extern struct cpu boot_cpu; /* head.S: until cpus_init() */
extern unsigned cpu_count;

static inline struct cpu *this_cpu(void)
{
	struct cpu *c;

	__asm__("mrs %0, tpidr_el2" : "=r"(c));
	return c;
}

/* Makes room for the CPUs of the board, the boot CPU first. */
void cpus_init(unsigned count);
/* Starts every one; those that do not come are named and left out. */
void smp_start(void);
_Noreturn void cpu_secondary(struct cpu *c);
/* Waits at EL2 for PSCI to turn this CPU's vCPU on, and enters it; handles interrupts meanwhile. */
_Noreturn void cpu_run(void);
/* cpu_run() on an empty stack: from a trap that does not return to the guest. */
_Noreturn void cpu_park(void);

/* Until an interrupt is there for v, of this CPU. Does not return where its guest is stopped. */
void cpu_suspend(struct vcpu *v);
/* Enters v as after CPU_ON, while its interrupts and timers are what they were. */
_Noreturn void cpu_resume(struct vcpu *v);

/* Secure monitor call, SMCCC: x0..x3 in, x0 out. */
static inline int64_t smc(uint64_t fn, uint64_t a1, uint64_t a2, uint64_t a3)
{
	uint64_t regs[4] = { fn, a1, a2, a3 };

	arch_firmware_call(regs);
	return (int64_t)regs[0];
}
_Noreturn void cpu_stop(void); /* for ever, interrupts masked */

/* vectors.S */
_Noreturn void guest_enter(uint64_t pc, uint64_t x0, uint64_t pstate);
void serror_drain(void); /* an SError that is pending on this CPU is taken: trap_el2_serror() */
_Noreturn void stack_reset_and_run(uintptr_t stack_top);
void simd_reset(
	void); /* V0..V31, FPCR, FPSR to 0; before, what the C libraries left there is lost */

/*
 * SVE: sve.c. Which lengths this CPU has, before its controls are probed; and, when they are those
 * of a guest with SVE: vectors have at most `bits`, and all its state is zero.
 */
uint16_t sve_probe(const struct cpu *c);
void sve_load(uint32_t bits);

/* The ID registers that guests see: idreg.c. */
void idreg_record(struct cpu *c);
/* What guests see: the minimum of all online CPUs, and the controls that go with it. Boot only. */
void idreg_plan(struct s2_geometry geo);
/* S3_0_C0_C<crm>_<op2> for a guest with these features (enum vm_features); false: undefined. */
bool idreg_read(unsigned features, unsigned crm, unsigned op2, uint64_t *value);
unsigned idreg_cpu_pa_bits(void);
bool idreg_cpu_fwb(void);
bool idreg_has_pmu(void); /* every CPU that is online */
/* Of SVE vectors, that every CPU that is online has: bit n for 128 (n + 1) bits; 0: no SVE. */
uint16_t idreg_sve_lengths(void);
const char *idreg_unusable(void); /* why not this platform; NULL: it can be used */

/* EL2's timer, of this CPU: timer.c */
void timer_fired(void *arg, uint32_t intid, struct vcpu *cur);
void timer_stop(void);
void timer_arm(uint32_t us);  /* cpu_run() and the following look again */
void timer_arm_console(void); /* console_poll() in CONSOLE_HOLD_US */
void timer_arm_iommu(void);   /* iommu_poll() in a millisecond */
/* PCI ports are looked at on this CPU (boot), whenever it calls the second one and by its timer. */
void timer_set_ports_cpu(unsigned cpu);
void timer_look_at_ports(void);
void timer_set_here(enum cpu_timer which, uint64_t due); /* what timer_set() calls */

/* Ends v's guest: called on one of its CPUs, does not return. start.c */
_Noreturn void vm_stop(struct vcpu *v, enum life_end why);
/* No guest is left: the machine off, unless it is to stay on. start.c */
void power_off(void);
#endif

#endif
