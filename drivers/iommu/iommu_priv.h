/* What a kind of IOMMU gives to iommu.c. */
#ifndef IOMMU_PRIV_H
#define IOMMU_PRIV_H

#include <hv/iommu.h>

struct iommu_driver {
	const char *compatible;
	/* Into global abort, whatever firmware left. No memory, no interrupts yet. */
	void (*block)(const void *fdt, int node);
	/* The capabilities into `i`. */
	void (*probe)(const void *fdt, int node, unsigned index, struct iommu *i);
	/* Tables, queues, interrupts; translation on. On failure it stays in global abort. */
	void (*start)(const void *fdt, int node, struct iommu *i);
};

extern const struct iommu_driver smmuv3_driver;

#endif
