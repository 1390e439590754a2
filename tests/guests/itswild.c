/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A guest with two CPUs that sends every ITS command out of order. An LPI is in a list register of
 * one CPU and is moved to the other, discarded and mapped again, while the other CPU is off, comes
 * on, or the guest resets. None of it may reach another guest, and its own ITS works afterwards.
 */
#include "edu.h"
#include "rt.h"

const char payload_name[] = "itswild";

#define EVENTS 4
#define ICIDS  2

enum {
	MOVI = 1,
	INT = 3,
	CLEAR = 4,
	MAPD = 8,
	MAPC = 9,
	MAPTI = 10,
	INV = 12,
	INVALL = 13,
	MOVALL = 14,
	DISCARD = 15,
};

static volatile u32 taken, stop;
static u32 device;
static u8 *itt;
static u64 batch[32][4];
static u32 batched;
static u64 seed;

static void on_lpi(u32 intid)
{
	(void)intid;
	taken++;
}

/* CPU 1: its LPIs are on, it takes what comes for a while and goes off. */
void payload_secondary(unsigned cpu)
{
	(void)cpu;
	if (!gic_lpis_are_on())
		gic_lpis_on();
	irq_on();
	while (!stop)
		relax();
	irq_off();
}

static u32 rnd(u32 below)
{
	seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407;
	return (u32)(seed >> 33) % below;
}

static void put(u64 kind, u64 w1, u64 w2, u64 w3)
{
	u64 *cmd = batch[batched++];

	cmd[0] = kind | (kind == MAPC ? 0 : (u64)device << 32);
	cmd[1] = w1;
	cmd[2] = w2;
	cmd[3] = w3;
}

static void put_mapd(void)
{
	put(MAPD, 4, BIT(63) | (u64)itt, 0);
}

static void put_mapti(u32 event, u32 lpi, u32 icid)
{
	put(MAPTI, event | (u64)(LPI_FIRST + lpi) << 32, icid, 0);
}

/* All that were put, in one trap. */
static void ring(void)
{
	if (!its_commands((const u64(*)[4])batch, batched))
		check(false, "the queue stands still");
	batched = 0;
}

static void cpu1_on_and_off(void)
{
	stop = 0;
	cpu_start(1);
	delay_ms(1);
	stop = 1;
	dsb();
	while (psci(PSCI_AFFINITY_INFO, machine.mpidr[1] & 0xff00ffffff, 0, 0) == 0)
		relax();
}

/* In a list register of CPU 0, to CPU 1, discarded; mapped to CPU 0, discarded. */
static void moved_and_discarded(void)
{
	irq_off();
	put_mapd();
	put_mapti(0, 0, 0);
	put(INT, 0, 0, 0);
	ring();
	put(MOVI, 0, 1, 0);
	put(DISCARD, 0, 0, 0);
	ring();
	put_mapti(0, 0, 0);
	put(DISCARD, 0, 0, 0);
	ring();
	irq_on();
}

static void signalled_again_and_discarded(void)
{
	irq_off();
	put_mapti(0, 0, 0);
	put(INT, 0, 0, 0);
	ring();
	put(INT, 0, 0, 0);
	put(DISCARD, 0, 0, 0);
	ring();
	put_mapti(0, 1, 1);
	put(INT, 0, 0, 0);
	ring();
	irq_on();
}

static void random_command(void)
{
	u32 event = rnd(EVENTS), icid = rnd(ICIDS);

	switch (rnd(12)) {
	case 0:
		put_mapd();
		break;
	case 1:
		put(MAPD, 4, 0, 0);
		break;
	case 2:
		put(MAPC, 0, (rnd(4) ? BIT(63) : 0) | (u64)rnd(3) << 16 | icid, 0);
		break;
	case 3:
		put(MOVI, event, icid, 0);
		break;
	case 4:
		put(MOVALL, 0, (u64)rnd(3) << 16, (u64)rnd(3) << 16);
		break;
	case 5:
		put(rnd(2) ? CLEAR : DISCARD, event, 0, 0);
		break;
	case 6:
		lpi_property(LPI_FIRST + rnd(EVENTS), 0xa0 | (u8)rnd(2));
		put(rnd(2) ? INV : INVALL, event, icid, 0);
		break;
	case 7 ... 8:
		put_mapti(event, rnd(EVENTS), icid);
		break;
	default:
		put(INT, event, 0, 0);
	}
}

static void random_commands(u32 rounds)
{
	for (u32 i = 0; i < rounds; i++) {
		for (u32 n = rnd(20); n; n--)
			random_command();
		ring();
		if (rnd(2))
			irq_on();
		else
			irq_off();
		if (!rnd(16))
			cpu1_on_and_off();
	}
	irq_on();
}

/* After all that: an event that is mapped comes once each time it is signalled. */
static void still_works(void)
{
	u32 before;

	irq_on();
	put(MAPC, 0, BIT(63), 0);
	put_mapd();
	lpi_property(LPI_FIRST, 0xa1);
	put_mapti(0, 0, 0);
	put(CLEAR, 0, 0, 0);
	ring();
	before = taken;
	for (u32 i = 1; i <= 100; i++) {
		put(INT, 0, 0, 0);
		ring();
		if (!wait_until(&taken, before + i, 1000))
			break;
	}
	check(taken - before == 100, "signalled=100 taken=%u", taken - before);
}

void payload_main(void)
{
	struct pci_dev d;
	u64 doorbell;
	u32 *life = shared_page(), lives = (u32)arg_number("itswild.lives", 2);

	gic_init();
	gic_enable(LPI_FIRST, on_lpi);
	if (!check(life && pci_find(EDU_ID, 0, &d) && pci_msi_target(&d, &device, &doorbell) &&
			   its_init(),
		   "its"))
		finish();
	seed = ++*life;
	report("life=%u\n", *life);
	itt = rt_alloc(4096, 256);
	for (u32 i = 0; i < EVENTS; i++)
		lpi_property(LPI_FIRST + i, 0xa1);
	put(MAPC, 0, BIT(63) | 1 << 16 | 1, 0);
	ring();
	moved_and_discarded();
	if (*life % 2)
		cpu1_on_and_off();
	signalled_again_and_discarded();
	random_commands((u32)arg_number("itswild.rounds", 300));
	still_works();
	moved_and_discarded();
	if (*life < lives)
		psci(PSCI_SYSTEM_RESET, 0, 0, 0);
	finish();
}
