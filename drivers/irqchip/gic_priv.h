/* SPDX-License-Identifier: Apache-2.0 */
/* What the GICv3 and the GICv2 driver share: the registers of single lines, see gic.c. */
#ifndef GIC_PRIV_H
#define GIC_PRIV_H

#include <hv/bits.h>
#include <hv/gic.h>
#include <hv/irq.h>
#include <hv/limits.h>
#include <hv/mmio.h>
#include <hv/spinlock.h>
#include <hv/vgic.h>
#include <spec/gicv3.h>

/* SGI_KICK, SGI_STOP, PPI_HYP_TIMER: on from the start. */
#define GIC_OWN_LINES (1U << SGI_KICK | 1U << SGI_STOP | 1U << PPI_HYP_TIMER)

#define LPI_ID_BITS 14 /* INTID bits, the fewest that have LPIs: 8192 .. 16383 */

struct gic_cpu {
	struct mmio rd;  /* RD_base; GICv2: the distributor */
	struct mmio sgi; /* SGI_base; GICv2: the distributor, where each CPU sees its own bank */
	uint64_t route;  /* what its GICD_IROUTER or GICD_ITARGETSR is */
	uint64_t target; /* what selects it in ICC_SGI1R_EL1 or GICD_SGIR */
	uint32_t number; /* GICv3: of its redistributor, GICR_TYPER.Processor_Number */
};

extern struct gic_hw {
	struct mmio dist;
	struct gic_cpu *cpu; /* one each */
} gic_hw;

enum hv_status __must_check gicv2_init(const void *fdt, int node);
enum hv_status __must_check gicv3_init(const void *fdt, int node);

/*
 * The distributor or a redistributor has no register write pending: disabling is complete then.
 * IHI 0069 §12.9.4, §12.11.2. A timeout is logged.
 */
enum hv_status gic_wait(struct mmio m);
/* Everything off, not pending, not active; 32 INTIDs from `first` on in frame `m`. */
void gic_clear_lines(struct mmio m, uint32_t first);
/* So with every SPI; then the groups are on. `keep` is what GICD_CTLR has without them. */
enum hv_status __must_check gic_reset_dist(uint32_t keep, uint32_t groups);
/* The last step on a CPU: it has `lrs` list registers; they are empty, EL2's own lines on. */
void gic_start_cpu(unsigned cpu, uint64_t lrs);

#endif
