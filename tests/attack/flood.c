/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Floods of interrupts, faults, calls, TLB and cache maintenance, by all vCPUs, while the neighbour
 * works.
 */
#include "attack.h"

/* Runs fn on all vCPUs; on this one for `rounds` rounds. */
static void on_all(void (*fn)(unsigned cpu), unsigned rounds)
{
	for (unsigned cpu = 1; cpu < machine.cpus; cpu++)
		start_on(cpu, fn);
	stop_others = false;
	for (unsigned i = 0; i < rounds; i++)
		fn(0);
	for (unsigned cpu = 1; cpu < machine.cpus; cpu++)
		end_on(cpu);
}

static bool go_on(unsigned cpu)
{
	return cpu && !stop_others;
}

static void invalidate_tlbs(unsigned cpu)
{
	do {
		for (unsigned i = 0; i < 50; i++)
			__asm__ volatile(
				"tlbi vmalle1is\n\tdsb ish\n\ttlbi vaae1is, %0\n\tdsb ish\n\tisb"
				:
				: "r"((u64)i)
				: "memory");
	} while (go_on(cpu));
}

ATTACK(flood_of_tlb_invalidation, 0, "TLBI by broadcast, and DSB, on all vCPUs",
       "they act within the VMID; their bound is the interconnect's", "arch/arm64/vcpu.c")
{
	on_all(invalidate_tlbs, 20);
}

static void clean_caches(unsigned cpu)
{
	do {
		for (u64 i = 0; i < 0x40000; i += 64)
			__asm__ volatile("dc civac, %0" : : "r"(attack_ram() + i) : "memory");
		__asm__ volatile("ic ialluis\n\tdsb ish\n\tisb" : : : "memory");
	} while (go_on(cpu));
}

ATTACK(flood_of_cache_maintenance, 0, "DC CIVAC over RAM, and IC IALLUIS, on all vCPUs",
       "they act on the guest's own lines", "arch/arm64/vcpu.c")
{
	on_all(clean_caches, 10);
}

static void set_way(unsigned cpu)
{
	do {
		for (u64 i = 0; i < 4096; i += 16)
			__asm__ volatile("dc cisw, %0" : : "r"(i) : "memory");
	} while (go_on(cpu));
}

ATTACK(flood_of_set_way_operations, 0, "DC CISW over all sets and ways, on all vCPUs",
       "HCR_EL2.SWIO makes them clean too", "arch/arm64/vcpu.c")
{
	on_all(set_way, 10);
}

static void abort_often(unsigned cpu)
{
	do {
		for (unsigned i = 0; i < 200; i++)
			peek(0x0f000000 + 4 * (u64)i, 4, NULL);
	} while (go_on(cpu));
}

ATTACK(flood_of_aborts, 0, "accesses to a hole, each with its line for the log, on all vCPUs",
       "log lines have a budget", "common/lib/log.c")
{
	on_all(abort_often, 20);
}

static void call_often(unsigned cpu)
{
	do {
		for (unsigned i = 0; i < 200; i++) {
			hvc(PSCI_VERSION, 0, 0, 0);
			smc(0xc6000000, 0, 0, 0);
		}
	} while (go_on(cpu));
}

ATTACK(flood_of_calls, 0, "HVC and SMC without end, on all vCPUs", "a call is answered at once",
       "common/vm/psci.c")
{
	on_all(call_often, 20);
}

static void undefined_often(unsigned cpu)
{
	do {
		for (unsigned i = 0; i < 200; i++)
			__asm__ volatile("mrs x9, S3_0_C15_C0_0\n\tudf #0" : : : "x9", "memory");
	} while (go_on(cpu));
}

ATTACK(flood_of_undefined_registers, 0, "implementation-defined registers and UDF, on all vCPUs",
       "log lines have a budget", "common/lib/log.c")
{
	on_all(undefined_often, 20);
}

/* Off, or the attacker would only flood itself. */
static void timer_off(u32 intid)
{
	if (intid == 27)
		sysreg_write(cntv_ctl_el0, 0);
	else
		sysreg_write(cntp_ctl_el0, 0);
	isb();
}

static void timer_often(unsigned cpu)
{
	gic_cpu_init();
	gic_enable(27, timer_off);
	gic_enable(30, timer_off);
	sysreg_write(cntv_cval_el0, 0);
	sysreg_write(cntp_cval_el0, 0);
	irq_on();
	do {
		for (unsigned i = 0; i < 100; i++) {
			sysreg_write(cntv_ctl_el0, i & 1);
			sysreg_write(cntp_ctl_el0, i & 1);
			isb();
		}
	} while (go_on(cpu));
	irq_off();
	sysreg_write(cntv_ctl_el0, 2);
	sysreg_write(cntp_ctl_el0, 2);
}

ATTACK(flood_of_timer_interrupts, 0, "both timers always due, and interrupts on, on all vCPUs",
       "the timer is HW-linked; no exit of another guest", "common/vgic/deliver.c")
{
	on_all(timer_often, 5);
}

static void wait_often(unsigned cpu)
{
	gic_cpu_init();
	gic_enable(27, timer_off);
	irq_off();
	do {
		sysreg_write(cntv_cval_el0, counter() + 1000);
		sysreg_write(cntv_ctl_el0, 1);
		for (unsigned i = 0; i < 10; i++)
			__asm__ volatile("wfe\n\tsev\n\twfi\n\tsevl" : : : "memory");
	} while (go_on(cpu));
	sysreg_write(cntv_ctl_el0, 2);
}

ATTACK(flood_of_waits, 0, "WFI, WFE and SEV without end, on all vCPUs", "waiting is not trapped",
       "arch/arm64/vcpu.c")
{
	on_all(wait_often, 10);
}

static u64 contended[8];

static void contend(unsigned cpu)
{
	do {
		for (unsigned i = 0; i < 500; i++)
			__asm__ volatile("1: ldaxr x9, [%0]\n\t"
					 "add x9, x9, #1\n\t"
					 "stlxr w10, x9, [%0]\n\t"
					 "cbnz w10, 1b\n\t"
					 "dsb sy"
					 :
					 : "r"(contended)
					 : "x9", "x10", "memory");
	} while (go_on(cpu));
}

ATTACK(flood_of_exclusives_and_barriers, 0, "contended exclusives and DSB SY, on all vCPUs",
       "no lock or barrier of another guest waits for it", "common/vm/vm.c")
{
	on_all(contend, 20);
}

ATTACK(flood_of_device_interrupts, 0, "the edu device raises messages without end",
       "a message is the device's own LPI; a storm is stopped in its table",
       "drivers/irqchip/its_lpi.c")
{
	struct msi m;
	static bool prepared;
	static struct msi saved;

	if (!edu.cfg)
		return;
	if (!prepared)
		prepared = msi_prepare(&edu, 1, &saved);
	m = saved;
	if (!prepared)
		return;
	gic_enable(m.intid, NULL);
	pci_msi_enable(&edu, m.doorbell, m.data, true);
	irq_on();
	for (unsigned i = 0; i < 500; i++) {
		w32(edu.bar[0] + EDU_RAISE, 1);
		w32(edu.bar[0] + EDU_ACK, 1);
	}
	irq_off();
}

static void raise_often(unsigned cpu)
{
	do {
		for (unsigned i = 0; i < 100; i++) {
			w32(edu.bar[0] + EDU_RAISE, ~0U);
			(void)r32(edu.bar[0] + EDU_STATUS);
		}
	} while (go_on(cpu));
}

ATTACK(flood_of_forwarded_accesses, 0, "device registers of a BAR are hit by all vCPUs",
       "BARs are mapped straight through", "vpci/bars.c")
{
	if (!edu.cfg)
		return;
	on_all(raise_often, 20);
	w32(edu.bar[0] + EDU_ACK, ~0U);
}
