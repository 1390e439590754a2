/* SPDX-License-Identifier: Apache-2.0 */
/* See pci_board.h. */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include <libfdt.h>

#include <host.h>
#include <hv/pmem.h>
#include "pci_board.h"

struct iommu board_smmu = { .phandle = BOARD_SMMU, .name = "smmu" };
struct iommu board_smmu2 = { .phandle = BOARD_SMMU2, .index = 1, .name = "smmu2" };
unsigned board_mapped;

#define ARENA MIB(8)

static uint8_t arena[ARENA] __attribute__((aligned(4096)));
static uint8_t fdt[65536];
static int its, v2m;

unsigned board_cuts;

enum hv_status iommu_attach(struct iommu *i, uint32_t sid, const struct s2 *dma)
{
	assert(!dma && (i == &board_smmu || i == &board_smmu2));
	(void)sid;
	board_cuts++;
	return HV_OK;
}

struct iommu *iommu_find(uint32_t phandle)
{
	if (phandle == BOARD_SMMU)
		return &board_smmu;
	return phandle == BOARD_SMMU2 ? &board_smmu2 : NULL;
}

struct msi_ctrl *its_find(uint32_t phandle)
{
	return phandle == BOARD_ITS ? (struct msi_ctrl *)&its : NULL;
}

struct msi_ctrl *v2m_find(uint32_t phandle)
{
	return phandle == BOARD_V2M ? (struct msi_ctrl *)&v2m : NULL;
}

static void check(int err)
{
	assert(!err);
}

static void cells(const char *name, const uint32_t *v, unsigned n)
{
	static fdt32_t c[1024];

	assert(n <= 1024);
	for (unsigned i = 0; i < n; i++)
		c[i] = cpu_to_fdt32(v[i]);
	check(fdt_property(fdt, name, c, (int)(4 * n)));
}

#define CELLS(name, ...)                                                                           \
	do {                                                                                       \
		const uint32_t v_[] = { __VA_ARGS__ };                                             \
		cells(name, v_, sizeof(v_) / 4);                                                   \
	} while (0)

void board_begin(void)
{
	host_mmio_clear();
	host_log_clear();
	board_mapped = 0;
	pmem_reset();
	pmem_early((struct range){ (uintptr_t)arena, sizeof(arena) });
	check(fdt_create(fdt, sizeof(fdt)));
	check(fdt_finish_reservemap(fdt));
	check(fdt_begin_node(fdt, ""));
	CELLS("#address-cells", 2);
	CELLS("#size-cells", 2);
	check(fdt_begin_node(fdt, "intc"));
	check(fdt_property(fdt, "interrupt-controller", NULL, 0));
	CELLS("#interrupt-cells", 3);
	CELLS("#address-cells", 2);
	CELLS("phandle", 0x8002);
	check(fdt_end_node(fdt));
}

/* As QEMU's virt: 4 slots by 4 pins, SPIs 3..6, turning. */
static void interrupt_map(bool edge)
{
	uint32_t map[16 * 10], *p = map;

	for (uint32_t slot = 0; slot < 4; slot++)
		for (uint32_t pin = 0; pin < 4; pin++, p += 10) {
			const uint32_t e[10] = { slot << 11,  0,      0,
						 pin + 1,     0x8002, 0,
						 0,           0,      3 + (slot + pin) % 4,
						 edge ? 1 : 4 };

			memcpy(p, e, sizeof(e));
		}
	cells("interrupt-map", map, sizeof(map) / 4);
	CELLS("interrupt-map-mask", 0x1800, 0, 0, 7);
}

void board_host(const struct board_host *b)
{
	static const uint32_t ranges[] = {
		0x01000000, 0,    0,          0,    0x3eff0000, 0,    0x10000,
		0x02000000, 0,    0x10000000, 0,    0x10000000, 0,    0x2eff0000,
		0x03000000, 0x80, 0,          0x80, 0,          0x80, 0,
	};
	static const char juno[] = "arm,juno-r1-pcie\0plda,xpressrich3-axi\0pci-host-ecam-generic";
	char name[32];

	snprintf(name, sizeof(name), "pcie@%llx", (unsigned long long)b->ecam);
	check(fdt_begin_node(fdt, name));
	if (b->juno)
		check(fdt_property(fdt, "compatible", juno, sizeof(juno)));
	else
		check(fdt_property(fdt, "compatible", "acme,pcie\0pci-host-ecam-generic", 32));
	CELLS("#address-cells", 3);
	CELLS("#size-cells", 2);
	CELLS("#interrupt-cells", 1);
	CELLS("reg", (uint32_t)(b->ecam >> 32), (uint32_t)b->ecam, 0, (uint32_t)b->ecam_size);
	if (b->bus_first || b->bus_last)
		CELLS("bus-range", b->bus_first, b->bus_last);
	cells("ranges", b->ranges ? b->ranges : ranges, b->ranges ? 7 * b->ranges_count : 21);
	if (b->dma_ranges)
		cells("dma-ranges", b->dma_ranges, 7 * b->dma_count);
	if (b->iommu_map)
		cells("iommu-map", b->iommu_map, 4 * b->iommu_count);
	else if (!b->no_iommu)
		CELLS("iommu-map", 0, BOARD_SMMU, 0, 0x10000);
	if (b->iommu_mask)
		CELLS("iommu-map-mask", b->iommu_mask == BOARD_MASK_ZERO ? 0 : b->iommu_mask);
	if (b->msi_parent)
		CELLS("msi-parent", b->v2m ? BOARD_V2M : BOARD_ITS);
	else if (!b->no_msi)
		CELLS("msi-map", 0, BOARD_ITS, 0x40000, 0x10000);
	if (b->probe_only)
		CELLS("linux,pci-probe-only", 1);
	if (b->has_domain)
		CELLS("linux,pci-domain", b->domain);
	if (b->disabled)
		check(fdt_property_string(fdt, "status", "disabled"));
	if (b->coherent)
		check(fdt_property(fdt, "dma-coherent", NULL, 0));
	if (b->extra)
		check(fdt_property(fdt, b->extra, NULL, 0));
	if (b->extra2)
		check(fdt_property(fdt, b->extra2, NULL, 0));
	interrupt_map(b->edge);
	check(fdt_end_node(fdt));
}

void board_v2m(uint64_t at)
{
	char name[32];

	snprintf(name, sizeof(name), "v2m@%llx", (unsigned long long)at);
	check(fdt_begin_node(fdt, name));
	check(fdt_property_string(fdt, "compatible", "arm,gic-v2m-frame"));
	CELLS("reg", (uint32_t)(at >> 32), (uint32_t)at, 0, 0x10000);
	check(fdt_end_node(fdt));
}

const void *board_end(void)
{
	check(fdt_end_node(fdt));
	check(fdt_finish(fdt));
	check(fdt_check_full(fdt, sizeof(fdt)));
	return fdt;
}

static void map_ecam(struct range r)
{
	assert(r.size);
	board_mapped++;
}

void board_go(void)
{
	pci_probe_hosts(board_end(), map_ecam);
	for (unsigned i = 0; i < pci_host_count; i++) {
		pci_enumerate(&pci_hosts[i]);
		pci_assign(&pci_hosts[i]);
	}
	pci_identify();
}

void board_probe(struct pcim *m)
{
	uint32_t last = m->first_bus + (uint32_t)(m->size >> 20) - 1;

	board_host(&(struct board_host){ .ecam = m->base,
					 .ecam_size = m->size,
					 .bus_first = m->first_bus,
					 .bus_last = last });
	board_go();
}

static unsigned bus_of(const struct pcim_dev *d)
{
	return d->up ? pcim_get(d->up, 0x19, 1) : d->root_bus;
}

struct pci_func *board_func(const struct pcim_dev *d)
{
	for (unsigned i = 0; i < pci_func_count; i++)
		if (pci_funcs[i].host->ecam.base == d->m->base &&
		    pci_funcs[i].bdf == (bus_of(d) << 8 | d->devfn))
			return &pci_funcs[i];
	return NULL;
}
