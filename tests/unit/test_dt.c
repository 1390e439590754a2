/* Device-tree reading: cells, translation, interrupts through nexuses. Trees are built here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <libfdt.h>

#include <hv/dt.h>

static uint8_t blob[16384];

static void check(int err)
{
	assert_int_equal(err, 0);
}

static void prop_cells(const char *name, const uint32_t *v, unsigned n)
{
	fdt32_t c[64];

	assert_true(n <= 64);
	for (unsigned i = 0; i < n; i++)
		c[i] = cpu_to_fdt32(v[i]);
	check(fdt_property(blob, name, c, (int)(4 * n)));
}

#define CELLS(name, ...)                                                                           \
	do {                                                                                       \
		static const uint32_t v_[] = { __VA_ARGS__ };                                      \
		prop_cells(name, v_, sizeof(v_) / 4);                                              \
	} while (0)

static void begin(void)
{
	check(fdt_create(blob, sizeof(blob)));
	check(fdt_finish_reservemap(blob));
	check(fdt_begin_node(blob, ""));
}

static void node(const char *name)
{
	check(fdt_begin_node(blob, name));
}

static void end(void)
{
	check(fdt_end_node(blob));
}

static void finish(void)
{
	end();
	check(fdt_finish(blob));
}

static int at(const char *path)
{
	int n = fdt_path_offset(blob, path);

	assert_true(n >= 0);
	return n;
}

static void build(void)
{
	begin();
	CELLS("#address-cells", 2);
	CELLS("#size-cells", 2);
	CELLS("interrupt-parent", 1);
	node("gic@8000000");
	check(fdt_property_string(blob, "compatible", "arm,gic-v3"));
	check(fdt_property(blob, "interrupt-controller", NULL, 0));
	CELLS("#interrupt-cells", 3);
	CELLS("#address-cells", 2);
	CELLS("phandle", 1);
	CELLS("reg", 0, 0x8000000, 0, 0x10000, 1, 0x80a0000, 0, 0xf60000);
	end();
	node("timer");
	CELLS("interrupts", 1, 13, 4, 1, 14, 8, 0, 40, 1, 2, 1, 4, 0, 988, 4);
	check(fdt_property(blob, "interrupt-names", "sec\0phys\0edge", 14));
	end();
	node("bus@20000000"); /* child 0x1000 is 0x2000_1000; 1 address cell */
	CELLS("#address-cells", 1);
	CELLS("#size-cells", 1);
	CELLS("ranges", 0x1000, 0, 0x20001000, 0x1000, 0x8000, 0x9, 0x0, 0x8000);
	node("inner"); /* identity */
	CELLS("#address-cells", 1);
	CELLS("#size-cells", 1);
	check(fdt_property(blob, "ranges", NULL, 0));
	CELLS("reg", 0x1000, 0x10);
	node("dev");
	CELLS("reg", 0x1800, 0x800, 0x9000, 0x1000, 0x1f00, 0x200, 0x3000, 0x10);
	check(fdt_property_string(blob, "status", "disabled"));
	end();
	end();
	end();
	node("nexus"); /* 1 unit cell, 1 interrupt cell, to the GIC */
	CELLS("#address-cells", 1);
	CELLS("#size-cells", 0);
	CELLS("#interrupt-cells", 1);
	CELLS("phandle", 2);
	CELLS("interrupt-parent", 2);
	CELLS("interrupt-map-mask", 0x3, 0xff);
	CELLS("interrupt-map", 0, 5, 1, 0, 0, 0, 99, 4, /* unit 0, irq 5 */
	      1, 5, 1, 0, 0, 0, 100, 1);
	node("a@4");
	CELLS("reg", 4);
	CELLS("interrupts", 5);
	end();
	node("b@5");
	CELLS("reg", 5);
	CELLS("interrupts", 5, 6);
	CELLS("interrupts-extended", 2, 5, 1, 0, 7, 4);
	end();
	end();
	node("loop"); /* an interrupt nexus that maps to itself */
	CELLS("#address-cells", 0);
	CELLS("#interrupt-cells", 1);
	CELLS("phandle", 3);
	CELLS("interrupt-map", 1, 3, 1);
	node("c");
	CELLS("interrupt-parent", 3);
	CELLS("interrupts", 1);
	end();
	end();
	node("chosen");
	CELLS("#address-cells", 2);
	CELLS("#size-cells", 2);
	node("module@50000000");
	CELLS("reg", 0, 0x50000000, 0, 0x2000);
	CELLS("odd", 1, 2);
	CELLS("seven", 7);
	check(fdt_property(blob, "unterminated", "abc", 3));
	check(fdt_property_string(blob, "status", "ok"));
	end();
	end();
	finish();
	check(fdt_check_full(blob, sizeof(blob)));
}

static void test_reg_is_translated_through_all_parents(void **state)
{
	static const struct {
		const char *path;
		unsigned i;
		enum hv_status s;
		uint64_t base, size;
	} cases[] = {
		{ "/gic@8000000", 0, HV_OK, 0x8000000, 0x10000 },
		{ "/gic@8000000", 1, HV_OK, 0x1080a0000, 0xf60000 },
		{ "/gic@8000000", 2, HV_ENOENT, 0, 0 },
		{ "/timer", 0, HV_ENOENT, 0, 0 },
		{ "/bus@20000000/inner", 0, HV_OK, 0x20001000, 0x10 },
		{ "/bus@20000000/inner/dev", 0, HV_OK, 0x20001800, 0x800 },
		{ "/bus@20000000/inner/dev", 1, HV_OK, 0x900001000, 0x1000 },
		{ "/bus@20000000/inner/dev", 2, HV_ENOENT, 0, 0 }, /* leaves its window */
		{ "/bus@20000000/inner/dev", 3, HV_ENOENT, 0, 0 },
		{ "/chosen/module@50000000", 0, HV_ENOENT, 0, 0 }, /* no ranges */
	};
	struct range r;
	uint64_t a;

	(void)state;
	build();
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(dt_reg(blob, at(cases[i].path), cases[i].i, &r), cases[i].s);
		if (cases[i].s == HV_OK) {
			assert_int_equal(r.base, cases[i].base);
			assert_int_equal(r.size, cases[i].size);
		}
	}
	assert_int_equal(dt_reg_raw(blob, at("/chosen/module@50000000"), 0, &r), HV_OK);
	assert_int_equal(r.base, 0x50000000);
	assert_int_equal(dt_translate(blob, at("/bus@20000000"), 0x8010, &a), HV_OK);
	assert_int_equal(a, 0x900000010);
	assert_int_equal(dt_translate(blob, 0, 0x8010, &a), HV_OK);
	assert_int_equal(a, 0x8010);
}

static void test_interrupts_reach_the_gic(void **state)
{
	static const struct {
		const char *path;
		unsigned i;
		enum hv_status s;
		uint32_t intid;
		bool edge;
	} cases[] = {
		{ "/timer", 0, HV_OK, 29, false },
		{ "/timer", 1, HV_OK, 30, false },
		{ "/timer", 2, HV_OK, 72, true },
		{ "/timer", 3, HV_EUNSUPP, 0, false },
		{ "/timer", 4, HV_EINVAL, 0, false },
		{ "/timer", 5, HV_ENOENT, 0, false },
		{ "/nexus/a@4", 0, HV_OK, 131, false },
		{ "/nexus/b@5", 0, HV_OK, 132, true }, /* interrupts-extended wins */
		{ "/nexus/b@5", 1, HV_OK, 39, false },
		{ "/loop/c", 0, HV_EINVAL, 0, false },
		{ "/chosen", 0, HV_ENOENT, 0, false },
	};
	struct dt_irq irq;

	(void)state;
	build();
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(dt_interrupt(blob, at(cases[i].path), cases[i].i, &irq),
				 cases[i].s);
		if (cases[i].s == HV_OK) {
			assert_int_equal(irq.intid, cases[i].intid);
			assert_int_equal(irq.edge, cases[i].edge);
		}
	}
	assert_int_equal(dt_interrupt_named(blob, at("/timer"), "phys", &irq), HV_OK);
	assert_int_equal(irq.intid, 30);
	assert_int_equal(dt_interrupt_named(blob, at("/timer"), "hyp", &irq), HV_ENOENT);
}

static void test_malformed_properties_fall_back(void **state)
{
	int n, g;

	(void)state;
	build();
	n = at("/chosen/module@50000000");
	g = at("/gic@8000000");
	assert_int_equal(dt_u32(blob, n, "odd", 9), 9);
	assert_int_equal(dt_u32(blob, n, "seven", 9), 7);
	assert_int_equal(dt_u32(blob, n, "none", 9), 9);
	assert_null(dt_string(blob, n, "unterminated"));
	assert_null(dt_string(blob, n, "none"));
	assert_string_equal(dt_string(blob, g, "compatible"), "arm,gic-v3");
	assert_true(dt_bool(blob, g, "interrupt-controller"));
	assert_false(dt_bool(blob, g, "interrupt-map"));
	assert_true(dt_enabled(blob, n));
	assert_true(dt_enabled(blob, g));
	assert_false(dt_enabled(blob, at("/bus@20000000/inner/dev")));
	assert_int_equal(dt_next(blob, -1, "arm,gic-v3"), g);
	assert_true(dt_next(blob, g, "arm,gic-v3") < 0);
	assert_true(dt_compatible(blob, g, "arm,gic-v3"));
	assert_false(dt_compatible(blob, g, "arm,gic"));
}

static void test_paths_are_always_terminated(void **state)
{
	static const struct {
		size_t size;
		const char *want;
	} cases[] = {
		{ 64, "/bus@20000000/inner/dev" },
		{ 24, "/bus@20000000/inner/dev" },
		{ 23, ".../dev" },
		{ 8, ".../dev" },
		{ 7, "dev..." },
		{ 4, "..." },
		{ 3, "de" },
		{ 1, "" },
	};
	char buf[64];

	(void)state;
	build();
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		memset(buf, 'x', sizeof(buf));
		dt_path(blob, at("/bus@20000000/inner/dev"), buf, cases[i].size);
		assert_true(strlen(buf) < cases[i].size);
		assert_string_equal(buf, cases[i].want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reg_is_translated_through_all_parents),
		cmocka_unit_test(test_interrupts_reach_the_gic),
		cmocka_unit_test(test_malformed_properties_fall_back),
		cmocka_unit_test(test_paths_are_always_terminated),
	};

	return cmocka_run_group_tests_name("dt", tests, NULL, NULL);
}
