/* SPDX-License-Identifier: Apache-2.0 */
/* Facts that more than one output says: the board's bridges, what each lacks, who owns what. */
#include <stdlib.h>
#include <string.h>

#include <libfdt.h>

#include <hv/dt.h>

#include "tool.h"

const char *tree_model(const struct tool *t)
{
	const char *model = dt_string(t->fdt, 0, "model");

	return model ? model : first_compatible(t->fdt, 0);
}

const char *first_compatible(const void *fdt, int node)
{
	const char *c = node < 0 ? NULL : dt_string(fdt, node, "compatible");

	return c && *c ? c : "?";
}

/* The node that serves requester ID 0: `prop`-map's entry for it, or else its first; or -1. */
static int served_by(const void *fdt, int node, const char *map, const char *direct)
{
	unsigned len;
	const fdt32_t *p = dt_get(fdt, node, map, &len);

	if (p && len >= 16)
		return dt_by_phandle(fdt, fdt32_ld(p + 1));
	p = dt_get(fdt, node, direct, &len);
	return p && len >= 4 ? dt_by_phandle(fdt, fdt32_ld(p)) : -1;
}

static const struct pci_host *driven(int node)
{
	for (unsigned i = 0; i < pci_host_count; i++)
		if (pci_hosts[i].node == node)
			return &pci_hosts[i];
	return NULL;
}

static void bridge_read(const struct tool *t, int node, struct bridge *b)
{
	int smmu = served_by(t->fdt, node, "iommu-map", "iommus");
	int msi = served_by(t->fdt, node, "msi-map", "msi-parent");
	const struct iommu *i;

	*b = (struct bridge){ .node = node };
	dt_path(t->fdt, node, b->path, sizeof(b->path));
	b->compatible = first_compatible(t->fdt, node);
	b->enabled = dt_enabled(t->fdt, node);
	b->host = driven(node);
	b->iommu = smmu < 0 ? NULL : first_compatible(t->fdt, smmu);
	b->msi = msi < 0 ? NULL : first_compatible(t->fdt, msi);
	i = smmu < 0 ? NULL : iommu_find(dt_phandle(t->fdt, smmu));
	b->iommu_driven = i && i->s2;
	b->msi_driven = msi >= 0 && msi_known(dt_phandle(t->fdt, msi));
}

/* device_type = "pci", not below another one: a root port has it as well. */
static bool is_bridge(const void *fdt, int node)
{
	const char *type = dt_string(fdt, node, "device_type");
	const char *above = dt_string(fdt, dt_parent(fdt, node), "device_type");

	return type && !strcmp(type, "pci") && !(above && !strcmp(above, "pci"));
}

void bridges_find(struct tool *t)
{
	unsigned count = 0;

	dt_for_each(n, t->fdt, NULL)
		count += is_bridge(t->fdt, n);
	t->bridge = calloc(count + 1, sizeof(*t->bridge));
	if (!t->bridge)
		die("out of memory");
	t->bridge_count = 0;
	dt_for_each(n, t->fdt, NULL)
		if (is_bridge(t->fdt, n))
			bridge_read(t, n, &t->bridge[t->bridge_count++]);
}

static bool add(char out[][160], unsigned max, unsigned *count, const char *fmt, ...)
	__printf(4, 5);
static bool add(char out[][160], unsigned max, unsigned *count, const char *fmt, ...)
{
	char text[160];
	va_list ap;

	va_start(ap, fmt);
	fmt_vprint(text, sizeof(text), fmt, ap);
	va_end(ap);
	for (unsigned i = 0; i < *count; i++)
		if (!strcmp(out[i], text))
			return false;
	if (*count < max)
		memcpy(out[(*count)++], text, sizeof(text));
	return true;
}

static void bridge_lacks(const struct bridge *b, char out[][160], unsigned max, unsigned *n)
{
	if (!b->host)
		add(out, max, n, "driver: host bridge %s", b->compatible);
	if (!b->iommu)
		add(out, max, n, "IOMMU before %s", b->compatible);
	else if (!b->iommu_driven)
		add(out, max, n, "driver: IOMMU %s", b->iommu);
	if (!b->msi)
		add(out, max, n, "MSI controller for %s", b->compatible);
	else if (!b->msi_driven)
		add(out, max, n, "driver: MSI %s", b->msi);
}

static int any_gic(const void *fdt)
{
	static const char *const known[] = { "arm,gic-v3", "arm,gic-400", "arm,cortex-a15-gic" };
	int n = -1;

	for (unsigned i = 0; i < ARRAY_SIZE(known) && n < 0; i++)
		n = dt_next(fdt, -1, known[i]);
	return n;
}

unsigned lacks(const struct tool *t, char out[][160], unsigned max)
{
	unsigned n = 0;

	if (dt_next(t->fdt, -1, "arm,psci-1.0") < 0 && dt_next(t->fdt, -1, "arm,psci-0.2") < 0)
		add(out, max, &n, "PSCI 0.2");
	if (t->board.gic_node < 0)
		add(out, max, &n, "driver: interrupt controller %s",
		    first_compatible(t->fdt, any_gic(t->fdt)));
	for (unsigned i = 0; i < t->bridge_count; i++)
		if (t->bridge[i].enabled)
			bridge_lacks(&t->bridge[i], out, max, &n);
	return n;
}

const char *kind_of(const struct pci_func *f)
{
	static const struct {
		uint16_t class;
		const char *kind;
	} kinds[] = {
		{ 0x0101, "IDE" },         { 0x0104, "RAID" },    { 0x0106, "SATA" },
		{ 0x0107, "SAS" },         { 0x0108, "NVMe" },    { 0x0180, "storage" },
		{ 0x0200, "Ethernet" },    { 0x0280, "network" }, { 0x0300, "display" },
		{ 0x0302, "3D" },          { 0x0403, "audio" },   { 0x0600, "host bridge" },
		{ 0x0604, "bridge" },      { 0x0703, "modem" },   { 0x0c03, "USB" },
		{ 0x1200, "accelerator" },
	};
	static const char *const ports[16] = {
		[4] = "root port",   [5] = "switch, up",  [6] = "switch, down",
		[7] = "PCIe to PCI", [8] = "PCI to PCIe",
	};

	if (f->bridge && f->cap_pcie && ports[f->pcie_type & 15])
		return ports[f->pcie_type & 15];
	for (unsigned i = 0; i < ARRAY_SIZE(kinds); i++)
		if (f->class_rev >> 16 == kinds[i].class)
			return kinds[i].kind;
	return "device";
}

const struct guest_plan *owner_of(const struct tool *t, const struct pci_func *f)
{
	return f->owner < t->plan.guest_count ? &t->plan.guest[f->owner] : NULL;
}

const struct plan_device *assigned(const struct tool *t, const struct pci_func *f)
{
	const struct guest_plan *g = owner_of(t, f);

	for (unsigned i = 0; g && i < g->device_count; i++)
		if (g->device[i].func == f)
			return &g->device[i];
	return NULL;
}

static struct hole pages(const struct pci_part *p)
{
	uint64_t base = ALIGN_DOWN(p->at.base, PAGE_SIZE);

	return (struct hole){ p->bar, { base, ALIGN_UP(range_end(p->at), PAGE_SIZE) - base } };
}

unsigned holes(const struct plan_device *d, struct hole out[2])
{
	const struct pci_func *f = d->func;

	if (d->msi != PLAN_TRAPPED || !f->msix_count)
		return 0;
	out[0] = pages(&f->msix[MSIX_TABLE]);
	out[1] = pages(&f->msix[MSIX_PBA]);
	return out[0].bar == out[1].bar && out[0].part.base == out[1].part.base &&
			       out[0].part.size >= out[1].part.size ?
		       1 :
		       2;
}

const char *tool_msi_name(const struct plan_device *d)
{
	switch (d->msi) {
	case PLAN_OFF:
		return "off";
	case PLAN_DIRECT:
		return "direct";
	default:
		return "trapped";
	}
}
