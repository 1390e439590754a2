/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a virtual LPI is, through the real virtual ITS on the real virtual GIC: ITS commands, list
 * registers, vCPUs that come and go, in every order.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <hv/bits.h>
#include <spec/gicv3.h>

#include "../../common/vgic/vgic_priv.h"
#include "../host/lpi_world.h"

#define LPI 8192u

static void put(struct its_cmd c) { lpi_put(c); }

static void enter(unsigned vcpu)
{
	lpi_ring(vcpu);
	world_return(vcpu);
	world_run_all();
}

static void off(unsigned vcpu)
{
	gic_model_on_cpu(vcpu);
	vgic_vcpu_off(world_vm.vcpu[vcpu]);
}

static void mapped(unsigned vcpus)
{
	lpi_world_init(vcpus, 4);
	put(cmd_mapd(0, 5, true));
	put(cmd_mapti(0, 0, LPI, 0));
}

/* In vCPU 0's list register, moved, discarded before vCPU 0 looks, mapped again, discarded. */
static void moved_out_of_a_list_register_and_discarded(void **state)
{
	for (unsigned restart = 0; restart < 2; restart++) {
		mapped(2);
		off(1);
		put(cmd_event(ITS_CMD_INT, 0, 0));
		enter(0);
		assert_int_equal(gic_model_in_lrs(0, LPI), 1);
		put(cmd_movi(0, 0, 1));
		put(cmd_event(ITS_CMD_DISCARD, 0, 0));
		enter(0);
		assert_int_equal(gic_model_in_lrs(0, LPI), 0);
		put(cmd_mapti(0, 0, LPI, 0));
		put(cmd_event(ITS_CMD_DISCARD, 0, 0));
		enter(0);
		if (restart)
			lpi_world_restart(2);
		else
			world_start(1);
		world_run_all();
		assert_int_equal(gic_model_guest_ack(0), MODEL_NONE);
		assert_int_equal(gic_model_guest_ack(1), MODEL_NONE);
	}
}

/* Signalled again while the list register has it, then discarded: nothing of it is left. */
static void signalled_again_in_a_list_register_and_discarded(void **state)
{
	mapped(2);
	put(cmd_event(ITS_CMD_INT, 0, 0));
	enter(0);
	put(cmd_event(ITS_CMD_INT, 0, 0));
	put(cmd_event(ITS_CMD_DISCARD, 0, 0));
	enter(0);
	assert_int_equal(gic_model_guest_ack(0), MODEL_NONE);
	put(cmd_mapti(0, 0, LPI + 1, 1));
	put(cmd_event(ITS_CMD_INT, 0, 0));
	enter(0);
	assert_int_equal(gic_model_guest_ack(0), MODEL_NONE);
	assert_int_equal(gic_model_guest_ack(1), LPI + 1);
}

/* What may happen to one event, its vINTID and its vCPUs; ITS commands are by vCPU 0. */
enum {
	INT,
	CLEAR,
	DISCARD,
	INV,
	DISABLE,
	ENABLE,
	MOVI_0,
	MOVI_1,
	MOVALL_01,
	MAPTI_0,
	MAPTI_1,
	MAPTI_TWICE, /* another event with the same vINTID, signalled */
	MAPD,
	UNMAPD,
	MAPC_1,
	UNMAPC_0,
	TAKE_0, /* the guest acknowledges and ends */
	TAKE_1,
	OFF_1,
	ON_1,
	RESTART,
	STEPS
};

static void take(unsigned vcpu)
{
	uint32_t id = gic_model_guest_ack(vcpu);

	world_run(vcpu);
	if (id != MODEL_NONE)
		world_eoi(vcpu, id);
}

static void inv_with(uint8_t property)
{
	lpi_ram[LPI_PROPS - LPI_RAM] = property;
	put(cmd_event(ITS_CMD_INV, 0, 0));
}

static void power(unsigned vcpu, bool on)
{
	if (on == world_vm.vcpu[vcpu]->vgic.state->online)
		return;
	if (on)
		world_start(vcpu);
	else
		off(vcpu);
}

static void restart(void)
{
	lpi_world_restart(2);
	put(cmd_mapd(0, 5, true));
	put(cmd_mapti(0, 0, LPI, 0));
}

/* vgic_check() is asked at each return to the guest, see tests/host/gic_model.c. */
static void step(unsigned what)
{
	switch (what) {
	case INT:
	case CLEAR:
	case DISCARD:
	case INV:
		put(cmd_event((const uint8_t[]){ ITS_CMD_INT, ITS_CMD_CLEAR, ITS_CMD_DISCARD,
						 ITS_CMD_INV }[what],
			      0, 0));
		break;
	case DISABLE:
	case ENABLE:
		inv_with(what == ENABLE ? 0xa1 : 0xa0);
		break;
	case MOVI_0:
	case MOVI_1:
		put(cmd_movi(0, 0, what - MOVI_0));
		break;
	case MOVALL_01:
		put(cmd_movall(0, 1));
		break;
	case MAPTI_0:
	case MAPTI_1:
		put(cmd_mapti(0, 0, LPI, what - MAPTI_0));
		break;
	case MAPTI_TWICE:
		put(cmd_mapti(0, 1, LPI, 0));
		put(cmd_event(ITS_CMD_INT, 0, 1));
		break;
	case MAPD:
	case UNMAPD:
		put(cmd_mapd(0, 5, what == MAPD));
		break;
	case MAPC_1:
		put(cmd_mapc(0, 1, true));
		break;
	case UNMAPC_0:
		put(cmd_mapc(0, 0, false));
		break;
	case TAKE_0:
	case TAKE_1:
		take(what - TAKE_0);
		break;
	case OFF_1:
	case ON_1:
		power(1, what == ON_1);
		break;
	case RESTART:
		restart();
		break;
	}
}

static bool is_command(unsigned what) { return what < TAKE_0; }

/* What makes it not pending takes it out of a list register that the guest has not looked at. */
static void what_is_cleared_leaves_the_list_register(void **state)
{
	static const uint8_t clears[] = { CLEAR, DISCARD, MAPTI_0, MAPTI_1, MAPD, UNMAPD };

	lpi_world_init(2, 4);
	for (unsigned i = 0; i < ARRAY_SIZE(clears); i++) {
		restart();
		put(cmd_event(ITS_CMD_INT, 0, 0));
		enter(0);
		assert_int_equal(gic_model_in_lrs(0, LPI), 1);
		step(clears[i]);
		enter(0);
		assert_int_equal(gic_model_in_lrs(0, LPI), 0);
	}
}

static void expect_sound(const unsigned *steps, unsigned n)
{
	const char *wrong = vgic_check(&world_vm);

	if (!wrong)
		return;
	for (unsigned i = 0; i < n; i++)
		print_error("step %u\n", steps[i]);
	fail_msg("not true: %s", wrong);
}

/* `late`: all commands of a run are one batch, which vCPU 0 performs before any CPU looks. */
static void sequence(const unsigned *steps, unsigned n, bool late)
{
	world_kicks_at_once = !late;
	restart();
	put(cmd_event(ITS_CMD_INT, 0, 0));
	enter(0);
	for (unsigned i = 0; i < n; i++) {
		step(steps[i]);
		if (is_command(steps[i]) && !(late && i + 1 < n && is_command(steps[i + 1])))
			lpi_ring(0);
		expect_sound(steps, i + 1);
		if (!late)
			enter(0);
	}
	enter(0);
	expect_sound(steps, n);
	power(1, true);
	for (unsigned i = 0; i < 4; i++)
		take(i % 2);
	assert_int_equal(gic_model_guest_ack(0), MODEL_NONE);
	assert_int_equal(gic_model_guest_ack(1), MODEL_NONE);
	inv_with(0xa1);
}

/* From an LPI in vCPU 0's list register, every three things after one another. */
static void every_order_of_three(void **state)
{
	lpi_world_init(2, 4);
	for (unsigned a = 0; a < STEPS; a++)
		for (unsigned b = 0; b < STEPS; b++)
			for (unsigned c = 0; c < STEPS; c++) {
				sequence((const unsigned[]){ a, b, c }, 3, true);
				sequence((const unsigned[]){ a, b, c }, 3, false);
			}
}

static void random_orders(void **state)
{
	uint32_t seed = 1;

	for (unsigned lrs = 1; lrs <= 4; lrs += 3) {
		lpi_world_init(2, lrs);
		for (unsigned n = 0; n < 2000; n++) {
			unsigned steps[12];

			for (unsigned i = 0; i < ARRAY_SIZE(steps); i++) {
				seed = seed * 1664525 + 1013904223;
				steps[i] = (seed >> 16) % STEPS;
			}
			sequence(steps, ARRAY_SIZE(steps), n % 2);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(moved_out_of_a_list_register_and_discarded),
		cmocka_unit_test(signalled_again_in_a_list_register_and_discarded),
		cmocka_unit_test(what_is_cleared_leaves_the_list_register),
		cmocka_unit_test(every_order_of_three),
		cmocka_unit_test(random_orders),
	};

	return cmocka_run_group_tests_name("vlpi", tests, NULL, NULL);
}
