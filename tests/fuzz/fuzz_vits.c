/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The virtual ITS under a hostile guest: the input is a program of register accesses, command
 * queue and property writes, and messages from devices. Whatever it is, the ITS must touch only its
 * own map (tests/host/vits_world.c checks each LPI), and a queue must come to its end.
 */
#include <stdlib.h>
#include <string.h>

#include <hv/bits.h>
#include <hv/mmio.h>
#include <hv/pmem.h>
#include <spec/its.h>

#include "../host/vits_world.h"
#include "input.h"

#define QUEUE    0x40020000u
#define STEP_MAX 4096 /* batches that the longest queue takes, with room */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t *arena, *ram;

/* A mostly sensible command, so that the fuzzer finds the deep states quickly. */
static void put_command(struct vits *its)
{
	uint64_t at = world_access(ITS_CWRITER, 8, false, 0);
	struct its_cmd c;

	(void)its;
	c.w[0] = (take(1) & 0x1f) | (take(1) & 3) << 32;
	c.w[1] = (take(2) & 0x8fff) | take(2) << 32;
	c.w[2] = (take(1) & 0x80) << 56 | (take(1) & 3) << 16 | (take(1) & 0x1f);
	c.w[3] = (take(1) & 3) << 16;
	memcpy(ram + (QUEUE - WORLD_RAM) + at % 4096, &c, sizeof(c));
	world_access(ITS_CWRITER, 8, true, (at + 32) % 4096);
}

static void access_register(void)
{
	static const uint16_t regs[] = {
		ITS_CTLR,   ITS_IIDR,  ITS_TYPER,     ITS_CBASER,    ITS_CBASER + 4, ITS_CWRITER,
		ITS_CREADR, ITS_BASER, ITS_BASER + 4, ITS_BASER + 8, ITS_PIDR2,
	};
	uint8_t pick = (uint8_t)take(1);
	unsigned bytes = 1U << (take(1) & 3);
	uint64_t off = pick & 0x80 ? take(3) % VITS_SIZE : regs[pick % ARRAY_SIZE(regs)];

	world_access(ALIGN_DOWN(off, bytes), bytes, pick & 0x40, take(bytes));
}

static void step(struct vits *its)
{
	uint16_t vcpu;
	uint64_t at;

	switch (take(1) % 8) {
	case 0:
		access_register();
		break;
	case 1:
		at = take(3) % (WORLD_RAM_SIZE - 8);
		memset(ram + at, (int)take(1), 8);
		break;
	case 2:
		vits_enable_lpis(&world.vcpu[take(1) % WORLD_VCPUS],
				 take(1) & 1 ? take(8) : WORLD_PROPS | 15,
				 take(1) & 1 ? take(8) : WORLD_RAM);
		break;
	case 3:
	case 4:
		if (vits_deliver(its, (uint32_t)take(1) % 4, (uint32_t)take(2), NULL, &vcpu))
			check(vcpu < WORLD_VCPUS);
		break;
	case 5:
		vits_resume(its, &world.vcpu[0]);
		break;
	case 6:
		world_access(ITS_CTLR, 4, true, 0);
		world_access(ITS_CBASER, 8, true, CBASER_VALID | QUEUE);
		world_access(ITS_CTLR, 4, true, 1);
		break;
	default:
		put_command(its);
		break;
	}
}

/* However much was asked for, every batch does some of it and no batch does much. */
static void drain(struct vits *its)
{
	unsigned steps = 0;

	do {
		world_forget();
		vits_resume(its, &world.vcpu[0]);
		check(world.updates + world.clears + world.pends <= 600 && world.copied <= 4096);
		check(++steps < STEP_MAX);
	} while (world.reposts);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint32_t events[] = { 1, 32, 2048 };
	struct vits *its;

	if (!arena) {
		arena = aligned_alloc(MIB(2), MIB(2));
		ram = malloc(WORLD_RAM_SIZE);
		check(arena && ram);
	}
	memset(ram + (WORLD_PROPS - WORLD_RAM), 0xa1, KIB(128));
	pmem_reset();
	pmem_add((struct range){ (uintptr_t)arena, MIB(2) });
	world_init(ram, WORLD_RAM_SIZE);
	check(vits_init(&world.vm, IPA(0x02000000)) == HV_OK);
	its = world.vm.vits;
	for (uint32_t i = 0; i < ARRAY_SIZE(events); i++)
		check(vits_add_device(its, i, events[i]) == HV_OK);

	in = (struct input){ data, data + size };
	while (in.p < in.end)
		step(its);
	drain(its);
	vits_reset(its);
	return 0;
}
