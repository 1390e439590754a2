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
#include <string.h>

#include <hv/bits.h>
#include <hv/dt.h>
#include <hv/pmem.h>

#include "plan_priv.h"

/* What every guest has at fixed addresses: interrupt controller, UART, the vPCI windows. */
static const struct range fixed = {GUEST_ITS_BASE,
				   GUEST_MEM32_BASE + GUEST_MEM32_SIZE - GUEST_ITS_BASE};

/*
 * xen,static-mem: pairs in the cells of /chosen, or in the guest's own as older trees have them.
 * Returns how many; -1: malformed.
 */
static int static_ranges(const void *fdt, int node, struct range out[MAX_GUEST_RAM])
{
	int chosen = dt_parent(fdt, node);
	uint32_t ac =
		dt_u32(fdt, node, "#xen,static-mem-address-cells", dt_address_cells(fdt, chosen));
	uint32_t sc = dt_u32(fdt, node, "#xen,static-mem-size-cells", dt_size_cells(fdt, chosen));
	unsigned len, count;
	const char *p = dt_get(fdt, node, "xen,static-mem", &len);

	if (!p)
		return 0;
	if (ac - 1 > 1 || sc - 1 > 1 || len % (4 * (ac + sc)))
		return -1;
	count = len / (4 * (ac + sc));
	if (!count || count > MAX_GUEST_RAM)
		return -1;
	for (unsigned i = 0; i < count; i++, p += 4 * (ac + sc)) {
		out[i] = (struct range){dt_cells(p, ac), dt_cells(p + 4 * ac, sc)};
		if (range_end(out[i]) <= out[i].base ||
		    !IS_ALIGNED(out[i].base | out[i].size, PAGE_SIZE))
			return -1;
	}
	return (int)count;
}

unsigned plan_reserve(const struct board *b, struct range tree, struct range *modules, unsigned max)
{
	struct range r[MAX_GUEST_RAM];
	unsigned count = plan_modules(b, modules, max);

	for (unsigned i = 0; i < b->ram_count; i++)
		pmem_add(b->ram[i]);
	for (unsigned i = 0; i < b->reserved_count; i++)
		pmem_reserve(b->reserved[i]);
	pmem_reserve(b->image);
	pmem_reserve(tree);
	for (unsigned i = 0; i < count; i++)
		pmem_reserve(modules[i]);
	for (int g = plan_next_guest(b->fdt, -1); g >= 0; g = plan_next_guest(b->fdt, g)) {
		for (int i = static_ranges(b->fdt, g, r); i-- > 0;)
			pmem_hold(r[i]);
		plan_hold_shared(b->fdt, g);
	}
	return count;
}

static void add_pages(struct guest_plan *g, uint64_t pa, uint64_t size)
{
	g->ram[g->ram_count++] = (struct guest_ram){.pa = PA(pa), .ipa = IPA(pa), .size = size};
}

static void take_static(const struct plan *p, struct guest_plan *g, const struct range *r, int n)
{
	char a[PLAN_SIZE_TEXT], b[PLAN_SIZE_TEXT];
	uint64_t sum = 0;

	for (int i = 0; i < n; i++) {
		sum += r[i].size;
		if (pmem_take(r[i]))
			add_pages(g, r[i].base, r[i].size);
		else
			plan_refuse_ram(p, g, r[i], "xen,static-mem");
	}
	if (n < 0)
		plan_refuse(
			g,
			"xen,static-mem is malformed; give at most %d <address size>, multiples "
			"of 4 KiB, in the cells of /chosen",
			MAX_GUEST_RAM);
	else if (sum != g->ram_size)
		plan_refuse(g, "xen,static-mem has %s and memory is %s; make them equal",
			    plan_size(sum, a), plan_size(g->ram_size, b));
}

static void take_any(struct guest_plan *g)
{
	uint64_t left = g->ram_size, got = 0;
	char size[PLAN_SIZE_TEXT];
	pa_t pa;

	while (left && g->ram_count < MAX_GUEST_RAM && (got = pmem_alloc_guest(left, &pa))) {
		got = MIN(got, left);
		add_pages(g, pa.v, got);
		left -= got;
	}
	if (left)
		plan_refuse(g,
			    "there is no free RAM of %s, not in %d pieces either; lower memory "
			    "of a guest",
			    plan_size(g->ram_size, size), MAX_GUEST_RAM);
}

/* IPA = PA at `r`? Refuses with what is in the way. */
static void check_direct(struct guest_plan *g, const struct plan_reach *reach, struct range r,
			 uint64_t ipa_end)
{
	struct plan_clash c = {.why = "overlaps its own devices'", .at = fixed};
	char where[PLAN_CLASH_TEXT];

	if (range_end(r) > ipa_end)
		c = (struct plan_clash){.why = "is outside its address space", .at = {0, ipa_end}};
	else if (!range_overlaps(r, fixed) && plan_reaches(reach, r, &c))
		return;
	plan_refuse(g,
		    "direct-map: RAM at 0x%lx to 0x%lx %s; remove direct-map, or give "
		    "xen,static-mem elsewhere",
		    r.base, range_end(r) - 1, plan_clash(&c, where));
}

/* The pages are free anywhere, so take them where its devices reach. */
static void take_direct(struct guest_plan *g, const struct plan_reach *reach, uint64_t ipa_end)
{
	char size[PLAN_SIZE_TEXT];
	struct range r;
	uint64_t at;

	for (unsigned i = 0; pmem_free_range(i, &r); i++) {
		r.size = r.base < ipa_end ? MIN(r.size, ipa_end - r.base) : 0;
		if (plan_place(reach, &fixed, 1, r, r.base, g->ram_size, MIB(2), &at) == HV_OK &&
		    pmem_take((struct range){at, g->ram_size})) {
			add_pages(g, at, g->ram_size);
			return;
		}
	}
	for (unsigned i = 0; pmem_free_range(i, &r); i++) {
		at = ALIGN_UP(r.base, MIB(2));
		if (range_contains(r, at, g->ram_size))
			check_direct(g, reach, (struct range){at, g->ram_size}, ipa_end);
	}
	plan_refuse(g,
		    "direct-map: there is no free RAM of %s in one piece; lower memory of a guest",
		    plan_size(g->ram_size, size));
}

/* The pieces in their order: the first `first` bytes from `low` on, the rest from `high` on. */
static void set_addresses(struct guest_plan *g, uint64_t low, uint64_t first, uint64_t high)
{
	uint64_t at = 0;

	for (unsigned i = 0; i < g->ram_count; i++) {
		struct guest_ram *r = &g->ram[i];

		if (at < first && at + r->size > first) {
			if (g->ram_count == MAX_GUEST_RAM) {
				plan_refuse(g, "its RAM is in more than %d pieces; lower memory",
					    MAX_GUEST_RAM);
				return;
			}
			memmove(r + 1, r, (g->ram_count++ - i) * sizeof(*r));
			r->size = first - at;
			r[1].pa.v += r->size;
			r[1].size -= r->size;
		}
		r->ipa = IPA(at < first ? low + at : high + (at - first));
		at += r->size;
	}
}

/* 1 GiB alignment lets stage-2 use 1 GiB blocks; 2 MiB is the least that makes sense. */
static bool place_ram(const struct plan_reach *reach, struct range limits, uint64_t prefer,
		      uint64_t size, uint64_t *out)
{
	return plan_place(reach, NULL, 0, limits, prefer, size, GIB(1), out) == HV_OK ||
	       plan_place(reach, NULL, 0, limits, prefer, size, MIB(2), out) == HV_OK;
}

/* Below 4 GiB if it fits there, split like Xen's map if it does not, all of it high at worst. */
static void place(struct guest_plan *g, const struct plan_reach *reach, uint64_t ipa_end)
{
	const struct range low = {GUEST_RAM_BASE, MIN(GUEST_RAM_SIZE, ipa_end - GUEST_RAM_BASE)};
	const struct range high = {GUEST_HIGH_BASE,
				   ipa_end > GUEST_HIGH_BASE ? ipa_end - GUEST_HIGH_BASE : 0};
	uint64_t total = g->ram_size, first = MIN(total, GUEST_RAM_SIZE), base, rest = 0;
	char size[PLAN_SIZE_TEXT], where[PLAN_CLASH_TEXT];
	struct plan_clash c;

	if (place_ram(reach, low, GUEST_RAM_BASE, first, &base) &&
	    (first == total || place_ram(reach, high, GUEST_HIGH_BASE, total - first, &rest)))
		set_addresses(g, base, first, rest);
	else if (place_ram(reach, high, GUEST_HIGH_BASE, total, &base))
		set_addresses(g, base, total, 0);
	else if (!plan_reaches(reach, (struct range){GUEST_RAM_BASE, first}, &c))
		plan_refuse(g,
			    "RAM at 0x%x (%s) %s and fits nowhere else that its devices reach; "
			    "lower memory or correct dma-ranges",
			    GUEST_RAM_BASE, plan_size(total, size), plan_clash(&c, where));
	else
		plan_refuse(g,
			    "%s of RAM does not fit into its address space of 2^%u bytes; lower "
			    "memory",
			    plan_size(total, size), log2_floor(ipa_end));
}

void plan_ram(const struct plan *p, struct guest_plan *g, const struct plan_reach *reach,
	      uint64_t ipa_end)
{
	struct range r[MAX_GUEST_RAM];
	int fixed_count = static_ranges(p->board->fdt, g->node, r);

	if (fixed_count)
		take_static(p, g, r, fixed_count);
	else if (g->direct_map)
		take_direct(g, reach, ipa_end);
	else
		take_any(g);
	if (!g->direct_map)
		place(g, reach, ipa_end);
	for (unsigned i = 0; g->direct_map && i < g->ram_count; i++)
		check_direct(g, reach, (struct range){g->ram[i].pa.v, g->ram[i].size}, ipa_end);
}
