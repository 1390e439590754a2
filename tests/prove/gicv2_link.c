/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of a GICv2 that forgets levels: any CPU, any list register, any values in the GIC's
 * registers, any table. What was linked is deactivated exactly once.
 */
#include "prove.h"

#include "drivers/irqchip/gicv2_link.c"

struct gic gic;
struct gicv2 gicv2;
static uint32_t deactivated, targets, old_lr;
static unsigned count;

uint64_t host_mmio_read(uintptr_t a, unsigned size)
{
	PROVE(size == 4, "registers have 32 bits");
	if (a == gic_hw.dist.base + GICD_ITARGETSR)
		return targets;
	return old_lr;
}

void host_mmio_write(uintptr_t a, unsigned size, uint64_t v)
{
	PROVE(size == 4, "registers have 32 bits");
	if (a == gicv2.cpu.base + GICC_DIR) {
		deactivated = (uint32_t)v;
		count++;
	} else {
		PROVE(a >= gicv2.hyp.base + GICH_LR &&
			      a < gicv2.hyp.base + GICH_LR + 4 * VGIC_LR_MAX,
		      "only list registers are written");
	}
}

void prove(void)
{
	unsigned n = any_below(VGIC_LR_MAX);
	uint32_t lr = nondet_u32(), given, eisr;
	uint16_t was;

	__CPROVER_havoc_object(linked);
	gic_hw.dist.base = 0x10000;
	gicv2.cpu.base = 0x20000;
	gicv2.hyp.base = 0x30000;
	targets = nondet_u32();
	old_lr = nondet_u32();
	was = own_links()[n];
	given = gicv2_link_write(n, lr);
	PROVE(!(given & HLR_HW), "the GIC is never told of a linked line");
	PROVE(lr & HLR_HW ? given & HLR_EOI : given == lr, "its end comes to EL2");
	PROVE(count == (was && !(old_lr & HLR_STATE)), "what had ended is deactivated, once");
	PROVE(!count || deactivated == was, "and nothing else");
	PROVE(!own_links()[n] || gicv2_link_read(n, given) == lr, "it reads as it was written");
	count = 0;
	was = own_links()[n];
	eisr = gicv2_link_ended(1U << n);
	PROVE(count == (was != 0) && (!was || deactivated == was), "an end deactivates it, once");
	PROVE(eisr == (was ? 0 : 1U << n), "others' ends are left to others");
	PROVE(!own_links()[n], "and it is forgotten");
}
