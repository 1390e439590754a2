/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Config space: each row of the policy, what is hidden, and that nothing else reaches the device.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <host.h>
#include <spec/pci.h>
#include <spec/pci_caps.h>

#include "../../vpci/vpci_priv.h"
#include "../host/vpci_fakes.h"

#define DEV 0x08 /* 00:01.0 */

static struct fake_dev *dev;

static int setup(void **state)
{
	fake_begin();
	dev = fake_add(DEV);
	fake_start();
	return 0;
}

static int teardown(void **state)
{
	fake_end();
	return 0;
}

static void rows_obey_the_invariants(void **state)
{
	for (unsigned i = 0; i < ROW_COUNT; i++) {
		const struct cfg_rule *r = &cfg_rules[i];

		if (r->rw & r->w1c || r->boot & r->hw || r->set & (r->hw | r->boot))
			fail_msg("row %u of enum cfg_row: rw %x w1c %x boot %x hw %x set %x", i,
				 r->rw, r->w1c, r->boot, r->hw, r->set);
	}
	assert_memory_equal(&cfg_rules[ROW_NONE], &(struct cfg_rule){ 0 }, sizeof(struct cfg_rule));
}

static void cfg_decide_knows_every_kind_of_bit(void **state)
{
	/* bits: 0 hw rw, 1 hw w1c, 2 shadow rw, 3 shadow w1c, 4 hw ro, 5 hidden w1c, 6 shadow ro */
	static const struct cfg_rule r = { .hw = 0x13, .rw = 0x05, .w1c = 0x2a };
	static const struct {
		uint32_t lanes, hw, value, shadow, want_shadow, want_value;
		bool want_hw;
	} t[] = {
		{ 0xff, 0x33, 0x00, 0x4c, 0x48, 0x10, true }, /* w1c never by itself */
		{ 0xff, 0x32, 0xff, 0x48, 0x44, 0x13, true },
		{ 0xff, 0x80, 0x04, 0x00, 0x04, 0x80, true }, /* bits of others as they are */
		{ 0x00, 0xff, 0xff, 0x4c, 0x4c, 0x00, false },
		{ 0x02, 0x02, 0x00, 0x00, 0x00, 0x00, false }, /* no 1 written: nothing to do */
		{ 0x02, 0x02, 0x02, 0x00, 0x00, 0x02, true },
		{ 0x0c, 0xff, 0x0c, 0x08, 0x04, 0x04, false },
	};

	for (unsigned i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct cfg_verdict v = cfg_decide(&r, t[i].lanes, t[i].hw, t[i].value, t[i].shadow);

		assert_int_equal(v.shadow, t[i].want_shadow);
		assert_int_equal(v.to_hw, t[i].want_hw);
		if (v.to_hw)
			assert_int_equal(v.value, t[i].want_value);
	}
}

/* What the guest reads at power-on, and after it wrote all ones: everything the policy allows. */
static void every_dword_follows_the_policy(void **state)
{
	static const struct {
		unsigned off;
		uint32_t boot, ones;
	} t[] = {
		{ 0x00, 0x10d38086, 0x10d38086 },
		{ 0x08, 0x02000003, 0x02000003 },
		{ 0x0c, 0x00000000, 0x0000ffff },
		{ 0x10, 0x00000004, 0xffff0004 },
		{ 0x14, 0, 0xffffffff },
		{ 0x18, 0, 0 },
		{ 0x1c, 0, 0 },
		{ 0x20, 0, 0 },
		{ 0x24, 0, 0 },
		{ 0x28, 0, 0 },
		{ 0x2c, 0x11001af4, 0x11001af4 },
		{ 0x30, 0, 0 },
		{ 0x34, 0x40, 0x40 },
		{ 0x38, 0, 0 },
		{ 0x3c, 0x40200100, 0x402001ff },
		{ 0x40, 0x00035001, 0x00035001 },
		{ 0x48, 0, 0 },
		{ 0x50, 0x01868005, 0x01b78005 },
		{ 0x54, 0, 0xfffffffc },
		{ 0x58, 0, 0xffffffff },
		{ 0x5c, 0, 0xffff },
		{ 0x60, 0, 0xffffffff },
		{ 0x80, 0x0092c010, 0x0092c010 },
		{ 0x84, 0x10008fe1, 0x10008fe1 },
		{ 0x8c, 0, 0 },
		{ 0x90, 0, 0 },
		{ 0x94, 0, 0 },
		{ 0x98, 0, 0 },
		{ 0xa4, 0x0000000f, 0x0000000f },
		{ 0xa8, 0, 0x030f },
		{ 0xac, 0, 0 },
		{ 0xb0, 0, 0 },
		{ 0xc0, 0x0007d011, 0xc007d011 },
		{ 0xc4, 0x2000, 0x2000 },
		{ 0xc8, 0x3000, 0x3000 },
		{ 0xd0, 0x00080009, 0x00080009 },
		{ 0xd4, 0xdeadbeef, 0xdeadbeef },
		{ 0xd8, 0, 0 },
		{ 0x100, 0x14810001, 0x14810001 },
		{ 0x104, 0, 0 },
		{ 0x108, 0x00400000, 0xfffff030 },
		{ 0x10c, 0x00462030, 0xfffff030 },
		{ 0x110, 0, 0 },
		{ 0x114, 0x0000e000, 0x0000f1c1 },
		{ 0x118, 0xa0, 0xa0 },
		{ 0x11c, 0x11, 0x11 },
		{ 0x128, 0x44, 0x44 },
		{ 0x12c, 0, 0 },
		{ 0x148, 0x00010003, 0x00010003 },
		{ 0x14c, 0x89abcdef, 0x89abcdef },
		{ 0x150, 0x01234567, 0x01234567 },
		{ 0x154, 0, 0 },
		{ 0x15c, 0, 0 },
		{ 0xffc, 0, 0 },
	};

	for (unsigned i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		assert_int_equal(cfg_read(DEV, t[i].off, 4), t[i].boot);
		cfg_write(DEV, t[i].off, 4, 0xffffffff);
		assert_int_equal(cfg_read(DEV, t[i].off, 4), t[i].ones);
	}
}

static void list_holds_what_is_visible_and_nothing_else(void **state)
{
	static const uint8_t want[][2] = {
		{ 1, 0x40 }, { 5, 0x50 }, { 0x10, 0x80 }, { 0x11, 0xc0 }, { 9, 0xd0 }
	};
	unsigned at = cfg_read(DEV, PCI_CAP_PTR, 1);

	assert_true(cfg_read(DEV, PCI_STATUS, 2) & PCI_STS_CAPS);
	for (unsigned i = 0; i < 5; i++) {
		assert_int_equal(at, want[i][1]);
		assert_int_equal(cfg_read(DEV, at, 1), want[i][0]);
		at = cfg_read(DEV, at + 1, 1);
	}
	assert_int_equal(at, 0);
}

static void a_looped_or_overlapping_list_is_cut(void **state)
{
	fake_end();
	fake_begin();
	dev = fake_add(DEV);
	fake_put(dev, 0x51, 1, 0x40); /* back to PM: PCIe and MSI-X are unreachable */
	fake_start();
	assert_int_equal(cfg_read(DEV, 0x41, 1), 0x50);
	assert_int_equal(cfg_read(DEV, 0x51, 1), 0);
	assert_int_equal(cfg_read(DEV, 0x80, 4), 0);
	fake_end();
	fake_begin();
	dev = fake_add(DEV);
	dev->pf->cap_msi = 0x44; /* inside PM */
	fake_put(dev, 0x41, 1, 0x44);
	fake_put(dev, 0x44, 4, 0x01868005);
	fake_start();
	assert_int_equal(cfg_read(DEV, 0x41, 1), 0);
	assert_int_equal(cfg_read(DEV, 0x44, 2), 0);
	fake_end();
	fake_begin();
	dev = fake_add(DEV);
	dev->pf->cap_msix = 0xf8; /* its third dword would be behind the end */
	fake_put(dev, 0x81, 1, 0xf8);
	fake_put(dev, 0xf8, 4, 0x00070011);
	fake_start();
	assert_int_equal(cfg_read(DEV, 0x81, 1), 0);
	assert_int_equal(cfg_read(DEV, 0xf8, 4), 0);
}

static void without_vectors_there_is_no_msi(void **state)
{
	fake_end();
	fake_begin();
	dev = fake_add(DEV);
	fake_as[0].msi.count = 0;
	fake_start();
	assert_int_equal(cfg_read(DEV, 0x41, 1), 0x80);
	assert_int_equal(cfg_read(DEV, 0x81, 1), 0xd0);
	cfg_write(DEV, 0xc2, 2, 0x8000);
	cfg_write(DEV, 0x52, 2, 1);
	assert_int_equal(fake_get(dev, 0xc2, 2) & 0x8000, 0);
	assert_int_equal(fake_get(dev, 0x52, 2) & 1, 0);
}

static void command_passes_three_bits(void **state)
{
	cfg_write(DEV, PCI_COMMAND, 2, 0xffff);
	assert_int_equal(cfg_read(DEV, PCI_COMMAND, 2), 0x0406);
	assert_int_equal(fake_get(dev, PCI_COMMAND, 2), 0x0406);
	cfg_write(DEV, PCI_COMMAND, 2, PCI_CMD_MASTER);
	assert_int_equal(fake_get(dev, PCI_COMMAND, 2), PCI_CMD_MASTER);
	cfg_write(DEV, PCI_COMMAND, 1, 0);
	assert_int_equal(fake_get(dev, PCI_COMMAND, 2), 0);
}

static void status_clears_only_what_the_guest_wrote(void **state)
{
	fake_put(dev, PCI_STATUS, 2, 0xf918);
	assert_int_equal(cfg_read(DEV, PCI_STATUS, 2), 0xf918);
	cfg_write(DEV, PCI_COMMAND, 2, PCI_CMD_MASTER); /* a command write clears nothing */
	cfg_write(DEV, PCI_COMMAND, 4, PCI_CMD_MASTER);
	assert_int_equal(fake_get(dev, PCI_STATUS, 2), 0xf918);
	cfg_write(DEV, PCI_STATUS, 2, 0x8100);
	assert_int_equal(fake_get(dev, PCI_STATUS, 2), 0x7818);
	cfg_write(DEV, PCI_COMMAND, 4, 0x40000000 | PCI_CMD_MASTER);
	assert_int_equal(fake_get(dev, PCI_STATUS, 2), 0x3818);
	cfg_write(DEV, PCI_STATUS + 1, 1, 0x08);
	assert_int_equal(fake_get(dev, PCI_STATUS, 2), 0x3018);
	assert_int_equal(fake_get(dev, PCI_COMMAND, 2), PCI_CMD_MASTER);
}

static void device_control_keeps_payload_size_and_no_snoop(void **state)
{
	assert_int_equal(fake_get(dev, 0x88, 2), 0x2130); /* no snoop off since boot */
	assert_int_equal(cfg_read(DEV, 0x88, 2), 0x2130);
	cfg_write(DEV, 0x88, 2, 0x5bff & ~0x0010u);
	assert_int_equal(cfg_read(DEV, 0x88, 2), 0x51ef); /* its MPS and error bits: a copy */
	assert_int_equal(fake_get(dev, 0x88, 2), 0x5120);
	cfg_write(DEV, 0x88, 2, 0x0010); /* 128 B requests: not below the physical 256 B */
	assert_int_equal(fake_get(dev, 0x88, 2), 0x1130);
	cfg_write(DEV, 0x88, 2, 0x7010);
	assert_int_equal(fake_get(dev, 0x88, 2), 0x5130);
	fake_put(dev, 0x8a, 2, 0x002f);
	cfg_write(DEV, 0x88, 4, 0x00017010);
	assert_int_equal(fake_get(dev, 0x8a, 2), 0x002e);
	assert_int_equal(cfg_read(DEV, 0x8a, 2), 0x002e);
	cfg_write(DEV, 0xa8, 2, 0xffff);
	assert_int_equal(fake_get(dev, 0xa8, 2), 0x030f);
}

static void every_width_reads_the_same(void **state)
{
	for (unsigned off = 0; off < 0x100; off += 8) {
		uint64_t q = guest_read(FAKE_ECAM + (DEV << 12) + off, 8), parts = 0;

		for (unsigned i = 0; i < 8; i++)
			parts |= (uint64_t)cfg_read(DEV, off + i, 1) << 8 * i;
		assert_int_equal(q, parts);
		parts = 0;
		for (unsigned i = 0; i < 8; i += 2)
			parts |= (uint64_t)cfg_read(DEV, off + i, 2) << 8 * i;
		assert_int_equal(q, parts);
	}
	guest_write(FAKE_ECAM + (DEV << 12) + 0x10, 8, ~UINT64_C(0)); /* low dword first */
	assert_int_equal(guest_read(FAKE_ECAM + (DEV << 12) + 0x10, 8), 0xffffffffffff0004);
	cfg_write(DEV, 0x10, 4, 0);
	cfg_write(DEV, 0x12, 2, 0x1234);
	cfg_write(DEV, 0x13, 1, 0x56);
	assert_int_equal(cfg_read(DEV, 0x10, 4), 0x56340004);
}

static void absent_functions_read_all_ones(void **state)
{
	static const uint8_t at[] = { 0x00, 0x09, 0x10, 0xff };

	for (unsigned i = 0; i < sizeof(at); i++) {
		cfg_write(at[i], 0x04, 4, 0xffffffff);
		assert_int_equal(cfg_read(at[i], 0x00, 4), 0xffffffff);
		assert_int_equal(cfg_read(at[i], 0x02, 2), 0xffff);
		assert_int_equal(cfg_read(at[i], 0x0e, 1), 0xff);
		assert_true(guest_read(FAKE_ECAM + ((unsigned)at[i] << 12), 8) == ~UINT64_C(0));
	}
	assert_int_equal(dev->writes, 0);
}

static void a_read_of_the_shadow_leaves_the_device_alone(void **state)
{
	static const uint16_t shadow[] = { 0x00, 0x08, 0x0c, 0x10, 0x2c, 0x34,
					   0x40, 0x44, 0x84, 0xc0, 0x200 };

	dev->reads = 0;
	for (unsigned i = 0; i < sizeof(shadow) / 2; i++)
		cfg_read(DEV, shadow[i], 4);
	cfg_read(DEV, PCI_COMMAND, 2); /* the other half of its dword is live */
	assert_int_equal(dev->reads, 0);
	cfg_read(DEV, PCI_STATUS, 2);
	assert_int_equal(dev->reads, 1);
}

static void a_silent_device_is_not_written_all_ones(void **state)
{
	dev->gone = true;
	host_trace_clear();
	cfg_write(DEV, 0x8a, 2, 0x000f);
	assert_int_equal(host_trace_find(0, "cfg_write", UINT64_MAX), -1);
}

static void multifunction_and_pin_are_virtual(void **state)
{
	fake_end();
	fake_begin();
	fake_add(DEV);
	fake_add(DEV + 1);
	fake_as[0].multifunction = fake_as[1].multifunction = true;
	fake_as[0].intx_pin = 0;
	fake_as[1].intx_pin = 3;
	fake_start();
	assert_int_equal(cfg_read(DEV, PCI_HEADER_TYPE, 1), 0x80);
	assert_int_equal(cfg_read(DEV + 1, PCI_HEADER_TYPE, 1), 0x80);
	assert_int_equal(cfg_read(DEV, PCI_INT_PIN, 1), 0);
	assert_int_equal(cfg_read(DEV + 1, PCI_INT_PIN, 1), 3);
	assert_int_equal(fake_get(&fakes[0], PCI_COMMAND, 2), PCI_CMD_INTX_OFF);
	assert_int_equal(fake_get(&fakes[1], PCI_COMMAND, 2), 0);
}

/* G3: random writes all over config space change nothing but what the policy lets through. */
static void nothing_outside_the_table_reaches_the_device(void **state)
{
	static const struct {
		unsigned from, to;
	} open[] = { { 0x04, 0x05 }, { 0x07, 0x07 }, { 0x44, 0x44 }, { 0x52, 0x52 }, { 0x54, 0x5d },
		     { 0x60, 0x60 }, { 0x88, 0x8a }, { 0xa8, 0xa9 }, { 0xc3, 0xc3 } };

	srand(1);
	dev->pf->flr = false;
	for (unsigned i = 0; i < 200000; i++) {
		unsigned size = 1u << rand() % 3, off = (unsigned)rand() % 4096 & ~(size - 1);

		if (i % 2)
			off %= 0x100;
		if (off / 4 == 1 && i % 8) /* D3hot and MEM off: mostly elsewhere */
			continue;
		cfg_write(DEV, off, size, (uint32_t)rand() << 1 ^ (uint32_t)rand());
	}
	for (unsigned off = 0; off < 4096; off++) {
		bool allowed = false;

		for (unsigned i = 0; i < sizeof(open) / sizeof(open[0]); i++)
			allowed |= off >= open[i].from && off <= open[i].to;
		if (!allowed)
			assert_int_equal(dev->touched[off], 0);
	}
	assert_int_equal(dev->touched[4] & ~6, 0);
	assert_int_equal(dev->touched[5] & ~4, 0);
	assert_int_equal(dev->touched[0x44] & ~3, 0);
	assert_int_equal(dev->touched[0x88] & ~0x10, 0);
	assert_int_equal(dev->touched[0x89] & ~0x70, 0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(rows_obey_the_invariants),
		T(cfg_decide_knows_every_kind_of_bit),
		T(every_dword_follows_the_policy),
		T(list_holds_what_is_visible_and_nothing_else),
		T(a_looped_or_overlapping_list_is_cut),
		T(without_vectors_there_is_no_msi),
		T(command_passes_three_bits),
		T(status_clears_only_what_the_guest_wrote),
		T(device_control_keeps_payload_size_and_no_snoop),
		T(every_width_reads_the_same),
		T(absent_functions_read_all_ones),
		T(a_read_of_the_shadow_leaves_the_device_alone),
		T(a_silent_device_is_not_written_all_ones),
		T(multifunction_and_pin_are_virtual),
		T(nothing_outside_the_table_reaches_the_device),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
