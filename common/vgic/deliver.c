/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What goes into the list registers. Always true when a guest is entered: what can be delivered is
 * in one, or all are full, one of them is pending, and none that is pending there is less urgent
 * than what waits. Then NPIE brings an exit as soon as the guest has taken those. An active
 * interrupt that had to leave ends by EOIcount (LRENPIE) or by the trapped ICC_DIR_EL1 (IHI 0069
 * §12.4.4). vgic_enter() and the maintenance interrupt come here, on the vCPU's own CPU.
 */
#include "vgic_priv.h"

struct candidate {
	struct vgic_bank *bank; /* NULL: an LPI */
	uint32_t i;
	unsigned prio; /* NOTHING: none found */
};

#define NOTHING 256U

/* The most urgent of bank n for v, if it beats *c. */
static void pick_from_bank(struct vcpu *v, uint32_t n, struct candidate *c)
{
	struct vgic_bank *b = bank_of(v, n);
	bool some = false;

	for_each_bit(i, deliverable(b)) {
		if ((n && line_target(b, i) != v) || !grp_enabled(b, i))
			continue;
		if (b->resident >> i & 1 && b->loc[i] >> 4 != v->index) {
			/* Still at its last target, which passes it on. */
			lr_recall(v, b, i);
			continue;
		}
		some = true;
		if (b->prio[i] < c->prio)
			*c = (struct candidate){ b, i, b->prio[i] };
	}
	if (!some)
		cpu_of(v)->ready &= ~(1U << n);
}

static struct candidate pick(struct vcpu *v)
{
	struct vgic_cpu_state *st = cpu_of(v);
	struct candidate c = { .prio = NOTHING };

	for_each_bit(n, st->ready)
		pick_from_bank(v, n, &c);
	if (st->lpi_ready && v->vm->vgic->ctlr & GICD_CTLR_G1) {
		unsigned q = (unsigned)__builtin_ctz(st->lpi_ready);

		if (q * 8 < c.prio)
			c = (struct candidate){ .prio = q * 8 };
	}
	return c;
}

/*
 * All list registers are in use: which one makes room? A pending one that is less urgent. If every
 * one is active (pending behind that or not), the least urgent of those, which ends last. -1:
 * `prio` can wait for NPIE.
 */
static __cold int victim(unsigned prio)
{
	int pending = -1, active = -1;
	uint8_t worst_pending = 0, worst_active = 0;

	for (unsigned n = 0; n < gic.lr_count; n++) {
		uint64_t lr = gic.ops->lr_read(n);
		uint8_t p = (uint8_t)field_get(LR_PRIO, lr);

		if ((lr & LR_STATE) == LR_PENDING) {
			if (p >= worst_pending) {
				pending = (int)n;
				worst_pending = p;
			}
		} else if (p >= worst_active) {
			active = (int)n;
			worst_active = p;
		}
	}
	if (pending < 0)
		return active;
	return worst_pending > prio ? pending : -1;
}

static int find_room(struct vcpu *v, unsigned prio, uint64_t *spare)
{
	int n = *spare ? __builtin_ctzll(*spare) : victim(prio);

	if (n >= 0 && !*spare)
		lr_fold(v, 1U << n);
	return n;
}

/* An SGI of GICv2 whose list register is not empty: again from the same sender is once, and
 * the end brings the next. */
static void wait_turn(struct vgic_cpu_state *st, unsigned n, uint32_t sgi, uint64_t lr)
{
	if (lr & LR_PENDING)
		st->sgi_source[sgi] &= (uint8_t)~(1U << field_get(LR_SOURCE, lr));
	if (st->sgi_source[sgi])
		gic.ops->lr_write(n, lr | LR_EOI);
}

/* Pending again while its list register still describes it. */
static int merge(struct vcpu *v, struct vgic_bank *b, uint32_t i)
{
	unsigned n = b->loc[i] & 15;
	uint64_t lr = gic.ops->lr_read(n);

	if (!(lr & LR_STATE))
		lr_write_line(v, n, b, i, LR_PENDING);
	else if (has_source(b->first + i))
		wait_turn(cpu_of(v), n, i, lr);
	else if (!(lr & LR_PENDING))
		gic.ops->lr_write(n, lr | LR_PENDING);
	return (int)n;
}

static bool place_line(struct vcpu *v, const struct candidate *c, uint64_t *spare)
{
	struct vgic_bank *b = c->bank;
	uint32_t bit = 1U << c->i;
	bool known = b->resident & bit;
	int n = known ? merge(v, b, c->i) : find_room(v, c->prio, spare);

	if (n < 0)
		return false;
	if (!known)
		lr_write_line(v, (unsigned)n, b, c->i, LR_PENDING);
	b->pending &= ~bit;
	*spare &= ~BIT(n);
	if (!deliverable(b))
		cpu_of(v)->ready &= ~(1U << b->first / 32);
	return true;
}

static int lr_of_id(const struct vgic_cpu_state *st, uint32_t id)
{
	for (unsigned n = 0; n < gic.lr_count; n++)
		if (st->lr_id[n] == id)
			return (int)n;
	return -1;
}

static uint64_t lpi_value(const struct vlpi *lpi)
{
	return LR_PENDING | LR_GROUP | field_put(0, LR_PRIO, lpi->is.prio & VGIC_PRIO_MASK) |
	       lpi->is.vintid;
}

/* No two list registers may have one vINTID; two events of the guest may. IHI 0069 §12.4.6 */
static bool place_lpi(struct vgic_locked l, struct vcpu *v, const struct candidate *c,
		      uint64_t *spare)
{
	struct vgic_cpu_state *st = cpu_of(v);
	struct vlpi *lpi = lpi_first(st, c->prio / 8);
	int n = lr_of_id(st, lpi->is.vintid);

	if (n < 0)
		n = find_room(v, c->prio, spare);
	if (n < 0)
		return false;
	lr_take(v, (unsigned)n, lpi->is.vintid);
	lpi_listed(l, v, (unsigned)n, lpi);
	st->fold &= (uint16_t)~(1U << n);
	gic.ops->lr_write((unsigned)n, lpi_value(lpi));
	*spare &= ~BIT(n);
	return true;
}

/* Active lines of bank b that end on v, without a list register. */
static uint32_t left_out(const struct vcpu *v, const struct vgic_bank *b)
{
	uint32_t here = 0;

	for_each_bit(i, b->active)
		here |= b->loc[i] >> 4 == v->index ? 1U << i : 0;
	return here;
}

/* Puts them into free list registers, so that their end needs no exit. */
static __cold void restore_active(struct vcpu *v, uint64_t spare)
{
	struct vgic_cpu_state *st = cpu_of(v);

	st->evicted = false;
	for (uint32_t k = 0; k < v->vm->vgic->bank_count; k++) {
		struct vgic_bank *b = bank_of(v, k);

		for_each_bit(i, left_out(v, b)) {
			uint32_t bit = 1U << i;
			uint64_t state = LR_ACTIVE;

			if (!spare || b->held & bit) {
				st->evicted = true;
				continue;
			}
			if ((b->pending | wired(b)) & b->enabled & bit) {
				state |= has_source(k * 32 + i) ? 0 : LR_PENDING;
				b->pending &= ~bit;
			}
			lr_write_line(v, (unsigned)__builtin_ctzll(spare), b, i, state);
			b->active &= ~bit;
			spare &= spare - 1;
		}
	}
}

static void refill(struct vgic_locked l, struct vcpu *v)
{
	struct vgic_cpu_state *st = cpu_of(v);
	uint64_t spare = lr_free_mask();
	bool waiting = false;

	while (!waiting && (st->ready | st->lpi_ready)) {
		struct candidate c = pick(v);

		if (c.prio == NOTHING)
			break;
		waiting = c.bank ? !place_line(v, &c, &spare) : !place_lpi(l, v, &c, &spare);
	}
	if (st->evicted)
		restore_active(v, spare);
	lr_write_hcr(v, waiting);
}

/* The most urgent active line without a list register: with EOImode 0 that is the one that ended.
 * With EOImode 1 and no TDIR nothing says which one did; this is the best guess. */
static bool end_evicted(struct vcpu *v)
{
	struct candidate c = { .prio = NOTHING };

	for (uint32_t k = 0; k < v->vm->vgic->bank_count; k++) {
		struct vgic_bank *b = bank_of(v, k);

		for_each_bit(i, left_out(v, b))
			if (b->prio[i] < c.prio)
				c = (struct candidate){ b, i, b->prio[i] };
	}
	if (c.prio == NOTHING)
		return false;
	c.bank->active &= ~(1U << c.i);
	if (c.bank->hw >> c.i & 1)
		line_hw(gic_set_active, c.bank, c.i, false);
	lr_attend_other(v, line_ready(c.bank, c.i));
	return true;
}

/*
 * With EOImode 1 an EOIR ends nothing and is not to be counted (IHI 0069 §12.4.4), but QEMU's GICv3
 * does; DIR, which ends it, traps.
 */
static __cold void count_ends(struct vcpu *v)
{
	uint64_t ends = field_get(ICH_HCR_EOICOUNT, gic.ops->hcr_read());

	if (!ends)
		return;
	gic.ops->hcr_write(cpu_of(v)->hcr);
	if ((gic.has_tdir || gic.version == 2) && gic.ops->vmcr_read() & ICH_VMCR_VEOIM)
		return;
	while (ends-- && end_evicted(v))
		;
}

/* List registers that other CPUs asked for. Hot: an LPI that the guest has taken comes again. */
static void read_back_requested(struct vgic_locked l, struct vcpu *v)
{
	struct vgic_cpu_state *st = cpu_of(v);

	for_each_bit(n, st->fold) {
		const struct vlpi *lpi = lpi_listed_again(l, v, n);

		if (!lpi) {
			lr_fold(v, 1U << n);
			continue;
		}
		st->fold &= (uint16_t)~(1U << n);
		gic.ops->lr_write(n, lpi_value(lpi));
	}
}

/* Does all there is to do for v's list registers. */
static void lr_maintain(struct vgic_locked l, struct vcpu *v)
{
	struct vgic_cpu_state *st = cpu_of(v);

	if (__atomic_load_n(&st->sgi_pending, __ATOMIC_RELAXED)) {
		st->priv.pending |= __atomic_exchange_n(&st->sgi_pending, 0, __ATOMIC_ACQUIRE);
		st->ready |= 1;
	}
	read_back_requested(l, v);
	if (st->hcr & ICH_HCR_LRENPIE) /* else the count is of what nobody evicted */
		count_ends(v);
	refill(l, v);
}

void vgic_enter(struct vcpu *v)
{
	struct vgic_locked l;

	/* Before looking: what is set from now on comes with a kick of its own. */
	__atomic_exchange_n(&v->vgic.attention, 0, __ATOMIC_ACQUIRE);
	l = vgic_lock(v->vm->vgic);
	if (cpu_of(v)->online)
		lr_maintain(l, v);
	vgic_unlock(l);
}

void vgic_look_again(struct vcpu *v)
{
	struct vgic_locked l = vgic_lock(v->vm->vgic);

	for (unsigned n = 0; n < gic.lr_count; n++) {
		uint32_t id = cpu_of(v)->lr_id[n];
		uint64_t lr = gic.ops->lr_read(n);
		struct vgic_bank *b;

		if ((lr & (LR_HW | LR_STATE)) != (LR_HW | LR_PENDING))
			continue;
		lr_fold(v, 1U << n);
		b = bank_of(v, id / 32);
		/* Not twice: where its route has changed, its new CPU may have it by now. */
		if (b->pending >> id % 32 & 1)
			line_give_back(b, id % 32);
	}
	vgic_unlock(l);
}

/* Were there more than list registers, one of those that are there is pending: see above. */
bool vgic_wakes(void)
{
	for (unsigned n = 0; n < gic.lr_count; n++)
		if (gic.ops->lr_read(n) & LR_PENDING)
			return true;
	return false;
}

/*
 * The conditions are gone when the handler returns, or the line would fire again at once: ended
 * lines of emulated devices (EISR), EOIcount, nothing pending left. They are gone as well where the
 * vCPU went off while the interrupt was on its way.
 */
void vgic_maintenance_irq(void *, uint32_t, struct vcpu *cur)
{
	struct vgic_locked l;

	if (!cur)
		return;
	l = vgic_lock(cur->vm->vgic);
	if (cpu_of(cur)->online) {
		lr_fold(cur, (uint32_t)gic.ops->eisr() & VGIC_ALL_LRS);
		lr_maintain(l, cur);
	}
	vgic_unlock(l);
}
