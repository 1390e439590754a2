/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Attacks by SYSTEM_RESET: each is called again in every life until it returns. shared->rounds
 * counts the resets.
 */
#include <libfdt.h>

#include "attack.h"

extern char image_end[], secondary_entry[];

/* Ends this life, unless there were `most` already: false. */
static bool again(u32 most)
{
	if (shared->rounds >= most)
		return false;
	shared->rounds++;
	dsb();
	return true;
}

static void reset(void)
{
	for (;;)
		psci(PSCI_SYSTEM_RESET, 0, 0, 0);
}

ATTACK(restart_loop, RESTARTS, "SYSTEM_RESET again and again",
       "a restart is a whole one, and holds up nobody else", "common/guest/life.c")
{
	if (again(8))
		reset();
}

ATTACK(memory_behind_the_tree, ONCE,
       "the guest reads what lies behind its device tree, up to 64 KiB",
       "the buffer that the tree is written in is cleared", "common/guest/guest_dt.c")
{
	const u8 *tree = machine.dtb;
	u32 size = fdt_totalsize(tree);

	for (u32 i = size; i < 0x10000; i++)
		if (tree[i]) {
			broke("byte 0x%x behind the tree is 0x%x", i - size, tree[i]);
			return;
		}
}

static void reset_on(unsigned cpu)
{
	(void)cpu;
	while (!stop_others)
		relax();
	reset();
}

ATTACK(restart_from_all_vcpus_at_once, RESTARTS, "SYSTEM_RESET from three vCPUs at the same time",
       "the first caller stops its peers", "common/guest/life.c")
{
	if (!again(4))
		return;
	start_on(1, reset_on);
	start_on(2, reset_on);
	delay_ms(5);
	stop_others = true;
	reset();
}

static void on_and_off(unsigned cpu)
{
	(void)cpu;
	for (;;)
		psci(PSCI_CPU_ON, machine.mpidr[2], (u64)secondary_entry, 2);
}

ATTACK(restart_while_vcpus_come_and_go, RESTARTS,
       "SYSTEM_RESET while another vCPU turns a third one on",
       "a vCPU's state changes by compare-exchange", "common/guest/life.c")
{
	if (!again(4))
		return;
	start_on(1, on_and_off);
	delay_ms(2);
	reset();
}

static void fault_for_ever(unsigned cpu)
{
	(void)cpu;
	sysreg_write(vbar_el1,
		     0x0f000000); /* the vectors are in a hole: each fault gives the next one */
	isb();
	(void)r32(0x0f000000);
	for (;;)
		;
}

ATTACK(restart_while_a_vcpu_faults_without_end, RESTARTS,
       "SYSTEM_RESET while another vCPU's vectors lie in a hole",
       "a vCPU is stopped at EL2 whatever it does at EL1", "common/guest/life.c")
{
	if (!again(3))
		return;
	start_on(1, fault_for_ever);
	delay_ms(5);
	reset();
}

ATTACK(restart_with_everything_pending, RESTARTS,
       "SYSTEM_RESET with interrupts pending and active in every list register",
       "restart clears what the guest owned", "common/guest/life.c")
{
	u32 iar;

	if (shared->rounds) {
		irq_off();
		iar = gic_ack();
		if ((iar & 0x3ff) < 1020)
			broke("interrupt %u of the life before", iar);
	}
	if (!again(3))
		return;
	for (u64 i = 4; i < 0x80; i += 4) {
		poke(machine.gicd + 0x100 + i, 4, ~0U);
		poke(machine.gicd + 0x200 + i, 4, ~0U);
	}
	for (u32 i = 0; i < 16; i++)
		gic_sgi(i, i % machine.cpus);
	(void)gic_ack();
	reset();
}

ATTACK(restart_with_lpis_in_flight, RESTARTS | NEED_ITS,
       "SYSTEM_RESET with LPIs mapped, pending and in list registers",
       "where an LPI is, is one value with one owner", "common/vgic/lpi.c")
{
	u32 device;
	u64 doorbell;

	if (shared->rounds && gic_ack() >= LPI_FIRST && gic_ack() != 1023)
		broke("an LPI of the life before");
	if (!nvme.cfg || !again(3))
		return;
	pci_msi_target(&nvme, &device, &doorbell);
	its_map_device(device, 32);
	for (u32 e = 0; e < 32; e++) {
		its_map_event(device, e, LPI_FIRST + 64 + e);
		its_int(device, e);
	}
	reset();
}

ATTACK(restart_with_dma_in_flight, RESTARTS,
       "SYSTEM_RESET while DMA to the next life's memory is on its way",
       "the bus master is off, and drained, before RAM is scrubbed", "common/guest/life.c")
{
	volatile u64 *p = (u64 *)attack_ram();

	if (shared->rounds) {
		delay_ms(300);
		for (unsigned i = 0; i < 512; i++)
			if (p[i])
				broke("%lx arrived in the next life", p[i]);
	}
	if (!edu.cfg || !again(3))
		return;
	edu_dma((u64)machine.dtb & ~UINT64_C(0xfff), 4096, false);
	w64(edu.bar[0] + EDU_SRC, EDU_BUFFER);
	w64(edu.bar[0] + EDU_DST, (u64)p);
	w64(edu.bar[0] + EDU_COUNT, 4096);
	w64(edu.bar[0] + EDU_COMMAND, 3);
	reset();
}

ATTACK(restart_with_bars_in_the_way, RESTARTS,
       "SYSTEM_RESET with BARs moved, COMMAND on, in D3hot, FLR under way",
       "devices are reset, and their places forgotten", "common/guest/life.c")
{
	u8 pm, exp;

	if (!nvme.cfg || !again(3))
		return;
	w32(nvme.cfg + 0x10, (u32)machine.mem32_pci + 0x2000000);
	w32(nvme.cfg + 0x14, 0);
	w16(nvme.cfg + 4, 6);
	pm = pci_cap(&nvme, 1);
	exp = pci_cap(&nvme, 0x10);
	if (exp && shared->rounds == 2)
		w16(nvme.cfg + exp + 8, 0x8000);
	else if (pm)
		w16(nvme.cfg + pm + 4, 3);
	reset();
}

ATTACK(restart_finds_old_memory, RESTARTS, "the next life looks for what the last one left in RAM",
       "RAM is scrubbed before every start", "common/guest/load.c")
{
	volatile u64 *p = (u64 *)attack_ram();
	u64 n = attack_ram_size() / 8;

	for (u64 i = 0; shared->rounds && i < n; i += 64)
		if (p[i]) {
			broke("%lx at %lx", p[i], (u64)&p[i]);
			break;
		}
	if (!again(2))
		return;
	for (u64 i = 0; i < n; i += 64)
		p[i] = 0x5ec2e7;
	reset();
}

#define VECTOR(n)                                                                                  \
	({                                                                                         \
		u64 v_;                                                                            \
		__asm__ volatile("mov %0, v" #n ".d[0]" : "=r"(v_));                               \
		v_;                                                                                \
	})

ATTACK(restart_finds_old_registers, RESTARTS,
       "the next life reads SIMD registers, FPCR, thread registers, debug and PMU registers",
       "one table of EL1 state, set on every entry", "arch/arm64/vcpu.c")
{
	if (shared->rounds) {
		if (VECTOR(17) == 0x5ec2e7 || VECTOR(31) == 0x5ec2e7)
			broke("V17 %lx, V31 %lx", VECTOR(17), VECTOR(31));
		if (sysreg_read(tpidrro_el0) == 0x5ec2e7 || sysreg_read(tpidr_el0) == 0x5ec2e7 ||
		    sysreg_read(far_el1) == 0x5ec2e7 || sysreg_read(par_el1) == 0x5ec2e700)
			broke("tpidr %lx, far %lx", sysreg_read(tpidr_el0), sysreg_read(far_el1));
		if (sysreg_read(dbgbvr0_el1) == 0x5ec000 || sysreg_read(mdscr_el1) & BIT(15))
			broke("dbgbvr0 %lx", sysreg_read(dbgbvr0_el1));
		if (sysreg_read(fpcr) & BIT(24))
			broke("fpcr %lx", sysreg_read(fpcr));
	}
	if (!again(2))
		return;
	__asm__ volatile("mov v17.d[0], %0\n\tmov v31.d[0], %0" : : "r"((u64)0x5ec2e7));
	sysreg_write(tpidrro_el0, 0x5ec2e7);
	sysreg_write(tpidr_el0, 0x5ec2e7);
	sysreg_write(far_el1, 0x5ec2e7);
	sysreg_write(dbgbvr0_el1, 0x5ec000);
	sysreg_write(fpcr, BIT(24));
	reset();
}

static u64 mix(u64 z) /* splitmix64's output function */
{
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

static u64 unshift(u64 z, unsigned by)
{
	u64 x = z;

	for (unsigned i = by; i < 64; i += by)
		x = z ^ x >> by;
	return x;
}

static u64 unmix(u64 z)
{
	z = unshift(z, 31) * UINT64_C(0x319642b2d24d8ec3);
	z = unshift(z, 27) * UINT64_C(0x96de1b173f119089);
	return unshift(z, 30);
}

#define STEP UINT64_C(0x9e3779b97f4a7c15)

static void is_secret(u64 guess)
{
	for (unsigned k = 0; k < 2; k++)
		if (shared->seed[0][k] && guess == shared->seed[0][k])
			broke("the neighbour's seed %lx", guess);
}

/* The neighbours of a seed in a chain of splitmix64, and those of the generators beside its own. */
static void guess_from(u64 seed)
{
	u64 state = unmix(seed), parent = unmix(state - STEP);

	for (u64 n = 0; n < 32; n++) {
		u64 before = mix(parent - n * STEP), behind = mix(parent + n * STEP);

		is_secret(mix(state + n * STEP));
		is_secret(mix(state - n * STEP));
		for (u64 k = 1; k < 3; k++) {
			is_secret(mix(before + k * STEP));
			is_secret(mix(behind + k * STEP));
		}
	}
}

ATTACK(restart_seeds_tell_of_others, RESTARTS,
       "its kaslr-seed tells the neighbour's seeds, and those of its next life",
       "seeds are made by a one-way function, with a label for each use", "common/guest/build.c")
{
	for (unsigned of = 0; of < 2; of++) {
		if (!shared->seed[1][of])
			continue;
		guess_from(shared->seed[1][of]);
		is_secret(shared->seed[1][of]);
	}
	if (again(1)) {
		shared->scratch[0] = shared->seed[1][0];
		reset();
	}
	seed_publish(shared, 1);
	if (shared->seed[1][0] && shared->seed[1][0] == shared->scratch[0])
		broke("the seed of the next life is the same");
}
