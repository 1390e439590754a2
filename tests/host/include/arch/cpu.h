/* Host twin of the port. */
#ifndef ARCH_CPU_H
#define ARCH_CPU_H

static inline void arch_cpu_relax(void)
{
}

#endif
