/* SPDX-License-Identifier: Apache-2.0 */
/* See dt_writer.h. */
#include <stdarg.h>

#include <libfdt.h>

#include <hv/log.h>
#include <hv/panic.h>

#include "dt_writer.h"

void dtw_begin(struct dt_writer *w, const char *name)
{
	w->err = w->err ? w->err : fdt_begin_node(w->fdt, name);
}

void dtw_end(struct dt_writer *w)
{
	w->err = w->err ? w->err : fdt_end_node(w->fdt);
}

void dtw_bytes(struct dt_writer *w, const char *name, const void *p, size_t len)
{
	w->err = w->err ? w->err : fdt_property(w->fdt, name, p, (int)len);
}

char *dtw_put32(char *to, uint64_t v)
{
	fdt32_st(to, (uint32_t)v);
	return to + 4;
}

char *dtw_put64(char *to, uint64_t v)
{
	return dtw_put32(dtw_put32(to, v >> 32), v);
}

/* The value of a hexadecimal digit; 16: it is none. */
static unsigned digit(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned)(c - '0');
	if (c >= 'a' && c <= 'f')
		return (unsigned)(c - 'a') + 10;
	return 16;
}

/* Up to ';'. Returns what is behind it. */
static char *write_value(struct dt_writer *w, const char *name, char *s)
{
	char value[256], *to = value;

	do {
		char *first = s;
		uint64_t v = 0;

		ASSERT(to - value < 128);
		for (; digit(*s) < 16; s++)
			v = v << 4 | digit(*s);
		if (s - first > 8) {
			to = dtw_put64(to, v);
		} else if (s > first) {
			to = dtw_put32(to, v);
		} else if (*s++ == '\'') {
			while (*s != '\'')
				*to++ = *s++;
			*to++ = 0;
			s++;
		}
	} while (*s != ';');
	dtw_bytes(w, name, value, (size_t)(to - value));
	return s + 1;
}

void dtw_write(struct dt_writer *w, const char *fmt, ...)
{
	char text[512], *s = text;
	va_list ap;

	va_start(ap, fmt);
	ASSERT(fmt_vprint(text, sizeof(text), fmt, ap) < sizeof(text) - 1);
	va_end(ap);
	while (*s) {
		char *name = s, stop;

		while (*s != ' ' && *s != ';' && *s != '}')
			s++;
		stop = *s;
		*s++ = 0;
		if (stop == '}') {
			dtw_end(w);
		} else if (stop == ' ' && *s == '{') {
			dtw_begin(w, name);
			s++;
		} else if (stop == ' ' && *name) {
			s = write_value(w, name, s);
		} else if (*name) {
			dtw_bytes(w, name, NULL, 0);
		}
	}
}
