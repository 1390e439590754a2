/* SPDX-License-Identifier: Apache-2.0 */
/* PSCI 1.1 for guests (DEN 0022 §5), where SMCCC is discovered as well (DEN 0028). */
#include <hv/bits.h>
#include <hv/psci.h>
#include <spec/psci.h>

static struct vcpu *target_of(const struct vm *vm, uint64_t mpidr)
{
	uint32_t index = vcpu_index_of(mpidr);

	return index < vm->vcpu_count ? vm->vcpu[index] : NULL;
}

/* Where a vCPU may begin: an instruction in RAM. */
static bool is_entry(const struct vm *vm, uint64_t entry)
{
	pa_t pa;

	return !(entry & 3) && vm_ram_pa(vm, IPA(entry), 4, &pa);
}

static int64_t cpu_on(struct vcpu *self, uint64_t mpidr, uint64_t entry, uint64_t context)
{
	struct vcpu *t = target_of(self->vm, mpidr);
	enum vcpu_state was;

	if (!t)
		return PSCI_INVALID;
	if (!is_entry(self->vm, entry))
		return PSCI_INVALID_ADDRESS;
	/* Claimed first, so that two callers cannot mix their entry points. */
	was = vcpu_change_state(t, VCPU_OFF, VCPU_CLAIMED);
	if (was == VCPU_ON || was == VCPU_SUSPENDED)
		return PSCI_ALREADY_ON;
	if (was != VCPU_OFF)
		return PSCI_ON_PENDING;
	__atomic_fetch_add(&self->vm->cpu_on_count, 1, __ATOMIC_ACQ_REL);
	t->entry = entry;
	t->context = context;
	vcpu_change_state(t, VCPU_CLAIMED, VCPU_ON_PENDING);
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
	case VCPU_SUSPENDED:
		return PSCI_AFFINITY_ON;
	case VCPU_OFF:
		return PSCI_AFFINITY_OFF;
	default:
		return PSCI_AFFINITY_ON_PENDING;
	}
}

static enum psci_action power_down(struct vcpu *self, uint64_t entry, uint64_t context,
				   int64_t *result)
{
	*result = PSCI_INVALID_ADDRESS;
	if (!is_entry(self->vm, entry))
		return PSCI_RESUME;
	self->entry = entry;
	self->context = context;
	return PSCI_POWERDOWN;
}

/*
 * DEN 0022 §5.4. Levels and IDs of states are taken as they come: whatever sleeps deeper than its
 * CPU sleeps no deeper here.
 */
static enum psci_action cpu_suspend(struct vcpu *self, uint64_t state, uint64_t entry,
				    uint64_t context, int64_t *result)
{
	*result = PSCI_INVALID;
	if (state & ~(PSCI_STATE_ID | PSCI_STATE_POWERDOWN | PSCI_STATE_LEVEL))
		return PSCI_RESUME;
	if (state & PSCI_STATE_POWERDOWN)
		return power_down(self, entry, context, result);
	*result = PSCI_SUCCESS;
	return PSCI_STANDBY;
}

/*
 * True stays true until `self` turns one on: only a vCPU that runs could. One that went off while
 * we looked may have turned on another that was seen off, but then it was counted before.
 */
static bool is_last_on(const struct vcpu *self)
{
	const struct vm *vm = self->vm;
	uint32_t count = __atomic_load_n(&vm->cpu_on_count, __ATOMIC_ACQUIRE);

	for (unsigned i = 0; i < vm->vcpu_count; i++)
		if (vm->vcpu[i] != self &&
		    __atomic_load_n(&vm->vcpu[i]->state, __ATOMIC_ACQUIRE) != VCPU_OFF)
			return false;
	return __atomic_load_n(&vm->cpu_on_count, __ATOMIC_ACQUIRE) == count;
}

/* DEN 0022 §5.20: as the deepest powerdown state of the last vCPU that is on. */
static enum psci_action system_suspend(struct vcpu *self, uint64_t entry, uint64_t context,
				       int64_t *result)
{
	*result = PSCI_DENIED;
	return is_last_on(self) ? power_down(self, entry, context, result) : PSCI_RESUME;
}

/* Functions by their number, and those that have a 64-bit twin: DEN 0022 §5.1. */
#define N(fn) (1U << ((fn) & 31))
static const uint32_t functions[] = {
	N(PSCI_FN_VERSION) | N(PSCI_FN_CPU_SUSPEND) | N(PSCI_FN_CPU_OFF) | N(PSCI_FN_CPU_ON) |
		N(PSCI_FN_AFFINITY_INFO) | N(PSCI_FN_MIGRATE_INFO) | N(PSCI_FN_SYSTEM_OFF) |
		N(PSCI_FN_SYSTEM_RESET) | N(PSCI_FN_FEATURES) | N(PSCI_FN_SYSTEM_SUSPEND) |
		N(PSCI_FN_SYSTEM_RESET2),
	N(PSCI_FN_CPU_SUSPEND) | N(PSCI_FN_CPU_ON) | N(PSCI_FN_AFFINITY_INFO) |
		N(PSCI_FN_SYSTEM_SUSPEND) | N(PSCI_FN_SYSTEM_RESET2),
};

/* `fn` is one of PSCI's numbers: PSCI_FN_VERSION to 31 beyond, with or without PSCI_FN_64BIT. */
static bool psci_has_function(uint32_t fn)
{
	return functions[fn / PSCI_FN_64BIT & 1] >> (fn & PSCI_FN_MASK) & 1;
}

/*
 * PSCI_FEATURES, DEN 0022 §5.16. Of CPU_SUSPEND 0 says: power_state in the original format, no
 * OS-initiated mode.
 */
static int64_t psci_features(uint32_t fn)
{
	bool known = (fn & ~(PSCI_FN_64BIT | PSCI_FN_MASK)) == PSCI_FN_VERSION &&
		     psci_has_function(fn);

	return known || fn == SMCCC_FN_VERSION ? PSCI_SUCCESS : PSCI_NOT_SUPPORTED;
}

enum psci_action psci_call(struct vcpu *vcpu, struct guest_regs *r)
{
	uint32_t fn = (uint32_t)r->x[0];
	/* A 32-bit call has 32-bit arguments (DEN 0028 §3.1). */
	uint64_t mask = fn & PSCI_FN_64BIT ? UINT64_MAX : UINT32_MAX;
	uint64_t a1 = r->x[1] & mask, a2 = r->x[2] & mask, a3 = r->x[3] & mask;
	enum psci_action action = PSCI_RESUME;
	int64_t result = PSCI_NOT_SUPPORTED;

	switch (psci_has_function(fn) ? fn & ~PSCI_FN_64BIT : 0) {
	case PSCI_FN_VERSION:
		result = PSCI_VERSION_1_1;
		break;
	case PSCI_FN_FEATURES:
		result = psci_features((uint32_t)a1);
		break;
	case PSCI_FN_CPU_SUSPEND:
		action = cpu_suspend(vcpu, a1 & UINT32_MAX, a2, a3, &result);
		break;
	case PSCI_FN_CPU_OFF:
		return PSCI_CPU_OFF; /* parking says OFF, when nothing of the vCPU is left running
				      */
	case PSCI_FN_CPU_ON:
		result = cpu_on(vcpu, a1, a2, a3);
		break;
	case PSCI_FN_AFFINITY_INFO:
		result = affinity_info(vcpu, a1, a2);
		break;
	case PSCI_FN_MIGRATE_INFO:
		result = 2; /* no trusted OS that cares where it runs */
		break;
	case PSCI_FN_SYSTEM_RESET:
		return PSCI_VM_RESET;
	case PSCI_FN_SYSTEM_RESET2:
		/*
		 * DEN 0022 §5.13. The warm reset (type 0) is how a crash is reported: it is what
		 * Linux asks for when it panics with reboot=panic_warm. No vendor types.
		 */
		if (a1 == PSCI_RESET2_WARM)
			return PSCI_VM_CRASH;
		result = PSCI_INVALID;
		break;
	case PSCI_FN_SYSTEM_SUSPEND:
		action = system_suspend(vcpu, a1, a2, &result);
		break;
	case PSCI_FN_SYSTEM_OFF:
		return PSCI_VM_OFF;
	}
	r->x[0] = (uint64_t)result;
	return action;
}
