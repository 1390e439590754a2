/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keeping a device from memory, on any CPU and at any time: first the state of its functions, then
 * its streams. Whoever opens a stream looks at the states before and behind it (pci_stream_is_cut),
 * so whichever of the two is later finds what the other one did.
 */
#include "pci_priv.h"

bool pci_stream_is_cut(const struct iommu *i, uint32_t sid)
{
	bool lost = false, other = false;

	pci_for_each_with(f, i, sid) {
		enum pci_state state = pci_state(f);

		if (state == PCI_QUARANTINED && !f->bridge)
			return true;
		lost |= state == PCI_LOST && !f->bridge;
		other |= state != PCI_LOST && !f->bridge;
	}
	return lost && !other;
}

static bool has_endpoint(const struct iommu *i, uint32_t sid)
{
	pci_for_each_with(f, i, sid)
		if (!f->bridge)
			return true;
	return false;
}

/*
 * A reset that begins while the functions are quarantined ends after pci_quarantine_done, and opens
 * the stream behind this. One that had begun before has silenced the device and may end at any
 * moment: the stream stays as it is. A stream without an endpoint is a platform device's.
 */
void pci_cut_stream(struct iommu *i, uint32_t sid)
{
	pci_for_each_with(f, i, sid)
		if (!f->bridge)
			pci_quarantine(f);
	if (pci_stream_is_cut(i, sid) || !has_endpoint(i, sid))
		iommu_attach(i, sid, NULL);
	pci_for_each_with(f, i, sid)
		if (!f->bridge)
			pci_quarantine_done(f);
}

void pci_contain(struct pci_func *f)
{
	for (unsigned n = 0; f->iommu && n < f->sid_count; n++)
		pci_cut_stream(f->iommu, f->sid[n]);
	if (f->iommu)
		return;
	pci_quarantine(f);
	pci_quarantine_done(f);
}

void streams_cut_lost(const struct pci_func *f)
{
	for (unsigned n = 0; f->iommu && n < f->sid_count; n++)
		if (pci_stream_is_cut(f->iommu, f->sid[n]))
			iommu_attach(f->iommu, f->sid[n], NULL);
}

bool pci_lose(struct pci_func *f)
{
	bool lost;

	__atomic_add_fetch(&f->cutting, 1, __ATOMIC_SEQ_CST);
	lost = pci_event(f, PCI_VANISHED) != PCI_ABSENT;
	if (lost)
		streams_cut_lost(f);
	pci_quarantine_done(f);
	return lost;
}
