/* SPDX-License-Identifier: Apache-2.0 */
/* The physical GICv2: found in the device tree, reset, CPU interfaces by mask, list registers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include <host.h>
#include <host_early.h>
#include <hv/bits.h>
#include <hv/gic.h>
#include <libfdt.h>
#include <spec/gicv2.h>
#include <spec/gicv3.h>

#include "../../drivers/irqchip/gic_priv.h"

#define DIST_BASE 0x2c010000u
#define CPU_BASE  0x2c02f000u
#define HYP_BASE  0x2c04f000u
#define VIRT_BASE 0x2c06f000u
#define LINES     96
#define OWN       (3U | 1U << 26)

static char fdt[4096];
static int node;
static unsigned cpu; /* who accesses */

/* Bank 0 of each CPU, the others once. */
static struct {
	uint32_t ctlr, sgir, group[LINES / 32], cfg[LINES / 16];
	uint32_t enabled[4][LINES / 32], pending[4][LINES / 32], active[4][LINES / 32];
	uint8_t prio[LINES], target[LINES], sgi_pending[4][16];
} dist;
static uint32_t masks[4]; /* GICD_ITARGETSR0..7 */
static struct {
	uint32_t ctlr, pmr, iar, eoir, dir, apr[4];
} ifc[4];
static struct {
	uint32_t hcr, vmcr, apr, lr[4], lrs;
} hyp[4];

static uint32_t *word(uint32_t (*w)[LINES / 32], uint64_t off)
{
	uint64_t n = off % 0x80 / 4;

	assert_in_range(n, 0, LINES / 32 - 1);
	return &w[n ? 0 : cpu][n];
}

static uint64_t dist_read(void *m, uint64_t off, unsigned size)
{
	(void)m;
	assert_int_equal(size, 4);
	if (off >= GICD_ITARGETSR && off < GICD_ITARGETSR + 32)
		return masks[cpu];
	switch (off & ~0x7fULL) {
	case 0:
		if (off == GICD_TYPER)
			return LINES / 32 - 1;
		return off == GICD_CTLR ? dist.ctlr : 0;
	case GICD_ISPENDR:
		return *word(dist.pending, off);
	case GICD_ISACTIVER:
		return *word(dist.active, off);
	case GICD_ICFGR:
		return dist.cfg[off % 0x80 / 4];
	}
	fail_msg("read of 0x%x", (unsigned)off);
	return 0;
}

static void dist_write(void *m, uint64_t off, unsigned size, uint64_t v)
{
	uint32_t w = (uint32_t)v;

	(void)m;
	if (off >= GICD_IPRIORITYR && off < GICD_ITARGETSR) {
		memcpy(&dist.prio[off - GICD_IPRIORITYR], &w, size);
		return;
	}
	if (off >= GICD_ITARGETSR && off < GICD_ICFGR) {
		assert_in_range(off - GICD_ITARGETSR, 32, LINES - 1);
		memcpy(&dist.target[off - GICD_ITARGETSR], &w, size);
		return;
	}
	assert_int_equal(size, 4);
	if (off == GICD_CTLR)
		dist.ctlr = w;
	else if (off == GICD_SGIR)
		dist.sgir = w;
	else if (off >= GICD_CPENDSGIR && off < GICD_SPENDSGIR)
		memset(&dist.sgi_pending[cpu][off - GICD_CPENDSGIR], 0, 4);
	else if (off < GICD_ISENABLER)
		dist.group[(off - GICD_IGROUPR) / 4] = w;
	else if (off < GICD_ICENABLER)
		*word(dist.enabled, off) |= w;
	else if (off < GICD_ISPENDR)
		*word(dist.enabled, off) &= ~w;
	else if (off < GICD_ICPENDR)
		*word(dist.pending, off) |= w;
	else if (off < GICD_ISACTIVER)
		*word(dist.pending, off) &= ~w;
	else if (off < GICD_ICACTIVER)
		*word(dist.active, off) |= w;
	else if (off < GICD_IPRIORITYR)
		*word(dist.active, off) &= ~w;
	else
		dist.cfg[off % 0x80 / 4] = w;
}

static uint64_t ifc_read(void *m, uint64_t off, unsigned size)
{
	(void)m;
	assert_int_equal(size, 4);
	if (off == GICC_IAR)
		return ifc[cpu].iar;
	return off == GICC_CTLR ? ifc[cpu].ctlr : 0;
}

static uint32_t *ifc_register(uint64_t off)
{
	switch (off) {
	case GICC_CTLR:
		return &ifc[cpu].ctlr;
	case GICC_PMR:
		return &ifc[cpu].pmr;
	case GICC_EOIR:
		return &ifc[cpu].eoir;
	case GICC_DIR:
		return &ifc[cpu].dir;
	case GICC_APR ... GICC_APR + 15:
		return &ifc[cpu].apr[(off - GICC_APR) / 4];
	}
	return NULL;
}

static void ifc_write(void *m, uint64_t off, unsigned size, uint64_t v)
{
	uint32_t *reg = ifc_register(off);

	(void)m;
	assert_int_equal(size, 4);
	assert_true(reg || off == GICC_BPR);
	if (reg)
		*reg = (uint32_t)v;
}

static uint64_t hyp_read(void *m, uint64_t off, unsigned size)
{
	(void)m;
	assert_int_equal(size, 4);
	switch (off) {
	case GICH_HCR:
		return hyp[cpu].hcr;
	case GICH_VTR:
		return hyp[cpu].lrs - 1;
	case GICH_VMCR:
		return hyp[cpu].vmcr;
	case GICH_EISR0:
		return 0x5;
	case GICH_ELRSR0:
		return 0xa;
	}
	assert_in_range(off, GICH_LR, GICH_LR + 12);
	return hyp[cpu].lr[(off - GICH_LR) / 4];
}

static uint32_t *hyp_register(uint64_t off)
{
	switch (off) {
	case GICH_HCR:
		return &hyp[cpu].hcr;
	case GICH_VMCR:
		return &hyp[cpu].vmcr;
	case GICH_APR:
		return &hyp[cpu].apr;
	}
	return &hyp[cpu].lr[(off - GICH_LR) / 4 & 3];
}

static void hyp_write(void *m, uint64_t off, unsigned size, uint64_t v)
{
	uint32_t *reg = hyp_register(off);

	(void)m;
	assert_int_equal(size, 4);
	assert_true(off < GICH_LR || off < GICH_LR + 4 * hyp[cpu].lrs);
	*reg = (uint32_t)v;
}

enum hv_status gicv3_init(const void *tree, int n)
{
	(void)tree, (void)n;
	return HV_EUNSUPP; /* the other driver is not linked */
}

static void add(fdt32_t *reg, unsigned i, uint32_t base, uint32_t size)
{
	reg[4 * i + 1] = cpu_to_fdt32(base);
	reg[4 * i + 3] = cpu_to_fdt32(size);
}

static void make_fdt(unsigned frames, uint32_t ifc_base, uint32_t ifc_size, uint32_t ppi)
{
	const fdt32_t irq[] = { cpu_to_fdt32(1), cpu_to_fdt32(ppi), cpu_to_fdt32(0xf04) };
	fdt32_t reg[16] = { 0 };

	add(reg, 0, DIST_BASE, 0x1000);
	add(reg, 1, ifc_base, ifc_size);
	add(reg, 2, HYP_BASE, 0x2000);
	add(reg, 3, VIRT_BASE, 0x1000);
	assert_int_equal(fdt_create(fdt, sizeof(fdt)), 0);
	assert_int_equal(fdt_finish_reservemap(fdt), 0);
	fdt_begin_node(fdt, "");
	fdt_property_u32(fdt, "#address-cells", 2);
	fdt_property_u32(fdt, "#size-cells", 2);
	fdt_property_u32(fdt, "interrupt-parent", 1);
	fdt_begin_node(fdt, "intc");
	fdt_property_string(fdt, "compatible", "arm,gic-400");
	fdt_property_u32(fdt, "phandle", 1);
	fdt_property_u32(fdt, "#interrupt-cells", 3);
	fdt_property(fdt, "interrupt-controller", NULL, 0);
	fdt_property(fdt, "interrupts", irq, sizeof(irq));
	fdt_property(fdt, "reg", reg, (int)frames * 16);
	fdt_end_node(fdt);
	fdt_end_node(fdt);
	assert_int_equal(fdt_finish(fdt), 0);
	node = fdt_path_offset(fdt, "/intc");
}

static int setup(void **state)
{
	memset(&dist, 0xff, sizeof(dist));
	memset(ifc, 0xff, sizeof(ifc));
	memset(hyp, 0xff, sizeof(hyp));
	for (unsigned i = 0; i < 4; i++) {
		masks[i] = 0x01010101U << (3 - i); /* not in the order of the CPUs */
		hyp[i].lrs = 4;
	}
	host_mmio_clear();
	host_mmio_add(DIST_BASE, 0x1000, dist_read, dist_write, NULL);
	host_mmio_add(CPU_BASE, 0x2000, ifc_read, ifc_write, NULL);
	host_mmio_add(HYP_BASE, 0x2000, hyp_read, hyp_write, NULL);
	cpu = 0;
	gic = (struct gic){ 0 };
	host_early(0);
	make_fdt(4, CPU_BASE, 0x2000, 9);
	host_log_clear();
	return 0;
}

static void start_cpus(void)
{
	assert_int_equal(gic_init(fdt, node, 2, 4), HV_OK);
	for (cpu = 0; cpu < 4; cpu++)
		assert_int_equal(gic.ops->cpu_init(cpu, cpu), HV_OK);
	cpu = 0;
}

static void everything_is_off_and_cleared(void **state)
{
	start_cpus();
	assert_int_equal(dist.ctlr, 1);
	assert_int_equal(gic.spi_count, LINES - 32);
	assert_int_equal(gic.version, 2);
	assert_int_equal(gic.gicv.v, VIRT_BASE);
	assert_false(gic.has_lpis || gic.has_tdir);
	for (unsigned i = 1; i < LINES / 32; i++)
		assert_false(dist.enabled[0][i] | dist.pending[0][i] | dist.active[0][i] |
			     dist.group[i]);
	for (unsigned i = 0; i < LINES; i++)
		assert_int_equal(dist.prio[i], GIC_PRIO);
	for (unsigned c = 0; c < 4; c++) {
		assert_true(dist.enabled[c][0] == OWN && !dist.pending[c][0] && !dist.active[c][0]);
		for (unsigned i = 0; i < 16; i++)
			assert_int_equal(dist.sgi_pending[c][i], 0);
		assert_int_equal(ifc[c].ctlr, 0x1e0 | BIT(9) | 1); /* firmware's bypass bits stay */
		assert_int_equal(ifc[c].pmr, 0xff);
		assert_false(ifc[c].apr[0] | ifc[c].apr[3]);
		assert_false(hyp[c].hcr | hyp[c].vmcr | hyp[c].apr | hyp[c].lr[0] | hyp[c].lr[3]);
	}
	assert_int_equal(gic.lr_count, 4);
}

static void targets_are_what_each_cpu_read(void **state)
{
	start_cpus();
	for (unsigned c = 0; c < 4; c++) {
		host_trace_clear();
		gic_route(40 + c, c);
		assert_int_equal(dist.target[40 + c], 8U >> c);
		gic.ops->send_sgi(c, 1);
		assert_int_equal(dist.sgir, 8U >> c << 16 | 1);
		/* What was written before the SGI is there before it. */
		assert_in_range(host_trace_find(0, "dsb_ishst", UINT64_MAX), 0,
				host_trace_find(0, "w32", DIST_BASE + GICD_SGIR));
	}
	assert_int_equal(dist.target[44], 0xff);
	/* One CPU: the registers are zero. Some of them may be. */
	masks[1] = 0;
	cpu = 1;
	assert_int_equal(gic.ops->cpu_init(1, 1), HV_OK);
	gic_route(40, 1);
	assert_int_equal(dist.target[40], 1);
	masks[1] = 0x00040000;
	assert_int_equal(gic.ops->cpu_init(1, 1), HV_OK);
	gic_route(40, 1);
	assert_int_equal(dist.target[40], 4);
	masks[1] = 0x01010301;
	assert_int_equal(gic.ops->cpu_init(1, 1), HV_EINVAL);
	assert_non_null(strstr(host_log(), "CPU 1"));
}

static void an_sgi_ends_with_its_source(void **state)
{
	start_cpus();
	ifc[0].iar = 5 << 10 | 1;
	assert_int_equal(gic.ops->ack(), 1);
	assert_int_equal(ifc[0].eoir, 5 << 10 | 1);
	assert_int_equal(ifc[0].dir, 5 << 10 | 1);
	ifc[0].eoir = ifc[0].dir = 0;
	gic.ops->drop(1);
	gic.ops->deactivate(1);
	assert_int_equal(ifc[0].eoir | ifc[0].dir, 0);
	ifc[0].iar = 40;
	assert_int_equal(gic.ops->ack(), 40);
	assert_int_equal(ifc[0].eoir | ifc[0].dir, 0);
	gic.ops->drop(40);
	assert_int_equal(ifc[0].eoir, 40);
	assert_int_equal(ifc[0].dir, 0);
	gic.ops->deactivate(40);
	assert_int_equal(ifc[0].dir, 40);
	ifc[0].iar = 1023;
	assert_int_equal(gic.ops->ack(), 1023);
	assert_int_equal(ifc[0].eoir, 40);
}

static void list_registers_in_both_formats(void **state)
{
	static const struct {
		uint64_t v3;
		uint32_t v2;
	} t[] = {
		{ 0, 0 },
		{ LR_PENDING | 27, 0x1000001b },
		{ LR_ACTIVE | LR_GROUP | 1019, 0x600003fb },
		{ LR_PENDING | LR_ACTIVE | UINT64_C(0xf8) << 48 | 40, 0x3f800028 },
		{ LR_HW | LR_PENDING | UINT64_C(1019) << 32 | UINT64_C(0x80) << 48 | 40,
		  0x980fec28 },
		{ LR_PENDING | LR_EOI | 33, 0x10080021 },
		{ LR_PENDING | UINT64_C(5) << 32 | 7, 0x10001407 }, /* SGI 7 of vCPU 5 */
	};

	start_cpus();
	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		gic.ops->lr_write(i % 4, t[i].v3);
		assert_int_equal(hyp[0].lr[i % 4], t[i].v2);
		assert_true(gic.ops->lr_read(i % 4) == t[i].v3);
	}
	assert_int_equal(gic.ops->eisr(), 5);
	assert_int_equal(gic.ops->elrsr(), 0xa);
	gic.ops->hcr_write(ICH_HCR_EN | ICH_HCR_NPIE);
	assert_int_equal(hyp[0].hcr, 9);
	hyp[0].hcr |= 3U << 27;
	assert_int_equal(field_get(ICH_HCR_EOICOUNT, gic.ops->hcr_read()), 3);
	hyp[0].vmcr = BIT(9);
	assert_true(gic.ops->vmcr_read() & ICH_VMCR_VEOIM);
}

static void lists_are_the_smallest_of_all_cpus(void **state)
{
	hyp[2].lrs = 2;
	start_cpus();
	assert_int_equal(gic.lr_count, 2);
}

static void single_lines(void **state)
{
	start_cpus();
	cpu = 2;
	gic_set_enabled(2, 27, true);
	gic_set_enabled(2, 40, true);
	assert_int_equal(dist.enabled[2][0], OWN | 1U << 27);
	assert_int_equal(dist.enabled[0][1], 1U << 8);
	gic_set_enabled(2, 27, false);
	gic_set_enabled(2, 40, false);
	assert_int_equal(dist.enabled[2][0], OWN);
	assert_int_equal(dist.enabled[0][1], 0);
	gic_set_active(2, 27, true);
	gic_set_pending(2, 70, true);
	assert_true(dist.active[2][0] == 1U << 27 && gic_is_pending(2, 70));
	gic_set_active(2, 27, false);
	assert_int_equal(dist.active[2][0], 0);
	dist.cfg[2] = 0;
	gic_set_edge(0, 33, true);
	assert_int_equal(dist.cfg[2], 8);
}

static void bad_trees_are_refused(void **state)
{
	make_fdt(2, CPU_BASE, 0x2000, 9); /* no virtualization */
	assert_int_equal(gic_init(fdt, node, 2, 4), HV_EUNSUPP);
	assert_non_null(strstr(host_log(), "GICV"));
	make_fdt(4, CPU_BASE, 0x1000, 9);
	assert_int_equal(gic_init(fdt, node, 2, 4), HV_EUNSUPP);
	make_fdt(4, CPU_BASE + 0x800, 0x2000, 9);
	assert_int_equal(gic_init(fdt, node, 2, 4), HV_EUNSUPP);
	host_log_clear();
	make_fdt(4, CPU_BASE, 0x2000, 8);
	assert_int_equal(gic_init(fdt, node, 2, 4), HV_EUNSUPP);
	assert_non_null(strstr(host_log(), "PPI 9"));
}

/* The pages that are next to each other; QEMU's 64 KiB are as they are. */
static void pages_64_kib_apart(void **state)
{
	make_fdt(4, CPU_BASE - 0xf000, 0x20000, 9);
	start_cpus();
	assert_int_equal(ifc[3].pmr, 0xff);
	memset(ifc, 0, sizeof(ifc));
	make_fdt(4, CPU_BASE, 0x10000, 9);
	start_cpus();
	assert_int_equal(ifc[3].pmr, 0xff);
}

#define T(f) cmocka_unit_test_setup(f, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(everything_is_off_and_cleared),
		T(targets_are_what_each_cpu_read),
		T(an_sgi_ends_with_its_source),
		T(list_registers_in_both_formats),
		T(lists_are_the_smallest_of_all_cpus),
		T(single_lines),
		T(bad_trees_are_refused),
		T(pages_64_kib_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
