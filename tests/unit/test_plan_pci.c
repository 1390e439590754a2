/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The planner. Which functions a guest gets: ownership, groups, IOMMU, place on its bus, INTx
 * lines.
 */
#include "plan_world.h"

static void dead_iommu(void) { fake_smmu.dead = true; }
static void stage1_iommu(void) { fake_smmu.s2 = false; }
static void narrow_iommu(void) { fake_smmu.oas_bits = 32; }
static void func_refused(void) { fake_func("0000:00:02.0")->refused = "its capability list loops"; }
static void no_reset(void) { fake_func("0000:00:02.0")->flr = false; }
static void one_group(void) { fake_func("0000:00:02.0")->group = 1; }
static void noncoherent_iommu(void) { fake_smmu.coherent = false; }
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

static const struct refusal refusals[] = {
	{ "host unknown",
	  { { "a", 1, 64, .dev = { { "0000:00:1f.0" } } } },
	  0,
	  "there is no PCI function \"0000:00:1f.0\"" },
	{ "host ambiguous",
	  { { "a", 1, 64, .dev = { { "pci:1234:11e8" } } } },
	  0,
	  "fits several functions; name one of them: 0000:00:01.0 0000:00:02.0 0000:00:06.0" },
	{ "guest BDF twice",
	  { { "a", 1, 64,
	      .dev = { { EDU, "guest", "00:02.0" }, { NIC, "guest", "0000:00:02.0" } } } },
	  0,
	  "guest = \"00:02.0\" is given to 0000:00:01.0 and to another device" },
	{ "no function 0",
	  { { "a", 1, 64, .dev = { { EDU, "guest", "00:04.1" } } } },
	  0,
	  "00:04 has no function 0" },
	{ "function twice",
	  { { "a", 1, 64, .dev = { { EDU }, { EDU } } } },
	  0,
	  EDU " is listed twice" },
	{ "function of two guests",
	  { { "a", 1, 64, .dev = { { EDU } } }, { "b", 1, 64, .dev = { { EDU } } } },
	  1,
	  "guest \"a\" has 0000:00:02.0 already" },
	{ "bridge", { { "a", 1, 64, .dev = { { "0000:00:03.0" } } } }, 0, "is a bridge" },
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
	  "0000:01:06.0 and 0000:01:05.0 share StreamID 0x100, and guest \"a\" has the latter" },
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
	{ "INTx demanded",
	  { { "a", 1, 64, .dev = { { "0000:03:00.0", "intx", "on" } } } },
	  0,
	  "has intx = \"on\" but no INTx line" },
	{ "INTx needed twice",
	  { { "a", 1, 64, .dev = { { "0000:00:07.0" } } },
	    { "b", 1, 64, .dev = { { "0000:00:0a.0" } } } },
	  1,
	  "0000:00:0a.0 and 0000:00:07.0 of guest \"a\" both need INTx line SPI 5" },
	{ "INTx demanded twice",
	  { { "a", 1, 64, .dev = { { EDU, "intx", "on" } } },
	    { "b", 1, 64, .dev = { { "0000:00:06.0", "intx", "on" } } } },
	  1,
	  "both need INTx line SPI 4" },
	{ "INTx needed where MSI is off",
	  { { "a", 1, 64, .dev = { { EDU, "msi", "off" } } },
	    { "b", 1, 64, .dev = { { "0000:00:06.0", "msi", "off" } } } },
	  1,
	  "both need INTx line SPI 4" },
	{ "a line that cannot be silenced, behind one who needs it",
	  { { "a", 1, 64, .dev = { { EDU, "intx", "on" } } },
	    { "b", 1, 64, .dev = { { "0000:00:06.0" } } } },
	  1,
	  "0000:00:06.0 and 0000:00:02.0 of guest \"a\" both need INTx line SPI 4, where DisINTx "
	  "does not "
	  "silence 0000:00:06.0; give both to one guest",
	  stuck },
	{ "a line that cannot be silenced, in front of one who needs it",
	  { { "a", 1, 64, .dev = { { "0000:00:06.0", "intx", "off" } } },
	    { "b", 1, 64, .dev = { { EDU, "msi", "off" } } } },
	  1,
	  "where DisINTx does not silence 0000:00:06.0",
	  stuck },
};

static void refuses(void **state) { check_refusals(refusals, ARRAY_SIZE(refusals)); }

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(refuses, setup),
		cmocka_unit_test_setup(a_device_that_cannot_be_reset_is_let_in_on_demand, setup),
		cmocka_unit_test_setup(forced_device_needs_no_iommu, setup),
		cmocka_unit_test_setup(lays_out_the_bus, setup),
		cmocka_unit_test_setup(assigns_lines, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
