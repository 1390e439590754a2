/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libfdt's sequential writer, for text. After an error every call returns at once, so callers check
 * nothing but dt_writer.err at the end: 0, or what libfdt returned.
 */
#ifndef DT_WRITER_H
#define DT_WRITER_H

#include <hv/types.h>

struct dt_writer {
	void *fdt;
	int err;
};

void dtw_begin(struct dt_writer *w, const char *name);
void dtw_end(struct dt_writer *w);
void dtw_bytes(struct dt_writer *w, const char *name, const void *p, size_t len);
/* One cell, two cells, big-endian, at `to`. Return what is behind them. */
char *dtw_put32(char *to, uint64_t v);
char *dtw_put64(char *to, uint64_t v);
/*
 * Device tree source: "node { name = VALUE; flag; }". Numbers are hexadecimal, and those of more
 * than 8 digits (%016lx) are two cells; strings are 'a', 'b'. What a guest's owner or a board wrote
 * goes through dtw_dtw_bytes() instead: this text is Viaduct's own, and well formed.
 */
void dtw_write(struct dt_writer *w, const char *fmt, ...) __printf(2, 3);

#endif
