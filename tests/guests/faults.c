/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A guest that misbehaves in every way an EL1 can: each attempt must give the exception or value
 * that the architecture (or PSCI) gives, and the guest goes on. Run with bare=1 on a machine
 * without a hypervisor: what only a hypervisor answers is then left out.
 */
#include "rt.h"

const char payload_name[] = "faults";

#define FSC_EXTERNAL 0x10
#define FSC_ALIGN    0x21

static bool bare;
static volatile u32 timer_irqs;

static bool is_abort(u64 esr, u32 fsc)
{
	return ESR_EC(esr) == 0x25 && ESR_FSC(esr) == fsc;
}

#define TRY(insn, ...)                                                                             \
	({                                                                                         \
		fault_arm();                                                                       \
		__asm__ volatile(insn __VA_ARGS__);                                                \
		fault_taken();                                                                     \
	})

/* --- accesses that the syndrome does not describe (ESR_EL2.ISV = 0), DDI 0487 D24.2.40 --- */

static void check_isv0(void)
{
	u64 a = machine.gicd + 8, p = a, esr;

	esr = TRY("ldp w9, w10, [%0]", : : "r"(a) : "x9", "x10", "memory");
	check(bare || is_abort(esr, FSC_EXTERNAL), "isv0 ldp esr=%lx", esr);
	esr = TRY("stp wzr, wzr, [%0]", : : "r"(a) : "memory");
	check(bare || is_abort(esr, FSC_EXTERNAL), "isv0 stp esr=%lx", esr);
	esr = TRY("ldr w9, [%0], #4", : "+r"(p) : : "x9", "memory");
	check(bare || (is_abort(esr, FSC_EXTERNAL) && p == a),
	      "isv0 ldr-post-index esr=%lx moved=%lu", esr, p - a);
	esr = TRY("ldr s0, [%0]", : : "r"(a) : "memory");
	check(bare || is_abort(esr, FSC_EXTERNAL), "isv0 ldr-simd esr=%lx", esr);
	esr = TRY("ldxr w9, [%0]", : : "r"(a) : "x9", "memory");
	check(bare || ESR_EC(esr) == 0x25, "isv0 ldxr esr=%lx", esr);
	esr = TRY("dc zva, %0", : : "r"(a) : "memory");
	check(bare || ESR_EC(esr) == 0x25, "isv0 dc-zva esr=%lx", esr);
	check(r32(a) != 0xffffffff, "isv0 then ldr gicd_iidr=%x", r32(a));
}

static void check_unaligned(void)
{
	u64 page = machine.gicc ? machine.gicc + 0x1000 : machine.gicd + 0x1000, esr; /* emulated */

	esr = TRY("ldr w9, [%0]", : : "r"(machine.gicd + 9) : "x9", "memory");
	check(is_abort(esr, FSC_ALIGN), "unaligned stage-1 device esr=%lx", esr);
	/* Normal-NC at stage 1: what is left of the alignment is up to who answers there. */
	map_page(page, MAP_NC);
	esr = TRY("ldr w9, [%0]", : : "r"(page + 1) : "x9", "memory");
	check(bare || is_abort(esr, FSC_ALIGN), "unaligned stage-1 normal esr=%lx", esr);
	esr = TRY("ldrh w9, [%0]", : : "r"(page + 3) : "x9", "memory");
	check(bare || is_abort(esr, FSC_ALIGN), "unaligned halfword esr=%lx", esr);
	esr = TRY("str x9, [%0]", : : "r"(page + 4) : "memory");
	check(bare || is_abort(esr, FSC_ALIGN), "unaligned store esr=%lx", esr);
	map_page(page, MAP_DEVICE);
}

static void check_unmapped(void)
{
	u64 hole = arg_number("hole", 0x0f000000), esr;

	esr = TRY("ldr w9, [%0]", : : "r"(hole) : "x9", "memory");
	check(is_abort(esr, FSC_EXTERNAL) && fault_address() == hole, "unmapped read=%lx esr=%lx",
	      hole, esr);
	esr = TRY("str w9, [%0]", : : "r"(hole) : "memory");
	check(is_abort(esr, FSC_EXTERNAL), "unmapped write esr=%lx", esr);
	esr = TRY("ldp x9, x10, [%0]", : : "r"(hole) : "x9", "x10", "memory");
	check(is_abort(esr, FSC_EXTERNAL), "unmapped pair esr=%lx", esr);
	esr = TRY("ldr w9, [%0]", : : "r"(machine.ram_base + machine.ram_size) : "x9", "memory");
	check(bare || ESR_EC(esr) == 0x25, "behind ram esr=%lx", esr);
	map_page(hole, MAP_NC);
	esr = TRY("blr %0", : : "r"(hole) : "x30", "memory");
	check(ESR_EC(esr) == 0x21 && ESR_FSC(esr) == FSC_EXTERNAL, "unmapped fetch esr=%lx", esr);
	/* A cache operation on an unmapped or emulated page is not an access. */
	esr = TRY("dc civac, %0", : : "r"(hole) : "memory");
	report("unmapped dc-civac esr=%lx\n", esr);
	esr = TRY("dc cvac, %0", : : "r"(machine.gicd) : "memory");
	check(bare || !esr, "emulated dc-cvac esr=%lx", esr);
	esr = TRY("at s1e1r, %0", : : "r"(hole) : "memory");
	check(!esr, "at s1e1r par=%lx", sysreg_read(par_el1));
}

/* --- firmware calls --- */

static void check_call(const char *what, u64 fn, u64 a, u64 b, int64_t want, int64_t or)
{
	int64_t r;
	u64 esr;

	fault_arm();
	r = psci(fn, a, b, 0);
	esr = fault_taken();
	check(bare || (!esr && (r == want || r == or)), "psci %s result=%ld esr=%lx", what, r, esr);
}

static void check_psci(void)
{
	u64 self = machine.mpidr[0] & 0xff00ffffff, entry = (u64)check_psci;

	check_call("unknown", PSCI_UNKNOWN, 0, 0, -1, -1);
	check_call("features-unknown", PSCI_FEATURES, PSCI_UNKNOWN, 0, -1, -1);
	check_call("cpu_on-self", PSCI_CPU_ON, self, entry, -4, -4);
	check_call("cpu_on-nobody", PSCI_CPU_ON, 0xff00ffff77, entry, -2, -2);
	check_call("cpu_on-bit31", PSCI_CPU_ON, self | BIT(31), entry, -2, -4);
	check_call("affinity-nobody", PSCI_AFFINITY_INFO, 0xff00ffff77, 0, -2, -2);
	check_call("affinity-level", PSCI_AFFINITY_INFO, self, 9, -2, -2);
	check_call("migrate", PSCI_MIGRATE, self, 0, -1, -1);
	check_call("smc64-of-32", PSCI_VERSION | BIT(30), 0, 0, -1, -1);
	check_call("all-ones", ~UINT64_C(0), ~UINT64_C(0), ~UINT64_C(0), -1, -1);
	if (bare || machine.cpus < 2)
		return; /* the bare machine starts a CPU anywhere */
	self = machine.mpidr[1] & 0xff00ffffff;
	check_call("cpu_on-entry-in-hole", PSCI_CPU_ON, self, 0x0f000000, -9, -2);
	check_call("cpu_on-entry-high", PSCI_CPU_ON, self, ~UINT64_C(3), -9, -2);
	check_call("cpu_on-entry-on-device", PSCI_CPU_ON, self, machine.gicd, -9, -2);
}

static void check_calls(void)
{
	u64 esr, x0;

	fault_arm();
	__asm__ volatile("mov x0, #0xdead; hvc #0x1234; mov %0, x0"
			 : "=r"(x0)
			 :
			 : "x0", "x1", "x2", "x3", "memory");
	esr = fault_taken();
	check(bare || (esr ? ESR_EC(esr) == 0 : (int64_t)x0 == -1), "hvc #0x1234 x0=%lx esr=%lx",
	      x0, esr);
	fault_arm();
	x0 = (u64)smc(0xc600dead, 0, 0, 0);
	esr = fault_taken();
	check(bare || (esr ? ESR_EC(esr) == 0 : (int64_t)x0 == -1), "smc unknown x0=%lx esr=%lx",
	      x0, esr);
	fault_arm();
	x0 = (u64)hvc(0x86000000, 0, 0, 0);
	esr = fault_taken();
	check(bare || (!esr && (int64_t)x0 == -1), "hvc vendor x0=%lx esr=%lx", x0, esr);
}

/* --- system registers: UNDEF, a value, or ignored; nothing else --- */

#define SYSREG(name, must_undef) { #name, must_undef, read_##name, write_##name }
#define SYSREG_FN(name)                                                                            \
	static u64 read_##name(void)                                                               \
	{                                                                                          \
		return sysreg_read(name);                                                          \
	}                                                                                          \
	static void write_##name(void)                                                             \
	{                                                                                          \
		sysreg_write(name, 0);                                                             \
	}
#define SYSREGS(X)                                                                                 \
	X(S3_0_C15_C0_0, 1) /* implementation defined */                                           \
	X(S3_1_C15_C2_0, 1) /* CPUACTLR of Cortex-A57 and A72 */                                   \
	X(S3_3_C15_C15_7, 1)                                                                       \
	X(S3_4_C1_C1_0, 1)   /* HCR_EL2 */                                                         \
	X(S3_4_C12_C9_5, 1)  /* ICC_SRE_EL2 */                                                     \
	X(S3_4_C12_C11_0, 1) /* ICH_HCR_EL2 */                                                     \
	X(S3_4_C14_C0_3, 1)  /* CNTVOFF_EL2 */                                                     \
	X(S3_5_C1_C0_0, 1)   /* SCTLR_EL12 */                                                      \
	X(S3_6_C1_C1_0, 1)   /* SCR_EL3 */                                                         \
	X(S3_0_C1_C0_1, 0)   /* ACTLR_EL1 */                                                       \
	X(S2_0_C1_C1_4, 0)   /* OSLSR_EL1 */                                                       \
	X(S2_0_C1_C3_4, 0)   /* OSDLR_EL1 */                                                       \
	X(S2_0_C0_C2_2, 0)   /* MDSCR_EL1 */                                                       \
	X(S2_0_C0_C0_4, 0)   /* DBGBVR0_EL1 */                                                     \
	X(S3_3_C9_C12_0, 0)  /* PMCR_EL0 */                                                        \
	X(S3_3_C9_C13_0, 0)  /* PMCCNTR_EL0 */                                                     \
	X(S3_0_C9_C9_0, 0)   /* PMSCR_EL1 */                                                       \
	X(S3_0_C9_C11_0, 0)  /* TRBLIMITR_EL1 */                                                   \
	X(S2_1_C0_C1_0, 0)   /* TRCPRGCTLR */                                                      \
	X(S3_0_C10_C4_4, 0)  /* MPAMIDR_EL1 */                                                     \
	X(S3_0_C10_C5_0, 0)  /* MPAM1_EL1 */                                                       \
	X(S3_0_C5_C3_0, 0)   /* ERRIDR_EL1 */                                                      \
	X(S3_0_C1_C2_0, 0)   /* ZCR_EL1 */                                                         \
	X(S3_0_C1_C2_6, 0)   /* SMCR_EL1 */                                                        \
	X(S3_0_C2_C1_0, 0)   /* APIAKEYLO_EL1 */                                                   \
	X(S3_0_C1_C0_6, 0)   /* GCR_EL1 */                                                         \
	X(S3_0_C12_C12_6, 0) /* ICC_IGRPEN0_EL1 */                                                 \
	X(S3_0_C12_C8_4, 0)  /* ICC_AP0R0_EL1 */                                                   \
	X(S3_0_C12_C11_7, 0) /* ICC_SGI0R_EL1 */                                                   \
	X(S3_0_C12_C11_6, 0) /* ICC_ASGI1R_EL1 */                                                  \
	X(S3_0_C12_C11_1, 0) /* ICC_DIR_EL1 */
#define X(name, undef) SYSREG_FN(name)
SYSREGS(X)
#undef X

static const struct {
	const char *name;
	bool must_undef;
	u64 (*read)(void);
	void (*write)(void);
} sysregs[] = {
#define X(name, undef) SYSREG(name, undef),
	SYSREGS(X)
#undef X
};

/* Nothing, UNDEF, or the trap of the guest's own CPACR_EL1 (SVE 0x19, SME 0x1d). */
static bool is_undef(u64 esr)
{
	return ESR_EC(esr) == 0 || ESR_EC(esr) == 0x19 || ESR_EC(esr) == 0x1d;
}

static void check_sysregs(void)
{
	for (unsigned i = 0; i < ARRAY_COUNT(sysregs); i++) {
		u64 value, read_esr, write_esr;

		fault_arm();
		value = sysregs[i].read();
		read_esr = fault_taken();
		fault_arm();
		sysregs[i].write();
		write_esr = fault_taken();
		check(is_undef(read_esr) && is_undef(write_esr) &&
			      (bare || !sysregs[i].must_undef || (read_esr && write_esr)),
		      "sysreg %s %s=%lx write-esr=%lx", sysregs[i].name, read_esr ? "esr" : "value",
		      read_esr ? read_esr : value, write_esr);
	}
}

static void check_instructions(void)
{
	u64 esr = TRY("dc isw, xzr", : : : "memory");

	check(!esr, "dc isw esr=%lx", esr);
	esr = TRY("dc cisw, xzr", : : : "memory");
	check(!esr, "dc cisw esr=%lx", esr);
	esr = TRY("dc csw, %0", : : "r"(UINT64_C(0xfffffff2)) : "memory");
	check(!esr, "dc csw esr=%lx", esr);
	esr = TRY("ic ialluis", : : : "memory");
	check(!esr, "ic ialluis esr=%lx", esr);
	esr = TRY("tlbi vmalle1is", : : : "memory");
	check(!esr, "tlbi vmalle1is esr=%lx", esr);
	esr = TRY("tlbi alle1", : : : "memory");
	check(esr && ESR_EC(esr) == 0, "tlbi alle1 esr=%lx", esr);
	esr = TRY("tlbi ipas2e1, xzr", : : : "memory");
	check(esr && ESR_EC(esr) == 0, "tlbi ipas2e1 esr=%lx", esr);
	esr = TRY("at s12e1r, xzr", : : : "memory");
	check(esr && ESR_EC(esr) == 0, "at s12e1r esr=%lx", esr);
	esr = TRY(".inst 0x00000000", : : : "memory");
	check(esr && ESR_EC(esr) == 0, "udf esr=%lx", esr);
}

/* --- every offset and width of the interrupt controller --- */

struct sweep {
	unsigned accesses, aborts;
	unsigned strange; /* exceptions that are no data aborts */
};

/* `value`: what is written; NULL: reads. */
static struct sweep sweep(u64 base, u64 size, u64 step, const u64 *value)
{
	struct sweep s = { 0 };

	for (u64 a = base; a < base + size; a += step)
		for (unsigned width = 1; width <= 8; width *= 2) {
			u64 esr;

			if (a & (width - 1))
				continue;
			fault_arm();
			if (value)
				write_width(a, width, *value);
			else
				(void)read_width(a, width);
			esr = fault_taken();
			s.accesses++;
			s.aborts += esr != 0;
			s.strange += esr && ESR_EC(esr) != 0x25;
		}
	return s;
}

static void sweep_read(const char *what, u64 base, u64 size, u64 step)
{
	struct sweep s = sweep(base, size, step, NULL);

	check(!s.strange, "sweep read %s reads=%u aborts=%u", what, s.accesses, s.aborts);
}

static void sweep_write(const char *what, u64 base, u64 size, u64 step, u64 value)
{
	struct sweep s = sweep(base, size, step, &value);

	check(!s.strange, "sweep write %s value=%lx writes=%u aborts=%u", what, value, s.accesses,
	      s.aborts);
}

static void timer_irq(u32 intid)
{
	(void)intid;
	timer_irqs++;
	sysreg_write(cntv_ctl_el0, 0);
}

/* Everything off and not pending again, then the guest's timer must still work. */
static void check_alive(const char *when)
{
	gic_quiet();
	gic_init();
	timer_irqs = 0;
	gic_enable(27, timer_irq);
	irq_on();
	sysreg_write(cntv_cval_el0, counter() + counter_hz() / 100);
	sysreg_write(cntv_ctl_el0, 1);
	check(wait_until(&timer_irqs, 1, 1000) && timer_irqs == 1, "alive %s timer-irqs=%u", when,
	      timer_irqs);
	irq_off();
	gic_disable(27);
}

static void check_sweep(void)
{
	static const u64 values[] = { 0, ~UINT64_C(0), UINT64_C(0x5a5a5a5aa5a5a5a5) };
	u64 step = arg_number("sweep", 4);

	u64 gicd_size = machine.gicc ? 0x1000 : 0x10000,
	    cpu = machine.gicc ? machine.gicc : gic_redist();
	u64 cpu_size = machine.gicc ? 0x2000 : 0x20000;

	sweep_read("gicd", machine.gicd, gicd_size, step);
	sweep_read("cpu", cpu, cpu_size, step);
	if (machine.its)
		sweep_read("its", machine.its, 0x20000, step);
	check_alive("behind reads");
	for (unsigned i = 0; !bare && i < ARRAY_COUNT(values); i++) {
		sweep_write("gicd", machine.gicd, gicd_size, step * 4, values[i]);
		sweep_write("cpu", cpu, cpu_size, step * 4, values[i]);
		if (machine.its)
			sweep_write("its", machine.its, 0x20000, step * 4, values[i]);
		check_alive("behind writes");
	}
}

void payload_main(void)
{
	bare = arg_number("bare", 0) != 0;
	check_isv0();
	check_unaligned();
	check_unmapped();
	check_psci();
	check_calls();
	check_sysregs();
	check_instructions();
	check_alive("before sweep");
	check_sweep();
}
