/* SPDX-License-Identifier: Apache-2.0 */
/* See plan_fakes.h. */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include <plan_fakes.h>

static struct pci_host fake_hosts[4];
struct pci_host *pci_hosts = fake_hosts;
unsigned pci_host_count;
static struct pci_func funcs[256];
struct pci_func *pci_funcs = funcs;
unsigned pci_func_count;

struct iommu fake_smmu;

static struct msi_ctrl its[2] = { { .by_device = true }, { .by_device = true } };
static struct fake_frame {
	struct msi_ctrl msi;
	uint32_t first, count;
} frame[4];
static unsigned frame_count;

uint32_t v2m_place(const struct msi_ctrl *c, uint32_t from, uint32_t n)
{
	const struct fake_frame *f = container_of(c, const struct fake_frame, msi);

	if (from < f->first)
		from = f->first;
	while (n > 1 && from % 2)
		from++;
	return from + n <= f->first + f->count ? from : 0;
}

struct msi_ctrl *v2m_frame(unsigned n)
{
	return n < frame_count ? &frame[n].msi : NULL;
}

void fake_v2m(unsigned frames, uint32_t spis)
{
	frame_count = frames;
	for (unsigned i = 0; i < frames; i++)
		frame[i] = (struct fake_frame){ { .page = PA(FAKE_FRAME + 0x10000 * (uint64_t)i) },
						112 + i * spis,
						spis };
	for (unsigned i = 0; i < pci_func_count; i++)
		pci_funcs[i].msi = &frame[0].msi;
}

struct msi_ctrl *fake_its(unsigned n)
{
	return &its[n];
}

struct iommu *iommu_find(uint32_t phandle)
{
	return phandle && phandle == fake_smmu.phandle ? &fake_smmu : NULL;
}

const char *pci_reset_method(const struct pci_func *f)
{
	return f->flr ? "FLR" : NULL;
}

const char *pci_open_why(const struct pci_func *f)
{
	return f->bdf >> 8 == 1 ? "conventional PCI" : NULL;
}

enum hv_status pci_find(const char *name, struct pci_func **out)
{
	if (!strcmp(name, "pci:1234:11e8"))
		return HV_ECONFLICT;
	if (!strchr(name, ':'))
		return HV_EINVAL;
	for (unsigned i = 0; i < pci_func_count; i++)
		if (!strcmp(pci_funcs[i].name, name)) {
			*out = &pci_funcs[i];
			return HV_OK;
		}
	return HV_ENOENT;
}

uint32_t fake_reach;

bool pci_can_assert(const struct pci_func *f, uint32_t intid)
{
	return f->intx.intid == intid || intid == fake_reach;
}

struct pci_func *pci_in_group(unsigned group, unsigned n)
{
	pci_for_each(f)
		if (f->group == group && !n--)
			return f;
	return NULL;
}

struct pci_func *pci_with_device_id(uint32_t device_id, unsigned n)
{
	pci_for_each(f)
		if (f->device_id == device_id && !n--)
			return f;
	return NULL;
}

struct pci_func *pci_candidate(const char *name, unsigned n)
{
	return !strcmp(name, "pci:1234:11e8") && n < 12 ? &pci_funcs[n] : NULL;
}

struct pci_func *fake_func(const char *name)
{
	struct pci_func *f = NULL;
	enum hv_status s = pci_find(name, &f);

	assert(s == HV_OK);
	return f;
}

static const struct {
	uint16_t bdf;
	uint8_t pin, spi, msi, group;
	uint16_t msix;
	uint32_t sid;
	uint64_t bar0;
	bool bar64;
} table[] = {
	{ 0x0008, 1, 4, 0, 1, 5, 0x08, 0x20000, false },  /* 00:01.0 a NIC with MSI-X */
	{ 0x0010, 1, 5, 1, 2, 0, 0x10, 0x100000, false }, /* 00:02.0 */
	{ 0x0030, 1, 5, 1, 3, 0, 0x30, 0x100000, false }, /* 00:06.0 on the line of 02.0 */
	{ 0x0038, 1, 6, 0, 4, 0, 0x38, 0x1000, false },   /* 00:07.0 INTx only */
	{ 0x0050, 1, 6, 0, 5, 0, 0x50, 0x1000, false },   /* 00:0a.0 INTx only, same line */
	{ 0x0128, 1, 7, 1, 6, 0, 0x100, 0x1000, false },  /* 01:05.0 behind a PCI bridge */
	{ 0x0130, 2, 4, 1, 6, 0, 0x100, 0x1000, false },  /* 01:06.0 beside it */
	{ 0x0200, 1, 4, 0, 7, 4, 0x200, 0x4000, true },   /* 02:00.0 three functions */
	{ 0x0201, 2, 5, 0, 7, 4, 0x201, 0x4000, true },
	{ 0x0203, 3, 6, 0, 7, 4, 0x203, 0x4000, true },
	{ 0x0300, 0, 0, 0, 8, 8, 0x300, UINT64_C(0x200000000), true }, /* 03:00.0 8 GiB BAR */
	{ 0x0400, 0, 0, 0, 9, 0, 0x400, 0x10000000,
	  false },                                  /* 04:00.0 256 MiB 32-bit BAR, no IRQ */
	{ 0x0018, 0, 0, 0, 10, 0, 0x18, 0, false }, /* 00:03.0 a bridge */
};

void fake_pci_reset(void)
{
	struct pci_host *h = &pci_hosts[0];

	frame_count = 0;
	memset(fake_hosts, 0, sizeof(fake_hosts));
	memset(funcs, 0, sizeof(funcs));
	fake_smmu = (struct iommu){ .name = "smmuv3@9050000",
				    .oas_bits = 44,
				    .sid_bits = 16,
				    .s2 = true,
				    .coherent = true };
	its[0].page = its[1].page = PA(0x08090000);
	pci_host_count = 1;
	h->bus_last = 255;
	h->ecam = (struct range){ UINT64_C(0x4010000000), 0x10000000 };
	h->window_count = 3;
	h->window[0] = (struct pci_window){ PCI_WINDOW_IO, false, 0, 0x3eff0000, 0x10000, 0 };
	h->window[1] = (struct pci_window){ PCI_WINDOW_MEM32, false,      0x10000000,
					    0x10000000,       0x2eff0000, 0 };
	h->window[2] = (struct pci_window){ PCI_WINDOW_MEM64,       false,
					    UINT64_C(0x8000000000), UINT64_C(0x8000000000),
					    UINT64_C(0x8000000000), 0 };
	h->coherent = true;
	strcpy(h->name, "pcie@10000000");
	pci_func_count = sizeof(table) / sizeof(table[0]);
	for (unsigned i = 0; i < pci_func_count; i++) {
		struct pci_func *f = &pci_funcs[i];

		f->host = h;
		f->bdf = table[i].bdf;
		snprintf(f->name, sizeof(f->name), "%04x:%02x:%02x.%x", f->host->segment,
			 f->bdf >> 8, f->bdf >> 3 & 31, f->bdf & 7);
		f->vendor = 0x1234;
		f->flr = true;
		f->device = (uint16_t)(0x1000 + i);
		f->irq_pin = table[i].pin;
		f->intx.intid = table[i].spi ? 32u + table[i].spi - 1 : 0;
		f->msi_count = table[i].msi;
		f->msix_count = table[i].msix;
		f->iommu = &fake_smmu;
		f->sid_count = 1;
		f->sid[0] = table[i].sid;
		f->device_id = table[i].sid;
		f->msi = &its[0];
		f->group = table[i].group;
		f->owner = PCI_NO_OWNER;
		f->bar[0] = (struct pci_bar){ .size = table[i].bar0,
					      .pci = 0x10000000 + i * 0x100000,
					      .pa = PA(0x10000000 + i * 0x100000),
					      .mem64 = table[i].bar64,
					      .assigned = true };
		f->bridge = table[i].bdf == 0x0018;
	}
}
