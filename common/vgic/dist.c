/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The virtual distributor but for the registers of single lines (regs.c) and SGIs (v2.c). GICv3:
 * one security state (GICD_CTLR.DS=1), affinity routing always on, no SPIs by message, no 1-of-N
 * (IHI 0069 §12.9). GICv2: IHI 0048 §4.3.
 */
#include "vgic_priv.h"

static uint64_t gicd_typer(const struct vgic_vm *g)
{
	uint64_t lines = g->bank_count - 1U;

	if (gic.version == 2)
		return lines | (g->vm->vcpu_count - 1U) * FIELD_LSB(GICD_TYPER_CPUS);
	/* 16 bits of INTID with LPIs, 10 without. */
	return lines | GICD_TYPER_NO1N |
	       (g->lpis ? GICD_TYPER_LPIS | FIELD(GICD_TYPER_IDBITS, 15) :
			  FIELD(GICD_TYPER_IDBITS, 9));
}

/* A group that was switched off leaves the list registers; one that was switched on may have
 * something for everybody. */
static __cold enum emul gicd_set_ctlr(struct vcpu *cur, uint32_t value)
{
	struct vgic_locked l = vgic_lock(cur->vm->vgic);
	struct vgic_vm *g = l.v;
	uint32_t off = g->ctlr & ~value, moved = g->ctlr ^ value;

	write_once(g->ctlr, value);
	for (unsigned i = 0; moved && i < g->vm->vcpu_count; i++) {
		struct vcpu *v = g->vm->vcpu[i];
		struct vgic_cpu_state *st = cpu_of(v);

		if (!st->online)
			continue;
		st->ready = ~0U >> (32 - g->bank_count);
		if (off)
			st->fold |= (uint16_t)VGIC_ALL_LRS;
		vgic_attend(cur, v);
	}
	vgic_unlock(l);
	return EMUL_OK;
}

static uint64_t read_other(const struct vgic_vm *g, uint64_t off)
{
	bool v2 = gic.version == 2;

	switch (off) {
	case GICD_CTLR:
		return read_once(g->ctlr) | (v2 ? 0 : GICD_CTLR_ARE | GICD_CTLR_DS);
	case GICD_TYPER:
		return gicd_typer(g);
	case GICD_IIDR:
		return VGIC_IIDR;
	}
	if (off == (v2 ? GICD_ICPIDR2 : GICD_PIDR2))
		return VGIC_PIDR2;
	return 0;
}

/* Apart, so that the registers of lines, which are read more often, need no frame. */
__attribute__((noinline)) enum emul vgic_dist_other(struct vcpu *vcpu, struct mmio_access *a)
{
	bool v2 = gic.version == 2;

	if (v2 && a->off >= GICD_SGIR && a->off < GICD_SPENDSGIR + GIC_SGI_COUNT)
		return vgic_v2_sgis(vcpu, a);
	if (a->size != 4)
		return EMUL_OK;
	if (a->write && a->off == GICD_CTLR)
		return gicd_set_ctlr(vcpu, (uint32_t)a->value &
						   (uint32_t)(v2 ? GICD_CTLR_V2_ON :
								   GICD_CTLR_G0 | GICD_CTLR_G1));
	if (!a->write)
		a->value = read_other(vcpu->vm->vgic, a->off);
	return EMUL_OK;
}
