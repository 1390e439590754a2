/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Address spaces as columns of boxes. A column is a list of disjoint pieces: what is inside
 * another (a BAR in a window, a guest's RAM in a bank) cuts it. Heights grow with the logarithm
 * of the size; where addresses are left out the column is broken.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <hv/msi.h>

#include "svg.h"

#define COLUMN     210
#define BETWEEN    120 /* addresses stand here, and ribbons cross */
#define GAP        14
#define MAX_PIECES 128

struct piece {
	struct range r;
	char label[48];
	const char *colour; /* NULL: nobody's */
	bool dma;           /* devices of the guest reach it */
	double y, h;
};

struct column {
	unsigned count;
	struct piece piece[MAX_PIECES];
	double x, end;
};

static void add(struct column *c, struct range r, const char *colour, bool dma, const char *fmt,
		...) __printf(5, 6);
static void add(struct column *c, struct range r, const char *colour, bool dma, const char *fmt,
		...)
{
	struct piece p = { .r = r, .colour = colour, .dma = dma };
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(p.label, sizeof(p.label), fmt, ap);
	va_end(ap);
	for (unsigned i = c->count; r.size && i-- > 0;) {
		struct piece old = c->piece[i], tail = old;

		if (!range_overlaps(old.r, r) || c->count + 2 > MAX_PIECES)
			continue;
		tail.r.base = MIN(range_end(r), range_end(old.r));
		tail.r.size = range_end(old.r) - tail.r.base;
		c->piece[i].r.size = r.base > old.r.base ? r.base - old.r.base : 0;
		if (tail.r.size)
			c->piece[c->count++] = tail;
	}
	if (r.size && c->count < MAX_PIECES)
		c->piece[c->count++] = p;
}

static int by_address(const void *a, const void *b)
{
	const struct piece *p = a, *q = b;

	return p->r.base < q->r.base ? -1 : p->r.base > q->r.base;
}

static double height(uint64_t size)
{
	double h = 16 + 2.2 * (log2((double)size) - 12);

	return h < 17 ? 17 : h;
}

static void lay_out(struct column *c, double x, double y)
{
	unsigned n = 0;

	for (unsigned i = 0; i < c->count; i++)
		if (c->piece[i].r.size)
			c->piece[n++] = c->piece[i];
	c->count = n;
	qsort(c->piece, n, sizeof(c->piece[0]), by_address);
	c->x = x;
	for (unsigned i = 0; i < n; i++) {
		struct piece *p = &c->piece[i];

		if (i && range_end(c->piece[i - 1].r) != p->r.base)
			y += GAP;
		p->y = y;
		p->h = height(p->r.size);
		y += p->h;
	}
	c->end = y;
}

/* What is left of a window is no round number: three digits are enough. */
static const char *unit(uint64_t size)
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB" };
	unsigned i = 0;

	while (i + 1 < ARRAY_SIZE(units) && size >> 10 * (i + 1))
		i++;
	return units[i];
}

static double scaled(uint64_t size)
{
	double v = (double)size;

	while (v >= 1024)
		v /= 1024;
	return v;
}

static void draw(const struct column *c, const char *title, const char *colour)
{
	svg_text(c->x, c->piece[0].y - 12, "head", 's', colour, "%s", title);
	for (unsigned i = 0; i < c->count; i++) {
		const struct piece *p = &c->piece[i];
		bool after_gap = i && range_end(c->piece[i - 1].r) != p->r.base;

		if (after_gap)
			for (unsigned k = 0; k < 2; k++)
				svg_line(c->x + COLUMN * k, p->y - GAP, c->x + COLUMN * k, p->y,
					 "#d1d5db", 1);
		svg_rect(c->x, p->y, COLUMN, p->h, "white", 1, "none", "");
		svg_rect(c->x, p->y, COLUMN, p->h, p->colour ? p->colour : "#e5e7eb",
			 p->colour ? 0.28 : 0.55, p->colour ? p->colour : LINE, "");
		svg_text(c->x + 6, p->y + MIN(p->h / 2 + 4, 18), "small", 's', "#111827", "%s",
			 p->label);
		svg_text(c->x + COLUMN - 6, p->y + MIN(p->h / 2 + 4, 18), "small", 'e', GREY,
			 "%.4g %s", scaled(p->r.size), unit(p->r.size));
		svg_text(c->x - 6, p->y + 9, "mono", 'e', GREY, "0x%llx",
			 (unsigned long long)p->r.base);
		if (p->dma)
			svg_rect(c->x + COLUMN + 2, p->y + 1, 6, p->h - 2, REACHED, 0.9, "none",
				 "");
	}
}

static double at_address(const struct column *c, uint64_t a, bool end)
{
	for (unsigned i = 0; i < c->count; i++) {
		const struct piece *p = &c->piece[i];

		if (range_contains(p->r, a, 1) || (end && a == range_end(p->r)))
			return p->y + p->h * (double)(a - p->r.base) / (double)p->r.size;
	}
	return -1;
}

/* Where a range of one column is in another. */
static void ribbon(const struct column *from, struct range a, const struct column *to,
		   struct range b, const char *colour)
{
	double x1 = from->x + COLUMN, x2 = to->x, mid = (x1 + x2) / 2;
	double y1 = at_address(from, a.base, false), y2 = at_address(to, b.base, false);
	double z1 = at_address(from, range_end(a), true), z2 = at_address(to, range_end(b), true);

	if (y1 < 0 || y2 < 0 || z1 < 0 || z2 < 0)
		return;
	fprintf(svg,
		"<path d=\"M%.1f %.1f C%.1f %.1f %.1f %.1f %.1f %.1f L%.1f %.1f "
		"C%.1f %.1f %.1f %.1f %.1f %.1fZ\" fill=\"%s\" fill-opacity=\"0.10\"/>\n",
		x1, y1, mid, y1, mid, y2, x2, y2, x2, z2, mid, z2, mid, z1, x1, z1, colour);
}

static void add_host(struct column *c, const struct pci_host *h)
{
	static const char *const kinds[] = { "I/O window", "BAR window", "BAR window, 64-bit" };

	add(c, h->ecam, NULL, false, "ECAM, segment %04x", h->segment);
	for (unsigned i = 0; i < h->window_count; i++)
		add(c, (struct range){ h->window[i].cpu, h->window[i].size }, NULL, false, "%s",
		    kinds[h->window[i].kind]);
}

static void add_bars(const struct tool *t, struct column *c)
{
	for (unsigned i = 0; i < pci_func_count; i++) {
		const struct pci_func *f = &pci_funcs[i];

		for (unsigned k = 0; k < PCI_BARS; k++)
			if (f->bar[k].assigned)
				add(c, (struct range){ f->bar[k].pa.v, f->bar[k].size },
				    guest_colour(t, owner_of(t, f)), false, "%s BAR%u", f->name + 5,
				    k);
	}
}

static void physical(const struct tool *t, struct column *c)
{
	const struct board *b = &t->board;

	for (unsigned i = 0; i < b->ram_count; i++)
		add(c, b->ram[i], NULL, false, "RAM");
	for (unsigned i = 0; i < b->reserved_count; i++)
		if (board_is_ram(b, b->reserved[i]))
			add(c, b->reserved[i], "#4b5563", false, "reserved");
	for (unsigned i = 0; i < pci_host_count; i++)
		add_host(c, &pci_hosts[i]);
	add_bars(t, c);
	for (unsigned i = 0; i < t->plan.guest_count; i++) {
		const struct guest_plan *g = &t->plan.guest[i];
		const char *colour = guest_colour(t, g);

		for (unsigned k = 0; !g->refused[0] && k < g->ram_count; k++)
			add(c, (struct range){ g->ram[k].pa.v, g->ram[k].size }, colour, false,
			    "%s: RAM", g->name);
		if (g->refused[0])
			continue;
		for (unsigned k = 0; k < g->region_count; k++)
			add(c, g->region[k].pa, colour, false, "%s: %s", g->name,
			    g->region[k].id[0] ? g->region[k].id : "device");
		add(c, g->module[MODULE_KERNEL], colour, false, "%s: kernel", g->name);
		add(c, g->module[MODULE_RAMDISK], colour, false, "%s: ramdisk", g->name);
		if (g->msi)
			add(c, (struct range){ g->msi->page.v, PAGE_SIZE }, colour, false,
			    "MSI doorbell");
	}
}

static void intermediate(const struct guest_plan *g, const char *colour, struct column *c)
{
	struct range page = { 0, PAGE_SIZE };

	for (unsigned i = 0; i < g->ram_count; i++)
		add(c, (struct range){ g->ram[i].ipa.v, g->ram[i].size }, colour, g->has_pci,
		    "RAM");
	for (unsigned i = 0; i < g->region_count; i++)
		add(c, (struct range){ g->region[i].ipa, g->region[i].pa.size }, colour, false,
		    "%s", g->region[i].id[0] ? g->region[i].id : "device");
	if (g->vpl011)
		add(c, (struct range){ GUEST_UART_BASE, PAGE_SIZE }, NULL, false, "PL011");
	if (g->rtc_virq)
		add(c, (struct range){ GUEST_RTC_BASE, PAGE_SIZE }, NULL, false, "RTC");
	if (g->watchdog_virq)
		add(c, (struct range){ GUEST_WATCHDOG_BASE, 2 * PAGE_SIZE }, NULL, false,
		    "watchdog");
	if (!g->has_pci)
		return;
	add(c, (struct range){ g->vpci.ecam.v, MIB(1) }, NULL, false, "vPCI ECAM");
	add(c, g->vpci.mem32, NULL, false, "BAR window, 32-bit");
	add(c, g->vpci.mem64, NULL, false, "BAR window, 64-bit");
	if (!g->vpci.doorbell.v)
		return;
	page.base = ALIGN_DOWN(g->vpci.doorbell.v, PAGE_SIZE);
	add(c, page, colour, g->vpci.doorbell.v == g->vpci.dma_doorbell.v, "MSI doorbell");
	page.base = ALIGN_DOWN(g->vpci.dma_doorbell.v, PAGE_SIZE);
	if (g->vpci.doorbell.v != g->vpci.dma_doorbell.v)
		add(c, page, colour, true, "MSI doorbell of devices");
}

static unsigned started(const struct tool *t)
{
	return t->usable ? t->plan.guest_count - t->refused : 0;
}

double svg_memory_width(const struct tool *t)
{
	return 90 + COLUMN + started(t) * (COLUMN + BETWEEN) + 12;
}

double svg_memory(const struct tool *t, double x, double y)
{
	struct column *ipa = calloc(t->plan.guest_count + 1, sizeof(*ipa));
	static struct column pa;
	double end, at = x + 90;

	if (!ipa)
		die("out of memory");

	physical(t, &pa);
	lay_out(&pa, at, y + 24);
	end = pa.end;
	for (unsigned i = 0; i < t->plan.guest_count; i++) {
		const struct guest_plan *g = &t->plan.guest[i];

		if (g->refused[0])
			continue;
		intermediate(g, guest_colour(t, g), &ipa[i]);
		at += COLUMN + BETWEEN;
		lay_out(&ipa[i], at, y + 24);
		end = MAX(end, ipa[i].end);
		for (unsigned k = 0; k < g->ram_count; k++)
			ribbon(&pa, (struct range){ g->ram[k].pa.v, g->ram[k].size }, &ipa[i],
			       (struct range){ g->ram[k].ipa.v, g->ram[k].size },
			       guest_colour(t, g));
	}
	if (pa.count)
		draw(&pa, "Physical addresses", "#111827");
	for (unsigned i = 0; i < t->plan.guest_count; i++)
		if (ipa[i].count)
			draw(&ipa[i], t->plan.guest[i].name, guest_colour(t, &t->plan.guest[i]));
	svg_rect(x + 90, end + 14, 6, 12, REACHED, 0.9, "none", "");
	svg_text(x + 102, end + 24, "small", 's', GREY,
		 "its devices reach this by DMA, at the same address; low addresses on top, not to "
		 "scale");
	free(ipa);
	return end + 30;
}
