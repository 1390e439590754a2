/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Device registers. A register's type carries its width, so a 64-bit read of a 32-bit register
 * does not compile. Every access is one load or store of exactly that width.
 */
#ifndef HV_MMIO_H
#define HV_MMIO_H

#include <arch/mmio.h>
#include <hv/status.h>
#include <hv/types.h>

struct mmio {
	uintptr_t base;
};

struct reg32 {
	uint32_t off;
};
struct reg64 {
	uint32_t off;
};

#define REG32(o) ((struct reg32){ (o) })
#define REG64(o) ((struct reg64){ (o) })

/* The registers at `pa`, which el2_map_device() or its like has mapped one to one. */
static inline struct mmio mmio_at(pa_t pa)
{
	return (struct mmio){ (uintptr_t)pa.v };
}

/*
 * One load or store of a register, in CPU byte order. No barrier: order against memory is the
 * caller's, by <arch/barrier.h>. An external abort ends the machine; PCI has probes for that.
 */
static inline uint32_t rd32(struct mmio m, struct reg32 r)
{
	return arch_mmio_r32(m.base + r.off);
}

/* See rd32(). */
static inline void wr32(struct mmio m, struct reg32 r, uint32_t v)
{
	arch_mmio_w32(m.base + r.off, v);
}

/* See rd32(). */
static inline uint64_t rd64(struct mmio m, struct reg64 r)
{
	return arch_mmio_r64(m.base + r.off);
}

/* See rd32(). */
static inline void wr64(struct mmio m, struct reg64 r, uint64_t v)
{
	arch_mmio_w64(m.base + r.off, v);
}

/* The time, in ticks, when so many microseconds from now are surely over. */
uint64_t time_after(uint64_t us);

/*
 * Wait until (register & mask) == want, at most `us` microseconds. The only wait loop on hardware.
 * HV_ETIMEOUT, with one log line naming `what`, the value read and the value wanted.
 */
enum hv_status __must_check poll32(struct mmio m, struct reg32 r, uint32_t mask, uint32_t want,
				   uint32_t us, const char *what);

#endif
