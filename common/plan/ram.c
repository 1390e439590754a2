/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A guest's RAM: which pages it is, and at which addresses guest and devices see them.
 *
 *   declared         pages                            addresses
 *   -                any, in as few pieces as can be  the guest map's, or where its devices reach
 *   xen,static-mem   these                            the same
 *   direct-map       where its devices reach          the pages' own
 *   both             these                            the pages' own, if its devices reach
 *
 * Static memory is held back from everybody else before anything is allocated (plan_reserve).
 */
#include <hv/bits.h>
#include <hv/dt.h>
#include <hv/pmem.h>

#include "plan_priv.h"

#define PIECES_MAX  4096 /* four lists of them fit behind the image */
#define PIECES_MORE 32   /* of RAM: by the image, the tree, chunks of Viaduct's own memory */

/*
 * Pair i of xen,static-mem, in the cells of /chosen, or in the guest's own as older trees have
 * them.
 */
static enum hv_status static_range(const void *fdt, int node, unsigned i, struct range *out)
{
	int chosen = dt_parent(fdt, node);
	const unsigned cells[] = {
		dt_u32(fdt, node, "#xen,static-mem-address-cells", dt_address_cells(fdt, chosen)),
		dt_u32(fdt, node, "#xen,static-mem-size-cells", dt_size_cells(fdt, chosen)),
	};
	uint64_t v[2];
	enum hv_status s = dt_entry(fdt, node, "xen,static-mem", i, 2, cells, v);

	if (s != HV_OK)
		return s;
	*out = (struct range){ v[0], v[1] };
	return plan_pages_sane(*out) ? HV_OK : HV_EINVAL;
}

/* What a guest's node takes of RAM by its address: its modules first, those of all guests. */
static void reserve_modules(const void *fdt, int guest)
{
	struct range r;
	int node;

	dt_for_each_child(node, fdt, guest)
		if (plan_module_kind(fdt, node) != MODULES && dt_enabled(fdt, node) &&
		    dt_reg_raw(fdt, node, 0, &r) == HV_OK)
			pmem_reserve(r);
}

static void hold_static(const void *fdt, int guest)
{
	struct range r;
	int node;

	for (unsigned i = 0; static_range(fdt, guest, i, &r) == HV_OK; i++)
		pmem_hold(r);
	dt_for_each_child(node, fdt, guest)
		if (dt_enabled(fdt, node) && plan_shared_pages(fdt, node, &r))
			pmem_hold(r);
}

/* Pieces that a guest's memory can add: what it names, and what it is given. */
static unsigned count_pieces(const void *fdt, int guest)
{
	unsigned count = MAX_GUEST_RAM;
	struct range r;
	int node;

	for (unsigned i = 0; i < MAX_GUEST_RAM && static_range(fdt, guest, i, &r) == HV_OK; i++)
		count++;
	dt_for_each_child(node, fdt, guest)
		count++;
	return count;
}

static void for_each_guest(const void *fdt, void (*fn)(const void *fdt, int guest))
{
	int node;

	dt_for_each_child(node, fdt, dt_find(fdt, "/chosen"))
		if (plan_is_guest(fdt, node))
			fn(fdt, node);
}

void plan_reserve(const struct board *b)
{
	unsigned pieces = PIECES_MORE + b->ram_count + b->reserved_count;
	int node;

	dt_for_each_child(node, b->fdt, dt_find(b->fdt, "/chosen"))
		if (plan_is_guest(b->fdt, node))
			pieces += count_pieces(b->fdt, node);
	pmem_room(MIN(pieces, PIECES_MAX));
	for (unsigned i = 0; i < b->ram_count; i++)
		pmem_add(b->ram[i]);
	for (unsigned i = 0; i < b->reserved_count; i++)
		pmem_reserve(b->reserved[i]);
	pmem_reserve(b->image);
	pmem_reserve(b->tree);
	for_each_guest(b->fdt, reserve_modules);
	for_each_guest(b->fdt, hold_static);
}

static void add_pages(struct guest_plan *g, uint64_t pa, uint64_t size)
{
	g->ram[g->ram_count++] = (struct guest_ram){ .pa = PA(pa), .size = size };
}

static void take_static(const struct plan *p, struct guest_plan *g)
{
	enum hv_status s;
	struct range r;
	uint64_t sum = 0;

	for (unsigned i = 0; (s = static_range(p->board->fdt, g->node, i, &r)) == HV_OK; i++) {
		if (i == MAX_GUEST_RAM)
			break;
		sum += r.size;
		if (pmem_take(r))
			add_pages(g, r.base, r.size);
		else
			plan_refuse_ram(p, g, r, "xen,static-mem");
	}
	if (s != HV_ENOENT)
		plan_refuse(
			g,
			"xen,static-mem is malformed; give at most %d <address size>, multiples "
			"of 4 KiB, in the cells of /chosen",
			MAX_GUEST_RAM);
	else if (sum != g->ram_size)
		plan_refuse(g, "xen,static-mem has %s and memory is %s; make them equal",
			    plan_size(sum), plan_size(g->ram_size));
}

/* "1536 MiB in all, the largest piece 1 GiB at 0x60000000": what the board has left. */
static const char *free_ram(char *buf, size_t size)
{
	struct range r, largest = { 0 };
	uint64_t total = 0;

	for (unsigned i = 0; pmem_free_range(i, &r); i++) {
		total += r.size;
		if (r.size > largest.size)
			largest = r;
	}
	fmt_print(buf, size, "%s in all, the largest piece %s at 0x%lx", plan_size(total),
		  plan_size(largest.size), largest.base);
	return buf;
}

/* As one piece, or in as few as can be; split like Xen's map, so that some is below 4 GiB. */
static void take_any(struct guest_plan *g)
{
	uint64_t left = g->ram_size, got = 1, low;
	char text[96];
	pa_t pa;

	free_ram(text, sizeof(text)); /* before this guest takes pieces of it */
	while (left && got && g->ram_count < MAX_GUEST_RAM) {
		low = GUEST_RAM_SIZE - (g->ram_size - left);
		got = pmem_alloc_guest(g->ram_size - left < GUEST_RAM_SIZE ? MIN(left, low) : left,
				       &pa);
		got = MIN(got, left);
		if (got)
			add_pages(g, pa.v, got);
		left -= got;
	}
	if (left)
		plan_refuse(g,
			    "there is no free RAM of %s, not in %d pieces either, but %s; lower "
			    "memory of a guest",
			    plan_size(g->ram_size), MAX_GUEST_RAM, text);
}

/* The pages are free anywhere, so take them where its devices reach. */
static void take_direct(struct guest_plan *g, const struct plan_space *s)
{
	struct range r, large = { 0 };
	char text[96];
	uint64_t at;

	for (unsigned i = 0; !g->ram_count && pmem_free_range(i, &r); i++) {
		if (plan_place(s, r, g->ram_size, MIB(2), &at) &&
		    pmem_take((struct range){ at, g->ram_size }))
			add_pages(g, at, g->ram_size);
		at = ALIGN_UP(r.base, MIB(2));
		if (!large.size && range_contains(r, at, g->ram_size))
			large = (struct range){ at, g->ram_size };
	}
	if (g->ram_count)
		return;
	if (large.size)
		add_pages(g, large.base, large.size); /* is refused for what is in the way there */
	else
		plan_refuse(g,
			    "direct-map: there is no free RAM of %s in one piece, but %s; lower "
			    "memory of a guest",
			    plan_size(g->ram_size), free_ram(text, sizeof(text)));
}

/* IPA = PA. */
static void check_direct(struct guest_plan *g, struct plan_space *s, struct guest_ram *r)
{
	struct range at = { r->pa.v, r->size };
	struct plan_clash c;

	r->ipa = IPA(at.base);
	if (!plan_reaches(s, at, &c))
		plan_refuse(g,
			    "direct-map: RAM at 0x%lx to 0x%lx %s; remove direct-map, or give "
			    "xen,static-mem elsewhere",
			    at.base, range_end(at) - 1, plan_clash(&c));
}

/*
 * Below 4 GiB if it fits there, else from 8 GiB on as in Xen's map. 1 GiB alignment lets stage-2
 * use 1 GiB blocks; 2 MiB is the least that makes sense, and leaves no gap between pieces.
 */
static void place_piece(struct guest_plan *g, struct plan_space *s, struct guest_ram *r)
{
	static const struct range limits[] = { { GUEST_RAM_BASE, GUEST_RAM_SIZE },
					       { GUEST_HIGH_BASE, BIT(48) } };
	struct plan_clash c;

	for (unsigned i = 0; i < ARRAY_SIZE(limits); i++)
		if ((r == g->ram && plan_place(s, limits[i], r->size, GIB(1), &r->ipa.v)) ||
		    plan_place(s, limits[i], r->size, MIB(2), &r->ipa.v))
			return;
	plan_reaches(s, (struct range){ GUEST_RAM_BASE, r->size }, &c);
	plan_refuse(g,
		    "RAM at 0x%x (%s) %s and fits nowhere else that its devices reach; lower "
		    "memory or correct dma-ranges",
		    GUEST_RAM_BASE, plan_size(r->size), plan_clash(&c));
}

void plan_ram(const struct plan *p, struct guest_plan *g, struct plan_space *s)
{
	if (dt_bool(p->board->fdt, g->node, "xen,static-mem"))
		take_static(p, g);
	else if (g->direct_map)
		take_direct(g, s);
	else
		take_any(g);
	for (unsigned i = 0; i < g->ram_count && !plan_refused(g); i++) {
		if (g->direct_map)
			check_direct(g, s, &g->ram[i]);
		else
			place_piece(g, s, &g->ram[i]);
		plan_take(s, (struct range){ g->ram[i].ipa.v, g->ram[i].size }, "overlaps its RAM");
	}
}
