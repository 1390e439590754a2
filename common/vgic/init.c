/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A virtual GIC from boot to guest stop: allocation, the lines a guest owns, reset of the
 * distributor, and vCPUs that come and go.
 */
#include <hv/plan.h>
#include <hv/pmem.h>
#include <string.h>

#include "vgic_priv.h"

#define VGIC_SPI_MAX 960 /* so that no line has a special INTID */

static void bank_reset(struct vgic_bank *b, uint32_t edge)
{
	write_once(b->group, 0);
	write_once(b->enabled, 0);
	write_once(b->edge, edge);
	for (unsigned i = 0; i < ARRAY_SIZE(b->prio_word); i++)
		write_once(b->prio_word[i], 0);
	write_once(b->level, 0);
	memset(&b->pending, 0, sizeof(*b) - offsetof(struct vgic_bank, pending));
}

/* To vCPU 0 and level-triggered after reset, and physically as virtually. */
static void spi_reset(const struct vgic_bank *b, uint32_t i)
{
	line_quiesce(b, i);
	line_hw(gic_set_edge, b, i, false);
	gic_route(b->pintid[i], b->vgic->vm->vcpu[0]->cpu);
}

static void dist_reset(struct vgic_locked l)
{
	struct vgic_vm *g = l.v;

	g->ctlr = 0;
	for (uint32_t n = 1; n < g->bank_count; n++) {
		struct vgic_bank *b = g->spi[n];

		bank_reset(b, 0);
		for (unsigned i = 0; i < 32; i++)
			b->router[i] = router_of_vcpu(0);
		for_each_bit(i, b->hw)
			spi_reset(b, i);
	}
}

/*
 * Everything of a vCPU but its list registers and physical PPIs, which are its CPU's to reset, and
 * LPIs: guests switch them on once in a CPU's life, and what is pending waits for it.
 */
static void cpu_reset(struct vgic_locked l, struct vcpu *v)
{
	struct vgic_cpu_state *st = cpu_of(v);

	lpi_unlist_all(l, v);
	write_once(st->online, false);
	__atomic_store_n(&st->sgi_pending, 0, __ATOMIC_RELAXED);
	memset(&st->ready, 0,
	       offsetof(struct vgic_cpu_state, priv) - offsetof(struct vgic_cpu_state, ready));
	bank_reset(&st->priv, 0xffff);
	st->asleep = true;
}

/* Of the guest as a whole, whose vCPUs are all off; unlocks. */
static void reset_all(struct vgic_locked l)
{
	const struct vm *vm = l.v->vm;

	for (unsigned i = 0; i < vm->vcpu_count; i++)
		cpu_reset(l, vm->vcpu[i]);
	for (unsigned i = 0; i < vm->vcpu_count; i++) {
		struct vgic_cpu_state *st = cpu_of(vm->vcpu[i]);

		lpi_drop_all(l, vm->vcpu[i]);
		st->propbaser = st->pendbaser = 0;
		st->lpis_on = false;
	}
	dist_reset(l);
	vgic_unlock(l);
}

/* PPIs have one handler for all guests. */
static enum hv_status register_ppi(uint32_t ppi, irq_handler_fn *fn, enum irq_end end)
{
	return irq_has_handler(ppi, fn) ? HV_OK : irq_register(ppi, fn, NULL, end);
}

/* Of GICv2's CPU interface the first page is the hardware's, the second has only GICC_DIR. */
static enum hv_status register_emulators(struct vm *vm)
{
	bool v2 = gic.version == 2;
	enum hv_status st = vm_emulate(vm, IPA(GUEST_GICD_BASE), v2 ? PAGE_SIZE : GICR_FRAME,
				       vgic_dist_access, NULL, NULL);

	if (st != HV_OK)
		return st;
	if (v2)
		return vm_emulate(vm, IPA(GUEST_GICC_BASE + PAGE_SIZE), PAGE_SIZE,
				  vgic_v2_dir_access, NULL, NULL);
	return vm_emulate(vm, IPA(GUEST_GICR_BASE), 2 * GICR_FRAME * (uint64_t)vm->vcpu_count,
			  vgic_redist_access, NULL, NULL);
}

enum hv_status vgic_init(struct vm *vm, uint32_t spi_count, enum vgic_lpis lpis)
{
	struct vgic_vm *g;
	enum hv_status st;

	if (spi_count % 32 || spi_count > VGIC_SPI_MAX || !vm->vcpu_count ||
	    vm->vcpu_count > (gic.version == 2 ? GICV2_MAX_CPUS : MAX_VCPUS))
		return HV_EINVAL;
	st = register_ppi(PPI_MAINTENANCE, vgic_maintenance_irq, IRQ_END_EL2);
	if (st != HV_OK)
		return st;
	g = pmem_alloc(sizeof(*g), 64);
	*g = (struct vgic_vm){ .vm = vm,
			       .lpis = lpis,
			       .bank_count = (uint8_t)(1 + spi_count / 32) };
	for (uint32_t n = 1; n < g->bank_count; n++) {
		g->spi[n] = pmem_alloc(sizeof(*g->spi[n]), 64);
		*g->spi[n] = (struct vgic_bank){ .vgic = g, .first = n * 32 };
	}
	for (unsigned i = 0; i < vm->vcpu_count; i++) {
		struct vgic_cpu_state *state = pmem_alloc(sizeof(*state), 64);

		vm->vcpu[i]->vgic.state = state;
		state->priv = (struct vgic_bank){ .vgic = g, .owner = vm->vcpu[i] };
		for (uint16_t p = 0; p < GIC_SPI_FIRST; p++)
			state->priv.pintid[p] = p;
	}
	vm->vgic = g;
	reset_all(vgic_lock(g));
	return register_emulators(vm);
}

static enum hv_status assign_ppi(struct vm *vm, uint32_t ppi)
{
	enum hv_status st = register_ppi(ppi, vgic_ppi_irq, IRQ_END_GUEST);

	if (st != HV_OK)
		return st;
	for (unsigned i = 0; i < vm->vcpu_count; i++)
		cpu_of(vm->vcpu[i])->priv.hw |= 1U << ppi;
	return HV_OK;
}

static enum hv_status assign_spi(struct vm *vm, uint32_t vintid, uint32_t pintid)
{
	struct vgic_bank *b = vm->vgic->spi[vintid / 32];
	uint32_t i = vintid % 32;
	struct vgic_line *l;
	enum hv_status st;

	if (b->hw >> i & 1)
		return HV_ECONFLICT;
	l = pmem_alloc(sizeof(*l), 64);
	*l = (struct vgic_line){ b, i };
	st = irq_register(pintid, vgic_spi_irq, l, IRQ_END_GUEST);
	if (st != HV_OK)
		return st;
	b->pintid[i] = (uint16_t)pintid;
	b->hw |= 1U << i;
	spi_reset(b, i);
	return HV_OK;
}

enum hv_status vgic_assign_line(struct vm *vm, uint32_t vintid, uint32_t pintid)
{
	if (pintid >= 16 && pintid < GIC_SPI_FIRST && vintid == pintid)
		return assign_ppi(vm, pintid);
	if (vintid < GIC_SPI_FIRST || vintid / 32 >= vm->vgic->bank_count ||
	    pintid < GIC_SPI_FIRST || pintid >= GIC_SPI_END)
		return HV_EINVAL;
	return assign_spi(vm, vintid, pintid);
}

/* Physical SPIs that are routed to v follow its being there, with their routes. */
static void sync_spis(struct vgic_locked l, struct vcpu *v)
{
	for (uint32_t n = 1; n < l.v->bank_count; n++) {
		struct vgic_bank *b = bank_of(v, n);

		for_each_bit(i, b->hw) {
			if (line_target(b, i) != v)
				continue;
			if (!cpu_of(v)->online && b->pending >> i & 1)
				line_give_back(b, i);
			line_sync_enable(b, i);
		}
	}
}

/* On its own CPU. */
static void quiesce_ppis(struct vcpu *v)
{
	for_each_bit(i, cpu_of(v)->priv.hw)
		line_quiesce(&cpu_of(v)->priv, i);
}

void vgic_vcpu_reset(struct vcpu *v)
{
	struct vgic_vm *g = v->vm->vgic;
	struct vgic_cpu_state *st = cpu_of(v);

	struct vgic_locked l = vgic_lock(g);

	quiesce_ppis(v);
	cpu_reset(l, v);
	gic_vcpu_reset();
	gic_set_enabled(v->cpu, PPI_MAINTENANCE, true);
	write_once(st->online, true);
	st->ready = ~0U >> (32 - g->bank_count);
	st->evicted = true; /* SPIs that were active here when it went off; looked for once */
	sync_spis(l, v);
	__atomic_store_n(&v->vgic.attention, 1, __ATOMIC_RELAXED);
	vgic_unlock(l);
}

void vgic_vcpu_off(struct vcpu *v)
{
	struct vgic_cpu_state *st = cpu_of(v);
	struct vgic_locked l = vgic_lock(v->vm->vgic);

	write_once(st->online, false);
	lr_fold(v, VGIC_ALL_LRS);
	quiesce_ppis(v);
	sync_spis(l, v);
	st->hcr = 0;
	gic.ops->hcr_write(0);
	vgic_unlock(l);
}

void vgic_quiesce_lines(struct vm *vm)
{
	reset_all(vgic_lock(vm->vgic));
}
