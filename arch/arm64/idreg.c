/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a guest believes the CPU to be: a row for each field of an ID register, with the most that
 * a guest is shown of it. What it is shown works, by the control bits of the row; what it is not
 * shown traps where there is a trap for it (controls.c has what traps on every CPU). A field or
 * register without a row reads 0: what a newer CPU brings is not there. DDI 0487 D23.2; values are
 * the minimum over all CPUs.
 */
#include <hv/gic.h>

#include "controls.h"
#include "cpu.h"
#include "sysreg.h"

/* Control bits that go with a field. */
enum bits {
	NONE,
	ENABLE_PAUTH,
	ENABLE_MOPS,
	ENABLE_CONTEXT,
	TRAP_ERRORS,
	TRAP_ACTIVITY,
	TRAP_TAGS,
	TRAP_STREAMING,
	TRAP_NMI,
	TRAP_TRACE,
	TRAP_PROFILING,
	TRAP_FILTER,
	TRAP_REGIONS,
	BITS_COUNT
};

static const struct control_bits {
	uint8_t control;
	uint8_t needs; /* another control that must be writable for it */
	uint64_t bits;
} control_bits[BITS_COUNT] = {
	[ENABLE_PAUTH] = { CONTROL_HCR_EL2, CONTROL_APIAKEYLO, HCR_API | HCR_APK },
	[ENABLE_MOPS] = { CONTROL_HCRX_EL2, CONTROL_HCRX_EL2, HCRX_MSCEN },
	[ENABLE_CONTEXT] = { CONTROL_HCR_EL2, CONTROL_SCXTNUM_EL1, HCR_ENSCXT },
	[TRAP_ERRORS] = { CONTROL_HCR_EL2, .bits = HCR_TERR },
	[TRAP_ACTIVITY] = { CONTROL_CPTR_EL2, .bits = CPTR_TAM },
	[TRAP_TAGS] = { CONTROL_HCR_EL2, .bits = HCR_TID5 },      /* GMID_EL1 */
	[TRAP_STREAMING] = { CONTROL_HCR_EL2, .bits = HCR_TID1 }, /* SMIDR_EL1 */
	[TRAP_NMI] = { CONTROL_HCRX_EL2, .bits = HCRX_TALLINT },
	[TRAP_TRACE] = { CONTROL_CPTR_EL2, .bits = CPTR_TTA },
	[TRAP_PROFILING] = { CONTROL_MDCR_EL2, .bits = MDCR_TPMS },
	[TRAP_FILTER] = { CONTROL_MDCR_EL2, .bits = MDCR_TTRF },
	[TRAP_REGIONS] = { CONTROL_HCR_EL2, .bits = HCR_TLOR },
};

static const struct id_field {
	uint8_t reg, lsb;
	uint8_t most;      /* that a guest is shown; 0: nothing */
	bool is_signed;    /* 15 is -1, "not there", and the least */
	uint8_t if_shown;  /* enum bits: set when a guest is shown it, .. */
	uint8_t from;      /* .. as at least this; 0 stands for 1 */
	uint8_t if_hidden; /* set when a CPU has it and no guest is shown it */
} fields[] = {
/* clang-format off */
#define ID_FIELD(reg, name, lsb, most, ...) { reg, lsb, most, __VA_ARGS__ }
#define SIGNED                              .is_signed = true
	ID_FIELD(PFR0, EL0, 0, 2), /* AArch32 too */
	ID_FIELD(PFR0, EL1, 4, 1), /* AArch64 only: HCR_EL2.RW */
	ID_FIELD(PFR0, EL2, 8, 0),
	ID_FIELD(PFR0, EL3, 12, 0),
	ID_FIELD(PFR0, FP, 16, 1, SIGNED),
	ID_FIELD(PFR0, AdvSIMD, 20, 1, SIGNED),
	ID_FIELD(PFR0, GIC, 24, 1), /* 0 with a GICv2: idreg_plan() */
	ID_FIELD(PFR0, RAS, 28, 0, .if_hidden = TRAP_ERRORS),
	ID_FIELD(PFR0, SVE, 32, 1), /* optional; CPTR_EL2.TZ */
	ID_FIELD(PFR0, SEL2, 36, 0),
	ID_FIELD(PFR0, MPAM, 40, 0), /* MPAM2_EL2 */
	ID_FIELD(PFR0, AMU, 44, 0, .if_hidden = TRAP_ACTIVITY),
	ID_FIELD(PFR0, DIT, 48, 1),
	ID_FIELD(PFR0, RME, 52, 0),
	ID_FIELD(PFR0, CSV2, 56, 3, .if_shown = ENABLE_CONTEXT, .from = 2), /* 2: SCXTNUM */
	ID_FIELD(PFR0, CSV3, 60, 1),

	ID_FIELD(PFR1, BT, 0, 1),
	ID_FIELD(PFR1, SSBS, 4, 2),
	ID_FIELD(PFR1, MTE, 8, 0, .if_hidden = TRAP_TAGS), /* HCR_EL2.ATA */
	ID_FIELD(PFR1, RAS_frac, 12, 0),
	ID_FIELD(PFR1, MPAM_frac, 16, 0),
	ID_FIELD(PFR1, SME, 24, 0, .if_hidden = TRAP_STREAMING), /* CPTR_EL2.TSM */
	ID_FIELD(PFR1, RNDR_trap, 28, 0),
	ID_FIELD(PFR1, CSV2_frac, 32, 0),
	ID_FIELD(PFR1, NMI, 36, 0, .if_hidden = TRAP_NMI),
	ID_FIELD(PFR1, MTE_frac, 40, 0),
	ID_FIELD(PFR1, GCS, 44, 0),  /* HCRX_EL2.GCSEn, HFGRTR_EL2.nGCS_EL1 */
	ID_FIELD(PFR1, THE, 48, 0),  /* HFGRTR_EL2.nRCWMASK_EL1 */
	ID_FIELD(PFR1, MTEX, 52, 0), /* HCR_EL2.ATA */
	ID_FIELD(PFR1, DF2, 56, 0),
	ID_FIELD(PFR1, PFAR, 60, 0), /* HFGRTR2_EL2.nPFAR_EL1 */

	/* Optional, with PFR0.SVE: its extensions that bring instructions alone. */
	ID_FIELD(ZFR0, SVEver, 0, 2),
	ID_FIELD(ZFR0, AES, 4, 2),
	ID_FIELD(ZFR0, BitPerm, 16, 1),
	ID_FIELD(ZFR0, BF16, 20, 2),
	ID_FIELD(ZFR0, B16B16, 24, 1),
	ID_FIELD(ZFR0, SHA3, 32, 1),
	ID_FIELD(ZFR0, SM4, 40, 1),
	ID_FIELD(ZFR0, I8MM, 44, 1),
	ID_FIELD(ZFR0, F32MM, 52, 1),
	ID_FIELD(ZFR0, F64MM, 56, 1),

	/* The debug registers are the guest's alone, vCPUs are pinned: Debug v8 (6). */
	ID_FIELD(DFR0, DebugVer, 0, 6),
	ID_FIELD(DFR0, TraceVer, 4, 0, .if_hidden = TRAP_TRACE),
	ID_FIELD(DFR0, PMUVer, 8, 8), /* optional; FEAT_PMUv3p8 */
	ID_FIELD(DFR0, BRPs, 12, 15),
	ID_FIELD(DFR0, PMSS, 16, 0), /* HDFGRTR2_EL2.nPMSSDATA */
	ID_FIELD(DFR0, WRPs, 20, 15),
	ID_FIELD(DFR0, SEBEP, 24, 0),
	ID_FIELD(DFR0, CTX_CMPs, 28, 15),
	ID_FIELD(DFR0, PMSVer, 32, 0, .if_hidden = TRAP_PROFILING),
	ID_FIELD(DFR0, DoubleLock, 36, 0, SIGNED),
	ID_FIELD(DFR0, TraceFilt, 40, 0, .if_hidden = TRAP_FILTER),
	ID_FIELD(DFR0, TraceBuffer, 44, 0), /* MDCR_EL2.E2TB */
	ID_FIELD(DFR0, MTPMU, 48, 0),
	ID_FIELD(DFR0, BRBE, 52, 0), /* HDFGRTR_EL2.nBRBCTL, nBRBDATA, nBRBIDR */
	ID_FIELD(DFR0, ExtTrcBuff, 56, 0),
	ID_FIELD(DFR0, HPMN0, 60, 0),

	ID_FIELD(ISAR0, AES, 4, 2),
	ID_FIELD(ISAR0, SHA1, 8, 1),
	ID_FIELD(ISAR0, SHA2, 12, 2),
	ID_FIELD(ISAR0, CRC32, 16, 1),
	ID_FIELD(ISAR0, Atomic, 20, 2),
	ID_FIELD(ISAR0, TME, 24, 0), /* HCR_EL2.TME */
	ID_FIELD(ISAR0, RDM, 28, 1),
	ID_FIELD(ISAR0, SHA3, 32, 1),
	ID_FIELD(ISAR0, SM3, 36, 1),
	ID_FIELD(ISAR0, SM4, 40, 1),
	ID_FIELD(ISAR0, DP, 44, 1),
	ID_FIELD(ISAR0, FHM, 48, 1),
	ID_FIELD(ISAR0, TS, 52, 2),
	/* outer shareable and range: they act on the guest's VMID only */
	ID_FIELD(ISAR0, TLB, 56, 2),
	ID_FIELD(ISAR0, RNDR, 60, 1),

	ID_FIELD(ISAR1, DPB, 0, 2),
	ID_FIELD(ISAR1, APA, 4, 5, .if_shown = ENABLE_PAUTH),
	ID_FIELD(ISAR1, API, 8, 5, .if_shown = ENABLE_PAUTH),
	ID_FIELD(ISAR1, JSCVT, 12, 1),
	ID_FIELD(ISAR1, FCMA, 16, 1),
	ID_FIELD(ISAR1, LRCPC, 20, 3),
	ID_FIELD(ISAR1, GPA, 24, 1, .if_shown = ENABLE_PAUTH),
	ID_FIELD(ISAR1, GPI, 28, 1, .if_shown = ENABLE_PAUTH),
	ID_FIELD(ISAR1, FRINTTS, 32, 1),
	ID_FIELD(ISAR1, SB, 36, 1),
	ID_FIELD(ISAR1, SPECRES, 40, 1),
	ID_FIELD(ISAR1, BF16, 44, 1),
	ID_FIELD(ISAR1, DGH, 48, 1),
	ID_FIELD(ISAR1, I8MM, 52, 1),
	ID_FIELD(ISAR1, XS, 56, 0),   /* HCRX_EL2.FnXS */
	ID_FIELD(ISAR1, LS64, 60, 0), /* HCRX_EL2.EnALS, EnASR, EnAS0 */

	ID_FIELD(ISAR2, WFxT, 0, 2),
	ID_FIELD(ISAR2, RPRES, 4, 1),
	ID_FIELD(ISAR2, GPA3, 8, 1, .if_shown = ENABLE_PAUTH),
	ID_FIELD(ISAR2, APA3, 12, 5, .if_shown = ENABLE_PAUTH),
	ID_FIELD(ISAR2, MOPS, 16, 1, .if_shown = ENABLE_MOPS),
	ID_FIELD(ISAR2, BC, 20, 1),
	ID_FIELD(ISAR2, PAC_frac, 24, 1, .if_shown = ENABLE_PAUTH),
	ID_FIELD(ISAR2, CLRBHB, 28, 1),
	ID_FIELD(ISAR2, SYSREG_128, 32, 0), /* HCRX_EL2.EnIDCP128, D128En */
	ID_FIELD(ISAR2, SYSINSTR_128, 36, 0),
	ID_FIELD(ISAR2, PRFMSLC, 40, 0),
	ID_FIELD(ISAR2, RPRFM, 48, 1),
	ID_FIELD(ISAR2, CSSC, 52, 1),
	ID_FIELD(ISAR2, LUT, 56, 0),
	ID_FIELD(ISAR2, ATS1A, 60, 0),

	ID_FIELD(MMFR0, PARange, 0, 0), /* what is shown is the size of an IPA: idreg_plan() */
	ID_FIELD(MMFR0, ASIDBits, 4, 2),
	ID_FIELD(MMFR0, BigEnd, 8, 1),
	ID_FIELD(MMFR0, SNSMem, 12, 0),
	ID_FIELD(MMFR0, BigEndEL0, 16, 1),
	ID_FIELD(MMFR0, TGran16, 20, 1), /* without 52 bits, as the others */
	ID_FIELD(MMFR0, TGran64, 24, 0, SIGNED),
	ID_FIELD(MMFR0, TGran4, 28, 0, SIGNED),
	ID_FIELD(MMFR0, TGran16_2, 32, 0),
	ID_FIELD(MMFR0, TGran64_2, 36, 0),
	ID_FIELD(MMFR0, TGran4_2, 40, 0),
	ID_FIELD(MMFR0, ExS, 44, 1),
	ID_FIELD(MMFR0, FGT, 56, 0),
	ID_FIELD(MMFR0, ECV, 60, 1), /* self-synchronised counters only */

	ID_FIELD(MMFR1, HAFDBS, 0, 2), /* access flag and dirty state */
	ID_FIELD(MMFR1, VMIDBits, 4, 0),
	ID_FIELD(MMFR1, VH, 8, 0),
	ID_FIELD(MMFR1, HPDS, 12, 2),
	ID_FIELD(MMFR1, LO, 16, 0, .if_hidden = TRAP_REGIONS),
	ID_FIELD(MMFR1, PAN, 20, 3),
	ID_FIELD(MMFR1, SpecSEI, 24, 0),
	ID_FIELD(MMFR1, XNX, 28, 0),
	ID_FIELD(MMFR1, TWED, 32, 0),
	ID_FIELD(MMFR1, ETS, 36, 1),
	ID_FIELD(MMFR1, HCX, 40, 0),
	ID_FIELD(MMFR1, AFP, 44, 1),
	ID_FIELD(MMFR1, nTLBPA, 48, 1),
	ID_FIELD(MMFR1, TIDCP1, 52, 0),
	ID_FIELD(MMFR1, CMOW, 56, 0),
	ID_FIELD(MMFR1, ECBHB, 60, 1),

	ID_FIELD(MMFR2, CnP, 0, 1),
	ID_FIELD(MMFR2, UAO, 4, 1),
	ID_FIELD(MMFR2, LSM, 8, 1),
	ID_FIELD(MMFR2, IESB, 12, 0),
	ID_FIELD(MMFR2, VARange, 16, 1),
	ID_FIELD(MMFR2, CCIDX, 20, 1),
	ID_FIELD(MMFR2, NV, 24, 0),
	ID_FIELD(MMFR2, ST, 28, 1),
	ID_FIELD(MMFR2, AT, 32, 1),
	ID_FIELD(MMFR2, IDS, 36, 1),
	ID_FIELD(MMFR2, FWB, 40, 0),
	ID_FIELD(MMFR2, TTL, 48, 1),
	ID_FIELD(MMFR2, BBM, 52, 2),
	ID_FIELD(MMFR2, EVT, 56, 0),
	ID_FIELD(MMFR2, E0PD, 60, 1),

	/*
	 * All fields of ID_AA64PFR2, SMFR0, FPFR0, DFR1, DFR2, AFR0, AFR1, ISAR3, MMFR3 and
	 * MMFR4 are hidden: SME, FPMR, MTE and debug state of those; TCR2 and SCTLR2
	 * (HCRX_EL2. TCR2En, SCTLR2En), permission indirection and overlays (HFGRTR_EL2.nPIR_EL1,
	 * nPOR_EL0, ..), AIE (nMAIR2_EL1), 128-bit descriptors (HCRX_EL2.D128En).
	 */
	/* clang-format on */
};

/*
 * Fields of what only some guests have, for one feature each. The table above says what those see;
 * to the others they are 0. controls.c has the bits that go with them.
 */
static const struct optional_field {
	uint8_t feature; /* enum vm_features */
	uint8_t reg;
	uint64_t bits;
} optional[] = {
	{ VM_PMU, DFR0, DFR0_PMUVER },
	{ VM_SVE, PFR0, PFR0_SVE },
	{ VM_SVE, ZFR0, UINT64_MAX },
};

static uint64_t guest_view[ID_REG_COUNT] __ro_after_boot;

/* The bits of an ID register that a guest with these features has not. */
static uint64_t missing(unsigned reg, unsigned features)
{
	uint64_t bits = 0;

	for (unsigned i = 0; i < ARRAY_SIZE(optional); i++)
		if (optional[i].reg == reg && !(optional[i].feature & features))
			bits |= optional[i].bits;
	return bits;
}

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
#define X(crm, op2) c->id_regs[ID_REG(crm, op2)] = read_sysreg(S3_0_C0_C##crm##_##op2);
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

/* A CPU that is online has the field, as more than 0. */
static bool any_has(unsigned reg, unsigned lsb)
{
	for (unsigned i = 0; i < cpu_count; i++)
		if (cpus[i].online && get4(cpus[i].id_regs[reg], lsb))
			return true;
	return false;
}

static bool none_has_minus_one(unsigned reg, unsigned lsb)
{
	for (unsigned i = 0; i < cpu_count; i++)
		if (cpus[i].online && get4(cpus[i].id_regs[reg], lsb) == 15)
			return false;
	return true;
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

/* Every CPU that is online lets EL2 write it. */
static bool is_writable(unsigned control)
{
	for (unsigned i = 0; i < cpu_count; i++)
		if (cpus[i].online && !(cpus[i].controls >> control & 1))
			return false;
	return true;
}

/* What a guest is shown of a field. */
static unsigned shown_field(const struct id_field *f)
{
	unsigned most = f->most;

	if (f->is_signed && !none_has_minus_one(f->reg, f->lsb))
		return 15;
	if (f->if_shown && !is_writable(control_bits[f->if_shown].needs))
		most = MAX(f->from, 1) - 1U;
	return MIN(min4(f->reg, f->lsb), most);
}

static void plan_field(const struct id_field *f)
{
	unsigned v = shown_field(f);
	unsigned bits = v >= MAX(f->from, 1) ? f->if_shown : f->if_hidden;

	guest_view[f->reg] |= (uint64_t)v << f->lsb;
	if (bits && any_has(f->reg, f->lsb))
		controls_add(control_bits[bits].control, control_bits[bits].bits);
}

/*
 * AArch32 identification, for the guest's EL0: as the boot CPU has it, without RAS, activity
 * monitors, virtualization, security and the GIC's registers, none of which EL0 reaches.
 */
static void plan_aarch32(void)
{
	if (get4(guest_view[PFR0], 0) < 2)
		return; /* the registers are unknown */
	for (unsigned i = 0; i < PFR0; i++)
		guest_view[i] = cpus[0].id_regs[i];
	guest_view[ID_REG(1, 0)] &= ~(BITS(31, 28) | BITS(23, 20)); /* PFR0: RAS, AMU */
	guest_view[ID_REG(1, 1)] &= ~(BITS(31, 28) | BITS(15, 12) | BITS(7, 4)); /* PFR1 */
	guest_view[ID_REG(3, 4)] &= ~BITS(11, 8); /* PFR2: RAS_frac */
}

/* ID_AA64MMFR0_EL1.PARange of an IPA: the largest encoding that fits. */
static uint64_t pa_range(unsigned ipa_bits)
{
	if (ipa_bits >= 40)
		return 2;
	return ipa_bits >= 36 ? 1 : 0;
}

void idreg_plan(struct s2_geometry geo)
{
	controls_report();
	for (unsigned i = 0; i < ARRAY_SIZE(fields); i++)
		plan_field(&fields[i]);
	if (gic.version == 2)
		guest_view[PFR0] &= ~BITS(27,
					  24); /* the CPU may have what the machine does not use */
	plan_aarch32();
	guest_view[MMFR0] |= pa_range(geo.ipa_bits);
	controls_add(CONTROL_HCR_EL2, HCR_VM | (geo.fwb ? HCR_FWB : 0));
}

uint16_t idreg_sve_lengths(void)
{
	uint16_t lengths = UINT16_MAX;

	for (unsigned i = 0; i < cpu_count; i++)
		if (cpus[i].online)
			lengths &= cpus[i].sve_lengths;
	return lengths;
}

bool idreg_has_pmu(void)
{
	for (unsigned i = 0; i < cpu_count; i++)
		if (cpus[i].online && !cpu_has_pmu(&cpus[i]))
			return false;
	return true;
}

bool idreg_read(unsigned features, unsigned crm, unsigned op2, uint64_t *value)
{
	if (crm == 0 && op2 == 6)
		*value = read_sysreg(revidr_el1); /* traps with SMIDR_EL1, by HCR_EL2.TID1 */
	else if (crm >= 1 && crm <= 7)
		*value = guest_view[ID_REG(crm, op2)] & ~missing(ID_REG(crm, op2), features);
	else
		return false;
	return true;
}
