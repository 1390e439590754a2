/*
 * Capabilities: found once, validated, and everything in them that could act on its own switched
 * off. A list that loops, overlaps or leaves config space refuses the function (both lists are
 * bounded by the space they claim: no dword belongs to two capabilities).
 */
#include <hv/bits.h>
#include <hv/log.h>

#include "pci_priv.h"

#define D3_EXIT_US 10000 /* §5.9: 10 ms from D3hot */

/* Of several the first counts. */
static void found(struct pci_func *f, uint8_t id, uint8_t off)
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

		if (kept[i].id == id && !*field)
			*field = off;
	}
}

/* Claims [off, off + size) of a map with a bit a dword; false: it ends behind `end` or is taken. */
static bool claim(uint64_t *map, unsigned off, unsigned size, unsigned end)
{
	if (off + size > end)
		return false;
	for (unsigned dw = off / 4; dw < (off + size + 3) / 4; dw++) {
		if (map[dw / 64] & BIT(dw % 64))
			return false;
		map[dw / 64] |= BIT(dw % 64);
	}
	return true;
}

static void walk_list(struct pci_func *f)
{
	uint64_t taken[1] = { BITS(PCI_CAP_FIRST / 4 - 1, 0) };
	unsigned off;

	if (!(pci_cfg_read(f, PCI_STATUS, 2) & PCI_STS_CAPS))
		return;
	off = pci_cfg_read(f, PCI_CAP_PTR, 1) & ~3u;
	while (off) {
		uint32_t head = pci_cfg_read(f, off, 2);
		uint8_t id = (uint8_t)head;

		if (id == 0xff || !claim(taken, off, pci_cap_size(f, off), PCI_CFG_LEGACY_SIZE)) {
			pci_refuse(f, "its capability list is malformed");
			return;
		}
		found(f, id, (uint8_t)off);
		off = head >> 8 & ~3u;
	}
}

/* To D0; and it never wakes the board. */
static void wake(struct pci_func *f)
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
	walk_list(f);
	if (f->cap_pm)
		wake(f);
	if (f->cap_pcie)
		f->pcie_type = pci_cfg_read(f, f->cap_pcie + PCI_EXP_FLAGS, 1) >> PCI_EXP_TYPE_SHIFT & 0xf;
}

static void capture_msi(struct pci_func *f)
{
	uint32_t ctrl = pci_cfg_clear(f, f->cap_msi + PCI_MSI_CTRL, PCI_MSI_ENABLE);
	unsigned mmc = (ctrl & PCI_MSI_MMC) >> PCI_MSI_MMC_SHIFT;

	f->msi_64 = ctrl & PCI_MSI_64;
	f->msi_mask = ctrl & PCI_MSI_PVM;
	f->msi_count = (uint8_t)(mmc <= 5 ? 1u << mmc : 0); /* §7.7.1.2: 6, 7 reserved */
}

/* Inside a memory BAR that exists. */
static bool inside_bar(const struct pci_func *f, unsigned bir, struct range r)
{
	return bir < PCI_BARS && f->bar[bir].size && !f->bar[bir].io &&
	       range_contains((struct range){ 0, f->bar[bir].size }, r.base, r.size);
}

static void capture_msix(struct pci_func *f)
{
	uint32_t ctrl = pci_cfg_clear(f, f->cap_msix + PCI_MSIX_CTRL, PCI_MSIX_ENABLE);
	uint32_t table = pci_cfg_read(f, f->cap_msix + PCI_MSIX_TABLE, 4);
	uint32_t pba = pci_cfg_read(f, f->cap_msix + PCI_MSIX_PBA, 4);
	unsigned n = (ctrl & PCI_MSIX_LAST) + 1;
	struct range t = { table & ~PCI_MSIX_BIR, n * PCI_MSIX_ENTRY };
	struct range p = { pba & ~PCI_MSIX_BIR, (n + 63) / 64 * 8 };

	table &= PCI_MSIX_BIR;
	pba &= PCI_MSIX_BIR;
	if (!inside_bar(f, table, t) || !inside_bar(f, pba, p) ||
	    (table == pba && range_overlaps(t, p))) {
		if (!f->bridge)
			log_warn("pci: %s: MSI-X table or PBA is outside its BARs; no MSI-X",
				 f->name);
		return;
	}
	f->msix_count = (uint16_t)n;
	f->msix_table_bar = (uint8_t)table;
	f->msix_table_off = (uint32_t)t.base;
	f->msix_pba_bar = (uint8_t)pba;
	f->msix_pba_off = (uint32_t)p.base;
}

static void capture_pcie(struct pci_func *f)
{
	uint16_t at = f->cap_pcie;
	uint32_t flags = pci_cfg_read(f, at + PCI_EXP_FLAGS, 2);
	uint32_t cap = pci_cfg_read(f, at + PCI_EXP_DEVCAP, 4);
	bool port = pci_is_port(f);

	f->flr = cap & PCI_EXP_DEVCAP_FLR && !f->bridge;
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
static void capture_rebar(struct pci_func *f, uint16_t off)
{
	unsigned n = (pci_ecap_size(f, off) - PCI_REBAR_CAP(0)) / 8;

	f->cap_rebar = off;
	f->rebar_count = (uint8_t)MIN(n, PCI_BARS);
	for (unsigned i = 0; i < f->rebar_count; i++)
		f->rebar_size[i] = PCI_REBAR_SIZE_MASK &
			pci_cfg_read(f, off + PCI_REBAR_CTRL(i) + PCI_REBAR_SIZE, 1);
}

/* Switches off what acts on its own: control registers of two bytes, written 0. */
static void found_extended(struct pci_func *f, unsigned id, uint16_t off)
{
	static const struct {
		uint8_t id, reg;
	} off_switches[] = {
		{ PCI_ECAP_ATS, PCI_ATS_CTRL },	/* ATS walks past the SMMU's stage 2 */
		{ PCI_ECAP_PRI, PCI_PRI_CTRL },
		{ PCI_ECAP_PASID, PCI_PASID_CTRL },
		{ PCI_ECAP_SRIOV, PCI_SRIOV_CTRL }, /* VFs are further requester IDs */
		{ PCI_ECAP_DPC, PCI_DPC_CTRL },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(off_switches); i++)
		if (off_switches[i].id == id)
			pci_cfg_write(f, off + off_switches[i].reg, 2, 0);
	if (id == PCI_ECAP_AER &&
	    (pci_is_type(f, PCI_EXP_ROOT_PORT) || pci_is_type(f, PCI_EXP_RC_EC)))
		pci_cfg_write(f, off + PCI_AER_ROOT_CMD, 4, 0);
	if (id == PCI_ECAP_ACS && !f->cap_acs)
		f->cap_acs = off;
	if (id == PCI_ECAP_REBAR && !f->cap_rebar)
		capture_rebar(f, off);
}

static void walk_extended(struct pci_func *f)
{
	uint64_t taken[PCI_CFG_SIZE / 4 / 64] = { UINT64_MAX }; /* below 0x100 */
	uint32_t head = pci_cfg_read(f, PCI_ECAP_FIRST, 4);
	unsigned off = PCI_ECAP_FIRST;

	/* No answer, or the first 256 bytes over again: a bridge above that drops high bits. */
	if (head == UINT32_MAX || head == pci_id(f))
		return;
	f->ext_config = true;
	while (off && head) {
		if (head == UINT32_MAX ||
		    !claim(taken, off, pci_ecap_size(f, off), PCI_CFG_SIZE)) {
			pci_refuse(f, "its extended capability list is malformed");
			return;
		}
		found_extended(f, head & 0xffff, (uint16_t)off);
		off = head >> 20 & ~3u;
		head = off ? pci_cfg_read(f, off, 4) : 0;
	}
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
		f->af_flr = (pci_cfg_read(f, f->cap_af + PCI_AF_CAP, 1) &
			     PCI_AF_CAP_TP_FLR) == PCI_AF_CAP_TP_FLR;
}
