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

/* 4 and 8 bytes are what the table allows (§6.1.4.2); the result of others is not defined. */
static void table_access(struct vpci_func *f, unsigned off, struct mmio_access *a)
{
	unsigned shift = 8 * (off % 4);

	if (a->write && a->size >= 4) {
		msix_write(f, off, (uint32_t)a->value);
		if (a->size == 8)
			msix_write(f, off + 4, (uint32_t)(a->value >> 32));
	} else if (!a->write) {
		a->value = msix_read(f, off - off % 4) >> shift;
		if (a->size == 8)
			a->value |= (uint64_t)msix_read(f, off + 4) << 32;
		else
			a->value &= PCI_ALL_ONES >> (32 - 8 * a->size);
	}
}

/* In a structure of MSI-X that Viaduct answers for? */
static bool in_part(const struct vpci_func *f, unsigned bar, uint64_t off, unsigned part_bar,
		    struct range part)
{
	return f->vectors && !f->direct && bar == part_bar && range_contains(part, off, 1);
}

static void perform(struct vpci_func *f, unsigned bar, struct mmio_access *a)
{
	uint64_t off = a->ipa.v - f->base[bar];
	const struct pci_func *pf = f->pf;
	struct range table = { pf->msix_table_off, (uint64_t)pf->msix_count * PCI_MSIX_ENTRY };
	struct range pba = { pf->msix_pba_off, ALIGN_UP(pf->msix_count, 64) / 8 };
	uintptr_t at = (uintptr_t)(pf->bar[bar].pa.v + off);

	if (in_part(f, bar, off, pf->msix_table_bar, table))
		table_access(f, (unsigned)(off - table.base), a);
	else if (!a->write)
		a->value = arch_mmio_probe_read(at, a->size);
	else if (!in_part(f, bar, off, pf->msix_pba_bar, pba))
		arch_mmio_probe_write(at, a->size, a->value);
}

static bool try_bar(struct vpci_func *f, unsigned bar, struct mmio_access *a)
{
	bool mine = false;

	/* Another CPU waits for a reset of this function: not a reason to wait here. */
	if (__atomic_load_n(&f->busy, __ATOMIC_ACQUIRE))
		return false;
	spin_lock(&f->lock);
	if (f->live && bar_has(f, bar, a)) {
		perform(f, bar, a);
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
	unsigned index = a->cookie >> 3, bar = a->cookie & 7;

	(void)vcpu;
	if (index >= v->count || bar >= PCI_BARS)
		return EMUL_INJECT; /* a mark of something else, replaced meanwhile */
	if (!try_bar(&v->func[index], bar, a) && !try_small(v, a) && !a->write)
		a->value = ~UINT64_C(0) >> (64 - 8 * a->size);
	return EMUL_OK;
}
