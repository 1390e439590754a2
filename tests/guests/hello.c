/* SPDX-License-Identifier: Apache-2.0 */
/* A guest's first words: every vCPU, its ID registers, PSCI, timer and SGI. */
#include "rt.h"

const char payload_name[] = "hello";

static volatile u32 timer_irqs, sgi_irqs[RT_MAX_CPUS], reported[RT_MAX_CPUS], stop;

static void timer_irq(u32 intid)
{
	(void)intid;
	timer_irqs++;
	sysreg_write(cntv_ctl_el0, 0);
}

static void sgi_irq(u32 intid)
{
	(void)intid;
	sgi_irqs[cpu_index()]++;
}

void payload_secondary(unsigned cpu)
{
	u64 want = machine.mpidr[cpu];

	gic_enable(1, sgi_irq);
	irq_on();
	check((sysreg_read(mpidr_el1) & 0xff00ffffff) == want, "cpu=%u el=%lu mpidr=%lx", cpu,
	      sysreg_read(CurrentEL) >> 2, sysreg_read(mpidr_el1));
	reported[cpu] = 1;
	while (!stop)
		wfi();
}

static void print_id_registers(void)
{
#define ID(name) report(#name "=%016lx\n", sysreg_read(name))
	ID(midr_el1);
	ID(id_aa64pfr0_el1);
	ID(id_aa64pfr1_el1);
	ID(id_aa64isar0_el1);
	ID(id_aa64isar1_el1);
	ID(id_aa64mmfr0_el1);
	ID(id_aa64mmfr1_el1);
	ID(id_aa64mmfr2_el1);
	ID(id_aa64dfr0_el1);
	ID(id_aa64dfr1_el1);
	ID(ctr_el0);
	ID(cntfrq_el0);
#undef ID
}

static void check_psci(void)
{
	int64_t version = psci(PSCI_VERSION, 0, 0, 0);

	check(version >= 2, "psci version=%lx", version);
	check(psci(PSCI_FEATURES, PSCI_CPU_ON, 0, 0) == 0, "psci features cpu_on");
	check(psci(PSCI_FEATURES, PSCI_UNKNOWN, 0, 0) == -1, "psci features unknown");
	check(psci(PSCI_AFFINITY_INFO, machine.mpidr[0] & 0xff00ffffff, 0, 0) == 0,
	      "psci affinity_info self");
}

static void check_timer(void)
{
	gic_enable(27, timer_irq);
	irq_on();
	sysreg_write(cntv_cval_el0, counter() + counter_hz() / 100);
	sysreg_write(cntv_ctl_el0, 1);
	check(wait_until(&timer_irqs, 1, 1000), "timer irqs=%u", timer_irqs);
	delay_ms(20);
	check(timer_irqs == 1, "timer irqs=%u after 20 ms", timer_irqs);
	gic_disable(27);
}

static void check_cpu(unsigned cpu)
{
	if (!check(cpu_start(cpu) && wait_until(&reported[cpu], 1, 2000), "start cpu=%u", cpu))
		return;
	for (u32 n = 1; n <= 3; n++) {
		gic_sgi(1, cpu);
		if (!wait_until(&sgi_irqs[cpu], n, 1000))
			break;
	}
	check(sgi_irqs[cpu] == 3, "sgi cpu=%u irqs=%u", cpu, sgi_irqs[cpu]);
}

static void check_cpus_off(void)
{
	stop = 1;
	dsb();
	for (unsigned cpu = 1; cpu < machine.cpus; cpu++) {
		int64_t state = 0;

		gic_sgi(1, cpu); /* wakes it from WFI */
		for (unsigned ms = 0; state != 1 && ms < 1000; ms++) {
			delay_ms(1);
			state = psci(PSCI_AFFINITY_INFO, machine.mpidr[cpu] & 0xff00ffffff, 0, 0);
		}
		check(state == 1, "off cpu=%u affinity_info=%ld", cpu, state);
	}
}

void payload_main(void)
{
	check(sysreg_read(CurrentEL) >> 2 == 1, "el=%lu mpidr=%lx x0=%lx",
	      sysreg_read(CurrentEL) >> 2, sysreg_read(mpidr_el1), (u64)machine.dtb);
	report("cpus=%u ram=%lx+%lx gicd=%lx gicr=%lx gicc=%lx its=%lx ecam=%lx psci=%s\n",
	       machine.cpus, machine.ram_base, machine.ram_size, machine.gicd, machine.gicr,
	       machine.gicc, machine.its, machine.ecam, machine.psci_smc ? "smc" : "hvc");
	print_id_registers();
	check_psci();
	check_timer();
	for (unsigned cpu = 1; cpu < machine.cpus; cpu++)
		check_cpu(cpu);
	/* A vCPU goes off and comes back. */
	check_cpus_off();
	stop = 0;
	if (machine.cpus > 1) {
		reported[1] = 0;
		sgi_irqs[1] = 0;
		check_cpu(1);
	}
	check(irq_spurious == 0, "unexpected irqs=%u", irq_spurious);
}
