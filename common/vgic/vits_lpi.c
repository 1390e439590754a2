/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The events of the virtual ITS: what the guest's property and pending tables say of one, and its
 * delivery, which every message of a device goes through.
 */
#include <string.h>

#include "vits_priv.h"

void vits_unmap(struct vits *its, struct vcpu *cur, struct vlpi *lpi)
{
	vgic_lpi_set(its->vm, cur, lpi, (struct vlpi_is){ 0 });
}

void vits_retarget(struct vits *its, struct vcpu *cur, struct vlpi *lpi, uint16_t to)
{
	struct vlpi_is is = lpi->is;

	is.vcpu = to;
	vgic_lpi_set(its->vm, cur, lpi, is);
}

static uint8_t read_property(struct vits *its, uint64_t ipa)
{
	uint64_t line = ALIGN_DOWN(ipa, VITS_LINE);

	if (its->line.ipa != line) {
		its->budget -= COST_FETCH;
		its->line.ipa = line;
		if (vm_copy_from(its->vm, its->line.byte, IPA(line), VITS_LINE) != HV_OK)
			memset(its->line.byte, 0, VITS_LINE); /* not RAM: disabled */
	}
	return its->line.byte[ipa - line];
}

/* What the table at EnableLPIs said, once. */
static bool was_pending(struct vits_redist *r, uint32_t lpi)
{
	uint8_t bit = (uint8_t)(1U << lpi % 8), seen = r->pending[lpi / 8] & bit;

	r->pending[lpi / 8] ^= seen;
	return seen;
}

void vits_load(struct vits *its, struct vcpu *cur, struct vlpi *lpi, uint32_t vintid, uint16_t to)
{
	struct vits_redist *r = &its->redist[to];
	uint32_t n = vintid - GIC_LPI_FIRST;
	bool inside = vintid < r->end;
	uint8_t p = inside ? read_property(its, r->props + n) : 0;

	lpi->fresh = r->end != 0;
	vgic_lpi_set(its->vm, cur, lpi,
		     (struct vlpi_is){ vintid, to, p & LPI_PRIORITY, p & LPI_ENABLE });
	if (inside && was_pending(r, n))
		vgic_lpi_pend(its->vm, cur, lpi);
}

void vits_reload(struct vits *its, struct vcpu *cur, struct vlpi *lpi)
{
	vits_load(its, cur, lpi, lpi->is.vintid, lpi->is.vcpu);
}

/* MAPC moved the collection since, or the event was mapped before LPIs were on. */
static __attribute__((noinline)) bool signal_stale(struct vits *its, struct vlpi *lpi,
						   struct vcpu *cur, uint16_t to)
{
	if (lpi->fresh) {
		vits_retarget(its, cur, lpi, to);
	} else {
		its->line.ipa = VITS_NO_LINE;
		vits_load(its, cur, lpi, lpi->is.vintid, to);
	}
	return vgic_lpi_pend(its->vm, cur, lpi);
}

bool vits_signal(struct vits *its, struct vlpi *lpi, struct vcpu *cur)
{
	uint16_t to = its->col[lpi->icid];

	if (!lpi->is.vintid || to == VITS_UNMAPPED || !its->redist[to].end)
		return false;
	if (lpi->is.vcpu == to && lpi->fresh)
		return vgic_lpi_pend(its->vm, cur, lpi);
	return signal_stale(its, lpi, cur, to);
}

bool vits_deliver(struct vits *its, uint32_t vdev, uint32_t event, struct vcpu *cur, uint16_t *to)
{
	struct vits_dev *dev = vdev < VITS_DEVS ? its->dev[vdev] : NULL;
	struct vlpi *lpi;
	bool news = false;

	spin_lock(&its->lock, LOCK_VITS);
	if (dev && event < dev->limit && its->enabled) {
		lpi = &dev->lpi[index_nospec(event, dev->limit)];
		news = vits_signal(its, lpi, cur);
		*to = lpi->is.vcpu;
	}
	spin_unlock(&its->lock);
	return news;
}
