/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Isolation groups: functions that the hardware does not keep from one another's DMA. A group
 * is named by the index of its first member; bridges are members too. Joined are
 *   - functions that share a requester ID or a StreamID;
 *   - a function and each bridge above it, up to where the way to the root is isolated by ACS
 *     (PCIe r6.0 §6.12: SV, RR, CR, UF);
 *   - all functions of a slot, when one of them is not isolated from its siblings.
 * A switch one of whose downstream ports is not isolating is open as a whole: what enters there
 * may be routed to any other port without seeing the root.
 */
#include <hv/pmem.h>
#include <hv/sort.h>

#include "pci_priv.h"

/*
 * While groups grow, `group` is a function of the same group with a lower number, or the function's
 * own: the lowest names the group.
 */
static unsigned group_root(struct pci_func *f)
{
	while (f->group != func_number(f)) {
		f->group = pci_funcs[f->group].group; /* the way gets shorter each time */
		f = &pci_funcs[f->group];
	}
	return f->group;
}

static void join(struct pci_func *a, struct pci_func *b)
{
	unsigned x = group_root(a), y = group_root(b);

	pci_funcs[MAX(x, y)].group = (uint16_t)MIN(x, y);
}

const char *pci_open_why(const struct pci_func *f)
{
	bool needs_acs = f->multifunction || pci_is_port(f) || pci_is_type(f, PCI_EXP_RC_EC);

	if (!f->cap_pcie || pci_is_type(f, PCI_EXP_TO_PCI) || pci_is_type(f, PCI_EXP_FROM_PCI))
		return "conventional PCI"; /* a shared bus */
	if (!needs_acs || f->isolates)
		return NULL;
	return f->cap_acs ? "ACS stays off" : "no ACS";
}

/*
 * Bridges come before what is below them, so one pass settles the ways of all: first which switches
 * are open, then for each bridge what holds of it or of any bridge above.
 */
static void find_open_ways(void)
{
	pci_for_each(f)
		f->open_way = pci_open_why(f);
	pci_for_each(f)
		if (f->parent && pci_is_type(f->parent, PCI_EXP_UPSTREAM) &&
		    pci_is_type(f, PCI_EXP_DOWNSTREAM) && !f->isolates)
			f->parent->open_way = true;
	pci_for_each(f)
		f->open_way = f->open_way || (f->parent && f->parent->open_way);
}

static void join_upwards(struct pci_func *f)
{
	for (struct pci_func *b = f->parent; b && b->open_way; b = b->parent)
		join(f, b);
}

/* The functions of a slot stand side by side. */
static void join_slot(struct pci_func *f)
{
	for (struct pci_func *o = f;
	     o-- > pci_funcs && o->host == f->host && o->bdf >> 3 == f->bdf >> 3;)
		if (pci_open_why(f) || pci_open_why(o))
			join(f, o);
}

static void join_aliases(void)
{
	size_t size = pci_func_count * ARRAY_SIZE(pci_funcs->alias) * sizeof(uint64_t), n = 0;
	uint64_t *keys = pmem_alloc(size, 64);

	pci_for_each(f)
		for (unsigned i = 0; i < f->alias_count; i++)
			keys[n++] = ((uint64_t)(f->host - pci_hosts) << 16 | f->alias[i])
					    << KEY_FUNC_BITS |
				    func_number(f);
	sort_keys(keys, n);
	keys_join(keys, n, join);
	pmem_trim(keys, size, 0);
}

void groups_compute(void)
{
	find_open_ways();
	pci_for_each(f) {
		join_upwards(f);
		join_slot(f);
	}
	join_aliases();
	streams_join(join);
	pci_for_each(f)
		f->group = (uint16_t)group_root(f);
}
