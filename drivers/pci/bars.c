/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Base address registers: what they are, sized with decoding off (PCIe r6.0 §7.5.1.2.1), and
 * written. A BAR that does not size as the specification says refuses its function.
 */
#include "pci_priv.h"

static unsigned bar_count(const struct pci_func *f)
{
	switch (f->header_type) {
	case 0:
		return PCI_BARS;
	case 1:
		return 2;
	}
	return 0;
}

static uint32_t writable_bits(const struct pci_func *f, unsigned i, uint32_t *was)
{
	uint32_t v;

	*was = pci_cfg_read(f, PCI_BAR(i), 4);
	pci_cfg_write(f, PCI_BAR(i), 4, UINT32_MAX);
	v = pci_cfg_read(f, PCI_BAR(i), 4);
	pci_cfg_write(f, PCI_BAR(i), 4, *was);
	return v;
}

/* BAR i of f; returns the registers it takes (1 or 2), 0: malformed. */
static unsigned bar_probe(const struct pci_func *f, unsigned i, struct pci_bar *b)
{
	uint32_t was, was_hi = 0;
	uint64_t mask = writable_bits(f, i, &was), top = UINT32_MAX;
	unsigned type = was & PCI_BAR_TYPE;
	bool io = was & PCI_BAR_IO;
	uint64_t flags = io ? PCI_BAR_IO_FLAGS : PCI_BAR_MEM_FLAGS;

	*b = (struct pci_bar){
		.io = io,
		.mem64 = !io && type == PCI_BAR_TYPE_64,
		.prefetch = !io && was & PCI_BAR_PREFETCH,
	};
	if (b->mem64 && i + 1 >= bar_count(f))
		return 0;
	if (b->mem64) {
		mask |= (uint64_t)writable_bits(f, i + 1, &was_hi) << 32;
		top = UINT64_MAX;
	}
	mask &= ~flags;
	b->size = mask & (~mask + 1);
	b->pci = ((uint64_t)was_hi << 32 | was) & ~flags;
	/* From the size upwards all is writable, but an I/O BAR's upper half (§7.5.1.2.1). */
	if (!io && (type == PCI_BAR_TYPE || (mask && (mask | (b->size - 1)) != top)))
		return 0;
	return b->mem64 ? 2 : 1;
}

void bars_size(struct pci_func *f)
{
	unsigned n;

	for (unsigned i = 0; i < bar_count(f); i += n) {
		n = bar_probe(f, i, &f->bar[i]);
		if (!n) {
			pci_refuse(f, "one of its BARs is malformed");
			f->bar[i] = (struct pci_bar){ 0 };
			n = 1;
		}
	}
}

/* A reset may bring back other sizes (resizable BARs); then the placement is void. */
bool bars_unchanged(const struct pci_func *f)
{
	struct pci_bar b;
	unsigned n;

	for (unsigned i = 0; i < bar_count(f); i += n) {
		n = bar_probe(f, i, &b);
		if (!n || b.size != f->bar[i].size || b.mem64 != f->bar[i].mem64 ||
		    b.io != f->bar[i].io)
			return false;
	}
	return true;
}

void pci_bars_write(const struct pci_func *f)
{
	for (unsigned i = 0; i < bar_count(f); i++) {
		const struct pci_bar *b = &f->bar[i];
		uint64_t at = b->assigned ? b->pci : 0;

		if (!b->size || b->io)
			continue;
		pci_cfg_write(f, PCI_BAR(i), 4, (uint32_t)at);
		if (b->mem64)
			pci_cfg_write(f, PCI_BAR(i + 1), 4, (uint32_t)(at >> 32));
	}
}
