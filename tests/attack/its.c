/* SPDX-License-Identifier: Apache-2.0 */
/* Attacks by commands and registers of the virtual ITS (IHI 0069 §5.3, §12.19). */
#include "attack.h"

#define CTLR       0x0000
#define TYPER      0x0008
#define CBASER     0x0080
#define CWRITER    0x0088
#define CREADR     0x0090
#define BASER      0x0100
#define TRANSLATER 0x10040
#define VALID      BIT(63)

#define MOVI    0x01
#define INT     0x03
#define CLEAR   0x04
#define SYNC    0x05
#define MAPD    0x08
#define MAPC    0x09
#define MAPTI   0x0a
#define MAPI    0x0b
#define INV     0x0c
#define INVALL  0x0d
#define MOVALL  0x0e
#define DISCARD 0x0f

#define LPI(n) (LPI_FIRST + 64 + (u64)(n))

static u32 device; /* DeviceID of its NVMe controller, which has many events */

static u64 rdbase(u64 cpu)
{
	return cpu << 16;
}

/* Any vCPU may write any redistributor: LPIs are on for the others before they run. */
static void other_lpis_on(void)
{
	u64 own = gic_redist();

	for (u64 cpu = 1; cpu < machine.cpus; cpu++) {
		u64 r = machine.gicr + cpu * 0x20000;

		w64(r + 0x70, r64(own + 0x70));
		w64(r + 0x78,
		    (attack_ram() + 0x200000 + cpu * 0x10000) | BIT(62) | 7 << 7 | BIT(10));
		w32(r, 1);
	}
}

static void ready(void)
{
	u64 doorbell;
	const u64 cmds[][4] = { { MAPC, 0, VALID | rdbase(0) | 0 },
				{ MAPC, 0, VALID | rdbase(1) | 1 } };

	pci_msi_target(nvme.cfg ? &nvme : &edu, &device, &doorbell);
	its_again();
	other_lpis_on();
	its_map_device(device, 32);
	its_commands(cmds, machine.cpus > 1 ? 2 : 1);
	for (u32 i = 0; i < 32; i++)
		lpi_property((u32)LPI(i), 0xa1);
}

#define DEV(op)          ((op) | (u64)device << 32)
#define MAP(ev, n, icid) { DEV(MAPTI), (ev) | LPI(n) << 32, (icid) }
#define CMDS(...)                                                                                  \
	do {                                                                                       \
		const u64 cmds_[][4] = { __VA_ARGS__ };                                            \
		its_commands(cmds_, ARRAY_COUNT(cmds_));                                           \
	} while (0)

static void take_some(unsigned cpu)
{
	gic_cpu_init();
	gic_lpis_on();
	while (!stop_others) {
		u32 iar = gic_ack();

		if (iar != 1023)
			gic_end(iar);
	}
	(void)cpu;
}

static void take_all(void)
{
	for (unsigned n = 0; n < 64; n++) {
		u32 iar = gic_ack();

		if (iar == 1023)
			return;
		if (iar >= LPI_FIRST + 96)
			broke("LPI %u was never mapped", iar);
		gic_end(iar);
	}
}

ATTACK(its_lpi_moved_then_discarded, NEED_ITS,
       "an LPI in a list register is moved to a vCPU that is off, discarded, mapped, discarded",
       "where an LPI is, is one value with one owner", "common/vgic/lpi.c")
{
	ready();
	CMDS(MAP(0, 0, 0), { DEV(INT), 0 });
	CMDS({ DEV(MOVI), 0, 1 }, { DEV(DISCARD), 0 });
	CMDS(MAP(0, 0, 0), { DEV(DISCARD), 0 });
	start_on(1, take_some);
	take_all();
	end_on(1);
}

ATTACK(its_int_again_then_discard, NEED_ITS,
       "INT while the same LPI is in a list register, then DISCARD",
       "where an LPI is, is one value with one owner", "common/vgic/lpi.c")
{
	ready();
	CMDS(MAP(1, 1, 0), { DEV(INT), 1 });
	CMDS({ DEV(INT), 1 }, { DEV(DISCARD), 1 });
	CMDS(MAP(1, 1, 1), { DEV(INT), 1 }, { DEV(MOVI), 1, 0 });
	take_all();
}

ATTACK(its_device_unmapped_while_pending, NEED_ITS,
       "MAPD with V=0 while LPIs of the device are pending and in list registers",
       "unmapping takes each LPI out of where it is", "common/vgic/vits_cmd.c")
{
	ready();
	for (u64 i = 0; i < 32; i++)
		CMDS(MAP(i, i, i & 1), { DEV(INT), i });
	CMDS({ DEV(MAPD), 4, 0 });
	take_all();
	CMDS({ DEV(MAPD), 4, VALID | attack_ram() });
}

ATTACK(its_two_events_one_lpi, NEED_ITS,
       "several events are mapped to one LPI, and each is raised, moved, discarded",
       "an LPI has one mapping", "common/vgic/vits_cmd.c")
{
	ready();
	for (u64 i = 0; i < 8; i++)
		CMDS(MAP(i, 3, i & 1), { DEV(INT), i });
	for (u64 i = 0; i < 8; i++)
		CMDS({ DEV(MOVI), i, ~i & 1 }, { DEV(DISCARD), i });
	take_all();
}

ATTACK(its_collection_unmapped_while_pending, NEED_ITS,
       "MAPC with V=0, and to another vCPU, under pending LPIs",
       "a collection is looked up when it is used", "common/vgic/vits_cmd.c")
{
	ready();
	for (u64 i = 0; i < 16; i++)
		CMDS(MAP(i, i, i & 1), { DEV(INT), i });
	CMDS({ MAPC, 0, 1 }, { MAPC, 0, VALID | rdbase(1) | 0 }, { MAPC, 0, 0 }, { DEV(INT), 3 },
	     { MAPC, 0, VALID | rdbase(0) | 1 }, { DEV(MOVI), 3, 1 });
	take_all();
}

ATTACK(its_movall_between_running_vcpus, NEED_ITS,
       "MAPC and MOVALL back and forth while both vCPUs take LPIs",
       "an LPI changes its vCPU under one lock", "common/vgic/vits_cmd.c")
{
	ready();
	start_on(1, take_some);
	for (u64 r = 0; r < 20; r++) {
		for (u64 i = 0; i < 16; i++)
			CMDS(MAP(i, i, i & 1), { DEV(INT), i });
		CMDS({ MOVALL, 0, rdbase(r & 1), rdbase(~r & 1) },
		     { MOVALL, 0, rdbase(7), rdbase(0) });
		take_all();
	}
	end_on(1);
}

ATTACK(its_vcpu_off_with_lpis, NEED_ITS,
       "CPU_OFF and CPU_ON of a vCPU while LPIs are pending on it and move",
       "LPIs of a vCPU that is off are queued", "common/vgic/lpi.c")
{
	static const u64 order[] = { INT, MOVI, DISCARD };

	ready();
	for (u64 i = 0; i < 24; i++)
		CMDS(MAP(i, i, 1), { DEV(INT), i });
	for (u64 i = 0; i < 24; i++)
		CMDS({ DEV(order[i % 3]), i, 0 });
	start_on(1, take_some);
	for (u64 i = 0; i < 24; i++)
		CMDS(MAP(i, i, 0), { DEV(INT), i }, { DEV(MOVI), i, 1 });
	end_on(1);
	take_all();
}

ATTACK(its_every_command_out_of_order, NEED_ITS,
       "each pair of commands on one event, mapped or not, in each order",
       "each command checks the state that it needs", "common/vgic/vits_cmd.c")
{
	static const u8 ops[] = { MOVI, INT, CLEAR,  MAPD,   MAPC,   MAPTI,
				  MAPI, INV, INVALL, MOVALL, DISCARD };

	ready();
	for (unsigned a = 0; a < ARRAY_COUNT(ops); a++)
		for (unsigned b = 0; b < ARRAY_COUNT(ops); b++)
			CMDS({ DEV(ops[a]), 5 | LPI(5) << 32, VALID | 1 },
			     { DEV(ops[b]), 5 | LPI(5) << 32, a & 1 }, { DEV(INT), 5 });
	take_all();
}

static u64 random_event(void)
{
	return rnd_below(8);
}

static void random_batch(void)
{
	static const u8 ops[] = { MOVI,  MOVI, INT, INT,    INT,    CLEAR,   MAPC, MAPTI,
				  MAPTI, MAPI, INV, INVALL, MOVALL, DISCARD, MAPD };
	u64 cmds[32][4];

	for (unsigned i = 0; i < 32; i++) {
		u64 op = ops[rnd_below(ARRAY_COUNT(ops))], e = random_event();

		cmds[i][0] = DEV(op);
		cmds[i][1] = e | LPI(rnd_below(8)) << 32;
		cmds[i][2] = rnd_below(2);
		cmds[i][3] = rdbase(rnd_below(2));
		if (op == MAPC)
			cmds[i][2] |= rdbase(rnd_below(3)) | (rnd_below(4) ? VALID : 0);
		if (op == MOVALL)
			cmds[i][2] = rdbase(rnd_below(2));
		if (op == MAPD) {
			cmds[i][1] = 4;
			cmds[i][2] = VALID | attack_ram();
		}
	}
	its_commands(cmds, 32);
}

ATTACK(its_random_commands, NEED_ITS, "random commands over two vCPUs, a few events and LPIs",
       "where an LPI is, is one value with one owner", "common/vgic/lpi.c")
{
	ready();
	start_on(1, take_some);
	for (unsigned i = 0; i < 50; i++) {
		random_batch();
		if (rnd_below(3))
			take_all();
	}
	end_on(1);
}

static void take_it(u32 intid)
{
	(void)intid;
}

ATTACK(its_int_storm_to_itself, NEED_ITS,
       "INT of 32 events without end, with interrupts on, by two vCPUs that take them",
       "an LPI is pending once, whoever raises it", "common/vgic/lpi.c")
{
	u64 cmds[32][4];

	ready();
	gic_enable((u32)LPI(0), take_it); /* one handler for all LPIs */
	for (u64 i = 0; i < 32; i++) {
		CMDS(MAP(i, i, i & 1));
		cmds[i][0] = DEV(INT);
		cmds[i][1] = i;
		cmds[i][2] = cmds[i][3] = 0;
	}
	start_on(1, take_some);
	irq_on();
	for (unsigned round = 0; round < 40; round++)
		its_commands(cmds, 32);
	irq_off();
	end_on(1);
	take_all();
}

static void ring(unsigned cpu)
{
	while (!stop_others) {
		w64(machine.its + CWRITER, (u64)cpu * 32);
		(void)r64(machine.its + CREADR);
		w64(machine.its + CWRITER, 4064);
		w32(machine.its + CTLR, 1);
	}
}

ATTACK(its_rung_by_several_vcpus, NEED_ITS, "two vCPUs write CWRITER and CTLR at the same time",
       "one vCPU at a time works on the queue", "common/vgic/vits.c")
{
	ready();
	start_on(1, ring);
	for (unsigned i = 0; i < 20; i++)
		random_batch();
	end_on(1);
}

static void set_queue(u64 cbaser)
{
	w32(machine.its + CTLR, 0);
	w64(machine.its + CBASER, cbaser);
	w64(machine.its + CWRITER, 0);
	w32(machine.its + CTLR, 1);
	w64(machine.its + CWRITER, 0x1000 - 32);
	w64(machine.its + CWRITER, ~UINT64_C(0));
	(void)r64(machine.its + CREADR);
}

ATTACK(its_queue_outside_ram, NEED_ITS,
       "the command queue is in holes, devices, Viaduct's and the neighbour's addresses",
       "commands are read through the guest's own map", "common/vgic/vits.c")
{
	const u64 bases[] = { 0,
			      0x8000000,
			      0x9000000,
			      machine.its,
			      machine.gicd,
			      0xfffffffff000,
			      0x4010000000,
			      machine.ram_base + machine.ram_size,
			      machine.ram_base - 0x1000 };

	for (unsigned i = 0; i < ARRAY_COUNT(bases); i++)
		set_queue(VALID | (bases[i] & ~UINT64_C(0xfff)) | (rnd() & 0xff));
}

ATTACK(its_queue_across_the_end_of_ram, NEED_ITS,
       "the command queue begins in RAM and ends behind it",
       "each command is read through the guest's own map", "common/vgic/vits.c")
{
	set_queue(VALID | (machine.ram_base + machine.ram_size - 0x1000) | 0xff);
	w64(machine.its + CWRITER, 0xfffe0);
}

ATTACK(its_tables_everywhere, NEED_ITS,
       "BASER points to holes and devices, of any size, flat and indirect",
       "Viaduct's tables are its own; BASER is only kept", "common/vgic/vits.c")
{
	for (unsigned i = 0; i < 64; i++) {
		w32(machine.its + CTLR, rnd() & 1);
		poke(machine.its + BASER + 8 * rnd_below(8), 8, VALID | rnd_odd());
	}
	ready();
	CMDS(MAP(2, 2, 0), { DEV(INT), 2 });
}

static void rewrite(unsigned cpu)
{
	u64 at = attack_ram();

	(void)cpu;
	while (!stop_others)
		for (u64 i = 0; i < 4096; i += 8)
			*(volatile u64 *)(at + i) ^= 0x0000ffff0000000f;
}

ATTACK(its_queue_rewritten_while_read, NEED_ITS,
       "another vCPU changes the commands while they are read",
       "a command is copied once, then decided on", "common/vgic/vits.c")
{
	ready();
	w32(machine.its + CTLR, 0);
	w64(machine.its + CBASER, VALID | attack_ram());
	w64(machine.its + CWRITER, 0);
	w32(machine.its + CTLR, 1);
	for (u64 i = 0; i < 4096; i += 32) {
		w64(attack_ram() + i, DEV(MAPTI));
		w64(attack_ram() + i + 8, 1 | LPI(1) << 32);
	}
	start_on(1, rewrite);
	for (u64 i = 0; i < 512; i++)
		w64(machine.its + CWRITER, i * 32 & 0xfff);
	end_on(1);
}

ATTACK(its_registers_of_every_width, NEED_ITS,
       "each register of both frames is read and written at each width",
       "a table of registers; absent is RAZ/WI", "common/vgic/vits.c")
{
	for (u64 i = 0; i < 4000; i++) {
		u64 at = machine.its + (i < 2048 ? i : rnd_below(0x20000));
		unsigned size = 1U << rnd_below(4);

		peek(at & ~(u64)(size - 1), size, NULL);
		poke(at & ~(u64)(size - 1), size, rnd_odd());
	}
}

ATTACK(its_devices_of_others, NEED_ITS, "commands for every DeviceID but its own",
       "a DeviceID is looked up among the guest's own", "common/vgic/vits_cmd.c")
{
	ready();
	for (u64 dev = 0; dev < 300; dev++) {
		u64 d = dev < 256 ? dev : rnd();

		if (d == device)
			continue;
		CMDS({ MAPD | d << 32, 4, VALID | attack_ram() },
		     { MAPTI | d << 32, LPI(9) << 32, 0 }, { INT | d << 32, 0 },
		     { MAPD | d << 32, 4, 0 });
	}
	take_all();
}

ATTACK(its_numbers_beyond_every_bound, NEED_ITS,
       "events, LPIs, collections, sizes and vCPUs beyond what there is",
       "every number is checked, and masked against speculation", "common/vgic/vits_cmd.c")
{
	ready();
	for (unsigned i = 0; i < 200; i++)
		CMDS({ DEV(MAPTI), (u32)rnd_odd() | rnd_odd() << 32, rnd_odd() & 0xffff },
		     { DEV(INT), (u32)rnd_odd() }, { MAPC, 0, VALID | rnd_odd() },
		     { DEV(MAPI), (u32)rnd_odd(), rnd_odd() }, { DEV(MOVI), rnd_odd(), rnd_odd() });
	for (u64 cpu = machine.cpus; cpu < 256; cpu++)
		CMDS({ MAPC, 0, VALID | rdbase(cpu) | 3 }, MAP(6, 6, 3), { DEV(INT), 6 });
	CMDS({ DEV(MAPD), 31, VALID | attack_ram() });
	take_all();
}

ATTACK(its_commands_of_gicv4_and_unknown_ones, NEED_ITS,
       "all 256 command numbers with all ones and zero", "a table of commands; others are errors",
       "common/vgic/vits_cmd.c")
{
	ready();
	for (u64 op = 0; op < 256; op++)
		CMDS({ DEV(op), ~UINT64_C(0), ~UINT64_C(0), ~UINT64_C(0) }, { DEV(op), 0, 0, 0 });
	take_all();
}

ATTACK(its_doorbell_by_cpu, NEED_ITS,
       "the vCPU writes the doorbell, at each width, with each event",
       "a doorbell is for devices; a vCPU's write is ignored", "common/vgic/vits.c")
{
	ready();
	CMDS(MAP(0, 0, 0));
	for (u64 e = 0; e < 64; e++)
		for (unsigned size = 1; size <= 8; size *= 2)
			poke(machine.its + (TRANSLATER & ~(u64)(size - 1)), size, e);
	if (gic_ack() != 1023)
		broke("an interrupt by a vCPU's write");
}

ATTACK(lpi_tables_everywhere, NEED_ITS,
       "PROPBASER and PENDBASER in holes, devices and others' RAM; LPIs on and off",
       "LPI tables are read through the guest's own map", "common/vgic/redist.c")
{
	u64 r = gic_redist();

	ready();
	CMDS(MAP(0, 0, 0), MAP(1, 1, 0), { DEV(INT), 0 });
	for (unsigned i = 0; i < 50; i++) {
		poke(r + 0x70, 8, rnd_odd());
		poke(r + 0x78, 8, rnd_odd());
		poke(r, 4, i & 1);
		CMDS({ INVALL, 0, 0 }, { DEV(INV), 0 }, { DEV(INT), 1 });
	}
}

static void flip_properties(unsigned cpu)
{
	(void)cpu;
	while (!stop_others)
		for (u32 i = 0; i < 8; i++)
			lpi_property((u32)LPI(i), (u8)(0xa0 ^ i << 4 ^ (counter() & 1)));
}

ATTACK(lpi_properties_flip_under_inv, NEED_ITS,
       "another vCPU changes LPI properties while INV and INT run",
       "a property is read once at INV", "common/vgic/lpi.c")
{
	ready();
	start_on(1, flip_properties);
	for (unsigned i = 0; i < 100; i++)
		CMDS(MAP(i & 7, i & 7, 0), { DEV(INV), i & 7 }, { DEV(INT), i & 7 },
		     { INVALL, 0, 0 });
	end_on(1);
	take_all();
}

ATTACK(its_longest_queue, NEED_ITS, "a queue of 1 MiB, full of the command that takes longest",
       "a trap does a bounded batch", "common/vgic/vits.c")
{
	u64 at = attack_ram(), end;

	ready();
	for (u64 i = 0; i < 0x100000; i += 32) {
		w64(at + i, INVALL);
		w64(at + i + 16, 0);
	}
	w32(machine.its + CTLR, 0);
	w64(machine.its + CBASER, VALID | at | 0xff);
	w64(machine.its + CWRITER, 0);
	w32(machine.its + CTLR, 1);
	w64(machine.its + CWRITER, 0x100000 - 32);
	for (end = counter() + counter_hz();
	     counter() < end && r64(machine.its + CREADR) != 0x100000 - 32;)
		relax();
}
