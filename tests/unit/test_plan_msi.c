/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The planner. MSI: which devices get it, by ITS or GICv2m frame, direct or trapped, and where its
 * doorbell is.
 */
#include "plan_world.h"

static void nic_no_iommu(void) { fake_func("0000:00:01.0")->iommu = NULL; }
static void v2m(void) { fake_v2m(1, 64); }
static void v2m_and_its(void)
{
	v2m();
	fake_func("0000:00:06.0")->msi = fake_its(0);
}

static void one_device_id(void) { fake_func("0000:00:02.0")->device_id = 0x08; }
static void two_its(void) { fake_func("0000:00:06.0")->msi = fake_its(1); }
static const struct refusal refusals[] = {
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
	  "0000:00:02.0 cannot have direct MSI: it has no MSI-X; give msi = \"auto\"" },
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
	  "no MSI frame is left for 0000:00:06.0: guest \"a\" has that at 0x8020000, and either "
	  "could raise "
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
};

static void refuses(void **state) { check_refusals(refusals, ARRAY_SIZE(refusals)); }

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
	const struct vpci_config *v;

	setup(state);
	fake_v2m(1, 64);
	starts(g, 2);
	v = &plan.guest[0].vpci;
	assert_int_equal(v->dma_doorbell.v, FAKE_FRAME);
	assert_int_equal(v->doorbell.v, GUEST_V2M_BASE);
	plan_print(&plan);
	assert_int_equal(
		occurrences("a:   its MSI frame is that of \"b\" as well: their interrupts are NOT "
			    "isolated"),
		1);
	assert_int_equal(
		occurrences("b:   its MSI frame is that of \"a\" as well: their interrupts are NOT "
			    "isolated"),
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
	v = &plan.guest[0].vpci;
	assert_int_equal(v->dma_doorbell.v, 0x40000000 + MIB(64));
	assert_int_equal(v->doorbell.v, GUEST_V2M_BASE);
	setup(state);
	fake_v2m(1, 64);
	pci_hosts[0].inbound_count = 1;
	pci_hosts[0].inbound[0] = (struct range){ 0x40000000, MIB(64) };
	starts(g, 1);
	v = &plan.guest[0].vpci;
	assert_null(plan.guest[0].msi);
	assert_int_equal(plan.guest[0].v2m_count, 0);
	assert_int_equal(plan.guest[0].device[0].as.intx_pin, 1);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(refuses, setup),
		cmocka_unit_test_setup(gives_out_frames, setup),
		cmocka_unit_test_setup(a_frames_doorbell_is_its_own_page_where_that_is_reached,
				       setup),
		cmocka_unit_test_setup(unreachable_doorbell_leaves_intx, setup),
		cmocka_unit_test_setup(a_window_of_its_own_for_the_doorbell, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
