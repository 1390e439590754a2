/* SPDX-License-Identifier: Apache-2.0 */
/* Attacks by system registers and system instructions: each encoding, made at run time. */
#include "attack.h"

#define MRS UINT32_C(0xd5200000)
#define MSR UINT32_C(0xd5000000)
#define RET UINT32_C(0xd65f03c0)

static u32 code[8] __attribute__((aligned(64)));

/* op0 as in the encoding of MRS: 2 or 3; 1 is SYS and SYSL. */
static u32 encoding(u32 op0, u32 op1, u32 crn, u32 crm, u32 op2)
{
	return op0 << 19 | op1 << 16 | crn << 12 | crm << 8 | op2 << 5;
}

static void publish_code(void)
{
	__asm__ volatile("dc cvau, %0\n\tdsb ish\n\tic ivau, %0\n\tdsb ish\n\tisb"
			 :
			 : "r"(code)
			 : "memory");
}

/* ESR of the exception, or 0. */
static u64 execute(u32 insn, u64 *value)
{
	register u64 x0 __asm__("x0") = *value;
	u64 esr;

	code[0] = insn; /* MRS or MSR x0 */
	code[1] = RET;
	publish_code();
	fault_arm();
	__asm__ volatile("blr %1" : "+r"(x0) : "r"(code) : "x30", "memory");
	esr = fault_taken();
	fault_arm();
	*value = x0;
	return esr;
}

static u64 read_sysreg(u32 e, u64 *value)
{
	*value = 0;
	return execute(MRS | e, value);
}

/* What this payload runs on: its own state, that of the exception, interrupt masks, FP. */
static bool is_own(u32 op0, u32 op1, u32 crn, u32 crm)
{
	if (op0 == 2)
		return false;
	if (op1 == 0)
		return crn == 1 || crn == 2 || (crn == 4 && crm != 6) || crn == 5 || crn == 6 ||
		       crn == 10 || crn == 12 || crn == 13;
	return op1 == 3 && (crn == 4 || crn == 14 || crn == 13);
}

static void sweep(u32 op0, u32 op1_from, u32 op1_to,
		  void (*fn)(u32 op0, u32 op1, u32 n, u32 m, u32 op2))
{
	for (u32 op1 = op1_from; op1 <= op1_to; op1++)
		for (u32 n = 0; n < 16; n++)
			for (u32 m = 0; m < 16; m++)
				for (u32 op2 = 0; op2 < 8; op2++)
					fn(op0, op1, n, m, op2);
}

static void read_one(u32 op0, u32 op1, u32 n, u32 m, u32 op2)
{
	u64 v;

	read_sysreg(encoding(op0, op1, n, m, op2), &v);
}

ATTACK(sysreg_read_all, ONCE, "every encoding with op0 = 2 and 3 of EL0 and EL1 is read",
       "unknown registers trap and are undefined", "arch/arm64/trap.c")
{
	sweep(2, 0, 3, read_one);
	sweep(3, 0, 3, read_one);
}

static void write_one(u32 op0, u32 op1, u32 n, u32 m, u32 op2)
{
	u64 v = rnd_odd();

	/* Debug exceptions and OS locks would only stop the attacker. */
	if (is_own(op0, op1, n, m) || (op0 == 2 && n == 0 && m == 2) || (op0 == 2 && n == 1))
		return;
	execute(MSR | encoding(op0, op1, n, m, op2), &v);
}

ATTACK(sysreg_write_all, ONCE,
       "every encoding of EL0 and EL1 but those that hold the attacker's own state is written",
       "EL1's state is the vCPU's own; the rest traps", "arch/arm64/trap.c")
{
	sweep(2, 0, 3, write_one);
	sweep(3, 0, 3, write_one);
	gic_cpu_init();
}

static void must_be_undefined(u32 op0, u32 op1, u32 n, u32 m, u32 op2)
{
	u64 v, esr = read_sysreg(encoding(op0, op1, n, m, op2), &v);

	/* SP_EL1 and its like at op1 4 to 7 are EL2's and EL3's. */
	if (!esr)
		broke("S%u_%u_C%u_C%u_%u reads %lx", op0, op1, n, m, op2, v);
	v = 0;
	if (!execute(MSR | encoding(op0, op1, n, m, op2), &v))
		broke("S%u_%u_C%u_C%u_%u can be written", op0, op1, n, m, op2);
}

ATTACK(sysreg_el2_and_el3, ONCE, "every register of EL2 and EL3, and of EL1 by its EL12 name",
       "they are undefined at EL1, by the architecture", "arch/arm64/vcpu.c")
{
	sweep(3, 4, 7, must_be_undefined);
}

static void implementation_defined(u32 op0, u32 op1, u32 n, u32 m, u32 op2)
{
	if (n == 11 || n == 15)
		must_be_undefined(op0, op1, n, m, op2);
}

ATTACK(sysreg_implementation_defined, ONCE,
       "the implementation-defined space, C11 and C15: CPUACTLR, CPUECTLR, L2CTLR",
       "HCR_EL2.TIDCP traps it", "arch/arm64/vcpu.c")
{
	for (u32 op1 = 0; op1 < 4; op1++)
		for (u32 m = 0; m < 16; m++)
			for (u32 op2 = 0; op2 < 8; op2++) {
				implementation_defined(3, op1, 15, m, op2);
				if (op1 != 0 || m > 1) /* C11 of op1 = 0 is architected in places */
					implementation_defined(3, op1, 11, m, op2);
			}
}

/* What a guest is not given: a register of it may not answer. */
static void hidden(const char *what, u32 op0, u32 op1, u32 n, u32 m_from, u32 m_to)
{
	for (u32 m = m_from; m <= m_to; m++)
		for (u32 op2 = 0; op2 < 8; op2++) {
			u64 v, esr = read_sysreg(encoding(op0, op1, n, m, op2), &v);

			if (!esr && v)
				broke("%s: S%u_%u_C%u_C%u_%u reads %lx", what, op0, op1, n, m, op2,
				      v);
		}
}

ATTACK(sysreg_ras, 0, "error records: ERRIDR, ERRSELR, ERX*", "HCR_EL2.TERR traps them",
       "arch/arm64/vcpu.c")
{
	hidden("RAS", 3, 0, 5, 3, 5);
}

ATTACK(sysreg_activity_monitors, 0, "AMCR, AMCFGR, AMEVCNTR0: other guests' activity",
       "CPTR_EL2.TAM traps them", "arch/arm64/vcpu.c")
{
	hidden("AMU", 3, 3, 13, 2, 15);
}

ATTACK(sysreg_mpam, 0, "MPAM0, MPAM1, MPAMIDR: another guest's partition of the caches",
       "MPAM2_EL2 traps them, or they are hidden", "arch/arm64/vcpu.c")
{
	hidden("MPAM", 3, 0, 10, 4, 6);
}

ATTACK(sysreg_profiling_and_trace, 0,
       "SPE, TRBE, BRBE, the trace unit and the self-hosted trace filter",
       "MDCR_EL2 and CPTR_EL2 trap them", "arch/arm64/vcpu.c")
{
	hidden("SPE", 3, 0, 9, 9, 10);
	hidden("TRBE", 3, 0, 9, 11, 11);
	hidden("trace", 2, 1, 0, 0, 15);
	hidden("BRBE", 2, 1, 8, 0, 15);
}

#define PMU_LINE   23
#define COUNTS_EL2 (BIT(31) | BIT(30) | BIT(27)) /* not EL1, not EL0, but EL2 */

static void pmu_stop(void)
{
	sysreg_write(pmcr_el0, 0);
	sysreg_write(pmcntenclr_el0, 0xffffffff);
	sysreg_write(pmintenclr_el1, 0xffffffff);
	sysreg_write(pmovsclr_el0, 0xffffffff);
	isb();
}

ATTACK(pmu_counts_el2, 0, "cycles and events of EL2 alone, while it serves calls and accesses",
       "MDCR_EL2.HPMD and HCCD, where the CPU has them", "arch/arm64/controls.c")
{
	u64 version = sysreg_read(id_aa64dfr0_el1) >> 8 & 15, n;

	if (version < 6 || version == 15)
		return;
	sysreg_write(pmselr_el0, 0);
	isb();
	sysreg_write(pmxevtyper_el0, COUNTS_EL2 | 0x11);
	sysreg_write(pmxevcntr_el0, 0);
	sysreg_write(pmccfiltr_el0, COUNTS_EL2);
	sysreg_write(pmccntr_el0, 0);
	sysreg_write(pmcntenset_el0, BIT(31) | 1);
	sysreg_write(pmcr_el0, 1);
	isb();
	for (unsigned i = 0; i < 200; i++)
		psci(PSCI_VERSION, 0, 0, 0);
	isb();
	n = sysreg_read(pmccntr_el0) + sysreg_read(pmxevcntr_el0);
	pmu_stop();
	if (n)
		broke("%lu cycles of EL2", n);
}

static u32 overflows;

/* It stays asserted, so nothing else of this vCPU runs until somebody ends it. */
static void on_overflow(u32 intid)
{
	(void)intid;
	if (++overflows == 2000)
		pmu_stop();
}

ATTACK(pmu_interrupts_without_end, 0, "the overflow interrupt stays asserted",
       "a hardware-linked line of the guest's own CPU", "common/vgic/line.c")
{
	if (!(sysreg_read(id_aa64dfr0_el1) >> 8 & 15))
		return;
	overflows = 0;
	gic_enable(PMU_LINE, on_overflow);
	sysreg_write(pmcr_el0, 1);
	sysreg_write(pmintenset_el1, BIT(31) | 1);
	sysreg_write(pmovsset_el0, BIT(31) | 1);
	irq_on();
	delay_ms(20);
	irq_off();
	pmu_stop();
	gic_disable(PMU_LINE);
}

static void sys_one(u32 crn, u32 op1, u32 m, u32 op2)
{
	u64 v = attack_ram();

	execute(MSR | encoding(1, op1, crn, m, op2), &v);
}

ATTACK(sysreg_every_sys_instruction, ONCE,
       "every SYS instruction: caches, address translation, TLBs, of EL1, EL2 and EL3",
       "EL2's are undefined; EL1's act within the VMID", "arch/arm64/vcpu.c")
{
	for (u32 op1 = 0; op1 < 8; op1++)
		for (u32 m = 0; m < 16; m++)
			for (u32 op2 = 0; op2 < 8; op2++) {
				/* Not by set/way, which discards the attacker's data on silicon. */
				if (m != 6 && m != 10 && m != 14)
					sys_one(7, op1, m, op2);
				sys_one(8, op1, m, op2);
			}
}

ATTACK(sysreg_stage_2_tlb_instructions, 0, "TLBI IPAS2E1, ALLE1, VMALLS12E1, ALLE2, AT S12E1R",
       "they are undefined at EL1, by the architecture", "arch/arm64/vcpu.c")
{
	static const u32 ops[] = { 0x4 << 16 | 8 << 12 | 4 << 8 | 1 << 5,
				   0x4 << 16 | 8 << 12 | 7 << 8 | 4 << 5,
				   0x4 << 16 | 8 << 12 | 7 << 8 | 6 << 5,
				   0x4 << 16 | 8 << 12 | 7 << 8 | 0 << 5,
				   0x4 << 16 | 7 << 12 | 8 << 8 | 4 << 5 };

	for (unsigned i = 0; i < ARRAY_COUNT(ops); i++) {
		u64 v = 0;

		if (!execute(MSR | 1 << 19 | ops[i], &v))
			broke("instruction %x was executed", MSR | 1 << 19 | ops[i]);
	}
}

ATTACK(sysreg_debug, 0,
       "breakpoints, watchpoints, single step and both OS locks are set, also for the next life",
       "debug state is the vCPU's own, and reset at each entry", "arch/arm64/vcpu.c")
{
	for (u32 n = 0; n < 16; n++)
		for (u32 op2 = 4; op2 < 8; op2++) {
			u64 v = op2 & 1 ? 0 : rnd();

			execute(MSR | encoding(2, 0, 0, n, op2), &v);
		}
	for (u32 m = 0; m < 16; m++) {
		u64 v = 0;

		execute(MSR | encoding(2, 0, 1, m, 4), &v);
	}
}

ATTACK(sysreg_illegal_instructions, 0,
       "BRK, HLT, UDF, ERET, DCPS, and instructions of newer architectures",
       "what EL2 does not know is undefined in the guest", "arch/arm64/trap.c")
{
	static const u32 insn[] = {
		0xd4200000, 0xd4400000, 0x00000000, 0xd4a00001,
		0xd4a00002, 0xd4a00003,                         /* BRK HLT UDF DCPS1-3 */
		0x1900e000, 0x04206000, 0xd503467f, 0x19000400, /* MOPS, SVE, SMSTOP, CPYFP */
		0xd5033fdf, 0xd503223f, 0xd53b2400, 0xd53b2420, /* ISB, PSB, RNDR, RNDRRS */
		0xd9200000, 0xf83f9000, 0xd5031000,             /* MTE STG, LD64B, WFET */
		0xdac10000, 0xd65f0bff,                         /* PACIA, RETAA with another key */
	};

	for (unsigned i = 0; i < ARRAY_COUNT(insn) - 1; i++) {
		u64 v = attack_ram();

		execute(insn[i], &v);
	}
	for (unsigned i = 0; i < 2000; i++) {
		u32 fields = (u32)rnd() & 0x7ffe0;
		u64 v = 0;

		/* Hints, barriers, unallocated ones; not PSTATE (CRn = 4), not WFE and WFI. */
		if ((fields >> 12 & 15) == 4 || (fields & 0xfe0) == 2 << 5 ||
		    (fields & 0xfe0) == 3 << 5)
			continue;
		execute(MSR | fields | 31, &v);
	}
}
