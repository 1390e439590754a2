/* SPDX-License-Identifier: Apache-2.0 */
/* Host bridges and enumeration: what is found, how it is numbered, what is off afterwards. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <host.h>
#include <hv/pmem.h>
#include "../host/pci_board.h"

#define ECAM UINT64_C(0x4010000000)

static struct pcim m, m2;

static void start(uint64_t size, uint8_t first_bus)
{
	board_begin();
	pcim_init(&m, ECAM, size, first_bus);
}

static unsigned log_lines(const char *needle)
{
	unsigned n = 0;

	for (const char *p = host_log(); (p = strstr(p, needle)); p++)
		n++;
	return n;
}

static void test_buses_are_numbered_depth_first(void **state)
{
	struct pcim_dev *rp1, *rp2, *up, *dn1, *dn2, *pp, *pb, *ep[5];

	start(MIB(16), 0);
	pcim_set(pcim_endpoint(&m, NULL, 0, 0, 0x1b36, 8), 0x08, 4, 0x06000000);
	rp1 = pcim_bridge(&m, NULL, 1, 0, 4);
	rp2 = pcim_bridge(&m, NULL, 2, 0, 4);
	up = pcim_bridge(&m, rp1, 0, 0, 5);
	dn1 = pcim_bridge(&m, up, 0, 0, 6);
	dn2 = pcim_bridge(&m, up, 5, 0, 6);
	ep[0] = pcim_endpoint(&m, dn1, 0, 0, 0x8086, 1);
	ep[1] = pcim_endpoint(&m, dn2, 0, 0, 0x8086, 2);
	pp = pcim_bridge(&m, rp2, 0, 0, 7);
	pb = pcim_bridge(&m, pp, 3, 0, -1);
	ep[2] = pcim_endpoint(&m, pp, 5, 0, 0x8086, 3);
	ep[3] = pcim_endpoint(&m, pb, 31, 0, 0x8086, 4);
	ep[4] = pcim_endpoint(&m, NULL, 31, 0, 0x8086, 5);
	/* Firmware's numbers, in conflict with one another and with ours. */
	pcim_set(rp1, 0x18, 4, 0x00050100);
	pcim_set(rp2, 0x18, 4, 0x00090100);
	pcim_set(dn2, 0x18, 4, 0x00020202);
	board_probe(&m);

	assert_int_equal(pci_func_count, 13);
	assert_int_equal(pcim_get(rp1, 0x18, 3), 0x040100);
	assert_int_equal(pcim_get(up, 0x18, 3), 0x040201);
	assert_int_equal(pcim_get(dn1, 0x18, 3), 0x030302);
	assert_int_equal(pcim_get(dn2, 0x18, 3), 0x040402);
	assert_int_equal(pcim_get(rp2, 0x18, 3), 0x070500);
	assert_int_equal(pcim_get(pp, 0x18, 3), 0x070605);
	assert_int_equal(pcim_get(pb, 0x18, 3), 0x070706);
	for (unsigned i = 0; i < 5; i++)
		assert_non_null(board_func(ep[i]));
	assert_ptr_equal(board_func(ep[3])->parent, board_func(pb));
	assert_ptr_equal(board_func(pb)->parent, board_func(pp));
	assert_null(board_func(ep[4])->parent);
	assert_true(board_func(rp1)->bridge);
	assert_non_null(board_func(rp1)->refused);
	assert_null(board_func(ep[0])->refused);
	assert_int_equal(m.outside, 0);
}

static void test_functions_of_a_slot(void **state)
{
	struct pcim_dev *f0, *f3, *lone, *g0, *g1;

	start(MIB(16), 0);
	f0 = pcim_endpoint(&m, NULL, 1, 0, 0x8086, 1);
	pcim_set(f0, 0x0e, 1, 0x80);
	f3 = pcim_endpoint(&m, NULL, 1, 3, 0x8086, 2);
	lone = pcim_endpoint(&m, NULL, 2, 1, 0x8086, 3); /* no function 0: does not exist */
	g0 = pcim_endpoint(&m, NULL, 3, 0, 0x8086, 4);   /* bit 7 clear: function 1 is an echo */
	g1 = pcim_endpoint(&m, NULL, 3, 1, 0x8086, 5);
	board_probe(&m);
	assert_true(board_func(f0)->multifunction);
	assert_true(board_func(f3)->multifunction);
	assert_false(board_func(g0)->multifunction);
	assert_null(board_func(lone));
	assert_null(board_func(g1));
	assert_int_equal(pci_func_count, 3);
}

static void test_buses_that_do_not_start_at_0(void **state)
{
	struct pcim_dev *rp, *ep;

	start(MIB(4), 0x20);
	rp = pcim_bridge(&m, NULL, 0, 0, 4);
	ep = pcim_endpoint(&m, rp, 0, 0, 0x8086, 1);
	board_probe(&m);
	assert_int_equal(board_func(rp)->bdf, 0x2000);
	assert_int_equal(board_func(ep)->bdf, 0x2100);
	assert_int_equal(pci_hosts[0].bus_last, 0x23);
	assert_int_equal(pci_host_read(&pci_hosts[0], 0x2400, 0, 4), UINT32_MAX);
	assert_int_equal(pci_host_read(&pci_hosts[0], 0x1f00, 0, 2), 0xffff);
}

static void test_a_small_ecam_clamps_the_buses(void **state)
{
	struct pcim_dev *rp[4];

	start(MIB(3), 0);
	for (unsigned i = 0; i < 4; i++) {
		rp[i] = pcim_bridge(&m, NULL, i, 0, 4);
		pcim_endpoint(&m, rp[i], 0, 0, 0x8086, 1);
	}
	host_trace_clear();
	board_host(&(struct board_host){ .ecam = ECAM, .ecam_size = MIB(3), .bus_last = 255 });
	board_go();
	assert_int_equal(pci_hosts[0].bus_last, 2);
	assert_int_equal(pci_func_count, 6); /* four ports, endpoints on buses 1 and 2 */
	assert_int_equal(log_lines("got no bus number"), 1);
	for (size_t i = 0; i < host_trace_count(); i++)
		assert_true(host_trace_at(i)->addr < ECAM + MIB(3));
}

static void test_a_silent_ecam_has_nothing_and_boot_goes_on(void **state)
{
	start(MIB(16), 0);
	pcim_endpoint(&m, NULL, 1, 0, 0x8086, 1);
	board_host(&(struct board_host){ .ecam = 0x50000000, .ecam_size = MIB(16) });
	board_host(&(struct board_host){ .ecam = ECAM, .ecam_size = MIB(16) });
	board_go();
	assert_int_equal(pci_host_count, 2);
	assert_int_equal(board_mapped, 2);
	assert_int_equal(pci_hosts[0].func_count, 0);
	assert_int_not_equal(pci_hosts[1].func_count, 0);
	assert_int_equal(pci_func_count, 1);
	assert_int_equal(log_lines("nothing answers"), 1);
}

static void test_segments(void **state)
{
	start(MIB(1), 0);
	pcim_init(&m2, 0x60000000, MIB(1), 0);
	board_host(&(struct board_host){ .ecam = ECAM, .ecam_size = MIB(1) });
	board_host(&(struct board_host){
		.ecam = 0x60000000, .ecam_size = MIB(1), .has_domain = true, .domain = 0 });
	board_host(&(struct board_host){
		.ecam = 0x61000000, .ecam_size = MIB(1), .has_domain = true, .domain = 0 });
	board_host(
		&(struct board_host){ .ecam = 0x62000000, .ecam_size = MIB(1), .disabled = true });
	board_host(&(struct board_host){ .ecam = 0x63000000, .ecam_size = KIB(4) });
	board_host(&(struct board_host){
		.ecam = 0x64000000, .ecam_size = MIB(1), .has_domain = true, .domain = 7 });
	board_go();
	assert_int_equal(pci_host_count, 4);
	assert_int_equal(pci_hosts[0].segment, 1);
	assert_int_equal(pci_hosts[1].segment, 0);
	assert_int_equal(pci_hosts[2].segment, 2);
	assert_int_equal(pci_hosts[3].segment, 7);
	assert_int_equal(log_lines("malformed; left alone"), 1);
	/* What may be without power is not touched, unless the tree says that it has some. */
	start(MIB(1), 0);
	board_host(&(struct board_host){
		.ecam = ECAM, .ecam_size = MIB(1), .extra = "power-domains" });
	board_go();
	assert_int_equal(pci_host_count, 0);
	assert_int_equal(log_lines("in a power domain, left alone"), 1);
	start(MIB(1), 0);
	board_host(&(struct board_host){ .ecam = ECAM,
					 .ecam_size = MIB(1),
					 .extra = "power-domains",
					 .extra2 = "viaduct,powered" });
	board_go();
	assert_int_equal(pci_host_count, 1);
}

static void test_dma_ranges(void **state)
{
	static const uint32_t juno[] = { 0x43000000, 0, 0x80000000, 0, 0x80000000, 0, 0x80000000,
					 0x43000000, 8, 0,          8, 0,          2, 0 };
	static const uint32_t moved[] = { 0x43000000, 0, 0, 0, 0x80000000, 0, 0x80000000 };

	start(MIB(1), 0);
	board_host(&(struct board_host){ .ecam = ECAM,
					 .ecam_size = MIB(1),
					 .dma_ranges = juno,
					 .dma_count = 2,
					 .coherent = true });
	board_host(&(struct board_host){
		.ecam = 0x60000000, .ecam_size = MIB(1), .dma_ranges = moved, .dma_count = 1 });
	board_go();
	assert_true(pci_hosts[0].coherent);
	assert_int_equal(pci_hosts[0].inbound_count, 2);
	assert_int_equal(pci_hosts[0].inbound[1].base, UINT64_C(0x800000000));
	assert_int_equal(pci_hosts[0].inbound[1].size, UINT64_C(0x200000000));
	/* Not one to one: nothing passes, which is not the same as everything. */
	assert_int_equal(pci_hosts[1].inbound_count, 1);
	assert_int_equal(pci_hosts[1].inbound[0].size, 0);
}

/*
 * --- Juno's inbound windows: a table of registers, as its firmware leaves it ---------------------
 */

static uint32_t atr[0x1000 / 4];

static uint64_t atr_read(void *model, uint64_t off, unsigned size)
{
	(void)model;
	assert_int_equal(size, 4);
	return atr[off / 4];
}

static void atr_write(void *model, uint64_t off, unsigned size, uint64_t v)
{
	unsigned entry = (unsigned)(off - 0x600) / 0x20;

	(void)model;
	assert_int_equal(size, 4);
	assert_true(off >= 0x600 && entry < 8);
	assert_false(atr[(0x600 + 0x20 * entry) / 4] & 1); /* never an open window */
	atr[off / 4] = (uint32_t)v;
}

static void atr_open(unsigned i, uint64_t base, unsigned log2, uint32_t param)
{
	uint32_t *e = &atr[(0x600 + 0x20 * i) / 4];

	e[0] = (uint32_t)base | (log2 - 1) << 1 | 1;
	e[1] = e[3] = (uint32_t)(base >> 32);
	e[2] = (uint32_t)base;
	e[4] = param;
}

static void juno_go(void)
{
	static const uint32_t dma[] = { 0x2000000,  0, 0x80000000, 0, 0x80000000, 0, 0x80000000,
					0x43000000, 8, 0,          8, 0,          2, 0 };

	start(MIB(1), 0);
	host_mmio_add(0x7ff30000, sizeof(atr), atr_read, atr_write, NULL);
	board_host(&(struct board_host){ .ecam = ECAM,
					 .ecam_size = MIB(1),
					 .dma_ranges = dma,
					 .dma_count = 2,
					 .juno = true });
	for (unsigned i = 0; i < 4; i++)
		board_v2m(0x2c1c0000 + i * 0x10000);
}

static bool lets_in(uint64_t base, uint64_t size)
{
	bool in = false;

	for (unsigned i = 0; i < pci_hosts[0].inbound_count; i++)
		in = in || range_contains(pci_hosts[0].inbound[i], base, size);
	return in;
}

/* What U-Boot writes; the last base is not aligned to its size. */
static void firmware_opens(bool frame)
{
	memset(atr, 0, sizeof(atr));
	if (frame)
		atr_open(0, 0x2c1c0000, 12, 0x420004);
	atr_open(1, 0x80000000, 31, 0x4e0004);
	atr_open(2, UINT64_C(0x880000000), 33, 0x4e0004);
}

static void test_juno_lets_in_what_firmware_opened(void **state)
{
	firmware_opens(true);
	juno_go();
	board_go();
	assert_int_equal(pci_host_count, 1);
	assert_true(pci_hosts[0].own_doorbell);
	assert_true(lets_in(0x80000000, GIB(2)) && lets_in(UINT64_C(0x800000000), GIB(8)));
	assert_true(lets_in(0x2c1c0000, 4096) && lets_in(0x2c1f0000, 4096));
	assert_false(lets_in(0x2c1c0000, 8192));
	for (unsigned i = 1; i < 4; i++) { /* the other frames: like the first */
		const uint32_t *e = &atr[(0x600 + 0x20 * (2 + i)) / 4];

		assert_int_equal(e[0], (0x2c1c0000 + i * 0x10000) | 11 << 1 | 1);
		assert_int_equal(e[2], 0x2c1c0000 + i * 0x10000);
		assert_int_equal(e[1] | e[3], 0);
		assert_int_equal(e[4], 0x420004);
	}
}

/* What memory's window would do to a write to the frame nobody knows: there is no doorbell. */
static void test_juno_without_a_window_for_the_frame(void **state)
{
	firmware_opens(false);
	juno_go();
	board_go();
	assert_true(lets_in(0x80000000, GIB(2)));
	assert_false(lets_in(0x2c1c0000, 4096));
	assert_int_equal(log_lines("no window for the v2m frame 0x2c1c0000 to 0x2c1c0fff"), 1);
	assert_int_equal(atr[0x600 / 4], 0);
}

static void test_juno_without_a_link_is_left_alone(void **state)
{
	memset(atr, 0, sizeof(atr));
	juno_go();
	board_go();
	assert_int_equal(pci_host_count, 0);
	assert_int_equal(log_lines("has it no link?"), 1);
	memset(atr, 0xff, sizeof(atr)); /* not even its registers answer */
	juno_go();
	board_go();
	assert_int_equal(pci_host_count, 0);
}

static void test_juno_without_hardware_is_as_it_should_be(void **state)
{
	memset(atr, 0, sizeof(atr));
	juno_go();
	pci_probe_hosts(board_end(), NULL);
	assert_true(lets_in(0x80000000, GIB(2)) && lets_in(0x2c1c0000, 4096));
}

static void test_everything_is_silent_afterwards(void **state)
{
	struct pcim_dev *rp, *ep;
	uint16_t ats, pri, pasid, sriov, aer;

	start(MIB(16), 0);
	rp = pcim_bridge(&m, NULL, 1, 0, 4);
	aer = pcim_ecap(rp, 0x0001, 0x48);
	pcim_set(rp, aer + 0x2cu, 4, 7);
	pcim_writable(rp, aer + 0x2cu, 4, 7);
	pcim_set(rp, 0x04, 2, 0x0147);
	ep = pcim_endpoint(&m, rp, 0, 0, 0x8086, 1);
	pcim_set(ep, 0x04, 2, 0x0147); /* firmware left it running, with SERR and parity */
	pcim_pcie(ep, 0, true, 1);
	pcim_msi(ep, 5, true, true);
	pcim_msix(ep, 8, 0, 0x800);
	pcim_bar(ep, 0, KIB(16), 0);
	ats = pcim_ecap(ep, 0x000f, 8);
	pri = pcim_ecap(ep, 0x0013, 16);
	pasid = pcim_ecap(ep, 0x001b, 8);
	sriov = pcim_ecap(ep, 0x0010, 0x40);
	for (unsigned i = 0; i < 4; i++) {
		uint16_t at[] = { (uint16_t)(ats + 6), (uint16_t)(pri + 4), (uint16_t)(pasid + 6),
				  (uint16_t)(sriov + 8) };

		pcim_set(ep, at[i], 2, 0x8009);
		pcim_writable(ep, at[i], 2, 0xffff);
	}
	board_probe(&m);
	assert_int_equal(pcim_get(ep, 0x04, 2), 0x0400);
	assert_int_equal(pcim_get(ep, ep->msi + 2u, 2) & 1, 0);
	assert_int_equal(pcim_get(ep, ep->msix + 2u, 2) & 0x8000, 0);
	assert_int_equal(pcim_get(ep, ats + 6u, 2), 0);
	assert_int_equal(pcim_get(ep, pri + 4u, 2), 0);
	assert_int_equal(pcim_get(ep, pasid + 6u, 2), 0);
	assert_int_equal(pcim_get(ep, sriov + 8u, 2), 0);
	/* No error reports, no No Snoop; payload the least of the way: 256. MRRS stays. */
	assert_int_equal(pcim_get(ep, ep->pcie + 8u, 2), 0x2030);
	assert_int_equal(pcim_get(rp, rp->pcie + 8u, 2), 0x2030);
	assert_int_equal(pcim_get(ep, ep->pcie + 0x28u, 2), 0); /* atomics, LTR, ARI off */
	assert_int_equal(pcim_get(rp, 0x04, 2), 0x0406);
	assert_int_equal(pcim_get(rp, aer + 0x2cu, 4), 0);
	assert_int_equal(pcim_get(rp, rp->pcie + 0x18u, 2), 0);
	assert_int_equal(pcim_get(rp, rp->pcie + 0x1cu, 2), 0x10);
	assert_int_equal(board_func(ep)->msi_count, 32);
	assert_true(board_func(ep)->msi_mask);
	assert_int_equal(board_func(ep)->msix_count, 8);
	assert_int_equal(board_func(ep)->msix[MSIX_PBA].at.base, 0x800);
	assert_int_equal(board_func(ep)->subsystem >> 16, 0x1234);
	assert_true(board_func(ep)->flr);
	assert_true(board_func(ep)->ext_config);
}

static void test_the_host_bridge_function_is_left_alone(void **state)
{
	struct pcim_dev *hb;

	start(MIB(1), 0);
	hb = pcim_endpoint(&m, NULL, 0, 0, 0x1b36, 8);
	pcim_set(hb, 0x08, 4, 0x06000000);
	pcim_set(hb, 0x04, 2, 0x0006);
	pcim_bar(hb, 0, MIB(1), 0);
	pcim_set(hb, 0x10, 4, 0x80000000);
	board_probe(&m);
	assert_int_equal(pcim_get(hb, 0x04, 2), 6);
	assert_int_equal(pcim_get(hb, 0x10, 4), 0x80000000);
	assert_non_null(board_func(hb)->refused);
}

static void test_capability_lists_are_bounded(void **state)
{
	static const struct {
		const char *what;
		uint8_t ptr, id, next;
		bool refused;
	} cases[] = {
		{ "loops onto itself", 0x40, 0x09, 0x40, true },
		{ "points into the header", 0x40, 0x09, 0x10, true },
		{ "MSI runs off the end", 0xf8, 0x05, 0, true },
		{ "PCIe runs off the end", 0xf8, 0x10, 0, true },
		{ "all ones", 0x40, 0xff, 0xff, true },
		{ "low bits are reserved", 0x42, 0x09, 0x00, false },
		{ "PM overlaps what follows", 0x40, 0x01, 0x44, true },
		{ "SATA runs off the end", 0xfc, 0x12, 0, true },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct pcim_dev *d;

		start(MIB(1), 0);
		d = pcim_endpoint(&m, NULL, 1, 0, 0x8086, 1);
		pcim_set(d, 0x06, 2, 0x10);
		pcim_set(d, 0x34, 1, cases[i].ptr);
		pcim_set(d, cases[i].ptr & ~3u, 1, cases[i].id);
		pcim_set(d, (cases[i].ptr & ~3u) + 1, 1, cases[i].next);
		board_probe(&m);
		if (cases[i].refused)
			assert_non_null(board_func(d)->refused);
		else
			assert_null(board_func(d)->refused);
	}
}

static void test_extended_lists_are_bounded(void **state)
{
	struct pcim_dev *loop, *low, *echo;

	start(MIB(1), 0);
	loop = pcim_endpoint(&m, NULL, 1, 0, 0x8086, 1);
	pcim_pcie(loop, 9, false, 0);
	pcim_set(loop, 0x100, 4, 0x14010003);
	pcim_set(loop, 0x140, 4, 0x10010004);
	low = pcim_endpoint(&m, NULL, 2, 0, 0x8086, 1);
	pcim_pcie(low, 9, false, 0);
	pcim_set(low, 0x100, 4, 0x04010003);
	echo = pcim_endpoint(&m, NULL, 3, 0, 0x8086, 1);
	pcim_pcie(echo, 9, false, 0);
	pcim_set(echo, 0x100, 4, 0x00018086);
	board_probe(&m);
	assert_non_null(board_func(loop)->refused);
	assert_non_null(board_func(low)->refused);
	assert_null(board_func(echo)->refused);
	assert_false(board_func(echo)->ext_config);
}

/* Sizes count: no two capabilities may claim a dword, none ends outside. */
static void test_extended_capabilities_do_not_overlap(void **state)
{
	static const struct {
		uint16_t first, second_at;
		uint32_t word, third; /* second and third dword of the first */
		bool refused;
	} cases[] = {
		{ 0x0001, 0x128, 0, 0, true }, /* AER has 0x2c bytes */
		{ 0x0001, 0x12c, 0, 0, false },
		{ 0x0010, 0x13c, 0, 0, true },          /* SR-IOV 0x40 */
		{ 0x000b, 0x110, 0x01400000, 0, true }, /* VSEC: its own length */
		{ 0x000b, 0x114, 0x01400000, 0, false },
		{ 0x0023, 0, 0xfff00000, 0, true }, /* DVSEC: past the end */
		{ 0x0002, 0x124, 1, 0, true },      /* VC 0 and one more: 0x28 */
		{ 0x0002, 0x128, 1, 0, false },
		{ 0x0015, 0x110, 0, 0x40, true }, /* two resizable BARs: 0x14 */
		{ 0x0015, 0x114, 0, 0x40, false },
		{ 0x0016, 0x110, 3, 0, true }, /* DPA with four substates */
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct pcim_dev *d;

		start(MIB(1), 0);
		d = pcim_endpoint(&m, NULL, 1, 0, 0x8086, 1);
		pcim_pcie(d, 9, false, 0);
		pcim_set(d, 0x104, 4, cases[i].word);
		pcim_set(d, 0x108, 4, cases[i].third);
		if (cases[i].second_at)
			pcim_set(d, cases[i].second_at, 4, 0x00010003);
		pcim_set(d, 0x100, 4,
			 cases[i].first | 1u << 16 | (uint32_t)cases[i].second_at << 20);
		if (cases[i].first == 0x0023)
			pcim_set(d, 0x100, 4, 0xffc10003), pcim_set(d, 0xffc, 4, 0x00010023);
		board_probe(&m);
		if (cases[i].refused)
			assert_string_equal(board_func(d)->refused,
					    "its extended capability list is malformed");
		else
			assert_null(board_func(d)->refused);
	}
}

static void test_msix_outside_its_bars_is_no_msix(void **state)
{
	static const struct {
		unsigned count;
		uint32_t table, pba;
		unsigned want;
	} cases[] = {
		{ 64, 0x0000, 0x0400, 64 },     { 64, 0x0000, 0x0ff8, 64 }, /* touches the end */
		{ 65, 0x0000, 0x0ff8, 0 },                                  /* PBA of 16 bytes */
		{ 64, 0x0000, 0x03f8, 0 },                                  /* overlap */
		{ 64, 0x0c08, 0x0000, 0 },  /* table beyond the end */
		{ 64, 0x0001, 0x0400, 0 },  /* BAR 1 does not exist */
		{ 64, 0x0000, 0x0402, 0 },  /* BAR 2 is I/O */
		{ 64, 0x0003, 0x0003, 0 },  /* same place */
		{ 64, 0x0003, 0x0000, 64 }, /* two BARs */
		{ 64, 0x0004, 0x0000, 0 },  /* upper half of BAR 3 */
		{ 64, 0x0006, 0x0000, 0 },      { 64, 0xfffffff8, 0x0000, 0 },
		{ 2048, 0x0003, 0x8003, 2048 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct pcim_dev *d;

		start(MIB(1), 0);
		d = pcim_endpoint(&m, NULL, 1, 0, 0x8086, 1);
		pcim_bar(d, 0, KIB(4), 0);
		pcim_bar(d, 2, KIB(4), PCIM_IO);
		pcim_bar(d, 3, KIB(64), PCIM_MEM64);
		pcim_msix(d, cases[i].count, cases[i].table, cases[i].pba);
		board_probe(&m);
		assert_int_equal(board_func(d)->msix_count, cases[i].want);
		assert_null(board_func(d)->refused);
		assert_int_equal(log_lines("no MSI-X"), cases[i].want ? 0 : 1);
	}
}

/* Conventional PCI 2.2 and broken parts: DisINTx stays 0. */
static void test_who_cannot_be_silenced(void **state)
{
	struct pcim_dev *good, *bad, *no_pin;

	start(MIB(16), 0);
	good = pcim_endpoint(&m, NULL, 1, 0, 0x8086, 1);
	bad = pcim_endpoint(&m, NULL, 2, 0, 0x8086, 2);
	no_pin = pcim_endpoint(&m, NULL, 3, 0, 0x8086, 3);
	pcim_set(good, 0x3d, 1, 1);
	pcim_set(bad, 0x3d, 1, 1);
	pcim_set(no_pin, 0x3d, 1, 0);
	pcim_writable(bad, 0x04, 2, 0x0006);
	pcim_writable(no_pin, 0x04, 2, 0x0006);
	board_probe(&m);
	assert_false(board_func(good)->intx_stuck);
	assert_true(board_func(bad)->intx_stuck);
	assert_false(board_func(no_pin)->intx_stuck);
}

static void test_bars_are_sized(void **state)
{
	struct pcim_dev *d, *bad;
	struct pci_func *f;

	start(MIB(1), 0);
	d = pcim_endpoint(&m, NULL, 1, 0, 0x8086, 1);
	pcim_bar(d, 0, 16, 0);
	pcim_bar(d, 1, 32, PCIM_IO);
	pcim_bar(d, 2, GIB(8), PCIM_MEM64 | PCIM_PREF);
	pcim_bar(d, 4, KIB(64), PCIM_MEM64);
	bad = pcim_endpoint(&m, NULL, 2, 0, 0x8086, 1);
	pcim_bar(bad, 0, KIB(4), 0);
	pcim_writable(bad, 0x10, 4, 0xfff0f000); /* a hole in the mask */
	board_probe(&m);
	f = board_func(d);
	assert_int_equal(f->bar[0].size, 16);
	assert_int_equal(f->bar[1].size, 32);
	assert_true(f->bar[1].io);
	assert_int_equal(f->bar[2].size, GIB(8));
	assert_true(f->bar[2].mem64 && f->bar[2].prefetch);
	assert_int_equal(f->bar[3].size, 0);
	assert_int_equal(f->bar[4].size, KIB(64));
	assert_false(f->bar[4].prefetch);
	assert_int_equal(f->bar[5].size, 0);
	assert_non_null(board_func(bad)->refused);
}

static void test_a_64_bit_bar_does_not_fit_the_last_register(void **state)
{
	struct pcim_dev *d;

	start(MIB(1), 0);
	d = pcim_endpoint(&m, NULL, 1, 0, 0x8086, 1);
	pcim_set(d, 0x24, 4, PCIM_MEM64);
	pcim_writable(d, 0x24, 4, 0xfffff000);
	board_probe(&m);
	assert_non_null(board_func(d)->refused);
}

static void test_a_function_that_is_not_ready_is_waited_for(void **state)
{
	struct pcim_dev *slow, *never;

	start(MIB(1), 0);
	slow = pcim_endpoint(&m, NULL, 1, 0, 0x8086, 1);
	slow->not_ready = 5;
	never = pcim_endpoint(&m, NULL, 2, 0, 0x8086, 2);
	never->not_ready = 1000000;
	board_probe(&m);
	assert_non_null(board_func(slow));
	assert_int_equal(board_func(slow)->vendor, 0x8086);
	assert_null(board_func(never));
}

static void test_a_function_in_d3hot_is_woken(void **state)
{
	struct pcim_dev *d;

	start(MIB(1), 0);
	d = pcim_endpoint(&m, NULL, 1, 0, 0x8086, 1);
	pcim_pm(d, false);
	d->cfg[d->pm + 4] |= 3;
	d->cfg[d->pm + 5] |= 1; /* PME on */
	board_probe(&m);
	assert_int_equal(pcim_get(d, d->pm + 4u, 2), 0);
	assert_int_equal(pcim_get(d, 0x04, 2), 0x0400);
	assert_true(board_func(d)->pm_reset);
}

static void test_unknown_header_types_are_refused(void **state)
{
	struct pcim_dev *d;

	start(MIB(1), 0);
	d = pcim_endpoint(&m, NULL, 1, 0, 0x8086, 1);
	pcim_set(d, 0x0e, 1, 2);
	pcim_bar(d, 0, KIB(4), 0);
	board_probe(&m);
	assert_non_null(board_func(d)->refused);
	assert_int_equal(board_func(d)->bar[0].size, 0);
}

/* A function that does nothing, in every slot of a bus. */
static uint64_t read_crowd(void *model, uint64_t off, unsigned size)
{
	switch (off & 0xfff) {
	case 0:
		return 0x00018086;
	case 0x0e:
		return 0x80;
	}
	return 0;
}

static void write_crowd(void *model, uint64_t off, unsigned size, uint64_t v) {}

static void test_a_full_table_is_no_disaster(void **state)
{
	size_t before;

	board_begin();
	before = pmem_own_bytes();
	for (unsigned i = 0; i <= MAX_PCI_FUNCS / 256; i++) {
		uint64_t ecam = GIB(4) + i * MIB(1);

		host_mmio_add(ecam, MIB(1), read_crowd, write_crowd, NULL);
		board_host(&(struct board_host){
			.ecam = ecam, .ecam_size = MIB(1), .no_iommu = true });
	}
	board_go();
	assert_int_equal(pci_func_count, MAX_PCI_FUNCS);
	assert_int_equal(log_lines("they are left out"), 1);
	assert_string_equal(pci_funcs[MAX_PCI_FUNCS - 1].name, "000f:00:1f.7");
	assert_int_equal(pci_funcs[MAX_PCI_FUNCS - 1].group, MAX_PCI_FUNCS - 8);
	assert_true(pmem_own_bytes() - before <= MAX_PCI_FUNCS * KIB(1));
}

static void test_memory_is_taken_for_functions_that_are_there(void **state)
{
	size_t before;

	start(MIB(1), 0);
	pcim_endpoint(&m, NULL, 1, 0, 0x8086, 1);
	before = pmem_own_bytes();
	board_probe(&m);
	assert_int_equal(pci_func_count, 1);
	assert_true(pmem_own_bytes() - before <= sizeof(struct pci_host) + KIB(1));
}

static void test_a_chain_as_deep_as_the_buses(void **state)
{
	struct pcim_dev *up = NULL;

	start(MIB(256), 0);
	for (unsigned i = 0; i < 255; i++)
		up = pcim_bridge(&m, up, 0, 0, -1);
	pcim_endpoint(&m, up, 0, 0, 0x8086, 1);
	board_probe(&m);
	assert_int_equal(pci_func_count, 256);
	assert_int_equal(pci_funcs[255].bdf, 0xff00);
	assert_int_equal(pci_funcs[0].bus_subordinate, 255);
	assert_non_null(pci_funcs[255].refused); /* too many aliases to keep apart */
}

static void test_the_root_buses_of_an_expander_are_found(void **state)
{
	struct pcim_dev *rp, *ep, *near;

	start(MIB(256), 0);
	pcim_set(pcim_endpoint(&m, NULL, 1, 0, 0x1b36, 0x000b), 0x08, 4, 0x06000000);
	near = pcim_bridge(&m, NULL, 2, 0, 4);
	pcim_endpoint(&m, near, 0, 0, 0x8086, 1);
	rp = pcim_bridge(&m, NULL, 0, 0, 4);
	rp->root_bus = 0x80;
	ep = pcim_endpoint(&m, rp, 0, 0, 0x8086, 2);
	board_probe(&m);
	assert_int_equal(pci_func_count, 5);
	assert_int_equal(board_func(rp)->bdf, 0x8000);
	assert_int_equal(board_func(ep)->bdf, 0x8100);
	assert_int_equal(board_func(near)->bus_subordinate, 1);
}

#define T(name) cmocka_unit_test(name)
int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_buses_are_numbered_depth_first),
		T(test_functions_of_a_slot),
		T(test_buses_that_do_not_start_at_0),
		T(test_a_small_ecam_clamps_the_buses),
		T(test_a_silent_ecam_has_nothing_and_boot_goes_on),
		T(test_segments),
		T(test_dma_ranges),
		T(test_juno_lets_in_what_firmware_opened),
		T(test_juno_without_a_window_for_the_frame),
		T(test_juno_without_a_link_is_left_alone),
		T(test_juno_without_hardware_is_as_it_should_be),
		T(test_everything_is_silent_afterwards),
		T(test_the_host_bridge_function_is_left_alone),
		T(test_capability_lists_are_bounded),
		T(test_extended_capabilities_do_not_overlap),
		T(test_extended_lists_are_bounded),
		T(test_msix_outside_its_bars_is_no_msix),
		T(test_who_cannot_be_silenced),
		T(test_bars_are_sized),
		T(test_a_64_bit_bar_does_not_fit_the_last_register),
		T(test_a_function_that_is_not_ready_is_waited_for),
		T(test_a_function_in_d3hot_is_woken),
		T(test_unknown_header_types_are_refused),
		T(test_a_full_table_is_no_disaster),
		T(test_memory_is_taken_for_functions_that_are_there),
		T(test_a_chain_as_deep_as_the_buses),
		T(test_the_root_buses_of_an_expander_are_found),
	};

	return cmocka_run_group_tests_name("pci_enumerate", tests, NULL, NULL);
}
