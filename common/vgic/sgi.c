/*
 * What traps from the CPU interface: ICC_SGI1R_EL1 always, ICC_DIR_EL1 while EL2 asks for it. The
 * rest of the CPU interface is the hardware's.
 */
#include "vgic_priv.h"

static uint32_t targets(const struct vcpu *cur, uint64_t value)
{
	uint32_t all = (1U << cur->vm->vcpu_count) - 1;

	if (value & SGI1R_IRM)
		return all & ~(1U << cur->index);
	/* vCPU n has affinity 0.0.0.n */
	if (value & (SGI1R_AFF3 | SGI1R_AFF2 | SGI1R_AFF1 | SGI1R_RS))
		return 0;
	return all & (uint32_t)(value & SGI1R_TARGETS);
}

/* Hot, and without a lock. */
void vgic_sgi1r(struct vcpu *cur, uint64_t value)
{
	uint32_t sgi = 1U << field_get(SGI1R_INTID, value);

	for_each_bit(i, targets(cur, value)) {
		struct vcpu *to = cur->vm->vcpu[i];

		if (!__atomic_load_n(&cpu_of(to)->online, __ATOMIC_RELAXED))
			continue;
		__atomic_fetch_or(&cpu_of(to)->sgi_pending, sgi, __ATOMIC_RELAXED);
		vgic_attend(cur, to);
	}
}

static void deactivate(struct vcpu *cur, struct vgic_bank *b, uint32_t i)
{
	uint32_t bit = 1U << i;

	if (b->resident & bit)
		lr_recall(cur, b, i, DROP_ACTIVE);
	if (!(b->active & bit))
		return;
	b->active &= ~bit;
	if (b->hw & bit)
		line_hw(gic_set_active, b, i, false);
	line_notify(cur, b, i);
}

/* IHI 0069 §12.2.10: no effect with EOImode 0, on special INTIDs and on LPIs. */
void vgic_dir(struct vcpu *cur, uint64_t value)
{
	struct vgic_vm *g = cur->vm->vgic;
	uint32_t intid = (uint32_t)value & (gic.version == 2 ? (uint32_t)IAR_INTID : 0xffffff);

	if (intid / 32 >= g->bank_count || !(gic.ops->vmcr_read() & ICH_VMCR_VEOIM))
		return;
	spin_lock(&g->lock);
	deactivate(cur, bank_of(cur, intid / 32), intid % 32);
	spin_unlock(&g->lock);
}
