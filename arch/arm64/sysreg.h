/* EL2's view of the system registers (DDI 0487 D23). Only arch/arm64 may include this. */
#ifndef ARM64_SYSREG_H
#define ARM64_SYSREG_H

#ifndef __ASSEMBLY__
#include <hv/bits.h>

/* The name expands before it becomes a string. */
#define SYSREG_STR_(x) #x
#define SYSREG_STR(x)  SYSREG_STR_(x)
#define read_sysreg(name)                                                                          \
	({                                                                                         \
		uint64_t v_;                                                                       \
		__asm__ volatile("mrs %0, " SYSREG_STR(name) : "=r"(v_));                          \
		v_;                                                                                \
	})
#define write_sysreg(name, value)                                                                  \
	__asm__ volatile("msr " SYSREG_STR(name) ", %x0" ::"rZ"((uint64_t)(value)) : "memory")
#endif

/* Newer than the assembler may know. */
#define HCRX_EL2	S3_4_C1_C2_2
#define HFGRTR_EL2	S3_4_C1_C1_4
#define HFGWTR_EL2	S3_4_C1_C1_5
#define HFGITR_EL2	S3_4_C1_C1_6
#define HDFGRTR_EL2	S3_4_C3_C1_4
#define HDFGWTR_EL2	S3_4_C3_C1_5
#define HAFGRTR_EL2	S3_4_C3_C1_6
#define VSESR_EL2	S3_4_C5_C2_3
#define ID_AA64ISAR2	S3_0_C0_C6_2
#define ID_AA64MMFR3	S3_0_C0_C7_3
#define ID_AA64MMFR4	S3_0_C0_C7_4
#define ID_AA64PFR2	S3_0_C0_C4_2
#define RNDR		S3_3_C2_C4_0

/* SCTLR_EL2, DDI 0487 D23.2.138; E2H = 0 */
#define SCTLR_M		(1 << 0)
#define SCTLR_C		(1 << 2)
#define SCTLR_SA	(1 << 3)
#define SCTLR_I		(1 << 12)
#define SCTLR_WXN	(1 << 19)
#define SCTLR_EL2_RES1	0x30c50830

/* HCR_EL2, DDI 0487 D23.2.55 */
#define HCR_VM		(1 << 0)
#define HCR_SWIO	(1 << 1)
#define HCR_FMO		(1 << 3)
#define HCR_IMO		(1 << 4)
#define HCR_AMO		(1 << 5)
#define HCR_VSE		(1 << 8)
#define HCR_TID3	(1 << 18)
#define HCR_TSC		(1 << 19)
#define HCR_TIDCP	(1 << 20)
#define HCR_TACR	(1 << 21)
#define HCR_RW		(1 << 31)
#define HCR_E2H_BIT	34
#define HCR_TLOR_BIT	35
#define HCR_APK_BIT	40
#define HCR_API_BIT	41
#define HCR_FWB_BIT	46

#ifndef __ASSEMBLY__
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

enum {
	EC_WFX = 0x01,
	EC_FP = 0x07,
	EC_BTI = 0x0d,
	EC_HVC64 = 0x16,
	EC_SMC64 = 0x17,
	EC_SYSREG = 0x18,
	EC_SVE = 0x19,
	EC_IABT_LOWER = 0x20,
	EC_IABT = 0x21,
	EC_PC_ALIGN = 0x22,
	EC_DABT_LOWER = 0x24,
	EC_DABT = 0x25,
	EC_SP_ALIGN = 0x26,
	EC_SERROR = 0x2f,
	EC_BRK = 0x3c,
	EC_COUNT = 0x40,
};
#endif

#endif
