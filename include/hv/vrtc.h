/* SPDX-License-Identifier: Apache-2.0 */
/* An emulated PL031 (DDI 0224): the guest's clock and its alarm. */
#ifndef HV_VRTC_H
#define HV_VRTC_H

#include <hv/status.h>
#include <hv/vm.h>

/* Boot: the time now, in seconds since 1970, for all guests. Without it their clocks begin at 0. */
void vrtc_set_time(uint64_t epoch);
/* Boot: sets vm->vrtc and registers the emulator, a page at `base`. */
enum hv_status __must_check vrtc_init(struct vm *vm, ipa_t base, uint32_t vintid);
/* As after power-on: what the guest wrote is forgotten. No vCPU of it runs; any CPU. */
void vrtc_reset(struct vrtc *r);
/* TIMER_RTC of the CPU of `cur` is over, which may be parked. */
void vrtc_timer(struct vcpu *cur);

#endif
