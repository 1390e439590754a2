/* SPDX-License-Identifier: Apache-2.0 */
/*
 * EL2's only timer, CNTHP of each CPU: a one-shot for what is to be looked at again (console
 * output that waits, IOMMU events behind a bound, PCI ports, a guest that waits for its next life).
 * It interrupts the CPU that armed it.
 */
#include <arch/barrier.h>
#include <hv/console.h>
#include <hv/iommu.h>
#include <hv/irq.h>
#include <hv/pci.h>
#include <hv/vgic.h>

#include "cpu.h"
#include "sysreg.h"

void timer_arm(uint32_t us)
{
	uint64_t due = read_sysreg(cntpct_el0) + read_sysreg(cntfrq_el0) / 1000000 * us;

	/* Who asked before may be due earlier; then everybody is looked at. */
	if (read_sysreg(cnthp_ctl_el2) & 1 && read_sysreg(cnthp_cval_el2) <= due)
		return;
	write_sysreg(cnthp_cval_el2, due);
	write_sysreg(cnthp_ctl_el2, 1);
	arch_isb();
}

void timer_stop(void)
{
	write_sysreg(cnthp_ctl_el2, 0);
	arch_isb(); /* its level is gone before its interrupt is enabled or deactivated */
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
	(void)arg, (void)intid, (void)cur;
	timer_stop();
	console_poll();
	iommu_poll();
	timer_look_at_ports();
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
