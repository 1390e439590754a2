/* SPDX-License-Identifier: Apache-2.0 */
/* A guest's lives: their ends, and what begins the next one. */
#ifndef HV_LIFE_H
#define HV_LIFE_H

#include <hv/vm.h>

/* Boot: vCPU 0 is to enter the guest that was loaded. */
void life_start(struct vm *vm);

enum life_end {
	LIFE_OFF,
	LIFE_RESET, /* the guest starts again, from its original images */
	LIFE_CRASH, /* ... after a wait, where its declaration does not say on-crash = "stop" */
};

/*
 * How long a guest that crashed waits before it starts again: 100 ms, doubled with each crash up to
 * 10 s, and 100 ms again behind a life of a minute. `last_ms`: the wait before this life; 0: none.
 */
uint32_t life_backoff_ms(uint32_t last_ms, uint64_t lived_seconds);

/*
 * Called by a vCPU of the guest, on its CPU: stops the peers, waits until all are parked at EL2,
 * then quiets and quarantines the devices. To start again it resets the devices and fills RAM anew,
 * which takes as long as it takes, serving this CPU's interrupts. On return this vCPU is off, or
 * about to be entered as after power-on. True when no guest is left: the machine may power off.
 */
bool life_stop(struct vcpu *self, enum life_end why);

/*
 * The operator asks for it; vCPU 0's CPU does it, whatever the guest is doing. To start a guest
 * that runs, or to stop one that is off, does nothing. Any CPU, also from an interrupt.
 */
void life_ask(struct vm *vm, enum vm_asked what);
/* The guest hangs: ended as one that crashed, unless the operator wants something else. Any CPU. */
void life_crash(struct vm *vm);
/* Whether `v` is the one to end its guest for that; then life_stop() ends it as it was asked. */
bool life_asked(const struct vcpu *v);
/*
 * From the loop of a parked CPU: starts a guest whose wait is over, and does what was asked.
 * `*again_us` is set where it is to be called again that much later. True: no guest is left.
 */
bool life_poll(struct vcpu *self, uint32_t *again_us);

struct plan;
/*
 * The operator's commands on the console, unless /chosen says viaduct,console-commands = "off".
 * Boot, when the guests are built; `p` stays.
 */
void operator_init(const struct plan *p);

/* A vCPU's CPU is parked: it will not touch the guest any more. */
void life_parked(struct vcpu *v);

/*
 * For boot, which does the same. `self`: the vCPU whose interrupts are served meanwhile, or NULL.
 */
enum hv_status __must_check life_reset_devices(const struct vm *vm, struct vcpu *self);
/* The seeds of the next life: nothing that an earlier life or another guest knows leads to them. */
void life_new_seeds(struct guest_plan *g);
/* Every DMA stream of its devices to `root`; false: one cannot. With NULL to abort, all of them. */
bool life_attach(const struct vm *vm, const struct s2 *root);

#endif
