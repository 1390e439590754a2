/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What PCI looks like from a guest: each function with its BARs, and that the registers behind them
 * are its own. QEMU's pci-testdev counts the writes to it; an ivshmem device has a register of its
 * own in a BAR of 256 bytes, many of which share a guest page, and memory, which is filled with a
 * pattern and read back, also after its BAR was moved.
 */
#include "rt.h"

const char payload_name[] = "pciview";

#define TESTDEV      0x00051b36
#define IVSHMEM      0x11101af4
#define IVSHMEM_MASK 0
#define TEST_OFFSET  4  /* where to write */
#define TEST_DATA    8  /* what */
#define TEST_COUNT   12 /* how often it was */
#define STEP         UINT64_C(0x100000)

static unsigned testdevs;

static void view(u32 id, const struct pci_dev *d)
{
	if (arg_number("view.quiet", 0))
		return;
	report("function=%02x.%x id=%04x:%04x header=%02x pin=%u bars=%lx,%lx,%lx,%lx,%lx,%lx\n",
	       d->devfn >> 3, d->devfn & 7, id & 0xffff, id >> 16, r8(d->cfg + 0x0e),
	       r8(d->cfg + 0x3d), d->bar_size[0], d->bar_size[1], d->bar_size[2], d->bar_size[3],
	       d->bar_size[4], d->bar_size[5]);
}

/* Number of times that function n is written to: neighbours differ. */
static unsigned times(unsigned n)
{
	return 1 + n % 7;
}

static void count_writes(u64 bar, unsigned n)
{
	w8(bar, 0); /* selects the first test, and clears its count */
	for (unsigned i = 0; i < times(n); i++)
		w8(bar + r32(bar + TEST_OFFSET), r8(bar + TEST_DATA));
}

static u32 mark(const struct pci_dev *d)
{
	return 0xa5000000 | (u32)d->devfn << 8 | (u32)d->devfn;
}

/* Behind everything: what function n has is still what n was given. */
static void check_registers(void)
{
	unsigned functions = 0, wrong = 0;
	struct pci_dev d;

	for (unsigned n = 0, dev = 0; pci_find(~0U, n, &d); n++) {
		u32 id = r32(d.cfg), want = id == IVSHMEM ? mark(&d) : times(dev), got;
		u64 bar = (r32(d.cfg + 0x10) & ~15U) - machine.mem32_pci + machine.mem32_cpu;

		if (id != IVSHMEM && id != TESTDEV)
			continue;
		dev += id == TESTDEV;
		functions++;
		got = r32(bar + (id == IVSHMEM ? IVSHMEM_MASK : TEST_COUNT));
		if (got != want && wrong++ < 8)
			report("function=%02x.%x register=%x expected=%x FAIL\n", d.devfn >> 3,
			       d.devfn & 7, got, want);
	}
	check(!wrong, "registers functions=%u wrong=%u", functions, wrong);
}

static u64 pattern(u64 off)
{
	return (off + 1) * UINT64_C(0x9e3779b97f4a7c15);
}

static unsigned differs(u64 bar, u64 size)
{
	unsigned n = 0;

	for (u64 off = 0; off < size; off += STEP)
		n += r64(bar + off) != pattern(off) ||
		     r64(bar + off + STEP - 8) != pattern(off + STEP - 8);
	return n;
}

/* MEM stays on: the move takes effect at once (PCIe r6.0 §7.5.1.2.1 leaves that to software). */
static void check_memory(struct pci_dev *d)
{
	u64 bar = d->bar[2], size = d->bar_size[2], to;

	for (u64 off = 0; off < size; off += STEP) {
		w64(bar + off, pattern(off));
		w64(bar + off + STEP - 8, pattern(off + STEP - 8));
	}
	check(!differs(bar, size), "memory at=%lx size=%lx differs=%u", bar, size,
	      differs(bar, size));
	to = bar - machine.mem64_cpu >= size ? bar - size : bar + size;
	w32(d->cfg + 0x18, (u32)(to - machine.mem64_cpu + machine.mem64_pci));
	w32(d->cfg + 0x1c, (u32)((to - machine.mem64_cpu + machine.mem64_pci) >> 32));
	check(!differs(to, size), "moved to=%lx differs=%u", to, differs(to, size));
	fault_arm();
	to = r64(bar);
	check(!fault_taken() && to == ~UINT64_C(0), "where it was value=%lx", to);
}

void payload_main(void)
{
	struct pci_dev d;
	unsigned functions = 0;

	for (; pci_find(~0U, functions, &d); functions++) {
		u32 id = r32(d.cfg);

		pci_assign(&d);
		view(id, &d);
		if (id == TESTDEV && d.bar[0])
			count_writes(d.bar[0], testdevs++);
		if (id == IVSHMEM)
			w32(d.bar[0] + IVSHMEM_MASK, mark(&d));
		if (id == IVSHMEM && d.bar_size[2] >= STEP)
			check_memory(&d);
	}
	report("functions=%u\n", functions);
	check_registers();
}
