/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The states of a PCI function, for every state and event, and writes of COMMAND in every state.
 * Config space is anything. Assumed: the state is one of the table's.
 */
#include "prove.h"

#include "drivers/pci/device.c"

static uint32_t written;

void pci_cfg_write(const struct pci_func *f, unsigned off, unsigned size, uint32_t value)
{
	PROVE(off == PCI_COMMAND && size == 2, "only COMMAND is written");
	written |= value;
}

void prove(void)
{
	struct iommu i = { .dead = nondet_bool() };
	struct pci_func f = { .iommu = nondet_bool() ? &i : NULL };
	enum pci_state from = PCI_IDLE + any_below(PCI_STATES - PCI_IDLE), to;
	enum pci_event e = any_below(PCI_EVENTS);
	bool changed;

	f.state = from;
	changed = pci_event(&f, e) != PCI_ABSENT;
	to = pci_state(&f);
	PROVE(to > PCI_ABSENT && to < PCI_STATES, "the state is one of the table");
	PROVE(changed || to == from, "an event that does nothing changes nothing");
	PROVE(to != PCI_OWNED || from == PCI_OWNED || e == PCI_CLAIM || e == PCI_WOKE,
	      "owned by a claim or awake again");
	PROVE(e != PCI_CLAIM || to != PCI_OWNED || from == PCI_OWNED || !f.iommu || !i.dead,
	      "nobody claims behind a dead IOMMU");
	PROVE((from != PCI_QUARANTINED && from != PCI_LOST) || to == from ||
		      e == PCI_RESET_BEGINS || to == PCI_LOST,
	      "only a reset brings back what is quarantined or lost");
	PROVE(e != PCI_RESET_BEGINS || to == PCI_RESETTING, "a reset can always begin");

	pci_command_write(&f, nondet_u32() & 0xffff);
	PROVE(to == PCI_OWNED || !(written & PCI_CMD_MASTER), "only an owned one is bus master");
	written = 0;
	pci_quarantine(&f);
	PROVE(!(written & PCI_CMD_MASTER), "quarantine turns bus mastering off");
	PROVE(to == PCI_RESETTING || to == PCI_LOST || pci_state(&f) == PCI_QUARANTINED,
	      "quarantine holds");
}
