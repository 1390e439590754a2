/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Indices that a guest chooses. A CPU that mispredicts a bounds check goes on for a while with an
 * index that is out of bounds, and leaves in its caches what it read there (Spectre variant 1). So
 * a checked index is masked as well, by arithmetic that depends on the index and is not predicted.
 */
#ifndef HV_NOSPEC_H
#define HV_NOSPEC_H

#include <arch/nospec.h>
#include <hv/types.h>

/* i, which has been checked to be below n; 0 where the CPU only believes so. */
static inline uint32_t index_nospec(uint64_t i, uint32_t n)
{
	return (uint32_t)(i & arch_index_mask(i, n));
}

/*
 * i, which has been checked to be below n, a power of two; below n where the CPU only believes so.
 * Half the cost of index_nospec(), as nothing that is predicted goes into it.
 */
static inline uint32_t index_nospec_pow2(uint64_t i, uint32_t n)
{
	return (uint32_t)(arch_index_opaque(i) & (n - 1));
}

#endif
