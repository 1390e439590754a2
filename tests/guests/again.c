/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A guest that resets itself, from each of its CPUs in turn, and finds its machine as after
 * power-on. How often it did so it keeps in shared memory, which is nobody's to clear.
 *
 *	again.times=N  resets itself so often (default 4)
 *	again.rest=MS  waits before the last reset, so that what Viaduct says of it is not held back
 */
#include "edu.h"
#include "rt.h"

const char payload_name[] = "again";

#define SPI       44 /* nobody's */
#define NVME      0x00101b36
#define NVME_CC   0x14
#define NVME_CSTS 0x1c
#define NVME_AQA  0x24
#define NVME_ASQ  0x28
#define NVME_ACQ  0x30
#define DIRT      (4 << 20) /* bytes */

extern char image_end[];

static volatile u32 cpu1_on, go;

void payload_secondary(unsigned cpu)
{
	cpu1_on = cpu;
	while (!go)
		relax();
	psci(PSCI_SYSTEM_RESET, 0, 0, 0);
}

static u64 *dirt(void)
{
	return (u64 *)(((u64)image_end + 0x1fffff) & ~UINT64_C(0x1fffff));
}

static void check_ram(const char *when)
{
	u64 *p = dirt(), n = 0;

	while (n < DIRT / 8 && !p[n])
		n++;
	check(n == DIRT / 8, "%s scrubbed=%lx", when, 8 * n);
}

static void check_gic(void)
{
	u64 bank = gic_frame(SPI) + SPI / 32 * 4;

	check(!(r32(bank + 0x100) >> SPI % 32 & 1) && !(r32(bank + 0x200) >> SPI % 32 & 1),
	      "spi enabled=%x pending=%x", r32(bank + 0x100), r32(bank + 0x200));
	w32(bank + 0x100, 1U << SPI % 32);
	w32(bank + 0x200, 1U << SPI % 32);
}

static bool is_fresh(const struct pci_dev *d)
{
	return check(!(r16(d->cfg + 4) & 6) && !(r32(d->cfg + 0x10) & ~15U),
		     "function=%02x command=%x bar=%x", d->devfn, r16(d->cfg + 4),
		     r32(d->cfg + 0x10));
}

/* It was running when the last life ended; a reset stops it (NVMe 1.4 §7.3.1). */
static void use_nvme(void)
{
	struct pci_dev d;
	u64 regs;
	unsigned n = 0;

	if (!pci_find(NVME, 0, &d) || !is_fresh(&d))
		return;
	pci_assign(&d);
	regs = d.bar[0];
	check(!r32(regs + NVME_CC), "nvme cc=%x", r32(regs + NVME_CC));
	w32(regs + NVME_AQA, 0x00010001);
	w64(regs + NVME_ASQ, (u64)rt_alloc(4096, 4096));
	w64(regs + NVME_ACQ, (u64)rt_alloc(4096, 4096));
	w32(regs + NVME_CC, 0x00460001);
	while (!(r32(regs + NVME_CSTS) & 1) && n++ < 20000)
		delay_ms(1);
	check(r32(regs + NVME_CSTS) & 1, "nvme ready csts=%x", r32(regs + NVME_CSTS));
}

/* The reset comes while its DMA is under way: that may not arrive in the next life. */
static void use_edu(void)
{
	struct pci_dev d;

	if (!pci_find(EDU_ID, 0, &d) || !is_fresh(&d))
		return;
	delay_ms(300); /* what it still had to do is over */
	check_ram("edu");
	pci_assign(&d);
	w64(d.bar[0] + EDU_SRC, (u64)machine.dtb & ~UINT64_C(0xfff));
	w64(d.bar[0] + EDU_DST, EDU_BUFFER);
	w64(d.bar[0] + EDU_COUNT, 256);
	w64(d.bar[0] + EDU_COMMAND, 1);
	while (r64(d.bar[0] + EDU_COMMAND) & 1)
		relax();
	w64(d.bar[0] + EDU_SRC, EDU_BUFFER);
	w64(d.bar[0] + EDU_DST, (u64)dirt());
	w64(d.bar[0] + EDU_COUNT, 256);
	w64(d.bar[0] + EDU_COMMAND, 3);
}

void payload_main(void)
{
	u32 *lives = shared_page();

	if (!check(lives, "shared memory"))
		return;
	report("life=%u\n", ++*lives);
	check_ram("start");
	check_gic();
	check(psci(PSCI_AFFINITY_INFO, machine.mpidr[1], 0, 0) == 1, "cpu 1 off");
	check(cpu_start(1) && wait_until(&cpu1_on, 1, 5000), "cpu 1 on");
	use_nvme();
	use_edu();
	if (*lives > arg_number("again.times", 4))
		return;
	for (u64 *p = dirt(), n = DIRT / 8; n; n--)
		*p++ = n;
	if (*lives == arg_number("again.times", 4))
		delay_ms((u32)arg_number("again.rest", 0));
	report("reset by=%u\n", *lives & 1);
	if (*lives & 1)
		go = 1;
	else
		psci(PSCI_SYSTEM_RESET, 0, 0, 0);
	for (;;)
		relax();
}
