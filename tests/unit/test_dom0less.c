/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whole device trees, as source text through dtc: what ImageBuilder and U-Boot leave behind, and
 * partial device trees with every way to be refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <libfdt.h>

#include <host.h>
#include <host_early.h>
#include <hv/bits.h>
#include <hv/dt.h>
#include <hv/guest_dt.h>
#include <hv/log.h>
#include <hv/plan.h>
#include <hv/pmem.h>
#include <plan_fakes.h>

#define PARTIAL_AT 0x63000000

static const char board_dts[] =
	"/dts-v1/;\n"
	"/ { #address-cells = <2>; #size-cells = <2>; interrupt-parent = <&gic>;\n"
	" memory@40000000 { device_type = \"memory\"; reg = <0 0x40000000 0 0x80000000>; };\n"
	" cpus { #address-cells = <1>; #size-cells = <0>;\n"
	"  cpu@0 { device_type = \"cpu\"; reg = <0>; }; cpu@1 { device_type = \"cpu\";\n"
	"   reg = <1>; };\n"
	"  cpu@2 { device_type = \"cpu\"; reg = <2>; }; cpu@3 { device_type = \"cpu\";\n"
	"   reg = <3>; }; };\n"
	" psci { compatible = \"arm,psci-1.0\"; method = \"smc\"; };\n"
	" gic: gic@8000000 { compatible = \"arm,gic-v3\"; interrupt-controller;\n"
	"   #interrupt-cells = <3>;\n"
	"  #address-cells = <2>; #size-cells = <2>; ranges;\n"
	"   reg = <0 0x8000000 0 0x10000 0 0x80a0000 0 0xf60000>;\n"
	"  its@8080000 { compatible = \"arm,gic-v3-its\"; reg = <0 0x8080000 0 0x20000>; }; };\n"
	" smmu: smmu@9050000 { #iommu-cells = <1>; reg = <0 0x9050000 0 0x20000>;\n"
	"   phandle = <0x77>; };\n"
	" uart@9000000 { compatible = \"arm,pl011\"; reg = <0 0x9000000 0 0x1000>;\n"
	"   interrupts = <0 1 4>; };\n"
	" soc { compatible = \"simple-bus\"; #address-cells = <1>; #size-cells = <1>;\n"
	"   ranges = <0 0 0x9000000 0x1000000>;\n"
	"  uart@40000 { compatible = \"arm,pl011\"; reg = <0x40000 0x1000>;\n"
	"   interrupts = <0 8 4>; iommus = <&smmu 0x40>; };\n"
	"  dma@a0000 { reg = <0xa0000 0x800>; interrupts = <0 9 4>, <0 10 4>;\n"
	"   iommus = <&smmu 0x41>, <&smmu 0x42>; };\n"
	"  timer@a0800 { reg = <0xa0800 0x800>; };\n"
	"  plain@70000 { reg = <0x70000 0x234>; interrupts = <0 11 4>; };\n"
	"  sid@80000 { reg = <0x80000 0x1000>; iommus = <&smmu 0x8>; };\n"
	"  quiet@b0000 { reg = <0xb0000 0x1000>; iommus = <&smmu 0x41>; };\n"
	"  rtc@c0000 { compatible = \"arm,pl031\"; reg = <0xc0000 0x1000>; };\n"
	"  bad@90000 { reg = <0x90000 0x1000>; iommus = <&smmu>; }; };\n"
	" pcie@10000000 { device_type = \"pci\"; reg = <0x40 0x10000000 0 0x10000000>; };\n"
	" chosen { stdout-path = \"/uart@9000000\"; #address-cells = <2>; #size-cells = <2>;\n"
	"%s };\n};\n";

/* As uboot-script-gen's `fdt` commands leave them: no @ in module names, values by presence. */
#define GUEST(name, at, more)                                                                      \
	" " name " { compatible = \"xen,domain\"; #address-cells = <0x2>; #size-cells = <0x2>;\n"  \
	"  memory = <0x0 0x20000>; cpus = <1>; vpl011 = <0x1>;\n" more                             \
	"  module0x60000000 { compatible = \"multiboot,kernel\", \"multiboot,module\";\n"          \
	"   reg = <0x0 0x60000000 0x0 0x200000>;\n"                                                \
	"   bootargs = \"console=ttyAMA0 root=\\\"x y\\\"\"; };\n"                                 \
	"  module" at " { compatible = \"multiboot,device-tree\", \"multiboot,module\";\n"         \
	"   reg = <0x0 " at " 0x0 0x8000>; }; };\n"

static const char partial_dts[] =
	"/dts-v1/;\n"
	"/ { #address-cells = <2>; #size-cells = <2>;\n"
	" gic: gic { #interrupt-cells = <3>; interrupt-controller; };\n"
	" aliases { serial1 = \"/passthrough/uart@a0000000\"; };\n"
	" passthrough { compatible = \"simple-bus\"; ranges; #address-cells = <2>; #size-cells = "
	"<2>;\n"
	"  clk: clk { compatible = \"fixed-clock\"; #clock-cells = <0>; clock-frequency = "
	"<24000000>; };\n"
	"  uart@a0000000 { compatible = \"arm,pl011\"; reg = <0 0xa0000000 0 0x1000>;\n"
	"   interrupt-parent = <&gic>; interrupts = <0 40 4>; clocks = <&clk>;\n"
	"   xen,reg = <0 0x9040000 0 0x1000 0 0xa0000000>;\n"
	"   xen,path = \"/soc/uart@40000\"; };\n"
	"%s };\n};\n";

static struct board board;
static struct plan plan;
static uint8_t tree[65536] __attribute__((aligned(8)));
static uint8_t partial[2][0x8000] __attribute__((aligned(8)));
static uint8_t dtb[65536] __attribute__((aligned(8)));

static void compile(const char *text, uint8_t *to, size_t size)
{
	char file[] = "/tmp/dom0less-XXXXXX", command[80];
	int fd = mkstemp(file);
	FILE *f;

	assert_true(fd >= 0);
	snprintf(command, sizeof(command), "dtc -q -f -I dts -O dtb -o %s - 2>&1", file);
	f = popen(command, "w");
	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(pclose(f), 0);
	f = fdopen(fd, "r");
	memset(to, 0, size);
	assert_true(fread(to, 1, size, f) > 40);
	fclose(f);
	remove(file);
}

/* Text with the first `from` replaced, in a static buffer. */
static const char *edited(const char *text, const char *from, const char *to)
{
	static char out[20000];
	const char *at = from ? strstr(text, from) : NULL;

	if (from && !at)
		fail_msg("no \"%s\"", from);
	snprintf(out, sizeof(out), "%.*s%s%s", at ? (int)(at - text) : 0, text, at ? to : "",
		 at ? at + strlen(from) : text);
	return out;
}

static const void *module_data(struct range pa)
{
	if (pa.base == PARTIAL_AT)
		return partial[0];
	return pa.base == PARTIAL_AT + 0x100000 ? partial[1] : NULL;
}

static void compile_partial(unsigned i, const char *more, const char *from, const char *to)
{
	static char text[8000];

	snprintf(text, sizeof(text), partial_dts, more);
	compile(edited(text, from, to), partial[i], sizeof(partial[i]));
}

static const char *change_from, *change_to;

/* The board of the next runs, with its first `from` replaced; NULL: as it is. */
static void board_change(const char *from, const char *to)
{
	change_from = from;
	change_to = to;
}

static void run(const char *chosen)
{
	static char text[20000];

	snprintf(text, sizeof(text), edited(board_dts, change_from, change_to), chosen);
	compile(text, tree, sizeof(tree));
	host_log_clear();
	assert_int_equal(dt_check(tree, sizeof(tree)), HV_OK);
	host_early(0);
	assert_int_equal(board_read(tree, &board), HV_OK);
	for (unsigned i = 0; i < board.cpu_count; i++)
		board.cpu[i].online = true;
	board.console_node = dt_find(tree, "/uart@9000000");
	board.image = (struct range){ 0x40000000, MIB(2) };
	fake_pci_reset();
	fake_smmu.phandle = 0x77;
	host_early(1);
	memset(&plan, 0xa5, sizeof(plan));
	plan_read(&plan, &board);
	plan.geo = (struct s2_geometry){ .ipa_bits = 40 };
	plan.module_data = module_data;
	plan_guests(&plan);
	plan_print(&plan);
	for (unsigned i = 0; i < plan.guest_count; i++)
		if (!plan.guest[i].refused[0])
			assert_int_equal(guest_dt_build(&plan.guest[i], (struct range){ 0 }, dtb,
							sizeof(dtb)),
					 HV_OK);
}

static unsigned occurrences(const char *text)
{
	unsigned n = 0;

	for (const char *p = host_log(); (p = strstr(p, text)); p++)
		n++;
	return n;
}

/* --- partial device trees ------------------------------------------------------------------ */

static uint32_t cell(const char *path, const char *name, int i)
{
	int len, node = fdt_path_offset(dtb, path);
	const fdt32_t *p = node < 0 ? NULL : fdt_getprop(dtb, node, name, &len);

	if (!p || len < 4 * (i + 1))
		fail_msg("no %s of %s", name, path);
	return fdt32_ld(p + i);
}

static void a_device_comes_with_registers_line_and_stream(void **state)
{
	const struct guest_plan *g;
	static const char uart[] = "/passthrough/uart@a0000000";

	compile_partial(0, " wrap { inner { gpios = <&clk 7>; interrupt-parent = <0x1234>; }; };\n",
			NULL, NULL);
	run(GUEST("a", "0x63000000", ""));
	g = &plan.guest[0];
	assert_string_equal(g->refused, "");
	assert_int_equal(g->region_count, 1);
	assert_int_equal(g->region[0].pa.base, 0x9040000);
	assert_int_equal(g->region[0].ipa, 0xa0000000);
	assert_int_equal(g->line_count, 1);
	assert_int_equal(g->line[0].pintid, 32 + 8);
	assert_int_equal(g->line[0].vintid, 32 + 40);
	assert_int_equal(g->spi_count, 64);
	assert_int_equal(g->stream_count, 1);
	assert_int_equal(g->stream[0].sid, 0x40);
	assert_true(plan_has_dma(g) && !g->has_pci);
	assert_int_equal(occurrences("a:   device   SPI 8 as SPI 40"), 1);
	assert_int_equal(occurrences("a:   device   StreamID 0x40 of smmuv3@9050000"), 1);
	/* The guest's tree: the copy, its phandles, and the GIC's is that of /gic. */
	assert_int_equal(fdt_check_full(dtb, sizeof(dtb)), 0);
	assert_int_equal(cell(uart, "interrupts", 1), 40);
	assert_int_equal(cell(uart, "clocks", 0), cell("/passthrough/clk", "phandle", 0));
	assert_int_equal(cell(uart, "interrupt-parent", 0),
			 cell("/interrupt-controller@3001000", "phandle", 0));
	assert_int_equal(cell("/passthrough/wrap/inner", "interrupt-parent", 0), g->gic_phandle);
	assert_null(fdt_getprop(dtb, fdt_path_offset(dtb, uart), "xen,reg", NULL));
	assert_null(fdt_getprop(dtb, fdt_path_offset(dtb, uart), "xen,path", NULL));
	assert_string_equal(fdt_get_alias(dtb, "serial1"), uart);
	assert_true(fdt_path_offset(dtb, "/gic") < 0);
}

#define WITH(props) "  dev@1 { " props " };\n"
#define DMA         "xen,path = \"/soc/dma@a0000\"; "
#define PLAIN       "xen,path = \"/soc/plain@70000\"; xen,force-assign-without-iommu; "

static const struct {
	const char *rule, *more, *from, *to, *text;
} refusals[] = {
	{ "no path", "", "xen,path = \"/soc/uart@40000\";", "", "it has xen,reg and no xen,path" },
	{ "path to nobody", "", "/soc/uart@40000", "/soc/uart@50000",
	  "names no node of the board" },
	{ "path to the root", "", "/soc/uart@40000", "/", "names no node of the board" },
	{ "path is no string", "", "\"/soc/uart@40000\"", "<1>", "names no node of the board" },
	{ "cells", "", "<0 0x9040000 0 0x1000 0 0xa0000000>", "<0x9040000 0x1000 0xa0000000>",
	  "xen,reg is malformed" },
	{ "not a page", "", "0x9040000 0 0x1000", "0x9040000 0 0x800", "multiples of 4 KiB" },
	{ "empty", "", "0x9040000 0 0x1000", "0x9040000 0 0", "multiples of 4 KiB" },
	{ "wraps", "", "<0 0x9040000 0", "<0xffffffff 0xfffff000 0", "multiples of 4 KiB" },
	{ "not its registers", "", "0x9040000 0 0x1000", "0x9041000 0 0x1000",
	  "is not in the reg of its xen,path" },
	{ "more than its registers", "", "0x9040000 0 0x1000", "0x9040000 0 0x2000",
	  "is not in the reg of its" },
	{ "RAM", WITH(PLAIN "xen,reg = <0 0x50000000 0 0x1000 0 0xa0001000>;"), NULL, NULL,
	  "xen,reg is RAM" },
	{ "a page of two devices", WITH(DMA "xen,reg = <0 0x90a0000 0 0x1000 0 0xa0001000>;"), NULL,
	  NULL, "the page at 0x90a0000 has registers of timer@a0800 as well" },
	{ "the GIC by path", WITH("xen,path = \"/gic@8000000\"; xen,force-assign-without-iommu;"),
	  NULL, NULL, "is Viaduct's own" },
	{ "the ITS by path", WITH("xen,path = \"/gic@8000000/its@8080000\";"), NULL, NULL,
	  "is Viaduct's own" },
	{ "the SMMU by path", WITH("xen,path = \"/smmu@9050000\";"), NULL, NULL,
	  "is Viaduct's own" },
	{ "a host bridge by path", WITH("xen,path = \"/pcie@10000000\";"), NULL, NULL,
	  "is Viaduct's own" },
	{ "the console by path", WITH("xen,path = \"/uart@9000000\";"), NULL, NULL,
	  "is Viaduct's own" },
	{ "the SMMU by address",
	  WITH("xen,reg = <0 0x9060000 0 0x1000 0 0xa0001000>; xen,force-assign-without-iommu;"),
	  NULL, NULL, "the page at 0x9060000 has registers of smmu@9050000" },
	{ "a BAR",
	  WITH("xen,reg = <0 0x10000000 0 0x1000 0 0xa0001000>; xen,force-assign-without-iommu;"),
	  NULL, NULL, "the page at 0x10000000 has registers of pcie@10000000" },
	{ "no IOMMU", WITH("xen,path = \"/soc/plain@70000\"; "), NULL, NULL,
	  "no IOMMU translates its DMA" },
	{ "iommus cut short", WITH("xen,path = \"/soc/bad@90000\"; "), NULL, NULL,
	  "iommus of its xen,path is malformed" },
	{ "StreamID of a PCI function", WITH("xen,path = \"/soc/sid@80000\"; "), NULL, NULL,
	  "StreamID 0x8 of a platform device of guest \"a\" is that of 0000:00:01.0" },
	{ "interrupt of the UART", "", "<0 40 4>", "<0 0 4>", "the guest's UART has it" },
	{ "interrupt too high", "", "<0 40 4>", "<0 960 4>", "is no SPI" },
	{ "interrupt wraps", "", "<0 40 4>", "<0 0xfffffff0 4>", "is no SPI" },
	{ "two lines on one", WITH(DMA "interrupts = <0 40 4>;"), NULL, NULL,
	  "(SPI 8 as SPI 40) is another device's too" },
	{ "one line twice", WITH("xen,path = \"/soc/uart@40000\";"), NULL, NULL,
	  "(SPI 8 as SPI 40) is another device's too" },
	{ "phandle of the GIC", "", "clk: clk {", "clk: clk { phandle = <0xfdea>;",
	  "its phandle is needed" },
	{ "IPA over RAM", "", "0x1000 0 0xa0000000", "0x1000 0 0x40000000", "overlaps its RAM" },
	{ "IPA of the GIC", "", "0x1000 0 0xa0000000", "0x1000 0 0x3001000",
	  "overlaps its interrupt controller" },
	{ "PCI list odd", "  xen,pci-assigned = <0 0>;\n", NULL, NULL,
	  "xen,pci-assigned is malformed" },
	{ "PCI number odd", "  xen,pci-assigned = <0 256 0>;\n", NULL, NULL,
	  "xen,pci-assigned is malformed" },
	{ "PCI function not there", "  xen,pci-assigned = <0 0 0xf8>;\n", NULL, NULL,
	  "there is no PCI function \"0000:00:1f.0\"" },
	{ "too deep",
	  "n { n { n { n { n { n { n { n { n { n { n { n { n { n { }; }; }; }; }; }; }; }; }; }; "
	  "}; }; }; };",
	  NULL, NULL, "node n: it is nested too deep" },
	{ "nothing in it", "", " passthrough {", " passed {", "has no node /passthrough" },
};

static void refuses(void **state)
{
	for (unsigned i = 0; i < ARRAY_SIZE(refusals); i++) {
		compile_partial(0, "", NULL, NULL);
		if (refusals[i].from)
			compile_partial(0, "", refusals[i].from, refusals[i].to);
		else {
			static char text[8000];

			/* Properties go in front of subnodes. */
			snprintf(text, sizeof(text), "#size-cells = <2>;\n%s  clk: clk",
				 refusals[i].more);
			compile_partial(0, "", "#size-cells = <2>;\n  clk: clk", text);
		}
		run(GUEST("a", "0x63000000", ""));
		if (!strstr(plan.guest[0].refused, refusals[i].text))
			fail_msg("%s: \"%s\"", refusals[i].rule, plan.guest[0].refused);
		if (strlen(plan.guest[0].refused) + 1 == sizeof(plan.guest[0].refused))
			fail_msg("%s: cut: %s", refusals[i].rule, plan.guest[0].refused);
	}
}

static void damaged_and_oversized_trees_are_refused(void **state)
{
	compile_partial(0, "", NULL, NULL);
	partial[0][fdt_off_dt_struct(partial[0]) + 3] = 9;
	run(GUEST("a", "0x63000000", ""));
	assert_non_null(strstr(plan.guest[0].refused, "damaged, larger than 32 KiB or not"));
	compile_partial(0, "", NULL, NULL);
	fdt_set_totalsize(partial[0], 0x8001);
	run(GUEST("a", "0x63000000", ""));
	assert_non_null(strstr(plan.guest[0].refused, "damaged, larger than 32 KiB or not"));
}

static void devices_have_one_guest(void **state)
{
	compile_partial(0, "", NULL, NULL);
	compile_partial(1, "", NULL, NULL);
	run(GUEST("a", "0x63000000", "") GUEST("b", "0x63100000", ""));
	assert_string_equal(plan.guest[0].refused, "");
	assert_non_null(strstr(plan.guest[1].refused,
			       "node uart@a0000000: guest \"a\" has its registers already"));
	/* Without registers: the line, and without that the stream. */
	compile_partial(1, "", "xen,reg = <0 0x9040000 0 0x1000 0 0xa0000000>;", "");
	run(GUEST("a", "0x63000000", "") GUEST("b", "0x63100000", ""));
	assert_non_null(strstr(plan.guest[1].refused,
			       "(SPI 8 as SPI 40) is another device's too, of guest \"a\""));
}

static void forced_devices_need_no_iommu_and_pci_functions_are_listed(void **state)
{
	const struct guest_plan *g;

	compile_partial(
		0, "", "#size-cells = <2>;\n  clk: clk",
		"#size-cells = <2>; xen,pci-assigned = <0 0 0x10>;\n" WITH(
			PLAIN
			"xen,reg = <0 0x9070000 0 0x1000 0 0xa0001000>; xen,odd;") "  clk: clk");
	run(GUEST("a", "0x63000000", ""));
	g = &plan.guest[0];
	assert_string_equal(g->refused, "");
	assert_int_equal(g->device_count, 1);
	assert_ptr_equal(g->device[0].func, fake_func("0000:00:02.0"));
	assert_int_equal(g->region_count, 2);
	assert_int_equal(g->line_count, 2);
	assert_int_equal(g->line[0].vintid, 32 + 11); /* as on the board */
	assert_int_equal(g->stream_count, 1);
	assert_int_equal(occurrences("property \"xen,odd\" is not known"), 1);
	/* INTx lines avoid those that the partial tree names. */
	assert_int_equal(g->device[0].as.intx_virq, 33);
}

static void streams_have_one_guest(void **state)
{
	compile_partial(0, WITH(DMA), NULL, NULL);
	compile_partial(1, WITH("xen,path = \"/soc/quiet@b0000\";"),
			"xen,path = \"/soc/uart@40000\";", "xen,force-assign-without-iommu;");
	run(GUEST("a", "0x63000000", "") GUEST("b", "0x63100000", ""));
	assert_string_equal(plan.guest[0].refused, "");
	assert_non_null(
		strstr(plan.guest[1].refused, "node uart@a0000000: guest \"a\" has its registers"));
	compile_partial(1, WITH("xen,path = \"/soc/quiet@b0000\";"),
			"xen,reg = <0 0x9040000 0 0x1000 0 0xa0000000>;\n   xen,path = "
			"\"/soc/uart@40000\";",
			"");
	run(GUEST("a", "0x63000000", "") GUEST("b", "0x63100000", ""));
	assert_non_null(strstr(plan.guest[1].refused,
			       "guest \"a\" has StreamID 0x41, of a platform device"));
}

/* --- what ImageBuilder writes --------------------------------------------------------------- */

static void imagebuilder_with_dom0_leftovers(void **state)
{
	static const char chosen[] =
		" xen,xen-bootargs = \"console=dtuart dtuart=serial0 dom0_mem=1G sched=null "
		"vwfi=native\";\n"
		" xen,dom0-bootargs = \"console=hvc0 root=/dev/ram0\";\n"
		" dom0 { compatible = \"xen,linux-zimage\", \"xen,multiboot-module\", "
		"\"multiboot,module\";\n"
		"  reg = <0x0 0x66000000 0x0 0x1000000>; };\n"
		" dom0-ramdisk { compatible = \"xen,linux-initrd\", \"xen,multiboot-module\", "
		"\"multiboot,module\";\n"
		"  reg = <0x0 0x68000000 0x0 0x1000000>; };\n"
		" domU0 { compatible = \"xen,domain\"; #address-cells = <0x00000002>; #size-cells "
		"= <0x00000002>;\n"
		"  memory = <0x0 0x80000>; cpus = <0x2>; vpl011 = <0x1>; xen,enhanced = "
		"\"enabled\";\n"
		"  max_grant_version = <0x2>; max_grant_frames = <0x20>; max_maptrack_frames = "
		"<0x400>;\n"
		"  capabilities = <0x0>; domid = <0x1>; passthrough = \"disabled\"; nr_spis = "
		"<0x60>;\n"
		"  llc-colors = \"1-3\"; sve = <0x0>; trap-unmapped-accesses = <0x0>; "
		"xen,domain-p2m-mem-mb = <0x8>;\n"
		"  cpu1 { compatible = \"xen,vcpu\"; id = <1>; hard-affinity = \"3\"; };\n"
		"  ev@1 { compatible = \"xen,evtchn-v1\"; xen,evtchn = <0xa 0x1>; };\n"
		"  module0x62000000 { compatible = \"multiboot,module\", \"multiboot,ramdisk\";\n"
		"   reg = <0x0 0x62000000 0x0 0x100000>; };\n"
		"  module0x60000000 { compatible = \"multiboot,module\", \"multiboot,kernel\";\n"
		"   reg = <0x0 0x60000000 0x0 0x200000>; bootargs = \"console=ttyAMA0 "
		"init=\\\"/bin/a b\\\" q='x'\"; };\n"
		" };\n"
		/* Hand-written, cells 1/1, off by status. */
		" domU1 { compatible = \"xen,domain\"; #address-cells = <1>; #size-cells = <1>;\n"
		"  memory = <0 0x10000>; cpus = <1>;\n"
		"  k { compatible = \"multiboot,kernel\", \"multiboot,module\"; reg = <0x60000000 "
		"0x200000>; }; };\n"
		" off { compatible = \"xen,domain\"; status = \"disabled\"; };\n";
	const struct guest_plan *g;

	run(chosen);
	g = &plan.guest[0];
	assert_int_equal(plan.guest_count, 2);
	assert_string_equal(g[0].refused, "");
	assert_string_equal(g[1].refused, "");
	assert_int_equal(g[0].ram_size, MIB(512));
	assert_int_equal(g[0].vcpu[1].cpu, 3);
	assert_int_equal(g[0].spi_count, 96);
	assert_int_equal(g[0].trap_unmapped, 0);
	assert_int_equal(g[1].trap_unmapped, 1);
	assert_int_equal(g[0].module[MODULE_RAMDISK].base, 0x62000000);
	assert_string_equal(g[0].bootargs, "console=ttyAMA0 init=\"/bin/a b\" q='x'");
	assert_true(g[0].vpl011 && !g[1].vpl011);
	assert_int_equal(g[1].module[MODULE_KERNEL].base, 0x60000000);
	/* Each said once. */
	assert_int_equal(occurrences("Viaduct has no dom0"), 2);
	assert_int_equal(occurrences("has no meaning for Viaduct; ignored"), 10);
	assert_int_equal(occurrences("\"llc-colors\" is not supported; ignored"), 1);
	assert_int_equal(occurrences("\"sve\""), 0); /* 0: none */
	assert_int_equal(occurrences("/chosen/domU0/ev@1 is not supported; ignored"), 1);
	assert_int_equal(occurrences("ignored"), 2 + 10 + 1 + 1);
}

/* --- RTC and watchdog ------------------------------------------------------------------------ */

#define RTC      "/rtc@22001000"
#define WATCHDOG "/watchdog@22002000"

static bool has(const char *path) { return fdt_path_offset(dtb, path) >= 0; }

static void a_guest_has_a_clock_where_there_is_a_time(void **state)
{
	compile_partial(0, "", NULL, NULL);
	run(GUEST("a", "0x63000000", ""));
	assert_int_equal(occurrences("a:   RTC      IPA 0x22001000, SPI 1, time from "
				     "/soc/rtc@c0000"),
			 1);
	assert_true(has(RTC));
	assert_false(has(WATCHDOG));
	assert_int_equal(cell(RTC, "reg", 1), 0x22001000);
	assert_int_equal(cell(RTC, "interrupts", 1), 1);
	assert_int_equal(cell(RTC, "interrupts", 2), 4);
	assert_int_equal(cell(RTC, "clocks", 0), cell("/clock", "phandle", 0));
	run(GUEST("a", "0x63000000", "rtc = \"off\"; watchdog = \"off\";"));
	assert_false(has(RTC));
	assert_int_equal(occurrences("RTC"), 0);
}

static void without_a_time_there_is_a_clock_only_where_it_is_asked_for(void **state)
{
	board_change("arm,pl031\"; reg = <0xc0000", "acme,rtc\"; reg = <0xc0000");
	run(GUEST("a", "0x63000000", ""));
	assert_int_equal(occurrences("RTC      none: Viaduct knows no time"), 1);
	assert_false(has(RTC));
	run(GUEST("a", "0x63000000", "rtc;"));
	assert_int_equal(occurrences("SPI 1, time from nowhere: it begins at 0"), 1);
	assert_true(has(RTC));
	run("viaduct,epoch = <0x70000000>;" GUEST("a", "0x63000000", ""));
	assert_int_equal(occurrences("SPI 1, time from viaduct,epoch"), 1);
	assert_int_equal(board.epoch, 0x70000000);
	assert_true(has(RTC));
	run("viaduct,epoch = <1 2>;" GUEST("a", "0x63000000", ""));
	assert_int_equal(board.epoch, UINT64_C(0x100000002));
	run("viaduct,epoch = \"today\";" GUEST("a", "0x63000000", ""));
	assert_int_equal(occurrences("viaduct,epoch is malformed"), 1);
	assert_false(has(RTC));
	board_change(NULL, NULL);
}

static const char own_rtc[] = " rtc@b0000000 { xen,reg = <0 0x90c0000 0 0x1000 0 0xb0000000>;\n"
			      "  xen,path = \"/soc/rtc@c0000\";\n"
			      "  xen,force-assign-without-iommu; };\n";

/* Decided behind all guests: the one that has the board's may come later. */
static void who_has_the_boards_clock_has_no_other_and_nobody_has_by_default(void **state)
{
	compile_partial(1, own_rtc,
			"   xen,reg = <0 0x9040000 0 0x1000 0 0xa0000000>;\n"
			"   xen,path = \"/soc/uart@40000\";",
			"");
	compile_partial(0, "", NULL, NULL);
	run(GUEST("a", "0x63000000", "") GUEST("b", "0x63100000", ""));
	assert_int_equal(occurrences("refused"), 0);
	assert_int_equal(occurrences("a:   RTC      none: another guest has the board's"), 1);
	assert_int_equal(occurrences("b:   RTC      none: it has the board's own"), 1);
	run(GUEST("a", "0x63000000", "rtc = \"on\";") GUEST("b", "0x63100000", ""));
	assert_int_equal(occurrences("a:   RTC      IPA"), 1);
	run("viaduct,epoch = <1>;" GUEST("a", "0x63000000", "") GUEST("b", "0x63100000", ""));
	assert_int_equal(occurrences("a:   RTC      IPA"), 1);
	assert_int_equal(occurrences("b:   RTC      none"), 1);
}

static void a_watchdog_is_there_when_it_is_asked_for(void **state)
{
	compile_partial(0, "", NULL, NULL);
	run(GUEST("a", "0x63000000", "watchdog;"));
	assert_int_equal(occurrences("a:   watchdog IPA 0x22002000, SPI 2"), 1);
	assert_int_equal(cell(WATCHDOG, "reg", 1), 0x22002000);
	assert_int_equal(cell(WATCHDOG, "reg", 3), 0x1000);
	assert_int_equal(cell(WATCHDOG, "reg", 5), 0x22003000);
	assert_int_equal(cell(WATCHDOG, "interrupts", 1), 2);
	run(GUEST("a", "0x63000000", "watchdog = \"maybe\";"));
	assert_int_equal(occurrences("watchdog is malformed; give \"auto\" or \"on\" or \"off\""),
			 1);
}

/* A device of a partial tree counts more than what nobody asked for. */
static void at_the_address_of_another_device(void **state)
{
	compile_partial(0, "", "0 0xa0000000>;\n   xen,path", "0 0x22001000>;\n   xen,path");
	run(GUEST("a", "0x63000000", ""));
	assert_int_equal(occurrences("RTC      none: another device is at its address"), 1);
	run(GUEST("a", "0x63000000", "rtc;"));
	assert_int_equal(occurrences("overlaps its RTC"), 1);
	compile_partial(0, "", "0 0xa0000000>;\n   xen,path", "0 0x22003000>;\n   xen,path");
	run(GUEST("a", "0x63000000", "watchdog;"));
	assert_int_equal(occurrences("overlaps its watchdog"), 1);
}

/* The board's device keeps its number. */
static void their_interrupts_are_no_other_devices(void **state)
{
	compile_partial(0, "", "interrupts = <0 40 4>", "interrupts = <0 1 4>");
	run(GUEST("a", "0x63000000", "watchdog;"));
	assert_int_equal(occurrences("SPI 8 as SPI 1"), 1);
	assert_int_equal(cell(RTC, "interrupts", 1), 2);
	assert_int_equal(cell(WATCHDOG, "interrupts", 1), 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_device_comes_with_registers_line_and_stream),
		cmocka_unit_test(refuses),
		cmocka_unit_test(damaged_and_oversized_trees_are_refused),
		cmocka_unit_test(devices_have_one_guest),
		cmocka_unit_test(streams_have_one_guest),
		cmocka_unit_test(forced_devices_need_no_iommu_and_pci_functions_are_listed),
		cmocka_unit_test(imagebuilder_with_dom0_leftovers),
		cmocka_unit_test(a_guest_has_a_clock_where_there_is_a_time),
		cmocka_unit_test(without_a_time_there_is_a_clock_only_where_it_is_asked_for),
		cmocka_unit_test(who_has_the_boards_clock_has_no_other_and_nobody_has_by_default),
		cmocka_unit_test(a_watchdog_is_there_when_it_is_asked_for),
		cmocka_unit_test(at_the_address_of_another_device),
		cmocka_unit_test(their_interrupts_are_no_other_devices),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
