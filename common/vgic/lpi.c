/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where each virtual LPI is. lpi->place is the one value that says so, and lpi_move() the one
 * function that writes it, together with what refers back: the queue of a vCPU, or the entry of its
 * list register. LPIs have no active state (IHI 0069 §5.1).
 *
 *   NOWHERE        not pending; or pending, and disabled: then lpi->pending is all there is of it
 *   QUEUED(n, q)   pending, enabled, for vCPU n: in its queue of priority q, until a list
 *                  register is free
 *   LISTED(n, k)   in list register k of vCPU n, pending or taken already: only n's CPU can tell.
 *                  It stays there whatever the guest changes, until that CPU reads k back;
 *                  `pending` says that it was signalled again since.
 *
 *   vgic_check() proves all of it.
 *
 *   event                 NOWHERE             QUEUED(n, q)         LISTED(n, k)
 *   signalled (pend)      settle              stays                pending; read k back
 *   CLEAR, DISCARD, ...   NOWHERE, not pend.  NOWHERE, not pend.   NOWHERE, not pend.; read k back
 *   INV, MOVI, MOVALL     settle              settle               read k back
 *   a list register       -                   LISTED(n, k)         -
 *     took it
 *   read back, or         -                   -                    settle, pending if k was; or
 *     k is used again                                              again LISTED(n, k) if it may
 *   the guest stops       NOWHERE, not pend.  NOWHERE, not pend.   NOWHERE, not pend.
 *
 *   settle: not pending, or disabled: NOWHERE. The target's LPIs are off: NOWHERE, and not pending
 *   any more. Else QUEUED(target, its priority).
 *   A vCPU that goes off reads back all its list registers; what is queued for it waits.
 *
 * The virtual ITS calls this, with its own lock held: that one is always the outer.
 */
#include "vgic_priv.h"

static struct vgic_cpu_state *cpu_at(struct vgic_locked l, unsigned vcpu)
{
	return cpu_of(l.v->vm->vcpu[vcpu]);
}

/* A circular list, found by its last element. */
static void push(struct vgic_cpu_state *st, unsigned queue, struct vlpi *lpi)
{
	struct vlpi *last = st->lpi_last[queue];

	lpi->prev = last ? last : lpi;
	lpi->next = last ? last->next : lpi;
	lpi->prev->next = lpi->next->prev = lpi;
	st->lpi_last[queue] = lpi;
	st->lpi_ready |= 1U << queue;
}

static void unlink(struct vgic_cpu_state *st, unsigned queue, struct vlpi *lpi)
{
	lpi->prev->next = lpi->next;
	lpi->next->prev = lpi->prev;
	if (lpi->next == lpi) {
		st->lpi_last[queue] = NULL;
		st->lpi_ready &= ~(1U << queue);
	} else if (st->lpi_last[queue] == lpi) {
		st->lpi_last[queue] = lpi->prev;
	}
}

/* The only writer of lpi->place and of what refers back to it. */
static void lpi_move(struct vgic_locked l, struct vlpi *lpi, struct vlpi_place to)
{
	struct vlpi_place from = lpi->place;

	if (from.where == VLPI_QUEUED)
		unlink(cpu_at(l, from.vcpu), from.slot, lpi);
	else if (from.where == VLPI_LISTED)
		cpu_at(l, from.vcpu)->lr_lpi[from.slot] = NULL;
	lpi->place = to;
	if (to.where == VLPI_QUEUED)
		push(cpu_at(l, to.vcpu), to.slot, lpi);
	else if (to.where == VLPI_LISTED)
		cpu_at(l, to.vcpu)->lr_lpi[to.slot] = lpi;
}

static const struct vlpi_place nowhere = { .where = VLPI_NOWHERE };

/* For one that is in no list register. Returns the vCPU in whose queue it is now; NULL: in none. */
static struct vcpu *lpi_settle(struct vgic_locked l, struct vlpi *lpi)
{
	struct vcpu *to = l.v->vm->vcpu[lpi->is.vcpu];

	if (!cpu_of(to)->lpis_on) /* lost, IHI 0069 §5.1 */
		lpi->pending = false;
	if (!lpi->pending || !lpi->is.enabled) {
		lpi_move(l, lpi, nowhere);
		return NULL;
	}
	lpi_move(l, lpi, (struct vlpi_place){ VLPI_QUEUED, lpi->is.prio / 8, to->index });
	return to;
}

/* The list register that has it is read back by its CPU. */
static void lpi_read_back(struct vgic_locked l, struct vcpu *cur, const struct vlpi *lpi)
{
	lr_request(cur, l.v->vm->vcpu[lpi->place.vcpu], lpi->place.slot);
}

static void lpi_drop(struct vgic_locked l, struct vcpu *cur, struct vlpi *lpi)
{
	if (lpi->place.where == VLPI_LISTED)
		lpi_read_back(l, cur, lpi);
	lpi->pending = false;
	lpi_move(l, lpi, nowhere);
}

/* Its target, priority or enable bit changed, or it became pending: it goes where it belongs. */
static void lpi_follow(struct vgic_locked l, struct vcpu *cur, struct vlpi *lpi)
{
	if (lpi->place.where == VLPI_LISTED)
		lpi_read_back(l, cur, lpi);
	else
		vgic_attend(cur, lpi_settle(l, lpi));
}

struct vlpi *lpi_first(const struct vgic_cpu_state *st, unsigned queue)
{
	return st->lpi_last[queue]->next;
}

void lpi_listed(struct vgic_locked l, struct vcpu *v, unsigned n, struct vlpi *lpi)
{
	struct vlpi *other = cpu_of(v)->lr_lpi[n];

	if (other) /* another event with this vINTID */
		vgic_attend(v, lpi_unlisted(l, v, n, 0));
	lpi->pending = false;
	lpi_move(l, lpi, (struct vlpi_place){ VLPI_LISTED, (uint8_t)n, v->index });
}

struct vcpu *lpi_unlisted(struct vgic_locked l, struct vcpu *v, unsigned n, uint64_t lr)
{
	struct vlpi *lpi = cpu_of(v)->lr_lpi[n];

	lpi->pending |= (lr & LR_PENDING) != 0;
	return lpi_settle(l, lpi);
}

struct vlpi *lpi_listed_again(struct vgic_locked l, const struct vcpu *v, unsigned n)
{
	struct vlpi *lpi = cpu_of(v)->lr_lpi[n];

	if (!lpi || !lpi->pending || !lpi->is.enabled || lpi->is.vcpu != v->index ||
	    !(l.v->ctlr & GICD_CTLR_G1))
		return NULL;
	lpi->pending = false;
	return lpi;
}

void lpi_unlist_all(struct vgic_locked l, struct vcpu *v)
{
	for (unsigned n = 0; n < gic.lr_count; n++)
		if (cpu_of(v)->lr_lpi[n])
			lpi_unlisted(l, v, n, 0);
}

void lpi_drop_all(struct vgic_locked l, struct vcpu *v)
{
	struct vgic_cpu_state *st = cpu_of(v);

	while (st->lpi_ready)
		lpi_drop(l, NULL, lpi_first(st, (unsigned)__builtin_ctz(st->lpi_ready)));
}

bool vgic_lpi_pend(struct vm *vm, struct vcpu *cur, struct vlpi *lpi)
{
	struct vgic_locked l = vgic_lock(vm->vgic);
	bool news = lpi->is.vintid && !lpi->pending;

	if (news) {
		lpi->pending = true;
		lpi_follow(l, cur, lpi);
		news = lpi->pending; /* else it was lost */
	}
	vgic_unlock(l);
	return news;
}

void vgic_lpi_clear(struct vm *vm, struct vcpu *cur, struct vlpi *lpi)
{
	struct vgic_locked l = vgic_lock(vm->vgic);

	lpi_drop(l, cur, lpi);
	vgic_unlock(l);
}

static bool same(const struct vlpi_is *a, const struct vlpi_is *b)
{
	return a->vintid == b->vintid && a->vcpu == b->vcpu && a->prio == b->prio &&
	       a->enabled == b->enabled;
}

void vgic_lpi_set(struct vm *vm, struct vcpu *cur, struct vlpi *lpi, struct vlpi_is is)
{
	struct vgic_locked l;

	if (same(&lpi->is, &is))
		return;
	l = vgic_lock(vm->vgic);
	if (lpi->is.vintid != is.vintid)
		lpi_drop(l, cur, lpi);
	lpi->is = is;
	if (lpi->is.vintid)
		lpi_follow(l, cur, lpi);
	vgic_unlock(l);
}
