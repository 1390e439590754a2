/* SPDX-License-Identifier: Apache-2.0 */
/* Capability lists: who is shown, who is unlinked, and what the options open. */
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

#define DEV 0x08

static struct fake_dev *dev;

static int setup(void **state)
{
	fake_begin();
	dev = fake_add(DEV);
	return 0;
}

static int teardown(void **state)
{
	fake_end();
	return 0;
}

static void again(void)
{
	fake_end();
	setup(NULL);
}

/* An extended capability in the device, all of it writable there. */
static void ecap(unsigned at, unsigned id, unsigned next)
{
	memset(&dev->writable[at], 0xff, 4);
	fake_put(dev, at, 4, id | 1u << 16 | next << 20);
	memset(&dev->writable[at + 4], 0xff, 0x40);
	for (unsigned off = at + 4; off < at + 0x40; off += 4)
		fake_put(dev, off, 4, 0x11110000 + off);
}

static void cap(unsigned at, unsigned id, unsigned next, uint32_t upper)
{
	fake_put(dev, at, 4, id | next << 8 | upper << 16);
}

struct seen {
	unsigned at, id;
};

/* The list as a guest walks it, and nothing more. */
static void check_list(const struct seen *want, unsigned count)
{
	unsigned at = cfg_read(DEV, PCI_CAP_PTR, 1);

	for (unsigned i = 0; i < count; i++) {
		assert_int_equal(at, want[i].at);
		assert_int_equal(cfg_read(DEV, at, 1), want[i].id);
		at = cfg_read(DEV, at + 1, 1);
	}
	assert_int_equal(at, 0);
}

static void check_extended(const struct seen *want, unsigned count)
{
	unsigned at = PCI_ECAP_FIRST;

	for (unsigned i = 0; i < count; i++) {
		assert_int_equal(at, want[i].at);
		assert_int_equal(cfg_read(DEV, at, 4) & 0xffff, want[i].id);
		assert_int_equal(cfg_read(DEV, at, 4) >> 16 & 0xf, want[i].id ? 1 : 0);
		at = cfg_read(DEV, at, 4) >> 20;
	}
	assert_int_equal(at, 0);
}

#define LIST(...)                                                                                  \
	check_list((const struct seen[]){ __VA_ARGS__ },                                           \
		   sizeof((const struct seen[]){ __VA_ARGS__ }) / sizeof(struct seen))
#define EXTENDED(...)                                                                              \
	check_extended((const struct seen[]){ __VA_ARGS__ },                                       \
		       sizeof((const struct seen[]){ __VA_ARGS__ }) / sizeof(struct seen))

static void every_extended_capability_is_shown_or_not_as_the_policy_says(void **state)
{
	static const struct {
		unsigned id;
		bool shown;
	} t[] = {
		{ 0x01, true },  { 0x02, true },    { 0x03, true },  { 0x04, true },
		{ 0x05, false }, { 0x06, false },   { 0x07, false }, { 0x08, true },
		{ 0x09, true },  { 0x0a, false },   { 0x0b, true },  { 0x0d, false },
		{ 0x0e, false }, { 0x0f, false },   { 0x10, false }, { 0x11, false },
		{ 0x12, false }, { 0x13, false },   { 0x15, true },  { 0x16, true },
		{ 0x17, false }, { 0x18, true },    { 0x19, false }, { 0x1a, false },
		{ 0x1b, false }, { 0x1c, false },   { 0x1d, false }, { 0x1e, false },
		{ 0x1f, false }, { 0x23, true },    { 0x24, false }, { 0x25, false },
		{ 0x2e, false }, { 0x7fff, false },
	};

	for (unsigned i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		again();
		ecap(0x100, 0x03, 0x200);
		ecap(0x200, t[i].id, 0x300);
		ecap(0x300, 0x18, 0);
		fake_put(dev, 0x204, 4, 0x01000000); /* a length of 16 where there is one */
		fake_put(dev, 0x208, 4, 0x00000020); /* one resizable BAR */
		if (t[i].id == 0x15)
			dev->pf->cap_rebar = 0x200;
		fake_start();
		if (t[i].shown)
			EXTENDED({ 0x100, 3 }, { 0x200, t[i].id }, { 0x300, 0x18 });
		else
			EXTENDED({ 0x100, 3 }, { 0x300, 0x18 });
		for (unsigned off = 0x200; off < 0x240; off++) {
			if (!t[i].shown)
				assert_int_equal(cfg_read(DEV, off, 1), 0);
			for (unsigned size = 1; size <= 4; size *= 2)
				cfg_write(DEV, off & ~(size - 1), size, 0xffffffff);
			if (t[i].id != 1 || (off / 4 != 0x81 && off / 4 != 0x84)) /* RW1C */
				assert_int_equal(dev->touched[off], 0);
		}
	}
}

static void read_only_ones_show_the_device(void **state)
{
	static const struct {
		unsigned id, bytes;
	} t[] = { { 0x02, 0x28 }, { 0x08, 0x28 }, { 0x09, 0x28 }, { 0x03, 12 }, { 0x04, 16 },
		  { 0x16, 0x12 }, { 0x18, 8 },    { 0x0b, 16 },   { 0x23, 16 } };

	for (unsigned i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		again();
		ecap(0x100, t[i].id, 0);
		fake_put(dev, 0x104, 4, t[i].id == 0x0b || t[i].id == 0x23 ? 0x01000000 : 1);
		fake_start();
		for (unsigned off = 4; off < 0x40; off += 4)
			assert_int_equal(cfg_read(DEV, 0x100 + off, 4),
					 off < t[i].bytes ? fake_get(dev, 0x100 + off, 4) : 0);
	}
}

static void a_hidden_first_one_is_a_null_header(void **state)
{
	ecap(0x100, 0x0e, 0x150);
	ecap(0x150, 0x10, 0x1a0);
	ecap(0x1a0, 0x03, 0);
	fake_start();
	EXTENDED({ 0x100, 0 }, { 0x1a0, 3 });
	again();
	ecap(0x100, 0x0e, 0); /* and nothing behind it */
	fake_start();
	assert_int_equal(cfg_read(DEV, 0x100, 4), 0);
	again();
	ecap(0x100, 0x03, 0);
	dev->pf->ext_config = false; /* a bridge above drops the high bits of the address */
	fake_start();
	for (unsigned off = 0x100; off < 0x1000; off += 4)
		assert_int_equal(cfg_read(DEV, off, 4), 0);
}

static void malformed_extended_lists_end(void **state)
{
	ecap(0x100, 0x03, 0x200);
	ecap(0x200, 0x18, 0x100); /* a loop */
	fake_start();
	EXTENDED({ 0x100, 3 }, { 0x200, 0x18 });
	again();
	ecap(0x100, 0x03, 0x108); /* inside itself */
	ecap(0x108, 0x18, 0);
	fake_start();
	EXTENDED({ 0x100, 3 });
	again();
	ecap(0x100, 0x03, 0xff0);
	fake_put(dev, 0xff0, 4, 0x0001000b);
	fake_put(dev, 0xff4, 4, 0xfff00000); /* longer than config space */
	fake_start();
	EXTENDED({ 0x100, 3 });
	again();
	ecap(0x100, 0x03, 0x40); /* into the legacy part */
	fake_start();
	EXTENDED({ 0x100, 3 });
}

static void acs_is_shown_to_functions_with_peers(void **state)
{
	ecap(0x100, 0x0d, 0);
	fake_as[0].multifunction = true;
	fake_start();
	EXTENDED({ 0x100, 0x0d });
	assert_int_equal(cfg_read(DEV, 0x104, 4), 0x11110104);
	cfg_write(DEV, 0x104, 4, 0);
	assert_int_equal(fake_get(dev, 0x104, 4), 0x11110104);
}

static void resizable_bars_have_the_size_they_have(void **state)
{
	ecap(0x100, 0x15, 0);
	fake_put(dev, 0x104, 4, 0xfffffff0);
	fake_put(dev, 0x108, 4, 0xffff0840); /* BAR 0 of two, 2^8 MiB */
	fake_put(dev, 0x10c, 4, 0x0000fff0);
	fake_put(dev, 0x110, 4, 0xffff1e02); /* BAR 2, 2^30 MiB */
	dev->pf->cap_rebar = 0x100;
	dev->pf->rebar_count = 2;
	dev->pf->rebar_size[0] = 8;
	dev->pf->rebar_size[1] = 30;
	fake_start();
	assert_int_equal(cfg_read(DEV, 0x104, 4), 1u << 12);
	assert_int_equal(cfg_read(DEV, 0x108, 4), 0x0840);
	assert_int_equal(cfg_read(DEV, 0x10c, 4), 0);
	assert_int_equal(cfg_read(DEV, 0x110, 4), 0x00041e02);
	cfg_write(DEV, 0x108, 4, 0x0940);
	assert_int_equal(cfg_read(DEV, 0x108, 4), 0x0840);
	assert_int_equal(dev->touched[0x109], 0);
}

static void error_status_is_the_devices_masks_are_a_copy(void **state)
{
	fake_start();
	fake_put(dev, 0x104, 4, 0x0010c000);
	fake_put(dev, 0x110, 4, 0x000020c1);
	assert_int_equal(cfg_read(DEV, 0x104, 4), 0x0010c000);
	cfg_write(DEV, 0x104, 4, 0x00004000);
	assert_int_equal(fake_get(dev, 0x104, 4), 0x00108000);
	cfg_write(DEV, 0x110, 2, 0x0081);
	assert_int_equal(fake_get(dev, 0x110, 4), 0x00002040);
	cfg_write(DEV, 0x108, 4, 0);
	cfg_write(DEV, 0x10c, 4, 0);
	assert_int_equal(cfg_read(DEV, 0x108, 4), 0);
	assert_int_equal(cfg_read(DEV, 0x10c, 4), 0);
	cfg_write(DEV, 0x118, 4, 0x140); /* ECRC stays as it is */
	for (unsigned off = 0x108; off < 0x120; off++)
		if (off / 4 != 0x110 / 4)
			assert_int_equal(dev->touched[off], 0);
	vpci_reset(fake_vm.vpci);
	assert_int_equal(cfg_read(DEV, 0x108, 4), 0x00400000);
	assert_int_equal(cfg_read(DEV, 0x10c, 4), 0x00462030);
	assert_int_equal(cfg_read(DEV, 0x100, 4), 0x14810001);
}

static void every_legacy_capability_is_shown_or_not_as_the_policy_says(void **state)
{
	static const struct {
		unsigned id, bytes; /* 0: hidden */
	} t[] = { { 0x02, 0 },  { 0x03, 0 }, { 0x04, 0 }, { 0x06, 0 }, { 0x07, 8 }, { 0x08, 4 },
		  { 0x09, 12 }, { 0x0a, 0 }, { 0x0b, 0 }, { 0x0c, 0 }, { 0x0d, 0 }, { 0x0e, 0 },
		  { 0x0f, 0 },  { 0x12, 8 }, { 0x14, 0 }, { 0x15, 0 }, { 0xee, 0 } };

	for (unsigned i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		again();
		memset(&dev->writable[0xd0], 0xff, 0x20);
		cap(0xd0, t[i].id, 0xf0, 12);
		cap(0xf0, 0x12, 0, 0);
		fake_start();
		if (t[i].bytes)
			LIST({ 0x40, 1 }, { 0x50, 5 }, { 0x80, 16 }, { 0xc0, 17 },
			     { 0xd0, t[i].id }, { 0xf0, 18 });
		else
			LIST({ 0x40, 1 }, { 0x50, 5 }, { 0x80, 16 }, { 0xc0, 17 }, { 0xf0, 18 });
		for (unsigned off = 4; off < 0x20; off += 4) {
			assert_int_equal(cfg_read(DEV, 0xd0 + off, 4),
					 off < t[i].bytes ? fake_get(dev, 0xd0 + off, 4) : 0);
			cfg_write(DEV, 0xd0 + off, 4, 0xffffffff);
			assert_int_equal(dev->touched[0xd0 + off], 0);
		}
	}
}

static void of_several_the_one_that_discovery_checked_is_shown(void **state)
{
	static const unsigned ids[] = { 1, 5, 0x10, 0x11, 0x13 };

	for (unsigned i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		again();
		cap(0xd0, ids[i], 0, 0);
		fake_start();
		LIST({ 0x40, 1 }, { 0x50, 5 }, { 0x80, 16 }, { 0xc0, 17 });
	}
}

/* Virtio 1.2 §4.1.4.9: type 5 is a window into any BAR, the MSI-X table included. */
static void the_window_of_virtio_is_hidden(void **state)
{
	static const bool raw[] = { false, true };

	for (unsigned i = 0; i < 2; i++) {
		again();
		dev->pf->vendor = 0x1af4;
		fake_as[0].raw_vendor_caps = fake_as[0].raw_gaps = raw[i];
		cap(0xd0, 9, 0xe4, 0x0510); /* type 5, 16 bytes and 4 */
		cap(0xe4, 9, 0, 0x0110);
		fake_start();
		LIST({ 0x40, 1 }, { 0x50, 5 }, { 0x80, 16 }, { 0xc0, 17 }, { 0xe4, 9 });
		assert_int_equal(cfg_read(DEV, 0xd4, 4), 0);
		cfg_write(DEV, 0xd4, 4, 1);
		cfg_write(DEV, 0xd8, 4, 1);
		assert_int_equal(fake_get(dev, 0xd4, 4), 0xdeadbeef);
		assert_int_equal(fake_get(dev, 0xd8, 4), 0x600df00d);
	}
}

static void af_resets_and_never_raw(void **state)
{
	cap(0xd0, 0x13, 0, 0x0306);
	fake_put(dev, 0xd4, 4, 0x0100);
	dev->pf->cap_af = 0xd0;
	dev->pf->af_flr = true;
	fake_start();
	assert_int_equal(cfg_read(DEV, 0xd0, 4), 0x03060013);
	assert_int_equal(cfg_read(DEV, 0xd4, 4), 0x0100); /* pending is live */
	cfg_write(DEV, 0xd4, 1, 0xfe);
	assert_int_equal(dev->resets, 0);
	cfg_write(DEV, 0xd4, 1, 1);
	assert_int_equal(dev->resets, 1);
	assert_int_equal(dev->touched[0xd4], 0);
	assert_int_equal(cfg_read(DEV, 0, 4), 0xffffffff);
	host_time_advance(100000);
	assert_int_equal(cfg_read(DEV, 0, 4), 0x10d38086);
	assert_int_equal(cfg_read(DEV, 0xd4, 1), 0);
	again();
	cap(0xd0, 0x13, 0, 0x0306);
	dev->pf->cap_af = 0xd0; /* without FLR */
	fake_start();
	assert_int_equal(cfg_read(DEV, 0xd0, 4), 0x01060013);
	cfg_write(DEV, 0xd4, 1, 1);
	assert_int_equal(dev->resets, 0);
}

static void raw_vendor_caps_are_the_guests(void **state)
{
	static const unsigned ids[] = { 0x0b, 0x23 };

	for (unsigned i = 0; i < 2; i++) {
		again();
		ecap(0x100, ids[i], 0);
		fake_put(dev, 0x104, 4, 0x01000000);
		fake_as[0].raw_vendor_caps = true;
		fake_start();
		cfg_write(DEV, 0xd4, 1, 0x55);
		assert_int_equal(fake_get(dev, 0xd4, 4), 0xdeadbe55);
		cfg_write(DEV, 0xd8, 4, 0); /* behind its 8 bytes */
		assert_int_equal(fake_get(dev, 0xd8, 4), 0x600df00d);
		fake_put(dev, 0x108, 4, 0xffffffff);
		cfg_write(DEV, 0x108, 4, 0x1234); /* all ones is a value like others */
		assert_int_equal(fake_get(dev, 0x108, 4), 0x1234);
		cfg_write(DEV, 0x100, 4, 0xffffffff);
		cfg_write(DEV, 0x110, 4, 0xffffffff);
		assert_int_equal(dev->touched[0x100] | dev->touched[0x110], 0);
		EXTENDED({ 0x100, ids[i] });
	}
}

static void raw_gaps_are_what_nobody_claims(void **state)
{
	static const unsigned open[] = { 0x48, 0x7c, 0xbc, 0xd8, 0xfc, 0x12c, 0x154, 0x200, 0xffc };
	static const unsigned closed[] = { 0x38, 0xd4, 0x134, 0x144, 0x304, 0x3fc };

	memset(dev->writable, 0xff, sizeof(dev->writable));
	fake_put(dev, 0x148, 4, 0x30010003);
	ecap(0x300, 0x7777, 0x400); /* of unknown length: up to the next one */
	ecap(0x400, 0x18, 0);
	fake_as[0].raw_gaps = true;
	fake_start();
	EXTENDED({ 0x100, 1 }, { 0x148, 3 }, { 0x400, 0x18 });
	for (unsigned i = 0; i < sizeof(open) / sizeof(open[0]); i++) {
		cfg_write(DEV, open[i], 2, 0xcafe);
		assert_int_equal(fake_get(dev, open[i], 2), 0xcafe);
		assert_int_equal(cfg_read(DEV, open[i], 2), 0xcafe);
	}
	for (unsigned i = 0; i < sizeof(closed) / sizeof(closed[0]); i++) {
		cfg_write(DEV, closed[i], 4, 0x55aa55aa);
		assert_int_equal(dev->touched[closed[i]], 0);
	}
}

/* Without an extended list all of it is a gap. */
static void raw_gaps_begin_at_once_without_a_list(void **state)
{
	memset(dev->writable, 0xff, sizeof(dev->writable));
	fake_put(dev, 0x100, 4, 0);
	fake_as[0].raw_gaps = true;
	fake_start();
	for (unsigned off = 0x11c; off < 0x1000; off += 0x7c) {
		cfg_write(DEV, off, 4, 0xcafe + off);
		assert_int_equal(fake_get(dev, off, 4), 0xcafe + off);
	}
}

static void atomic_operations_are_an_option(void **state)
{
	static const bool option[] = { false, true };

	for (unsigned i = 0; i < 2; i++) {
		again();
		fake_as[0].atomic_ops = option[i];
		fake_start();
		cfg_write(DEV, 0xa8, 2, 0x0040);
		assert_int_equal(cfg_read(DEV, 0xa8, 2), i ? 0x40 : 0);
		assert_int_equal(fake_get(dev, 0xa8, 2), i ? 0x40 : 0);
	}
}

/* 6 KiB a function: what is not used of config space costs nothing. */
static void memory_ends_with_the_last_capability(void **state)
{
	fake_start();
	assert_int_equal(fake_vm.vpci->func[0].dwords, DW(0x154));
	again();
	dev->pf->ext_config = false;
	fake_start();
	assert_int_equal(fake_vm.vpci->func[0].dwords, DW(0x100));
}

/*
 * The device says else than at discovery, and its capability is at the very end of what is shown:
 * what the guest then does there is inside of what was allocated (the sanitizer watches).
 */
static void a_capability_that_changed_since_discovery_is_hidden(void **state)
{
	/* MSI with masks becomes one of 64 bits, and the other way round; PCIe 2 becomes 1. */
	static const struct {
		bool msi_64, msi_mask, pcie_v2;
		uint8_t hidden;
	} at_discovery[] = {
		{ true, true, true, 0 },
		{ false, true, true, 0x50 },
		{ true, false, true, 0x50 },
		{ true, true, false, 0x80 },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(at_discovery); i++) {
		again();
		dev->pf->msi_64 = at_discovery[i].msi_64;
		dev->pf->msi_mask = at_discovery[i].msi_mask;
		dev->pf->pcie_v2 = at_discovery[i].pcie_v2;
		fake_start();
		for (unsigned at = cfg_read(DEV, PCI_CAP_PTR, 1); at; at = cfg_read(DEV, at + 1, 1))
			assert_int_not_equal(at, at_discovery[i].hidden);
		assert_int_equal(!cfg_read(DEV, 0x50, 1), at_discovery[i].hidden == 0x50);
		assert_int_equal(!cfg_read(DEV, 0x80, 1), at_discovery[i].hidden == 0x80);
	}
}

/* Its list of resizable BARs has become shorter. */
static void fewer_resizable_bars_than_at_discovery_are_hidden(void **state)
{
	memset(&dev->cfg[0x100], 0, 0xf00);
	fake_put(dev, 0x100, 4, 0x00010015);
	fake_put(dev, 0x108, 4, 1 << 5);
	dev->pf->cap_rebar = 0x100;
	dev->pf->rebar_count = 6;
	fake_start();
	assert_int_equal(cfg_read(DEV, 0x100, 2), 0);
	assert_int_equal(cfg_read(DEV, 0x104, 4), 0);
	assert_int_equal(cfg_read(DEV, 0x12c, 4), 0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(every_extended_capability_is_shown_or_not_as_the_policy_says),
		T(a_capability_that_changed_since_discovery_is_hidden),
		T(fewer_resizable_bars_than_at_discovery_are_hidden),
		T(read_only_ones_show_the_device),
		T(a_hidden_first_one_is_a_null_header),
		T(malformed_extended_lists_end),
		T(acs_is_shown_to_functions_with_peers),
		T(resizable_bars_have_the_size_they_have),
		T(error_status_is_the_devices_masks_are_a_copy),
		T(every_legacy_capability_is_shown_or_not_as_the_policy_says),
		T(of_several_the_one_that_discovery_checked_is_shown),
		T(the_window_of_virtio_is_hidden),
		T(af_resets_and_never_raw),
		T(raw_vendor_caps_are_the_guests),
		T(raw_gaps_are_what_nobody_claims),
		T(raw_gaps_begin_at_once_without_a_list),
		T(atomic_operations_are_an_option),
		T(memory_ends_with_the_last_capability),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
