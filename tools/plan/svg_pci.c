/* SPDX-License-Identifier: Apache-2.0 */
/* The PCI hierarchy as a table with a tree in its first column; and the guests, one card each. */
#include <string.h>

#include <hv/msi.h>

#include "../../common/plan/plan_priv.h"
#include "svg.h"

#define ROW    26
#define INDENT 20
#define NAME_W 330 /* the tree; then the columns */
#define LANES  4   /* lines that join the members of groups */
#define CARD_W PCI_WIDTH

enum {
	GROUP = NAME_W + 12,
	STREAM = GROUP + 64,
	MSI = STREAM + 84,
	INTX = MSI + 92,
	RESET = INTX + 68,
	OWNER = RESET + 48,
};

static unsigned members(unsigned group)
{
	unsigned n = 0;

	for (unsigned i = 0; i < pci_func_count; i++)
		n += pci_funcs[i].group == group;
	return n;
}

static unsigned depth(const struct pci_func *f)
{
	unsigned n = 0;

	for (; f->parent; f = f->parent)
		n++;
	return n;
}

/* Row of a function below its host's header: as a tree, so a bridge is followed by what it leads
 * to. */
static unsigned order(const struct pci_host *h, const struct pci_func *parent,
		      const struct pci_func **out, unsigned n)
{
	for (unsigned i = 0; i < h->func_count && n < MAX_PCI_FUNCS; i++) {
		const struct pci_func *f = &pci_funcs[h->func_first + i];

		if (f->parent != parent)
			continue;
		out[n++] = f;
		if (f->bridge)
			n = order(h, f, out, n);
	}
	return n;
}

static void streams(const struct pci_func *f, char *buf, size_t size)
{
	size_t len = 0;

	*buf = 0;
	for (unsigned i = 0; i < f->sid_count; i++)
		len += fmt_print(buf + len, size - len, "%s0x%x", i ? " " : "", f->sid[i]);
}

static void facts(const struct tool *t, const struct pci_func *f, double x, double y)
{
	const struct plan_device *d = assigned(t, f);
	const struct guest_plan *g = owner_of(t, f);
	const char *reset = f->bridge ? NULL : pci_reset_method(f);
	const char *nobody = f->refused ? "unusable" : "nobody";
	char text[48];

	streams(f, text, sizeof(text));
	if (f->sid_count)
		svg_text(x + STREAM, y, "mono", 's', "#111827", "%s", text);
	else if (!f->bridge)
		svg_text(x + STREAM, y, "mono", 's', ALARM, "%s", "no IOMMU");
	if (f->bridge)
		return;
	if (d && d->msi != PLAN_OFF)
		svg_text(x + MSI, y, "mono", 's', "#111827", "%s %u", tool_msi_name(d),
			 d->as.msi.count);
	else
		svg_text(x + MSI, y, "mono", 's', GREY, "%s", d ? "none" : "");
	if (f->intx.intid >= 32)
		svg_text(x + INTX, y, "mono", 's', d && d->intx_note ? LINE : "#111827", "SPI %u",
			 f->intx.intid - 32);
	svg_text(x + RESET, y, "mono", 's', reset ? "#111827" : ALARM, "%s",
		 reset ? reset : "none");
	svg_text(x + OWNER, y, "text", 's', g ? guest_colour(t, g) : GREY, "%s",
		 g ? g->name : nobody);
}

static void row(const struct tool *t, const struct pci_func *f, double x, double y)
{
	const char *colour = guest_colour(t, owner_of(t, f)), *why = pci_open_why(f);
	const char *fill = f->bridge ? "#e5e7eb" : "white";
	double left = x + INDENT * (depth(f) + 1);

	svg_line(left - INDENT + 8, y + ROW / 2, left, y + ROW / 2, LINE, 1.2);
	svg_rect(left, y + 2, x + NAME_W - left, ROW - 4, colour ? colour : fill,
		 colour ? 0.28 : 0.7, colour ? colour : LINE,
		 f->bridge || colour ? "rx=\"4\"" : "rx=\"4\" stroke-dasharray=\"4 3\"");
	svg_text(left + 7, y + 17, "mono", 's', "#111827", "%s", f->name + 5);
	svg_text(left + 58, y + 17, "small", 's', "#111827", "%s", kind_of(f));
	svg_text(x + NAME_W - 6, y + 17, "mono", 'e', GREY, "%04x:%04x", f->vendor, f->device);
	if (f->bridge && why)
		svg_text(x + NAME_W - 72, y + 17, "small", 'e', ALARM, "%s", why);
	svg_text(x + GROUP + 14, y + 17, "mono", 's', "#111827", "%u", f->group);
	facts(t, f, x, y + 17);
}

/* Elbows of the tree: from each bridge down to its last child. */
static void branches(const struct pci_func *const *list, unsigned n, double x, double y)
{
	for (unsigned i = 0; i < n; i++) {
		unsigned last = i;

		for (unsigned k = i + 1; k < n; k++)
			if (list[k]->parent == list[i])
				last = k;
		if (last > i)
			svg_line(x + INDENT * (depth(list[i]) + 1) + 8, y + ROW * i + ROW - 2,
				 x + INDENT * (depth(list[i]) + 1) + 8, y + ROW * last + ROW / 2,
				 LINE, 1.2);
	}
}

/* A group with several members is a line with a dot at each. */
static void groups(const struct pci_func *const *list, unsigned n, double x, double y)
{
	unsigned lane = 0;

	for (unsigned i = 0; i < n && lane < LANES; i++) {
		double at = x + GROUP + 4 - 5.0 * lane;
		unsigned last = i;

		if (list[i]->group >= MAX_PCI_FUNCS || members(list[i]->group) < 2)
			continue;
		for (unsigned k = 0; k < i; k++)
			if (list[k]->group == list[i]->group)
				last = n; /* drawn already */
		if (last == n)
			continue;
		for (unsigned k = i; k < n; k++)
			if (list[k]->group == list[i]->group) {
				last = k;
				svg_rect(at - 3, y + ROW * k + ROW / 2 - 3, 6, 6, "#7c2d12", 1,
					 "none", "rx=\"3\"");
			}
		svg_line(at, y + ROW * i + ROW / 2, at, y + ROW * last + ROW / 2, "#7c2d12", 2);
		lane++;
	}
}

static double bridge_head(const struct bridge *b, double x, double y)
{
	const struct pci_host *h = b->host;
	const char *state = h ? "" : ", not driven";
	char text[200];
	size_t len = 0;

	svg_rect(x, y, PCI_WIDTH, h ? 58 : 42, "#f3f4f6", 1, LINE, "rx=\"6\"");
	svg_text(x + 10, y + 17, "head", 's', "#111827", "%s", b->path);
	svg_text(x + PCI_WIDTH - 10, y + 17, "small", 'e', h ? GREY : ALARM, "%s%s", b->compatible,
		 b->enabled ? state : ", disabled");
	svg_text(x + 10, y + 34, "small", 's', GREY, "IOMMU %s%s; MSI %s%s",
		 b->iommu ? b->iommu : "none", b->iommu && !b->iommu_driven ? " (not driven)" : "",
		 b->msi ? b->msi : "none", b->msi && !b->msi_driven ? " (not driven)" : "");
	if (!h)
		return y + 54;
	svg_text(x + PCI_WIDTH - 10, y + 34, "mono", 'e', GREY, "segment %04x, buses %02x-%02x",
		 h->segment, h->bus_first, h->bus_last);
	for (unsigned i = 0; i < h->inbound_count; i++)
		len += fmt_print(text + len, sizeof(text) - len, "%s 0x%lx %s", i ? "," : "",
				 h->inbound[i].base, plan_size(h->inbound[i].size));
	svg_text(x + 10, y + 50, "small", 's', REACHED, "devices reach%s",
		 h->inbound_count ? text : " every address: no dma-ranges");
	return y + 70;
}

static void head(double x, double y)
{
	static const struct {
		int at;
		const char *name;
	} columns[] = { { INDENT, "function" }, { GROUP, "group" }, { STREAM, "StreamID" },
			{ MSI, "MSI" },         { INTX, "INTx" },   { RESET, "reset" },
			{ OWNER, "owner" } };

	for (unsigned i = 0; i < ARRAY_SIZE(columns); i++)
		svg_text(x + columns[i].at, y, "small", 's', GREY, "%s", columns[i].name);
}

static double hierarchy(const struct tool *t, const struct pci_host *h, double x, double y)
{
	static const struct pci_func *list[MAX_PCI_FUNCS];
	unsigned n = order(h, NULL, list, 0);

	if (!n) {
		svg_text(x + 10, y + 8, "small", 's', GREY,
			 "what is behind it is not known: give --pci");
		return y + 24;
	}
	head(x, y + 4);
	y += 10;
	branches(list, n, x, y);
	for (unsigned i = 0; i < n; i++)
		row(t, list[i], x, y + ROW * i);
	groups(list, n, x, y);
	return y + ROW * n + 12;
}

double svg_pci(const struct tool *t, double x, double y)
{
	for (unsigned i = 0; i < t->bridge_count; i++) {
		y = bridge_head(&t->bridge[i], x, y);
		if (t->bridge[i].host)
			y = hierarchy(t, t->bridge[i].host, x, y);
	}
	if (!t->bridge_count) {
		svg_text(x, y + 12, "text", 's', GREY, "There is no PCI host bridge.");
		y += 24;
	}
	return y;
}

static double device(const struct plan_device *d, double x, double y)
{
	char line[200];
	struct hole hole[2];
	unsigned n = holes(d, hole);
	size_t len = fmt_print(line, sizeof(line), "%s as 00:%02x.%x", d->func->name,
			       d->as.devfn >> 3, d->as.devfn & 7);

	if (d->as.intx_virq)
		len += fmt_print(line + len, sizeof(line) - len, "; INTx SPI %u as SPI %u",
				 d->func->intx.intid - 32, d->as.intx_virq - 32);
	else
		len += fmt_print(line + len, sizeof(line) - len, "; no INTx: %s", d->intx_note);
	if (d->msi == PLAN_OFF)
		len += fmt_print(line + len, sizeof(line) - len, "; no MSI: %s", d->msi_note);
	for (unsigned i = 0; i < n; i++)
		len += fmt_print(line + len, sizeof(line) - len, "%s BAR%u+0x%lx",
				 i ? "," : "; traps at", hole[i].bar, hole[i].part.base);
	return svg_wrapped(x, y, 112, "small", "#111827", line);
}

static double card(const struct tool *t, const struct guest_plan *g, double x, double y)
{
	const char *colour = g->refused[0] ? ALARM : guest_colour(t, g);
	double top = y;
	const char *dma = g->coherent ? "DMA coherent" : "DMA not coherent";
	char doorbell[48] = "";

	if (g->vpci.doorbell.v)
		fmt_print(doorbell, sizeof(doorbell), "; MSI doorbell 0x%lx",
			  g->vpci.dma_doorbell.v);
	svg_text(x + 16, y + 18, "head", 's', colour, "%s%s", g->name,
		 g->refused[0] ? ": refused" : "");
	y += 36;
	if (g->refused[0]) {
		y = svg_wrapped(x + 16, y, 124, "small", "#111827", g->refused);
	} else {
		svg_text(x + 16, y, "small", 's', "#111827", "%u CPU%s; %s of RAM at 0x%llx; %s%s",
			 g->vcpu_count, g->vcpu_count > 1 ? "s" : "", plan_size(g->ram_size),
			 (unsigned long long)g->ram[0].ipa.v, g->has_pci ? dma : "no PCI",
			 doorbell);
		y += 15;
		for (unsigned i = 0; i < g->device_count; i++)
			y = device(&g->device[i], x + 16, y);
	}
	svg_rect(x, top, 4, y - top - 4, colour, 1, "none", "");
	svg_rect(x, top, CARD_W, y - top - 4, "none", 1, LINE, "rx=\"3\"");
	return y + 8;
}

double svg_guests(const struct tool *t, double x, double y)
{
	if (t->plan.guest_count)
		svg_text(x, y + 4, "head", 's', "#111827", "Guests");
	y += 14;
	for (unsigned i = 0; i < t->plan.guest_count; i++)
		y = card(t, &t->plan.guest[i], x, y);
	return y;
}
