/*
 * The virtual distributor: one security state (GICD_CTLR.DS=1), affinity routing always on, no
 * SPIs by message, no 1-of-N (IHI 0069 §12.9). The registers of single lines are in regs.c.
 */
#include "vgic_priv.h"

static uint32_t typer(const struct vgic_vm *g)
{
	uint32_t v = (uint32_t)GICD_TYPER_NO1N | (g->bank_count - 1U);

	/* 16 bits of INTID with LPIs, 10 without. */
	return v | (g->lpis ? (uint32_t)(GICD_TYPER_LPIS | FIELD(GICD_TYPER_IDBITS, 15)) :
			      (uint32_t)FIELD(GICD_TYPER_IDBITS, 9));
}

/* A group that was switched off leaves the list registers; one that was switched on may have
 * something for everybody. */
void dist_set_ctlr(struct vcpu *cur, uint32_t value)
{
	struct vgic_vm *g = cur->vm->vgic;

	spin_lock(&g->lock);
	uint32_t off = g->ctlr & ~value, moved = g->ctlr ^ value;

	g->ctlr = value;
	for (unsigned i = 0; moved && i < g->vm->vcpu_count; i++) {
		struct vcpu *v = g->vm->vcpu[i];
		struct vgic_cpu_state *st = cpu_of(v);

		if (!st->online)
			continue;
		st->ready = ~0U >> (32 - g->bank_count);
		if (off && v == cur)
			lr_fold(cur, st->used);
		else if (off)
			st->fold |= st->used;
		vgic_attend(cur, v);
	}
	spin_unlock(&g->lock);
}

/* Aff3 is always 0 (GICD_TYPER.A3V), and so is IRM (No1N): only the low word is stored. */
static uint32_t *router_of(const struct vgic_vm *g, const struct mmio_access *a)
{
	uint32_t intid = (uint32_t)(a->off - GICD_IROUTER) / 8;

	if (a->off < GICD_IROUTER || a->size < 4 || intid < GIC_SPI_FIRST ||
	    intid / 32 >= g->bank_count)
		return NULL;
	return &g->spis[intid / 32 - 1].router[intid % 32];
}

static void dist_write(struct vcpu *cur, const struct mmio_access *a)
{
	struct vgic_vm *g = cur->vm->vgic;
	const uint32_t *router = router_of(g, a);

	if (router) {
		uint32_t intid = (uint32_t)(a->off - GICD_IROUTER) / 8;

		spin_lock(&g->lock);
		line_route(cur, &g->spis[intid / 32 - 1], intid % 32,
			   (uint32_t)(part_put(*router, a) & BITS(23, 0)));
		spin_unlock(&g->lock);
	} else if (a->off == GICD_CTLR && a->size == 4) {
		dist_set_ctlr(cur, (uint32_t)a->value & (GICD_CTLR_G0 | GICD_CTLR_G1));
	}
}

static uint64_t dist_read(const struct vgic_vm *g, const struct mmio_access *a)
{
	const uint32_t *router = router_of(g, a);

	if (router)
		return part_get(*router, a);
	if (a->size != 4)
		return 0;
	switch (a->off) {
	case GICD_CTLR:
		return g->ctlr | GICD_CTLR_ARE | GICD_CTLR_DS;
	case GICD_TYPER:
		return typer(g);
	case GICD_IIDR:
		return VGIC_IIDR;
	case GICD_PIDR2:
		return VGIC_PIDR2;
	}
	return 0;
}

/* Apart, so that the registers of lines, which are read more often, need no frame here. */
static __attribute__((noinline)) enum emul dist_other(struct vcpu *vcpu, struct mmio_access *a)
{
	if (a->write)
		dist_write(vcpu, a);
	else
		a->value = dist_read(vcpu->vm->vgic, a);
	return EMUL_OK;
}

enum emul vgic_dist_access(struct vcpu *vcpu, void *, struct mmio_access *a)
{
	if (!a->write)
		a->value = 0;
	if (a->off - GICD_IGROUPR < 0x1000 - GICD_IGROUPR)
		return vgic_lines_access(vcpu, NULL, (uint32_t)a->off, a);
	return dist_other(vcpu, a);
}
