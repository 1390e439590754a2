/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which guests have an emulated RTC and watchdog. A guest that says nothing has an RTC where there
 * is a time to show: /chosen viaduct,epoch, or a clock of the board that no guest was given. So
 * this is decided behind all guests.
 */
#include <hv/dt.h>

#include "plan_priv.h"

static bool has_pages(const struct guest_plan *g, struct range pa)
{
	for (unsigned i = 0; i < g->region_count; i++)
		if (!g->region[i].id[0] && range_overlaps(g->region[i].pa, pa))
			return true;
	return false;
}

/* The guest that was given the board's clock, or NULL. */
static const struct guest_plan *rtc_owner(const struct plan *p)
{
	struct range r;

	if (p->board->rtc_node < 0 || dt_reg(p->board->fdt, p->board->rtc_node, 0, &r) != HV_OK)
		return NULL;
	for (const struct guest_plan *g = p->guest; g < p->guest + p->guest_count; g++)
		if (has_pages(g, r))
			return g;
	return NULL;
}

static bool has_room(const struct guest_plan *g)
{
	const struct range page = { GUEST_RTC_BASE, PAGE_SIZE };

	for (unsigned i = 0; i < g->region_count; i++)
		if (range_overlaps((struct range){ g->region[i].ipa, g->region[i].pa.size }, page))
			return false;
	return true;
}

/* Why a guest that says nothing of an RTC has none; NULL: it has one. */
static const char *no_rtc(const struct board *b, const struct guest_plan *g,
			  const struct guest_plan *owner)
{
	if (g == owner)
		return "it has the board's own";
	if (!b->epoch && b->rtc_node < 0)
		return "Viaduct knows no time: no RTC that it can read, no viaduct,epoch";
	if (!b->epoch && owner)
		return "another guest has the board's; it would set this one's time";
	return has_room(g) ? NULL : "another device is at its address";
}

void plan_clocks(const struct plan *p)
{
	const struct guest_plan *owner = rtc_owner(p);

	for (struct guest_plan *g = p->guest; g < p->guest + p->guest_count; g++) {
		if (plan_refused(g))
			continue;
		if (g->rtc == PLAN_AUTO)
			g->rtc_note = no_rtc(p->board, g, owner);
		g->rtc = g->rtc == PLAN_OFF || g->rtc_note ? PLAN_OFF : PLAN_ON;
		g->watchdog = g->watchdog == PLAN_ON ? PLAN_ON : PLAN_OFF;
	}
}
