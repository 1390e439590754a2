/*
 * The virtual distributor: one security state (GICD_CTLR.DS=1), affinity routing always on, no
 * SPIs by message, no 1-of-N (IHI 0069 §12.9). The registers of single lines are in regs.c.
 */
#include "vgic_priv.h"

#define VGIC_IIDR  0x56000000U /* product 'V'; we have no JEP106 code */
#define VGIC_PIDR2 0x3bU

static uint32_t typer(const struct vgic_vm *g)
{
	uint32_t v = (uint32_t)GICD_TYPER_NO1N | (g->bank_count - 1U);

	/* 16 bits of INTID with LPIs, 10 without. */
	return v | (g->lpis ? (uint32_t)(GICD_TYPER_LPIS | FIELD(GICD_TYPER_IDBITS, 15)) :
			      (uint32_t)FIELD(GICD_TYPER_IDBITS, 9));
}

/* A group that was switched off leaves the list registers; one that was switched on may have
 * something for everybody. */
static void set_ctlr(struct vcpu *cur, uint32_t value)
{
	struct vgic_vm *g = cur->vm->vgic;

	value &= GICD_CTLR_G0 | GICD_CTLR_G1;
	vgic_lock(g);
	uint32_t off = g->ctlr & ~value, moved = g->ctlr ^ value;

	g->ctlr = value;
	for (unsigned i = 0; moved && i < g->vm->vcpu_count; i++) {
		struct vcpu *v = g->vm->vcpu[i];
		struct vgic_cpu_state *st = cpu_of(v);

		if (!st->online)
			continue;
		st->ready = ~0U >> (32 - g->bank_count);
		if (off && v == cur)
			lr_fold_all(cur);
		else if (off)
			st->fold |= st->used;
		vgic_attend(cur, v);
	}
	vgic_unlock(g, cur);
}

static void set_router(struct vcpu *cur, struct vgic_bank *b, uint32_t intid, uint32_t router)
{
	struct vgic_vm *g = cur->vm->vgic;
	uint32_t i = intid % 32, bit = 1U << i;

	vgic_lock(g);
	if (spis_of(b)->router[i] != router) {
		spis_of(b)->router[i] = router;
		struct vcpu *to = line_target(g, b, intid);

		if (b->hw & bit) {
			if (to)
				gic.ops->route(line_pintid(b, intid), to->cpu);
			line_sync_enable(g, NULL, b, intid);
			if (b->pending & bit)
				line_give_back(NULL, b, intid);
		}
		if (b->resident & bit)
			lr_recall(g, cur, b, i, 0);
		line_notify(g, cur, NULL, b, intid);
	}
	vgic_unlock(g, cur);
}

/* Aff3 is always 0 (GICD_TYPER.A3V), and so is IRM (No1N): only the low word is stored. */
static void router_access(struct vcpu *cur, struct mmio_access *a)
{
	struct vgic_vm *g = cur->vm->vgic;
	uint32_t intid = (uint32_t)(a->off - GICD_IROUTER) / 8;
	struct vgic_bank *b;

	if (a->size < 4 || intid < GIC_SPI_FIRST || intid / 32 >= g->bank_count)
		return;
	b = &g->spis[intid / 32 - 1].bank;
	uint64_t old = spis_of(b)->router[intid % 32];

	if (a->write)
		set_router(cur, b, intid, (uint32_t)(part_put(old, a) & BITS(23, 0)));
	else
		a->value = part_get(old, a);
}

enum emul vgic_dist_access(struct vcpu *vcpu, void *arg, struct mmio_access *a)
{
	uint32_t off = (uint32_t)a->off;
	enum emul verdict = EMUL_OK;

	(void)arg;
	if (!a->write)
		a->value = 0;
	if (off < 0x1000 && off >= GICD_IGROUPR)
		vgic_lines_access(vcpu, NULL, off, a, &verdict);
	else if (off >= GICD_IROUTER && off < GICD_IROUTER + 8 * GIC_SPECIAL_END)
		router_access(vcpu, a);
	else if (a->size != 4)
		return EMUL_OK;
	else if (a->write && off == GICD_CTLR)
		set_ctlr(vcpu, (uint32_t)a->value);
	else if (a->write)
		return EMUL_OK;
	else if (off == GICD_CTLR)
		a->value = vcpu->vm->vgic->ctlr | GICD_CTLR_ARE | GICD_CTLR_DS;
	else if (off == GICD_TYPER)
		a->value = typer(vcpu->vm->vgic);
	else if (off == GICD_IIDR)
		a->value = VGIC_IIDR;
	else if (off == GICD_PIDR2)
		a->value = VGIC_PIDR2;
	return verdict;
}
