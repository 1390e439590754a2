/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes every byte of the config space of every function on its bus, with every width and several
 * patterns, and leaves what came of it; then gives the functions their values back and looks
 * whether they still work. In between the harness compares what the hardware holds.
 */
#include "edu.h"
#include "rt.h"

const char payload_name[] = "cfgscan";

#define MAX_FUNCTIONS 16
#define CONFIG        4096
#define FSC_ALIGN     0x21
#define NVME_CLASS    0x010802

static struct {
	struct pci_dev d;
	u32 saved[CONFIG / 4];
	u64 cap; /* NVMe: its first register */
} fn[MAX_FUNCTIONS];
static unsigned count;

/* All widths show the same bytes. */
static unsigned widths_differ(u64 cfg)
{
	unsigned n = 0;

	for (unsigned off = 0; off < CONFIG; off += 8) {
		u64 want = r64(cfg + off);

		for (unsigned size = 1; size < 8; size *= 2)
			for (unsigned i = 0; i < 8; i += size)
				n += read_width(cfg + off + i, size) !=
				     (want >> 8 * i & (~UINT64_C(0) >> (64 - 8 * size)));
	}
	return n;
}

static void check_unaligned(u64 cfg)
{
	unsigned bad = 0, n = 0;

	map_page(cfg, MAP_NC); /* or stage 1 would be the one that objects */
	for (unsigned size = 2; size <= 8; size *= 2)
		for (unsigned off = 0x40; off < 0x50; off++) {
			u64 esr;

			if (off % size == 0)
				continue;
			fault_arm();
			if (n++ & 1)
				write_width(cfg + off, size, ~UINT64_C(0));
			else
				(void)read_width(cfg + off, size);
			esr = fault_taken();
			bad += ESR_EC(esr) != 0x25 || ESR_FSC(esr) != FSC_ALIGN;
		}
	map_page(cfg, MAP_DEVICE);
	check(!bad, "unaligned accesses=%u without-abort=%u", n, bad);
}

/* The byte of DEVCTL whose bit 7 resets the function, where it can be reset. */
static u64 flr_byte(const struct pci_dev *d)
{
	u64 cap = pci_cap(d, 0x10);

	return cap && r32(d->cfg + cap + 4) & BIT(28) ? cap + 9 : CONFIG;
}

static void await_function(const struct pci_dev *d)
{
	for (unsigned ms = 0; ms < 2000 && r32(d->cfg) == ~0U; ms++)
		delay_ms(1);
}

/*
 * One reset, late: while one goes on, writes go nowhere. The scan ends in D0 with everything on, so
 * that the harness sees the function at work.
 */
static unsigned scan(const struct pci_dev *d)
{
	static const u64 patterns[] = { 0, ~UINT64_C(0), 0xa5a5a5a5a5a5a5a5, 0x5a5a5a5a5a5a5a5a };
	u64 cfg = d->cfg, pm = pci_cap(d, 1), flr = flr_byte(d);
	unsigned writes = 0;

	for (unsigned p = 0; p < ARRAY_COUNT(patterns); p++)
		for (unsigned size = 1; size <= 8; size *= 2)
			for (unsigned off = 0; off < CONFIG; off += size, writes++) {
				u64 keep = flr - off < size ? ~(BIT(7) << 8 * (flr - off)) :
							      ~UINT64_C(0);

				write_width(cfg + off, size, patterns[p] & keep);
			}
	for (unsigned off = CONFIG; off; writes++) {
		w32(cfg + (off -= 4), ~0U);
		if (flr - off < 4)
			await_function(d);
	}
	if (pm) {
		w16(cfg + pm + 4, 0);
		delay_ms(20);
	}
	/*
	 * And everything behind COMMAND again while the function decodes; nothing repairs it after
	 * this.
	 */
	w16(cfg + 4, 0xffff);
	for (unsigned off = 8; off < CONFIG; off += 4, writes++)
		if (!pm || off != pm + 4)
			w32(cfg + off, flr - off < 4 ? 0xa5a525a5 : 0xa5a5a5a5);
	return writes;
}

static bool works(unsigned n)
{
	const struct pci_dev *d = &fn[n].d;

	if (fn[n].saved[2] >> 8 == NVME_CLASS)
		return r64(d->bar[0]) == fn[n].cap && fn[n].cap != ~UINT64_C(0);
	if (fn[n].saved[0] == EDU_ID) {
		w32(d->bar[0] + 4, 0x13579bdf);
		return r32(d->bar[0] + 4) == ~0x13579bdfU;
	}
	return true;
}

/* Differences after everything was written back; what the device reports by itself is left out. */
static unsigned restore(unsigned n)
{
	u64 cfg = fn[n].d.cfg, pm = pci_cap(&fn[n].d, 1);
	unsigned differ = 0;

	w16(cfg + 4, 0);
	if (pm) {
		w16(cfg + pm + 4, 0);
		delay_ms(20);
	}
	for (unsigned dw = CONFIG / 4; dw-- > 1;)
		if (dw != 1)
			w32(cfg + 4 * dw, fn[n].saved[dw]);
	w16(cfg + 4, (u16)fn[n].saved[1]);
	for (unsigned dw = 0; dw < CONFIG / 4; dw++) {
		u32 now = r32(cfg + 4 * dw);

		if (dw == 1 ? (now ^ fn[n].saved[dw]) & 0xffff : now != fn[n].saved[dw]) {
			if (differ++ < 4)
				report("function=%02x.%x at=%x was=%x is=%x\n", fn[n].d.devfn >> 3,
				       fn[n].d.devfn & 7, 4 * dw, fn[n].saved[dw], now);
		}
	}
	return differ;
}

void payload_main(void)
{
	unsigned writes = 0;

	for (; count < MAX_FUNCTIONS && pci_find(~0U, count, &fn[count].d); count++) {
		struct pci_dev *d = &fn[count].d;

		pci_assign(d);
		for (unsigned dw = 0; dw < CONFIG / 4; dw++)
			fn[count].saved[dw] = r32(d->cfg + 4 * dw);
		fn[count].cap = d->bar[0] ? r64(d->bar[0]) : 0;
		check(!widths_differ(d->cfg) && works(count), "function=%02x.%x id=%x",
		      d->devfn >> 3, d->devfn & 7, fn[count].saved[0]);
	}
	if (!check(count, "functions=%u", count))
		return;
	check_unaligned(fn[0].d.cfg);
	await_harness("before");
	for (unsigned n = 0; n < count; n++)
		writes += scan(&fn[n].d);
	report("writes=%u\n", writes);
	await_harness("scanned");
	for (unsigned n = 0; n < count; n++) {
		unsigned differ = restore(n);

		check(!differ && works(n), "restored function=%02x.%x differ=%u",
		      fn[n].d.devfn >> 3, fn[n].d.devfn & 7, differ);
	}
	await_harness("restored");
}
