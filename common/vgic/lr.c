/* SPDX-License-Identifier: Apache-2.0 */
/*
 * List registers. They belong to the guest's CPU for ever and are not saved on exits; EL2 touches
 * one only to deliver something, to look, or because an interrupt that matters ended. What goes
 * into them is decided in deliver.c. All of it runs on the vCPU's own CPU and under the lock, but
 * vgic_attend(), lr_request() and lr_recall(), which ask that CPU.
 */
#include <arch/barrier.h>

#include "vgic_priv.h"

/*
 * The vCPU's CPU shall look before the guest goes on; its own CPU is in EL2 and will. Set already:
 * who set it kicked, and the CPU has not looked yet. NULL: nobody.
 */
void vgic_attend(const struct vcpu *cur, struct vcpu *to)
{
	if (to && !__atomic_exchange_n(&to->vgic.attention, 1, __ATOMIC_ACQ_REL))
		vcpu_kick(cur, to);
}

/* The same by v's CPU while it looks: its own list registers are filled after this. */
void lr_attend_other(const struct vcpu *v, struct vcpu *to)
{
	if (to != v)
		vgic_attend(v, to);
}

/* What an SGI of GICv2 was: its sender is pending again, and others may wait for their turn. */
static void forget_source(struct vcpu *v, struct vgic_bank *b, uint32_t sgi, uint64_t lr)
{
	unsigned source = (unsigned)field_get(LR_SOURCE, lr);
	uint8_t *waiting = &cpu_of(v)->sgi_source[sgi];

	if (lr & LR_PENDING)
		*waiting |= (uint8_t)(1U << source);
	if (*waiting)
		b->pending |= 1U << sgi;
	b->loc[sgi] = loc_of(v, source);
}

/* Line i was `lr` in its list register: what a wire made pending there (LR_EOI) is so by itself. */
static void forget_line(struct vcpu *v, struct vgic_bank *b, uint32_t i, uint64_t lr)
{
	uint32_t bit = 1U << i;

	b->resident &= ~bit;
	if (has_source(b->first + i))
		forget_source(v, b, i, lr);
	else if (lr & LR_PENDING && (lr & (LR_HW | LR_EOI)) != LR_EOI)
		b->pending |= bit;
	if (lr & LR_ACTIVE) {
		b->active |= bit;
		cpu_of(v)->evicted = true;
	}
	if (b->hw & b->pending & bit && line_target(b, i) != v)
		line_give_back(b, i);
	if ((b->pending | wired(b)) & bit)
		lr_attend_other(v, line_ready(b, i));
}

/*
 * List register n, which was `lr`, describes nothing any more; it is empty or about to be written.
 */
static void lr_forget(struct vcpu *v, unsigned n, uint64_t lr)
{
	struct vgic_cpu_state *st = cpu_of(v);
	uint32_t id = st->lr_id[n], i = id % 32;

	st->fold &= (uint16_t)~(1U << n);
	if (st->lr_lpi[n])
		lr_attend_other(v, lpi_unlisted((struct vgic_locked){ v->vm->vgic }, v, n, lr));
	if (id >= GIC_LPI_FIRST)
		return;
	struct vgic_bank *b = bank_of(v, id / 32);

	/* The line may have been delivered elsewhere since its end here went unnoticed. */
	if (b->resident >> i & 1 && b->loc[i] == loc_of(v, n))
		forget_line(v, b, i, lr);
}

void lr_take(struct vcpu *v, unsigned n, uint32_t id)
{
	struct vgic_cpu_state *st = cpu_of(v);

	if (st->lr_id[n] != id)
		lr_forget(v, n, 0);
	st->lr_id[n] = id;
}

static uint64_t common_value(const struct vgic_bank *b, uint32_t i)
{
	return (b->first + i) | (uint64_t)b->prio[i] << 48 | (uint64_t)(b->group >> i & 1) << 60;
}

static uint64_t hw_value(const struct vgic_bank *b, uint32_t i)
{
	return common_value(b, i) | LR_HW | (uint64_t)b->pintid[i] << 32;
}

/*
 * An SGI with its sender: the one that it is active from, or the first that waits. Its end must
 * come to EL2 while others wait, as they cannot be pending behind it in the same list register.
 */
static uint64_t source_value(struct vcpu *v, uint32_t sgi, uint64_t state)
{
	struct vgic_cpu_state *st = cpu_of(v);
	uint64_t from = st->priv.loc[sgi] & 7;
	uint8_t *waiting = &st->sgi_source[sgi];

	if (!(state & LR_ACTIVE) && *waiting) {
		from = (uint64_t)__builtin_ctz(*waiting);
		*waiting &= (uint8_t)(*waiting - 1);
	}
	return field_put(0, LR_SOURCE, from) | (*waiting ? LR_EOI : 0);
}

void lr_write_line(struct vcpu *v, unsigned n, struct vgic_bank *b, uint32_t i, uint64_t state)
{
	uint32_t intid = b->first + i, bit = 1U << i;
	uint64_t lr = b->hw & bit ? hw_value(b, i) : common_value(b, i);

	if (has_source(intid))
		lr |= source_value(v, intid, state);
	if (wired(b) & bit) /* not HW-linked */
		lr |= LR_EOI;
	lr_take(v, n, intid);
	b->resident |= bit;
	b->loc[i] = loc_of(v, n);
	gic.ops->lr_write(n, lr | state);
}

/*
 * ICC_DIR_EL1 for what has no list register here, or one of another vCPU, would end nothing. With
 * EOImode 0 there is no such write, and no trap.
 */
void lr_write_hcr(const struct vcpu *v, bool waiting)
{
	struct vgic_cpu_state *st = cpu_of(v);
	uint64_t hcr = ICH_HCR_EN;

	if (waiting)
		hcr |= ICH_HCR_NPIE;
	if (st->evicted)
		hcr |= ICH_HCR_LRENPIE;
	if (gic.has_tdir && (st->evicted || v->vm->vcpu_count > 1))
		hcr |= ICH_HCR_TDIR;
	if (hcr == st->hcr)
		return;
	st->hcr = hcr;
	gic.ops->hcr_write(hcr); /* EOIcount becomes 0 */
}

uint64_t lr_free_mask(void)
{
	arch_isb(); /* ICH_ELRSR_EL2 after list registers that this exit has written */
	return gic.ops->elrsr() & (BIT(gic.lr_count) - 1);
}

/*
 * Hot: a physical line of the guest was acknowledged on the target's CPU. It was inactive, so a
 * list register that describes it still is empty.
 */
void lr_inject(struct vcpu *v, struct vgic_bank *b, uint32_t i)
{
	uint32_t bit = 1U << i;
	bool known = b->resident & bit && b->loc[i] >> 4 == v->index;
	uint64_t spare = known ? BIT(b->loc[i] & 15) : lr_free_mask();

	if (b->active & bit) { /* ISACTIVER meanwhile: pends again behind it */
		if (b->edge & bit)
			line_hw(gic_set_pending, b, i, true);
		return;
	}
	if (!spare || !grp_enabled(b, i)) {
		b->pending |= bit;
		cpu_of(v)->ready |= 1U << b->first / 32;
		vgic_attend(v, v);
		return;
	}
	unsigned n = (unsigned)__builtin_ctzll(spare);

	if (known)
		gic.ops->lr_write(n, LR_PENDING | hw_value(b, i));
	else
		lr_write_line(v, n, b, i, LR_PENDING);
}

void lr_fold(struct vcpu *v, uint32_t lrs)
{
	for_each_bit(n, lrs) {
		uint64_t lr = gic.ops->lr_read(n);

		gic.ops->lr_write(n, 0);
		lr_forget(v, n, lr);
	}
}

void lr_request(struct vcpu *cur, struct vcpu *holder, unsigned n)
{
	cpu_of(holder)->fold |= (uint16_t)(1U << n);
	vgic_attend(cur, holder);
}

void lr_recall(struct vcpu *cur, struct vgic_bank *b, uint32_t i)
{
	lr_request(cur, b->vgic->vm->vcpu[b->loc[i] >> 4], b->loc[i] & 15);
}
