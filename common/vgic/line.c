/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Interrupt lines: the handlers of physical lines that a guest owns, lines of emulated devices,
 * and what ties a virtual line to its physical one. See vgic_priv.h for who holds which state.
 */
#include "vgic_priv.h"

/*
 * The vCPU a line is routed to; NULL where the guest wrote an affinity that nobody has, or no
 * target. Of several (IHI 0048 §3.2.3: one of them) always the lowest.
 */
struct vcpu *line_target(const struct vgic_bank *b, uint32_t i)
{
	const struct vm *vm = b->vgic->vm;
	uint32_t index = b->router[i];

	if (b->owner)
		return b->owner;
	if (gic.version == 2)
		index = index ? (uint32_t)__builtin_ctz(index) : ~0U; /* a mask of targets */
	else
		index = vcpu_index_of(index);
	return index < vm->vcpu_count ? vm->vcpu[index_nospec(index, vm->vcpu_count)] : NULL;
}

/* Notes that the line may have something to deliver; returns to whom, NULL while that is off. */
struct vcpu *line_ready(const struct vgic_bank *b, uint32_t i)
{
	struct vcpu *to = line_target(b, i);

	if (!to || !cpu_of(to)->online)
		return NULL;
	cpu_of(to)->ready |= 1U << b->first / 32;
	return to;
}

void line_notify(const struct vcpu *cur, const struct vgic_bank *b, uint32_t i)
{
	vgic_attend(cur, line_ready(b, i));
}

void line_hw(void (*op)(unsigned cpu, uint32_t intid, bool on), const struct vgic_bank *b,
	     uint32_t i, bool on)
{
	op(bank_cpu(b), b->pintid[i], on);
}

/*
 * A HW-linked line that EL2 acknowledged and cannot deliver goes back to where it came from. A
 * level is pending there by itself.
 */
void line_give_back(struct vgic_bank *b, uint32_t i)
{
	b->pending &= ~(1U << i);
	if (b->edge >> i & 1)
		line_hw(gic_set_pending, b, i, true);
	line_hw(gic_set_active, b, i, false);
}

/* Physically enabled: exactly while the guest enabled it and somebody is there to take it. */
void line_sync_enable(const struct vgic_bank *b, uint32_t i)
{
	const struct vcpu *to = line_target(b, i);

	line_hw(gic_set_enabled, b, i, b->enabled >> i & 1 && to && cpu_of(to)->online);
}

/* With its physical line. A pending one goes on to its new target. */
void line_route(struct vcpu *cur, struct vgic_bank *b, uint32_t i, uint32_t router)
{
	uint32_t bit = 1U << i;
	struct vcpu *to;

	if (b->router[i] == router)
		return;
	b->router[i] = router;
	to = line_target(b, i);
	if (b->hw & bit) {
		if (to)
			gic_route(b->pintid[i], to->cpu);
		line_sync_enable(b, i);
		if (b->pending & bit)
			line_give_back(b, i);
	}
	if (b->resident & bit)
		lr_recall(cur, b, i);
	line_notify(cur, b, i);
}

void line_quiesce(const struct vgic_bank *b, uint32_t i)
{
	line_hw(gic_set_enabled, b, i, false);
	line_hw(gic_set_pending, b, i, false);
	line_hw(gic_set_active, b, i, false);
}

/* PPIs have one handler for all guests: whose it is says the CPU. */
void vgic_ppi_irq(void *, uint32_t intid, struct vcpu *cur)
{
	if (!cur) /* stays active, so it is silent until vgic_vcpu_reset */
		return;

	struct vgic_bank *b = &cpu_of(cur)->priv;
	struct vgic_locked l = vgic_lock(cur->vm->vgic);

	if (b->enabled >> intid & 1)
		lr_inject(cur, b, intid);
	else
		line_give_back(b, intid);
	vgic_unlock(l);
}

/*
 * On another CPU than the target's, or disabled: the guest changed it while the interrupt was on
 * its way. Physical routing and enabling are changed already, so given back it comes rightly.
 */
void vgic_spi_irq(void *arg, uint32_t, struct vcpu *cur)
{
	const struct vgic_line *line = arg;
	struct vgic_bank *b = line->bank;
	uint32_t i = line->i;
	struct vgic_locked l = vgic_lock(b->vgic);

	if (b->enabled >> i & 1 && cur && cur == line_target(b, i) && cpu_of(cur)->online) {
		lr_inject(cur, b, i);
	} else {
		line_sync_enable(b, i);
		line_give_back(b, i);
	}
	vgic_unlock(l);
}

/*
 * A line in a list register is read back at each change: refilling delivers it with the level as
 * it is now, and asks for an exit at its end (LR_EOI) only while the level is high.
 */
void vgic_set_level(struct vm *vm, struct vcpu *cur, uint32_t vintid, bool level)
{
	struct vgic_vm *g = vm->vgic;
	uint32_t i = vintid % 32, bit = 1U << i;
	struct vgic_locked l;
	struct vgic_bank *b;

	if (vintid < GIC_SPI_FIRST || vintid / 32 >= g->bank_count)
		return;
	b = spi_bank(g, vintid / 32);
	/* Nobody but its device changes the level of a line. */
	if (b->hw & bit || !!(read_once(b->level) & bit) == level)
		return;
	l = vgic_lock(g);
	write_once(b->level, b->level ^ bit);
	if (level && b->edge & bit)
		b->pending |= bit;
	if (b->resident & bit)
		lr_recall(cur, b, i);
	else if (level)
		line_notify(cur, b, i);
	vgic_unlock(l);
}
