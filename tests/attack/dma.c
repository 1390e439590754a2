/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Attacks by DMA of the attacker's edu device: each address is read and written. A read that
 * succeeds changes the device's own buffer, which the attack looks at afterwards. A write that
 * succeeds is seen by the neighbour, or by Viaduct.
 */
#include "attack.h"

#define MARK UINT64_C(0x5ca1ab1e0ddba11)

/* Fills edu's buffer with MARK, reads from there, and brings the buffer back to RAM. */
static void try_read(u64 target)
{
	volatile u64 *own = (u64 *)attack_ram();

	for (unsigned i = 0; i < 8; i++)
		own[i] = MARK;
	edu_dma((u64)own, 64, false);
	edu_dma(target, 64, false);
	for (unsigned i = 0; i < 8; i++)
		own[i] = 0;
	edu_dma((u64)own, 64, true);
	for (unsigned i = 0; i < 8; i++)
		if (own[i] != MARK && own[i]) { /* QEMU gives zeros for a refused read */
			broke("DMA read %lx at %lx", own[i], target);
			return;
		}
}

static void try_write(u64 target)
{
	volatile u64 *own = (u64 *)attack_ram();

	own[0] = UINT64_C(0xbadc0ffee0ddf00d);
	edu_dma((u64)own, 8, false);
	edu_dma(target, 8, true);
}

static void both(u64 target)
{
	if (!edu.cfg)
		return;
	try_read(target);
	try_write(target);
}

/* A host address that is an address of the guest's RAM as well: DMA finds the guest's. */
static void find_own(u64 target)
{
	volatile u64 *copy = (u64 *)(attack_ram() + 0x1000), *own = (u64 *)target;

	if (!edu.cfg || target < machine.ram_base ||
	    target >= machine.ram_base + machine.ram_size - 64)
		return;
	for (unsigned i = 0; i < 8; i++)
		copy[i] = MARK;
	edu_dma(target, 64, false);
	edu_dma((u64)copy, 64, true);
	for (unsigned i = 0; i < 8; i++)
		if (copy[i] != own[i]) {
			broke("DMA read %lx at %lx, which holds %lx", copy[i], target, own[i]);
			return;
		}
}

ATTACK(dma_to_viaduct, ONCE, "DMA to the host's RAM where Viaduct's image and tables are",
       "a device's addresses are the guest's (stage 2 of the SMMU)",
       "drivers/iommu/smmuv3/strtab.c")
{
	find_own(arg_number("attack.viaduct", 0));
	both(machine.ram_base + machine.ram_size + 0x200000);
}

ATTACK(dma_to_the_neighbour, ONCE, "DMA to host RAM that is not the guest's",
       "a device's addresses are the guest's (stage 2 of the SMMU)",
       "drivers/iommu/smmuv3/strtab.c")
{
	both(machine.ram_base + machine.ram_size);
	find_own(arg_number("attack.neighbour", 0));
	find_own(arg_number("attack.neighbour", 0) + 0x1000000);
	both(0x60000000);
	both(0xbff00000);
}

ATTACK(dma_to_the_gic, ONCE, "DMA to the physical and virtual distributor and redistributors",
       "only RAM and the doorbell are in the DMA root", "common/lib/s2.c")
{
	both(0x08000000);
	both(0x080a0000);
	both(machine.gicd);
}

ATTACK(dma_to_the_its, ONCE, "DMA to the ITS control frame and behind the doorbell's 4 KiB",
       "exactly 4 KiB of the translation frame, write only", "common/lib/s2.c")
{
	both(0x08080000);
	both(machine.its);
	both(machine.its + 0x11000);
}

ATTACK(dma_reads_the_doorbell, NEED_ITS | ONCE, "DMA reads of the doorbell page",
       "the doorbell is write only in the DMA root", "common/lib/s2.c")
{
	try_read(machine.its + 0x10040);
}

ATTACK(dma_rings_with_foreign_events, NEED_ITS | ONCE,
       "DMA writes of events that are other devices' to the doorbell",
       "the ITS knows the sender; events are the device's own", "drivers/irqchip/its.c")
{
	static const u32 events[] = { 0, 1, 31, 32, 0xffff, ~0U };

	for (unsigned i = 0; edu.cfg && i < ARRAY_COUNT(events); i++) {
		*(volatile u32 *)attack_ram() = events[i];
		edu_dma(attack_ram(), 4, false);
		edu_dma(machine.its + 0x10040, 4, true);
	}
	if (gic_ack() < 1020)
		broke("an interrupt that was not its own");
}

ATTACK(dma_to_the_smmu, ONCE, "DMA to the SMMU's registers",
       "only RAM and the doorbell are in the DMA root", "common/lib/s2.c")
{
	both(0x09050000);
	both(0x09060000);
}

ATTACK(dma_to_the_uart, ONCE, "DMA to the physical and the virtual UART",
       "only RAM and the doorbell are in the DMA root", "common/lib/s2.c")
{
	both(0x09000000);
	both(machine.uart);
}

ATTACK(dma_to_config_space, ONCE, "DMA to the physical and the virtual ECAM",
       "only RAM and the doorbell are in the DMA root", "common/lib/s2.c")
{
	both(0x4010018000); /* 00:03.0, the neighbour's */
	both(machine.ecam);
}

ATTACK(dma_to_bars, ONCE, "DMA to BARs: its own, and those of the neighbour's device",
       "BARs are in the DMA root only with p2p", "common/lib/s2.c")
{
	both(edu.bar[0]);
	both(nvme.bar[0]);
	both(0x10000000);
	both(0x10100000);
}

ATTACK(dma_to_holes, ONCE, "DMA to holes, the end of the address space and across the end of RAM",
       "what is not mapped is refused and reported once", "drivers/iommu/smmuv3/evtq.c")
{
	both(0x0f000000);
	both(UINT64_C(0xfffffffffff8));
	both(BIT(40));
	try_write(machine.ram_base + machine.ram_size - 4);
	try_write(machine.ram_base - 4);
}

ATTACK(dma_with_bus_master_off, ONCE, "DMA and messages after the guest cleared COMMAND.BME",
       "BME gates DMA and messages", "vpci/config.c")
{
	volatile u64 *own = (u64 *)attack_ram();

	if (!edu.cfg)
		return;
	*own = MARK;
	edu_dma((u64)own, 8, false);
	*own = 0;
	w16(edu.cfg + 4, 2);
	edu_dma((u64)own, 8, true);
	w16(edu.cfg + 4, 6);
	if (*own == MARK)
		broke("DMA arrived");
}

ATTACK(dma_while_bars_and_command_change, ONCE, "DMA to its own RAM while COMMAND flips",
       "DMA is the device's; the gate is one register write", "vpci/config.c")
{
	u64 regs = edu.bar[0];

	for (unsigned i = 0; edu.cfg && i < 4; i++) {
		w64(regs + EDU_SRC, attack_ram());
		w64(regs + EDU_DST, EDU_BUFFER);
		w64(regs + EDU_COUNT, 4096);
		w64(regs + EDU_COMMAND, 1);
		for (unsigned n = 0; n < 200; n++) {
			w16(edu.cfg + 4, n & 6);
			delay_ms(1);
		}
		w16(edu.cfg + 4, 6);
	}
}
