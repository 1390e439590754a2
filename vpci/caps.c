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
	uint32_t link[DWORDS];	   /* IDs and pointers, where they go */
	uint64_t head[DWORDS / 64]; /* dwords where a capability starts, hidden ones as well */
} cfg;

static bool is_head(unsigned off)
{
	return cfg.head[DW(off) / 64] >> DW(off) % 64 & 1;
}

static void put(struct vpci_func *f, unsigned off, uint32_t mask, uint32_t value)
{
	f->shadow[DW(off)] = (f->shadow[DW(off)] & ~mask) | (value & mask);
}

static void rows_run(uint8_t *rows, unsigned first, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		rows[i] = (uint8_t)(first + i);
}

/*
 * `first`: row of the first dword; `next`: of the others, 0: the rows behind `first`. `found` and
 * `seen` are where discovery and vPCI keep the only offset where it may be: one byte each.
 */
struct cap_kind {
	uint16_t id;
	uint8_t first, next;
	uint16_t found, seen;
};

#define THE_ONE(cap) offsetof(struct pci_func, cap_##cap), offsetof(struct vpci_func, cap)

static const struct cap_kind legacy[] = {
	{ PCI_CAP_PM, ROW_PM, 0, THE_ONE(pm) },
	{ PCI_CAP_MSI, ROW_MSI_CTRL, 0, THE_ONE(msi) },
	{ PCI_CAP_PCIX, ROW_CAP, ROW_READ },
	{ PCI_CAP_HT, ROW_CAP, ROW_READ },
	{ PCI_CAP_VENDOR, ROW_CAP, ROW_RAW },
	{ PCI_CAP_PCIE, ROW_PCIE, 0, THE_ONE(pcie) },
	{ PCI_CAP_MSIX, ROW_MSIX, 0, THE_ONE(msix) },
	{ PCI_CAP_SATA, ROW_CAP, ROW_READ },
	{ PCI_CAP_AF, ROW_AF, 0, THE_ONE(af) },
};

/* Not here, because they are Viaduct's: ARI, ATS, SR-IOV, PRI, PASID, DPC, L1 substates, PTM; or
 * of no use to a function alone: multicast, TPH, secondary PCIe. */
static const struct cap_kind extended[] = {
	{ PCI_ECAP_AER, ROW_AER, 0 },
	{ PCI_ECAP_VC, ROW_ECAP, ROW_READ },
	{ PCI_ECAP_DSN, ROW_ECAP, ROW_READ },
	{ PCI_ECAP_POWER, ROW_ECAP, ROW_READ },
	{ PCI_ECAP_MFVC, ROW_ECAP, ROW_READ },
	{ PCI_ECAP_VC9, ROW_ECAP, ROW_READ },
	{ PCI_ECAP_VSEC, ROW_ECAP, ROW_RAW },
	{ PCI_ECAP_ACS, ROW_ECAP, ROW_READ },
	{ PCI_ECAP_REBAR, ROW_ECAP, ROW_FIXED },
	{ PCI_ECAP_DPA, ROW_ECAP, ROW_READ },
	{ PCI_ECAP_LTR, ROW_ECAP, ROW_READ },
	{ PCI_ECAP_DVSEC, ROW_ECAP, ROW_RAW },
};

static const struct cap_kind *kind_of(bool ext, unsigned id)
{
	const struct cap_kind *k = ext ? extended : legacy;
	const struct cap_kind *end = k + (ext ? ARRAY_SIZE(extended) : ARRAY_SIZE(legacy));

	for (; k < end; k++)
		if (k->id == id)
			return k;
	return NULL;
}

/* What the table cannot say. Discovery checked the one it found; there may be others. */
static bool is_hidden(const struct vpci_func *f, const struct cap_kind *k, unsigned at, uint32_t head)
{
	if (k->found && ((const uint8_t *)f->pf)[k->found] != at)
		return true;
	if (at >= PCI_ECAP_FIRST) /* alone there is no peer that ACS could keep away */
		return (k->id == PCI_ECAP_ACS && !f->as.multifunction) ||
		       (k->id == PCI_ECAP_REBAR && at != f->pf->cap_rebar);
	return (k->id == PCI_CAP_MSI && !f->granted) || (k->id == PCI_CAP_MSIX && !f->vectors) ||
	       (k->id == PCI_CAP_VENDOR && f->pf->vendor == VIRTIO_VENDOR &&
		head >> VIRTIO_CFG_TYPE == VIRTIO_PCI_CFG);
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
		*rows = ROW_MSI_PENDING;
	}
}

/* Gives the capability at `at` its rows; false: it is not shown, and has none. */
static bool show(struct vpci_func *f, const struct cap_kind *k, unsigned at, uint32_t head)
{
	bool ext = at >= PCI_ECAP_FIRST;
	unsigned size = ext ? pci_ecap_size(f->pf, at) : pci_cap_size(f->pf, at);
	unsigned n = DW(size + 3), end = ext ? DWORDS : DW(PCI_CFG_LEGACY_SIZE);
	uint8_t *rows = &cfg.row[DW(at)];

	if (!k || is_hidden(f, k, at, head) || DW(at) + n > end)
		return false;
	for (unsigned i = 0; i < n; i++)
		if (rows[i] != ROW_NONE)
			return false; /* of two that overlap the first */
	if (k->next)
		memset(rows, k->next == ROW_RAW && !f->as.raw_vendor_caps ? ROW_READ : k->next, n);
	else
		rows_run(rows, k->first, n);
	rows[0] = k->first;
	if (k->first == ROW_MSI_CTRL)
		msi_rows(head, rows);
	if (k->seen)
		((uint8_t *)f)[k->seen] = (uint8_t)at;
	return true;
}

/*
 * The guest's list of those that are shown; `at` is where the device's begins. The first extended
 * one stays where it is: if it is hidden, as one that has no ID.
 */
static void build_list(struct vpci_func *f, unsigned at)
{
	bool ext = at >= PCI_ECAP_FIRST;
	unsigned id_bits = ext ? 16 : 8, next = ext ? ECAP_NEXT : 8;
	unsigned link = ext ? PCI_ECAP_FIRST : PCI_CAP_PTR; /* dword that points to the next visible one */

	while (at >= (ext ? PCI_ECAP_FIRST : PCI_CAP_FIRST) && !is_head(at)) {
		uint32_t head = pci_cfg_read(f->pf, at, 4), id = head & ((1u << id_bits) - 1);

		if (ext && (!head || head == PCI_ALL_ONES))
			break;
		cfg.head[DW(at) / 64] |= BIT(DW(at) % 64);
		if (show(f, kind_of(ext, id), at, head)) {
			if (at != link)
				cfg.link[DW(link)] |= at << (link == PCI_CAP_PTR ? 0 : next);
			cfg.link[DW(at)] |= id;
			link = at;
		}
		at = head >> next & (ext ? ~3u : 0xfc);
	}
}

/* What no capability claims: behind a hidden one the length of which nobody knows it is not told. */
static void build_gaps(const struct vpci_func *f)
{
	unsigned end = !f->as.raw_gaps ? 0 : f->pf->ext_config ? PCI_CFG_SIZE : PCI_CFG_LEGACY_SIZE;
	bool gap = true;

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
	rows_run(cfg.row, ROW_HEADER, DW(PCI_CAP_FIRST));
	for (unsigned i = 0; i < PCI_BARS; i++) {
		bool upper = i && f->present & 1u << (i - 1) && bar_mem64(f, i - 1);

		cfg.row[DW(PCI_BAR(0)) + i] = f->present & 1u << i || upper ? ROW_BAR : ROW_NONE;
	}
}

static void fix_bars(struct vpci_func *f)
{
	for_each_bit(i, f->present)
		f->shadow[DW(PCI_BAR(0)) + i] = (bar_mem64(f, i) ? PCI_BAR_TYPE_64 : 0) |
					       (f->pf->bar[i].prefetch ? PCI_BAR_PREFETCH : 0);
}

/* Only the size that it has (§7.8.6.2). */
static void fix_rebar(struct vpci_func *f)
{
	const struct pci_func *pf = f->pf;

	for (unsigned i = 0; i < pf->rebar_count; i++) {
		uint64_t size = BIT(MIN(pf->rebar_size[i], 44u) + 4) & BITS(47, 4);
		unsigned cap = pf->cap_rebar + PCI_REBAR_CAP(i);
		uint32_t ctrl = pci_cfg_read(pf, cap + 4, 4);

		put(f, cap, PCI_ALL_ONES, (uint32_t)size);
		put(f, cap + 4, PCI_ALL_ONES, (ctrl & PCI_REBAR_KEEP) | (uint32_t)(size >> 32 << 16));
	}
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
	if (f->af && !pf->af_flr)
		put(f, f->af, AF_CAP_FLR, 0);
	if (pf->cap_rebar && cfg.row[DW(pf->cap_rebar)] == ROW_ECAP)
		fix_rebar(f);
	if (f->pcie && !pf->flr)
		put(f, f->pcie + PCI_EXP_DEVCAP, PCI_EXP_DEVCAP_FLR, 0);
	if (f->msi)
		put(f, f->msi, MSI_MMC, (31u - (uint32_t)__builtin_clz(f->granted)) << 17);
	if (f->msix)
		put(f, f->msix, MSIX_SIZE, (f->vectors - 1u) << 16);
}

void caps_build(struct vpci_func *f)
{
	uint8_t *row;

	memset(&cfg, 0, sizeof(cfg));
	build_header(f);
	build_list(f, pci_cfg_read(f->pf, PCI_CAP_PTR, 1) & 0xfc);
	if (f->pf->ext_config)
		build_list(f, PCI_ECAP_FIRST);
	build_gaps(f);
	f->dwords = DWORDS;
	while (f->dwords > DW(PCI_CFG_LEGACY_SIZE) && cfg.row[f->dwords - 1] == ROW_NONE)
		f->dwords--;
	f->row = row = pmem_alloc(f->dwords, 64);
	f->shadow = pmem_alloc(f->dwords * sizeof(f->shadow[0]), 64);
	f->initial = pmem_alloc(PCI_CFG_LEGACY_SIZE, 64);
	memcpy(row, cfg.row, f->dwords);
	for (unsigned dw = 0; dw < f->dwords; dw++) {
		const struct cfg_rule *r = &cfg_rules[row[dw]];
		uint32_t hw = r->boot ? pci_cfg_read(f->pf, dw * 4, 4) : 0;

		f->shadow[dw] = (hw & r->boot) | r->set | cfg.link[dw];
	}
	fix_bars(f);
	fix_values(f);
	if (cfg.link[DW(PCI_CAP_PTR)])
		put(f, PCI_COMMAND, PCI_STS_CAPS << 16, PCI_STS_CAPS << 16);
	memcpy(f->initial, f->shadow, PCI_CFG_LEGACY_SIZE);
}
