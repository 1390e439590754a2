/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The planner. A guest's address map: RAM, windows and doorbell, by the rules of its host bridges.
 */
#include "plan_world.h"

/* RAM may be at 1 GiB by default, but everything reachable is the root complex' own window. */
static void window_everywhere(void)
{
	pci_hosts[0].window[1] = (struct pci_window){ PCI_WINDOW_MEM32,  false,
						      0x40000000,        0x40000000,
						      UINT64_C(1) << 40, 0 };
}

static const struct refusal refusals[] = {
	{ "32-bit BARs too large",
	  { { "a", 1, 64, .dev = { { "0000:04:00.0" } } } },
	  0,
	  "32-bit BARs of its devices (256 MiB, naturally aligned) do not fit into the" },
	{ "RAM over a window",
	  { { "a", 1, 64, .dev = { { EDU } } } },
	  0,
	  "RAM at 0x40000000 (64 MiB) overlaps a BAR window of pcie@10000000 (0x40000000 to "
	  "0x1003fffffff)",
	  window_everywhere },
	{ "RAM outside dma-ranges",
	  { { "a", 1, 64, .dev = { { EDU } } } },
	  0,
	  "RAM at 0x40000000 (64 MiB) is outside the dma-ranges of pcie@10000000 (0x80000000 to "
	  "0x81ffffff)",
	  narrow_dma_ranges },
};

static void refuses(void **state) { check_refusals(refusals, ARRAY_SIZE(refusals)); }

static const struct {
	const char *rule;
	uint64_t mib;
	uint64_t ipa, high;
	uint64_t its;
	bool juno;
} places[] = {
	{ "Xen's map", 512, 0x40000000, 0, GUEST_ITS_BASE, false },
	{ "all of the low range", 3072, 0x40000000, 0, GUEST_ITS_BASE, false },
	{ "split like Xen", 5120, 0x40000000, 0x200000000, GUEST_ITS_BASE, false },
	{ "Juno: moved, and the ITS behind it", 512, 0x80000000, 0, 0xa0000000, true },
	{ "Juno: all of it, ITS high", 2048, 0x80000000, 0, 0x800000000, true },
	{ "Juno: too large for the low range", 4096, 0x800000000, 0x80000000, 0xc0000000, true },
};

static void places_memory(void **state)
{
	for (unsigned i = 0; i < ARRAY_SIZE(places); i++) {
		struct decl g = { "a", 1, places[i].mib, .dev = { { EDU } } };
		const struct guest_plan *p;

		setup(state);
		ram_size = GIB(16);
		if (places[i].juno)
			pci_hosts[0] = juno;
		starts(&g, 1);
		p = &plan.guest[0];
		if (p->ram[0].ipa.v != places[i].ipa || p->ram[1].ipa.v != places[i].high ||
		    p->msi_base.v != places[i].its)
			fail_msg("%s: RAM %lx, %lx, ITS %lx", places[i].rule, p->ram[0].ipa.v,
				 p->ram[1].ipa.v, p->msi_base.v);
		assert_int_equal(p->ram_size, MIB(places[i].mib));
		assert_int_equal(p->ram[0].size + p->ram[1].size, p->ram_size);
		assert_int_equal(p->vpci.doorbell.v, places[i].its + 0x10000);
	}
}

/* Without dma-ranges everything is in, but the root complex' own configuration space is not. */
static void memory_avoids_configuration_space(void **state)
{
	static const struct decl g = { "a", 1, 512, .dev = { { EDU } } };
	static const struct decl no_devices = { "a", 1, 512 };

	pci_hosts[0].ecam = (struct range){ 0x40000000, 0x10000000 };
	starts(&g, 1);
	assert_int_equal(plan.guest[0].ram[0].ipa.v, 0x80000000);
	starts(&no_devices, 1);
	assert_int_equal(plan.guest[0].ram[0].ipa.v, 0x40000000);
}

/* A 64-bit window keeps off RAM that is where the window would be. */
static void direct_map_high(void)
{
	direct_map();
	static_mem(UINT64_C(0x120000000), MIB(64), 0, 0);
}

static void direct_map_moves_the_high_window(void **state)
{
	static const struct decl g = { "a", 1, 64, .extra = direct_map_high,
				       .dev = { { "0000:02:00.0" } } };

	starts(&g, 1);
	assert_int_equal(plan.guest[0].vpci.mem64.base, GUEST_HIGH_BASE);
}

static void large_bar_moves_the_high_window(void **state)
{
	static const struct decl small = { "a", 1, 64, .dev = { { "0000:02:00.0" } } };
	static const struct decl large = { "a", 1, 5120, .dev = { { "0000:03:00.0" } } };
	const struct vpci_config *v;

	starts(&small, 1);
	v = &plan.guest[0].vpci;
	assert_int_equal(v->ecam.v, GUEST_ECAM_BASE);
	assert_int_equal(v->mem32.base, GUEST_MEM32_BASE);
	assert_int_equal(v->mem64.base, GUEST_MEM64_BASE);
	assert_int_equal(v->mem64.size, GUEST_MEM64_SIZE);
	setup(state);
	ram_size = GIB(8);
	starts(&large, 1); /* RAM up to 10 GiB, then the next multiple of 8 GiB */
	assert_int_equal(v->mem64.base, GIB(16));
	v = &plan.guest[0].vpci;
	assert_int_equal(v->mem64.size, GIB(8));
}

static void place_is_pure_and_lowest(void **state)
{
	static const struct plan_space space = { .end = UINT64_C(1) << 40,
						 .host_count = 1,
						 .host = { &juno },
						 .taken_count = 1,
						 .taken = { { 0x80000000, MIB(16) } } };
	const struct range all = { 0, UINT64_MAX };
	struct plan_clash c;
	uint64_t at;

	assert_true(plan_place(&space, all, MIB(2), MIB(2), &at));
	assert_int_equal(at, 0x81000000);
	assert_true(plan_place(&space, all, GIB(2), MIB(2), &at));
	assert_int_equal(at, UINT64_C(0x800000000));
	assert_false(plan_place(&space, all, GIB(9), MIB(2), &at));
	assert_false(plan_reaches(&space, (struct range){ 0x2c1c0000, 4096 }, &c));
	assert_string_equal(c.why, "is outside the dma-ranges");
	assert_false(plan_reaches(&space, (struct range){ 0x80000000, GIB(2) }, &c));
	assert_true(plan_reaches(&space, (struct range){ 0x81000000, GIB(2) - MIB(16) }, &c));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(refuses, setup),
		cmocka_unit_test_setup(places_memory, setup),
		cmocka_unit_test_setup(memory_avoids_configuration_space, setup),
		cmocka_unit_test_setup(direct_map_moves_the_high_window, setup),
		cmocka_unit_test_setup(large_bar_moves_the_high_window, setup),
		cmocka_unit_test_setup(place_is_pure_and_lowest, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
