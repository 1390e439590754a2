/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Basic types. An address is never a bare integer: what it is an address *in* is part of its
 * type, so that a physical address where an intermediate physical address belongs does not compile.
 */
#ifndef HV_TYPES_H
#define HV_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
	uint64_t v;
} pa_t; /* physical address, as the CPUs and the interconnect see it */

typedef struct {
	uint64_t v;
} ipa_t; /* a guest's intermediate physical address */

#define PA(x)  ((pa_t){ (x) })
#define IPA(x) ((ipa_t){ (x) })

/* Half-open [base, base + size); size 0 is empty. The address space is the owner's. */
struct range {
	uint64_t base;
	uint64_t size;
};

/* The first address behind the range; wraps to 0 at the end of the address space. */
static inline uint64_t range_end(struct range r)
{
	return r.base + r.size;
}

/* True if all of [addr, addr + size) is inside. No sum overflows, whatever the arguments. */
static inline bool range_contains(struct range r, uint64_t addr, uint64_t size)
{
	return addr >= r.base && size <= r.size && addr - r.base <= r.size - size;
}

/* True if they have an address in common. Neither may reach the end of the address space. */
static inline bool range_overlaps(struct range a, struct range b)
{
	return a.size && b.size && a.base < range_end(b) && b.base < range_end(a);
}

/* Memory that Viaduct owns is mapped one to one, on the target and in the host tests. */
static inline void *pa_to_va(pa_t pa)
{
	return (void *)(uintptr_t)pa.v;
}

/* The inverse of pa_to_va(). Not for a stack or a window, which are mapped elsewhere. */
static inline pa_t va_to_pa(const void *va)
{
	return PA((uintptr_t)va);
}

#define ARRAY_SIZE(a)         (sizeof(a) / sizeof((a)[0]))
#define ALIGN_DOWN(x, a)      ((x) & ~((uint64_t)(a) - 1))
#define ALIGN_UP(x, a)        ALIGN_DOWN((x) + ((uint64_t)(a) - 1), a)
#define IS_ALIGNED(x, a)      (((uint64_t)(x) & ((uint64_t)(a) - 1)) == 0)
#define KIB(n)                ((uint64_t)(n) << 10)
#define MIB(n)                ((uint64_t)(n) << 20)
#define GIB(n)                ((uint64_t)(n) << 30)
#define PAGE_SIZE             KIB(4)
#define MIN(a, b)             ((a) < (b) ? (a) : (b))
#define MAX(a, b)             ((a) > (b) ? (a) : (b))
#define container_of(p, t, m) ((t *)(void *)((char *)(p) - offsetof(t, m)))
#define __must_check          __attribute__((warn_unused_result))
/* Begins as 0, written while booting only, and read-only from then on. */
#define __ro_after_boot __attribute__((section(".bss.ro_after_boot")))
#define __cold          __attribute__((cold, noinline))
#define __printf(f, a)  __attribute__((format(printf, f, a)))

#endif
