/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Accesses to trapped pages of BARs: MSI-X tables are emulated, pending bits are read only,
 * everything else in these pages is forwarded with its own width. EL2 touches a device only while
 * the function decodes; otherwise the access reads all ones.
 */
#include <hv/mmio.h>
#include <spec/pci.h>
#include <spec/pci_caps.h>

#include "vpci_priv.h"

static bool bar_has(const struct vpci_func *f, unsigned bar, const struct mmio_access *a)
{
	struct range r = { f->base[bar], f->pf->bar[bar].size };

	return __atomic_load_n(&f->held, __ATOMIC_RELAXED) & 1u << bar &&
	       range_contains(r, a->ipa.v, a->size);
}

/* In a structure of MSI-X that Viaduct answers for? */
static bool in_part(const struct vpci_func *f, unsigned bar, uint64_t off, unsigned part)
{
	const struct pci_part *p = &f->pf->msix[part];

	return f->vector && bar == p->bar && range_contains(p->at, off, 1);
}

static void perform_access(struct vpci_func *f, unsigned bar, struct mmio_access *a)
{
	uint64_t off = a->ipa.v - f->base[bar];
	unsigned in_table = (unsigned)(off - f->pf->msix[MSIX_TABLE].at.base);
	uintptr_t at = (uintptr_t)(f->pf->bar[bar].pa.v + off);
	bool table = in_part(f, bar, off, MSIX_TABLE);

	if (!a->write)
		a->value = table ? msix_read(f, in_table, a->size) :
				   arch_mmio_probe_read(at, a->size);
	else if (table)
		msix_write(f, in_table, a->size, a->value);
	else if (!in_part(f, bar, off, MSIX_PBA))
		arch_mmio_probe_write(at, a->size, a->value);
}

static bool try_bar(struct vpci_func *f, unsigned bar, struct mmio_access *a)
{
	bool mine = false;

	/* Another CPU waits for a reset of this function: not a reason to wait here. */
	if (!func_decodes(f))
		return false;
	spin_lock(&f->lock, LOCK_VPCI);
	if (f->live && bar_has(f, bar, a)) {
		perform_access(f, bar, a);
		mine = true;
	}
	spin_unlock(&f->lock);
	return mine;
}

/* Small BARs of several functions may share one of the guest's pages, and the page has one mark. */
static bool try_small(struct vpci *v, struct mmio_access *a)
{
	vpci_for_each(f, v)
		for_each_bit(bar, f->small)
			if (bar_has(f, bar, a))
				return try_bar(f, bar, a);
	return false;
}

enum emul vpci_bar_access(struct vcpu *vcpu, void *arg, struct mmio_access *a)
{
	struct vpci *v = arg;
	unsigned index = bar_cookie_func(a->cookie), bar = bar_cookie_bar(a->cookie);

	(void)vcpu;
	if (index >= v->count || bar >= PCI_BARS)
		return EMUL_INJECT; /* a mark of something else, replaced meanwhile */
	if (!try_bar(&v->func[index], bar, a) && !try_small(v, a) && !a->write)
		a->value = ones(a->size);
	return EMUL_OK;
}
