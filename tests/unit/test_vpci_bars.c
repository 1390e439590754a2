/* SPDX-License-Identifier: Apache-2.0 */
/* BARs: sizing, mapping, moving, page truth, who answers where, and that tables never run out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <host.h>
#include "../host/s2_lookup.h"
#include <hv/log.h>
#include <spec/pci.h>
#include <spec/pci_caps.h>

#include "../../vpci/vpci_priv.h"
#include "../host/vpci_fakes.h"

#define A    0x08 /* 00:01.0 */
#define B    0x10
#define AT   FAKE_MEM64
#define HOST UINT64_C(0x8000000000) /* BAR 0 of the first device; 1 MiB each */
#define MEM  PCI_CMD_MEM

static int setup(void **state)
{
	fake_begin();
	return 0;
}

static int teardown(void **state)
{
	fake_end();
	return 0;
}

static void command(uint8_t devfn, uint16_t value) { cfg_write(devfn, PCI_COMMAND, 2, value); }

static void two_devices(void)
{
	fake_add(A);
	fake_add(B);
	fake_start();
}

static void sizing_gives_the_true_size(void **state)
{
	struct fake_dev *d = fake_add(A);

	fake_bar(d, 2, 256, 0x50000000, false);
	fake_bar(d, 4, GIB(8), UINT64_C(0x9000000000), true);
	d->pf->bar[4].prefetch = true;
	fake_put(d, PCI_BAR(4), 1, PCI_BAR_TYPE_64 | PCI_BAR_PREFETCH);
	d->pf->bar[3] = (struct pci_bar){ .size = 32, .io = true };
	fake_start();
	for (unsigned bar = 0; bar < 6; bar++)
		cfg_write(A, PCI_BAR(bar), 4, 0xffffffff);
	assert_int_equal(cfg_read(A, PCI_BAR(0), 4), 0xffff0004);
	assert_int_equal(cfg_read(A, PCI_BAR(1), 4), 0xffffffff);
	assert_int_equal(cfg_read(A, PCI_BAR(2), 4), 0xffffff00);
	assert_int_equal(cfg_read(A, PCI_BAR(3), 4), 0); /* I/O */
	assert_int_equal(cfg_read(A, PCI_BAR(4), 4), 0x0000000c);
	assert_int_equal(cfg_read(A, PCI_BAR(5), 4), 0xfffffffe);
	cfg_write(A, PCI_BAR(2), 4, 0x23456789);
	assert_int_equal(cfg_read(A, PCI_BAR(2), 4), 0x23456700);
	assert_int_equal(fake_get(d, PCI_BAR(0), 4), (uint32_t)HOST | 4); /* never moves */
}

static void mem_maps_after_the_device_and_unmaps_before_it(void **state)
{
	long hw, tlb;

	two_devices();
	guest_place(A, 0, AT);
	assert_false(guest_direct(AT));
	command(A, MEM);
	assert_true(guest_direct(AT));
	assert_int_equal(s2_lookup(&fake_vm.cpu_s2, IPA(AT + 0x5123)).pa.v, HOST + 0x5123);
	guest_write(AT + 0x10, 4, 0x12345678);
	assert_int_equal(*(uint32_t *)(void *)fake_memory(HOST + 0x10), 0x12345678);
	assert_int_equal(guest_read(AT + 0x10, 4), 0x12345678);
	host_trace_clear();
	command(A, 0);
	tlb = host_trace_find(0, "tlb_s2_all", UINT64_MAX);
	hw = host_trace_find(0, "cfg_write", PCI_COMMAND);
	assert_true(tlb >= 0 && hw > tlb);
	assert_false(guest_direct(AT));
	assert_int_equal(guest_read(AT + 0x10, 4), 0xffffffff);
	guest_write(AT + 0x10, 4, 0);
	command(A, MEM);
	assert_int_equal(guest_read(AT + 0x10, 4), 0x12345678);
}

static void mem_that_does_not_stick_maps_nothing(void **state)
{
	two_devices();
	fakes[0].writable[PCI_COMMAND] = 0;
	guest_place(A, 0, AT);
	command(A, MEM);
	assert_false(guest_direct(AT));
	assert_false(guest_trapped(AT + 0x2000));
	assert_int_equal(guest_read(AT + 0x2000, 4), 0xffffffff);
}

static void a_move_takes_effect_at_once(void **state)
{
	two_devices();
	guest_place(A, 0, AT);
	command(A, MEM);
	guest_write(AT, 8, UINT64_C(0x1122334455667788));
	guest_place(A, 0, AT + GIB(1));
	assert_false(guest_direct(AT));
	assert_true(guest_read(AT, 8) == ~UINT64_C(0));
	assert_true(guest_read(AT + GIB(1), 8) == UINT64_C(0x1122334455667788));
	cfg_write(A, PCI_BAR(0), 4, 0xffffffff); /* sizing with MEM on: unmapped meanwhile */
	assert_false(guest_direct(AT + GIB(1)));
	assert_int_equal(cfg_read(A, PCI_BAR(0), 4), 0xffff0004);
	guest_place(A, 0, FAKE_MEM32);
	assert_true(guest_direct(FAKE_MEM32));
	assert_string_equal(host_log(), "");
}

static void outside_the_windows_or_over_ram_is_not_mapped(void **state)
{
	static const uint64_t at[] = { FAKE_RAM,
				       FAKE_RAM + MIB(255),
				       FAKE_ECAM,
				       0x8000000,
				       FAKE_MEM32 - KIB(64),
				       FAKE_MEM32 + MIB(256),
				       FAKE_MEM64 + GIB(4),
				       UINT64_C(0x7fffffffffff0000) };

	two_devices();
	for (unsigned i = 0; i < sizeof(at) / sizeof(at[0]); i++) {
		guest_place(A, 0, at[i]);
		command(A, MEM);
		assert_false(guest_direct(at[i]));
		assert_int_equal(cfg_read(A, 0, 4), 0x10d38086); /* the ECAM stands */
		command(A, 0);
	}
	assert_true(strstr(host_log(), "outside"));
	assert_null(strstr(strstr(host_log(), "outside") + 1, "outside")); /* once */
	assert_true(guest_read(FAKE_MEM32 - 4, 4) == UINT64_C(0xdead) << 32);
	assert_int_equal(guest_read(FAKE_MEM32, 4), 0xffffffff);
}

/* RAM lies in no window; if it did, it would stay, and nothing of the BAR would be there. */
static void over_ram_inside_a_window_is_not_mapped(void **state)
{
	const uint64_t at = FAKE_MEM64 + MIB(1), ram = UINT64_C(0xa0000000);

	fake_add(A);
	fake_start();
	assert_int_equal(s2_map(&fake_vm.cpu_s2, IPA(at + KIB(16)), PA(ram), KIB(4), S2_RAM),
			 HV_OK);
	guest_place(A, 0, at);
	command(A, MEM);
	assert_true(strstr(host_log(), "cannot be mapped"));
	for (uint64_t off = 0; off < KIB(64); off += KIB(4))
		assert_true(!guest_trapped(at + off) && guest_direct(at + off) == (off == KIB(16)));
	guest_place(A, 0, at - KIB(64));
	assert_true(guest_direct(at - KIB(64)));
	command(A, 0);
	assert_int_equal(s2_lookup(&fake_vm.cpu_s2, IPA(at + KIB(16))).pa.v, ram);
}

static void over_another_bar_waits_until_there_is_room(void **state)
{
	two_devices();
	guest_place(A, 0, AT);
	guest_place(B, 0, AT);
	command(A, MEM);
	command(B, MEM);
	assert_int_equal(s2_lookup(&fake_vm.cpu_s2, IPA(AT)).pa.v, HOST);
	assert_true(strstr(host_log(), "00:02.0: BAR 0 at 0x100000000 lies over another BAR"));
	guest_place(A, 0, AT + MIB(1));
	assert_int_equal(s2_lookup(&fake_vm.cpu_s2, IPA(AT)).pa.v, HOST + MIB(1));
	assert_int_equal(s2_lookup(&fake_vm.cpu_s2, IPA(AT + MIB(1))).pa.v, HOST);
	guest_place(A, 0, AT); /* now it is the other that was there first */
	assert_int_equal(s2_lookup(&fake_vm.cpu_s2, IPA(AT)).pa.v, HOST + MIB(1));
	command(B, 0);
	assert_int_equal(s2_lookup(&fake_vm.cpu_s2, IPA(AT)).pa.v, HOST);
}

static void two_bars_of_one_function_do_not_overlap(void **state)
{
	struct fake_dev *d = fake_add(A);

	fake_bar(d, 2, KIB(64), 0x50000000, false);
	fake_start();
	guest_place(A, 0, FAKE_MEM32);
	guest_place(A, 2, FAKE_MEM32);
	command(A, MEM);
	assert_int_equal(s2_lookup(&fake_vm.cpu_s2, IPA(FAKE_MEM32)).pa.v, HOST);
	guest_place(A, 2, FAKE_MEM32 + KIB(64));
	assert_int_equal(s2_lookup(&fake_vm.cpu_s2, IPA(FAKE_MEM32 + KIB(64))).pa.v, 0x50000000);
}

static void only_pages_of_table_and_pba_are_trapped(void **state)
{
	two_devices();
	guest_place(A, 0, AT);
	command(A, MEM);
	for (uint64_t off = 0; off < KIB(64); off += KIB(4)) {
		bool trap = off == 0x2000 || off == 0x3000;

		assert_int_equal(guest_trapped(AT + off), trap);
		assert_int_equal(guest_direct(AT + off), !trap);
	}
	assert_int_equal(fake_el2_count, 4); /* two devices: table and PBA */
	for (unsigned i = 0; i < fake_el2_count; i++)
		assert_true(fake_el2[i].size == KIB(4));
}

static void neighbours_in_a_trapped_page_are_forwarded_in_their_width(void **state)
{
	static const char *const op[] = { "w8", "w16", "w32", "w64" };

	two_devices();
	guest_place(A, 0, AT);
	command(A, MEM);
	for (unsigned i = 0; i < 4; i++) {
		unsigned size = 1u << i;
		uint64_t v = UINT64_C(0x8877665544332211) >> (64 - 8 * size);

		host_trace_clear();
		guest_write(AT + 0x2080 + 8 * i, size, v); /* right behind the eighth entry */
		assert_true(host_trace_find(0, op[i], HOST + 0x2080 + 8 * i) >= 0);
		assert_true(guest_read(AT + 0x2080 + 8 * i, size) == v);
	}
	fake_memory(HOST + 0x3000)[0] = 0xa5;
	assert_int_equal(guest_read(AT + 0x3000, 8), 0xa5);
	guest_write(AT + 0x3000, 4, 0); /* pending bits are read only */
	assert_int_equal(guest_read(AT + 0x3000, 4), 0xa5);
	guest_write(AT + 0x3008, 4, 7);
	assert_int_equal(fake_memory(HOST + 0x3008)[0], 7);
}

static void table_and_pba_may_lie_anywhere(void **state)
{
	static const struct {
		unsigned table_bar, table, pba_bar, pba;
		uint64_t trapped[2]; /* pages of BAR 0 */
	} t[] = {
		{ 0, 0x0000, 0, 0xf000, { 0x0000, 0xf000 } },
		{ 0, 0xf000, 0, 0x0000, { 0x0000, 0xf000 } },
		{ 0, 0x2ff0, 0, 0x2fe0, { 0x2000, 0x3000 } }, /* over a page's end */
		{ 0, 0x4000, 0, 0x4800, { 0x4000, 0x4000 } },
		{ 2, 0x0000, 0, 0x5000, { 0x5000, 0x5000 } },
	};

	for (unsigned i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct fake_dev *d = fake_add(A);

		fake_bar(d, 2, KIB(4), 0x50000000, false);
		d->pf->msix[MSIX_TABLE].bar = (uint8_t)t[i].table_bar;
		d->pf->msix[MSIX_TABLE].at.base = t[i].table;
		d->pf->msix[MSIX_PBA].at.base = t[i].pba;
		fake_start();
		guest_place(A, 0, AT);
		guest_place(A, 2, FAKE_MEM32);
		command(A, MEM);
		for (uint64_t off = 0; off < KIB(64); off += KIB(4))
			assert_int_equal(guest_trapped(AT + off),
					 off == t[i].trapped[0] || off == t[i].trapped[1]);
		assert_int_equal(guest_trapped(FAKE_MEM32), t[i].table_bar == 2);
		fake_end();
		fake_begin();
	}
}

static void msix_that_discovery_did_not_take_is_hidden(void **state)
{
	struct fake_dev *d = fake_add(A);

	d->pf->msix_count = 0; /* its table is outside its BAR */
	fake_start();
	assert_int_equal(cfg_read(A, 0x81, 1), 0xd0); /* the vendor capability behind it */
}

static void small_bars_are_mapped_whole_or_trapped(void **state)
{
	struct fake_dev *d = fake_add(A), *e = fake_add(B);

	fake_bar(d, 2, 256, 0x50000000, false);
	fake_bar(e, 2, 512, 0x50001000, false);
	fake_start();
	guest_place(A, 2, FAKE_MEM32);
	command(A, MEM);
	assert_true(guest_direct(FAKE_MEM32)); /* alone here and there */
	guest_place(A, 2, FAKE_MEM32 + 0x100);
	assert_true(guest_trapped(FAKE_MEM32)); /* not congruent */
	fake_memory(0x50000010)[0] = 0x77;
	assert_int_equal(guest_read(FAKE_MEM32 + 0x110, 1), 0x77);
	assert_int_equal(guest_read(FAKE_MEM32 + 0x10, 1), 0xff);
	assert_int_equal(guest_read(FAKE_MEM32 + 0x200, 4), 0xffffffff);
	guest_place(A, 2, FAKE_MEM32);
	guest_place(B, 2, FAKE_MEM32 + 0x200);
	command(B, MEM); /* a second one in the guest's page: both are trapped */
	assert_true(guest_trapped(FAKE_MEM32));
	fake_memory(0x50001020)[0] = 0x88;
	assert_int_equal(guest_read(FAKE_MEM32 + 0x10, 1), 0x77);
	assert_int_equal(guest_read(FAKE_MEM32 + 0x220, 1), 0x88);
	assert_int_equal(guest_read(FAKE_MEM32 + 0x120, 1), 0xff);
	command(A, 0); /* the mark stays for the other */
	assert_int_equal(guest_read(FAKE_MEM32 + 0x10, 1), 0xff);
	assert_int_equal(guest_read(FAKE_MEM32 + 0x220, 1), 0x88);
	command(A, MEM);
	command(B, 0);
	assert_true(guest_direct(FAKE_MEM32));
	assert_int_equal(guest_read(FAKE_MEM32 + 0x10, 1), 0x77);
}

static void a_small_bar_on_a_shared_host_page_is_trapped(void **state)
{
	struct fake_dev *d = fake_add(A), *e = fake_add(B);

	fake_bar(d, 2, 256, 0x50000000, false);
	fake_bar(e, 2, 256, 0x50000100, false);
	fake_start();
	guest_place(A, 2, FAKE_MEM32);
	command(A, MEM);
	assert_true(guest_trapped(FAKE_MEM32));
	fake_memory(0x50000100)[0] = 0x99; /* the other's */
	assert_int_equal(guest_read(FAKE_MEM32 + 0x100, 1), 0xff);
}

static void memory_type_is_by_bar(void **state)
{
	struct fake_dev *d = fake_add(A);

	fake_bar(d, 2, KIB(4), 0x50000000, false);
	fake_as[0].device_memory[2] = true;
	fake_start();
	guest_place(A, 0, AT);
	guest_place(A, 2, FAKE_MEM32);
	command(A, MEM);
	assert_int_equal(s2_lookup(&fake_vm.cpu_s2, IPA(AT)).pte >> 2 & 0xf, 5);
	assert_int_equal(s2_lookup(&fake_vm.cpu_s2, IPA(FAKE_MEM32)).pte >> 2 & 0xf, 1);
}

static void large_bars_are_mapped_with_blocks(void **state)
{
	struct fake_dev *d = fake_add(A);

	fake_bar(d, 2, GIB(1), UINT64_C(0x9000000000), true);
	fake_start();
	guest_place(A, 2, AT + GIB(1));
	command(A, MEM);
	assert_int_equal(s2_lookup(&fake_vm.cpu_s2, IPA(AT + GIB(1))).level, 1);
}

/* Whatever a guest does with its BARs, the pool that vpci_table_need() asked for is enough. */
static void tables_never_run_out(void **state)
{
	static const uint64_t sizes[] = { 16,     256,     KIB(4), KIB(64), MIB(1),
					  MIB(2), MIB(64), GIB(1), GIB(2) };

	srand(2);
	for (unsigned round = 0; round < 8; round++) {
		uint64_t pa = UINT64_C(0x10000000000);

		for (unsigned i = 0; i < 4; i++) {
			struct fake_dev *d = fake_add((uint8_t)(8 * i + 8));

			for (unsigned bar = 0; bar < 6; bar += 2) {
				uint64_t size = sizes[(unsigned)rand() % 9];

				pa = ALIGN_UP(pa, MAX(size, KIB(4)));
				fake_bar(d, bar, size, pa, true);
				if (rand() % 4 == 0) /* a `ranges` that is not so well aligned */
					d->pf->bar[bar].pa.v += MIB(1) + KIB(4);
				pa += size;
			}
			d->pf->msix[MSIX_TABLE].at.base = MIN(d->pf->bar[0].size, MIB(64)) / 2;
			d->pf->msix[MSIX_PBA].at.base = 0;
		}
		fake_start();
		for (unsigned i = 0; i < 600; i++) {
			uint8_t devfn = (uint8_t)(8 * (rand() % 4) + 8);

			if (rand() % 4 == 0)
				command(devfn, (uint16_t)rand());
			else if (rand() % 2)
				guest_place(devfn, (unsigned)rand() % 3 * 2,
					    FAKE_MEM64 + ((uint64_t)rand() * 4096 & (GIB(4) - 1)));
			else
				guest_place(devfn, (unsigned)rand() % 3 * 2,
					    FAKE_MEM32 + ((uint64_t)rand() * 16 & (MIB(256) - 1)));
			assert_null(strstr(host_log(), "cannot"));
		}
		fake_end();
		fake_begin();
	}
}

/* Blocks of 1 GiB and 2 MiB, broken by a table and a PBA that lie over their borders. */
static void holes_over_the_borders_of_blocks_have_their_tables(void **state)
{
	struct fake_dev *d = fake_add(A);

	fake_bar(d, 0, GIB(2), UINT64_C(0x9000000000), true);
	d->pf->msix_count = 1024;
	d->pf->msix[MSIX_TABLE].at = (struct range){ GIB(1) - 64, 1024 * 16 };
	d->pf->msix[MSIX_PBA].at = (struct range){ MIB(512) - 64, 1024 / 8 };
	fake_start();
	guest_place(A, 0, AT);
	command(A, MEM);
	assert_string_equal(host_log(), "");
	assert_true(guest_trapped(AT + MIB(512) - 8) && guest_trapped(AT + MIB(512)));
	assert_true(guest_trapped(AT + GIB(1) - 8) && guest_trapped(AT + GIB(1)));
	assert_true(guest_direct(AT) && guest_direct(AT + GIB(2) - 4));
}

/* After any sequence each leaf is some live BAR's page, and nothing else is mapped. */
static void mappings_are_a_function_of_the_registers(void **state)
{
	srand(3);
	for (unsigned i = 0; i < 4; i++)
		fake_bar(fake_add((uint8_t)(8 * i + 8)), 2, 512, 0x50000000 + 0x1000 * i, false);
	fake_start();
	for (unsigned i = 0; i < 6000; i++) {
		uint8_t devfn = (uint8_t)(8 * (rand() % 4) + 8);
		bool small = rand() % 2;

		if (rand() % 4 == 0)
			command(devfn, (uint16_t)rand() & MEM);
		else
			guest_place(devfn, small ? 2 : 0,
				    FAKE_MEM32 + (uint64_t)(rand() % 8) * (small ? 512 : KIB(64)) +
					    (small ? MIB(1) : 0));
		for (unsigned p = 0; p < 8 && i % 16 == 0; p++) {
			struct s2_leaf l = s2_lookup(&fake_vm.cpu_s2,
						     IPA(FAKE_MEM32 + p * KIB(64)));
			unsigned owner = (unsigned)((l.pa.v - HOST) / MIB(1)), claims = 0;

			for (unsigned d = 0; d < 4; d++) {
				uint8_t f = (uint8_t)(8 * d + 8);
				bool here = cfg_read(f, PCI_COMMAND, 2) & MEM &&
					    (cfg_read(f, PCI_BAR(0), 4) & ~0xfu) ==
						    FAKE_MEM32 + p * KIB(64);

				claims += here;
				if (l.valid && owner == d)
					assert_true(here);
			}
			assert_int_equal(l.valid, claims != 0);
		}
		for (unsigned p = 0; p < 8 && i % 16 == 0; p++) {
			uint64_t ipa = FAKE_MEM32 + MIB(1) + p * 512;
			uint64_t got;
			unsigned claims = 0, match = 0;

			for (unsigned d = 0; d < 4; d++)
				*(uint32_t *)(void *)fake_memory(0x50000000 + 0x1000 * d) = d + 1;
			got = guest_read(ipa, 4);
			for (unsigned d = 0; d < 4; d++) {
				uint8_t f = (uint8_t)(8 * d + 8);

				if (!(cfg_read(f, PCI_COMMAND, 2) & MEM) ||
				    cfg_read(f, PCI_BAR(2), 4) != ipa)
					continue;
				claims++;
				match |= got == d + 1;
			}
			assert_true(claims ? match : got == 0xffffffff || p == 0);
		}
	}
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(sizing_gives_the_true_size),
		T(mem_maps_after_the_device_and_unmaps_before_it),
		T(mem_that_does_not_stick_maps_nothing),
		T(a_move_takes_effect_at_once),
		T(outside_the_windows_or_over_ram_is_not_mapped),
		T(over_ram_inside_a_window_is_not_mapped),
		T(over_another_bar_waits_until_there_is_room),
		T(two_bars_of_one_function_do_not_overlap),
		T(only_pages_of_table_and_pba_are_trapped),
		T(neighbours_in_a_trapped_page_are_forwarded_in_their_width),
		T(table_and_pba_may_lie_anywhere),
		T(msix_that_discovery_did_not_take_is_hidden),
		T(small_bars_are_mapped_whole_or_trapped),
		T(a_small_bar_on_a_shared_host_page_is_trapped),
		T(memory_type_is_by_bar),
		T(large_bars_are_mapped_with_blocks),
		T(tables_never_run_out),
		T(holes_over_the_borders_of_blocks_have_their_tables),
		T(mappings_are_a_function_of_the_registers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
