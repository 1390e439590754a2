/*
 * The device tree that a guest boots with: exactly what it has, and nothing of the board. Written
 * front to back with libfdt's sequential functions; the first error stays and the rest is idle, so
 * no line here checks anything. Bindings: Devicetree Specification v0.4, arm,gic-v3, arm,gic, arm,pl011,
 * pci-host-ecam-generic, PCI Bus Binding (IEEE 1275) §2.2.
 */
#include <string.h>

#include <libfdt.h>

#include <hv/dt.h>
#include <hv/guest_dt.h>
#include <hv/log.h>
#include <hv/vits.h>
#include <hv/vuart.h>

enum { PHANDLE_MSI = GUEST_PHANDLE + 1, PHANDLE_CLOCK };

#define SPI        0
#define PPI        1
#define LEVEL_HIGH 4
#define LEVEL_LOW  8 /* what arm,armv8-timer wants */

#define GICD_SIZE  KIB(64)
#define GICV2_SIZE KIB(4) /* its distributor */
#define GICC_SIZE  KIB(8)
#define GICR_SIZE  KIB(128) /* one vCPU's redistributor */
#define ECAM_BUS   MIB(1)
#define UART_CLOCK 24000000

/* PCI Bus Binding §2.2.1.1: phys.hi of a memory range; not prefetchable, so that it takes all. */
#define PCI_IO    0x01000000
#define PCI_IO_SIZE KIB(64)
#define PCI_MEM32 0x02000000
#define PCI_MEM64 0x03000000

struct writer {
	void *fdt;
	int err;
};

static void begin(struct writer *w, const char *name)
{
	if (!w->err)
		w->err = fdt_begin_node(w->fdt, name);
}

static void begin_at(struct writer *w, const char *name, uint64_t base)
{
	char full[48];

	fmt_print(full, sizeof(full), "%s@%lx", name, base);
	begin(w, full);
}

static void end(struct writer *w)
{
	if (!w->err)
		w->err = fdt_end_node(w->fdt);
}

static void bytes(struct writer *w, const char *name, const void *p, size_t len)
{
	if (!w->err)
		w->err = fdt_property(w->fdt, name, p, (int)len);
}

/* A string literal, or several: "a\0b". */
#define TEXT(w, name, s) bytes(w, name, s, sizeof(s))

static void string(struct writer *w, const char *name, const char *s)
{
	bytes(w, name, s, strlen(s) + 1);
}

static void flag(struct writer *w, const char *name)
{
	bytes(w, name, NULL, 0);
}

/* Room for a property of so many cells; NULL after an error. */
static fdt32_t *reserve(struct writer *w, const char *name, unsigned count)
{
	void *p = NULL;

	if (!w->err)
		w->err = fdt_property_placeholder(w->fdt, name, (int)(4 * count), &p);
	return w->err ? NULL : p;
}

static void fill(fdt32_t *to, const uint32_t *v, unsigned count)
{
	for (unsigned i = 0; to && i < count; i++)
		fdt32_st(to + i, v[i]);
}

static void cells(struct writer *w, const char *name, const uint32_t *v, unsigned count)
{
	fill(reserve(w, name, count), v, count);
}

static void u32(struct writer *w, const char *name, uint32_t v)
{
	cells(w, name, &v, 1);
}

#define CELLS(w, name, ...)                                                                        \
	cells(w, name, (const uint32_t[]){ __VA_ARGS__ },                                            \
	      ARRAY_SIZE(((const uint32_t[]){ __VA_ARGS__ })))
#define HI(v)   ((uint32_t)((uint64_t)(v) >> 32))
#define LO(v)   ((uint32_t)(v))
#define PAIR(v) HI(v), LO(v)

static void address_space(struct writer *w, uint32_t address_cells, uint32_t size_cells)
{
	u32(w, "#address-cells", address_cells);
	u32(w, "#size-cells", size_cells);
}

uint64_t seed_spread(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

static void write_chosen(struct writer *w, const struct guest_plan *g, struct range initrd)
{
	uint64_t state = g->seed, rng[5];
	char path[32];

	begin(w, "chosen");
	if (g->bootargs[0])
		string(w, "bootargs", g->bootargs);
	if (g->vpl011) {
		fmt_print(path, sizeof(path), "/serial@%x", VUART_BASE);
		string(w, "stdout-path", path);
	}
	if (initrd.size) {
		CELLS(w, "linux,initrd-start", PAIR(initrd.base));
		CELLS(w, "linux,initrd-end", PAIR(range_end(initrd)));
	}
	if (g->seed) {
		for (unsigned i = 0; i < ARRAY_SIZE(rng); i++)
			rng[i] = seed_spread(&state);
		bytes(w, "kaslr-seed", &rng[0], 8);
		bytes(w, "rng-seed", &rng[1], 32);
	}
	end(w);
}

static void write_cpus(struct writer *w, const struct guest_plan *g)
{
	begin(w, "cpus");
	address_space(w, 1, 0);
	for (uint32_t i = 0; i < g->vcpu_count; i++) {
		begin_at(w, "cpu", i);
		TEXT(w, "device_type", "cpu");
		TEXT(w, "compatible", "arm,armv8");
		u32(w, "reg", i); /* MPIDR affinity is the vCPU's index */
		TEXT(w, "enable-method", "psci");
		end(w);
	}
	end(w);
}

static void write_memory(struct writer *w, const struct guest_plan *g)
{
	fdt32_t *reg;

	begin_at(w, "memory", g->ram[0].ipa.v);
	TEXT(w, "device_type", "memory");
	reg = reserve(w, "reg", 4 * g->ram_count);
	for (unsigned i = 0; reg && i < g->ram_count; i++)
		fill(reg + 4 * i, (const uint32_t[]){ PAIR(g->ram[i].ipa.v), PAIR(g->ram[i].size) },
		     4);
	end(w);
}

/* Linux' binding reserved-memory/xen,shared-memory. */
static void write_shared(struct writer *w, const struct guest_plan *g)
{
	unsigned i = 0;

	while (i < g->region_count && !g->region[i].id[0])
		i++;
	if (i == g->region_count)
		return;
	begin(w, "reserved-memory");
	address_space(w, 2, 2);
	flag(w, "ranges");
	for (; i < g->region_count; i++) {
		const struct plan_region *r = &g->region[i];

		if (!r->id[0])
			continue;
		begin_at(w, "xen-shmem", r->ipa);
		TEXT(w, "compatible", "xen,shared-memory-v1");
		CELLS(w, "reg", PAIR(r->ipa), PAIR(r->pa.size));
		string(w, "xen,id", r->id);
		CELLS(w, "xen,offset", 0, 0);
		end(w);
	}
	end(w);
}

static void write_firmware(struct writer *w, const struct guest_plan *g)
{
	/* GICv2's binding also wants to know which CPUs have the PPI. */
	uint32_t low = LEVEL_LOW | (g->gic_version == 2 ? ((1U << g->vcpu_count) - 1) << 8 : 0);

	begin(w, "psci");
	TEXT(w, "compatible", "arm,psci-1.0\0arm,psci-0.2");
	TEXT(w, "method", "hvc");
	end(w);

	/* Secure, non-secure, virtual, hypervisor: the order of the binding. */
	begin(w, "timer");
	TEXT(w, "compatible", "arm,armv8-timer");
	CELLS(w, "interrupts", PPI, 13, low, PPI, 14, low, PPI, 11, low, PPI, 10, low);
	flag(w, "always-on");
	end(w);
}

static void write_gic(struct writer *w, const struct guest_plan *g)
{
	begin_at(w, "interrupt-controller", GUEST_GICD_BASE);
	if (g->gic_version == 2) {
		TEXT(w, "compatible", "arm,cortex-a15-gic");
		CELLS(w, "reg", PAIR(GUEST_GICD_BASE), PAIR(GICV2_SIZE), PAIR(GUEST_GICC_BASE),
		      PAIR(GICC_SIZE));
	} else {
		TEXT(w, "compatible", "arm,gic-v3");
		CELLS(w, "reg", PAIR(GUEST_GICD_BASE), PAIR(GICD_SIZE), PAIR(GUEST_GICR_BASE),
		      PAIR(GICR_SIZE * g->vcpu_count));
	}
	u32(w, "phandle", g->gic_phandle);
	u32(w, "#interrupt-cells", 3);
	flag(w, "interrupt-controller");
	/* Also the unit address of an interrupt-map's parent has these cells. */
	address_space(w, 2, 2);
	flag(w, "ranges");
	if (g->msi) {
		begin_at(w, "msi-controller", g->msi_base.v);
		string(w, "compatible", g->its ? "arm,gic-v3-its" : "arm,gic-v2m-frame");
		u32(w, "phandle", PHANDLE_MSI);
		flag(w, "msi-controller");
		if (g->its)
			u32(w, "#msi-cells", 1);
		CELLS(w, "reg", PAIR(g->msi_base.v), PAIR(g->its ? VITS_SIZE : PAGE_SIZE));
		end(w);
	}
	end(w);
}

static void write_uart(struct writer *w)
{
	begin(w, "clock");
	TEXT(w, "compatible", "fixed-clock");
	u32(w, "phandle", PHANDLE_CLOCK);
	u32(w, "#clock-cells", 0);
	u32(w, "clock-frequency", UART_CLOCK);
	end(w);

	begin_at(w, "serial", VUART_BASE);
	TEXT(w, "compatible", "arm,pl011\0arm,primecell");
	CELLS(w, "reg", PAIR(VUART_BASE), PAIR(PAGE_SIZE));
	CELLS(w, "interrupts", SPI, VUART_VIRQ - 32, LEVEL_HIGH);
	CELLS(w, "clocks", PHANDLE_CLOCK, PHANDLE_CLOCK);
	TEXT(w, "clock-names", "uartclk\0apb_pclk");
	end(w);
}

/* One entry for each (device number, pin) in use; several functions may share one. */
static void write_interrupt_map(struct writer *w, const struct guest_plan *g)
{
	enum { ENTRY = 10 };
	uint32_t virq[32][5] = { { 0 } };
	unsigned count = 0;
	fdt32_t *to;

	for (unsigned i = 0; i < g->device_count; i++) {
		const struct vpci_assignment *as = &g->device[i].as;

		if (as->intx_pin && !virq[as->devfn >> 3][as->intx_pin]) {
			virq[as->devfn >> 3][as->intx_pin] = as->intx_virq;
			count++;
		}
	}
	if (!count)
		return;
	u32(w, "#interrupt-cells", 1);
	CELLS(w, "interrupt-map-mask", 0xf800, 0, 0, 7);
	to = reserve(w, "interrupt-map", ENTRY * count);
	for (uint32_t at = 0; to && at < ARRAY_SIZE(virq) * ARRAY_SIZE(virq[0]); at++) {
		uint32_t slot = at / ARRAY_SIZE(virq[0]), pin = at % ARRAY_SIZE(virq[0]);
		const uint32_t entry[ENTRY] = { slot << 11,           0,         0, pin,
					       g->gic_phandle,       0,         0, SPI,
					       virq[slot][pin] - 32, LEVEL_HIGH };

		if (virq[slot][pin]) {
			fill(to, entry, ENTRY);
			to += ENTRY;
		}
	}
}

static void write_pcie(struct writer *w, const struct guest_plan *g)
{
	const struct vpci_config *v = &g->vpci;
	/*
	 * No function has an I/O BAR, but drivers that expect one (e1000 resets itself that way)
	 * write to port 0 then: the end of the 32-bit window answers like an empty bus.
	 */
	const uint64_t mem32 = v->mem32.size - PCI_IO_SIZE, io = v->mem32.base + mem32;
	const uint32_t ranges[] = {
		PCI_IO, PAIR(UINT64_C(0)), PAIR(io), PAIR((uint64_t)PCI_IO_SIZE),
		PCI_MEM32, PAIR(v->mem32.base), PAIR(v->mem32.base), PAIR(mem32),
		PCI_MEM64, PAIR(v->mem64.base), PAIR(v->mem64.base), PAIR(v->mem64.size),
	};

	begin_at(w, "pcie", v->ecam.v);
	TEXT(w, "compatible", "pci-host-ecam-generic");
	TEXT(w, "device_type", "pci");
	address_space(w, 3, 2);
	CELLS(w, "reg", PAIR(v->ecam.v), PAIR(ECAM_BUS));
	CELLS(w, "bus-range", 0, 0);
	u32(w, "linux,pci-domain", 0);
	cells(w, "ranges", ranges, v->mem64.size ? 21 : 14);
	if (g->its) /* requester ID is DeviceID */
		CELLS(w, "msi-map", 0, PHANDLE_MSI, 0, 0x100);
	else if (g->msi)
		u32(w, "msi-parent", PHANDLE_MSI);
	if (g->coherent)
		flag(w, "dma-coherent");
	write_interrupt_map(w, g);
	end(w);
}

/*
 * A property of a partial tree: not what says what is assigned; and an interrupt parent that is not
 * below `top` is the guest's interrupt controller.
 */
static void copy_property(struct writer *w, const struct guest_plan *g, int top,
			  const struct dt_prop *p)
{
	int parent, end;

	if (!strncmp(p->name, "xen,", 4))
		return;
	if (p->len != 4 || strcmp(p->name, "interrupt-parent")) {
		bytes(w, p->name, p->data, p->len);
		return;
	}
	parent = dt_by_phandle(g->partial_fdt, (uint32_t)dt_cells(p->data, 1));
	end = dt_next_sibling(g->partial_fdt, top);
	u32(w, p->name, parent < top || (end >= 0 && parent >= end)
				? g->gic_phandle : (uint32_t)dt_cells(p->data, 1));
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
			end(w);
	}
}

enum hv_status guest_dt_build(const struct guest_plan *g, struct range initrd_ipa, void *buf,
			      size_t size)
{
	struct writer w = { buf, fdt_create(buf, (int)MIN(size, (size_t)INT32_MAX)) };

	if (!w.err)
		w.err = fdt_finish_reservemap(buf);
	begin(&w, "");
	TEXT(&w, "model", "Viaduct guest");
	TEXT(&w, "compatible", "viaduct,guest\0linux,dummy-virt");
	u32(&w, "interrupt-parent", g->gic_phandle);
	address_space(&w, 2, 2);
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
	end(&w);
	if (!w.err)
		w.err = fdt_finish(buf);
	return w.err ? HV_ENOMEM : HV_OK;
}
