/* SPDX-License-Identifier: Apache-2.0 */
/* The virtual GICv2m frame: what a CPU sees of it, and the SPIs that messages become. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <hv/bits.h>
#include <spec/gicv2m.h>
#include <spec/gicv3.h>

#include "../host/gic_model.h"

#define FRAME       0x02000000u
#define FIRST       64u
#define COUNT       32u
#define DIST(r)     (WORLD_DIST + (r))
#define WORD(r, id) (DIST(r) + (id) / 32 * 4)

static uint16_t to;

static void enable(uint32_t intid, uint64_t aff)
{
	uint64_t a = aff;

	world_write(0, DIST(GICD_ICFGR + intid / 16 * 4), 2U << intid % 16 * 2);
	assert_int_equal(world_access(0, DIST(GICD_IROUTER + intid * 8), 8, true, &a), EMUL_OK);
	world_write(0, WORD(GICD_ISENABLER, intid), 1U << intid % 32);
}

static void start(unsigned vcpus)
{
	world_init(vcpus, 96, false, 4);
	assert_int_equal(vgic_v2m_init(&world_vm, IPA(FRAME), FIRST, COUNT), HV_OK);
	for (unsigned i = 0; i < vcpus; i++)
		world_start(i);
	to = 0xff;
}

/* As the handler of a physical SPI on that CPU; then the return to the guest. */
static bool send(unsigned cpu, uint32_t data)
{
	bool sent;

	gic_model_on_cpu(cpu);
	sent = vgic_v2m_deliver(&world_vm, data, world_vm.vcpu[cpu], &to);
	world_return(cpu);
	world_run_all();
	return sent;
}

static void the_frame_says_which_spis_it_has(void **state)
{
	uint64_t v = ~UINT64_C(0);

	start(1);
	assert_int_equal(world_read(0, FRAME + V2M_TYPER), FIRST << 16 | COUNT);
	assert_int_equal(world_read(0, FRAME + V2M_IIDR), 0x56000000);
	assert_int_equal(world_read(0, FRAME + V2M_SETSPI_NS), 0);
	assert_int_equal(world_access(0, FRAME + V2M_TYPER, 8, false, &v), EMUL_OK);
	assert_int_equal(v, 0);
	assert_int_equal(vgic_v2m_init(&world_vm, IPA(FRAME), 31, 1), HV_EINVAL);
	assert_int_equal(vgic_v2m_init(&world_vm, IPA(FRAME), 96, 33), HV_EINVAL);
}

static void what_a_cpu_writes_is_no_message(void **state)
{
	start(1);
	enable(FIRST, 0);
	for (uint32_t off = 0; off < 0x1000; off += 4)
		world_write(0, FRAME + off, FIRST);
	world_run(0);
	assert_int_equal(gic_model_guest_ack(0), MODEL_NONE);
	assert_int_equal(world_read(0, FRAME + V2M_TYPER), FIRST << 16 | COUNT);
}

static void a_message_is_one_edge(void **state)
{
	start(2);
	for (uint32_t i = FIRST; i < FIRST + COUNT; i++) {
		enable(i, i % 2);
		assert_true(send(0, i));
		assert_int_equal(to, i % 2);
		world_ack(i % 2, i);
		assert_true(send(1, i)); /* again while active: taken behind it */
		world_eoi(i % 2, i);
		world_ack(i % 2, i);
		world_eoi(i % 2, i);
		assert_int_equal(gic_model_guest_ack(i % 2), MODEL_NONE);
	}
}

static void messages_that_are_not_the_frames_go_nowhere(void **state)
{
	static const uint32_t data[] = {
		0, 31, 32, FIRST - 1, FIRST + COUNT, 1019, 8192, 0x10000 + FIRST, UINT32_MAX
	};

	start(1);
	for (uint32_t i = 32; i < 128; i++)
		enable(i, 0);
	for (unsigned i = 0; i < ARRAY_SIZE(data); i++)
		assert_false(send(0, data[i]));
	assert_int_equal(gic_model_guest_ack(0), MODEL_NONE);
}

/* Latched while it is disabled, and told apart from news: whoever sends for ever is stopped. */
static void a_disabled_one_waits(void **state)
{
	start(1);
	for (unsigned i = 0; i < 3; i++)
		assert_false(send(0, FIRST + 3));
	assert_int_equal(to, 0xff);
	enable(FIRST + 3, 0);
	world_ack(0, FIRST + 3);
	world_eoi(0, FIRST + 3);
	assert_int_equal(gic_model_guest_ack(0), MODEL_NONE);
}

static void more_than_list_registers(void **state)
{
	start(1);
	for (uint32_t i = FIRST; i < FIRST + COUNT; i++) {
		enable(i, 0);
		gic_model_on_cpu(0);
		assert_true(vgic_v2m_deliver(&world_vm, i, world_vm.vcpu[0], &to));
	}
	world_return(0);
	for (uint32_t i = 0; i < COUNT; i++) {
		uint32_t intid;

		world_run(0);
		intid = gic_model_guest_ack(0);
		assert_true(intid >= FIRST && intid < FIRST + COUNT);
		world_eoi(0, intid);
	}
	world_run(0);
	assert_int_equal(gic_model_guest_ack(0), MODEL_NONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_frame_says_which_spis_it_has),
		cmocka_unit_test(what_a_cpu_writes_is_no_message),
		cmocka_unit_test(a_message_is_one_edge),
		cmocka_unit_test(messages_that_are_not_the_frames_go_nowhere),
		cmocka_unit_test(a_disabled_one_waits),
		cmocka_unit_test(more_than_list_registers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
