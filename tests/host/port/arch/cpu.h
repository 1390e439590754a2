/* SPDX-License-Identifier: Apache-2.0 */
/* Host twin of the port. */
#ifndef ARCH_CPU_H
#define ARCH_CPU_H

#include <stdbool.h>
#include <stdint.h>

/* What the next arch_cpu_random() gives, by a test; 0: this CPU has no generator. */
extern uint64_t host_random;

static inline bool arch_cpu_random(uint64_t *v)
{
	if (!host_random)
		return false;
	*v = host_random++;
	return true;
}

/* What others do meanwhile, in a test that has others. */
__attribute__((weak)) void host_relax(void);

static inline void arch_cpu_relax(void)
{
	if (host_relax)
		host_relax();
}

#endif
