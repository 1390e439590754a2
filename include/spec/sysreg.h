/* SPDX-License-Identifier: Apache-2.0 */
/*
 * System registers and translation descriptors as EL2 uses them, for C and assembly (which can use
 * what is no BITS()). Only arch/arm64 may include this. Arm DDI 0487, Architecture Reference Manual
 * for A-profile; ICC_* and ICH_* are those of IHI 0069H.b §12.2 and §12.4.
 */
#ifndef SPEC_SYSREG_H
#define SPEC_SYSREG_H

/* Newer than the assembler may know. */
#define SVCR		S3_3_C4_C2_2
#define RNDR		S3_3_C2_C4_0

/* SCTLR_EL2, DDI 0487 D23.2.138; E2H = 0 */
#define SCTLR_M		(1 << 0)
#define SCTLR_C		(1 << 2)
#define SCTLR_SA	(1 << 3)
#define SCTLR_I		(1 << 12)
#define SCTLR_WXN	(1 << 19)
#define SCTLR_EL2_RES1	0x30c50830

/* SCTLR_EL1, DDI 0487 D23.2.137 */
#define SCTLR_EL1_SPAN	BIT(23)
#define SCTLR_EL1_E0E	BIT(24)
#define SCTLR_EL1_EE	BIT(25)
#define SCTLR_EL1_DSSBS BIT(44)

/* HCR_EL2, DDI 0487 D23.2.55 */
#define HCR_VM		(1 << 0)
#define HCR_SWIO	(1 << 1)
#define HCR_PTW		(1 << 2)
#define HCR_FMO		(1 << 3)
#define HCR_IMO		(1 << 4)
#define HCR_AMO		(1 << 5)
#define HCR_VSE		(1 << 8)
#define HCR_TID1	(1 << 16)
#define HCR_TID3	(1 << 18)
#define HCR_TSC		(1 << 19)
#define HCR_TIDCP	(1 << 20)
#define HCR_TACR	(1 << 21)
#define HCR_RW		(1 << 31)
#define HCR_E2H_BIT	34
#define HCR_TLOR	BIT(35)
#define HCR_TERR	BIT(36)
#define HCR_APK		BIT(40)
#define HCR_API		BIT(41)
#define HCR_FWB		BIT(46)
#define HCR_ENSCXT	BIT(53)
#define HCR_TID5	BIT(58)

/* HCRX_EL2, CPTR_EL2 (E2H = 0), MDCR_EL2, CNTHCTL_EL2, MPAM2_EL2 and MPAMHCR_EL2: DDI 0487 D23.2 */
#define HCRX_TALLINT	     BIT(6)
#define HCRX_MSCEN	     BIT(11)
#define CPTR_RES1	     0x22ff
#define CPTR_TZ		     BIT(8)
#define CPTR_TSM	     BIT(12)
#define CPTR_TTA	     BIT(20)
#define CPTR_TAM	     BIT(30)
#define MDCR_TPMCR	     BIT(5)
#define MDCR_TPM	     BIT(6)
#define MDCR_TPMS	     BIT(14)
#define MDCR_HPMD	     BIT(17)
#define MDCR_TTRF	     BIT(19)
#define MDCR_HCCD	     BIT(23)
#define CNTHCTL_EL1PCTEN     BIT(0)
#define CNTHCTL_EL1PCEN	     BIT(1)
#define MPAM2_TRAPMPAM1EL1   BIT(48)
#define MPAM2_TRAPMPAM0EL1   BIT(49)
#define MPAM2_TIDR	     BIT(58)
#define MPAMHCR_TRAP_MPAMIDR BIT(31)

/* ID_AA64PFR0_EL1, ID_AA64PFR1_EL1, ID_AA64DFR0_EL1 */
#define PFR0_RAS    BITS(31, 28)
#define PFR1_SME    BITS(27, 24)
#define PFR0_SVE    BITS(35, 32)
#define DFR0_PMUVER BITS(11, 8)
#define DFR0_BRPS   BITS(15, 12) /* breakpoints, less 1 */
#define DFR0_WRPS   BITS(23, 20)

/* The CPU interface of the GIC and its virtual side */
#define ICC_PMR_EL1	S3_0_C4_C6_0
#define ICC_IAR1_EL1	S3_0_C12_C12_0
#define ICC_EOIR1_EL1	S3_0_C12_C12_1
#define ICC_AP1R0_EL1	S3_0_C12_C9_0
#define ICC_AP1R1_EL1	S3_0_C12_C9_1
#define ICC_AP1R2_EL1	S3_0_C12_C9_2
#define ICC_AP1R3_EL1	S3_0_C12_C9_3
#define ICC_BPR1_EL1	S3_0_C12_C12_3
#define ICC_CTLR_EL1	S3_0_C12_C12_4
#define ICC_IGRPEN1_EL1 S3_0_C12_C12_7
#define ICC_DIR_EL1	S3_0_C12_C11_1
#define ICC_SGI1R_EL1	S3_0_C12_C11_5
#define ICC_SRE_EL2	S3_4_C12_C9_5
#define ICC_SRE_EL1	S3_0_C12_C12_5
#define ICH_HCR_EL2	S3_4_C12_C11_0
#define ICH_VTR_EL2	S3_4_C12_C11_1
#define ICH_MISR_EL2	S3_4_C12_C11_2
#define ICH_EISR_EL2	S3_4_C12_C11_3
#define ICH_ELRSR_EL2	S3_4_C12_C11_5
#define ICH_VMCR_EL2	S3_4_C12_C11_7

/* VMSAv8-64 stage 1 descriptors, 4 KiB granule: DDI 0487 D8.3 */
#define PTE_TYPE_PAGE  3 /* also: table */
#define PTE_TYPE_BLOCK 1
#define PTE_NORMAL     (0 << 2) /* AttrIndx */
#define PTE_DEVICE     (1 << 2)
#define PTE_DEVICE_nGnRnE (2 << 2)
#define PTE_AP1	       (1 << 6) /* RES1 in a regime with one privilege level */
#define PTE_RO	       (1 << 7)
#define PTE_SH_INNER   (3 << 8)
#define PTE_AF_BIT     (1 << 10)
#define PTE_XN_SHIFT   54

#define PTE_VALID	BIT(0)
#define PTE_ADDR	BITS(47, 12)
#define PTE_GP		BIT(50) /* guarded: BTI */
#define PTE_XN		BIT(PTE_XN_SHIFT)

/* SPSR_EL2, DDI 0487 C5.2 */
#define PSTATE_MODE	BITS(4, 0)
#define PSTATE_AARCH32	BIT(4)
#define PSTATE_DAIF	BITS(9, 6)
#define PSTATE_AARCH32_E BIT(9)
#define PSTATE_IT_HIGH	BITS(15, 10) /* AArch32: IT[7:2], IT[1:0] */
#define PSTATE_IT_LOW	BITS(26, 25)
#define PSTATE_SSBS	BIT(12)
#define PSTATE_PAN	BIT(22)
#define PSTATE_DIT	BIT(24)
#define PSTATE_NZCV	BITS(31, 28)
#define MODE_EL0t	0
#define MODE_EL1t	4
#define MODE_EL1h	5

/* ESR_EL2, DDI 0487 D23.2.40 */
#define ESR_EC		BITS(31, 26)
#define ESR_IL		BIT(25)
#define ESR_ISS		BITS(24, 0)
#define ISS_ISV		BIT(24) /* data abort */
#define ISS_SAS		BITS(23, 22)
#define ISS_SSE		BIT(21)
#define ISS_SRT		BITS(20, 16)
#define ISS_SF		BIT(15)
#define ISS_AR		BIT(14)
#define ISS_FNV		BIT(10)
#define ISS_CM		BIT(8)
#define ISS_S1PTW	BIT(7)
#define ISS_WNR		BIT(6)
#define ISS_FSC		BITS(5, 0)
#define FSC_TYPE	0x3c /* without the level */
#define FSC_TRANSLATION 0x04
#define FSC_ACCESS	0x08
#define FSC_PERMISSION	0x0c
#define FSC_EXTERNAL	0x10
#define FSC_ALIGNMENT	0x21
/* SError */
#define ISS_SERROR_IDS	  BIT(24) /* the rest is the implementation's */
#define ISS_SERROR_AET	  BITS(12, 10)
#define FSC_SERROR	  0x11
#define AET_UNRECOVERABLE 1
#define AET_RESTARTABLE	  2
#define AET_RECOVERABLE	  3
#define AET_CORRECTED	  6
/* MSR, MRS and system instructions, without Rt and direction */
#define ISS_SYS(op0, op1, crn, crm, op2)                                                           \
	((op0) << 20 | (op2) << 17 | (op1) << 14 | (crn) << 10 | (crm) << 1)

/* Exception classes */
#define EC_WFX		0x01
#define EC_FP		0x07
#define EC_BTI		0x0d
#define EC_HVC64	0x16
#define EC_SMC64	0x17
#define EC_SYSREG	0x18
#define EC_SVE		0x19
#define EC_IABT_LOWER	0x20
#define EC_IABT		0x21
#define EC_PC_ALIGN	0x22
#define EC_DABT_LOWER	0x24
#define EC_DABT		0x25
#define EC_SP_ALIGN	0x26
#define EC_SERROR	0x2f
#define EC_BRK		0x3c
#define EC_COUNT	0x40

#endif
