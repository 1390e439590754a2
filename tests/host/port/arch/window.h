/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Port: memory that EL2 does not map (guest RAM, images), through a short-lived window of this CPU.
 * A window is of pages, and of a 2 MiB block only where the bytes asked for cover it: what lies
 * beside them may be a neighbour's, uncached or secure. What is read is copied once, then parsed.
 *
 * The bytes may be poisoned: an external abort or SError is an answer, false, and some of them may
 * have been copied. Both clean and invalidate each line to the point of coherency (DDI 0487
 * D7.5.9): reads before, because a guest may have written past its caches; writes behind.
 */
#ifndef ARCH_WINDOW_H
#define ARCH_WINDOW_H

#include <stddef.h>

#include <hv/types.h>

bool __must_check arch_window_read(void *to, pa_t from, size_t size);
/* `from` NULL: zeros. */
bool __must_check arch_window_write(pa_t to, const void *from, size_t size);

#endif
