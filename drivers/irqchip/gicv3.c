/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Physical GICv3 (IHI 0069): distributor, redistributors, CPU interface through <arch/gic.h>.
 * EL2 takes everything as non-secure group 1 at one priority, with EOImode=1; guests' lines stay
 * active until the guest deactivates them by a HW-linked list register. Registers of single lines
 * are in gic.c; LPIs belong to its.c.
 */
#include <arch/gic.h>
#include <hv/dt.h>
#include <hv/log.h>
#include <hv/pmem.h>

#include "gic_priv.h"

#define RWP_TIMEOUT_US 100000
#define SGI_RANGES     BITS(7, 4) /* of Aff0, §12.2.20: TargetList has 16 bits */

static struct {
	unsigned region_count;
	struct range *region; /* redistributors */
	uint64_t stride;      /* 0: by GICR_TYPER.VLPIS */
	bool range_select;    /* SGIs reach CPUs whose Aff0 is 16 or more */
} v3 __ro_after_boot;

static void v3_send_sgi(unsigned cpu, unsigned sgi)
{
	arch_icc_sgi1r(gic_hw.cpu[cpu].target | (uint64_t)sgi * FIELD_LSB(SGI1R_INTID));
}

/* IHI 0069 §12.11.42: the redistributor forwards nothing before ChildrenAsleep reads 0. */
static enum hv_status wake_redist(struct mmio rd)
{
	wr32(rd, REG32(GICR_WAKER), rd32(rd, REG32(GICR_WAKER)) & ~(uint32_t)GICR_WAKER_SLEEP);
	return poll32(rd, REG32(GICR_WAKER), GICR_WAKER_ASLEEP, 0, RWP_TIMEOUT_US,
		      "GICR_WAKER.ChildrenAsleep");
}

static uint64_t frame_size(uint64_t typer)
{
	if (v3.stride)
		return v3.stride;
	return typer & GICR_TYPER_VLPIS ? 4 * GICR_FRAME : 2 * GICR_FRAME;
}

/* Walks one region, IHI 0069 §12.11.34: frames are contiguous, the last one says so. */
static bool find_in_region(struct range r, uint64_t packed, struct gic_cpu *c)
{
	uint64_t off = 0, typer;

	while (r.size >= 2 * GICR_FRAME && off <= r.size - 2 * GICR_FRAME) {
		c->rd = mmio_at(PA(r.base + off));
		typer = rd64(c->rd, REG64(GICR_TYPER));
		c->number = (uint32_t)field_get(GICR_TYPER_NUMBER, typer);
		if (field_get(GICR_TYPER_AFF, typer) == packed)
			return true;
		if (typer & GICR_TYPER_LAST)
			return false;
		off += frame_size(typer);
	}
	return false;
}

/* False: no redistributor has its affinity. */
static bool bind_cpu(struct gic_cpu *c, uint64_t mpidr)
{
	uint64_t packed = (mpidr & BITS(39, 32)) >> 8 | (mpidr & BITS(23, 0));
	bool found = false;

	for (unsigned i = 0; i < v3.region_count && !found; i++)
		found = find_in_region(v3.region[i], packed, c);
	c->sgi = mmio_at(PA(c->rd.base + GICR_FRAME));
	c->route = mpidr & IROUTER_AFF;
	c->target = BIT(mpidr % 16) | field_put(0, SGI1R_RS, mpidr >> 4 & 15) |
		    field_put(0, SGI1R_AFF1, mpidr >> 8 & 0xff) |
		    field_put(0, SGI1R_AFF2, mpidr >> 16 & 0xff) |
		    field_put(0, SGI1R_AFF3, mpidr >> 32 & 0xff);
	return found;
}

static enum hv_status v3_cpu_init(unsigned cpu, uint64_t mpidr)
{
	struct gic_cpu *c = &gic_hw.cpu[cpu];
	uint64_t vtr;
	enum hv_status st;

	if (!bind_cpu(c, mpidr)) {
		log_err("gic: CPU %u has no redistributor in the device tree", cpu);
		return HV_ENOENT;
	}
	st = wake_redist(c->rd);
	if (st != HV_OK)
		return st;
	gic_clear_lines(c->sgi, 0);
	st = gic_wait(c->rd);
	if (st != HV_OK)
		return st;
	arch_icc_init();
	/*
	 * Every CPU sends, so every one must have it; the first is asked before any other starts.
	 */
	v3.range_select = v3.range_select && (arch_icc_ctlr() & ICC_CTLR_RSS);
	if (mpidr & SGI_RANGES && !v3.range_select) {
		log_err("gic: CPU %u (MPIDR 0x%lx): no SGI reaches an Aff0 above 15 here", cpu,
			mpidr);
		return HV_EUNSUPP;
	}
	vtr = arch_ich_vtr();
	gic.has_tdir = gic.has_tdir && (vtr & ICH_VTR_TDS);
	gic_start_cpu(cpu, field_get(ICH_VTR_LRS, vtr) + 1);
	return HV_OK;
}

static const struct gic_ops v3_ops = {
	.cpu_init = v3_cpu_init,
	.ack = arch_icc_iar1,
	.drop = arch_icc_eoir1,
	.deactivate = arch_icc_dir,
	.send_sgi = v3_send_sgi,
	.lr_read = arch_ich_lr,
	.lr_write = arch_ich_lr_write,
	.elrsr = arch_ich_elrsr,
	.eisr = arch_ich_eisr,
	.hcr_read = arch_ich_hcr,
	.hcr_write = arch_ich_hcr_write,
	.vmcr_read = arch_ich_vmcr,
	.vmcr_reset = arch_ich_vmcr_reset,
};

/* reg: distributor, then #redistributor-regions regions, then what GICv2 emulation needs. */
static enum hv_status gicv3_read_node(const void *fdt, int node)
{
	uint32_t count = dt_u32(fdt, node, "#redistributor-regions", 1);
	struct range r;
	unsigned len;
	const void *stride = dt_get(fdt, node, "redistributor-stride", &len);

	if (dt_reg(fdt, node, 0, &r) != HV_OK || r.size < GICR_FRAME)
		return HV_EINVAL;
	gic_hw.dist = mmio_at(PA(r.base));
	v3.region_count = 0;
	v3.stride = stride && len == 8 ? dt_cells(stride, 2) : 0;
	while (v3.region_count < count && dt_reg(fdt, node, 1 + v3.region_count, &r) == HV_OK)
		v3.region_count++;
	if (count == 0 || v3.region_count < count || !IS_ALIGNED(v3.stride, GICR_FRAME) ||
	    (stride && (v3.stride < 2 * GICR_FRAME || v3.stride > GIB(1))))
		return HV_EINVAL;
	v3.region = pmem_alloc(count * sizeof(*v3.region), 64);
	for (uint32_t i = 0; i < count; i++)
		if (dt_reg(fdt, node, 1 + i, &v3.region[i]) != HV_OK)
			return HV_EINVAL;
	return HV_OK;
}

/* Finds and resets the distributor. HV_EUNSUPP with a log line when it is none that we drive. */
enum hv_status gicv3_init(const void *fdt, int node)
{
	uint32_t typer, arch;

	if (gicv3_read_node(fdt, node) != HV_OK) {
		log_err("gic: malformed reg, #redistributor-regions or redistributor-stride");
		return HV_EINVAL;
	}
	arch = (uint32_t)field_get(PIDR2_ARCH, rd32(gic_hw.dist, REG32(GICD_PIDR2)));
	if (arch != 3 && arch != 4) {
		log_err("gic: GICD_PIDR2 names architecture %u, not GICv3 or GICv4", arch);
		return HV_EUNSUPP;
	}
	typer = rd32(gic_hw.dist, REG32(GICD_TYPER));
	v3.range_select = typer & GICD_TYPER_RSS;
	gic = (struct gic){
		.ops = &v3_ops,
		.lr_count = VGIC_LR_MAX,
		.version = 3,
		.has_lpis = (typer & GICD_TYPER_LPIS) &&
			    field_get(GICD_TYPER_IDBITS, typer) + 1 >= LPI_ID_BITS,
		.has_tdir = true,
	};
	return gic_reset_dist(GICD_CTLR_ARE, GICD_CTLR_G1);
}
