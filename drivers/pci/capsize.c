/*
 * How many bytes each capability occupies: one truth for discovery, which refuses lists that
 * overlap, and for what a guest is shown. Of those not listed only the first dword is known.
 */
#include "pci_priv.h"

static uint32_t rd(const struct pci_func *f, unsigned off)
{
	return off < PCI_CFG_SIZE ? pci_cfg_read(f, off, 4) : 0;
}

unsigned pci_cap_size(const struct pci_func *f, unsigned off)
{
	uint32_t head = rd(f, off), flags = head >> 16;

	switch (head & 0xff) {
	case PCI_CAP_PM:
	case PCI_CAP_VPD:
	case PCI_CAP_PCIX:
	case PCI_CAP_AF:
	case PCI_CAP_SATA:
		return 8;
	case PCI_CAP_MSI:
		return 10 + (flags & PCI_MSI_64 ? 4u : 0) + (flags & PCI_MSI_PVM ? 10u : 0);
	case PCI_CAP_VENDOR:
		return MAX(flags & 0xff, 4u);
	case PCI_CAP_PCIE:
		return (flags & PCI_EXP_VERSION) < 2 ? PCI_EXP_V1_SIZE : PCI_EXP_V2_SIZE;
	case PCI_CAP_MSIX:
		return 12;
	default:
		return 4;
	}
}

unsigned pci_ecap_size(const struct pci_func *f, unsigned off)
{
	static const struct {
		uint16_t id, size;
	} fixed[] = {
		{ PCI_ECAP_AER, PCI_AER_SIZE }, { PCI_ECAP_DSN, 12 },	  { PCI_ECAP_POWER, 16 },
		{ PCI_ECAP_PRI, 16 },		{ PCI_ECAP_ACS, 8 },	  { PCI_ECAP_ATS, 8 },
		{ PCI_ECAP_ARI, 8 },		{ PCI_ECAP_LTR, 8 },	  { PCI_ECAP_PASID, 8 },
		{ PCI_ECAP_SRIOV, 0x40 },
	};
	uint32_t id = rd(f, off) & 0xffff, second = rd(f, off + 4);

	switch (id) {
	case PCI_ECAP_VC:
	case PCI_ECAP_VC9:
	case PCI_ECAP_MFVC: /* VC 0 and as many more */
		return 0x1c + 0xc * (second & 7);
	case PCI_ECAP_REBAR:
		return 4 + 8 * (rd(f, off + PCI_REBAR_CTRL(0)) >> 5 & 7);
	case PCI_ECAP_DPA:
		return 0x11 + (second & 0x1f);
	case PCI_ECAP_VSEC:
	case PCI_ECAP_DVSEC:
		return MAX(second >> 20, 8u);
	}
	for (unsigned i = 0; i < ARRAY_SIZE(fixed); i++)
		if (fixed[i].id == id)
			return fixed[i].size;
	return 4;
}
