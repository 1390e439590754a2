/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one interrupt controller of the machine, and what both versions have in common: a
 * distributor whose registers of single lines are at the same offsets (IHI 0069 §12.9, IHI 0048
 * §4.3). They are write-one-to-set and -clear or bytes and need no lock; only the trigger
 * configuration is read, modified and written.
 */
#include <hv/pmem.h>

#include "gic_priv.h"

#define RWP_TIMEOUT_US 100000

struct gic gic __ro_after_boot;
struct gic_hw gic_hw __ro_after_boot;
static struct spinlock config_lock; /* GICD_ICFGR, GICR_ICFGR; a leaf */

static struct mmio frame_of(unsigned cpu, uint32_t intid)
{
	return intid < GIC_SPI_FIRST ? gic_hw.cpu[cpu].sgi : gic_hw.dist;
}

static struct reg32 word_of(uint32_t base, uint32_t intid)
{
	return REG32(base + intid / 32 * 4);
}

static void write_bit(unsigned cpu, uint32_t base, uint32_t intid)
{
	wr32(frame_of(cpu, intid), word_of(base, intid), 1U << intid % 32);
}

/* GICv2 has no RWP: it reads as zero there, and the read is behind the write. */
enum hv_status gic_wait(struct mmio m)
{
	bool dist = m.base == gic_hw.dist.base;

	return poll32(m, REG32(dist ? GICD_CTLR : GICR_CTLR), dist ? GICD_CTLR_RWP : GICR_CTLR_RWP,
		      0, RWP_TIMEOUT_US, dist ? "GICD_CTLR.RWP" : "GICR_CTLR.RWP");
}

/* After a timeout: the write itself cannot be undone or done better. */
void gic_set_enabled(unsigned cpu, uint32_t intid, bool on)
{
	write_bit(cpu, on ? GICD_ISENABLER : GICD_ICENABLER, intid);
	if (!on)
		gic_wait(intid < GIC_SPI_FIRST ? gic_hw.cpu[cpu].rd : gic_hw.dist);
}

void gic_set_edge(unsigned cpu, uint32_t intid, bool edge)
{
	struct mmio m = frame_of(cpu, intid);
	struct reg32 r = REG32(GICD_ICFGR + intid / 16 * 4);
	uint32_t bit = 2U << intid % 16 * 2;

	spin_lock(&config_lock, LOCK_GIC);
	uint32_t v = rd32(m, r);

	wr32(m, r, edge ? v | bit : v & ~bit);
	spin_unlock(&config_lock);
}

void gic_set_pending(unsigned cpu, uint32_t intid, bool on)
{
	write_bit(cpu, on ? GICD_ISPENDR : GICD_ICPENDR, intid);
}

void gic_set_active(unsigned cpu, uint32_t intid, bool on)
{
	write_bit(cpu, on ? GICD_ISACTIVER : GICD_ICACTIVER, intid);
}

bool gic_is_pending(unsigned cpu, uint32_t intid)
{
	return rd32(frame_of(cpu, intid), word_of(GICD_ISPENDR, intid)) >> intid % 32 & 1;
}

void gic_route(uint32_t intid, unsigned cpu)
{
	uint64_t to = gic_hw.cpu[cpu].route;

	if (gic.version == 2)
		arch_mmio_w8(gic_hw.dist.base + GICD_ITARGETSR + intid, (uint8_t)to);
	else
		wr64(gic_hw.dist, REG64(GICD_IROUTER + intid * 8), to);
}

void gic_clear_lines(struct mmio m, uint32_t first)
{
	wr32(m, word_of(GICD_ICENABLER, first), ~0U);
	wr32(m, word_of(GICD_ICPENDR, first), ~0U);
	wr32(m, word_of(GICD_ICACTIVER, first), ~0U);
	/* GICv2: group 0 where software sees groups at all, so that one enable bit is enough. */
	wr32(m, word_of(GICD_IGROUPR, first), gic.version == 2 ? 0 : ~0U);
	for (uint32_t i = 0; i < 32; i += 4)
		wr32(m, REG32(GICD_IPRIORITYR + first + i), GIC_PRIO * 0x01010101U);
}

static void clear_spis(void)
{
	uint64_t lines = field_get(GICD_TYPER_LINES, rd32(gic_hw.dist, REG32(GICD_TYPER)));

	gic.spi_count = (uint32_t)MIN(32 * (lines + 1), GIC_SPI_END) - GIC_SPI_FIRST;
	for (uint32_t i = GIC_SPI_FIRST; i < GIC_SPI_FIRST + gic.spi_count; i += 32)
		gic_clear_lines(gic_hw.dist, i);
}

static enum hv_status gic_write_ctlr(uint32_t v)
{
	wr32(gic_hw.dist, REG32(GICD_CTLR), v);
	return gic_wait(gic_hw.dist);
}

/* ARE is set only while both groups are disabled, and never cleared: IHI 0069 §12.9.4. */
enum hv_status gic_reset_dist(uint32_t keep, uint32_t groups)
{
	enum hv_status st = gic_write_ctlr(rd32(gic_hw.dist, REG32(GICD_CTLR)) & keep);

	if (st == HV_OK)
		st = gic_write_ctlr(keep);
	if (st != HV_OK)
		return st;
	clear_spis();
	st = gic_wait(gic_hw.dist);
	return st == HV_OK ? gic_write_ctlr(keep | groups) : st;
}

void gic_vcpu_reset(void)
{
	gic.ops->hcr_write(0);
	for (unsigned n = 0; n < gic.lr_count; n++)
		gic.ops->lr_write(n, 0);
	gic.ops->vmcr_reset();
}

void gic_start_cpu(unsigned cpu, uint64_t lrs)
{
	gic.lr_count = (uint8_t)MIN(gic.lr_count, lrs);
	gic_vcpu_reset();
	wr32(gic_hw.cpu[cpu].sgi, REG32(GICD_ISENABLER), GIC_OWN_LINES);
}

enum hv_status gic_init(const void *fdt, int node, unsigned version, unsigned cpus)
{
	gic_hw.cpu = pmem_alloc(cpus * sizeof(*gic_hw.cpu), 64);
	return version == 2 ? gicv2_init(fdt, node) : gicv3_init(fdt, node);
}
