/* SPDX-License-Identifier: Apache-2.0 */
/* vCPU numbers and affinities are each other's inverse: every vCPU, every 64 bits of a guest. */
#include "prove.h"

#include <hv/vm.h>

void prove(void)
{
	unsigned index = any_below(MAX_VCPUS);
	uint64_t affinity = nondet_u64();
	uint32_t of = vcpu_index_of(affinity), cookie = nondet_u32();
	uint8_t kind = (uint8_t)any_below(MAX_EMUL);
	uint64_t mark = emul_mark(kind, cookie);

	PROVE(vcpu_index_of(vcpu_affinity(index)) == index, "an affinity leads back");
	PROVE(of <= MAX_VCPUS, "no number beyond");
	PROVE(of == MAX_VCPUS || vcpu_affinity(of) == affinity, "no vCPU has two affinities");
	PROVE(emul_mark_kind(mark) == kind && emul_mark_cookie(mark) == cookie,
	      "a mark gives back what was put in");
	PROVE(mark >> S2_MARK_BITS == 0, "and fits into an entry of stage 2");
}
