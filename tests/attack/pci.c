/* SPDX-License-Identifier: Apache-2.0 */
/* Attacks by configuration space, BARs and MSI-X tables (PCIe r6.0 §7.5, §6.1.4). */
#include "attack.h"

#define COMMAND 0x04
#define BAR0    0x10

static void set_bar(const struct pci_dev *d, unsigned i, u64 at)
{
	w32(d->cfg + BAR0 + 4 * i, (u32)at);
	if (r32(d->cfg + BAR0 + 4 * i) & 4)
		w32(d->cfg + BAR0 + 4 * i + 4, (u32)(at >> 32));
}

static void both_devices(void (*fn)(const struct pci_dev *d))
{
	if (edu.cfg)
		fn(&edu);
	if (nvme.cfg)
		fn(&nvme);
}

static void over_everything(const struct pci_dev *d)
{
	const u64 place[] = { 0,
			      machine.ram_base,
			      machine.ram_base + machine.ram_size - 0x1000,
			      machine.gicd,
			      machine.gicr,
			      machine.its,
			      machine.its + 0x10000,
			      machine.uart,
			      machine.ecam,
			      0x0f000000,
			      0x08000000,
			      0x09000000,
			      0x09050000,
			      0x40200000,
			      0xfffff000,
			      BIT(32),
			      BIT(39),
			      0xfffffffffff00000,
			      machine.mem32_pci - 0x1000,
			      machine.mem64_pci - 0x1000 };
	volatile u64 *own = (u64 *)attack_ram();

	*own = 0x1234;
	for (unsigned i = 0; i < ARRAY_COUNT(place); i++) {
		set_bar(d, 0, place[i]);
		w16(d->cfg + COMMAND, 6);
		peek(place[i], 4, NULL);
		peek(place[i] + 0x40, 8, NULL);
		if (place[i] == 0x0f000000 && peek(place[i], 4, NULL))
			broke("a BAR answers outside the windows");
		if (*own != 0x1234)
			broke("a BAR at %lx changed RAM", place[i]);
		w16(d->cfg + COMMAND, 0);
	}
	set_bar(d, 0, machine.ram_base + machine.ram_size / 2);
	w16(d->cfg + COMMAND, 6);
	if (*own != 0x1234)
		broke("a BAR covers RAM");
	w16(d->cfg + COMMAND, 0);
}

ATTACK(pci_bars_over_everything, 0,
       "BARs over RAM, GIC, ITS, doorbell, UART, ECAM, host addresses, both ends of the space",
       "a BAR outside the windows, or over something, is not mapped", "vpci/bars.c")
{
	both_devices(over_everything);
}

ATTACK(pci_bars_over_one_another, 0,
       "the BARs of two devices at the same, overlapping and nested places",
       "a BAR over another BAR is not mapped", "vpci/bars.c")
{
	if (!edu.cfg || !nvme.cfg)
		return;
	for (u64 off = 0; off < 0x200000; off += 0x20000) {
		set_bar(&edu, 0, machine.mem32_pci + 0x1000000);
		set_bar(&nvme, 0, machine.mem32_pci + 0x1000000 + off);
		w16(edu.cfg + COMMAND, 6);
		w16(nvme.cfg + COMMAND, 6);
		peek(machine.mem32_cpu + 0x1000000 + off, 4, NULL);
		w16(edu.cfg + COMMAND, off & 0x20000 ? 0 : 6);
		peek(machine.mem32_cpu + 0x1000000, 4, NULL);
	}
}

static void read_windows(unsigned cpu)
{
	while (!stop_others)
		for (u64 at = 0; at < 4; at++) {
			peek(machine.mem64_cpu + (at << 30) + 0x40 * cpu, 4, NULL);
			peek(machine.mem64_cpu + (at << 30) + 0x2000, 4, NULL);
		}
}

ATTACK(pci_bar_moves_under_loads, 0,
       "a 64-bit BAR moves between GiB ranges while two vCPUs read there",
       "a table of stage 2 is of one level for ever (shown by test_s2, not by this: "
       "without that it takes minutes to break)",
       "common/lib/s2.c")
{
	if (!nvme.cfg || !machine.mem64_size)
		return;
	start_on(1, read_windows);
	start_on(2, read_windows);
	for (u64 i = 0; i < 3000; i++) {
		set_bar(&nvme, 0, machine.mem64_pci + ((i & 3) << 30));
		w16(nvme.cfg + COMMAND, 6);
		peek(machine.mem64_cpu + ((i & 3) << 30) + 8, 4, NULL);
		w16(nvme.cfg + COMMAND, i & 4 ? 0 : 6);
	}
	end_on(1);
	end_on(2);
}

static void write_all_config(const struct pci_dev *d)
{
	for (u64 off = 0; off < 0x1000; off += 4) {
		unsigned size = 1U << rnd_below(3);

		peek(d->cfg + off, size, NULL);
		poke(d->cfg + off, size, rnd_odd());
	}
	w16(d->cfg + COMMAND, 0);
}

ATTACK(pci_config_every_register, 0,
       "every register of both functions is written with odd values, at each width",
       "a rule for each bit; what has none is read-only", "vpci/rules.c")
{
	both_devices(write_all_config);
}

ATTACK(pci_config_of_absent_functions, 0,
       "every function number, every bus of the ECAM, and behind its end",
       "what the plan does not give reads all ones", "vpci/trap.c")
{
	for (u64 f = 0; f < 256; f++) {
		u64 at = machine.ecam + (f << 12);
		u64 v;

		if (at == edu.cfg || at == nvme.cfg)
			continue;
		if (peek(at, 4, &v) && v != 0xffffffff && v != 0 && f)
			report("function %lx reads %lx\n", f, v);
		poke(at + 4, 4, ~0U);
		poke(at + 0x10, 4, 0);
	}
	for (u64 at = machine.ecam + 0x100000; at < machine.ecam + machine.ecam_size;
	     at += 0x100000)
		poke(at + 0x18008, 4, ~0U);
	poke(machine.ecam + machine.ecam_size, 4, ~0U);
	peek(machine.ecam + machine.ecam_size, 4, NULL);
}

static void odd_widths(const struct pci_dev *d)
{
	for (u64 off = 0; off < 0x100; off++)
		for (unsigned size = 1; size <= 8; size *= 2) {
			peek(d->cfg + off, size, NULL);
			if (off >= 0x40)
				poke(d->cfg + off, size, rnd());
		}
	w16(d->cfg + COMMAND, 0);
}

ATTACK(pci_config_every_width, 0,
       "configuration accesses of 1 to 8 bytes at each offset, across dwords",
       "a legal access never crosses a dword", "vpci/trap.c")
{
	both_devices(odd_widths);
}

static void odd_messages(const struct pci_dev *d)
{
	const u64 target[] = { machine.ram_base, 0x08090040, machine.its + 0x10040, 0xfee00000, 0,
			       ~UINT64_C(0),     0x09050000 };

	for (unsigned i = 0; i < ARRAY_COUNT(target); i++) {
		pci_msi_enable(d, target[i], (u32)rnd(), true);
		if (d == &edu)
			w32(edu.bar[0] + EDU_RAISE, 1);
		for (u32 v = 0; v < 4; v++)
			pci_msix_enable(d, v, target[i], (u32)rnd());
	}
	if (d == &edu)
		w32(edu.bar[0] + EDU_ACK, ~0U);
}

ATTACK(pci_messages_to_everywhere, 0,
       "MSI and MSI-X addresses and data: RAM, other doorbells, SMMU, all ones",
       "address and event are Viaduct's, or SMMU and ITS confine them", "vpci/msi.c")
{
	both_devices(odd_messages);
}

ATTACK(pci_msix_table_of_every_width, 0,
       "the MSI-X table and what is behind it, at each width, aligned or not, all of it",
       "an entry is decoded by index; the table's bounds are the snapshot's", "vpci/msix.c")
{
	u64 table = nvme.cfg ? pci_msix_entry(&nvme, 0) : 0;

	if (!table)
		return;
	w16(nvme.cfg + COMMAND, 6);
	for (u64 off = 0; off < 0x1000; off += 1 + rnd_below(16)) {
		unsigned size = 1U << rnd_below(4);

		peek(table + off, size, NULL);
		poke(table + off, size, rnd_odd());
	}
}

static void flip_command(unsigned cpu)
{
	while (!stop_others)
		for (u16 v = 0; v < 8; v++) {
			poke(nvme.cfg + COMMAND, 2, v);
			peek(nvme.bar[0] + 8 * cpu, 4, NULL);
		}
}

ATTACK(pci_command_flips_on_all_vcpus, 0,
       "COMMAND changes on two vCPUs while the third one reads the BAR",
       "one lock a function; unmap, then decode off", "vpci/config.c")
{
	if (!nvme.cfg)
		return;
	start_on(1, flip_command);
	start_on(2, flip_command);
	for (unsigned i = 0; i < 500; i++) {
		peek(nvme.bar[0], 4, NULL);
		poke(nvme.bar[0] + 0x14, 4, 0);
	}
	end_on(1);
	end_on(2);
}

static void reset_often(unsigned cpu)
{
	u8 exp = pci_cap(&nvme, 0x10);

	while (exp && !stop_others) {
		w16(nvme.cfg + exp + 8, 0x8000);
		peek(nvme.cfg, 4, NULL);
	}
	(void)cpu;
}

ATTACK(pci_flr_on_two_vcpus, 0,
       "function-level resets from two vCPUs, with accesses to config space and BAR",
       "a device is in one state; one function changes it", "vpci/state.c")
{
	u8 exp = nvme.cfg ? pci_cap(&nvme, 0x10) : 0;

	if (!exp)
		return;
	start_on(1, reset_often);
	for (unsigned i = 0; i < 20; i++) {
		w16(nvme.cfg + exp + 8, 0x8000);
		peek(nvme.bar[0], 4, NULL);
		poke(nvme.cfg + COMMAND, 2, 6);
		peek(nvme.cfg + COMMAND, 2, NULL);
	}
	end_on(1);
	delay_ms(200);
}

ATTACK(pci_power_states_under_accesses, 0,
       "D3hot and D0 in turn while BAR, config space and messages are used", "D3hot unmaps BARs",
       "vpci/state.c")
{
	u8 pm = nvme.cfg ? pci_cap(&nvme, 1) : 0;

	if (!pm)
		return;
	for (unsigned i = 0; i < 50; i++) {
		poke(nvme.cfg + pm + 4, 2, i & 3);
		peek(nvme.bar[0], 4, NULL);
		poke(nvme.bar[0] + 0x14, 4, 0);
		poke(nvme.cfg + COMMAND, 2, 6);
	}
	w16(nvme.cfg + pm + 4, 0);
	delay_ms(20);
}

ATTACK(pci_bar_of_every_width, 0,
       "a BAR's pages: mapped, trapped and at their edges, at each width, and by atomics",
       "page truth: a page that is not the device's alone traps and is forwarded", "vpci/trap.c")
{
	if (!nvme.cfg)
		return;
	w16(nvme.cfg + COMMAND, 6);
	for (u64 off = 0; off < nvme.bar_size[0]; off += 1 + rnd_below(64)) {
		peek(nvme.bar[0] + off, 1U << rnd_below(4), NULL);
		if (off >= 0x2000)
			poke(nvme.bar[0] + off, 1U << rnd_below(4), rnd());
	}
}
