/* SPDX-License-Identifier: Apache-2.0 */
/* PCI of the payloads: scan of the host's buses, BARs, capabilities (PCIe r6.0 §7.5). */
#include "rt_priv.h"

#define PCI_ID      0x00
#define PCI_COMMAND 0x04
#define PCI_HEADER  0x0e
#define PCI_BAR0    0x10
#define PCI_CAP     0x34

bool pci_find(u32 vendor_device, unsigned nth, struct pci_dev *d)
{
	u64 functions = machine.ecam_size >> 12;

	/* Bus 0 is enough for every guest; the bare machine's bridges are not walked. */
	for (u64 f = 0; machine.pci >= 0 && f < functions && f < 256; f++) {
		u64 cfg = machine.ecam + (f << 12);
		u32 id = r32(cfg + PCI_ID);

		if (id == ~0U || (vendor_device != ~0U && id != vendor_device))
			continue;
		if (nth--)
			continue;
		*d = (struct pci_dev){ .devfn = (u8)f, .cfg = cfg };
		return true;
	}
	return false;
}

/* Windows are given out from the bottom; naturally aligned. */
static u64 place(bool wide, u64 size)
{
	static u64 used32, used64;
	bool high = wide && machine.mem64_size;
	u64 *used = high ? &used64 : &used32;
	u64 base = high ? machine.mem64_pci : machine.mem32_pci;
	u64 room = high ? machine.mem64_size : machine.mem32_size;
	u64 at = (base + *used + size - 1) & ~(size - 1);

	*used = at + size - base;
	return *used <= room ? at : 0;
}

static u64 pci_to_cpu(u64 pci)
{
	if (pci - machine.mem64_pci < machine.mem64_size)
		return pci - machine.mem64_pci + machine.mem64_cpu;
	return pci - machine.mem32_pci + machine.mem32_cpu;
}

static unsigned assign_bar(struct pci_dev *d, unsigned i)
{
	u64 reg = d->cfg + PCI_BAR0 + 4 * i, mask, at;
	u32 low;
	bool wide;

	w32(reg, ~0U);
	low = r32(reg);
	wide = (low & 6) == 4;
	if (!low || low & 1) { /* none, or I/O */
		w32(reg, 0);
		return 1;
	}
	if (wide)
		w32(reg + 4, ~0U);
	mask = (low & ~15U) | (wide ? (u64)r32(reg + 4) << 32 : UINT64_C(0xffffffff) << 32);
	d->bar_size[i] = ~mask + 1;
	at = place(wide, d->bar_size[i]);
	w32(reg, (u32)at);
	if (wide)
		w32(reg + 4, (u32)(at >> 32));
	d->bar[i] = at ? pci_to_cpu(at) : 0;
	return wide ? 2 : 1;
}

void pci_assign(struct pci_dev *d)
{
	w16(d->cfg + PCI_COMMAND, 0);
	for (unsigned i = 0; i < 6;)
		i += assign_bar(d, i);
	w16(d->cfg + PCI_COMMAND, BIT(1) | BIT(2)); /* MEM, bus master */
}

u8 pci_cap(const struct pci_dev *d, u8 id)
{
	u8 at = r8(d->cfg + PCI_CAP) & 0xfc;

	for (unsigned left = 48; at && left; left--, at = r8(d->cfg + at + 1) & 0xfc)
		if (r8(d->cfg + at) == id)
			return at;
	return 0;
}

bool pci_msi_enable(const struct pci_dev *d, u64 address, u32 data, bool on)
{
	u64 cap = pci_cap(d, 5);
	u16 control;

	if (!cap)
		return false;
	cap += d->cfg;
	control = r16(cap + 2);
	w16(cap + 2, control & 0xff8e); /* off, one vector */
	if (!on)
		return true;
	w32(cap + 4, (u32)address);
	if (control & BIT(7))
		w32(cap + 8, (u32)(address >> 32));
	w16(cap + (control & BIT(7) ? 12 : 8), (u16)data);
	w16(cap + 2, (control & 0xff8e) | 1);
	return true;
}

u64 pci_msix_entry(const struct pci_dev *d, u32 vector)
{
	u64 cap = pci_cap(d, 0x11);
	u32 table;

	if (!cap)
		return 0;
	table = r32(d->cfg + cap + 4);
	return d->bar[table & 7] ? d->bar[table & 7] + (table & ~7U) + 16 * vector : 0;
}

bool pci_msix_enable(const struct pci_dev *d, u32 vector, u64 address, u32 data)
{
	u64 entry = pci_msix_entry(d, vector), control = d->cfg + pci_cap(d, 0x11) + 2;

	if (!entry)
		return false;
	w16(control, 0x8000);
	w32(entry, (u32)address);
	w32(entry + 4, (u32)(address >> 32));
	w32(entry + 8, data);
	w32(entry + 12, 0);
	return true;
}
