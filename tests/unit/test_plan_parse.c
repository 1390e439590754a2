/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The planner. Declarations of guests and devices: what is malformed refuses its guest, the rest is
 * in its plan.
 */
#include "plan_world.h"

static void memory_3_cells(void)
{
	static const char twelve[12];

	prop_raw("memory", twelve, 12);
}

static void cpus_2_cells(void) { prop64("cpus", 1); }
static void spis_many(void) { prop32("nr_spis", 961); }
/* A node as written for other cells than it has. */
static void cells_of_one(void)
{
	node("module@2");
	prop_str("compatible", "multiboot,ramdisk");
	prop32("reg", (uint32_t)MOD(1));
	end();
}

static void crash_odd(void) { prop_str("on-crash", "explode"); }
static void trap_odd(void) { prop32("trap-unmapped-accesses", 2); }
static void vcpu_nobody(void) { vcpu(2, "0"); }
static void affinity_words(void) { vcpu(0, "0-"); }
static void affinity_far(void) { vcpu(0, "1,512"); }
static void affinity_backwards(void) { vcpu(0, "3-1"); }
static const struct refusal refusals[] = {
	{ "memory missing", { { "a", 1, 0 } }, 0, "memory is missing; give memory = <0 KiB>" },
	{ "memory malformed",
	  { { "a", 1, 0, .extra = memory_3_cells } },
	  0,
	  "memory is malformed" },
	{ "memory absurd", { { "a", 1, MIB(2) } }, 0, "more than 1 TiB" },
	{ "cpus missing", { { "a", 0, 64 } }, 0, "cpus is missing; give cpus = <1>" },
	{ "cpus malformed", { { "a", 0, 64, .extra = cpus_2_cells } }, 0, "cpus is malformed" },
	{ "cpus too many for a guest", { { "a", 513, 64 } }, 0, "cpus is 513; give 1 to 512" },
	{ "nr_spis", { { "a", 1, 64, .extra = spis_many } }, 0, "nr_spis is 961; give 0 to 960" },
	{ "on-crash", { { "a", 1, 64, .extra = crash_odd } }, 0, "on-crash is malformed" },
	{ "cells of the guest's node",
	  { { "a", 1, 64, .extra = cells_of_one } },
	  0,
	  "module module@2: reg has 1 cells, and its guest's #address-cells (2) and #size-cells "
	  "(2) want 4; correct" },
	{ "trap-unmapped-accesses",
	  { { "a", 1, 64, .extra = trap_odd } },
	  0,
	  "trap-unmapped-accesses is 2; give 0 to 1" },
	{ "vCPU that is not there",
	  { { "a", 2, 64, .extra = vcpu_nobody } },
	  0,
	  "vcpu2: id is malformed" },
	{ "affinity malformed",
	  { { "a", 1, 64, .extra = affinity_words } },
	  0,
	  "vcpu0: hard-affinity is malformed" },
	{ "affinity absurd",
	  { { "a", 1, 64, .extra = affinity_far } },
	  0,
	  "vcpu0: hard-affinity is malformed" },
	{ "affinity backwards",
	  { { "a", 1, 64, .extra = affinity_backwards } },
	  0,
	  "hard-affinity is malformed" },
	{ "host missing",
	  { { "a", 1, 64, .dev = { { "" } } } },
	  0,
	  "dev0: host is missing; give host = " },
	{ "host malformed",
	  { { "a", 1, 64, .dev = { { "nvme0" } } } },
	  0,
	  "host = \"nvme0\" is malformed" },
	{ "intx malformed",
	  { { "a", 1, 64, .dev = { { EDU, "intx", "yes" } } } },
	  0,
	  "intx is malformed" },
	{ "msi malformed",
	  { { "a", 1, 64, .dev = { { EDU, "msi", "yes" } } } },
	  0,
	  "msi is malformed" },
	{ "memory-type malformed",
	  { { "a", 1, 64, .dev = { { EDU, "memory-type", "wb" } } } },
	  0,
	  "memory-type is malformed" },
	{ "guest BDF malformed",
	  { { "a", 1, 64, .dev = { { EDU, "guest", "01:02.0" } } } },
	  0,
	  "guest is malformed" },
};

static void refuses(void **state) { check_refusals(refusals, ARRAY_SIZE(refusals)); }

static void guest_gets_what_it_declares(void **state)
{
	static const struct decl g[] = { { "domU1", 2, 256, MOD(0), MOD(1) },
					 { "domU2", 1, 64, MOD(0) } };
	const struct guest_plan *p;

	starts(g, 2);
	p = &plan.guest[0];
	assert_int_equal(plan.guest_count, 2);
	assert_string_equal(p->name, "domU1");
	assert_int_equal(p->vcpu_count, 2);
	assert_int_equal(p->vcpu[0].cpu, 0);
	assert_int_equal(p->vcpu[1].cpu, 1);
	assert_int_equal(plan.guest[1].vcpu[0].cpu, 2);
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

static void misspelt(void)
{
	prop32("cpu", 1);
	node("module@1");
	prop_str("compatible", "multiboot,ramdisc");
	end();
}

static void a_slip_is_told_with_what_was_meant(void **state)
{
	static const struct decl g = { "a", 1, 64, .extra = misspelt };

	tree_begin();
	add_guest(&g, 0);
	node("one");
	prop_str("compatible", "xen,domains");
	end();
	node("two");
	prop32("cpus", 1);
	end();
	node("three"); /* nothing says that this was meant to be a guest */
	prop_str("compatible", "simple-bus");
	end();
	run();
	assert_int_equal(occurrences("\"cpu\" is not known; ignored; did you mean \"cpus\"?"), 1);
	assert_int_equal(occurrences("/chosen/a/module@1 is not supported; ignored; did you mean "
				     "\"multiboot,ramdisk\"?"),
			 1);
	assert_int_equal(occurrences("/chosen/one: compatible \"xen,domains\" is not supported; "
				     "ignored; did you mean \"xen,domain\"?"),
			 1);
	assert_int_equal(occurrences("/chosen/two looks like a guest and has no compatible"), 1);
	assert_int_equal(occurrences("three"), 0);
}

static void order_listed(void)
{
	static const char list[] = "dom10\0nobody\0dom1b\0dom10"; /* the last one again */

	prop_raw("viaduct,order", list, sizeof(list));
}

static void order_malformed(void) { prop_raw("viaduct,order", "a", 1); }

/* The order of planning does not depend on the tree's: `want` has the names one after the other. */
static void check_order(void (*chosen)(void), const char *want)
{
	static const char *const names[] = { "net", "dom10", "dom9", "dom1b", "dom09a", "dom1@1" };
	char have[64] = "";

	for (unsigned turn = 0; turn < 2; turn++) {
		setup(NULL);
		tree_begin();
		if (chosen)
			chosen();
		for (unsigned i = 0; i < ARRAY_SIZE(names); i++) {
			unsigned n = turn ? (unsigned)ARRAY_SIZE(names) - 1 - i : i;
			const struct decl g = { names[n], 1, 16, MOD(0) };

			add_guest(&g, 0);
		}
		run();
		assert_int_equal(plan.guest_count, ARRAY_SIZE(names));
		have[0] = 0;
		for (unsigned i = 0; i < plan.guest_count; i++)
			sprintf(have + strlen(have), "%s ", plan.guest[i].name);
		assert_string_equal(have, want);
		assert_int_equal(plan.guest[0].vcpu[0].cpu, 0);
	}
}

static void guests_are_planned_by_name(void **state)
{
	check_order(NULL, "dom1 dom1b dom9 dom09a dom10 net ");
	check_order(order_listed, "dom10 dom1b dom1 dom9 dom09a net ");
	assert_int_equal(occurrences("viaduct,order names \"nobody\", which is no guest"), 1);
	assert_int_equal(occurrences("viaduct,order names \"dom10\", which is no guest, or twice"),
			 1);
	check_order(order_malformed, "dom1 dom1b dom9 dom09a dom10 net ");
	assert_int_equal(occurrences("viaduct,order is malformed"), 1);
}

static void chosen_is_read_with_care(void **state)
{
	tree_begin();
	prop_str("viaduct,stay-om", "");
	prop_str("viaduct,what", "");
	prop_str("viaduct,order", "a");
	prop64("linux,initrd-start", 1);
	run();
	assert_int_equal(occurrences("\"viaduct,stay-om\" is not known; ignored; did you mean "
				     "\"viaduct,stay-on\"?"),
			 1);
	assert_int_equal(occurrences("\"viaduct,what\" is not known; ignored\n"), 1);
	assert_int_equal(occurrences("\"viaduct,order\" is not known"), 0);
	assert_int_equal(occurrences("a ramdisk for Viaduct itself has no meaning; ignored"), 1);
}

static void as_many_guests_as_vmids(void **state)
{
	static char names[MAX_VMS + 1][8];

	tree_begin();
	for (unsigned i = 0; i < MAX_VMS + 1; i++) {
		const struct decl g = { names[i], 1, 16, MOD(0) };

		sprintf(names[i], "g%u", i);
		add_guest(&g, 0);
	}
	run();
	assert_int_equal(plan.guest_count, MAX_VMS);
	assert_int_equal(occurrences("guest /chosen/g256 refused: there are 256 guests already"),
			 1);
	for (unsigned i = 4; i < MAX_VMS; i++) /* four CPUs */
		assert_true(strstr(plan.guest[i].refused, "0 of 4 are free"));
}

/* Number 255 is a guest like any other, and not "nobody". */
static void the_last_of_256_guests_owns_its_device(void **state)
{
	static char names[MAX_VMS][8];

	tree_begin();
	for (unsigned i = 0; i < MAX_VMS; i++) {
		const struct decl refused = { names[i], 5, 16, MOD(0) };
		const struct decl last = { names[i], 1, 64, .dev = { { EDU, NULL } } };

		sprintf(names[i], "g%u", i);
		add_guest(i + 1 < MAX_VMS ? &refused : &last, 0);
	}
	run();
	assert_string_equal(plan.guest[MAX_VMS - 1].refused, "");
	assert_int_equal(fake_func(EDU)->owner, MAX_VMS - 1);
	assert_int_not_equal(fake_func(EDU)->owner, PCI_NO_OWNER);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(refuses, setup),
		cmocka_unit_test_setup(guest_gets_what_it_declares, setup),
		cmocka_unit_test_setup(other_spellings, setup),
		cmocka_unit_test_setup(ignored_gets_one_warning, setup),
		cmocka_unit_test_setup(as_many_guests_as_vmids, setup),
		cmocka_unit_test_setup(the_last_of_256_guests_owns_its_device, setup),
		cmocka_unit_test_setup(device_fields, setup),
		cmocka_unit_test(a_slip_is_told_with_what_was_meant),
		cmocka_unit_test(guests_are_planned_by_name),
		cmocka_unit_test_setup(chosen_is_read_with_care, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
