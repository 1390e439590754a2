/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plan as a picture for a design review: at the left the physical address space and each
 * guest's, low addresses on top, not to scale; at the right the PCI hierarchy with groups,
 * StreamIDs, interrupts and owners; below it the guests. A guest has one colour throughout.
 * Positions are computed from a monospace face of known width: no layout engine is needed.
 */
#include <string.h>

#include "svg.h"

FILE *svg;

static void escaped(const char *s)
{
	for (; *s; s++)
		switch (*s) {
		case '&':
			fputs("&amp;", svg);
			break;
		case '<':
			fputs("&lt;", svg);
			break;
		case '>':
			fputs("&gt;", svg);
			break;
		default:
			fputc((unsigned char)*s < 0x20 || (unsigned char)*s > 0x7e ? '?' : *s, svg);
		}
}

static const char *anchor_name(char anchor)
{
	switch (anchor) {
	case 'm':
		return "middle";
	case 'e':
		return "end";
	}
	return "start";
}

void svg_text(double x, double y, const char *class, char anchor, const char *colour,
	      const char *fmt, ...)
{
	char text[320];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	fprintf(svg, "<text x=\"%.1f\" y=\"%.1f\" class=\"%s\" text-anchor=\"%s\" fill=\"%s\">", x,
		y, class, anchor_name(anchor), colour);
	escaped(text);
	fputs("</text>\n", svg);
}

void svg_rect(double x, double y, double w, double h, const char *fill, double opacity,
	      const char *stroke, const char *more)
{
	fprintf(svg,
		"<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" fill=\"%s\" "
		"fill-opacity=\"%.2f\" stroke=\"%s\" %s/>\n",
		x, y, w, h, fill, opacity, stroke, more);
}

void svg_line(double x1, double y1, double x2, double y2, const char *colour, double width)
{
	fprintf(svg,
		"<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" stroke=\"%s\" "
		"stroke-width=\"%.1f\"/>\n",
		x1, y1, x2, y2, colour, width);
}

double svg_wrapped(double x, double y, unsigned chars, const char *class, const char *colour,
		   const char *text)
{
	while (*text) {
		size_t n = strlen(text);

		if (n > chars)
			for (n = chars; n > 1 && text[n] != ' '; n--)
				;
		svg_text(x, y, class, 's', colour, "%.*s", (int)n, text);
		text += n + (text[n] == ' ');
		y += 14;
	}
	return y;
}

const char *guest_colour(const struct tool *t, const struct guest_plan *g)
{
	static const char *const colours[] = { "#0072b2", "#e69f00", "#009e73", "#cc79a7",
					       "#7c3aed", "#d55e00", "#56b4e9", "#84802a" };

	return g ? colours[(unsigned)(g - t->plan.guest) % ARRAY_SIZE(colours)] : NULL;
}

static double write_title(const struct tool *t)
{
	const char *file = strrchr(t->tree, '/');
	const struct board *b = &t->board;

	svg_text(MARGIN, 44, "big", 's', "#111827", "Viaduct on %s", tree_model(t));
	svg_text(MARGIN, 66, "text", 's', GREY, "%s; %u CPUs; %s", file ? file + 1 : t->tree,
		 b->cpu_count,
		 b->gic_node < 0 ? "no interrupt controller that is driven" :
				   first_compatible(t->fdt, b->gic_node));
	if (!t->usable)
		svg_text(MARGIN, 86, "head", 's', ALARM, "Viaduct cannot run on this board");
	else
		svg_text(MARGIN, 86, "head", 's', t->refused ? ALARM : REACHED,
			 "%u of %u guests start", t->plan.guest_count - t->refused,
			 t->plan.guest_count);
	return 112;
}

static double write_assumptions(double y)
{
	svg_text(MARGIN, y, "head", 's', "#111827", "Assumed, as nothing was probed");
	y += 18;
	for (unsigned i = 0; i < line_count; i++)
		if (lines[i].assumed)
			y = svg_wrapped(MARGIN, y, 200, "small", GREY, lines[i].text);
	return y;
}

void svg_write(const struct tool *t, FILE *f)
{
	double pci = MARGIN + svg_memory_width(t) + 40, width = pci + PCI_WIDTH + MARGIN;
	double top, left, right;
	long size_at;

	svg = f;
	fprintf(f, "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%.0f\" height=\"", width);
	size_at = ftell(f); /* known at the end */
	fputs("          \" font-family=\"Helvetica, Arial, sans-serif\">\n<style>"
	      ".big{font-size:22px;font-weight:bold}.head{font-size:13px;font-weight:bold}"
	      ".text{font-size:12px}.small{font-size:10.5px}"
	      ".mono{font-size:10px;font-family:'DejaVu Sans Mono',Menlo,Consolas,monospace}"
	      "</style>\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n",
	      f);
	top = write_title(t);
	left = svg_memory(t, MARGIN, top);
	right = svg_guests(t, pci, svg_pci(t, pci, top) + 16);
	top = write_assumptions(MAX(left, right) + 30);
	fputs("</svg>\n", f);
	fseek(f, size_at, SEEK_SET);
	fprintf(f, "%.0f", top + 16);
}
