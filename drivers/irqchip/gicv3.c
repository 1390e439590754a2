/*
 * Physical GICv3 (IHI 0069): distributor, redistributors, CPU interface through <arch/gic.h>.
 * EL2 takes everything as non-secure group 1 at one priority, with EOImode=1; guests' lines stay
 * active until the guest deactivates them by a HW-linked list register.
 *
 * Registers of single lines are write-one-to-set and -clear or bytes and need no lock; only the
 * trigger configuration is read, modified and written. LPIs belong to its.c.
 */
#include <arch/barrier.h>
#include <arch/gic.h>
#include <hv/bits.h>
#include <hv/dt.h>
#include <hv/gic.h>
#include <hv/irq.h>
#include <hv/limits.h>
#include <hv/log.h>
#include <hv/mmio.h>
#include <hv/spinlock.h>
#include <spec/gicv3.h>

#define RWP_TIMEOUT_US 100000
#define MAX_REGIONS    16

struct gicv3_cpu {
	struct mmio rd;	 /* RD_base; base 0: not bound */
	struct mmio sgi; /* SGI_base */
	uint64_t affinity; /* as in GICD_IROUTER */
	uint64_t sgi1r;	 /* target fields of ICC_SGI1R_EL1 */
};

static struct {
	struct mmio dist;
	unsigned region_count;
	struct range region[MAX_REGIONS]; /* redistributors */
	uint64_t stride;		  /* 0: by GICR_TYPER.VLPIS */
	struct gicv3_cpu cpu[MAX_CPUS];
	struct spinlock config_lock; /* GICD_ICFGR, GICR_ICFGR; a leaf */
} v3;

static struct mmio frame_of(unsigned cpu, uint32_t intid)
{
	return intid < GIC_SPI_FIRST ? v3.cpu[cpu].sgi : v3.dist;
}

static struct reg32 word_of(uint32_t base, uint32_t intid)
{
	return REG32(base + intid / 32 * 4);
}

static void write_bit(unsigned cpu, uint32_t base, uint32_t intid)
{
	wr32(frame_of(cpu, intid), word_of(base, intid), 1U << intid % 32);
}

static bool read_bit(unsigned cpu, uint32_t base, uint32_t intid)
{
	return rd32(frame_of(cpu, intid), word_of(base, intid)) >> intid % 32 & 1;
}

/* Register write pending: disabling is complete when it reads 0, IHI 0069 §12.9.4, §12.11.2. */
static enum hv_status wait_dist(void)
{
	return poll32(v3.dist, REG32(GICD_CTLR), GICD_CTLR_RWP, 0, RWP_TIMEOUT_US, "GICD_CTLR.RWP");
}

static enum hv_status wait_redist(struct mmio rd)
{
	return poll32(rd, REG32(GICR_CTLR), GICR_CTLR_RWP, 0, RWP_TIMEOUT_US, "GICR_CTLR.RWP");
}

static void v3_set_enabled(unsigned cpu, uint32_t intid, bool on)
{
	write_bit(cpu, on ? GICD_ISENABLER : GICD_ICENABLER, intid);
	if (on)
		return;
	/* A timeout was logged; the write itself cannot be undone or done better. */
	enum hv_status late = intid < GIC_SPI_FIRST ? wait_redist(v3.cpu[cpu].rd) : wait_dist();

	(void)late;
}

static void v3_set_priority(unsigned cpu, uint32_t intid, uint8_t prio)
{
	arch_mmio_w8(frame_of(cpu, intid).base + GICD_IPRIORITYR + intid, prio);
}

static void v3_set_edge(unsigned cpu, uint32_t intid, bool edge)
{
	struct mmio m = frame_of(cpu, intid);
	struct reg32 r = REG32(GICD_ICFGR + intid / 16 * 4);
	uint32_t bit = 2U << intid % 16 * 2;

	spin_lock(&v3.config_lock);
	uint32_t v = rd32(m, r);

	wr32(m, r, edge ? v | bit : v & ~bit);
	spin_unlock(&v3.config_lock);
}

static void v3_set_pending(unsigned cpu, uint32_t intid, bool on)
{
	write_bit(cpu, on ? GICD_ISPENDR : GICD_ICPENDR, intid);
}

static void v3_set_active(unsigned cpu, uint32_t intid, bool on)
{
	write_bit(cpu, on ? GICD_ISACTIVER : GICD_ICACTIVER, intid);
}

static bool v3_is_pending(unsigned cpu, uint32_t intid)
{
	return read_bit(cpu, GICD_ISPENDR, intid);
}

static bool v3_is_active(unsigned cpu, uint32_t intid)
{
	return read_bit(cpu, GICD_ISACTIVER, intid);
}

static void v3_route(uint32_t intid, unsigned cpu)
{
	wr64(v3.dist, REG64(GICD_IROUTER + intid * 8), v3.cpu[cpu].affinity);
}

static void v3_send_sgi(unsigned cpu, unsigned sgi)
{
	arch_icc_sgi1r(v3.cpu[cpu].sgi1r | (uint64_t)sgi * FIELD_LSB(SGI1R_INTID));
}

static void v3_vcpu_reset(void)
{
	for (unsigned n = 0; n < gic.lr_count; n++)
		arch_ich_lr_write(n, 0);
	arch_ich_apr_clear();
	arch_ich_vmcr_write(0);
	arch_ich_hcr_write(0);
}

/* Everything off, not pending, not active; 32 INTIDs from `first` on in frame `m`. */
static void clear_lines(struct mmio m, uint32_t first)
{
	wr32(m, word_of(GICD_ICENABLER, first), ~0U);
	wr32(m, word_of(GICD_ICPENDR, first), ~0U);
	wr32(m, word_of(GICD_ICACTIVER, first), ~0U);
	wr32(m, word_of(GICD_IGROUPR, first), ~0U);
	for (uint32_t i = 0; i < 32; i += 4)
		wr32(m, REG32(GICD_IPRIORITYR + first + i), GIC_PRIO * 0x01010101U);
}

/* IHI 0069 §12.11.42: the redistributor forwards nothing before ChildrenAsleep reads 0. */
static enum hv_status wake(struct mmio rd)
{
	wr32(rd, REG32(GICR_WAKER), rd32(rd, REG32(GICR_WAKER)) & ~(uint32_t)GICR_WAKER_SLEEP);
	return poll32(rd, REG32(GICR_WAKER), GICR_WAKER_ASLEEP, 0, RWP_TIMEOUT_US,
		      "GICR_WAKER.ChildrenAsleep");
}

static void read_vtr(void)
{
	uint64_t vtr = arch_ich_vtr();
	uint8_t lrs = (uint8_t)(field_get(ICH_VTR_LRS, vtr) + 1);
	uint8_t pri_bits = (uint8_t)(field_get(ICH_VTR_PRIBITS, vtr) + 1);

	lrs = MIN(lrs, 16);
	gic.has_tdir = (vtr & ICH_VTR_TDS) && (gic.has_tdir || !gic.lr_count);
	gic.lr_count = gic.lr_count ? MIN(gic.lr_count, lrs) : lrs;
	gic.pri_bits = gic.pri_bits ? MIN(gic.pri_bits, pri_bits) : pri_bits;
}

static enum hv_status v3_cpu_init(unsigned cpu)
{
	const struct gicv3_cpu *c = &v3.cpu[cpu];
	enum hv_status st;

	if (!c->rd.base) {
		log_err("gic: CPU %u has no redistributor in the device tree", cpu);
		return HV_ENOENT;
	}
	st = wake(c->rd);
	if (st != HV_OK)
		return st;
	clear_lines(c->sgi, 0);
	st = wait_redist(c->rd);
	if (st != HV_OK)
		return st;
	arch_icc_init();
	read_vtr();
	v3_vcpu_reset();
	wr32(c->sgi, REG32(GICD_ISENABLER), 1U << SGI_KICK | 1U << SGI_STOP);
	return HV_OK;
}

static const struct gic_ops v3_ops = {
	.cpu_init = v3_cpu_init,
	.ack = arch_icc_iar1,
	.drop = arch_icc_eoir1,
	.deactivate = arch_icc_dir,
	.send_sgi = v3_send_sgi,
	.set_enabled = v3_set_enabled,
	.set_priority = v3_set_priority,
	.set_edge = v3_set_edge,
	.set_pending = v3_set_pending,
	.set_active = v3_set_active,
	.is_pending = v3_is_pending,
	.is_active = v3_is_active,
	.route = v3_route,
	.lr_read = arch_ich_lr,
	.lr_write = arch_ich_lr_write,
	.elrsr = arch_ich_elrsr,
	.eisr = arch_ich_eisr,
	.hcr_read = arch_ich_hcr,
	.hcr_write = arch_ich_hcr_write,
	.vmcr_read = arch_ich_vmcr,
	.vcpu_reset = v3_vcpu_reset,
};

static uint64_t frame_size(uint64_t typer)
{
	if (v3.stride)
		return v3.stride;
	return typer & GICR_TYPER_VLPIS ? 4 * GICR_FRAME : 2 * GICR_FRAME;
}

/* Walks one region, IHI 0069 §12.11.34: frames are contiguous, the last one says so. */
static bool find_in_region(struct range r, uint64_t packed, pa_t *rd, uint64_t *typer)
{
	uint64_t off = 0;

	while (r.size >= 2 * GICR_FRAME && off <= r.size - 2 * GICR_FRAME) {
		struct mmio m = mmio_at(PA(r.base + off));

		*typer = rd64(m, REG64(GICR_TYPER));
		if (field_get(GICR_TYPER_AFF, *typer) == packed) {
			*rd = PA(r.base + off);
			return true;
		}
		if (*typer & GICR_TYPER_LAST)
			return false;
		off += frame_size(*typer);
	}
	return false;
}

enum hv_status gicv3_redist(uint64_t mpidr, pa_t *rd_base, uint32_t *processor_number)
{
	uint64_t packed = (mpidr & BITS(39, 32)) >> 8 | (mpidr & BITS(23, 0));
	uint64_t typer;

	for (unsigned i = 0; i < v3.region_count; i++)
		if (find_in_region(v3.region[i], packed, rd_base, &typer)) {
			*processor_number = (uint32_t)field_get(GICR_TYPER_NUMBER, typer);
			return HV_OK;
		}
	return HV_ENOENT;
}

void gicv3_bind_cpu(unsigned cpu, uint64_t mpidr)
{
	uint64_t aff0 = mpidr & 0xff;
	uint32_t number;
	pa_t rd;

	if (cpu >= MAX_CPUS)
		return;
	v3.cpu[cpu] = (struct gicv3_cpu){
		.affinity = mpidr & IROUTER_AFF,
		.sgi1r = BIT(aff0 % 16) | field_put(0, SGI1R_RS, aff0 / 16) |
			 field_put(0, SGI1R_AFF1, mpidr >> 8 & 0xff) |
			 field_put(0, SGI1R_AFF2, mpidr >> 16 & 0xff) |
			 field_put(0, SGI1R_AFF3, mpidr >> 32 & 0xff),
	};
	if (gicv3_redist(mpidr, &rd, &number) != HV_OK)
		return; /* cpu_init says so */
	v3.cpu[cpu].rd = mmio_at(rd);
	v3.cpu[cpu].sgi = mmio_at(PA(rd.v + GICR_FRAME));
}

/* reg: distributor, then #redistributor-regions regions, then what GICv2 emulation needs. */
static enum hv_status read_node(const void *fdt, int node)
{
	uint32_t count = dt_u32(fdt, node, "#redistributor-regions", 1);
	struct range r;
	unsigned len;
	const void *stride = dt_get(fdt, node, "redistributor-stride", &len);

	if (dt_reg(fdt, node, 0, &r) != HV_OK || r.size < GICR_FRAME)
		return HV_EINVAL;
	v3.dist = mmio_at(PA(r.base));
	v3.stride = stride && len == 8 ? dt_cells(stride, 2) : 0;
	if (count == 0 || count > MAX_REGIONS || !IS_ALIGNED(v3.stride, GICR_FRAME) ||
	    (stride && v3.stride < 2 * GICR_FRAME))
		return HV_EINVAL;
	for (uint32_t i = 0; i < count; i++)
		if (dt_reg(fdt, node, 1 + i, &v3.region[i]) != HV_OK)
			return HV_EINVAL;
	v3.region_count = count;
	return HV_OK;
}

/* ARE is set only while both groups are disabled, and never cleared: IHI 0069 §12.9.4. */
static enum hv_status reset_dist(void)
{
	uint32_t lines = GIC_SPI_FIRST + gic.spi_count;
	enum hv_status st;

	wr32(v3.dist, REG32(GICD_CTLR), rd32(v3.dist, REG32(GICD_CTLR)) & (uint32_t)GICD_CTLR_ARE);
	st = wait_dist();
	if (st != HV_OK)
		return st;
	wr32(v3.dist, REG32(GICD_CTLR), GICD_CTLR_ARE);
	for (uint32_t i = GIC_SPI_FIRST; i < lines; i += 32)
		clear_lines(v3.dist, i);
	st = wait_dist();
	if (st != HV_OK)
		return st;
	wr32(v3.dist, REG32(GICD_CTLR), GICD_CTLR_ARE | GICD_CTLR_G1);
	return wait_dist();
}

enum hv_status gicv3_init(const void *fdt, int node)
{
	uint32_t typer, arch;

	if (read_node(fdt, node) != HV_OK) {
		log_err("gic: malformed reg, #redistributor-regions or redistributor-stride");
		return HV_EINVAL;
	}
	arch = (uint32_t)field_get(PIDR2_ARCH, rd32(v3.dist, REG32(GICD_PIDR2)));
	if (arch != 3 && arch != 4) {
		log_err("gic: GICD_PIDR2 names architecture %u, not GICv3 or GICv4", arch);
		return HV_EUNSUPP;
	}
	typer = rd32(v3.dist, REG32(GICD_TYPER));
	gic = (struct gic){
		.ops = &v3_ops,
		.spi_count = (uint32_t)MIN(32 * (field_get(GICD_TYPER_LINES, typer) + 1),
					   GIC_SPI_END) - GIC_SPI_FIRST,
		.id_bits = (uint32_t)field_get(GICD_TYPER_IDBITS, typer) + 1,
		.version = 3,
		.has_lpis = typer & GICD_TYPER_LPIS,
	};
	return reset_dist();
}
