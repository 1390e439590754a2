/* SPDX-License-Identifier: Apache-2.0 */
/* Attacks by HVC and SMC: SMCCC (DEN 0028) and PSCI (DEN 0022). */
#include "attack.h"

#define NOT_SUPPORTED (-1)
#define SYSTEM_RESET2 UINT64_C(0x84000012)

extern char secondary_entry[];

/* What would end this life of the attacker, at the wrong moment. */
static bool is_final(u64 fn)
{
	switch ((u32)fn & ~0x40000000U) {
	case 0x84000001: /* CPU_SUSPEND: may wait for ever, as WFI */
	case 0x84000002: /* CPU_OFF */
	case 0x84000008: /* SYSTEM_OFF, SYSTEM_RESET, SYSTEM_RESET2, SYSTEM_SUSPEND */
	case 0x84000009:
	case 0x8400000c:
	case 0x8400000e:
	case 0x84000012:
		return true;
	default:
		return false;
	}
}

static void every_function(int64_t (*call)(u64, u64, u64, u64))
{
	for (u64 owner = 0; owner < 64; owner++)
		for (u64 kind = 0; kind < 4; kind++) /* fast or yielding, 32 or 64 bits */
			for (u64 n = 0; n < 40; n++) {
				u64 fn = kind << 30 | owner << 24 | (n < 32 ? n : rnd() & 0xffff);

				if (!is_final(fn))
					call(fn, rnd_odd(), rnd_odd(), rnd_odd());
			}
}

ATTACK(smc_every_function, 0, "SMC of every owner, kind and function number, with odd arguments",
       "a table of functions; the firmware sees only what it allows", "common/vm/psci.c")
{
	every_function(smc);
}

ATTACK(hvc_every_function, 0, "HVC of every owner, kind and function number, with odd arguments",
       "a table of functions", "common/vm/psci.c")
{
	every_function(hvc);
}

static u32 code[4] __attribute__((aligned(64)));

ATTACK(hvc_and_smc_every_immediate, 0, "HVC and SMC with 16-bit immediates other than zero",
       "only immediate 0 is a call", "arch/arm64/trap.c")
{
	for (u32 i = 1; i < 0x10000; i += 1 + (u32)rnd_below(500))
		for (u32 kind = 2; kind < 4; kind++) {
			register u64 x0 __asm__("x0") = 0x84000000;

			code[0] = 0xd4000000 | i << 5 | kind;
			code[1] = 0xd65f03c0;
			__asm__ volatile("dc cvau, %0\n\tdsb ish\n\tic ivau, %0\n\tdsb ish\n\tisb"
					 :
					 : "r"(code)
					 : "memory");
			__asm__ volatile("blr %1"
					 : "+r"(x0)
					 : "r"(code)
					 : "x1", "x2", "x3", "x30", "memory");
		}
}

ATTACK(psci_odd_arguments, 0,
       "every PSCI function with 32-bit and 64-bit numbers and odd arguments",
       "arguments are checked before anything is done", "common/vm/psci.c")
{
	for (u64 n = 0; n < 32; n++)
		for (u64 wide = 0; wide < 2; wide++)
			for (unsigned i = 0; i < 8; i++) {
				u64 fn = 0x84000000 | wide << 30 | n;

				if (is_final(fn) || n == 3) /* CPU_ON: below */
					continue;
				psci(fn | (i == 7 ? rnd() << 32 : 0), rnd_odd(), rnd_odd(),
				     rnd_odd());
			}
}

ATTACK(psci_cpu_on_everywhere, 0,
       "CPU_ON of absent vCPUs and of its own, at entries in holes, devices, behind RAM, unaligned",
       "targets are the guest's vCPUs, entries inside its RAM", "common/vm/psci.c")
{
	const u64 entry[] = { 0,
			      0x0f000000,
			      machine.gicd,
			      machine.ram_base + machine.ram_size,
			      ~UINT64_C(3),
			      machine.ram_base - 4,
			      machine.ram_base + 2,
			      0x4010000000,
			      BIT(63) };

	for (unsigned i = 0; i < ARRAY_COUNT(entry); i++)
		for (unsigned cpu = 0; cpu < machine.cpus; cpu++)
			if (psci(PSCI_CPU_ON, machine.mpidr[cpu], entry[i], 0) == 0 &&
			    entry[i] % 4 == 0)
				broke("CPU_ON at %lx", entry[i]);
	for (unsigned i = 0; i < 200; i++) {
		u64 target = rnd_odd();

		if (psci(PSCI_CPU_ON, target | BIT(20), (u64)secondary_entry, 1) == 0)
			broke("CPU_ON of %lx", target);
	}
}

static void on_2(unsigned cpu)
{
	while (!stop_others)
		psci(PSCI_CPU_ON, machine.mpidr[2], (u64)secondary_entry, 2);
	(void)cpu;
}

static void nothing(unsigned cpu)
{
	(void)cpu;
}

ATTACK(psci_cpu_on_from_two_vcpus, 0,
       "two vCPUs turn the same third one on, again and again, while it goes off",
       "a vCPU's state changes by compare-exchange", "common/vm/psci.c")
{
	start_on(1, on_2);
	for (unsigned i = 0; i < 20; i++) {
		start_on(2, nothing);
		psci(PSCI_CPU_ON, machine.mpidr[2], (u64)secondary_entry, 2);
		psci(PSCI_AFFINITY_INFO, machine.mpidr[2], 0, 0);
	}
	end_on(1);
	end_on(2);
}

ATTACK(psci_off_and_on_without_end, 0,
       "a vCPU goes off and comes back many times, with interrupts pending on it",
       "a vCPU that goes off leaves nothing behind", "common/guest/life.c")
{
	for (unsigned i = 0; i < 10; i++) {
		start_on(1, nothing);
		gic_sgi(3, 1);
		tools_off();
	}
}

ATTACK(psci_affinity_of_everybody, 0, "AFFINITY_INFO of every affinity and level",
       "targets are the guest's vCPUs", "common/vm/psci.c")
{
	for (unsigned i = 0; i < 1000; i++)
		if (psci(PSCI_AFFINITY_INFO, (rnd_odd() & 0xff00ffffff) | BIT(20), rnd_below(5),
			 0) >= 0)
			broke("the affinity of a vCPU that is not there");
}

static void suspends(unsigned cpu)
{
	gic_cpu_init();
	gic_enable(3, NULL);
	while (!stop_others) {
		psci(PSCI_CPU_SUSPEND, cpu * 0x10000, (u64)secondary_entry, 1);
		psci(PSCI_CPU_SUSPEND, ~UINT64_C(0) >> 32, 0x0f000000, 1);
	}
}

ATTACK(psci_suspend_in_every_state, 0,
       "CPU_SUSPEND with each kind of power state and entry, woken by SGIs",
       "a suspended vCPU is one that waits", "common/vm/psci.c")
{
	start_on(1, suspends);
	for (unsigned i = 0; i < 50; i++) {
		gic_sgi(3, 1);
		delay_ms(1);
	}
	stop_others = true;
	for (unsigned i = 0; i < 50; i++)
		gic_sgi(3, 1);
	end_on(1);
}

#define SYSTEM_SUSPEND UINT64_C(0xc400000e)

/* Entries that no vCPU may wake up at, and the guest's sleep while others are awake. */
static void suspends_wrongly(unsigned cpu)
{
	const u64 entry[] = { 0,
			      0x0f000000,
			      machine.gicd,
			      machine.ram_base - 4,
			      machine.ram_base + 2,
			      machine.ram_base + machine.ram_size,
			      BIT(63) };

	gic_cpu_init();
	gic_enable(3, NULL);
	while (!stop_others)
		for (unsigned i = 0; i < ARRAY_COUNT(entry); i++) {
			if (psci(PSCI_CPU_SUSPEND, 0x10000, entry[i], cpu) != -9)
				broke("wakes up at %lx", entry[i]);
			if (psci(SYSTEM_SUSPEND, (u64)secondary_entry, cpu, 0) != -3)
				broke("the guest sleeps while vCPU 0 is awake");
		}
}

ATTACK(psci_suspend_where_it_must_not, 0,
       "two vCPUs ask to wake up in holes, devices and behind RAM, and suspend the guest meanwhile",
       "entries are checked as CPU_ON's are; the last vCPU alone suspends the guest",
       "common/vm/psci.c")
{
	start_on(1, suspends_wrongly);
	start_on(2, suspends_wrongly);
	for (unsigned i = 0; i < 20; i++) {
		if (psci(PSCI_CPU_ON, machine.mpidr[1], 0, 0) == 0)
			broke("a vCPU that is on is turned on");
		delay_ms(1);
	}
	stop_others = true;
	end_on(1);
	end_on(2);
}
