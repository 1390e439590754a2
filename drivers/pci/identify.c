/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who a function is to the rest of the machine: the requester IDs its transactions may carry, the
 * StreamIDs and the DeviceID made of them, and the line its INTx arrives on.
 */
#include <hv/log.h>

#include "pci_priv.h"

/* Functions that send requests as another function of their slot. Facts of the parts. */
static const struct {
	uint16_t vendor, device;
	uint8_t fn;
} fn_aliases[] = {
	{ 0x1180, 0xe832, 0 }, { 0x1180, 0xe476, 0 },                        /* Ricoh */
	{ 0x1b4b, 0x9120, 1 }, { 0x1b4b, 0x9123, 1 }, { 0x1b4b, 0x9125, 1 }, /* Marvell SATA */
	{ 0x1b4b, 0x9128, 1 }, { 0x1b4b, 0x9130, 1 }, { 0x1b4b, 0x9170, 1 }, { 0x1b4b, 0x9172, 1 },
	{ 0x1b4b, 0x917a, 1 }, { 0x1b4b, 0x9182, 1 }, { 0x1b4b, 0x9183, 1 }, { 0x1b4b, 0x91a0, 1 },
	{ 0x1b4b, 0x9215, 1 }, { 0x1b4b, 0x9220, 1 }, { 0x1b4b, 0x9230, 1 }, { 0x1b4b, 0x9235, 1 },
	{ 0x1103, 0x0642, 1 }, { 0x1103, 0x0645, 1 }, /* HighPoint */
};

static void add_alias(struct pci_func *f, uint16_t rid)
{
	for (unsigned i = 0; i < f->alias_count; i++)
		if (f->alias[i] == rid)
			return;
	if (f->alias_count == ARRAY_SIZE(f->alias)) {
		pci_refuse(f, "it has more requester IDs than can be kept apart");
		return;
	}
	f->alias[f->alias_count++] = rid;
}

/*
 * The ID that a bridge gives to what passes it upwards; false: it leaves IDs alone. PCI Express to
 * PCI/PCI-X Bridge Specification 1.0 §2.3. A bridge without a PCIe capability right below a PCIe
 * port must be PCIe-to-PCI itself.
 */
static bool bridge_alias(const struct pci_func *b, uint16_t *rid)
{
	uint16_t secondary = (uint16_t)(b->bus_secondary << 8);

	/* The AST1150 says it is a PCIe-to-PCI bridge but forwards requester IDs as they are. */
	if (b->vendor == 0x1a03 && b->device == 0x1150)
		return false;
	if (!b->cap_pcie) {
		*rid = b->parent && b->parent->cap_pcie && b->parent->pcie_type != PCI_EXP_TO_PCI ?
			       secondary :
			       b->bdf;
		return true;
	}
	*rid = b->pcie_type == PCI_EXP_TO_PCI ? secondary : b->bdf;
	return b->pcie_type == PCI_EXP_TO_PCI || b->pcie_type == PCI_EXP_FROM_PCI;
}

/*
 * All aliases are kept: the real ID appears as well (PCI-X, MSI). Returns the one that arrives at
 * the root complex, which is what the ITS sees.
 */
static uint16_t find_aliases(struct pci_func *f)
{
	uint16_t last = f->bdf, rid;

	add_alias(f, f->bdf);
	for (unsigned i = 0; i < ARRAY_SIZE(fn_aliases); i++)
		if (fn_aliases[i].vendor == f->vendor && fn_aliases[i].device == f->device)
			add_alias(f, (uint16_t)((f->bdf & ~7u) | fn_aliases[i].fn));
	for (const struct pci_func *b = f->parent; b; b = b->parent)
		if (bridge_alias(b, &rid)) {
			add_alias(f, rid);
			last = rid;
		}
	return last;
}

/* iommu-map and msi-map: (rid base, phandle, output base, length); the mask comes first. Returns
 * the phandle; 0: the map has no such ID. */
static uint32_t map_rid(const struct pci_host *h, const char *map, const char *mask, uint16_t rid,
			uint32_t *out)
{
	static const unsigned cells[] = { 1, 1, 1, 1 };
	uint32_t masked = rid & dt_u32(h->fdt, h->node, mask, UINT32_MAX);
	uint64_t v[4];

	for (unsigned i = 0; dt_entry(h->fdt, h->node, map, i, 4, cells, v) == HV_OK; i++)
		if (range_contains((struct range){ v[0], v[3] }, masked, 1)) {
			*out = (uint32_t)(v[2] + (masked - v[0]));
			return (uint32_t)v[1];
		}
	return 0;
}

/* One alias that no IOMMU translates makes all of it untranslated: it can choose which it sends. */
static void find_streams(struct pci_func *f)
{
	for (unsigned i = 0; i < f->alias_count; i++) {
		uint32_t sid, phandle = map_rid(f->host, "iommu-map", "iommu-map-mask", f->alias[i],
						&sid);
		struct iommu *iommu = phandle ? iommu_find(phandle) : NULL;

		if (!iommu || (f->iommu && f->iommu != iommu)) {
			f->iommu = NULL;
			f->sid_count = 0;
			return;
		}
		f->iommu = iommu;
		sid &= ~iommu->sid_ignored;
		if (!pci_has_stream(f, iommu, sid))
			f->sid[f->sid_count++] = sid; /* as many as aliases at most */
	}
}

/* The pci-msi binding: msi-map, or else msi-parent with the requester ID as it is. */
static void find_msi(struct pci_func *f, uint16_t rid)
{
	const struct pci_host *h = f->host;
	const unsigned one_cell = 1;
	uint64_t phandle = 0;

	f->device_id = rid;
	if (dt_bool(h->fdt, h->node, "msi-map"))
		phandle = map_rid(h, "msi-map", "msi-map-mask", rid, &f->device_id);
	else if (dt_entry(h->fdt, h->node, "msi-parent", 0, 1, &one_cell, &phandle) != HV_OK)
		return;
	if (phandle)
		f->msi = its_find((uint32_t)phandle);
	if (phandle && !f->msi)
		f->msi = v2m_find((uint32_t)phandle);
}

/*
 * The line of pin 1..4 of a function; intid 0: none. PCI-to-PCI Bridge Architecture 1.2 §9.1: pins
 * turn by the device number at every bridge.
 */
static struct dt_irq line_of(const struct pci_func *f, uint32_t pin)
{
	const struct pci_host *h = f->host;
	const struct pci_func *at = f;
	struct dt_irq line = { 0 };

	for (; at->parent; at = at->parent)
		pin = (pin - 1 + pci_slot(at)) % 4 + 1;
	if (pci_bus(at) != h->bus_first)
		return line; /* the tree says nothing of further root buses */
	if (dt_interrupt_resolve(h->fdt, h->node, (uint32_t[]){ (uint32_t)at->bdf << 8, 0, 0, pin },
				 4, &line) != HV_OK)
		line = (struct dt_irq){ 0 };
	return line;
}

bool pci_can_assert(const struct pci_func *f, uint32_t intid)
{
	for (uint32_t pin = 1; pin <= 4; pin++)
		if (line_of(f, pin).intid == intid)
			return true;
	return false;
}

static void find_intx(struct pci_func *f)
{
	if (f->irq_pin)
		f->intx = line_of(f, f->irq_pin);
	/* INTx is a level by its protocol (PCIe r6.0 §6.1.2), whatever the tree says. */
	if (f->intx.edge)
		log_warn("pci: %s: interrupt-map says that its INTx is an edge; taken as a level",
			 f->name);
	f->intx.edge = false;
}

void pci_identify(void)
{
	hosts_settle();
	pci_for_each(f) {
		uint16_t rid = find_aliases(f);

		find_streams(f);
		find_msi(f, rid);
		find_intx(f);
	}
	streams_index();
	groups_compute();
	lists_make();
}
