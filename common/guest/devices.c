/* SPDX-License-Identifier: Apache-2.0 */
/* What ports report of devices, told as their guests': who has it, and that its BARs may go. */
#include <hv/devices.h>
#include <hv/vm.h>

static struct vm *owner_of(const struct pci_func *f)
{
	for (unsigned n = 0; n < vm_count; n++)
		if (vms[n]->id == f->owner)
			return vms[n];
	return NULL;
}

/* Its own CPUs do it: their locks are nobody else's to wait for. */
static void have_it_looked_at(struct vm *vm)
{
	__atomic_store_n(&vm->devices_changed, true, __ATOMIC_RELEASE);
	for (unsigned i = 0; i < vm->vcpu_count; i++) {
		__atomic_store_n(&vm->vcpu[i]->vgic.attention, 1, __ATOMIC_RELEASE);
		vcpu_kick(NULL, vm->vcpu[i]);
	}
}

void devices_told(struct pci_func *f, bool grave, const char *what)
{
	struct vm *vm = owner_of(f);

	if (!vm)
		return;
	if (grave)
		vm_alert(vm, LOG_WARN, "device %s: %s", f->name, what);
	else
		vm_log(vm, "device %s: %s", f->name, what);
	have_it_looked_at(vm);
}
