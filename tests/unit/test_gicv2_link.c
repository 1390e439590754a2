/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A GICv2 that looks at a line again after a virtual EOI, and one that does not, as QEMU's: the try
 * at boot tells them apart, and list registers of the second are linked by software.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include <host.h>
#include <hv/bits.h>

#include "../../drivers/irqchip/gicv2_priv.h"

#define DIST  0x10000
#define CPU   0x20000
#define HYP   0x30000
#define VIRT  0x40000
#define SPIS  64
#define LINE  (32 + SPIS - 1)
#define LRS   4
#define NONE  1023
#define STATE (HLR_PENDING | HLR_ACTIVE)
#define EOI   BIT(19)

/* One line is enough: the last SPI. */
static struct {
	bool forgets, absent;
	bool enabled, pending, active, edge;
	uint32_t seen; /* what the CPU interface has last found pending */
	uint32_t lr[LRS], vmcr, hcr, mask, dir, dirs;
} m;

static struct gic_cpu boot_cpu;

static void look(void) { m.seen = m.enabled && m.pending && !m.active ? LINE : NONE; }

static uint64_t dist_read(void *arg, uint64_t off, unsigned size)
{
	return off == GICD_ITARGETSR ? m.mask * 0x01010101U : 0;
}

static bool *state_of(uint64_t off, bool *value)
{
	*value = off < GICD_ICENABLER || (off >= GICD_ISPENDR && off < GICD_ICPENDR) ||
		 (off >= GICD_ISACTIVER && off < GICD_ICACTIVER);
	if (off < GICD_ISPENDR)
		return &m.enabled;
	return off < GICD_ISACTIVER ? &m.pending : &m.active;
}

static void dist_write(void *arg, uint64_t off, unsigned size, uint64_t v)
{
	bool value, *state = state_of(off, &value);

	if (off >= GICD_ISENABLER && off < GICD_IPRIORITYR && off % 0x80 == LINE / 32 * 4 &&
	    v >> LINE % 32 & 1 && !m.absent)
		*state = value;
	if (off == GICD_ICFGR + LINE / 16 * 4)
		m.edge = v >> (LINE % 16 * 2 + 1) & 1;
	look();
}

static uint64_t cpu_read(void *arg, uint64_t off, unsigned size)
{
	uint32_t line = m.seen;

	if (off == GICC_IAR && line != NONE) {
		m.pending = false;
		m.active = true;
		look();
	}
	return line;
}

static void cpu_write(void *arg, uint64_t off, unsigned size, uint64_t v)
{
	if (off == GICC_DIR) {
		m.dir = (uint32_t)v;
		m.dirs++;
		m.active = m.active && v != LINE;
	}
	look();
}

static uint64_t hyp_read(void *arg, uint64_t off, unsigned size)
{
	return m.lr[(off - GICH_LR) / 4 % LRS];
}

static void hyp_write(void *arg, uint64_t off, unsigned size, uint64_t v)
{
	if (off == GICH_HCR)
		m.hcr = (uint32_t)v;
	else if (off == GICH_VMCR)
		m.vmcr = (uint32_t)v;
	else if (off >= GICH_LR)
		m.lr[(off - GICH_LR) / 4 % LRS] = (uint32_t)v;
}

static uint64_t virt_read(void *arg, uint64_t off, unsigned size)
{
	if (off != GICV_IAR || !(m.hcr & 1) || !(m.vmcr & 1) || !(m.lr[0] & HLR_PENDING))
		return NONE;
	m.lr[0] ^= (uint32_t)STATE;
	return field_get(HLR_VINTID, m.lr[0]);
}

static void virt_write(void *arg, uint64_t off, unsigned size, uint64_t v)
{
	if (off != GICV_EOIR || v != field_get(HLR_VINTID, m.lr[0]) || !(m.lr[0] & HLR_ACTIVE))
		return;
	m.lr[0] &= (uint32_t)~HLR_ACTIVE;
	if (m.lr[0] & HLR_HW && field_get(HLR_PINTID, m.lr[0]) == LINE)
		m.active = false;
	if (!m.forgets)
		look();
}

enum hv_status gicv3_init(const void *tree, int n)
{
	return HV_EUNSUPP; /* the other driver is not linked */
}

static int setup(void **state)
{
	memset(&m, 0, sizeof(m));
	m.seen = NONE;
	m.mask = 1;
	host_mmio_clear();
	host_mmio_add(DIST, 0x1000, dist_read, dist_write, NULL);
	host_mmio_add(CPU, 0x2000, cpu_read, cpu_write, NULL);
	host_mmio_add(HYP, 0x1000, hyp_read, hyp_write, NULL);
	host_mmio_add(VIRT, 0x1000, virt_read, virt_write, NULL);
	gic = (struct gic){ .version = 2, .spi_count = SPIS, .lr_count = LRS };
	gic_hw.dist = mmio_at(PA(DIST));
	gic_hw.cpu = &boot_cpu;
	boot_cpu = (struct gic_cpu){ .rd = gic_hw.dist, .sgi = gic_hw.dist, .route = 1 };
	gicv2.cpu = mmio_at(PA(CPU));
	gicv2.hyp = mmio_at(PA(HYP));
	gicv2.virt = mmio_at(PA(VIRT));
	return 0;
}

static void assert_clean(void)
{
	assert_false(m.enabled || m.pending || m.active || m.edge);
	assert_int_equal(m.lr[0] | m.hcr | m.vmcr, 0);
}

static void a_gic_that_looks_again_is_told_from_one_that_does_not(void **state)
{
	assert_true(gicv2_looks_again());
	assert_clean();
	m.forgets = true;
	assert_false(gicv2_looks_again());
	assert_clean();
	m.absent = true; /* the line cannot be made pending, so nothing is known */
	assert_true(gicv2_looks_again());
	assert_clean();
	gic.spi_count = 0;
	assert_true(gicv2_looks_again());
}

static uint32_t linked_lr(uint32_t pintid)
{
	return (uint32_t)(field_put(40, HLR_PINTID, pintid) | HLR_HW | HLR_PENDING);
}

static void write_lr(unsigned n, uint32_t lr) { m.lr[n] = gicv2_link_write(n, lr); }

static void the_end_comes_to_el2_which_deactivates(void **state)
{
	write_lr(1, linked_lr(77));
	assert_int_equal(m.lr[1], 40 | EOI | HLR_PENDING);
	assert_int_equal(gicv2_link_read(1, m.lr[1]), linked_lr(77));
	m.lr[1] ^= (uint32_t)STATE;
	assert_int_equal(gicv2_link_read(1, m.lr[1]), linked_lr(77) ^ STATE);
	m.lr[1] &= (uint32_t)~STATE;
	m.lr[2] = 41 | EOI; /* of an emulated device: the vGIC's own */
	assert_int_equal(gicv2_link_ended(1 << 1 | 1 << 2), 1 << 2);
	assert_int_equal(m.dirs, 1);
	assert_int_equal(m.dir, 77);
	assert_int_equal(m.lr[1], 0);
	assert_int_equal(gicv2_link_ended(1 << 2), 1 << 2);
	assert_int_equal(m.dirs, 1);
}

static void a_list_register_that_is_written_over_leaves_nothing_active(void **state)
{
	write_lr(0, linked_lr(77));
	write_lr(0, 0); /* still pending: the vGIC knows, and keeps it active */
	assert_int_equal(m.dirs, 0);
	write_lr(0, linked_lr(78));
	m.lr[0] &= (uint32_t)~STATE; /* ended, and nobody has looked yet */
	write_lr(0, linked_lr(79));
	assert_int_equal(m.dirs, 1);
	assert_int_equal(m.dir, 78);
	assert_int_equal(gicv2_link_read(0, m.lr[0]), linked_lr(79));
	write_lr(0, 33 | (uint32_t)HLR_PENDING); /* not linked: as it is */
	assert_int_equal(m.lr[0], 33 | HLR_PENDING);
	assert_int_equal(gicv2_link_read(0, m.lr[0]), 33 | HLR_PENDING);
}

static void each_cpu_has_its_own_links(void **state)
{
	write_lr(3, linked_lr(77));
	m.mask = 1 << 6;
	assert_int_equal(gicv2_link_read(3, 40), 40);
	write_lr(3, linked_lr(88));
	m.mask = 0; /* the only CPU of its machine */
	assert_int_equal(gicv2_link_read(3, 40), field_put(40, HLR_PINTID, 77) | HLR_HW);
	m.mask = 1 << 6;
	assert_int_equal(gicv2_link_read(3, 40), field_put(40, HLR_PINTID, 88) | HLR_HW);
}

#define T(f) cmocka_unit_test_setup(f, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_gic_that_looks_again_is_told_from_one_that_does_not),
		T(the_end_comes_to_el2_which_deactivates),
		T(a_list_register_that_is_written_over_leaves_nothing_active),
		T(each_cpu_has_its_own_links),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
