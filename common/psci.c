/*
 * PSCI 1.1 for guests (DEN 0022 §5) and the discovery of SMCCC (DEN 0028). A vCPU's state changes
 * by compare-exchange: OFF -> ON_PENDING by who calls CPU_ON, ON_PENDING -> ON by its own CPU,
 * ON -> OFF by itself.
 */
#include <hv/bits.h>
#include <hv/gic.h>
#include <hv/irq.h>
#include <hv/psci.h>
#include <spec/psci.h>

#define MPIDR_AFFINITY BITS(39, 32) | BITS(23, 0)

static struct vcpu *target_of(const struct vm *vm, uint64_t mpidr)
{
	return mpidr & ~(MPIDR_AFFINITY) || mpidr >= vm->vcpu_count ? NULL : vm->vcpu[mpidr];
}

static int64_t cpu_on(struct vcpu *self, uint64_t mpidr, uint64_t entry, uint64_t context)
{
	struct vcpu *t = target_of(self->vm, mpidr);
	enum vcpu_state want = VCPU_OFF;
	pa_t pa;

	if (!t)
		return PSCI_INVALID;
	if (entry & 3 || !vm_ram_pa(self->vm, IPA(entry), 4, &pa))
		return PSCI_INVALID_ADDRESS;
	/* Claimed first, so that two callers cannot mix their entry points. */
	if (!__atomic_compare_exchange_n(&t->state, &want, VCPU_CLAIMED, false, __ATOMIC_ACQUIRE,
					 __ATOMIC_RELAXED))
		return want == VCPU_ON ? PSCI_ALREADY_ON : PSCI_ON_PENDING;
	t->entry = entry;
	t->context = context;
	__atomic_store_n(&t->state, VCPU_ON_PENDING, __ATOMIC_RELEASE);
	vcpu_kick(self, t);
	return PSCI_SUCCESS;
}

static int64_t affinity_info(const struct vcpu *self, uint64_t mpidr, uint64_t level)
{
	const struct vcpu *t = target_of(self->vm, mpidr);

	if (!t || level != 0)
		return PSCI_INVALID;
	switch (__atomic_load_n(&t->state, __ATOMIC_ACQUIRE)) {
	case VCPU_ON:
		return 0;
	case VCPU_OFF:
		return 1;
	case VCPU_CLAIMED:
	case VCPU_ON_PENDING:
		return 2;
	}
	return PSCI_INVALID;
}

static int64_t features(uint32_t fn)
{
	switch (fn & ~PSCI_FN_64BIT) {
	case PSCI_FN_VERSION:
	case PSCI_FN_CPU_SUSPEND:
	case PSCI_FN_CPU_OFF:
	case PSCI_FN_CPU_ON:
	case PSCI_FN_AFFINITY_INFO:
	case PSCI_FN_MIGRATE_INFO:
	case PSCI_FN_SYSTEM_OFF:
	case PSCI_FN_SYSTEM_RESET:
	case PSCI_FN_FEATURES:
	case SMCCC_FN_VERSION:
		return PSCI_SUCCESS;
	}
	return PSCI_NOT_SUPPORTED;
}

/* A 32-bit call has 32-bit arguments (DEN 0028 §3.1). */
static uint64_t arg(const struct guest_regs *r, unsigned n, uint32_t fn)
{
	return fn & PSCI_FN_64BIT ? r->x[n] : (uint32_t)r->x[n];
}

enum psci_action psci_call(struct vcpu *vcpu, struct guest_regs *r)
{
	uint32_t fn = (uint32_t)r->x[0];
	int64_t result = PSCI_NOT_SUPPORTED;

	if ((fn & ~(PSCI_FN_64BIT | 0xf)) != PSCI_FN_VERSION && fn != SMCCC_FN_VERSION) {
		r->x[0] = (uint64_t)PSCI_NOT_SUPPORTED;
		return PSCI_RESUME;
	}
	switch (fn) {
	case PSCI_FN_VERSION:
		result = PSCI_VERSION_1_1;
		break;
	case SMCCC_FN_VERSION:
		result = SMCCC_VERSION_1_1;
		break;
	case PSCI_FN_FEATURES:
		result = features((uint32_t)r->x[1]);
		break;
	case PSCI_FN_CPU_SUSPEND:
	case PSCI_FN_CPU_SUSPEND | PSCI_FN_64BIT:
		/* Standby: the vCPU stays where it is, and returns at once (a spurious wake-up). */
		result = PSCI_SUCCESS;
		break;
	case PSCI_FN_CPU_OFF:
		return PSCI_CPU_OFF; /* parking says OFF, when nothing of the vCPU is left running */
	case PSCI_FN_CPU_ON:
	case PSCI_FN_CPU_ON | PSCI_FN_64BIT:
		result = cpu_on(vcpu, arg(r, 1, fn), arg(r, 2, fn), arg(r, 3, fn));
		break;
	case PSCI_FN_AFFINITY_INFO:
	case PSCI_FN_AFFINITY_INFO | PSCI_FN_64BIT:
		result = affinity_info(vcpu, arg(r, 1, fn), arg(r, 2, fn));
		break;
	case PSCI_FN_MIGRATE_INFO:
		result = 2; /* no trusted OS that cares where it runs */
		break;
	case PSCI_FN_SYSTEM_RESET:
		log_info("%s: reset requested; restarting is not built yet, so it stays off",
			 vcpu->vm->name);
		return PSCI_VM_OFF;
	case PSCI_FN_SYSTEM_OFF:
		return PSCI_VM_OFF;
	}
	r->x[0] = (uint64_t)result;
	return PSCI_RESUME;
}
