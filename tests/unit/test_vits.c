/* SPDX-License-Identifier: Apache-2.0 */
/* The virtual ITS: registers as Linux probes them, every command, and what a rogue guest sends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <hv/bits.h>
#include <hv/mmio.h>
#include <hv/pmem.h>
#include <spec/gicv3.h>
#include <spec/its.h>

#include "../host/vits_world.h"

#define QUEUE  0x40020000u
#define DEV    0x10u /* 32 events */
#define BIGDEV 0xffu /* 2048 events */
#define LPI    8192u

static void *arena;
static struct vits *its;
static uint32_t put_at; /* where the test's next command goes */
static uint32_t queue_size;

static uint64_t rd(uint64_t off) { return world_access(off, 8, false, 0); }

static void wr(uint64_t off, uint64_t v) { world_access(off, 8, true, v); }

static uint8_t *ram_at(uint64_t ipa) { return world.ram + (ipa - WORLD_RAM); }

static void prop(uint32_t vintid, uint8_t byte) { *ram_at(WORLD_PROPS + vintid - LPI) = byte; }

static void queue(uint64_t pages)
{
	wr(ITS_CTLR, 0);
	wr(ITS_CBASER, CBASER_VALID | QUEUE | (pages - 1));
	wr(ITS_CTLR, CTLR_ENABLED);
	queue_size = (uint32_t)pages * 4096;
	put_at = 0;
}

static void put(uint64_t w0, uint64_t w1, uint64_t w2, uint64_t w3)
{
	struct its_cmd c = { { w0, w1, w2, w3 } };

	memcpy(ram_at(QUEUE + put_at), &c, sizeof(c));
	put_at = (put_at + 32) % queue_size;
}

static void ring(void) { wr(ITS_CWRITER, put_at); }

static void cmd(uint64_t w0, uint64_t w1, uint64_t w2, uint64_t w3)
{
	put(w0, w1, w2, w3);
	ring();
}

static uint64_t on(unsigned kind, uint32_t dev) { return kind | (uint64_t)dev << 32; }

/* As a driver does: until everything was consumed. */
static void settle(void)
{
	for (unsigned i = 0; rd(ITS_CREADR) != put_at; i++)
		assert_true(i < 10000);
}

static uint16_t target; /* of the last delivery that was news */

static bool deliver(uint32_t dev, uint32_t event)
{
	return vits_deliver(its, dev, event, NULL, &target);
}

static void mapd(uint32_t dev, unsigned bits)
{
	cmd(on(ITS_CMD_MAPD, dev), bits - 1, CMD2_VALID | 0x12345600, 0);
}

static void mapc(uint64_t icid, uint64_t vcpu)
{
	cmd(ITS_CMD_MAPC, 0, CMD2_VALID | vcpu << 16 | icid, 0);
}

static void mapti(uint32_t dev, uint32_t event, uint64_t vintid, uint64_t icid)
{
	cmd(on(ITS_CMD_MAPTI, dev), event | vintid << 32, icid, 0);
}

/* With the queue that a good guest sets up, LPIs on everywhere, collection n on vCPU n. */
static int setup(void **state)
{
	arena = aligned_alloc(MIB(2), MIB(4));
	memset(arena, 0xa5, MIB(4));
	pmem_reset();
	pmem_add((struct range){ (uintptr_t)arena, MIB(4) });
	world_init(calloc(1, WORLD_RAM_SIZE), WORLD_RAM_SIZE);
	assert_int_equal(vits_init(&world.vm, IPA(0x02000000)), HV_OK);
	its = world.vm.vits;
	assert_int_equal(vits_add_device(its, DEV, 32), HV_OK);
	assert_int_equal(vits_add_device(its, BIGDEV, 2048), HV_OK);
	queue(1);
	for (uint8_t i = 0; i < WORLD_VCPUS; i++) {
		vits_enable_lpis(&world.vcpu[i], WORLD_PROPS | 15, 0);
		mapc(i, i);
	}
	world_forget();
	return 0;
}

static int teardown(void **state)
{
	free(arena);
	free(world.ram);
	return 0;
}

/* Drivers probe like this (Linux: drivers/irqchip/irq-gic-v3-its.c). */
static void registers_are_what_a_driver_expects(void **state)
{
	static const struct {
		uint64_t off, write, want;
	} rows[] = {
		/* RO fields stay, everything else sticks: page sizes, indirect, attributes. */
		{ ITS_BASER, ~UINT64_C(0), UINT64_C(0xf9e7fffffffffeff) },
		{ ITS_BASER, 0, UINT64_C(0x0107000000000000) },
		{ ITS_BASER + 8, ~UINT64_C(0), UINT64_C(0xfce7fffffffffeff) },
		{ ITS_BASER, 0x100, UINT64_C(0x0107000000000100) }, /* 16 KiB */
		{ ITS_BASER, 0x200, UINT64_C(0x0107000000000200) }, /* 64 KiB */
		{ ITS_BASER + 8, 0, UINT64_C(0x0407000000000000) },
		{ ITS_BASER + 16, ~UINT64_C(0), 0 }, /* there are two */
		{ ITS_BASER + 56, ~UINT64_C(0), 0 },
		{ ITS_TYPER, ~UINT64_C(0), 0 },
		{ ITS_PIDR2, 0, 0x3b },
		{ ITS_CREADR, 0xfff, 64 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uint64_t got;

		wr(rows[i].off, rows[i].write);
		got = rd(rows[i].off);
		if (rows[i].off == ITS_TYPER) {
			assert_int_equal(field_get(TYPER_ID_BITS, got), 15);
			assert_int_equal(field_get(TYPER_DEV_BITS, got), 7);
			assert_int_equal(field_get(TYPER_ITT_SIZE, got), 7);
			assert_int_equal(field_get(TYPER_CID_BITS, got), 8);
			assert_int_equal(got & (TYPER_PHYSICAL | TYPER_PTA | TYPER_CIL | TYPER_HCC),
					 TYPER_PHYSICAL | TYPER_CIL);
		} else {
			assert_int_equal(got, rows[i].want);
		}
	}
	assert_int_equal(world_access(ITS_PIDR2, 4, false, 0), 0x3b);
	assert_int_equal(world_access(ITS_CTLR, 4, false, 0), 1);
	wr(ITS_CTLR, 0);
	assert_int_equal(world_access(ITS_CTLR, 4, false, 0), 0x80000000); /* quiescent */
	assert_int_not_equal(world_access(ITS_IIDR, 4, false, 0), 0);
}

static void registers_take_words_and_doublewords(void **state)
{
	wr(ITS_BASER, 0);
	world_access(ITS_BASER + 4, 4, true, 0x80000000);
	world_access(ITS_BASER, 4, true, 0x40300000);
	assert_int_equal(rd(ITS_BASER), UINT64_C(0x8107000040300000));
	assert_int_equal(world_access(ITS_BASER + 4, 4, false, 0), 0x81070000);
	assert_int_equal(world_access(ITS_BASER, 4, false, 0), 0x40300000);
	/* Other widths: nothing. */
	world_access(ITS_BASER, 1, true, 0xff);
	assert_int_equal(rd(ITS_BASER), UINT64_C(0x8107000040300000));
	assert_int_equal(world_access(ITS_BASER + 2, 2, false, 0xdead), 0);
}

static void cbaser_is_fixed_while_the_its_is_on(void **state)
{
	uint64_t old = rd(ITS_CBASER);

	wr(ITS_CBASER, CBASER_VALID | 0x40100000);
	assert_int_equal(rd(ITS_CBASER), old);
	wr(ITS_CTLR, 0);
	wr(ITS_CBASER, ~UINT64_C(0));
	assert_int_equal(rd(ITS_CBASER), UINT64_C(0xb8effffffffffcff));
	assert_int_equal(rd(ITS_CREADR), 0);
}

static void a_cpu_cannot_send_a_message(void **state)
{
	mapd(DEV, 5);
	mapti(DEV, 0, LPI, 0);
	world_forget();
	for (uint64_t off = ITS_FRAME; off < VITS_SIZE; off += 0x40) {
		world_access(off, 4, true, 0);
		assert_int_equal(world_access(off, 4, false, 0xdead), 0);
	}
	assert_int_equal(world.pends, 0);
}

static void an_event_arrives_as_the_lpi_it_is_mapped_to(void **state)
{
	prop(LPI + 77, 0xa3);
	mapd(DEV, 5);
	mapti(DEV, 31, LPI + 77, 1);
	world_forget();
	assert_true(deliver(DEV, 31));
	assert_int_equal(target, 1);
	assert_int_equal(world.pends, 1);
	assert_int_equal(world.last_pend, LPI + 77);
	assert_int_equal(world.last_vcpu, 1);
	assert_int_equal(world.last_prio, 0xa0);
	assert_true(world.last_enabled);
	assert_int_equal(world.copies, 0); /* nothing of the guest's is read */
	assert_int_equal(world.logs, 0);
}

static void what_is_not_mapped_is_dropped(void **state)
{
	deliver(DEV, 0); /* no MAPD */
	mapd(DEV, 2);
	mapti(DEV, 3, LPI, 0);
	deliver(DEV, 2); /* no MAPTI */
	deliver(DEV, 4); /* beyond the MAPD */
	deliver(DEV, 0xffffffff);
	deliver(DEV + 1, 3); /* no such device */
	deliver(256, 3);
	deliver(0xffffffff, 3);
	assert_int_equal(world.pends, 0);
	wr(ITS_CTLR, 0);
	deliver(DEV, 3); /* the ITS is off */
	assert_int_equal(world.pends, 0);
	wr(ITS_CTLR, 1);
	deliver(DEV, 3);
	assert_int_equal(world.pends, 1);
	cmd(ITS_CMD_MAPC, 0, 0, 0); /* the collection is unmapped */
	assert_false(deliver(DEV, 3));
	assert_int_equal(world.pends, 1);
	assert_int_equal(world.logs, 0); /* none of these is the guest's word */
}

static void lpis_that_are_off_get_nothing(void **state)
{
	vits_reset(its);
	queue(1);
	mapc(0, 0);
	mapd(DEV, 5);
	prop(LPI, 0xb1);
	mapti(DEV, 0, LPI, 0);
	deliver(DEV, 0);
	assert_int_equal(world.pends, 0);
	/* Mapped before they were switched on: the property is read when it is needed first. */
	vits_enable_lpis(&world.vcpu[0], WORLD_PROPS | 15, 0);
	world_forget();
	deliver(DEV, 0);
	assert_int_equal(world.pends, 1);
	assert_true(world.last_enabled);
	assert_int_equal(world.copies, 1);
	deliver(DEV, 0);
	assert_int_equal(world.copies, 1);
}

static void properties_follow_inv_and_invall_only(void **state)
{
	mapd(DEV, 5);
	mapti(DEV, 0, LPI + 100, 0);
	mapti(DEV, 1, LPI + 5000, 0);
	mapti(DEV, 2, LPI + 101, 1);
	prop(LPI + 100, 0x11);
	prop(LPI + 5000, 0x21);
	prop(LPI + 101, 0x31);
	deliver(DEV, 0);
	assert_false(world.last_enabled);
	cmd(on(ITS_CMD_INV, DEV), 0, 0, 0);
	deliver(DEV, 0);
	assert_true(world.last_enabled);
	assert_int_equal(world.last_prio, 0x10);
	deliver(DEV, 1);
	assert_false(world.last_enabled);
	cmd(ITS_CMD_INVALL, 0, 0, 0); /* collection 0 */
	deliver(DEV, 1);
	assert_int_equal(world.last_prio, 0x20);
	assert_true(world.last_enabled);
	deliver(DEV, 2);
	assert_false(world.last_enabled);
	cmd(ITS_CMD_INVALL, 0, 1, 0);
	deliver(DEV, 2);
	assert_true(world.last_enabled);
	/* One trap after the other sees what the guest wrote between them. */
	prop(LPI + 100, 0);
	cmd(on(ITS_CMD_INV, DEV), 0, 0, 0);
	deliver(DEV, 0);
	assert_false(world.last_enabled);
	assert_int_equal(world.logs, 0);
}

static void properties_come_from_inside_the_table(void **state)
{
	static const struct {
		uint64_t propbaser;
		uint32_t vintid;
		bool enabled;
	} rows[] = {
		{ WORLD_PROPS | 15, 0xffff, true },
		{ WORLD_PROPS | 13, 16383, true },
		{ WORLD_PROPS | 13, 16384, false }, /* behind its end */
		{ WORLD_PROPS | 31, 0xffff, true }, /* no more than 16 bits */
		{ WORLD_PROPS | 0, 8192, false },   /* no table at all */
		{ 0x10000000 | 15, 8192, false },   /* not RAM */
		{ (WORLD_RAM + WORLD_RAM_SIZE - 0x2000) | 15, 0x3fff, true },
		{ (WORLD_RAM + WORLD_RAM_SIZE - 0x2000) | 15, 0x4000, false },
		{ UINT64_C(0x000ffffffffff000) | 15, 0xffff, false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		memset(world.ram, 0, WORLD_RAM_SIZE);
		memset(ram_at(WORLD_PROPS), 1, 57344);
		memset(ram_at(WORLD_RAM + WORLD_RAM_SIZE - 0x2000), 1, 0x2000);
		vits_reset(its);
		queue(1);
		vits_enable_lpis(&world.vcpu[0], rows[i].propbaser, 0);
		mapc(0, 0);
		mapd(DEV, 5);
		mapti(DEV, 0, rows[i].vintid, 0);
		world_forget();
		deliver(DEV, 0);
		assert_int_equal(world.pends, 1);
		assert_int_equal(world.last_enabled, rows[i].enabled);
	}
}

static void int_and_clear_set_and_reset_pending(void **state)
{
	mapd(DEV, 5);
	mapti(DEV, 4, 0xffff, 1);
	world_forget();
	put(on(ITS_CMD_INT, DEV), 4, 0, 0);
	put(ITS_CMD_SYNC, 0, 1 << 16, 0);
	ring();
	assert_int_equal(world.pends, 1);
	assert_int_equal(world.last_pend, 0xffff);
	assert_int_equal(world.copies, 1); /* both commands at once */
	cmd(on(ITS_CMD_CLEAR, DEV), 4, 0, 0);
	assert_int_equal(world.clears, 1);
	cmd(on(ITS_CMD_DISCARD, DEV), 4, 0, 0);
	assert_int_equal(world.clears, 2);
	assert_int_equal(world.logs, 0);
	cmd(on(ITS_CMD_INT, DEV), 4, 0, 0); /* not mapped any more */
	assert_int_equal(world.pends, 1);
	assert_int_equal(world.logs, 1);
}

static void movi_mapc_and_movall_change_the_target(void **state)
{
	mapd(DEV, 5);
	mapti(DEV, 0, LPI, 0);
	mapti(DEV, 1, LPI + 1, 0);
	deliver(DEV, 0);
	assert_int_equal(world.last_vcpu, 0);
	world_forget();
	cmd(on(ITS_CMD_MOVI, DEV), 0, 1, 0);
	assert_int_equal(world.updates, 1); /* it was pending: it moves at once */
	deliver(DEV, 0);
	assert_int_equal(world.last_vcpu, 1);
	/* MAPC: pending ones stay, later ones follow. */
	world_forget();
	mapc(0, 1);
	assert_int_equal(world.updates, 0);
	assert_true(deliver(DEV, 1));
	assert_int_equal(target, 1);
	assert_false(deliver(DEV, 1)); /* nobody took the first */
	assert_int_equal(world.last_vcpu, 1);
	/* MOVALL: what is on one vCPU moves, whatever the collection. */
	world_forget();
	cmd(ITS_CMD_MOVALL, 0, 1 << 16, 0);
	assert_int_equal(world.updates, 2);
	cmd(ITS_CMD_MOVALL, 0, 1 << 16, 0);
	assert_int_equal(world.updates, 2);
	assert_int_equal(world.logs, 0);
}

static void mapd_forgets_what_was_mapped(void **state)
{
	for (int again = 0; again < 2; again++) {
		mapd(DEV, 5);
		mapti(DEV, 0, LPI, 0);
		mapti(DEV, 31, LPI + 1, 0);
		world_forget();
		if (again)
			cmd(on(ITS_CMD_MAPD, DEV), 0, 0, 0); /* V = 0 */
		else
			mapd(DEV, 5);
		assert_int_equal(world.clears, 2);
		deliver(DEV, 0);
		deliver(DEV, 31);
		assert_int_equal(world.pends, 0);
	}
}

static void mapti_replaces_a_mapping(void **state)
{
	mapd(DEV, 5);
	mapti(DEV, 0, LPI, 0);
	world_forget();
	mapti(DEV, 0, LPI + 9, 1);
	assert_int_equal(world.clears, 1);
	deliver(DEV, 0);
	assert_int_equal(world.last_pend, LPI + 9);
	assert_int_equal(world.last_vcpu, 1);
}

static void two_devices_may_name_one_lpi(void **state)
{
	mapd(DEV, 5);
	mapd(BIGDEV, 5);
	mapti(DEV, 0, LPI, 0);
	mapti(BIGDEV, 0, LPI, 1);
	deliver(DEV, 0);
	deliver(BIGDEV, 0);
	cmd(on(ITS_CMD_DISCARD, DEV), 0, 0, 0);
	deliver(BIGDEV, 0);
	assert_int_equal(world.pends, 3);
}

/* Each of these is skipped, with a line, and the queue goes on. */
static void bad_commands_are_skipped(void **state)
{
	static const struct its_cmd rows[] = {
		{ { 0 } }, /* kinds that do not exist */
		{ { 0x02 } },
		{ { 0x20 } },
		{ { 0xff } },
		{ { 0x28 } },                                /* VMAPP and its like */
		{ { 0x08 | 0x1100000000u, 4, CMD2_VALID } }, /* foreign DeviceIDs */
		{ { 0x08 | 0x10000000000u, 4, CMD2_VALID } },
		{ { 0x08 | UINT64_C(0xffffffff00000000), 4, CMD2_VALID } },
		{ { 0x08 | 0x1000000000u, 16, CMD2_VALID } }, /* 17 bits of events */
		{ { 0x08 | 0x1000000000u, 31, CMD2_VALID } },
		{ { 0x0a | 0x1100000000u, UINT64_C(8192) << 32, 0 } },      /* foreign DeviceID */
		{ { 0x0a | 0x1000000000u, 32 | UINT64_C(8192) << 32, 0 } }, /* no such event */
		{ { 0x0a | 0x1000000000u, 0xffffffff | UINT64_C(8192) << 32, 0 } },
		{ { 0x0a | 0x1000000000u, 2 | UINT64_C(8191) << 32, 0 } }, /* not an LPI */
		{ { 0x0a | 0x1000000000u, 2 | UINT64_C(65536) << 32, 0 } },
		{ { 0x0a | 0x1000000000u, 2 | UINT64_C(0xffffffff) << 32, 0 } },
		{ { 0x0a | 0x1000000000u, 2, 0 } },
		{ { 0x0a | 0x1000000000u, 2 | UINT64_C(8192) << 32, 512 } }, /* no collection */
		{ { 0x0a | 0x1000000000u, 2 | UINT64_C(8192) << 32, 0xffff } },
		{ { 0x0b | 0x1000000000u, 2, 0 } }, /* MAPI: the event is the LPI */
		{ { 0x0b | 0x1000000000u, 8192, 0 } },
		{ { 0x09, 0, CMD2_VALID | 2 << 16 } }, /* no such vCPU */
		{ { 0x09, 0, CMD2_VALID | CMD2_RD } },
		{ { 0x09, 0, CMD2_VALID | 512 } }, /* no such collection */
		{ { 0x09, 0, CMD2_VALID | 0xffff } },
		{ { 0x01 | 0x1000000000u, 2, 1 } }, /* MOVI of what is not mapped */
		{ { 0x01 | 0x1000000000u, 0, 2 } }, /* to an unmapped collection */
		{ { 0x01 | 0x1000000000u, 0, 0x8000 } },
		{ { 0x03 | 0x1000000000u, 2 } }, /* INT, CLEAR, INV, DISCARD */
		{ { 0x03 | 0x1100000000u, 0 } },
		{ { 0x04 | 0x1000000000u, 2 } },
		{ { 0x0c | 0x1000000000u, 2 } },
		{ { 0x0f | 0x1000000000u, 2 } },
		{ { 0x0f | 0x1000000000u, 0xffffffff } },
		{ { 0x0d, 0, 2 } }, /* INVALL of an unmapped one */
		{ { 0x0d, 0, 0xffff } },
		{ { 0x0e, 0, 2 << 16, 0 } }, /* MOVALL, no such vCPUs */
		{ { 0x0e, 0, 0, 2 << 16 } },
		{ { 0x05, 0, 2 << 16 } }, /* SYNC */
	};

	mapd(DEV, 5);
	mapti(DEV, 0, LPI, 0);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		world_forget();
		cmd(rows[i].w[0], rows[i].w[1], rows[i].w[2], rows[i].w[3]);
		if (world.logs != 1)
			fail_msg("row %zu: %u lines", i, world.logs);
		assert_int_equal(world.pends + world.clears + world.updates, 0);
		assert_int_equal(rd(ITS_CREADR), put_at);
	}
	deliver(DEV, 0); /* the good one is as it was */
	assert_int_equal(world.last_pend, LPI);
}

static void a_guest_may_map_all_it_has_and_not_more(void **state)
{
	mapd(BIGDEV, 16); /* more than the device has */
	mapti(BIGDEV, 2047, LPI, 0);
	assert_int_equal(world.logs, 0);
	mapti(BIGDEV, 2048, LPI, 0);
	assert_int_equal(world.logs, 1);
	mapd(BIGDEV, 3);
	settle();
	mapti(BIGDEV, 7, LPI, 0);
	assert_int_equal(world.logs, 1);
	mapti(BIGDEV, 8, LPI, 0);
	assert_int_equal(world.logs, 2);
}

static void the_queue_wraps(void **state)
{
	mapd(DEV, 5);
	mapti(DEV, 0, LPI, 0);
	world_forget();
	for (unsigned i = 0; i < 1000; i++) {
		for (unsigned k = 0; k < 1 + i % 7; k++)
			put(on(ITS_CMD_INT, DEV), 0, 0, 0);
		ring();
		assert_int_equal(rd(ITS_CREADR), put_at);
	}
	assert_int_equal(world.pends, 1000 / 7 * 28 + 21); /* 1000 = 142 * 7 + 6 */
	assert_int_equal(world.reposts, 0);
	assert_int_equal(world.logs, 0);
}

/* One range to the guest; the batch before the boundary would go over it. */
static void a_queue_goes_over_pieces_of_ram(void **state)
{
	queue(2);
	world.cut = QUEUE + 4096;
	mapd(DEV, 5);
	mapti(DEV, 0, LPI, 0);
	settle();
	world_forget();
	for (unsigned i = 0; i < 200; i++)
		put(on(ITS_CMD_INT, DEV), 0, 0, 0);
	ring();
	settle();
	assert_int_equal(world.pends, 200);
	assert_int_equal(world.logs, 0);
}

static void a_long_queue_is_done_in_bounded_pieces(void **state)
{
	unsigned done = 0, traps = 0;

	queue(256); /* the largest: 32768 commands */
	mapd(DEV, 5);
	mapti(DEV, 0, LPI, 0);
	world_forget();
	for (unsigned i = 0; i < 32767; i++)
		put(on(ITS_CMD_INT, DEV), 0, 0, 0);
	ring();
	while (rd(ITS_CREADR) != put_at) {
		/* Even a guest that only polls makes progress, by one batch a look. */
		assert_in_range(world.pends - done, 1, 64);
		assert_in_range(world.copied, 1, 3104); /* at the end of a page one more */
		assert_true(world.reposts >= 1);
		done = world.pends;
		world.copied = world.reposts = 0;
		vits_resume(its, &world.vcpu[0]);
		traps++;
	}
	assert_in_range(traps, 32767 / 64 - 1, 32767 / 32);
	assert_int_equal(world.pends, 32767);
	world_forget();
	vits_resume(its, &world.vcpu[0]);
	assert_int_equal(world.reposts + world.copies, 0);
}

/* What was fetched is performed, whatever the guest writes over it meanwhile. */
static void commands_are_fetched_once(void **state)
{
	mapd(BIGDEV, 11);
	for (uint32_t i = 0; i < 2048; i++)
		mapti(BIGDEV, i, LPI + i, 0);
	world_forget();
	queue(1);
	put(on(ITS_CMD_MAPD, BIGDEV), 10, CMD2_VALID,
	    0); /* clears 2048 events: takes several turns */
	put(on(ITS_CMD_INT, BIGDEV), 0, 0, 0);
	ring();
	assert_int_equal(rd(ITS_CREADR), 0);
	assert_true(world.reposts);
	memset(ram_at(QUEUE), 0xff, 64);
	settle();
	assert_int_equal(world.clears, 2048);
	assert_int_equal(world.copies, 1);
	assert_int_equal(world.logs, 1); /* the INT: not mapped */
	assert_non_null(strstr(world.last_log, "command 0x3,"));
}

static void invall_and_mapd_are_bounded_too(void **state)
{
	unsigned traps = 0;

	mapd(BIGDEV, 11);
	for (uint32_t i = 0; i < 2048; i++)
		mapti(BIGDEV, i, LPI + 64 * (i % 800), 0); /* each in another line of the table */
	world_forget();
	cmd(ITS_CMD_INVALL, 0, 0, 0);
	do {
		assert_in_range(world.updates, 1, 64);
		assert_in_range(world.copies, 1, 64);
		world.updates = world.copies = 0;
		traps++;
		vits_resume(its, &world.vcpu[0]);
	} while (world.updates);
	assert_in_range(traps, 2048 / 64, 2048 / 16);
	assert_int_equal(rd(ITS_CREADR), put_at);
	mapd(BIGDEV, 1);
	assert_in_range(world.clears, 1, 300);
}

static void neighbours_in_the_table_are_read_together(void **state)
{
	mapd(DEV, 5);
	for (uint32_t i = 0; i < 32; i++)
		mapti(DEV, i, LPI + i, 0);
	world_forget();
	cmd(ITS_CMD_INVALL, 0, 0, 0);
	assert_int_equal(world.copies, 2); /* the command, the line */
	assert_int_equal(world.updates, 32);
	assert_int_equal(world.reposts, 0);
}

static void a_queue_outside_ram_stalls_until_told_to_retry(void **state)
{
	static const uint64_t bases[] = {
		0,
		0x10000000,
		WORLD_RAM - 0x1000,
		WORLD_RAM + WORLD_RAM_SIZE,
		UINT64_C(0x000ffffffffff000),
	};

	for (size_t i = 0; i < ARRAY_SIZE(bases); i++) {
		world_forget();
		wr(ITS_CTLR, 0);
		wr(ITS_CBASER, CBASER_VALID | bases[i]);
		wr(ITS_CTLR, 1);
		wr(ITS_CWRITER, 0xfe0);
		assert_int_equal(rd(ITS_CREADR), CREADR_STALLED);
		wr(ITS_CWRITER, 0xfe0); /* more of it: still stalled, no further look */
		vits_resume(its, &world.vcpu[0]);
		assert_int_equal(world.logs, 1);
		assert_int_equal(world.reposts, 0);
		wr(ITS_CWRITER, 0xfe0 | CWRITER_RETRY);
		assert_int_equal(rd(ITS_CREADR), CREADR_STALLED);
		assert_int_equal(world.logs, 2);
	}
	queue(1); /* a new queue begins afresh */
	mapd(DEV, 5);
	assert_int_equal(rd(ITS_CREADR), 0x20);
}

/* The table at EnableLPIs is read once, with PTZ = 0, and only where it is RAM. */
static void pending_tables_are_read_when_lpis_go_on(void **state)
{
	static const struct {
		uint64_t pendbaser;
		unsigned pends;
	} rows[] = {
		{ WORLD_RAM + 0x100000, 1 },
		{ (WORLD_RAM + 0x100000) | PENDBASER_PTZ, 0 },
		{ 0x10000000, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		vits_reset(its);
		memset(ram_at(WORLD_RAM + 0x100000), 0, 8192);
		*ram_at(WORLD_RAM + 0x100000 + (LPI + 77) / 8) = 1 << 77 % 8;
		*ram_at(WORLD_RAM + 0x100000) = 0xff; /* no LPIs: not looked at */
		prop(LPI + 77, 0xa1);
		world_forget();
		vits_enable_lpis(&world.vcpu[1], WORLD_PROPS | 15, rows[i].pendbaser);
		assert_true(world.copied <= 8192);
		queue(1);
		mapc(1, 1);
		mapd(DEV, 5);
		mapti(DEV, 4, LPI + 76, 1);
		mapti(DEV, 5, LPI + 77, 1);
		assert_int_equal(world.pends, rows[i].pends);
		if (rows[i].pends) {
			assert_int_equal(world.last_pend, LPI + 77);
			assert_int_equal(world.last_vcpu, 1);
			assert_true(world.last_enabled);
		}
		cmd(on(ITS_CMD_DISCARD, DEV), 5, 0, 0);
		mapti(DEV, 5, LPI + 77, 1); /* it was pending once */
		assert_int_equal(world.pends, rows[i].pends);
	}
}

static void cwriter_beyond_the_queue_is_ignored(void **state)
{
	uint64_t old = rd(ITS_CWRITER);

	wr(ITS_CWRITER, 0x1000);
	wr(ITS_CWRITER, 0xfffe0);
	assert_int_equal(rd(ITS_CWRITER), old);
	assert_int_equal(world.logs, 2);
	/* Bits that are no offset, Retry among them, say nothing. */
	wr(ITS_CWRITER, old | UINT64_C(0xfffffffffff0001f));
	assert_int_equal(rd(ITS_CWRITER), old);
}

static void nothing_runs_while_off_or_without_a_queue(void **state)
{
	wr(ITS_CTLR, 0);
	wr(ITS_CBASER, QUEUE); /* not valid */
	wr(ITS_CTLR, 1);
	wr(ITS_CWRITER, 0x40);
	vits_resume(its, &world.vcpu[0]);
	assert_int_equal(rd(ITS_CREADR), 0);
	wr(ITS_CTLR, 0);
	wr(ITS_CBASER, QUEUE | CBASER_VALID);
	wr(ITS_CWRITER, 0x40);
	vits_resume(its, &world.vcpu[0]);
	assert_int_equal(rd(ITS_CREADR), 0);
	assert_int_equal(world.copies + world.reposts, 0);
	wr(ITS_CTLR, 1); /* now what waited is done */
	assert_int_equal(rd(ITS_CREADR), 0x40);
}

static void off_and_on_again_starts_the_command_afresh(void **state)
{
	mapd(BIGDEV, 11);
	for (uint32_t i = 0; i < 2048; i++)
		mapti(BIGDEV, i, LPI + i, 0);
	cmd(on(ITS_CMD_MAPD, BIGDEV), 0, 0, 0);
	assert_int_not_equal(rd(ITS_CREADR), put_at);
	wr(ITS_CTLR, 0);
	world_forget();
	vits_resume(its, &world.vcpu[0]);
	assert_int_equal(world.clears, 0);
	wr(ITS_CTLR, 1);
	settle();
	for (uint32_t i = 0; i < 2048; i++)
		deliver(BIGDEV, i);
	assert_int_equal(world.pends, 0);
}

static void what_was_fetched_dies_with_the_queue(void **state)
{
	mapd(BIGDEV, 11);
	for (uint32_t i = 0; i < 2048; i++)
		mapti(BIGDEV, i, LPI + i, 0);
	cmd(on(ITS_CMD_MAPD, BIGDEV), 0, 0, 0);
	assert_int_not_equal(rd(ITS_CREADR), put_at);
	queue(1);
	mapc(0, 0);
	settle();
	deliver(BIGDEV, 0); /* the MAPD did not get that far, and does not go on */
	assert_int_equal(world.pends, 1);
}

static void reset_is_the_state_after_power_on(void **state)
{
	mapd(DEV, 5);
	mapti(DEV, 3, LPI, 0);
	wr(ITS_BASER, CBASER_VALID | 0x40000000);
	world_forget();
	vits_reset(its);
	assert_int_equal(world.clears, 1);
	assert_false(deliver(DEV, 3));
	assert_int_equal(rd(ITS_CBASER), 0);
	assert_int_equal(rd(ITS_CWRITER), 0);
	assert_int_equal(rd(ITS_CREADR), 0);
	assert_int_equal(rd(ITS_BASER), UINT64_C(0x0107000000000000));
	assert_int_equal(world_access(ITS_CTLR, 4, false, 0), 0x80000000);
	queue(1);
	mapd(DEV, 5);
	mapc(0, 0);
	mapti(DEV, 3, LPI, 0);
	deliver(DEV, 3); /* LPIs are off */
	assert_int_equal(world.pends, 0);
}

static void devices_are_checked_at_boot(void **state)
{
	assert_int_equal(vits_add_device(its, DEV, 1), HV_ECONFLICT);
	assert_int_equal(vits_add_device(its, 256, 1), HV_EINVAL);
	assert_int_equal(vits_add_device(its, 3, 0), HV_EINVAL);
	assert_int_equal(vits_add_device(its, 3, 65537), HV_EINVAL);
	assert_int_equal(vits_add_device(its, 3, 1), HV_OK);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(registers_are_what_a_driver_expects),
		T(registers_take_words_and_doublewords),
		T(cbaser_is_fixed_while_the_its_is_on),
		T(a_cpu_cannot_send_a_message),
		T(an_event_arrives_as_the_lpi_it_is_mapped_to),
		T(what_is_not_mapped_is_dropped),
		T(lpis_that_are_off_get_nothing),
		T(properties_follow_inv_and_invall_only),
		T(properties_come_from_inside_the_table),
		T(int_and_clear_set_and_reset_pending),
		T(movi_mapc_and_movall_change_the_target),
		T(mapd_forgets_what_was_mapped),
		T(mapti_replaces_a_mapping),
		T(two_devices_may_name_one_lpi),
		T(bad_commands_are_skipped),
		T(a_guest_may_map_all_it_has_and_not_more),
		T(the_queue_wraps),
		T(a_queue_goes_over_pieces_of_ram),
		T(a_long_queue_is_done_in_bounded_pieces),
		T(commands_are_fetched_once),
		T(invall_and_mapd_are_bounded_too),
		T(neighbours_in_the_table_are_read_together),
		T(a_queue_outside_ram_stalls_until_told_to_retry),
		T(pending_tables_are_read_when_lpis_go_on),
		T(cwriter_beyond_the_queue_is_ignored),
		T(nothing_runs_while_off_or_without_a_queue),
		T(off_and_on_again_starts_the_command_afresh),
		T(what_was_fetched_dies_with_the_queue),
		T(reset_is_the_state_after_power_on),
		T(devices_are_checked_at_boot),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
