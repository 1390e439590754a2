/*
 * Builds a guest's view of a function at boot: which row of rules.c each dword follows, the
 * shadow's first values, and the capability list. Only capabilities of the table below exist: the
 * shadow supplies every pointer, so what is hidden cannot be found, and has no row besides.
 * The device is read here, before any guest owned it, and never again for a decision.
 */
#include <string.h>

#include <spec/pci.h>
#include <spec/pci_caps.h>

#include "vpci_priv.h"

#define CAP_ROWS_MAX DW(PCI_EXP_V2_SIZE)
#define CAPS_MAX     48 /* a list in 192 bytes cannot be longer: ends a loop */

static void put(struct vpci_func *f, unsigned off, uint32_t mask, uint32_t value)
{
	f->initial[DW(off)] = (f->initial[DW(off)] & ~mask) | (value & mask);
}

static unsigned rows_run(uint8_t *rows, unsigned first, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		rows[i] = (uint8_t)(first + i);
	return count;
}

/* Each: fills the rows of the capability's dwords and returns their number; 0 hides it. */
typedef unsigned cap_rows_fn(const struct vpci_func *f, uint32_t header, uint8_t *rows);

static unsigned pm_rows(const struct vpci_func *f, uint32_t header, uint8_t *rows)
{
	(void)f;
	(void)header;
	return rows_run(rows, ROW_PM, 2);
}

static unsigned pcie_rows(const struct vpci_func *f, uint32_t header, uint8_t *rows)
{
	(void)f;
	return rows_run(rows, ROW_PCIE,
			DW((header >> 16 & 0xf) >= 2 ? PCI_EXP_V2_SIZE : PCI_EXP_V1_SIZE));
}

/* Four layouts (§7.7.1): 32 or 64 bit, with or without masks. */
static unsigned msi_rows(const struct vpci_func *f, uint32_t header, uint8_t *rows)
{
	unsigned n = 0;

	if (!f->granted)
		return 0;
	rows[n++] = ROW_MSI_CTRL;
	rows[n++] = ROW_MSI_ADDR;
	if (header & MSI_64)
		rows[n++] = ROW_MSI_ADDR_HI;
	rows[n++] = ROW_MSI_DATA;
	if (header & MSI_PVM) {
		rows[n++] = ROW_MSI_MASK;
		rows[n++] = ROW_MSI_PENDING;
	}
	return n;
}

static unsigned msix_rows(const struct vpci_func *f, uint32_t header, uint8_t *rows)
{
	(void)header;
	return f->vectors ? rows_run(rows, ROW_MSIX, 3) : 0;
}

/* `seen` and `found` are where vPCI and discovery keep the capability's offset: one byte each. */
static const struct cap_kind {
	uint8_t id;
	size_t seen, found;
	cap_rows_fn *rows;
} visible[] = {
	{ PCI_CAP_PM, offsetof(struct vpci_func, pm), offsetof(struct pci_func, cap_pm), pm_rows },
	{ PCI_CAP_MSI, offsetof(struct vpci_func, msi), offsetof(struct pci_func, cap_msi),
	  msi_rows },
	{ PCI_CAP_PCIE, offsetof(struct vpci_func, pcie), offsetof(struct pci_func, cap_pcie),
	  pcie_rows },
	{ PCI_CAP_MSIX, offsetof(struct vpci_func, msix), offsetof(struct pci_func, cap_msix),
	  msix_rows },
};

/* A device whose capabilities overlap each other gets the first of them. */
static bool claim(uint8_t *row, unsigned at, const uint8_t *rows, unsigned count)
{
	if (at < PCI_CAP_FIRST || DW(at) + count > DW(PCI_CFG_LEGACY_SIZE))
		return false;
	for (unsigned i = 0; i < count; i++)
		if (row[DW(at) + i] != ROW_NONE)
			return false;
	memcpy(&row[DW(at)], rows, count);
	return true;
}

/* Only where discovery found and checked it; a list may lead there more than once. */
static bool show(struct vpci_func *f, const struct cap_kind *k, unsigned at, uint32_t header,
		 uint8_t *row)
{
	uint8_t *seen = (uint8_t *)f + k->seen;
	const uint8_t *found = (const uint8_t *)f->pf + k->found;
	uint8_t rows[CAP_ROWS_MAX];
	unsigned n;

	if ((header & 0xff) != k->id || *seen || at != *found)
		return false;
	n = k->rows(f, header, rows);
	if (!n || !claim(row, at, rows, n))
		return false;
	*seen = (uint8_t)at;
	return true;
}

static void build_list(struct vpci_func *f, uint8_t *row, uint8_t *next)
{
	unsigned at = pci_cfg_read(f->pf, PCI_CAP_PTR, 1) & 0xfc;
	unsigned link = PCI_CAP_PTR; /* byte that points to the next visible one */

	for (unsigned i = 0; i < CAPS_MAX && at >= PCI_CAP_FIRST; i++) {
		uint32_t header = pci_cfg_read(f->pf, (uint16_t)at, 4);

		for (unsigned j = 0; j < ARRAY_SIZE(visible); j++) {
			if (!show(f, &visible[j], at, header, row))
				continue;
			next[link] = (uint8_t)at;
			next[at] = visible[j].id;
			link = at + 1;
		}
		at = header >> 8 & 0xfc;
	}
}

static void build_header(struct vpci_func *f, uint8_t *row)
{
	rows_run(row, ROW_HEADER, DW(PCI_CAP_FIRST));
	for (unsigned i = 0; i < PCI_BARS; i++) {
		bool upper = i && f->present & 1u << (i - 1) && bar_mem64(f, i - 1);

		row[DW(PCI_BAR(0)) + i] = f->present & 1u << i || upper ? ROW_BAR : ROW_NONE;
	}
}

static void fix_bars(struct vpci_func *f)
{
	for (unsigned i = 0; i < PCI_BARS; i++)
		if (f->present & 1u << i)
			f->initial[DW(PCI_BAR(0)) + i] = (bar_mem64(f, i) ? PCI_BAR_TYPE_64 : 0) |
						       (f->pf->bar[i].prefetch ? PCI_BAR_PREFETCH : 0);
}

/* Where the guest's view is neither the device's nor constant. */
static void fix_values(struct vpci_func *f)
{
	const struct pci_func *pf = f->pf;

	put(f, PCI_ID, PCI_ALL_ONES, (uint32_t)pf->device << 16 | pf->vendor);
	put(f, PCI_CLASS_REV, PCI_ALL_ONES, pf->class_rev);
	put(f, CFG_CACHELINE, CFG_MULTIFUNCTION, f->as.multifunction ? CFG_MULTIFUNCTION : 0);
	put(f, PCI_SUBSYSTEM, PCI_ALL_ONES, (uint32_t)pf->subdevice << 16 | pf->subvendor);
	put(f, CFG_INTERRUPT, 0xff00, (uint32_t)f->as.intx_pin << 8);
	if (f->pcie && !pf->flr)
		put(f, f->pcie + PCI_EXP_DEVCAP, PCI_EXP_DEVCAP_FLR, 0);
	if (f->msi)
		put(f, f->msi, MSI_MMC, (31u - (uint32_t)__builtin_clz(f->granted)) << 17);
	if (f->msix)
		put(f, f->msix, MSIX_SIZE, (f->vectors - 1u) << 16);
}

void caps_build(struct vpci_func *f, uint8_t *row)
{
	uint8_t link[PCI_CFG_LEGACY_SIZE] = { 0 }; /* IDs and pointers, where they go */

	build_header(f, row);
	build_list(f, row, link);
	for (unsigned dw = 0; dw < f->dwords; dw++) {
		const struct cfg_rule *r = &cfg_rules[row[dw]];
		uint32_t hw = r->boot ? pci_cfg_read(f->pf, (uint16_t)(dw * 4), 4) : 0;

		f->initial[dw] = (hw & r->boot) | r->set;
		for (unsigned i = 0; i < 4; i++)
			f->initial[dw] |= (uint32_t)link[dw * 4 + i] << 8 * i;
	}
	fix_bars(f);
	fix_values(f);
	if (link[PCI_CAP_PTR])
		put(f, PCI_COMMAND, PCI_STS_CAPS << 16, PCI_STS_CAPS << 16);
	f->row = row;
}
