/* SPDX-License-Identifier: Apache-2.0 */
/* Port: one load or store of exactly the named width, in a form whose syndrome is always valid. */
#ifndef ARCH_MMIO_H
#define ARCH_MMIO_H

#include <stdint.h>

#define ARCH_MMIO(bits, type, ld, st, w)                                                           \
	static inline type arch_mmio_r##bits(uintptr_t a)                                          \
	{                                                                                          \
		type v;                                                                            \
		__asm__ volatile(ld " %" w "0, [%1]" : "=r"(v) : "r"(a) : "memory");               \
		return v;                                                                          \
	}                                                                                          \
	static inline void arch_mmio_w##bits(uintptr_t a, type v)                                  \
	{                                                                                          \
		__asm__ volatile(st " %" w "0, [%1]" ::"rZ"(v), "r"(a) : "memory");                \
	}

/* LDAR: a plain load from Device memory next to a load-exclusive may stop a Cortex-A57 (832075). */
ARCH_MMIO(8, uint8_t, "ldarb", "strb", "w")
ARCH_MMIO(16, uint16_t, "ldarh", "strh", "w")
ARCH_MMIO(32, uint32_t, "ldar", "str", "w")
ARCH_MMIO(64, uint64_t, "ldar", "str", "x")

/*
 * The same for a device that may not answer (PCI config space and BARs): a synchronous external
 * abort or SError there reads as all ones and is forgotten. size is 1, 2, 4 or 8.
 */
uint64_t arch_mmio_probe_read(uintptr_t a, unsigned size);
void arch_mmio_probe_write(uintptr_t a, unsigned size, uint64_t v);

#endif
