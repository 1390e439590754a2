/* SPDX-License-Identifier: Apache-2.0 */
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

/* Rows of the table below. */
enum vgic_reg_row {
	NONE,
	IGROUPR,
	ISENABLER,
	ICENABLER,
	ISPENDR,
	ICPENDR,
	ISACTIVER,
	ICACTIVER,
	IPRIORITYR,
	ITARGETSR,
	ICFGR,
	IROUTER,
};

/*
 * Brings the lines of `mask` back to software, where they stay until release_lines(): no list
 * register takes one. False: a vCPU that has one did not answer in time, the guest is to try again.
 */
static bool hold_lines(struct vgic_set *s, uint32_t mask)
{
	struct vgic_bank *b = s->bank;
	uint64_t end = time_after(RECALL_MAX_US);

	for (;;) {
		b->held |= mask; /* also what the end of another access released */
		for_each_bit(i, b->resident & mask)
			lr_recall(s->cur, b, i);
		lr_fold(s->cur, cpu_of(s->cur)->fold); /* also what others wait for */
		if (!(b->resident & mask))
			return true;
		if (arch_time_ticks() > end)
			return false;
		vgic_unlock(s->l);
		arch_cpu_relax();
		s->l = vgic_lock(b->vgic);
	}
}

/* Who may have a line of the bank to deliver, or an active one without a list register, looks. */
static void release_lines(struct vgic_set *s, uint32_t mask)
{
	struct vgic_bank *b = s->bank;
	const struct vm *vm = s->l.v->vm;

	b->held &= ~mask;
	for_each_bit(i, deliverable(b))
		line_notify(s->cur, b, i);
	for (unsigned i = 0; mask && i < vm->vcpu_count; i++)
		if (cpu_of(vm->vcpu[i])->evicted && cpu_of(vm->vcpu[i])->online)
			vgic_attend(s->cur, vm->vcpu[i]);
}

/* GICv2 has one group, as without the Security Extensions. */
static void set_group(struct vgic_set *s, uint32_t v)
{
	write_once(s->bank->group, gic.version == 2 ? 0 : v);
}

static void set_enable(struct vgic_set *s, uint32_t v)
{
	struct vgic_bank *b = s->bank;
	uint32_t more = v & ~b->enabled;

	write_once(b->enabled, b->enabled | more);
	for_each_bit(i, more & b->hw)
		line_sync_enable(b, i);
}

/* Complete when the guest goes on: GICD_CTLR.RWP need never read as one. */
static void clear_enable(struct vgic_set *s, uint32_t v)
{
	struct vgic_bank *b = s->bank;
	uint32_t gone = v & b->enabled;

	write_once(b->enabled, b->enabled & ~gone);
	for_each_bit(i, gone & b->hw) {
		line_sync_enable(b, i);
		if (b->pending >> i & 1)
			line_give_back(b, i);
	}
}

static uint32_t sgis_waiting(const struct vgic_cpu_state *st)
{
	uint32_t v = __atomic_load_n(&st->sgi_pending, __ATOMIC_RELAXED);

	for (unsigned i = 0; i < GIC_SGI_COUNT; i++)
		v |= st->sgi_source[i] ? 1U << i : 0;
	return v;
}

static uint32_t get_pending(const struct vgic_set *s)
{
	const struct vgic_bank *b = s->bank;
	uint32_t v = b->pending | wired(b);

	if (b->owner)
		v |= sgis_waiting(cpu_of(b->owner));
	for_each_bit(i, b->hw & ~v)
		if (gic_is_pending(bank_cpu(b), b->pintid[i]))
			v |= 1U << i;
	return v;
}

/* SGIs of GICv2 have registers that name the sender, and are read-only here. IHI 0048 §4.3.7 */
static uint32_t settable_lines(const struct vgic_set *s, uint32_t v)
{
	return s->bank->owner && gic.version == 2 ? v & ~0xffffU : v;
}

static void set_pending(struct vgic_set *s, uint32_t v)
{
	struct vgic_bank *b = s->bank;

	v = settable_lines(s, v);
	for_each_bit(h, v & b->hw)
		line_hw(gic_set_pending, b, h, true);
	b->pending |= v & ~b->hw;
}

static void clear_pending(struct vgic_set *s, uint32_t v)
{
	struct vgic_bank *b = s->bank;

	v = settable_lines(s, v);
	for_each_bit(i, v & b->hw) {
		line_hw(gic_set_pending, b, i, false);
		if (b->pending >> i & 1) /* acknowledged by EL2, so active there */
			line_hw(gic_set_active, b, i, false);
	}
	b->pending &= ~v;
	if (b->owner)
		__atomic_fetch_and(&cpu_of(b->owner)->sgi_pending, ~v, __ATOMIC_RELAXED);
}

static uint32_t get_active(const struct vgic_set *s)
{
	return s->bank->active;
}

static void make_active(struct vgic_bank *b, uint32_t i)
{
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
	b->loc[i] = loc_of(to, 0);
	cpu_of(to)->evicted = true;
}

static void set_active(struct vgic_set *s, uint32_t v)
{
	for_each_bit(i, v)
		make_active(s->bank, i);
}

static void clear_active(struct vgic_set *s, uint32_t v)
{
	struct vgic_bank *b = s->bank;

	for_each_bit(h, b->active & v & b->hw)
		line_hw(gic_set_active, b, h, false);
	b->active &= ~v;
}

/* A pending one in a list register keeps the old priority, IHI 0069 §4.8.6 lets it. */
static void set_prio(struct vgic_set *s, uint32_t v)
{
	v &= VGIC_PRIO_MASK * 0x01010101U;
	if (s->size == 4)
		write_once(s->bank->prio_word[s->lane / 4], v);
	else
		write_once(s->bank->prio[s->lane], (uint8_t)v);
}

/* GICv2 only: the CPUs that may get an SPI; of bank 0 the one that asks. IHI 0048 §4.3.12 */
static uint32_t get_targets(const struct vgic_set *s)
{
	uint32_t out = 0;

	for (uint32_t i = s->size; i-- && gic.version == 2;)
		out = out << 8 | (s->bank->owner ? router_of_vcpu(s->cur->index) :
						   s->bank->router[s->lane + i]);
	return out;
}

static void set_targets(struct vgic_set *s, uint32_t v)
{
	uint32_t all = (1U << s->cur->vm->vcpu_count) - 1;

	for (uint32_t i = 0; i < s->size && !s->bank->owner && gic.version == 2; i++)
		line_route(s->cur, s->bank, s->lane + i, v >> 8 * i & all);
}

/* Aff3 is always 0 (GICD_TYPER.A3V), and so is IRM (No1N): only the low word is stored. */
static uint32_t get_router(const struct vgic_set *s)
{
	return s->bank->router[s->lane];
}

static void set_router(struct vgic_set *s, uint32_t v)
{
	line_route(s->cur, s->bank, s->lane, v & (uint32_t)BITS(23, 0));
}

/* Bits 0..15 to bits 1, 3, .. 31, and back. */
static uint32_t spread_bits(uint32_t v)
{
	v = (v | v << 8) & 0x00ff00ff;
	v = (v | v << 4) & 0x0f0f0f0f;
	v = (v | v << 2) & 0x33333333;
	v = (v | v << 1) & 0x55555555;
	return v << 1;
}

static uint32_t squeeze_bits(uint32_t v)
{
	v = v >> 1 & 0x55555555;
	v = (v | v >> 1) & 0x33333333;
	v = (v | v >> 2) & 0x0f0f0f0f;
	v = (v | v >> 4) & 0x00ff00ff;
	return (v | v >> 8) & 0xffff;
}

/* SGIs are always edge. Physical PPIs keep what they are wired as. */
static void set_config(struct vgic_set *s, uint32_t v)
{
	struct vgic_bank *b = s->bank;
	uint32_t moved = (b->edge ^ squeeze_bits(v) << s->lane) & 0xffffU << s->lane;

	if (b->owner && s->lane == 0)
		return;
	write_once(b->edge, b->edge ^ moved);
	if (!b->owner)
		for_each_bit(h, moved & b->hw)
			line_hw(gic_set_edge, b, h, b->edge >> h & 1);
}

/* As many rows as a power of two, so that any row number can be masked to be one of them. */
#define ROWS 16

static const struct vgic_reg {
	uint16_t first;                            /* offset */
	uint8_t shift;                             /* log2 of the bits a line has in it */
	uint8_t sizes;                             /* of accesses, ORed */
	bool state;                                /* the lines that it names are held */
	uint32_t (*get)(const struct vgic_set *s); /* NULL: configured_bits(), without the lock */
	void (*set)(struct vgic_set *s, uint32_t v);
} __attribute__((aligned(32))) regs[ROWS] = {
	[IGROUPR] = { GICD_IGROUPR, 0, 4, false, NULL, set_group },
	[ISENABLER] = { GICD_ISENABLER, 0, 4, false, NULL, set_enable },
	[ICENABLER] = { GICD_ICENABLER, 0, 4, true, NULL, clear_enable },
	[ISPENDR] = { GICD_ISPENDR, 0, 4, true, get_pending, set_pending },
	[ICPENDR] = { GICD_ICPENDR, 0, 4, true, get_pending, clear_pending },
	[ISACTIVER] = { GICD_ISACTIVER, 0, 4, true, get_active, set_active },
	[ICACTIVER] = { GICD_ICACTIVER, 0, 4, true, get_active, clear_active },
	[IPRIORITYR] = { GICD_IPRIORITYR, 3, 4 | 1, false, NULL, set_prio },
	[ITARGETSR] = { GICD_ITARGETSR, 3, 4 | 1, false, get_targets, set_targets },
	[ICFGR] = { GICD_ICFGR, 1, 4, false, NULL, set_config },
	[IROUTER] = { GICD_IROUTER, 6, 8 | 4, false, get_router, set_router },
};

/* 128 bytes for those with a bit a line, then 1 KiB each. NONE: no such register. */
static enum vgic_reg_row row_of(uint32_t off)
{
	if (off < GICD_IPRIORITYR)
		return off / 128;
	if (off < GICD_ICFGR + 256)
		return IPRIORITYR - 1 + off / 1024;
	return off - GICD_IROUTER < 0x2000 ? IROUTER : NONE;
}

/* What the guest itself set. A byte has its priority in the low byte; the rest is cut off. */
static uint32_t configured_bits(const struct vgic_bank *b, enum vgic_reg_row row, uint32_t lane)
{
	switch (row) {
	case IGROUPR:
		return read_once(b->group);
	case IPRIORITYR:
		return read_once(b->prio_word[lane / 4]) >> lane % 4 * 8;
	case ICFGR:
		return spread_bits(read_once(b->edge) >> lane & 0xffff);
	default:
		return read_once(b->enabled);
	}
}

/* Apart, so that reads without the lock need no frame. */
static __attribute__((noinline)) enum emul access_locked(struct vcpu *cur, struct vgic_bank *b,
							 uint32_t lane, const struct vgic_reg *r,
							 struct mmio_access *a)
{
	struct vgic_set s = { .cur = cur, .bank = b, .lane = lane, .size = a->size };
	uint32_t v = (uint32_t)a->value, mask = 0;
	bool done;

	if (r->state)
		mask = a->write ? v : ~0U;

	s.l = vgic_lock(b->vgic);
	done = hold_lines(&s, mask);
	if (done && a->write)
		r->set(&s, v);
	else if (done)
		a->value = r->get(&s);
	release_lines(&s, mask);
	vgic_unlock(s.l);
	return done ? EMUL_OK : EMUL_RETRY;
}

/*
 * Bank 0 is in the redistributor and nowhere else (IHI 0069 §12.9), or in GICv2's distributor.
 * NULL: there is no such bank here.
 */
static struct vgic_bank *bank_at(struct vcpu *cur, struct vcpu *owner, uint32_t n)
{
	if (owner)
		return n ? NULL : &cpu_of(owner)->priv;
	if (n == 0 && gic.version == 2)
		return &cpu_of(cur)->priv;
	return spi_bank(cur->vm->vgic, n);
}

enum emul vgic_lines_access(struct vcpu *cur, struct vcpu *owner, uint32_t off,
			    struct mmio_access *a)
{
	enum vgic_reg_row row = row_of(off);
	const struct vgic_reg *r;
	struct vgic_bank *b;
	uint32_t intid;

	if (row == NONE && !owner)
		return vgic_dist_other(cur, a);
	/* The branches of row_of() may be mispredicted, too. */
	row = index_nospec_pow2(row, ROWS);
	r = &regs[row];
	intid = (off - r->first) * 8 >> r->shift;
	if (!(a->size & r->sizes) || (row == IROUTER && (owner || off & 4)))
		return EMUL_OK;
	b = bank_at(cur, owner, intid / 32);
	if (!b)
		return EMUL_OK;
	if (a->write || r->get)
		return access_locked(cur, b, intid % 32, r, a);
	a->value = configured_bits(b, row, intid % 32);
	return EMUL_OK;
}

enum emul vgic_dist_access(struct vcpu *vcpu, void *, struct mmio_access *a)
{
	return vgic_lines_access(vcpu, NULL, (uint32_t)a->off, a);
}

/* IHI 0069 §12.2.10: no effect with EOImode 0, on special INTIDs and on LPIs. */
enum emul vgic_dir(struct vcpu *cur, uint64_t value)
{
	uint32_t intid = (uint32_t)value & (gic.version == 2 ? (uint32_t)IAR_INTID : 0xffffff);
	struct mmio_access a = { .value = 1U << intid % 32, .write = true };
	struct vgic_bank *b;

	if (intid / 32 >= cur->vm->vgic->bank_count || !(gic.ops->vmcr_read() & ICH_VMCR_VEOIM))
		return EMUL_OK;
	b = bank_of(cur, intid / 32);
	return access_locked(cur, b, 0, &regs[ICACTIVER], &a);
}
