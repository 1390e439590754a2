/* SPDX-License-Identifier: Apache-2.0 */
/* List registers of the virtual GIC: SGIs, LPIs, more pending than there is room for, EOI modes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include <hv/bits.h>
#include <spec/gicv3.h>

#include "../host/gic_model.h"

#define DIST(r)     (WORLD_DIST + (r))
#define WORD(r, id) (DIST(r) + (id) / 32 * 4)
#define SGI_(v, r)  (WORLD_REDIST + (v) * 0x20000 + 0x10000 + (r))
#define B(id)       (1U << (id) % 32)
#define VTIMER      27

static void start(unsigned vcpus, unsigned lrs)
{
	world_init(vcpus, 64, true, lrs);
	assert_int_equal(vgic_assign_line(&world_vm, VTIMER, VTIMER), HV_OK);
	for (unsigned i = 0; i < vcpus; i++) {
		world_start(i);
		world_write(i, SGI_(i, GICD_ISENABLER), 0xffff | B(VTIMER));
	}
}

static uint64_t sgi(uint32_t intid, uint64_t targets) { return (uint64_t)intid << 24 | targets; }

static void an_sgi_reaches_every_target_once(void **state)
{
	static const struct {
		uint64_t value;
		uint32_t reached;
	} t[] = {
		{ 0x1, 1 },         { 0x2, 2 },         { 0xe, 0xe },       { 0xffff, 0xf },
		{ SGI1R_IRM, 0xd }, { BIT(16) | 1, 0 }, { BIT(32) | 1, 0 }, { BIT(44) | 1, 0 },
		{ BIT(48) | 1, 0 }, { 0x10, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		start(4, 4);
		world_sgi(1, t[i].value | sgi(5, 0));
		world_sgi(1, t[i].value | sgi(5, 0));
		world_run_all();
		for (unsigned v = 0; v < 4; v++) {
			uint32_t want = t[i].reached >> v & 1 ? 5 : MODEL_NONE;

			assert_int_equal(gic_model_guest_ack(v), want);
			if (want == 5)
				world_eoi(v, 5);
			assert_int_equal(gic_model_guest_ack(v), MODEL_NONE);
			assert_in_range(world_exits[v], 0, 2);
		}
	}
}

static void an_sgi_during_its_handler_comes_again(void **state)
{
	start(2, 4);
	world_sgi(0, sgi(3, 2));
	world_run_all();
	world_ack(1, 3);
	world_sgi(0, sgi(3, 2));
	world_sgi(0, sgi(3, 2));
	world_run_all();
	assert_int_equal(gic_model_guest_ack(1), MODEL_NONE);
	world_eoi(1, 3);
	world_ack(1, 3);
	world_eoi(1, 3);
	assert_int_equal(gic_model_guest_ack(1), MODEL_NONE);
}

static void one_kick_is_enough_for_many_sgis(void **state)
{
	start(2, 4);
	world_kicks_at_once = false;
	world_exits[1] = 0;
	for (uint32_t i = 0; i < 16; i++)
		world_sgi(0, sgi(i, 2));
	world_run_all();
	assert_int_equal(world_exits[1], 1);
	for (uint32_t i = 0; i < 16; i++) {
		world_ack(1, i);
		world_eoi(1, i);
	}
	assert_int_equal(gic_model_guest_ack(1), MODEL_NONE);
}

static void sgis_are_pending_bits_of_the_redistributor(void **state)
{
	start(2, 4);
	world_write(0, SGI_(1, GICD_ICENABLER), 1U << 7);
	world_sgi(0, sgi(7, 2));
	world_run_all();
	assert_int_equal(gic_model_guest_ack(1), MODEL_NONE);
	assert_int_equal(world_read(0, SGI_(1, GICD_ISPENDR)), 1U << 7);
	world_write(0, SGI_(1, GICD_ISENABLER), 1U << 7);
	world_run_all();
	world_ack(1, 7);
	assert_int_equal(world_read(0, SGI_(1, GICD_ISACTIVER)), 1U << 7);
	world_eoi(1, 7);
	world_write(0, SGI_(1, GICD_ISPENDR), 1U << 9);
	world_run_all();
	world_ack(1, 9);
}

/* 60 SPIs of mixed priority for 4, 2, 1 list registers. */
static void everything_comes_in_order_of_priority(void **state)
{
	static const unsigned lrs[] = { 16, 4, 2, 1 };

	for (size_t k = 0; k < ARRAY_SIZE(lrs); k++) {
		uint8_t prio, last = 0;
		uint64_t seen = 0;

		start(1, lrs[k]);
		for (uint32_t id = 32; id < 92; id++) {
			uint64_t v = (id * 7 % 31) * 8;

			world_access(0, DIST(GICD_IPRIORITYR + id), 1, true, &v);
		}
		for (uint32_t off = 4; off <= 8; off += 4)
			world_write(0, DIST(GICD_ISENABLER + off), ~0U);
		world_write(0, DIST(GICD_ISPENDR + 4), ~0U);
		world_write(0, DIST(GICD_ISPENDR + 8), 0x0fffffff);
		for (unsigned n = 0; n < 60; n++) {
			uint32_t id = gic_model_guest_ack(0);

			assert_in_range(id, 32, 91);
			assert_false(seen & BIT(id - 32));
			seen |= BIT(id - 32);
			prio = (uint8_t)(id * 7 % 31 * 8);
			assert_true(prio >= last);
			last = prio;
			world_run(0);
			world_eoi(0, id);
		}
		assert_int_equal(gic_model_guest_ack(0), MODEL_NONE);
		assert_int_equal(gic_model_hcr(0), ICH_HCR_EN);
	}
}

static void the_urgent_replaces_the_pending(void **state)
{
	uint64_t v = 0x80;

	start(1, 2);
	for (uint32_t id = 32; id < 40; id++)
		world_access(0, DIST(GICD_IPRIORITYR + id), 1, true, &v);
	world_write(0, DIST(GICD_ISENABLER + 4), ~0U);
	world_write(0, DIST(GICD_ISPENDR + 4), 0xff);
	gic_model_wire(0, VTIMER, true); /* priority 0 */
	world_run(0);
	world_ack(0, VTIMER);
	gic_model_wire(0, VTIMER, false);
	world_eoi(0, VTIMER);
	for (uint32_t id = 32; id < 40; id++) {
		world_ack(0, id);
		world_eoi(0, id);
	}
}

/* Nesting deeper than there are list registers: active ones leave, and end by EOIcount. */
static void evicted_active_lines_end_with_eoimode_0(void **state)
{
	start(1, 2);
	world_write(0, DIST(GICD_ISENABLER + 4), ~0U);
	for (uint32_t d = 0; d < 8; d++) {
		uint64_t v = 0xc0 - d * 16;

		world_access(0, DIST(GICD_IPRIORITYR + 32 + d), 1, true, &v);
	}
	for (uint32_t d = 0; d < 8; d++) {
		world_write(0, DIST(GICD_ISPENDR + 4), 1U << d);
		world_ack(0, 32 + d);
	}
	gic_model_wire(0, VTIMER, true);
	world_run(0);
	world_ack(0, VTIMER);
	gic_model_wire(0, VTIMER, false);
	assert_int_equal(world_read(0, DIST(GICD_ISACTIVER + 4)), 0xff);
	world_eoi(0, VTIMER);
	assert_false(gic_model_line(0, VTIMER)->active);
	for (uint32_t d = 8; d-- > 0;) {
		world_eoi(0, 32 + d);
		assert_int_equal(world_read(0, DIST(GICD_ISACTIVER + 4)), (1U << d) - 1);
	}
	assert_int_equal(gic_model_hcr(0), ICH_HCR_EN);
}

/* With EOImode 1 they end in any order, from any vCPU. */
static void end_in_any_order(bool qemu)
{
	uint32_t active = 0xff;

	start(2, 2);
	gic_model_counts_drops = qemu;
	for (unsigned i = 0; i < 2; i++)
		gic_model_eoimode(i, true);
	world_write(0, DIST(GICD_ISENABLER + 4), ~0U);
	for (uint32_t d = 0; d < 8; d++) {
		uint64_t v = 0xc0 - d * 16;

		world_access(0, DIST(GICD_IPRIORITYR + 32 + d), 1, true, &v);
		world_write(0, DIST(GICD_ISPENDR + 4), 1U << d);
		world_ack(0, 32 + d);
	}
	for (uint32_t d = 8; d--;)
		world_eoi(0, 32 + d);
	world_write(0, DIST(GICD_ISPENDR + 4), 0xff); /* and pending behind it */
	assert_int_equal(world_read(1, DIST(GICD_ISACTIVER + 4)), active);
	for (uint32_t d = 0; d < 8; d++) {
		uint32_t id = 32 + d * 3 % 8;

		world_write(0, DIST(GICD_ICPENDR + 4), B(id));
		world_dir(d % 2, id);
		world_run_all();
		active &= ~B(id);
		assert_int_equal(world_read(1, DIST(GICD_ISACTIVER + 4)), active);
	}
	world_dir(0, 40);
	world_dir(0, 1023);
	world_dir(0, 8192);
	world_dir(0, 0xffffff);
	assert_int_equal(gic_model_guest_ack(0), MODEL_NONE);
}

static void evicted_active_lines_end_with_eoimode_1(void **state)
{
	end_in_any_order(false);
	end_in_any_order(true);
}

/* LPIs */

#define LPIS 100
static struct vlpi lpi[LPIS];

static void lpis(unsigned vcpus, unsigned lrs)
{
	start(vcpus, lrs);
	for (unsigned v = 0; v < vcpus; v++)
		world_write(v, WORLD_REDIST + v * 0x20000 + GICR_CTLR, GICR_CTLR_LPIS);
	for (unsigned i = 0; i < LPIS; i++)
		lpi[i] = (struct vlpi){ .is = { 8192 + i, 0, 0xa0, true } };
}

/* As INV and MOVI do. */
static void change(unsigned i, uint8_t vcpu, bool enabled)
{
	struct vlpi_is is = lpi[i].is;

	is.vcpu = vcpu;
	is.enabled = enabled;
	vgic_lpi_set(&world_vm, NULL, &lpi[i], is);
}

static void pend(unsigned i)
{
	gic_model_on_cpu(0);
	vgic_lpi_pend(&world_vm, world_vm.vcpu[0], &lpi[i]);
	world_return(0);
	world_run_all();
}

static void any_number_of_lpis_is_delivered_in_order(void **state)
{
	for (int qemu = 0; qemu < 2; qemu++) {
		lpis(2, 4);
		gic_model_lpi_active = qemu;
		for (unsigned i = 0; i < LPIS; i++)
			lpi[i].is.vcpu = 1;
		lpi[50].is.prio = 0x10;
		for (unsigned i = 0; i < LPIS; i++)
			pend(i);
		pend(LPIS - 1); /* pending already */
		world_ack(1, 8192 + 50);
		world_eoi(1, 8192 + 50);
		for (unsigned n = 0, sum = 0; n < LPIS - 1; n++) {
			uint32_t id = gic_model_guest_ack(1);

			assert_in_range(id, 8192, 8192 + LPIS - 1);
			sum += id;
			world_run(1);
			world_eoi(1, id);
			if (n == LPIS - 2)
				assert_int_equal(sum,
						 LPIS * 8192 + LPIS * (LPIS - 1) / 2 - 8192 - 50);
		}
		assert_int_equal(gic_model_guest_ack(1), MODEL_NONE);
		pend(7);
		world_ack(1, 8199);
		pend(7); /* again before its end */
		world_eoi(1, 8199);
		world_ack(1, 8199);
		world_eoi(1, 8199);
		assert_int_equal(gic_model_guest_ack(1), MODEL_NONE);
	}
}

static void cleared_lpis_do_not_come(void **state)
{
	lpis(2, 2);
	for (unsigned i = 0; i < 6; i++) {
		lpi[i].is.vcpu = 1;
		pend(i);
	}
	for (unsigned i = 0; i < 6; i += 2) /* in list registers and in the queue */
		vgic_lpi_clear(&world_vm, NULL, &lpi[i]);
	world_run_all();
	for (unsigned i = 0, seen = 0; i < 3; i++) {
		uint32_t id = gic_model_guest_ack(1);

		seen |= 1U << (id - 8192);
		world_run(1);
		world_eoi(1, id);
		assert_int_equal(seen & ~0x2aU, 0);
	}
	assert_int_equal(gic_model_guest_ack(1), MODEL_NONE);
}

static void lpis_move_and_are_masked_while_pending(void **state)
{
	lpis(2, 2);
	for (unsigned i = 0; i < 6; i++)
		pend(i);
	for (unsigned i = 0; i < 4; i++) {
		change(i, 1, true);
		world_run_all();
	}
	world_return(1);
	change(3, 1, false);
	change(5, 0, false);
	world_run_all();
	world_ack(0, 8196);
	world_eoi(0, 8196);
	assert_int_equal(gic_model_guest_ack(0), MODEL_NONE);
	for (unsigned i = 0; i < 3; i++) {
		uint32_t id = gic_model_guest_ack(1);

		assert_in_range(id, 8192, 8194);
		world_run(1);
		world_eoi(1, id);
	}
	assert_int_equal(gic_model_guest_ack(1), MODEL_NONE);
	change(3, 1, true);
	change(5, 1, true);
	world_run_all();
	assert_int_equal(gic_model_guest_ack(1) + gic_model_guest_ack(0), 8195 + MODEL_NONE);
}

static void two_events_with_one_lpi_share_a_list_register(void **state)
{
	lpis(1, 4);
	lpi[1].is.vintid = lpi[0].is.vintid;
	pend(0);
	pend(1);
	assert_int_equal(gic_model_in_lrs(0, 8192), 1);
	world_ack(0, 8192);
	world_eoi(0, 8192);
	assert_int_equal(gic_model_guest_ack(0), MODEL_NONE);
}

static void lpis_before_they_are_enabled_are_lost(void **state)
{
	start(1, 4);
	lpi[0] = (struct vlpi){ .is = { 8192, 0, 0, true } };
	pend(0);
	assert_false(lpi[0].pending);
	assert_int_equal(gic_model_guest_ack(0), MODEL_NONE);
	assert_false(vgic_lpi_pend(&world_vm, NULL, &lpi[0]));
}

/* Its redistributor stays as it is: LPIs are on, and pending ones wait, until the guest ends. */
static void lpis_wait_for_a_vcpu_that_is_off(void **state)
{
	uint32_t seen = 0;

	lpis(2, 2);
	for (unsigned i = 0; i < 5; i++)
		lpi[i].is.vcpu = 1;
	for (unsigned i = 0; i < 4; i++)
		pend(i); /* in list registers and in the queue */
	gic_model_on_cpu(1);
	vgic_vcpu_off(world_vm.vcpu[1]);
	pend(4);
	assert_int_equal(gic_model_guest_ack(1), MODEL_NONE);
	world_start(1);
	for (unsigned i = 0; i < 5; i++) {
		uint32_t id = gic_model_guest_ack(1);

		assert_in_range(id, 8192, 8196);
		seen |= 1U << (id - 8192);
		world_run(1);
		world_eoi(1, id);
	}
	assert_int_equal(seen, 0x1f);
	pend(2);
	gic_model_on_cpu(1);
	vgic_vcpu_off(world_vm.vcpu[1]);
	vgic_quiesce_lines(&world_vm);
	assert_false(lpi[2].pending);
	world_start(1);
	pend(3);
	assert_int_equal(gic_model_guest_ack(1), MODEL_NONE);
}

/* It was on its way when the vCPU went off: nothing is put into its list registers any more. */
static void a_late_maintenance_interrupt_finds_nothing_to_do(void **state)
{
	lpis(2, 2);
	for (unsigned i = 0; i < 4; i++) {
		lpi[i].is.vcpu = 1;
		pend(i);
	}
	gic_model_on_cpu(1);
	vgic_vcpu_off(world_vm.vcpu[1]);
	gic_model_line(1, PPI_MAINTENANCE)->edge = true;
	gic_model_line(1, PPI_MAINTENANCE)->pending = true;
	world_run(1);
	assert_false(gic_model_line(1, PPI_MAINTENANCE)->pending);
	assert_int_equal(gic_model_hcr(1), 0);
	for (unsigned n = 0; n < 2; n++)
		assert_int_equal(gic_model_lr(1, n), 0);
	assert_null(vgic_check(&world_vm));
}

#define T(f) cmocka_unit_test(f)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(an_sgi_reaches_every_target_once),
		T(an_sgi_during_its_handler_comes_again),
		T(one_kick_is_enough_for_many_sgis),
		T(sgis_are_pending_bits_of_the_redistributor),
		T(everything_comes_in_order_of_priority),
		T(the_urgent_replaces_the_pending),
		T(evicted_active_lines_end_with_eoimode_0),
		T(evicted_active_lines_end_with_eoimode_1),
		T(any_number_of_lpis_is_delivered_in_order),
		T(cleared_lpis_do_not_come),
		T(lpis_move_and_are_masked_while_pending),
		T(two_events_with_one_lpi_share_a_list_register),
		T(lpis_before_they_are_enabled_are_lost),
		T(lpis_wait_for_a_vcpu_that_is_off),
		T(a_late_maintenance_interrupt_finds_nothing_to_do),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
