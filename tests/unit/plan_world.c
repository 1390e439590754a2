/* SPDX-License-Identifier: Apache-2.0 */
/* See plan_world.h. */
#include <host_early.h>

#include "plan_world.h"

uint8_t blob[262144];
struct board board;
struct plan plan;
uint64_t ram_size;
uint64_t second_bank; /* at 32 GiB + 2 GiB, as Juno's */
static uint8_t image[MODULE_SIZE];

static void check(int err) { assert_int_equal(err, 0); }

void prop32(const char *name, uint32_t v) { check(fdt_property_u32(blob, name, v)); }

void prop64(const char *name, uint64_t v) { check(fdt_property_u64(blob, name, v)); }

void prop_raw(const char *name, const void *p, size_t n)
{
	check(fdt_property(blob, name, p, (int)n));
}

void prop_str(const char *name, const char *s) { prop_raw(name, s, strlen(s) + 1); }

void prop_reg(const char *name, uint64_t a, uint64_t b)
{
	fdt64_t v[2] = { cpu_to_fdt64(a), cpu_to_fdt64(b) };

	prop_raw(name, v, sizeof(v));
}

void cells22(void)
{
	prop32("#address-cells", 2);
	prop32("#size-cells", 2);
}

void node(const char *name) { check(fdt_begin_node(blob, name)); }

void end(void) { check(fdt_end_node(blob)); }

void tree_begin(void)
{
	check(fdt_create(blob, sizeof(blob)));
	check(fdt_finish_reservemap(blob));
	node("");
	cells22();
	node("memory@40000000");
	prop_str("device_type", "memory");
	prop_reg("reg", RAM_BASE, ram_size);
	end();
	if (second_bank) {
		node("memory@880000000");
		prop_str("device_type", "memory");
		prop_reg("reg", UINT64_C(0x880000000), second_bank);
		end();
	}
	node("cpus");
	prop32("#address-cells", 1);
	prop32("#size-cells", 0);
	for (uint32_t i = 0; i < 4; i++) {
		char name[16];

		sprintf(name, "cpu@%u", i);
		node(name);
		prop_str("device_type", "cpu");
		prop32("reg", i);
		end();
	}
	end();
	node("reserved-memory");
	cells22();
	node("firmware@a0000000");
	prop_reg("reg", RESERVED, MIB(2));
	end();
	end();
	node("psci");
	prop_str("compatible", "arm,psci-1.0");
	prop_str("method", "smc");
	end();
	node("chosen");
	cells22();
}

static void add_module(const char *name, const char *kind, size_t kind_size, uint64_t at)
{
	node(name);
	prop_raw("compatible", kind, kind_size);
	prop_reg("reg", at, MODULE_SIZE);
	if (strstr(name, "kernel"))
		prop_str("bootargs", "console=ttyAMA0");
	end();
}

static void add_device(const struct dev *d, unsigned i)
{
	char name[16];

	sprintf(name, "dev%u", i);
	node(name);
	if (*d->host)
		prop_str("host", d->host);
	if (d->prop)
		prop_raw(d->prop, d->value, d->value ? strlen(d->value) + 1 : 0);
	if (d->prop2)
		prop_raw(d->prop2, d->value2, d->value2 ? strlen(d->value2) + 1 : 0);
	end();
}

void add_guest(const struct decl *g, unsigned index)
{
	static const char kernel[] = "multiboot,kernel\0multiboot,module";
	static const char ramdisk[] = "multiboot,ramdisk\0multiboot,module";

	node(g->name);
	prop_str("compatible", "xen,domain");
	cells22();
	if (g->mib)
		prop64("memory", g->mib << 10);
	if (g->cpus)
		prop32("cpus", g->cpus);
	prop32("vpl011", 1);
	if (g->extra)
		g->extra();
	if (g->kernel != NONE)
		add_module("module0x1-kernel", kernel, sizeof(kernel),
			   g->kernel ? g->kernel : MOD(index));
	if (g->ramdisk)
		add_module("module0x2", ramdisk, sizeof(ramdisk), g->ramdisk);
	if (g->dev[0].host) {
		node("vpci");
		prop_str("compatible", "viaduct,vpci");
		for (unsigned i = 0; i < 6 && g->dev[i].host; i++)
			add_device(&g->dev[i], i);
		end();
	}
	end();
}

static const void *image_data(struct range pa)
{
	(void)pa;
	return image;
}

void put_image(uint64_t text_offset, uint64_t size)
{
	memset(image, 0, 64);
	memcpy(image + 8, &text_offset, 8);
	memcpy(image + 16, &size, 8);
	memcpy(image + 56, "ARM\x64", 4);
}

void replan(void)
{
	host_early(1);
	memset(&plan, 0xa5, sizeof(plan)); /* nothing may be expected to be zero */
	plan_read(&plan, &board);
	plan.geo = (struct s2_geometry){ .ipa_bits = 40 };
	plan.module_data = image_data;
	plan_guests(&plan);
}

void run(void)
{
	end();
	end();
	check(fdt_finish(blob));
	host_log_clear();
	host_early(0);
	assert_int_equal(board_read(blob, &board), HV_OK);
	assert_int_equal(board_boot_cpu(&board, 0x80000000), HV_OK);
	for (unsigned i = 1; i < board.cpu_count; i++)
		board.cpu[i].online = true;
	board.image = (struct range){ RAM_BASE, 0x200000 };
	replan();
}

void run_guests(const struct decl *g, unsigned count)
{
	tree_begin();
	for (unsigned i = 0; i < count && g[i].name; i++)
		add_guest(&g[i], i);
	run();
}

int setup(void **state)
{
	ram_size = GIB(4);
	fake_pci_reset();
	put_image(0, 0x800000);
	return 0;
}

unsigned occurrences(const char *text)
{
	unsigned n = 0;

	for (const char *p = host_log(); (p = strstr(p, text)); p++)
		n++;
	return n;
}

void vcpu(uint32_t id, const char *affinity)
{
	char name[16];

	sprintf(name, "vcpu%u", id);
	node(name);
	prop_str("compatible", "xen,vcpu");
	prop32("id", id);
	prop_str("hard-affinity", affinity);
	end();
}

void direct_map(void) { prop_raw("direct-map", NULL, 0); }

void static_mem(uint64_t a, uint64_t a_size, uint64_t b, uint64_t b_size)
{
	fdt64_t v[4] = { cpu_to_fdt64(a), cpu_to_fdt64(a_size), cpu_to_fdt64(b),
			 cpu_to_fdt64(b_size) };

	prop_raw("xen,static-mem", v, b_size ? 32 : 16);
}

void no_iommu(void) { fake_func("0000:00:02.0")->iommu = NULL; }

void stuck(void) { fake_func("0000:00:06.0")->intx_stuck = true; }

void no_msi(void) { fake_func("0000:00:02.0")->msi = NULL; }

void narrow_dma_ranges(void)
{
	pci_hosts[0].inbound_count = 1;
	pci_hosts[0].inbound[0] = (struct range){ 0x80000000, MIB(32) };
}

const struct pci_host juno = {
	.ecam = { 0x40000000, 0x10000000 },
	.window_count = 3,
	.window = { { PCI_WINDOW_MEM32, false, 0x50000000, 0x50000000, 0x8000000, 0 },
		    { PCI_WINDOW_IO, false, 0, 0x5f800000, 0x800000, 0 },
		    { PCI_WINDOW_MEM64, false, UINT64_C(0x4000000000), UINT64_C(0x4000000000),
		      GIB(4), 0 } },
	.inbound_count = 2,
	.inbound = { { 0x80000000, GIB(2) }, { UINT64_C(0x800000000), GIB(8) } },
	.coherent = true,
	.name = "pcie@10000000",
};

void starts(const struct decl *g, unsigned count)
{
	run_guests(g, count);
	for (unsigned i = 0; i < plan.guest_count; i++)
		assert_string_equal(plan.guest[i].refused, "");
}

void check_refusals(const struct refusal *r, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		setup(NULL);
		if (r[i].change)
			r[i].change();
		run_guests(r[i].g, 3);
		for (unsigned g = 0; g < plan.guest_count; g++) {
			const char *why = plan.guest[g].refused;
			bool wanted = g == r[i].refused;

			if (wanted != !!strstr(why, r[i].text) || (!wanted && *why))
				fail_msg("%s: guest %u: \"%s\"", r[i].rule, g, why);
			if (strlen(why) + 1 == sizeof(plan.guest[g].refused))
				fail_msg("%s: cut: %s", r[i].rule, why);
		}
		plan_print(&plan);
		assert_true(strstr(host_log(), r[i].text));
	}
}
