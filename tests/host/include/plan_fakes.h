/* SPDX-License-Identifier: Apache-2.0 */
/* What the planner sees of PCI, without hardware: functions by exact name, and one IOMMU. */
#ifndef PLAN_FAKES_H
#define PLAN_FAKES_H

#include <hv/pci.h>

#define fake_doorbell_page (fake_its(0)->page.v)

extern struct iommu fake_smmu;
#define FAKE_FRAME 0x8020000           /* GICv2m frame 0, the next 64 KiB behind it */
struct msi_ctrl *fake_its(unsigned n); /* of two; all functions have the first */
/* GICv2m instead: frames of that many SPIs, the first at INTID 112. */
void fake_v2m(unsigned frames, uint32_t spis);
/* A QEMU-like host bridge with the functions listed in plan_fakes.c, none owned. */
void fake_pci_reset(void);
/* By name "0000:00:01.0"; aborts when it is not there. */
struct pci_func *fake_func(const char *name);
extern uint32_t fake_reach; /* an INTID that every device can assert; 0: none */

#endif
