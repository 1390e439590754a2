/* SPDX-License-Identifier: Apache-2.0 */
/* Device-tree reading: cells, translation, interrupts through nexuses. Trees are built here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <libfdt.h>

#include <host_early.h>
#include <hv/dt.h>

static uint8_t blob[16384];

static void check(int err) { assert_int_equal(err, 0); }

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

static void node(const char *name) { check(fdt_begin_node(blob, name)); }

static void end(void) { check(fdt_end_node(blob)); }

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
	check(fdt_property(blob, "power-domains", NULL, 0));
	node("inner"); /* identity */
	CELLS("#address-cells", 1);
	CELLS("#size-cells", 1);
	check(fdt_property(blob, "ranges", NULL, 0));
	CELLS("reg", 0x1000, 0x10);
	node("dev");
	CELLS("reg", 0x1800, 0x800, 0x9000, 0x1000, 0x1f00, 0x200, 0x3000, 0x10);
	check(fdt_property_string(blob, "status", "disabled"));
	node("child");
	end();
	node("fed");
	check(fdt_property(blob, "viaduct,powered", NULL, 0));
	end();
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
	node("aliases");
	check(fdt_property_string(blob, "console", "/timer"));
	check(fdt_property_string(blob, "relative", "timer"));
	check(fdt_property(blob, "unterminated", "/timer", 6));
	check(fdt_property(blob, "empty", NULL, 0));
	end();
	finish();
	assert_int_equal(dt_check(blob, sizeof(blob)), HV_OK);
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
	a = 0x8010;
	assert_int_equal(dt_translate(blob, at("/bus@20000000"), &a, 1), HV_OK);
	assert_int_equal(a, 0x900000010);
	a = 0x8010;
	assert_int_equal(dt_translate(blob, 0, &a, 1), HV_OK);
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
	int named;

	build();
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(dt_interrupt(blob, at(cases[i].path), cases[i].i, &irq),
				 cases[i].s);
		if (cases[i].s == HV_OK) {
			assert_int_equal(irq.intid, cases[i].intid);
			assert_int_equal(irq.edge, cases[i].edge);
		}
	}
	named = dt_list_index(blob, at("/timer"), "interrupt-names", "phys");
	assert_int_equal(dt_interrupt(blob, at("/timer"), (unsigned)named, &irq), HV_OK);
	assert_int_equal(irq.intid, 30);
	assert_int_equal(dt_list_index(blob, at("/timer"), "interrupt-names", "hyp"), -1);
}

static void test_malformed_properties_fall_back(void **state)
{
	int n, g;

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
	assert_false(dt_enabled(blob, at("/bus@20000000/inner/dev/child"))); /* of a disabled one */
	assert_true(dt_enabled(blob, at("/bus@20000000/inner")));
	assert_true(dt_has_power(blob, n));
	assert_false(dt_has_power(blob, at("/bus@20000000")));
	assert_false(dt_has_power(blob, at("/bus@20000000/inner/dev/child")));
	assert_true(dt_has_power(blob, at("/bus@20000000/inner/dev/fed")));
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
		{ 23, "...@20000000/inner/dev" },
		{ 8, ".../dev" },
		{ 7, "...dev" },
		{ 4, "..." },
		{ 3, ".." },
		{ 1, "" },
	};
	char buf[64];

	build();
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		memset(buf, 'x', sizeof(buf));
		dt_path(blob, at("/bus@20000000/inner/dev"), buf, cases[i].size);
		assert_true(strlen(buf) < cases[i].size);
		assert_string_equal(buf, cases[i].want);
	}
	assert_string_equal(dt_path(blob, 0, buf, sizeof(buf)), "");
}

/* A blob with this structure block, and "abc" as strings. Exactly as long as it says. */
static void *raw(const uint32_t *tokens, unsigned count)
{
	uint32_t head[] = { FDT_MAGIC, 0, 56, 56 + 4 * count, 40, 17, 16, 0, 4, 4 * count };
	uint8_t *b;

	head[1] = head[3] + head[8];
	b = calloc(1, head[1]);
	assert_non_null(b);
	for (unsigned i = 0; i < ARRAY_SIZE(head); i++)
		fdt32_st(b + 4 * i, head[i]);
	for (unsigned i = 0; i < count; i++)
		fdt32_st(b + 56 + 4 * i, tokens[i]);
	memcpy(b + head[3], "abc", 4);
	return b;
}

/* Begin node 1, end node 2, property 3 (length, name), nop 4, end 9. */
static void test_malformed_structures_are_refused(void **state)
{
	static const struct {
		const char *rule;
		uint32_t token[10];
		unsigned count;
		enum hv_status s;
	} cases[] = {
		{ "a root alone", { 1, 0, 2, 9 }, 4, HV_OK },
		{ "nothing behind the end matters", { 1, 0, 2, 9, 7 }, 5, HV_OK },
		{ "nops", { 1, 0, 4, 2, 4, 9 }, 6, HV_OK },
		{ "a property", { 1, 0, 3, 4, 3, 0, 2, 9 }, 8, HV_OK },
		{ "a child", { 1, 0, 1, 0x61616100, 2, 2, 9 }, 7, HV_OK },
		{ "empty", { 0 }, 0, HV_EINVAL },
		{ "no root", { 9 }, 1, HV_EINVAL },
		{ "nop before the root", { 4, 1, 0, 2, 9 }, 5, HV_EINVAL },
		{ "property before the root", { 3, 0, 0, 1, 0, 2, 9 }, 7, HV_EINVAL },
		{ "property behind the root", { 1, 0, 2, 3, 0, 0, 9 }, 7, HV_EINVAL },
		{ "two roots", { 1, 0, 2, 1, 0, 2, 9 }, 7, HV_EINVAL },
		{ "node left open", { 1, 0, 9 }, 3, HV_EINVAL },
		{ "node closed twice", { 1, 0, 2, 2, 9 }, 5, HV_EINVAL },
		{ "no end", { 1, 0, 2 }, 3, HV_EINVAL },
		{ "unknown token", { 1, 0, 5, 2, 9 }, 5, HV_EINVAL },
		{ "name without an end", { 1, 0x61616161 }, 2, HV_EINVAL },
		{ "no name", { 1 }, 1, HV_EINVAL },
		{ "half a property", { 1, 0, 3, 0 }, 4, HV_EINVAL },
		{ "value beyond the block", { 1, 0, 3, 9, 0, 2, 9 }, 7, HV_EINVAL },
		{ "length that wraps", { 1, 0, 3, 0xfffffff8, 0, 2, 9 }, 7, HV_EINVAL },
		{ "property name outside", { 1, 0, 3, 0, 4, 2, 9 }, 7, HV_EINVAL },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		void *b = raw(cases[i].token, cases[i].count);

		if (dt_check(b, fdt_totalsize(b)) != cases[i].s)
			fail_msg("%s", cases[i].rule);
		free(b);
	}
}

static void test_malformed_headers_are_refused(void **state)
{
	static const uint32_t tree[] = { 1, 0, 2, 9 };
	static const struct {
		const char *rule;
		unsigned word;
		uint32_t value;
		enum hv_status s;
	} cases[] = {
		{ "as it is", 7, 0, HV_OK },
		{ "magic", 0, 0xd00dfeee, HV_EINVAL },
		{ "longer than the most", 1, 77, HV_EINVAL },
		{ "shorter than its blocks", 1, 75, HV_EINVAL },
		{ "structure outside", 2, 64, HV_EINVAL },
		{ "structure far outside", 2, 0xfffffff0, HV_EINVAL },
		{ "structure not aligned", 2, 54, HV_EINVAL },
		{ "strings outside", 3, 73, HV_EINVAL },
		{ "strings without an end", 8, 3, HV_EINVAL },
		{ "reservations without an end", 4, 56, HV_EINVAL },
		{ "reservations outside", 4, 0xfffffff8, HV_EINVAL },
		{ "reservations not aligned", 4, 44, HV_EINVAL },
		{ "version without sizes", 5, 16, HV_EINVAL },
		{ "incompatible version", 6, 18, HV_EINVAL },
		{ "structure without its end", 9, 12, HV_EINVAL },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint8_t *b = raw(tree, 4);

		fdt32_st(b + 4 * cases[i].word, cases[i].value);
		if (dt_check(b, 76) != cases[i].s)
			fail_msg("%s", cases[i].rule);
		assert_int_equal(dt_check(b, 39), HV_EINVAL);
		free(b);
	}
}

static void same_node(int node)
{
	int child = fdt_first_subnode(blob, node), next = fdt_next_subnode(blob, node), at = node,
	    p;
	int up = fdt_parent_offset(blob, node);
	struct dt_prop d;
	char ours[128], theirs[128];
	const char *name;

	assert_int_equal(dt_parent(blob, node), MAX(up, -1));
	assert_int_equal(dt_first_child(blob, node), MAX(child, -1));
	assert_int_equal(dt_next_sibling(blob, node), MAX(next, -1));
	assert_int_equal(dt_phandle(blob, node), fdt_get_phandle(blob, node));
	assert_string_equal(dt_name(blob, node), fdt_get_name(blob, node, NULL));
	check(fdt_get_path(blob, node, theirs, sizeof(theirs)));
	assert_string_equal(dt_path(blob, node, ours, sizeof(ours)), node ? theirs : "");
	assert_int_equal(dt_find(blob, theirs), node);
	fdt_for_each_property_offset(p, blob, node)
	{
		int len;

		at = dt_next_prop(blob, at, &d);
		assert_int_equal(at, p);
		assert_ptr_equal(d.data, fdt_getprop_by_offset(blob, p, &name, &len));
		assert_string_equal(d.name, name);
		assert_int_equal(d.len, len);
	}
	assert_int_equal(dt_next_prop(blob, at, &d), -1);
}

/* Also over the holes that libfdt leaves where something was taken out. */
static void test_every_node_is_as_libfdt_sees_it(void **state)
{
	static const char *const gone[] = { "/gic@8000000", "/bus@20000000/inner", "/nexus/a@4" };

	for (size_t round = 0; round <= ARRAY_SIZE(gone); round++) {
		build();
		for (size_t i = 0; i < round; i++)
			check(i % 2 ? fdt_nop_property(blob, at(gone[i]), "reg") :
				      fdt_nop_node(blob, at(gone[i])));
		assert_int_equal(dt_check(blob, sizeof(blob)), HV_OK);
		for (int n = 0; n >= 0; n = fdt_next_node(blob, n, NULL))
			same_node(n);
		for (uint32_t p = 0; p < 5; p++)
			assert_int_equal(dt_by_phandle(blob, p),
					 MAX(fdt_node_offset_by_phandle(blob, p), -1));
	}
	assert_int_equal(dt_first_child(blob, -1), -1);
	assert_int_equal(dt_u32(blob, -1, "reg", 5), 5);
}

static void test_paths_and_aliases_are_found(void **state)
{
	static const struct {
		const char *path, *want;
	} cases[] = {
		{ "/", "/" },
		{ "/gic@8000000", "/gic@8000000" },
		{ "/gic", "/gic@8000000" },
		{ "/gic@8", NULL },
		{ "/gi", NULL },
		{ "/bus/inner//dev:115200n8", "/bus@20000000/inner/dev" },
		{ "/bus/inner/dev/", "/bus@20000000/inner/dev" },
		{ "console", "/timer" },
		{ "console:9600", "/timer" },
		{ "con", NULL },
		{ "relative", NULL },
		{ "unterminated", NULL },
		{ "empty", NULL },
		{ "", NULL },
		{ ":9600", NULL },
	};

	build();
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		if (dt_find(blob, cases[i].path) != (cases[i].want ? at(cases[i].want) : -1))
			fail_msg("%s", cases[i].path);
}

static void test_too_deep_a_node_has_no_address(void **state)
{
	char path[16];
	int n;

	begin();
	for (unsigned i = 0; i < 40; i++) {
		node("n");
		CELLS("reg", 1, 1);
		check(fdt_property(blob, "ranges", NULL, 0));
	}
	for (unsigned i = 0; i < 40; i++)
		end();
	finish();
	assert_int_equal(dt_check(blob, sizeof(blob)), HV_OK);
	n = 0;
	for (unsigned depth = 0; depth < 40; depth++) {
		int child = dt_first_child(blob, n);

		assert_int_equal(dt_parent(blob, child), depth + 1 < 32 ? n : -1);
		dt_path(blob, child, path, sizeof(path));
		if (depth >= 31)
			assert_string_equal(path, "");
		else if (depth >= 7)
			assert_string_equal(path, ".../n/n/n/n/n/n");
		n = child;
	}
}

static void test_a_string_is_found_in_a_list(void **state)
{
	int n;

	build();
	n = at("/timer");
	assert_int_equal(dt_list_index(blob, n, "interrupt-names", "sec"), 0);
	assert_int_equal(dt_list_index(blob, n, "interrupt-names", "edge"), 2);
	assert_int_equal(dt_list_index(blob, n, "interrupt-names", "edg"), -1);
	assert_int_equal(dt_list_index(blob, n, "interrupt-names", ""), -1);
	assert_int_equal(dt_list_index(blob, n, "none", "sec"), -1);
	assert_int_equal(dt_list_index(blob, at("/chosen/module"), "unterminated", "abc"), -1);
}

/* start() copies no more than this. */
static void test_a_copy_of_the_used_part_reads_the_same(void **state)
{
	size_t used;
	void *copy;

	build();
	check(fdt_open_into(blob, blob, sizeof(blob)));
	assert_int_equal(fdt_totalsize(blob), sizeof(blob));
	used = dt_used_size(blob);
	assert_true(used < 4096);
	copy = malloc(used);
	assert_non_null(copy);
	memcpy(copy, blob, used);
	for (int n = 0; n >= 0; n = fdt_next_node(blob, n, NULL)) {
		assert_string_equal(dt_name(copy, n), dt_name(blob, n));
		assert_int_equal(dt_next_sibling(copy, n), dt_next_sibling(blob, n));
		assert_int_equal(dt_phandle(copy, n), dt_phandle(blob, n));
	}
	free(copy);
}

static uint32_t random_state;

static unsigned below(unsigned n)
{
	random_state = random_state * 1664525 + 1013904223;
	return (random_state >> 8) % n;
}

/* Up to ten nodes a level, with compatibles, phandles of either name, or none. */
static void random_nodes(unsigned depth)
{
	static const char *const names[] = { "phandle", "linux,phandle" };

	for (unsigned n = below(10); n; n--) {
		node("n");
		if (below(3))
			check(fdt_property(blob, "compatible", "a\0b\0c" + 2 * below(3), 2));
		if (!below(4))
			check(fdt_property(blob, "compatible", "b\0c", 4));
		if (below(2))
			check(fdt_property_u32(blob, names[below(2)], 1 + below(20)));
		if (depth < 4 && !below(3))
			random_nodes(depth + 1);
		end();
	}
}

/* What asks for nodes says the same of a tree with an index as of its copy without one. */
static void same_answers(const void *plain)
{
	static const char *const kinds[] = { "a", "b", "c", "d", NULL };

	for (int n = -1; n < 0x4000 && n < (int)fdt_size_dt_struct(blob); n++) {
		int depth = 5, plain_depth = 5;

		if (n >= 0 && fdt_next_node(blob, n, NULL) == -FDT_ERR_BADOFFSET)
			continue; /* no node */
		for (unsigned i = 0; i < 5; i++)
			assert_int_equal(dt_next(blob, n, kinds[i]), dt_next(plain, n, kinds[i]));
		if (n < 0)
			continue;
		assert_int_equal(dt_next_node(blob, n, &depth),
				 dt_next_node(plain, n, &plain_depth));
		assert_int_equal(depth, plain_depth);
		assert_int_equal(dt_parent(blob, n), dt_parent(plain, n));
		assert_int_equal(dt_next_sibling(blob, n), dt_next_sibling(plain, n));
		assert_int_equal(dt_first_child(blob, n), dt_first_child(plain, n));
	}
	for (uint32_t phandle = 0; phandle < 25; phandle++)
		assert_int_equal(dt_by_phandle(blob, phandle), dt_by_phandle(plain, phandle));
	for (unsigned i = 0; i < 5; i++)
		assert_int_equal(dt_count(blob, kinds[i]), dt_count(plain, kinds[i]));
}

static void test_an_index_changes_no_answer(void **state)
{
	static uint8_t plain[sizeof(blob)], moved[sizeof(blob)];

	for (random_state = 0; random_state < 300; random_state++) {
		uint32_t seed = random_state;

		begin();
		random_nodes(0);
		finish();
		random_state = seed;
		memcpy(plain, blob, sizeof(blob));
		host_early(0);
		dt_index(blob);
		same_answers(plain);
		dt_index_moved(moved); /* what was there is answered along its tokens again */
		same_answers(plain);
	}
	build();
	memcpy(plain, blob, sizeof(blob));
	host_early(0);
	dt_index(plain);
	memset(blob, 0, sizeof(blob));
	memcpy(moved, plain, sizeof(moved));
	dt_index_moved(moved);
	memcpy(blob, plain, sizeof(blob));
	dt_index_moved(blob);
	same_answers(moved);
}

/* A node with two phandles, and one too deep: answered along the tokens. */
static void test_a_tree_that_is_not_one_for_an_index(void **state)
{
	begin();
	node("a");
	CELLS("phandle", 1);
	CELLS("linux,phandle", 2);
	end();
	finish();
	host_early(0);
	dt_index(blob);
	assert_int_equal(dt_by_phandle(blob, 1), at("/a"));
	assert_int_equal(dt_by_phandle(blob, 2), at("/a"));
	begin();
	for (unsigned i = 0; i < 40; i++)
		node("a");
	for (unsigned i = 0; i < 40; i++)
		end();
	finish();
	dt_index(blob);
	assert_int_equal(dt_parent(blob, at("/a/a")), at("/a"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reg_is_translated_through_all_parents),
		cmocka_unit_test(test_interrupts_reach_the_gic),
		cmocka_unit_test(test_malformed_properties_fall_back),
		cmocka_unit_test(test_paths_are_always_terminated),
		cmocka_unit_test(test_malformed_structures_are_refused),
		cmocka_unit_test(test_malformed_headers_are_refused),
		cmocka_unit_test(test_every_node_is_as_libfdt_sees_it),
		cmocka_unit_test(test_paths_and_aliases_are_found),
		cmocka_unit_test(test_too_deep_a_node_has_no_address),
		cmocka_unit_test(test_a_string_is_found_in_a_list),
		cmocka_unit_test(test_an_index_changes_no_answer),
		cmocka_unit_test(test_a_tree_that_is_not_one_for_an_index),
		cmocka_unit_test(test_a_copy_of_the_used_part_reads_the_same),
	};

	return cmocka_run_group_tests_name("dt", tests, NULL, NULL);
}
