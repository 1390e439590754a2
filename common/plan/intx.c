/* SPDX-License-Identifier: Apache-2.0 */
/*
 * INTx lines. A physical line has one guest, which sees it as one virtual line: who needs one, who
 * can have it, and which pin and SPI it is in the guest.
 */
#include <hv/bits.h>
#include <hv/vuart.h>

#include "plan_priv.h"

/* One that cannot be silenced drives its line whatever is declared. */
static bool has_line(const struct plan_device *d)
{
	return d->func && d->func->irq_pin && d->func->intx.intid >= 32 &&
	       (d->intx != PLAN_OFF || d->func->intx_stuck);
}

/* It has no other way to interrupt, its declaration insists, or nobody else can have the line. */
static bool needs_line(const struct plan_device *d)
{
	return has_line(d) && (d->intx == PLAN_ON || d->msi == PLAN_OFF || d->func->intx_stuck);
}

/* Another guest's device on the line of `d` that `counts`, has_line() or needs_line(); or NULL. */
static const struct plan_device *rival(const struct plan *p, const struct guest_plan *g,
				       const struct plan_device *d,
				       bool (*counts)(const struct plan_device *))
{
	for (const struct guest_plan *o = p->guest; o < p->guest + p->guest_count; o++)
		plan_for_each_device(r, o)
			if (o != g && counts(r) && r->func->intx.intid == d->func->intx.intid)
				return r;
	return NULL;
}

/* Of two functions the first whose line cannot be silenced (PCI_COMMAND_INTX_DISABLE). */
static const struct pci_func *stuck_of(const struct pci_func *a, const struct pci_func *b)
{
	if (a->intx_stuck)
		return a;
	return b->intx_stuck ? b : NULL;
}

void plan_intx_check(const struct plan *p, struct guest_plan *g)
{
	const struct pci_func *stuck;

	plan_for_each_device(d, g) {
		const struct plan_device *o;

		if (d->intx == PLAN_ON && !has_line(d))
			plan_refuse(g, "%s has intx = \"on\" but no INTx line; give \"auto\"",
				    d->func->name);
		if (!needs_line(d) || !(o = rival(p, g, d, needs_line)))
			continue;
		stuck = stuck_of(d->func, o->func);
		plan_refuse(
			g,
			"%s and %s of guest \"%s\" both need INTx line SPI %u%s%s; give both to "
			"one guest%s",
			d->func->name, o->func->name, plan_owner_name(p, o->func),
			d->func->intx.intid - 32, stuck ? ", where DisINTx does not silence " : "",
			stuck ? stuck->name : "", stuck ? "" : ", or one of them intx = \"off\"");
	}
}

/* The lowest INTID from *next on that no platform device of the guest has. */
static uint32_t free_line(const struct guest_plan *g, uint32_t *next)
{
	while (plan_has_line(g, *next))
		(*next)++;
	return (*next)++;
}

/*
 * One virtual line for every physical line. The guest's interrupt-map is by (device number, pin),
 * so within a guest's slot a pin stands for one line; the function's own pin if it is free.
 */
static void assign_line(struct guest_plan *g, struct plan_device *d, uint32_t *next)
{
	bool used[5] = { false };
	uint8_t pin = d->func->irq_pin, same = 0;

	for (struct plan_device *o = g->device; o < d; o++) {
		bool line = o->as.intx_pin && o->func->intx.intid == d->func->intx.intid;

		if (line)
			d->as.intx_virq = o->as.intx_virq;
		if (!o->as.intx_pin || o->as.devfn >> 3 != d->as.devfn >> 3)
			continue;
		if (line)
			same = o->as.intx_pin;
		else
			used[o->as.intx_pin] = true;
	}
	if (pin > 4 || used[pin])
		pin = same;
	for (uint8_t i = 1; i <= 4 && !pin; i++)
		pin = used[i] ? 0 : i;
	d->as.intx_pin = pin;
	if (!pin) {
		d->as.intx_virq = 0;
		d->intx_note = "its guest device has four other lines";
	} else if (!d->as.intx_virq) {
		d->as.intx_virq = free_line(g, next);
	}
}

/* Why the device has no INTx line; NULL if it has one. */
static const char *no_intx(const struct plan *p, const struct guest_plan *g,
			   const struct plan_device *d)
{
	if (d->intx == PLAN_OFF)
		return "declared off";
	if (!d->func->irq_pin)
		return "the function has none";
	if (!has_line(d))
		return "no interrupt-map entry";
	if (!needs_line(d) && rival(p, g, d, has_line))
		return "another guest uses its line; MSI stays";
	return NULL;
}

static void assign_guest(const struct plan *p, struct guest_plan *g)
{
	uint32_t next = VUART_VIRQ + 1;

	plan_for_each_device(d, g) {
		d->intx_note = no_intx(p, g, d);
		if (!d->intx_note)
			assign_line(g, d, &next);
	}
	if (g->rtc == PLAN_ON)
		g->rtc_virq = free_line(g, &next);
	if (g->watchdog == PLAN_ON)
		g->watchdog_virq = free_line(g, &next);
	for (unsigned i = 0; i < g->line_count; i++)
		next = MAX(next, g->line[i].vintid + 1);
	g->v2m_first = (uint32_t)ALIGN_UP(next, 32);
	if (g->v2m_count)
		next = g->v2m_first + g->v2m_count;
	g->spi_count = (uint32_t)ALIGN_UP(MAX(g->nr_spis, next - 32), 32);
}

const struct plan_device *plan_intx_intruder(const struct plan *p, const struct guest_plan *g,
					     const struct plan_device *d)
{
	for (const struct guest_plan *o = p->guest; o < p->guest + p->guest_count; o++) {
		if (o == g || o->refused[0] || d->intx_note)
			continue;
		plan_for_each_device(r, o)
			if (pci_can_assert(r->func, d->func->intx.intid))
				return r;
	}
	return NULL;
}

void plan_intx_assign(struct plan *p)
{
	for (unsigned i = 0; i < p->guest_count; i++)
		assign_guest(p, &p->guest[i]);
}
