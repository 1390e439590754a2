/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The MSI-X table (PCIe r6.0 §6.1.4, §7.7.2). Trapped: the guest's table is a copy; an entry of the
 * physical one holds the address and event that Viaduct chose, written at boot and whenever the
 * device lost it. It is masked while the guest masks it, and while the guest's address is not its
 * doorbell. Direct: the guest has the physical table, which it finds as after a reset. The
 * function mask is in the capability, see msi.c. Lock held throughout.
 */
#include <string.h>

#include <arch/time.h>
#include <hv/mmio.h>
#include <spec/pci.h>
#include <spec/pci_caps.h>

#include "vpci_priv.h"

static uintptr_t entry_at(const struct vpci_func *f, unsigned i)
{
	const struct pci_part *table = &f->pf->msix[MSIX_TABLE];
	uint64_t off = table->at.base + (uint64_t)i * PCI_MSIX_ENTRY;

	return (uintptr_t)(f->pf->bar[table->bar].pa.v + off);
}

static bool is_masked(const struct vpci_func *f, const union vpci_vector *vec)
{
	return vec->ctrl & MSIX_MASKED || vec->addr != f->v->doorbell;
}

void msix_forget(struct vpci_func *f)
{
	for (unsigned i = 0; i < f->vectors && f->vector; i++)
		f->vector[i] = (union vpci_vector){ .ctrl = MSIX_MASKED };
}

bool msix_program(struct vpci_func *f, uint64_t end)
{
	uint64_t addr = f->direct ? 0 : msi_device_address(f);

	for (unsigned i = 0; i < f->pf->msix_count; i++) {
		uintptr_t at = entry_at(f, i);

		if (arch_time_ticks() >= end)
			return false;
		/*
		 * Masked first: what was there may be live. Vectors that nobody allocated stay so.
		 */
		arch_mmio_probe_write(at + MSIX_ENTRY_CTRL, 4, MSIX_MASKED);
		arch_mmio_probe_write(at, 4, (uint32_t)addr);
		arch_mmio_probe_write(at + 4, 4, (uint32_t)(addr >> 32));
		arch_mmio_probe_write(at + 8, 4, f->direct ? 0 : f->as.msi.first_data + i);
		if (f->vector && i < f->vectors && !is_masked(f, &f->vector[i]))
			arch_mmio_probe_write(at + MSIX_ENTRY_CTRL, 4, 0);
	}
	return true;
}

uint64_t msix_read(const struct vpci_func *f, unsigned off, unsigned size)
{
	uint64_t value = 0;

	if (off / PCI_MSIX_ENTRY < f->vectors)
		memcpy(&value, (const uint8_t *)f->vector + off, size);
	return value;
}

/*
 * 4 and 8 bytes are what the table allows (§6.1.4.2). Masking is read back: when the guest's write
 * completes, so has it.
 */
void msix_write(struct vpci_func *f, unsigned off, unsigned size, uint64_t value)
{
	static const uint32_t writable[] = { ~3u, ~0u, ~0u, MSIX_MASKED };
	unsigned i = off / PCI_MSIX_ENTRY, word = off % PCI_MSIX_ENTRY / 4;
	uintptr_t ctrl = entry_at(f, i) + MSIX_ENTRY_CTRL;
	union vpci_vector *vec = &f->vector[i];
	bool was;

	if (i >= f->vectors)
		return;
	was = is_masked(f, vec);
	for (; size >= 4; size -= 4, word++, value >>= 32)
		__atomic_store_n(&vec->word[word], (uint32_t)value & writable[word],
				 __ATOMIC_RELAXED);
	if (was == is_masked(f, vec))
		return;
	arch_mmio_probe_write(ctrl, 4, was ? 0 : MSIX_MASKED);
	if (!was)
		arch_mmio_probe_read(ctrl, 4);
}
