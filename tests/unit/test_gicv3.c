/* SPDX-License-Identifier: Apache-2.0 */
/* The physical GICv3: found in the device tree, reset, redistributors by affinity, single lines. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include <arch/gic.h>
#include <host.h>
#include <host_early.h>
#include <hv/bits.h>
#include <hv/gic.h>
#include <libfdt.h>
#include <spec/gicv3.h>

#include "../../drivers/irqchip/gic_priv.h"

#define DIST_BASE 0x08000000u
#define RD0_BASE  0x080a0000u
#define RD1_BASE  0x40000000u
#define LINES     288
#define OWN       (3U | 1U << 26) /* two SGIs, the EL2 timer */

static char fdt[4096];
static int node;
static unsigned cpu; /* whose CPU interface */

/* Registers that the driver writes, as they are; set/clear pairs as state. */
struct frame {
	uint32_t ctlr, rwp_reads, waker, group[32], enabled[32], pending[32], active[32], cfg[64];
	uint8_t prio[1024];
	uint64_t router[1024];
	uint64_t typer;
};
static struct frame dist, rd[4];
static bool asleep_for_ever;
static uint32_t pidr2, id_bits;
static uint64_t vtr[4], hcr = 99, vmcr = 99, sgi1r;
static unsigned icc_inits, apr_clears;

static uint64_t lines_read(struct frame *f, uint64_t off)
{
	uint64_t n = off % 0x80 / 4;

	switch (off & ~0x7fULL) {
	case GICD_ISENABLER:
		return f->enabled[n];
	case GICD_ISPENDR:
		return f->pending[n];
	case GICD_ISACTIVER:
		return f->active[n];
	case GICD_ICFGR:
		return f->cfg[n];
	}
	return 0;
}

static void lines_write(struct frame *f, uint64_t off, unsigned size, uint64_t v)
{
	uint64_t n = off % 0x80 / 4;
	uint32_t w = (uint32_t)v;

	if (off >= GICD_IPRIORITYR && off < GICD_ITARGETSR) {
		memcpy(&f->prio[off - GICD_IPRIORITYR], &w, size);
		return;
	}
	assert_int_equal(size, 4);
	switch (off & ~0x7fULL) {
	case GICD_IGROUPR:
		f->group[n] = w;
		break;
	case GICD_ISENABLER:
		f->enabled[n] |= w;
		break;
	case GICD_ICENABLER:
		f->enabled[n] &= ~w;
		f->rwp_reads = 3;
		break;
	case GICD_ISPENDR:
		f->pending[n] |= w;
		break;
	case GICD_ICPENDR:
		f->pending[n] &= ~w;
		break;
	case GICD_ISACTIVER:
		f->active[n] |= w;
		break;
	case GICD_ICACTIVER:
		f->active[n] &= ~w;
		break;
	case GICD_ICFGR:
		f->cfg[n] = w;
		break;
	default:
		fail_msg("write to 0x%x", (unsigned)off);
	}
}

static bool dist_rss; /* and every CPU: icc_ctlr */
static uint64_t icc_ctlr;

static uint64_t dist_read(void *m, uint64_t off, unsigned size)
{
	(void)m, (void)size;
	switch (off) {
	case GICD_CTLR:
		return dist.ctlr | (dist.rwp_reads && dist.rwp_reads-- ? GICD_CTLR_RWP : 0);
	case GICD_TYPER:
		return (LINES / 32 - 1) | GICD_TYPER_LPIS | (dist_rss ? GICD_TYPER_RSS : 0) |
		       (id_bits - 1) * FIELD_LSB(GICD_TYPER_IDBITS);
	case GICD_PIDR2:
		return pidr2;
	}
	return lines_read(&dist, off);
}

static void dist_write(void *m, uint64_t off, unsigned size, uint64_t v)
{
	(void)m;
	if (off == GICD_CTLR) {
		/* ARE only while both groups are off */
		assert_true(((v ^ dist.ctlr) & GICD_CTLR_ARE) == 0 || !(dist.ctlr & 3));
		dist.ctlr = (uint32_t)v;
		dist.rwp_reads = 2;
	} else if (off >= GICD_IROUTER) {
		assert_int_equal(size, 8);
		dist.router[(off - GICD_IROUTER) / 8] = v;
	} else {
		assert_false(dist.ctlr & 3 && off < GICD_ISENABLER);
		lines_write(&dist, off, size, v);
	}
}

static uint64_t rd_read(void *m, uint64_t off, unsigned size)
{
	struct frame *f = m;

	(void)size;
	switch (off) {
	case GICR_CTLR:
		return f->rwp_reads && f->rwp_reads-- ? GICR_CTLR_RWP : 0;
	case GICR_TYPER:
		assert_int_equal(size, 8);
		return f->typer;
	case GICR_WAKER:
		if (!(f->waker & 2) && f->waker & 4 && !asleep_for_ever)
			f->waker &= ~4U;
		return f->waker;
	}
	return off >= GICR_FRAME ? lines_read(f, off - GICR_FRAME) : 0;
}

static void rd_write(void *m, uint64_t off, unsigned size, uint64_t v)
{
	struct frame *f = m;

	if (off == GICR_WAKER)
		f->waker = (uint32_t)v | (f->waker & 4);
	else
		lines_write(f, off - GICR_FRAME, size, v);
}

void arch_icc_init(void) { icc_inits++; }

uint32_t arch_icc_iar1(void) { return 1023; }

void arch_icc_eoir1(uint32_t intid) { (void)intid; }

void arch_icc_dir(uint32_t intid) { (void)intid; }

void arch_icc_sgi1r(uint64_t v) { sgi1r = v; }

uint64_t arch_ich_vtr(void) { return vtr[cpu]; }

uint64_t arch_icc_ctlr(void) { return icc_ctlr; }

uint64_t arch_ich_hcr(void) { return hcr; }

void arch_ich_hcr_write(uint64_t v) { hcr = v; }

uint64_t arch_ich_vmcr(void) { return vmcr; }

uint64_t arch_ich_eisr(void) { return 0; }

uint64_t arch_ich_elrsr(void) { return 0; }

uint64_t arch_ich_lr(unsigned n) { return n; }

void arch_ich_lr_write(unsigned n, uint64_t v)
{
	assert_in_range(n, 0, field_get(ICH_VTR_LRS, vtr[cpu]));
	assert_int_equal(v, 0);
}

void arch_ich_vmcr_reset(void)
{
	vmcr = 0;
	apr_clears++;
}

static unsigned more_regions; /* entries of the first region, in front of those two */

/* Two regions, two redistributors each, the second region of GICv4 frames. */
static void make_fdt(uint32_t regions, uint64_t stride)
{
	const uint32_t dist_reg[] = { 0, DIST_BASE, 0, 0x10000 };
	const uint32_t first[] = { 0, RD0_BASE, 0, 0x40000 },
		       second[] = { 0, RD1_BASE, 0, 0x100000 };
	fdt32_t reg[4 * 64];
	unsigned n = 0;

	for (unsigned i = 0; i < 3 + more_regions; i++) {
		const uint32_t *from = i ? first : dist_reg;

		if (i == 2 + more_regions)
			from = second;
		for (unsigned k = 0; k < 4; k++)
			reg[n++] = cpu_to_fdt32(from[k]);
	}

	assert_int_equal(fdt_create(fdt, sizeof(fdt)), 0);
	assert_int_equal(fdt_finish_reservemap(fdt), 0);
	fdt_begin_node(fdt, "");
	fdt_property_u32(fdt, "#address-cells", 2);
	fdt_property_u32(fdt, "#size-cells", 2);
	fdt_begin_node(fdt, "intc");
	fdt_property_string(fdt, "compatible", "arm,gic-v3");
	fdt_property(fdt, "reg", reg, (int)(n * sizeof(*reg)));
	if (regions)
		fdt_property_u32(fdt, "#redistributor-regions", regions);
	if (stride)
		fdt_property_u64(fdt, "redistributor-stride", stride);
	fdt_end_node(fdt);
	fdt_end_node(fdt);
	assert_int_equal(fdt_finish(fdt), 0);
	node = fdt_path_offset(fdt, "/intc");
}

static int setup(void **state)
{
	static const uint64_t at[4] = { RD0_BASE, RD0_BASE + 0x20000, RD1_BASE,
					RD1_BASE + 0x40000 };
	static const uint64_t affinity[] = { 0, BIT(32), BIT(40), BIT(56) | BIT(32) };

	memset(&dist, 0xff, sizeof(dist));
	memset(rd, 0xff, sizeof(rd));
	dist.ctlr = 3;
	dist.rwp_reads = 0;
	host_mmio_clear();
	host_mmio_add(DIST_BASE, 0x10000, dist_read, dist_write, NULL);
	for (unsigned i = 0; i < 4; i++) {
		rd[i].rwp_reads = 0;
		rd[i].waker = 6;
		rd[i].typer = (uint64_t)i << 8 | (i == 1 || i == 3 ? 0x10 : 0) | (i >= 2 ? 2 : 0);
		rd[i].typer |= affinity[i];
		host_mmio_add(at[i], 0x20000, rd_read, rd_write, &rd[i]);
		vtr[i] = FIELD(ICH_VTR_LRS, 15) | FIELD(ICH_VTR_PRIBITS, 4) | ICH_VTR_TDS;
	}
	asleep_for_ever = false;
	pidr2 = 0x3b;
	id_bits = 16;
	icc_inits = apr_clears = cpu = 0;
	gic = (struct gic){ 0 };
	icc_ctlr = 0;
	dist_rss = false;
	host_early(0);
	more_regions = 0;
	make_fdt(2, 0);
	host_log_clear();
	return 0;
}

static const uint64_t mpidr[4] = { 0x80000000, 0x80000001, 0x80000100, 0x100000001 | BIT(31) };

static void start_cpus(void)
{
	assert_int_equal(gic_init(fdt, node, 3, 8), HV_OK);
	for (cpu = 0; cpu < 4; cpu++) {
		assert_int_equal(gic.ops->cpu_init(cpu, mpidr[cpu]), HV_OK);
	}
	cpu = 0;
}

static void everything_is_off_and_cleared(void **state)
{
	start_cpus();
	assert_int_equal(dist.ctlr, GICD_CTLR_ARE | GICD_CTLR_G1);
	assert_int_equal(gic.spi_count, LINES - 32);
	assert_true(gic.has_lpis);
	for (unsigned i = 1; i < LINES / 32; i++)
		assert_true(!dist.enabled[i] && !dist.pending[i] && !dist.active[i] &&
			    !~dist.group[i]);
	for (unsigned i = 32; i < LINES; i++)
		assert_int_equal(dist.prio[i], GIC_PRIO);
	for (unsigned c = 0; c < 4; c++) {
		assert_int_equal(rd[c].waker, 0);
		assert_true(rd[c].enabled[0] == OWN && !rd[c].pending[0] && !rd[c].active[0]);
		assert_int_equal(rd[c].prio[31], GIC_PRIO);
		assert_int_equal(rd[c].prio[32], 0xff);
	}
	assert_int_equal(icc_inits, 4);
	assert_int_equal(apr_clears, 4);
	assert_int_equal(hcr | vmcr, 0);
}

static void lpis_need_fourteen_bits(void **state)
{
	for (id_bits = 10; id_bits <= 16; id_bits++) {
		assert_int_equal(gic_init(fdt, node, 3, 8), HV_OK);
		assert_int_equal(gic.has_lpis, id_bits >= 14);
	}
}

static void redistributors_are_found_by_affinity(void **state)
{
	static const uint64_t want[4] = { RD0_BASE, RD0_BASE + 0x20000, RD1_BASE,
					  RD1_BASE + 0x40000 };

	start_cpus();
	for (unsigned c = 0; c < 4; c++) {
		assert_int_equal(gic_hw.cpu[c].rd.base, want[c]);
		assert_int_equal(gic_hw.cpu[c].number, c);
	}
	assert_int_equal(gic.ops->cpu_init(5, 0x7), HV_ENOENT);
	assert_non_null(strstr(host_log(), "CPU 5"));
	/* A region that ends before its Last. */
	rd[1].typer &= ~(uint64_t)GICR_TYPER_LAST;
	assert_int_equal(gic.ops->cpu_init(2, mpidr[2]), HV_OK);
	/* An explicit stride. */
	make_fdt(2, 0x40000);
	assert_int_equal(gic_init(fdt, node, 3, 8), HV_OK);
	assert_int_equal(gic.ops->cpu_init(3, mpidr[3]), HV_OK);
	assert_int_equal(gic.ops->cpu_init(1, mpidr[1]), HV_ENOENT);
}

/* A board with a region for each CPU or chip: as many as the tree says. */
static void every_region_of_the_tree_is_looked_at(void **state)
{
	more_regions = 40;
	make_fdt(42, 0);
	start_cpus();
	assert_int_equal(gic_hw.cpu[3].rd.base, RD1_BASE + 0x40000);
	make_fdt(43, 0); /* one more than reg has */
	assert_int_equal(gic_init(fdt, node, 3, 8), HV_EINVAL);
}

static void lists_are_the_smallest_of_all_cpus(void **state)
{
	vtr[2] = FIELD(ICH_VTR_LRS, 3) | FIELD(ICH_VTR_PRIBITS, 6);
	vtr[0] = FIELD(ICH_VTR_LRS, 15) | FIELD(ICH_VTR_PRIBITS, 4) | ICH_VTR_TDS;
	start_cpus();
	assert_int_equal(gic.lr_count, 4);
	assert_false(gic.has_tdir);
	setup(NULL);
	start_cpus();
	assert_int_equal(gic.lr_count, 16);
	assert_true(gic.has_tdir);
}

static void bad_trees_and_hardware_are_refused(void **state)
{
	make_fdt(3, 0); /* only two are there */
	assert_int_equal(gic_init(fdt, node, 3, 8), HV_EINVAL);
	make_fdt(17, 0);
	assert_int_equal(gic_init(fdt, node, 3, 8), HV_EINVAL);
	make_fdt(2, 0x10000);
	assert_int_equal(gic_init(fdt, node, 3, 8), HV_EINVAL);
	make_fdt(2, 0x28000);
	assert_int_equal(gic_init(fdt, node, 3, 8), HV_EINVAL);
	assert_int_equal(gic_init(fdt, fdt_path_offset(fdt, "/"), 3, 8), HV_EINVAL);
	make_fdt(2, 0);
	pidr2 = 0x2b;
	assert_int_equal(gic_init(fdt, node, 3, 8), HV_EUNSUPP);
	pidr2 = 0x3b;
	asleep_for_ever = true;
	assert_int_equal(gic_init(fdt, node, 3, 8), HV_OK);
	assert_int_equal(gic.ops->cpu_init(0, mpidr[0]), HV_ETIMEOUT);
	assert_non_null(strstr(host_log(), "ChildrenAsleep"));
}

static void single_lines(void **state)
{
	start_cpus();
	gic_set_enabled(0, 40, true);
	gic_set_enabled(2, 27, true);
	assert_int_equal(dist.enabled[1], 1U << 8);
	assert_int_equal(rd[2].enabled[0], OWN | 1U << 27);
	gic_set_enabled(0, 40, false);
	gic_set_enabled(2, 27, false);
	assert_int_equal(dist.enabled[1] | dist.rwp_reads, 0); /* complete on return */
	assert_int_equal(rd[2].enabled[0], OWN);
	assert_int_equal(rd[2].rwp_reads, 0);

	dist.cfg[2] = 0;
	gic_set_edge(0, 33, true);
	gic_set_edge(0, 47, true);
	assert_int_equal(dist.cfg[2], 0x80000008);
	gic_set_edge(0, 33, false);
	assert_int_equal(dist.cfg[2], 0x80000000);
	gic_set_pending(0, 64, true);
	gic_set_active(3, 30, true);
	assert_true(gic_is_pending(0, 64) && rd[3].active[0] == 1U << 30);
	assert_false(gic_is_pending(0, 65) || rd[2].active[0]);
	gic_set_pending(0, 64, false);
	gic_set_active(3, 30, false);
	assert_false(gic_is_pending(0, 64) || rd[3].active[0]);
}

static void targets_are_affinities(void **state)
{
	static const uint64_t sgi[4] = { 1, 2, 1 | BIT(16), 2 | BIT(48) };

	dist_rss = true;
	icc_ctlr = ICC_CTLR_RSS;
	start_cpus();
	for (unsigned c = 0; c < 4; c++) {
		gic_route(100, c);
		assert_int_equal(dist.router[100], mpidr[c] & ~BIT(31));
		gic.ops->send_sgi(c, 1);
		assert_int_equal(sgi1r, sgi[c] | 1 << 24);
	}
	rd[3].typer = (rd[3].typer & BITS(31, 0)) | UINT64_C(0x25) << 32;
	assert_int_equal(gic.ops->cpu_init(4, 0x25), HV_OK);
	gic.ops->send_sgi(4, 0);
	assert_int_equal(sgi1r, BIT(45) | BIT(5)); /* range selector 2 */
}

/* Distributor and CPU interfaces must both have the range selector, or such a CPU stays out. */
static void aff0_above_15_needs_the_range_selector(void **state)
{
	for (unsigned i = 0; i < 4; i++) {
		dist_rss = i & 1;
		icc_ctlr = i & 2 ? ICC_CTLR_RSS : 0;
		start_cpus();
		rd[3].typer = (rd[3].typer & BITS(31, 0)) | UINT64_C(0x10) << 32;
		assert_int_equal(gic.ops->cpu_init(4, 0x10), i == 3 ? HV_OK : HV_EUNSUPP);
		rd[3].typer = (rd[3].typer & BITS(31, 0)) | UINT64_C(0xf) << 32;
		assert_int_equal(gic.ops->cpu_init(4, 0xf), HV_OK);
		setup(NULL);
	}
}

#define T(f) cmocka_unit_test_setup(f, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(everything_is_off_and_cleared),
		T(lpis_need_fourteen_bits),
		T(redistributors_are_found_by_affinity),
		T(every_region_of_the_tree_is_looked_at),
		T(lists_are_the_smallest_of_all_cpus),
		T(bad_trees_and_hardware_are_refused),
		T(single_lines),
		T(targets_are_affinities),
		T(aff0_above_15_needs_the_range_selector),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
