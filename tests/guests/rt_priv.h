/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the runtime's own files. */
#ifndef RT_PRIV_H
#define RT_PRIV_H

#include "rt.h"

/* Layout known to start.S. */
struct trap_regs {
	u64 x[31];
	u64 pc, pstate, pad;
};

void dt_read(const void *dtb); /* fills `machine` */
void gic_irq(void);            /* acknowledges and dispatches one interrupt */

/* Exceptions and locks are in rt.c. */
void spin_lock(u32 *lock);
void spin_unlock(u32 *lock);

void mmu_build(u64 dtb, u64 image);
void rt_main(const void *dtb, u64 first_instruction);
void rt_secondary(u64 cpu);
void rt_trap(u64 kind, struct trap_regs *regs);

#endif
