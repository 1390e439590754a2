/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SMMUv1 and SMMUv2, IHI 0062D.c, 2016; the specification names each register SMMU_<name>, which is
 * how to find it there. Only what a stage-2-only driver needs.
 */
#ifndef SPEC_SMMUV2_H
#define SPEC_SMMUV2_H

#include <hv/bits.h>

/*
 * The address space is 2^(NUMPAGENDXB + 1) pages of global registers, as IDR1 says, and as many
 * pages of context banks, one each. A page is 4 KiB or 64 KiB.
 */

/* Global register space 0: page 0. */
#define SMMUV2_CR0 0x000 /* sCR0; resets to CLIENTPD = 1: everything passes */
#define   CR0_CLIENTPD	 BIT(0)	 /* no translation, no fault: all transactions pass */
#define   CR0_GFRE	 BIT(1)	 /* global faults return an abort, and ... */
#define   CR0_GFIE	 BIT(2)	 /* ... raise the interrupt */
#define   CR0_GCFGFRE	 BIT(4)	 /* the same for global configuration faults */
#define   CR0_GCFGFIE	 BIT(5)
#define   CR0_STALLD	 BIT(8)	 /* no context stalls */
#define   CR0_USFCFG	 BIT(10) /* StreamIDs that match nothing: 0 pass, 1 fault */
#define   CR0_VMIDPNE	 BIT(11) /* its VMIDs are its own, broadcast invalidation means others */
#define   CR0_PTM	 BIT(12) /* take no part in broadcast TLB maintenance */
#define   CR0_SMCFCFG	 BIT(21) /* StreamIDs that match twice: 0 pass, 1 fault */
#define SMMUV2_ACR 0x010 /* implementation defined */
#define   MMU500_ACR_CACHE_LOCK BIT(26) /* DDI 0517F: CBn_ACTLR is read only */
#define SMMUV2_IDR0 0x020
#define   IDR0_S2TS	 BIT(29) /* stage 2 */
#define   IDR0_SMS	 BIT(27) /* stream matching; 0: stream indexing */
#define   IDR0_NO_AARCH32 BIT(25) /* PTFS[1] */
#define   IDR0_CTTW	 BIT(14) /* coherent table walks */
#define   IDR0_NUMSIDB	 BITS(12, 9) /* bits of a StreamID */
#define   IDR0_NUMSMRG	 BITS(7, 0) /* stream match registers */
#define SMMUV2_IDR1 0x024
#define   IDR1_PAGESIZE	 BIT(31) /* 64 KiB pages */
#define   IDR1_NUMPAGENDXB BITS(30, 28)
#define   IDR1_NUMCB	 BITS(7, 0) /* context banks; each can do stage 2 */
#define SMMUV2_IDR2 0x028
#define   IDR2_PTFS_4K	 BIT(12) /* v2: AArch64 tables of 4 KiB */
#define   IDR2_OAS	 BITS(7, 4) /* output, and ... */
#define   IDR2_IAS	 BITS(3, 0) /* ... intermediate address size: 32, 36, 40, 42, 44, 48 bits */
#define SMMUV2_GFAR 0x040 /* 64 bits */
#define SMMUV2_GFSR 0x048 /* write 1 to clear */
#define   GFSR_ICF	   0 /* bit numbers: invalid context, which S2CR type fault gives */
#define   GFSR_USF	   1 /* unidentified stream */
#define   GFSR_SMCF	   2 /* stream match conflict */
#define   GFSR_UCBF	   3 /* unimplemented context bank */
#define   GFSR_UCIF	   4 /* unimplemented context interrupt */
#define   GFSR_CAF	   5 /* configuration access */
#define   GFSR_EF	   6 /* external */
#define   GFSR_PF	   7 /* permission */
#define   GFSR_UUT	   8 /* unsupported upstream transaction */
#define   GFSR_FAULTS	 BITS(8, 0)
#define SMMUV2_GFSYNR0 0x050
#define   GFSYNR0_WNR	 BIT(1)
#define SMMUV2_GFSYNR1 0x054
#define   SYNR_SID	 BITS(15, 0) /* StreamID, here and in CBFRSYNRAn */
#define SMMUV2_TLBIVMID 0x064 /* write the VMID */
#define SMMUV2_TLBIALLNSNH 0x068 /* all of the non-secure, non-hyp contexts */
#define SMMUV2_TLBIALLH 0x06c
#define SMMUV2_TLBGSYNC 0x070 /* write starts; over when GSACTIVE is 0 */
#define SMMUV2_TLBGSTATUS 0x074
#define   TLB_ACTIVE	 BIT(0) /* GSACTIVE, SACTIVE */
#define SMMUV2_SMR(n) (0x800U + 4 * (n))
#define   SMR_VALID	 BIT(31)
#define   SMR_MASK	 BITS(30, 16) /* 1: this bit of the StreamID does not count */
#define   SMR_ID	 BITS(14, 0)
#define SMMUV2_S2CR(n) (0xc00U + 4 * (n))
#define   S2CR_CBNDX	 BITS(7, 0)
#define   S2CR_TYPE	 BITS(17, 16)
#define     S2CR_TRANSLATE FIELD(S2CR_TYPE, 0)
#define     S2CR_BYPASS	   FIELD(S2CR_TYPE, 1)
#define     S2CR_FAULT	   FIELD(S2CR_TYPE, 2)
#define   GROUPS_MAX	 256 /* the room for either */

/* Global register space 1: page 1; one register of each a context bank. */
#define SMMUV2_CBAR(n) (0x000U + 4 * (n))
#define   CBAR_VMID	 BITS(7, 0)
#define   CBAR_TYPE	 BITS(17, 16)
#define     CBAR_S2	   FIELD(CBAR_TYPE, 0)
#define   CBAR_IRPTNDX	 BITS(31, 24) /* v1: which context interrupt */
#define SMMUV2_CBFRSYNRA(n) (0x400U + 4 * (n))
#define SMMUV2_CBA2R(n) (0x800U + 4 * (n)) /* v2 */
#define   CBA2R_VA64	 BIT(0) /* AArch64 tables; 0: AArch32 */

/* Context bank: a page each, behind the global ones. */
#define CB_SCTLR 0x000
#define   SCTLR_M	 BIT(0)
#define   SCTLR_SBOP	 BITS(2, 1) /* TRE, AFE: ones where tables are long descriptors */
#define   SCTLR_CFRE	 BIT(5) /* context faults return an abort, and ... */
#define   SCTLR_CFIE	 BIT(6) /* ... raise the interrupt */
#define   SCTLR_CFCFG	 BIT(7) /* 1: stall */
#define   SCTLR_HUPCF	 BIT(8) /* a recorded fault does not stop the transactions after it */
#define CB_ACTLR 0x004 /* implementation defined */
#define   MMU500_ACTLR_CPRE BIT(1) /* DDI 0517F: prefetch */
#define CB_TTBR0 0x020 /* 64 bits */
/*
 * TCR of a stage-2 context: laid out as VTCR_EL2 with VA64 (DDI 0487 D23.2), as the AArch32 VTCR
 * without (DDI 0487 G8.2). Where both have a field it is at the same place: SL0, IRGN0, ORGN0, SH0,
 * and bit 31 is 1. T0SZ is 64 - n there, and the low five bits of it, as a negative number, here.
 */
#define CB_TCR 0x030
#define   TCR_AARCH32	 (BIT(31) | BITS(13, 6) | BITS(4, 0))
#define CB_FSR 0x058 /* write 1 to clear */
#define   FSR_TF	   1 /* bit numbers: translation */
#define   FSR_AFF	   2 /* access flag */
#define   FSR_PF	   3 /* permission */
#define   FSR_EF	   4 /* external, also of a table walk */
#define   FSR_TLBMCF	   5 /* TLB match conflict */
#define   FSR_TLBLKF	   6 /* TLB lock */
#define   FSR_ASF	   7 /* v2: address size */
#define   FSR_UUT	   8 /* unsupported upstream transaction */
#define   FSR_FAULTS	 BITS(8, 1)
#define   FSR_MULTI	 BIT(31) /* in GFSR too: more faults since, not recorded */
#define CB_FAR 0x060 /* 64 bits */
#define CB_FSYNR0 0x068
#define   FSYNR0_WNR	 BIT(4)
#define CB_TLBIIPAS2 0x630 /* v2, 64 bits with VA64: IPA[47:12], of the bank's VMID */
#define CB_TLBSYNC 0x7f0
#define CB_TLBSTATUS 0x7f4

#endif
