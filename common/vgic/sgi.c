/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ICC_SGI1R_EL1, which always traps. The rest of the CPU interface is the hardware's but for
 * ICC_DIR_EL1, while EL2 asks for it: see vgic_dir() in regs.c.
 */
#include "vgic_priv.h"

static void sgi_send(struct vcpu *cur, struct vcpu *to, uint32_t sgi)
{
	if (!read_once(cpu_of(to)->online))
		return;
	__atomic_fetch_or(&cpu_of(to)->sgi_pending, sgi, __ATOMIC_RELAXED);
	vgic_attend(cur, to);
}

static __cold void send_to_others(struct vcpu *cur, uint32_t sgi)
{
	const struct vm *vm = cur->vm;

	for (unsigned i = 0; i < vm->vcpu_count; i++)
		if (i != cur->index)
			sgi_send(cur, vm->vcpu[i], sgi);
}

/*
 * Hot, and without a lock. A write names up to 16 vCPUs of one cluster (IHI 0069 §12.2.20). No
 * guest has an Aff0 above 15, so only range 0 names anybody.
 */
void vgic_sgi1r(struct vcpu *cur, uint64_t value)
{
	uint32_t sgi = 1U << field_get(SGI1R_INTID, value);
	unsigned first = (unsigned)field_get(SGI1R_AFF1, value) * 16;
	const struct vm *vm = cur->vm;

	if (value & (SGI1R_IRM | SGI1R_AFF3 | SGI1R_AFF2 | SGI1R_RS)) {
		if (value & SGI1R_IRM)
			send_to_others(cur, sgi);
		return;
	}
	for_each_bit(i, (uint32_t)(value & SGI1R_TARGETS))
		if (first + i < vm->vcpu_count)
			sgi_send(cur, vm->vcpu[index_nospec(first + i, vm->vcpu_count)], sgi);
}
