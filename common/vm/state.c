/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The states of a guest and of a vCPU. Each change is a compare-exchange from a state that the
 * caller names, so of two CPUs that want the same change one wins. These tables say which changes
 * are legal; hv/vm.h says who makes each.
 */
#include <hv/bits.h>
#include <hv/panic.h>
#include <hv/vm.h>

static const uint8_t vm_next[VM_STATES] = {
	[VM_READY] = BIT(VM_RUNNING),
	[VM_RUNNING] = BIT(VM_STOPPING),
	[VM_STOPPING] = BIT(VM_STARTING) | BIT(VM_WAITING) | BIT(VM_OFF),
	[VM_WAITING] = BIT(VM_STARTING) | BIT(VM_OFF),
	[VM_STARTING] = BIT(VM_RUNNING) | BIT(VM_OFF),
	[VM_OFF] = BIT(VM_STARTING),
};

static const uint8_t vcpu_next[VCPU_STATES] = {
	[VCPU_OFF] = BIT(VCPU_CLAIMED),
	[VCPU_CLAIMED] = BIT(VCPU_ON_PENDING),
	[VCPU_ON_PENDING] = BIT(VCPU_ON) | BIT(VCPU_OFF),
	[VCPU_ON] = BIT(VCPU_OFF) | BIT(VCPU_SUSPENDED),
	[VCPU_SUSPENDED] = BIT(VCPU_ON) | BIT(VCPU_OFF),
};

enum vm_state vm_state(const struct vm *vm)
{
	return __atomic_load_n(&vm->state, __ATOMIC_SEQ_CST);
}

bool vm_change_state(struct vm *vm, enum vm_state from, enum vm_state to)
{
	ASSERT(vm_next[from] >> to & 1);
	return __atomic_compare_exchange_n(&vm->state, &from, to, false, __ATOMIC_SEQ_CST,
					   __ATOMIC_RELAXED);
}

enum vcpu_state vcpu_change_state(struct vcpu *v, enum vcpu_state from, enum vcpu_state to)
{
	ASSERT(vcpu_next[from] >> to & 1);
	__atomic_compare_exchange_n(&v->state, &from, to, false, __ATOMIC_ACQ_REL,
				    __ATOMIC_RELAXED);
	return from;
}
