/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Filling a guest's RAM: scrubbed, then kernel, ramdisk and device tree, every line of it cleaned
 * and invalidated to the point of coherency, because the guest starts with its caches off. Boot,
 * and by whoever restarts a guest: its vCPUs are parked.
 */
#ifndef HV_LOAD_H
#define HV_LOAD_H

#include <hv/plan.h>
#include <hv/vm.h>

struct load_ticks {
	uint64_t copy;    /* images and device trees */
	uint64_t inflate; /* compressed kernels */
	uint64_t scrub;   /* zeroing */
};

extern struct load_ticks load_ticks;

/* Zeroes memory that no CPU of a guest and no device uses now. `self`: as below. HV_EUNSUPP: a
 * piece of at most 2 MiB answers with an error; all others are zeroed. */
enum hv_status __must_check load_scrub(pa_t pa, uint64_t size, struct vcpu *self);
/* The same for all RAM of a guest. */
enum hv_status __must_check load_scrub_ram(const struct vm *vm, struct vcpu *self);
/*
 * Sets the entry point of vCPU 0. `self`: the vCPU of the caller's CPU, or NULL; its interrupts are
 * served in between, as this takes long. No lock: each guest is loaded by one CPU, several at once.
 * HV_EINVAL: the kernel does not inflate; HV_ENOMEM: the device tree does not fit; HV_EUNSUPP: the
 * guest's memory, or that of its images, answers with an error.
 */
enum hv_status __must_check load_guest(const struct guest_plan *g, struct vm *vm,
				       struct vcpu *self);

#endif
