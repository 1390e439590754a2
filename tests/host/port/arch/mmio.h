/* SPDX-License-Identifier: Apache-2.0 */
/* Host twin of the port: accesses go to register models (tests/host/host.h) and to the trace. */
#ifndef ARCH_MMIO_H
#define ARCH_MMIO_H

#include <stdint.h>

uint64_t host_mmio_read(uintptr_t a, unsigned size);
void host_mmio_write(uintptr_t a, unsigned size, uint64_t v);

#define ARCH_MMIO(bits, type)                                                                      \
	static inline type arch_mmio_r##bits(uintptr_t a)                                          \
	{                                                                                          \
		return (type)host_mmio_read(a, (bits) / 8);                                        \
	}                                                                                          \
	static inline void arch_mmio_w##bits(uintptr_t a, type v)                                  \
	{                                                                                          \
		host_mmio_write(a, (bits) / 8, v);                                                 \
	}

ARCH_MMIO(8, uint8_t)
ARCH_MMIO(16, uint16_t)
ARCH_MMIO(32, uint32_t)
ARCH_MMIO(64, uint64_t)

static inline uint64_t arch_mmio_probe_read(uintptr_t a, unsigned size)
{
	return host_mmio_read(a, size);
}

static inline void arch_mmio_probe_write(uintptr_t a, unsigned size, uint64_t v)
{
	host_mmio_write(a, size, v);
}

#endif
