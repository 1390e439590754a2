/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The state of a function. It is one value, only pci_event changes it, and whoever touches the
 * function asks it. Bus mastering follows from it: pci_command_write is the only way to turn it on.
 *
 * An event that a state's row does not name changes nothing.
 *
 *	state        | claim  release  slept   woke   reset begins  done  failed  vanished  storm
 *	-------------+----------------------------------------------------------------------------
 *	idle         | owned                          resetting                   lost      quar.
 *	owned        |        idle     waking         resetting                   lost      quar.
 *	waking       |        idle             owned  resetting                   lost      quar.
 *	resetting    |                                resetting     idle  lost    lost
 *	lost         |                                resetting
 *	quarantined  |                                resetting                   lost
 *
 * So only a reset brings back a function that is lost or quarantined: the guest's own, or that of
 * the guest's next start. A storm during a reset is what was recorded before it. Behind an IOMMU
 * that is dead nobody claims a function: it is quarantined instead.
 */
#include <arch/barrier.h>

#include "pci_priv.h"

static const uint8_t next_state[PCI_STATES][PCI_EVENTS] = {
	[PCI_IDLE] = {
		[PCI_CLAIM] = PCI_OWNED,
		[PCI_RESET_BEGINS] = PCI_RESETTING,
		[PCI_VANISHED] = PCI_LOST,
		[PCI_STORM] = PCI_QUARANTINED,
	},
	[PCI_OWNED] = {
		[PCI_RELEASE] = PCI_IDLE,
		[PCI_SLEPT] = PCI_WAKING,
		[PCI_RESET_BEGINS] = PCI_RESETTING,
		[PCI_VANISHED] = PCI_LOST,
		[PCI_STORM] = PCI_QUARANTINED,
	},
	[PCI_WAKING] = {
		[PCI_RELEASE] = PCI_IDLE,
		[PCI_WOKE] = PCI_OWNED,
		[PCI_RESET_BEGINS] = PCI_RESETTING,
		[PCI_VANISHED] = PCI_LOST,
		[PCI_STORM] = PCI_QUARANTINED,
	},
	[PCI_RESETTING] = {
		[PCI_RESET_BEGINS] = PCI_RESETTING,
		[PCI_RESET_DONE] = PCI_IDLE,
		[PCI_RESET_FAILED] = PCI_LOST,
		[PCI_VANISHED] = PCI_LOST,
	},
	[PCI_LOST] = {
		[PCI_RESET_BEGINS] = PCI_RESETTING,
	},
	[PCI_QUARANTINED] = {
		[PCI_RESET_BEGINS] = PCI_RESETTING,
		[PCI_VANISHED] = PCI_LOST,
	},
};

enum pci_state pci_event(struct pci_func *f, enum pci_event e)
{
	uint32_t was = __atomic_load_n(&f->state, __ATOMIC_RELAXED), to;

	if (e == PCI_CLAIM && f->iommu && f->iommu->dead)
		e = PCI_STORM;
	do {
		to = next_state[was][e];
		if (to == PCI_ABSENT)
			return PCI_ABSENT;
	} while (!__atomic_compare_exchange_n(&f->state, &was, to, false, __ATOMIC_SEQ_CST,
					      __ATOMIC_RELAXED));
	return (enum pci_state)was;
}

void pci_command_write(struct pci_func *f, uint32_t command)
{
	uint32_t silent = (command & ~(uint32_t)PCI_CMD_MASTER) | PCI_CMD_INTX_OFF;

	__atomic_store_n(&f->command, (uint16_t)command, __ATOMIC_RELAXED);
	if (pci_state(f) == PCI_OWNED) {
		pci_cfg_write(f, PCI_COMMAND, 2, command);
		arch_dsb_osh(); /* the write before the look: pairs with pci_quarantine */
	}
	if (pci_state(f) != PCI_OWNED)
		pci_cfg_write(f, PCI_COMMAND, 2, silent);
}

bool pci_quarantine(struct pci_func *f)
{
	enum pci_state was;

	/* Before the event: a reset that begins in the state quarantined finds the count. */
	__atomic_add_fetch(&f->cutting, 1, __ATOMIC_SEQ_CST);
	was = pci_event(f, PCI_STORM);
	if (was == PCI_ABSENT)
		return false;
	/*
	 * The state before the write. Another CPU that turns bus mastering on meanwhile either sees
	 * the state behind its own write, or its write comes before this one. One write, as each
	 * may take the device's whole completion timeout: without bus mastering MSIs are off, too.
	 * A guest may have BARs mapped, so decoding stays on.
	 */
	arch_dsb_osh();
	pci_cfg_write(f, PCI_COMMAND, 2, PCI_CMD_INTX_OFF | (was == PCI_IDLE ? 0 : PCI_CMD_MEM));
	return true;
}

void pci_quarantine_done(struct pci_func *f)
{
	__atomic_sub_fetch(&f->cutting, 1, __ATOMIC_SEQ_CST);
}
