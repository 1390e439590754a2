/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The device tree that a guest boots with: exactly what it has, and nothing of the board. Its
 * source is below, as text, which dtw_write() hands to libfdt. Bindings: Devicetree Specification
 * v0.4, arm,gic-v3, arm,gic, arm,pl011, arm,pl031, arm,sbsa-gwdt, pci-host-ecam-generic, PCI Bus
 * Binding (IEEE 1275) §2.2.
 */
#include <string.h>

#include <libfdt.h>

#include <hv/dt.h>
#include <hv/guest_dt.h>
#include <hv/vits.h>
#include <hv/vuart.h>
#include <spec/sbsa_watchdog.h>

#include "dt_writer.h"

enum { PHANDLE_MSI = GUEST_PHANDLE + 1, PHANDLE_CLOCK };

#define GICD_SIZE   KIB(64)
#define GICV2_SIZE  KIB(4) /* its distributor */
#define GICC_SIZE   KIB(8)
#define GICR_SIZE   KIB(128) /* one vCPU's redistributor */
#define PCI_IO_SIZE KIB(64)

static void write_chosen(struct dt_writer *w, const struct guest_plan *g, struct range initrd)
{
	dtw_begin(w, "chosen");
	if (g->bootargs[0])
		dtw_bytes(w, "bootargs", g->bootargs, strlen(g->bootargs) + 1);
	if (g->vpl011)
		dtw_write(w, "stdout-path = '/serial@%x';", GUEST_UART_BASE);
	if (initrd.size)
		dtw_write(w, "linux,initrd-start = <%016lx>; linux,initrd-end = <%016lx>;",
			  initrd.base, range_end(initrd));
	if (g->entropy.seeded) {
		dtw_bytes(w, "kaslr-seed", g->kaslr_seed, sizeof(g->kaslr_seed));
		dtw_bytes(w, "rng-seed", g->rng_seed, sizeof(g->rng_seed));
	}
	dtw_end(w);
}

static void write_cpus(struct dt_writer *w, const struct guest_plan *g)
{
	dtw_write(w, "cpus { #address-cells = <1>; #size-cells = <0>;");
	for (unsigned i = 0; i < g->vcpu_count; i++)
		dtw_write(w,
			  "cpu@%x { device_type = 'cpu'; compatible = 'arm,armv8'; reg = <%x>; "
			  "enable-method = 'psci'; }",
			  vcpu_affinity(i), vcpu_affinity(i));
	dtw_end(w);
}

static void write_memory(struct dt_writer *w, const struct guest_plan *g)
{
	char reg[16 * MAX_GUEST_RAM] = "", *to = reg;

	for (unsigned i = 0; i < g->ram_count; i++)
		to = dtw_put64(dtw_put64(to, g->ram[i].ipa.v), g->ram[i].size);
	dtw_write(w, "memory@%lx { device_type = 'memory';", g->ram[0].ipa.v);
	dtw_bytes(w, "reg", reg, (size_t)(to - reg));
	dtw_end(w);
}

/* Linux' binding reserved-memory/xen,shared-memory. */
static void write_shared(struct dt_writer *w, const struct guest_plan *g)
{
	bool any = false;

	for (const struct plan_region *r = g->region; r < g->region + g->region_count; r++) {
		if (!r->id[0])
			continue;
		if (!any)
			dtw_write(w, "reserved-memory { #address-cells = <2>; #size-cells = <2>; "
				     "ranges;");
		any = true;
		dtw_write(w,
			  "xen-shmem@%lx { compatible = 'xen,shared-memory-v1'; "
			  "reg = <%016lx %016lx>; "
			  "xen,offset = <0 0>;",
			  r->ipa, r->ipa, r->pa.size);
		dtw_bytes(w, "xen,id", r->id, strlen(r->id) + 1);
		dtw_end(w);
	}
	if (any)
		dtw_end(w);
}

static void write_firmware(struct dt_writer *w, const struct guest_plan *g)
{
	/* Low, which arm,armv8-timer wants; GICv2's binding also asks which CPUs have the PPI. */
	uint32_t low = 8 | (g->gic_version == 2 ? ((1U << g->vcpu_count) - 1) << 8 : 0);

	dtw_write(w, "psci { compatible = 'arm,psci-1.0', 'arm,psci-0.2'; method = 'hvc'; }");
	/* PPIs: secure, non-secure, virtual, hypervisor, the order of the binding. */
	dtw_write(w,
		  "timer { compatible = 'arm,armv8-timer'; always-on; "
		  "interrupts = <1 d %x 1 e %x 1 b %x 1 a %x>; }",
		  low, low, low, low);
	if (g->pmu == PLAN_ON && g->pmu_intid)
		dtw_write(w, "pmu { compatible = 'arm,armv8-pmuv3'; interrupts = <1 %x %x>; }",
			  g->pmu_intid - 16, low ^ (8 ^ 4)); /* high */
	else if (g->pmu == PLAN_ON)
		dtw_write(w, "pmu { compatible = 'arm,armv8-pmuv3'; }");
}

static void write_gic(struct dt_writer *w, const struct guest_plan *g)
{
	bool v2 = g->gic_version == 2;

	/* #address-cells: also those of the unit address of an interrupt-map's parent. */
	dtw_write(w,
		  "interrupt-controller@%x { compatible = '%s'; phandle = <%x>; "
		  "#interrupt-cells = <3>; interrupt-controller; "
		  "#address-cells = <2>; #size-cells = <2>; ranges; "
		  "reg = <%016x %016lx %016x %016lx>;",
		  GUEST_GICD_BASE, v2 ? "arm,cortex-a15-gic" : "arm,gic-v3", g->gic_phandle,
		  GUEST_GICD_BASE, v2 ? GICV2_SIZE : GICD_SIZE,
		  v2 ? GUEST_GICC_BASE : GUEST_GICR_BASE,
		  v2 ? GICC_SIZE : GICR_SIZE * g->vcpu_count);
	if (g->msi)
		dtw_write(
			w,
			"msi-controller@%lx { compatible = '%s'; phandle = <%x>; msi-controller; %s"
			"reg = <%016lx %016lx>; }",
			g->msi_base.v, g->its ? "arm,gic-v3-its" : "arm,gic-v2m-frame", PHANDLE_MSI,
			g->its ? "#msi-cells = <1>; " : "", g->msi_base.v,
			g->its ? VITS_SIZE : PAGE_SIZE);
	dtw_end(w);
}

static void write_clock(struct dt_writer *w)
{
	dtw_write(w,
		  "clock { compatible = 'fixed-clock'; phandle = <%x>; #clock-cells = <0>; "
		  "clock-frequency = <16e3600>; }",
		  PHANDLE_CLOCK); /* 24 MHz */
}

static void write_uart(struct dt_writer *w)
{
	dtw_write(w,
		  "serial@%x { compatible = 'arm,pl011', 'arm,primecell'; reg = <%016x %016lx>; "
		  "interrupts = <0 %x 4>; clocks = <%x %x>; clock-names = 'uartclk', 'apb_pclk'; }",
		  GUEST_UART_BASE, GUEST_UART_BASE, PAGE_SIZE, VUART_VIRQ - 32, PHANDLE_CLOCK,
		  PHANDLE_CLOCK);
}

static void write_rtc(struct dt_writer *w, const struct guest_plan *g)
{
	dtw_write(w,
		  "rtc@%x { compatible = 'arm,pl031', 'arm,primecell'; reg = <%016x %016lx>; "
		  "interrupts = <0 %x 4>; clocks = <%x>; clock-names = 'apb_pclk'; }",
		  GUEST_RTC_BASE, GUEST_RTC_BASE, PAGE_SIZE, g->rtc_virq - 32, PHANDLE_CLOCK);
}

static void write_watchdog(struct dt_writer *w, const struct guest_plan *g)
{
	dtw_write(w,
		  "watchdog@%x { compatible = 'arm,sbsa-gwdt'; "
		  "reg = <%016x %016x %016x %016x>; interrupts = <0 %x 4>; }",
		  GUEST_WATCHDOG_BASE, GUEST_WATCHDOG_BASE, WDT_FRAME,
		  GUEST_WATCHDOG_BASE + WDT_FRAME, WDT_FRAME, g->watchdog_virq - 32);
}

/* Several functions may share a pin of their device number; the first speaks for them. */
static bool speaks_for_pin(const struct guest_plan *g, const struct plan_device *d)
{
	for (const struct plan_device *o = g->device; o < d; o++)
		if (o->as.intx_pin == d->as.intx_pin && o->as.devfn >> 3 == d->as.devfn >> 3)
			return false;
	return d->as.intx_pin;
}

static void write_interrupt_map(struct dt_writer *w, const struct guest_plan *g)
{
	enum { SPI = 0, LEVEL_HIGH = 4, CELLS = 10 };
	unsigned count = 0;
	void *map;
	char *to;

	plan_for_each_device(d, g)
		count += speaks_for_pin(g, d);
	if (!count)
		return;
	dtw_write(w, "#interrupt-cells = <1>; interrupt-map-mask = <f800 0 0 7>;");
	if (!w->err)
		w->err = fdt_property_placeholder(w->fdt, "interrupt-map", (int)count * 4 * CELLS,
						  &map);
	if (w->err)
		return;
	to = map;
	plan_for_each_device(d, g) {
		const uint32_t entry[CELLS] = { (d->as.devfn & 0xf8U) << 8,
						0,
						0,
						d->as.intx_pin,
						g->gic_phandle,
						0,
						0,
						SPI,
						d->as.intx_virq - 32,
						LEVEL_HIGH };

		for (unsigned i = 0; i < CELLS && speaks_for_pin(g, d); i++)
			to = dtw_put32(to, entry[i]);
	}
}

/* One range of the bridge: space and its flags, then PCI address, CPU address and size. */
static char *put_range(char *to, uint32_t space, uint64_t pci, uint64_t cpu, uint64_t size)
{
	return dtw_put64(dtw_put64(dtw_put64(dtw_put32(to, space), pci), cpu), size);
}

/*
 * How much of the high window the guest is told. Linux complains about a window of 4 GiB and more
 * that is not prefetchable, and joins ranges that lie side by side. So the last MiB stays untold
 * where all BARs, naturally aligned, fit into the first half.
 */
static uint64_t told_size(const struct guest_plan *g)
{
	uint64_t size = g->vpci.mem64.size, total = 0;

	plan_for_each_device(d, g)
		for (unsigned i = 0; i < PCI_BARS; i++)
			total += d->func ? d->func->bar[i].size : 0;
	return size == GIB(4) && total <= size / 2 ? size - MIB(1) : size;
}

/*
 * The windows. PCI Bus Binding §2.2.1.1: phys.hi says which space it is; not prefetchable, so that
 * a window takes all BARs.
 */
static void write_pci_windows(struct dt_writer *w, const struct guest_plan *g)
{
	enum { IO = 0x01000000, MEM32 = 0x02000000, MEM64 = 0x03000000, ENTRY = 28 };
	const struct vpci_config *v = &g->vpci;
	/*
	 * No function has an I/O BAR, but drivers that expect one (e1000 resets itself that way)
	 * write to port 0 then: the end of the 32-bit window answers like an empty bus.
	 */
	const uint64_t mem32 = v->mem32.size - PCI_IO_SIZE, io = v->mem32.base + mem32;
	char value[3 * ENTRY], *to = value;

	to = put_range(to, IO, 0, io, PCI_IO_SIZE);
	to = put_range(to, MEM32, v->mem32.base, v->mem32.base, mem32);
	if (v->mem64.size)
		to = put_range(to, MEM64, v->mem64.base, v->mem64.base, told_size(g));
	dtw_bytes(w, "ranges", value, (size_t)(to - value));
}

static void write_pcie(struct dt_writer *w, const struct guest_plan *g)
{
	const struct vpci_config *v = &g->vpci;

	dtw_write(w,
		  "pcie@%lx { compatible = 'pci-host-ecam-generic'; device_type = 'pci'; "
		  "#address-cells = <3>; #size-cells = <2>; reg = <%016lx %016lx>; "
		  "bus-range = <0 0>; "
		  "linux,pci-domain = <0>; %s",
		  v->ecam.v, v->ecam.v, MIB(1), g->coherent ? "dma-coherent;" : "");
	write_pci_windows(w, g);
	if (g->its) /* requester ID is DeviceID */
		dtw_write(w, "msi-map = <0 %x 0 100>;", PHANDLE_MSI);
	else if (g->msi)
		dtw_write(w, "msi-parent = <%x>;", PHANDLE_MSI);
	write_interrupt_map(w, g);
	dtw_end(w);
}

/*
 * A property of a partial tree: not what says what is assigned; and an interrupt parent that is not
 * below `top` is the guest's interrupt controller.
 */
static void copy_property(struct dt_writer *w, const struct guest_plan *g, int top,
			  const struct dt_prop *p)
{
	int parent, end;
	fdt32_t own = cpu_to_fdt32(g->gic_phandle);

	if (!strncmp(p->name, "xen,", 4))
		return;
	if (p->len != 4 || strcmp(p->name, "interrupt-parent")) {
		dtw_bytes(w, p->name, p->data, p->len);
		return;
	}
	parent = dt_by_phandle(g->partial_fdt, (uint32_t)dt_cells(p->data, 1));
	end = dt_next_sibling(g->partial_fdt, top);
	dtw_bytes(w, p->name, parent < top || (end >= 0 && parent >= end) ? &own : p->data,
		  sizeof(own));
}

/* The tree from `top` on, without recursion: its depth is the writer's only. */
static void copy_tree(struct dt_writer *w, const struct guest_plan *g, int top)
{
	const void *fdt = g->partial_fdt;
	int depth = 0, last;
	struct dt_prop p;

	for (int n = top; n >= 0 && (n == top || depth > 0);) {
		dtw_begin(w, dt_name(fdt, n));
		for (int at = n; (at = dt_next_prop(fdt, at, &p)) >= 0;)
			copy_property(w, g, top, &p);
		last = depth;
		n = dt_next_node(fdt, n, &depth);
		for (; last >= MAX(depth, 0); last--)
			dtw_end(w);
	}
}

enum hv_status guest_dt_build(const struct guest_plan *g, struct range initrd_ipa, void *buf,
			      size_t size)
{
	struct dt_writer w = { buf, 0 };

	/* libfdt leaves padding as it is, and all of the buffer goes to the guest. */
	memset(buf, 0, size);
	w.err = fdt_create(buf, (int)size);
	w.err = w.err ? w.err : fdt_finish_reservemap(buf);
	dtw_begin(&w, "");
	dtw_write(&w,
		  "model = 'Viaduct guest'; compatible = 'viaduct,guest', 'linux,dummy-virt'; "
		  "interrupt-parent = <%x>; #address-cells = <2>; #size-cells = <2>;",
		  g->gic_phandle);
	write_chosen(&w, g, initrd_ipa);
	write_cpus(&w, g);
	write_memory(&w, g);
	write_shared(&w, g);
	write_firmware(&w, g);
	write_gic(&w, g);
	if (g->vpl011 || g->rtc_virq)
		write_clock(&w);
	if (g->vpl011)
		write_uart(&w);
	if (g->rtc_virq)
		write_rtc(&w, g);
	if (g->watchdog_virq)
		write_watchdog(&w, g);
	if (g->has_pci)
		write_pcie(&w, g);
	if (g->partial_fdt) {
		copy_tree(&w, g, dt_find(g->partial_fdt, "/aliases"));
		copy_tree(&w, g, dt_find(g->partial_fdt, "/passthrough"));
	}
	dtw_end(&w);
	w.err = w.err ? w.err : fdt_finish(buf);
	if (w.err)
		return HV_ENOMEM;
	memset((char *)buf + fdt_totalsize(buf), 0, size - fdt_totalsize(buf));
	return HV_OK;
}
