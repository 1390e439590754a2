/*
 * The IOMMUs of the board. Each kind is a row of a table; what they cannot do they say in
 * struct iommu, and the planner refuses by it.
 */
#include <hv/dt.h>
#include <hv/limits.h>
#include <hv/log.h>

#include "iommu_priv.h"

struct iommu iommus[MAX_IOMMUS];
unsigned iommu_count;
iommu_fault_fn *iommu_on_fault;
void (*iommu_on_death)(struct iommu *i);
void (*iommu_retry)(void);

static const struct iommu_driver *const drivers[] = { &smmuv3_driver };

static struct {
	const struct iommu_driver *driver;
	int node;
} found[MAX_IOMMUS];

static void probe_node(const void *fdt, int node, const struct iommu_driver *driver)
{
	struct iommu *i = &iommus[iommu_count];
	const char *name = dt_name(fdt, node);

	if (iommu_count == MAX_IOMMUS) {
		log_err("%s: more than %u IOMMUs; what is behind this one stays blocked", name,
			MAX_IOMMUS);
		return;
	}
	fmt_print(i->name, sizeof(i->name), "%s", name);
	i->phandle = dt_phandle(fdt, node);
	found[iommu_count].driver = driver;
	found[iommu_count].node = node;
	driver->probe(fdt, node, iommu_count++, i);
}

/* Not those that are disabled: they may be unpowered, or the secure world's. */
static void block_all(const void *fdt, const struct iommu_driver *driver)
{
	for (int n = dt_next(fdt, -1, driver->compatible); n >= 0;
	     n = dt_next(fdt, n, driver->compatible))
		if (dt_enabled(fdt, n))
			driver->block(fdt, n);
}

void iommu_probe(const void *fdt)
{
	for (unsigned d = 0; d < ARRAY_SIZE(drivers); d++)
		block_all(fdt, drivers[d]);
	for (unsigned d = 0; d < ARRAY_SIZE(drivers); d++)
		for (int n = dt_next(fdt, -1, drivers[d]->compatible); n >= 0;
		     n = dt_next(fdt, n, drivers[d]->compatible))
			if (dt_enabled(fdt, n))
				probe_node(fdt, n, drivers[d]);
}

void iommu_start(const void *fdt)
{
	for (unsigned n = 0; n < iommu_count; n++)
		found[n].driver->start(fdt, found[n].node, &iommus[n]);
}

struct iommu *iommu_find(uint32_t phandle)
{
	for (unsigned n = 0; n < iommu_count; n++)
		if (phandle && iommus[n].phandle == phandle)
			return &iommus[n];
	return NULL;
}

enum hv_status iommu_prepare(struct iommu *i, uint32_t sid)
{
	return i->ops->prepare(i, sid);
}

void iommu_poll(void)
{
	for (unsigned n = 0; n < iommu_count; n++)
		iommus[n].ops->poll(&iommus[n]);
}

void iommu_route(unsigned cpu)
{
	for (unsigned n = 0; n < iommu_count; n++)
		iommus[n].ops->route(&iommus[n], cpu);
}
