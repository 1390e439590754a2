/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Config space through ECAM (PCIe r6.0 §7.2.2): one access of the width asked for, never outside
 * the host bridge's region. Who does not answer reads as all ones (arch_mmio_probe_read), as
 * PCIe completes Unsupported Requests (§2.3.2).
 */
#include <arch/cpu.h>
#include <arch/time.h>
#include <hv/mmio.h>

#include "pci_priv.h"

#define WAIT_US 5000000 /* for all functions of a host bridge: they get ready at the same time */

/* The address of a register; 0: it is not in the host bridge's region. Hot: no call. */
__attribute__((always_inline)) static inline uintptr_t reach(const struct pci_host *h, unsigned bdf,
							     unsigned off, unsigned size)
{
	uint64_t at = (((uint64_t)bdf - ((uint64_t)h->bus_first << 8)) << 12) + off;

	if (off + size > PCI_CFG_SIZE || at >= h->ecam.size)
		return 0;
	return (uintptr_t)(h->ecam.base + at);
}

uint32_t pci_host_read(const struct pci_host *h, unsigned bdf, unsigned off, unsigned size)
{
	uintptr_t at = reach(h, bdf, off, size);

	return at ? (uint32_t)arch_mmio_probe_read(at, size) : UINT32_MAX >> (32 - 8 * size);
}

uint32_t pci_cfg_read(const struct pci_func *f, unsigned off, unsigned size)
{
	return pci_host_read(f->host, f->bdf, off, size);
}

void pci_cfg_write(const struct pci_func *f, unsigned off, unsigned size, uint32_t value)
{
	uintptr_t at = reach(f->host, f->bdf, off, size);

	if (at)
		arch_mmio_probe_write(at, size, value);
}

uint32_t pci_cfg_clear(const struct pci_func *f, unsigned off, uint32_t bits)
{
	uint32_t was = pci_cfg_read(f, off, 2);

	pci_cfg_write(f, off, 2, was & ~bits);
	return was;
}

void pci_delay(uint32_t us)
{
	uint64_t start = arch_time_ticks(), wait = us * arch_time_hz() / 1000000;

	while (arch_time_ticks() - start < wait)
		arch_cpu_relax();
}

uint32_t pci_wait_id(struct pci_host *h, unsigned bdf, uint32_t us)
{
	uint32_t id, step = 1000;

	for (;;) {
		id = pci_host_read(h, bdf, PCI_ID, 4);
		if ((id & 0xffff) != PCI_VENDOR_RRS)
			return id;
		if (step > us || h->waited_us > WAIT_US)
			return UINT32_MAX;
		pci_delay(step);
		us -= step;
		h->waited_us += step;
		step *= 2;
	}
}
