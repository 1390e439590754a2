/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which PCI functions a guest gets: those that its declaration names, if ownership, isolation
 * groups, reset, IOMMU and coherency allow it. Everything is taken from what pci_identify()
 * captured; hardware is not touched. pci_func.owner is set by plan.c once the guest is accepted.
 */
#include <string.h>

#include <hv/bits.h>

#include "plan_priv.h"

/* Candidate n of what `host` may mean, or where nothing is near it, endpoint n of the machine. */
static const struct pci_func *likely_function(const char *host, unsigned n)
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
	for (unsigned i = 0; (f = likely_function(host, i)) && len + 20 < size; i++)
		len += fmt_print(buf + len, size - len, "%s %s", i ? "" : ":", f->name);
	return buf;
}

/* What the list of candidates() is called. */
static const char *candidates_title(const char *host)
{
	if (pci_candidate(host, 0))
		return "; near it";
	return likely_function(host, 0) ? "; there are" : "";
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
			    host, candidates_title(host), candidates(host, list, sizeof(list)));
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
	const struct pci_func *o;
	uint32_t sid;

	for (unsigned n = 0; (o = pci_in_group(f->group, n)); n++) {
		if (o == f || o->owner == PCI_NO_OWNER)
			continue;
		if (shared_sid(f, o, &sid))
			fmt_print(why, sizeof(why), "share StreamID 0x%x", sid);
		else
			fmt_print(why, sizeof(why), "are not isolated from each other (group %u)",
				  f->group);
		plan_refuse(g,
			    "%s and %s %s, and guest \"%s\" has the latter; give both to one guest",
			    f->name, o->name, why, plan_owner_name(p, o));
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
			    plan_owner_name(p, f), f->name);
	if (!pci_reset_method(f) && !d->allow_no_reset)
		plan_refuse(g,
			    "%s has no way to be reset, so each start finds what the last one "
			    "left in it; remove it, or give it allow-no-reset",
			    f->name);
	check_group(p, g, f);
	check_iommu(p, g, d);
	check_coherent(g, d);
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
	plan_lay_out(g);
}
