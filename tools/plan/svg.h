/* SPDX-License-Identifier: Apache-2.0 */
/* Between the parts of the picture: primitives, and where each part ends. */
#ifndef PLAN_SVG_H
#define PLAN_SVG_H

#include "tool.h"

#define MARGIN  28
#define GREY    "#6b7280"
#define LINE    "#9ca3af"
#define ALARM   "#b91c1c"
#define REACHED "#0f766e"
#define CHAR_W  6.05 /* of the monospace face at 10 px */

extern FILE *svg;

/* "big", "head", "text", "mono", "small" are classes of the style sheet; anchor 's', 'm', 'e'. */
void svg_text(double x, double y, const char *class, char anchor, const char *colour,
	      const char *fmt, ...) __printf(6, 7);
void svg_rect(double x, double y, double w, double h, const char *fill, double opacity,
	      const char *stroke, const char *more);
void svg_line(double x1, double y1, double x2, double y2, const char *colour, double width);
/* Wrapped to `chars`; returns the y behind the last line. */
double svg_wrapped(double x, double y, unsigned chars, const char *class, const char *colour,
		   const char *text);
const char *guest_colour(const struct tool *t, const struct guest_plan *g); /* NULL: nobody's */

/* Each returns the y where it ends. */
double svg_memory_width(const struct tool *t);
double svg_memory(const struct tool *t, double x, double y);
#define PCI_WIDTH 790
double svg_pci(const struct tool *t, double x, double y);
double svg_guests(const struct tool *t, double x, double y);

#endif
