/*
 * EL2's only timer, CNTHP of each CPU: a one-shot for what is to be looked at again (console
 * output that waits, IOMMU events behind a bound). Whoever arms it is interrupted by it.
 */
#include <arch/barrier.h>
#include <hv/console.h>
#include <hv/gic.h>
#include <hv/iommu.h>
#include <hv/irq.h>
#include <hv/vgic.h>

#include "cpu.h"
#include "sysreg.h"
#include "timer.h"

void timer_arm(uint32_t us)
{
	uint64_t ticks = read_sysreg(cntfrq_el0) / 1000000 * us;

	write_sysreg(cnthp_cval_el2, read_sysreg(cntpct_el0) + ticks);
	write_sysreg(cnthp_ctl_el2, 1);
	arch_isb();
}

static void timer_fired(void *arg, uint32_t intid, struct vcpu *cur)
{
	(void)arg, (void)intid, (void)cur;
	write_sysreg(cnthp_ctl_el2, 0);
	arch_isb(); /* the level is gone before the interrupt is deactivated */
	console_poll();
	iommu_poll();
}

static void console_again(void)
{
	timer_arm(CONSOLE_HOLD_US);
}

#define IOMMU_AGAIN_US 1000

static void iommu_again(void)
{
	timer_arm(IOMMU_AGAIN_US);
}

void timer_init(void)
{
	if (irq_register(PPI_HYP_TIMER, timer_fired, NULL, false) != HV_OK)
		return;
	for (unsigned i = 0; i < cpu_count; i++)
		if (cpus[i].online)
			gic.ops->set_enabled(i, PPI_HYP_TIMER, true);
	console_retry = console_again;
	iommu_retry = iommu_again;
}
