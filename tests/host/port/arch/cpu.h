/* SPDX-License-Identifier: Apache-2.0 */
/* Host twin of the port. */
#ifndef ARCH_CPU_H
#define ARCH_CPU_H

/* What others do meanwhile, in a test that has others. */
__attribute__((weak)) void host_relax(void);

static inline void arch_cpu_relax(void)
{
	if (host_relax)
		host_relax();
}

#endif
