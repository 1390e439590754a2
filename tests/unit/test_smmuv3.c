/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The SMMUv3 driver against a model of the hardware that caches what it may cache: what a device
 * can reach is asked of the model, the order of updates of the trace.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <libfdt.h>

#include <host.h>
#include <hv/gic.h>
#include <hv/iommu.h>
#include <hv/irq.h>
#include <hv/pmem.h>
#include <spec/smmuv3.h>

#include "../host/smmuv3_model.h"

#define BASE 0x9050000
#define SID  0x108

static struct smmuv3_model hw;
static uint8_t blob[4096];
static void *arena;
static struct s2 dma;
static uint64_t pa;

static uint32_t reg_size = 0x20000;
static const char *quirk; /* a property without value */

static irq_handler_fn *handler;
static void *handler_arg;
static uint32_t enabled[4], edges[4];
static unsigned enabled_count, edge_count, routed_to, faults, deaths, retries;
static struct iommu_fault last;
static bool irqs_held, lines_off;

/* ---- what the driver leans on ---- */

enum hv_status irq_register(uint32_t intid, irq_handler_fn *fn, void *arg, enum irq_end end)
{
	(void)intid;
	assert_int_equal(end, IRQ_END_EL2);
	handler = fn;
	handler_arg = arg;
	return HV_OK;
}

void gic_set_enabled(unsigned cpu, uint32_t intid, bool on)
{
	(void)cpu;
	if (on && enabled_count < 4)
		enabled[enabled_count++] = intid;
	lines_off = !on;
}

void gic_set_edge(unsigned cpu, uint32_t intid, bool edge)
{
	(void)cpu;
	if (edge)
		edges[edge_count++] = intid;
}

void gic_route(uint32_t intid, unsigned cpu)
{
	(void)intid;
	routed_to = cpu;
}

struct gic gic;

static void on_irq(void)
{
	if (!irqs_held && !lines_off)
		handler(handler_arg, 106, NULL);
}

static void on_fault(struct iommu *i, const struct iommu_fault *f)
{
	assert_ptr_equal(i, &iommus[0]);
	last = *f;
	faults++;
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
	assert_int_equal(r.size, reg_size);
}

/* ---- fixture ---- */

static void cells(const char *name, const uint32_t *v, unsigned n)
{
	fdt32_t c[16];

	for (unsigned i = 0; i < n; i++)
		c[i] = cpu_to_fdt32(v[i]);
	assert_int_equal(fdt_property(blob, name, c, (int)(4 * n)), 0);
}

#define CELLS(name, ...)                                                                           \
	do {                                                                                       \
		static const uint32_t v_[] = { __VA_ARGS__ };                                      \
		cells(name, v_, sizeof(v_) / 4);                                                   \
	} while (0)

static void build_tree(bool coherent)
{
	static const char names[] = "eventq\0priq\0cmdq-sync\0gerror";

	fdt_create(blob, sizeof(blob));
	fdt_finish_reservemap(blob);
	fdt_begin_node(blob, "");
	CELLS("#address-cells", 2);
	CELLS("#size-cells", 2);
	CELLS("interrupt-parent", 1);
	fdt_begin_node(blob, "intc@8000000");
	fdt_property_string(blob, "compatible", "arm,gic-v3");
	fdt_property(blob, "interrupt-controller", NULL, 0);
	CELLS("#interrupt-cells", 3);
	CELLS("#address-cells", 0);
	CELLS("phandle", 1);
	fdt_end_node(blob);
	fdt_begin_node(blob, "smmuv3@9050000");
	fdt_property_string(blob, "compatible", "arm,smmu-v3");
	cells("reg", (const uint32_t[]){ 0, BASE, 0, reg_size }, 4);
	if (quirk)
		fdt_property(blob, quirk, NULL, 0);
	CELLS("interrupts", 0, 74, 1, 0, 75, 1, 0, 76, 1, 0, 77, 1);
	fdt_property(blob, "interrupt-names", names, sizeof(names));
	CELLS("phandle", 7);
	if (coherent)
		fdt_property(blob, "dma-coherent", NULL, 0);
	fdt_end_node(blob);
	fdt_end_node(blob);
	assert_int_equal(fdt_finish(blob), 0);
}

static int begin(void **state)
{
	arena = aligned_alloc(MIB(2), MIB(8));
	memset(arena, 0xa5, MIB(8));
	pmem_reset();
	pmem_add((struct range){ (uintptr_t)arena, MIB(8) });
	smmuv3_model_reset(&hw);
	hw.irq = on_irq;
	host_mmio_clear();
	smmuv3_model_attach(&hw, BASE);
	host_trace_clear();
	host_log_clear();
	build_tree(true);
	enabled_count = edge_count = faults = deaths = retries = 0;
	routed_to = 99;
	irqs_held = lines_off = false;
	assert_int_equal(s2_init(&dma,
				 s2_geometry((struct s2_limits){ 44, false },
					     (struct s2_limits){ 44, false }),
				 3, (struct s2_need){ 4, 4 }, S2_SMMU),
			 HV_OK);
	assert_int_equal(s2_map(&dma, IPA(0x40000000), PA(0x80000000), MIB(2), S2_RAM), HV_OK);
	assert_int_equal(s2_map(&dma, IPA(0x8080000), PA(0x12340000), PAGE_SIZE, S2_DOORBELL),
			 HV_OK);
	return 0;
}

static int end(void **state)
{
	free(arena);
	return 0;
}

/* The stream is known, and nobody's. */
static struct iommu *started(void)
{
	iommu_set_callbacks(&callbacks);
	iommu_probe(blob, map);
	iommu_start(blob);
	assert_int_equal(iommu_attach(&iommus[0], SID, &dma), HV_OK);
	assert_int_equal(iommu_attach(&iommus[0], SID, NULL), HV_OK);
	return &iommus[0];
}

static struct iommu *attached(void)
{
	struct iommu *i = started();

	s2_set_flush(NULL);
	assert_int_equal(iommu_attach(i, SID, &dma), HV_OK);
	return i;
}

static int dma_to(uint32_t sid, uint64_t ipa, bool write)
{
	return smmuv3_model_dma(&hw, sid, ipa, write, &pa);
}

static uint64_t *ste_of(uint32_t sid)
{
	uint64_t *l1 = pa_to_va(PA(hw.strtab_base & STRTAB_BASE_ADDR));

	return (uint64_t *)pa_to_va(PA(l1[sid >> 8] & L1STD_L2PTR)) + (sid & 0xff) * 8;
}

/* ---- tests ---- */

static void probe_blocks_before_anything_else(void **state)
{
	long gbpa, cr0;

	hw.cr0 = hw.cr0ack = 0xd; /* firmware left it translating */
	iommu_probe(blob, map);
	gbpa = host_trace_find(0, "w32", BASE + SMMU_GBPA);
	cr0 = host_trace_find(0, "w32", BASE + SMMU_CR0);
	assert_true(gbpa >= 0 && gbpa < cr0);
	assert_int_equal(hw.cr0ack, 0);
	assert_int_equal(dma_to(SID, 0x40000000, true), DMA_ABORT);
	assert_int_equal(iommu_count, 1);
	assert_ptr_equal(iommu_find(7), &iommus[0]);
	assert_null(iommu_find(8));
	assert_null(iommu_find(0));
	assert_string_equal(iommus[0].name, "smmuv3@9050000");
	assert_int_equal(iommus[0].oas_bits, 44);
	assert_int_equal(iommus[0].sid_bits, 16);
	assert_true(!iommus[0].s2 && iommus[0].coherent && !iommus[0].fwb);
}

static void blocking_is_tried_even_if_gbpa_hangs(void **state)
{
	hw.gbpa_stuck = true;
	hw.cr0 = hw.cr0ack = 1;
	iommu_probe(blob, map);
	assert_int_equal(hw.cr0ack, 0);
	assert_non_null(strstr(host_log(), "cannot be put into global abort"));
}

static void what_cannot_be_driven_stays_blocked(void **state)
{
	static const struct {
		uint32_t idr0_off, idr0_on, idr1_on, idr5_off;
		bool incoherent;
		const char *why;
	} rows[] = {
		{ 1, 0, 0, 0, false, "stage 1 only" },
		{ 8, 0, 0, 0, false, "AArch64" },
		{ 0, 0, 0, 0x10, false, "4 KiB" },
		{ 0, 3 << 21, 0, 0, false, "big-endian" },
		{ 3 << 27, 0, 0, 0, false, "two-level" },
		{ 3 << 24, 2 << 24, 0, 0, false, "stalls" },
		{ 0, 0, 1 << 30, 0, false, "fixed addresses" },
		{ 1 << 4, 0, 0, 0, false, "not coherent" },
		{ 0, 0, 0, 0, true, "not coherent" },
	};

	for (size_t n = 0; n < ARRAY_SIZE(rows); n++) {
		end(state);
		begin(state);
		hw.idr0 = (hw.idr0 & ~rows[n].idr0_off) | rows[n].idr0_on;
		hw.idr1 |= rows[n].idr1_on;
		hw.idr5 &= ~rows[n].idr5_off;
		build_tree(!rows[n].incoherent);
		iommu_probe(blob, map);
		iommu_start(blob);
		assert_false(iommus[0].s2);
		assert_non_null(strstr(host_log(), rows[n].why));
		assert_int_equal(iommu_attach(&iommus[0], SID, &dma), HV_EUNSUPP);
		assert_int_equal(dma_to(SID, 0x40000000, false), DMA_ABORT);
		iommu_attach(&iommus[0], SID, NULL);
		iommu_flush(3, IPA(0), PAGE_SIZE);
	}
}

static void registers_that_are_not_there_are_not_touched(void **state)
{
	static const struct {
		uint32_t size;
		const char *quirk, *why;
	} rows[] = {
		{ 0x10000, NULL, "shorter than its two pages" },
		{ 0x20000, "cavium,cn9900-broken-page1-regspace", "no second register page" },
	};

	for (size_t n = 0; n < ARRAY_SIZE(rows); n++) {
		end(state);
		reg_size = rows[n].size;
		quirk = rows[n].quirk;
		begin(state);
		hw.cr0 = hw.cr0ack = 1;
		iommu_probe(blob, map);
		iommu_start(blob);
		reg_size = 0x20000;
		quirk = NULL;
		assert_false(iommus[0].s2);
		assert_int_equal(hw.cr0ack, 0);
		assert_non_null(strstr(host_log(), rows[n].why));
		assert_int_equal(iommu_attach(&iommus[0], SID, &dma), HV_EUNSUPP);
	}
}

/* Down to a command and its CMD_SYNC: a flush rings more often, and is complete. */
static void short_command_queues_do(void **state)
{
	for (unsigned log2 = 0; log2 < 4; log2++) {
		end(state);
		begin(state);
		hw.idr1 = (hw.idr1 & ~(31U << 21)) | log2 << 21;
		if (!log2) {
			iommu_probe(blob, map);
			assert_non_null(strstr(host_log(), "too short a command queue"));
			continue;
		}
		attached();
		s2_set_flush(iommu_flush);
		assert_int_equal(dma_to(SID, 0x8080040, true), DMA_OK);
		iommu_flush(3, IPA(0x8080000 - 15 * PAGE_SIZE), 16 * PAGE_SIZE);
		for (unsigned n = 0; n < 32; n++)
			assert_false(hw.tlb[n].valid);
		assert_false(iommus[0].dead);
	}
}

/* Firmware left interrupts on: their addresses are written only when they are off. */
static void messages_of_firmware_are_off_before_they_change(void **state)
{
	hw.idr0 |= 1 << 13;
	hw.irq_ctrl = 7;
	started(); /* the model asserts it */
	assert_int_equal(hw.irq_ctrl, IRQ_GERROR | IRQ_EVENTQ);
}

static void start_turns_translation_on_last(void **state)
{
	struct iommu *i = started();
	long strtab, cmdq, cfgi, on;

	assert_int_equal(hw.cr0ack, CR0_SMMUEN | CR0_EVENTQEN | CR0_CMDQEN);
	assert_int_equal(hw.cr2, CR2_PTM | CR2_RECINVSID);
	assert_int_equal(hw.cr1, 0xd75);
	assert_int_equal(hw.strtab_cfg, 1 << 16 | 8 << 6 | 16);
	assert_int_equal(hw.irq_ctrl, IRQ_GERROR | IRQ_EVENTQ);
	strtab = host_trace_find(0, "w64", BASE + SMMU_STRTAB_BASE);
	cmdq = host_trace_find(0, "w64", BASE + SMMU_CMDQ_BASE);
	cfgi = host_trace_find(0, "smmu_cmd", OP_CFGI_ALL);
	on = host_trace_find(cfgi > 0 ? (size_t)cfgi : 0, "w32", BASE + SMMU_CR0);
	assert_true(strtab >= 0 && strtab < cfgi && cmdq >= 0 && cmdq < cfgi && cfgi < on);
	assert_int_equal(hw.cmd[0].dw[0], OP_CFGI_ALL);
	assert_int_equal(hw.cmd[1].dw[0], OP_TLBI_NSNH_ALL);
	assert_int_equal(hw.cmd[2].dw[0], OP_SYNC);
	/* interrupts: SPI 74 and 77, edge */
	assert_int_equal(enabled_count, 2);
	assert_int_equal(enabled[0], 106);
	assert_int_equal(enabled[1], 109);
	assert_int_equal(edge_count, 2);
	assert_int_equal(routed_to, 0);
	iommu_route(1);
	assert_int_equal(routed_to, 1);
	assert_false(i->dead);
}

static void every_stream_aborts_by_default(void **state)
{
	started();
	for (uint32_t sid = 0x100; sid < 0x200; sid++)
		assert_int_equal(dma_to(sid, 0x40000000, sid & 1), DMA_ABORT);
	assert_int_equal(faults, 0); /* known streams abort silently */
	assert_int_equal(dma_to(0x300, 0x40000000, true), DMA_ABORT);
	assert_int_equal(faults, 1);
	assert_int_equal(last.sid, 0x300);
	assert_string_equal(last.reason, "unknown StreamID");
	assert_false(last.has_addr);
}

static void streams_that_do_not_exist_are_refused(void **state)
{
	started();
	assert_int_equal(iommu_attach(&iommus[0], 0x10000, &dma), HV_EINVAL);
	assert_int_equal(iommu_attach(&iommus[0], 0x500, NULL), HV_EINVAL); /* never attached */
}

static void entry_is_exactly_stage_2(void **state)
{
	const uint64_t *ste;

	attached();
	ste = ste_of(SID);
	/*
	 * fields by hand: V, Config 6; VMID 3, T0SZ 24, SL0 1, IR/OR 1, SH 3, TG 0, PS 4, AA64,
	 * PTW, R
	 */
	assert_int_equal(ste[0], 0xd);
	assert_int_equal(ste[1], 0);
	assert_int_equal(ste[2], UINT64_C(3) | UINT64_C(24) << 32 | UINT64_C(1) << 38 |
					 UINT64_C(1) << 40 | UINT64_C(1) << 42 | UINT64_C(3) << 44 |
					 UINT64_C(4) << 48 | UINT64_C(1) << 51 | UINT64_C(1) << 54 |
					 UINT64_C(1) << 58);
	assert_int_equal(ste[3], dma.root.v);
	for (unsigned n = 4; n < 8; n++)
		assert_int_equal(ste[n], 0);
}

static void entry_follows_fwb_and_attribute_override(void **state)
{
	struct iommu *i;

	hw.idr1 |= 1 << 27;
	hw.idr3 |= 1 << 8;
	dma.geo.fwb = true;
	i = started();
	assert_true(i->fwb);
	assert_int_equal(iommu_attach(i, SID, &dma), HV_OK);
	assert_int_equal(ste_of(SID)[1], UINT64_C(1) << 44 | UINT64_C(1) << 25);
}

static void device_reaches_what_its_guest_has(void **state)
{
	attached();
	assert_int_equal(dma_to(SID, 0x40001238, true), DMA_OK);
	assert_int_equal(pa, 0x80001238);
	assert_int_equal(dma_to(SID, 0x8080040, true), DMA_OK);
	assert_int_equal(pa, 0x12340040);
	assert_int_equal(dma_to(SID + 1, 0x40001238, true), DMA_ABORT);
	assert_int_equal(faults, 0);
}

static void translated_requests_are_refused_whatever_the_smmu_offers(void **state)
{
	for (unsigned ats = 0; ats < 2; ats++) {
		end(state);
		begin(state);
		hw.idr0 |= ats << 10;
		assert_int_equal(smmuv3_model_translated(&hw, SID, 0x80001000, true), DMA_ABORT);
		attached();
		assert_int_equal(hw.cr0ack & 1 << 4, ats << 4);
		assert_int_equal(dma_to(SID, 0x40001238, true), DMA_OK);
		assert_int_equal(smmuv3_model_translated(&hw, SID, 0x80001000, true), DMA_ABORT);
		assert_string_equal(last.reason, "translated request");
		assert_int_equal(smmuv3_model_translated(&hw, SID + 1, 0x80001000, true),
				 DMA_ABORT);
		assert_int_equal(smmuv3_model_translated(&hw, 0x900, 0x80001000, true), DMA_ABORT);
	}
}

static void faults_are_decoded(void **state)
{
	attached();
	assert_int_equal(dma_to(SID, 0x40200010, true), DMA_ABORT);
	assert_int_equal(faults, 1);
	assert_int_equal(last.sid, SID);
	assert_int_equal(last.addr, 0x40200010);
	assert_true(last.has_addr && last.write);
	assert_string_equal(last.reason, "translation");
	assert_int_equal(dma_to(SID, 0x8080040, false), DMA_ABORT); /* the doorbell is write only */
	assert_string_equal(last.reason, "permission");
	assert_false(last.write);
	assert_int_equal(dma_to(SID, UINT64_C(1) << 40, true), DMA_ABORT);
	assert_int_equal(faults, 3);
}

/* q1..q3, DSB, q0, DSB, CFGI_STE, SYNC: the entry counts only when it is whole. */
static void attach_writes_doubleword_0_last(void **state)
{
	struct iommu *i = started();
	size_t from;
	long dsb, cfgi;

	from = host_trace_count();
	assert_int_equal(iommu_attach(i, SID, &dma), HV_OK);
	dsb = host_trace_find(from, "dsb_oshst", UINT64_MAX);
	assert_true(dsb >= 0);
	dsb = host_trace_find((size_t)dsb + 1, "dsb_oshst", UINT64_MAX);
	cfgi = host_trace_find(from, "smmu_cmd", OP_CFGI_STE);
	assert_true(dsb >= 0 && dsb < cfgi);
	assert_int_equal(host_trace_at((size_t)cfgi)->value, SID);
	assert_int_equal(hw.cmd[hw.cmd_count - 2].dw[1], CMD1_LEAF);
	assert_int_equal(host_trace_at((size_t)cfgi + 1)->addr, OP_SYNC);
}

static void other_root_is_reached_through_abort(void **state)
{
	struct iommu *i = attached();
	struct s2 other;
	unsigned before = hw.cmd_count;

	assert_int_equal(s2_init(&other, dma.geo, 4, (struct s2_need){ 2, 2 }, S2_SMMU), HV_OK);
	assert_int_equal(s2_map(&other, IPA(0x40000000), PA(0xc0000000), MIB(2), S2_RAM), HV_OK);
	assert_int_equal(dma_to(SID, 0x40000000, true), DMA_OK); /* cached */
	assert_int_equal(iommu_attach(i, SID, &other), HV_OK);
	/*
	 * CFGI_STE for abort, TLBI of the old root's VMID, CFGI_STE for the new root; a SYNC each
	 */
	assert_int_equal(hw.cmd_count - before, 6);
	assert_int_equal(dma_to(SID, 0x40000000, true), DMA_OK);
	assert_int_equal(pa, 0xc0000000);
}

static void detach_aborts_and_forgets(void **state)
{
	struct iommu *i = attached();

	assert_int_equal(dma_to(SID, 0x40000000, true), DMA_OK);
	iommu_attach(i, SID, NULL);
	assert_int_equal(dma_to(SID, 0x40000000, true), DMA_ABORT);
	assert_int_equal(faults, 0);
	assert_int_equal(hw.cmd[hw.cmd_count - 2].dw[0], OP_TLBI_S12_VMALL | UINT64_C(3) << 32);
	for (unsigned n = 0; n < 32; n++)
		assert_false(hw.tlb[n].valid);
}

static void silent_stream_aborts_without_events(void **state)
{
	struct iommu *i = attached();

	iommu_attach(i, SID, NULL);
	assert_int_equal(dma_to(SID, 0x1000, true), DMA_ABORT);
	assert_int_equal(dma_to(SID, 0x40000000, true), DMA_ABORT);
	assert_int_equal(faults, 0);
}

static void unmap_takes_a_page_away_from_the_device(void **state)
{
	attached();
	s2_set_flush(iommu_flush);
	assert_int_equal(dma_to(SID, 0x8080040, true), DMA_OK);
	assert_int_equal(dma_to(SID, 0x40000000, true), DMA_OK);
	s2_unmap(&dma, IPA(0x8080000), PAGE_SIZE);
	assert_int_equal(hw.cmd[hw.cmd_count - 2].dw[0], OP_TLBI_S2_IPA | UINT64_C(3) << 32);
	assert_int_equal(hw.cmd[hw.cmd_count - 2].dw[1], 0x8080000);
	assert_int_equal(dma_to(SID, 0x8080040, true), DMA_ABORT);
	s2_unmap(&dma, IPA(0x40000000), MIB(2));
	assert_int_equal(hw.cmd[hw.cmd_count - 2].dw[0], OP_TLBI_S12_VMALL | UINT64_C(3) << 32);
	assert_int_equal(dma_to(SID, 0x40000000, true), DMA_ABORT);
}

static void flush_rings_once_for_many_pages(void **state)
{
	unsigned before, bells = 0;
	size_t from;

	attached();
	before = hw.cmd_count;
	from = host_trace_count();
	iommu_flush(3, IPA(0x40000000), 16 * PAGE_SIZE);
	assert_int_equal(hw.cmd_count - before, 17);
	for (long n = -1; (n = host_trace_find(n < 0 ? from : (size_t)n + 1, "w32",
					       BASE + SMMU_CMDQ_PROD)) >= 0;)
		bells++;
	assert_int_equal(bells, 1);
	before = hw.cmd_count;
	iommu_flush(3, IPA(0x40000000), 17 * PAGE_SIZE);
	assert_int_equal(hw.cmd_count - before, 2);
}

static void queue_wraps(void **state)
{
	struct iommu *i = attached();

	for (unsigned n = 0; n < 600; n++)
		iommu_flush(3, IPA(0), GIB(1));
	assert_false(i->dead);
	assert_int_equal(hw.cmdq_cons, hw.cmdq_prod);
}

static void bad_command_is_replaced_and_the_queue_goes_on(void **state)
{
	struct iommu *i = attached();

	hw.fail_next = 1;
	iommu_flush(3, IPA(0x40000000), 2 * PAGE_SIZE);
	assert_false(i->dead);
	assert_int_equal((hw.gerror ^ hw.gerrorn) & GERROR_CMDQ, 0);
	assert_int_equal(hw.cmdq_cons & 0xfffff, hw.cmdq_prod);
	assert_non_null(strstr(host_log(), "failed with error 1"));
}

static void gerror_interrupt_mends_the_queue_too(void **state)
{
	struct iommu *i = attached();

	hw.gerror ^= GERROR_EVENTQ_ABT;
	on_irq();
	assert_int_equal(hw.gerror, hw.gerrorn);
	assert_non_null(strstr(host_log(), "global error 0x4"));
	assert_false(lines_off);
	hw.gerror ^= GERROR_SFM;
	on_irq();
	assert_true(i->dead);
	assert_true(lines_off); /* nobody answers it any more */
	assert_int_equal(deaths, 1);
}

static void check_dead(struct iommu *i)
{
	assert_true(i->dead);
	assert_int_equal(deaths, 1);
	assert_int_equal(hw.cr0ack, 0);
	assert_int_equal(dma_to(SID, 0x40000000, true), DMA_ABORT);
	iommu_flush(3, IPA(0), GIB(1));
	iommu_attach(i, SID, NULL);
	assert_int_equal(iommu_attach(i, SID, &dma), HV_ETIMEOUT);
	iommu_poll();
	assert_int_equal(deaths, 1);
}

static void queue_that_does_not_answer_is_the_end(void **state)
{
	struct iommu *i = attached();

	hw.queue_stuck = true;
	iommu_flush(3, IPA(0x40000000), PAGE_SIZE);
	check_dead(i);
	assert_non_null(strstr(host_log(), "does not answer; everything behind it is blocked"));
}

static void queue_that_fails_for_ever_is_the_end(void **state)
{
	struct iommu *i = attached();

	hw.fail_next = ~0U;
	iommu_flush(3, IPA(0), GIB(1));
	check_dead(i);
}

static void smmu_that_does_not_start_stays_blocked(void **state)
{
	iommu_probe(blob, map);
	hw.queue_stuck = true;
	iommu_start(blob);
	assert_false(iommus[0].s2);
	assert_int_equal(hw.cr0ack, 0);
	assert_true(hw.gbpa & GBPA_ABORT);
	assert_int_equal(iommu_attach(&iommus[0], SID, &dma), HV_EUNSUPP);
}

static void events_are_bounded_and_the_rest_is_polled(void **state)
{
	attached();
	irqs_held = true;
	for (unsigned n = 0; n < 200; n++)
		dma_to(SID, 0x1000 * n, true);
	irqs_held = false;
	on_irq();
	assert_int_equal(faults, 64);
	assert_int_equal(retries, 1);
	assert_true(lines_off); /* the timer goes on with it, whatever the line says */
	iommu_poll();
	assert_int_equal(faults, 128);
	iommu_poll();
	iommu_poll();
	assert_int_equal(faults, 200);
	assert_int_equal(retries, 3);
	assert_false(lines_off);
	iommu_poll(); /* nothing: not even a register read */
	assert_int_equal(faults, 200);
}

static void overflow_is_acknowledged(void **state)
{
	attached();
	for (unsigned round = 0; round < 2; round++) {
		irqs_held = true;
		for (unsigned n = 0; n < 600; n++)
			dma_to(SID, 0x1000 * n, true);
		irqs_held = false;
		on_irq();
		for (unsigned n = 0; n < 10; n++)
			iommu_poll();
		assert_int_equal((hw.evtq_prod ^ hw.evtq_cons) & EVENTQ_OVERFLOW, 0);
	}
	assert_int_equal(faults, 2 * 512);
	assert_non_null(strstr(host_log(), "more faults than it could record"));
	dma_to(SID, 0x5000, true);
	assert_int_equal(faults, 1025);
}

/* ---- many of them ---- */

#define MANY  40
#define APART 0x20000ULL

static struct smmuv3_model many[MANY];

static void map_any(struct range r) { (void)r; }

static void build_many(void)
{
	fdt_create(blob, sizeof(blob));
	fdt_finish_reservemap(blob);
	fdt_begin_node(blob, "");
	CELLS("#address-cells", 2);
	CELLS("#size-cells", 2);
	for (unsigned n = 0; n < MANY; n++) {
		uint32_t base = (uint32_t)(BASE + n * APART);

		fdt_begin_node(blob, "smmu");
		fdt_property_string(blob, "compatible", "arm,smmu-v3");
		cells("reg", (const uint32_t[]){ 0, base, 0, 0x20000 }, 4);
		cells("phandle", (const uint32_t[]){ 100 + n }, 1);
		fdt_property(blob, "dma-coherent", NULL, 0);
		fdt_end_node(blob);
	}
	fdt_end_node(blob);
	assert_int_equal(fdt_finish(blob), 0);
}

/* A board has as many as its device tree says; each has streams of its own. */
static void every_smmu_of_the_tree_is_driven(void **state)
{
	host_mmio_clear();
	for (unsigned n = 0; n < MANY; n++) {
		smmuv3_model_reset(&many[n]);
		smmuv3_model_attach(&many[n], BASE + n * APART);
	}
	build_many();
	iommu_set_callbacks(&callbacks);
	iommu_probe(blob, map_any);
	iommu_start(blob);
	assert_int_equal(iommu_count, MANY);
	for (unsigned n = 0; n < MANY; n++) {
		struct iommu *i = iommu_find(100 + n);

		assert_non_null(i);
		assert_true(i->s2 && i->index == n);
		assert_int_equal(iommu_attach(i, SID + n, &dma), HV_OK);
	}
	for (unsigned n = 0; n < MANY; n++)
		for (unsigned k = 0; k < MANY; k++)
			assert_int_equal(smmuv3_model_dma(&many[n], SID + k, 0x40000000, true, &pa),
					 n == k ? DMA_OK : DMA_ABORT);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)
	const struct CMUnitTest tests[] = {
		TEST(probe_blocks_before_anything_else),
		TEST(blocking_is_tried_even_if_gbpa_hangs),
		TEST(what_cannot_be_driven_stays_blocked),
		TEST(registers_that_are_not_there_are_not_touched),
		TEST(short_command_queues_do),
		TEST(messages_of_firmware_are_off_before_they_change),
		TEST(start_turns_translation_on_last),
		TEST(every_stream_aborts_by_default),
		TEST(streams_that_do_not_exist_are_refused),
		TEST(entry_is_exactly_stage_2),
		TEST(entry_follows_fwb_and_attribute_override),
		TEST(device_reaches_what_its_guest_has),
		TEST(translated_requests_are_refused_whatever_the_smmu_offers),
		TEST(faults_are_decoded),
		TEST(attach_writes_doubleword_0_last),
		TEST(other_root_is_reached_through_abort),
		TEST(detach_aborts_and_forgets),
		TEST(silent_stream_aborts_without_events),
		TEST(unmap_takes_a_page_away_from_the_device),
		TEST(flush_rings_once_for_many_pages),
		TEST(queue_wraps),
		TEST(bad_command_is_replaced_and_the_queue_goes_on),
		TEST(gerror_interrupt_mends_the_queue_too),
		TEST(queue_that_does_not_answer_is_the_end),
		TEST(queue_that_fails_for_ever_is_the_end),
		TEST(smmu_that_does_not_start_stays_blocked),
		TEST(events_are_bounded_and_the_rest_is_polled),
		TEST(overflow_is_acknowledged),
		TEST(every_smmu_of_the_tree_is_driven),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
