/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A GICv2 that forgets levels. With a hardware-linked list register the guest's EOI deactivates the
 * physical interrupt (IHI 0048 §5.2.2), and a line that is asserted then is pending at once. QEMU's
 * GICv2 deactivates, but looks at the line only when something else happens in the distributor or
 * a CPU interface. A timer that fires again between its reprogramming and the EOI is lost, and a
 * guest with one vCPU sleeps for ever.
 *
 * No register tells such a GIC from others, so it is tried once at boot. On such a GIC, EL2
 * deactivates: the list register is not linked but asks for a maintenance interrupt at its end
 * (EOI), and this file remembers which physical interrupt it stands for. That costs one exit an
 * interrupt.
 */
#include <arch/barrier.h>

#include "gicv2_priv.h"

#define HLR_EOI   BIT(19)
#define HLR_STATE (HLR_PENDING | HLR_ACTIVE)

/* Physical INTID that a list register stands for; 0: none. Written by the interface's own CPU. */
static uint16_t linked[GICV2_MAX_CPUS][VGIC_LR_MAX];

/* Any GICD_ITARGETSR of an SGI or PPI that exists says it, §4.3.12. All are zero where there is but
 * one CPU interface. */
uint32_t gicv2_own_mask(void)
{
	uint32_t m = 0;

	for (uint32_t i = 0; i < GIC_SPI_FIRST; i += 4)
		m |= rd32(gic_hw.dist, REG32(GICD_ITARGETSR + i));
	m = (m | m >> 8 | m >> 16 | m >> 24) & 0xff;
	if (!m)
		return 1;
	return m & (m - 1) ? 0 : m;
}

/* SGI 0 exists everywhere, so the first GICD_ITARGETSR is enough; it is zero with one CPU. */
static uint16_t *own_links(void)
{
	uint32_t mask = rd32(gic_hw.dist, REG32(GICD_ITARGETSR)) & 0xff;

	return linked[mask ? __builtin_ctz(mask) : 0];
}

uint32_t gicv2_link_read(unsigned n, uint32_t lr)
{
	uint16_t pintid = own_links()[n];

	if (!pintid)
		return lr;
	return (uint32_t)(field_put(lr & ~HLR_PINTID, HLR_PINTID, pintid) | HLR_HW);
}

/* A list register that had ended and is written before its maintenance interrupt came: now. */
static void end_before_write(unsigned n, uint16_t *link)
{
	uint32_t old = rd32(gicv2.hyp, REG32(GICH_LR + 4 * n));

	if (*link && !(old & HLR_STATE))
		wr32(gicv2.cpu, REG32(GICC_DIR), *link);
	*link = 0;
}

uint32_t gicv2_link_write(unsigned n, uint32_t lr)
{
	uint16_t *link = &own_links()[n];

	end_before_write(n, link);
	if (!(lr & HLR_HW))
		return lr;
	*link = (uint16_t)field_get(HLR_PINTID, lr);
	return (uint32_t)((lr & ~(HLR_HW | HLR_PINTID)) | HLR_EOI);
}

uint32_t gicv2_link_ended(uint32_t eisr)
{
	uint16_t *links = own_links();

	for_each_bit(n, eisr) {
		if (n >= VGIC_LR_MAX || !links[n])
			continue;
		wr32(gicv2.cpu, REG32(GICC_DIR), links[n]);
		links[n] = 0;
		wr32(gicv2.hyp, REG32(GICH_LR + 4 * n), 0); /* no maintenance interrupt any more */
		eisr &= ~(1U << n);
	}
	return eisr;
}

/* An interrupt that EL2 makes up, taken and dropped, and pending once more behind that. */
static bool make_active_and_pending(uint32_t line)
{
	gic_set_edge(0, line, true);
	gic_route(line, 0);
	gic_set_enabled(0, line, true);
	gic_set_pending(0, line, true);
	if ((rd32(gicv2.cpu, REG32(GICC_IAR)) & IAR_INTID) != line)
		return false;
	wr32(gicv2.cpu, REG32(GICC_EOIR), line);
	gic_set_pending(0, line, true);
	return true;
}

/* As a guest would: it takes the interrupt from list register 0 and ends it. */
static void end_as_guest(uint32_t line)
{
	wr32(gicv2.hyp, REG32(GICH_LR),
	     (uint32_t)(field_put(line, HLR_PINTID, line) | HLR_HW | HLR_PENDING));
	wr32(gicv2.hyp, REG32(GICH_VMCR), (uint32_t)(GICH_VMCR_GRP0 | GICH_VMCR_PMR));
	wr32(gicv2.hyp, REG32(GICH_HCR), ICH_HCR_EN);
	wr32(gicv2.virt, REG32(GICV_EOIR), rd32(gicv2.virt, REG32(GICV_IAR)));
	wr32(gicv2.hyp, REG32(GICH_HCR), 0);
	wr32(gicv2.hyp, REG32(GICH_LR), 0);
	wr32(gicv2.hyp, REG32(GICH_APR), 0);
	wr32(gicv2.hyp, REG32(GICH_VMCR), 0);
}

static void clean_up(uint32_t line)
{
	gic_set_enabled(0, line, false);
	gic_set_pending(0, line, false);
	gic_set_active(0, line, false);
	gic_set_edge(0, line, false);
}

bool gicv2_looks_again(void)
{
	uint32_t line = GIC_SPI_FIRST + gic.spi_count - 1;
	bool again = true; /* where it cannot be tried: as the specification has it */

	if (gic.spi_count && make_active_and_pending(line)) {
		end_as_guest(line);
		arch_dsb_sy(); /* the EOI before the look */
		again = (rd32(gicv2.cpu, REG32(GICC_HPPIR)) & IAR_INTID) == line;
	}
	clean_up(line);
	return again;
}
