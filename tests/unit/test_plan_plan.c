/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The planner. The order of guests: modules, CPUs and images, and that a refused guest takes
 * nothing.
 */
#include "plan_world.h"

static void affinity_absent(void) { vcpu(0, "4-15"); }
static void affinity_both_0(void) { vcpu(0, "0"), vcpu(1, "0"); }
static void affinity_0(void) { vcpu(0, "0"); }
static void huge_image(void) { put_image(0, GIB(1)); }
static void bad_image(void) { put_image(0x123, 0x1000); }
static const struct refusal refusals[] = {
	{ "more vCPUs than CPUs left",
	  { { "a", 3, 64 }, { "b", 2, 64 } },
	  1,
	  "it wants 2 CPUs and 1 of 4 are free" },
	{ "affinity to CPUs that are not there",
	  { { "a", 1, 64, .extra = affinity_absent } },
	  0,
	  "none of the CPUs of vCPU 0's hard-affinity is free" },
	{ "two vCPUs, one CPU",
	  { { "a", 2, 64, .extra = affinity_both_0 } },
	  0,
	  "vCPU 1's hard-affinity" },
	{ "two guests, one CPU",
	  { { "a", 1, 64 }, { "b", 1, 64, .extra = affinity_0 } },
	  1,
	  "vCPU 0's hard-affinity is free for it; correct" },
	{ "kernel missing", { { "a", 1, 64, NONE } }, 0, "it has no kernel" },
	{ "module outside RAM", { { "a", 1, 64, 0x1000 } }, 0, "kernel at 0x1000 is not in RAM" },
	{ "module half outside RAM", { { "a", 1, 64, 0x13fe00000 } }, 0, "is not in RAM" },
	{ "module at the end of space", { { "a", 1, 64, 0xfffffffffffff000 } }, 0, "kernel" },
	{ "module inside Viaduct",
	  { { "a", 1, 64, RAM_BASE + 0x1ff000 } },
	  0,
	  "overlaps Viaduct itself" },
	{ "kernel overlaps own ramdisk",
	  { { "a", 1, 64, MOD(0), MOD(0) + 0x1000 } },
	  0,
	  "overlaps the ramdisk of guest a" },
	{ "same range, two roles",
	  { { "a", 1, 64, MOD(0) }, { "b", 1, 64, MOD(1), MOD(0) } },
	  1,
	  "ramdisk, 0x60000000 to 0x603fffff, overlaps the kernel of guest a" },
	{ "kernels overlap partly",
	  { { "a", 1, 64, MOD(0) }, { "b", 1, 64, MOD(0) + 0x1000 } },
	  1,
	  "overlaps the kernel of guest a" },
	{ "kernel does not fit",
	  { { "a", 1, 64 } },
	  0,
	  "do not fit into its RAM (64 MiB)",
	  huge_image },
	{ "ramdisk does not fit",
	  { { "a", 1, 12, MOD(0), MOD(1) } },
	  0,
	  "do not fit into its RAM" },
	{ "image header", { { "a", 1, 64 } }, 0, "has a damaged Image header", bad_image },
};

static void refuses(void **state) { check_refusals(refusals, ARRAY_SIZE(refusals)); }

/* A refused guest counts as off: its CPUs and devices go to the next. */
static void refused_guest_takes_nothing(void **state)
{
	static const struct decl g[] = {
		{ "a", 4, 64, .dev = { { EDU }, { "0000:00:1f.0" } } },
		{ "b", 4, 64, MOD(0) + 0x1000, .dev = { { EDU } } }, /* over a's kernel */
	};

	run_guests(g, 2);
	assert_true(plan.guest[0].refused[0]);
	assert_string_equal(plan.guest[1].refused, "");
	assert_int_equal(plan.guest[1].vcpu[3].cpu, 3);
	assert_int_equal(fake_func(EDU)->owner, 1);
}

static void affine(void)
{
	vcpu(1, "0"); /* so vCPU 0, which took it, moves */
	vcpu(2, "1-2");
	vcpu(3, "1,0"); /* so vCPU 2 moves to 2 */
}

/* A vCPU gives way where it has another place; where nothing is said, CPUs go in their order. */
static void vcpus_go_where_they_may(void **state)
{
	static const struct decl g[] = { { "a", 4, 64, .extra = affine } };
	static const uint8_t want[] = { 3, 0, 2, 1 };

	starts(g, 1);
	for (unsigned v = 0; v < 4; v++)
		assert_int_equal(plan.guest[0].vcpu[v].cpu, want[v]);
	assert_int_equal(plan.guest[0].trap_unmapped, 1);
}

static void offline_cpus_are_not_used(void **state)
{
	static const struct decl g = { "a", 2, 64 };

	tree_begin();
	add_guest(&g, 0);
	run();
	board.cpu[0].online = false;
	board.cpu[2].online = false;
	replan();
	assert_int_equal(plan.guest[0].vcpu[0].cpu, 1);
	assert_int_equal(plan.guest[0].vcpu[1].cpu, 3);
}

/* As many CPUs as there can be: all of them for one guest, and not one more. */
static void guests_share_512_cpus(void **state)
{
	static struct board_cpu many[MAX_CPUS];
	static const struct decl all = { "a", MAX_CPUS, 64 };
	static const struct decl both[] = { { "a", 300, 64 }, { "b", 212, 64 }, { "c", 1, 64 } };

	for (unsigned i = 0; i < MAX_CPUS; i++)
		many[i] = (struct board_cpu){ .mpidr = i, .online = true };
	for (unsigned turn = 0; turn < 2; turn++) {
		tree_begin();
		for (unsigned i = 0; i < (turn ? 3 : 1); i++)
			add_guest(turn ? &both[i] : &all, i);
		run();
		board.cpu = many;
		board.cpu_count = MAX_CPUS;
		replan();
		assert_string_equal(plan.guest[0].refused, "");
		if (!turn)
			assert_int_equal(plan.guest[0].vcpu[MAX_CPUS - 1].cpu, MAX_CPUS - 1);
	}
	assert_string_equal(plan.guest[1].refused, "");
	assert_int_equal(plan.guest[1].vcpu[0].cpu, 300);
	assert_non_null(strstr(plan.guest[2].refused, "it wants 1 CPUs and 0 of 512 are free"));
}

static void wants_pmu(void) { prop_str("pmu", "on"); }
static void no_pmu(void) { prop_str("pmu", "off"); }

static void guests_have_performance_monitors_where_all_cpus_have(void **state)
{
	static const struct decl g[] = { { "a", 1, 64 },
					 { "b", 1, 64, .extra = wants_pmu },
					 { "c", 1, 64, .extra = no_pmu } };

	run_guests(g, 3);
	assert_int_equal(plan.guest[0].pmu, PLAN_OFF);
	assert_non_null(strstr(plan.guest[1].refused, "pmu is \"on\""));
	assert_int_equal(plan.guest[2].pmu, PLAN_OFF);
	board.has_pmu = true;
	board.pmu_intid = 23;
	replan();
	for (unsigned i = 0; i < 3; i++) {
		assert_string_equal(plan.guest[i].refused, "");
		assert_int_equal(plan.guest[i].pmu, i < 2 ? PLAN_ON : PLAN_OFF);
		assert_int_equal(plan.guest[i].pmu_intid, i < 2 ? 23 : 0);
	}
}

static void sve_256(void) { prop32("sve", 256); }
static void sve_most(void) { prop_raw("sve", NULL, 0); }
static void sve_384(void) { prop32("sve", 384); }
static void sve_none(void) { prop32("sve", 0); }

static void vectors_are_as_long_as_all_cpus_have_them(void **state)
{
	static const struct decl g[] = { { "a", 1, 64, .extra = sve_256 },
					 { "b", 1, 64, .extra = sve_most },
					 { "c", 1, 64, .extra = sve_none } },
				 bad[] = { { "a", 1, 64, .extra = sve_384 } };

	run_guests(g, 3);
	assert_string_equal(plan.guest[0].refused,
			    "sve is declared, and not every CPU has SVE; remove it");
	assert_string_not_equal(plan.guest[1].refused, "");
	assert_string_equal(plan.guest[2].refused, "");
	board.sve_lengths = 0x8b; /* 128, 256, 512, 1024 */
	replan();
	assert_int_equal(plan.guest[0].sve_bits, 256);
	assert_int_equal(plan.guest[1].sve_bits, 1024);
	assert_int_equal(plan.guest[2].sve_bits, 0);
	run_guests(bad, 1);
	board.sve_lengths = 0x8b;
	replan();
	assert_non_null(strstr(plan.guest[0].refused, "have 128 256 512 1024 bits"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(refuses, setup),
		cmocka_unit_test_setup(vectors_are_as_long_as_all_cpus_have_them, setup),
		cmocka_unit_test_setup(guests_have_performance_monitors_where_all_cpus_have, setup),
		cmocka_unit_test_setup(refused_guest_takes_nothing, setup),
		cmocka_unit_test_setup(vcpus_go_where_they_may, setup),
		cmocka_unit_test_setup(guests_share_512_cpus, setup),
		cmocka_unit_test_setup(offline_cpus_are_not_used, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
