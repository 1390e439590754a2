/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Host bridges from the device tree: `pci-host-ecam-generic` (the IEEE 1275 PCI binding, and
 * Documentation/bindings of that name): ECAM, buses, outbound windows, what devices can address.
 * A bridge that makes no sense is left out with one line; boot goes on.
 */
#include <libfdt.h>

#include <hv/log.h>
#include <hv/pmem.h>

#include "pci_priv.h"

/* phys.hi of a PCI address (IEEE 1275 PCI binding §2.2.1.1). */
#define HI_SPACE     0x03000000u
#define HI_SPACE_CFG 0x00000000u
#define HI_SPACE_IO  0x01000000u
#define HI_PREFETCH  0x40000000u

struct pci_host *pci_hosts __ro_after_boot;
unsigned pci_host_count __ro_after_boot;
struct pci_func *pci_funcs __ro_after_boot;
unsigned pci_func_count __ro_after_boot;
static unsigned func_room;

/* One entry of ranges or dma-ranges; cpu is in the space of the parent. */
struct map_entry {
	uint64_t hi, pci, cpu, size;
};

static bool map_entry(const struct pci_host *h, const char *prop, unsigned i, struct map_entry *e)
{
	unsigned cells[] = { 1, 2, dt_address_cells(h->fdt, dt_parent(h->fdt, h->node)), 2 };
	uint64_t v[4];

	if (dt_entry(h->fdt, h->node, prop, i, 4, cells, v) != HV_OK)
		return false;
	*e = (struct map_entry){ v[0], v[1], v[2], v[3] };
	return true;
}

/* Where a window lies decides what may live in it, not what the tree calls it. */
static uint8_t window_kind(const struct map_entry *e)
{
	if ((e->hi & HI_SPACE) == HI_SPACE_IO)
		return PCI_WINDOW_IO;
	return e->pci + e->size <= GIB(4) ? PCI_WINDOW_MEM32 : PCI_WINDOW_MEM64;
}

static void read_windows(struct pci_host *h)
{
	int parent = dt_parent(h->fdt, h->node);
	struct map_entry e;

	for (unsigned i = 0; map_entry(h, "ranges", i, &e); i++) {
		if ((e.hi & HI_SPACE) == HI_SPACE_CFG || !e.size)
			continue;
		if (e.pci + e.size < e.pci || dt_translate(h->fdt, parent, &e.cpu, 1) != HV_OK ||
		    h->window_count == ARRAY_SIZE(h->window)) {
			log_warn("pci: %s: window %u is not usable", h->name, i);
			continue;
		}
		h->window[h->window_count++] = (struct pci_window){
			.kind = window_kind(&e),
			.prefetch = e.hi & HI_PREFETCH,
			.pci = e.pci,
			.cpu = e.cpu,
			.size = e.size,
		};
	}
}

/*
 * Guests use one address for memory on the CPU and on the bus, so an entry that is not one to one
 * lets nothing through. No dma-ranges: everything.
 */
static void read_inbound(struct pci_host *h)
{
	struct map_entry e;
	unsigned i;

	for (i = 0; map_entry(h, "dma-ranges", i, &e); i++) {
		if (e.pci != e.cpu || e.pci + e.size < e.pci ||
		    h->inbound_count == ARRAY_SIZE(h->inbound)) {
			log_warn("pci: %s: dma-ranges entry %u is not usable", h->name, i);
			continue;
		}
		h->inbound[h->inbound_count++] = (struct range){ e.pci, e.size };
	}
	if (i && !h->inbound_count)
		h->inbound_count = 1; /* one empty range: nothing */
}

static bool read_buses(struct pci_host *h)
{
	uint64_t buses = h->ecam.size / PCI_ECAM_BUS_SIZE, bus[] = { 0, 255 };

	if (dt_bool(h->fdt, h->node, "bus-range") &&
	    dt_entry(h->fdt, h->node, "bus-range", 0, 2, (unsigned[]){ 1, 1 }, bus) != HV_OK)
		return false;
	if (bus[1] > 255 || bus[0] > bus[1] || !buses)
		return false;
	/* The ECAM begins at the first bus; buses beyond its end do not exist. */
	buses = MIN(buses, bus[1] - bus[0] + 1);
	h->bus_first = (uint8_t)bus[0];
	h->bus_last = (uint8_t)(bus[0] + buses - 1);
	h->ecam.size = buses * PCI_ECAM_BUS_SIZE;
	return true;
}

static bool read_host(const void *fdt, int node, struct pci_host *h, void (*map)(struct range))
{
	*h = (struct pci_host){ .fdt = fdt, .node = node };
	dt_path(fdt, node, h->name, sizeof(h->name));
	if (dt_address_cells(fdt, node) != 3 || dt_size_cells(fdt, node) != 2 ||
	    dt_reg(fdt, node, 0, &h->ecam) != HV_OK || !read_buses(h)) {
		log_warn("pci: %s: reg, bus-range or cells are malformed; left alone", h->name);
		return false;
	}
	h->coherent = dt_bool(fdt, node, "dma-coherent");
	h->probe_only = dt_u32(fdt, node, "linux,pci-probe-only", 0) ||
			dt_u32(fdt, dt_find(fdt, "/chosen"), "linux,pci-probe-only", 0);
	read_windows(h);
	read_inbound(h);
	if (dt_compatible(fdt, node, "arm,juno-r1-pcie") && !xr3_probe(h, map)) {
		log_warn("pci: %s: firmware opened no window to RAM (has it no link?); left alone",
			 h->name);
		return false;
	}
	return true;
}

static bool segment_taken(uint32_t segment, unsigned below)
{
	for (unsigned i = 0; i < below; i++)
		if (pci_hosts[i].segment == segment)
			return true;
	return false;
}

#define NO_SEGMENT UINT16_MAX

/* First those that the tree numbers, in order; the rest and duplicates get the next free. */
static void number_segments(void)
{
	uint16_t free = 0;

	for (unsigned i = 0; i < pci_host_count; i++) {
		struct pci_host *h = &pci_hosts[i];
		uint32_t d = dt_u32(h->fdt, h->node, "linux,pci-domain", NO_SEGMENT);

		h->segment = d < NO_SEGMENT && !segment_taken(d, i) ? (uint16_t)d : NO_SEGMENT;
	}
	for (unsigned i = 0; i < pci_host_count; i++) {
		while (segment_taken(free, pci_host_count))
			free++;
		if (pci_hosts[i].segment == NO_SEGMENT)
			pci_hosts[i].segment = free;
	}
}

void pci_probe_hosts(const void *fdt, void (*map)(struct range))
{
	static const char ecam[] = "pci-host-ecam-generic";

	pci_hosts = pmem_alloc(MAX(dt_count(fdt, ecam), 1U) * sizeof(*pci_hosts), 64);
	pci_host_count = 0;
	pci_func_count = 0;
	dt_for_each(n, fdt, ecam) {
		if (!dt_enabled(fdt, n))
			continue;
		if (!dt_has_power(fdt, n)) {
			log_warn("pci: %s: in a power domain, left alone; where firmware switches "
				 "it on, say viaduct,powered",
				 dt_name(fdt, n));
			continue;
		}
		if (read_host(fdt, n, &pci_hosts[pci_host_count], map))
			pci_host_count++;
	}
	number_segments();
	func_room = pci_host_count ? MAX_PCI_FUNCS : 1;
	pci_funcs = pmem_alloc_unset(func_room * sizeof(*pci_funcs), 64);
	for (unsigned i = 0; map && i < pci_host_count; i++)
		map(pci_hosts[i].ecam);
}

void hosts_settle(void)
{
	pmem_trim(pci_funcs, func_room * sizeof(*pci_funcs), pci_func_count * sizeof(*pci_funcs));
	func_room = pci_func_count;
}
