/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who sends with a StreamID: a sorted list of (IOMMU, StreamID, function), made once by
 * pci_identify. Faults come at the devices' own speed, so they are looked up here.
 */
#include <hv/pmem.h>
#include <hv/sort.h>

#include "pci_priv.h"

static uint64_t *streams;
static size_t count;

/* The stream's first key: that of function 0. */
static uint64_t first_key(const struct iommu *i, uint32_t sid)
{
	return iommu_stream_key(i, sid) << KEY_FUNC_BITS;
}

void streams_index(void)
{
	count = 0;
	pci_for_each(f)
		count += f->sid_count;
	streams = pmem_alloc(MAX(count, 1u) * sizeof(*streams), 64);
	count = 0;
	pci_for_each(f)
		for (unsigned n = 0; n < f->sid_count; n++)
			streams[count++] = first_key(f->iommu, f->sid[n]) | func_number(f);
	sort_keys(streams, count);
}

struct pci_func *pci_with_stream(const struct iommu *i, uint32_t sid, unsigned n)
{
	size_t at = sort_find(streams, count, first_key(i, sid)) + n;

	if (at >= count || streams[at] >> KEY_FUNC_BITS != first_key(i, sid) >> KEY_FUNC_BITS)
		return NULL;
	return &pci_funcs[streams[at] & KEY_FUNC];
}

struct pci_func *pci_by_sid(const struct iommu *iommu, uint32_t sid)
{
	struct pci_func *any = NULL;

	pci_for_each_with(f, iommu, sid) {
		if (f->owner != PCI_NO_OWNER)
			return f;
		if (!any || any->bridge)
			any = f; /* of those nobody has rather an endpoint */
	}
	return any;
}

void streams_join(pci_join_fn *join)
{
	keys_join(streams, count, join);
}

void keys_join(const uint64_t *keys, size_t n, pci_join_fn *join)
{
	for (size_t i = 1; i < n; i++)
		if (keys[i - 1] >> KEY_FUNC_BITS == keys[i] >> KEY_FUNC_BITS)
			join(&pci_funcs[keys[i - 1] & KEY_FUNC], &pci_funcs[keys[i] & KEY_FUNC]);
}
