/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Platform devices from a partial device tree (a multiboot,device-tree module), as Xen has them:
 *
 *   /passthrough/...  copied to the guest's tree (guest_dt.c), but for what says what is assigned:
 *     xen,reg = <host size guest>...   registers, whole pages, mapped as Device
 *     xen,path = "/soc/uart@..."       the board's device: its interrupts and DMA streams
 *     xen,force-assign-without-iommu   it may go without an IOMMU, and its registers without a path
 *     xen,pci-assigned = <segment bus devfn>...   PCI functions, like a viaduct,vpci node
 *   /aliases          copied too; /gic gives its phandle to the guest's interrupt controller
 *
 * The blob is as little trusted as the board's own. A page of another device's registers is
 * refused, and so is what Viaduct drives itself.
 */
#include <stdarg.h>
#include <string.h>

#include <hv/bits.h>
#include <hv/dt.h>
#include <hv/log.h>
#include <hv/pmem.h>
#include <hv/vuart.h>

#include "plan_priv.h"

#define TREE_MAX KIB(32) /* half of what a guest's tree may have */
#define DEPTH    12

/* A node of the partial tree, and the board's device that it stands for. */
struct partial {
	const struct plan *p;
	struct guest_plan *g;
	const void *fdt, *board;
	int node, host; /* host -1: none */
	bool force;
};

static __printf(2, 3) void refuse_partial(const struct partial *c, const char *fmt, ...)
{
	char why[160];
	va_list ap;

	va_start(ap, fmt);
	fmt_vprint(why, sizeof(why), fmt, ap);
	va_end(ap);
	plan_refuse(c->g, "partial device tree, node %s: %s", dt_name(c->fdt, c->node), why);
}

/* What Viaduct drives: interrupt controller and its parts, IOMMUs, host bridges, console. */
static bool is_ours(const struct board *b, int node)
{
	const char *type = dt_string(b->fdt, node, "device_type");

	return node == b->gic_node || dt_parent(b->fdt, node) == b->gic_node ||
	       dt_bool(b->fdt, node, "#iommu-cells") || (type && !strcmp(type, "pci")) ||
	       (node && node == b->console_node);
}

static bool is_within(const void *fdt, int node, int of)
{
	while (node > 0 && node != of)
		node = dt_parent(fdt, node);
	return node == of;
}

/* Whether `node` of the board has a register in `pages` (PA). */
static bool has_register_in(const void *fdt, int node, struct range pages)
{
	struct range r;

	for (unsigned i = 0; dt_reg(fdt, node, i, &r) == HV_OK; i++)
		if (range_overlaps(r, pages))
			return true;
	return false;
}

/* Whether each page of `pages` (PA) has registers of `node`. */
static bool has_registers_throughout(const void *fdt, int node, struct range pages)
{
	struct range r;

	for (unsigned i = 0; dt_reg(fdt, node, i, &r) == HV_OK; i++) {
		uint64_t base = ALIGN_DOWN(r.base, PAGE_SIZE);

		r = (struct range){ base, ALIGN_UP(range_end(r), PAGE_SIZE) - base };
		if (range_contains(r, pages.base, pages.size))
			return true;
	}
	return false;
}

/* Another device of the board in the same pages; without a path, only Viaduct's are known. */
static const char *neighbour(const struct partial *c, struct range pages)
{
	const void *fdt = c->board;

	dt_for_each(n, fdt, NULL)
		if (dt_enabled(fdt, n) && has_register_in(fdt, n, pages) &&
		    (c->host < 0 ? is_ours(c->p->board, n) :
				   !is_within(fdt, n, c->host) && !is_within(fdt, c->host, n)))
			return dt_name(fdt, n);
	for (unsigned i = 0; i < pci_host_count; i++)
		for (unsigned w = 0; w < pci_hosts[i].window_count; w++)
			if (range_overlaps(pages, (struct range){ pci_hosts[i].window[w].cpu,
								  pci_hosts[i].window[w].size }))
				return pci_hosts[i].name;
	return NULL;
}

static void check_registers(const struct partial *c, const struct plan_region *r)
{
	const struct board *b = c->p->board;
	const char *other = neighbour(c, r->pa);

	for (unsigned i = 0; i < b->ram_count; i++)
		if (range_overlaps(r->pa, b->ram[i]))
			refuse_partial(c, "xen,reg is RAM; give the registers of a device");
	for (const struct guest_plan *o = c->p->guest; o < c->g; o++)
		for (unsigned i = 0; i < o->region_count; i++)
			if (range_overlaps(r->pa, o->region[i].pa))
				refuse_partial(c,
					       "guest \"%s\" has its registers already; remove one",
					       o->name);
	if (!c->force && !has_registers_throughout(c->board, c->host, r->pa))
		refuse_partial(c, "xen,reg is not in the reg of its xen,path; correct it");
	if (other)
		refuse_partial(
			c,
			"the page at 0x%lx has registers of %s as well; they cannot be kept apart",
			r->pa.base, other);
}

static void add_registers(const struct partial *c)
{
	int bus = dt_parent(c->fdt, c->node);
	unsigned ac = dt_address_cells(c->fdt, bus), sc = dt_size_cells(c->fdt, bus);
	const unsigned cells[] = { ac, sc, ac };
	enum hv_status s;
	uint64_t v[3];

	for (unsigned i = 0; (s = dt_entry(c->fdt, c->node, "xen,reg", i, 3, cells, v)) == HV_OK;
	     i++) {
		struct plan_region r = { .pa = { v[0], v[1] }, .ipa = v[2] };

		if (c->host < 0 && !c->force)
			refuse_partial(c, "it has xen,reg and no xen,path; give both");
		if (!plan_region_sane(&r))
			refuse_partial(c, "xen,reg is malformed; give multiples of 4 KiB");
		else
			check_registers(c, &r);
		plan_add_region(c->g, &r);
	}
	if (s != HV_ENOENT)
		refuse_partial(
			c, "xen,reg is malformed; give <host size guest> in its parent's cells");
}

static const unsigned one_each[] = { 1, 1, 1 };

/* The guest's number of interrupt i: as the partial tree has it, else the board's. */
static uint32_t virtual_line(const struct partial *c, unsigned i, uint32_t pintid)
{
	uint64_t v[3];

	if (dt_entry(c->fdt, c->node, "interrupts", i, 3, one_each, v) != HV_OK ||
	    v[0]) /* no SPI */
		return pintid;
	return 32 + (uint32_t)v[1];
}

static void add_line(const struct partial *c, struct plan_line l)
{
	struct guest_plan *g = c->g;

	for (const struct guest_plan *o = c->p->guest; o <= g; o++)
		for (unsigned i = 0; i < o->line_count; i++) {
			struct plan_line have = o->line[i];

			if (o == g && have.pintid == l.pintid && have.vintid == l.vintid)
				return;
			if (have.pintid == l.pintid || (o == g && have.vintid == l.vintid))
				refuse_partial(
					c,
					"its interrupt (SPI %u as SPI %u) is another device's too, "
					"of guest \"%s\"",
					l.pintid - 32, l.vintid - 32, o->name);
		}
	if (l.pintid < 32 || l.vintid - 32 >= GUEST_SPIS || (g->vpl011 && l.vintid == VUART_VIRQ))
		refuse_partial(
			c, "an interrupt of it is no SPI, or the guest's UART has it; correct it");
	else if (g->line_count == PLAN_MAX_LINES)
		refuse_partial(c, "it has more than %d interrupts; remove a device",
			       PLAN_MAX_LINES);
	else
		g->line[g->line_count++] = l;
}

static void add_lines(const struct partial *c)
{
	enum hv_status st;
	struct dt_irq irq;
	unsigned i = 0;

	for (; (st = dt_interrupt(c->board, c->host, i, &irq)) == HV_OK && !plan_refused(c->g); i++)
		add_line(c, (struct plan_line){ irq.intid, virtual_line(c, i, irq.intid) });
	if (st != HV_OK && st != HV_ENOENT)
		log_warn("%s: %s: interrupt %u does not lead to the GIC; not given", c->g->name,
			 dt_name(c->board, c->host), i);
}

static void add_platform_stream(const struct partial *c, struct iommu *i, uint32_t sid)
{
	struct guest_plan *g = c->g;
	bool usable = i && i->s2 &&
		      (i->oas_bits > 63 || plan_ram_top(c->p->board) <= BIT(i->oas_bits));

	if ((i && i->dead) || (!usable && !c->force))
		refuse_partial(
			c, "its IOMMU does not work, or cannot translate to all RAM; remove it");
	else if (usable && g->stream_count == PLAN_MAX_STREAMS)
		refuse_partial(c, "it has too many DMA streams; remove a device");
	else if (usable)
		g->stream[g->stream_count++] = (struct iommu_stream){ i, sid & ~i->sid_ignored };
}

/* `iommus` of the board's device: <phandle StreamID>, or with a mask, which must be 0. */
static void add_streams(const struct partial *c)
{
	unsigned len, cells;
	const char *p = dt_get(c->board, c->host, "iommus", &len);

	if (!len && !c->force)
		refuse_partial(
			c, "no IOMMU translates its DMA; give xen,force-assign-without-iommu if it "
			   "has none, or trust the guest with all memory");
	for (; len; p += 4 + 4 * cells, len -= 4 + 4 * cells) {
		uint32_t phandle = len < 4 ? 0 : (uint32_t)dt_cells(p, 1);

		cells = dt_u32(c->board, dt_by_phandle(c->board, phandle), "#iommu-cells", 0);
		if (cells - 1 > 1 || len < 4 + 4 * cells || (cells == 2 && dt_cells(p + 8, 1))) {
			refuse_partial(
				c, "iommus of its xen,path is malformed, or has a mask; remove it");
			return;
		}
		add_platform_stream(c, iommu_find(phandle), (uint32_t)dt_cells(p + 4, 1));
	}
}

static void read_partial_node(struct partial *c)
{
	static const char known[] =
		"xen,reg\0xen,path\0xen,force-assign-without-iommu\0xen,pci-assigned\0";
	const char *path = dt_string(c->fdt, c->node, "xen,path");
	uint32_t phandle = dt_phandle(c->fdt, c->node);
	struct dt_prop prop;

	for (int at = c->node; (at = dt_next_prop(c->fdt, at, &prop)) >= 0;)
		if (!strncmp(prop.name, "xen,", 4) && plan_list_index(known, prop.name) < 0)
			log_warn("%s: partial device tree, node %s: property \"%s\" is not known; "
				 "ignored",
				 c->g->name, dt_name(c->fdt, c->node), prop.name);
	c->force = dt_bool(c->fdt, c->node, "xen,force-assign-without-iommu");
	c->host = path && *path == '/' ? dt_find(c->board, path) : -1;
	if (phandle && (phandle == c->g->gic_phandle || phandle - GUEST_PHANDLE < GUEST_PHANDLES))
		refuse_partial(
			c, "its phandle is needed for the guest's own nodes; number it otherwise");
	if (dt_bool(c->fdt, c->node, "xen,path") && c->host <= 0)
		refuse_partial(c, "xen,path names no node of the board; correct it");
	else if (c->host > 0 && is_ours(c->p->board, c->host))
		refuse_partial(c, "the device at its xen,path is Viaduct's own; remove it");
	add_registers(c);
	if (plan_refused(c->g) || c->host <= 0)
		return;
	add_lines(c);
	add_streams(c);
}

static void add_functions(const struct partial *c)
{
	struct plan_device *d;
	enum hv_status s;
	uint64_t v[3];

	for (unsigned i = 0;
	     (s = dt_entry(c->fdt, c->node, "xen,pci-assigned", i, 3, one_each, v)) == HV_OK; i++) {
		if (v[0] > 0xffff || v[1] > 255 || v[2] > 255)
			break;
		d = plan_add_device(c->g);
		if (!d)
			return;
		fmt_print(d->host, sizeof(d->host), "%04lx:%02lx:%02lx.%lx", v[0], v[1], v[2] >> 3,
			  v[2] & 7);
	}
	if (s != HV_ENOENT)
		refuse_partial(c, "xen,pci-assigned is malformed; give <segment bus devfn>...");
}

void plan_platform(const struct plan *p, struct guest_plan *g)
{
	struct range module = g->module[MODULE_PARTIAL];
	const void *fdt = module.size && p->module_data ? p->module_data(module) : NULL;
	struct partial c = { p, g, NULL, p->board->fdt, -1, -1, false };
	int depth = 0;
	size_t size;

	g->gic_phandle = GUEST_PHANDLE;
	if (!fdt)
		return;
	if (!IS_ALIGNED(module.base, 8) || dt_check(fdt, module.size) != HV_OK ||
	    dt_used_size(fdt) > TREE_MAX) {
		plan_refuse(g,
			    "its partial device tree at 0x%lx is damaged, larger than 32 KiB or "
			    "not 8-byte aligned; correct it",
			    module.base);
		return;
	}
	/* A copy, for restarts: modules are not mapped at EL2 after boot. */
	size = dt_used_size(fdt);
	fdt = memcpy(pmem_alloc(size, 64), fdt, size);
	c.fdt = fdt;
	c.node = dt_find(fdt, "/passthrough");
	if (c.node < 0) {
		plan_refuse(g, "its partial device tree has no node /passthrough; give one");
		return;
	}
	g->partial_fdt = fdt;
	g->gic_phandle = dt_phandle(fdt, dt_find(fdt, "/gic"));
	if (!g->gic_phandle)
		g->gic_phandle = GUEST_PHANDLE;
	add_functions(&c);
	do {
		if (depth > DEPTH)
			refuse_partial(&c, "it is nested too deep");
		read_partial_node(&c);
		c.node = dt_next_node(fdt, c.node, &depth);
	} while (depth > 0 && c.node >= 0 && !plan_refused(g));
}

bool plan_has_line(const struct guest_plan *g, uint32_t vintid)
{
	for (unsigned i = 0; i < g->line_count; i++)
		if (g->line[i].vintid == vintid)
			return true;
	return false;
}

static bool guest_has_function(const struct guest_plan *g, const struct pci_func *f)
{
	plan_for_each_device(d, g)
		if (d->func == f)
			return true;
	return false;
}

/* Who else has stream s of guest o, now that g has its devices: a function, or another guest. */
static void check_stream(struct guest_plan *g, const struct guest_plan *o,
			 const struct iommu_stream *s)
{
	pci_for_each(f)
		if (!f->bridge && pci_has_stream(f, s->iommu, s->sid) &&
		    guest_has_function(g, f) != (o == g))
			plan_refuse(g,
				    "StreamID 0x%x of a platform device of guest \"%s\" is that of "
				    "%s too; give both to one guest",
				    s->sid, o->name, f->name);
	plan_for_each_stream(own, g)
		if (o != g && own->sid == s->sid && own->iommu == s->iommu)
			plan_refuse(
				g,
				"guest \"%s\" has StreamID 0x%x, of a platform device, already; "
				"remove it from one of them",
				o->name, s->sid);
}

void plan_streams(const struct plan *p, struct guest_plan *g)
{
	for (const struct guest_plan *o = p->guest; o <= g; o++)
		plan_for_each_stream(s, o)
			check_stream(g, o, s);
}
