/*
 * What a guest believes the CPU to be. One row for each field of an ID register that a guest may
 * see, with the most that is allowed; a field that is not listed reads 0 and the feature traps or
 * is undefined. Every EL2 control register is written as a whole, from what the rows allow, never
 * by changing a reset value. DDI 0487 D23.2; values are the minimum over all CPUs.
 */
#include <string.h>

#include <hv/gic.h>

#include "cpu.h"
#include "sysreg.h"

/* op0 = 3, op1 = 0, CRn = 0: index by CRm (1..7) and op2. */
#define REG(crm, op2) (uint8_t)(((crm) - 1) * 8 + (op2))

enum {
	PFR0 = REG(4, 0), PFR1 = REG(4, 1), ZFR0 = REG(4, 4),
	DFR0 = REG(5, 0), DFR1 = REG(5, 1),
	ISAR0 = REG(6, 0), ISAR1 = REG(6, 1), ISAR2 = REG(6, 2),
	MMFR0 = REG(7, 0), MMFR1 = REG(7, 1), MMFR2 = REG(7, 2), MMFR3 = REG(7, 3),
};

/* What must be set for an allowed feature to work at EL1. */
enum needs { NEEDS_NOTHING, NEEDS_API, NEEDS_MSCEN };

struct id_field {
	uint8_t reg;
	uint8_t lsb;
	uint8_t max; /* of 4 bits; RAW: whatever the CPU says (signed or descriptive fields) */
	uint8_t needs;
};

#define RAW 0x10

static const struct id_field fields[] = {
	{ PFR0, 0, 2 },  /* EL0: AArch32 too */
	{ PFR0, 4, 1 },  /* EL1: AArch64 only (HCR_EL2.RW) */
	{ PFR0, 16, RAW }, /* FP, 15 is "none" */
	{ PFR0, 20, RAW }, /* AdvSIMD */
	{ PFR0, 24, 1 }, /* GIC system registers */
	{ PFR0, 48, 1 }, /* DIT */
	{ PFR0, 56, 1 }, /* CSV2; more would need SCXTNUM */
	{ PFR0, 60, 1 }, /* CSV3 */
	{ PFR1, 0, 1 },  /* BTI */
	{ PFR1, 4, 2 },  /* SSBS */
	/* PFR1: MTE would need HCR_EL2.ATA and tag storage; SME, NMI, GCS are not offered. */
	{ DFR0, 0, 6 },  /* Debug v8: the registers are the guest's alone, vCPUs are pinned */
	{ DFR0, 12, RAW }, /* breakpoints */
	{ DFR0, 20, RAW }, /* watchpoints */
	{ DFR0, 28, RAW }, /* context-aware breakpoints */
	{ DFR0, 36, RAW }, /* DoubleLock */
	/* DFR0: PMU, trace, SPE, TRBE, BRBE trap or are undefined. */
	{ ISAR0, 4, 2 },  { ISAR0, 8, 1 },  { ISAR0, 12, 2 }, { ISAR0, 16, 1 }, /* AES SHA1 SHA2 CRC32 */
	{ ISAR0, 20, 2 }, { ISAR0, 28, 1 }, /* LSE atomics, RDM */
	{ ISAR0, 32, 1 }, { ISAR0, 36, 1 }, { ISAR0, 40, 1 }, { ISAR0, 44, 1 }, /* SHA3 SM3 SM4 DP */
	{ ISAR0, 48, 1 }, { ISAR0, 52, 2 }, /* FHM, flag manipulation */
	{ ISAR0, 56, 2 }, /* TLBI outer shareable and range: they act on the guest's VMID only */
	{ ISAR0, 60, 1 }, /* RNDR */
	{ ISAR1, 0, 2 }, /* DC CVAP, CVADP */
	{ ISAR1, 4, 5, NEEDS_API }, { ISAR1, 8, 5, NEEDS_API }, /* pointer authentication */
	{ ISAR1, 12, 1 }, { ISAR1, 16, 1 }, { ISAR1, 20, 3 }, /* JSCVT FCMA LRCPC */
	{ ISAR1, 24, 1, NEEDS_API }, { ISAR1, 28, 1, NEEDS_API },
	{ ISAR1, 32, 1 }, { ISAR1, 36, 1 }, { ISAR1, 40, 1 }, /* FRINTTS SB SPECRES */
	{ ISAR1, 44, 1 }, { ISAR1, 48, 1 }, { ISAR1, 52, 1 }, /* BF16 DGH I8MM */
	/* ISAR1: XS and LS64 would need HCRX_EL2 bits. */
	{ ISAR2, 0, 2 }, { ISAR2, 4, 1 }, /* WFxT, RPRES */
	{ ISAR2, 8, 1, NEEDS_API }, { ISAR2, 12, 5, NEEDS_API },
	{ ISAR2, 16, 1, NEEDS_MSCEN }, /* MOPS */
	{ ISAR2, 20, 1 }, { ISAR2, 24, 1, NEEDS_API }, { ISAR2, 28, 1 }, /* BC, PAC_frac, CLRBHB */
	{ ISAR2, 48, 1 }, { ISAR2, 52, 1 }, /* RPRFM, CSSC */
	/* MMFR0.PARange: idreg_plan() */
	{ MMFR0, 4, 2 }, { MMFR0, 8, 1 }, { MMFR0, 16, 1 }, /* ASID bits, big endian */
	{ MMFR0, 20, 1 }, /* 16 KiB granule, without 52 bits */
	{ MMFR0, 24, RAW }, /* 64 KiB granule, 15 is "none" */
	/* MMFR0.TGran4: 0 is "yes"; 15, "none", is refused; 52 bits is not offered */
	{ MMFR0, 44, 1 }, /* ExS */
	{ MMFR0, 60, 1 }, /* ECV: self-synchronised counters only */
	{ MMFR1, 0, 2 }, /* access and dirty flags */
	{ MMFR1, 12, 2 }, { MMFR1, 20, 3 }, /* HPDS, PAN */
	{ MMFR1, 36, 1 }, { MMFR1, 44, 1 }, { MMFR1, 48, 1 }, { MMFR1, 60, 1 }, /* ETS AFP nTLBPA ECBHB */
	{ MMFR2, 0, 1 }, { MMFR2, 4, 1 }, { MMFR2, 8, 1 }, /* CnP UAO LSM */
	{ MMFR2, 16, 1 }, { MMFR2, 20, 1 }, { MMFR2, 28, 1 }, { MMFR2, 32, 1 }, /* LVA CCIDX ST AT */
	{ MMFR2, 36, 1 }, { MMFR2, 48, 1 }, { MMFR2, 52, 2 }, { MMFR2, 60, 1 }, /* IDS TTL BBM E0PD */
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
#define EACH_ID(X)                                                                                 \
	X(1, 0) X(1, 1) X(1, 4) X(1, 5) X(1, 6) X(1, 7) X(2, 0) X(2, 1) X(2, 2) X(2, 3) X(2, 4)    \
	X(2, 5) X(2, 6) X(2, 7) X(3, 0) X(3, 1) X(3, 2) X(3, 4) X(3, 6) X(4, 0) X(4, 1) X(4, 2)    \
	X(4, 4) X(4, 5) X(5, 0) X(5, 1) X(6, 0) X(6, 1) X(6, 2) X(7, 0) X(7, 1) X(7, 2) X(7, 3)    \
	X(7, 4)

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

void idreg_plan(struct s2_geometry geo)
{
	id.hcr = HCR_VM | HCR_SWIO | HCR_FMO | HCR_IMO | HCR_AMO | HCR_TID3 | HCR_TSC | HCR_TIDCP |
		 HCR_TACR | BIT(31) /* RW */ | BIT(HCR_TLOR_BIT);
	if (geo.fwb)
		id.hcr |= BIT(HCR_FWB_BIT);
	for (unsigned i = 0; i < ARRAY_SIZE(fields); i++) {
		const struct id_field *f = &fields[i];
		unsigned v = min4(f->reg, f->lsb);

		if (f->max == RAW)
			v = get4(cpus[0].id_regs[f->reg], f->lsb);
		else
			v = MIN(v, f->max);
		id.guest[f->reg] |= (uint64_t)v << f->lsb;
		if (v && f->needs == NEEDS_API)
			id.hcr |= BIT(HCR_APK_BIT) | BIT(HCR_API_BIT);
		if (v && f->needs == NEEDS_MSCEN)
			id.hcrx |= BIT(11); /* HCRX_EL2.MSCEn */
	}
	if (gic.version == 2)
		id.guest[PFR0] &= ~BITS(27, 24); /* the CPU may have what the machine does not use */
	/* AArch32 identification: the guest's EL0 only; passed as the boot CPU has it. */
	memcpy(id.guest, cpus[0].id_regs, PFR0 * sizeof(id.guest[0]));
	/* A guest's physical addresses are IPAs: the largest encoding that fits (36, 40). */
	id.guest[MMFR0] |= geo.ipa_bits >= 40 ? 2 : geo.ipa_bits >= 36 ? 1 : 0;

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
