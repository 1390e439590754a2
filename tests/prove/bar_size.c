/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sizing one BAR, or two of 64 bits, of a device that answers anything, each time something else.
 */
#include "prove.h"

#include <hv/bits.h>

#include "drivers/pci/bars.c"

uint32_t pci_cfg_read(const struct pci_func *f, unsigned off, unsigned size)
{
	PROVE(off >= PCI_BAR(0) && off <= PCI_BAR(5) && size == 4, "only BARs are read");
	return nondet_u32();
}

void pci_cfg_write(const struct pci_func *f, unsigned off, unsigned size, uint32_t value)
{
	PROVE(off >= PCI_BAR(0) && off <= PCI_BAR(5) && size == 4, "only BARs are written");
}

void prove(void)
{
	struct pci_func f = { .header_type = nondet_u8() };
	unsigned count = bar_count(&f), i = any_below(PCI_BARS), n;
	struct pci_bar b;

	ASSUME(i < count);
	n = bar_probe(&f, i, &b);
	PROVE(i + n <= count, "a BAR ends with the registers that there are");
	PROVE(!n || !(b.size & (b.size - 1)), "a size is a power of two");
	PROVE(!n || b.io || !b.size || b.size >= 16, "memory has 16 bytes at least");
	PROVE(b.mem64 ? n != 1 : n < 2, "64 bits take two");
	PROVE(!n || b.io || b.mem64 || !b.size || b.size <= BIT(31), "32 bits hold it");
	PROVE(!b.io || !b.prefetch, "ports are not prefetchable");
}
