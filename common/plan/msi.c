/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which way a guest's interrupt messages go: an ITS, or a GICv2m frame, of which each guest gets
 * one of its own while there are enough. Everything is taken from what pci_identify() captured.
 */
#include <hv/bits.h>

#include "plan_priv.h"

#define V2M_VIRTUAL_MAX 896U /* SPIs of a virtual frame; a guest has 960 in all */

/* Why the MSI-X table cannot be the guest's own; NULL: nothing is left to check behind its back. */
static const char *no_direct(const struct plan_device *d)
{
	const struct pci_func *f = d->func, *o;

	if (!f->msix_count)
		return "it has no MSI-X";
	if (!plan_translated(f))
		return "no IOMMU confines its messages";
	if (!f->msi->by_device)
		return "its MSI controller does not tell senders apart";
	if (f->host->own_doorbell)
		return "its host bridge lets only the controller's own page through";
	for (unsigned n = 0; (o = pci_with_device_id(f->device_id, n)); n++)
		if (o != f && o->msi == f->msi)
			return "it shares its DeviceID";
	return NULL;
}

const struct guest_plan *plan_frame_mate(const struct plan *p, const struct guest_plan *g,
					 const struct msi_ctrl *frame)
{
	for (const struct guest_plan *o = p->guest; o < p->guest + p->guest_count; o++)
		if (o != g && o->msi == frame)
			return o;
	return NULL;
}

/* A frame that no other guest has; else the first, where that is allowed. */
static struct msi_ctrl *choose_frame(const struct plan *p, struct guest_plan *g,
				     const struct plan_device *d)
{
	struct msi_ctrl *c;

	for (unsigned i = 0; (c = v2m_frame(i)); i++)
		if (!plan_frame_mate(p, g, c))
			return c;
	c = v2m_frame(0);
	if (!d->allow_shared_frame)
		plan_refuse(g,
			    "no MSI frame is left for %s: guest \"%s\" has that at 0x%lx, and "
			    "either could raise the other's interrupts; give it msi = \"off\", or "
			    "allow-shared-msi-frame",
			    d->func->name, plan_frame_mate(p, g, c)->name, c->page.v);
	return c;
}

/* Why the device has no interrupt messages at all; NULL if it has them. */
static const char *no_msi(const struct plan_device *d, uint32_t vectors)
{
	if (d->msi == PLAN_OFF)
		return "declared off";
	if (!vectors)
		return "the function has none";
	if (!d->func->msi)
		return "no MSI controller serves it";
	return NULL;
}

/* Interrupt messages: the MSI-X table is the guest's own, or the entries in the device are ours. */
void plan_msi_choose(const struct plan *p, struct guest_plan *g, struct plan_device *d)
{
	const struct pci_func *f = d->func;
	uint32_t vectors = MAX((uint32_t)f->msix_count, (uint32_t)f->msi_count);
	struct msi_ctrl *c;
	bool none;

	d->msi_note = no_msi(d, vectors);
	none = d->msi_note;
	if (!none && d->msi != PLAN_TRAPPED)
		d->msi_note = no_direct(d);
	if (d->msi_note && (d->msi == PLAN_DIRECT || d->msi == PLAN_TRAPPED))
		plan_refuse(g, "%s cannot have %sMSI: %s; give msi = \"auto\"", f->name,
			    none ? "" : "direct ", d->msi_note);
	if (none) {
		d->msi = PLAN_OFF;
		return;
	}
	d->msi = d->msi == PLAN_TRAPPED || d->msi_note ? PLAN_TRAPPED : PLAN_DIRECT;
	c = f->msi->by_device ? f->msi : choose_frame(p, g, d);
	if (g->msi && g->msi != c)
		plan_refuse(g,
			    "%s signals another MSI controller than the other devices; give it "
			    "to another guest, or msi = \"off\"",
			    f->name);
	g->msi = c;
	g->its = c->by_device;
	d->as.msi_direct = d->msi == PLAN_DIRECT;
	d->as.msi.ctrl = c;
	d->as.msi.count = vectors;
}

void plan_msi_off(struct guest_plan *g, const char *why)
{
	plan_for_each_device(d, g)
		if (d->msi != PLAN_OFF) {
			d->msi = PLAN_OFF;
			d->msi_note = why;
			d->as.msi = (struct msi_block){ 0 };
		}
	g->its = false;
	g->msi = NULL;
}

/*
 * Whether a frame is enough when no function gets more than `most` vectors, in the order in which
 * they will be allocated; takes what is more away from them. Counts the virtual frames as well.
 */
static bool frame_fits(struct plan *p, const struct msi_ctrl *frame, uint32_t most)
{
	uint32_t at = 0;

	for (struct guest_plan *g = p->guest; g < p->guest + p->guest_count; g++) {
		if (g->msi != frame)
			continue;
		g->v2m_count = 0;
		plan_for_each_device(d, g) {
			uint32_t n = d->as.msi.count = MIN(d->as.msi.count, most);

			if (!n)
				continue;
			at = v2m_place(frame, at, n);
			if (!at)
				return false;
			at += n;
			g->v2m_count += 1U << log2_ceil(n);
		}
		g->v2m_count = MIN((uint32_t)ALIGN_UP(g->v2m_count, 32), V2M_VIRTUAL_MAX);
	}
	return true;
}

void plan_msi_share(struct plan *p)
{
	const struct msi_ctrl *frame;

	for (unsigned i = 0; (frame = v2m_frame(i)); i++)
		for (uint32_t most = 2048; most && !frame_fits(p, frame, most);)
			most /= 2;
}
