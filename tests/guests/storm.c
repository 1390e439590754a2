/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A device run wild: QEMU's NVMe controller is told to write where no memory is, until it is
 * quarantined. Then nothing that the guest writes to config space lets it reach memory; its
 * function-level reset does, and so does the guest's next start. How often it has started it keeps
 * in shared memory, which is nobody's to clear.
 */
#include "rt.h"

const char payload_name[] = "storm";

#define NVME     0x00101b36
#define CC       0x14
#define CSTS     0x1c
#define AQA      0x24
#define ASQ      0x28
#define ACQ      0x30
#define DOORBELL 0x1000
#define NOWHERE  UINT64_C(0x300000000) /* no RAM, no BAR, no doorbell */
#define COMMANDS 12 /* 1024 refused writes each; so many within a second are too many */
#define MARK     0x5afe5afe

static struct pci_dev nvme;
static u64 regs;
static volatile u32 *sq, *cq;

static void controller_on(u64 queue)
{
	w32(regs + CC, 0);
	for (unsigned ms = 0; ms < 500 && r32(regs + CSTS) & 1; ms++)
		delay_ms(1);
	for (unsigned i = 0; i < 1024; i++)
		sq[i] = cq[i] = 0;
	cq[3] = MARK;
	w32(regs + AQA, 0x000f000f);
	w64(regs + ASQ, queue);
	w64(regs + ACQ, (u64)cq);
	w32(regs + CC, 4 << 20 | 6 << 16 | 1);
	for (unsigned ms = 0; ms < 500 && !(r32(regs + CSTS) & 1); ms++)
		delay_ms(1);
}

/* Get Features, Number of Queues: its completion is written to memory. */
static bool reaches_memory(void)
{
	controller_on((u64)sq);
	sq[0] = 0xa | 7 << 16;
	sq[10] = 7;
	dsb();
	w32(regs + DOORBELL, 1);
	for (unsigned ms = 0; ms < 300 && cq[3] == MARK; ms++)
		delay_ms(1);
	return cq[3] != MARK;
}

/* Identify, to where no memory is: 4 KiB, of which each piece of 4 bytes is refused on its own. */
static void storm(void)
{
	controller_on((u64)sq);
	for (unsigned i = 0; i < COMMANDS; i++) {
		sq[16 * i] = 6 | i << 16;
		sq[16 * i + 6] = (u32)NOWHERE;
		sq[16 * i + 7] = (u32)(NOWHERE >> 32);
		sq[16 * i + 10] = 1;
		dsb();
		w32(regs + DOORBELL, i + 1);
		delay_ms(40);
	}
	delay_ms(300); /* what the SMMU holds is read */
}

/* As a driver would that believes the device hung. */
static void try_config(void)
{
	static const u16 commands[] = { 6, 0, 6, 0x406, 4, 7, 6 };

	for (unsigned i = 0; i < ARRAY_COUNT(commands); i++) {
		w16(nvme.cfg + 4, commands[i]);
		if (commands[i] & 2 && reaches_memory())
			check(false, "quarantined command=%x reached memory", commands[i]);
	}
	check(r16(nvme.cfg + 4) == 6, "quarantined command=%x", r16(nvme.cfg + 4));
}

static void flr(void)
{
	u64 devctl = nvme.cfg + pci_cap(&nvme, 0x10) + 8;

	w16(devctl, (u16)(r16(devctl) | BIT(15)));
	delay_ms(150);
	check(r32(nvme.cfg) == NVME, "reset id=%x", r32(nvme.cfg));
}

void payload_main(void)
{
	u32 *lives = shared_page();

	if (!check(lives && pci_find(NVME, 0, &nvme), "nvme and diary found"))
		return;
	report("life=%u\n", ++*lives);
	pci_assign(&nvme);
	regs = nvme.bar[0];
	sq = rt_alloc(4096, 4096);
	cq = rt_alloc(4096, 4096);
	check(reaches_memory(), "works at first");
	storm();
	report("phase=quarantined\n");
	try_config();
	report("phase=tried\n");
	delay_ms(1000);
	flr();
	check(reaches_memory(), "works after its reset");
	report("phase=back\n");
	delay_ms(1000);
	storm();
	check(!reaches_memory(), "quarantined again");
	if (*lives < 2)
		psci(PSCI_SYSTEM_RESET, 0, 0, 0);
}
