/* SPDX-License-Identifier: Apache-2.0 */
/* Requester IDs, streams, DeviceIDs, INTx lines, groups and names. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <host.h>

#include "../host/pci_board.h"

#define ECAM UINT64_C(0x4010000000)

static struct pcim m;

static void start(void)
{
	board_begin();
	pcim_init(&m, ECAM, MIB(256), 0);
}

static struct pci_func *func(struct pcim_dev *d)
{
	struct pci_func *f = board_func(d);

	assert_non_null(f);
	return f;
}

static bool same_group(struct pcim_dev *a, struct pcim_dev *b)
{
	return func(a)->group == func(b)->group;
}

static bool has_alias(struct pcim_dev *d, uint16_t rid)
{
	for (unsigned i = 0; i < func(d)->alias_count; i++)
		if (func(d)->alias[i] == rid)
			return true;
	return false;
}

#define ACS_ALL 0x5f

static struct pcim_dev *port(struct pcim_dev *up, unsigned dev, unsigned fn, int type, uint16_t acs)
{
	struct pcim_dev *d = pcim_bridge(&m, up, dev, fn, type);

	if (acs)
		pcim_acs(d, acs);
	return d;
}

static struct pcim_dev *express(struct pcim_dev *up, unsigned dev, unsigned fn)
{
	struct pcim_dev *d = pcim_endpoint(&m, up, dev, fn, 0x8086, (uint16_t)(dev << 3 | fn));

	pcim_pcie(d, up ? 0 : 9, true, 2);
	return d;
}

static void test_aliases_below_bridges(void **state)
{
	struct pcim_dev *rp, *pp, *pb, *deep, *flat, *bare, *bare_ep, *old, *old_ep;

	start();
	rp = port(NULL, 1, 0, 4, ACS_ALL); /* buses 1.. */
	pp = port(rp, 0, 0, 7, 0);         /* 01:00.0, secondary 2 */
	pb = port(pp, 1, 0, -1, 0);        /* 02:01.0, secondary 3 */
	flat = pcim_endpoint(&m, pp, 5, 0, 0x1234, 1);
	deep = pcim_endpoint(&m, pb, 4, 0, 0x1234, 2); /* 03:04.0 */
	/* No PCIe capability, right below a port. */
	bare = port(port(NULL, 2, 0, 4, ACS_ALL), 0, 0, -1, 0);
	bare_ep = pcim_endpoint(&m, bare, 6, 0, 0x1234, 3);
	old = port(NULL, 3, 0, -1, 0); /* conventional on the root bus: 00:03.0 */
	old_ep = pcim_endpoint(&m, old, 6, 0, 0x1234, 4);
	board_probe(&m);

	assert_int_equal(func(flat)->alias_count, 2);
	assert_true(has_alias(flat, 0x0228) && has_alias(flat, 0x0200));
	assert_int_equal(func(deep)->alias_count, 3);
	assert_true(has_alias(deep, 0x0320) && has_alias(deep, 0x0208) && has_alias(deep, 0x0200));
	assert_int_equal(func(deep)->sid_count, 3);
	assert_ptr_equal(func(deep)->iommu, &board_smmu);
	/* What arrives at the root, through msi-map. */
	assert_int_equal(func(deep)->device_id, 0x40200);
	assert_int_equal(func(bare)->bdf, 0x0400);
	assert_true(has_alias(bare_ep, 0x0500) && !has_alias(bare_ep, 0x0400));
	assert_true(has_alias(old_ep, 0x0018));
	assert_true(same_group(flat, deep));
	assert_true(same_group(flat, pp));
	assert_false(same_group(flat, rp));
	assert_false(same_group(flat, bare_ep));
	assert_false(same_group(flat, old_ep));
}

static void test_quirks_of_requester_ids(void **state)
{
	struct pcim_dev *rp, *pp, *ep, *sata;

	start();
	rp = port(NULL, 1, 0, 4, ACS_ALL);
	pp = port(rp, 0, 0, 7, 0);
	pcim_set(pp, 0, 4, 0x11501a03);
	ep = pcim_endpoint(&m, pp, 1, 0, 0x1a03, 0x2000);
	sata = pcim_endpoint(&m, port(NULL, 2, 0, 4, 0), 0, 0, 0x1b4b, 0x9230);
	board_probe(&m);
	assert_int_equal(func(ep)->alias_count, 1);
	assert_int_equal(func(ep)->alias[0], func(ep)->bdf);
	assert_true(same_group(ep, pp)); /* the bus below is shared all the same */
	assert_int_equal(func(sata)->alias_count, 2);
	assert_true(has_alias(sata, (uint16_t)(func(sata)->bdf | 1)));
	assert_int_equal(func(sata)->device_id, 0x40000u + func(sata)->bdf); /* not the quirk's */
}

static void test_iommu_map(void **state)
{
	static const uint32_t map[] = {
		0x0000, BOARD_SMMU,  0x1000, 0x100, /* bus 0 */
		0x0200, BOARD_SMMU2, 0x0000, 0x100, /* bus 2; bus 1 has none */
		0x0300, 0x77,        0x0000, 0x100, /* bus 3: an IOMMU we do not drive */
	};
	struct pcim_dev *root, *ep[3];

	start();
	root = express(NULL, 9, 0);
	for (unsigned i = 0; i < 3; i++)
		ep[i] = express(port(NULL, i + 1, 0, 4, ACS_ALL), 0, 0);
	board_host(&(struct board_host){ .ecam = ECAM,
					 .ecam_size = MIB(256),
					 .iommu_map = map,
					 .iommu_count = 3,
					 .no_msi = true });
	board_go();
	assert_ptr_equal(func(root)->iommu, &board_smmu);
	assert_int_equal(func(root)->sid[0], 0x1048);
	assert_null(func(ep[0])->iommu);
	assert_int_equal(func(ep[0])->sid_count, 0);
	assert_ptr_equal(func(ep[1])->iommu, &board_smmu2);
	assert_int_equal(func(ep[1])->sid[0], 0);
	assert_null(func(ep[2])->iommu);
	assert_null(func(root)->msi);
	assert_ptr_equal(pci_by_sid(&board_smmu, 0x1048), func(root));
	assert_ptr_equal(pci_by_sid(&board_smmu2, 0), func(ep[1]));
	assert_null(pci_by_sid(&board_smmu, 5));
}

/* Two functions that their IOMMU cannot tell apart are one stream, hence one group. */
static void test_ignored_bits_of_stream_ids(void **state)
{
	static const uint32_t map[] = {
		0x0100, BOARD_SMMU, 0x410, 1, 0x0200, BOARD_SMMU, 0x810, 1
	};
	struct pcim_dev *a, *b;

	start();
	a = express(port(NULL, 1, 0, 4, ACS_ALL), 0, 0);
	b = express(port(NULL, 2, 0, 4, ACS_ALL), 0, 0);
	board_smmu.sid_ignored = 0x7c00;
	board_host(&(struct board_host){ .ecam = ECAM,
					 .ecam_size = MIB(256),
					 .iommu_map = map,
					 .iommu_count = 2,
					 .no_msi = true });
	board_go();
	board_smmu.sid_ignored = 0;
	assert_int_equal(func(a)->sid[0], 0x10);
	assert_int_equal(func(b)->sid[0], 0x10);
	assert_int_equal(func(a)->group, func(b)->group);
}

static void test_one_unmapped_alias_makes_it_untranslated(void **state)
{
	static const uint32_t map[] = { 0x0100, BOARD_SMMU, 0x100, 1 }; /* the alias only */
	struct pcim_dev *ep;

	start();
	ep = pcim_endpoint(&m, port(NULL, 1, 0, 7, 0), 3, 0, 0x8086, 1);
	board_host(&(struct board_host){
		.ecam = ECAM, .ecam_size = MIB(256), .iommu_map = map, .iommu_count = 1 });
	board_go();
	assert_null(func(ep)->iommu);
	assert_int_equal(func(ep)->sid_count, 0);
}

static void test_a_v2m_frame_is_found_like_an_its(void **state)
{
	struct pcim_dev *ep;

	start();
	ep = express(port(NULL, 1, 0, 4, ACS_ALL), 0, 0);
	board_host(&(struct board_host){
		.ecam = ECAM, .ecam_size = MIB(256), .msi_parent = true, .v2m = true });
	board_go();
	assert_ptr_equal(func(ep)->msi, v2m_find(BOARD_V2M));
}

static void test_a_masked_stream_is_one_group(void **state)
{
	static const uint32_t map[] = { 0, BOARD_SMMU, 0, 1 };
	struct pcim_dev *a, *b, *far;

	start();
	a = express(port(NULL, 1, 0, 4, ACS_ALL), 0, 0);
	b = express(port(NULL, 2, 0, 4, ACS_ALL), 0, 0);
	far = express(port(port(port(NULL, 3, 0, 4, ACS_ALL), 0, 0, 5, 0), 1, 0, 6, ACS_ALL), 0, 0);
	board_host(&(struct board_host){ .ecam = ECAM,
					 .ecam_size = MIB(256),
					 .iommu_map = map,
					 .iommu_count = 1,
					 .iommu_mask = BOARD_MASK_ZERO,
					 .msi_parent = true });
	board_go();
	assert_int_equal(func(a)->sid[0], 0);
	assert_int_equal(func(b)->sid[0], 0);
	assert_true(same_group(a, b));
	assert_int_equal(func(a)->group, 0); /* named by its first member */
	assert_non_null(func(a)->msi);
	assert_int_equal(func(a)->device_id, func(a)->bdf);
	/* Juno's switch and what is on it: whatever ACS says, there is one stream. */
	assert_int_equal(func(far)->sid[0], 0);
	assert_true(same_group(a, far));
	for (unsigned i = 0; i < pci_func_count; i++)
		assert_int_equal(pci_funcs[i].group, 0);
	func(b)->owner = 3;
	assert_ptr_equal(pci_by_sid(&board_smmu, 0), func(b));
}

static void test_intx_turns_at_every_bridge(void **state)
{
	struct pcim_dev *d[4], *pp, *deep, *none;

	start();
	d[0] = express(NULL, 0, 0);
	d[1] = express(NULL, 3, 0);
	pcim_set(d[1], 0x3d, 1, 4);
	d[2] = express(NULL, 6, 0); /* the map repeats after four slots */
	d[3] = express(port(NULL, 2, 0, 4, ACS_ALL), 0, 0);
	pp = port(NULL, 1, 0, 7, 0);
	deep = pcim_endpoint(&m, pp, 7, 0, 0x1234, 1);
	pcim_set(deep, 0x3d, 1, 2);
	none = express(NULL, 8, 0);
	pcim_set(none, 0x3d, 1, 0);
	board_probe(&m);
	/* SPI 3 + (slot + pin) % 4, INTID + 32 */
	assert_int_equal(func(d[0])->intx.intid, 35);
	assert_int_equal(func(d[1])->intx.intid, 35 + (3 + 3) % 4);
	assert_int_equal(func(d[2])->intx.intid, 35 + 2);
	assert_int_equal(func(d[3])->intx.intid, 35 + 2);
	assert_int_equal(func(deep)->intx.intid, 35 + (1 + (1 + 7) % 4) % 4);
	assert_int_equal(func(none)->intx.intid, 0);
	assert_false(func(d[0])->intx.edge);
	/* The map has four lines for each slot, and the pin register binds nobody. */
	for (uint32_t intid = 34; intid <= 39; intid++) {
		assert_int_equal(pci_can_assert(func(none), intid), intid >= 35 && intid <= 38);
		assert_int_equal(pci_can_assert(func(deep), intid), intid >= 35 && intid <= 38);
	}
}

/* INTx is a level by its protocol; a tree that says edge is taken at its number alone. */
static void test_an_edge_in_the_interrupt_map_is_said_and_ignored(void **state)
{
	struct pcim_dev *d;

	start();
	d = express(NULL, 0, 0);
	board_host(&(struct board_host){ .ecam = ECAM, .ecam_size = m.size, .edge = true });
	board_go();
	assert_int_equal(func(d)->intx.intid, 35);
	assert_false(func(d)->intx.edge);
	assert_non_null(strstr(host_log(), "is an edge; taken as a level"));
}

static void test_acs_is_enabled_and_separates(void **state)
{
	struct pcim_dev *rp[2], *ep[2], *up, *dn[2], *sep[2];

	start();
	for (unsigned i = 0; i < 2; i++) { /* two ports in one slot */
		rp[i] = port(NULL, 1, i, 4, ACS_ALL);
		pcim_set(rp[i], 0x0e, 1, 0x81);
		ep[i] = express(rp[i], 0, 0);
	}
	up = port(port(NULL, 2, 0, 4, ACS_ALL), 0, 0, 5, 0);
	for (unsigned i = 0; i < 2; i++) {
		dn[i] = port(up, i, 0, 6, 0x1f);
		sep[i] = express(dn[i], 0, 0);
	}
	board_probe(&m);
	assert_int_equal(pcim_get(rp[0], rp[0]->acs + 6u, 2), 0x1f);
	assert_false(same_group(ep[0], ep[1]));
	assert_false(same_group(ep[0], rp[0]));
	assert_false(same_group(sep[0], sep[1]));
	assert_false(same_group(sep[0], ep[0]));
}

/* Each bit of SV, TB, RR, CR, UF: a port that does not offer it has it hard-wired, one that does
 * not take it is open. */
static void test_acs_that_is_offered_and_refused_is_open(void **state)
{
	for (uint16_t bit = 1; bit < 0x20; bit = (uint16_t)(bit << 1)) {
		struct pcim_dev *refuses, *lacks, *ep[2];

		start();
		refuses = port(NULL, 1, 0, 4, ACS_ALL);
		pcim_writable(refuses, refuses->acs + 6u, 2, (uint32_t)(ACS_ALL & ~bit));
		lacks = port(NULL, 2, 0, 4, (uint16_t)(ACS_ALL & ~bit));
		ep[0] = express(refuses, 0, 0);
		ep[1] = express(lacks, 0, 0);
		board_probe(&m);
		assert_string_equal(pci_open_why(func(refuses)), "ACS stays off");
		assert_true(same_group(ep[0], refuses));
		assert_null(pci_open_why(func(lacks)));
		assert_false(same_group(ep[1], lacks));
	}
}

static void test_ports_of_a_slot_without_acs_are_one_group(void **state)
{
	struct pcim_dev *rp[3], *ep[3];

	start();
	for (unsigned i = 0; i < 3; i++) {
		rp[i] = port(NULL, i < 2 ? 1 : 2, i & 1, 4, 0);
		pcim_set(rp[i], 0x0e, 1, i < 2 ? 0x81 : 1);
		ep[i] = express(rp[i], 0, 0);
	}
	board_probe(&m);
	assert_true(same_group(ep[0], ep[1]));
	assert_true(same_group(ep[0], rp[0]));
	assert_false(same_group(ep[0], ep[2]));
}

static void test_a_switch_with_one_port_without_acs_is_open(void **state)
{
	struct pcim_dev *up, *ep[3], *other;

	start();
	up = port(port(NULL, 1, 0, 4, ACS_ALL), 0, 0, 5, 0);
	for (unsigned i = 0; i < 3; i++)
		ep[i] = express(port(up, i, 0, 6, i == 1 ? 0 : 0x1f), 0, 0);
	other = express(port(NULL, 2, 0, 4, ACS_ALL), 0, 0);
	board_probe(&m);
	assert_true(same_group(ep[0], ep[1]));
	assert_true(same_group(ep[0], ep[2]));
	assert_false(same_group(ep[0], other));
	/* ... and the plan can name it. */
	assert_null(pci_open_why(func(up)));
	assert_null(pci_open_why(func(up)->parent));
	assert_null(pci_open_why(func(ep[0])->parent));
	assert_string_equal(pci_open_why(func(ep[1])->parent), "no ACS");
}

static void test_functions_of_a_slot_need_acs(void **state)
{
	struct pcim_dev *plain[2], *acs[2], *pci[2];

	start();
	for (unsigned i = 0; i < 2; i++) {
		plain[i] = express(NULL, 1, i);
		acs[i] = express(NULL, 2, i);
		pcim_acs(acs[i], 0); /* offers nothing: hard-wired isolating */
		pci[i] = pcim_endpoint(&m, NULL, 3, i, 0x8086, 9);
	}
	pcim_set(plain[0], 0x0e, 1, 0x80);
	pcim_set(acs[0], 0x0e, 1, 0x80);
	pcim_set(pci[0], 0x0e, 1, 0x80);
	board_probe(&m);
	assert_true(same_group(plain[0], plain[1]));
	assert_false(same_group(acs[0], acs[1]));
	assert_true(same_group(pci[0], pci[1]));
	assert_false(same_group(pci[0], plain[0]));
}

static void test_conventional_functions_on_the_root_bus_are_apart(void **state)
{
	struct pcim_dev *a, *b;

	start();
	a = pcim_endpoint(&m, NULL, 1, 0, 0x1234, 0x11e8);
	b = pcim_endpoint(&m, NULL, 2, 0, 0x1234, 0x11e8);
	board_probe(&m);
	assert_false(same_group(a, b));
}

static void test_names(void **state)
{
	struct pcim_dev *rp, *up, *dn, *ep, *twin[2];
	struct pci_func *f;
	size_t i;
	const struct {
		const char *name;
		enum hv_status s;
		struct pcim_dev **d;
	} cases[] = {
		{ "0000:00:01.0", HV_OK, &rp },
		{ "00:01.0", HV_OK, &rp },
		{ "0:0:1.0", HV_OK, &rp },
		{ "0000:03:00.0", HV_OK, &ep },
		{ "0000:00:01.0/00.0", HV_OK, &up },
		{ "0000:00:01.0/00.0/03.0/00.0", HV_OK, &ep },
		{ "00:01.0/0.0/3.0/0.0", HV_OK, &ep },
		{ "0000:02:03.0/00.0", HV_OK, &ep },
		{ "pci:8086:10d3", HV_OK, &ep },
		{ "pci:8086:10D3", HV_OK, &ep },
		{ "pci:8086:10d3:5678:1234", HV_OK, &ep },
		{ "pci:8086:10d3:5678:1235", HV_ENOENT, NULL },
		{ "pci:1af4:1041", HV_ECONFLICT, NULL },
		{ "pci:1af4:1042", HV_ENOENT, NULL },
		{ "0000:00:01.1", HV_ENOENT, NULL },
		{ "0001:00:01.0", HV_ENOENT, NULL },
		{ "0000:00:01.0/01.0", HV_ENOENT, NULL },
		{ "0000:00:01.0/01.0/00.0", HV_ENOENT, NULL },
		{ "", HV_EINVAL, NULL },
		{ "0000:00:01", HV_EINVAL, NULL },
		{ "0000:00:01.8", HV_EINVAL, NULL },
		{ "0000:00:20.0", HV_EINVAL, NULL },
		{ "20.0", HV_EINVAL, NULL },
		{ "00:20.0", HV_EINVAL, NULL },
		{ "0000:100:01.0", HV_EINVAL, NULL },
		{ "00000:00:01.0", HV_EINVAL, NULL },
		{ "0000:00:01.0/", HV_EINVAL, NULL },
		{ "0000:00:01.0 ", HV_EINVAL, NULL },
		{ "0000:00:09.0/zz", HV_EINVAL, NULL },
		{ "pci:", HV_EINVAL, NULL },
		{ "pci:8086", HV_EINVAL, NULL },
		{ "pci:8086:10d3:1", HV_EINVAL, NULL },
		{ "pci:8086:10d3:1:2:3", HV_EINVAL, NULL },
		{ "pci:8086:10d3x", HV_EINVAL, NULL },
	};

	start();
	rp = port(NULL, 1, 0, 4, 0);
	up = port(rp, 0, 0, 5, 0);
	dn = port(up, 3, 0, 6, 0);
	ep = pcim_endpoint(&m, dn, 0, 0, 0x8086, 0x10d3);
	for (i = 0; i < 2; i++)
		twin[i] = pcim_endpoint(&m, NULL, 4 + (unsigned)i, 0, 0x1af4, 0x1041);
	board_probe(&m);
	(void)twin;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(pci_find(cases[i].name, &f), cases[i].s);
		if (cases[i].d)
			assert_ptr_equal(f, func(*cases[i].d));
	}
	assert_string_equal(func(ep)->name, "0000:03:00.0");
}

static void test_candidates_for_a_name_that_fails(void **state)
{
	static const struct {
		const char *name, *want[4];
	} cases[] = {
		{ "pci:1af4:1041", { "0000:00:04.0", "0000:00:05.0" } },
		{ "pci:1af4:9999", { NULL } },
		{ "pci:1af4", { NULL } },
		{ "0000:00:04.7", { "0000:00:04.0" } },
		{ "0000:00:09.0", { "0000:00:01.0", "0000:00:04.0", "0000:00:05.0" } },
		{ "0000:00:01.0/03.0", { "0000:01:00.0" } },
		{ "0000:00:01.0/03.0/01.0", { "0000:01:00.0" } },
		{ "0000:00:04.0/00.0", { NULL } },
		{ "0001:00:04.0", { NULL } },
		{ "zz", { NULL } },
	};

	start();
	pcim_endpoint(&m, port(NULL, 1, 0, 4, 0), 0, 0, 0x8086, 0x10d3);
	pcim_endpoint(&m, NULL, 4, 0, 0x1af4, 0x1041);
	pcim_endpoint(&m, NULL, 5, 0, 0x1af4, 0x1041);
	board_probe(&m);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		unsigned n = 0;

		for (; cases[i].want[n]; n++) {
			assert_non_null(pci_candidate(cases[i].name, n));
			assert_string_equal((pci_candidate(cases[i].name, n))->name,
					    cases[i].want[n]);
		}
		assert_null(pci_candidate(cases[i].name, n));
	}
}

#define T(name) cmocka_unit_test(name)
int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_aliases_below_bridges),
		T(test_quirks_of_requester_ids),
		T(test_iommu_map),
		T(test_ignored_bits_of_stream_ids),
		T(test_one_unmapped_alias_makes_it_untranslated),
		T(test_a_v2m_frame_is_found_like_an_its),
		T(test_a_masked_stream_is_one_group),
		T(test_intx_turns_at_every_bridge),
		T(test_an_edge_in_the_interrupt_map_is_said_and_ignored),
		T(test_acs_is_enabled_and_separates),
		T(test_acs_that_is_offered_and_refused_is_open),
		T(test_ports_of_a_slot_without_acs_are_one_group),
		T(test_a_switch_with_one_port_without_acs_is_open),
		T(test_functions_of_a_slot_need_acs),
		T(test_conventional_functions_on_the_root_bus_are_apart),
		T(test_names),
		T(test_candidates_for_a_name_that_fails),
	};

	return cmocka_run_group_tests_name("pci_identify", tests, NULL, NULL);
}
