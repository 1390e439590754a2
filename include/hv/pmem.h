/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Physical memory. Boot code adds the RAM of the device tree, reserves what is taken, and then
 * allocates; what it needs before it knows the RAM comes from memory that it gives for that. After
 * pmem_seal() an allocation is a bug. Nothing is
 * ever freed, but for the end of an allocation that turned out too large.
 */
#ifndef HV_PMEM_H
#define HV_PMEM_H

#include <hv/status.h>
#include <hv/types.h>

void pmem_reset(void); /* forget everything: before the first use */
/* Viaduct's own memory, mapped at EL2 already: allocations are taken from there first. */
void pmem_early(struct range own);
/* The same for what is constant after boot. */
void pmem_early_constant(struct range own);
/* Lets RAM be in that many pieces, free, held or taken out of the middle; before pmem_add. */
void pmem_room(unsigned pieces);
/* `map` makes a chunk of Viaduct's own memory reachable at EL2, before its first use. */
void pmem_on_chunk(void (*map)(struct range));
void pmem_add(struct range ram);
void pmem_reserve(struct range taken); /* image, device tree, modules, /reserved-memory */
/* Keeps r for pmem_take alone, if all of it is free in one piece and Viaduct has enough left. */
void pmem_hold(struct range r);

/* Viaduct's own memory: zeroed, mapped at EL2 read-write, aligned to `align` (power of two, at
 * least 64). Panics when RAM is used up: boot cannot go on. */
void *pmem_alloc(size_t size, size_t align);
/* The same, but what is in it is left over: for what is filled as it is used, and trimmed. */
void *pmem_alloc_unset(size_t size, size_t align);
/* NULL instead of panic. */
void *pmem_try_alloc(size_t size, size_t align);
/*
 * The same for what is written while booting only: apart from all else, so that it can be mapped
 * read-only then. pmem_for_each_constant: where it is, whole pages.
 */
void *pmem_alloc_constant(size_t size);
void *pmem_try_alloc_constant(size_t size);
void pmem_for_each_constant(void (*fn)(struct range));
/* Of an allocation of `size` bytes only the first `used` are kept; before pmem_seal. */
void pmem_trim(void *p, size_t size, size_t used);

/* Guest RAM: 2 MiB aligned (1 GiB if possible for sizes >= 1 GiB), not mapped at EL2, not zeroed.
 * Returns the bytes from *out on: size rounded up to 2 MiB, or the largest piece; 0: none. */
uint64_t __must_check pmem_alloc_guest(uint64_t size, pa_t *out);
/* Exactly r, free or held, in one piece. */
bool __must_check pmem_take(struct range r);
bool pmem_free_range(unsigned i, struct range *out); /* false: behind the last */
/* Guest RAM only: pmem_undo gives back what was taken since pmem_save. */
void pmem_save(void);
void pmem_undo(void);

/* The end of boot: an allocation after it is a bug (ASSERT). */
void pmem_seal(void);
size_t pmem_own_bytes(void); /* handed out by pmem_alloc so far */

#endif
