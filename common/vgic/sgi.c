/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ICC_SGI1R_EL1, which always traps. The rest of the CPU interface is the hardware's but for
 * ICC_DIR_EL1, while EL2 asks for it: see vgic_dir() in regs.c.
 */
#include "vgic_priv.h"

static uint32_t targets(const struct vcpu *cur, uint64_t value)
{
	uint32_t all = (1U << cur->vm->vcpu_count) - 1;

	if (value & SGI1R_IRM)
		return all & ~(1U << cur->index);
	/* vCPU n has affinity 0.0.0.n */
	if (value & (SGI1R_AFF3 | SGI1R_AFF2 | SGI1R_AFF1 | SGI1R_RS))
		return 0;
	return all & (uint32_t)(value & SGI1R_TARGETS);
}

/* Hot, and without a lock. */
void vgic_sgi1r(struct vcpu *cur, uint64_t value)
{
	uint32_t sgi = 1U << field_get(SGI1R_INTID, value);

	for_each_bit(i, targets(cur, value)) {
		struct vcpu *to = cur->vm->vcpu[i];

		if (!__atomic_load_n(&cpu_of(to)->online, __ATOMIC_RELAXED))
			continue;
		__atomic_fetch_or(&cpu_of(to)->sgi_pending, sgi, __ATOMIC_RELAXED);
		vgic_attend(cur, to);
	}
}
