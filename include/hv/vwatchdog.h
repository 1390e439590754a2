/* SPDX-License-Identifier: Apache-2.0 */
/* An emulated SBSA generic watchdog (DEN 0029), whose second timeout is a crash of its guest. */
#ifndef HV_VWATCHDOG_H
#define HV_VWATCHDOG_H

#include <hv/status.h>
#include <hv/vm.h>

/* Boot: sets vm->vwatchdog, registers the emulator. At `base`: control frame, then refresh. */
enum hv_status __must_check vwatchdog_init(struct vm *vm, ipa_t base, uint32_t vintid);
/*
 * As after power-on, disabled. No vCPU of it runs; any CPU. When this returns, it asks for no
 * crash any more.
 */
void vwatchdog_reset(struct vwatchdog *w);
/* TIMER_WATCHDOG of the CPU of `cur` is over, which may be parked. */
void vwatchdog_timer(struct vcpu *cur);

#endif
