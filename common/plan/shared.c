/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a guest's CPUs reach besides its RAM and PCI: memory that it shares with other guests
 * (xen,domain-shared-memory-v1) and registers of platform devices (platform.c). Both are
 * regions: pages, and where the guest sees them. Devices do not reach shared memory: it is in no
 * DMA root, so that no device of one guest writes into what another one reads.
 */
#include <stddef.h>
#include <string.h>

#include <hv/bits.h>
#include <hv/dt.h>
#include <hv/pmem.h>

#include "plan_priv.h"

/* <[host] guest size> in the cells of the guest's node; false: malformed. */
static bool read_addresses(const void *fdt, int node, struct plan_region *r)
{
	int guest = dt_parent(fdt, node);
	unsigned ac = dt_address_cells(fdt, guest), sc = dt_size_cells(fdt, guest), len;
	const unsigned host_guest_size[] = { ac, ac, sc }, guest_size[] = { ac, sc };
	uint64_t v[] = { 0, 0, 0 }; /* host, guest, size */
	enum hv_status st = HV_EINVAL;

	dt_get(fdt, node, "xen,shared-mem", &len);
	r->fixed = len == 4 * (2 * ac + sc);
	if (r->fixed)
		st = dt_entry(fdt, node, "xen,shared-mem", 0, 3, host_guest_size, v);
	else if (len == 4 * (ac + sc))
		st = dt_entry(fdt, node, "xen,shared-mem", 0, 2, guest_size, v + 1);
	if (st != HV_OK)
		return false;
	r->pa = (struct range){ v[0], v[2] };
	r->ipa = v[1];
	return plan_region_sane(r);
}

bool plan_shared_pages(const void *fdt, int node, struct range *out)
{
	struct plan_region r = { 0 };

	if (!dt_compatible(fdt, node, "xen,domain-shared-memory-v1") ||
	    !read_addresses(fdt, node, &r) || !r.fixed)
		return false;
	*out = r.pa;
	return true;
}

bool plan_pages_sane(struct range r)
{
	return IS_ALIGNED(r.base | r.size, PAGE_SIZE) && range_end(r) > r.base;
}

bool plan_region_sane(const struct plan_region *r)
{
	return plan_pages_sane(r->pa) && plan_pages_sane((struct range){ r->ipa, r->pa.size });
}

void plan_add_region(struct guest_plan *g, const struct plan_region *r)
{
	if (g->region_count == PLAN_MAX_REGIONS)
		plan_refuse(g,
			    "it has more than %d regions of shared memory and devices; remove some",
			    PLAN_MAX_REGIONS);
	else
		g->region[g->region_count++] = *r;
}

void plan_parse_shared(const void *fdt, int node, struct guest_plan *g)
{
	static const struct prop_rule rules[] = {
		{ "role", PROP_CHOICE, offsetof(struct plan_region, owner), .list = PROP_ROLE,
		  .allowed = 3 },
		{ "xen,shm-id", PROP_TEXT, offsetof(struct plan_region, id), .min = 1,
		  .max = sizeof(g->region[0].id) - 1 },
	};
	struct plan_region r = { 0 };

	plan_properties(fdt, node, g, rules, ARRAY_SIZE(rules), &r, "=xen,shared-mem\0");
	if (!r.id[0])
		plan_bad_prop(fdt, node, g, "xen,shm-id", "a name");
	else if (!read_addresses(fdt, node, &r))
		plan_bad_prop(fdt, node, g, "xen,shared-mem",
			      "<[host address] guest address, size>, multiples of 4 KiB");
	plan_add_region(g, &r);
}

/* The region of that name, of a guest before g or of g itself before `r`. */
static const struct plan_region *same_name(const struct plan *p, const struct guest_plan *g,
					   const struct plan_region *r,
					   const struct guest_plan **owner)
{
	for (const struct guest_plan *o = p->guest; o <= g; o++)
		for (unsigned i = 0; i < o->region_count && &o->region[i] != r; i++)
			if (!strcmp(o->region[i].id, r->id)) {
				*owner = o;
				return &o->region[i];
			}
	return NULL;
}

static void take_pages(const struct plan *p, struct guest_plan *g, struct plan_region *r)
{
	pa_t pa = PA(r->pa.base);

	if (r->fixed && !pmem_take(r->pa))
		plan_refuse_ram(p, g, r->pa, "xen,shared-mem");
	if (!r->fixed && pmem_alloc_guest(r->pa.size, &pa) < r->pa.size)
		plan_refuse(g,
			    "there is no free memory for shared memory \"%s\" in one piece; lower "
			    "memory of a guest",
			    r->id);
	r->pa.base = pa.v;
	r->first = true;
}

static void take_shared(const struct plan *p, struct guest_plan *g, struct plan_region *r)
{
	const struct guest_plan *o = g;
	const struct plan_region *s = same_name(p, g, r, &o);

	if (!s)
		take_pages(p, g, r);
	else if (o == g || (s->owner && r->owner))
		plan_refuse(g, "shared memory \"%s\": %s; correct xen,shm-id or role", r->id,
			    o == g ? "it is listed twice" : "another guest is its owner already");
	else if (s->pa.size != r->pa.size || (r->fixed && s->pa.base != r->pa.base))
		plan_refuse(
			g,
			"shared memory \"%s\" has another size or host address in guest \"%s\"; "
			"make them equal",
			r->id, o->name);
	else
		r->pa.base = s->pa.base;
}

void plan_regions(const struct plan *p, struct guest_plan *g, struct plan_space *s)
{
	for (unsigned i = 0; i < g->region_count && !plan_refused(g); i++) {
		struct plan_region *r = &g->region[i];
		const struct range at = { r->ipa, r->pa.size };
		struct plan_clash c;

		if (!plan_reaches(s, at, &c))
			plan_refuse(g, "%s \"%s\" at guest address 0x%lx to 0x%lx %s; give another",
				    r->id[0] ? "shared memory" : "device", r->id, at.base,
				    range_end(at) - 1, plan_clash(&c));
		else if (r->id[0])
			take_shared(p, g, r);
		plan_take(s, at, "overlaps its other shared memory or device");
	}
}
