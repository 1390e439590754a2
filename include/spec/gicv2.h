/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GICv2 with Virtualization Extensions: what differs from include/spec/gicv3.h, whose GICD_* up to
 * GICD_ICFGR are the same here, with SGIs and PPIs banked in the first word of each.
 * Arm IHI 0048B.b, GIC Architecture Specification version 2.0, July 2013. Sections below are of
 * this issue.
 */
#ifndef SPEC_GICV2_H
#define SPEC_GICV2_H

#define GICV2_MAX_CPUS	 8
#define GIC_SGI_COUNT	 16

/*
 * Distributor, §4.3; GICD_CTLR.Enable and GICC_CTLR.Enable are bit 0 in every view but the Secure
 * one
 */
#define GICD_CTLR_V2_ON	   BIT(0)
#define GICD_TYPER_CPUS	   BITS(7, 5) /* minus one; §4.3.2 */
#define GICD_SGIR	 0x0f00 /* §4.3.15 */
#define   SGIR_ID	   BITS(3, 0)
#define   SGIR_TARGETS	   BITS(23, 16)
#define   SGIR_FILTER	   BITS(25, 24) /* 0: targets, 1: all but self, 2: self */
#define GICD_CPENDSGIR	 0x0f10 /* a byte an SGI, a bit a source; §4.3.16 */
#define GICD_SPENDSGIR	 0x0f20
#define GICD_ICPIDR2	 0x0fe8 /* §4.3.18 */

/* CPU interface, §4.4 */
#define GICC_CTLR	 0x0000
#define   GICC_CTLR_ON	     BIT(0)
#define   GICC_CTLR_BYPASS   BITS(8, 5) /* bypass disables: firmware's */
#define   GICC_CTLR_EOIMODE  BIT(9)
#define GICC_PMR	 0x0004
#define GICC_BPR	 0x0008
#define GICC_IAR	 0x000c
#define   IAR_INTID	   BITS(9, 0) /* above: the source of an SGI, wanted back by EOIR and DIR */
#define GICC_EOIR	 0x0010
#define GICC_HPPIR	 0x0018 /* highest priority pending interrupt, §4.4.8 */
#define GICC_APR	 0x00d0 /* 4 of them */
#define GICC_IIDR	 0x00fc
#define GICC_DIR	 0x1000 /* alone in the second page */

/* Virtual interface control, §5.3 */
#define GICH_HCR	 0x0000 /* as ICH_HCR_EL2, without TDIR */
#define GICH_VTR	 0x0004
#define   GICH_VTR_LRS	     BITS(5, 0) /* minus one */
#define GICH_VMCR	 0x0008 /* VEM is where ICH_VMCR_EL2 has VEOIM; §5.3.5 */
#define   GICH_VMCR_GRP0     BIT(0)
#define   GICH_VMCR_PMR	     BITS(31, 27)
#define GICH_EISR0	 0x0020
#define GICH_ELRSR0	 0x0030
#define GICH_APR	 0x00f0
#define GICH_LR		 0x0100 /* §5.3.8 */
#define   HLR_VINTID	   BITS(9, 0)
#define   HLR_PINTID	   BITS(19, 10) /* HW=0: EOI in bit 19, CPUID in bits 12:10 */
#define   HLR_PRIO	   BITS(27, 23)
#define   HLR_PENDING	   BIT(28)
#define   HLR_ACTIVE	   BIT(29)
#define   HLR_GROUP	   BIT(30)
#define   HLR_HW	   BIT(31)

/* Virtual CPU interface, §5.5: what a guest takes for GICC */
#define GICV_IAR	 0x000c
#define GICV_EOIR	 0x0010

#endif
