/* What a kind of IOMMU gives to iommu.c, and what iommu.c does for all kinds. */
#ifndef IOMMU_PRIV_H
#define IOMMU_PRIV_H

#include <hv/dt.h>
#include <hv/iommu.h>
#include <hv/mmio.h>

struct iommu_driver {
	struct iommu_ops ops;
	/* Into global abort, whatever firmware left; again at any time. No memory, no interrupts yet. */
	enum hv_status (*block)(struct mmio m);
	/* The capabilities into `i`; NULL, or the one reason why it cannot be driven. */
	const char *(*probe)(const void *fdt, int node, struct range reg, struct iommu *i);
	/* Tables, queues, interrupts; translation on. */
	enum hv_status (*start)(const void *fdt, int node, struct iommu *i);
	/* Reports a bounded number of faults, one caller at a time; true: none was left. */
	bool (*drain)(struct iommu *i);
};

extern const struct iommu_driver smmuv2_driver;
extern const struct iommu_driver smmuv3_driver;

/* From start: takes the line, once, and drains at its interrupts. */
void iommu_connect(struct iommu *i, const struct dt_irq *irq);
/* It does not answer: into global abort, for ever; iommu_settle tells of it. */
void iommu_kill(struct iommu *i, const char *why);
/* With no lock held, at the end of every operation: tells of a death, once. */
void iommu_settle(struct iommu *i);

#endif
