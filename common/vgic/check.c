/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is always true of a guest's virtual GIC and ITS while nobody holds their locks. For tests,
 * fuzzers and proofs: nothing in the hypervisor calls it, so it is not in the image.
 */
#include "vgic_priv.h"
#include "vits_priv.h"

#define MUST(condition)                                                                            \
	do {                                                                                       \
		if (!(condition))                                                                  \
			return #condition;                                                         \
	} while (0)

/* An LPI, from its own side: see the table in lpi.c. */
const char *vgic_lpi_check(const struct vm *vm, const struct vlpi *lpi)
{
	const struct vlpi_place *p = &lpi->place;
	const struct vgic_cpu_state *at, *target;

	MUST(p->vcpu < vm->vcpu_count && lpi->is.vcpu < vm->vcpu_count);
	at = cpu_of(vm->vcpu[p->vcpu]);
	target = cpu_of(vm->vcpu[lpi->is.vcpu]);
	MUST(lpi->is.vintid || (p->where == VLPI_NOWHERE && !lpi->pending));
	MUST(!lpi->pending || target->lpis_on || p->where == VLPI_LISTED);
	switch (p->where) {
	case VLPI_NOWHERE:
		MUST(!lpi->pending || !lpi->is.enabled);
		break;
	case VLPI_QUEUED:
		MUST(p->slot < VGIC_LPI_QUEUES && p->slot == lpi->is.prio / 8);
		MUST(lpi->pending && lpi->is.enabled && p->vcpu == lpi->is.vcpu);
		MUST(at->lpi_ready >> p->slot & 1);
		MUST(lpi->next->prev == lpi && lpi->prev->next == lpi);
		break;
	case VLPI_LISTED:
		MUST(at->online && p->slot < gic.lr_count && at->lr_lpi[p->slot] == lpi);
		MUST(at->lr_id[p->slot] == lpi->is.vintid);
		MUST((!lpi->pending && p->vcpu == lpi->is.vcpu) || at->fold >> p->slot & 1);
		break;
	default:
		MUST(false);
	}
	return NULL;
}

/* The LPIs that a vCPU has: each says so as well. */
static const char *check_cpu_lpis(const struct vcpu *v, uint32_t *queued)
{
	const struct vgic_cpu_state *st = cpu_of(v);

	for (unsigned n = 0; n < VGIC_LR_MAX; n++)
		if (st->lr_lpi[n]) {
			const struct vlpi_place *p = &st->lr_lpi[n]->place;

			MUST(n < gic.lr_count && st->lr_lpi[n]->is.vintid);
			MUST(p->where == VLPI_LISTED && p->vcpu == v->index && p->slot == n);
		}
	for (unsigned q = 0; q < VGIC_LPI_QUEUES; q++) {
		const struct vlpi *last = st->lpi_last[q], *lpi = last;

		MUST(!last == !(st->lpi_ready >> q & 1));
		for (; lpi; lpi = lpi->next == last ? NULL : lpi->next) {
			MUST(lpi->place.where == VLPI_QUEUED && lpi->place.vcpu == v->index);
			MUST(lpi->place.slot == q && ++*queued < 1U << 24);
		}
	}
	return NULL;
}

static const char *check_line(const struct vgic_bank *b, uint32_t i)
{
	const struct vm *vm = b->vgic->vm;
	const struct vcpu *to = line_target(b, i), *at;
	uint32_t bit = 1U << i;

	MUST(!(b->resident & b->active & bit));
	MUST(!(b->hw & b->level & bit));
	if ((b->resident | b->active) & bit) {
		MUST(b->loc[i] >> 4 < vm->vcpu_count);
		at = vm->vcpu[b->loc[i] >> 4];
		MUST(!b->owner || at == b->owner);
		if (b->resident & bit) {
			MUST((b->loc[i] & 15) < gic.lr_count);
			MUST(cpu_of(at)->lr_id[b->loc[i] & 15] == b->first + i);
		}
		/* A vCPU that is off looks for its active lines when it is on again. */
		MUST(!(b->active & bit) || !cpu_of(at)->online || cpu_of(at)->evicted);
	}
	if (deliverable(b) & bit && to && cpu_of(to)->online && grp_enabled(b, i))
		MUST(cpu_of(to)->ready >> b->first / 32 & 1);
	return NULL;
}

static const char *check_bank(const struct vgic_bank *b)
{
	const char *wrong = NULL;

	MUST(!b->held);
	for (uint32_t i = 0; i < 32 && !wrong; i++)
		wrong = check_line(b, i);
	return wrong;
}

/* An SGI of GICv2 waits with its senders, or not at all. */
static const char *check_sources(const struct vgic_cpu_state *st)
{
	for (uint32_t i = 0; i < GIC_SGI_COUNT; i++) {
		bool waits = st->priv.pending >> i & 1;

		MUST(gic.version == 2 || !st->sgi_source[i]);
		MUST(gic.version == 3 || !waits || st->sgi_source[i]);
	}
	return NULL;
}

const char *vgic_check(const struct vm *vm)
{
	uint32_t queued = 0, mapped = 0;
	const char *wrong = NULL;

	for (unsigned i = 0; i < vm->vcpu_count && !wrong; i++) {
		wrong = check_cpu_lpis(vm->vcpu[i], &queued);
		if (!wrong)
			wrong = check_bank(&cpu_of(vm->vcpu[i])->priv);
		if (!wrong)
			wrong = check_sources(cpu_of(vm->vcpu[i]));
	}
	for (uint32_t n = 1; n < vm->vgic->bank_count && !wrong; n++)
		wrong = check_bank(vm->vgic->spi[n]);
	for (uint32_t d = 0; vm->vits && d < vm->vits->dev_end && !wrong; d++)
		for (uint32_t e = 0; vm->vits->dev[d] && e < vm->vits->dev[d]->events && !wrong;
		     e++) {
			const struct vlpi *lpi = &vm->vits->dev[d]->lpi[e];

			mapped += lpi->place.where == VLPI_QUEUED;
			wrong = vgic_lpi_check(vm, lpi);
			if (!wrong && e >= vm->vits->dev[d]->limit && lpi->is.vintid)
				wrong = "an event beyond MAPD's limit is mapped";
		}
	if (!wrong && vm->vits && mapped != queued)
		wrong = "a queue holds an LPI that is no event of the guest's";
	return wrong;
}
