/* SPDX-License-Identifier: Apache-2.0 */
/* The planner. Memory that guests share by name. */
#include "plan_world.h"

static void share(const char *name, const char *id, const uint64_t *v, unsigned n, const char *role)
{
	fdt64_t cells[4];

	for (unsigned i = 0; i < n; i++)
		cells[i] = cpu_to_fdt64(v[i]);
	node(name);
	prop_str("compatible", "xen,domain-shared-memory-v1");
	prop_str("xen,shm-id", id);
	prop_raw("xen,shared-mem", cells, 8 * n);
	if (role)
		prop_str("role", role);
	end();
}

#define SHARE(id, role, ...)                                                                       \
	share("shm-" id, id, (const uint64_t[]){ __VA_ARGS__ },                                    \
	      sizeof((const uint64_t[]){ __VA_ARGS__ }) / 8, role)

static void shm_odd_role(void) { SHARE("a", "tenant", 0x80000000, 0x1000); }
static void shm_long_name(void) { SHARE("abcdefghijklmnop", NULL, 0x80000000, 0x1000); }
static void shm_one_number(void) { SHARE("a", NULL, 0x1000); }
static void shm_unaligned(void) { SHARE("a", NULL, 0x80000800, 0x1000); }
static void shm_wraps(void) { SHARE("a", NULL, UINT64_MAX - 0xfff, 0x1000); }
static void shm_empty(void) { SHARE("a", NULL, 0x80000000, 0); }
static void shm_over_ram(void) { SHARE("a", NULL, 0x43fff000, 0x2000); }
static void shm_over_gic(void) { SHARE("a", NULL, 0x03020000, 0x1000); }
static void shm_over_itself(void)
{
	SHARE("a", NULL, 0x80000000, 0x2000), SHARE("b", NULL, 0x80001000, 0x1000);
}

static void shm_too_high(void) { SHARE("a", NULL, UINT64_C(1) << 40, 0x1000); }
static void shm_twice(void)
{
	SHARE("a", NULL, 0x80000000, 0x1000), SHARE("a", NULL, 0x90000000, 0x1000);
}

static void shm_no_ram(void) { SHARE("a", NULL, 0x1000, 0x80000000, 0x1000); }
static void shm_viaduct(void) { SHARE("a", NULL, RAM_BASE + 0x1000, 0x80000000, 0x1000); }
static void shm_huge(void) { SHARE("a", NULL, 0x100000000, GIB(8)); }
static void shm_owner(void) { SHARE("a", "owner", 0x80000000, 0x1000); }
static void shm_larger(void) { SHARE("a", NULL, 0x80000000, 0x2000); }
static void shm_at(void) { SHARE("a", NULL, 0x90000000, 0x80000000, 0x1000); }
static void shm_other(void) { SHARE("b", NULL, 0x90000000, 0x80000000, 0x1000); }
static const struct refusal refusals[] = {
	{ "shm role",
	  { { "a", 1, 64, .extra = shm_odd_role } },
	  0,
	  "shm-a: role is malformed; give \"borrower\" or \"owner\"" },
	{ "shm name", { { "a", 1, 64, .extra = shm_long_name } }, 0, "xen,shm-id is malformed" },
	{ "shm numbers",
	  { { "a", 1, 64, .extra = shm_one_number } },
	  0,
	  "xen,shared-mem is malformed" },
	{ "shm not whole pages",
	  { { "a", 1, 64, .extra = shm_unaligned } },
	  0,
	  "xen,shared-mem is malformed" },
	{ "shm wraps", { { "a", 1, 64, .extra = shm_wraps } }, 0, "xen,shared-mem is malformed" },
	{ "shm empty", { { "a", 1, 64, .extra = shm_empty } }, 0, "xen,shared-mem is malformed" },
	{ "shm over RAM",
	  { { "a", 1, 64, .extra = shm_over_ram } },
	  0,
	  "shared memory \"a\" at guest address 0x43fff000 to 0x44000fff overlaps its RAM" },
	{ "shm over the GIC",
	  { { "a", 1, 64, .extra = shm_over_gic } },
	  0,
	  "overlaps its interrupt controller" },
	{ "shm over shm",
	  { { "a", 1, 64, .extra = shm_over_itself } },
	  0,
	  "overlaps its other shared memory" },
	{ "shm too high",
	  { { "a", 1, 64, .extra = shm_too_high } },
	  0,
	  "outside its address space" },
	{ "shm twice", { { "a", 1, 64, .extra = shm_twice } }, 0, "it is listed twice" },
	{ "shm not RAM",
	  { { "a", 1, 64, .extra = shm_no_ram } },
	  0,
	  "xen,shared-mem at 0x1000 to 0x1fff is not RAM" },
	{ "shm inside Viaduct",
	  { { "a", 1, 64, .extra = shm_viaduct } },
	  0,
	  "overlaps Viaduct itself" },
	{ "shm larger than memory",
	  { { "a", 1, 64, .extra = shm_huge } },
	  0,
	  "no free memory for shared memory \"a\"" },
	{ "shm two owners",
	  { { "a", 1, 64, .extra = shm_owner }, { "b", 1, 64, .extra = shm_owner } },
	  1,
	  "another guest is its owner already" },
	{ "shm sizes",
	  { { "a", 1, 64, .extra = shm_owner }, { "b", 1, 64, .extra = shm_larger } },
	  1,
	  "another size or host address in guest \"a\"" },
	{ "shm addresses",
	  { { "a", 1, 64, .extra = shm_owner }, { "b", 1, 64, .extra = shm_at } },
	  1,
	  "another size or host address" },
	{ "shm names",
	  { { "a", 1, 64, .extra = shm_at }, { "b", 1, 64, .extra = shm_other } },
	  1,
	  "overlaps shared memory of guest a" },
};

static void refuses(void **state) { check_refusals(refusals, ARRAY_SIZE(refusals)); }

static void shm_two(void) { shm_at(), SHARE("c", "borrower", 0xa0000000, 0x3000); }
static void shm_two_more(void)
{
	SHARE("c", "owner", 0x80000000, 0x3000), SHARE("a", NULL, 0xc0000000, 0x1000);
}

static void memory_is_shared_by_name(void **state)
{
	static const struct decl g[] = { { "a", 1, 64, .extra = shm_two },
					 { "b", 1, 64, .extra = shm_two_more } };
	const struct plan_region *a = plan.guest[0].region, *b = plan.guest[1].region;

	starts(g, 2);
	assert_int_equal(plan.guest[0].region_count, 2);
	assert_int_equal(a[0].pa.base, 0x90000000);
	assert_int_equal(b[1].pa.base, 0x90000000);
	assert_int_equal(b[1].ipa, 0xc0000000);
	assert_int_equal(a[1].pa.base, b[0].pa.base);
	assert_true(a[0].first && a[1].first && !b[0].first && !b[1].first && b[0].owner);
	for (unsigned i = 0; i < 2; i++)
		assert_false(range_overlaps(a[1].pa,
					    (struct range){ plan.guest[i].ram[0].pa.v, MIB(64) }));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(refuses, setup),
		cmocka_unit_test_setup(memory_is_shared_by_name, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
