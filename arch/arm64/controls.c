/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The registers of EL2 that say what traps and what a guest may do. A row for each: where it
 * exists, and its value when a guest is offered nothing; idreg.c adds the bits of what is offered.
 * Each is written as a whole, never by changing what reset or firmware left. Firmware may withhold
 * a register of a feature that it does not know (SCR_EL3.FGTEn, HXEn, APK, ...): writing it then
 * ends in EL3, which gives an Undefined exception back. That is caught and said once.
 */
#include <arch/barrier.h>
#include <hv/log.h>
#include <hv/panic.h>

#include "controls.h"
#include "cpu.h"
#include "sysreg.h"

/* vectors.S: 0, or not 0 when the write is not possible. */
typedef int64_t control_write_fn(uint64_t value);
#define X(name, encoding) control_write_fn write_##name;
EACH_CONTROL(X)
#undef X

/* An ID field: 4 bits from lsb on. All zero: none. */
struct id_place {
	uint8_t reg, lsb;
};

/* Apart, as that needs no relocation. */
static const char names[CONTROL_COUNT][16] = {
#define X(name, encoding) [CONTROL_##name] = #name,
	EACH_CONTROL(X)
#undef X
};

static const struct control {
	control_write_fn *write;
	struct id_place where[3]; /* exists where one of these fields says so; none: everywhere */
	uint8_t at_least;         /* that value; 0 stands for 1 */
	bool optional;            /* part of its feature: a CPU may be without it */
	uint64_t value;
} controls[CONTROL_COUNT] = {
#define ROW(reg, ...) [CONTROL_##reg] = { write_##reg, __VA_ARGS__ }
#define HCX           { { MMFR1, 40 } }
#define FGT           { { MMFR0, 56 } }
#define AMU           { { PFR0, 44 } }
#define MPAM          { { PFR0, 40 }, { PFR1, 16 } }
#define RAS           { { PFR0, 28 } }
#define SME           { { PFR1, 24 } }
	/*
	 * VM comes with the first plan. PTW: no walk of a guest's tables writes to Device memory.
	 * TEA is 0: a synchronous external abort of the guest is the guest's. ATA, FIEN, NV
	 * and TME are 0: tags, fault injection, nested and transactional state trap.
	 */
	ROW(HCR_EL2, .value = HCR_SWIO | HCR_PTW | HCR_FMO | HCR_IMO | HCR_AMO | HCR_TID3 |
			      HCR_TSC | HCR_TIDCP | HCR_TACR | BIT(31) /* RW */),
	/* Each bit enables something at EL1, but for TALLINT and CMOW. */
	ROW(HCRX_EL2, HCX),
	/* E2H = 0: RES1, SVE (TZ) and SME (TSM) trap. FP and SIMD do not. */
	ROW(CPTR_EL2, .value = CPTR_RES1 | CPTR_TZ | CPTR_TSM),
	/*
	 * Debug registers are the guest's. E2PB and E2TB are 0: buffers of SPE and TRBE trap, as do
	 * performance monitors, also those that no ID register tells of.
	 */
	ROW(MDCR_EL2, .value = MDCR_TPM | MDCR_TPMCR), ROW(HSTR_EL2, .value = 0),
	ROW(HACR_EL2, .value = 0),
	ROW(ACTLR_EL2, .value = 0), /* EL1 has none of the implementation's controls */
	/*
	 * EL1 has the physical counter and timer; no event stream, no offset, no trap of the
	 * virtual.
	 */
	ROW(CNTHCTL_EL2, .value = CNTHCTL_EL1PCTEN | CNTHCTL_EL1PCEN),
	/*
	 * 0: no trap of what is old, and a trap of whatever has an "n" bit, which all state has
	 * that came later (BRBE, GCS, THE, permission indirection and overlays, TPIDR2, ...).
	 */
	ROW(HFGRTR_EL2, FGT), ROW(HFGWTR_EL2, FGT), ROW(HFGITR_EL2, FGT), ROW(HDFGRTR_EL2, FGT),
	ROW(HDFGWTR_EL2, FGT), ROW(HAFGRTR_EL2, AMU, .optional = true),
	ROW(HFGRTR2_EL2, FGT, .at_least = 2), ROW(HFGWTR2_EL2, FGT, .at_least = 2),
	ROW(HFGITR2_EL2, FGT, .at_least = 2), ROW(HDFGRTR2_EL2, FGT, .at_least = 2),
	ROW(HDFGWTR2_EL2, FGT, .at_least = 2),
	/* Partition 0 for all; MPAM0, MPAM1 and MPAMIDR trap. */
	ROW(MPAM2_EL2, MPAM, .value = MPAM2_TIDR | MPAM2_TRAPMPAM0EL1 | MPAM2_TRAPMPAM1EL1),
	ROW(MPAMHCR_EL2, MPAM, .optional = true, .value = MPAMHCR_TRAP_MPAMIDR),
	ROW(MPAM1_EL1, MPAM), ROW(MPAM0_EL1, MPAM),
	/* Nothing of EL2's own extended translation and control is used. */
	ROW(TCR2_EL2, { { MMFR3, 0 } }), ROW(SCTLR2_EL2, { { MMFR3, 4 } }),
	/* What a virtual SError of the last life would report. */
	ROW(VSESR_EL2, RAS), ROW(VDISR_EL2, RAS),
	/* State of EL1 and EL0 that no trap keeps the guest from, on CPUs that have it. */
	ROW(TPIDR2_EL0, SME),
#define PAUTH { { ISAR1, 4 }, { ISAR1, 8 }, { ISAR2, 12 } } /* APA, API, APA3 */
	ROW(APIAKEYLO, PAUTH), ROW(APIAKEYHI, PAUTH), ROW(APIBKEYLO, PAUTH), ROW(APIBKEYHI, PAUTH),
	ROW(APDAKEYLO, PAUTH), ROW(APDAKEYHI, PAUTH), ROW(APDBKEYLO, PAUTH), ROW(APDBKEYHI, PAUTH),
	ROW(APGAKEYLO, PAUTH), ROW(APGAKEYHI, PAUTH),
	ROW(SCXTNUM_EL0, { { PFR0, 56 } }, .at_least = 2),
	ROW(SCXTNUM_EL1, { { PFR0, 56 } }, .at_least = 2),
	ROW(DBGPRCR_EL1, .optional = true), /* QEMU has none */
};

/* By the features that the ID registers show: of the first few controls only. */
static uint64_t added[CONTROL_MDCR_EL2 + 1] __ro_after_boot;

/* Bits that a feature turns round, against a guest without it. */
static const struct feature {
	uint8_t features, control;
	uint64_t bits;
} of_features[] = {
	{ VM_PMU, CONTROL_MDCR_EL2, MDCR_TPM | MDCR_TPMCR },
	{ VM_SVE, CONTROL_CPTR_EL2, CPTR_TZ },
};

static bool control_exists(const struct cpu *c, const struct control *k)
{
	if (!k->where[0].reg)
		return true;
	for (unsigned i = 0; i < ARRAY_SIZE(k->where); i++) {
		const struct id_place *p = &k->where[i];

		if (p->reg && (c->id_regs[p->reg] >> p->lsb & 15) >= MAX(k->at_least, 1))
			return true;
	}
	return false;
}

void controls_probe(struct cpu *c)
{
	for (unsigned i = 0; i < CONTROL_COUNT; i++) {
		const struct control *k = &controls[i];

		if (!control_exists(c, k))
			continue;
		if (k->write(k->value) == 0)
			c->controls |= BIT(i);
		else if (!k->optional)
			c->withheld |= BIT(i);
	}
	arch_isb();
}

void controls_add(unsigned control, uint64_t bits)
{
	ASSERT(control < ARRAY_SIZE(added));
	added[control] |= bits;
}

uint64_t controls_hcr(void)
{
	return controls[CONTROL_HCR_EL2].value | added[CONTROL_HCR_EL2];
}

bool cpu_has_pmu(const struct cpu *c)
{
	uint64_t version = field_get(DFR0_PMUVER, c->id_regs[DFR0]);

	return version != 0 && version != 15; /* 15: something of the implementation's own */
}

unsigned cpu_event_counters(const struct cpu *c)
{
	return cpu_has_pmu(c) ? read_sysreg(pmcr_el0) >> 11 & 31 : 0;
}

/*
 * All counters are below MDCR_EL2.HPMN (fewer than PMCR_EL0.N would need a feature), and those do
 * not count at EL2, nor does the cycle counter, on CPUs that know these bits (FEAT_PMUv3p1, p5).
 */
static uint64_t counters_of_guest(const struct cpu *c)
{
	return cpu_has_pmu(c) ? MDCR_HPMD | MDCR_HCCD | cpu_event_counters(c) : 0;
}

static uint64_t value_for(const struct cpu *c, unsigned control, unsigned features)
{
	uint64_t value = controls[control].value;

	if (control < ARRAY_SIZE(added))
		value |= added[control];
	for (unsigned i = 0; i < ARRAY_SIZE(of_features); i++)
		if (of_features[i].control == control && of_features[i].features & features)
			value ^= of_features[i].bits;
	return control == CONTROL_MDCR_EL2 ? value | counters_of_guest(c) : value;
}

void controls_load(const struct cpu *c, unsigned features)
{
	for (unsigned i = 0; i < CONTROL_COUNT; i++)
		if (c->controls >> i & 1)
			controls[i].write(value_for(c, i, features));
}

void controls_report(void)
{
	uint64_t withheld = 0;

	for (unsigned i = 0; i < cpu_count; i++)
		withheld |= cpus[i].withheld;
	for (unsigned i = 0; i < CONTROL_COUNT; i++)
		if (withheld >> i & 1)
			log_warn("firmware withholds %s: what depends on it is not offered",
				 names[i]);
}
