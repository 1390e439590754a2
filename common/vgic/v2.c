/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The virtual GICv2 (IHI 0048) where it differs: one distributor with banks of SGIs and PPIs, SGIs
 * by GICD_SGIR that are told apart by their sender, one group (GICD_IGROUPR is zero, as without the
 * Security Extensions). The registers of lines are in regs.c.
 *
 * The guest's CPU interface is GICV itself, but for GICC_DIR. A deactivation may come from another
 * vCPU than the acknowledge, or for an interrupt that had to leave its list register; hardware says
 * no more of those than that there was one, and GICv2 has no trap like ICH_HCR_EL2.TDIR. GICC_DIR
 * is alone in the second page, so that page is not mapped: guests with EOImode 1 take an exit for
 * each deactivation, which is exact, and guests with EOImode 0 never notice.
 */
#include "vgic_priv.h"

static void v2_sgi_send(struct vgic_locked, struct vcpu *cur, struct vcpu *to, uint32_t sgi,
			uint32_t sources)
{
	struct vgic_bank *b = &cpu_of(to)->priv;

	if (!sources || !cpu_of(to)->online)
		return;
	cpu_of(to)->sgi_source[sgi] |= (uint8_t)sources;
	b->pending |= 1U << sgi;
	line_notify(cur, b, sgi);
}

static void set_sgir(struct vcpu *cur, uint32_t value)
{
	struct vgic_locked l;
	uint32_t all = (1U << cur->vm->vcpu_count) - 1, self = 1U << cur->index;
	const uint32_t targets[] = { (uint32_t)field_get(SGIR_TARGETS, value) & all, all & ~self,
				     self, 0 };

	l = vgic_lock(cur->vm->vgic);
	for_each_bit(i, targets[field_get(SGIR_FILTER, value)])
		v2_sgi_send(l, cur, l.v->vm->vcpu[i], (uint32_t)field_get(SGIR_ID, value), self);
	vgic_unlock(l);
}

/* One byte of GICD_CPENDSGIR or GICD_SPENDSGIR. What is in a list register comes back first. */
static uint32_t sgi_byte(struct vgic_locked l, struct vcpu *cur, uint32_t sgi, bool write, bool set,
			 uint32_t value)
{
	struct vgic_cpu_state *st = cpu_of(cur);
	uint32_t all = (1U << cur->vm->vcpu_count) - 1;

	if (st->priv.resident >> sgi & 1)
		lr_recall(cur, &st->priv, sgi);
	lr_fold(cur, st->fold);
	if (write && set)
		v2_sgi_send(l, cur, cur, sgi, value & all);
	else if (write)
		st->sgi_source[sgi] &= (uint8_t)~value;
	if (!st->sgi_source[sgi])
		st->priv.pending &= ~(1U << sgi);
	return st->sgi_source[sgi];
}

static void access_sgis(struct vcpu *cur, struct mmio_access *a)
{
	struct vgic_locked l = vgic_lock(cur->vm->vgic);
	uint64_t out = 0;

	for (uint32_t i = 0; i < a->size; i++)
		out |= (uint64_t)sgi_byte(l, cur, (a->off + i) % GIC_SGI_COUNT, a->write,
					  a->off >= GICD_SPENDSGIR, a->value >> 8 * i & 0xff)
		       << 8 * i;
	vgic_unlock(l);
	a->value = out;
}

__cold enum emul vgic_v2_sgis(struct vcpu *vcpu, struct mmio_access *a)
{
	if (a->off >= GICD_CPENDSGIR && (a->size == 1 || a->size == 4))
		access_sgis(vcpu, a);
	else if (a->off == GICD_SGIR && a->size == 4 && a->write)
		set_sgir(vcpu, (uint32_t)a->value);
	return EMUL_OK;
}

enum emul vgic_v2_dir_access(struct vcpu *vcpu, void *, struct mmio_access *a)
{
	return a->write && a->off == 0 && a->size == 4 ? vgic_dir(vcpu, a->value) : EMUL_OK;
}
