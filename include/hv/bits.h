/* SPDX-License-Identifier: Apache-2.0 */
/* Register fields, written as the specifications write them: BITS(hi, lo). */
#ifndef HV_BITS_H
#define HV_BITS_H

#include <hv/panic.h>
#include <hv/types.h>

#define BIT(n)       (UINT64_C(1) << (n))
#define BITS(hi, lo) ((~UINT64_C(0) >> (63 - (hi))) & (~UINT64_C(0) << (lo)))

/* FIELD(mask, value): constant; a value that does not fit does not compile. */
#define FIELD_LSB(m)     ((m) & (~(m) + 1))
#define FIELD_FITS(m, v) ((((uint64_t)(v) * FIELD_LSB(m)) & ~(m)) == 0)
#define FIELD(m, v)                                                                                \
	(((uint64_t)(v) * FIELD_LSB(m)) +                                                          \
	 0 * sizeof(struct { int value_fits_the_field : FIELD_FITS(m, v) ? 1 : -1; }))

/* The field of `reg` that `mask` names, shifted down to bit 0. `mask` is not 0. */
static inline uint64_t field_get(uint64_t mask, uint64_t reg)
{
	return (reg & mask) / FIELD_LSB(mask);
}

/* The register with one field replaced. The value must fit. */
static inline uint64_t field_put(uint64_t reg, uint64_t mask, uint64_t value)
{
	ASSERT(FIELD_FITS(mask, value));
	return (reg & ~mask) | (value * FIELD_LSB(mask));
}

#define for_each_bit(i, mask)                                                                      \
	for (uint32_t left_ = (mask), i; left_ && (i = (uint32_t)__builtin_ctz(left_), true);      \
	     left_ &= left_ - 1)

/* The number of the highest bit that is set; 0 for 0. */
static inline unsigned log2_floor(uint64_t v)
{
	return 63U - (unsigned)__builtin_clzll(v | 1);
}

/* The least n with v <= 1 << n. */
static inline unsigned log2_ceil(uint64_t v)
{
	return v <= 1 ? 0 : log2_floor(v - 1) + 1;
}

#endif
