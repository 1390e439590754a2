/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A guest's end: vCPUs first, then bus mastering, then interrupts, and the streams abort before
 * anything else may use the memory. One vCPU does it; its peers are kicked out of the guest and
 * park. The way back is that of boot: devices reset, RAM scrubbed and loaded, streams attached.
 */
#include <string.h>

#include <arch/cpu.h>
#include <arch/time.h>
#include <hv/console.h>
#include <hv/faults.h>
#include <hv/iommu.h>
#include <hv/irq.h>
#include <hv/life.h>
#include <hv/load.h>
#include <hv/log.h>
#include <hv/mmio.h>
#include <hv/pci.h>
#include <hv/pmem.h>
#include <hv/vits.h>
#include <hv/vpci.h>
#include <hv/vrtc.h>
#include <hv/vuart.h>
#include <hv/vwatchdog.h>

#define PARK_SECONDS 2

static enum vcpu_state vcpu_state(const struct vcpu *v)
{
	return __atomic_load_n(&v->state, __ATOMIC_ACQUIRE);
}

/* In two turns: a peer may just have been switching another one on. False: one does not park. */
static bool stop_peers(struct vcpu *self)
{
	const struct vm *vm = self->vm;
	uint64_t end = arch_time_ticks() + PARK_SECONDS * arch_time_hz();
	bool parked = true;

	for (unsigned i = 0; i < 2U * vm->vcpu_count; i++) {
		struct vcpu *v = vm->vcpu[i % vm->vcpu_count];

		if (v == self)
			continue;
		__atomic_store_n(&v->vgic.attention, 1, __ATOMIC_RELEASE);
		vcpu_kick(self, v);
		/* A vCPU that is parked, or about to be entered, sees the guest's state itself. */
		do
			parked = vcpu_state(v) == VCPU_OFF;
		while (!parked && arch_time_ticks() < end);
		if (!parked)
			break;
	}
	return parked;
}

/* Streams of a function that is lost stay cut, unless another function has them. */
static bool is_attached(const struct pci_func *f, const struct vm *vm, const struct s2 *root)
{
	return f->owner == vm->id && f->iommu && (!root || pci_state(f) != PCI_LOST);
}

bool life_attach(const struct vm *vm, const struct s2 *root)
{
	pci_for_each(f)
		for (unsigned s = 0; is_attached(f, vm, root) && s < f->sid_count; s++) {
			if (iommu_attach(f->iommu, f->sid[s], root) != HV_OK && root)
				return false;
			if (root && pci_stream_is_cut(f->iommu, f->sid[s])) /* meanwhile */
				iommu_attach(f->iommu, f->sid[s], NULL);
		}
	plan_for_each_stream(s, vm->plan)
		if (iommu_attach(s->iommu, s->sid, root) != HV_OK && root)
			return false;
	return true;
}

static void serve_interrupts(void *self)
{
	irq_dispatch(self);
	arch_cpu_relax();
}

enum hv_status life_reset_devices(const struct vm *vm, struct vcpu *self)
{
	return pci_reset_owned(vm->id, serve_interrupts, self);
}

void life_new_seeds(struct guest_plan *g)
{
	entropy_get(&g->entropy, "kaslr-seed", g->kaslr_seed, sizeof(g->kaslr_seed));
	entropy_get(&g->entropy, "rng-seed", g->rng_seed, sizeof(g->rng_seed));
}

static void quiet_devices(struct vm *vm)
{
	if (vm->vpci)
		vpci_quiesce(vm->vpci);
	vgic_quiesce_lines(vm);
	if (vm->vrtc)
		vrtc_reset(vm->vrtc);
	if (vm->vwatchdog) /* from here on it asks for nothing: end_as() sees what it asked for */
		vwatchdog_reset(vm->vwatchdog);
	if (vm->vits)
		vits_reset(vm->vits);
	life_attach(vm, NULL);
	faults_guest_end(vm);
}

static bool any_left(void)
{
	for (unsigned i = 0; i < vm_count; i++)
		if (vm_state(vms[i]) != VM_OFF)
			return true;
	return false;
}

void life_parked(struct vcpu *v)
{
	enum vcpu_state state = vcpu_state(v); /* its own CPU's to change */

	if (state == VCPU_ON || state == VCPU_SUSPENDED) {
		vgic_vcpu_off(v);
		vcpu_change_state(v, state, VCPU_OFF);
	} else {
		vcpu_change_state(v, VCPU_ON_PENDING, VCPU_OFF);
	}
}

static void print_vcpu_exits(struct vcpu *v)
{
	char text[VM_EXITS_TEXT];

	vm_exits_print(text, sizeof(text), v->exits);
	log_info("%s: vCPU %u exits:%s", v->vm->name, v->index, text);
}

/* vCPU 0 is claimed last: no vCPU runs that could have claimed it before. */
static void enter_guest(struct vm *vm, enum vm_state from, const struct vcpu *self)
{
	struct vcpu *first = vm->vcpu[0];

	vm->cntvoff = arch_time_ticks();
	if (!vm_change_state(vm, from, VM_RUNNING))
		return;
	if (vcpu_change_state(first, VCPU_OFF, VCPU_CLAIMED) == VCPU_OFF)
		vcpu_change_state(first, VCPU_CLAIMED, VCPU_ON_PENDING);
	vcpu_kick(self, first);
}

void life_start(struct vm *vm)
{
	enter_guest(vm, VM_READY, NULL);
}

/* A device that did not come back from its reset reads as absent; the guest starts without it. */
static void name_lost(struct vm *vm)
{
	pci_for_each(f)
		if (f->owner == vm->id && pci_state(f) == PCI_LOST)
			vm_alert(vm, LOG_ERR,
				 "starts without device %s: it does not answer as it did", f->name);
}

/* Everything of the guest as after power-on, streams last. Returns what failed, or NULL. */
static const char *prepare_again(struct vm *vm, struct vcpu *self)
{
	if (life_reset_devices(vm, self) != HV_OK)
		name_lost(vm);
	life_new_seeds(vm->plan);
	if (load_guest(vm->plan, vm, self) != HV_OK)
		return "its images cannot be loaded";
	if (vm->vuart)
		vuart_reset(vm->vuart);
	if (vm->vpci)
		vpci_reset(vm->vpci);
	faults_guest_end(vm); /* what its devices tried meanwhile */
	return life_attach(vm, &vm->dma_s2) ? NULL : "its DMA streams cannot be attached";
}

/* The CPU of vCPU 0 sleeps until then: life_poll(). */
static void back_off(struct vm *vm, const struct vcpu *self)
{
	uint64_t lived = (arch_time_ticks() - vm->cntvoff) / arch_time_hz();

	vm->backoff_ms = life_backoff_ms(vm->backoff_ms, lived);
	vm_alert(vm, LOG_INFO, "waits %u ms before it starts again", vm->backoff_ms);
	vm->wake_at = time_after(UINT64_C(1000) * vm->backoff_ms);
	if (vm_change_state(vm, VM_STOPPING, VM_WAITING))
		vcpu_kick(self, vm->vcpu[0]);
}

static unsigned free_tables(const struct s2 *s2)
{
	unsigned n = 0;

	for (unsigned i = 0; i < S2_POOLS; i++)
		n += s2->pool[i].free + s2->pool[i].dead;
	return n;
}

/* What a guest that is off had in its RAM is nobody's to find. */
static void scrub_guest(struct vm *vm, struct vcpu *self)
{
	if (load_scrub_ram(vm, self) != HV_OK)
		vm_alert(vm, LOG_WARN, "some of its RAM answers with errors and is not scrubbed");
}

/* The guest is off, or does not start. True: so is every other one. */
static bool end_guest(struct vm *vm, enum vm_state from, struct vcpu *self)
{
	uint32_t missed = __atomic_exchange_n(&vm->log.missed, 0, __ATOMIC_RELAXED);

	scrub_guest(vm, self);
	if (missed)
		log_info("%s: %u more lines were not printed", vm->name, missed);
	for (unsigned i = 0; i < vm->vcpu_count; i++)
		print_vcpu_exits(vm->vcpu[i]);
	if (vm->vuart)
		console_guest_off(vm->console);
	log_info("%s: off", vm->name);
	return vm_change_state(vm, from, VM_OFF) && !any_left();
}

/* From VM_STARTING, whose only CPU this is. True: no guest is left. */
static bool start_again(struct vm *vm, struct vcpu *self)
{
	const char *failed = prepare_again(vm, self);

	if (failed) {
		quiet_devices(vm);
		vm_alert(vm, LOG_ERR, "cannot start again: %s", failed);
		return end_guest(vm, VM_STARTING, self);
	}
	vm->lives++;
	if (vm->vuart)
		console_guest_on(vm->console);
	vm_alert(vm, LOG_INFO,
		 "starts again (life %lu; of its stage-2 tables %u are free, EL2 has %zu KiB)",
		 vm->lives + 1, free_tables(&vm->cpu_s2), pmem_own_bytes() >> 10);
	enter_guest(vm, VM_STARTING, self);
	return false;
}

static enum vm_asked take_asked(struct vm *vm)
{
	return __atomic_exchange_n(&vm->asked, VM_ASKED_NOTHING, __ATOMIC_ACQ_REL);
}

bool life_asked(const struct vcpu *v)
{
	enum vm_asked asked = __atomic_load_n(&v->vm->asked, __ATOMIC_ACQUIRE);

	return v->index == 0 &&
	       (asked == VM_ASKED_STOP || asked == VM_ASKED_RESTART || asked == VM_ASKED_CRASH);
}

static void call_first_vcpu(const struct vm *vm)
{
	__atomic_store_n(&vm->vcpu[0]->vgic.attention, 1, __ATOMIC_RELEASE);
	vcpu_kick(NULL, vm->vcpu[0]);
}

void life_ask(struct vm *vm, enum vm_asked what)
{
	__atomic_store_n(&vm->asked, what, __ATOMIC_RELEASE);
	call_first_vcpu(vm);
}

void life_crash(struct vm *vm)
{
	enum vm_asked asked = VM_ASKED_NOTHING;

	__atomic_compare_exchange_n(&vm->asked, &asked, VM_ASKED_CRASH, false, __ATOMIC_ACQ_REL,
				    __ATOMIC_RELAXED);
	call_first_vcpu(vm);
}

/* What becomes of a guest whose vCPUs are parked. The operator's word counts more than its own. */
static bool end_as(struct vm *vm, struct vcpu *self, enum life_end why)
{
	switch (take_asked(vm)) {
	case VM_ASKED_STOP:
		why = LIFE_OFF;
		break;
	case VM_ASKED_RESTART:
		why = LIFE_RESET;
		break;
	case VM_ASKED_CRASH: /* the guest may be switching itself off just now */
		why = why == LIFE_OFF ? LIFE_OFF : LIFE_CRASH;
		break;
	default:
		break;
	}
	if (why == LIFE_CRASH && !vm->plan->stop_on_crash) {
		back_off(vm, self);
		return false;
	}
	if (why == LIFE_RESET)
		return vm_change_state(vm, VM_STOPPING, VM_STARTING) && start_again(vm, self);
	return end_guest(vm, VM_STOPPING, self);
}

bool life_stop(struct vcpu *self, enum life_end why)
{
	struct vm *vm = self->vm;
	bool parked;

	/* One vCPU wins; another that comes here parks like a peer. */
	if (!vm_change_state(vm, VM_RUNNING, VM_STOPPING)) {
		life_parked(self);
		return false;
	}
	parked = stop_peers(self);
	life_parked(self);
	quiet_devices(vm);
	if (parked)
		return end_as(vm, self, why);
	vm_alert(vm, LOG_ERR, "a vCPU does not stop: the guest stays off");
	return end_guest(vm, VM_STOPPING, self);
}

static bool all_parked(const struct vm *vm)
{
	for (unsigned i = 0; i < vm->vcpu_count; i++)
		if (vcpu_state(vm->vcpu[i]) != VCPU_OFF)
			return false;
	return true;
}

static bool poll_off(struct vm *vm, struct vcpu *self)
{
	enum vm_asked asked = take_asked(vm);

	if (asked != VM_ASKED_START && asked != VM_ASKED_RESTART)
		return false;
	if (all_parked(vm))
		return vm_change_state(vm, VM_OFF, VM_STARTING) && start_again(vm, self);
	vm_alert(vm, LOG_ERR, "cannot start again: a vCPU did not stop");
	return false;
}

static bool poll_waiting(struct vm *vm, struct vcpu *self, uint32_t *again_us)
{
	enum vm_asked asked = take_asked(vm);
	uint64_t now = arch_time_ticks();

	if (asked == VM_ASKED_STOP)
		return end_guest(vm, VM_WAITING, self);
	if (asked != VM_ASKED_NOTHING || now >= vm->wake_at)
		return vm_change_state(vm, VM_WAITING, VM_STARTING) && start_again(vm, self);
	*again_us = (uint32_t)((vm->wake_at - now) * 1000000 / arch_time_hz()) + 1;
	return false;
}

bool life_poll(struct vcpu *self, uint32_t *again_us)
{
	if (self->index != 0)
		return false;
	switch (vm_state(self->vm)) {
	case VM_RUNNING: /* without its first vCPU */
		return life_asked(self) && life_stop(self, LIFE_RESET);
	case VM_WAITING:
		return poll_waiting(self->vm, self, again_us);
	case VM_OFF:
		return poll_off(self->vm, self);
	default: /* another CPU is at it, and kicks this one */
		return false;
	}
}
