/* What the planner sees of PCI, without hardware: functions by exact name, and one IOMMU. */
#ifndef PLAN_FAKES_H
#define PLAN_FAKES_H

#include <hv/pci.h>

#define FAKE_DOORBELL_PAGE UINT64_C(0x08090000) /* of the one MSI controller */

extern struct iommu fake_smmu;
extern bool fake_by_device; /* is the MSI controller an ITS */
/* A QEMU-like host bridge with the functions listed in plan_fakes.c, none owned. */
void fake_pci_reset(void);
/* By name "0000:00:01.0"; aborts when it is not there. */
struct pci_func *fake_func(const char *name);

#endif
