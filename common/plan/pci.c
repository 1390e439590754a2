/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which PCI functions a guest gets, and what they look like to it: ownership, isolation groups,
 * SMMU, place on the guest's bus 0, MSI and INTx. Everything is taken from what pci_identify()
 * captured; hardware is not touched. pci_func.owner is set by plan.c once the guest is accepted.
 */
#include <string.h>

#include <hv/bits.h>
#include <hv/vuart.h>

#include "plan_priv.h"

#define SLOTS 32

static const char *owner_name(const struct plan *p, const struct pci_func *f)
{
	return f->owner < MAX_VMS ? p->guest[f->owner].name : "?";
}

/* Candidate n of what `host` may mean, or where nothing is near it, endpoint n of the machine. */
static const struct pci_func *likely(const char *host, unsigned n)
{
	if (pci_candidate(host, 0) || !strncmp(host, "pci:", 4))
		return pci_candidate(host, n);
	pci_for_each(f)
		if (!f->bridge && !n--)
			return f;
	return NULL;
}

/* ": 0000:00:01.0 0000:00:02.0", as many as are worth reading; "" for none. */
static const char *candidates(const char *host, char *buf, size_t size)
{
	const struct pci_func *f;
	size_t len = 0;

	*buf = 0;
	for (unsigned i = 0; (f = likely(host, i)) && len + 20 < size; i++)
		len += fmt_print(buf + len, size - len, "%s %s", i ? "" : ":", f->name);
	return buf;
}

/* What the list of candidates() is called. */
static const char *near_it(const char *host)
{
	if (pci_candidate(host, 0))
		return "; near it";
	return likely(host, 0) ? "; there are" : "";
}

static struct pci_func *find_function(struct guest_plan *g, const char *host)
{
	struct pci_func *f = NULL;
	enum hv_status s = pci_find(host, &f);
	char list[100];

	if (s == HV_OK)
		return f;
	if (s == HV_ECONFLICT)
		plan_refuse(g, "host = \"%s\" fits several functions; name one of them%s", host,
			    candidates(host, list, sizeof(list)));
	else if (s == HV_ENOENT)
		plan_refuse(g,
			    "there is no PCI function \"%s\"; correct host, or remove the "
			    "device%s%s",
			    host, near_it(host), candidates(host, list, sizeof(list)));
	else
		plan_refuse(g,
			    "host = \"%s\" is malformed; give \"0000:00:01.0\", a path "
			    "\"0000:00:01.0/00.0\" or \"pci:8086:10d3\"",
			    host);
	return NULL;
}

static bool shared_sid(const struct pci_func *a, const struct pci_func *b, uint32_t *sid)
{
	for (unsigned i = 0; a->iommu && i < a->sid_count; i++)
		if (pci_has_stream(b, a->iommu, *sid = a->sid[i]))
			return true;
	return false;
}

static void check_group(const struct plan *p, struct guest_plan *g, const struct pci_func *f)
{
	char why[48];
	uint32_t sid;

	pci_for_each(o) {
		if (o == f || o->group != f->group || o->owner == PCI_NO_OWNER)
			continue;
		if (shared_sid(f, o, &sid))
			fmt_print(why, sizeof(why), "share StreamID 0x%x", sid);
		else
			fmt_print(why, sizeof(why), "are not isolated from each other (group %u)",
				  f->group);
		plan_refuse(g,
			    "%s and %s %s, and guest \"%s\" has the latter; give both to one guest",
			    f->name, o->name, why, owner_name(p, o));
	}
}

uint64_t plan_ram_top(const struct board *b)
{
	uint64_t top = 0;

	for (unsigned i = 0; i < b->ram_count; i++)
		top = MAX(top, range_end(b->ram[i]));
	return top;
}

/* A dead IOMMU aborts everything, so not even force helps. */
static void check_iommu(const struct plan *p, struct guest_plan *g, const struct plan_device *d)
{
	static const char remedy[] =
		"remove it, or give it force-assign-without-iommu and trust the "
		"guest with all memory";
	const struct pci_func *f = d->func;
	const struct iommu *i = f->iommu;

	if (i && i->dead)
		plan_refuse(g, "%s is behind IOMMU %s, which does not work; remove the device",
			    f->name, i->name);
	else if (d->force_no_iommu && !g->direct_map && !plan_translated(f))
		plan_refuse(g,
			    "%s is given without an IOMMU, so it uses physical addresses; give the "
			    "guest direct-map",
			    f->name);
	else if (d->force_no_iommu)
		return;
	else if (!i || !f->sid_count)
		plan_refuse(g, "no IOMMU translates the DMA of %s; %s", f->name, remedy);
	else if (!i->s2)
		plan_refuse(g, "IOMMU %s of %s has no stage 2; %s", i->name, f->name, remedy);
	else if (i->oas_bits < 64 && plan_ram_top(p->board) > BIT(i->oas_bits))
		plan_refuse(g, "IOMMU %s of %s reaches 2^%u bytes only, RAM is above; %s", i->name,
			    f->name, i->oas_bits, remedy);
}

static bool is_coherent(const struct pci_func *f)
{
	return f->host->coherent && (!f->iommu || f->iommu->coherent);
}

static void check_coherent(struct guest_plan *g, const struct plan_device *d)
{
	const struct pci_func *f = d->func, *first = g->device[0].func;

	if (f->iommu && !d->force_no_iommu && f->iommu->coherent != f->host->coherent)
		plan_refuse(g,
			    "of %s's host bridge and IOMMU only one is dma-coherent; correct "
			    "the device tree",
			    f->name);
	if (is_coherent(f) != is_coherent(first))
		plan_refuse(g, "%s is dma-coherent and %s is not; give them to different guests",
			    (is_coherent(f) ? f : first)->name, (is_coherent(f) ? first : f)->name);
}

static void check_function(const struct plan *p, struct guest_plan *g, const struct plan_device *d)
{
	const struct pci_func *f = d->func;

	for (const struct plan_device *o = g->device; o < d; o++)
		if (o->func == f)
			plan_refuse(g, "%s is listed twice; remove one", f->name);
	if (f->bridge)
		plan_refuse(g,
			    "%s is a bridge, and bridges stay Viaduct's; name the device behind "
			    "it",
			    f->name);
	if (f->refused)
		plan_refuse(g, "%s cannot be assigned: %s; remove the device", f->name, f->refused);
	if (f->owner != PCI_NO_OWNER)
		plan_refuse(g, "guest \"%s\" has %s already; remove it from one of them",
			    owner_name(p, f), f->name);
	if (!pci_reset_method(f) && !d->allow_no_reset)
		plan_refuse(g,
			    "%s has no way to be reset, so each start finds what the last one "
			    "left in it; remove it, or give it allow-no-reset",
			    f->name);
	check_group(p, g, f);
	check_iommu(p, g, d);
	check_coherent(g, d);
}

static bool same_host_slot(const struct pci_func *a, const struct pci_func *b)
{
	return a->host == b->host && a->bdf >> 3 == b->bdf >> 3;
}

/* The guest's bus while it is laid out: which device (index + 1) sits where. */
struct bus {
	uint16_t at[SLOTS * 8];
};

static unsigned slot_count(const struct bus *b, unsigned slot)
{
	unsigned count = 0;

	for (unsigned fn = 0; fn < 8; fn++)
		count += b->at[slot << 3 | fn] != 0;
	return count;
}

/* Beside a function of the same host slot, with its own function number; else the next free slot.
 */
static bool find_place(const struct guest_plan *g, const struct bus *b, unsigned index,
		       uint8_t *out)
{
	const struct pci_func *f = g->device[index].func;

	for (unsigned at = 0; at < ARRAY_SIZE(b->at); at++) {
		unsigned want = (at & ~7U) | (f->bdf & 7);

		if (b->at[at] && same_host_slot(g->device[b->at[at] - 1].func, f) && !b->at[want]) {
			*out = (uint8_t)want;
			return true;
		}
	}
	for (unsigned slot = 1; slot < SLOTS; slot++)
		if (!slot_count(b, slot)) {
			*out = (uint8_t)(slot << 3 | (f->bdf & 7));
			return true;
		}
	return false;
}

/* Software looks for function 0 first (PCIe r6.0 §7.5.1.1.9): move one there if none is. */
static void settle_slot(struct guest_plan *g, struct bus *b, unsigned slot)
{
	unsigned count = slot_count(b, slot), fn = 0;

	while (fn < 8 && (!b->at[slot << 3 | fn] ||
			  (fn && g->device[b->at[slot << 3 | fn] - 1].has_guest_bdf)))
		fn++;
	if (count && !b->at[slot << 3]) {
		if (fn == 8) {
			plan_refuse(g,
				    "guest device 00:%02x has no function 0; give one of its "
				    "functions guest = \"00:%02x.0\"",
				    slot, slot);
			return;
		}
		b->at[slot << 3] = b->at[slot << 3 | fn];
		b->at[slot << 3 | fn] = 0;
		g->device[b->at[slot << 3] - 1].as.devfn = (uint8_t)(slot << 3);
	}
	for (unsigned i = 0; i < 8; i++)
		if (b->at[slot << 3 | i])
			g->device[b->at[slot << 3 | i] - 1].as.multifunction = count > 1;
}

static void lay_out(struct guest_plan *g)
{
	struct bus b = { 0 };

	for (unsigned i = 0; i < 2 * g->device_count; i++) { /* those whose place is given first */
		unsigned index = i % g->device_count;
		struct plan_device *d = &g->device[index];

		if (d->has_guest_bdf != (i == index))
			continue;
		if (d->has_guest_bdf && b.at[d->as.devfn])
			plan_refuse(g,
				    "guest = \"00:%02x.%x\" is given to %s and to another "
				    "device; change one",
				    d->as.devfn >> 3, d->as.devfn & 7, d->func->name);
		if (!d->has_guest_bdf && !find_place(g, &b, index, &d->as.devfn)) {
			plan_refuse(g,
				    "there is no free device number on its bus for %s; remove a "
				    "device",
				    d->func->name);
			return;
		}
		b.at[d->as.devfn] = (uint16_t)(index + 1);
	}
	for (unsigned slot = 0; slot < SLOTS; slot++)
		settle_slot(g, &b, slot);
}

void plan_devices(const struct plan *p, struct guest_plan *g)
{
	g->has_pci = g->device_count > 0;
	plan_for_each_device(d, g) {
		d->as.func = d->func = find_function(g, d->host);
		if (!d->func)
			return;
		check_function(p, g, d);
		plan_msi_choose(p, g, d);
		if (plan_refused(g))
			return;
	}
	if (!g->has_pci)
		return;
	g->coherent = is_coherent(g->device[0].func);
	lay_out(g);
}

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

/* Another guest's device on the line of `d`: one that needs it, or any. */
static const struct plan_device *rival(const struct plan *p, const struct guest_plan *g,
				       const struct plan_device *d, bool needing)
{
	for (const struct guest_plan *o = p->guest; o < p->guest + p->guest_count; o++)
		plan_for_each_device(r, o)
			if (o != g && has_line(r) && (!needing || needs_line(r)) &&
			    r->func->intx.intid == d->func->intx.intid)
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
		if (!needs_line(d) || !(o = rival(p, g, d, true)))
			continue;
		stuck = stuck_of(d->func, o->func);
		plan_refuse(
			g,
			"%s and %s of guest \"%s\" both need INTx line SPI %u%s%s; give both to "
			"one guest%s",
			d->func->name, o->func->name, owner_name(p, o->func),
			d->func->intx.intid - 32, stuck ? ", where DisINTx does not silence " : "",
			stuck ? stuck->name : "", stuck ? "" : ", or one of them intx = \"off\"");
	}
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
		while (plan_has_line(g, *next))
			(*next)++;
		d->as.intx_virq = (*next)++;
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
	if (!needs_line(d) && rival(p, g, d, false))
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
