/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One step along a capability list of a device that answers anything, each time something else.
 * Before it, any dwords may be taken and the next offset is any that a step can have left. As each
 * step takes dwords that were free, a list ends. Bounds: 8 dwords of each of the two lists.
 */
#include "prove.h"

#include <spec/pci.h>
#undef PCI_CFG_LEGACY_SIZE
#undef PCI_CFG_SIZE
#define PCI_CFG_LEGACY_SIZE (PCI_CAP_FIRST + 32)
#define PCI_CFG_SIZE        (PCI_ECAP_FIRST + 32)

#include "drivers/pci/caplist.c"

uint32_t pci_cfg_read(const struct pci_func *f, unsigned off, unsigned size)
{
	PROVE(off + size <= PCI_CFG_SIZE && off % size == 0, "reads are in config space, aligned");
	return nondet_u32() & (size == 4 ? ~0U : (1U << 8 * size) - 1);
}

static bool is_taken(const struct pci_cap *c, unsigned dw)
{
	return c->taken[dw / 64] >> dw % 64 & 1;
}

void prove(void)
{
	static struct pci_func f;
	struct pci_cap c = pci_cap_list(&f, nondet_bool()), was;
	unsigned dw = any_below(128), end;
	bool ext = c.next >= PCI_ECAP_FIRST, inside;

	ASSUME(dw < PCI_CFG_SIZE / 4);
	if (nondet_bool()) { /* somewhere on its way */
		c.taken[1] = nondet_u64();
		c.taken[0] |= nondet_u64();
		c.next = nondet_u32() & (ext ? 0xffc : 0xfc);
	}
	was = c;
	if (!pci_cap_next(&c))
		return;
	end = was.next >= PCI_ECAP_FIRST ? PCI_CFG_SIZE : PCI_CFG_LEGACY_SIZE;
	inside = dw >= c.off / 4 && dw < (c.off + c.size + 3) / 4;
	PROVE(c.off >= PCI_CAP_FIRST && c.off % 4 == 0, "behind the header, aligned");
	PROVE(c.size >= 4 && c.off + c.size <= end, "it ends in its part of config space");
	PROVE(!inside || !is_taken(&was, dw), "no dword is of two capabilities");
	PROVE(is_taken(&c, dw) == (is_taken(&was, dw) || inside), "all of its dwords are taken");
	PROVE(c.next % 4 == 0 && c.next < 4096, "the next one is in config space");
}
