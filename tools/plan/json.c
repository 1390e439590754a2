/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plan for programs. Fields are in docs/viaduct-plan.md, in this order; addresses are strings
 * ("0x80000000"), as numbers beyond 2^53 are not exact in JSON; what does not apply is null.
 */
#include <string.h>

#include <hv/dt.h>

#include "tool.h"

static FILE *out;
static unsigned depth;
static bool first; /* nothing is in the innermost object or list yet */

static void string(const char *s)
{
	if (!s) {
		fputs("null", out);
		return;
	}
	fputc('"', out);
	for (; *s; s++)
		if (*s == '"' || *s == '\\')
			fprintf(out, "\\%c", *s);
		else if ((unsigned char)*s < 0x20 || (unsigned char)*s >= 0x7f)
			fprintf(out, "\\u%04x", (unsigned char)*s);
		else
			fputc(*s, out);
	fputc('"', out);
}

static void key(const char *name)
{
	fprintf(out, "%s\n%*s", first ? "" : ",", (int)(2 * depth), "");
	first = false;
	if (name) {
		string(name);
		fputs(": ", out);
	}
}

static void begin(const char *name, char bracket)
{
	if (depth)
		key(name);
	fputc(bracket, out);
	depth++;
	first = true;
}

static void end(char bracket)
{
	depth--;
	if (!first)
		fprintf(out, "\n%*s", (int)(2 * depth), "");
	fputc(bracket, out);
	first = false;
}

static void text(const char *name, const char *s)
{
	key(name);
	string(s);
}

static void number(const char *name, uint64_t v)
{
	key(name);
	fprintf(out, "%llu", (unsigned long long)v);
}

static void truth(const char *name, bool v)
{
	key(name);
	fputs(v ? "true" : "false", out);
}

static void hex(const char *name, uint64_t v)
{
	key(name);
	fprintf(out, "\"0x%llx\"", (unsigned long long)v);
}

static void range(const char *name, struct range r)
{
	if (!r.size) {
		text(name, NULL);
		return;
	}
	begin(name, '{');
	hex("base", r.base);
	hex("size", r.size);
	end('}');
}

static void ranges(const char *name, const struct range *r, unsigned n)
{
	begin(name, '[');
	for (unsigned i = 0; i < n; i++)
		range(NULL, r[i]);
	end(']');
}

static void board(const struct tool *t)
{
	const struct board *b = &t->board;
	static char missing[16][160];
	unsigned n = lacks(t, missing, ARRAY_SIZE(missing));

	begin("board", '{');
	text("model", tree_model(t));
	text("compatible", first_compatible(t->fdt, 0));
	truth("usable", t->usable);
	ranges("ram", b->ram, b->ram_count);
	ranges("reserved", b->reserved, b->reserved_count);
	begin("cpus", '[');
	for (unsigned i = 0; i < b->cpu_count; i++)
		hex(NULL, b->cpu[i].mpidr);
	end(']');
	text("gic", b->gic_node < 0 ? NULL : first_compatible(t->fdt, b->gic_node));
	begin("lacks", '[');
	for (unsigned i = 0; i < n; i++)
		text(NULL, missing[i]);
	end(']');
	end('}');
}

static void window(const struct pci_window *w)
{
	static const char *const kinds[] = { "io", "mem32", "mem64" };

	begin(NULL, '{');
	text("kind", kinds[w->kind]);
	hex("pci", w->pci);
	hex("cpu", w->cpu);
	hex("size", w->size);
	end('}');
}

static void bridge(const struct bridge *b)
{
	const struct pci_host *h = b->host;

	begin(NULL, '{');
	text("path", b->path);
	text("compatible", b->compatible);
	truth("enabled", b->enabled);
	truth("driven", h);
	text("iommu", b->iommu);
	truth("iommu_driven", b->iommu_driven);
	text("msi", b->msi);
	truth("msi_driven", b->msi_driven);
	if (h) {
		number("segment", h->segment);
		number("bus_first", h->bus_first);
		number("bus_last", h->bus_last);
		truth("coherent", h->coherent);
		range("ecam", h->ecam);
		begin("windows", '[');
		for (unsigned i = 0; i < h->window_count; i++)
			window(&h->window[i]);
		end(']');
		ranges("inbound", h->inbound, h->inbound_count);
	}
	end('}');
}

static const char *bar_kind(const struct pci_bar *b)
{
	if (b->io)
		return "io";
	return b->mem64 ? "mem64" : "mem32";
}

static void bars(const struct pci_func *f)
{
	begin("bars", '[');
	for (unsigned i = 0; i < PCI_BARS; i++) {
		const struct pci_bar *b = &f->bar[i];

		if (!b->size)
			continue;
		begin(NULL, '{');
		number("bar", i);
		text("kind", bar_kind(b));
		truth("prefetchable", b->prefetch);
		hex("size", b->size);
		if (b->assigned)
			hex("address", b->pa.v);
		else
			text("address", NULL);
		end('}');
	}
	end(']');
}

static void function(const struct tool *t, const struct pci_func *f)
{
	const struct guest_plan *g = owner_of(t, f);
	char id[16];

	snprintf(id, sizeof(id), "%04x:%04x", f->vendor, f->device);
	begin(NULL, '{');
	text("name", f->name);
	text("id", id);
	text("kind", kind_of(f));
	text("parent", f->parent ? f->parent->name : NULL);
	number("group", f->group);
	text("open", pci_open_why(f));
	text("iommu", f->iommu ? f->iommu->name : NULL);
	begin("streams", '[');
	for (unsigned i = 0; i < f->sid_count; i++)
		hex(NULL, f->sid[i]);
	end(']');
	hex("device_id", f->device_id);
	number("msi_vectors", f->msi_count);
	number("msix_vectors", f->msix_count);
	if (f->intx.intid >= 32)
		number("intx_spi", f->intx.intid - 32);
	else
		text("intx_spi", NULL);
	text("reset", f->bridge ? NULL : pci_reset_method(f));
	text("refused", f->bridge ? NULL : f->refused);
	text("owner", g ? g->name : NULL);
	bars(f);
	end('}');
}

static void trapped(const struct hole *h)
{
	begin(NULL, '{');
	number("bar", h->bar);
	hex("offset", h->part.base);
	hex("size", h->part.size);
	end('}');
}

static void device(const struct plan_device *d)
{
	const struct pci_func *f = d->func;
	char guest[8];
	struct hole hole[2];

	snprintf(guest, sizeof(guest), "00:%02x.%x", d->as.devfn >> 3 & 31, d->as.devfn & 7);
	begin(NULL, '{');
	text("host", f->name);
	text("guest", guest);
	text("msi", tool_msi_name(d));
	text("msi_note", d->msi_note);
	number("vectors", d->as.msi.count);
	if (d->as.intx_virq)
		number("intx_virtual_spi", d->as.intx_virq - 32);
	else
		text("intx_virtual_spi", NULL);
	text("intx_note", d->intx_note);
	begin("trapped", '[');
	for (unsigned i = 0; i < holes(d, hole); i++)
		trapped(&hole[i]);
	end(']');
	end('}');
}

/* Platform devices and shared memory. */
static void regions(const struct guest_plan *g)
{
	begin("regions", '[');
	for (unsigned i = 0; i < g->region_count; i++) {
		const struct plan_region *r = &g->region[i];

		begin(NULL, '{');
		text("shared", r->id[0] ? r->id : NULL);
		hex("ipa", r->ipa);
		hex("pa", r->pa.base);
		hex("size", r->pa.size);
		end('}');
	}
	end(']');
	begin("lines", '[');
	for (unsigned i = 0; i < g->line_count; i++) {
		begin(NULL, '{');
		number("spi", g->line[i].pintid - 32);
		number("virtual_spi", g->line[i].vintid - 32);
		end('}');
	}
	end(']');
	begin("streams", '[');
	for (unsigned i = 0; i < g->stream_count; i++) {
		begin(NULL, '{');
		text("iommu", g->stream[i].iommu->name);
		hex("stream", g->stream[i].sid);
		end('}');
	}
	end(']');
}

static void guest(const struct tool *t, const struct guest_plan *g)
{
	char path[128];

	begin(NULL, '{');
	text("name", g->name);
	text("path", dt_path(t->fdt, g->node, path, sizeof(path)));
	truth("starts", !g->refused[0]);
	text("refused", g->refused[0] ? g->refused : NULL);
	if (!g->refused[0]) {
		begin("cpus", '[');
		for (unsigned i = 0; i < g->vcpu_count; i++)
			number(NULL, g->vcpu[i].cpu);
		end(']');
		begin("ram", '[');
		for (unsigned i = 0; i < g->ram_count; i++) {
			begin(NULL, '{');
			hex("ipa", g->ram[i].ipa.v);
			hex("pa", g->ram[i].pa.v);
			hex("size", g->ram[i].size);
			end('}');
		}
		end(']');
		range("kernel", g->module[MODULE_KERNEL]);
		range("ramdisk", g->module[MODULE_RAMDISK]);
		range("mem32", g->has_pci ? g->vpci.mem32 : (struct range){ 0 });
		range("mem64", g->has_pci ? g->vpci.mem64 : (struct range){ 0 });
		if (g->vpci.doorbell.v)
			hex("doorbell", g->vpci.doorbell.v);
		else
			text("doorbell", NULL);
		if (g->vpci.doorbell.v)
			hex("dma_doorbell", g->vpci.dma_doorbell.v);
		else
			text("dma_doorbell", NULL);
		truth("coherent", g->coherent);
		regions(g);
		begin("devices", '[');
		for (unsigned i = 0; i < g->device_count; i++)
			device(&g->device[i]);
		end(']');
	}
	end('}');
}

static void said(const char *name, bool assumed)
{
	begin(name, '[');
	for (unsigned i = 0; i < line_count; i++)
		if (lines[i].assumed == assumed)
			text(NULL, lines[i].text);
	end(']');
}

void json_write(const struct tool *t, FILE *f)
{
	out = f;
	begin(NULL, '{');
	number("version", 1);
	board(t);
	said("assumed", true);
	begin("bridges", '[');
	for (unsigned i = 0; i < t->bridge_count; i++)
		bridge(&t->bridge[i]);
	end(']');
	begin("functions", '[');
	for (unsigned i = 0; i < pci_func_count; i++)
		function(t, &pci_funcs[i]);
	end(']');
	begin("guests", '[');
	for (unsigned i = 0; i < t->plan.guest_count; i++)
		guest(t, &t->plan.guest[i]);
	end(']');
	said("log", false);
	end('}');
	fputc('\n', f);
}
