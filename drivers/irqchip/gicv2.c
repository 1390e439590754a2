/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Physical GICv2 with Virtualization Extensions (IHI 0048): distributor, CPU interface and list
 * registers (GICH) behind memory, banked by CPU. EL2 has EOImode=1 as with GICv3; its SGIs need
 * their source given back at the end, so they end when they are acknowledged.
 */
#include <arch/barrier.h>
#include <hv/dt.h>
#include <hv/log.h>
#include <spec/gicv2.h>

#include "gicv2_priv.h"

struct gicv2 gicv2;

static uint32_t v2_ack(void)
{
	uint32_t iar = rd32(gicv2.cpu, REG32(GICC_IAR)), intid = iar & (uint32_t)IAR_INTID;

	arch_dsb_sy(); /* the acknowledge before what the handler touches */
	if (intid < GIC_SGI_COUNT) {
		wr32(gicv2.cpu, REG32(GICC_EOIR), iar);
		wr32(gicv2.cpu, REG32(GICC_DIR), iar);
	}
	return intid;
}

static void v2_drop(uint32_t intid)
{
	if (intid >= GIC_SGI_COUNT)
		wr32(gicv2.cpu, REG32(GICC_EOIR), intid);
}

static void v2_deactivate(uint32_t intid)
{
	if (intid >= GIC_SGI_COUNT)
		wr32(gicv2.cpu, REG32(GICC_DIR), intid);
}

static void v2_send_sgi(unsigned cpu, unsigned sgi)
{
	arch_dsb_ishst(); /* what the target shall see before the SGI */
	wr32(gic_hw.dist, REG32(GICD_SGIR), (uint32_t)gic_hw.cpu[cpu].target | sgi);
}

/* The formats differ in width only: CPUID of an SGI and EOI are in the physical INTID of both. */
static uint64_t v2_lr_read(unsigned n)
{
	uint64_t v = rd32(gicv2.hyp, REG32(GICH_LR + 4 * n));

	if (gic.soft_linked)
		v = gicv2_link_read(n, (uint32_t)v);
	return field_get(HLR_VINTID, v) | field_get(HLR_PINTID, v) << 32 |
	       field_get(HLR_PRIO, v) << 51 | (v & HLR_GROUP) << 30 | (v & HLR_HW) << 30 |
	       (v & (HLR_PENDING | HLR_ACTIVE)) << 34;
}

static void v2_lr_write(unsigned n, uint64_t lr)
{
	uint64_t v = (lr & HLR_VINTID) | field_put(0, HLR_PINTID, lr >> 32 & 0x3ff) |
		     field_put(0, HLR_PRIO, lr >> 51 & 31) | (lr >> 30 & (HLR_GROUP | HLR_HW)) |
		     (lr >> 34 & (HLR_PENDING | HLR_ACTIVE));

	if (gic.soft_linked)
		v = gicv2_link_write(n, (uint32_t)v);
	wr32(gicv2.hyp, REG32(GICH_LR + 4 * n), (uint32_t)v);
}

static uint64_t v2_eisr(void)
{
	uint32_t ended = rd32(gicv2.hyp, REG32(GICH_EISR0));

	return gic.soft_linked ? gicv2_link_ended(ended) : ended;
}

#define READER(name, reg)                                                                          \
	static uint64_t name(void)                                                                 \
	{                                                                                          \
		return rd32(gicv2.hyp, REG32(reg));                                                \
	}

READER(v2_elrsr, GICH_ELRSR0)
READER(v2_hcr_read, GICH_HCR)
READER(v2_vmcr_read, GICH_VMCR)

static void v2_hcr_write(uint64_t hcr)
{
	wr32(gicv2.hyp, REG32(GICH_HCR), (uint32_t)hcr);
}

static void v2_vmcr_reset(void)
{
	wr32(gicv2.hyp, REG32(GICH_APR), 0);
	wr32(gicv2.hyp, REG32(GICH_VMCR), 0);
}

/* Priorities that firmware left active would mask ours; so would its priority mask. */
static void start_interface(void)
{
	uint32_t ctlr = rd32(gicv2.cpu, REG32(GICC_CTLR)) & (uint32_t)GICC_CTLR_BYPASS;

	for (uint32_t i = 0; i < 4; i++)
		wr32(gicv2.cpu, REG32(GICC_APR + 4 * i), 0);
	wr32(gicv2.cpu, REG32(GICC_PMR), 0xff);
	wr32(gicv2.cpu, REG32(GICC_BPR), 0);
	wr32(gicv2.cpu, REG32(GICC_CTLR), ctlr | (uint32_t)(GICC_CTLR_EOIMODE | GICC_CTLR_ON));
}

/* GICv2 numbers CPUs by itself, without their MPIDR. */
static enum hv_status v2_cpu_init(unsigned cpu, uint64_t)
{
	uint32_t mask = gicv2_own_mask();

	if (!mask) {
		log_err("gic: CPU %u has several CPU interfaces in GICD_ITARGETSR", cpu);
		return HV_EINVAL;
	}
	gic_hw.cpu[cpu] = (struct gic_cpu){ .rd = gic_hw.dist,
					    .sgi = gic_hw.dist,
					    .route = mask,
					    .target = field_put(0, SGIR_TARGETS, mask) };
	gic_clear_lines(gic_hw.dist, 0);
	for (uint32_t i = 0; i < GIC_SGI_COUNT; i += 4)
		wr32(gic_hw.dist, REG32(GICD_CPENDSGIR + i), ~0U);
	start_interface();
	if (cpu == 0 && !gicv2_looks_again()) {
		gic.soft_linked = true;
		log_info("gic: it looks at a line only when it is written to: EL2 deactivates");
	}
	gic_start_cpu(cpu, field_get(GICH_VTR_LRS, rd32(gicv2.hyp, REG32(GICH_VTR))) + 1);
	return HV_OK;
}

static const struct gic_ops v2_ops = {
	.cpu_init = v2_cpu_init,
	.ack = v2_ack,
	.drop = v2_drop,
	.deactivate = v2_deactivate,
	.send_sgi = v2_send_sgi,
	.lr_read = v2_lr_read,
	.lr_write = v2_lr_write,
	.elrsr = v2_elrsr,
	.eisr = v2_eisr,
	.hcr_read = v2_hcr_read,
	.hcr_write = v2_hcr_write,
	.vmcr_read = v2_vmcr_read,
	.vmcr_reset = v2_vmcr_reset,
};

/*
 * Entry i of reg. A CPU interface of 128 KiB repeats each of its two pages sixteen times, for
 * 64 KiB pages: they are next to each other where the first one ends. Of GICV guests get the first
 * page only, wherever the second is.
 */
static bool find_frame(const void *fdt, int node, unsigned i, uint64_t least, struct mmio *out)
{
	struct range r;

	if (dt_reg(fdt, node, i, &r) != HV_OK || r.size < least || !IS_ALIGNED(r.base, PAGE_SIZE))
		return false;
	*out = mmio_at(PA(least > PAGE_SIZE && r.size >= KIB(128) ? r.base + KIB(60) : r.base));
	return true;
}

enum hv_status gicv2_init(const void *fdt, int node)
{
	struct dt_irq irq;

	if (!find_frame(fdt, node, 0, KIB(4), &gic_hw.dist) ||
	    !find_frame(fdt, node, 1, KIB(8), &gicv2.cpu) ||
	    !find_frame(fdt, node, 2, KIB(4), &gicv2.hyp) ||
	    !find_frame(fdt, node, 3, KIB(4), &gicv2.virt)) {
		log_err("gic: reg must have distributor, CPU interface, GICH and GICV: without the "
			"last two it cannot serve guests");
		return HV_EUNSUPP;
	}
	if (dt_interrupt(fdt, node, 0, &irq) != HV_OK || irq.intid != PPI_MAINTENANCE) {
		log_err("gic: the maintenance interrupt must be PPI %u", PPI_MAINTENANCE - 16);
		return HV_EUNSUPP;
	}
	gic = (struct gic){
		.ops = &v2_ops,
		.lr_count = VGIC_LR_MAX,
		.version = 2,
		.gicv = PA(gicv2.virt.base),
	};
	return gic_reset_dist(0, GICD_CTLR_V2_ON);
}
