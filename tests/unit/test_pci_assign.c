/* SPDX-License-Identifier: Apache-2.0 */
/* Placement of BARs: the model routes an access to each, from the root, and only it answers. */
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

/* Every BAR that is assigned is reached, alone, at both ends; its page holds nobody else's. */
static void check_routes(void)
{
	for (unsigned i = 0; i < m.count; i++) {
		struct pci_func *f = board_func(&m.dev[i]);

		for (unsigned b = 0; f && b < PCI_BARS; b++) {
			uint64_t page_end = f->bar[b].pci + MAX(f->bar[b].size, PAGE_SIZE);

			if (!f->bar[b].assigned)
				continue;
			assert_true(IS_ALIGNED(f->bar[b].pci, MAX(f->bar[b].size, PAGE_SIZE)));
			assert_ptr_equal(pcim_route(&m, f->bar[b].pci), &m.dev[i]);
			assert_ptr_equal(pcim_route(&m, f->bar[b].pci + f->bar[b].size - 1),
					 &m.dev[i]);
			if (f->bar[b].size < PAGE_SIZE)
				assert_null(pcim_route(&m, page_end - 1));
		}
	}
}

static unsigned assigned(const struct pci_func *f)
{
	unsigned n = 0;

	for (unsigned b = 0; b < PCI_BARS; b++)
		n += f->bar[b].assigned;
	return n;
}

static void test_root_bus_bars(void **state)
{
	struct pcim_dev *d, *e;
	struct pci_func *f;

	start();
	d = pcim_endpoint(&m, NULL, 1, 0, 0x8086, 1);
	pcim_bar(d, 0, 16, 0);
	pcim_bar(d, 1, 32, PCIM_IO);
	pcim_bar(d, 2, GIB(8), PCIM_MEM64 | PCIM_PREF);
	pcim_bar(d, 4, KIB(64), PCIM_MEM64);
	e = pcim_endpoint(&m, NULL, 2, 0, 0x8086, 1);
	pcim_bar(e, 0, 16, 0);
	board_probe(&m);
	f = board_func(d);
	assert_int_equal(assigned(f), 3);
	assert_false(f->bar[1].assigned);
	assert_true(f->bar[0].pci < GIB(4));
	assert_true(f->bar[2].pci >= GIB(512));
	assert_true(f->bar[4].pci >= GIB(512)); /* the window is not prefetchable: any 64-bit BAR */
	assert_int_equal(f->bar[0].pa.v, f->bar[0].pci);
	assert_true(board_func(e)->bar[0].pci - f->bar[0].pci >= PAGE_SIZE ||
		    f->bar[0].pci - board_func(e)->bar[0].pci >= PAGE_SIZE);
	check_routes();
}

static void test_windows_nest(void **state)
{
	struct pcim_dev *rp, *up, *dn, *ep, *nvme, *empty;
	struct pci_func *f;

	start();
	rp = pcim_bridge(&m, NULL, 1, 0, 4);
	pcim_bar(rp, 0, KIB(4), 0);
	up = pcim_bridge(&m, rp, 0, 0, 5);
	for (unsigned i = 0; i < 8; i++) {
		dn = pcim_bridge(&m, up, i, 0, 6);
		ep = pcim_endpoint(&m, dn, 0, 0, 0x8086, (uint16_t)i);
		pcim_bar(ep, 0, KIB(4) << i, 0);
		pcim_bar(ep, 1, MIB(2) >> i, PCIM_PREF);
		pcim_bar(ep, 2, MIB(1) << 2 * i, PCIM_MEM64 | PCIM_PREF);
		pcim_bar(ep, 4, KIB(128), PCIM_MEM64);
	}
	nvme = pcim_endpoint(&m, pcim_bridge(&m, NULL, 2, 0, 4), 0, 0, 0x1b36, 0x10);
	pcim_bar(nvme, 0, KIB(16), PCIM_MEM64);
	empty = pcim_bridge(&m, NULL, 3, 0, 4);
	board_probe(&m);
	check_routes();
	for (unsigned i = 0; i < m.count; i++)
		if (!board_func(&m.dev[i])->bridge)
			assert_null(board_func(&m.dev[i])->refused);
	f = board_func(ep);
	assert_int_equal(assigned(f), 4);
	assert_true(f->bar[2].pci >= GIB(512));
	assert_true(f->bar[4].pci < GIB(4)); /* 64 bits but not prefetchable, behind a bridge */
	assert_true(board_func(nvme)->bar[0].pci < GIB(4));
	assert_int_equal(assigned(board_func(rp)), 1);
	/* Windows that nobody needs are closed: base above limit. */
	assert_int_equal(pcim_get(empty, 0x20, 4), 0x0000fff0);
	assert_int_equal(pcim_get(empty, 0x24, 4), 0x0001fff1);
	assert_int_equal(pcim_get(rp, 0x1c, 2), 0x00f0);
	assert_int_equal(pcim_get(empty, 0x04, 2), 0x0406);
}

static void test_no_64_bit_window_keeps_all_below_4_gib(void **state)
{
	struct pcim_dev *rp, *pb, *ep;

	start();
	rp = pcim_bridge(&m, NULL, 1, 0, 7);
	pb = pcim_bridge(&m, rp, 1, 0, -1);
	pcim_set(pb, 0x24, 4, 0); /* a 32-bit prefetchable window */
	ep = pcim_endpoint(&m, pb, 2, 0, 0x8086, 1);
	pcim_bar(ep, 0, MIB(4), PCIM_MEM64 | PCIM_PREF);
	board_probe(&m);
	assert_true(board_func(ep)->bar[0].assigned);
	assert_true(board_func(ep)->bar[0].pci < GIB(4));
	check_routes();
}

static void test_bus_addresses_are_not_cpu_addresses(void **state)
{
	static const uint32_t ranges[] = {
		0x02000000, 0, 0x00000000, 0x3, 0x00000000, 0, 0x10000000,
		0x43000000, 8, 0x00000000, 0x9, 0x00000000, 1, 0x00000000,
	};
	struct pcim_dev *d;
	struct pci_func *f;

	start();
	d = pcim_endpoint(&m, NULL, 1, 0, 0x8086, 1);
	pcim_bar(d, 0, MIB(1), 0);
	pcim_bar(d, 2, MIB(1), PCIM_MEM64 | PCIM_PREF);
	pcim_bar(d, 4, MIB(1), PCIM_MEM64);
	board_host(&(struct board_host){
		.ecam = ECAM, .ecam_size = MIB(256), .ranges = ranges, .ranges_count = 2 });
	board_go();
	f = board_func(d);
	assert_true(f->bar[0].pci >= MIB(1)); /* bus address 0 means "none" */
	assert_int_equal(f->bar[0].pa.v, UINT64_C(0x300000000) + f->bar[0].pci);
	assert_int_equal(f->bar[2].pa.v, f->bar[2].pci + UINT64_C(0x100000000));
	assert_true(f->bar[4].pci < GIB(4)); /* that window prefetches; this BAR does not */
	check_routes();
}

static void test_what_does_not_fit_is_refused_alone(void **state)
{
	struct pcim_dev *rp, *small, *huge, *more[4], *absurd;

	start();
	rp = pcim_bridge(&m, NULL, 1, 0, 7);
	small = pcim_endpoint(&m, rp, 1, 0, 0x8086, 1);
	pcim_bar(small, 0, MIB(1), 0);
	huge = pcim_endpoint(&m, rp, 2, 0, 0x8086, 2);
	pcim_bar(huge, 0, GIB(1), 0);
	for (unsigned i = 0; i < 4; i++) { /* 256 MiB each; the window has 752 MiB */
		more[i] = pcim_endpoint(&m, NULL, 2 + i, 0, 0x8086, 3);
		pcim_bar(more[i], 0, MIB(256), 0);
	}
	absurd = pcim_endpoint(&m, NULL, 9, 0, 0x8086, 4);
	pcim_bar(absurd, 0, UINT64_C(1) << 62, PCIM_MEM64 | PCIM_PREF);
	pcim_bar(absurd, 2, KIB(4), 0);
	board_probe(&m);
	assert_non_null(board_func(huge)->refused);
	assert_non_null(board_func(absurd)->refused);
	assert_int_equal(assigned(board_func(absurd)), 0);
	assert_null(board_func(small)->refused);
	assert_true(board_func(small)->bar[0].assigned);
	assert_null(board_func(more[0])->refused);
	assert_non_null(board_func(more[3])->refused);
	assert_int_equal(pcim_get(huge, 0x10, 4), 0);
	check_routes();
}

/* A window of exactly what is needed: only the largest first leaves no hole. */
static void test_a_full_window_has_no_holes(void **state)
{
	static const uint32_t two[] = { 0x02000000, 0, 0x10000000, 0, 0x10000000, 0, 0x001c0000 };
	struct pcim_dev *d;

	start();
	d = pcim_endpoint(&m, NULL, 1, 0, 0x8086, 1);
	pcim_bar(d, 0, KIB(256), 0);
	pcim_bar(d, 1, KIB(512), 0);
	pcim_bar(d, 2, MIB(1), 0);
	board_host(&(struct board_host){
		.ecam = ECAM, .ecam_size = MIB(256), .ranges = two, .ranges_count = 1 });
	board_go();
	assert_int_equal(assigned(board_func(d)), 3);
	check_routes();
}

static void test_no_windows_at_all(void **state)
{
	static const uint32_t none[] = { 0x01000000, 0, 0, 0, 0x3eff0000, 0, 0x10000 };
	struct pcim_dev *d, *plain;

	start();
	d = pcim_endpoint(&m, pcim_bridge(&m, NULL, 1, 0, 4), 0, 0, 0x8086, 1);
	pcim_bar(d, 0, MIB(1), PCIM_MEM64 | PCIM_PREF);
	plain = pcim_endpoint(&m, NULL, 2, 0, 0x8086, 1);
	board_host(&(struct board_host){
		.ecam = ECAM, .ecam_size = MIB(256), .ranges = none, .ranges_count = 1 });
	board_go();
	assert_non_null(board_func(d)->refused);
	assert_null(board_func(plain)->refused);
}

static void test_probe_only_keeps_firmwares_bars(void **state)
{
	struct pcim_dev *rp, *good, *outside, *near[2];

	start();
	rp = pcim_bridge(&m, NULL, 1, 0, 4);
	pcim_set(rp, 0x20, 4, 0x11f01100);
	good = pcim_endpoint(&m, rp, 0, 0, 0x8086, 1);
	pcim_bar(good, 0, MIB(1), 0);
	pcim_set(good, 0x10, 4, 0x11000000);
	outside = pcim_endpoint(&m, NULL, 2, 0, 0x8086, 2);
	pcim_bar(outside, 0, MIB(1), 0);
	pcim_set(outside, 0x10, 4, 0xf0000000);
	for (unsigned i = 0; i < 2; i++) {
		near[i] = pcim_endpoint(&m, NULL, 3 + i, 0, 0x8086, 3);
		pcim_bar(near[i], 0, 256, 0);
		pcim_set(near[i], 0x10, 4, 0x12000000 + 256 * i);
	}
	board_host(&(struct board_host){ .ecam = ECAM, .ecam_size = MIB(256), .probe_only = true });
	board_go();
	assert_int_equal(pcim_get(good, 0x10, 4), 0x11000000);
	assert_int_equal(pcim_get(rp, 0x20, 4), 0x11f01100);
	assert_int_equal(board_func(good)->bar[0].pa.v, 0x11000000);
	assert_null(board_func(good)->refused);
	assert_non_null(board_func(outside)->refused);
	assert_non_null(board_func(near[0])->refused);
	assert_non_null(board_func(near[1])->refused);
}

static uint32_t seed;

static uint32_t rnd(uint32_t n)
{
	seed = seed * 1664525u + 1013904223u;
	return (seed >> 8) % n;
}

static void random_bars(struct pcim_dev *d)
{
	for (unsigned b = 0; b < 5; b++) {
		unsigned flags = rnd(2) ? PCIM_MEM64 : 0;

		if (rnd(3))
			continue;
		pcim_bar(d, b, UINT64_C(16) << rnd(flags ? 32 : 18),
			 flags | (rnd(2) ? PCIM_PREF : 0));
		b += flags != 0;
	}
}

/* 240 functions in random trees: everything routes, whatever was refused. */
static void test_random_trees(void **state)
{
	for (uint32_t round = 1; round <= 12; round++) {
		struct pcim_dev *bridge[64] = { NULL };
		unsigned slots[64] = { 0 }, bridges = 1;

		seed = round;
		start();
		for (unsigned i = 0; i < 240; i++) {
			unsigned at = rnd(bridges);
			bool new_bridge = bridges < 60 && !rnd(4);

			if (slots[at] == 32)
				continue;
			if (new_bridge) {
				bridge[bridges] = pcim_bridge(&m, bridge[at], slots[at]++, 0,
							      at ? -1 : 7);
				if (!rnd(6))
					pcim_set(bridge[bridges], 0x24, 4, 0);
				bridges++;
			} else {
				random_bars(pcim_endpoint(&m, bridge[at], slots[at]++, 0, 0x8086,
							  (uint16_t)i));
			}
		}
		board_probe(&m);
		assert_int_equal(pci_func_count, m.count);
		check_routes();
	}
}

#define T(name) cmocka_unit_test(name)
int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_root_bus_bars),
		T(test_windows_nest),
		T(test_no_64_bit_window_keeps_all_below_4_gib),
		T(test_bus_addresses_are_not_cpu_addresses),
		T(test_what_does_not_fit_is_refused_alone),
		T(test_a_full_window_has_no_holes),
		T(test_no_windows_at_all),
		T(test_probe_only_keeps_firmwares_bars),
		T(test_random_trees),
	};

	return cmocka_run_group_tests_name("pci_assign", tests, NULL, NULL);
}
