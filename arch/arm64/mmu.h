/* SPDX-License-Identifier: Apache-2.0 */
/* EL2's own translation: identity, W^X, guard pages; guest RAM is never in it but for windows. */
#ifndef ARM64_MMU_H
#define ARM64_MMU_H

#define MAIR_VALUE 0x0004ff /* 0: Normal write-back, 1: Device-nGnRE, 2: Device-nGnRnE */

/*
 * What the Image header asks firmware to leave to Viaduct, from its begin: image, bss, and memory
 * for what is needed before the RAM is known. viaduct.ld has the same number.
 */
#define IMAGE_ROOM 0x100000

#define CONSTANT_ROOM 0x20000 /* of it, for what is read-only after boot: whole pages */

#define EARLY_TABLES 7 /* root; two levels each for image, begin and end of the device tree */

#ifndef __ASSEMBLY__
#include <hv/types.h>

enum el2_type { EL2_CODE, EL2_LIBRARY, EL2_RO, EL2_RW, EL2_DEVICE, EL2_CONFIG };

/* Gives the end of the image's room to pmem, before the first table is made; returns the room. */
struct range el2_early_memory(void);
/* This CPU from the map of the assembly to one of its own, of image and `tree`. */
void el2_init(struct range tree);
uintptr_t el2_map_stack(unsigned cpu); /* of any but the boot CPU; returns its top */
/* Adds [r) to the identity map, rounded out to pages. What is mapped already stays as it is. */
void el2_map(struct range r, enum el2_type type);
void el2_map_device(struct range r);
/* PCI config space, Device-nGnRnE: a write is acknowledged by its target only. */
void el2_map_config(struct range r);
void el2_map_own(struct range r);
/* Takes out again what el2_map(r, EL2_RO) added; el2_seal() invalidates it. */
void el2_unmap(struct range r);
/* Boot is over: boot-set data becomes read-only. */
void el2_seal(void);
bool el2_is_mapped(uintptr_t va);
void el2_window_init(void); /* for every CPU; boot */

/* port/guarded.S: 0, or -1 when an access was answered by an external abort or SError. */
int64_t guarded_read(void *to, const void *from, size_t size, size_t line);
int64_t guarded_write(void *to, const void *from, size_t size, size_t line);
int64_t guarded_zero(void *to, size_t size, size_t unused, size_t line);
#endif

#endif
