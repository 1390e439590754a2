/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The virtual redistributors, one after the other, 128 KiB each: RD_base and SGI_base (IHI 0069
 * §12.10, §12.11). LPIs can be switched on once; what the guest's tables say is for the virtual
 * ITS to read. Any vCPU may access any redistributor.
 */
#include <hv/vits.h>

#include "vgic_priv.h"

static uint64_t gicr_typer(const struct vcpu *v)
{
	uint64_t t = field_put(0, GICR_TYPER_AFF, vcpu_affinity(v->index)) |
		     field_put(0, GICR_TYPER_NUMBER, v->index);

	if (v->index == v->vm->vcpu_count - 1)
		t |= GICR_TYPER_LAST;
	return t | (v->vm->vgic->lpis ? GICR_TYPER_PLPIS : 0);
}

static void gicr_set_ctlr(struct vcpu *v, uint64_t value)
{
	struct vgic_cpu_state *st = cpu_of(v);
	struct vgic_locked l = vgic_lock(v->vm->vgic);
	bool now = l.v->lpis && !st->lpis_on && value & GICR_CTLR_LPIS;
	uint64_t propbaser = st->propbaser, pendbaser = st->pendbaser;

	st->lpis_on |= now;
	vgic_unlock(l);
	if (now) /* the virtual ITS' lock is outside ours */
		vits_enable_lpis(v, propbaser, pendbaser);
}

static void set_waker(struct vcpu *v, uint64_t value)
{
	struct vgic_locked l = vgic_lock(v->vm->vgic);

	cpu_of(v)->asleep = value & GICR_WAKER_SLEEP;
	vgic_unlock(l);
}

/*
 * What software reads back: the least that is coherent with EL2's own accesses. IHI 0069 §12.11.28
 */
static uint64_t readable_attributes(uint64_t v)
{
	if ((v & LPIBASE_SHARE) == LPIBASE_SHARE_OUTER || (v & LPIBASE_SHARE) == LPIBASE_SHARE)
		v = (v & ~LPIBASE_SHARE) | LPIBASE_SHARE_INNER;
	if ((v & LPIBASE_INNER) <= FIELD(LPIBASE_INNER, 1)) /* device, non-cacheable */
		v = (v & ~LPIBASE_INNER) | LPIBASE_INNER_RAWB;
	return v & ~LPIBASE_OUTER;
}

/* Both are fixed once LPIs are on, IHI 0069 §12.11.27, §12.11.28. */
static void set_base(struct vcpu *v, struct mmio_access *a, uint64_t *reg, uint64_t fields)
{
	struct vgic_locked l = vgic_lock(v->vm->vgic);

	if (!cpu_of(v)->lpis_on && l.v->lpis)
		*reg = readable_attributes(part_put(*reg, a) &
					   (fields | LPIBASE_INNER | LPIBASE_SHARE));
	vgic_unlock(l);
}

static void rd_write(struct vcpu *v, struct mmio_access *a, uint32_t off)
{
	struct vgic_cpu_state *st = cpu_of(v);

	switch (off & ~7U) {
	case GICR_PROPBASER:
		set_base(v, a, &st->propbaser, PROPBASER_PA | PROPBASER_IDBITS);
		break;
	case GICR_PENDBASER:
		set_base(v, a, &st->pendbaser, PENDBASER_PA | PENDBASER_PTZ);
		break;
	default:
		if (a->size != 4)
			break;
		if (off == GICR_CTLR)
			gicr_set_ctlr(v, a->value);
		else if (off == GICR_WAKER)
			set_waker(v, a->value);
	}
}

/* What the guest wrote, and what EL2 keeps beside it. */
static uint64_t read_locked(struct vcpu *v, uint32_t off)
{
	const struct vgic_cpu_state *st = cpu_of(v);
	struct vgic_locked l = vgic_lock(v->vm->vgic);
	uint64_t value = 0;

	switch (off & ~7U) {
	case GICR_CTLR:
		value = (st->lpis_on ? GICR_CTLR_LPIS : 0) | (uint64_t)VGIC_IIDR << 32;
		break;
	case GICR_WAKER & ~7:
		value = st->asleep ? (GICR_WAKER_SLEEP | GICR_WAKER_ASLEEP) << 32 : 0;
		break;
	case GICR_PROPBASER:
		value = st->propbaser;
		break;
	case GICR_PENDBASER:
		value = st->pendbaser & ~PENDBASER_PTZ;
		break;
	}
	vgic_unlock(l);
	return value;
}

/* By the doubleword that holds them; absent ones read 0. */
static uint64_t rd_read(struct vcpu *v, uint32_t off)
{
	switch (off & ~7U) {
	case GICR_TYPER:
		return gicr_typer(v);
	case GICD_PIDR2:
		return VGIC_PIDR2;
	}
	return read_locked(v, off);
}

enum emul vgic_redist_access(struct vcpu *vcpu, void *, struct mmio_access *a)
{
	uint32_t index = (uint32_t)(a->off / (2 * GICR_FRAME));
	uint32_t off = (uint32_t)(a->off % (2 * GICR_FRAME));
	/* The frames end with the guest's vCPUs; index_nospec() says so for the CPU's guesses. */
	struct vcpu *owner = vcpu->vm->vcpu[index_nospec(index, vcpu->vm->vcpu_count)];

	if (off >= GICR_FRAME)
		return vgic_lines_access(vcpu, owner, off - GICR_FRAME, a);
	if (a->write && a->size >= 4)
		rd_write(owner, a, off);
	else if (a->size >= 4)
		a->value = rd_read(owner, off) >> (off & 7) * 8;
	return EMUL_OK;
}
