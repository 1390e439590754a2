/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PCI Express Base Specification, revision 6.0, 16 December 2021: configuration space as a guest
 * is shown it, by dwords: registers of 16 bits in the upper half are shifted. What is not a
 * matter of dwords is in spec/pci.h.
 */
#ifndef SPEC_PCI_CAPS_H
#define SPEC_PCI_CAPS_H

/* Type 0 header, §7.5.1.1, §7.5.1.2 */
#define CFG_CACHELINE	0x0c /* cache line, latency timer, header type, BIST */
#define   CFG_MULTIFUNCTION 0x00800000u
#define CFG_CIS		0x28
#define CFG_INTERRUPT	0x3c /* line, pin, Min_Gnt, Max_Lat */
#define STS_ERRORS	0xf900u /* RW1C: 8, 15:11; §7.5.1.1.4 */
#define STS_LIVE	0xffa8u /* all that is defined, but the capability list bit */

/* Power management, §7.5.2 */
#define PMC_D1_D2	0x06000000u
#define PMC_PME		0xf8000000u

/* PCI Express capability, §7.5.3 */
#define EXP_TYPE_RCIEP	0x00900000u
#define EXP_CAPS_VERSION 0x000f0000u
#define EXP_CAPS_IRQ	0x3e000000u /* interrupt message number */
#define EXP_RRS_ID	0xffff0001u /* §2.3.2: ID read while the function is not ready */
#define DEVCAP_EXT_TAG	0x0020u
#define DEVCAP_L0S_L1	0x0fc0u /* acceptable latencies */
#define DEVCAP_ROLES	0x8000u /* role-based error reporting */
#define DEVCTL_RO	0x0010u
#define DEVCTL_EXT_TAG	0x0100u
#define DEVCTL_MRRS	0x7000u
#define DEVSTA_ERRORS	0x000fu /* RW1C */
#define DEVSTA_LIVE	0x003fu
#define EXP_DEVCAP2	0x24
#define DEVCAP2_CTO	0x000fu /* completion timeout ranges */
#define DEVCAP2_ATOMICS	0x0380u /* completer of 32, 64 and 128 bits */
#define DEVCTL2_CTO	0x000fu
#define DEVCTL2_CTO_OFF 0x0010u
#define DEVCTL2_IDO	0x0300u

/* MSI, §7.7.1 */
#define MSI_ENABLE	0x00010000u
#define MSI_MMC		0x000e0000u
#define MSI_MME		0x00700000u
#define MSI_64		0x00800000u
#define MSI_PVM		0x01000000u

/* MSI-X, §7.7.2 */
#define MSIX_SIZE	0x07ff0000u
#define MSIX_FUNC_MASK	0x40000000u
#define MSIX_ENABLE	0x80000000u
#define MSIX_ENTRY_CTRL 12
#define   MSIX_MASKED	0x1u

/*
 * Advanced features: capabilities 31:24 of its first dword; in the second control 7:0, status 15:8
 */
#define AF_CAP_FLR	0x02000000u
#define AF_PENDING	0x00000100u

/* Virtual I/O Device 1.2 §4.1.4: vendor capabilities with a type; this one is a window into BARs */
#define VIRTIO_VENDOR	0x1af4
#define VIRTIO_CFG_TYPE 24 /* lowest bit of it */
#define   VIRTIO_PCI_CFG 5u

/* Extended capabilities, §7.6.3, and AER, §7.8.4 */
#define ECAP_VERSION	0x000f0000u
#define ECAP_NEXT	20 /* lowest bit of it */
#define AER_UNC_STATUS	0x04
#define AER_UNC_MASK	0x08
#define AER_UNC_SEVERITY 0x0c
#define AER_COR_STATUS	0x10
#define AER_COR_MASK	0x14
#define AER_CAP		0x18
#define AER_LOG(i)	(0x1c + 4 * (i))
#define   AER_UNC_ALL	0xfffff030u
#define   AER_UNC_MASKED 0x00400000u
#define   AER_UNC_FATAL 0x00462030u
#define   AER_COR_ALL	0x0000f1c1u
#define   AER_COR_MASKED 0x0000e000u

#endif
