/* SPDX-License-Identifier: Apache-2.0 */
/* Host twin of the port: the same values; the host is not attacked. */
#ifndef ARCH_NOSPEC_H
#define ARCH_NOSPEC_H

#include <stdint.h>

static inline uint64_t arch_index_mask(uint64_t i, uint64_t n)
{
	return i < n ? ~UINT64_C(0) : 0;
}

static inline uint64_t arch_index_opaque(uint64_t i)
{
	return i;
}

#endif
