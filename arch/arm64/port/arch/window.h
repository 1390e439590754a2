/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Port: the short-lived window of this CPU onto memory that EL2 does not map (guest RAM).
 * One at a time a CPU; what is read is copied once, then parsed.
 */
#ifndef ARCH_WINDOW_H
#define ARCH_WINDOW_H

#include <stddef.h>
#include <stdint.h>

#include <hv/types.h>

/* Opens the 2 MiB block that holds `pa`, Normal write-back, read-write, never executable.
 * Returns the address of `pa`; *left gets the bytes from there to the end of the block. */
void *arch_window_open(pa_t pa, size_t *left);
void arch_window_close(void);

#endif
