/* SPDX-License-Identifier: Apache-2.0 */
/* Port: barriers. Each call site says in a comment what it orders. */
#ifndef ARCH_BARRIER_H
#define ARCH_BARRIER_H

#define ARCH_BARRIER(name, insn)                                                                   \
	static inline void arch_##name(void)                                                       \
	{                                                                                          \
		__asm__ volatile(insn ::: "memory");                                               \
	}

ARCH_BARRIER(dmb_ish, "dmb ish")
ARCH_BARRIER(dsb_ish, "dsb ish")
ARCH_BARRIER(dsb_ishst, "dsb ishst")
ARCH_BARRIER(dsb_osh, "dsb osh")
ARCH_BARRIER(dsb_oshst, "dsb oshst")
ARCH_BARRIER(dsb_sy, "dsb sy")
ARCH_BARRIER(isb, "isb")

#endif
