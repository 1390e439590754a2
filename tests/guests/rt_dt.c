/* SPDX-License-Identifier: Apache-2.0 */
/* What the payloads read from their device tree. Addresses of child buses are taken 1:1. */
#include <libfdt.h>

#include "rt_priv.h"

static u64 cells(const fdt32_t *p, int n)
{
	u64 v = 0;

	for (; n > 0; n--)
		v = v << 32 | fdt32_to_cpu(*p++);
	return v;
}

static bool dt_reg(int node, int index, u64 *base, u64 *size)
{
	const void *dtb = machine.dtb;
	int parent = fdt_parent_offset(dtb, node);
	int a = fdt_address_cells(dtb, parent), s = fdt_size_cells(dtb, parent), len;
	const fdt32_t *reg = fdt_getprop(dtb, node, "reg", &len);

	if (!reg || a < 1 || len < (index + 1) * (a + s) * 4)
		return false;
	*base = cells(reg + index * (a + s), a);
	*size = cells(reg + index * (a + s) + a, s);
	return true;
}

static int dt_compatible(const char *a, const char *b)
{
	int node = fdt_node_offset_by_compatible(machine.dtb, -1, a);

	return node < 0 && b ? fdt_node_offset_by_compatible(machine.dtb, -1, b) : node;
}

static void read_cpus(void)
{
	const void *dtb = machine.dtb;
	int node, cpus = fdt_path_offset(dtb, "/cpus");

	if (cpus < 0)
		return;
	fdt_for_each_subnode(node, dtb, cpus)
	{
		const char *type = fdt_getprop(dtb, node, "device_type", NULL);
		const fdt32_t *reg = fdt_getprop(dtb, node, "reg", NULL);

		if (type && reg && type[0] == 'c' && type[1] == 'p' && machine.cpus < RT_MAX_CPUS)
			machine.mpidr[machine.cpus++] = cells(reg, fdt_address_cells(dtb, cpus));
	}
}

static void read_memory(void)
{
	int node = fdt_node_offset_by_prop_value(machine.dtb, -1, "device_type", "memory", 7);

	if (node >= 0)
		dt_reg(node, 0, &machine.ram_base, &machine.ram_size);
}

static void read_pci(void)
{
	const void *dtb = machine.dtb;
	int len, node = machine.pci;
	const fdt32_t *r = fdt_getprop(dtb, node, "ranges", &len);
	int pa = fdt_address_cells(dtb, fdt_parent_offset(dtb, node)), entry = 3 + pa + 2;

	dt_reg(node, 0, &machine.ecam, &machine.ecam_size);
	for (; r && len >= entry * 4; r += entry, len -= entry * 4) {
		u32 space = fdt32_to_cpu(r[0]) >> 24 & 3;
		u64 pci = cells(r + 1, 2), cpu = cells(r + 3, pa), size = cells(r + 3 + pa, 2);

		if (space == 2 && !machine.mem32_size) {
			machine.mem32_pci = pci;
			machine.mem32_cpu = cpu;
			machine.mem32_size = size;
		} else if (space == 3 && !machine.mem64_size) {
			machine.mem64_pci = pci;
			machine.mem64_cpu = cpu;
			machine.mem64_size = size;
		}
	}
}

void dt_read(const void *dtb)
{
	const char *method;
	u64 size;
	int node;

	machine.dtb = dtb;
	node = dt_compatible("arm,pl011", "arm,sbsa-uart");
	if (node >= 0 && dt_reg(node, 0, &machine.uart, &size))
		w32(machine.uart + 0x30, 0x301); /* UARTCR: UARTEN, TXE, RXE */
	node = dt_compatible("arm,psci-1.0", "arm,psci-0.2");
	method = node < 0 ? NULL : fdt_getprop(dtb, node, "method", NULL);
	machine.psci_smc = method && method[0] == 's';
	read_cpus();
	read_memory();
	node = dt_compatible("arm,gic-v3", NULL);
	if (node >= 0) {
		dt_reg(node, 0, &machine.gicd, &size);
		dt_reg(node, 1, &machine.gicr, &machine.gicr_size);
	}
	node = dt_compatible("arm,cortex-a15-gic", "arm,gic-400");
	if (node >= 0) {
		dt_reg(node, 0, &machine.gicd, &size);
		dt_reg(node, 1, &machine.gicc, &size);
	}
	node = dt_compatible("arm,gic-v3-its", NULL);
	if (node >= 0)
		dt_reg(node, 0, &machine.its, &size);
	node = dt_compatible("arm,gic-v2m-frame", NULL);
	if (node >= 0)
		dt_reg(node, 0, &machine.v2m, &size);
	machine.pci = dt_compatible("pci-host-ecam-generic", NULL);
	if (machine.pci >= 0)
		read_pci();
}

/* The value of a digit of up to hexadecimal; 16: it is none. */
static u64 digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return (u64)(c - '0');
	if (c >= 'a' && c <= 'f')
		return (u64)(c - 'a' + 10);
	if (c >= 'A' && c <= 'F')
		return (u64)(c - 'A' + 10);
	return 16;
}

u64 parse_number(const char *s, const char **end)
{
	u64 v = 0, base = 10;

	if (s[0] == '0' && (s[1] == 'x' || s[1] == 'X')) {
		base = 16;
		s += 2;
	}
	for (;; s++) {
		u64 digit = digit_value(*s);

		if (digit >= base)
			break;
		v = v * base + digit;
	}
	if (end)
		*end = s;
	return v;
}

const char *arg_find(const char *name)
{
	int chosen = fdt_path_offset(machine.dtb, "/chosen"), len;
	const char *args = chosen < 0 ? NULL : fdt_getprop(machine.dtb, chosen, "bootargs", &len);

	for (const char *a = args; a && *a; a++) {
		const char *n = name;

		if (a != args && a[-1] != ' ')
			continue;
		while (*n && *a == *n) {
			a++;
			n++;
		}
		if (!*n && *a == '=')
			return a + 1;
		if (!*a)
			break;
	}
	return NULL;
}

u64 arg_number(const char *name, u64 otherwise)
{
	const char *s = arg_find(name);

	return s ? parse_number(s, NULL) : otherwise;
}

/* --- PCI properties of the host bridge --- */

/*
 * The interrupt of `pin` (1..4) of config address `where` (bus << 16 | devfn << 8), PCI bus
 * binding.
 */
static u32 interrupt_map(u32 where, u32 pin)
{
	const void *dtb = machine.dtb;
	int len, mask_len;
	const fdt32_t *map = fdt_getprop(dtb, machine.pci, "interrupt-map", &len);
	const fdt32_t *mask = fdt_getprop(dtb, machine.pci, "interrupt-map-mask", &mask_len);
	u32 want = where & (mask && mask_len >= 16 ? fdt32_to_cpu(mask[0]) : ~0U);

	while (map && len >= 20) {
		int gic = fdt_node_offset_by_phandle(dtb, fdt32_to_cpu(map[4]));
		int entry = 5 + (gic < 0 ? 0 : fdt_address_cells(dtb, gic)) + 3;
		const fdt32_t *intr = map + entry - 3;

		if (gic < 0 || len < entry * 4)
			break;
		if (fdt32_to_cpu(map[0]) == want && fdt32_to_cpu(map[3]) == pin)
			return fdt32_to_cpu(intr[1]) + (fdt32_to_cpu(intr[0]) ? 16 : 32);
		map += entry;
		len -= entry * 4;
	}
	return 0;
}

u32 pci_intx(const struct pci_dev *d)
{
	u32 pin = r8(d->cfg + 0x3d);

	return pin ? interrupt_map((u32)d->bus << 16 | (u32)d->devfn << 8, pin) : 0;
}

bool pci_msi_target(const struct pci_dev *d, u32 *device_id, u64 *doorbell)
{
	int len;
	const fdt32_t *map = fdt_getprop(machine.dtb, machine.pci, "msi-map", &len);
	u32 rid = (u32)d->bus << 8 | d->devfn;

	*device_id = rid;
	*doorbell = machine.its + 0x10040; /* GITS_TRANSLATER, IHI 0069 §12.19 */
	for (; map && len >= 16; map += 4, len -= 16) {
		u32 first = fdt32_to_cpu(map[0]), count = fdt32_to_cpu(map[3]);

		if (rid >= first && rid - first < count) {
			*device_id = fdt32_to_cpu(map[2]) + rid - first;
			return machine.its != 0;
		}
	}
	return machine.its && fdt_getprop(machine.dtb, machine.pci, "msi-parent", NULL);
}

void *shared_page(void)
{
	int node = dt_compatible("xen,shared-memory-v1", NULL);
	u64 base = 0, size;

	if (node < 0 || !dt_reg(node, 0, &base, &size))
		return NULL;
	map_page(base, MAP_NORMAL);
	return (void *)base;
}
