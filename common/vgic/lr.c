/*
 * List registers. They belong to the guest's CPU for ever and are not saved on exits; EL2 touches
 * one only to deliver something, to look, or because an interrupt that matters ended.
 *
 * Always true when a guest is entered: what can be delivered is in a list register, or all are
 * full, one of them is pending, and none that is pending there is less urgent than what waits.
 * Then NPIE brings an exit as soon as the guest has taken those. An active interrupt that had to
 * leave ends by EOIcount (LRENPIE) or by the trapped ICC_DIR_EL1 (IHI 0069 §12.4.4).
 *
 * vgic_enter() and the interrupt handlers call this, on the vCPU's own CPU and under the lock.
 */
#include "vgic_priv.h"

#define LR_STATE (LR_PENDING | LR_ACTIVE)

struct candidate {
	struct vgic_bank *bank; /* NULL: an LPI */
	uint32_t intid;
	unsigned prio; /* NOTHING: none found */
};

#define NOTHING 256U

/* The vCPU's CPU shall look before the guest goes on. Its own CPU is in EL2 and will. */
void vgic_attend(const struct vcpu *cur, struct vcpu *to)
{
	/* Set already: who set it kicks, and the CPU has not looked yet. */
	if (!__atomic_exchange_n(&to->vgic.attention, 1, __ATOMIC_ACQ_REL) && cur != to)
		to->vm->vgic->kicks |= 1U << to->index;
}

void vgic_send_kicks(struct vgic_vm *g, const struct vcpu *cur, uint32_t kicks)
{
	for_each_bit(i, kicks)
		vcpu_kick(cur, g->vm->vcpu[i]);
}

static struct vcpu *owner_if_private(struct vcpu *v, uint32_t intid)
{
	return intid < GIC_SPI_FIRST ? v : NULL;
}

/* Pending by its wire: an emulated device holds it and it is not edge-triggered. */
static uint32_t wired(const struct vgic_bank *b)
{
	return b->level & ~b->edge;
}

/* Ready at its target, which is told unless it is the one that is about to refill. */
static void ready_elsewhere(struct vcpu *v, struct vgic_bank *b, uint32_t intid)
{
	struct vcpu *to = line_ready(v->vm->vgic, owner_if_private(v, intid), b, intid);

	if (to && to != v)
		vgic_attend(v, to);
}

/* List register n describes nothing any more; it is empty or about to be written. */
static void lr_forget(struct vcpu *v, unsigned n)
{
	struct vgic_cpu_state *st = cpu_of(v);
	uint32_t id = st->lr_id[n], bit = 1U << id % 32;
	uint16_t keep = (uint16_t)~(1U << n);

	st->used &= keep;
	st->fold &= keep;
	st->drop_pending &= keep;
	st->drop_active &= keep;
	if (id >= GIC_LPI_FIRST) {
		st->lr_lpi[n] = NULL;
		return;
	}
	struct vgic_bank *b = bank_of(v, id / 32);

	/* The line may have been delivered elsewhere since its end here went unnoticed. */
	if (!(b->resident & bit) || b->loc[id % 32] != loc_of(v, n))
		return;
	b->resident &= ~bit;
	b->seen_pending &= ~bit;
	b->seen_active &= ~bit;
	if ((b->pending | wired(b)) & bit)
		ready_elsewhere(v, b, id);
}

static void lr_take(struct vcpu *v, unsigned n, uint32_t id)
{
	struct vgic_cpu_state *st = cpu_of(v);

	if (st->used >> n & 1 && st->lr_id[n] != id)
		lr_forget(v, n);
	st->used |= (uint16_t)(1U << n);
	st->lr_id[n] = id;
}

static uint64_t common_value(const struct vgic_bank *b, uint32_t intid)
{
	uint32_t i = intid % 32;

	return intid | (uint64_t)b->prio[i] << 48 | (uint64_t)(b->group >> i & 1) << 60;
}

static uint64_t hw_value(struct vgic_bank *b, uint32_t intid)
{
	return common_value(b, intid) | LR_HW | (uint64_t)line_pintid(b, intid) << 32;
}

static void lr_write_line(struct vcpu *v, unsigned n, struct vgic_bank *b, uint32_t intid,
			  uint64_t state)
{
	uint32_t i = intid % 32, bit = 1U << i;
	uint64_t lr = b->hw & bit ? hw_value(b, intid) : common_value(b, intid);

	if (wired(b) & bit) /* not HW-linked */
		lr |= LR_EOI;
	lr_take(v, n, intid);
	b->resident |= bit;
	b->loc[i] = loc_of(v, n);
	gic.ops->lr_write(n, lr | state);
}

static void write_hcr(struct vgic_cpu_state *st, bool waiting)
{
	uint64_t hcr = ICH_HCR_EN;

	if (waiting)
		hcr |= ICH_HCR_NPIE;
	if (st->evicted)
		hcr |= ICH_HCR_LRENPIE;
	if (gic.has_tdir && (st->evicted || st->trap_dir))
		hcr |= ICH_HCR_TDIR;
	if (hcr == st->hcr)
		return;
	st->hcr = hcr;
	gic.ops->hcr_write(hcr); /* EOIcount becomes 0 */
}

/* ICC_DIR_EL1 on another vCPU than the one that acknowledged has no list register to end: with
 * EOImode 1 and several vCPUs it traps from the first SPI on. */
static void watch_eoimode(struct vcpu *v)
{
	struct vgic_cpu_state *st = cpu_of(v);

	if (v->vm->vcpu_count == 1 || st->trap_dir || !gic.has_tdir)
		return;
	if (!(gic.ops->vmcr_read() & ICH_VMCR_VEOIM))
		return;
	for (unsigned i = 0; i < v->vm->vcpu_count; i++) {
		struct vcpu *o = v->vm->vcpu[i];

		cpu_of(o)->trap_dir = true;
		if (o != v && cpu_of(o)->online)
			vgic_attend(v, o);
	}
	write_hcr(st, st->hcr & ICH_HCR_NPIE);
}

static uint64_t free_mask(void)
{
	return gic.ops->elrsr() & (BIT(gic.lr_count) - 1);
}

/*
 * Hot: a physical line of the guest was acknowledged on the target's CPU. It was inactive, so a
 * list register that describes it still is empty.
 */
void lr_inject(struct vcpu *v, struct vgic_bank *b, uint32_t intid)
{
	uint32_t i = intid % 32, bit = 1U << i;
	bool known = b->resident & bit && b->loc[i] >> 4 == v->index;
	uint64_t spare = known ? BIT(b->loc[i] & 15) : free_mask();

	if (!spare || !grp_enabled(v->vm->vgic, b, i) || b->active & bit) {
		b->pending |= bit;
		cpu_of(v)->ready |= 1U << intid / 32;
		vgic_attend(v, v);
		return;
	}
	unsigned n = (unsigned)__builtin_ctzll(spare);

	if (known)
		gic.ops->lr_write(n, LR_PENDING | hw_value(b, intid));
	else
		lr_write_line(v, n, b, intid, LR_PENDING);
	if (intid >= GIC_SPI_FIRST)
		watch_eoimode(v);
}

/* What a HW-linked line that left its list register was. It is never pending and active. */
static void fold_hw(struct vcpu *v, struct vgic_bank *b, uint32_t intid, uint64_t lr, bool drop)
{
	struct vcpu *owner = owner_if_private(v, intid);
	uint32_t bit = 1U << intid % 32, p = line_pintid(b, intid);

	if (lr & LR_ACTIVE) {
		if (drop)
			gic.ops->set_active(v->cpu, p, false);
		else
			b->active |= bit;
	} else if (lr & LR_PENDING) {
		if (b->active & bit) { /* ISACTIVER meanwhile: pends again behind it */
			if (b->edge & bit)
				gic.ops->set_pending(v->cpu, p, true);
		} else if (drop) {
			gic.ops->set_active(v->cpu, p, false);
		} else if (b->enabled & bit && cpu_of(v)->online &&
			   (owner || line_target(v->vm->vgic, b, intid) == v)) {
			b->pending |= bit;
		} else {
			line_give_back(owner, b, intid);
		}
	}
}

static void fold_line(struct vcpu *v, unsigned n, uint32_t intid, uint64_t lr)
{
	struct vgic_cpu_state *st = cpu_of(v);
	struct vgic_bank *b = bank_of(v, intid / 32);
	uint32_t i = intid % 32, bit = 1U << i;
	bool drop_p = st->drop_pending >> n & 1, drop_a = st->drop_active >> n & 1;
	bool here = b->resident & bit && b->loc[i] == loc_of(v, n);

	lr_forget(v, n);
	if (!here) /* empty then, see lr_forget */
		return;
	b->loc[i] = loc_of(v, 0);
	b->seen_pending |= lr & LR_PENDING && !drop_p ? bit : 0;
	b->seen_active |= lr & LR_ACTIVE && !drop_a ? bit : 0;
	if (b->hw & bit) {
		fold_hw(v, b, intid, lr, lr & LR_ACTIVE ? drop_a : drop_p);
	} else {
		b->active |= lr & LR_ACTIVE && !drop_a ? bit : 0;
		b->pending |= lr & LR_PENDING && !drop_p && !(wired(b) & bit) ? bit : 0;
	}
	st->evicted |= (b->active & bit) != 0;
	if ((b->pending | wired(b)) & bit)
		ready_elsewhere(v, b, intid);
}

void lr_fold(struct vcpu *v, unsigned n)
{
	struct vgic_cpu_state *st = cpu_of(v);
	uint32_t id = st->lr_id[n];
	uint64_t lr = gic.ops->lr_read(n);

	gic.ops->lr_write(n, 0);
	if (!(st->used >> n & 1))
		return;
	if (id < GIC_LPI_FIRST) {
		fold_line(v, n, id, lr);
		return;
	}
	struct vlpi *lpi = st->lr_lpi[n];

	lr_forget(v, n);
	if (!lpi || !(lr & LR_PENDING))
		return;
	struct vcpu *to = lpi_queue(v->vm->vgic, lpi);

	if (to && to != v)
		vgic_attend(v, to);
}

void lr_fold_all(struct vcpu *v)
{
	for_each_bit(n, (uint32_t)cpu_of(v)->used)
		lr_fold(v, n);
}

void lr_fold_requested(struct vcpu *v)
{
	for_each_bit(n, (uint32_t)cpu_of(v)->fold)
		lr_fold(v, n);
}

void lr_request(struct vcpu *cur, struct vcpu *holder, unsigned n)
{
	if (holder == cur)
		lr_fold(cur, n);
	else
		cpu_of(holder)->fold |= (uint16_t)(1U << n);
	vgic_attend(cur, holder);
}

void lr_recall(struct vgic_vm *g, struct vcpu *cur, struct vgic_bank *b, uint32_t i, unsigned drop)
{
	struct vcpu *holder = g->vm->vcpu[b->loc[i] >> 4];
	struct vgic_cpu_state *st = cpu_of(holder);
	unsigned n = b->loc[i] & 15;

	if (drop & DROP_PENDING)
		st->drop_pending |= (uint16_t)(1U << n);
	if (drop & DROP_ACTIVE)
		st->drop_active |= (uint16_t)(1U << n);
	lr_request(cur, holder, n);
}

/* The most urgent of bank n for v, if it beats *c. */
static void pick_from_bank(struct vcpu *v, uint32_t n, struct candidate *c)
{
	struct vgic_vm *g = v->vm->vgic;
	struct vgic_bank *b = bank_of(v, n);
	uint32_t can = (b->pending | (wired(b) & ~b->resident)) & b->enabled & ~b->active;
	bool some = false;

	for_each_bit(i, can) {
		if ((n && line_target(g, b, n * 32 + i) != v) || !grp_enabled(g, b, i))
			continue;
		if (b->resident >> i & 1 && b->loc[i] >> 4 != v->index) {
			/* Still at its last target, which passes it on. */
			lr_recall(g, v, b, i, 0);
			continue;
		}
		some = true;
		if (b->prio[i] < c->prio)
			*c = (struct candidate){ b, n * 32 + i, b->prio[i] };
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
static int victim(unsigned prio)
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
		lr_fold(v, (unsigned)n);
	return n;
}

/* Pending again while its list register still describes it. */
static void merge(struct vcpu *v, struct vgic_bank *b, uint32_t intid, uint64_t *spare)
{
	uint32_t bit = 1U << intid % 32;
	unsigned n = b->loc[intid % 32] & 15;
	uint64_t lr = gic.ops->lr_read(n);

	if (!(lr & LR_STATE))
		lr_write_line(v, n, b, intid, LR_PENDING);
	else if (!(lr & LR_PENDING) && b->hw & bit)
		gic.ops->set_pending(v->cpu, line_pintid(b, intid), true);
	else if (!(lr & LR_PENDING))
		gic.ops->lr_write(n, lr | LR_PENDING);
	b->pending &= ~bit;
	*spare &= ~BIT(n);
}

static bool place_line(struct vcpu *v, const struct candidate *c, uint64_t *spare)
{
	struct vgic_bank *b = c->bank;
	uint32_t bit = 1U << c->intid % 32;
	int n;

	if (b->resident & bit) {
		merge(v, b, c->intid, spare);
		return true;
	}
	n = find_room(v, c->prio, spare);
	if (n < 0)
		return false;
	lr_write_line(v, (unsigned)n, b, c->intid, LR_PENDING);
	b->pending &= ~bit;
	*spare &= ~BIT(n);
	if (c->intid >= GIC_SPI_FIRST)
		watch_eoimode(v);
	return true;
}

static int lr_of_id(const struct vgic_cpu_state *st, uint32_t id)
{
	for_each_bit(n, (uint32_t)st->used)
		if (st->lr_id[n] == id)
			return (int)n;
	return -1;
}

/* No two list registers may have one vINTID; two events of the guest may. IHI 0069 §12.4.6 */
static bool place_lpi(struct vcpu *v, const struct candidate *c, uint64_t *spare)
{
	struct vgic_cpu_state *st = cpu_of(v);
	struct vlpi *lpi = lpi_first(st, c->prio / 8);
	int n = lr_of_id(st, lpi->vintid);

	if (n < 0)
		n = find_room(v, c->prio, spare);
	if (n < 0)
		return false;
	lpi_pop(st, c->prio / 8);
	lpi->pending = false;
	lr_take(v, (unsigned)n, lpi->vintid);
	st->lr_lpi[n] = lpi;
	st->fold &= (uint16_t)~(1U << n);
	gic.ops->lr_write((unsigned)n, LR_PENDING | LR_GROUP | (uint64_t)c->prio << 48 | lpi->vintid);
	*spare &= ~BIT(n);
	return true;
}

/* Active lines go back where their end needs no exit. */
static void restore_active(struct vcpu *v, uint64_t spare)
{
	struct vgic_cpu_state *st = cpu_of(v);
	bool left = false;

	for (uint32_t k = 0; k < v->vm->vgic->bank_count; k++) {
		struct vgic_bank *b = bank_of(v, k);

		for_each_bit(i, b->active & ~b->resident) {
			uint32_t bit = 1U << i;
			uint64_t state = LR_ACTIVE;

			if (b->loc[i] >> 4 != v->index)
				continue;
			if (!spare) {
				left = true;
				continue;
			}
			if (!(b->hw & bit) && (b->pending | wired(b)) & b->enabled & bit) {
				state |= LR_PENDING;
				b->pending &= ~bit;
			}
			lr_write_line(v, (unsigned)__builtin_ctzll(spare), b, k * 32 + i, state);
			b->active &= ~bit;
			spare &= spare - 1;
		}
	}
	st->evicted = left;
}

static void refill(struct vcpu *v)
{
	struct vgic_cpu_state *st = cpu_of(v);
	uint64_t spare = free_mask();
	bool waiting = false;

	while (!waiting && (st->ready | st->lpi_ready)) {
		struct candidate c = pick(v);

		if (c.prio == NOTHING)
			break;
		waiting = c.bank ? !place_line(v, &c, &spare) : !place_lpi(v, &c, &spare);
	}
	if (st->evicted)
		restore_active(v, spare);
	write_hcr(st, waiting);
}

/* The most urgent active line without a list register: with EOImode 0 that is the one that ended. */
static bool end_evicted(struct vcpu *v)
{
	struct candidate c = { .prio = NOTHING };

	for (uint32_t k = 0; k < v->vm->vgic->bank_count; k++) {
		struct vgic_bank *b = bank_of(v, k);

		for_each_bit(i, b->active & ~b->resident)
			if (b->loc[i] >> 4 == v->index && b->prio[i] < c.prio)
				c = (struct candidate){ b, k * 32 + i, b->prio[i] };
	}
	if (c.prio == NOTHING)
		return false;
	c.bank->active &= ~(1U << c.intid % 32);
	if (c.bank->hw >> c.intid % 32 & 1)
		gic.ops->set_active(v->cpu, line_pintid(c.bank, c.intid), false);
	ready_elsewhere(v, c.bank, c.intid);
	return true;
}

static void count_ends(struct vcpu *v)
{
	uint64_t ends = field_get(ICH_HCR_EOICOUNT, gic.ops->hcr_read());

	if (!ends)
		return;
	gic.ops->hcr_write(cpu_of(v)->hcr);
	while (ends-- && end_evicted(v))
		;
}

/* Does all there is to do for v's list registers. */
static void lr_maintain(struct vcpu *v)
{
	struct vgic_cpu_state *st = cpu_of(v);

	if (__atomic_load_n(&st->sgi_pending, __ATOMIC_RELAXED)) {
		st->priv.pending |= __atomic_exchange_n(&st->sgi_pending, 0, __ATOMIC_ACQUIRE);
		st->ready |= 1;
	}
	lr_fold_requested(v);
	if (st->hcr & ICH_HCR_LRENPIE) /* else the count is of what nobody evicted */
		count_ends(v);
	refill(v);
}

void vgic_enter(struct vcpu *v)
{
	struct vgic_vm *g = v->vm->vgic;

	/* Before looking: what is set from now on comes with a kick of its own. */
	__atomic_exchange_n(&v->vgic.attention, 0, __ATOMIC_ACQUIRE);
	vgic_lock(g);
	if (cpu_of(v)->online)
		lr_maintain(v);
	vgic_unlock(g, v);
}

/*
 * The conditions are gone when the handler returns, or the line would fire again at once: ended
 * lines of emulated devices (EISR), EOIcount, nothing pending left.
 */
void vgic_maintenance_irq(void *arg, uint32_t intid, struct vcpu *cur)
{
	(void)arg;
	(void)intid;
	if (!cur)
		return;
	vgic_lock(cur->vm->vgic);
	for_each_bit(n, (uint32_t)(gic.ops->eisr() & VGIC_ALL_LRS))
		lr_fold(cur, n);
	lr_maintain(cur);
	vgic_unlock(cur->vm->vgic, cur);
}
