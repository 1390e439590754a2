/*
 * Interrupt lines: the handlers of physical lines that a guest owns, lines of emulated devices,
 * and what ties a virtual line to its physical one. See vgic_priv.h for who holds which state.
 */
#include "vgic_priv.h"

/*
 * The vCPU a line is routed to; NULL where the guest wrote an affinity that nobody has, or no
 * target. Of several (IHI 0048 §3.2.3: one of them) always the lowest.
 */
struct vcpu *line_target(const struct vgic_vm *g, struct vgic_bank *b, uint32_t intid)
{
	uint32_t router = spis_of(b)->router[intid % 32];
	uint32_t aff = gic.version == 3 ? router : router ? (uint32_t)__builtin_ctz(router) : ~0U;

	return aff < g->vm->vcpu_count ? g->vm->vcpu[aff] : NULL;
}

static struct vcpu *target_of(const struct vgic_vm *g, struct vcpu *owner, struct vgic_bank *b,
			      uint32_t intid)
{
	return owner ? owner : line_target(g, b, intid);
}

/* Notes that the line may have something to deliver; returns to whom, NULL while that is off. */
struct vcpu *line_ready(struct vgic_vm *g, struct vcpu *owner, struct vgic_bank *b, uint32_t intid)
{
	struct vcpu *to = target_of(g, owner, b, intid);

	if (!to || !cpu_of(to)->online)
		return NULL;
	cpu_of(to)->ready |= 1U << intid / 32;
	return to;
}

void line_notify(struct vgic_vm *g, const struct vcpu *cur, struct vcpu *owner,
		 struct vgic_bank *b, uint32_t intid)
{
	struct vcpu *to = line_ready(g, owner, b, intid);

	if (to)
		vgic_attend(cur, to);
}

/* Physical CPU of a private line; no matter for SPIs. */
unsigned line_cpu(const struct vcpu *owner)
{
	return owner ? owner->cpu : 0;
}

/*
 * A HW-linked line that EL2 acknowledged and cannot deliver goes back to where it came from. A
 * level is pending there by itself.
 */
void line_give_back(const struct vcpu *owner, struct vgic_bank *b, uint32_t intid)
{
	uint32_t p = line_pintid(b, intid);

	b->pending &= ~(1U << intid % 32);
	if (b->edge >> intid % 32 & 1)
		gic.ops->set_pending(line_cpu(owner), p, true);
	gic.ops->set_active(line_cpu(owner), p, false);
}

/* Physically enabled: exactly while the guest enabled it and somebody is there to take it. */
void line_sync_enable(const struct vgic_vm *g, const struct vcpu *owner, struct vgic_bank *b,
		      uint32_t intid)
{
	const struct vcpu *to = owner ? owner : line_target(g, b, intid);
	bool on = (b->enabled >> intid % 32 & 1) && to && cpu_of(to)->online;

	gic.ops->set_enabled(line_cpu(owner), line_pintid(b, intid), on);
}

/* With its physical line. A pending one goes on to its new target. */
void line_route(struct vgic_vm *g, struct vcpu *cur, struct vgic_bank *b, uint32_t intid,
		uint32_t router)
{
	uint32_t i = intid % 32, bit = 1U << i;
	struct vcpu *to;

	if (spis_of(b)->router[i] == router)
		return;
	spis_of(b)->router[i] = router;
	to = line_target(g, b, intid);
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

void line_quiesce(const struct vcpu *owner, struct vgic_bank *b, uint32_t intid)
{
	uint32_t p = line_pintid(b, intid);

	gic.ops->set_enabled(line_cpu(owner), p, false);
	gic.ops->set_pending(line_cpu(owner), p, false);
	gic.ops->set_active(line_cpu(owner), p, false);
}

/* PPIs have one handler for all guests: whose it is says the CPU. */
void vgic_ppi_irq(void *arg, uint32_t intid, struct vcpu *cur)
{
	(void)arg;
	if (!cur) /* stays active, so it is silent until vgic_vcpu_reset */
		return;

	struct vgic_vm *g = cur->vm->vgic;
	struct vgic_bank *b = &cpu_of(cur)->priv;

	vgic_lock(g);
	if (b->enabled >> intid & 1)
		lr_inject(cur, b, intid);
	else
		line_give_back(cur, b, intid);
	vgic_unlock(g, cur);
}

/*
 * On another CPU than the target's, or disabled: the guest changed it while the interrupt was on
 * its way. Physical routing and enabling are changed already, so given back it comes rightly.
 */
void vgic_spi_irq(void *arg, uint32_t pintid, struct vcpu *cur)
{
	const struct vgic_line *l = arg;
	struct vgic_vm *g = l->vm->vgic;
	struct vgic_bank *b = &g->spis[l->vintid / 32 - 1].bank;

	(void)pintid;
	vgic_lock(g);
	if ((b->enabled >> l->vintid % 32 & 1) && cur && cur == line_target(g, b, l->vintid) &&
	    cpu_of(cur)->online) {
		lr_inject(cur, b, l->vintid);
	} else {
		line_sync_enable(g, NULL, b, l->vintid);
		line_give_back(NULL, b, l->vintid);
	}
	vgic_unlock(g, cur);
}

/*
 * A line in a list register is read back at each change: refilling delivers it with the level as
 * it is now, and asks for an exit at its end (LR_EOI) only while the level is high.
 */
void vgic_set_level(struct vm *vm, struct vcpu *cur, uint32_t vintid, bool level)
{
	struct vgic_vm *g = vm->vgic;
	uint32_t bit = 1U << vintid % 32;
	struct vgic_bank *b;

	if (vintid < GIC_SPI_FIRST || vintid / 32 >= g->bank_count)
		return;
	if (cur && cur->vm != vm)
		cur = NULL;
	b = &g->spis[vintid / 32 - 1].bank;
	vgic_lock(g);
	if (!(b->hw & bit) && !!(b->level & bit) != level) {
		b->level ^= bit;
		if (level && b->edge & bit)
			b->pending |= bit;
		if (b->resident & bit)
			lr_recall(g, cur, b, vintid % 32, level ? 0 : DROP_PENDING);
		else if (level)
			line_notify(g, cur, NULL, b, vintid);
	}
	vgic_unlock(g, cur);
}
