/* SPDX-License-Identifier: Apache-2.0 */
/* The guest's device tree: what Linux needs is there, nothing else is, and dtc has no complaint. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <libfdt.h>

#include <hv/guest_dt.h>

static uint8_t blob[65536] __attribute__((aligned(8)));
static struct guest_plan g;
static struct plan_device device[3];

static int setup(void **state)
{
	memset(device, 0, sizeof(device));
	g = (struct guest_plan){
		.gic_phandle = GUEST_PHANDLE,
		.vcpu_count = 3,
		.ram_count = 2,
		.ram = { { IPA(GUEST_RAM_BASE), PA(0), GIB(3) },
			 { IPA(GUEST_HIGH_BASE), PA(0), GIB(1) } },
		.bootargs = "console=ttyAMA0 quiet",
		.vpl011 = true,
		.entropy = { .seeded = true },
		.kaslr_seed = { 0x11, 2, 3, 4, 5, 6, 7, 8 },
		.rng_seed = { 0xaa, 0xbb },
		.has_pci = true,
		.coherent = true,
		.its = true,
		.msi = (struct msi_ctrl *)(void *)&g,
		.msi_base = IPA(GUEST_ITS_BASE),
		.device_count = 3,
		.device = device,
		.vpci = { .ecam = IPA(GUEST_ECAM_BASE),
			  .mem32 = { GUEST_MEM32_BASE, GUEST_MEM32_SIZE },
			  .mem64 = { GUEST_MEM64_BASE, GUEST_MEM64_SIZE } },
	};
	device[0].as = (struct vpci_assignment){ .devfn = 0x08, .intx_pin = 1, .intx_virq = 33 };
	device[1].as = (struct vpci_assignment){ .devfn = 0x09, .intx_pin = 1, .intx_virq = 33 };
	device[2].as = (struct vpci_assignment){ .devfn = 0x12, .intx_pin = 3, .intx_virq = 34 };
	return 0;
}

static void build(struct range initrd)
{
	assert_int_equal(guest_dt_build(&g, initrd, blob, sizeof(blob)), HV_OK);
	assert_int_equal(fdt_check_full(blob, sizeof(blob)), 0);
}

static int at(const char *path)
{
	int n = fdt_path_offset(blob, path);

	if (n < 0)
		fail_msg("no %s", path);
	return n;
}

static void has_cells(const char *path, const char *name, const uint32_t *want, unsigned n)
{
	int len;
	const fdt32_t *p = fdt_getprop(blob, at(path), name, &len);

	if (!p || len != (int)(4 * n))
		fail_msg("%s %s: %d bytes", path, name, len);
	for (unsigned i = 0; i < n; i++)
		if (fdt32_ld(p + i) != want[i])
			fail_msg("%s %s[%u]: 0x%x", path, name, i, fdt32_ld(p + i));
}

#define HAS(path, name, ...)                                                                       \
	has_cells(path, name, (const uint32_t[]){ __VA_ARGS__ },                                   \
		  sizeof((const uint32_t[]){ __VA_ARGS__ }) / 4)

static void has_string(const char *path, const char *name, const char *want)
{
	assert_true(fdt_stringlist_search(blob, at(path), name, want) >= 0);
}

static bool has(const char *path, const char *name)
{
	return fdt_getprop(blob, at(path), name, NULL);
}

static void has_what_the_plan_gives(void **state)
{
	static const char gic[] = "/interrupt-controller@3001000";

	build((struct range){ 0x41000000, 0x123 });
	has_string("/", "compatible", "viaduct,guest");
	has_string("/", "compatible", "linux,dummy-virt");
	has_string("/chosen", "bootargs", "console=ttyAMA0 quiet");
	has_string("/chosen", "stdout-path", "/serial@22000000");
	HAS("/chosen", "linux,initrd-start", 0, 0x41000000);
	HAS("/chosen", "linux,initrd-end", 0, 0x41000123);
	assert_memory_equal(fdt_getprop(blob, at("/chosen"), "kaslr-seed", NULL), g.kaslr_seed, 8);
	assert_memory_equal(fdt_getprop(blob, at("/chosen"), "rng-seed", NULL), g.rng_seed, 32);
	HAS("/cpus/cpu@2", "reg", 2);
	has_string("/cpus/cpu@2", "enable-method", "psci");
	assert_int_equal(fdt_path_offset(blob, "/cpus/cpu@3"), -FDT_ERR_NOTFOUND);
	HAS("/memory@40000000", "reg", 0, 0x40000000, 0, 0xc0000000, 2, 0, 0, 0x40000000);
	has_string("/psci", "compatible", "arm,psci-0.2");
	has_string("/psci", "method", "hvc");
	HAS("/timer", "interrupts", 1, 13, 8, 1, 14, 8, 1, 11, 8, 1, 10, 8);
	HAS(gic, "reg", 0, 0x3001000, 0, 0x10000, 0, 0x3020000, 0, 0x60000);
	HAS(gic, "phandle", 0xfde8);
	HAS("/", "interrupt-parent", 0xfde8);
	HAS("/interrupt-controller@3001000/msi-controller@2000000", "reg", 0, 0x2000000, 0,
	    0x20000);
	HAS("/serial@22000000", "interrupts", 0, 0, 4);
	has_string("/serial@22000000", "compatible", "arm,primecell");
}

static void describes_the_host_bridge(void **state)
{
	static const char pcie[] = "/pcie@10000000";

	build((struct range){ 0, 0 });
	assert_false(has("/chosen", "linux,initrd-start"));
	has_string(pcie, "compatible", "pci-host-ecam-generic");
	HAS(pcie, "reg", 0, 0x10000000, 0, 0x100000);
	HAS(pcie, "bus-range", 0, 0);
	/*
	 * I/O ports nobody has, at the end of the 32-bit window, so that drivers may write to them.
	 */
	HAS(pcie, "ranges", 0x01000000, 0, 0, 0, 0x32ff0000, 0, 0x10000, 0x02000000, 0, 0x23000000,
	    0, 0x23000000, 0, 0xfff0000, 0x03000000, 1, 0, 1, 0, 0, 0xfff00000);
	HAS(pcie, "msi-map", 0, 0xfde9, 0, 0x100);
	HAS(pcie, "interrupt-map-mask", 0xf800, 0, 0, 7);
	/* Two functions on one pin are one entry. */
	HAS(pcie, "interrupt-map", 0x0800, 0, 0, 1, 0xfde8, 0, 0, 0, 1, 4, 0x1000, 0, 0, 3, 0xfde8,
	    0, 0, 0, 2, 4);
	assert_true(has(pcie, "dma-coherent"));
}

static void leaves_out_what_is_not_there(void **state)
{
	g.vpl011 = g.its = g.coherent = false;
	g.msi = NULL;
	g.entropy.seeded = false;
	g.bootargs[0] = 0;
	g.vpci.mem64.size = 0;
	for (unsigned i = 0; i < 3; i++)
		device[i].as.intx_pin = 0;
	build((struct range){ 0, 0 });
	assert_true(fdt_path_offset(blob, "/serial@22000000") < 0);
	assert_true(fdt_path_offset(blob, "/interrupt-controller@3001000/msi-controller@2000000") <
		    0);
	HAS("/pcie@10000000", "ranges", 0x01000000, 0, 0, 0, 0x32ff0000, 0, 0x10000, 0x02000000, 0,
	    0x23000000, 0, 0x23000000, 0, 0xfff0000);
	assert_false(has("/pcie@10000000", "msi-map"));
	assert_false(has("/pcie@10000000", "interrupt-map"));
	assert_false(has("/pcie@10000000", "dma-coherent"));
	assert_false(has("/chosen", "kaslr-seed") || has("/chosen", "rng-seed"));
	g.vpci.mem64 = (struct range){ GIB(8), GIB(8) }; /* told as it is */
	build((struct range){ 0, 0 });
	HAS("/pcie@10000000", "ranges", 0x01000000, 0, 0, 0, 0x32ff0000, 0, 0x10000, 0x02000000, 0,
	    0x23000000, 0, 0x23000000, 0, 0xfff0000, 0x03000000, 2, 0, 2, 0, 2, 0);
	g.has_pci = false;
	build((struct range){ 0, 0 });
	assert_true(fdt_path_offset(blob, "/pcie@10000000") < 0);
}

static void every_short_buffer_is_noticed(void **state)
{
	size_t full;

	build((struct range){ 0x41000000, 0x1000 });
	full = fdt_totalsize(blob);
	for (size_t size = 0; size < full; size++) {
		uint8_t *small = malloc(size + 1);

		assert_int_equal(guest_dt_build(&g, (struct range){ 0x41000000, 0x1000 }, small,
						size),
				 HV_ENOMEM);
		free(small);
	}
}

/* dtc checks unit names, cell counts, phandles, bus rules. Skipped where there is no dtc. */
static void dtc_has_no_complaint(void **state)
{
	static const struct {
		bool uart, pci, its, lines;
	} kinds[] = { { true, true, true, true },
		      { false, true, false, false },
		      { true, false, false, false } };

	if (system("dtc --version > /dev/null 2>&1"))
		skip();
	for (unsigned i = 0; i < ARRAY_SIZE(kinds); i++) {
		char line[256];
		FILE *f;

		setup(state);
		g.vpl011 = kinds[i].uart;
		g.has_pci = kinds[i].pci;
		g.its = kinds[i].its;
		g.msi = g.its ? g.msi : NULL;
		if (!kinds[i].lines)
			device[0].as.intx_pin = device[1].as.intx_pin = device[2].as.intx_pin = 0;
		build((struct range){ 0x41000000, 0x1000 });
		f = popen("dtc -I dtb -O dtb -o /dev/null - > build/unit/dtc.log 2>&1", "w");
		assert_non_null(f);
		assert_int_equal(fwrite(blob, 1, fdt_totalsize(blob), f), fdt_totalsize(blob));
		assert_int_equal(pclose(f), 0);
		f = fopen("build/unit/dtc.log", "r");
		assert_non_null(f);
		if (fgets(line, sizeof(line), f))
			fail_msg("%s", line);
		fclose(f);
	}
}

static void gicv2_and_its_frame_the_bridges_msi_parent(void **state)
{
	int frame, len;
	const fdt32_t *p;

	g.its = false;
	g.gic_version = 2;
	g.v2m_first = 64;
	g.v2m_count = 32;
	build((struct range){ 0, 0 });
	has_string("/interrupt-controller@3001000", "compatible", "arm,cortex-a15-gic");
	HAS("/interrupt-controller@3001000", "reg", 0, 0x3001000, 0, 0x1000, 0, 0x3002000, 0,
	    0x2000);
	HAS("/timer", "interrupts", 1, 13, 0x708, 1, 14, 0x708, 1, 11, 0x708, 1, 10, 0x708);
	frame = at("/interrupt-controller@3001000/msi-controller@2000000");
	assert_int_equal(fdt_node_check_compatible(blob, frame, "arm,gic-v2m-frame"), 0);
	assert_non_null(fdt_getprop(blob, frame, "msi-controller", NULL));
	p = fdt_getprop(blob, frame, "reg", &len);
	assert_int_equal(len, 16);
	assert_int_equal(fdt32_to_cpu(p[1]), GUEST_V2M_BASE);
	assert_int_equal(fdt32_to_cpu(p[3]), 0x1000);
	p = fdt_getprop(blob, at("/pcie@10000000"), "msi-parent", &len);
	assert_int_equal(len, 4);
	assert_int_equal(fdt32_to_cpu(*p), fdt_get_phandle(blob, frame));
	assert_null(fdt_getprop(blob, at("/pcie@10000000"), "msi-map", NULL));
}

/* The guest gets all of the buffer: nothing that was in it before is in it then. */
static void nothing_of_the_buffer_before_comes_through(void **state)
{
	static uint8_t other[sizeof(blob)];

	memset(blob, 0, sizeof(blob));
	build((struct range){ 0x41000000, 0x123 });
	memcpy(other, blob, sizeof(blob));
	memset(blob, 0xa5, sizeof(blob));
	build((struct range){ 0x41000000, 0x123 });
	assert_memory_equal(blob, other, sizeof(blob));
	for (size_t i = fdt_totalsize(blob); i < sizeof(blob); i++)
		assert_int_equal(blob[i], 0);
}

static void performance_monitors(void **state)
{
	g.pmu = PLAN_OFF;
	g.pmu_intid = 23;
	build((struct range){ 0, 0 });
	assert_true(fdt_path_offset(blob, "/pmu") < 0);
	g.pmu = PLAN_ON;
	build((struct range){ 0, 0 });
	has_string("/pmu", "compatible", "arm,armv8-pmuv3");
	HAS("/pmu", "interrupts", 1, 7, 4);
	g.gic_version = 2;
	build((struct range){ 0, 0 });
	HAS("/pmu", "interrupts", 1, 7, 0x704);
	g.pmu_intid = 0;
	build((struct range){ 0, 0 });
	has_string("/pmu", "compatible", "arm,armv8-pmuv3");
	assert_false(has("/pmu", "interrupts"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(has_what_the_plan_gives, setup),
		cmocka_unit_test_setup(describes_the_host_bridge, setup),
		cmocka_unit_test_setup(leaves_out_what_is_not_there, setup),
		cmocka_unit_test_setup(gicv2_and_its_frame_the_bridges_msi_parent, setup),
		cmocka_unit_test_setup(performance_monitors, setup),
		cmocka_unit_test_setup(every_short_buffer_is_noticed, setup),
		cmocka_unit_test_setup(nothing_of_the_buffer_before_comes_through, setup),
		cmocka_unit_test_setup(dtc_has_no_complaint, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
