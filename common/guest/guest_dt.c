/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The device tree that a guest boots with: exactly what it has, and nothing of the board. Its
 * source is below, as text, which write() hands to libfdt. Bindings: Devicetree Specification v0.4,
 * arm,gic-v3, arm,gic, arm,pl011, pci-host-ecam-generic, PCI Bus Binding (IEEE 1275) §2.2.
 */
#include <stdarg.h>
#include <string.h>

#include <libfdt.h>

#include <hv/dt.h>
#include <hv/guest_dt.h>
#include <hv/log.h>
#include <hv/panic.h>
#include <hv/vits.h>
#include <hv/vuart.h>

enum { PHANDLE_MSI = GUEST_PHANDLE + 1, PHANDLE_CLOCK };

#define GICD_SIZE   KIB(64)
#define GICV2_SIZE  KIB(4) /* its distributor */
#define GICC_SIZE   KIB(8)
#define GICR_SIZE   KIB(128) /* one vCPU's redistributor */
#define PCI_IO_SIZE KIB(64)

/* libfdt's sequential writer. After an error the rest is idle, so no line below checks anything. */
struct writer {
	void *fdt;
	int err;
};

static void begin(struct writer *w, const char *name)
{
	w->err = w->err ? w->err : fdt_begin_node(w->fdt, name);
}

static void end_node(struct writer *w)
{
	w->err = w->err ? w->err : fdt_end_node(w->fdt);
}

static void bytes(struct writer *w, const char *name, const void *p, size_t len)
{
	w->err = w->err ? w->err : fdt_property(w->fdt, name, p, (int)len);
}

static char *put32(char *to, uint64_t v)
{
	fdt32_st(to, (uint32_t)v);
	return to + 4;
}

static char *put64(char *to, uint64_t v)
{
	return put32(put32(to, v >> 32), v);
}

/* The value of a hexadecimal digit; 16: it is none. */
static unsigned digit(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned)(c - '0');
	if (c >= 'a' && c <= 'f')
		return (unsigned)(c - 'a') + 10;
	return 16;
}

/* Up to ';'. Returns what is behind it. */
static char *write_value(struct writer *w, const char *name, char *s)
{
	char value[256], *to = value;

	do {
		char *first = s;
		uint64_t v = 0;

		ASSERT(to - value < 128);
		for (; digit(*s) < 16; s++)
			v = v << 4 | digit(*s);
		if (s - first > 8) {
			to = put64(to, v);
		} else if (s > first) {
			to = put32(to, v);
		} else if (*s++ == '\'') {
			while (*s != '\'')
				*to++ = *s++;
			*to++ = 0;
			s++;
		}
	} while (*s != ';');
	bytes(w, name, value, (size_t)(to - value));
	return s + 1;
}

/*
 * Device tree source: "node { name = VALUE; flag; }". Numbers are hexadecimal, and those of more
 * than 8 digits (%016lx) are two cells; strings are 'a', 'b'. What a guest's owner or a board wrote
 * goes through bytes() instead: this text is Viaduct's own, and well formed.
 */
static __printf(2, 3) void write(struct writer *w, const char *fmt, ...)
{
	char text[512], *s = text;
	va_list ap;

	va_start(ap, fmt);
	ASSERT(fmt_vprint(text, sizeof(text), fmt, ap) < sizeof(text) - 1);
	va_end(ap);
	while (*s) {
		char *name = s, stop;

		while (*s != ' ' && *s != ';' && *s != '}')
			s++;
		stop = *s;
		*s++ = 0;
		if (stop == '}') {
			end_node(w);
		} else if (stop == ' ' && *s == '{') {
			begin(w, name);
			s++;
		} else if (stop == ' ' && *name) {
			s = write_value(w, name, s);
		} else if (*name) {
			bytes(w, name, NULL, 0);
		}
	}
}

static void write_chosen(struct writer *w, const struct guest_plan *g, struct range initrd)
{
	begin(w, "chosen");
	if (g->bootargs[0])
		bytes(w, "bootargs", g->bootargs, strlen(g->bootargs) + 1);
	if (g->vpl011)
		write(w, "stdout-path = '/serial@%x';", GUEST_UART_BASE);
	if (initrd.size)
		write(w, "linux,initrd-start = <%016lx>; linux,initrd-end = <%016lx>;", initrd.base,
		      range_end(initrd));
	if (g->entropy.seeded) {
		bytes(w, "kaslr-seed", g->kaslr_seed, sizeof(g->kaslr_seed));
		bytes(w, "rng-seed", g->rng_seed, sizeof(g->rng_seed));
	}
	end_node(w);
}

static void write_cpus(struct writer *w, const struct guest_plan *g)
{
	write(w, "cpus { #address-cells = <1>; #size-cells = <0>;");
	for (unsigned i = 0; i < g->vcpu_count; i++)
		write(w,
		      "cpu@%x { device_type = 'cpu'; compatible = 'arm,armv8'; reg = <%x>; "
		      "enable-method = 'psci'; }",
		      vcpu_affinity(i), vcpu_affinity(i));
	end_node(w);
}

static void write_memory(struct writer *w, const struct guest_plan *g)
{
	char reg[16 * MAX_GUEST_RAM] = "", *to = reg;

	for (unsigned i = 0; i < g->ram_count; i++)
		to = put64(put64(to, g->ram[i].ipa.v), g->ram[i].size);
	write(w, "memory@%lx { device_type = 'memory';", g->ram[0].ipa.v);
	bytes(w, "reg", reg, (size_t)(to - reg));
	end_node(w);
}

/* Linux' binding reserved-memory/xen,shared-memory. */
static void write_shared(struct writer *w, const struct guest_plan *g)
{
	bool any = false;

	for (const struct plan_region *r = g->region; r < g->region + g->region_count; r++) {
		if (!r->id[0])
			continue;
		if (!any)
			write(w,
			      "reserved-memory { #address-cells = <2>; #size-cells = <2>; ranges;");
		any = true;
		write(w,
		      "xen-shmem@%lx { compatible = 'xen,shared-memory-v1'; reg = <%016lx %016lx>; "
		      "xen,offset = <0 0>;",
		      r->ipa, r->ipa, r->pa.size);
		bytes(w, "xen,id", r->id, strlen(r->id) + 1);
		end_node(w);
	}
	if (any)
		end_node(w);
}

static void write_firmware(struct writer *w, const struct guest_plan *g)
{
	/* Low, which arm,armv8-timer wants; GICv2's binding also asks which CPUs have the PPI. */
	uint32_t low = 8 | (g->gic_version == 2 ? ((1U << g->vcpu_count) - 1) << 8 : 0);

	write(w, "psci { compatible = 'arm,psci-1.0', 'arm,psci-0.2'; method = 'hvc'; }");
	/* PPIs: secure, non-secure, virtual, hypervisor, the order of the binding. */
	write(w,
	      "timer { compatible = 'arm,armv8-timer'; always-on; "
	      "interrupts = <1 d %x 1 e %x 1 b %x 1 a %x>; }",
	      low, low, low, low);
}

static void write_gic(struct writer *w, const struct guest_plan *g)
{
	bool v2 = g->gic_version == 2;

	/* #address-cells: also those of the unit address of an interrupt-map's parent. */
	write(w,
	      "interrupt-controller@%x { compatible = '%s'; phandle = <%x>; "
	      "#interrupt-cells = <3>; interrupt-controller; "
	      "#address-cells = <2>; #size-cells = <2>; ranges; reg = <%016x %016lx %016x %016lx>;",
	      GUEST_GICD_BASE, v2 ? "arm,cortex-a15-gic" : "arm,gic-v3", g->gic_phandle,
	      GUEST_GICD_BASE, v2 ? GICV2_SIZE : GICD_SIZE, v2 ? GUEST_GICC_BASE : GUEST_GICR_BASE,
	      v2 ? GICC_SIZE : GICR_SIZE * g->vcpu_count);
	if (g->msi)
		write(w,
		      "msi-controller@%lx { compatible = '%s'; phandle = <%x>; msi-controller; %s"
		      "reg = <%016lx %016lx>; }",
		      g->msi_base.v, g->its ? "arm,gic-v3-its" : "arm,gic-v2m-frame", PHANDLE_MSI,
		      g->its ? "#msi-cells = <1>; " : "", g->msi_base.v,
		      g->its ? VITS_SIZE : PAGE_SIZE);
	end_node(w);
}

static void write_uart(struct writer *w)
{
	write(w,
	      "clock { compatible = 'fixed-clock'; phandle = <%x>; #clock-cells = <0>; "
	      "clock-frequency = <16e3600>; }",
	      PHANDLE_CLOCK); /* 24 MHz */
	write(w,
	      "serial@%x { compatible = 'arm,pl011', 'arm,primecell'; reg = <%016x %016lx>; "
	      "interrupts = <0 %x 4>; clocks = <%x %x>; clock-names = 'uartclk', 'apb_pclk'; }",
	      GUEST_UART_BASE, GUEST_UART_BASE, PAGE_SIZE, VUART_VIRQ - 32, PHANDLE_CLOCK,
	      PHANDLE_CLOCK);
}

/* Several functions may share a pin of their device number; the first speaks for them. */
static bool speaks_for_pin(const struct guest_plan *g, const struct plan_device *d)
{
	for (const struct plan_device *o = g->device; o < d; o++)
		if (o->as.intx_pin == d->as.intx_pin && o->as.devfn >> 3 == d->as.devfn >> 3)
			return false;
	return d->as.intx_pin;
}

static void write_interrupt_map(struct writer *w, const struct guest_plan *g)
{
	enum { SPI = 0, LEVEL_HIGH = 4, CELLS = 10 };
	unsigned count = 0;
	void *map;
	char *to;

	plan_for_each_device(d, g)
		count += speaks_for_pin(g, d);
	if (!count)
		return;
	write(w, "#interrupt-cells = <1>; interrupt-map-mask = <f800 0 0 7>;");
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
			to = put32(to, entry[i]);
	}
}

/* One range of the bridge: space and its flags, then PCI address, CPU address and size. */
static char *put_range(char *to, uint32_t space, uint64_t pci, uint64_t cpu, uint64_t size)
{
	return put64(put64(put64(put32(to, space), pci), cpu), size);
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
static void write_pci_windows(struct writer *w, const struct guest_plan *g)
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
	bytes(w, "ranges", value, (size_t)(to - value));
}

static void write_pcie(struct writer *w, const struct guest_plan *g)
{
	const struct vpci_config *v = &g->vpci;

	write(w,
	      "pcie@%lx { compatible = 'pci-host-ecam-generic'; device_type = 'pci'; "
	      "#address-cells = <3>; #size-cells = <2>; reg = <%016lx %016lx>; bus-range = <0 0>; "
	      "linux,pci-domain = <0>; %s",
	      v->ecam.v, v->ecam.v, MIB(1), g->coherent ? "dma-coherent;" : "");
	write_pci_windows(w, g);
	if (g->its) /* requester ID is DeviceID */
		write(w, "msi-map = <0 %x 0 100>;", PHANDLE_MSI);
	else if (g->msi)
		write(w, "msi-parent = <%x>;", PHANDLE_MSI);
	write_interrupt_map(w, g);
	end_node(w);
}

/*
 * A property of a partial tree: not what says what is assigned; and an interrupt parent that is not
 * below `top` is the guest's interrupt controller.
 */
static void copy_property(struct writer *w, const struct guest_plan *g, int top,
			  const struct dt_prop *p)
{
	int parent, end;
	fdt32_t own = cpu_to_fdt32(g->gic_phandle);

	if (!strncmp(p->name, "xen,", 4))
		return;
	if (p->len != 4 || strcmp(p->name, "interrupt-parent")) {
		bytes(w, p->name, p->data, p->len);
		return;
	}
	parent = dt_by_phandle(g->partial_fdt, (uint32_t)dt_cells(p->data, 1));
	end = dt_next_sibling(g->partial_fdt, top);
	bytes(w, p->name, parent < top || (end >= 0 && parent >= end) ? &own : p->data,
	      sizeof(own));
}

/* The tree from `top` on, without recursion: its depth is the writer's only. */
static void copy_tree(struct writer *w, const struct guest_plan *g, int top)
{
	const void *fdt = g->partial_fdt;
	int depth = 0, last;
	struct dt_prop p;

	for (int n = top; n >= 0 && (n == top || depth > 0);) {
		begin(w, dt_name(fdt, n));
		for (int at = n; (at = dt_next_prop(fdt, at, &p)) >= 0;)
			copy_property(w, g, top, &p);
		last = depth;
		n = dt_next_node(fdt, n, &depth);
		for (; last >= MAX(depth, 0); last--)
			end_node(w);
	}
}

enum hv_status guest_dt_build(const struct guest_plan *g, struct range initrd_ipa, void *buf,
			      size_t size)
{
	struct writer w = { buf, fdt_create(buf, (int)size) };

	w.err = w.err ? w.err : fdt_finish_reservemap(buf);
	begin(&w, "");
	write(&w,
	      "model = 'Viaduct guest'; compatible = 'viaduct,guest', 'linux,dummy-virt'; "
	      "interrupt-parent = <%x>; #address-cells = <2>; #size-cells = <2>;",
	      g->gic_phandle);
	write_chosen(&w, g, initrd_ipa);
	write_cpus(&w, g);
	write_memory(&w, g);
	write_shared(&w, g);
	write_firmware(&w, g);
	write_gic(&w, g);
	if (g->vpl011)
		write_uart(&w);
	if (g->has_pci)
		write_pcie(&w, g);
	if (g->partial_fdt) {
		copy_tree(&w, g, dt_find(g->partial_fdt, "/aliases"));
		copy_tree(&w, g, dt_find(g->partial_fdt, "/passthrough"));
	}
	end_node(&w);
	w.err = w.err ? w.err : fdt_finish(buf);
	return w.err ? HV_ENOMEM : HV_OK;
}
