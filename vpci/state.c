/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a function's hardware is set to, as the shadow wants it: COMMAND, power state, device
 * control, function-level reset, and giving everything back to a device that lost it. All of it is
 * derived from the shadow and from what was captured at boot, so restoring is doing it again.
 */
#include <arch/time.h>
#include <spec/pci.h>
#include <spec/pci_caps.h>

#include "vpci_priv.h"

#define D3HOT_EXIT_MS 10 /* PCIe r6.0 §5.9: no access earlier; the guest waits */
/* Giving everything back: far above what 2048 vectors take, also where the machine is emulated. */
#define RESTORE_MS 250

static uint32_t power_state(const struct vpci_func *f)
{
	return f->pf->cap_pm ? f->shadow[DW(f->pf->cap_pm + PCI_PM_CSR)] & PCI_PM_STATE : 0;
}

bool state_live(const struct vpci_func *f)
{
	return f->shadow[DW(PCI_COMMAND)] & PCI_CMD_MEM && f->decoding && func_decodes(f) &&
	       !power_state(f);
}

/* MSIs and INTx exclude each other; a function without a virtual pin keeps its line quiet. */
void state_command(struct vpci_func *f)
{
	uint32_t now, cmd = f->shadow[DW(PCI_COMMAND)] & 0xffff; /* what its rule lets in */

	if (f->mode != MODE_INTX || !f->as.intx_pin)
		cmd |= PCI_CMD_INTX_OFF;
	pci_command_write(f->pf, cmd);
	now = pci_cfg_read(f->pf, PCI_COMMAND, 2);
	f->decoding = now & PCI_CMD_MEM && now != 0xffff;
}

/* A reset behind our back shows as lost BARs. */
static bool bars_intact(const struct vpci_func *f)
{
	for_each_bit(i, f->present) {
		uint64_t at = f->pf->bar[i].pci;

		if ((pci_cfg_read(f->pf, PCI_BAR(i), 4) & ~PCI_BAR_MEM_FLAGS) != (uint32_t)at ||
		    (f->pf->bar[i].mem64 && pci_cfg_read(f->pf, PCI_BAR(i + 1), 4) != at >> 32))
			return false;
	}
	return true;
}

/*
 * Device control as the device gets it: what was captured at boot, and of the guest's what it may
 * choose. Larger reads than the payload size are what the rest of the fabric was set up for.
 */
static void write_devctl(const struct vpci_func *f)
{
	uint32_t guest = f->shadow[DW(f->pf->cap_pcie + PCI_EXP_DEVCTL)], own = f->pf->devctl;
	uint32_t mrrs = MIN(guest >> 12 & 7u, 5u), mps = MIN(own >> 5 & 7u, 5u);

	own &= ~(PCI_EXP_DEVCTL_FLR | PCI_EXP_DEVCTL_SNOOP | DEVCTL_RO | DEVCTL_MRRS);
	pci_cfg_write(f->pf, f->pf->cap_pcie + PCI_EXP_DEVCTL, 2,
		      own | (guest & DEVCTL_RO) | MAX(mrrs, mps) << 12);
}

static void write_devctl2(const struct vpci_func *f)
{
	const uint32_t pass = DEVCTL2_CTO | PCI_EXP_DEVCTL2_ATOMIC | DEVCTL2_IDO;

	pci_cfg_write(f->pf, f->pf->cap_pcie + PCI_EXP_DEVCTL2, 2,
		      (f->pf->devctl2 & ~pass) |
			      (f->shadow[DW(f->pf->cap_pcie + PCI_EXP_DEVCTL2)] & pass));
}

/* false: not done by `end`. A device that answers, but slowly, is not to hold a CPU for long. */
static bool restore_before(struct vpci_func *f, uint64_t end)
{
	pci_bars_write(f->pf);
	if (f->pf->cap_pcie)
		write_devctl(f);
	if (f->pf->pcie_v2)
		write_devctl2(f);
	if (f->msix) {
		pci_cfg_write(f->pf, PCI_COMMAND, 2, PCI_CMD_INTX_OFF | PCI_CMD_MEM);
		if (!msix_program(f, end))
			return false;
	}
	return arch_time_ticks() < end;
}

/* MEM goes on while the MSI-X table is written: the physical BAR is where nobody else is. */
void state_restore(struct vpci_func *f)
{
	uint64_t end = arch_time_ticks() + arch_time_hz() * RESTORE_MS / 1000;

	pci_cfg_write(f->pf, PCI_COMMAND, 2, PCI_CMD_INTX_OFF);
	if (restore_before(f, end)) {
		msi_apply(f); /* and COMMAND */
		return;
	}
	f->decoding = false;
	pci_cfg_write(f->pf, PCI_COMMAND, 2, PCI_CMD_INTX_OFF);
	pci_lose(f->pf);
	vm_log(f->v->vm,
	       "00:%02x.%x: device %s answers too slowly; all ones until a reset or a restart",
	       f->as.devfn >> 3, f->as.devfn & 7, f->pf->name);
}

/* false: the function does not answer yet. */
static bool is_back(struct vpci_func *f)
{
	uint64_t wait = arch_time_hz() * D3HOT_EXIT_MS / 1000;
	uint32_t id;

	if (power_state(f) || arch_time_ticks() - f->woken_at < wait)
		return false;
	id = pci_cfg_read(f->pf, PCI_ID, 4);
	return id != PCI_ALL_ONES && id != EXP_RRS_ID;
}

/* The streams of a quarantined or lost function may be cut; others that share them may still be. */
static void open_streams(const struct vpci_func *f)
{
	const struct pci_func *pf = f->pf;

	for (unsigned n = 0; pf->iommu && n < pf->sid_count; n++) {
		if (!pci_stream_is_cut(pf->iommu, pf->sid[n]))
			iommu_attach(pf->iommu, pf->sid[n], &f->v->vm->dma_s2);
		if (pci_stream_is_cut(pf->iommu, pf->sid[n])) /* meanwhile, on another CPU */
			iommu_attach(pf->iommu, pf->sid[n], NULL);
	}
}

/* Is the guest's own reset over? One that failed leaves the function lost. */
static bool is_reset(struct vpci_func *f)
{
	enum hv_status st = pci_reset_step(f->pf);

	if (st == HV_EAGAIN)
		return false;
	if (st != HV_OK) {
		vm_log(f->v->vm, "00:%02x.%x did not come back from its reset; it is switched off",
		       f->as.devfn >> 3, f->as.devfn & 7);
		return false;
	}
	open_streams(f); /* it is quiet still */
	pci_event(f->pf, PCI_CLAIM);
	return true;
}

bool state_settle(struct vpci_func *f)
{
	enum pci_state state = pci_state(f->pf);

	if (state == PCI_RESETTING && !is_reset(f))
		return false;
	if (state == PCI_WAKING && !is_back(f))
		return false;
	if (state != PCI_RESETTING && state != PCI_WAKING)
		return false;
	pci_event(f->pf, PCI_WOKE);
	state_restore(f);
	bars_update(f);
	return true;
}

/*
 * MEM 1 -> 0: unmap, invalidate, then the device. 0 -> 1: the device, read back, then map.
 * The second bars_update does nothing after the first.
 */
void command_wrote(struct vpci_func *f, uint32_t old)
{
	uint32_t *command = &f->shadow[DW(PCI_COMMAND)];
	bool mem = *command & PCI_CMD_MEM;

	if (f->pf->intx_stuck)
		*command &= ~PCI_CMD_INTX_OFF; /* reads as it does in the device */
	if (old & PCI_CMD_MEM && !mem)
		bars_update(f);
	if (mem && pci_state(f->pf) != PCI_WAKING && !bars_intact(f))
		state_restore(f);
	if (func_answers(f))
		state_command(f);
	bars_update(f);
}

void state_lose(struct vpci_func *f)
{
	f->woken_at = arch_time_ticks();
	f->decoding = false; /* until it is restored, or the guest writes COMMAND */
	pci_event(f->pf, PCI_SLEPT);
}

/* The state alone: no PME, and its other bits are read only. */
static void write_power(struct vpci_func *f, uint32_t state)
{
	pci_cfg_write(f->pf, f->pf->cap_pm + PCI_PM_CSR, 2, state);
}

bool state_wake(struct vpci_func *f)
{
	bool asleep = pci_state(f->pf) == PCI_WAKING;

	if (f->pf->cap_pm && pci_cfg_read(f->pf, f->pf->cap_pm + PCI_PM_CSR, 2) & PCI_PM_STATE) {
		write_power(f, 0);
		asleep = true;
	}
	return asleep;
}

void pm_wrote(struct vpci_func *f, uint32_t old)
{
	uint32_t *csr = &f->shadow[DW(f->pf->cap_pm + PCI_PM_CSR)], state = *csr & PCI_PM_STATE;

	if (state != 0 && state != PCI_PM_D3HOT) {
		*csr = old; /* D1, D2: as a function that does not have them */
		return;
	}
	if (state == (old & PCI_PM_STATE))
		return;
	if (state == PCI_PM_D3HOT)
		bars_update(f); /* unmapped before the device goes */
	if (state == PCI_PM_D3HOT && pci_state(f->pf) == PCI_QUARANTINED)
		return; /* nothing would restore it: it only seems to sleep */
	write_power(f, state);
	if (state == PCI_PM_D3HOT)
		return;
	if (pci_state(f->pf) == PCI_WAKING || !(*csr & PCI_PM_NO_SOFT_RESET))
		state_lose(f);
	bars_update(f);
}

/*
 * The guest's own FLR. The shadow stays: drivers that reset a function restore what they saved,
 * and those that do not find it as it was. The function reads all ones until an access finds that
 * it has come back, in D0 (§5.3.1.4).
 */
static void start_reset(struct vpci_func *f)
{
	pci_event(f->pf, PCI_RESET_BEGINS);
	bars_update(f);
	if (f->pf->cap_pm)
		f->shadow[DW(f->pf->cap_pm + PCI_PM_CSR)] &= ~PCI_PM_STATE;
	pci_reset_begin(f->pf);
	state_settle(f);
}

void devctl_wrote(struct vpci_func *f)
{
	uint32_t *devctl = &f->shadow[DW(f->pf->cap_pcie + PCI_EXP_DEVCTL)];
	bool reset = *devctl & PCI_EXP_DEVCTL_FLR;

	*devctl &= ~PCI_EXP_DEVCTL_FLR; /* reads 0, §7.5.3.4 */
	write_devctl(f);
	if (reset && f->pf->flr)
		start_reset(f);
}

void af_wrote(struct vpci_func *f)
{
	uint32_t *ctrl = &f->shadow[DW(f->pf->cap_af + PCI_AF_CTRL)];
	bool reset = *ctrl & PCI_AF_FLR;

	*ctrl &= ~PCI_AF_FLR;
	if (reset && f->pf->af_flr)
		start_reset(f);
}

void state_revive(struct vpci_func *f, unsigned dw, uint32_t value)
{
	bool reset = (f->row[dw] == ROW_DEVCTL && f->pf->flr && value & PCI_EXP_DEVCTL_FLR) ||
		     (f->row[dw] == ROW_AF_CTRL && f->pf->af_flr && value & PCI_AF_FLR);

	if (reset && pci_state(f->pf) == PCI_LOST)
		start_reset(f);
}

void devctl2_wrote(struct vpci_func *f, uint32_t old)
{
	uint32_t *now = &f->shadow[DW(f->pf->cap_pcie + PCI_EXP_DEVCTL2)];
	uint32_t kept = f->as.atomic_ops ? 0 : PCI_EXP_DEVCTL2_ATOMIC;

	*now = (*now & ~kept) | (old & kept);
	write_devctl2(f);
}
