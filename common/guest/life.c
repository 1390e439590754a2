/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A guest's end: vCPUs first, then bus mastering, then interrupts, and the streams abort before
 * anything else may use the memory. One vCPU does it; its peers are kicked out of the guest and
 * park. The way back is that of boot: devices reset, RAM scrubbed and loaded, streams attached.
 */
#include <string.h>

#include <arch/cpu.h>
#include <arch/time.h>
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
#include <hv/vuart.h>

#define PARK_SECONDS 2

/* One caller a guest wins; another vCPU that comes here parks like a peer. */
static bool begin_stop(struct vm *vm)
{
	enum vm_state want = VM_RUNNING;

	return __atomic_compare_exchange_n(&vm->state, &want, VM_STOPPING, false, __ATOMIC_ACQ_REL,
					   __ATOMIC_RELAXED);
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
			parked = __atomic_load_n(&v->state, __ATOMIC_ACQUIRE) == VCPU_OFF;
		while (!parked && arch_time_ticks() < end);
		if (!parked)
			break;
	}
	return parked;
}

bool life_attach(const struct vm *vm, const struct s2 *root)
{
	pci_for_each(f)
		for (unsigned s = 0; f->owner == vm->id && f->iommu && s < f->sid_count; s++)
			if (iommu_attach(f->iommu, f->sid[s], root) != HV_OK && root)
				return false;
	plan_for_each_stream(s, vm->plan)
		if (iommu_attach(s->iommu, s->sid, root) != HV_OK && root)
			return false;
	return true;
}

static void serve(void *self)
{
	irq_dispatch(self);
	arch_cpu_relax();
}

enum hv_status life_reset_devices(const struct vm *vm, struct vcpu *self)
{
	return pci_reset_owned(vm->id, serve, self);
}

void life_new_seeds(struct guest_plan *g)
{
	entropy_get(&g->entropy, "kaslr-seed", g->kaslr_seed, sizeof(g->kaslr_seed));
	entropy_get(&g->entropy, "rng-seed", g->rng_seed, sizeof(g->rng_seed));
}

static void quarantine(struct vm *vm)
{
	if (vm->vpci)
		vpci_quiesce(vm->vpci);
	vgic_quiesce_lines(vm);
	if (vm->vits)
		vits_reset(vm->vits);
	life_attach(vm, NULL);
	faults_guest_end(vm);
}

static bool any_left(void)
{
	for (unsigned i = 0; i < vm_count; i++)
		if (__atomic_load_n(&vms[i]->state, __ATOMIC_ACQUIRE) != VM_OFF)
			return true;
	return false;
}

void life_parked(struct vcpu *v)
{
	vgic_vcpu_off(v);
	__atomic_store_n(&v->state, VCPU_OFF, __ATOMIC_RELEASE);
}

static void print_exits(struct vcpu *v)
{
	static const char names[EXIT_REASONS][12] = {
		"mmio", "call",  "ipi",         "sysreg", "other",
		"kick", "timer", "maintenance", "line",   "msi",
	};
	char text[200];
	size_t len = 0;

	for (unsigned i = 0; i < EXIT_REASONS; i++)
		len += fmt_print(text + len, sizeof(text) - len, " %s=%lu", names[i], v->exits[i]);
	log_info("%s: vCPU %u exits:%s", v->vm->name, v->index, text);
}

void life_start(struct vm *vm, const struct vcpu *self)
{
	vm->cntvoff = arch_time_ticks();
	__atomic_store_n(&vm->state, VM_RUNNING, __ATOMIC_RELEASE);
	__atomic_store_n(&vm->vcpu[0]->state, VCPU_ON_PENDING, __ATOMIC_RELEASE);
	vcpu_kick(self, vm->vcpu[0]);
}

/* Everything of the guest as after power-on, streams last. Returns what failed, or NULL. */
static const char *prepare_again(struct vm *vm, struct vcpu *self)
{
	if (life_reset_devices(vm, self) != HV_OK)
		return "one of its PCI devices cannot be reset";
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

/* On the CPU of the vCPU that stopped the guest, which serves its interrupts meanwhile. */
static void back_off(struct vm *vm, struct vcpu *self)
{
	uint64_t lived = (arch_time_ticks() - vm->cntvoff) / arch_time_hz();
	uint64_t end;

	vm->backoff_ms = life_backoff_ms(vm->backoff_ms, lived);
	vm_alert(vm, LOG_INFO, "waits %u ms before it starts again", vm->backoff_ms);
	end = time_after(UINT64_C(1000) * vm->backoff_ms);
	while (arch_time_ticks() < end)
		serve(self);
}

static unsigned free_tables(const struct s2 *s2)
{
	unsigned n = 0;

	for (unsigned i = 0; i < S2_POOLS; i++)
		n += s2->pool[i].free + s2->pool[i].dead;
	return n;
}

static bool start_again(struct vm *vm, struct vcpu *self)
{
	const char *failed = prepare_again(vm, self);

	if (!failed) {
		vm->lives++;
		vm_alert(
			vm, LOG_INFO,
			"starts again (life %lu; of its stage-2 tables %u are free, EL2 has %zu KiB)",
			vm->lives + 1, free_tables(&vm->cpu_s2), pmem_own_bytes() >> 10);
		life_start(vm, self);
		return true;
	}
	quarantine(vm);
	vm_alert(vm, LOG_ERR, "cannot start again: %s", failed);
	return false;
}

/* What a guest that is off had in its RAM is nobody's to find. */
static void forget(const struct vm *vm, struct vcpu *self)
{
	for (unsigned i = 0; i < vm->ram_count; i++)
		load_scrub(vm->ram[i].pa, vm->ram[i].size, self);
}

bool life_stop(struct vcpu *self, enum life_end why)
{
	struct vm *vm = self->vm;
	uint32_t missed;
	bool again = why == LIFE_RESET || (why == LIFE_CRASH && !vm->plan->stop_on_crash);

	if (!begin_stop(vm)) {
		life_parked(self);
		return false;
	}
	if (!stop_peers(self) && again) {
		vm_alert(vm, LOG_ERR, "cannot start again: a vCPU does not stop");
		again = false;
	}
	life_parked(self);
	quarantine(vm);
	if (again && why == LIFE_CRASH)
		back_off(vm, self);
	if (again && start_again(vm, self))
		return false;
	forget(vm, self);
	missed = __atomic_exchange_n(&vm->log.missed, 0, __ATOMIC_RELAXED);
	if (missed)
		log_info("%s: %u more lines were not printed", vm->name, missed);
	for (unsigned i = 0; i < vm->vcpu_count; i++)
		print_exits(vm->vcpu[i]);
	log_info("%s: off", vm->name);
	__atomic_store_n(&vm->state, VM_OFF, __ATOMIC_SEQ_CST);
	return !any_left();
}
