/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GICv3 as software sees it: distributor, redistributors, list registers.
 * Arm IHI 0069H.b, GIC Architecture Specification, February 2024. Sections below are of this issue.
 * Offsets are plain numbers, for the driver (inside REG32/REG64) and for the emulation.
 */
#ifndef SPEC_GICV3_H
#define SPEC_GICV3_H

/* INTIDs, §2.2.1 */
#define GIC_SPI_FIRST	 32
#define GIC_SPI_END	 1020 /* 1020..1023 are special */
#define GIC_SPECIAL_END	 1024
#define GIC_INTID_NONE	 1023
#define GIC_LPI_FIRST	 8192

/* Distributor, §12.9 */
#define GICD_CTLR	 0x0000 /* §12.9.4; the bits below mean the same to NS software with DS=0 */
#define   GICD_CTLR_G0	   BIT(0) /* DS=1 */
#define   GICD_CTLR_G1	   BIT(1) /* EnableGrp1, EnableGrp1A */
#define   GICD_CTLR_ARE	   BIT(4)
#define   GICD_CTLR_DS	   BIT(6)
#define   GICD_CTLR_RWP	   BIT(31)
#define GICD_TYPER	 0x0004 /* §12.9.38 */
#define   GICD_TYPER_LINES   BITS(4, 0) /* 32 * (LINES + 1) INTIDs */
#define   GICD_TYPER_LPIS    BIT(17)
#define   GICD_TYPER_IDBITS  BITS(23, 19) /* minus one */
#define   GICD_TYPER_NO1N    BIT(25)
#define   GICD_TYPER_RSS     BIT(26) /* SGIs to Aff0 of 16 and more */
#define GICD_IIDR	 0x0008
#define GICD_TYPER2	 0x000c
#define GICD_IGROUPR	 0x0080
#define GICD_ISENABLER	 0x0100
#define GICD_ICENABLER	 0x0180
#define GICD_ISPENDR	 0x0200
#define GICD_ICPENDR	 0x0280
#define GICD_ISACTIVER	 0x0300
#define GICD_ICACTIVER	 0x0380
#define GICD_IPRIORITYR	 0x0400
#define GICD_ITARGETSR	 0x0800
#define GICD_ICFGR	 0x0c00 /* 2 bits an INTID, the upper one: edge */
#define GICD_IROUTER	 0x6000 /* 8 bytes an INTID, from 32 on; §12.9.22 */
#define   IROUTER_AFF	   (BITS(39, 32) | BITS(23, 0))
#define GICD_PIDR2	 0xffe8 /* also in every redistributor frame; §12.1.13 */
#define   PIDR2_ARCH	   BITS(7, 4) /* 3: GICv3, 4: GICv4 */

/* Redistributor, §12.11: RD_base, then SGI_base 64 KiB above with the GICD_* offsets for 0..31 */
#define GICR_FRAME	 0x10000
#define GICR_CTLR	 0x0000
#define   GICR_CTLR_LPIS     BIT(0)
#define   GICR_CTLR_RWP	     BIT(3)
#define GICR_IIDR	 0x0004
#define GICR_TYPER	 0x0008 /* 64 bits; §12.11.34 */
#define   GICR_TYPER_PLPIS   BIT(0)
#define   GICR_TYPER_VLPIS   BIT(1) /* GICv4: two frames more */
#define   GICR_TYPER_LAST    BIT(4)
#define   GICR_TYPER_NUMBER  BITS(23, 8)
#define   GICR_TYPER_AFF     BITS(63, 32)
#define GICR_WAKER	 0x0014
#define   GICR_WAKER_SLEEP   BIT(1) /* ProcessorSleep */
#define   GICR_WAKER_ASLEEP  BIT(2) /* ChildrenAsleep */
#define GICR_PROPBASER	 0x0070
#define   PROPBASER_IDBITS   BITS(4, 0)
#define   PROPBASER_PA	     BITS(51, 12)
#define GICR_PENDBASER	 0x0078
#define   PENDBASER_PA	     BITS(51, 16)
#define   PENDBASER_PTZ	     BIT(62) /* write only */
#define   LPIBASE_INNER	     BITS(9, 7) /* of both */
#define   LPIBASE_SHARE	     BITS(11, 10)
#define   LPIBASE_OUTER	     BITS(58, 56)
#define   LPIBASE_SHARE_INNER  FIELD(LPIBASE_SHARE, 1)
#define   LPIBASE_SHARE_OUTER  FIELD(LPIBASE_SHARE, 2)
#define   LPIBASE_INNER_RAWB   FIELD(LPIBASE_INNER, 5) /* the least that is cacheable and we like */
#define   LPIBASE_OUTER_NC     FIELD(LPIBASE_OUTER, 1)

/* ICC_SGI1R_EL1, §12.2.20 */
#define SGI1R_TARGETS	 BITS(15, 0)
#define SGI1R_AFF1	 BITS(23, 16)
#define SGI1R_INTID	 BITS(27, 24)
#define SGI1R_AFF2	 BITS(39, 32)
#define SGI1R_IRM	 BIT(40) /* all but self */
#define SGI1R_RS	 BITS(47, 44)
#define SGI1R_AFF3	 BITS(55, 48)

/* ICC_CTLR_EL1, §12.2.6 */
#define ICC_CTLR_RSS	 BIT(18)

/* ICH_LR<n>_EL2, §12.4.6 */
#define LR_VINTID	 BITS(31, 0)
#define LR_PINTID	 BITS(44, 32) /* HW=1 */
#define LR_EOI		 BIT(41)      /* HW=0: maintenance interrupt when it is deactivated */
#define LR_PRIO		 BITS(55, 48)
#define LR_GROUP	 BIT(60)
#define LR_HW		 BIT(61)
#define LR_PENDING	 BIT(62)
#define LR_ACTIVE	 BIT(63)

/* ICH_HCR_EL2, §12.4.4 */
#define ICH_HCR_EN	 BIT(0)
#define ICH_HCR_UIE	 BIT(1)
#define ICH_HCR_LRENPIE	 BIT(2) /* EOIcount is not 0 */
#define ICH_HCR_NPIE	 BIT(3) /* no list register is pending */
#define ICH_HCR_TDIR	 BIT(14)
#define ICH_HCR_EOICOUNT BITS(31, 27)

/* ICH_VMCR_EL2, §12.4.8 */
#define ICH_VMCR_VENG0	 BIT(0)
#define ICH_VMCR_VENG1	 BIT(1)
#define ICH_VMCR_VEOIM	 BIT(9)
#define ICH_VMCR_VPMR	 BITS(31, 24)

/* ICH_VTR_EL2, §12.4.9 */
#define ICH_VTR_LRS	 BITS(4, 0) /* minus one */
#define ICH_VTR_TDS	 BIT(19)    /* TDIR works */
#define ICH_VTR_PRIBITS	 BITS(31, 29) /* minus one */

#endif
