/* SPDX-License-Identifier: Apache-2.0 */
/* Host twin of the port: barriers go to the trace. */
#ifndef ARCH_BARRIER_H
#define ARCH_BARRIER_H

#include <host.h>

#define ARCH_BARRIER(name)                                                                         \
	static inline void arch_##name(void)                                                       \
	{                                                                                          \
		host_trace(#name, 0, 0);                                                           \
	}

ARCH_BARRIER(dmb_ish)
ARCH_BARRIER(dsb_ish)
ARCH_BARRIER(dsb_ishst)
ARCH_BARRIER(dsb_osh)
ARCH_BARRIER(dsb_oshst)
ARCH_BARRIER(dsb_sy)
ARCH_BARRIER(isb)

#endif
