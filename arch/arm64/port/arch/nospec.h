/* SPDX-License-Identifier: Apache-2.0 */
/* Port: indices under speculation, see hv/nospec.h. */
#ifndef ARCH_NOSPEC_H
#define ARCH_NOSPEC_H

#include <stdint.h>

/*
 * All ones for i < n, else 0, without a branch. CSDB (DDI 0487 C6.2): what follows does not use a
 * predicted value of the flags.
 */
static inline uint64_t arch_index_mask(uint64_t i, uint64_t n)
{
	uint64_t mask;

	__asm__("cmp	%1, %2\n\tsbc	%0, xzr, xzr\n\thint	#20"
		: "=r"(mask)
		: "r"(i), "r"(n)
		: "cc");
	return mask;
}

/* i. The compiler does not know its bounds any more, so it drops no mask that follows. */
static inline uint64_t arch_index_opaque(uint64_t i)
{
	__asm__("" : "+r"(i));
	return i;
}

#endif
