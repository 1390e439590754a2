/*
 * A guest's end, in the order of device-reset.md: vCPUs first, then bus mastering, then
 * interrupts, and the streams abort before anything else may use the memory. One vCPU does it;
 * its peers are kicked out of the guest and park.
 */
#include <string.h>

#include <arch/cpu.h>
#include <arch/time.h>
#include <hv/faults.h>
#include <hv/iommu.h>
#include <hv/life.h>
#include <hv/log.h>
#include <hv/pci.h>
#include <hv/vits.h>
#include <hv/vpci.h>

#define PARK_SECONDS 2

/* One caller a guest wins; another vCPU that comes here parks like a peer. */
static bool begin_stop(struct vm *vm)
{
	enum vm_state want = VM_RUNNING;

	return __atomic_compare_exchange_n(&vm->state, &want, VM_STOPPING, false, __ATOMIC_ACQ_REL,
					   __ATOMIC_RELAXED);
}

static void stop_peers(struct vcpu *self)
{
	struct vm *vm = self->vm;
	uint64_t end = arch_time_ticks() + PARK_SECONDS * arch_time_hz();

	for (unsigned i = 0; i < vm->vcpu_count; i++) {
		struct vcpu *v = vm->vcpu[i];

		if (v == self)
			continue;
		__atomic_store_n(&v->vgic.attention, 1, __ATOMIC_RELEASE);
		vcpu_kick(self, v);
		/* A vCPU that is parked, or about to be entered, sees the guest's state itself. */
		while (__atomic_load_n(&v->state, __ATOMIC_ACQUIRE) != VCPU_OFF &&
		       arch_time_ticks() < end)
			arch_cpu_relax();
	}
}

void life_detach(const struct vm *vm)
{
	pci_for_each(f)
		for (unsigned s = 0; f->owner == vm->id && f->iommu && s < f->sid_count; s++)
			iommu_attach(f->iommu, f->sid[s], NULL);
	for (unsigned i = 0; i < vm->stream_count; i++)
		iommu_attach(vm->stream[i].iommu, vm->stream[i].sid, NULL);
}

static void quarantine(struct vm *vm)
{
	if (vm->vpci)
		vpci_quiesce(vm->vpci);
	vgic_quiesce_lines(vm);
	if (vm->vits)
		vits_reset(vm->vits);
	life_detach(vm);
	faults_guest_end(vm);
}

static bool any_left(void)
{
	for (unsigned i = 0; i < vm_count; i++) {
		enum vm_state s = __atomic_load_n(&vms[i]->state, __ATOMIC_ACQUIRE);

		if (s == VM_RUNNING || s == VM_STOPPING)
			return true;
	}
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
		"mmio", "call", "ipi", "sysreg", "other",
		"kick", "timer", "maintenance", "line", "msi",
	};
	char text[200];
	size_t len = 0;

	for (unsigned i = 0; i < EXIT_REASONS; i++)
		len += fmt_print(text + len, sizeof(text) - len, " %s=%lu", names[i], v->exits[i]);
	memset(v->exits, 0, sizeof(v->exits));
	log_info("%s: vCPU %u exits:%s", v->vm->name, v->index, text);
}

bool life_stop(struct vcpu *self)
{
	struct vm *vm = self->vm;

	if (!begin_stop(vm)) {
		life_parked(self);
		return false;
	}
	stop_peers(self);
	life_parked(self);
	quarantine(vm);
	if (vm->faults.dropped)
		log_info("%s: %u more lines were not printed", vm->name, vm->faults.dropped);
	for (unsigned i = 0; i < vm->vcpu_count; i++)
		print_exits(vm->vcpu[i]);
	log_info("%s: off", vm->name);
	__atomic_store_n(&vm->state, VM_OFF, __ATOMIC_SEQ_CST);
	return !any_left();
}
