/* SPDX-License-Identifier: Apache-2.0 */
/* What a kind of IOMMU gives to iommu.c, and what iommu.c does for all kinds. */
#ifndef IOMMU_PRIV_H
#define IOMMU_PRIV_H

#include <hv/dt.h>
#include <hv/iommu.h>

struct iommu_driver {
	/*
	 * Into global abort, whatever firmware left; again at any time. No memory, no interrupts
	 * yet.
	 */
	enum hv_status (*block)(struct mmio m);
	/* The capabilities into `i`; NULL, or the one reason why it cannot be driven. */
	const char *(*probe)(const void *fdt, int node, struct range reg, struct iommu *i);
	/* Tables, queues, interrupts; translation on. */
	enum hv_status (*start)(const void *fdt, int node, struct iommu *i);
	/* Reports a bounded number of faults, one caller at a time; true: none was left. */
	bool (*drain)(struct iommu *i);

	/* Behind iommu_attach and iommu_flush: started, not dead, with the lock held. */
	enum hv_status (*attach)(struct iommu *i, uint32_t sid, const struct s2 *dma);
	void (*flush)(struct iommu *i, uint16_t vmid, ipa_t ipa, uint64_t size);
};

extern const struct iommu_driver smmuv2_driver;
extern const struct iommu_driver smmuv3_driver;

#define FLUSH_PAGES 16 /* beyond, everything of the VMID is forgotten */

/* From start: takes the line, once, and drains at its interrupts. */
void iommu_connect(struct iommu *i, const struct dt_irq *irq);
/* A decoded fault, from drain(). */
void iommu_report_fault(struct iommu *i, const struct iommu_fault *f);
/* It does not answer: into global abort, for ever. With the lock held, but for start. */
void iommu_kill(struct iommu *i, const char *why);

#endif
