/*
 * Who a function is to the rest of the machine: the requester IDs its transactions may carry, the
 * StreamIDs and the DeviceID made of them, and the line its INTx arrives on.
 */
#include <libfdt.h>


#include "pci_priv.h"

/* Functions that send requests as another function of their slot. Facts of the parts. */
static const struct {
	uint16_t vendor, device;
	uint8_t fn;
} fn_aliases[] = {
	{ 0x1180, 0xe832, 0 }, { 0x1180, 0xe476, 0 },			       /* Ricoh */
	{ 0x1b4b, 0x9120, 1 }, { 0x1b4b, 0x9123, 1 }, { 0x1b4b, 0x9125, 1 },   /* Marvell SATA */
	{ 0x1b4b, 0x9128, 1 }, { 0x1b4b, 0x9130, 1 }, { 0x1b4b, 0x9170, 1 },
	{ 0x1b4b, 0x9172, 1 }, { 0x1b4b, 0x917a, 1 }, { 0x1b4b, 0x9182, 1 },
	{ 0x1b4b, 0x9183, 1 }, { 0x1b4b, 0x91a0, 1 }, { 0x1b4b, 0x9215, 1 },
	{ 0x1b4b, 0x9220, 1 }, { 0x1b4b, 0x9230, 1 }, { 0x1b4b, 0x9235, 1 },
	{ 0x1103, 0x0642, 1 }, { 0x1103, 0x0645, 1 },			       /* HighPoint */
};

/* Says it is a PCIe-to-PCI bridge but forwards requester IDs as they are (AST1150). */
static bool keeps_ids(const struct pci_func *b)
{
	return b->vendor == 0x1a03 && b->device == 0x1150;
}

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

	if (keeps_ids(b))
		return false;
	if (!b->cap_pcie) {
		*rid = b->parent && b->parent->cap_pcie && b->parent->pcie_type != PCI_EXP_TO_PCI ?
		       secondary : b->bdf;
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

	f->alias_count = 0;
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

/* iommu-map and msi-map: (rid base, phandle, output base, length); the mask comes first. */
static bool map_rid(const struct pci_host *h, const char *map, const char *mask, uint16_t rid,
		    uint32_t *phandle, uint32_t *out)
{
	static const unsigned cells[] = { 1, 1, 1, 1 };
	uint32_t masked = rid & dt_u32(h->fdt, h->node, mask, UINT32_MAX);
	uint64_t v[4];

	for (unsigned i = 0; dt_entry(h->fdt, h->node, map, i, 4, cells, v) == HV_OK; i++)
		if (range_contains((struct range){ v[0], v[3] }, masked, 1)) {
			*phandle = (uint32_t)v[1];
			*out = (uint32_t)(v[2] + (masked - v[0]));
			return true;
		}
	return false;
}

/* One alias that no IOMMU translates makes all of it untranslated: it can choose which it sends. */
static void find_streams(struct pci_func *f)
{
	f->iommu = NULL;
	f->sid_count = 0;
	for (unsigned i = 0; i < f->alias_count; i++) {
		struct iommu *iommu = NULL;
		uint32_t phandle, sid;

		if (map_rid(f->host, "iommu-map", "iommu-map-mask", f->alias[i], &phandle, &sid))
			iommu = iommu_find(phandle);
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
	uint32_t phandle = 0;
	const fdt32_t *p;
	unsigned len;

	f->msi = NULL;
	f->device_id = rid;
	if (dt_bool(h->fdt, h->node, "msi-map")) {
		if (!map_rid(h, "msi-map", "msi-map-mask", rid, &phandle, &f->device_id))
			return;
	} else {
		p = dt_get(h->fdt, h->node, "msi-parent", &len);
		if (len < 4)
			return;
		phandle = fdt32_ld(p);
	}
	f->msi = its_find(phandle);
	if (!f->msi)
		f->msi = v2m_find(phandle);
}

/* PCI-to-PCI Bridge Architecture 1.2 §9.1: pins turn by the device number at every bridge. */
static void find_intx(struct pci_func *f)
{
	const struct pci_host *h = f->host;
	const struct pci_func *at = f;
	uint32_t pin = f->irq_pin;

	f->intx = (struct dt_irq){ 0 };
	if (!pin)
		return;
	for (; at->parent; at = at->parent)
		pin = (pin - 1 + pci_slot(at)) % 4 + 1;
	if (pci_bus(at) != h->bus_first)
		return; /* the tree says nothing of further root buses */
	if (dt_interrupt_resolve(h->fdt, h->node, (uint32_t[]){ (uint32_t)at->bdf << 8, 0, 0, pin }, 4,
				 &f->intx) != HV_OK)
		f->intx = (struct dt_irq){ 0 };
}

void pci_identify(void)
{
	pci_for_each(f) {
		uint16_t rid = find_aliases(f);

		find_streams(f);
		find_msi(f, rid);
		find_intx(f);
	}
	groups_compute();
}
