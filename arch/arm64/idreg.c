/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a guest believes the CPU to be. One row for each ID register that a guest may see, with the
 * most that is allowed of each field; where that is 0 the feature traps or is undefined. Every EL2
 * control register is written as a whole, from what the rows allow, never by changing a reset
 * value. DDI 0487 D23.2; values are the minimum over all CPUs.
 */
#include <string.h>

#include <hv/gic.h>

#include "cpu.h"
#include "sysreg.h"

/* op0 = 3, op1 = 0, CRn = 0: index by CRm (1..7) and op2. */
#define REG(crm, op2) (uint8_t)(((crm) - 1) * 8 + (op2))

enum {
	PFR0 = REG(4, 0),
	PFR1 = REG(4, 1),
	DFR0 = REG(5, 0),
	ISAR0 = REG(6, 0),
	ISAR1 = REG(6, 1),
	ISAR2 = REG(6, 2),
	MMFR0 = REG(7, 0),
	MMFR1 = REG(7, 1),
	MMFR2 = REG(7, 2),
};

/* 4 bits a field, written as the register is read, from bit 63 on. */
static const struct id_reg {
	uint8_t reg;
	uint64_t max;   /* the most that is allowed of each field */
	uint64_t as_is; /* whatever the boot CPU says: signed or descriptive fields */
	uint64_t pac;   /* pointer authentication: needs HCR_EL2.API and APK */
} id_regs[] = {
	/* CSV3 CSV2(more would need SCXTNUM) - DIT | - - - - | - GIC AdvSIMD FP(15 is "none") |
	 * - - EL1(AArch64 only: HCR_EL2.RW) EL0(AArch32 too) */
	{ PFR0, 0x1101000001000012, .as_is = 0xff0000 },
	/* SSBS BTI. MTE would need HCR_EL2.ATA and tag storage; SME, NMI, GCS are not offered. */
	{ PFR1, 0x21 },
	/* Debug v8: the registers are the guest's alone, vCPUs are pinned. As they are: DoubleLock,
	 * context-aware breakpoints, watchpoints, breakpoints. PMU, trace, SPE, TRBE, BRBE trap or
	 * are undefined. */
	{ DFR0, 0x6, .as_is = 0xf0f0f0f000 },
	/* RNDR TLBI(outer shareable and range: they act on the guest's VMID only) TS FHM |
	 * DP SM4 SM3 SHA3 | RDM - LSE CRC32 | SHA2 SHA1 AES - */
	{ ISAR0, 0x1221111110212120 },
	/* - - I8MM DGH | BF16 SPECRES SB FRINTTS | GPI GPA LRCPC FCMA | JSCVT API APA DPB.
	 * XS and LS64 would need HCRX_EL2 bits. */
	{ ISAR1, 0x0011111111311552, .pac = 0xff000ff0 },
	/* - - CSSC RPRFM | - - - - | CLRBHB PAC_frac BC MOPS | APA3 GPA3 RPRES WFxT */
	{ ISAR2, 0x0011000011115112, .pac = 0x0f00ff00 },
	/* ECV(self-synchronised counters only) - - - | ExS - - - | TGran4(0 is "yes"; 15, "none",
	 * is refused; 52 bits is not offered) TGran64(15 is "none") TGran16(without 52 bits)
	 * BigEndEL0 |
	 * - BigEnd ASIDBits PARange(idreg_plan) */
	{ MMFR0, 0x1000100000110120, .as_is = 0xf000000 },
	/* ECBHB - - nTLBPA | AFP - ETS - | - - PAN - | HPDS - - HAFDBS(access and dirty flags) */
	{ MMFR1, 0x1001101000302002 },
	/* E0PD - BBM TTL | - - IDS AT | ST - CCIDX LVA | - LSM UAO CnP */
	{ MMFR2, 0x1021001110110111 },
};

static struct {
	uint64_t guest[ID_REG_COUNT];
	uint64_t hcr, hcrx, cptr, mdcr;
	bool has_hcrx, has_fgt;
} id __ro_after_boot;

static unsigned get4(uint64_t reg, unsigned lsb)
{
	return (unsigned)(reg >> lsb & 15);
}

/*
 * What is read at all: mrs takes its register as text. Of AArch32 (CRm 1..3, passed on as a whole)
 * without ID_DFR0, for its performance monitors, and ID_AFR0.
 */
/* clang-format off */
#define EACH_ID(X)                                                                                 \
	X(1, 0) X(1, 1) X(1, 4) X(1, 5) X(1, 6) X(1, 7) X(2, 0) X(2, 1) X(2, 2) X(2, 3) X(2, 4)    \
	X(2, 5) X(2, 6) X(2, 7) X(3, 0) X(3, 1) X(3, 2) X(3, 4) X(3, 6) X(4, 0) X(4, 1) X(4, 2)    \
	X(4, 4) X(4, 5) X(5, 0) X(5, 1) X(6, 0) X(6, 1) X(6, 2) X(7, 0) X(7, 1) X(7, 2) X(7, 3)    \
	X(7, 4)
/* clang-format on */

void idreg_record(struct cpu *c)
{
#define X(crm, op2) c->id_regs[REG(crm, op2)] = read_sysreg(S3_0_C0_C##crm##_##op2);
	EACH_ID(X)
#undef X
}

/* Smallest value of a field over all CPUs that are online. */
static unsigned min4(unsigned reg, unsigned lsb)
{
	unsigned v = 15;

	for (unsigned i = 0; i < cpu_count; i++)
		if (cpus[i].online)
			v = MIN(v, get4(cpus[i].id_regs[reg], lsb));
	return v;
}

unsigned idreg_cpu_pa_bits(void)
{
	return s2_address_bits(min4(MMFR0, 0));
}

bool idreg_cpu_fwb(void)
{
	return min4(MMFR2, 40) >= 1;
}

const char *idreg_unusable(void)
{
	if (gic.version == 3 && min4(PFR0, 24) == 0)
		return "the GIC has no system register interface";
	return min4(MMFR0, 28) == 15 ? "the CPU has no 4 KiB granule" : NULL;
}

static uint64_t allowed(const struct id_reg *r)
{
	uint64_t v = cpus[0].id_regs[r->reg] & r->as_is;

	for (unsigned lsb = 0; lsb < 64; lsb += 4)
		v |= (uint64_t)MIN(min4(r->reg, lsb), get4(r->max, lsb)) << lsb;
	return v;
}

void idreg_plan(struct s2_geometry geo)
{
	id.hcr = HCR_VM | HCR_SWIO | HCR_FMO | HCR_IMO | HCR_AMO | HCR_TID3 | HCR_TSC | HCR_TIDCP |
		 HCR_TACR | BIT(31) /* RW */ | BIT(HCR_TLOR_BIT);
	if (geo.fwb)
		id.hcr |= BIT(HCR_FWB_BIT);
	for (unsigned i = 0; i < ARRAY_SIZE(id_regs); i++) {
		uint64_t v = allowed(&id_regs[i]);

		id.guest[id_regs[i].reg] = v;
		if (v & id_regs[i].pac)
			id.hcr |= BIT(HCR_APK_BIT) | BIT(HCR_API_BIT);
	}
	if (id.guest[ISAR2] & BITS(19, 16)) /* MOPS */
		id.hcrx |= BIT(11);         /* HCRX_EL2.MSCEn */
	if (gic.version == 2)
		id.guest[PFR0] &= ~BITS(27,
					24); /* the CPU may have what the machine does not use */
	/* AArch32 identification: the guest's EL0 only; passed as the boot CPU has it. */
	memcpy(id.guest, cpus[0].id_regs, PFR0 * sizeof(id.guest[0]));
	/* A guest's physical addresses are IPAs: the largest encoding that fits (36, 40). */
	if (geo.ipa_bits >= 40)
		id.guest[MMFR0] |= 2;
	else if (geo.ipa_bits >= 36)
		id.guest[MMFR0] |= 1;

	id.has_hcrx = min4(MMFR1, 40) >= 1;
	id.has_fgt = min4(MMFR0, 56) >= 1;
	/* CPTR_EL2, E2H = 0: RES1; trace (TTA), SVE (TZ) and SME (TSM) trap; FP does not. */
	id.cptr = 0x22ff | BIT(20) | BIT(8) | BIT(12);
	/* MDCR_EL2: performance monitors trap (TPM, TPMCR), so do statistical profiling and trace
	 * filter (TPMS, TTRF); debug registers are the guest's. HPMN is set on each CPU. */
	id.mdcr = BIT(6) | BIT(5) | BIT(14) | BIT(19) | BIT(17) /* HPMD */;
}

bool idreg_read(unsigned crm, unsigned op2, uint64_t *value)
{
	if (crm < 1 || crm > 7)
		return false;
	*value = id.guest[REG(crm, op2)];
	return true;
}

/* MDCR_EL2.HPMN: all counters below it; fewer than PMCR_EL0.N would need a feature. */
static uint64_t event_counters(void)
{
	unsigned pmu = get4(read_sysreg(id_aa64dfr0_el1), 8);

	return pmu == 0 || pmu == 15 ? 0 : read_sysreg(pmcr_el0) >> 11 & 31;
}

void idreg_load(void)
{
	write_sysreg(hcr_el2, id.hcr);
	if (id.has_hcrx)
		write_sysreg(HCRX_EL2, id.hcrx);
	if (id.has_fgt) {
		/* 0: the fine-grained traps are off, and what needs an "n" bit traps. */
		write_sysreg(HFGRTR_EL2, 0);
		write_sysreg(HFGWTR_EL2, 0);
		write_sysreg(HFGITR_EL2, 0);
		write_sysreg(HDFGRTR_EL2, 0);
		write_sysreg(HDFGWTR_EL2, 0);
	}
	write_sysreg(cptr_el2, id.cptr);
	write_sysreg(mdcr_el2, id.mdcr | event_counters());
	write_sysreg(hstr_el2, 0);
	write_sysreg(cnthctl_el2, 3); /* EL1 has the physical counter and timer */
}
