/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The lists of capabilities, and how many bytes each capability occupies: one truth for discovery,
 * which refuses a function with a malformed list, and for what a guest is shown. Of capabilities
 * whose size is not known here only the first dword counts. A list ends for certain: no dword
 * belongs to two capabilities.
 */
#include <hv/bits.h>

#include "pci_priv.h"

/* Register `reg` of a capability, which may begin at the very end of config space. */
static uint32_t cap_read(const struct pci_cap *c, unsigned reg)
{
	return c->off + reg < PCI_CFG_SIZE ? pci_cfg_read(c->func, c->off + reg, 4) : 0;
}

static unsigned size_of(const struct pci_cap *c)
{
	static const struct {
		uint16_t id;
		uint8_t size;
	} fixed[] = {
		{ PCI_CAP_PM, 8 },
		{ PCI_CAP_VPD, 8 },
		{ PCI_CAP_PCIX, 8 },
		{ PCI_CAP_MSIX, 12 },
		{ PCI_CAP_SATA, 8 },
		{ PCI_CAP_AF, 8 },
		{ PCI_EXT + PCI_ECAP_AER, PCI_AER_SIZE },
		{ PCI_EXT + PCI_ECAP_DSN, 12 },
		{ PCI_EXT + PCI_ECAP_POWER, 16 },
		{ PCI_EXT + PCI_ECAP_ACS, 8 },
		{ PCI_EXT + PCI_ECAP_ARI, 8 },
		{ PCI_EXT + PCI_ECAP_ATS, 8 },
		{ PCI_EXT + PCI_ECAP_SRIOV, 0x40 },
		{ PCI_EXT + PCI_ECAP_PRI, 16 },
		{ PCI_EXT + PCI_ECAP_LTR, 8 },
		{ PCI_EXT + PCI_ECAP_PASID, 8 },
	};
	uint32_t flags = c->head >> 16, size;

	switch (c->id) {
	case PCI_CAP_MSI:
		return 10 + (flags & PCI_MSI_64 ? 4u : 0) + (flags & PCI_MSI_PVM ? 10u : 0);
	case PCI_CAP_VENDOR:
		return MAX(flags & 0xff, 4u);
	case PCI_CAP_PCIE:
		return (flags & PCI_EXP_VERSION) < 2 ? PCI_EXP_V1_SIZE : PCI_EXP_V2_SIZE;
	case PCI_EXT + PCI_ECAP_VC:
	case PCI_EXT + PCI_ECAP_VC9:
	case PCI_EXT + PCI_ECAP_MFVC: /* VC 0 and as many more */
		return 0x1c + 0xc * (cap_read(c, 4) & 7);
	case PCI_EXT + PCI_ECAP_REBAR:
		return 4 + 8 * (cap_read(c, PCI_REBAR_CTRL(0)) >> 5 & 7);
	case PCI_EXT + PCI_ECAP_DPA:
		return 0x11 + (cap_read(c, 4) & 0x1f);
	case PCI_EXT + PCI_ECAP_VSEC:
	case PCI_EXT + PCI_ECAP_DVSEC:
		size = cap_read(c, 4) >> 20; /* once: the device may answer otherwise each time */
		return MAX(size, 8u);
	}
	for (unsigned i = 0; i < ARRAY_SIZE(fixed); i++)
		if (fixed[i].id == c->id)
			return fixed[i].size;
	return 4;
}

/* false: it ends behind `end`, or part of it is taken. */
static bool claim(struct pci_cap *c, unsigned end)
{
	if (c->off + c->size > end)
		return false;
	for (unsigned dw = c->off / 4; dw < (c->off + c->size + 3) / 4; dw++) {
		if (c->taken[dw / 64] & BIT(dw % 64))
			return false;
		c->taken[dw / 64] |= BIT(dw % 64);
	}
	return true;
}

struct pci_cap pci_cap_list(const struct pci_func *f, enum pci_list which)
{
	struct pci_cap c = { .func = f, .taken = { BITS(PCI_CAP_FIRST / 4 - 1, 0) } };

	if (which == PCI_LIST_EXTENDED) {
		c.taken[0] = UINT64_MAX;
		c.next = PCI_ECAP_FIRST;
	} else if (pci_cfg_read(f, PCI_STATUS, 2) & PCI_STS_CAPS) {
		c.next = pci_cfg_read(f, PCI_CAP_PTR, 1) & ~3u;
	}
	return c;
}

bool pci_cap_next(struct pci_cap *c)
{
	bool ext = c->next >= PCI_ECAP_FIRST;

	c->off = c->next;
	c->head = c->off ? cap_read(c, 0) : 0;
	if (!c->off || (ext && !c->head))
		return false;
	c->id = ext ? PCI_EXT + (c->head & 0xffff) : c->head & 0xff;
	c->next = ext ? c->head >> 20 & ~3u : c->head >> 8 & 0xfc;
	c->size = size_of(c);
	c->malformed = c->head == UINT32_MAX || c->id == 0xff ||
		       !claim(c, ext ? PCI_CFG_SIZE : PCI_CFG_LEGACY_SIZE);
	return !c->malformed;
}
