/* SPDX-License-Identifier: Apache-2.0 */
/* Port: the CPU. */
#ifndef ARCH_CPU_H
#define ARCH_CPU_H

#include <stdbool.h>
#include <stdint.h>

static inline void arch_cpu_relax(void)
{
	__asm__ volatile("yield" ::: "memory");
}

/* From the CPU's generator (FEAT_RNG); false: it has none, or none in time. DDI 0487 D23.2.137. */
static inline bool arch_cpu_random(uint64_t *v)
{
	uint64_t isar0;
	uint32_t good;

	__asm__("mrs %0, id_aa64isar0_el1" : "=r"(isar0));
	if (!(isar0 >> 60))
		return false;
	/* RNDR: sets Z where it has no number. */
	__asm__ volatile("mrs %0, s3_3_c2_c4_0; cset %w1, ne" : "=r"(*v), "=r"(good)::"cc");
	return good;
}

#endif
