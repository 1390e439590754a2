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
#include "pci_priv.h"

/* At first each function is alone. Group numbers only ever go down to the lower of two, so the
 * lowest index names the group. */
static void join(const struct pci_func *a, const struct pci_func *b)
{
	unsigned from = MAX(a->group, b->group), to = MIN(a->group, b->group);

	pci_for_each(f)
		if (f->group == from)
			f->group = (uint16_t)to;
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

static bool is_open_switch(const struct pci_func *up)
{
	pci_for_each(f)
		if (f->parent == up && pci_is_type(f, PCI_EXP_DOWNSTREAM) && !f->isolates)
			return true;
	return false;
}

static bool way_isolated(const struct pci_func *bridge)
{
	for (; bridge; bridge = bridge->parent)
		if (pci_open_why(bridge) ||
		    (pci_is_type(bridge, PCI_EXP_UPSTREAM) && is_open_switch(bridge)))
			return false;
	return true;
}

static bool shares_id(const struct pci_func *a, const struct pci_func *b)
{
	for (unsigned i = 0; a->host == b->host && i < a->alias_count; i++)
		for (unsigned k = 0; k < b->alias_count; k++)
			if (a->alias[i] == b->alias[k])
				return true;
	for (unsigned i = 0; a->iommu && i < a->sid_count; i++)
		if (pci_has_stream(b, a->iommu, a->sid[i]))
			return true;
	return false;
}

static bool belong_together(const struct pci_func *a, const struct pci_func *b)
{
	bool same_slot = a->host == b->host && a->bdf >> 3 == b->bdf >> 3;

	return shares_id(a, b) || (same_slot && (pci_open_why(a) || pci_open_why(b)));
}

void groups_compute(void)
{
	pci_for_each(f) {
		for (const struct pci_func *b = f->parent; b && !way_isolated(b); b = b->parent)
			join(f, b);
		for (const struct pci_func *o = pci_funcs; o < f; o++)
			if (belong_together(f, o))
				join(f, o);
	}
}
