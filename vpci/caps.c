/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Builds a guest's view of a function at boot: which row of rules.c each dword follows, the
 * shadow's first values, and both capability lists. Only capabilities of the table below exist: the
 * shadow supplies every pointer, so what is hidden cannot be found, and has no row besides.
 * The device is read here, before any guest owned it, and never again for a decision.
 */
#include <string.h>

#include <hv/pmem.h>
#include <spec/pci_caps.h>

#include "vpci_priv.h"

#define DWORDS DW(PCI_CFG_SIZE)

/* What is being built, before it is known how much of it is used. */
static struct {
	uint8_t row[DWORDS];
	uint32_t link[DWORDS];      /* IDs and pointers, where they go */
	uint64_t head[DWORDS / 64]; /* dwords where a capability starts, hidden ones as well */
} cfg;

static bool is_head(unsigned off)
{
	return cfg.head[DW(off) / 64] >> DW(off) % 64 & 1;
}

static void shadow_put(struct vpci_func *f, unsigned off, uint32_t mask, uint32_t value)
{
	f->shadow[DW(off)] = (f->shadow[DW(off)] & ~mask) | (value & mask);
}

/* The rows of what has several of its own, dword by dword. */
enum {
	AT_HEADER,
	AT_PM = AT_HEADER + DW(PCI_CAP_FIRST),
	AT_PCIE = AT_PM + 2,
	AT_MSIX = AT_PCIE + DW(PCI_EXP_V2_SIZE),
	AT_AF = AT_MSIX + 3,
	AT_AER = AT_AF + 2,
};

/* clang-format off */
static const uint8_t layout[] = {
	[AT_HEADER] = ROW_BOOT, ROW_COMMAND, ROW_BOOT, ROW_CACHELINE,
	[AT_HEADER + DW(CFG_CIS)] = ROW_BOOT, ROW_BOOT,
	[AT_HEADER + DW(CFG_INTERRUPT)] = ROW_INTERRUPT,
	[AT_PM] = ROW_PM, ROW_PM_CSR,
	[AT_PCIE] = ROW_PCIE, ROW_DEVCAP, ROW_DEVCTL,
	[AT_PCIE + DW(PCI_EXP_LNKCAP) ... AT_PCIE + DW(EXP_DEVCAP2) - 1] = ROW_FIXED,
	[AT_PCIE + DW(EXP_DEVCAP2)] = ROW_DEVCAP2, ROW_DEVCTL2,
	[AT_PCIE + DW(PCI_EXP_DEVCTL2) + 1 ... AT_MSIX - 1] = ROW_FIXED,
	[AT_MSIX] = ROW_MSIX, ROW_BOOT, ROW_BOOT,
	[AT_AF] = ROW_CAP, ROW_AF_CTRL,
	[AT_AER] = ROW_ECAP, ROW_UNC_STATUS, ROW_UNC_MASK, ROW_UNC_SEVERITY, ROW_COR_STATUS,
	ROW_COR_MASK, ROW_READ, ROW_READ, ROW_READ, ROW_READ, ROW_READ,
};
/* clang-format on */

/* PCI_EXT + ID of an extended one; row of its first dword and of the others. 0: by layout. */
static const struct cap_kind {
	uint16_t id;
	uint8_t first, next;
} kinds[] = {
	{ PCI_CAP_PM, AT_PM },
	{ PCI_CAP_MSI },
	{ PCI_CAP_PCIX, ROW_CAP, ROW_READ },
	{ PCI_CAP_HT, ROW_CAP, ROW_READ },
	{ PCI_CAP_VENDOR, ROW_CAP, ROW_RAW },
	{ PCI_CAP_PCIE, AT_PCIE },
	{ PCI_CAP_MSIX, AT_MSIX },
	{ PCI_CAP_SATA, ROW_CAP, ROW_READ },
	{ PCI_CAP_AF, AT_AF },
	/* Not here, because they are Viaduct's: ARI, ATS, SR-IOV, PRI, PASID, DPC, L1 substates,
	 * PTM; or of no use to a function alone: multicast, TPH, secondary PCIe. */
	{ PCI_EXT + PCI_ECAP_AER, AT_AER },
	{ PCI_EXT + PCI_ECAP_VC, ROW_ECAP, ROW_READ },
	{ PCI_EXT + PCI_ECAP_DSN, ROW_ECAP, ROW_READ },
	{ PCI_EXT + PCI_ECAP_POWER, ROW_ECAP, ROW_READ },
	{ PCI_EXT + PCI_ECAP_MFVC, ROW_ECAP, ROW_READ },
	{ PCI_EXT + PCI_ECAP_VC9, ROW_ECAP, ROW_READ },
	{ PCI_EXT + PCI_ECAP_VSEC, ROW_ECAP, ROW_RAW },
	{ PCI_EXT + PCI_ECAP_ACS, ROW_ECAP, ROW_READ },
	{ PCI_EXT + PCI_ECAP_REBAR, ROW_ECAP, ROW_FIXED },
	{ PCI_EXT + PCI_ECAP_DPA, ROW_ECAP, ROW_READ },
	{ PCI_EXT + PCI_ECAP_LTR, ROW_ECAP, ROW_READ },
	{ PCI_EXT + PCI_ECAP_DVSEC, ROW_ECAP, ROW_RAW },
};

/* Now a device that says else than at discovery would have other registers than were checked. */
static bool msi_changed(const struct pci_func *pf, uint32_t head)
{
	return !(head & MSI_64) == pf->msi_64 || !(head & MSI_PVM) == pf->msi_mask;
}

static bool pcie_changed(const struct pci_func *pf, uint32_t head)
{
	bool v2 = (head >> 16 & PCI_EXP_VERSION) >= 2;

	return v2 != pf->pcie_v2;
}

/* What the table cannot say. Of several, only the one that discovery checked. */
static bool is_hidden(const struct vpci_func *f, const struct pci_cap *c)
{
	const struct pci_func *pf = f->pf;

	switch (c->id) {
	case PCI_CAP_PM:
		return c->off != pf->cap_pm;
	case PCI_CAP_MSI:
		return c->off != f->msi || msi_changed(pf, c->head);
	case PCI_CAP_VENDOR:
		return pf->vendor == VIRTIO_VENDOR && c->head >> VIRTIO_CFG_TYPE == VIRTIO_PCI_CFG;
	case PCI_CAP_PCIE:
		return c->off != pf->cap_pcie || pcie_changed(pf, c->head);
	case PCI_CAP_MSIX:
		return c->off != f->msix;
	case PCI_CAP_AF:
		return c->off != pf->cap_af;
	case PCI_EXT + PCI_ECAP_ACS: /* alone there is no peer that it could keep away */
		return !f->as.multifunction;
	case PCI_EXT + PCI_ECAP_REBAR:
		return c->off != pf->cap_rebar ||
		       c->size < (unsigned)PCI_REBAR_CAP(pf->rebar_count);
	}
	return false;
}

/* Four layouts (§7.7.1): 32 or 64 bit, with or without masks. */
static void msi_rows(uint32_t head, uint8_t *rows)
{
	*rows++ = ROW_MSI_CTRL;
	*rows++ = ROW_MSI_ADDR;
	if (head & MSI_64)
		*rows++ = ROW_MSI_ADDR_HI;
	*rows++ = ROW_MSI_DATA;
	if (head & MSI_PVM) {
		*rows++ = ROW_MSI_MASK;
		*rows = ROW_READ;
	}
}

/* Gives the capability its rows; false: it is not shown, and has none. */
static bool show_capability(const struct vpci_func *f, const struct pci_cap *c)
{
	const struct cap_kind *k = kinds;
	unsigned n = DW(c->size + 3);
	uint8_t *rows = &cfg.row[DW(c->off)];

	while (k < &kinds[ARRAY_SIZE(kinds)] && k->id != c->id)
		k++;
	if (k == &kinds[ARRAY_SIZE(kinds)] || is_hidden(f, c))
		return false;
	if (k->next) {
		memset(rows, k->next == ROW_RAW && !f->as.raw_vendor_caps ? ROW_READ : k->next, n);
		rows[0] = k->first;
	} else if (c->id == PCI_CAP_MSI) {
		msi_rows(c->head, rows);
	} else {
		memcpy(rows, &layout[k->first], n);
	}
	return true;
}

/*
 * The guest's list of those that are shown. The first extended one stays where it is: if it is
 * hidden, as one that has no ID.
 */
static void build_list(const struct vpci_func *f, enum pci_list which)
{
	bool ext = which == PCI_LIST_EXTENDED;
	unsigned link = ext ? PCI_ECAP_FIRST :
			      PCI_CAP_PTR; /* dword that points to the next shown */
	unsigned next = ext ? ECAP_NEXT : 8;

	for (struct pci_cap c = pci_cap_list(f->pf, which); pci_cap_next(&c);) {
		cfg.head[DW(c.off) / 64] |= BIT(DW(c.off) % 64);
		if (!show_capability(f, &c))
			continue;
		if (c.off != link)
			cfg.link[DW(link)] |= c.off << (link == PCI_CAP_PTR ? 0 : next);
		cfg.link[DW(c.off)] |= c.head & (ext ? 0xffff : 0xff);
		link = c.off;
	}
}

/*
 * What no capability claims: behind a hidden one the length of which nobody knows it is not told.
 */
static void build_gaps(const struct vpci_func *f)
{
	unsigned end = f->pf->ext_config ? PCI_CFG_SIZE : PCI_CFG_LEGACY_SIZE;
	bool gap = true;

	if (!f->as.raw_gaps)
		return;
	for (unsigned off = PCI_CAP_FIRST; off < end; off += 4) {
		uint8_t *row = &cfg.row[DW(off)];

		if (is_head(off) || off == PCI_ECAP_FIRST)
			gap = !is_head(off) || *row != ROW_NONE;
		if (gap && *row == ROW_NONE)
			*row = ROW_RAW;
	}
}

static void build_header(const struct vpci_func *f)
{
	memcpy(cfg.row, &layout[AT_HEADER], DW(PCI_CAP_FIRST));
	for (unsigned i = 0; i < PCI_BARS; i++) {
		bool upper = i && f->present & 1u << (i - 1) && f->pf->bar[i - 1].mem64;

		if (f->present & 1u << i)
			cfg.row[DW(PCI_BAR(0)) + i] = ROW_BAR;
		else
			cfg.row[DW(PCI_BAR(0)) + i] = upper ? ROW_BAR_HI : ROW_NONE;
	}
}

/* Only the size that it has (§7.8.6.2). */
static void fix_rebar(struct vpci_func *f)
{
	const struct pci_func *pf = f->pf;

	for (unsigned i = 0; i < pf->rebar_count; i++) {
		uint64_t size = BIT(MIN(pf->rebar_size[i], 44u) + 4) & BITS(47, 4);
		unsigned cap = pf->cap_rebar + PCI_REBAR_CAP(i);
		uint32_t ctrl = pci_cfg_read(pf, cap + 4, 4);

		shadow_put(f, cap, PCI_ALL_ONES, (uint32_t)size);
		shadow_put(f, cap + 4, PCI_ALL_ONES,
			   (ctrl & PCI_REBAR_KEEP) | (uint32_t)(size >> 32 << 16));
	}
}

/* Where the guest's view is neither the device's nor constant. */
static void fix_values(struct vpci_func *f)
{
	const struct pci_func *pf = f->pf;

	shadow_put(f, CFG_CACHELINE, CFG_MULTIFUNCTION,
		   f->as.multifunction ? CFG_MULTIFUNCTION : 0);
	shadow_put(f, CFG_INTERRUPT, 0xff00, (uint32_t)f->as.intx_pin << 8);
	if (pf->cap_af && !pf->af_flr)
		shadow_put(f, pf->cap_af, AF_CAP_FLR, 0);
	if (pf->cap_rebar && cfg.row[DW(pf->cap_rebar)] == ROW_ECAP)
		fix_rebar(f);
	if (pf->cap_pcie && !pf->flr)
		shadow_put(f, pf->cap_pcie + PCI_EXP_DEVCAP, PCI_EXP_DEVCAP_FLR, 0);
	if (cfg.row[DW(f->msi)] == ROW_MSI_CTRL) {
		shadow_put(f, f->msi, MSI_64, pf->msi_64 ? MSI_64 : 0);
		shadow_put(f, f->msi, MSI_PVM, pf->msi_mask ? MSI_PVM : 0);
		shadow_put(f, f->msi, MSI_MMC, (31u - (uint32_t)__builtin_clz(f->granted)) << 17);
	}
	if (cfg.row[DW(f->msix)] == ROW_MSIX)
		shadow_put(f, f->msix, MSIX_SIZE, (f->vectors - 1u) << 16);
}

void caps_build(struct vpci_func *f)
{
	uint8_t *row;

	memset(&cfg, 0, sizeof(cfg));
	build_header(f);
	build_list(f, PCI_LIST);
	if (f->pf->ext_config)
		build_list(f, PCI_LIST_EXTENDED);
	build_gaps(f);
	f->dwords = DWORDS;
	while (f->dwords > DW(PCI_CFG_LEGACY_SIZE) && cfg.row[f->dwords - 1] == ROW_NONE)
		f->dwords--;
	f->row = row = pmem_alloc(f->dwords, 64);
	f->shadow = pmem_alloc(f->dwords * sizeof(f->shadow[0]), 64);
	f->initial = pmem_alloc(f->dwords * sizeof(f->shadow[0]), 64);
	memcpy(row, cfg.row, f->dwords);
	for (unsigned dw = 0; dw < f->dwords; dw++) {
		const struct cfg_rule *r = &cfg_rules[row[dw]];
		uint32_t hw = r->boot ? pci_cfg_read(f->pf, dw * 4, 4) : 0;

		f->shadow[dw] = (hw & r->boot) | r->set | cfg.link[dw];
	}
	fix_values(f);
	if (cfg.link[DW(PCI_CAP_PTR)])
		shadow_put(f, PCI_COMMAND, PCI_STS_CAPS << 16, PCI_STS_CAPS << 16);
	memcpy(f->initial, f->shadow, f->dwords * sizeof(f->shadow[0]));
}
