/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PCI Express Base Specification, revision 6.0, 16 December 2021: configuration space as the
 * physical side uses it, in bytes and in each register's own width. Where a structure is only
 * conventional: PCI Local Bus Specification 3.0; PCI-to-PCI Bridge Architecture 1.2; PCI Bus Power
 * Management Interface 1.2; Conventional PCI Advanced Capabilities ECN, 13 April 2006.
 */
#ifndef SPEC_PCI_H
#define SPEC_PCI_H

#define PCI_CFG_SIZE		0x1000
#define PCI_CFG_LEGACY_SIZE	0x100
#define PCI_ECAM_BUS_SIZE	0x100000 /* §7.2.2 */

/* Common header, §7.5.1.1 */
#define PCI_ID			0x00
#define   PCI_VENDOR_NONE	0xffffu
#define   PCI_VENDOR_RRS	0x0001u /* §2.3.2: the function is not ready yet */
#define PCI_COMMAND		0x04
#define   PCI_CMD_IO		0x0001u
#define   PCI_CMD_MEM		0x0002u
#define   PCI_CMD_MASTER	0x0004u
#define   PCI_CMD_INTX_OFF	0x0400u
#define PCI_STATUS		0x06
#define   PCI_STS_INTX		0x0008u
#define   PCI_STS_CAPS		0x0010u
#define PCI_CLASS_REV		0x08
#define   PCI_CLASS_HOST	0x0600u /* of bits 31:16 */
#define PCI_HEADER_TYPE		0x0e
#define   PCI_HEADER_MULTI	0x80u
#define   PCI_HEADER_KIND	0x7fu
#define PCI_CAP_PTR		0x34
#define PCI_CAP_FIRST		0x40
#define PCI_INT_PIN		0x3d

/* Base address registers, §7.5.1.2.1 */
#define PCI_BAR(n)		(0x10 + 4 * (n))
#define   PCI_BAR_IO		0x1u
#define   PCI_BAR_TYPE		0x6u
#define     PCI_BAR_TYPE_32	0x0u
#define     PCI_BAR_TYPE_1M	0x2u /* reserved since PCI 3.0 */
#define     PCI_BAR_TYPE_64	0x4u
#define   PCI_BAR_PREFETCH	0x8u
#define   PCI_BAR_IO_FLAGS	0x3u
#define   PCI_BAR_MEM_FLAGS	0xfu

/* Type 0 header, §7.5.1.2 */
#define PCI_SUBSYSTEM		0x2c
#define PCI_ROM			0x30

/* Type 1 header, §7.5.1.3 */
#define PCI_BUSES		0x18 /* primary 7:0, secondary 15:8, subordinate 23:16 */
#define PCI_IO_WINDOW		0x1c /* base 7:0, limit 15:8 */
#define   PCI_IO_CLOSED		0x00f0u
#define PCI_MEM_WINDOW		0x20 /* base 15:4 is address 31:20; limit 31:20 */
#define PCI_PREF_WINDOW		0x24
#define   PCI_PREF_64		0x1u
#define   PCI_WINDOW_CLOSED	0x0000fff0u
#define PCI_PREF_BASE_HI	0x28
#define PCI_PREF_LIMIT_HI	0x2c
#define PCI_IO_WINDOW_HI	0x30
#define PCI_BRIDGE_ROM		0x38
#define PCI_BRIDGE_CTRL		0x3e
#define   PCI_BRIDGE_SERR	0x0002u /* error messages pass upwards */
#define   PCI_BRIDGE_BUS_RESET	0x0040u

/* Capability IDs: PCI Code and ID Assignment 1.14 §2, §3 */
#define PCI_CAP_PM		0x01
#define PCI_CAP_VPD		0x03
#define PCI_CAP_MSI		0x05
#define PCI_CAP_PCIX		0x07
#define PCI_CAP_HT		0x08
#define PCI_CAP_VENDOR		0x09
#define PCI_CAP_PCIE		0x10
#define PCI_CAP_MSIX		0x11
#define PCI_CAP_SATA		0x12
#define PCI_CAP_AF		0x13
#define PCI_ECAP_AER		0x0001
#define PCI_ECAP_VC		0x0002
#define PCI_ECAP_DSN		0x0003
#define PCI_ECAP_POWER		0x0004
#define PCI_ECAP_MFVC		0x0008
#define PCI_ECAP_VC9		0x0009 /* VC of a function that also has MFVC */
#define PCI_ECAP_VSEC		0x000b
#define PCI_ECAP_ACS		0x000d
#define PCI_ECAP_ARI		0x000e
#define PCI_ECAP_ATS		0x000f
#define PCI_ECAP_SRIOV		0x0010
#define PCI_ECAP_PRI		0x0013
#define PCI_ECAP_REBAR		0x0015
#define PCI_ECAP_DPA		0x0016
#define PCI_ECAP_LTR		0x0018
#define PCI_ECAP_PASID		0x001b
#define PCI_ECAP_DPC		0x001d
#define PCI_ECAP_DVSEC		0x0023

/* Power management, §7.5.2 */
#define PCI_PM_CSR		0x04
#define   PCI_PM_STATE		0x0003u
#define   PCI_PM_D3HOT		0x0003u
#define   PCI_PM_NO_SOFT_RESET	0x0008u
#define   PCI_PM_PME_STATUS	0x8000u /* RW1C */

/* MSI, §7.7.1 */
#define PCI_MSI_CTRL		0x02
#define   PCI_MSI_ENABLE	0x0001u
#define   PCI_MSI_MMC_SHIFT	1
#define   PCI_MSI_MMC		0x000eu
#define   PCI_MSI_64		0x0080u
#define   PCI_MSI_PVM		0x0100u

/* MSI-X, §7.7.2 */
#define PCI_MSIX_CTRL		0x02
#define   PCI_MSIX_LAST		0x07ffu
#define   PCI_MSIX_ENABLE	0x8000u
#define PCI_MSIX_TABLE		0x04
#define PCI_MSIX_PBA		0x08
#define   PCI_MSIX_BIR		0x7u
#define PCI_MSIX_ENTRY		16

/* PCI Express, §7.5.3 */
#define PCI_EXP_FLAGS		0x02
#define   PCI_EXP_VERSION	0x000fu
#define   PCI_EXP_TYPE_SHIFT	4
#define   PCI_EXP_SLOT		0x0100u
#define     PCI_EXP_ENDPOINT	0x0
#define     PCI_EXP_LEGACY	0x1
#define     PCI_EXP_ROOT_PORT	0x4
#define     PCI_EXP_UPSTREAM	0x5
#define     PCI_EXP_DOWNSTREAM	0x6
#define     PCI_EXP_TO_PCI	0x7
#define     PCI_EXP_FROM_PCI	0x8
#define     PCI_EXP_RCIEP	0x9
#define     PCI_EXP_RC_EC	0xa
#define PCI_EXP_V1_SIZE		0x0c /* the least: an integrated endpoint's */
#define PCI_EXP_V2_SIZE		0x3c
#define PCI_EXP_DEVCAP		0x04
#define   PCI_EXP_DEVCAP_MPS	0x00000007u
#define   PCI_EXP_DEVCAP_FLR	0x10000000u
#define PCI_EXP_DEVCTL		0x08
#define   PCI_EXP_DEVCTL_ERRORS 0x000fu
#define   PCI_EXP_DEVCTL_REPORTS 0x0007u /* of them: correctable, non-fatal, fatal */
#define   PCI_EXP_DEVCTL_MPS	0x00e0u
#define   PCI_EXP_DEVCTL_MPS_SHIFT 5
#define   PCI_EXP_DEVCTL_PHANTOM 0x0200u
#define   PCI_EXP_DEVCTL_AUX	0x0400u
#define   PCI_EXP_DEVCTL_SNOOP	0x0800u /* Enable No Snoop */
#define   PCI_EXP_DEVCTL_FLR	0x8000u
#define PCI_EXP_DEVSTA		0x0a
#define   PCI_EXP_DEVSTA_ERRORS	0x000fu /* RW1C, as all status here is */
#define   PCI_EXP_DEVSTA_FATAL	0x0004u
#define   PCI_EXP_DEVSTA_UNCORRECTABLE 0x0006u
#define   PCI_EXP_DEVSTA_PENDING 0x0020u
#define PCI_EXP_LNKCAP		0x0c
#define   PCI_EXP_LNKCAP_ACTIVE 0x00100000u /* the link reports that it is up */
#define PCI_EXP_LNKCTL		0x10
#define PCI_EXP_LNKSTA		0x12
#define   PCI_EXP_LNKSTA_ACTIVE 0x2000u
#define PCI_EXP_SLTCAP		0x14
#define   PCI_EXP_SLTCAP_HOTPLUG 0x00000040u
#define   PCI_EXP_SLTCAP_AT_ONCE 0x00040000u /* commands are not confirmed */
#define PCI_EXP_SLTCTL		0x18
#define   PCI_EXP_SLTCTL_NOTIFY 0x103fu /* every notification */
#define   PCI_EXP_SLTCTL_LAMP	0x0300u /* power indicator */
#define     PCI_EXP_LAMP_ON	0x0100u
#define     PCI_EXP_LAMP_BLINKS	0x0200u
#define     PCI_EXP_LAMP_OFF	0x0300u
#define   PCI_EXP_SLTCTL_NO_POWER 0x0400u
#define PCI_EXP_SLTSTA		0x1a
#define   PCI_EXP_SLTSTA_BUTTON	0x0001u /* attention button pressed */
#define   PCI_EXP_SLTSTA_CARD	0x0008u /* presence changed */
#define   PCI_EXP_SLTSTA_DONE	0x0010u /* command completed */
#define   PCI_EXP_SLTSTA_PRESENT 0x0040u
#define   PCI_EXP_SLTSTA_LINK	0x0100u /* link state changed */
#define   PCI_EXP_SLTSTA_EVENTS	0x011fu
#define PCI_EXP_RTCTL		0x1c
#define   PCI_EXP_RTCTL_RRS	0x0010u
#define PCI_EXP_DEVCTL2		0x28
#define   PCI_EXP_DEVCTL2_ARI	0x0020u
#define   PCI_EXP_DEVCTL2_ATOMIC 0x0040u
#define   PCI_EXP_DEVCTL2_LTR	0x0400u
#define   PCI_EXP_DEVCTL2_OBFF	0x6000u

/* Advanced features (conventional FLR) */
#define PCI_AF_CAP		0x03
#define   PCI_AF_CAP_TP_FLR	0x03u
#define PCI_AF_CTRL		0x04
#define   PCI_AF_FLR		0x01u
#define PCI_AF_STATUS		0x05
#define   PCI_AF_PENDING	0x01u

/* Extended capabilities, §7.6.3 */
#define PCI_ECAP_FIRST		0x100
#define PCI_AER_SIZE		0x2c /* without root and prefix registers, §7.8.4 */
#define PCI_AER_UNC_STATUS	0x04 /* §7.8.4.2 */
#define PCI_AER_COR_STATUS	0x10 /* §7.8.4.5 */
#define PCI_AER_ROOT_CMD	0x2c /* §7.8.4.9 */
#define PCI_AER_ROOT_STATUS	0x30 /* §7.8.4.10: messages that came, from anywhere below */
#define   PCI_AER_ROOT_COR	0x00000001u
#define   PCI_AER_ROOT_UNC	0x00000004u
#define   PCI_AER_ROOT_UNC_MORE	0x00000008u
#define   PCI_AER_ROOT_FATAL	0x00000040u
#define   PCI_AER_ROOT_EVENTS	0x0000007fu
#define PCI_AER_ROOT_SOURCE	0x34 /* requester IDs: correctable 15:0, uncorrectable 31:16 */
#define PCI_REBAR_CAP(i)	(4 + 8 * (i)) /* §7.8.6.2: bit 4 + n is 2^n MiB */
#define PCI_REBAR_CTRL(i)	(8 + 8 * (i)) /* §7.8.6.3 */
#define   PCI_REBAR_KEEP	0x0000ffffu /* the rest is larger sizes, bit 16 is 2^28 MiB */
#define   PCI_REBAR_SIZE	1 /* byte in it */
#define   PCI_REBAR_SIZE_MASK	0x3fu
#define PCI_ACS_CAP		0x04 /* §7.7.11 */
#define PCI_ACS_CTRL		0x06
#define   PCI_ACS_ISOLATE	0x001fu /* SV, TB, RR, CR, UF */
#define PCI_ATS_CTRL		0x06 /* §10.5.1.3 */
#define PCI_PRI_CTRL		0x04 /* §10.5.2.2 */
#define PCI_PASID_CTRL		0x06 /* §7.8.9.3 */
#define PCI_SRIOV_CTRL		0x08 /* §9.3.3.3 */
#define PCI_DPC_CTRL		0x06 /* §7.9.14.3 */
#define   PCI_DPC_UNCORRECTABLE	0x0002u /* triggers on non-fatal and fatal messages */
#define PCI_DPC_STATUS		0x08 /* §7.9.14.4 */
#define   PCI_DPC_TRIGGERED	0x0001u
#define   PCI_DPC_BUSY		0x0010u

#endif
