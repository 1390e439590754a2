/* SPDX-License-Identifier: Apache-2.0 */
/* Viaduct's own memory before RAM is known, and where RAM is addresses only. */
#ifndef HOST_EARLY_H
#define HOST_EARLY_H

#include <hv/pmem.h>

/*
 * pmem knows nothing from now on but one of two arenas of the host's memory. What was allocated
 * from the other arena stays as it is.
 */
static inline void host_early(unsigned arena)
{
	static uint8_t arenas[2][MIB(4)] __attribute__((aligned(4096)));

	pmem_reset();
	pmem_early((struct range){ (uintptr_t)arenas[arena], MIB(3) });
	pmem_early_constant((struct range){ (uintptr_t)arenas[arena] + MIB(3), MIB(1) });
}

#endif
