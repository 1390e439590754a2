/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The SMMUv1/v2 driver against a model of the hardware that caches what it may cache: what a device
 * can reach is asked of the model, which also watches every write for a stream that begins to pass.
 */
#define _GNU_SOURCE /* MAP_FIXED_NOREPLACE */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>
#include <libfdt.h>

#include <host.h>
#include <hv/gic.h>
#include <hv/iommu.h>
#include <hv/irq.h>
#include <hv/limits.h>
#include <hv/pmem.h>
#include <spec/smmuv2.h>

#include "../host/smmuv2_model.h"

#define BASE 0x2b500000
#define SID  0x108

static struct smmuv2_model hw;
static uint8_t blob[8192];
static void *arena;
static struct s2 dma;
static uint64_t pa;

static irq_handler_fn *handler;
static void *handler_arg;
static uint32_t lines[256];
static unsigned line_count, routed_to, faults, deaths, retries, mapped, irqs;
static struct iommu_fault last;
static bool irqs_held, lines_off, storm;

/* ---- what the driver leans on ---- */

enum hv_status irq_register(uint32_t intid, irq_handler_fn *fn, void *arg, enum irq_end end)
{
	assert_int_equal(end, IRQ_END_EL2);
	lines[line_count++] = intid;
	handler = fn;
	handler_arg = arg;
	return HV_OK;
}

void gic_set_enabled(unsigned cpu, uint32_t intid, bool on)
{
	(void)cpu;
	(void)intid;
	lines_off = !on;
}

void gic_set_edge(unsigned cpu, uint32_t intid, bool edge)
{
	(void)cpu;
	(void)intid;
	assert_false(edge);
}

void gic_route(uint32_t intid, unsigned cpu)
{
	(void)intid;
	routed_to = cpu;
}

struct gic gic;

/* A level: it comes again for as long as it is there and not masked. */
static void on_irq(void)
{
	while (line_count && !irqs_held && !lines_off && smmuv2_model_level(&hw)) {
		assert_true(++irqs < 1000);
		irqs_held = true; /* interrupts do not nest */
		handler(handler_arg, lines[0], NULL);
		irqs_held = false;
	}
}

/* In a storm the device faults again as soon as it may: the level never goes away. */
static void on_fault(struct iommu *i, const struct iommu_fault *f)
{
	assert_ptr_equal(i, &iommus[0]);
	last = *f;
	faults++;
	if (storm)
		smmuv2_model_dma(&hw, f->sid, f->addr + 0x1000, true, &pa);
}

static void on_death(struct iommu *i)
{
	assert_true(i->dead);
	deaths++;
}

static void on_retry(void) { retries++; }

static const struct iommu_callbacks callbacks = { on_fault, on_death, on_retry };

static void map(struct range r)
{
	assert_int_equal(r.base, BASE);
	mapped++;
}

/* ---- fixture ---- */

struct tree {
	const char *compatible; /* two strings, or one and an empty one */
	unsigned compatible_len;
	const char *extra; /* a property without value */
	uint32_t size, globals, irqs, mask;
	bool incoherent, disabled;
};

static void cells(const char *name, const uint32_t *v, unsigned n)
{
	fdt32_t c[200];

	for (unsigned i = 0; i < n; i++)
		c[i] = cpu_to_fdt32(v[i]);
	assert_int_equal(fdt_property(blob, name, c, (int)(4 * n)), 0);
}

#define CELLS(name, ...)                                                                           \
	do {                                                                                       \
		const uint32_t v_[] = { __VA_ARGS__ };                                             \
		cells(name, v_, sizeof(v_) / 4);                                                   \
	} while (0)

static void build_tree(const struct tree *t)
{
	uint32_t irq[192];

	fdt_create(blob, sizeof(blob));
	fdt_finish_reservemap(blob);
	fdt_begin_node(blob, "");
	CELLS("#address-cells", 2);
	CELLS("#size-cells", 2);
	CELLS("interrupt-parent", 1);
	fdt_begin_node(blob, "intc@8000000");
	fdt_property(blob, "interrupt-controller", NULL, 0);
	CELLS("#interrupt-cells", 3);
	CELLS("#address-cells", 0);
	CELLS("phandle", 1);
	fdt_end_node(blob);
	fdt_begin_node(blob, "iommu@2b500000");
	fdt_property(blob, "compatible", t->compatible, (int)t->compatible_len);
	CELLS("reg", 0, BASE, 0, t->size);
	CELLS("#iommu-cells", 1);
	CELLS("#global-interrupts", t->globals);
	for (unsigned n = 0; n < t->irqs; n++) {
		irq[3 * n] = 0;
		irq[3 * n + 1] = hw.v1 ? 40 : 100 + n; /* Juno: one line for everything */
		irq[3 * n + 2] = 4;
	}
	cells("interrupts", irq, 3 * t->irqs);
	CELLS("phandle", 7);
	if (t->mask)
		CELLS("stream-match-mask", t->mask);
	if (!t->incoherent)
		fdt_property(blob, "dma-coherent", NULL, 0);
	if (t->extra)
		fdt_property(blob, t->extra, NULL, 0);
	if (t->disabled)
		fdt_property_string(blob, "status", "disabled");
	fdt_end_node(blob);
	fdt_end_node(blob);
	assert_int_equal(fdt_finish(blob), 0);
}

static const struct tree juno = {
	.compatible = "arm,mmu-401\0arm,smmu-v1",
	.compatible_len = 24,
	.size = 0x10000,
	.globals = 1,
	.irqs = 2,
};
static const struct tree mmu500 = {
	.compatible = "arm,mmu-500\0arm,smmu-v2",
	.compatible_len = 24,
	.size = 0x200000,
	.globals = 2,
	.irqs = 18,
};

static void use(const struct tree *t)
{
	host_mmio_clear();
	smmuv2_model_attach(&hw, BASE);
	build_tree(t);
}

static int begin(void **state)
{
	/*
	 * What an SMMU of 40 bits walks must be below them, and on the host addresses are pointers.
	 */
	arena = mmap((void *)(uintptr_t)GIB(1), MIB(8), PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	assert_ptr_equal(arena, (void *)(uintptr_t)GIB(1));
	memset(arena, 0xa5, MIB(8));
	pmem_reset();
	pmem_add((struct range){ (uintptr_t)arena, MIB(8) });
	iommu_count = 0;
	smmuv2_model_reset(&hw);
	hw.irq = on_irq;
	use(&juno);
	host_trace_clear();
	host_log_clear();
	line_count = faults = deaths = retries = mapped = irqs = 0;
	routed_to = 99;
	irqs_held = lines_off = storm = false;
	return 0;
}

static int end(void **state)
{
	munmap(arena, MIB(8));
	return 0;
}

/* As the machine with an MMU-500. */
static int begin500(void **state)
{
	begin(state);
	smmuv2_model_mmu500(&hw);
	hw.irq = on_irq;
	use(&mmu500);
	return 0;
}

/*
 * A guest's DMA root: 2 MiB of RAM, and a doorbell. The root must be below what the SMMU reaches.
 */
static void make_root(struct s2 *root, uint16_t vmid, uint64_t ram)
{
	struct s2_geometry geo = s2_geometry((struct s2_limits){ 44, false },
					     (struct s2_limits){ iommus[0].oas_bits, false });

	assert_int_equal(s2_init(root, geo, vmid, (struct s2_need){ 4, 4 }, S2_SMMU), HV_OK);
	assert_int_equal(s2_map(root, IPA(0x80000000), PA(ram), MIB(2), S2_RAM), HV_OK);
	assert_int_equal(s2_map(root, IPA(0x2c1c0000), PA(0x2c1c0000), PAGE_SIZE, S2_DOORBELL),
			 HV_OK);
	assert_int_equal(s2_map(root, IPA(0x90000000), PA(ram + MIB(4)), 8 * PAGE_SIZE, S2_RAM),
			 HV_OK);
}

static struct iommu *started(void)
{
	iommu_set_callbacks(&callbacks);
	iommu_probe(blob, map);
	iommu_start(blob);
	assert_true(iommus[0].s2);
	make_root(&dma, 3, 0x880000000);
	return &iommus[0];
}

static int dma_to(uint32_t sid, uint64_t ipa, bool write)
{
	return smmuv2_model_dma(&hw, sid, ipa, write, &pa);
}

static struct iommu *attached(void)
{
	struct iommu *i = started();

	s2_set_flush(NULL);
	assert_int_equal(iommu_attach(i, SID, &dma), HV_OK);
	return i;
}

static int attach(uint32_t sid, const struct s2 *root)
{
	return (int)iommu_attach(&iommus[0], sid, root);
}

static unsigned cached(void)
{
	unsigned count = 0;

	for (unsigned n = 0; n < 64; n++)
		count += hw.tlb[n].valid;
	return count;
}

/* ---- tests ---- */

/* The model asserts that no write lets a stream begin to pass; here, that in the end none does. */
static void probe_stops_every_stream_whatever_firmware_left(void **state)
{
	static const struct {
		uint32_t cr0, smr, s2cr, other_s2cr, sctlr;
	} rows[] = {
		{ 1, 0, 0, 0, 0 },                          /* reset: all pass */
		{ 0, 1U << 31 | SID, 1 << 16, 1 << 16, 0 }, /* bypass, what does not match too */
		{ 1 << 10, 1U << 31 | SID, 1 << 16, 2 << 16,
		  0 },                                      /* bypass, what does not match faults */
		{ 0, 1U << 31 | SID, 0, 2 << 16, 1 },       /* translates; others pass */
		{ 1 << 10, 1U << 31 | SID, 0, 2 << 16, 0 }, /* by a context that is off */
		{ 0, 1U << 31 | SID, 2 << 16, 1 << 16, 0 }, /* faults; others pass */
	};

	for (size_t n = 0; n < ARRAY_SIZE(rows); n++) {
		end(state);
		begin(state);
		hw.cr0 = rows[n].cr0;
		for (unsigned g = 0; g < 32; g++) {
			hw.smr[g] = 1U << 31 | (0x400 + g);
			hw.s2cr[g] = rows[n].other_s2cr;
		}
		hw.smr[31] = rows[n].smr;
		hw.s2cr[31] = rows[n].s2cr;
		hw.cb[0].sctlr = rows[n].sctlr;
		iommu_probe(blob, map);
		for (uint32_t sid = 0; sid < 0x8000; sid++)
			assert_false(smmuv2_model_passes(&hw, sid));
		for (unsigned g = 0; g < 32; g++)
			assert_int_equal(hw.smr[g], 0);
		iommu_start(blob);
		for (uint32_t sid = 0; sid < 0x8000; sid++)
			assert_false(smmuv2_model_passes(&hw, sid));
		assert_true(iommus[0].s2 && !iommus[0].dead);
	}
}

static void smmu_that_does_not_confirm_is_dead(void **state)
{
	hw.cr0_stuck = true;
	iommu_probe(blob, map);
	iommu_start(blob);
	assert_true(iommus[0].dead && !iommus[0].s2);
	assert_non_null(strstr(host_log(), "iommu@2b500000: cannot be put into global abort"));
	assert_int_equal(attach(SID, &dma), HV_EUNSUPP);
}

static void nodes_are_found_once_and_by_any_name(void **state)
{
	static const struct {
		const char *compatible;
		unsigned len;
		bool v1;
	} rows[] = {
		{ "arm,mmu-401\0arm,smmu-v1", 24, true },
		{ "arm,mmu-400\0arm,smmu-v1", 24, true },
		{ "arm,mmu-401", 12, true },
		{ "arm,smmu-v1", 12, true },
		{ "arm,mmu-500\0arm,smmu-v2", 24, false },
		{ "arm,mmu-500", 12, false },
		{ "arm,smmu-v2", 12, false },
	};

	for (size_t n = 0; n < ARRAY_SIZE(rows); n++) {
		struct tree t = rows[n].v1 ? juno : mmu500;

		end(state);
		(rows[n].v1 ? begin : begin500)(state);
		hw.mmu500 &= !strncmp(rows[n].compatible, "arm,mmu-500", 12);
		t.compatible = rows[n].compatible;
		t.compatible_len = rows[n].len;
		use(&t);
		iommu_probe(blob, map);
		iommu_start(blob);
		assert_int_equal(iommu_count, 1);
		assert_int_equal(mapped, 1);
		assert_true(iommus[0].s2);
		assert_ptr_equal(iommu_find(7), &iommus[0]);
		assert_int_equal(iommus[0].oas_bits, rows[n].v1 ? 40 : 48);
		assert_int_equal(iommus[0].sid_bits, 15);
		assert_true(iommus[0].coherent && !iommus[0].fwb);
		assert_non_null(strstr(host_log(),
				       rows[n].v1 ? "SMMUv1, 40-bit addresses, 15-bit StreamIDs" :
						    "SMMUv2, 48-bit addresses, 15-bit StreamIDs"));
	}
}

static void what_may_have_no_power_is_not_touched(void **state)
{
	struct tree t = juno;

	t.extra = "power-domains";
	use(&t);
	iommu_probe(blob, map);
	assert_string_equal(host_log(),
			    "iommu@2b500000: in a power domain, left alone; where firmware "
			    "switches it on, say viaduct,powered\n");
	t.extra = NULL;
	t.disabled = true;
	use(&t);
	iommu_probe(blob, map);
	assert_int_equal(iommu_count, 0);
	assert_int_equal(mapped, 0);
	assert_int_equal(host_trace_count(), 0);
}

static void what_cannot_be_driven_stays_blocked(void **state)
{
	static const struct {
		uint32_t idr0_off, idr0_on, idr1_off, size;
		bool incoherent;
		const char *why;
	} rows[] = {
		{ 1 << 29, 1 << 30, 0, 0x10000, false, "stage 1 only" },
		{ 1 << 24, 1 << 25, 0, 0x10000, false, "4 KiB" },
		{ 0xff, 0, 0, 0x10000, false, "no stream mapping" },
		{ 0, 0, 0xff, 0x10000, false, "no stream mapping or no context" },
		{ 0, 0, 0, 0xb000, false, "beyond its reg" },
		{ 1 << 14, 0, 0, 0x10000, false, "not coherent" },
		{ 0, 0, 0, 0x10000, true, "not coherent" },
	};

	for (size_t n = 0; n < ARRAY_SIZE(rows); n++) {
		struct tree t = juno;

		end(state);
		begin(state);
		hw.idr0 = (hw.idr0 & ~rows[n].idr0_off) | rows[n].idr0_on;
		hw.idr1 &= ~rows[n].idr1_off;
		t.size = rows[n].size;
		t.incoherent = rows[n].incoherent;
		use(&t);
		iommu_probe(blob, map);
		iommu_start(blob);
		assert_false(iommus[0].s2);
		assert_non_null(strstr(host_log(), rows[n].why));
		assert_int_equal(attach(SID, &dma), HV_EUNSUPP);
		iommu_attach(&iommus[0], SID, NULL);
		iommu_flush(3, IPA(0), PAGE_SIZE);
		assert_int_equal(dma_to(SID, 0x80000000, false), DMA_ABORT);
	}
}

static void unknown_streams_abort_and_are_reported(void **state)
{
	attached();
	assert_int_equal(attach(SID, NULL), HV_OK);
	assert_int_equal(dma_to(0x300, 0x123456789a, true), DMA_ABORT);
	assert_int_equal(faults, 1);
	assert_int_equal(last.sid, 0x300);
	assert_true(last.has_addr && last.write);
	assert_int_equal(last.addr, 0x123456789a);
	assert_string_equal(last.reason, "unknown StreamID");
	assert_int_equal(hw.gfsr, 0);
}

/* Of a detached stream nothing comes up, whatever it sends; of the others everything does. */
static void detached_streams_abort_silently(void **state)
{
	struct s2 root[4];

	for (unsigned round = 0; round < 2; round++) {
		end(state);
		(round ? begin500 : begin)(state);
		attached();
		assert_int_equal(attach(SID + 1, &dma), HV_OK);
		assert_int_equal(attach(SID, NULL), HV_OK);
		storm = true;
		for (uint64_t n = 0; n < 3000; n++)
			assert_int_equal(dma_to(SID, n << 12, n & 1), DMA_ABORT);
		assert_int_equal(dma_to(SID, 0x80000000, false), DMA_ABORT);
		assert_false(smmuv2_model_level(&hw));
		storm = false;
		assert_int_equal(faults, 0);
		assert_int_equal(dma_to(SID + 1, 0x80000000, false), DMA_OK);
		assert_int_equal(dma_to(SID + 1, 0x1000, true), DMA_ABORT);
		assert_int_equal(faults, 1);
		assert_int_equal(attach(SID, &dma), HV_OK);
		assert_int_equal(dma_to(SID, 0x80000000, true), DMA_OK);
		assert_int_equal(dma_to(SID, 0x1000, true), DMA_ABORT);
		assert_int_equal(faults, 2);
	}
	/* A guest that needs the last context gets it; the stream aborts then, and is heard. */
	end(state);
	begin(state);
	attached();
	assert_int_equal(attach(SID, NULL), HV_OK);
	for (uint16_t n = 0; n < 3; n++) {
		make_root(&root[n], (uint16_t)(n + 10), 0x880000000 + n * MIB(16));
		assert_int_equal(attach(0x10 + n, &root[n]), HV_OK);
		assert_int_equal(dma_to(0x10 + n, 0x80000000, true), DMA_OK);
	}
	faults = 0;
	assert_int_equal(dma_to(SID, 0x80000000, false), DMA_ABORT);
	assert_int_equal(faults, 1);
	assert_string_equal(last.reason, "stream disabled");
}

static void streams_that_do_not_exist_are_refused(void **state)
{
	started();
	assert_int_equal(attach(0x8000, &dma), HV_EINVAL);
	assert_int_equal(attach(0x10000 | SID, &dma), HV_EINVAL);
	assert_int_equal(attach(0x500, NULL), HV_EINVAL); /* never attached */
	hw.smr_bits = 0x80ff80ff;
	assert_int_equal(attach(0x1ff, &dma), HV_EINVAL);
	assert_int_equal(attach(0xff, &dma), HV_OK);
}

static void context_is_exactly_stage_2(void **state)
{
	attached();
	/*
	 * v1: T0SZ -8 with its sign, SL0 1, write-back walks, inner shareable, EAE; stage 2, with
	 * the VMID of context 0, whatever the guest's is
	 */
	assert_int_equal(hw.cb[0].tcr, 0x80003558);
	assert_int_equal(hw.cb[0].cbar, 1);
	assert_int_equal(hw.cb[0].sctlr, 0x167); /* M, TRE, AFE, CFRE, CFIE, HUPCF */
	assert_int_equal(hw.cb[0].ttbr0[0] | (uint64_t)hw.cb[0].ttbr0[1] << 32, dma.root.v);
	assert_int_equal(hw.smr[0], 1U << 31 | SID);
	assert_int_equal(hw.s2cr[0], 0);
	assert_int_equal(hw.cr0, 0x201d36);
	end(state);
	begin500(state);
	attached();
	/* v2: T0SZ 24, PASize 4 (44 bits) */
	assert_int_equal(hw.cb[0].tcr, 0x80043558);
	assert_int_equal(hw.cb[0].cba2r, 1);
	assert_int_equal(hw.cb[0].cbar, 1);
}

static void reaches_its_guest_only(void)
{
	attached();
	assert_int_equal(dma_to(SID, 0x80001238, true), DMA_OK);
	assert_int_equal(pa, 0x880001238);
	assert_int_equal(dma_to(SID, 0x90001010, false), DMA_OK);
	assert_int_equal(pa, 0x880401010);
	assert_int_equal(dma_to(SID, 0x2c1c0040, true), DMA_OK);
	assert_int_equal(pa, 0x2c1c0040);
	assert_int_equal(faults, 0);
	assert_int_equal(dma_to(SID + 1, 0x80001238, true), DMA_ABORT);
	assert_int_equal(dma_to(SID, 0x80200000, true), DMA_ABORT);
	assert_int_equal(dma_to(SID, UINT64_C(1) << 40, true), DMA_ABORT);
}

static void device_reaches_what_its_guest_has(void **state)
{
	reaches_its_guest_only();
	end(state);
	begin500(state);
	reaches_its_guest_only();
}

static void narrow_addresses_are_walked_as_well(void **state)
{
	hw.idr2 = 1U << 4 | 1; /* 36 bits */
	attached();
	assert_int_equal(dma.geo.ipa_bits, 36);
	assert_int_equal(hw.cb[0].tcr & 0x1f, 0x1c); /* -4 */
	assert_int_equal(dma_to(SID, 0x80001238, true), DMA_OK);
	assert_int_equal(pa, 0x880001238);
	assert_int_equal(dma_to(SID, UINT64_C(1) << 36, true), DMA_ABORT);
}

static void faults_are_decoded(void **state)
{
	attached();
	assert_int_equal(dma_to(SID, 0x1040200010, true), DMA_ABORT);
	assert_int_equal(faults, 1);
	assert_int_equal(last.sid, SID);
	assert_int_equal(last.addr, 0x1040200010);
	assert_true(last.has_addr && last.write);
	assert_string_equal(last.reason, "translation");
	assert_int_equal(dma_to(SID, 0x2c1c0040, false),
			 DMA_ABORT); /* the doorbell is write only */
	assert_string_equal(last.reason, "permission");
	assert_false(last.write);
	assert_int_equal(faults, 2);
	assert_int_equal(hw.cb[0].fsr, 0);
}

static void reasons_have_codes_of_their_own(void **state)
{
	uint8_t code;

	attached();
	assert_int_equal(dma_to(SID, 0x1000, false), DMA_ABORT); /* bit 1 of its register */
	code = last.code;
	assert_int_equal(dma_to(0x300, 0x1000, false), DMA_ABORT); /* bit 1 of the other */
	assert_int_not_equal(last.code, code);
}

static void one_device_does_not_hold_up_another(void **state)
{
	attached();
	assert_int_equal(attach(SID + 1, &dma), HV_OK);
	irqs_held = true;
	assert_int_equal(dma_to(SID, 0x1000, true), DMA_ABORT);
	assert_int_equal(dma_to(SID + 1, 0x80000000, true),
			 DMA_OK);                               /* while the fault is not cleared */
	assert_int_equal(dma_to(SID, 0x2000, true), DMA_ABORT); /* lost, but the next is not */
	irqs_held = false;
	on_irq();
	assert_int_equal(faults, 1);
	assert_int_equal(dma_to(SID, 0x3000, true), DMA_ABORT);
	assert_int_equal(faults, 2);
	assert_int_equal(last.addr, 0x3000);
}

static void context_is_whole_before_a_stream_uses_it(void **state)
{
	struct iommu *i = started();
	long tcr, ttbr, vmid, tlbi, sync, on, s2cr, dsb;
	size_t from = host_trace_count();

	assert_int_equal(iommu_attach(i, SID, &dma), HV_OK);
	vmid = host_trace_find(from, "w32", BASE + 0x1000);
	tcr = host_trace_find(from, "w32", BASE + 0x8030);
	ttbr = host_trace_find(from, "w32", BASE + 0x8024);
	tlbi = host_trace_find(from, "w32", BASE + 0x64);
	sync = host_trace_find(from, "w32", BASE + 0x70);
	on = host_trace_find(from, "w32", BASE + 0x8000);
	s2cr = host_trace_find(from, "w32", BASE + 0xc00);
	assert_true(vmid >= 0 && tcr >= 0 && ttbr >= 0 && vmid < tlbi && tcr < on && ttbr < on);
	dsb = host_trace_find(from, "dsb_oshst", UINT64_MAX);
	assert_true(dsb >= 0 && dsb < on);
	assert_true(tlbi < sync && sync < on && on < s2cr);
}

static void streams_of_a_guest_share_its_context(void **state)
{
	struct iommu *i = attached();
	struct s2 other;
	size_t from;

	make_root(&other, 4, 0x890000000);
	assert_int_equal(attach(SID + 1, &dma), HV_OK);
	from = host_trace_count();
	assert_int_equal(attach(SID + 1, &dma), HV_OK); /* two functions, one StreamID */
	assert_int_equal(host_trace_find(from, "w32", UINT64_MAX), -1);
	assert_int_equal(attach(SID + 2, &other), HV_OK);
	assert_int_equal(hw.s2cr[0], 0);
	assert_int_equal(hw.s2cr[1], 0);
	assert_int_equal(hw.s2cr[2], 1);
	assert_int_equal(dma_to(SID + 2, 0x80000000, true), DMA_OK);
	assert_int_equal(pa, 0x890000000);
	iommu_attach(i, SID, NULL);
	assert_int_equal(dma_to(SID, 0x80000000, true), DMA_ABORT);
	assert_int_equal(dma_to(SID + 1, 0x80000000, true), DMA_OK);
	assert_int_equal(pa, 0x880000000);
	iommu_attach(i, SID + 1, NULL);
	iommu_attach(i, SID + 1, NULL);
	assert_int_equal(dma_to(SID + 1, 0x80000000, true), DMA_ABORT);
	assert_int_equal(dma_to(SID + 2, 0x80000000, true), DMA_OK);
	assert_int_equal(cached(), 1);
	iommu_attach(i, SID + 2, NULL);
	assert_int_equal(cached(), 0);
}

static void other_root_is_reached_through_fault(void **state)
{
	struct iommu *i = attached();
	struct s2 other;
	size_t from;
	long fault, tlbi, on, to;

	make_root(&other, 4, 0x890000000);
	assert_int_equal(dma_to(SID, 0x80000000, true), DMA_OK); /* cached */
	from = host_trace_count();
	assert_int_equal(iommu_attach(i, SID, &other), HV_OK);
	fault = host_trace_find(from, "w32", BASE + 0xc00);
	tlbi = host_trace_find(from, "w32", BASE + 0x64);
	on = host_trace_find((size_t)tlbi, "w32", BASE + 0x9000);
	to = host_trace_find((size_t)tlbi, "w32", BASE + 0xc00);
	assert_int_equal(host_trace_at((size_t)fault)->value, 2 << 16);
	assert_true(fault < tlbi && tlbi < on && on < to);
	assert_int_equal(dma_to(SID, 0x80000000, true), DMA_OK);
	assert_int_equal(pa, 0x890000000);
}

static void detach_stops_and_forgets(void **state)
{
	struct iommu *i = attached();

	assert_int_equal(dma_to(SID, 0x80000000, true), DMA_OK);
	iommu_attach(i, SID, NULL);
	assert_int_equal(dma_to(SID, 0x80000000, true), DMA_ABORT);
	for (unsigned n = 0; n < 64; n++)
		assert_false(hw.tlb[n].valid);
	/* the guest's next life */
	assert_int_equal(iommu_attach(i, SID, &dma), HV_OK);
	assert_int_equal(dma_to(SID, 0x80000000, true), DMA_OK);
	assert_int_equal(pa, 0x880000000);
	iommu_attach(i, SID, NULL);
	assert_int_equal(dma_to(SID, 0x80000000, true), DMA_ABORT);
}

/* All VMIDs are guests', 0 as well: a silent stream must not find what is cached for that one. */
static void silent_stream_finds_nothing_of_guest_vmid_0(void **state)
{
	struct iommu *i = attached();
	struct s2 zero;

	make_root(&zero, 0, 0x890000000);
	assert_int_equal(attach(SID + 1, &zero), HV_OK);
	assert_int_equal(iommu_attach(i, SID, NULL), HV_OK);
	assert_int_equal(dma_to(SID + 1, 0x80000000, true), DMA_OK); /* cached */
	assert_int_equal(pa, 0x890000000);
	assert_int_equal(dma_to(SID, 0x80000000, true), DMA_ABORT);
	s2_set_flush(iommu_flush);
	s2_unmap(&zero, IPA(0x80000000), MIB(2));
	assert_int_equal(dma_to(SID + 1, 0x80000000, true), DMA_ABORT);
	assert_int_equal(iommu_attach(i, SID, &dma), HV_OK);
	assert_int_equal(dma_to(SID, 0x80000000, true), DMA_OK);
}

static void unmap_pages(unsigned left)
{
	struct s2 other;

	attached();
	make_root(&other, 4, 0x890000000);
	assert_int_equal(attach(SID + 1, &other), HV_OK);
	s2_set_flush(iommu_flush);
	assert_int_equal(dma_to(SID, 0x2c1c0040, true), DMA_OK);
	assert_int_equal(dma_to(SID, 0x80000000, true), DMA_OK);
	assert_int_equal(dma_to(SID + 1, 0x80000000, true), DMA_OK);
	s2_unmap(&dma, IPA(0x2c1c0000), PAGE_SIZE);
	assert_int_equal(cached(), left);
	assert_int_equal(dma_to(SID, 0x2c1c0040, true), DMA_ABORT);
	assert_int_equal(dma_to(SID, 0x80000000, true), DMA_OK);
	s2_unmap(&dma, IPA(0x80000000), MIB(2));
	assert_int_equal(dma_to(SID, 0x80000000, true), DMA_ABORT);
	assert_int_equal(cached(), 1); /* the other guest's */
	for (unsigned n = 0; n < 4; n++)
		assert_int_equal(dma_to(SID, 0x90000000 + n * PAGE_SIZE, true), DMA_OK);
	s2_unmap(&dma, IPA(0x90000000), 4 * PAGE_SIZE);
	for (unsigned n = 0; n < 4; n++)
		assert_int_equal(dma_to(SID, 0x90000000 + n * PAGE_SIZE, true), DMA_ABORT);
	assert_int_equal(cached(), 1);
	iommu_flush(77, IPA(0), GIB(1));
	assert_int_equal(cached(), 1);
	assert_int_equal(hw.pending_count, 0);
}

static void unmap_takes_a_page_away_from_the_device(void **state)
{
	unmap_pages(1); /* v1 knows VMIDs only */
	end(state);
	begin500(state);
	unmap_pages(2);
}

static void prefetching_that_outlives_invalidation_is_off(void **state)
{
	end(state);
	begin500(state);
	attached();
	s2_set_flush(iommu_flush);
	assert_int_equal(dma_to(SID, 0x90000000, true), DMA_OK);
	s2_unmap(&dma, IPA(0x90000000), 8 * PAGE_SIZE);
	assert_int_equal(dma_to(SID, 0x90001000, true), DMA_ABORT);
	assert_null(strstr(host_log(), "prefetching"));
}

static void contexts_run_out(void **state)
{
	struct iommu *i = started();
	struct s2 root[5];

	for (uint16_t n = 0; n < 5; n++)
		make_root(&root[n], (uint16_t)(n + 1), 0x880000000 + n * MIB(16));
	for (unsigned n = 0; n < 4; n++)
		assert_int_equal(attach(0x10 + n, &root[n]), HV_OK);
	assert_int_equal(attach(0x14, &root[4]), HV_ENOMEM);
	assert_non_null(
		strstr(host_log(),
		       "iommu@2b500000: its 4 contexts are all in use, and each guest needs one"));
	assert_int_equal(dma_to(0x14, 0x80000000, true), DMA_ABORT);
	assert_int_equal(dma_to(0x13, 0x80000000, true), DMA_OK);
	iommu_attach(i, 0x11, NULL);
	assert_int_equal(attach(0x14, &root[4]), HV_ENOMEM); /* that guest may start again */
	assert_int_equal(attach(0x11, &root[1]), HV_OK);
}

static void match_registers_run_out(void **state)
{
	attached();
	for (uint32_t sid = 1; sid < 32; sid++)
		assert_int_equal(attach(sid, &dma), HV_OK);
	assert_int_equal(attach(1, &dma), HV_OK); /* given already */
	assert_int_equal(attach(32, &dma), HV_ENOMEM);
	assert_non_null(strstr(host_log(), "its 32 stream match registers are all in use"));
}

static void stream_ids_may_be_indexes(void **state)
{
	struct iommu *i;

	hw.idr0 = (hw.idr0 & ~(1U << 27 | 0xffU | 0x1e00U)) | 6U << 9; /* 64 streams */
	i = started();
	assert_int_equal(attach(0x40, &dma), HV_EINVAL);
	assert_int_equal(attach(5, &dma), HV_OK);
	assert_int_equal(dma_to(5, 0x80000000, true), DMA_OK);
	assert_int_equal(dma_to(4, 0x80000000, true), DMA_ABORT);
	iommu_attach(i, 5, NULL);
	assert_int_equal(dma_to(5, 0x80000000, true), DMA_ABORT);
	end(state);
	begin(state);
	hw.idr0 = (hw.idr0 & ~(1U << 27 | 0xffU | 0x1e00U)) |
		  10U << 9; /* more than there is room for */
	started();
	assert_int_equal(attach(255, &dma), HV_OK);
	assert_int_equal(attach(256, &dma), HV_EINVAL);
}

static void bits_that_do_not_count_are_ignored(void **state)
{
	struct tree t = juno;

	t.mask = 0x7c00;
	use(&t);
	attached();
	assert_int_equal(hw.smr[0], 1U << 31 | 0x7c00U << 16 | SID);
	assert_int_equal(iommus[0].sid_ignored, 0x7c00); /* for those who compare StreamIDs */
	assert_int_equal(dma_to(SID | 0x2400, 0x80000000, true), DMA_OK);
	assert_int_equal(dma_to(SID | 0x2400, 0x1000, true), DMA_ABORT);
	assert_int_equal(last.sid, SID);
}

static void lines_are_connected(void **state)
{
	started();
	assert_int_equal(line_count, 1); /* Juno names the same twice */
	assert_int_equal(lines[0], 72);
	assert_int_equal(routed_to, 0);
	iommu_route(1);
	assert_int_equal(routed_to, 1);
	end(state);
	begin500(state);
	started();
	assert_int_equal(line_count, 2 + 16); /* global ones, and those of the contexts in use */
	for (unsigned n = 0; n < line_count; n++)
		assert_int_equal(lines[n], 132 + n);
}

static void smmu_without_lines_says_so(void **state)
{
	struct tree t = juno;

	started();
	assert_null(strstr(host_log(), "no wired interrupt"));
	end(state);
	begin(state);
	t.irqs = 0;
	use(&t);
	started();
	assert_non_null(
		strstr(host_log(), "iommu@2b500000: no wired interrupt; its faults are not shown"));
}

static void firmware_faults_are_nobodys(void **state)
{
	hw.gfsr = 2;
	hw.cb[2].fsr = 2;
	hw.cb[2].sctlr = 1 << 6;
	started();
	assert_int_equal(hw.gfsr | hw.cb[2].fsr | hw.cb[2].sctlr, 0);
	assert_int_equal(faults, 0);
	/* In banks that no guest gets, too: they share the line. */
	end(state);
	begin500(state);
	hw.cb[15].fsr = 2;
	hw.cb[15].sctlr = 1 << 6;
	started();
	assert_false(smmuv2_model_level(&hw));
}

/* Erratum 582743 of Marvell's AP806: no access of 64 bits. */
static void pages_are_not_forgotten_one_by_one_where_it_cannot(void **state)
{
	struct tree t = mmu500;

	end(state);
	begin500(state);
	t.compatible = "marvell,ap806-smmu-500\0arm,mmu-500";
	t.compatible_len = 35;
	use(&t);
	attached();
	s2_set_flush(iommu_flush);
	assert_int_equal(dma_to(SID, 0x90000000, true), DMA_OK);
	host_trace_clear();
	s2_unmap(&dma, IPA(0x90000000), PAGE_SIZE);
	assert_int_equal(host_trace_find(0, "w64", UINT64_MAX), -1);
	assert_int_equal(dma_to(SID, 0x90000000, true), DMA_ABORT);
}

static void check_dead(struct iommu *i)
{
	unsigned before = faults;

	assert_true(i->dead);
	assert_int_equal(deaths, 1);
	assert_non_null(strstr(host_log(), "does not end; everything behind it is blocked"));
	assert_int_equal(dma_to(SID, 0x80000000, true), DMA_ABORT);
	assert_true(lines_off);
	for (uint32_t sid = 0; sid < 0x8000; sid++)
		assert_int_equal(dma_to(sid, 0x80000000, true), DMA_ABORT);
	host_trace_clear();
	iommu_flush(3, IPA(0), PAGE_SIZE);
	iommu_attach(i, SID, NULL);
	assert_int_equal(iommu_attach(i, SID, &dma), HV_ETIMEOUT);
	iommu_poll();
	assert_int_equal(host_trace_count(), 0); /* nobody waits for it again */
	assert_int_equal(deaths, 1);
	assert_int_equal(faults, before);
}

static void invalidation_that_does_not_end_is_the_end(void **state)
{
	struct iommu *i = attached();

	hw.sync_stuck = true;
	iommu_flush(3, IPA(0x80000000), PAGE_SIZE);
	check_dead(i);
	end(state);
	begin500(state);
	i = attached();
	hw.sync_stuck = true;
	iommu_flush(3, IPA(0x80000000), PAGE_SIZE);
	check_dead(i);
	end(state);
	begin(state);
	i = attached();
	hw.sync_stuck = true;
	iommu_attach(i, SID, NULL);
	check_dead(i);
}

static void smmu_that_does_not_start_stays_blocked(void **state)
{
	hw.sync_stuck = true;
	iommu_probe(blob, map);
	iommu_start(blob);
	assert_false(iommus[0].s2);
	assert_true(iommus[0].dead);
	assert_non_null(strstr(
		host_log(),
		"iommu@2b500000: an invalidation does not end; everything behind it is blocked"));
	assert_null(strstr(host_log(), "did not start")); /* once is enough */
	assert_int_equal(attach(SID, &dma), HV_EUNSUPP);
	assert_int_equal(dma_to(SID, 0x80000000, true), DMA_ABORT);
}

static void storms_are_bounded_and_left_to_the_timer(void **state)
{
	attached();
	storm = true;
	dma_to(SID, 0x1000, true);
	assert_int_equal(faults, 64);
	assert_int_equal(retries, 1);
	assert_true(lines_off);
	iommu_poll();
	assert_int_equal(faults, 128);
	assert_true(lines_off);
	storm = false;
	iommu_poll();
	assert_int_equal(faults, 129);
	assert_false(lines_off);
	assert_int_equal(retries, 2);
	iommu_poll();
	dma_to(SID, 0x1000, true);
	assert_int_equal(faults, 130);
	/* and one of a stream that nobody has, beside it */
	storm = true;
	dma_to(0x300, 0x1000, true);
	assert_int_equal(faults, 130 + 64);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)
	const struct CMUnitTest tests[] = {
		TEST(probe_stops_every_stream_whatever_firmware_left),
		TEST(smmu_that_does_not_confirm_is_dead),
		TEST(nodes_are_found_once_and_by_any_name),
		TEST(what_may_have_no_power_is_not_touched),
		TEST(what_cannot_be_driven_stays_blocked),
		TEST(unknown_streams_abort_and_are_reported),
		TEST(detached_streams_abort_silently),
		TEST(streams_that_do_not_exist_are_refused),
		TEST(context_is_exactly_stage_2),
		TEST(device_reaches_what_its_guest_has),
		TEST(narrow_addresses_are_walked_as_well),
		TEST(faults_are_decoded),
		TEST(reasons_have_codes_of_their_own),
		TEST(one_device_does_not_hold_up_another),
		TEST(context_is_whole_before_a_stream_uses_it),
		TEST(streams_of_a_guest_share_its_context),
		TEST(other_root_is_reached_through_fault),
		TEST(detach_stops_and_forgets),
		TEST(silent_stream_finds_nothing_of_guest_vmid_0),
		TEST(unmap_takes_a_page_away_from_the_device),
		TEST(prefetching_that_outlives_invalidation_is_off),
		TEST(contexts_run_out),
		TEST(match_registers_run_out),
		TEST(stream_ids_may_be_indexes),
		TEST(bits_that_do_not_count_are_ignored),
		TEST(lines_are_connected),
		TEST(smmu_without_lines_says_so),
		TEST(firmware_faults_are_nobodys),
		TEST(pages_are_not_forgotten_one_by_one_where_it_cannot),
		TEST(invalidation_that_does_not_end_is_the_end),
		TEST(smmu_that_does_not_start_stays_blocked),
		TEST(storms_are_bounded_and_left_to_the_timer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
