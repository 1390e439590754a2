/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Performance monitors (DDI 0487 D13) as a guest finds them: the cycle counter, events, their
 * overflow interrupt, nothing of what EL2 does, and nothing of an earlier life.
 *
 *	pmu.icount=1  QEMU counts instructions, so the event INST_RETIRED is there
 *	pmu.hidden=1  the guest has none: every register is undefined, and no node says otherwise
 *	pmu.el2=1     the CPU can keep EL2 from being counted
 */
#include <libfdt.h>

#include "rt.h"

const char payload_name[] = "pmu";

#define PMCR_E        BIT(0)
#define PMCR_P        BIT(1)
#define PMCR_C        BIT(2)
#define SW_INCR       0x00
#define INST_RETIRED  0x08
#define CPU_CYCLES    0x11
#define FILTER_NO_EL1 BIT(31)
#define FILTER_NO_EL0 BIT(30)
#define FILTER_EL2    BIT(27)
#define CYCLES        BIT(31) /* of PMCNTENSET_EL0 and the like */

static volatile u32 overflows, overflowed;

static void overflow(u32 intid)
{
	(void)intid;
	overflowed |= (u32)sysreg_read(pmovsset_el0);
	sysreg_write(pmovsclr_el0, 0xffffffff);
	isb();
	overflows++;
}

static void event(unsigned n, u64 type, u64 value)
{
	sysreg_write(pmselr_el0, n);
	isb();
	sysreg_write(pmxevtyper_el0, type);
	sysreg_write(pmxevcntr_el0, value);
	isb();
}

static u64 count_of(unsigned n)
{
	isb();
	sysreg_write(pmselr_el0, n);
	isb();
	return sysreg_read(pmxevcntr_el0);
}

/* `n` times two instructions. */
static void spin(u64 n)
{
	__asm__ volatile("isb\n1:\tsubs %0, %0, #1\n\tb.ne 1b\n\tisb" : "+r"(n) : : "cc");
}

static void start(u64 counters)
{
	sysreg_write(pmcntenset_el0, counters);
	sysreg_write(pmcr_el0, PMCR_E);
	isb();
}

static void stop(void)
{
	isb();
	sysreg_write(pmcr_el0, 0);
	sysreg_write(pmcntenclr_el0, 0xffffffff);
	isb();
}

static void counts(void)
{
	u64 a, b;

	sysreg_write(pmccntr_el0, 0);
	event(0, CPU_CYCLES, 0);
	event(1, SW_INCR, 0);
	start(CYCLES | 3);
	spin(100000);
	a = sysreg_read(pmccntr_el0);
	for (unsigned i = 0; i < 10; i++)
		sysreg_write(pmswinc_el0, 2);
	spin(100000);
	b = sysreg_read(pmccntr_el0);
	stop();
	check(a && b > a, "cycles %lx %lx", a, b);
	check(count_of(0), "cpu_cycles=%lx", count_of(0));
	check(count_of(1) == 10, "sw_incr=%lu", count_of(1));
	a = sysreg_read(pmccntr_el0);
	spin(1000);
	check(sysreg_read(pmccntr_el0) == a, "stopped");
}

static void instructions(void)
{
	if (!arg_find("pmu.icount"))
		return;
	check(sysreg_read(pmceid0_el0) & BIT(INST_RETIRED), "inst_retired is there");
	event(0, INST_RETIRED, 0);
	start(1);
	spin(5000);
	stop();
	/* The loop, and what stands around it. */
	check(count_of(0) >= 10000 && count_of(0) < 10020, "inst_retired=%lu", count_of(0));
}

static u32 pmu_line(void)
{
	int node = fdt_node_offset_by_compatible(machine.dtb, -1, "arm,armv8-pmuv3"), len;
	const fdt32_t *p = node < 0 ? NULL : fdt_getprop(machine.dtb, node, "interrupts", &len);

	return p && fdt32_to_cpu(p[0]) == 1 ? 16 + fdt32_to_cpu(p[1]) : 0;
}

static void overflow_interrupts(void)
{
	u32 line = pmu_line();

	if (!check(line, "line=%u", line))
		return;
	gic_enable(line, overflow);
	irq_on();
	for (u32 n = 1; n <= 5; n++) {
		event(1, SW_INCR, 0xfffffffe);
		sysreg_write(pmintenset_el1, 2);
		start(2);
		sysreg_write(pmswinc_el0, 2);
		isb();
		check(overflows == n - 1, "below overflow=%u", overflows);
		sysreg_write(pmswinc_el0, 2);
		wait_until(&overflows, n, 2000);
		stop();
		check(overflows == n && overflowed == 2, "overflow=%u of=%x", overflows,
		      overflowed);
	}
	irq_off();
	gic_disable(line);
	sysreg_write(pmintenclr_el1, 0xffffffff);
}

/* Counted at EL2 only, which the guest may ask for: calls bring nothing. */
static void el2_is_not_counted(void)
{
	if (!arg_find("pmu.el2"))
		return;
	event(0, CPU_CYCLES | FILTER_NO_EL1 | FILTER_NO_EL0 | FILTER_EL2, 0);
	event(31, FILTER_NO_EL1 | FILTER_NO_EL0 | FILTER_EL2, 0); /* the cycle counter */
	sysreg_write(pmccntr_el0, 0);
	start(CYCLES | 1);
	for (unsigned i = 0; i < 1000; i++)
		psci(PSCI_VERSION, 0, 0, 0);
	stop();
	check(count_of(0) == 0, "el2 cpu_cycles=%lu", count_of(0));
	check(sysreg_read(pmccntr_el0) == 0, "el2 cycles=%lu", sysreg_read(pmccntr_el0));
}

/* clang-format off */
#define REGS(X)                                                                                    \
	X(pmcntenset_el0) X(pmovsset_el0) X(pmintenset_el1) X(pmuserenr_el0) X(pmselr_el0)         \
	X(pmccntr_el0) X(pmccfiltr_el0) X(pmevcntr0_el0) X(pmevtyper0_el0) X(pmevcntr1_el0)        \
	X(pmevtyper1_el0)
/* clang-format on */

static void nothing_is_left(const char *when)
{
#define X(name) check(!sysreg_read(name), "%s " #name "=%lx", when, sysreg_read(name));
	REGS(X)
#undef X
	check(!(sysreg_read(pmcr_el0) & 0xff), "%s pmcr=%lx", when, sysreg_read(pmcr_el0));
}

static void fill(void)
{
	event(0, CPU_CYCLES | FILTER_NO_EL0, 0x1234);
	event(1, SW_INCR | FILTER_NO_EL1, 0x5678);
	sysreg_write(pmccfiltr_el0, FILTER_NO_EL1);
	sysreg_write(pmccntr_el0, 0x9999);
	sysreg_write(pmuserenr_el0, 15);
	sysreg_write(pmovsset_el0, 3);
	sysreg_write(pmintenset_el1, CYCLES | 3);
	sysreg_write(pmcntenset_el0, CYCLES | 3);
	sysreg_write(pmcr_el0, PMCR_E | BIT(3) | BIT(4) | BIT(5) | BIT(6));
	isb();
}

static u32 *diary(void)
{
	int node = fdt_node_offset_by_compatible(machine.dtb, -1, "xen,shared-memory-v1");
	const fdt32_t *reg = node < 0 ? NULL : fdt_getprop(machine.dtb, node, "reg", NULL);
	u64 base = reg ? (u64)fdt32_to_cpu(reg[0]) << 32 | fdt32_to_cpu(reg[1]) : 0;

	if (base)
		map_page(base, MAP_NORMAL);
	return (u32 *)base;
}

void payload_secondary(unsigned cpu)
{
	(void)cpu;
	nothing_is_left("cpu-on");
	counts();
	fill();
}

static void hidden(void)
{
	u64 esr;

	check(!(sysreg_read(id_aa64dfr0_el1) >> 8 & 15), "PMUVer");
	check(fdt_node_offset_by_compatible(machine.dtb, -1, "arm,armv8-pmuv3") < 0, "no node");
#define X(name)                                                                                    \
	fault_arm();                                                                               \
	(void)sysreg_read(name);                                                                   \
	esr = fault_taken();                                                                       \
	check(esr && !(esr >> 26), #name " is undefined esr=%lx", esr);
	REGS(X)
	X(pmcr_el0)
#undef X
}

void payload_main(void)
{
	u32 *lives = diary(), life;

	irq_off();
	if (arg_find("pmu.hidden")) {
		hidden();
		return;
	}
	if (!check(lives, "shared memory"))
		return;
	life = ++*lives;
	check(sysreg_read(id_aa64dfr0_el1) >> 8 & 15, "PMUVer=%lu",
	      sysreg_read(id_aa64dfr0_el1) >> 8 & 15);
	report("counters=%lu\n", sysreg_read(pmcr_el0) >> 11 & 31);
	nothing_is_left(life == 1 ? "first" : "restart");
	counts();
	instructions();
	overflow_interrupts();
	el2_is_not_counted();
	if (machine.cpus > 1)
		check(cpu_start(1), "cpu 1");
	while (machine.cpus > 1 && psci(PSCI_AFFINITY_INFO, machine.mpidr[1], 0, 0) != 1)
		relax();
	if (life > 2)
		return;
	report("life=%u\n", life);
	fill();
	psci(PSCI_SYSTEM_RESET, 0, 0, 0);
}
