/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The guest's ECAM (PCIe r6.0 §7.2.2): one bus, offset 19:12 is device and function, 11:0 the
 * register. A function is found with one load however many there are; who is not there, or not
 * the guest's, reads all ones.
 */
#include <spec/pci.h>
#include <spec/pci_caps.h>

#include "vpci_priv.h"

#define ECAM_SIZE MIB(1)

/* Two dwords, low first, for an 8-byte access: a legal access never crosses a dword. */
static void access_pair(struct vpci_func *f, unsigned off, struct mmio_access *a)
{
	if (a->write) {
		vpci_cfg_write(f, off, 4, (uint32_t)a->value);
		vpci_cfg_write(f, off + 4, 4, (uint32_t)(a->value >> 32));
	} else {
		a->value = vpci_cfg_read(f, off, 4);
		a->value |= (uint64_t)vpci_cfg_read(f, off + 4, 4) << 32;
	}
}

enum emul vpci_ecam_access(struct vcpu *vcpu, void *arg, struct mmio_access *a)
{
	struct vpci *v = arg;
	unsigned index, off = a->off % PCI_CFG_SIZE;

	(void)vcpu;
	if (a->off >= ECAM_SIZE)
		return EMUL_INJECT; /* a mark that another CPU replaced meanwhile */
	index = v->by_devfn[a->off / PCI_CFG_SIZE];
	if (index == VPCI_NO_FUNC)
		a->value = a->write ? a->value : ones(a->size);
	else if (a->size == 8)
		access_pair(&v->func[index], off, a);
	else if (a->write)
		vpci_cfg_write(&v->func[index], off, a->size, (uint32_t)a->value);
	else
		a->value = vpci_cfg_read(&v->func[index], off, a->size);
	return EMUL_OK;
}

/* A function back from D3hot or a reset gets its state at the first access after it is ready. */
static bool settle_any(struct vpci *v)
{
	vpci_for_each(f, v) {
		enum pci_state state = pci_state(f->pf);
		bool restored;

		if (state != PCI_WAKING && state != PCI_RESETTING)
			continue;
		spin_lock(&f->lock, LOCK_VPCI);
		restored = state_settle(f);
		spin_unlock(&f->lock);
		if (restored)
			return true;
	}
	return false;
}

/*
 * A host bridge completes what no BAR claims in its windows: reads give all ones, writes go
 * nowhere. So do BARs of a function without MEM or in D3hot.
 */
enum emul vpci_window_access(struct vcpu *vcpu, void *arg, struct mmio_access *a)
{
	struct vpci *v = arg;

	if (!vpci_in_window(v, a->ipa.v, a->size))
		return vm_unmapped(vcpu, NULL, a);
	if (settle_any(v))
		return EMUL_RETRY;
	if (!a->write)
		a->value = ones(a->size);
	return EMUL_OK;
}
