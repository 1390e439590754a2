/* SPDX-License-Identifier: Apache-2.0 */
/* The planner: every refusal with its sentence, and what an accepted guest gets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <libfdt.h>

#include <host.h>
#include <hv/bits.h>
#include <hv/log.h>
#include <hv/plan.h>
#include <hv/pmem.h>
#include <hv/vits.h>
#include <plan_fakes.h>

#define RAM_BASE UINT64_C(0x40000000)

struct dev {
	const char *host;
	const char *prop, *value; /* a property more, value NULL: a flag */
	const char *prop2, *value2;
};

struct decl {
	const char *name;
	uint32_t cpus;
	uint64_t mib;
	uint64_t kernel, ramdisk; /* 0: MOD() of the guest's index; NONE: none */
	struct dev dev[6];
	void (*extra)(void); /* more properties of the guest's node */
};

#define NONE        UINT64_MAX
#define MODULES     UINT64_C(0x60000000)
#define MODULE_SIZE 0x400000
#define RESERVED    UINT64_C(0xa0000000) /* /reserved-memory, 2 MiB */
#define MOD(i)      (MODULES + (i) * 0x1000000)

static uint8_t blob[65536];
static struct board board;
static struct plan plan;
static uint64_t ram_size;
static uint64_t second_bank; /* at 32 GiB + 2 GiB, as Juno's */
static uint8_t image[MODULE_SIZE];

static void check(int err) { assert_int_equal(err, 0); }

static void prop32(const char *name, uint32_t v) { check(fdt_property_u32(blob, name, v)); }

static void prop_raw(const char *name, const void *p, size_t n)
{
	check(fdt_property(blob, name, p, (int)n));
}

static void prop_str(const char *name, const char *s) { prop_raw(name, s, strlen(s) + 1); }

static void prop_reg(const char *name, uint64_t a, uint64_t b)
{
	fdt64_t v[2] = { cpu_to_fdt64(a), cpu_to_fdt64(b) };

	prop_raw(name, v, sizeof(v));
}

static void cells22(void)
{
	prop32("#address-cells", 2);
	prop32("#size-cells", 2);
}

static void node(const char *name) { check(fdt_begin_node(blob, name)); }

static void end(void) { check(fdt_end_node(blob)); }

static void tree_begin(void)
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

static void add_guest(const struct decl *g, unsigned index)
{
	static const char kernel[] = "multiboot,kernel\0multiboot,module";
	static const char ramdisk[] = "multiboot,ramdisk\0multiboot,module";

	node(g->name);
	prop_str("compatible", "xen,domain");
	cells22();
	if (g->mib)
		check(fdt_property_u64(blob, "memory", g->mib << 10));
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

static void put_image(uint64_t text_offset, uint64_t size)
{
	memset(image, 0, 64);
	memcpy(image + 8, &text_offset, 8);
	memcpy(image + 16, &size, 8);
	memcpy(image + 56, "ARM\x64", 4);
}

static void replan(void)
{
	pmem_reset();
	memset(&plan, 0xa5, sizeof(plan)); /* nothing may be expected to be zero */
	plan_read(&plan, &board);
	plan.geo = (struct s2_geometry){ .ipa_bits = 40 };
	plan.module_data = image_data;
	plan_guests(&plan);
}

static void run(void)
{
	end();
	end();
	check(fdt_finish(blob));
	host_log_clear();
	assert_int_equal(board_read(blob, &board), HV_OK);
	assert_int_equal(board_boot_cpu(&board, 0x80000000), HV_OK);
	for (unsigned i = 1; i < board.cpu_count; i++)
		board.cpu[i].online = true;
	board.image = (struct range){ RAM_BASE, 0x200000 };
	replan();
}

static void run_guests(const struct decl *g, unsigned count)
{
	tree_begin();
	for (unsigned i = 0; i < count && g[i].name; i++)
		add_guest(&g[i], i);
	run();
}

static int setup(void **state)
{
	ram_size = GIB(4);
	fake_pci_reset();
	put_image(0, 0x800000);
	return 0;
}

static unsigned occurrences(const char *text)
{
	unsigned n = 0;

	for (const char *p = host_log(); (p = strstr(p, text)); p++)
		n++;
	return n;
}

/* --- refusals ---------------------------------------------------------------------------- */

static void memory_3_cells(void)
{
	static const char twelve[12];

	prop_raw("memory", twelve, 12);
}
static void cpus_2_cells(void) { check(fdt_property_u64(blob, "cpus", 1)); }
static void spis_many(void) { prop32("nr_spis", 961); }
static void crash_odd(void) { prop_str("on-crash", "explode"); }

static void vcpu(uint32_t id, const char *affinity)
{
	char name[16];

	sprintf(name, "vcpu%u", id);
	node(name);
	prop_str("compatible", "xen,vcpu");
	prop32("id", id);
	prop_str("hard-affinity", affinity);
	end();
}

static void trap_odd(void) { prop32("trap-unmapped-accesses", 2); }
static void vcpu_nobody(void) { vcpu(2, "0"); }
static void affinity_words(void) { vcpu(0, "0-"); }
static void affinity_far(void) { vcpu(0, "1,16"); }
static void affinity_backwards(void) { vcpu(0, "3-1"); }
static void affinity_absent(void) { vcpu(0, "4-15"); }
static void affinity_both_0(void) { vcpu(0, "0"), vcpu(1, "0"); }
static void affinity_0(void) { vcpu(0, "0"); }

static void direct_map(void) { prop_raw("direct-map", NULL, 0); }

static void static_mem(uint64_t a, uint64_t a_size, uint64_t b, uint64_t b_size)
{
	fdt64_t v[4] = { cpu_to_fdt64(a), cpu_to_fdt64(a_size), cpu_to_fdt64(b),
			 cpu_to_fdt64(b_size) };

	prop_raw("xen,static-mem", v, b_size ? 32 : 16);
}

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

static void no_iommu(void) { fake_func("0000:00:02.0")->iommu = NULL; }
static void dead_iommu(void) { fake_smmu.dead = true; }
static void stage1_iommu(void) { fake_smmu.s2 = false; }
static void narrow_iommu(void) { fake_smmu.oas_bits = 32; }
static void func_refused(void) { fake_func("0000:00:02.0")->refused = "its capability list loops"; }
static void no_reset(void) { fake_func("0000:00:02.0")->flr = false; }

static void one_group(void) { fake_func("0000:00:02.0")->group = 1; }
static void nic_no_iommu(void) { fake_func("0000:00:01.0")->iommu = NULL; }
static void v2m(void) { fake_v2m(1, 64); }
static void v2m_and_its(void)
{
	v2m();
	fake_func("0000:00:06.0")->msi = fake_its(0);
}

static void one_device_id(void) { fake_func("0000:00:02.0")->device_id = 0x08; }
static void stuck(void) { fake_func("0000:00:06.0")->intx_stuck = true; }
static void no_msi(void) { fake_func("0000:00:02.0")->msi = NULL; }
static void noncoherent_iommu(void) { fake_smmu.coherent = false; }
static void small_ram(void) { ram_size = GIB(1); }
static void huge_image(void) { put_image(0, GIB(1)); }
static void bad_image(void) { put_image(0x123, 0x1000); }

static struct iommu other_smmu;
static void mixed_coherence(void)
{
	struct pci_func *f = fake_func("0000:00:06.0");

	other_smmu = fake_smmu;
	other_smmu.coherent = false;
	pci_hosts[1] = pci_hosts[0];
	pci_hosts[1].coherent = false;
	f->iommu = &other_smmu;
	f->host = &pci_hosts[1];
}

static void two_its(void) { fake_func("0000:00:06.0")->msi = fake_its(1); }

/* RAM may be at 1 GiB by default, but everything reachable is the root complex' own window. */
static void window_everywhere(void)
{
	pci_hosts[0].window[1] = (struct pci_window){ PCI_WINDOW_MEM32,  false,
						      0x40000000,        0x40000000,
						      UINT64_C(1) << 40, 0 };
}

static void narrow_dma_ranges(void)
{
	pci_hosts[0].inbound_count = 1;
	pci_hosts[0].inbound[0] = (struct range){ 0x80000000, MIB(32) };
}

static void narrow_dma_low(void)
{
	narrow_dma_ranges();
	ram_size = GIB(1);
}

static const struct pci_host juno = {
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

static void juno_host(void) { pci_hosts[0] = juno; }

#define EDU "0000:00:02.0"
#define NIC "0000:00:01.0"

static const struct {
	const char *rule;
	struct decl g[3];
	unsigned refused; /* index of the one guest that must be refused */
	const char *text;
	void (*change)(void);
} refusals[] = {
	{ "memory missing",
	  { { "a", 1, 0 } },
	  0,
	  "memory is missing; give memory = <0 KiB>",
	  NULL },
	{ "memory malformed",
	  { { "a", 1, 0, .extra = memory_3_cells } },
	  0,
	  "memory is malformed",
	  NULL },
	{ "memory absurd", { { "a", 1, MIB(2) } }, 0, "more than 1 TiB", NULL },
	{ "cpus missing", { { "a", 0, 64 } }, 0, "cpus is missing; give cpus = <1>", NULL },
	{ "cpus malformed",
	  { { "a", 0, 64, .extra = cpus_2_cells } },
	  0,
	  "cpus is malformed",
	  NULL },
	{ "cpus too many for a guest", { { "a", 9, 64 } }, 0, "cpus is 9; give 1 to 8", NULL },
	{ "more vCPUs than CPUs left",
	  { { "a", 3, 64 }, { "b", 2, 64 } },
	  1,
	  "it wants 2 CPUs and 1 of 4 are free",
	  NULL },
	{ "nr_spis",
	  { { "a", 1, 64, .extra = spis_many } },
	  0,
	  "nr_spis is 961; give 0 to 960",
	  NULL },
	{ "on-crash", { { "a", 1, 64, .extra = crash_odd } }, 0, "on-crash is malformed", NULL },
	{ "trap-unmapped-accesses",
	  { { "a", 1, 64, .extra = trap_odd } },
	  0,
	  "trap-unmapped-accesses is 2; give 0 to 1",
	  NULL },
	{ "vCPU that is not there",
	  { { "a", 2, 64, .extra = vcpu_nobody } },
	  0,
	  "vcpu2: id is malformed",
	  NULL },
	{ "affinity malformed",
	  { { "a", 1, 64, .extra = affinity_words } },
	  0,
	  "vcpu0: hard-affinity is malformed",
	  NULL },
	{ "affinity absurd",
	  { { "a", 1, 64, .extra = affinity_far } },
	  0,
	  "vcpu0: hard-affinity is malformed",
	  NULL },
	{ "affinity backwards",
	  { { "a", 1, 64, .extra = affinity_backwards } },
	  0,
	  "hard-affinity is malformed",
	  NULL },
	{ "affinity to CPUs that are not there",
	  { { "a", 1, 64, .extra = affinity_absent } },
	  0,
	  "none of the CPUs of vCPU 0's hard-affinity is free",
	  NULL },
	{ "two vCPUs, one CPU",
	  { { "a", 2, 64, .extra = affinity_both_0 } },
	  0,
	  "vCPU 1's hard-affinity",
	  NULL },
	{ "two guests, one CPU",
	  { { "a", 1, 64 }, { "b", 1, 64, .extra = affinity_0 } },
	  1,
	  "vCPU 0's hard-affinity is free for it; correct",
	  NULL },
	{ "shm role",
	  { { "a", 1, 64, .extra = shm_odd_role } },
	  0,
	  "shm-a: role is malformed; give \"borrower\" or \"owner\"",
	  NULL },
	{ "shm name",
	  { { "a", 1, 64, .extra = shm_long_name } },
	  0,
	  "xen,shm-id is malformed",
	  NULL },
	{ "shm numbers",
	  { { "a", 1, 64, .extra = shm_one_number } },
	  0,
	  "xen,shared-mem is malformed",
	  NULL },
	{ "shm not whole pages",
	  { { "a", 1, 64, .extra = shm_unaligned } },
	  0,
	  "xen,shared-mem is malformed",
	  NULL },
	{ "shm wraps",
	  { { "a", 1, 64, .extra = shm_wraps } },
	  0,
	  "xen,shared-mem is malformed",
	  NULL },
	{ "shm empty",
	  { { "a", 1, 64, .extra = shm_empty } },
	  0,
	  "xen,shared-mem is malformed",
	  NULL },
	{ "shm over RAM",
	  { { "a", 1, 64, .extra = shm_over_ram } },
	  0,
	  "shared memory \"a\" at guest address 0x43fff000 to 0x44000fff overlaps its RAM",
	  NULL },
	{ "shm over the GIC",
	  { { "a", 1, 64, .extra = shm_over_gic } },
	  0,
	  "overlaps its interrupt controller",
	  NULL },
	{ "shm over shm",
	  { { "a", 1, 64, .extra = shm_over_itself } },
	  0,
	  "overlaps its other shared memory",
	  NULL },
	{ "shm too high",
	  { { "a", 1, 64, .extra = shm_too_high } },
	  0,
	  "outside its address space",
	  NULL },
	{ "shm twice", { { "a", 1, 64, .extra = shm_twice } }, 0, "it is listed twice", NULL },
	{ "shm not RAM",
	  { { "a", 1, 64, .extra = shm_no_ram } },
	  0,
	  "xen,shared-mem at 0x1000 to 0x1fff is not RAM",
	  NULL },
	{ "shm inside Viaduct",
	  { { "a", 1, 64, .extra = shm_viaduct } },
	  0,
	  "overlaps Viaduct itself",
	  NULL },
	{ "shm larger than memory",
	  { { "a", 1, 64, .extra = shm_huge } },
	  0,
	  "no free memory for shared memory \"a\"",
	  NULL },
	{ "shm two owners",
	  { { "a", 1, 64, .extra = shm_owner }, { "b", 1, 64, .extra = shm_owner } },
	  1,
	  "another guest is its owner already",
	  NULL },
	{ "shm sizes",
	  { { "a", 1, 64, .extra = shm_owner }, { "b", 1, 64, .extra = shm_larger } },
	  1,
	  "another size or host address in guest \"a\"",
	  NULL },
	{ "shm addresses",
	  { { "a", 1, 64, .extra = shm_owner }, { "b", 1, 64, .extra = shm_at } },
	  1,
	  "another size or host address",
	  NULL },
	{ "shm names",
	  { { "a", 1, 64, .extra = shm_at }, { "b", 1, 64, .extra = shm_other } },
	  1,
	  "overlaps shared memory of guest a",
	  NULL },
	{ "kernel missing", { { "a", 1, 64, NONE } }, 0, "it has no kernel", NULL },
	{ "module outside RAM",
	  { { "a", 1, 64, 0x1000 } },
	  0,
	  "kernel at 0x1000 is not in RAM",
	  NULL },
	{ "module half outside RAM", { { "a", 1, 64, 0x13fe00000 } }, 0, "is not in RAM", NULL },
	{ "module at the end of space", { { "a", 1, 64, 0xfffffffffffff000 } }, 0, "kernel", NULL },
	{ "module inside Viaduct",
	  { { "a", 1, 64, RAM_BASE + 0x1ff000 } },
	  0,
	  "overlaps Viaduct itself",
	  NULL },
	{ "kernel overlaps own ramdisk",
	  { { "a", 1, 64, MOD(0), MOD(0) + 0x1000 } },
	  0,
	  "overlaps the ramdisk of guest a",
	  NULL },
	{ "same range, two roles",
	  { { "a", 1, 64, MOD(0) }, { "b", 1, 64, MOD(1), MOD(0) } },
	  1,
	  "ramdisk, 0x60000000 to 0x603fffff, overlaps the kernel of guest a",
	  NULL },
	{ "kernels overlap partly",
	  { { "a", 1, 64, MOD(0) }, { "b", 1, 64, MOD(0) + 0x1000 } },
	  1,
	  "overlaps the kernel of guest a",
	  NULL },
	{ "RAM does not fit",
	  { { "a", 1, 2048 } },
	  0,
	  "no free RAM of 2 GiB, not in 8 pieces either",
	  small_ram },
	{ "kernel does not fit",
	  { { "a", 1, 64 } },
	  0,
	  "do not fit into its RAM (64 MiB)",
	  huge_image },
	{ "ramdisk does not fit",
	  { { "a", 1, 12, MOD(0), MOD(1) } },
	  0,
	  "do not fit into its RAM",
	  NULL },
	{ "image header", { { "a", 1, 64 } }, 0, "is damaged", bad_image },

	{ "host missing",
	  { { "a", 1, 64, .dev = { { "" } } } },
	  0,
	  "dev0: host is missing; give host = ",
	  NULL },
	{ "host malformed",
	  { { "a", 1, 64, .dev = { { "nvme0" } } } },
	  0,
	  "host = \"nvme0\" is malformed",
	  NULL },
	{ "host unknown",
	  { { "a", 1, 64, .dev = { { "0000:00:1f.0" } } } },
	  0,
	  "there is no PCI function \"0000:00:1f.0\"",
	  NULL },
	{ "host ambiguous",
	  { { "a", 1, 64, .dev = { { "pci:1234:11e8" } } } },
	  0,
	  "fits several functions; name one of them: 0000:00:01.0 0000:00:02.0 0000:00:06.0",
	  NULL },
	{ "intx malformed",
	  { { "a", 1, 64, .dev = { { EDU, "intx", "yes" } } } },
	  0,
	  "intx is malformed",
	  NULL },
	{ "msi malformed",
	  { { "a", 1, 64, .dev = { { EDU, "msi", "yes" } } } },
	  0,
	  "msi is malformed",
	  NULL },
	{ "memory-type malformed",
	  { { "a", 1, 64, .dev = { { EDU, "memory-type", "wb" } } } },
	  0,
	  "memory-type is malformed",
	  NULL },
	{ "guest BDF malformed",
	  { { "a", 1, 64, .dev = { { EDU, "guest", "01:02.0" } } } },
	  0,
	  "guest is malformed",
	  NULL },
	{ "guest BDF twice",
	  { { "a", 1, 64,
	      .dev = { { EDU, "guest", "00:02.0" }, { NIC, "guest", "0000:00:02.0" } } } },
	  0,
	  "guest = \"00:02.0\" is given to 0000:00:01.0 and to another device",
	  NULL },
	{ "no function 0",
	  { { "a", 1, 64, .dev = { { EDU, "guest", "00:04.1" } } } },
	  0,
	  "00:04 has no function 0",
	  NULL },
	{ "function twice",
	  { { "a", 1, 64, .dev = { { EDU }, { EDU } } } },
	  0,
	  EDU " is listed twice",
	  NULL },
	{ "function of two guests",
	  { { "a", 1, 64, .dev = { { EDU } } }, { "b", 1, 64, .dev = { { EDU } } } },
	  1,
	  "guest \"a\" has 0000:00:02.0 already",
	  NULL },
	{ "bridge", { { "a", 1, 64, .dev = { { "0000:00:03.0" } } } }, 0, "is a bridge", NULL },
	{ "refused function",
	  { { "a", 1, 64, .dev = { { EDU } } } },
	  0,
	  "cannot be assigned: its capability list loops",
	  func_refused },
	{ "no way to reset it",
	  { { "a", 1, 64, .dev = { { EDU } } } },
	  0,
	  EDU " has no way to be reset",
	  no_reset },
	{ "StreamID of two guests",
	  { { "a", 1, 64, .dev = { { "0000:01:05.0" } } },
	    { "b", 1, 64, .dev = { { "0000:01:06.0" } } } },
	  1,
	  "0000:01:06.0 and 0000:01:05.0 share StreamID 0x100, and guest \"a\" has the latter",
	  NULL },
	{ "group of two guests",
	  { { "a", 1, 64, .dev = { { NIC } } }, { "b", 1, 64, .dev = { { EDU } } } },
	  1,
	  "0000:00:02.0 and 0000:00:01.0 are not isolated from each other (group 1)",
	  one_group },
	{ "no IOMMU",
	  { { "a", 1, 64, .dev = { { EDU } } } },
	  0,
	  "no IOMMU translates the DMA of 0000:00:02.0",
	  no_iommu },
	{ "IOMMU dead",
	  { { "a", 1, 64, .dev = { { EDU } } } },
	  0,
	  "which does not work",
	  dead_iommu },
	{ "IOMMU dead, forced",
	  { { "a", 1, 64, .dev = { { EDU, "force-assign-without-iommu" } } } },
	  0,
	  "which does not work",
	  dead_iommu },
	{ "IOMMU without stage 2",
	  { { "a", 1, 64, .dev = { { EDU } } } },
	  0,
	  "smmuv3@9050000 of 0000:00:02.0 has no stage 2",
	  stage1_iommu },
	{ "IOMMU too narrow",
	  { { "a", 1, 64, .dev = { { EDU } } } },
	  0,
	  "reaches 2^32 bytes only",
	  narrow_iommu },
	{ "IOMMU and bridge differ in coherence",
	  { { "a", 1, 64, .dev = { { EDU } } } },
	  0,
	  "only one is dma-coherent",
	  noncoherent_iommu },
	{ "coherence mixed",
	  { { "a", 1, 64, .dev = { { EDU }, { "0000:00:06.0" } } } },
	  0,
	  "0000:00:02.0 is dma-coherent and 0000:00:06.0 is not",
	  mixed_coherence },
	{ "two MSI controllers",
	  { { "a", 1, 64, .dev = { { EDU }, { "0000:00:06.0" } } } },
	  0,
	  "another MSI controller",
	  two_its },
	{ "MSI demanded",
	  { { "a", 1, 64, .dev = { { EDU, "msi", "trapped" } } } },
	  0,
	  "cannot have MSI: no MSI controller serves it",
	  no_msi },
	{ "direct without MSI-X",
	  { { "a", 1, 64, .dev = { { EDU, "msi", "direct" } } } },
	  0,
	  "0000:00:02.0 cannot have direct MSI: it has no MSI-X; give msi = \"auto\"",
	  NULL },
	{ "direct without IOMMU",
	  { { "a", 1, 64, .dev = { { NIC, "msi", "direct", "force-assign-without-iommu" } },
	      .extra = direct_map } },
	  0,
	  "cannot have direct MSI: no IOMMU confines its messages",
	  nic_no_iommu },
	{ "direct with v2m",
	  { { "a", 1, 64, .dev = { { NIC, "msi", "direct" } } } },
	  0,
	  "cannot have direct MSI: its MSI controller does not tell senders apart",
	  v2m },
	{ "direct with an alias",
	  { { "a", 1, 64, .dev = { { NIC, "msi", "direct" } } } },
	  0,
	  "cannot have direct MSI: it shares its DeviceID",
	  one_device_id },
	{ "an MSI frame is another guest's",
	  { { "a", 1, 64, .dev = { { NIC } } }, { "b", 1, 64, .dev = { { "0000:00:06.0" } } } },
	  1,
	  "no MSI frame is left for 0000:00:06.0: guest \"a\" has that at 0x8020000, and either could raise "
	  "the other's interrupts; give it msi = \"off\", or allow-shared-msi-frame",
	  v2m },
	{ "who has shared it does not matter",
	  { { "a", 1, 64, .dev = { { NIC, "allow-shared-msi-frame", NULL } } },
	    { "b", 1, 64, .dev = { { EDU } } } },
	  1,
	  "no MSI frame is left for 0000:00:02.0",
	  v2m },
	{ "all of a guest's devices must allow it",
	  { { "a", 1, 64, .dev = { { NIC } } },
	    { "b", 1, 64,
	      .dev = { { "0000:00:06.0", "allow-shared-msi-frame", NULL }, { EDU } } } },
	  1,
	  "no MSI frame is left for 0000:00:02.0",
	  v2m },
	{ "a frame and an ITS",
	  { { "a", 1, 64, .dev = { { EDU }, { "0000:00:06.0" } } } },
	  0,
	  "another MSI controller",
	  v2m_and_its },
	{ "direct behind a frame",
	  { { "a", 1, 64, .dev = { { NIC, "msi", "direct" } } } },
	  0,
	  "cannot have direct MSI: its MSI controller does not tell senders apart",
	  v2m },
	{ "INTx demanded",
	  { { "a", 1, 64, .dev = { { "0000:03:00.0", "intx", "on" } } } },
	  0,
	  "has intx = \"on\" but no INTx line",
	  NULL },
	{ "INTx needed twice",
	  { { "a", 1, 64, .dev = { { "0000:00:07.0" } } },
	    { "b", 1, 64, .dev = { { "0000:00:0a.0" } } } },
	  1,
	  "0000:00:0a.0 and 0000:00:07.0 of guest \"a\" both need INTx line SPI 5",
	  NULL },
	{ "INTx demanded twice",
	  { { "a", 1, 64, .dev = { { EDU, "intx", "on" } } },
	    { "b", 1, 64, .dev = { { "0000:00:06.0", "intx", "on" } } } },
	  1,
	  "both need INTx line SPI 4",
	  NULL },
	{ "INTx needed where MSI is off",
	  { { "a", 1, 64, .dev = { { EDU, "msi", "off" } } },
	    { "b", 1, 64, .dev = { { "0000:00:06.0", "msi", "off" } } } },
	  1,
	  "both need INTx line SPI 4",
	  NULL },
	{ "a line that cannot be silenced, behind one who needs it",
	  { { "a", 1, 64, .dev = { { EDU, "intx", "on" } } },
	    { "b", 1, 64, .dev = { { "0000:00:06.0" } } } },
	  1,
	  "0000:00:06.0 and 0000:00:02.0 of guest \"a\" both need INTx line SPI 4, where DisINTx does not "
	  "silence 0000:00:06.0; give both to one guest",
	  stuck },
	{ "a line that cannot be silenced, in front of one who needs it",
	  { { "a", 1, 64, .dev = { { "0000:00:06.0", "intx", "off" } } },
	    { "b", 1, 64, .dev = { { EDU, "msi", "off" } } } },
	  1,
	  "where DisINTx does not silence 0000:00:06.0",
	  stuck },
	{ "32-bit BARs too large",
	  { { "a", 1, 64, .dev = { { "0000:04:00.0" } } } },
	  0,
	  "32-bit BARs of its devices (256 MiB, naturally aligned) do not fit into the",
	  NULL },
	{ "RAM over a window",
	  { { "a", 1, 64, .dev = { { EDU } } } },
	  0,
	  "RAM at 0x40000000 (64 MiB) overlaps a BAR window of pcie@10000000 (0x40000000 to 0x1003fffffff)",
	  window_everywhere },
	{ "static memory malformed",
	  { { "a", 1, 64, .extra = static_cells } },
	  0,
	  "xen,static-mem is malformed",
	  NULL },
	{ "static memory, no whole pages",
	  { { "a", 1, 64, .extra = static_odd } },
	  0,
	  "xen,static-mem is malformed",
	  NULL },
	{ "static memory wraps",
	  { { "a", 1, 64, .extra = static_wraps } },
	  0,
	  "xen,static-mem is malformed",
	  NULL },
	{ "static memory and memory",
	  { { "a", 1, 63, .extra = static_64 } },
	  0,
	  "xen,static-mem has 64 MiB and memory is 63 MiB; make them equal",
	  NULL },
	{ "static memory is no RAM",
	  { { "a", 1, 64, .extra = static_nowhere } },
	  0,
	  "xen,static-mem at 0x1000000 to 0x4ffffff is not RAM",
	  NULL },
	{ "static memory over Viaduct",
	  { { "a", 1, 64, .extra = static_image } },
	  0,
	  "overlaps Viaduct itself",
	  NULL },
	{ "static memory is reserved",
	  { { "a", 1, 64, .extra = static_reserved } },
	  0,
	  "overlaps reserved memory",
	  NULL },
	{ "static memory over a module",
	  { { "a", 1, 64, .extra = static_kernel } },
	  0,
	  "xen,static-mem at 0x60000000 to 0x63ffffff overlaps the kernel of guest a",
	  NULL },
	{ "static memory over a later module",
	  { { "a", 1, 64, .extra = static_later }, { "b", 1, 64 } },
	  0,
	  "overlaps a later guest's module",
	  NULL },
	{ "static memory twice",
	  { { "a", 1, 64, .extra = static_64 }, { "b", 1, 64, .extra = static_64 } },
	  1,
	  "xen,static-mem at 0x70000000 to 0x73ffffff overlaps the RAM of guest a",
	  NULL },
	{ "static memory overlaps",
	  { { "a", 1, 64, .extra = static_64 }, { "b", 1, 64, .extra = static_over } },
	  1,
	  "overlaps the RAM of guest a",
	  NULL },
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
	  "direct-map: RAM at 0x50000000 to 0x53ffffff overlaps a BAR window of pcie@10000000 (0x50000000 to 0x57ffffff)",
	  juno_host },
	{ "direct-map outside dma-ranges",
	  { { "a", 1, 64, .dev = { { EDU } }, .extra = direct_map } },
	  0,
	  "direct-map: RAM at 0x40200000 to 0x441fffff is outside the dma-ranges of pcie@10000000 (0x80000000 to",
	  narrow_dma_low },
	{ "forced without direct-map",
	  { { "a", 1, 64, .dev = { { EDU, "force-assign-without-iommu" } } } },
	  0,
	  EDU
	  " is given without an IOMMU, so it uses physical addresses; give the guest direct-map",
	  no_iommu },
	{ "RAM outside dma-ranges",
	  { { "a", 1, 64, .dev = { { EDU } } } },
	  0,
	  "RAM at 0x40000000 (64 MiB) is outside the dma-ranges of pcie@10000000 (0x80000000 to 0x81ffffff)",
	  narrow_dma_ranges },
};

static void refuses(void **state)
{
	for (unsigned i = 0; i < ARRAY_SIZE(refusals); i++) {
		setup(state);
		if (refusals[i].change)
			refusals[i].change();
		run_guests(refusals[i].g, 3);
		for (unsigned g = 0; g < plan.guest_count; g++) {
			const char *why = plan.guest[g].refused;
			bool wanted = g == refusals[i].refused;

			if (wanted != !!strstr(why, refusals[i].text) || (!wanted && *why))
				fail_msg("%s: guest %u: \"%s\"", refusals[i].rule, g, why);
			if (strlen(why) + 1 == sizeof(plan.guest[g].refused))
				fail_msg("%s: cut: %s", refusals[i].rule, why);
		}
		plan_print(&plan);
		assert_true(strstr(host_log(), refusals[i].text));
	}
}

/* --- what is accepted --------------------------------------------------------------------- */

static void starts(const struct decl *g, unsigned count)
{
	run_guests(g, count);
	for (unsigned i = 0; i < plan.guest_count; i++)
		assert_string_equal(plan.guest[i].refused, "");
}

static void guest_gets_what_it_declares(void **state)
{
	static const struct decl g[] = { { "domU1", 2, 256, MOD(0), MOD(1) },
					 { "b", 1, 64, MOD(0) } };
	const struct guest_plan *p = &plan.guest[0];

	starts(g, 2);
	assert_int_equal(plan.guest_count, 2);
	assert_string_equal(p->name, "domU1");
	assert_int_equal(p->vcpu_count, 2);
	assert_int_equal(p->cpu[0], 0);
	assert_int_equal(p->cpu[1], 1);
	assert_int_equal(plan.guest[1].cpu[0], 2);
	assert_int_equal(p->ram_size, MIB(256));
	assert_int_equal(p->ram[0].ipa.v, 0x40000000);
	assert_int_equal(p->ram_count, 1);
	assert_int_equal(p->module[MODULE_KERNEL].base, MOD(0));
	assert_int_equal(p->module[MODULE_RAMDISK].base, MOD(1));
	assert_string_equal(p->bootargs, "console=ttyAMA0");
	assert_true(p->vpl011);
	assert_false(p->has_pci);
	assert_false(p->its);
	assert_false(p->stop_on_crash);
	assert_int_equal(p->spi_count, 32);
	assert_int_equal(p->image.kernel, 0x40000000);
	assert_int_equal(p->image.kernel_size, 0x800000);
	assert_int_equal(p->image.initrd, 0x40800000);
	assert_int_equal(p->image.dtb, 0x40000000 + MIB(254));
	assert_false(range_overlaps((struct range){ p->ram[0].pa.v, p->ram_size },
				    (struct range){ MOD(0), 0x2000000 }));
}

/* Legacy strings, one-cell memory, cells 1/1, our own compatible: ImageBuilder and hand-written. */
static void other_spellings(void **state)
{
	static const char zimage[] = "xen,linux-zimage\0xen,multiboot-module";
	static const char initrd[] = "xen,linux-initrd\0xen,multiboot-module";
	fdt32_t reg[2] = { cpu_to_fdt32(0x60000000), cpu_to_fdt32(0x1000) };

	tree_begin();
	node("anything@1");
	prop_str("compatible", "viaduct,guest");
	prop32("#address-cells", 1);
	prop32("#size-cells", 1);
	prop32("memory", 65536);
	prop32("cpus", 1);
	prop32("nr_spis", 33);
	prop_str("on-crash", "stop");
	node("a");
	prop_raw("compatible", zimage, sizeof(zimage));
	prop_raw("reg", reg, 8);
	end();
	node("b");
	reg[0] = cpu_to_fdt32(0x61000000);
	prop_raw("compatible", initrd, sizeof(initrd));
	prop_raw("reg", reg, 8);
	end();
	end();
	run();
	assert_string_equal(plan.guest[0].refused, "");
	assert_string_equal(plan.guest[0].name, "anything");
	assert_int_equal(plan.guest[0].ram_size, MIB(64));
	assert_int_equal(plan.guest[0].spi_count, 64);
	assert_int_equal(plan.guest[0].module[MODULE_RAMDISK].base, 0x61000000);
	assert_true(plan.guest[0].stop_on_crash);
	assert_false(plan.guest[0].vpl011);
}

static void odd_properties(void)
{
	prop_str("xen,enhanced", "enabled");
	prop_str("passthrough", "enabled");
	prop32("colour-of-the-box", 3);
}

static void ignored_gets_one_warning(void **state)
{
	static const struct decl g = { "a_very_long_guest_name", 1, 64, .extra = odd_properties };
	static const char dom0[] = "xen,linux-zimage\0xen,multiboot-module";

	tree_begin();
	prop_str("xen,xen-bootargs", "console=dtuart sched=null");
	add_guest(&g, 0);
	node("dom0");
	prop_raw("compatible", dom0, sizeof(dom0));
	end();
	run();
	assert_string_equal(plan.guest[0].refused, "");
	assert_string_equal(plan.guest[0].name, "a_very_long_gue");
	assert_int_equal(occurrences("the name is cut"), 1);
	assert_int_equal(occurrences("\"xen,enhanced\" has no meaning for Viaduct"), 1);
	assert_int_equal(occurrences("\"passthrough\" has no meaning for Viaduct"), 1);
	assert_int_equal(occurrences("\"colour-of-the-box\" is not known"), 1);
	assert_int_equal(occurrences("Viaduct has no dom0"), 1);
	assert_int_equal(occurrences("xen,xen-bootargs"), 1);
	assert_int_equal(occurrences("ignored"), 5);
}

static void ninth_guest_is_refused(void **state)
{
	static const char *const names[] = { "a", "b", "c", "d", "e", "f", "g", "h", "i" };

	tree_begin();
	for (unsigned i = 0; i < 9; i++) {
		const struct decl g = { names[i], 1, 16, MOD(0) };

		add_guest(&g, 0);
	}
	run();
	assert_int_equal(plan.guest_count, MAX_VMS);
	assert_int_equal(occurrences("guest /chosen/i refused: there are 8 guests already"), 1);
	for (unsigned i = 4; i < MAX_VMS; i++) /* four CPUs */
		assert_true(strstr(plan.guest[i].refused, "0 of 4 are free"));
}

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
	assert_int_equal(plan.guest[1].cpu[3], 3);
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
	assert_memory_equal(plan.guest[0].cpu, want, 4);
	assert_int_equal(plan.guest[0].trap_unmapped, 1);
}

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

static void device_fields(void **state)
{
	static const struct decl g = {
		"a", 1, 64,
		.dev = { { EDU, "memory-type", "device", "atomic-ops", NULL },
			 { NIC, "raw-gaps", NULL, "allow-no-reset", NULL } }
	};
	const struct plan_device *d;

	starts(&g, 1);
	d = plan.guest[0].device;
	assert_ptr_equal(d[0].as.func, fake_func(EDU));
	assert_int_equal(d[0].as.devfn, 1 << 3);
	assert_true(d[0].as.device_memory[0] && d[0].as.device_memory[5]);
	assert_false(d[1].as.device_memory[0]);
	assert_true(d[0].as.atomic_ops && d[1].as.raw_gaps && d[1].allow_no_reset &&
		    !d[1].as.atomic_ops);
	assert_int_equal(d[0].msi, PLAN_TRAPPED);
	assert_int_equal(d[1].msi, PLAN_DIRECT);
	assert_true(d[1].as.msi_direct && !d[0].as.msi_direct);
	assert_int_equal(d[0].as.msi.count, 1);
	assert_int_equal(d[1].as.msi.count, 5);
	assert_ptr_equal(d[1].as.msi.ctrl, fake_func(NIC)->msi);
	assert_true(plan.guest[0].its && plan.guest[0].coherent && plan.guest[0].has_pci);
	assert_int_equal(plan.guest[0].vpci.doorbell.v, GUEST_ITS_BASE + 0x10000);
}

static void a_device_that_cannot_be_reset_is_let_in_on_demand(void **state)
{
	static const struct decl g = { "a", 1, 64, .dev = { { EDU, "allow-no-reset" } } };

	no_reset();
	starts(&g, 1);
}

static void forced_device_needs_no_iommu(void **state)
{
	static const struct decl g = { "a", 1, 64, .dev = { { EDU, "force-assign-without-iommu" } },
				       .extra = direct_map };

	no_iommu();
	starts(&g, 1);
	assert_true(plan.guest[0].its);
	/* Its interrupts go to the controller's own page, so that has to be let in. */
	setup(state);
	no_iommu();
	pci_hosts[0].window[2] = (struct pci_window){ PCI_WINDOW_MEM32, false,  0x8000000,
						      0x8000000,        MIB(2), 0 };
	starts(&g, 1);
	assert_false(plan.guest[0].its);
	plan_print(&plan);
	assert_int_equal(occurrences("NO IOMMU"), 1);
}

/* --- the guest's bus ---------------------------------------------------------------------- */

static const struct {
	const char *rule;
	struct dev dev[5];
	uint8_t devfn[5];
	uint8_t multi; /* bit i: device i has others in its slot */
} layouts[] = {
	{ "next free number from 01",
	  { { EDU }, { NIC }, { "0000:00:07.0" } },
	  { 0x08, 0x10, 0x18 },
	  0 },
	{ "explicit numbers are kept free",
	  { { EDU }, { NIC, "guest", "00:01.0" } },
	  { 0x10, 0x08 },
	  0 },
	{ "functions of a slot stay together",
	  { { "0000:02:00.1" }, { EDU }, { "0000:02:00.0" }, { "0000:02:00.3" } },
	  { 0x09, 0x10, 0x08, 0x0b },
	  0xd },
	{ "the lowest becomes function 0",
	  { { "0000:02:00.3" }, { "0000:02:00.1" } },
	  { 0x0b, 0x08 },
	  0x3 },
	{ "a single function becomes function 0", { { "0000:02:00.3" } }, { 0x08 }, 0 },
	{ "siblings follow an explicit one",
	  { { "0000:02:00.1" }, { "0000:02:00.0", "guest", "00:07.0" } },
	  { 0x39, 0x38 },
	  0x3 },
	{ "strangers may share a slot on demand",
	  { { EDU, "guest", "00:1f.0" }, { NIC, "guest", "00:1f.7" } },
	  { 0xf8, 0xff },
	  0x3 },
};

static void lays_out_the_bus(void **state)
{
	for (unsigned i = 0; i < ARRAY_SIZE(layouts); i++) {
		struct decl g = { "a", 1, 64 };

		setup(state);
		memcpy(g.dev, layouts[i].dev, sizeof(layouts[i].dev));
		starts(&g, 1);
		for (unsigned d = 0; d < plan.guest[0].device_count; d++) {
			const struct vpci_assignment *as = &plan.guest[0].device[d].as;

			if (as->devfn != layouts[i].devfn[d] ||
			    as->multifunction != (layouts[i].multi >> d & 1))
				fail_msg("%s: device %u is %02x", layouts[i].rule, d, as->devfn);
		}
	}
}

/* --- INTx --------------------------------------------------------------------------------- */

static const struct {
	const char *rule;
	struct decl g[2];
	struct {
		unsigned guest, device;
		uint8_t pin;
		uint32_t virq;
	} want[5];
	void (*change)(void);
} lines[] = {
	{ "alone, a function has MSI and INTx",
	  { { "a", 1, 64, .dev = { { EDU } } } },
	  { { 0, 0, 1, 33 } } },
	{ "both with MSI: both lose the line",
	  { { "a", 1, 64, .dev = { { EDU } } }, { "b", 1, 64, .dev = { { "0000:00:06.0" } } } },
	  { { 0, 0, 0, 0 }, { 1, 0, 0, 0 } } },
	{ "who needs the line gets it, whoever is first",
	  { { "a", 1, 64, .dev = { { EDU } } },
	    { "b", 1, 64, .dev = { { "0000:00:06.0", "intx", "on" } } } },
	  { { 0, 0, 0, 0 }, { 1, 0, 1, 33 } } },
	{ "declared off frees the line",
	  { { "a", 1, 64, .dev = { { EDU, "intx", "off" } } },
	    { "b", 1, 64, .dev = { { "0000:00:06.0" } } } },
	  { { 0, 0, 0, 0 }, { 1, 0, 1, 33 } } },
	{ "a function that cannot be silenced has its line alone",
	  { { "a", 1, 64, .dev = { { EDU } } }, { "b", 1, 64, .dev = { { "0000:00:06.0" } } } },
	  { { 0, 0, 0, 0 }, { 1, 0, 1, 33 } },
	  stuck },
	{ "whether its guest wants the line or not",
	  { { "a", 1, 64, .dev = { { EDU } } },
	    { "b", 1, 64, .dev = { { "0000:00:06.0", "intx", "off" } } } },
	  { { 0, 0, 0, 0 }, { 1, 0, 0, 0 } },
	  stuck },
	{ "within its guest it may share",
	  { { "a", 1, 64, .dev = { { EDU }, { "0000:00:06.0" } } } },
	  { { 0, 0, 1, 33 }, { 0, 1, 1, 33 } },
	  stuck },
	{ "without MSI the line is what is left",
	  { { "a", 1, 64, .dev = { { EDU } } }, { "b", 1, 64, .dev = { { "0000:00:06.0" } } } },
	  { { 0, 0, 1, 33 }, { 1, 0, 0, 0 } },
	  no_msi },
	{ "one guest's functions share one virtual line",
	  { { "a", 1, 64, .dev = { { EDU }, { NIC }, { "0000:00:06.0" } } } },
	  { { 0, 0, 1, 33 }, { 0, 1, 1, 34 }, { 0, 2, 1, 33 } } },
	{ "a slot's pin stands for one line",
	  { { "a", 1, 64,
	      .dev = { { EDU, "guest", "00:03.0" },
		       { NIC, "guest", "00:03.1" },
		       { "0000:00:06.0", "guest", "00:03.2" } } } },
	  { { 0, 0, 1, 33 }, { 0, 1, 2, 34 }, { 0, 2, 1, 33 } } },
	{ "functions keep their pins",
	  { { "a", 1, 64, .dev = { { "0000:02:00.0" }, { "0000:02:00.1" }, { "0000:02:00.3" } } } },
	  { { 0, 0, 1, 33 }, { 0, 1, 2, 34 }, { 0, 2, 3, 35 } } },
	{ "no interrupt at all",
	  { { "a", 1, 64, .dev = { { "0000:03:00.0" } } } },
	  { { 0, 0, 0, 0 } } },
};

static void assigns_lines(void **state)
{
	for (unsigned i = 0; i < ARRAY_SIZE(lines); i++) {
		setup(state);
		if (lines[i].change)
			lines[i].change();
		starts(lines[i].g, 2);
		for (unsigned w = 0; w == 0 || lines[i].want[w].guest || lines[i].want[w].device;
		     w++) {
			const struct plan_device *d =
				&plan.guest[lines[i].want[w].guest].device[lines[i].want[w].device];

			if (d->as.intx_pin != lines[i].want[w].pin ||
			    d->as.intx_virq != lines[i].want[w].virq)
				fail_msg("%s: want %u: pin %u line %u", lines[i].rule, w,
					 d->as.intx_pin, d->as.intx_virq);
			assert_int_equal(!d->as.intx_pin, !!d->intx_note);
		}
	}
}

static void says_what_cannot_be_silenced(void **state)
{
	static const struct decl g = { "a", 1, 64, .dev = { { "0000:00:06.0" }, { EDU } } };

	stuck();
	starts(&g, 1);
	plan_print(&plan);
	assert_int_equal(occurrences("INTx     pin A, SPI 4 as SPI 1; DisINTx does not silence it"),
			 1);
	assert_int_equal(occurrences("DisINTx"), 1);
}

/* --- GICv2m ------------------------------------------------------------------------------- */

static const struct {
	const char *rule;
	unsigned frames;
	uint32_t spis;
	struct decl g[3];
	struct {
		unsigned frame;
		uint32_t vectors[3];   /* of each device */
		uint32_t first, count; /* of the virtual frame */
	} want[3];
} frames[] = {
	{ "one guest: all it asks for",
	  1,
	  64,
	  { { "a", 1, 64, .dev = { { EDU }, { NIC } } } },
	  { { 0, { 1, 5 }, 64, 32 } } },
	{ "a frame a guest",
	  4,
	  32,
	  { { "a", 1, 64, .dev = { { EDU } } },
	    { "b", 1, 64 },
	    { "c", 1, 64, .dev = { { "0000:02:00.0" }, { "0000:02:00.1" }, { "0000:02:00.3" } } } },
	  { { 0, { 1 }, 64, 32 }, { 0, { 0 }, 64, 0 }, { 1, { 4, 4, 4 }, 64, 32 } } },
	{ "a frame that nobody needs stays free",
	  2,
	  32,
	  { { "a", 1, 64, .dev = { { EDU, "msi", "off" } } },
	    { "b", 1, 64, .dev = { { "0000:01:06.0" } } },
	    { "c", 1, 64, .dev = { { NIC } } } },
	  { { 0, { 0 }, 64, 0 }, { 0, { 1 }, 64, 32 }, { 1, { 5 }, 64, 32 } } },
	{ "shared where that is allowed",
	  1,
	  32,
	  { { "a", 1, 64, .dev = { { EDU } } },
	    { "b", 1, 64, .dev = { { "0000:01:06.0", "allow-shared-msi-frame", NULL } } } },
	  { { 0, { 1 }, 64, 32 }, { 0, { 1 }, 64, 32 } } },
	{ "who wants more than the rest gets less",
	  1,
	  8,
	  { { "a", 1, 64, .dev = { { "0000:03:00.0" }, { NIC }, { EDU } } } },
	  { { 0, { 2, 2, 1 }, 64, 32 } } },
	{ "to the last SPI",
	  1,
	  13,
	  { { "a", 1, 64, .dev = { { "0000:03:00.0" }, { NIC } } } },
	  { { 0, { 8, 5 }, 64, 32 } } },
	{ "and one less",
	  1,
	  12,
	  { { "a", 1, 64, .dev = { { "0000:03:00.0" }, { NIC } } } },
	  { { 0, { 4, 4 }, 64, 32 } } },
};

static void gives_out_frames(void **state)
{
	for (unsigned i = 0; i < ARRAY_SIZE(frames); i++) {
		setup(state);
		fake_v2m(frames[i].frames, frames[i].spis);
		starts(frames[i].g, 3);
		for (unsigned n = 0; n < plan.guest_count; n++) {
			const struct guest_plan *g = &plan.guest[n];
			bool ok = g->v2m_count == frames[i].want[n].count && !g->its &&
				  (!g->v2m_count || g->v2m_first == frames[i].want[n].first) &&
				  g->spi_count >=
					  (g->v2m_count ? g->v2m_first + g->v2m_count - 32 : 0) &&
				  g->msi == (g->v2m_count ? v2m_frame(frames[i].want[n].frame) :
							    NULL);

			for (unsigned d = 0; d < g->device_count; d++)
				ok = ok &&
				     g->device[d].as.msi.count == frames[i].want[n].vectors[d] &&
				     !g->device[d].as.msi_direct &&
				     (!g->msi || g->device[d].as.msi.ctrl == g->msi);
			if (!ok)
				fail_msg("%s: guest %u: frame SPIs %u+%u, vectors %u %u",
					 frames[i].rule, n, g->v2m_first, g->v2m_count,
					 g->device[0].as.msi.count, g->device[1].as.msi.count);
		}
	}
}

static void a_frames_doorbell_is_its_own_page_where_that_is_reached(void **state)
{
	static const struct decl g[] = {
		{ "a", 1, 64, .dev = { { EDU } } },
		{ "b", 1, 64, .dev = { { "0000:00:06.0", "allow-shared-msi-frame", NULL } } }
	};
	const struct vpci_config *v = &plan.guest[0].vpci;

	setup(state);
	fake_v2m(1, 64);
	starts(g, 2);
	assert_int_equal(v->dma_doorbell.v, FAKE_FRAME);
	assert_int_equal(v->doorbell.v, GUEST_V2M_BASE);
	plan_print(&plan);
	assert_int_equal(
		occurrences(
			"a:   its MSI frame is that of \"b\" as well: their interrupts are NOT isolated"),
		1);
	assert_int_equal(
		occurrences(
			"b:   its MSI frame is that of \"a\" as well: their interrupts are NOT isolated"),
		1);
	assert_int_equal(
		occurrences(
			"MSI      trapped (it has no MSI-X), GICv2m frame 0x8020000, 1 vectors"),
		2);
	assert_int_equal(occurrences("a:   v2m      IPA 0x2000000, SPIs 32 to 63"), 1);
	setup(state);
	fake_v2m(1, 64);
	pci_hosts[0].inbound_count = 1;
	pci_hosts[0].inbound[0] = (struct range){ 0x40000000, MIB(256) };
	starts(g, 1);
	assert_int_equal(v->dma_doorbell.v, 0x40000000 + MIB(64));
	assert_int_equal(v->doorbell.v, GUEST_V2M_BASE);
	setup(state);
	fake_v2m(1, 64);
	pci_hosts[0].inbound_count = 1;
	pci_hosts[0].inbound[0] = (struct range){ 0x40000000, MIB(64) };
	starts(g, 1);
	assert_null(plan.guest[0].msi);
	assert_int_equal(plan.guest[0].v2m_count, 0);
	assert_int_equal(plan.guest[0].device[0].as.intx_pin, 1);
}

/* --- addresses ---------------------------------------------------------------------------- */

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
		const struct guest_plan *p = &plan.guest[0];

		setup(state);
		ram_size = GIB(16);
		if (places[i].juno)
			pci_hosts[0] = juno;
		starts(&g, 1);
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

/* No page for the doorbell: INTx only, and the plan says so. */
static void unreachable_doorbell_leaves_intx(void **state)
{
	static const struct decl g = { "a", 1, 64, .dev = { { EDU } } };

	pci_hosts[0].inbound_count = 1;
	pci_hosts[0].inbound[0] = (struct range){ 0x80000000, MIB(64) };
	starts(&g, 1);
	assert_false(plan.guest[0].its);
	assert_int_equal(plan.guest[0].device[0].as.msi.count, 0);
	assert_int_equal(plan.guest[0].device[0].as.intx_pin, 1);
	assert_int_equal(plan.guest[0].vpci.doorbell.v, 0);
	plan_print(&plan);
	assert_int_equal(occurrences("MSI      none: no free page inside dma-ranges"), 1);
}

/* Behind Juno's root complex a doorbell is where it is, if its bridge lets it in, or it is not. */
static void a_window_of_its_own_for_the_doorbell(void **state)
{
	static const struct decl g = { "a", 1, 512, .dev = { { EDU } } };

	for (unsigned with = 0; with < 2; with++) {
		setup(state);
		pci_hosts[0] = juno;
		pci_hosts[0].own_doorbell = true;
		fake_doorbell_page = 0x2c1c0000; /* where BARs would be, but for this */
		if (with)
			pci_hosts[0].inbound[pci_hosts[0].inbound_count++] = (struct range){
				fake_doorbell_page, 4096
			};
		starts(&g, 1);
		assert_int_equal(plan.guest[0].ram[0].ipa.v, 0x80000000);
		assert_int_equal(plan.guest[0].its, with);
		assert_int_equal(plan.guest[0].vpci.dma_doorbell.v, with ? fake_doorbell_page : 0);
		assert_int_equal(plan.guest[0].vpci.mem32.base,
				 with ? 0x2d000000 : GUEST_MEM32_BASE);
	}
	setup(state);
	pci_hosts[0] = juno;
	pci_hosts[0].own_doorbell = true;
	starts(&g, 1);
	plan_print(&plan);
	assert_int_equal(
		occurrences("MSI      none: its host bridge lets nothing through to the doorbell"),
		1);
}

static void is_ram(unsigned guest, unsigned i, uint64_t ipa, uint64_t pa, uint64_t size)
{
	const struct guest_ram *r = &plan.guest[guest].ram[i];

	if (i >= plan.guest[guest].ram_count || r->ipa.v != ipa || r->pa.v != pa || r->size != size)
		fail_msg("guest %u, range %u of %u: 0x%lx is PA 0x%lx, 0x%lx bytes", guest, i,
			 plan.guest[guest].ram_count, r->ipa.v, r->pa.v, r->size);
}

static void static_memory_is_taken_as_it_is(void **state)
{
	static const struct decl g[] = { { "first", 1, 64 },
					 { "two", 1, 64, .extra = static_two },
					 { "direct", 1, 64, .extra = direct_static_low,
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
					 { "refused", 1, 64, .extra = static_64,
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

static void large_bar_moves_the_high_window(void **state)
{
	static const struct decl small = { "a", 1, 64, .dev = { { "0000:02:00.0" } } };
	static const struct decl large = { "a", 1, 5120, .dev = { { "0000:03:00.0" } } };
	const struct vpci_config *v = &plan.guest[0].vpci;

	starts(&small, 1);
	assert_int_equal(v->ecam.v, GUEST_ECAM_BASE);
	assert_int_equal(v->mem32.base, GUEST_MEM32_BASE);
	assert_int_equal(v->mem64.base, GUEST_MEM64_BASE);
	assert_int_equal(v->mem64.size, GUEST_MEM64_SIZE);
	setup(state);
	ram_size = GIB(8);
	starts(&large, 1); /* RAM up to 10 GiB, then the next multiple of 8 GiB */
	assert_int_equal(v->mem64.base, GIB(16));
	assert_int_equal(v->mem64.size, GIB(8));
}

static void place_is_pure_and_lowest(void **state)
{
	const struct plan_space space = { .end = UINT64_C(1) << 40,
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

static void offline_cpus_are_not_used(void **state)
{
	static const struct decl g = { "a", 2, 64 };

	tree_begin();
	add_guest(&g, 0);
	run();
	board.cpu[0].online = false;
	board.cpu[2].online = false;
	replan();
	assert_int_equal(plan.guest[0].cpu[0], 1);
	assert_int_equal(plan.guest[0].cpu[1], 3);
}

static void prints_the_plan(void **state)
{
	static const char *const facts[] = {
		"guest \"a\" (/chosen/a) starts",
		"RAM      PA 0x40200000 as IPA 0x40000000, 64 MiB",
		"CPUs     0 1; vpl011",
		"0000:00:02.0 [1234:1001] as 00:01.0",
		"group    2, StreamID 0x10 of smmuv3@9050000",
		"group    6, StreamID 0x100 of",
		"group 6: 0000:01:05.0 (conventional PCI) 0000:01:06.0 (conventional PCI)",
		"reset    FLR",
		"BAR0     PA 0x10100000, 1 MiB, 32-bit",
		"MSI      trapped (it has no MSI-X), ITS, DeviceID 0x10, 1 vectors",
		"MSI      direct, ITS, DeviceID 0x300, 8 vectors",
		"INTx     pin A, SPI 4 as SPI 1",
		"guest \"b\" (/chosen/b) refused: guest \"a\" has 0000:00:02.0 already",
		"device 0000:00:01.0 [1234:1000], group 1: no guest has it",
	};
	static const struct decl g[] = { { "a", 2, 64, .dev = { { EDU } } },
					 { "b", 1, 64, .dev = { { EDU } } },
					 { "c", 1, 64,
					   .dev = { { "0000:01:05.0" }, { "0000:03:00.0" } } } };

	run_guests(g, 3);
	plan_print(&plan);
	for (unsigned i = 0; i < ARRAY_SIZE(facts); i++)
		if (!strstr(host_log(), facts[i]))
			fail_msg("not said: %s\n%s", facts[i], host_log());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(refuses, setup),
		cmocka_unit_test_setup(guest_gets_what_it_declares, setup),
		cmocka_unit_test_setup(other_spellings, setup),
		cmocka_unit_test_setup(ignored_gets_one_warning, setup),
		cmocka_unit_test_setup(ninth_guest_is_refused, setup),
		cmocka_unit_test_setup(refused_guest_takes_nothing, setup),
		cmocka_unit_test_setup(vcpus_go_where_they_may, setup),
		cmocka_unit_test_setup(memory_is_shared_by_name, setup),
		cmocka_unit_test_setup(device_fields, setup),
		cmocka_unit_test_setup(a_device_that_cannot_be_reset_is_let_in_on_demand, setup),
		cmocka_unit_test_setup(forced_device_needs_no_iommu, setup),
		cmocka_unit_test_setup(lays_out_the_bus, setup),
		cmocka_unit_test_setup(assigns_lines, setup),
		cmocka_unit_test_setup(places_memory, setup),
		cmocka_unit_test_setup(memory_avoids_configuration_space, setup),
		cmocka_unit_test_setup(says_what_cannot_be_silenced, setup),
		cmocka_unit_test_setup(gives_out_frames, setup),
		cmocka_unit_test_setup(a_frames_doorbell_is_its_own_page_where_that_is_reached,
				       setup),
		cmocka_unit_test_setup(unreachable_doorbell_leaves_intx, setup),
		cmocka_unit_test_setup(a_window_of_its_own_for_the_doorbell, setup),
		cmocka_unit_test_setup(static_memory_is_taken_as_it_is, setup),
		cmocka_unit_test_setup(static_memory_is_kept_for_its_guest, setup),
		cmocka_unit_test_setup(static_memory_in_the_cells_of_older_trees, setup),
		cmocka_unit_test_setup(direct_map_is_where_devices_reach, setup),
		cmocka_unit_test_setup(direct_map_moves_the_high_window, setup),
		cmocka_unit_test_setup(ram_comes_from_all_banks, setup),
		cmocka_unit_test_setup(large_bar_moves_the_high_window, setup),
		cmocka_unit_test_setup(place_is_pure_and_lowest, setup),
		cmocka_unit_test_setup(offline_cpus_are_not_used, setup),
		cmocka_unit_test_setup(prints_the_plan, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
