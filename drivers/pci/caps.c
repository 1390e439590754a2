/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Capabilities: found once, validated, and everything in them that could act on its own switched
 * off. A list that loops, overlaps or leaves config space refuses the function.
 */
#include <hv/log.h>

#include "pci_priv.h"

#define D3_EXIT_US 10000 /* §5.9: 10 ms from D3hot */

/* Of several the first counts. */
static void note_capability(struct pci_func *f, const struct pci_cap *c)
{
	static const struct {
		uint16_t id, field;
	} kept[] = {
		{ PCI_CAP_PM, offsetof(struct pci_func, cap_pm) },
		{ PCI_CAP_MSI, offsetof(struct pci_func, cap_msi) },
		{ PCI_CAP_PCIE, offsetof(struct pci_func, cap_pcie) },
		{ PCI_CAP_MSIX, offsetof(struct pci_func, cap_msix) },
		{ PCI_CAP_AF, offsetof(struct pci_func, cap_af) },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(kept); i++) {
		uint8_t *field = (uint8_t *)f + kept[i].field;

		if (kept[i].id == c->id && !*field)
			*field = (uint8_t)c->off;
	}
	if (f->cap_msi == c->off) { /* its size was checked by these bits: they count for ever */
		f->msi_64 = c->head >> 16 & PCI_MSI_64;
		f->msi_mask = c->head >> 16 & PCI_MSI_PVM;
	}
}

/* To D0; and it never wakes the board. */
static void enter_d0(struct pci_func *f)
{
	unsigned csr = f->cap_pm + PCI_PM_CSR;
	uint32_t was = pci_cfg_read(f, csr, 2);

	f->pm_reset = !(was & PCI_PM_NO_SOFT_RESET);
	pci_cfg_write(f, csr, 2, PCI_PM_PME_STATUS);
	if (was & PCI_PM_STATE) {
		pci_delay(D3_EXIT_US);
		pci_cfg_write(f, PCI_COMMAND, 2, PCI_CMD_INTX_OFF);
	}
}

void caps_find(struct pci_func *f)
{
	struct pci_cap c = pci_cap_list(f, PCI_LIST);

	while (pci_cap_next(&c))
		note_capability(f, &c);
	if (c.malformed)
		pci_refuse(f, "its capability list is malformed");
	if (f->cap_pm)
		enter_d0(f);
	if (f->cap_pcie)
		f->pcie_type = pci_cfg_read(f, f->cap_pcie + PCI_EXP_FLAGS, 1) >>
				       PCI_EXP_TYPE_SHIFT &
			       0xf;
}

static void capture_msi(struct pci_func *f)
{
	uint32_t ctrl = pci_cfg_clear(f, f->cap_msi + PCI_MSI_CTRL, PCI_MSI_ENABLE);
	unsigned mmc = (ctrl & PCI_MSI_MMC) >> PCI_MSI_MMC_SHIFT;

	f->msi_count = (uint8_t)(mmc <= 5 ? 1u << mmc : 0); /* §7.7.1.2: 6, 7 reserved */
}

/* Inside a memory BAR that exists. */
static bool inside_bar(const struct pci_func *f, const struct pci_part *p)
{
	const struct pci_bar *b = &f->bar[p->bar];

	return p->bar < PCI_BARS && !b->io &&
	       range_contains((struct range){ 0, b->size }, p->at.base, p->at.size);
}

static void capture_msix(struct pci_func *f)
{
	uint32_t ctrl = pci_cfg_clear(f, f->cap_msix + PCI_MSIX_CTRL, PCI_MSIX_ENABLE);
	unsigned n = (ctrl & PCI_MSIX_LAST) + 1;
	struct pci_part *table = &f->msix[MSIX_TABLE], *pba = &f->msix[MSIX_PBA];

	for (unsigned i = 0; i < ARRAY_SIZE(f->msix); i++) {
		uint32_t v = pci_cfg_read(f, f->cap_msix + PCI_MSIX_TABLE + 4 * i, 4);

		f->msix[i].bar = v & PCI_MSIX_BIR;
		f->msix[i].at.base = v & ~PCI_MSIX_BIR;
	}
	table->at.size = n * PCI_MSIX_ENTRY;
	pba->at.size = (n + 63) / 64 * 8;
	if (inside_bar(f, table) && inside_bar(f, pba) &&
	    (table->bar != pba->bar || !range_overlaps(table->at, pba->at)))
		f->msix_count = (uint16_t)n;
	else if (!f->bridge)
		log_warn("pci: %s: MSI-X table or PBA is outside its BARs; no MSI-X", f->name);
}

static void capture_pcie(struct pci_func *f)
{
	uint16_t at = f->cap_pcie;
	uint32_t flags = pci_cfg_read(f, at + PCI_EXP_FLAGS, 2);
	uint32_t cap = pci_cfg_read(f, at + PCI_EXP_DEVCAP, 4);
	bool port = pci_is_port(f);

	f->flr = cap & PCI_EXP_DEVCAP_FLR && !f->bridge && !(pci_quirks(f) & QUIRK_NO_FLR);
	f->mps = (uint8_t)MIN(cap & PCI_EXP_DEVCAP_MPS, 5u);
	/*
	 * Off: error reports (to whom?), phantom functions (they are requester IDs of nobody),
	 * No Snoop (the guest's memory is coherent or it is not). Payload comes with fabric_settle.
	 */
	f->devctl = (uint16_t)(pci_cfg_read(f, at + PCI_EXP_DEVCTL, 2) &
			       ~(PCI_EXP_DEVCTL_ERRORS | PCI_EXP_DEVCTL_MPS |
				 PCI_EXP_DEVCTL_PHANTOM | PCI_EXP_DEVCTL_AUX |
				 PCI_EXP_DEVCTL_SNOOP | PCI_EXP_DEVCTL_FLR));
	f->pcie_v2 = (flags & PCI_EXP_VERSION) >= 2;
	if (f->pcie_v2)
		f->devctl2 = (uint16_t)(pci_cfg_read(f, at + PCI_EXP_DEVCTL2, 2) &
					~(PCI_EXP_DEVCTL2_ARI | PCI_EXP_DEVCTL2_ATOMIC |
					  PCI_EXP_DEVCTL2_LTR | PCI_EXP_DEVCTL2_OBFF));
	if (!port && !pci_is_type(f, PCI_EXP_RCIEP) && !f->bridge)
		f->lnkctl = (uint16_t)pci_cfg_read(f, at + PCI_EXP_LNKCTL, 2);
	if (port && flags & PCI_EXP_SLOT)
		pci_cfg_clear(f, at + PCI_EXP_SLTCTL, PCI_EXP_SLTCTL_NOTIFY);
	if (pci_is_type(f, PCI_EXP_ROOT_PORT)) /* only: let us see "not ready" */
		pci_cfg_write(f, at + PCI_EXP_RTCTL, 2, PCI_EXP_RTCTL_RRS);
}

/* Sizes are kept: a reset may bring back others. */
static void capture_rebar(struct pci_func *f, const struct pci_cap *c)
{
	unsigned n = (c->size - PCI_REBAR_CAP(0)) / 8;

	f->cap_rebar = (uint16_t)c->off;
	f->rebar_count = (uint8_t)MIN(n, PCI_BARS);
	for (unsigned i = 0; i < f->rebar_count; i++)
		f->rebar_size[i] = PCI_REBAR_SIZE_MASK &
				   pci_cfg_read(f, c->off + PCI_REBAR_CTRL(i) + PCI_REBAR_SIZE, 1);
}

/* Switches off what acts on its own: control registers of two bytes, written 0. */
static void found_extended(struct pci_func *f, const struct pci_cap *c)
{
	static const struct {
		uint8_t id, reg;
	} off_switches[] = {
		{ PCI_ECAP_ATS, PCI_ATS_CTRL }, /* ATS walks past the SMMU's stage 2 */
		{ PCI_ECAP_PRI, PCI_PRI_CTRL },     { PCI_ECAP_PASID, PCI_PASID_CTRL },
		{ PCI_ECAP_SRIOV, PCI_SRIOV_CTRL }, /* VFs are further requester IDs */
		{ PCI_ECAP_DPC, PCI_DPC_CTRL },
	};
	unsigned id = c->id - PCI_EXT;

	for (unsigned i = 0; i < ARRAY_SIZE(off_switches); i++)
		if (off_switches[i].id == id)
			pci_cfg_write(f, c->off + off_switches[i].reg, 2, 0);
	if (id == PCI_ECAP_AER &&
	    (pci_is_type(f, PCI_EXP_ROOT_PORT) || pci_is_type(f, PCI_EXP_RC_EC)))
		pci_cfg_write(f, c->off + PCI_AER_ROOT_CMD, 4, 0);
	if (id == PCI_ECAP_AER && !f->cap_aer)
		f->cap_aer = (uint16_t)c->off;
	if (id == PCI_ECAP_DPC && !f->cap_dpc)
		f->cap_dpc = (uint16_t)c->off;
	if (id == PCI_ECAP_ACS && !f->cap_acs)
		f->cap_acs = (uint16_t)c->off;
	if (id == PCI_ECAP_REBAR && !f->cap_rebar)
		capture_rebar(f, c);
}

static void walk_extended(struct pci_func *f)
{
	struct pci_cap c = pci_cap_list(f, PCI_LIST_EXTENDED);
	uint32_t head = pci_cfg_read(f, PCI_ECAP_FIRST, 4);

	/* No answer, or the first 256 bytes over again: a bridge above that drops high bits. */
	if (head == UINT32_MAX || head == pci_id(f))
		return;
	f->ext_config = true;
	while (pci_cap_next(&c))
		found_extended(f, &c);
	if (c.malformed)
		pci_refuse(f, "its extended capability list is malformed");
}

void caps_capture(struct pci_func *f)
{
	if (f->cap_pcie) {
		capture_pcie(f);
		walk_extended(f);
	}
	if (f->cap_msi)
		capture_msi(f);
	if (f->cap_msix)
		capture_msix(f);
	if (f->cap_af)
		f->af_flr = (pci_cfg_read(f, f->cap_af + PCI_AF_CAP, 1) & PCI_AF_CAP_TP_FLR) ==
			    PCI_AF_CAP_TP_FLR;
}

/* FNV-1a, by words. */
static void mix(uint32_t *hash, uint32_t value)
{
	*hash = (*hash ^ value) * 0x01000193;
}

static void mix_list(uint32_t *hash, const struct pci_func *f, enum pci_list which)
{
	for (struct pci_cap c = pci_cap_list(f, which); pci_cap_next(&c);) {
		mix(hash, c.id << 16 | c.off);
		mix(hash, c.size);
	}
}

uint32_t caps_layout(const struct pci_func *f)
{
	uint32_t hash = 0x811c9dc5;

	mix_list(&hash, f, PCI_LIST);
	if (f->ext_config)
		mix_list(&hash, f, PCI_LIST_EXTENDED);
	for (unsigned i = 0; f->cap_msix && i < ARRAY_SIZE(f->msix); i++)
		mix(&hash, pci_cfg_read(f, f->cap_msix + PCI_MSIX_TABLE + 4 * i, 4));
	if (f->cap_msix)
		mix(&hash, pci_cfg_read(f, f->cap_msix + PCI_MSIX_CTRL, 2) & PCI_MSIX_LAST);
	return hash;
}
