/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Interrupt modes and the MSI capability. A function is in one mode: MSI-X if enabled, else MSI,
 * else INTx. The device gets the address and data that Viaduct chose; the guest's are a copy that
 * says which event of its own ITS, or SPI of its GICv2m frame, an interrupt becomes. Only a direct
 * MSI-X table is the guest's own: SMMU and ITS confine what is sent, and the event is the guest's.
 */
#include <arch/time.h>
#include <hv/pmem.h>
#include <hv/vits.h>
#include <spec/pci.h>
#include <spec/pci_caps.h>

#include "vpci_priv.h"

#define IDLE_MAX                                                                                   \
	(1u << 18) /* messages in a row: more than any queue of completions, 0.1 s of EL2 */

static uint8_t wanted_mode(const struct vpci_func *f)
{
	if (f->msix && f->shadow[DW(f->msix)] & MSIX_ENABLE)
		return MODE_MSIX;
	if (f->msi && f->shadow[DW(f->msi)] & MSI_ENABLE)
		return MODE_MSI;
	return MODE_INTX;
}

static unsigned msi_mme(const struct vpci_func *f)
{
	return (unsigned)field_get(MSI_MME, f->shadow[DW(f->msi)]);
}

/* The dword of the message data (§7.7.1); behind it is that of the masks. */
static unsigned msi_data(const struct vpci_func *f)
{
	return DW(f->msi) + (f->pf->msi_64 ? 3 : 2);
}

uint64_t msi_device_address(const struct vpci_func *f)
{
	const struct msi_ctrl *c = f->as.msi.ctrl;

	/* Without an IOMMU in between the device's address is the physical one. */
	return (f->pf->iommu ? f->v->cfg.dma_doorbell.v : c->page.v) + c->offset;
}

/* What is not granted stays masked. */
void msi_write_masks(struct vpci_func *f)
{
	unsigned dw = msi_data(f) + 1;
	uint32_t masks = f->shadow[dw] | ~(PCI_ALL_ONES >> (32 - f->granted));

	if (f->pf->msi_mask)
		pci_cfg_write(f->pf, dw * 4, 4, masks & PCI_ALL_ONES >> (32 - f->pf->msi_count));
}

static void write_msi(struct vpci_func *f, bool on)
{
	uint64_t addr = msi_device_address(f);
	uint16_t at = f->msi;
	uint32_t ctrl = f->shadow[DW(at)], granted = (uint32_t)field_get(MSI_MMC, ctrl);

	if (msi_mme(f) > granted) /* more messages than granted: as many as granted */
		f->shadow[DW(at)] = ctrl = (uint32_t)field_put(ctrl, MSI_MME, granted);
	if (!on) {
		pci_cfg_write(f->pf, at + 2, 2, 0);
		return;
	}
	pci_cfg_write(f->pf, at + 4, 4, (uint32_t)addr);
	if (f->pf->msi_64)
		pci_cfg_write(f->pf, at + 8, 4, (uint32_t)(addr >> 32));
	pci_cfg_write(f->pf, msi_data(f) * 4, 2, f->as.msi.first_data);
	msi_write_masks(f);
	pci_cfg_write(f->pf, at + 2, 2, (ctrl & (MSI_ENABLE | MSI_MME)) >> 16);
}

static void set_mode(struct vpci_func *f, uint8_t mode)
{
	__atomic_store_n(&f->mode, mode, __ATOMIC_RELAXED);
	state_command(f);
}

/* Of the block, those that have a handler. */
static uint32_t vector_count(const struct vpci_func *f)
{
	return f->direct ? f->as.msi.count : MAX(f->vectors, f->granted);
}

/* Vectors that ran away are enabled again, as the guest sets up the function's messages. */
static void enable_stopped(struct vpci_func *f)
{
	if (!__atomic_exchange_n(&f->stopped, false, __ATOMIC_RELAXED))
		return;
	for (uint32_t i = 0; i < vector_count(f); i++) {
		__atomic_store_n(&f->idle[i], 0, __ATOMIC_RELAXED);
		msi_set_enabled(&f->as.msi, i, true);
	}
}

/*
 * Into MSI or MSI-X: DisINTx first, then the message, then enable. Back to INTx: disable, then
 * DisINTx as the guest has it. A driver that tries MSI and falls back finds its line again.
 */
void msi_apply(struct vpci_func *f)
{
	uint8_t mode = wanted_mode(f);
	bool silent = pci_state(f->pf) != PCI_OWNED; /* quarantined: it has no messages */

	if (mode != MODE_INTX) {
		set_mode(f, mode);
		enable_stopped(f);
	}
	if (f->msi)
		write_msi(f, mode == MODE_MSI && !silent);
	if (f->msix) {
		uint32_t ctrl = f->shadow[DW(f->msix)] & (MSIX_ENABLE | MSIX_FUNC_MASK);

		pci_cfg_write(f->pf, f->msix + 2, 2, silent ? 0 : ctrl >> 16);
	}
	if (mode == MODE_INTX)
		set_mode(f, mode);
}

/* The guest's message number i, or false: it goes somewhere that is not its ITS. */
static bool msi_message(const struct vpci_func *f, uint32_t i, uint32_t *event)
{
	unsigned mme = msi_mme(f);
	uint64_t addr = f->shadow[DW(f->msi) + 1];
	uint32_t data = f->shadow[msi_data(f)];

	if (f->pf->msi_64)
		addr |= (uint64_t)f->shadow[DW(f->msi) + 2] << 32;
	if (i >> mme || addr != f->v->doorbell)
		return false;
	/* Message Data, §7.7.1.5: the device changes the low bits. */
	*event = (data >> mme << mme) | i;
	return true;
}

static bool msix_message(const struct vpci_func *f, uint32_t i, uint32_t *event)
{
	*event = i;
	if (f->direct)
		return true;
	if (i >= f->vectors ||
	    __atomic_load_n(&f->vector[i].addr, __ATOMIC_RELAXED) != f->v->doorbell)
		return false;
	*event = __atomic_load_n(&f->vector[i].data, __ATOMIC_RELAXED);
	return true;
}

/* The next one is to arrive at the CPU that takes it: one MOVI, for a guest one a millisecond. */
static void follow_vcpu(struct vpci_func *f, uint32_t i, const struct vcpu *to)
{
	struct vpci *v = f->v;
	uint64_t now = arch_time_ticks();

	if (now < __atomic_load_n(&v->move_due, __ATOMIC_RELAXED))
		return;
	__atomic_store_n(&v->move_due, now + arch_time_hz() / 1000, __ATOMIC_RELAXED);
	msi_move(&f->as.msi, i, to->cpu);
}

/* A message that changed nothing: its event goes nowhere, or nobody took the last one. */
static void count_idle(struct vpci_func *f, uint32_t i)
{
	if (__atomic_add_fetch(&f->idle[i], 1, __ATOMIC_RELAXED) != IDLE_MAX)
		return;
	msi_set_enabled(&f->as.msi, i, false);
	__atomic_store_n(&f->stopped, true, __ATOMIC_RELAXED);
	vm_log(f->v->vm,
	       "00:%02x.%x: vector %u sent %u messages that nobody took: stopped until MSI "
	       "is set up again",
	       f->as.devfn >> 3, f->as.devfn & 7, i, IDLE_MAX);
}

/* A physical interrupt of this function, on any CPU. No lock: what changes meanwhile may be seen
 * old or new, as a message under way would. */
static void msi_arrived(void *arg, uint32_t intid, struct vcpu *cur)
{
	struct vpci_func *f = arg;
	struct vm *vm = f->v->vm;
	uint32_t i = intid - f->as.msi.first_intid, event;
	uint8_t mode = __atomic_load_n(&f->mode, __ATOMIC_RELAXED);
	uint16_t to;
	bool sent = false;

	if (mode == MODE_MSIX)
		sent = msix_message(f, i, &event);
	else if (mode == MODE_MSI)
		sent = msi_message(f, i, &event);
	if (sent)
		sent = vm->vits ? vits_deliver(vm->vits, f->as.devfn, event, cur, &to) :
				  vgic_v2m_deliver(vm, event, cur, &to);
	if (!sent) {
		count_idle(f, i);
		return;
	}
	__atomic_store_n(&f->idle[i], 0, __ATOMIC_RELAXED);
	if (cur != vm->vcpu[to])
		follow_vcpu(f, i, vm->vcpu[to]);
}

/* The device adds the message number by replacing low bits: data must leave them 0. */
static uint8_t grantable(const struct vpci_func *f)
{
	uint32_t n = 1;

	if (!f->pf->msi_count || f->as.msi.first_data > 0xffff)
		return 0;
	while (n * 2 <= MIN(f->pf->msi_count, f->as.msi.count) &&
	       f->as.msi.first_data % (n * 2) == 0)
		n *= 2;
	return (uint8_t)n;
}

void msi_init(struct vpci_func *f)
{
	if (!f->as.msi.count || !f->v->doorbell)
		return;
	f->granted = grantable(f);
	f->msi = f->granted ? f->pf->cap_msi : 0;
	f->vectors = (uint16_t)MIN(f->pf->msix_count, f->as.msi.count);
	f->msix = f->vectors ? f->pf->cap_msix : 0;
	f->direct = f->vectors && f->as.msi_direct;
	if (f->vectors && !f->direct)
		f->vector = pmem_alloc(f->vectors * sizeof(f->vector[0]), 64);
}

enum hv_status msi_connect(struct vpci_func *f)
{
	uint32_t n = vector_count(f);

	f->idle = pmem_alloc(MAX(n, 1u) * sizeof(f->idle[0]), 64);
	for (uint32_t i = 0; i < n; i++) {
		enum hv_status st = msi_handler(&f->as.msi, i, msi_arrived, f);

		if (st != HV_OK)
			return st;
	}
	return HV_OK;
}
