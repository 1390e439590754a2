/* SPDX-License-Identifier: Apache-2.0 */
/* A device tree with host bridges for the models, and the SMMU and ITS that its phandles name. */
#ifndef PCI_BOARD_H
#define PCI_BOARD_H

#include <stdint.h>

#include <hv/pci.h>
#include "pci_model.h"

#define BOARD_SMMU  0x8004
#define BOARD_SMMU2 0x8005
#define BOARD_ITS   0x8003
#define BOARD_V2M   0x8005

extern struct iommu board_smmu, board_smmu2;

/* What differs from a host bridge of QEMU's kind; 0 and NULL: as there. */
struct board_host {
	uint64_t ecam, ecam_size;
	uint32_t bus_first, bus_last; /* both 0: no bus-range */
	const uint32_t *ranges;       /* 7 cells an entry */
	unsigned ranges_count;
	const uint32_t *dma_ranges;
	unsigned dma_count;
	const uint32_t *iommu_map; /* 4 cells an entry */
	unsigned iommu_count;
	uint32_t iommu_mask; /* 0: absent; BOARD_MASK_ZERO: <0> */
	bool no_iommu, no_msi, msi_parent, v2m, probe_only, disabled, has_domain, coherent;
	uint32_t domain;
	bool juno;         /* as Arm's Juno calls it */
	bool edge;         /* interrupt-map */
	const char *extra; /* a property without value */
	const char *extra2;
};
#define BOARD_MASK_ZERO UINT32_MAX

/* Begins with all models and state cleared. */
void board_begin(void);
void board_host(const struct board_host *b);
/* A GICv2m frame, below the root. */
void board_v2m(uint64_t at);
const void *board_end(void);
/* The usual: one host as QEMU has it around `m`, probed. */
void board_probe(struct pcim *m);
/* board_end, then all of PCI as at boot. */
void board_go(void);

extern unsigned board_cuts;   /* streams that were told to abort */
extern unsigned board_mapped; /* how many ECAMs were mapped */

struct pci_func *board_func(const struct pcim_dev *d); /* the function captured for it */

#endif
