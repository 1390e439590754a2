/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of the virtual GIC: HW-linked, of emulated devices, and what a guest does to them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include <hv/bits.h>
#include <hv/irq.h>
#include <spec/gicv3.h>

#include "../host/gic_model.h"

#define VTIMER 27
#define VSPI   40 /* a HW-linked SPI ... */
#define PSPI   72 /* ... and what it is linked to */
#define VUART  33

#define DIST(r)      (WORLD_DIST + (r))
#define WORD(r, id)  (DIST(r) + (id) / 32 * 4)
#define REDIST(v, r) (WORLD_REDIST + (v) * 0x20000 + (r))
#define SGI_(v, r)   REDIST(v, 0x10000 + (r))
#define B(id)        (1U << (id) % 32)

static void hw_line(bool edge)
{
	assert_int_equal(vgic_assign_line(&world_vm, VSPI, PSPI), HV_OK);
	if (edge)
		world_write(0, DIST(GICD_ICFGR + VSPI / 16 * 4), 2U << VSPI % 16 * 2);
	world_write(0, WORD(GICD_ISENABLER, VSPI), B(VSPI));
}

static void start(unsigned vcpus)
{
	world_init(vcpus, 64, false, 4);
	assert_int_equal(vgic_assign_line(&world_vm, VTIMER, VTIMER), HV_OK);
	for (unsigned i = 0; i < vcpus; i++)
		world_start(i);
}

static void route(uint32_t vintid, uint64_t aff)
{
	assert_int_equal(world_access(0, DIST(GICD_IROUTER + vintid * 8), 8, true, &aff), EMUL_OK);
}

static void a_timer_interrupt_costs_one_exit_and_its_end_none(void **state)
{
	start(2);
	world_write(1, SGI_(1, GICD_ISENABLER), B(VTIMER));
	assert_true(gic_model_line(1, VTIMER)->enabled);
	assert_false(gic_model_line(0, VTIMER)->enabled);
	for (unsigned i = 0; i < 100; i++) {
		gic_model_wire(1, VTIMER, true);
		world_run(1);
		world_ack(1, VTIMER);
		gic_model_wire(1, VTIMER, false);
		world_eoi(1, VTIMER);
		assert_false(gic_model_line(1, VTIMER)->active);
	}
	assert_int_equal(world_exits[1], 100);
	assert_int_equal(gic_model_hcr(1), ICH_HCR_EN | ICH_HCR_TDIR);
}

static void a_level_that_stays_comes_again_after_each_end(void **state)
{
	start(1);
	hw_line(false);
	gic_model_wire(0, PSPI, true);
	for (unsigned i = 0; i < 1000; i++) {
		world_run(0);
		assert_int_equal(world_exits[0], i + 1);
		world_ack(0, VSPI);
		world_eoi(0, VSPI);
	}
	gic_model_wire(0, PSPI, false);
}

static void an_edge_during_the_handler_is_not_lost(void **state)
{
	start(1);
	hw_line(true);
	assert_true(gic_model_line(0, PSPI)->edge);
	gic_model_wire(0, PSPI, true);
	world_run(0);
	world_ack(0, VSPI);
	gic_model_wire(0, PSPI, false);
	gic_model_wire(0, PSPI, true);
	world_run(0);
	assert_int_equal(gic_model_guest_ack(0), MODEL_NONE);
	assert_int_equal(world_read(0, WORD(GICD_ISPENDR, VSPI)), B(VSPI));
	world_eoi(0, VSPI);
	world_ack(0, VSPI);
	world_eoi(0, VSPI);
	assert_int_equal(gic_model_guest_ack(0), MODEL_NONE);
}

static void disabling_gives_the_line_back(void **state)
{
	for (int edge = 0; edge < 2; edge++) {
		start(2);
		hw_line(edge);
		gic_model_wire(0, PSPI, true);
		world_run(0);
		/* pending in a list register of vCPU 0; vCPU 1 disables it */
		world_write(1, WORD(GICD_ICENABLER, VSPI), B(VSPI));
		assert_int_equal(gic_model_in_lrs(0, VSPI), 0);
		assert_false(gic_model_line(0, PSPI)->active);
		assert_false(gic_model_line(0, PSPI)->enabled);
		assert_int_equal(world_read(1, WORD(GICD_ISPENDR, VSPI)), B(VSPI));
		world_write(1, WORD(GICD_ISENABLER, VSPI), B(VSPI));
		world_run_all();
		world_ack(0, VSPI);
		gic_model_wire(0, PSPI, false);
		world_eoi(0, VSPI);
		world_run_all();
		assert_int_equal(gic_model_guest_ack(0), MODEL_NONE);
	}
}

static void physical_routing_follows(void **state)
{
	start(3);
	hw_line(false);
	gic_model_wire(0, PSPI, true);
	world_run_all();
	assert_int_equal(gic_model_in_lrs(0, VSPI), 1);
	route(VSPI, 2);
	assert_int_equal(gic_model_line(0, PSPI)->cpu, 2);
	world_run_all();
	assert_int_equal(gic_model_in_lrs(0, VSPI), 0);
	world_ack(2, VSPI);
	/* Away while it is active: ends where it was acknowledged, comes at the new place. */
	route(VSPI, 1);
	world_run_all();
	assert_int_equal(gic_model_guest_ack(1), MODEL_NONE);
	world_eoi(2, VSPI);
	world_run_all();
	assert_int_equal(gic_model_guest_ack(2), MODEL_NONE);
	world_ack(1, VSPI);
	gic_model_wire(0, PSPI, false);
	world_eoi(1, VSPI);
	/* An affinity that nobody has: stays pending, physically disabled. */
	route(VSPI, 7);
	gic_model_wire(0, PSPI, true);
	world_run_all();
	assert_false(gic_model_line(0, PSPI)->enabled);
	assert_int_equal(world_read(0, WORD(GICD_ISPENDR, VSPI)), B(VSPI));
	route(VSPI, 0);
	world_run_all();
	world_ack(0, VSPI);
}

static void pending_and_active_registers_act_on_the_physical_line(void **state)
{
	start(2);
	hw_line(true);
	world_write(1, WORD(GICD_ISPENDR, VSPI), B(VSPI));
	world_run_all();
	assert_int_equal(gic_model_in_lrs(0, VSPI), 1);
	world_write(1, WORD(GICD_ICPENDR, VSPI), B(VSPI));
	world_run_all();
	assert_int_equal(gic_model_in_lrs(0, VSPI), 0);
	assert_false(gic_model_line(0, PSPI)->active);
	assert_false(gic_model_line(0, PSPI)->pending);

	gic_model_wire(0, PSPI, true);
	world_run_all();
	world_ack(0, VSPI);
	assert_int_equal(world_read(1, WORD(GICD_ISACTIVER, VSPI)), B(VSPI));
	assert_int_equal(world_read(0, WORD(GICD_ICACTIVER, VSPI)), B(VSPI));
	assert_int_equal(world_read(1, WORD(GICD_ISPENDR, VSPI)), 0);
	world_write(1, WORD(GICD_ICACTIVER, VSPI), B(VSPI));
	world_run_all();
	assert_false(gic_model_line(0, PSPI)->active);
	assert_int_equal(world_read(1, WORD(GICD_ISACTIVER, VSPI)), 0);
	gic_model_guest_eoi(0, VSPI);

	world_write(1, WORD(GICD_ISACTIVER, VSPI), B(VSPI));
	world_run_all();
	assert_true(gic_model_line(0, PSPI)->active);
	gic_model_wire(0, PSPI, false);
	gic_model_wire(0, PSPI, true);
	world_run_all();
	assert_int_equal(gic_model_guest_ack(0), MODEL_NONE);
	world_write(0, WORD(GICD_ICACTIVER, VSPI), B(VSPI));
	world_run_all();
	world_ack(0, VSPI);
}

static void the_line_of_a_vcpu_that_is_off_waits(void **state)
{
	start(2);
	hw_line(false);
	route(VSPI, 1);
	gic_model_wire(0, PSPI, true);
	world_run_all();
	gic_model_on_cpu(1);
	vgic_vcpu_off(world_vm.vcpu[1]);
	assert_false(gic_model_line(0, PSPI)->enabled);
	assert_false(gic_model_line(0, PSPI)->active);
	assert_int_equal(world_read(0, WORD(GICD_ISPENDR, VSPI)), B(VSPI));
	world_write(0, WORD(GICD_ICENABLER, VSPI), B(VSPI));
	world_write(0, WORD(GICD_ISENABLER, VSPI), B(VSPI));
	assert_false(gic_model_line(0, PSPI)->enabled);
	world_sgi(0, 2); /* lost, and nobody is kicked */
	assert_false(gic_model_interrupted(1));
	world_start(1);
	world_run_all();
	world_ack(1, VSPI);
	assert_int_equal(gic_model_guest_ack(1), MODEL_NONE);
}

static void stop_leaves_nothing_pending_active_or_enabled(void **state)
{
	start(2);
	hw_line(true);
	world_write(0, SGI_(0, GICD_ISENABLER), B(VTIMER));
	gic_model_wire(0, VTIMER, true);
	gic_model_wire(0, PSPI, true);
	world_run_all();
	world_ack(0, VTIMER);
	gic_model_wire(0, VTIMER, false);
	for (unsigned i = 0; i < 2; i++) {
		gic_model_on_cpu(i);
		vgic_vcpu_off(world_vm.vcpu[i]);
	}
	vgic_quiesce_lines(&world_vm);
	for (unsigned c = 0; c < 2; c++) {
		const struct gic_model_line *p[] = { gic_model_line(c, VTIMER),
						     gic_model_line(c, PSPI) };

		for (unsigned i = 0; i < 2; i++)
			assert_false(p[i]->enabled || p[i]->pending || p[i]->active);
	}
	world_start(0);
	assert_int_equal(gic_model_guest_ack(0), MODEL_NONE);
	assert_int_equal(world_read(0, WORD(GICD_ISENABLER, VSPI)), 0);
	assert_int_equal(world_read(0, DIST(GICD_ICFGR + VSPI / 16 * 4)), 0);
	world_write(0, WORD(GICD_ISENABLER, VSPI), B(VSPI));
	gic_model_wire(0, PSPI, false);
	gic_model_wire(0, PSPI, true); /* level now */
	world_run(0);
	world_ack(0, VSPI);
}

static void lines_belong_to_one_guest(void **state)
{
	static const struct {
		uint32_t v, p;
		enum hv_status want;
	} t[] = {
		{ VSPI, PSPI, HV_OK },
		{ VSPI, PSPI + 1, HV_ECONFLICT },
		{ VSPI + 1, PSPI, HV_ECONFLICT },
		{ VTIMER, VTIMER, HV_OK },
		{ 30, 27, HV_EINVAL },
		{ 25, 25, HV_ECONFLICT },
		{ 15, 15, HV_EINVAL },
		{ 96, 80, HV_EINVAL },
		{ 41, 1020, HV_EINVAL },
		{ 41, 30, HV_EINVAL },
		{ 41, 500, HV_EINVAL }, /* the controller has no such line */
	};

	start(1);
	for (size_t i = 0; i < ARRAY_SIZE(t); i++)
		assert_int_equal(vgic_assign_line(&world_vm, t[i].v, t[i].p), t[i].want);
}

static void uart_on(void)
{
	start(2);
	world_write(0, WORD(GICD_ISENABLER, VUART), B(VUART));
}

static void level(struct vcpu *cur, bool high)
{
	vgic_set_level(&world_vm, cur, VUART, high);
	if (cur)
		world_return(cur->index);
	world_run_all();
}

static void a_device_that_was_served_ends_without_an_exit(void **state)
{
	struct vcpu *v;

	uart_on();
	v = world_vm.vcpu[0];
	gic_model_on_cpu(0);
	level(v, true);
	assert_int_equal(world_exits[0], 0);
	world_ack(0, VUART);
	level(v, false);
	world_eoi(0, VUART);
	assert_int_equal(world_exits[0], 0);
	assert_int_equal(gic_model_guest_ack(0), MODEL_NONE);
}

static void a_level_is_sampled_again_at_each_end(void **state)
{
	uart_on();
	level(NULL, true);
	for (unsigned i = 0; i < 10; i++) {
		world_ack(0, VUART);
		world_eoi(0, VUART);
		assert_int_equal(world_exits[0], i + 2); /* the kick, then one an end */
	}
	world_ack(0, VUART);
	level(NULL, false);
	world_eoi(0, VUART);
	assert_int_equal(gic_model_guest_ack(0), MODEL_NONE);
	assert_int_equal(world_read(0, WORD(GICD_ISPENDR, VUART)), 0);
}

static void a_level_that_falls_before_the_acknowledge_is_withdrawn(void **state)
{
	uart_on();
	level(NULL, true);
	assert_int_equal(world_read(1, WORD(GICD_ISPENDR, VUART)), B(VUART));
	level(NULL, false);
	assert_int_equal(world_read(1, WORD(GICD_ISPENDR, VUART)), 0);
	assert_int_equal(gic_model_guest_ack(0), MODEL_NONE);
}

static void a_level_that_rises_again_in_the_handler_is_delivered(void **state)
{
	struct vcpu *v;

	uart_on();
	v = world_vm.vcpu[0];
	gic_model_on_cpu(0);
	level(v, true);
	world_ack(0, VUART);
	gic_model_on_cpu(0);
	level(v, false);
	gic_model_on_cpu(0);
	level(v, true);
	assert_int_equal(gic_model_guest_ack(0), MODEL_NONE);
	world_eoi(0, VUART);
	world_ack(0, VUART);
	gic_model_on_cpu(0);
	level(v, false);
	world_eoi(0, VUART);
	assert_int_equal(gic_model_guest_ack(0), MODEL_NONE);
}

static void soft_pending_is_a_latch(void **state)
{
	uart_on();
	world_write(1, WORD(GICD_ISPENDR, VUART), B(VUART));
	world_run_all();
	for (unsigned v = 0; v < 2; v++)
		assert_int_equal(world_read(v, WORD(GICD_ISPENDR, VUART)), B(VUART));
	world_ack(0, VUART);
	assert_int_equal(world_read(1, WORD(GICD_ISPENDR, VUART)), 0);
	world_eoi(0, VUART);
	assert_int_equal(gic_model_guest_ack(0), MODEL_NONE);
	world_write(1, WORD(GICD_ISPENDR, VUART), B(VUART));
	world_write(1, WORD(GICD_ICPENDR, VUART), B(VUART));
	world_run_all();
	assert_int_equal(gic_model_guest_ack(0), MODEL_NONE);
}

static void a_line_that_moved_while_active_pends_at_its_new_place(void **state)
{
	uart_on();
	world_write(0, WORD(GICD_ISPENDR, VUART), B(VUART));
	world_ack(0, VUART);
	route(VUART, 1);
	world_run_all();
	assert_int_equal(world_read(1, WORD(GICD_ISACTIVER, VUART)), B(VUART));
	world_eoi(0, VUART);
	world_write(0, WORD(GICD_ISPENDR, VUART), B(VUART));
	world_run_all();
	assert_int_equal(gic_model_guest_ack(0), MODEL_NONE);
	world_ack(1, VUART);
	world_eoi(1, VUART);
}

static void groups_gate_and_label(void **state)
{
	uart_on();
	level(NULL, true);
	world_write(0, DIST(GICD_CTLR), 0);
	world_run_all();
	assert_int_equal(gic_model_guest_ack(0), MODEL_NONE);
	world_write(0, DIST(GICD_CTLR), GICD_CTLR_G0);
	world_run_all();
	assert_int_equal(gic_model_guest_ack(0), MODEL_NONE);
	world_write(0, WORD(GICD_IGROUPR, VUART), ~B(VUART));
	world_run_all();
	assert_int_equal(gic_model_in_lrs(0, VUART), 1);
	for (unsigned n = 0; n < 4; n++)
		assert_int_equal(gic_model_lr(0, n) & LR_GROUP, 0);
	world_ack(0, VUART);
}

static void a_holder_that_does_not_answer_makes_the_guest_retry(void **state)
{
	uint64_t v;

	start(2);
	hw_line(false);
	gic_model_wire(0, PSPI, true);
	world_run_all();
	world_kicks_at_once = false;
	assert_int_equal(world_access(1, WORD(GICD_ISPENDR, VSPI), 4, false, &v), EMUL_RETRY);
	v = B(VSPI);
	assert_int_equal(world_access(1, WORD(GICD_ICENABLER, VSPI), 4, true, &v), EMUL_RETRY);
	world_run_all();
	world_kicks_at_once = true; /* it answers */
	assert_int_equal(world_access(1, WORD(GICD_ICENABLER, VSPI), 4, true, &v), EMUL_OK);
	assert_int_equal(world_access(1, WORD(GICD_ISPENDR, VSPI), 4, false, &v), EMUL_OK);
	assert_int_equal(v, B(VSPI));
}

#define T(f) cmocka_unit_test(f)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_timer_interrupt_costs_one_exit_and_its_end_none),
		T(a_level_that_stays_comes_again_after_each_end),
		T(an_edge_during_the_handler_is_not_lost),
		T(disabling_gives_the_line_back),
		T(physical_routing_follows),
		T(pending_and_active_registers_act_on_the_physical_line),
		T(the_line_of_a_vcpu_that_is_off_waits),
		T(stop_leaves_nothing_pending_active_or_enabled),
		T(lines_belong_to_one_guest),
		T(a_device_that_was_served_ends_without_an_exit),
		T(a_level_is_sampled_again_at_each_end),
		T(a_level_that_falls_before_the_acknowledge_is_withdrawn),
		T(a_level_that_rises_again_in_the_handler_is_delivered),
		T(soft_pending_is_a_latch),
		T(a_line_that_moved_while_active_pends_at_its_new_place),
		T(groups_gate_and_label),
		T(a_holder_that_does_not_answer_makes_the_guest_retry),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
