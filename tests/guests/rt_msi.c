/* SPDX-License-Identifier: Apache-2.0 */
/* Messages of a function, whatever controller takes them: an ITS, or a GICv2m frame. */
#include "rt_priv.h"

#define V2M_TYPER  0x008
#define V2M_SETSPI 0x040
#define GICD_ICFGR 0xc00

/* Edge-triggered, as messages are; 16 lines a register. */
static void set_edge(u32 intid)
{
	u64 at = machine.gicd + GICD_ICFGR + intid / 16 * 4;

	w32(at, r32(at) | 2U << intid % 16 * 2);
}

static bool v2m_prepare(u32 count, struct msi *m)
{
	static u32 used;
	u32 typer = r32(machine.v2m + V2M_TYPER), first = typer >> 16 & 0x3ff;

	used = (used + count - 1) / count * count; /* a power of two: a message adds its number */
	if (used + count > (typer & 0x3ff))
		return false;
	m->doorbell = machine.v2m + V2M_SETSPI;
	m->data = m->intid = first + used;
	for (u32 i = 0; i < count; i++)
		set_edge(m->intid + i);
	used += count;
	return true;
}

bool msi_prepare(const struct pci_dev *d, u32 count, struct msi *m)
{
	static bool ready;
	static u32 next = LPI_FIRST;
	u32 device;

	if (machine.v2m)
		return v2m_prepare(count, m);
	if (!pci_msi_target(d, &device, &m->doorbell) || (!ready && !its_init()))
		return false;
	ready = true;
	m->data = 0;
	m->intid = next;
	its_map_device(device, count);
	for (u32 i = 0; i < count; i++)
		its_map_event(device, i, next++);
	return true;
}
