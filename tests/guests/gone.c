/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A disk that goes wrong: QEMU's NVMe controller is made to write to memory again and again, until
 * it does not. Then the payload says what it sees of the device, and tries to get it back: by
 * function-level resets, or with gone.restart=1 by starting again. gone.times=N: so often; the end
 * then. gone.steady=N: N times 100 ms of a disk that never fails. How often it has started it keeps
 * in shared memory, if it has any.
 *
 * First it writes to everything that might turn error reports, or the link, off.
 */
#include <libfdt.h>

#include "rt.h"

const char payload_name[] = "gone";

#define NVME     0x00101b36
#define CC       0x14
#define CSTS     0x1c
#define AQA      0x24
#define ASQ      0x28
#define ACQ      0x30
#define DOORBELL 0x1000
#define MARK     0x5afe5afe

static struct pci_dev nvme;
static u64 regs, pcie;
static volatile u32 *sq, *cq;

static u32 *diary(void)
{
	static u32 none;
	int node = fdt_node_offset_by_compatible(machine.dtb, -1, "xen,shared-memory-v1");
	const fdt32_t *reg = node < 0 ? NULL : fdt_getprop(machine.dtb, node, "reg", NULL);
	u64 base = reg ? (u64)fdt32_to_cpu(reg[0]) << 32 | fdt32_to_cpu(reg[1]) : 0;

	if (!base)
		return &none;
	map_page(base, MAP_NORMAL);
	return (u32 *)base;
}

static bool wait_ready(u32 want)
{
	for (unsigned ms = 0; ms < 500; ms++) {
		if (r32(regs + CSTS) == ~0U)
			return false;
		if ((r32(regs + CSTS) & 1) == want)
			return true;
		delay_ms(1);
	}
	return false;
}

static void controller_on(void)
{
	w16(nvme.cfg + 4, 6);
	w32(regs + CC, 0);
	wait_ready(0);
	for (unsigned i = 0; i < 1024; i++)
		sq[i] = cq[i] = 0;
	cq[3] = MARK;
	w32(regs + AQA, 0x000f000f);
	w64(regs + ASQ, (u64)sq);
	w64(regs + ACQ, (u64)cq);
	w32(regs + CC, 4 << 20 | 6 << 16 | 1);
	wait_ready(1);
}

/* Get Features, Number of Queues: its completion is written to memory. */
static bool reaches_memory(void)
{
	controller_on();
	sq[0] = 0xa | 7 << 16;
	sq[10] = 7;
	dsb();
	w32(regs + DOORBELL, 1);
	for (unsigned ms = 0; ms < 300 && cq[3] == MARK; ms++)
		delay_ms(1);
	return cq[3] != MARK;
}

/* Error reporting of COMMAND and Device Control, Link Disable; with nobody's leave. */
static void try_to_silence(void)
{
	w16(nvme.cfg + 4, 6);
	w16(pcie + 8, (u16)(r16(pcie + 8) & ~0xf));
	w16(pcie + 0x10, 0x10);
	w16(pcie + 0x18, 0x400);
	check(reaches_memory(), "works behind its writes");
}

static void steady(u64 times)
{
	while (times--) {
		if (!reaches_memory()) {
			check(false, "steady id=%x", r32(nvme.cfg));
			return;
		}
		delay_ms(100);
	}
	check(true, "steady");
}

static void report_loss(void)
{
	u32 id = r32(nvme.cfg), csts = r32(regs + CSTS);

	check(id == NVME || (id == ~0U && csts == ~0U && r16(nvme.cfg + 4) == 0xffff),
	      "phase=lost id=%x csts=%x", id, csts);
}

static void get_back(void)
{
	for (unsigned n = 0; n < 200; n++) {
		w16(pcie + 8, BIT(15));
		delay_ms(300);
		if (r32(nvme.cfg) == NVME && reaches_memory()) {
			report("phase=back\n");
			return;
		}
	}
	check(false, "phase=back");
}

static void start_again(void)
{
	delay_ms(2000);
	psci(PSCI_SYSTEM_RESET, 0, 0, 0);
}

void payload_main(void)
{
	bool restart = arg_number("gone.restart", 0);
	u32 *lives = diary();

	report("life=%u\n", ++*lives);
	if (!pci_find(NVME, 0, &nvme)) {
		if (restart && *lives < 20)
			start_again();
		check(false, "nvme found");
		return;
	}
	pci_assign(&nvme);
	regs = nvme.bar[0];
	pcie = nvme.cfg + pci_cap(&nvme, 0x10);
	sq = rt_alloc(4096, 4096);
	cq = rt_alloc(4096, 4096);
	if (arg_number("gone.steady", 0)) {
		steady(arg_number("gone.steady", 0));
		return;
	}
	try_to_silence();
	for (u64 n = restart ? *lives > 1 : 0; n < arg_number("gone.times", 1); n++) {
		report("phase=works\n");
		while (reaches_memory())
			delay_ms(20);
		report_loss();
		if (restart)
			start_again();
		get_back();
	}
}
