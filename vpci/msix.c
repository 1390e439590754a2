/*
 * The MSI-X table (PCIe r6.0 §6.1.4, §7.7.2). Trapped: the guest's table is a copy; an entry of the
 * physical one holds the address and event that Viaduct chose, written at boot and whenever the
 * device lost it. It is masked while the guest masks it, and while the guest's address is not its
 * doorbell. Direct: the guest has the physical table, which it finds as after a reset. The
 * function mask is in the capability, see msi.c. Lock held throughout.
 */
#include <hv/mmio.h>
#include <hv/pmem.h>
#include <spec/pci.h>
#include <spec/pci_caps.h>

#include "vpci_priv.h"

static uintptr_t entry(const struct vpci_func *f, unsigned i)
{
	return (uintptr_t)(f->pf->bar[f->pf->msix_table_bar].pa.v + f->pf->msix_table_off +
			   (uint64_t)i * PCI_MSIX_ENTRY);
}

static uint32_t hw_mask(const struct vpci_func *f, const struct vpci_vector *vec)
{
	return vec->ctrl & MSIX_MASKED || vec->addr != f->v->doorbell ? VECTOR_HW_MASKED : 0;
}

void msix_forget(struct vpci_func *f)
{
	for (unsigned i = 0; i < f->vectors && !f->direct; i++)
		f->vector[i] = (struct vpci_vector){ .ctrl = MSIX_MASKED | VECTOR_HW_MASKED };
}

void msix_init(struct vpci_func *f)
{
	if (f->vectors && !f->direct)
		f->vector = pmem_alloc(f->vectors * sizeof(f->vector[0]), 64);
}

void msix_program(struct vpci_func *f)
{
	uint64_t addr = f->direct ? 0 : msi_device_address(f);

	for (unsigned i = 0; i < f->pf->msix_count; i++) {
		uintptr_t at = entry(f, i);
		uint32_t mask = VECTOR_HW_MASKED;

		/* Masked first: what was there may be live. Vectors that nobody allocated stay so. */
		arch_mmio_probe_write(at + MSIX_ENTRY_CTRL, 4, MSIX_MASKED);
		arch_mmio_probe_write(at, 4, (uint32_t)addr);
		arch_mmio_probe_write(at + 4, 4, (uint32_t)(addr >> 32));
		arch_mmio_probe_write(at + 8, 4, f->direct ? 0 : f->as.msi.first_data + i);
		if (i >= f->vectors || f->direct)
			continue;
		mask = hw_mask(f, &f->vector[i]);
		f->vector[i].ctrl = (f->vector[i].ctrl & MSIX_MASKED) | mask;
		if (!mask)
			arch_mmio_probe_write(at + MSIX_ENTRY_CTRL, 4, 0);
	}
}

uint32_t msix_read(const struct vpci_func *f, unsigned off)
{
	unsigned i = off / PCI_MSIX_ENTRY;

	if (i >= f->vectors)
		return 0;
	switch (off % PCI_MSIX_ENTRY / 4) {
	case 0:
		return (uint32_t)f->vector[i].addr;
	case 1:
		return (uint32_t)(f->vector[i].addr >> 32);
	case 2:
		return f->vector[i].data;
	default:
		return f->vector[i].ctrl & MSIX_MASKED;
	}
}

/* Moves the physical mask. Masking is read back: when the guest's write completes, so has it. */
static void update_mask(struct vpci_func *f, unsigned i)
{
	struct vpci_vector *vec = &f->vector[i];
	uint32_t mask = hw_mask(f, vec);
	uintptr_t at = entry(f, i) + MSIX_ENTRY_CTRL;

	if (mask == (vec->ctrl & VECTOR_HW_MASKED))
		return;
	vec->ctrl ^= VECTOR_HW_MASKED;
	arch_mmio_probe_write(at, 4, mask ? MSIX_MASKED : 0);
	if (mask)
		arch_mmio_probe_read(at, 4);
}

static void set_address(struct vpci_vector *vec, uint64_t half, unsigned shift)
{
	uint64_t keep = vec->addr & ~((uint64_t)PCI_ALL_ONES << shift);

	__atomic_store_n(&vec->addr, keep | half << shift, __ATOMIC_RELAXED);
}

void msix_write(struct vpci_func *f, unsigned off, uint32_t value)
{
	unsigned i = off / PCI_MSIX_ENTRY;

	if (i >= f->vectors)
		return;
	switch (off % PCI_MSIX_ENTRY / 4) {
	case 0:
		set_address(&f->vector[i], value & ~3u, 0);
		break;
	case 1:
		set_address(&f->vector[i], value, 32);
		break;
	case 2:
		__atomic_store_n(&f->vector[i].data, value, __ATOMIC_RELAXED);
		break;
	default:
		f->vector[i].ctrl = (f->vector[i].ctrl & VECTOR_HW_MASKED) | (value & MSIX_MASKED);
	}
	update_mask(f, i);
}
