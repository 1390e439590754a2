/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Builds a guest's host bridge at boot, and brings all its functions to the state after power-on
 * when the guest starts again.
 */
#include <string.h>

#include <hv/pmem.h>
#include <spec/pci.h>
#include <spec/pci_caps.h>

#include "vpci_priv.h"

static enum hv_status init_func(struct vpci *v, unsigned index, const struct vpci_assignment *as)
{
	struct vpci_func *f = &v->func[index];

	v->by_devfn[as->devfn] = (uint8_t)index;
	*f = (struct vpci_func){
		.v = v,
		.pf = as->func,
		.as = *as,
	};
	bars_init(f);
	msi_init(f);
	caps_build(f);
	if (v->cfg.map)
		bars_map_at_el2(f);
	return msi_connect(f);
}

enum hv_status vpci_init(struct vm *vm, const struct vpci_config *cfg,
			 const struct vpci_assignment *list, unsigned count)
{
	struct vpci *v;
	enum hv_status st;

	if (count >= VPCI_NO_FUNC)
		return HV_ENOMEM;
	v = pmem_alloc(sizeof(*v) + count * sizeof(v->func[0]), 64);
	v->vm = vm;
	v->cfg = *cfg;
	memset(v->by_devfn, VPCI_NO_FUNC, sizeof(v->by_devfn));
	for (unsigned i = 0; i < count; i++) {
		if (cfg->doorbell.v && list[i].msi.ctrl)
			v->doorbell = ALIGN_DOWN(cfg->doorbell.v, PAGE_SIZE) +
				      list[i].msi.ctrl->offset;
		st = init_func(v, i, &list[i]);
		if (st != HV_OK)
			return st;
		v->count++;
	}
	v->cfg.map = NULL; /* no pointer to code stays in memory that is written */
	st = vm_emul_add(vm, VM_ALL_IPAS, vpci_bar_access, v, &v->bar_kind);
	if (st == HV_OK)
		st = vm_emulate(vm, cfg->ecam, MIB(1), vpci_ecam_access, v, NULL);
	if (st != HV_OK)
		return st;
	/* Kind 0 is what carries no mark: asked last. */
	vm->emul[0] = (struct emul_region){ .fn = vpci_window_access,
					    .arg = v,
					    .size = UINT64_MAX };
	vm->vpci = v;
	vpci_reset(v);
	return HV_OK;
}

/*
 * Nothing mapped, nothing sent. A function in D3hot wakes up and is restored once it answers. One
 * that is lost is not touched: the guest starts without it.
 */
static void reset_func(struct vpci_func *f)
{
	bool lost = pci_state(f->pf) == PCI_LOST, asleep;

	spin_lock(&f->lock, LOCK_VPCI);
	memcpy(f->shadow, f->initial, f->dwords * sizeof(f->shadow[0]));
	bars_update(f);
	asleep = !lost && state_wake(f);
	msix_forget(f);
	f->logged = 0;
	pci_event(f->pf, PCI_CLAIM);
	if (asleep)
		state_lose(f);
	else if (!lost)
		state_restore(f);
	spin_unlock(&f->lock);
}

void vpci_reset(struct vpci *v)
{
	vpci_for_each(f, v)
		reset_func(f);
}

void vpci_look(struct vpci *v)
{
	vpci_for_each(f, v) {
		spin_lock(&f->lock, LOCK_VPCI);
		bars_update(f);
		spin_unlock(&f->lock);
	}
}

void vpci_quiesce(struct vpci *v)
{
	vpci_for_each(f, v) {
		spin_lock(&f->lock, LOCK_VPCI);
		f->mode = MODE_INTX;
		f->decoding = false;
		bars_update(f);
		pci_event(f->pf, PCI_RELEASE);
		if (pci_state(f->pf) != PCI_LOST)
			pci_quiesce(f->pf);
		spin_unlock(&f->lock);
	}
}

/* How many blocks of this size have a table in their place. */
static unsigned tables_below(const struct pci_bar *b, uint64_t block, unsigned holes)
{
	if (!b->assigned)
		return 0;
	if (b->size <= block)
		return 1;
	return IS_ALIGNED(b->pa.v, block) ? holes : (unsigned)(b->size / block);
}

/*
 * Stage-2 tables that one BAR can need at its worst place (level 1 root, 4 KiB granule): it is
 * naturally aligned in the guest, so below 2 MiB one page of leaves under one page of blocks.
 * Above, blocks fit where the host address is aligned as well, but for trapped parts: each
 * may touch two blocks.
 */
static struct s2_need bar_tables(const struct pci_func *pf, unsigned bar)
{
	const struct pci_bar *b = &pf->bar[bar];
	unsigned holes = 0;

	for (unsigned i = 0; pf->msix_count && i < ARRAY_SIZE(pf->msix); i++)
		holes += pf->msix[i].bar == bar ? 2 : 0;
	return (struct s2_need){
		.level2 = tables_below(b, GIB(1), holes),
		.level3 = tables_below(b, MIB(2), holes),
	};
}

struct s2_need vpci_table_need(const struct vpci_assignment *list, unsigned count)
{
	struct s2_need sum = { 1, 1 }; /* the ECAM */

	for (unsigned i = 0; i < count; i++)
		for (unsigned bar = 0; bar < PCI_BARS; bar++) {
			struct s2_need need = bar_tables(list[i].func, bar);

			sum.level2 += need.level2;
			sum.level3 += need.level3;
		}
	return sum;
}
