/*
 * The one interrupt controller of the machine, and what both versions have in common: a
 * distributor whose registers of single lines are at the same offsets (IHI 0069 §12.9, IHI 0048
 * §4.3). They are write-one-to-set and -clear or bytes and need no lock; only the trigger
 * configuration is read, modified and written.
 */
#include "gic_priv.h"

#define RWP_TIMEOUT_US 100000

struct gic gic __ro_after_boot;
struct gic_hw gic_hw;

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

enum hv_status gic_wait_dist(void)
{
	return poll32(gic_hw.dist, REG32(GICD_CTLR), GICD_CTLR_RWP, 0, RWP_TIMEOUT_US,
		      "GICD_CTLR.RWP");
}

enum hv_status gic_wait_redist(struct mmio rd)
{
	return poll32(rd, REG32(GICR_CTLR), GICR_CTLR_RWP, 0, RWP_TIMEOUT_US, "GICR_CTLR.RWP");
}

/* GICv2 has no RWP: both bits read as zero there, and the read is behind the write. */
void gic_set_enabled(unsigned cpu, uint32_t intid, bool on)
{
	write_bit(cpu, on ? GICD_ISENABLER : GICD_ICENABLER, intid);
	if (on)
		return;
	/* A timeout was logged; the write itself cannot be undone or done better. */
	enum hv_status late = intid < GIC_SPI_FIRST ? gic_wait_redist(gic_hw.cpu[cpu].rd) :
						      gic_wait_dist();

	(void)late;
}

void gic_set_edge(unsigned cpu, uint32_t intid, bool edge)
{
	struct mmio m = frame_of(cpu, intid);
	struct reg32 r = REG32(GICD_ICFGR + intid / 16 * 4);
	uint32_t bit = 2U << intid % 16 * 2;

	spin_lock(&gic_hw.config_lock);
	uint32_t v = rd32(m, r);

	wr32(m, r, edge ? v | bit : v & ~bit);
	spin_unlock(&gic_hw.config_lock);
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

void gic_clear_spis(void)
{
	uint64_t lines = field_get(GICD_TYPER_LINES, rd32(gic_hw.dist, REG32(GICD_TYPER)));

	gic.spi_count = (uint32_t)MIN(32 * (lines + 1), GIC_SPI_END) - GIC_SPI_FIRST;
	for (uint32_t i = GIC_SPI_FIRST; i < GIC_SPI_FIRST + gic.spi_count; i += 32)
		gic_clear_lines(gic_hw.dist, i);
}

void gic_limit_lrs(uint64_t count)
{
	count = MIN(count, VGIC_LR_MAX);
	gic.lr_count = (uint8_t)(gic.lr_count ? MIN(gic.lr_count, count) : count);
}

enum hv_status gic_init(const void *fdt, int node, unsigned version)
{
	return version == 2 ? gicv2_init(fdt, node) : gicv3_init(fdt, node);
}
