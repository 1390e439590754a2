/*
 * The registers with one or more bits a line, as GICD_* has them for SPIs and SGI_base for SGIs
 * and PPIs (IHI 0069 §12.9, §12.11), and GICv2's GICD_* for all (IHI 0048 §4.3). A table; what is
 * not in it reads as zero and ignores writes.
 *
 * Reads of what the guest itself configured take no lock. State is exact: what is in a list
 * register is read back first, on another CPU by a request, a kick and a bounded wait; when that
 * is too slow the guest executes its instruction again, and may take interrupts in between.
 */
#include <arch/cpu.h>
#include <arch/time.h>
#include <hv/mmio.h>

#include "vgic_priv.h"

#define RECALL_MAX_US 1000

static bool any_busy(const struct vgic_vm *g, const uint16_t need[])
{
	for (unsigned v = 0; v < g->vm->vcpu_count; v++)
		if (cpu_of(g->vm->vcpu[v])->fold & need[v])
			return true;
	return false;
}

/* Waiting without the lock, and answering those who wait for us. */
static bool wait_folded(struct vgic_vm *g, struct vcpu *cur, const uint16_t need[])
{
	uint64_t end = time_after(RECALL_MAX_US);

	while (any_busy(g, need)) {
		if (arch_time_ticks() > end)
			return false;
		spin_unlock(&g->lock);
		arch_cpu_relax();
		spin_lock(&g->lock);
		lr_fold(cur, cpu_of(cur)->fold);
	}
	return true;
}

/* Brings the lines of `mask` that are in list registers back to software. Only `wait` makes sure
 * of it; false then: it took too long, the guest is to try again. */
static bool recall(struct vgic_set *s, uint32_t mask, unsigned drop, bool wait)
{
	uint16_t need[MAX_VCPUS] = { 0 };

	mask &= s->bank->resident;
	for_each_bit(i, mask) {
		uint8_t loc = s->bank->loc[i];

		lr_recall(s->cur, s->bank, i, drop);
		need[loc >> 4] |= (uint16_t)(1U << (loc & 15));
	}
	return !mask || !wait || wait_folded(s->bank->vgic, s->cur, need);
}

static void notify(struct vgic_set *s, uint32_t mask)
{
	for_each_bit(i, mask)
		line_notify(s->cur, s->bank, i);
}

static bool set_group(struct vgic_set *s, uint32_t v)
{
	uint32_t moved = s->bank->group ^ v;

	s->bank->group = v;
	notify(s, moved & (s->bank->pending | s->bank->level));
	return true;
}

static bool set_enable(struct vgic_set *s, uint32_t v)
{
	struct vgic_bank *b = s->bank;
	uint32_t more = v & ~b->enabled;

	b->enabled |= more;
	for_each_bit(i, more & b->hw)
		line_sync_enable(b, i);
	notify(s, more & (b->pending | b->level));
	return true;
}

/* Complete when the guest goes on: GICD_CTLR.RWP need never read as one. */
static bool clear_enable(struct vgic_set *s, uint32_t v)
{
	struct vgic_bank *b = s->bank;
	uint32_t gone = v & b->enabled;

	b->enabled &= ~gone;
	for_each_bit(i, gone & b->hw) {
		line_sync_enable(b, i);
		if (b->pending >> i & 1)
			line_give_back(b, i);
	}
	return recall(s, v, 0, true);
}

static uint32_t sgis_waiting(const struct vgic_cpu_state *st)
{
	uint32_t v = __atomic_load_n(&st->sgi_pending, __ATOMIC_RELAXED);

	for (unsigned i = 0; i < GIC_SGI_COUNT; i++)
		v |= st->sgi_source[i] ? 1U << i : 0;
	return v;
}

static bool get_pending(struct vgic_set *s, uint32_t *out)
{
	struct vgic_bank *b = s->bank;
	uint32_t was = b->resident, v = b->pending | wired(b);
	bool done = recall(s, was, 0, true); /* may move other lines into list registers meanwhile */

	v |= b->seen_pending & was;
	if (b->owner)
		v |= sgis_waiting(cpu_of(b->owner));
	for_each_bit(i, b->hw & ~v)
		if (gic_is_pending(bank_cpu(b), b->pintid[i]))
			v |= 1U << i;
	*out = v;
	return done;
}

/* SGIs of GICv2 have registers that name the sender, and are read-only here. IHI 0048 §4.3.7 */
static uint32_t settable(const struct vgic_set *s, uint32_t v)
{
	return s->bank->owner && gic.version == 2 ? v & ~0xffffU : v;
}

static bool set_pending(struct vgic_set *s, uint32_t v)
{
	struct vgic_bank *b = s->bank;

	v = settable(s, v);
	for_each_bit(h, v & b->hw)
		line_hw(gic_set_pending, b, h, true);
	b->pending |= v & ~b->hw;
	notify(s, v & ~b->hw);
	return true;
}

static bool clear_pending(struct vgic_set *s, uint32_t v)
{
	struct vgic_bank *b = s->bank;

	v = settable(s, v);
	for_each_bit(i, v & b->hw) {
		line_hw(gic_set_pending, b, i, false);
		if (b->pending >> i & 1) /* acknowledged by EL2, so active there */
			line_hw(gic_set_active, b, i, false);
	}
	b->pending &= ~v;
	if (b->owner)
		__atomic_fetch_and(&cpu_of(b->owner)->sgi_pending, ~v, __ATOMIC_RELAXED);
	return recall(s, v, DROP_PENDING, false);
}

static bool get_active(struct vgic_set *s, uint32_t *out)
{
	uint32_t was = s->bank->resident, v = s->bank->active;
	bool done = recall(s, was, 0, true);

	*out = v | (s->bank->seen_active & was);
	return done;
}

static void make_active(struct vgic_set *s, uint32_t i)
{
	struct vgic_bank *b = s->bank;
	struct vcpu *to = line_target(b, i);
	uint32_t bit = 1U << i;

	if (!to || b->active & bit)
		return;
	if (b->hw & bit) {
		if (b->pending & b->edge & bit)
			line_hw(gic_set_pending, b, i, true);
		b->pending &= ~bit;
		line_hw(gic_set_active, b, i, true);
	}
	b->active |= bit;
	if (!(b->resident & bit)) {
		b->loc[i] = loc_of(to, 0);
		cpu_of(to)->evicted = true;
		if (cpu_of(to)->online)
			vgic_attend(s->cur, to);
	}
}

static bool set_active(struct vgic_set *s, uint32_t v)
{
	recall(s, v, 0, false);
	for_each_bit(i, v)
		make_active(s, i);
	return true;
}

static bool clear_active(struct vgic_set *s, uint32_t v)
{
	struct vgic_bank *b = s->bank;
	uint32_t was = b->active & v;

	b->active &= ~was;
	for_each_bit(h, was & b->hw)
		line_hw(gic_set_active, b, h, false);
	notify(s, was & (b->pending | b->level));
	return recall(s, v, DROP_ACTIVE, false);
}

/* A pending one in a list register keeps the old priority, IHI 0069 §4.8.6 lets it. */
static bool set_prio(struct vgic_set *s, uint32_t v)
{
	v &= VGIC_PRIO_MASK * 0x01010101U;
	if (s->size == 4)
		s->bank->prio_word[s->lane / 4] = v;
	else
		s->bank->prio[s->lane] = (uint8_t)v;
	return true;
}

/* GICv2 only: the CPUs that may get an SPI; of bank 0 the one that asks. IHI 0048 §4.3.12 */
static bool get_targets(struct vgic_set *s, uint32_t *out)
{
	*out = 0;
	for (uint32_t i = s->size; i-- && gic.version == 2;)
		*out = *out << 8 | (s->bank->owner ? router_of_vcpu(s->cur->index) :
						     s->bank->router[s->lane + i]);
	return true;
}

static bool set_targets(struct vgic_set *s, uint32_t v)
{
	uint32_t all = (1U << s->cur->vm->vcpu_count) - 1;

	for (uint32_t i = 0; i < s->size && !s->bank->owner && gic.version == 2; i++)
		line_route(s->cur, s->bank, s->lane + i, v >> 8 * i & all);
	return true;
}

/* Bits 0..15 to bits 1, 3, .. 31, and back. */
static uint32_t spread(uint32_t v)
{
	v = (v | v << 8) & 0x00ff00ff;
	v = (v | v << 4) & 0x0f0f0f0f;
	v = (v | v << 2) & 0x33333333;
	v = (v | v << 1) & 0x55555555;
	return v << 1;
}

static uint32_t squeeze(uint32_t v)
{
	v = v >> 1 & 0x55555555;
	v = (v | v >> 1) & 0x33333333;
	v = (v | v >> 2) & 0x0f0f0f0f;
	v = (v | v >> 4) & 0x00ff00ff;
	return (v | v >> 8) & 0xffff;
}

/* SGIs are always edge. Physical PPIs keep what they are wired as. */
static bool set_config(struct vgic_set *s, uint32_t v)
{
	struct vgic_bank *b = s->bank;
	uint32_t moved = (b->edge ^ squeeze(v) << s->lane) & 0xffffU << s->lane;

	if (b->owner && s->lane == 0)
		return true;
	b->edge ^= moved;
	if (!b->owner)
		for_each_bit(h, moved & b->hw)
			line_hw(gic_set_edge, b, h, b->edge >> h & 1);
	notify(s, moved & b->level);
	return true;
}

const struct vgic_reg vgic_line_regs[] = {
	{ GICD_IGROUPR, 0x0100, 0, PLAIN_GROUP, NULL, set_group },
	{ GICD_ISENABLER, 0x0180, 0, PLAIN_ENABLED, NULL, set_enable },
	{ GICD_ICENABLER, 0x0200, 0, PLAIN_ENABLED, NULL, clear_enable },
	{ GICD_ISPENDR, 0x0280, 0, STATE, get_pending, set_pending },
	{ GICD_ICPENDR, 0x0300, 0, STATE, get_pending, clear_pending },
	{ GICD_ISACTIVER, 0x0380, 0, STATE, get_active, set_active },
	{ GICD_ICACTIVER, 0x0400, 0, STATE, get_active, clear_active },
	{ GICD_IPRIORITYR, 0x0800, 3, PLAIN_PRIO, NULL, set_prio },
	{ GICD_ITARGETSR, 0x0c00, 3, STATE, get_targets, set_targets },
	{ GICD_ICFGR, 0x0d00, 1, PLAIN_CONFIG, NULL, set_config },
};
const unsigned vgic_line_reg_count = ARRAY_SIZE(vgic_line_regs);

/* Row + 1 for each 128 bytes; 0: no such register. */
static const uint8_t row_of[32] = {
	0, 1, 2, 3, 4, 5, 6, 7, 8, 8, 8, 8, 8, 8, 8, 8, 9, 9, 9, 9, 9, 9, 9, 9, 10, 10,
};

const struct vgic_reg *vgic_line_reg(uint32_t off)
{
	uint8_t row = off < ARRAY_SIZE(row_of) * 128 ? row_of[off / 128] : 0;

	return row ? &vgic_line_regs[row - 1] : NULL;
}

/* A byte access has its priority in the low byte; the rest is cut off. */
static uint32_t plain(const struct vgic_bank *b, enum vgic_reg_kind kind, uint32_t lane)
{
	switch (kind) {
	case PLAIN_GROUP:
		return b->group;
	case PLAIN_ENABLED:
		return b->enabled;
	case PLAIN_PRIO:
		return b->prio_word[lane / 4] >> lane % 4 * 8;
	default:
		return spread(b->edge >> lane & 0xffff);
	}
}

/* Apart, so that plain reads need no frame for the set. */
static __attribute__((noinline)) enum emul access_set(struct vgic_set s, const struct vgic_reg *r,
						      struct mmio_access *a)
{
	uint32_t v = (uint32_t)a->value;
	bool done;

	spin_lock(&s.bank->vgic->lock);
	done = a->write ? r->set(&s, v) : r->get(&s, &v);
	spin_unlock(&s.bank->vgic->lock);
	a->value = v;
	return done ? EMUL_OK : EMUL_RETRY;
}

enum emul vgic_lines_access(struct vcpu *cur, struct vcpu *owner, uint32_t off,
			    struct mmio_access *a)
{
	const struct vgic_reg *r = vgic_line_reg(off);
	struct vgic_vm *g = cur->vm->vgic;
	struct vgic_bank *b;

	if (!r || (a->size != 4 && !(a->size == 1 && r->shift == 3)))
		return EMUL_OK;

	uint32_t intid = (off - r->first) * 8 >> r->shift;
	uint32_t n = intid / 32;

	if (n == 0 && gic.version == 2)
		owner = cur;
	/* Bank 0 is in the redistributor and nowhere else, IHI 0069 §12.9. */
	if (owner ? n != 0 : n == 0 || n >= g->bank_count)
		return EMUL_OK;
	b = owner ? &cpu_of(owner)->priv : &g->spis[n - 1];
	if (a->write || r->kind == STATE)
		return access_set((struct vgic_set){ cur, b, intid % 32, a->size }, r, a);
	uint32_t v = plain(b, r->kind, intid % 32);

	a->value = a->size == 1 ? (uint8_t)v : v;
	return EMUL_OK;
}
