/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A guest that forges messages and abuses its ITS: writes to the doorbell by its CPU, by the DMA of
 * an edu device with event numbers that are not the device's, commands for devices and sizes that
 * it does not have, queues that are no RAM, and the longest queue there is, full of whatever takes
 * longest. It must see no interrupt but its own. What each of the long queues takes in all is
 * printed in ticks, which are instructions under -icount. An NVMe controller may be there to have
 * many events.
 */
#include "edu.h"
#include "rt.h"

const char payload_name[] = "forge";

#define NVME_ID 0x00101b36

#define GITS_CTLR    0x0000
#define GITS_CBASER  0x0080
#define GITS_CWRITER 0x0088
#define GITS_CREADR  0x0090
#define GITS_BASER   0x0100
#define STALLED      1
#define VALID        BIT(63)

#define LONGEST (256 * 4096) /* bytes of a queue */
#define TARGET  (machine.ram_base + machine.ram_size / 2)

static struct pci_dev edu;
static u64 regs, doorbell, own;
static u32 device;
static volatile u32 irqs, foreign;

static void lpi_irq(u32 intid)
{
	w32(regs + EDU_ACK, r32(regs + EDU_STATUS));
	irqs += intid == LPI_FIRST;
	foreign += intid != LPI_FIRST;
}

/* Are there just as many interrupts as that, now and a while later? */
static bool only(u32 count)
{
	delay_ms(3);
	return irqs == count && !foreign;
}

static void check_own(const char *when)
{
	irqs = 0;
	w32(regs + EDU_RAISE, 1);
	wait_until(&irqs, 1, 500);
	check(only(1), "own %s irqs=%u foreign=%u", when, irqs, foreign);
}

static void cpu_writes(void)
{
	irqs = 0;
	for (u32 e = 0; e < 256; e++) {
		w32(doorbell, e);
		w64(doorbell & ~UINT64_C(7), e | (u64)e << 32);
		w16(doorbell, (u16)e);
	}
	check(only(0), "cpu-writes irqs=%u foreign=%u", irqs, foreign);
}

static bool dma(u64 from, u64 to, u32 command)
{
	w64(regs + EDU_SRC, from);
	w64(regs + EDU_DST, to);
	w64(regs + EDU_COUNT, 4);
	dsb();
	w64(regs + EDU_COMMAND, command);
	for (unsigned ms = 0; ms < 2000; ms++) {
		delay_ms(1);
		if (!(r64(regs + EDU_COMMAND) & 1))
			return true;
	}
	return false;
}

/* Whose events are these? QEMU gives the ITS no DeviceID with a device's DMA; hardware does. */
static void device_writes(void)
{
	static const u32 events[] = { 0, 1, 31, 32, 0xffff, ~0U };
	u32 *word = rt_alloc(8, 8);
	bool ended = true;

	irqs = 0;
	for (unsigned i = 0; i < ARRAY_COUNT(events); i++) {
		*word = events[i];
		ended &= dma((u64)word, EDU_BUFFER, 1) && dma(EDU_BUFFER, doorbell, 3);
	}
	check(ended && only(0), "dma-writes irqs=%u foreign=%u", irqs, foreign);
}

static u64 at;

static void put(u64 a, u64 b, u64 c, u64 d)
{
	const u64 cmd[4] = { a, b, c, d };

	for (unsigned i = 0; i < 4; i++)
		w64(TARGET + at + 8 * i, cmd[i]);
	at += 32;
}

static void new_queue(u64 base, u64 pages)
{
	w32(machine.its + GITS_CTLR, 0);
	w64(machine.its + GITS_CBASER, VALID | base | (pages - 1));
	w32(machine.its + GITS_CTLR, 1);
	at = 0;
}

/* Rings, and looks until all is done: how long that took; 0: it never ends. */
static u64 run(void)
{
	u64 start = counter(), end = start + 20 * counter_hz();

	w64(machine.its + GITS_CWRITER, at);
	while (r64(machine.its + GITS_CREADR) != at)
		if (counter() > end)
			return 0;
	return counter() - start;
}

/* Commands that make no sense, each kind with each of these; `own` is what the guest does have. */
static void bad_commands(void)
{
	static const u64 values[] = {
		0, 1, 31, 0xffff, 0x10000, ~UINT64_C(0), BIT(63), 0x8000000000ff0007
	};

	new_queue(TARGET, 256);
	for (u64 kind = 0; kind < 64; kind++)
		for (unsigned i = 0; i < ARRAY_COUNT(values); i++)
			for (u64 dev = 0; dev < 256; dev += 1 + 14 * (i != 0)) {
				/*
				 * MAPD of what it has would unmap its events: that is no forgery.
				 */
				if (dev != own && dev != device && kind != 9 && kind != 14)
					put(kind | dev << 32, values[i], values[i], values[i]);
			}
	check(run() != 0 && only(irqs), "bad-commands=%lu foreign=%u", at / 32, foreign);
}

static void bad_queues(void)
{
	static const u64 bases[] = { 0, 0x10000, 0xfffffffff000 };
	unsigned stalled = 0;

	for (unsigned i = 0; i < ARRAY_COUNT(bases); i++) {
		new_queue(bases[i], 256);
		for (u64 n = 0; n < 8; n++)
			w64(machine.its + GITS_BASER + 8 * n,
			    VALID | (n & 1) << 62 | bases[i] | 0x3ff);
		w64(machine.its + GITS_CWRITER, LONGEST - 32);
		stalled += r64(machine.its + GITS_CREADR) == STALLED;
		w64(machine.its + GITS_CWRITER, STALLED); /* Retry; nothing to do */
	}
	check(stalled == ARRAY_COUNT(bases), "bad-queues stalled=%u", stalled);
}

static bool same(const char *a, const char *b)
{
	while (*a && *a == *b)
		a++, b++;
	return !*a && (!*b || *b == ' ');
}

/* The longest queue, of one command. */
static void long_queue(const char *name, u64 a, u64 b, u64 c)
{
	const char *only_one = arg_find("forge.only");
	u64 total;

	if (only_one && !same(name, only_one))
		return;
	new_queue(TARGET, 256);
	while (at < LONGEST - 32)
		put(a, b, c, 0);
	total = run();
	check(total != 0, "long-queue=%s", name);
	print("BENCH op=its-%s instr=%lu\n", name, total * (1000000000 / counter_hz()));
}

static void long_queues(void)
{
	struct pci_dev nvme;
	u32 events = (u32)arg_number("forge.events", 0), dev;
	u64 ignore;

	own = device;
	if (events && pci_find(NVME_ID, 0, &nvme) && pci_msi_target(&nvme, &dev, &ignore)) {
		own = dev;
		its_map_device(dev, events);
		for (u32 e = 0; e < events; e++)
			its_map_event(dev, e, LPI_FIRST + 64 + e);
	}
	if (!arg_find("forge.only"))
		bad_commands();
	long_queue("invall", 0x0d, 0, 0);
	long_queue("movall", 0x0e, 0, 0);
	long_queue("int", 0x03 | own << 32, events ? events - 1 : 0, 0);
	long_queue("clear", 0x04 | own << 32, events ? events - 1 : 0, 0);
	long_queue("bad", 0x3f, 0, 0);
	long_queue("mapti", 0x0a | own << 32, (u64)(LPI_FIRST + 64) << 32, 0);
	long_queue("mapd", 0x08 | own << 32, 15, VALID);
}

void payload_main(void)
{
	if (!check(pci_find(EDU_ID, 0, &edu), "found bdf=%02x.%x", edu.devfn >> 3, edu.devfn & 7))
		return;
	pci_assign(&edu);
	regs = edu.bar[0];
	if (!check(pci_msi_target(&edu, &device, &doorbell) && its_init(), "device=%x", device))
		return;
	its_map_device(device, 1);
	its_map_event(device, 0, LPI_FIRST);
	gic_enable(LPI_FIRST, lpi_irq);
	pci_msi_enable(&edu, doorbell, 0, true);
	irq_on();
	check_own("first");
	cpu_writes();
	if (!arg_find("forge.only")) {
		device_writes();
		bad_queues();
		its_queue_again();
		check_own("behind bad queues");
	}
	long_queues();
	foreign = 0; /* INT on the events of its own other device */
	its_queue_again();
	its_map_event(device, 0, LPI_FIRST);
	check_own("last");
	check(irq_spurious == 0, "spurious=%u", irq_spurious);
}
