/* SPDX-License-Identifier: Apache-2.0 */
/* Attacks by DMA of the NVMe controller: it fetches from any address, as fast as it is told to. */
#include "attack.h"

#define CC   0x14
#define CSTS 0x1c
#define AQA  0x24
#define ASQ  0x28
#define ACQ  0x30
#define SQ0  0x1000

/* One fetch of a command from `at`: a translation fault, if that is no RAM. */
static void fetch_from(u64 at)
{
	u64 regs = nvme.bar[0];

	w32(regs + CC, 0);
	w32(regs + AQA, 0x00010001);
	w64(regs + ASQ, at & ~UINT64_C(0xfff));
	w64(regs + ACQ, at & ~UINT64_C(0xfff));
	w32(regs + CC, 0x00460001);
	w32(regs + SQ0, 1);
}

static void flood(unsigned count, u64 base)
{
	for (unsigned i = 0; nvme.cfg && i < count; i++)
		fetch_from(base + (u64)i * 4096);
	if (nvme.cfg)
		w32(nvme.bar[0] + CC, 0);
}

ATTACK(dma_faults_without_end, ONCE, "thousands of translation faults, each at another page",
       "a stream over its budget goes to silent abort", "common/guest/faults.c")
{
	flood(4000, 0x200000000);
}

ATTACK(dma_faults_after_quarantine, ONCE,
       "a quarantined device is enabled again by COMMAND, FLR, BARs and power states, and goes on",
       "quarantine is a state of the device (what COMMAND and event queue hold is shown by "
       "test_quarantine, not by this: the guest cannot see it)",
       "drivers/pci/device.c")
{
	u8 pm, exp;

	if (!nvme.cfg)
		return;
	flood(2000, 0x300000000);
	pm = pci_cap(&nvme, 1);
	exp = pci_cap(&nvme, 0x10);
	for (unsigned i = 0; i < 20; i++) {
		w16(nvme.cfg + 4, 0);
		w16(nvme.cfg + 4, 6);
		if (exp)
			w16(nvme.cfg + exp + 8, (u16)(r16(nvme.cfg + exp + 8) | BIT(15)));
		if (pm) {
			w16(nvme.cfg + pm + 4, 3);
			w16(nvme.cfg + pm + 4, 0);
		}
		w16(nvme.cfg + 4, 6);
		flood(200, 0x310000000);
	}
}
