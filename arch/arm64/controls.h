/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The EL2 registers that decide what a guest may do, by name and encoding. vectors.S makes a
 * function of each that writes it and survives a trap to firmware; controls.c has a row for each.
 */
#ifndef ARM64_CONTROLS_H
#define ARM64_CONTROLS_H

/* clang-format off */
#define EACH_CONTROL(X)                                                                            \
	X(HCR_EL2, S3_4_C1_C1_0) X(HCRX_EL2, S3_4_C1_C2_2) X(CPTR_EL2, S3_4_C1_C1_2)               \
	X(MDCR_EL2, S3_4_C1_C1_1) X(HSTR_EL2, S3_4_C1_C1_3) X(HACR_EL2, S3_4_C1_C1_7)              \
	X(ACTLR_EL2, S3_4_C1_C0_1) X(CNTHCTL_EL2, S3_4_C14_C1_0)                                   \
	X(HFGRTR_EL2, S3_4_C1_C1_4) X(HFGWTR_EL2, S3_4_C1_C1_5) X(HFGITR_EL2, S3_4_C1_C1_6)        \
	X(HDFGRTR_EL2, S3_4_C3_C1_4) X(HDFGWTR_EL2, S3_4_C3_C1_5) X(HAFGRTR_EL2, S3_4_C3_C1_6)     \
	X(HFGRTR2_EL2, S3_4_C3_C1_2) X(HFGWTR2_EL2, S3_4_C3_C1_3) X(HFGITR2_EL2, S3_4_C3_C1_7)     \
	X(HDFGRTR2_EL2, S3_4_C3_C1_0) X(HDFGWTR2_EL2, S3_4_C3_C1_1)                                \
	X(MPAM2_EL2, S3_4_C10_C5_0) X(MPAMHCR_EL2, S3_4_C10_C4_0)                                  \
	X(MPAM1_EL1, S3_0_C10_C5_0) X(MPAM0_EL1, S3_0_C10_C5_1)                                    \
	X(TCR2_EL2, S3_4_C2_C0_3) X(SCTLR2_EL2, S3_4_C1_C0_3)                                      \
	X(VSESR_EL2, S3_4_C5_C2_3) X(VDISR_EL2, S3_4_C12_C1_1) X(TPIDR2_EL0, S3_3_C13_C0_5)        \
	X(APIAKEYLO, S3_0_C2_C1_0) X(APIAKEYHI, S3_0_C2_C1_1) X(APIBKEYLO, S3_0_C2_C1_2)           \
	X(APIBKEYHI, S3_0_C2_C1_3) X(APDAKEYLO, S3_0_C2_C2_0) X(APDAKEYHI, S3_0_C2_C2_1)           \
	X(APDBKEYLO, S3_0_C2_C2_2) X(APDBKEYHI, S3_0_C2_C2_3) X(APGAKEYLO, S3_0_C2_C3_0)           \
	X(APGAKEYHI, S3_0_C2_C3_1) X(DBGPRCR_EL1, S2_0_C1_C4_4)                                    \
	X(SCXTNUM_EL0, S3_3_C13_C0_7) X(SCXTNUM_EL1, S3_0_C13_C0_7)
/* clang-format on */

#ifndef __ASSEMBLY__
#include <stdbool.h>
#include <stdint.h>

/* op0 = 3, op1 = 0, CRn = 0: index by CRm (1..7) and op2. */
#define ID_REG(crm, op2) (uint8_t)(((crm) - 1) * 8 + (op2))

enum {
	PFR0 = ID_REG(4, 0),
	PFR1 = ID_REG(4, 1),
	ZFR0 = ID_REG(4, 4),
	DFR0 = ID_REG(5, 0),
	ISAR0 = ID_REG(6, 0),
	ISAR1 = ID_REG(6, 1),
	ISAR2 = ID_REG(6, 2),
	MMFR0 = ID_REG(7, 0),
	MMFR1 = ID_REG(7, 1),
	MMFR2 = ID_REG(7, 2),
	MMFR3 = ID_REG(7, 3),
};

enum {
#define X(name, encoding) CONTROL_##name,
	EACH_CONTROL(X)
#undef X
		CONTROL_COUNT
};

struct cpu;

/* vectors.S: 0, or not 0 when the write is undefined */
int64_t write_svcr(uint64_t value);
int64_t write_zcr_el2(uint64_t value);

/*
 * Writes each control of this CPU once, as what a guest without any feature would have, and notes
 * in c->controls which can be written. Behind it, EL2's own view of the CPU is known.
 */
void controls_probe(struct cpu *c);
/* Of what a guest may see follow more bits: before the first controls_load(). Boot only. */
void controls_add(unsigned control, uint64_t bits);
/*
 * Every control of this CPU as a whole, for a guest with these features (enum vm_features): before
 * each entry of a vCPU's life.
 */
void controls_load(const struct cpu *c, unsigned features);
/* HCR_EL2 as controls_load() writes it. */
uint64_t controls_hcr(void);
/* This CPU has performance monitors of the architecture's. */
bool cpu_has_pmu(const struct cpu *c);
/* ... and so many event counters. */
unsigned cpu_event_counters(const struct cpu *c);
/* One line for each register that the CPUs have and firmware withholds. Boot only. */
void controls_report(void);
#endif

#endif
