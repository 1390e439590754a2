/* SPDX-License-Identifier: Apache-2.0 */
/* The plan for people: the board, what was assumed of it, and then Viaduct's own words. */
#include "../../common/plan/plan_priv.h"
#include "tool.h"

static const char *or_none(const char *s)
{
	return s ? s : "none";
}

static void write_range(FILE *f, const char *what, struct range r)
{
	fprintf(f, "  %-9s 0x%llx, %s\n", what, (unsigned long long)r.base, plan_size(r.size));
}

static void write_window(FILE *f, const struct pci_window *w)
{
	static const char *const kinds[] = { "I/O", "32-bit", "64-bit" };

	fprintf(f, "    window  0x%llx, %s, %s", (unsigned long long)w->cpu, plan_size(w->size),
		kinds[w->kind]);
	if (w->pci != w->cpu)
		fprintf(f, " at PCI address 0x%llx", (unsigned long long)w->pci);
	fputc('\n', f);
}

static void write_bridge(FILE *f, const struct bridge *b)
{
	const struct pci_host *h = b->host;

	const char *state = h ? "" : ", not driven";

	fprintf(f, "  PCI       %s: %s%s\n", b->path, b->compatible,
		b->enabled ? state : ", disabled");
	fprintf(f, "    IOMMU   %s%s; MSI %s%s\n", or_none(b->iommu),
		b->iommu && !b->iommu_driven ? " (not driven)" : "", or_none(b->msi),
		b->msi && !b->msi_driven ? " (not driven)" : "");
	if (!h)
		return;
	fprintf(f, "    segment %04x, buses %02x-%02x, %s\n", h->segment, h->bus_first, h->bus_last,
		h->coherent ? "coherent" : "not coherent");
	write_range(f, "  ECAM", h->ecam);
	for (unsigned i = 0; i < h->window_count; i++)
		write_window(f, &h->window[i]);
	for (unsigned i = 0; i < h->inbound_count; i++)
		write_range(f, "  DMA to", h->inbound[i]);
	if (!h->inbound_count)
		fputs("    DMA to  everywhere (no dma-ranges)\n", f);
}

static void write_board(const struct tool *t, FILE *f)
{
	const struct board *b = &t->board;
	static char missing[16][160];
	unsigned n = lacks(t, missing, ARRAY_SIZE(missing));

	fprintf(f, "%s: %s\n", t->tree, tree_model(t));
	for (unsigned i = 0; i < b->ram_count; i++)
		write_range(f, "RAM", b->ram[i]);
	fprintf(f, "  CPUs      %u; GIC %s\n", b->cpu_count,
		b->gic_node < 0 ? "not driven" : first_compatible(t->fdt, b->gic_node));
	for (unsigned i = 0; i < t->bridge_count; i++)
		write_bridge(f, &t->bridge[i]);
	for (unsigned i = 0; i < n; i++)
		fprintf(f, "  lacks     %s\n", missing[i]);
}

static void write_lines(FILE *f, const char *title, bool assumed)
{
	static const char *const prefix[] = { "error: ", "warning: ", "" };

	fprintf(f, "\n%s\n", title);
	for (unsigned i = 0; i < line_count; i++)
		if (lines[i].assumed == assumed)
			fprintf(f, "  %s%s\n", prefix[lines[i].level], lines[i].text);
}

void text_write(const struct tool *t, FILE *f)
{
	write_board(t, f);
	write_lines(f, "Assumed, as nothing was probed:", true);
	write_lines(f, "Viaduct would say:", false);
	if (!t->usable)
		fputs("\nViaduct cannot run on this board.\n", f);
	else
		fprintf(f, "\n%u of %u guests start.\n", t->plan.guest_count - t->refused,
			t->plan.guest_count);
}
