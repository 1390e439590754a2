/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Physical CPUs: started once, before anything is planned. Each records what it is, joins the
 * interrupt controller, and waits at EL2.
 */
#include <arch/barrier.h>
#include <arch/time.h>
#include <hv/gic.h>
#include <hv/irq.h>
#include <hv/log.h>
#include <hv/msi.h>
#include <hv/pmem.h>
#include <spec/psci.h>

#include "controls.h"
#include "cpu.h"
#include "mmu.h"
#include "sysreg.h"

#define START_SECONDS 2

struct cpu boot_cpu;
struct cpu *cpus __ro_after_boot;
unsigned cpu_count __ro_after_boot;

extern char secondary_entry[];

static void cpu_join(struct cpu *c)
{
	idreg_record(c);
	serror_drain(); /* an SError pending from before would be blamed on a later access */
	if (field_get(PFR1_SME, c->id_regs[PFR1]))
		write_svcr(0); /* out of streaming mode, which CPTR_EL2 traps from here on */
	c->sve_lengths = sve_probe(c);
	controls_probe(c);
	timer_stop();
	if (gic.ops->cpu_init(c->id, c->mpidr) != HV_OK) {
		log_err("CPU %u: no use without its interrupt controller", c->id);
		return;
	}
	if (its_cpu_init(c->id) != HV_OK)
		log_err("CPU %u: LPIs cannot be enabled", c->id);
	__atomic_store_n(&c->online, true, __ATOMIC_RELEASE);
}

void cpu_secondary(struct cpu *c)
{
	cpu_join(c);
	cpu_run();
}

static void start_one(struct cpu *c)
{
	uint64_t end = arch_time_ticks() + START_SECONDS * arch_time_hz();
	int64_t st;

	arch_dsb_sy(); /* struct cpu and the tables, before the other CPU may read them */
	st = smc(PSCI_FN_CPU_ON | PSCI_FN_64BIT, c->mpidr, (uintptr_t)secondary_entry,
		 (uintptr_t)c);
	if (st != 0) {
		log_warn("CPU %u (MPIDR 0x%lx) does not start: PSCI says %ld", c->id, c->mpidr, st);
		return;
	}
	while (!__atomic_load_n(&c->online, __ATOMIC_ACQUIRE))
		if (arch_time_ticks() > end) {
			log_warn("CPU %u (MPIDR 0x%lx) did not come up within %u s", c->id,
				 c->mpidr, START_SECONDS);
			return;
		}
}

void cpus_init(unsigned count)
{
	cpus = pmem_alloc(count * sizeof(*cpus), 64);
	cpus[0] = boot_cpu;
	write_sysreg(tpidr_el2, &cpus[0]);
	arch_isb();
	for (unsigned i = 0; i < count; i++)
		cpus[i].id = i;
	cpu_count = count;
}

void smp_start(void)
{
	cpu_join(&cpus[0]);
	for (unsigned i = 1; i < cpu_count; i++) {
		cpus[i].stack_top = el2_map_stack(i);
		start_one(&cpus[i]);
	}
}
