/* SPDX-License-Identifier: Apache-2.0 */
/* Reading the board: RAM, reservations, CPUs, PSCI; and trees that are refused with a reason. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <libfdt.h>

#include <host.h>
#include <host_early.h>
#include <hv/board.h>

static uint8_t blob[1 << 20];
static struct board b;

static void check(int err) { assert_int_equal(err, 0); }

static void prop(const char *name, const void *p, size_t n)
{
	check(fdt_property(blob, name, p, (int)n));
}

static void str(const char *name, const char *s) { prop(name, s, strlen(s) + 1); }

static void u32(const char *name, uint32_t v) { check(fdt_property_u32(blob, name, v)); }

static void u64s(const char *name, const uint64_t *v, unsigned n)
{
	fdt64_t c[16];

	for (unsigned i = 0; i < n; i++)
		c[i] = cpu_to_fdt64(v[i]);
	prop(name, c, n * 8);
}

#define U64S(name, ...)                                                                            \
	u64s(name, (const uint64_t[]){ __VA_ARGS__ }, sizeof((const uint64_t[]){ __VA_ARGS__ }) / 8)

static void node(const char *name) { check(fdt_begin_node(blob, name)); }

static void end(void) { check(fdt_end_node(blob)); }

static void begin(void)
{
	check(fdt_create(blob, sizeof(blob)));
	check(fdt_add_reservemap_entry(blob, 0x80001800, 0x1000));
	check(fdt_finish_reservemap(blob));
	node("");
	u32("#address-cells", 2);
	u32("#size-cells", 2);
}

static enum hv_status finish(void)
{
	end();
	check(fdt_finish(blob));
	host_log_clear();
	host_early(0);
	return board_read(blob, &b);
}

static void memory(const char *name)
{
	node(name);
	str("device_type", "memory");
}

static void cpu(uint64_t reg, unsigned cells, const char *method, const char *status)
{
	char name[32];

	snprintf(name, sizeof(name), "cpu@%lx", (unsigned long)reg);
	node(name);
	str("device_type", "cpu");
	if (cells == 2)
		U64S("reg", reg);
	else
		u32("reg", (uint32_t)reg);
	if (method)
		str("enable-method", method);
	if (status)
		str("status", status);
	end();
}

static void cpus(unsigned cells)
{
	node("cpus");
	u32("#address-cells", cells);
	u32("#size-cells", 0);
}

static void psci(const char *compatible, const char *method)
{
	node("psci");
	str("compatible", compatible);
	if (method)
		str("method", method);
	end();
}

/* Like Juno: two banks, two clusters with a gap in the affinities. */
/* A node with one interrupt of the GIC's. */
static void monitors(const char *compatible, uint32_t type, uint32_t number)
{
	fdt32_t cells[3] = { cpu_to_fdt32(type), cpu_to_fdt32(number), cpu_to_fdt32(4) };

	node(compatible);
	str("compatible", compatible);
	u32("interrupt-parent", 1);
	prop("interrupts", cells, sizeof(cells));
	end();
}

static void reads_a_board(void **state)
{
	begin();
	memory("memory@80000000");
	U64S("reg", 0x80000000, 0x7f000000, 0x880000000, 0x180000000);
	end();
	memory("memory@0");
	str("status", "disabled");
	U64S("reg", 0, 0x1000);
	end();
	memory("memory@900000800");
	U64S("reg", 0xa00000800, 0x2000);
	end();
	node("reserved-memory");
	u32("#address-cells", 2);
	u32("#size-cells", 2);
	node("fw@fe000000");
	U64S("reg", 0xfe000000, 0x100, 0x900000000, 0x1001);
	end();
	node("dynamic");
	U64S("size", 0x1000);
	end();
	end();
	cpus(2);
	node("cpu-map");
	end();
	cpu(0x100, 2, "psci", NULL);
	cpu(0x80000000, 2, "psci", NULL);
	cpu(0x1, 2, "psci", "disabled");
	cpu(0x2, 2, "spin-table", NULL);
	cpu(0x200000101, 2, NULL, NULL);
	end();
	psci("arm,psci-0.2", "smc");
	node("gic@1");
	str("compatible", "arm,gic-v3");
	u32("#interrupt-cells", 3);
	u32("phandle", 1);
	prop("interrupt-controller", NULL, 0);
	end();
	monitors("arm,dsu-pmu", 0, 9);
	monitors("arm,cortex-a53-pmu", 1, 7);
	monitors("arm,armv8-pmuv3", 1, 8);
	assert_int_equal(finish(), HV_OK);
	assert_int_equal(b.pmu_intid, 23);
	assert_int_equal(b.ram_count, 3);
	assert_int_equal(b.ram[1].base, 0x880000000);
	assert_int_equal(b.ram[2].base, 0xa00001000);
	assert_int_equal(b.ram[2].size, 0x1000); /* whole pages only */
	assert_int_equal(b.reserved_count, 3);
	assert_int_equal(b.reserved[0].base, 0x80001000);
	assert_int_equal(b.reserved[0].size, 0x2000);
	assert_int_equal(b.reserved[2].base, 0x900000000);
	assert_int_equal(b.reserved[2].size, 0x2000);
	assert_int_equal(b.cpu_count, 3);
	assert_int_equal(b.cpu[1].mpidr, 0);
	assert_int_equal(b.cpu[2].mpidr, 0x200000101 & 0xff00ffffff);
	assert_true(strstr(host_log(), "\"spin-table\""));
	assert_true(b.gic_node > 0);
	assert_int_equal(b.tree.base, (uintptr_t)blob);

	assert_int_equal(board_boot_cpu(&b, 0x80000000), HV_OK); /* RES1 bit, affinity 0 */
	assert_int_equal(b.cpu[0].mpidr, 0);
	assert_true(b.cpu[0].online);
	assert_int_equal(b.cpu[1].mpidr, 0x100);
	assert_false(b.cpu[1].online);
	assert_int_equal(board_boot_cpu(&b, 0x7), HV_ENOENT);
}

static void ram_is_every_byte(void **state)
{
	static const struct {
		struct range r;
		bool ram;
	} cases[] = {
		{ { 0x1000, 0x1000 }, true },   { { 0x1000, 0x3000 }, true }, /* adjacent */
		{ { 0x1000, 0x3001 }, false },  { { 0xfff, 2 }, false },
		{ { 0x2fff, 1 }, true },        { { 0x3000, 0 }, false },
		{ { ~UINT64_C(0), 2 }, false }, { { 0x1000, ~UINT64_C(0) }, false },
	};

	static struct range ram[] = { { 0x2000, 0x2000 }, { 0x1000, 0x1000 } };

	b = (struct board){ .ram_count = 2, .ram = ram };
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (board_is_ram(&b, cases[i].r) != cases[i].ram)
			fail_msg("case %u", i);
}

static const struct {
	const char *rule;
	bool ram, cpu;
	const char *psci, *method;
	const char *text;
} bad[] = {
	{ "no RAM", false, true, "arm,psci-1.0", "smc", "device_type = \"memory\"" },
	{ "no CPU", true, false, "arm,psci-1.0", "smc", "no usable CPU" },
	{ "no PSCI", true, true, "arm,other", "smc", "no PSCI" },
	{ "PSCI 0.1", true, true, "arm,psci", "smc", "no PSCI 0.2" },
	{ "PSCI by HVC", true, true, "arm,psci-1.0", "hvc", "cannot be used from EL2" },
	{ "PSCI without method", true, true, "arm,psci-1.0", NULL, "has no method" },
};

static void refuses_boards(void **state)
{
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		begin();
		memory("memory@40000000");
		if (bad[i].ram)
			U64S("reg", 0x40000000, 0x10000000);
		end();
		cpus(1);
		if (bad[i].cpu)
			cpu(0, 1, "psci", NULL);
		end();
		psci(bad[i].psci, bad[i].method);
		if (finish() != HV_EINVAL || !strstr(host_log(), bad[i].text))
			fail_msg("%s: %s", bad[i].rule, host_log());
	}
}

static void long_tree(unsigned ram, unsigned reserved, unsigned cpu_nodes)
{
	begin();
	for (unsigned i = 0; i < ram; i++) {
		memory("memory");
		U64S("reg", 0x40000000 + i * UINT64_C(0x10000000), 0x1000);
		end();
	}
	node("reserved-memory");
	u32("#address-cells", 2);
	u32("#size-cells", 2);
	for (unsigned i = 0; i < reserved; i++) {
		node("r");
		U64S("reg", 0x40000000 + i * UINT64_C(0x10000), 1);
		end();
	}
	end();
	cpus(1);
	for (uint32_t i = 0; i < cpu_nodes; i++)
		cpu(i, 1, "psci", NULL);
	cpu(0, 1, "psci", NULL); /* is there already */
	end();
	psci("arm,psci-1.0", "smc");
}

/* RAM and reserved ranges have no limit; CPUs have one, and those beyond are not used. */
static void lists_are_as_long_as_the_tree_says(void **state)
{
	static const unsigned counts[] = { 1, 2, 41, 1000 };

	for (unsigned i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		long_tree(counts[i], counts[i] - 1, counts[i]);
		assert_int_equal(finish(), HV_OK);
		assert_int_equal(b.ram_count, counts[i]);
		assert_int_equal(b.ram[counts[i] - 1].base,
				 0x40000000 + (counts[i] - 1) * UINT64_C(0x10000000));
		/* and /memreserve/ */
		assert_int_equal(b.reserved_count, counts[i]);
		assert_int_equal(b.cpu_count, MIN(counts[i], MAX_CPUS));
	}
}

/* Without room for a list the boot stops with a line, before anything is allocated twice. */
static void no_memory_for_a_list_is_refused(void **state)
{
	static uint8_t little[4096] __attribute__((aligned(64)));

	long_tree(1, 300, 1);
	finish();
	pmem_reset();
	pmem_early((struct range){ (uintptr_t)little, sizeof(little) });
	host_log_clear();
	assert_int_equal(board_read(blob, &b), HV_EINVAL);
	assert_non_null(strstr(host_log(), "no memory for a list of 301 reserved ranges"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_a_board),
		cmocka_unit_test(ram_is_every_byte),
		cmocka_unit_test(refuses_boards),
		cmocka_unit_test(lists_are_as_long_as_the_tree_says),
		cmocka_unit_test(no_memory_for_a_list_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
