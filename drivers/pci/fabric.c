/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a function has besides BARs: payload size, link and device control, ACS. Set once when all
 * of a host bridge is enumerated, and again after a reset.
 */
#include "pci_priv.h"

bool pci_is_type(const struct pci_func *f, unsigned pcie_type)
{
	return f->cap_pcie && f->pcie_type == pcie_type;
}

bool pci_is_port(const struct pci_func *f)
{
	return pci_is_type(f, PCI_EXP_ROOT_PORT) || pci_is_type(f, PCI_EXP_DOWNSTREAM);
}

bool pci_is_below(const struct pci_func *f, const struct pci_func *bridge)
{
	for (f = f->parent; f; f = f->parent)
		if (f == bridge)
			return true;
	return false;
}

static const struct pci_func *top_of(const struct pci_func *f)
{
	while (f->parent)
		f = f->parent;
	return f;
}

/*
 * The payload below one root port is the least that anybody below it can (§7.5.3.4: a receiver
 * need not take more than its own). Integrated endpoints keep 128 bytes: what the root complex
 * behind them takes is not said anywhere.
 */
static uint8_t payload_below(const struct pci_host *h, const struct pci_func *top)
{
	uint8_t least = 5;

	if (!top->bridge)
		return 0;
	pci_for_each_of(f, h)
		if (f->cap_pcie && top_of(f) == top)
			least = MIN(least, f->mps);
	return least;
}

void fabric_restore(const struct pci_func *f)
{
	uint16_t at = f->cap_pcie;

	if (at) {
		pci_cfg_write(f, at + PCI_EXP_DEVCTL, 2, f->devctl);
		if (f->pcie_v2)
			pci_cfg_write(f, at + PCI_EXP_DEVCTL2, 2, f->devctl2);
		if (f->lnkctl)
			pci_cfg_write(f, at + PCI_EXP_LNKCTL, 2, f->lnkctl);
	}
	if (f->cap_acs)
		pci_cfg_write(f, f->cap_acs + PCI_ACS_CTRL, 2, f->acs_ctrl);
}

/* What ACS does not offer is hard-wired to the isolating side (§6.12.1). */
static void enable_acs(struct pci_func *f)
{
	f->acs_ctrl = pci_cfg_read(f, f->cap_acs + PCI_ACS_CAP, 2) & PCI_ACS_ISOLATE;
	pci_cfg_write(f, f->cap_acs + PCI_ACS_CTRL, 2, f->acs_ctrl);
	f->isolates = !(f->acs_ctrl & ~pci_cfg_read(f, f->cap_acs + PCI_ACS_CTRL, 2));
}

void fabric_settle(struct pci_host *h)
{
	const struct pci_func *top = NULL;
	uint8_t payload = 0;

	pci_for_each_of(f, h) {
		if (pci_is_host_bridge(f))
			continue;
		if (f->cap_acs)
			enable_acs(f);
		if (top_of(f) != top) {
			top = top_of(f);
			payload = payload_below(h, top);
		}
		f->devctl |= (uint16_t)(payload << PCI_EXP_DEVCTL_MPS_SHIFT);
		fabric_restore(f);
	}
}
