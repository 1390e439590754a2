/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The arithmetic of stage 2: what one leaf of a mapping is, for every IPA, PA and size below 2^48,
 * and the geometry that any CPUs and SMMUs give.
 */
#include "prove.h"

#include "common/lib/s2.c"

void prove(void)
{
	uint64_t ipa = ALIGN_DOWN(nondet_u64() & BITS(47, 0), PAGE_SIZE);
	uint64_t pa = ALIGN_DOWN(nondet_u64() & BITS(47, 0), PAGE_SIZE);
	uint64_t size = ALIGN_DOWN(nondet_u64() & BITS(47, 0), PAGE_SIZE), covers;
	struct s2_limits cpus = { nondet_u32(), nondet_bool() };
	struct s2_limits smmus = { nondet_u32(), nondet_bool() };
	struct s2_geometry geo = s2_geometry(cpus, smmus);
	struct s2 s2 = { .geo = geo };
	unsigned level;

	ASSUME(size);
	level = leaf_level(ipa, pa, size);
	covers = level_size(level);
	PROVE(level >= START_LEVEL && level <= LEAF, "a leaf has a level");
	PROVE(covers <= size, "a leaf is no larger than what is mapped");
	PROVE(IS_ALIGNED(ipa, covers) && IS_ALIGNED(pa, covers), "a block is aligned");
	PROVE(level == START_LEVEL || !IS_ALIGNED(ipa | pa, level_size(level - 1)) ||
		      size < level_size(level - 1),
	      "and is the largest that fits");
	PROVE(geo.ipa_bits >= 32 && geo.ipa_bits <= 40, "IPAs have 32 to 40 bits");
	PROVE(geo.root_pages * S2_ENTRIES * level_size(1) >= UINT64_C(1) << geo.ipa_bits,
	      "the root covers them");
	PROVE(geo.ps <= PS_MAX, "a descriptor holds the output address");
	PROVE(field_get(VTCR_T0SZ, s2_vtcr(&s2)) == 64U - geo.ipa_bits, "VTCR says so");
}
