/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The virtual GICv2: its distributor's registers, SGIs by sender, and what list registers make of
 * them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <hv/bits.h>
#include <spec/gicv2.h>
#include <spec/gicv3.h>

#include "../../common/vgic/vgic_priv.h"
#include "../host/gic_model.h"

#define DIST(r)      (WORLD_DIST + (r))
#define HW_SPI       40
#define HW_PHYS      72
#define FROM(c, sgi) ((uint32_t)(c) << 10 | (sgi))

static void start(unsigned vcpus, unsigned lrs)
{
	gic_model_version = 2;
	world_init(vcpus, 64, false, lrs);
	assert_int_equal(vgic_assign_line(&world_vm, 27, 27), HV_OK);
	assert_int_equal(vgic_assign_line(&world_vm, HW_SPI, HW_PHYS), HV_OK);
	for (unsigned i = 0; i < vcpus; i++)
		world_start(i);
}

static uint32_t get(unsigned vcpu, uint64_t reg, unsigned size)
{
	uint64_t v;

	assert_int_equal(world_access(vcpu, DIST(reg), size, false, &v), EMUL_OK);
	assert_int_equal(v >> 32, 0);
	return (uint32_t)v;
}

static void put(unsigned vcpu, uint64_t reg, unsigned size, uint64_t v)
{
	assert_int_equal(world_access(vcpu, DIST(reg), size, true, &v), EMUL_OK);
}

static void sgi(unsigned from, unsigned to, uint32_t id)
{
	world_write(from, DIST(GICD_SGIR), 1U << (16 + to) | id);
	world_run_all();
}

static void enable(unsigned vcpu, uint32_t intid)
{
	world_write(vcpu, DIST(GICD_ISENABLER + intid / 32 * 4), 1U << intid % 32);
}

static void expect(unsigned vcpu, uint32_t iar)
{
	world_ack(vcpu, iar);
	world_eoi(vcpu, iar);
}

static void what_is_written_is_read(void **state)
{
	static const struct {
		uint32_t reg, written, read0, read1; /* vCPU 0 writes */
	} t[] = {
		{ GICD_CTLR, ~0U, 1, 1 },
		{ GICD_TYPER, ~0U, 2 | 2 << 5, 2 | 2 << 5 },
		{ GICD_IIDR, ~0U, 0x56000000, 0x56000000 },
		{ GICD_ICPIDR2, 0, 0x2b, 0x2b },
		{ GICD_IGROUPR, ~0U, 0, 0 },
		{ GICD_IGROUPR + 4, ~0U, 0, 0 },
		{ GICD_ISENABLER, 0x0800000f, 0x0800000f, 0 }, /* banked */
		{ GICD_ISENABLER + 4, 0xff, 0xff, 0xff },
		{ GICD_ISENABLER + 12, 0xff, 0, 0 }, /* no such SPIs */
		{ GICD_IPRIORITYR, 0xa7ff1234, 0xa0f81030, 0 },
		{ GICD_IPRIORITYR + 40, 0xa7ff1234, 0xa0f81030, 0xa0f81030 },
		{ GICD_ITARGETSR, ~0U, 0x01010101, 0x02020202 }, /* who asks */
		{ GICD_ITARGETSR + 28, 0, 0x01010101, 0x02020202 },
		{ GICD_ITARGETSR + 44, 0xff030201, 0x07030201, 0x07030201 }, /* three vCPUs */
		{ GICD_ITARGETSR + 96, ~0U, 0, 0 },
		{ GICD_ICFGR, 0, 0xaaaaaaaa, 0xaaaaaaaa },
		{ GICD_ICFGR + 8, ~0U, 0xaaaaaaaa, 0xaaaaaaaa },
		{ GICD_ISPENDR, 0xffff, 0, 0 }, /* SGIs: read-only here */
		{ GICD_SGIR, 0x03000001, 0, 0 },
		{ GICD_SPENDSGIR + 4, 0x000005ff, 0x00000507, 0 },
		{ GICD_CPENDSGIR + 4, 0x00000402, 0x00000105, 0 },
		{ 0x0f30, ~0U, 0, 0 },
		{ 0x0ffc, ~0U, 0, 0 },
	};

	start(3, 4);
	assert_int_equal(get(0, GICD_ITARGETSR + 44, 4), 0x01010101); /* reset: vCPU 0 */
	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		put(0, t[i].reg, 4, t[i].written);
		assert_int_equal(get(0, t[i].reg, 4), t[i].read0);
		assert_int_equal(get(1, t[i].reg, 4), t[i].read1);
	}
	put(0, GICD_ITARGETSR + 46, 1, 4);
	assert_int_equal(get(0, GICD_ITARGETSR + 46, 1), 4);
	assert_int_equal(get(0, GICD_ITARGETSR + 44, 4), 0x07040201);
	put(0, GICD_IPRIORITYR + 41, 1, 0xff);
	assert_int_equal(get(1, GICD_IPRIORITYR + 40, 4), 0xa0f8f830);
	put(0, GICD_SPENDSGIR + 9, 1, 2);
	assert_int_equal(get(0, GICD_CPENDSGIR + 8, 4), 0x0200);
	assert_int_equal(get(0, GICD_ISPENDR, 4), 1U << 4 | 1U << 5 | 1U << 9);
}

static void other_sizes_do_nothing(void **state)
{
	start(2, 4);
	for (uint32_t off = 0; off < 0x1000; off += 8)
		for (unsigned size = 1; size <= 8; size *= 2) {
			get(0, off, size);
			if (off != GICD_SGIR || size != 4)
				put(0, off, size, 0x0123456789abcdef);
		}
	assert_int_equal(get(0, GICD_CTLR, 8), 0);
	assert_int_equal(get(0, GICD_TYPER, 2), 0);
}

static void sgi_filters(void **state)
{
	static const struct {
		uint32_t value;
		uint32_t to;
	} t[] = {
		{ 0x00ff0003, 7 }, { 0x00050003, 5 }, { 0x00f80003, 0 }, { 0x01ff0003, 5 },
		{ 0x01000003, 5 }, { 0x02ff0003, 2 }, { 0x03ff0003, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		start(3, 4);
		for (unsigned v = 0; v < 3; v++)
			enable(v, 3);
		world_write(1, DIST(GICD_SGIR), t[i].value);
		world_run_all();
		for (unsigned v = 0; v < 3; v++)
			assert_int_equal(gic_model_guest_ack(v),
					 t[i].to >> v & 1 ? FROM(1, 3) : MODEL_NONE);
	}
}

static void each_sender_counts_once(void **state)
{
	start(4, 4);
	enable(3, 5);
	sgi(0, 3, 5);
	sgi(2, 3, 5);
	sgi(0, 3, 5);
	sgi(1, 3, 5);
	assert_int_equal(get(3, GICD_ISPENDR, 4), 1U << 5);
	assert_int_equal(get(3, GICD_SPENDSGIR + 5, 1), 7);
	expect(3, FROM(0, 5));
	expect(3, FROM(1, 5));
	expect(3, FROM(2, 5));
	assert_int_equal(gic_model_guest_ack(3), MODEL_NONE);
	assert_int_equal(get(3, GICD_ISPENDR, 4), 0);
	sgi(1, 3, 5);
	sgi(1, 3, 5); /* while it is in a list register */
	expect(3, FROM(1, 5));
	assert_int_equal(gic_model_guest_ack(3), MODEL_NONE);
}

static void again_while_active_comes_behind_the_end(void **state)
{
	start(2, 4);
	enable(1, 5);
	sgi(0, 1, 5);
	world_ack(1, FROM(0, 5));
	sgi(0, 1, 5);
	sgi(1, 1, 5);
	assert_int_equal(gic_model_in_lrs(1, 5), 1);
	assert_int_equal(gic_model_guest_ack(1), MODEL_NONE);
	assert_int_equal(get(1, GICD_ISPENDR, 4), 1U << 5);
	assert_int_equal(get(1, GICD_ISACTIVER, 4), 1U << 5);
	world_eoi(1, FROM(0, 5));
	expect(1, FROM(0, 5));
	expect(1, FROM(1, 5));
	assert_int_equal(gic_model_guest_ack(1), MODEL_NONE);
}

static void a_disabled_sgi_waits_with_its_senders(void **state)
{
	start(3, 4);
	sgi(1, 0, 9);
	sgi(2, 0, 9);
	assert_int_equal(gic_model_guest_ack(0), MODEL_NONE);
	enable(0, 9);
	world_ack(0, FROM(1, 9));
	world_write(0, DIST(GICD_ICENABLER), 1U << 9);
	world_eoi(0, FROM(1, 9));
	assert_int_equal(gic_model_guest_ack(0), MODEL_NONE);
	enable(0, 9);
	expect(0, FROM(2, 9));
}

static void senders_are_set_and_cleared_by_hand(void **state)
{
	start(3, 4);
	enable(0, 7);
	world_write(0, DIST(GICD_SPENDSGIR + 4), 6U << 24);
	assert_int_equal(gic_model_in_lrs(0, 7), 1);
	put(0, GICD_CPENDSGIR + 7, 1, 2); /* the one in the list register */
	expect(0, FROM(2, 7));
	sgi(1, 0, 7);
	put(0, GICD_CPENDSGIR + 7, 1, 7);
	assert_int_equal(gic_model_in_lrs(0, 7), 0);
	assert_int_equal(gic_model_guest_ack(0), MODEL_NONE);
	sgi(1, 0, 7);
	world_write(0, DIST(GICD_ICPENDR), ~0U); /* not of SGIs */
	expect(0, FROM(1, 7));
}

/* SGIs 0..n-1 of falling priority value, all taken: each preempts the one before. */
static void nest(unsigned n)
{
	for (uint32_t i = 0; i < n; i++) {
		put(0, GICD_IPRIORITYR + i, 1, 0xf0 - 8 * i);
		enable(0, i);
		sgi(i % 3, 0, i);
		world_ack(0, FROM(i % 3, i));
	}
}

static void more_active_than_list_registers(void **state)
{
	start(3, 4);
	nest(12);
	assert_int_equal(get(0, GICD_ISACTIVER, 4), 0xfff);
	sgi(1, 0, 2); /* again, while its first one is evicted */
	for (uint32_t i = 12; i--;) {
		world_eoi(0, FROM(i % 3, i));
		if (i == 2)
			expect(0, FROM(1, 2));
		assert_int_equal(get(0, GICD_ISACTIVER, 4), (1U << i) - 1);
	}
	assert_int_equal(gic_model_guest_ack(0), MODEL_NONE);
}

static void raise(void)
{
	gic_model_wire(0, HW_PHYS, true);
	world_run_all();
	gic_model_wire(0, HW_PHYS, false);
}

static void a_line_goes_where_the_mask_says(void **state)
{
	start(3, 4);
	enable(0, HW_SPI);
	raise();
	expect(0, HW_SPI);
	put(1, GICD_ITARGETSR + HW_SPI, 1, 4);
	assert_int_equal(gic_model_line(0, HW_PHYS)->cpu, 2);
	raise();
	expect(2, HW_SPI);
	put(1, GICD_ITARGETSR + HW_SPI, 1, 6); /* of several the lowest */
	raise();
	expect(1, HW_SPI);
	put(1, GICD_ITARGETSR + HW_SPI, 1, 0);
	assert_false(gic_model_line(0, HW_PHYS)->enabled);
	put(1, GICD_ITARGETSR + HW_SPI, 1, 1);
	raise();
	/* Pending in vCPU 0's list register, and now vCPU 1's. */
	put(2, GICD_ITARGETSR + HW_SPI, 1, 2);
	world_run_all();
	raise();
	assert_int_equal(gic_model_guest_ack(0), MODEL_NONE);
}

static void a_pending_line_moves(void **state)
{
	start(2, 4);
	enable(0, HW_SPI);
	gic_model_wire(0, HW_PHYS, true);
	world_run_all();
	assert_int_equal(gic_model_in_lrs(0, HW_SPI), 1);
	put(1, GICD_ITARGETSR + HW_SPI, 1, 2);
	world_run_all();
	assert_int_equal(gic_model_guest_ack(0), MODEL_NONE);
	world_ack(1, HW_SPI);
	gic_model_wire(0, HW_PHYS, false);
	world_eoi(1, HW_SPI);
	assert_false(gic_model_line(0, HW_PHYS)->active);
}

/*
 * Acknowledged by EL2 and not delivered: what is routed to nobody goes back to the physical line.
 */
static void a_waiting_line_goes_back(void **state)
{
	start(2, 4);
	enable(0, HW_SPI);
	world_write(0, DIST(GICD_CTLR), 0);
	gic_model_wire(0, HW_PHYS, true);
	world_run_all();
	assert_true(gic_model_line(0, HW_PHYS)->active);
	put(0, GICD_ITARGETSR + HW_SPI, 1, 0);
	assert_false(gic_model_line(0, HW_PHYS)->active);
	gic_model_wire(0, HW_PHYS, false);
	world_write(0, DIST(GICD_CTLR), 1);
	put(0, GICD_ITARGETSR + HW_SPI, 1, 2);
	world_run_all();
	assert_int_equal(gic_model_guest_ack(1), MODEL_NONE);
}

static void eoimode1(unsigned vcpus)
{
	for (unsigned i = 0; i < vcpus; i++)
		gic_model_eoimode(i, true);
}

static void deactivation_on_another_vcpu(void **state)
{
	start(2, 4);
	eoimode1(2);
	enable(0, HW_SPI);
	for (unsigned i = 0; i < 3; i++) {
		raise();
		expect(0, HW_SPI); /* drops its priority */
		assert_true(gic_model_line(0, HW_PHYS)->active);
		world_dir(1, HW_SPI);
		world_run_all();
		assert_false(gic_model_line(0, HW_PHYS)->active);
		assert_int_equal(get(0, GICD_ISACTIVER + 4, 4), 0);
	}
}

static void deactivation_is_exact_and_in_any_order(void **state)
{
	start(3, 4);
	eoimode1(3);
	nest(8);
	for (uint32_t i = 8; i--;)
		world_eoi(0, FROM(i % 3, i));
	assert_int_equal(get(0, GICD_ISACTIVER, 4), 0xff);
	for (uint32_t i = 0; i < 8; i += 2)
		world_dir(0, FROM(i % 3, i));
	assert_int_equal(get(0, GICD_ISACTIVER, 4), 0xaa);
	for (uint32_t i = 1; i < 8; i += 2)
		world_dir(0, FROM(i % 3, i));
	assert_int_equal(get(0, GICD_ISACTIVER, 4), 0);
	world_dir(0, 1022);
	world_dir(0, 0x3ff);
	/* No effect with EOImode 0. */
	gic_model_eoimode(0, false);
	sgi(1, 0, 3);
	world_ack(0, FROM(1, 3));
	world_dir(0, FROM(1, 3));
	assert_int_equal(get(0, GICD_ISACTIVER, 4), 1U << 3);
	world_eoi(0, FROM(1, 3));
	assert_int_equal(get(0, GICD_ISACTIVER, 4), 0);
}

static void off_and_on_again(void **state)
{
	start(2, 4);
	enable(1, 4);
	enable(1, 27);
	sgi(0, 1, 4);
	gic_model_on_cpu(1);
	vgic_vcpu_off(world_vm.vcpu[1]);
	assert_false(gic_model_line(1, 27)->enabled);
	sgi(0, 1, 4); /* nobody there */
	gic_model_on_cpu(0);
	vgic_vcpu_off(world_vm.vcpu[0]);
	vgic_quiesce_lines(&world_vm);
	assert_false(gic_model_line(0, HW_PHYS)->enabled);
	world_start(0);
	world_start(1);
	enable(1, 4);
	assert_int_equal(gic_model_guest_ack(1), MODEL_NONE);
	assert_int_equal(get(1, GICD_SPENDSGIR + 4, 4), 0);
	assert_int_equal(get(0, GICD_ITARGETSR + HW_SPI, 1), 1);
	sgi(0, 1, 4);
	expect(1, FROM(0, 4));
}

#define T(f) cmocka_unit_test(f)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(what_is_written_is_read),
		T(other_sizes_do_nothing),
		T(sgi_filters),
		T(each_sender_counts_once),
		T(again_while_active_comes_behind_the_end),
		T(a_disabled_sgi_waits_with_its_senders),
		T(senders_are_set_and_cleared_by_hand),
		T(more_active_than_list_registers),
		T(a_line_goes_where_the_mask_says),
		T(a_pending_line_moves),
		T(a_waiting_line_goes_back),
		T(deactivation_on_another_vcpu),
		T(deactivation_is_exact_and_in_any_order),
		T(off_and_on_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
