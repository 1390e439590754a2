/* SPDX-License-Identifier: Apache-2.0 */
/*
 * EL2's only timer, CNTHP of each CPU, one-shot for the earliest of its software timers
 * (hv/timer.h). It interrupts the CPU that set it.
 */
#include <arch/barrier.h>
#include <arch/time.h>
#include <hv/bits.h>
#include <hv/console.h>
#include <hv/iommu.h>
#include <hv/irq.h>
#include <hv/mmio.h>
#include <hv/pci.h>
#include <hv/vgic.h>
#include <hv/vrtc.h>
#include <hv/vwatchdog.h>

#include "cpu.h"
#include "sysreg.h"

static void program(void)
{
	uint64_t next = timers_next(&this_cpu()->timers);

	if (next != TIMER_NEVER)
		write_sysreg(cnthp_cval_el2, next);
	write_sysreg(cnthp_ctl_el2, next != TIMER_NEVER);
	arch_isb(); /* its level is gone before its interrupt is enabled or deactivated */
}

void timer_set_here(enum cpu_timer which, uint64_t due)
{
	uint64_t before = this_cpu()->timers.due[which];

	timers_set(&this_cpu()->timers, which, due);
	if (this_cpu()->timers.due[which] != before)
		program();
}

/* Who asked before may be due earlier; then everybody is looked at. */
void timer_arm(uint32_t us)
{
	uint64_t due = time_after(us), set = this_cpu()->timers.due[TIMER_POLL];

	if (!set || set > due)
		timer_set_here(TIMER_POLL, due);
}

void timer_stop(void)
{
	this_cpu()->timers = (struct cpu_timers){ 0 };
	program();
}

/* One more than the CPU that looks at PCI ports; 0: none does. */
static unsigned ports_cpu __ro_after_boot;

void timer_set_ports_cpu(unsigned cpu)
{
	__atomic_store_n(&ports_cpu, cpu + 1, __ATOMIC_RELEASE);
}

void timer_look_at_ports(void)
{
	if (__atomic_load_n(&ports_cpu, __ATOMIC_ACQUIRE) == this_cpu()->id + 1U)
		timer_arm(pci_ports_poll());
}

void timer_fired(void *arg, uint32_t intid, struct vcpu *cur)
{
	uint32_t due = timers_expire(&this_cpu()->timers, arch_time_ticks());

	(void)arg, (void)intid;
	program();
	if (due & BIT(TIMER_POLL)) {
		console_poll();
		iommu_poll();
		timer_look_at_ports();
	}
	if (cur && due & BIT(TIMER_RTC))
		vrtc_timer(cur);
	if (cur && due & BIT(TIMER_WATCHDOG))
		vwatchdog_timer(cur);
}

void timer_arm_console(void)
{
	timer_arm(CONSOLE_HOLD_US);
}

#define IOMMU_AGAIN_US 1000

void timer_arm_iommu(void)
{
	timer_arm(IOMMU_AGAIN_US);
}
