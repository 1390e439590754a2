/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MSI-X with many vectors, on QEMU's NVMe controller: an I/O queue pair a vector, so that a read on
 * queue n is a message of vector n. Masks of every kind, pending bits, many interrupts at once,
 * LPIs that are disabled, moved, and wait for a CPU that is off. nvme.queues=N: how many, 64
 * without; nvme.reads=N: so many reads more, each with its interrupt; nvme.only-reads=1: nothing
 * else.
 */
#include "rt.h"

const char payload_name[] = "nvme";

#define NVME_ID    0x00101b36
#define QUEUES_MAX 1024
#define CC         0x14
#define CSTS       0x1c
#define AQA        0x24
#define ASQ        0x28
#define ACQ        0x30
#define DOORBELLS  0x1000

#define ADMIN_CREATE_SQ    1
#define ADMIN_CREATE_CQ    5
#define ADMIN_SET_FEATURES 9
#define IO_READ            2

#define MASKED  1U
#define NOWHERE UINT64_C(0x300000000) /* no RAM, no BAR, no doorbell */

struct queue {
	volatile u32 *sq, *cq; /* two entries each */
	u32 tail, head, phase;
};

static struct pci_dev nvme;
static u64 regs, stride, buffer;
static u32 queues, device;
static struct queue q[QUEUES_MAX + 1];
static volatile u32 taken[QUEUES_MAX + 1], taken_all, taken_by[RT_MAX_CPUS];
static volatile u32 other_up, other_quit;

static void lpi_irq(u32 intid)
{
	taken[intid - LPI_FIRST]++;
	taken_by[cpu_index()]++;
	__atomic_add_fetch(&taken_all, 1, __ATOMIC_SEQ_CST);
}

static void forget(void)
{
	for (u32 i = 0; i <= queues; i++)
		taken[i] = 0;
	taken_all = 0;
}

static void submit(u32 n, u32 opcode, u64 data, u32 dw10, u32 dw11)
{
	volatile u32 *e = &q[n].sq[16 * q[n].tail];

	for (unsigned i = 0; i < 16; i++)
		e[i] = 0;
	e[0] = opcode | n << 16;
	e[1] = n ? 1 : 0;
	e[6] = (u32)data;
	e[7] = (u32)(data >> 32);
	e[10] = dw10;
	e[11] = dw11;
	q[n].tail ^= 1;
	dsb();
	w32(regs + DOORBELLS + 2 * n * stride, q[n].tail);
}

/* Waits for the completion by looking; its status, ~0: there is none. */
static u32 completed(u32 n)
{
	volatile u32 *e = &q[n].cq[4 * q[n].head];

	for (unsigned ms = 0; (e[3] >> 16 & 1) != q[n].phase; ms++) {
		if (ms == 2000)
			return ~0U;
		delay_ms(1);
	}
	dsb();
	q[n].head ^= 1;
	q[n].phase ^= !q[n].head;
	w32(regs + DOORBELLS + (2 * n + 1) * stride, q[n].head);
	return e[3] >> 17;
}

/* Two pages in the second half of RAM, where nothing else is. */
static void new_queue(u32 n)
{
	u64 at = machine.ram_base + machine.ram_size / 2 + (u64)n * 8192;

	for (u64 i = 0; i < 8192; i += 8)
		w64(at + i, 0);
	q[n] = (struct queue){ .sq = (u32 *)at, .cq = (u32 *)(at + 4096), .phase = 1 };
}

static bool admin(u32 opcode, u64 data, u32 dw10, u32 dw11)
{
	submit(0, opcode, data, dw10, dw11);
	return completed(0) == 0;
}

static bool controller_on(void)
{
	new_queue(0);
	stride = 4U << (r64(regs) >> 32 & 15);
	w32(regs + CC, 0);
	w32(regs + AQA, 1 << 16 | 1);
	w64(regs + ASQ, (u64)q[0].sq);
	w64(regs + ACQ, (u64)q[0].cq);
	w32(regs + CC, 4 << 20 | 6 << 16 | 1);
	for (unsigned ms = 0; ms < 2000 && !(r32(regs + CSTS) & 1); ms++)
		delay_ms(1);
	return r32(regs + CSTS) & 1 &&
	       admin(ADMIN_SET_FEATURES, 0, 7, (queues - 1) | (queues - 1) << 16);
}

static bool queues_on(void)
{
	bool good = true;

	for (u32 n = 1; n <= queues && good; n++) {
		new_queue(n);
		good = admin(ADMIN_CREATE_CQ, (u64)q[n].cq, n | 1 << 16, n << 16 | 3) &&
		       admin(ADMIN_CREATE_SQ, (u64)q[n].sq, n | 1 << 16, n << 16 | 1);
	}
	return good;
}

static void read_on(u32 n)
{
	submit(n, IO_READ, buffer, 0, 0);
}

/* One read on each queue, until all completions are there: vectors 1 .. queues have fired. */
static u32 fire_all(void)
{
	u32 bad = 0;

	for (u32 n = 1; n <= queues; n++)
		read_on(n);
	for (u32 n = 1; n <= queues; n++)
		bad += completed(n) != 0;
	return bad;
}

static u32 not_once(void)
{
	u32 bad = 0;

	for (u32 n = 1; n <= queues; n++)
		bad += taken[n] != 1;
	return bad;
}

static u64 pending_bits(void)
{
	u32 pba = r32(nvme.cfg + pci_cap(&nvme, 0x11) + 8);

	return nvme.bar[pba & 7] + (pba & ~7U);
}

/* Of the vectors with a queue: 0 is the admin queue's, and stays masked. */
static u32 count_pending(bool wide)
{
	u32 count = 0;

	for (u32 i = 0; i < (queues + 64) / 64; i++) {
		u64 at = pending_bits() + 8 * i,
		    bits = wide ? r64(at) : r32(at) | (u64)r32(at + 4) << 32;

		bits &= i ? ~UINT64_C(0) : ~UINT64_C(1);
		for (; bits; bits &= bits - 1)
			count++;
	}
	return count;
}

static void mask_vectors(u32 ctrl)
{
	for (u32 v = 1; v <= queues; v++)
		w32(pci_msix_entry(&nvme, v) + 12, ctrl);
}

static void msix_control(u16 v)
{
	w16(nvme.cfg + pci_cap(&nvme, 0x11) + 2, v);
	(void)r16(nvme.cfg);
}

/* Entries by 4 and by 8 bytes; vector v is event v. */
static void fill_table(u64 doorbell)
{
	u32 wrong = 0;

	msix_control(0xc000); /* on, all masked */
	for (u32 v = 0; v <= queues; v++) {
		u64 e = pci_msix_entry(&nvme, v);

		if (v & 1) {
			w64(e, doorbell);
			w64(e + 8, v | (u64)MASKED << 32);
		} else {
			w32(e, (u32)doorbell);
			w32(e + 4, (u32)(doorbell >> 32));
			w32(e + 8, v);
			w32(e + 12, MASKED);
		}
		wrong += r64(e) != doorbell || r32(e) != (u32)doorbell || r32(e + 8) != v ||
			 r64(e + 8) != (v | (u64)MASKED << 32) || r32(e + 12) != MASKED;
	}
	msix_control(0x8000);
	check(!wrong, "table entries=%u wrong=%u", queues + 1, wrong);
}

static void check_masks(void)
{
	u32 bad = fire_all();

	delay_ms(5);
	check(!bad && taken_all == 0 && count_pending(false) == queues &&
		      count_pending(true) == queues,
	      "masked vectors=%u irqs=%u pending=%u failed=%u", queues, taken_all,
	      count_pending(true), bad);
	mask_vectors(0);
	wait_until(&taken_all, queues, 1000);
	delay_ms(2);
	check(taken_all == queues && !not_once() && !count_pending(true),
	      "unmasked irqs=%u not-once=%u pending=%u", taken_all, not_once(),
	      count_pending(true));

	forget();
	msix_control(0xc000);
	bad = fire_all();
	delay_ms(5);
	check(!bad && taken_all == 0 && count_pending(true) == queues,
	      "function-mask irqs=%u pending=%u failed=%u", taken_all, count_pending(true), bad);
	msix_control(0x8000);
	wait_until(&taken_all, queues, 1000);
	delay_ms(2);
	check(taken_all == queues && !not_once(), "function-unmask irqs=%u not-once=%u", taken_all,
	      not_once());
}

/* More than there are list registers, all pending before the first is taken. */
static void check_at_once(void)
{
	u32 bad;

	forget();
	irq_off();
	bad = fire_all();
	delay_ms(5);
	irq_on();
	wait_until(&taken_all, queues, 1000);
	delay_ms(2);
	check(!bad && taken_all == queues && !not_once(), "at-once irqs=%u not-once=%u", taken_all,
	      not_once());
}

static u32 fire(u32 n)
{
	read_on(n);
	return completed(n);
}

static void check_disabled(void)
{
	u32 before;

	forget();
	lpi_property(LPI_FIRST + 3, 0xa0);
	its_inv(device, 3);
	fire(3);
	delay_ms(5);
	before = taken_all;
	lpi_property(LPI_FIRST + 3, 0xa1);
	its_inv(device, 3);
	wait_until(&taken_all, 1, 500);
	check(before == 0 && taken[3] == 1 && taken_all == 1,
	      "disabled irqs=%u enabled-again irqs=%u", before, taken_all);
}

void payload_secondary(unsigned cpu)
{
	if (!gic_lpis_are_on())
		gic_lpis_on();
	irq_on();
	other_up = cpu;
	while (!other_quit)
		relax();
	irq_off();
}

static bool other_off(void)
{
	other_quit = 1;
	for (unsigned ms = 0; ms < 1000; ms++) {
		if (psci(PSCI_AFFINITY_INFO, machine.mpidr[1], 0, 0) == 1)
			return true;
		delay_ms(1);
	}
	return false;
}

static void check_other_cpu(void)
{
	u32 there, off, lost;

	if (!cpu_start(1) || !wait_until(&other_up, 1, 1000))
		return;
	its_map_collection(1, 1);
	its_move(device, 2, 1);
	forget();
	taken_by[0] = taken_by[1] = 0;
	for (u32 i = 1; i <= 5; i++) {
		fire(2);
		wait_until(&taken_all, i, 500);
		delay_ms(2);
	}
	there = taken_by[1];
	check(there == 5 && taken_by[0] == 0, "moved cpu0=%u cpu1=%u", taken_by[0], there);
	off = other_off();
	fire(2);
	delay_ms(5);
	lost = taken_by[1] - there;
	other_up = other_quit = 0;
	check(off && cpu_start(1) && wait_until(&other_up, 1, 1000) &&
		      wait_until(&taken_all, 6, 500) && taken_by[1] == 6 && !lost,
	      "off=%u while-off irqs=%u on-again irqs=%u", off, lost, taken_by[1] - there);
	its_move(device, 2, 0);
	fire(2);
	wait_until(&taken_all, 7, 500);
	check(taken_by[0] == 1 && other_off(), "moved-back cpu0=%u", taken_by[0]);
}

/* Vector 5 with events that the device does not have, and with addresses that are no doorbell. */
static void check_forged(void)
{
	static const u32 events[] = { 0x10000, 0xffff, 2048, ~0U, 0x80000005 };
	u64 e = pci_msix_entry(&nvme, 5), doorbell = r64(e);
	u32 *word = rt_alloc(4096, 4096), bad = 0;

	forget();
	for (unsigned i = 0; i < ARRAY_COUNT(events); i++) {
		w32(e + 8, events[i]);
		bad += fire(5) != 0;
	}
	w32(e + 8, queues + 1);
	bad += fire(5) != 0;
	w32(e + 8, 5);
	w64(e, (u64)word);
	bad += fire(5) != 0;
	/* The rest of the doorbell's page; beyond it; the ITS' own registers (CWRITER); nowhere. */
	for (unsigned i = 0; i < 4 && arg_number("nvme.forge", 0); i++) {
		const u64 at[] = { doorbell - 0x40, doorbell + 0x1000, doorbell - 0x10040 + 0x88,
				   NOWHERE };

		w64(e, at[i]);
		bad += fire(5) != 0;
	}
	delay_ms(5);
	bad += taken_all;
	w64(e, doorbell);
	bad += fire(5) != 0;
	wait_until(&taken_all, 1, 500);
	delay_ms(3);
	/* Two: one was held back while the address was no doorbell. */
	check(!bad && taken[5] == taken_all && (taken_all == 1 || taken_all == 2),
	      "forged bad=%u irqs=%u in-ram=%x", bad, taken_all, *(volatile u32 *)word);
}

static void check_reads(u32 count)
{
	u32 n, bad = 0;

	forget();
	for (n = 1; n <= count; n++) {
		read_on(1);
		if (!wait_until(&taken_all, n, 1000))
			break;
		bad += completed(1) != 0;
	}
	check(n > count && taken[1] == count && !bad, "reads=%u irqs=%u failed=%u", count, taken[1],
	      bad);
}

static bool set_up(void)
{
	u64 doorbell;

	if (!check(pci_find(NVME_ID, 0, &nvme), "found bdf=%02x.%x", nvme.devfn >> 3,
		   nvme.devfn & 7))
		return false;
	pci_assign(&nvme);
	regs = nvme.bar[0];
	queues = (u32)arg_number("nvme.queues", 64);
	buffer = (u64)rt_alloc(4096, 4096);
	if (!check(pci_msi_target(&nvme, &device, &doorbell) && its_init(),
		   "device=%x doorbell=%lx", device, doorbell))
		return false;
	gic_enable(LPI_FIRST, lpi_irq);
	its_map_device(device, queues + 1);
	for (u32 v = 1; v <= queues; v++)
		its_map_event(device, v, LPI_FIRST + v);
	fill_table(doorbell);
	irq_on();
	return check(controller_on() && queues_on(), "queues=%u vectors=%u", queues,
		     (r16(nvme.cfg + pci_cap(&nvme, 0x11) + 2) & 0x7ff) + 1U);
}

void payload_main(void)
{
	if (!set_up())
		return;
	if (!arg_number("nvme.only-reads", 0)) {
		check_masks();
		check_at_once();
		check_disabled();
		check_forged();
		if (machine.cpus > 1)
			check_other_cpu();
	}
	mask_vectors(0);
	check_reads((u32)arg_number("nvme.reads", 100));
	check(irq_spurious == 0, "spurious=%u", irq_spurious);
}
