/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Virtual LPIs that wait for a list register: one first-in first-out queue a priority and vCPU,
 * linked both ways through the LPIs themselves, so that any number can be pending and each leaves
 * in constant time. An LPI in a list register is in no queue and not `pending`. LPIs have no active
 * state (IHI 0069 §5.1).
 *
 * The virtual ITS calls this, with its own lock held: that one is always the outer.
 */
#include "vgic_priv.h"

static void push(struct vgic_cpu_state *st, struct vlpi *lpi)
{
	unsigned q = lpi->prio / 8;
	struct vlpi *last = st->lpi_last[q];

	lpi->prev = last ? last : lpi;
	lpi->next = last ? last->next : lpi;
	lpi->prev->next = lpi->next->prev = lpi;
	st->lpi_last[q] = lpi;
	st->lpi_ready |= 1U << q;
	lpi->queued = (uint8_t)(q + 1);
}

void lpi_dequeue(struct vgic_cpu_state *st, struct vlpi *lpi)
{
	unsigned q = lpi->queued - 1U;

	lpi->prev->next = lpi->next;
	lpi->next->prev = lpi->prev;
	if (lpi->next == lpi) {
		st->lpi_last[q] = NULL;
		st->lpi_ready &= ~(1U << q);
	} else if (st->lpi_last[q] == lpi) {
		st->lpi_last[q] = lpi->prev;
	}
	lpi->queued = 0;
}

struct vlpi *lpi_first(struct vgic_cpu_state *st, unsigned queue)
{
	return st->lpi_last[queue]->next;
}

void lpi_drop_all(struct vgic_cpu_state *st)
{
	while (st->lpi_ready) {
		struct vlpi *lpi = lpi_first(st, (unsigned)__builtin_ctz(st->lpi_ready));

		lpi->pending = false;
		lpi_dequeue(st, lpi);
	}
}

/* LPIs that arrive while the redistributor has them off are lost, IHI 0069 §5.1. */
struct vcpu *lpi_queue(struct vgic_vm *g, struct vlpi *lpi)
{
	struct vcpu *to = lpi->vcpu < g->vm->vcpu_count ? g->vm->vcpu[lpi->vcpu] : NULL;

	lpi->pending = to && cpu_of(to)->lpis_on;
	if (!lpi->pending || !lpi->enabled)
		return NULL;
	if (!lpi->queued)
		push(cpu_of(to), lpi);
	return to;
}

/* A list register that holds it is read back, so that what is pending there is queued again by
 * the new rules; or forgotten. */
static void recall(struct vgic_vm *g, struct vcpu *cur, uint8_t vcpu, struct vlpi *lpi, bool forget)
{
	struct vcpu *v = vcpu < g->vm->vcpu_count ? g->vm->vcpu[vcpu] : NULL;

	for (unsigned n = 0; v && n < gic.lr_count; n++)
		if (cpu_of(v)->lr_lpi[n] == lpi) {
			if (forget)
				cpu_of(v)->lr_lpi[n] = NULL;
			lr_request(cur, v, n);
		}
}

bool vgic_lpi_pend(struct vm *vm, struct vcpu *cur, struct vlpi *lpi)
{
	struct vgic_vm *g = vm->vgic;
	bool news;

	spin_lock(&g->lock);
	news = lpi->vintid && !lpi->pending;
	if (news)
		vgic_attend(cur, lpi_queue(g, lpi));
	spin_unlock(&g->lock);
	return news;
}

void vgic_lpi_clear(struct vm *vm, struct vlpi *lpi)
{
	struct vgic_vm *g = vm->vgic;

	spin_lock(&g->lock);
	if (lpi->queued)
		lpi_dequeue(cpu_of(vm->vcpu[lpi->vcpu]), lpi);
	else
		recall(g, NULL, lpi->vcpu, lpi, true);
	lpi->pending = false;
	spin_unlock(&g->lock);
}

void vgic_lpi_update(struct vm *vm, struct vcpu *cur, struct vlpi *lpi, uint8_t new_vcpu)
{
	struct vgic_vm *g = vm->vgic;
	uint8_t old;

	spin_lock(&g->lock);
	if (lpi->queued)
		lpi_dequeue(cpu_of(vm->vcpu[lpi->vcpu]), lpi);
	old = lpi->vcpu;
	lpi->vcpu = new_vcpu;
	if (lpi->pending)
		vgic_attend(cur, lpi_queue(g, lpi));
	else
		recall(g, cur, old, lpi, false);
	spin_unlock(&g->lock);
}
