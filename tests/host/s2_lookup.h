/* SPDX-License-Identifier: Apache-2.0 */
/* What a stage-2 table says of an address: a walker of the tests' own, by DDI 0487 D8.3. */
#ifndef S2_LOOKUP_H
#define S2_LOOKUP_H

#include <hv/s2.h>

struct s2_leaf {
	bool valid;
	pa_t pa;       /* valid: of this very address */
	uint64_t mark; /* not valid: the mark, or 0 */
	uint64_t pte;
	uint8_t level;
};

static inline struct s2_leaf s2_lookup(const struct s2 *s2, ipa_t ipa)
{
	const uint64_t address = 0xfffffffff000;
	const uint64_t *table = pa_to_va(s2->root);
	struct s2_leaf l = { .level = 1 };
	uint64_t low;

	if (ipa.v >> s2->geo.ipa_bits)
		return l;
	l.pte = table[ipa.v >> 30];
	while (l.level < 3 && (l.pte & 3) == 3) {
		table = pa_to_va(PA(l.pte & address));
		l.level++;
		l.pte = table[ipa.v >> (39 - 9 * l.level) & 511];
	}
	l.valid = l.pte & 1;
	if (!l.valid) {
		l.mark = l.pte >> 1;
		return l;
	}
	low = (UINT64_C(1) << (39 - 9 * l.level)) - 1;
	l.pa = PA((l.pte & address & ~low) | (ipa.v & low));
	return l;
}

#endif
