/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Guest-level fuzzing: all vCPUs do random steps over GIC, ITS, configuration space, BARs, devices,
 * PSCI and restarts. fuzz.steps=N steps of vCPU 0 in all, over all lives. What each vCPU does
 * follows from seed=N, its number and the life. Memory that the payload runs from is no target.
 */
#include "attack.h"

#define STEPS_DONE shared->scratch[7]

extern char secondary_entry[];

static u64 state[RT_MAX_CPUS];

static u64 next(unsigned cpu)
{
	return rnd_step(&state[cpu]);
}

static u64 below(unsigned cpu, u64 n)
{
	return (next(cpu) >> 11) % n;
}

static u64 odd(unsigned cpu)
{
	u64 r = next(cpu), value;

	if (rnd_is_odd(r, &value))
		return value;
	return r & 0xffff ? r : r >> 16;
}

/* Nowhere, or in RAM that the payload does not use. */
static u64 target(unsigned cpu)
{
	static const u64 nowhere[] = { 0,          0x08080000, 0x08090040,
				       0x09050000, 0x0f000000, UINT64_C(0x300000000) };
	u64 n = below(cpu, 12);

	if (n < ARRAY_COUNT(nowhere))
		return nowhere[n];
	return attack_ram() + (below(cpu, attack_ram_size() - 0x10000) & ~UINT64_C(0xfff));
}

static void access(unsigned cpu, u64 base, u64 size)
{
	unsigned width = 1U << below(cpu, 4);
	u64 at = base + (below(cpu, size) & ~(u64)(width - 1));

	if (below(cpu, 2))
		peek(at, width, NULL);
	else
		poke(at, width, odd(cpu));
}

static void step_gic(unsigned cpu)
{
	switch (below(cpu, 8)) {
	case 0:
		access(cpu, machine.gicd, 0x1000);
		break;
	case 1:
		access(cpu, machine.gicd + (machine.gicc ? 0 : 0x6000), 0x400);
		break;
	case 2:
		if (machine.gicc)
			access(cpu, machine.gicc, 0x100);
		else
			access(cpu, machine.gicr + below(cpu, machine.cpus) * 0x20000, 0x20000);
		break;
	case 3:
	case 4:
		gic_sgi((u32)below(cpu, 16), (unsigned)below(cpu, machine.cpus));
		break;
	case 5:
		gic_end(gic_ack());
		break;
	case 6:
		gic_deactivate((u32)below(cpu, 1024));
		break;
	default:
		gic_split(below(cpu, 2));
	}
}

static void its_put(unsigned cpu, u64 at)
{
	static const u8 ops[] = { 1, 3, 3, 4, 5, 8, 9, 9, 10, 10, 10, 11, 12, 13, 14, 15 };
	u64 op = ops[below(cpu, ARRAY_COUNT(ops))], device = nvme.cfg ? nvme.devfn : edu.devfn;

	w64(at, op | (below(cpu, 16) ? device : next(cpu) & 0xff) << 32);
	w64(at + 8, op == 8 ? 4 : below(cpu, 8) | (LPI_FIRST + 64 + below(cpu, 8)) << 32);
	w64(at + 16, (below(cpu, 4) ? BIT(63) : 0) | below(cpu, 3) << 16 | below(cpu, 2));
	w64(at + 24, below(cpu, 3) << 16);
}

/* The queue of the attack is 4 KiB; whoever comes writes into it. */
static void step_its(unsigned cpu)
{
	u64 queue = attack_ram() + attack_ram_size() - 0x1000;

	if (!machine.its)
		return;
	switch (below(cpu, 8)) {
	case 0:
		w32(machine.its, 0);
		w64(machine.its + 0x80, BIT(63) | queue);
		w64(machine.its + 0x88, 0);
		w32(machine.its, 1);
		break;
	case 1:
		access(cpu, machine.its, 0x200);
		break;
	case 2:
		access(cpu, machine.its + 0x10000, 0x1000);
		break;
	default:
		for (u64 i = 0; i < 8; i++)
			its_put(cpu, queue + below(cpu, 128) * 32);
		w64(machine.its + 0x88, below(cpu, 128) * 32);
	}
}

static void step_pci(unsigned cpu)
{
	const struct pci_dev *d = below(cpu, 2) || !edu.cfg ? &nvme : &edu;
	u8 cap;

	if (!d->cfg)
		return;
	switch (below(cpu, 8)) {
	case 0:
		access(cpu, d->cfg, 0x100);
		break;
	case 1:
		access(cpu, d->cfg, 0x1000);
		break;
	case 2:
		poke(d->cfg + 4, 2, next(cpu) & 0x407);
		break;
	case 3:
		poke(d->cfg + 0x10, 4, machine.mem32_pci + (below(cpu, 8) << 20));
		poke(d->cfg + 0x14, 4,
		     below(cpu, 2) ? 0 : (machine.mem64_pci >> 32) + below(cpu, 3));
		break;
	case 4:
		peek(machine.mem32_cpu + (below(cpu, 8) << 20) +
			     (below(cpu, 0x4000) & ~UINT64_C(7)),
		     8, NULL);
		break;
	case 5:
		if (nvme.cfg)
			access(cpu, nvme.bar[0] + (below(cpu, 3) << 32), 0x4000);
		break;
	case 6:
		cap = pci_cap(d, (u8)(below(cpu, 2) ? 1 : 0x10));
		if (cap)
			poke(d->cfg + cap + (below(cpu, 2) ? 4 : 8), 2, next(cpu) & 0x8103);
		break;
	default:
		pci_msi_enable(d, odd(cpu), (u32)odd(cpu), below(cpu, 2));
	}
}

/* QEMU ends when edu's engine gets an address outside its buffer: one vCPU alone programs it. */
static void step_device(unsigned cpu)
{
	u64 r = edu.bar[0], n = nvme.bar[0];

	if (!cpu && edu.cfg) {
		bool to_ram = below(cpu, 2);

		poke(r + EDU_SRC, 8, to_ram ? EDU_BUFFER : target(cpu));
		poke(r + EDU_DST, 8, to_ram ? target(cpu) : EDU_BUFFER);
		poke(r + EDU_COUNT, 8, below(cpu, 4096));
		poke(r + EDU_COMMAND, 8, 1 | (to_ram ? 2 : 0) | (next(cpu) & 4));
		poke(r + EDU_RAISE, 4, next(cpu));
		poke(r + EDU_ACK, 4, next(cpu));
	} else if (nvme.cfg) {
		poke(n + 0x14, 4, 0);
		poke(n + 0x24, 4, 0x00010001);
		poke(n + 0x28, 8, target(cpu));
		poke(n + 0x30, 8, target(cpu));
		poke(n + 0x14, 4, 0x00460001);
		poke(n + 0x1000, 4, 1);
	}
}

static void step_firmware(unsigned cpu)
{
	unsigned other = (unsigned)below(cpu, machine.cpus);

	switch (below(cpu, 8)) {
	case 0:
	case 1:
		if (other)
			psci(PSCI_CPU_ON, machine.mpidr[other], (u64)secondary_entry, other);
		break;
	case 2:
		if (cpu)
			psci(PSCI_CPU_OFF, 0, 0,
			     0); /* who is turned on again goes on with its job */
		break;
	case 3:
		psci(PSCI_AFFINITY_INFO, below(cpu, 2) ? machine.mpidr[other] : odd(cpu),
		     below(cpu, 3), 0);
		break;
	case 4:
		psci(PSCI_CPU_ON, odd(cpu) | BIT(20), odd(cpu), 0);
		break;
	case 5:
		hvc(0x80000000 | (next(cpu) & 0x7f00ffff) | BIT(16), odd(cpu), odd(cpu), odd(cpu));
		break;
	default:
		smc(0x80000000 | (next(cpu) & 0x7f00ffff) | BIT(16), odd(cpu), odd(cpu), odd(cpu));
	}
}

static void step_other(unsigned cpu)
{
	switch (below(cpu, 4)) {
	case 0:
		access(cpu, machine.uart + 0x18, 0x1000 - 0x18);
		break;
	case 1:
		__asm__ volatile("tlbi vmalle1is\n\tdsb ish\n\tisb" : : : "memory");
		break;
	case 2:
		sysreg_write(cntv_cval_el0, counter() + below(cpu, 100000));
		sysreg_write(cntv_ctl_el0, next(cpu) & 3);
		break;
	default:
		peek(below(cpu, BIT(36)) & ~UINT64_C(7), 8, NULL);
	}
}

static void step(unsigned cpu)
{
	static void (*const steps[])(unsigned cpu) = { step_gic,      step_gic, step_its,
						       step_its,      step_its, step_pci,
						       step_pci,      step_pci, step_device,
						       step_firmware, step_gic, step_other };

	steps[below(cpu, ARRAY_COUNT(steps))](cpu);
}

static void seed_steps(unsigned cpu)
{
	state[cpu] = (arg_number("seed", 1) * 0x9e3779b97f4a7c15 + shared->rounds * 0x1000193 +
		      cpu * 0x10001) |
		     1;
	for (unsigned i = 0; i < 8; i++)
		next(cpu);
}

static void fuzz_other(unsigned cpu)
{
	if (!state[cpu])
		seed_steps(cpu);
	while (!stop_others)
		step(cpu);
}

ATTACK(fuzz_everything, RESTARTS,
       "random steps of all vCPUs over GIC, ITS, PCI, devices, PSCI and restarts",
       "all of it together", "everywhere")
{
	u64 most = arg_number("fuzz.steps", 3000), each = arg_number("fuzz.life", 1500);

	if (!shared->rounds)
		STEPS_DONE = 0;
	seed_steps(0);
	for (unsigned cpu = 1; cpu < machine.cpus; cpu++)
		start_on(cpu, fuzz_other);
	for (u64 n = 0; STEPS_DONE < most; n++) {
		if (n == each) {
			shared->rounds++;
			dsb();
			psci(PSCI_SYSTEM_RESET, 0, 0, 0);
		}
		step(0);
		STEPS_DONE++;
	}
	stop_others = true;
	for (unsigned cpu = 1; cpu < machine.cpus; cpu++) /* one that went off still has its job */
		psci(PSCI_CPU_ON, machine.mpidr[cpu], (u64)secondary_entry, cpu);
}
