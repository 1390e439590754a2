/* SPDX-License-Identifier: Apache-2.0 */
/* The planner. A guest's RAM: found, static, direct-mapped, from several banks. */
#include "plan_world.h"

#define STATIC UINT64_C(0x70000000)
static void static_64(void) { static_mem(STATIC, MIB(64), 0, 0); }
static void static_two(void) { static_mem(STATIC, MIB(32), STATIC + MIB(48), MIB(32)); }
static void static_over(void) { static_mem(STATIC + MIB(16), MIB(64), 0, 0); }
static void static_nowhere(void) { static_mem(0x1000000, MIB(64), 0, 0); }
static void static_kernel(void) { static_mem(MOD(0), MIB(64), 0, 0); }
static void static_later(void) { static_mem(MOD(1), MIB(64), 0, 0); }
static void static_image(void) { static_mem(RAM_BASE, MIB(64), 0, 0); }
static void static_reserved(void) { static_mem(RESERVED - MIB(2), MIB(64), 0, 0); }
static void static_odd(void) { static_mem(STATIC + 0x800, MIB(64), 0, 0); }
static void static_wraps(void) { static_mem(UINT64_MAX - 0xfff, MIB(64), 0, 0); }
static void static_all(void) { static_mem(RAM_BASE + MIB(2), GIB(1) - MIB(2), 0, 0); }
static void static_cells(void) { prop_raw("xen,static-mem", "twelve bytes", 12); }
static void direct_static(void)
{
	direct_map();
	static_64();
}

static void direct_static_low(void)
{
	direct_map();
	static_mem(RAM_BASE + MIB(256), MIB(64), 0, 0);
}

static void small_ram(void) { ram_size = GIB(1); }
static void narrow_dma_low(void)
{
	narrow_dma_ranges();
	ram_size = GIB(1);
}

static void juno_host(void) { pci_hosts[0] = juno; }
static const struct refusal refusals[] = {
	{ "RAM does not fit",
	  { { "a", 1, 2048 } },
	  0,
	  "no free RAM of 2 GiB, not in 8 pieces either, but ",
	  small_ram },
	{ "static memory malformed",
	  { { "a", 1, 64, .extra = static_cells } },
	  0,
	  "xen,static-mem is malformed" },
	{ "static memory, no whole pages",
	  { { "a", 1, 64, .extra = static_odd } },
	  0,
	  "xen,static-mem is malformed" },
	{ "static memory wraps",
	  { { "a", 1, 64, .extra = static_wraps } },
	  0,
	  "xen,static-mem is malformed" },
	{ "static memory and memory",
	  { { "a", 1, 63, .extra = static_64 } },
	  0,
	  "xen,static-mem has 64 MiB and memory is 63 MiB; make them equal" },
	{ "static memory is no RAM",
	  { { "a", 1, 64, .extra = static_nowhere } },
	  0,
	  "xen,static-mem at 0x1000000 to 0x4ffffff is not RAM" },
	{ "static memory over Viaduct",
	  { { "a", 1, 64, .extra = static_image } },
	  0,
	  "overlaps Viaduct itself" },
	{ "static memory is reserved",
	  { { "a", 1, 64, .extra = static_reserved } },
	  0,
	  "overlaps reserved memory" },
	{ "static memory over a module",
	  { { "a", 1, 64, .extra = static_kernel } },
	  0,
	  "xen,static-mem at 0x60000000 to 0x63ffffff overlaps the kernel of guest a" },
	{ "static memory over a later module",
	  { { "a", 1, 64, .extra = static_later }, { "b", 1, 64 } },
	  0,
	  "overlaps a later guest's module" },
	{ "static memory twice",
	  { { "a", 1, 64, .extra = static_64 }, { "b", 1, 64, .extra = static_64 } },
	  1,
	  "xen,static-mem at 0x70000000 to 0x73ffffff overlaps the RAM of guest a" },
	{ "static memory overlaps",
	  { { "a", 1, 64, .extra = static_64 }, { "b", 1, 64, .extra = static_over } },
	  1,
	  "overlaps the RAM of guest a" },
	{ "static memory leaves nothing to Viaduct",
	  { { "a", 1, 1022, .extra = static_all },
	    {
		    "b",
		    1,
		    64,
	    } },
	  0,
	  "overlaps the kernel of guest a",
	  small_ram },
	{ "direct-map in a window",
	  { { "a", 1, 64, .dev = { { EDU } }, .extra = direct_static_low } },
	  0,
	  "direct-map: RAM at 0x50000000 to 0x53ffffff overlaps a BAR window of pcie@10000000 "
	  "(0x50000000 to 0x57ffffff)",
	  juno_host },
	{ "direct-map outside dma-ranges",
	  { { "a", 1, 64, .dev = { { EDU } }, .extra = direct_map } },
	  0,
	  "direct-map: RAM at 0x40200000 to 0x441fffff is outside the dma-ranges of pcie@10000000 "
	  "(0x80000000 to",
	  narrow_dma_low },
	{ "forced without direct-map",
	  { { "a", 1, 64, .dev = { { EDU, "force-assign-without-iommu" } } } },
	  0,
	  EDU
	  " is given without an IOMMU, so it uses physical addresses; give the guest direct-map",
	  no_iommu },
};

static void refuses(void **state) { check_refusals(refusals, ARRAY_SIZE(refusals)); }

static void is_ram(unsigned guest, unsigned i, uint64_t ipa, uint64_t pa, uint64_t size)
{
	const struct guest_ram *r = &plan.guest[guest].ram[i];

	if (i >= plan.guest[guest].ram_count || r->ipa.v != ipa || r->pa.v != pa || r->size != size)
		fail_msg("guest %u, range %u of %u: 0x%lx is PA 0x%lx, 0x%lx bytes", guest, i,
			 plan.guest[guest].ram_count, r->ipa.v, r->pa.v, r->size);
}

static void static_memory_is_taken_as_it_is(void **state)
{
	static const struct decl g[] = { { "a", 1, 64 },
					 { "b_two", 1, 64, .extra = static_two },
					 { "c_direct", 1, 64, .extra = direct_static_low,
					   .dev = { { EDU } } } };

	starts(g, 3);
	is_ram(1, 0, 0x40000000, STATIC, MIB(32));
	is_ram(1, 1, 0x42000000, STATIC + MIB(48), MIB(32));
	is_ram(2, 0, RAM_BASE + MIB(256), RAM_BASE + MIB(256), MIB(64));
	assert_int_equal(plan.guest[2].image.kernel, RAM_BASE + MIB(256));
	assert_int_equal(plan.guest[1].image.dtb, 0x44000000 - MIB(2)); /* one range to the guest */
}

/* Nobody is given what a later guest names, and who is refused leaves it to the next. */
static void static_memory_is_kept_for_its_guest(void **state)
{
	static const struct decl g[] = { { "big", 1, 3500 },
					 { "late", 1, 64, .extra = static_64,
					   .dev = { { "0000:03:00.0", "intx", "on" } } },
					 { "next", 1, 64, .extra = direct_static } };

	run_guests(g, 3);
	assert_string_equal(plan.guest[0].refused, "");
	assert_true(strstr(plan.guest[1].refused, "no INTx line")); /* said when it had its RAM */
	assert_string_equal(plan.guest[2].refused, "");
	for (unsigned i = 0; i < plan.guest[0].ram_count; i++)
		assert_false(range_overlaps((struct range){ plan.guest[0].ram[i].pa.v,
							    plan.guest[0].ram[i].size },
					    (struct range){ STATIC, MIB(64) }));
	is_ram(2, 0, STATIC, STATIC, MIB(64));
}

/* The cells of older trees are the guest's own. */
static void old_cells(void)
{
	fdt32_t v[2] = { cpu_to_fdt32(STATIC), cpu_to_fdt32(MIB(64)) };

	prop32("#xen,static-mem-address-cells", 1);
	prop32("#xen,static-mem-size-cells", 1);
	prop_raw("xen,static-mem", v, 8);
}

static void static_memory_in_the_cells_of_older_trees(void **state)
{
	static const struct decl g = { "a", 1, 64, .extra = old_cells };

	starts(&g, 1);
	is_ram(0, 0, 0x40000000, STATIC, MIB(64));
}

/* Free pages are everywhere; those that devices reach at their own addresses are taken. */
static void direct_map_is_where_devices_reach(void **state)
{
	static const struct decl g[] = { { "a", 1, 256, .extra = direct_map, .dev = { { EDU } } },
					 { "b", 1, 64, .extra = direct_map } };

	pci_hosts[0] = juno;
	starts(g, 2);
	is_ram(0, 0, 0x80000000, 0x80000000, MIB(256));
	is_ram(1, 0, RAM_BASE + MIB(2), RAM_BASE + MIB(2), MIB(64));
}

/* Juno has two banks; a guest that no bank holds gets some of each. */
static void ram_comes_from_all_banks(void **state)
{
	static const struct decl g = { "a", 1, 4096 };
	uint64_t sum = 0;

	second_bank = GIB(4);
	ram_size = GIB(2);
	starts(&g, 1);
	assert_true(plan.guest[0].ram_count > 1);
	for (unsigned i = 0; i < plan.guest[0].ram_count; i++) {
		const struct guest_ram *r = &plan.guest[0].ram[i];
		uint64_t at = sum < GUEST_RAM_SIZE ? GUEST_RAM_BASE + sum :
						     GUEST_HIGH_BASE + (sum - GUEST_RAM_SIZE);

		assert_int_equal(r->ipa.v, at);
		assert_true(board_is_ram(&board, (struct range){ r->pa.v, r->size }));
		sum += r->size;
	}
	assert_int_equal(sum, GIB(4));
	second_bank = 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(refuses, setup),
		cmocka_unit_test_setup(static_memory_is_taken_as_it_is, setup),
		cmocka_unit_test_setup(static_memory_is_kept_for_its_guest, setup),
		cmocka_unit_test_setup(static_memory_in_the_cells_of_older_trees, setup),
		cmocka_unit_test_setup(direct_map_is_where_devices_reach, setup),
		cmocka_unit_test_setup(ram_comes_from_all_banks, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
