/* SPDX-License-Identifier: Apache-2.0 */
/* SMMUv3 (v3.2), IHI 0070C.a, July 2019. Only what a stage-2-only driver needs. */
#ifndef SPEC_SMMUV3_H
#define SPEC_SMMUV3_H

#include <hv/bits.h>

/* Registers, chapter 6.3 in the order of the sections; page 1 begins at 64 KiB. */
#define SMMU_IDR0 0x000 /* §6.3.1 */
#define   IDR0_S2P	 BIT(0)
#define   IDR0_TTF	 BITS(3, 2)
#define     TTF_AARCH64	   2 /* or 3: both formats */
#define   IDR0_COHACC	 BIT(4)
#define   IDR0_HYP	 BIT(9)
#define   IDR0_ATS	 BIT(10)
#define   IDR0_MSI	 BIT(13)
#define   IDR0_TTENDIAN	 BITS(22, 21)
#define     TTENDIAN_BE	   3
#define   IDR0_STALL	 BITS(25, 24)
#define     STALL_FORCED   2
#define   IDR0_ST_LEVEL	 BITS(28, 27)
#define     ST_TWO_LEVEL   1
#define SMMU_IDR1 0x004 /* §6.3.2 */
#define   IDR1_SIDSIZE	 BITS(5, 0)
#define   IDR1_EVENTQS	 BITS(20, 16)
#define   IDR1_CMDQS	 BITS(25, 21)
#define   IDR1_ATTR_TYPES BIT(27)
#define   IDR1_PRESET	 BITS(30, 29) /* tables or queues at fixed addresses */
#define SMMU_IDR3 0x00c /* §6.3.4 */
#define   IDR3_FWB	 BIT(8)
#define SMMU_IDR5 0x014 /* §6.3.6 */
#define   IDR5_OAS	 BITS(2, 0)
#define   IDR5_GRAN4K	 BIT(4)
#define SMMU_CR0 0x020 /* §6.3.9; echoed in CR0ACK when it has taken effect */
#define SMMU_CR0ACK 0x024
#define   CR0_SMMUEN	 BIT(0)
#define   CR0_EVENTQEN	 BIT(2)
#define   CR0_CMDQEN	 BIT(3)
#define   CR0_ATSCHK	 BIT(4) /* 0: Translated transactions pass unchecked */
#define   CR0_ACKED	 BITS(4, 0) /* bits that CR0ACK echoes */
#define SMMU_CR1 0x028 /* §6.3.11; cacheability 1: write-back, shareability 3: inner */
#define   CR1_QUEUE_IC	 BITS(1, 0)
#define   CR1_QUEUE_OC	 BITS(3, 2)
#define   CR1_QUEUE_SH	 BITS(5, 4)
#define   CR1_TABLE_IC	 BITS(7, 6)
#define   CR1_TABLE_OC	 BITS(9, 8)
#define   CR1_TABLE_SH	 BITS(11, 10)
#define SMMU_CR2 0x02c /* §6.3.12 */
#define   CR2_RECINVSID	 BIT(1) /* record C_BAD_STREAMID */
#define   CR2_PTM	 BIT(2) /* take no part in broadcast TLB maintenance */
#define SMMU_GBPA 0x044 /* §6.3.14; in force while SMMUEN = 0 */
#define   GBPA_ABORT	 BIT(20)
#define   GBPA_UPDATE	 BIT(31)
#define SMMU_IRQ_CTRL 0x050 /* §6.3.16 */
#define SMMU_IRQ_CTRLACK 0x054
#define   IRQ_GERROR	 BIT(0)
#define   IRQ_EVENTQ	 BIT(2)
#define   IRQ_ALL	 BITS(2, 0)
#define SMMU_GERROR 0x060 /* §6.3.18; an error is active while its bit differs in GERRORN */
#define SMMU_GERRORN 0x064
#define   GERROR_CMDQ	 BIT(0)
#define   GERROR_EVENTQ_ABT BIT(2)
#define   GERROR_SFM	 BIT(8) /* service failure mode */
#define   GERROR_ALL	 0x1fd
#define SMMU_GERROR_IRQ_CFG0 0x068 /* MSI address; 0: wired */
#define SMMU_STRTAB_BASE 0x080 /* §6.3.23 */
#define   STRTAB_BASE_ADDR BITS(51, 6)
#define   BASE_ALLOC	 BIT(62) /* read (or write) allocate hint of all BASE registers */
#define SMMU_STRTAB_BASE_CFG 0x088 /* §6.3.24 */
#define   STRTAB_LOG2SIZE BITS(5, 0)
#define   STRTAB_SPLIT	 BITS(10, 6)
#define   STRTAB_FMT	 BITS(17, 16)
#define SMMU_CMDQ_BASE 0x090 /* §6.3.25 */
#define   QUEUE_ADDR	 BITS(51, 5)
#define   QUEUE_LOG2SIZE BITS(4, 0)
#define SMMU_CMDQ_PROD 0x098
#define SMMU_CMDQ_CONS 0x09c
#define   CMDQ_CONS_ERR	 BITS(30, 24) /* §7.1 */
#define SMMU_EVENTQ_BASE 0x0a0
#define SMMU_EVENTQ_IRQ_CFG0 0x0b0
#define SMMU_EVENTQ_PROD 0x100a8
#define SMMU_EVENTQ_CONS 0x100ac
#define   EVENTQ_OVERFLOW BIT(31) /* PROD.OVFLG, CONS.OVACKFLG */
#define SMMU_SIZE 0x20000

/* Level 1 stream table descriptor, §5.1. */
#define L1STD_SPAN	 BITS(4, 0) /* 2^(SPAN - 1) entries; 0: none */
#define L1STD_L2PTR	 BITS(51, 6)

/* Stream table entry, 64 bytes, §5.2. STEn: doubleword n. */
#define STE_SIZE	 64
#define STE0_V		 BIT(0)
#define STE0_CONFIG	 BITS(3, 1)
#define   CONFIG_ABORT	   0
#define   CONFIG_S2	   6
#define STE1_S2FWB	 BIT(25)
#define STE1_EATS	 BITS(29, 28)
#define STE1_SHCFG	 BITS(45, 44)
#define   SHCFG_INCOMING   1
#define STE2_S2VMID	 BITS(15, 0)
#define STE2_VTCR	 BITS(50, 32) /* S2T0SZ to S2PS: as VTCR_EL2[18:0] */
#define STE2_S2T0SZ	 BITS(37, 32)
#define STE2_S2SL0	 BITS(39, 38) /* 4 KiB granule: start level 2 - SL0 */
#define STE2_S2IR0	 BITS(41, 40)
#define STE2_S2OR0	 BITS(43, 42)
#define STE2_S2SH0	 BITS(45, 44)
#define STE2_S2TG	 BITS(47, 46) /* 0: 4 KiB */
#define STE2_S2PS	 BITS(50, 48)
#define STE2_S2AA64	 BIT(51)
#define STE2_S2PTW	 BIT(54)
#define STE2_S2S	 BIT(57) /* stall */
#define STE2_S2R	 BIT(58) /* record */
#define STE3_S2TTB	 BITS(51, 4)

/* Commands, 16 bytes, chapter 4. CMDn: doubleword n. */
#define CMD_SIZE	 16
#define CMD0_OP		 BITS(7, 0)
#define   OP_CFGI_STE	   0x03 /* §4.3 */
#define   OP_CFGI_ALL	   0x04 /* CFGI_STE_RANGE with range 31 */
#define   OP_TLBI_EL2_ALL  0x20 /* §4.4 */
#define   OP_TLBI_S12_VMALL 0x28
#define   OP_TLBI_S2_IPA   0x2a
#define   OP_TLBI_NSNH_ALL 0x30
#define   OP_SYNC	   0x46 /* §4.6; signal 0: completion is its consumption */
#define CMD0_SID	 BITS(63, 32)
#define CMD0_VMID	 BITS(47, 32)
#define CMD1_LEAF	 BIT(0)
#define CMD1_RANGE	 BITS(4, 0)
#define CMD1_IPA	 BITS(51, 12)

/* Event records, 32 bytes, §7.3. EVTn: doubleword n. */
#define EVT_SIZE	 32
#define EVT0_ID		 BITS(7, 0)
#define   EVT_UUT	       0x01
#define   EVT_BAD_STREAMID     0x02
#define   EVT_STE_FETCH	       0x03
#define   EVT_BAD_STE	       0x04
#define   EVT_BAD_ATS_TREQ     0x05
#define   EVT_STREAM_DISABLED  0x06
#define   EVT_TRANSL_FORBIDDEN 0x07
#define   EVT_BAD_SUBSTREAMID  0x08
#define   EVT_WALK_EABT	       0x0b
#define   EVT_TRANSLATION      0x10
#define   EVT_ADDR_SIZE	       0x11
#define   EVT_ACCESS	       0x12
#define   EVT_PERMISSION       0x13
#define   EVT_TLB_CONFLICT     0x20
#define   EVT_CFG_CONFLICT     0x21
#define EVT0_SID	 BITS(63, 32)
#define EVT1_READ	 BIT(35) /* RnW */
/* EVT2: input address */

#endif
