/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sorted lists of functions: by isolation group, by DeviceID, by place. Made once by pci_identify,
 * so that the planner does not look through all functions for each of them.
 */
#include <hv/pmem.h>
#include <hv/sort.h>

#include "pci_priv.h"

enum { BY_GROUP, BY_DEVICE_ID, BY_PLACE, LISTS };

static uint64_t *lists[LISTS];

static uint64_t key_of(const struct pci_func *f, unsigned list)
{
	switch (list) {
	case BY_GROUP:
		return f->group;
	case BY_DEVICE_ID:
		return f->device_id;
	default:
		return (uint64_t)f->host->segment << 16 | f->bdf;
	}
}

void lists_make(void)
{
	for (unsigned n = 0; n < LISTS; n++) {
		lists[n] = pmem_alloc(MAX(pci_func_count, 1U) * sizeof(**lists), 64);
		pci_for_each(f)
			lists[n][func_number(f)] = key_of(f, n) << KEY_FUNC_BITS | func_number(f);
		sort_keys(lists[n], pci_func_count);
	}
}

static struct pci_func *find(unsigned list, uint64_t key, unsigned n)
{
	const uint64_t *keys = lists[list];
	size_t at = sort_find(keys, pci_func_count, key << KEY_FUNC_BITS) + n;

	if (at >= pci_func_count || keys[at] >> KEY_FUNC_BITS != key)
		return NULL;
	return &pci_funcs[keys[at] & KEY_FUNC];
}

struct pci_func *pci_in_group(unsigned group, unsigned n)
{
	return find(BY_GROUP, group, n);
}

struct pci_func *pci_with_device_id(uint32_t device_id, unsigned n)
{
	return find(BY_DEVICE_ID, device_id, n);
}

struct pci_func *lists_at(unsigned segment, unsigned bdf)
{
	return find(BY_PLACE, (uint64_t)segment << 16 | bdf, 0);
}
