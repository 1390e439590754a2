/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The physical ITS: tables, queue, LPI configuration, against the model in tests/host/its_model.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <host.h>
#include <hv/bits.h>
#include <hv/gic.h>
#include <hv/irq.h>
#include <hv/mmio.h>
#include <hv/msi.h>
#include <hv/pmem.h>
#include <libfdt.h>
#include <spec/gicv3.h>
#include <spec/its.h>

#include "../../drivers/irqchip/gic_priv.h"
#include "../host/its_model.h"

#define PHANDLE 7

struct gic gic;
static struct gic_cpu gic_cpus[ITS_MODEL_CPUS];
struct gic_hw gic_hw = { .cpu = gic_cpus };
static struct its_model m;
static void *arena;
static char fdt[4096];
static uint32_t lpi_slots;
static unsigned registered;
static unsigned its_nodes; /* as many, all of the same registers */

/* The rest of the interrupt code, in short. */
enum hv_status irq_lpi_table(uint32_t count)
{
	lpi_slots = count;
	return HV_OK;
}

enum hv_status irq_register(uint32_t intid, irq_handler_fn *fn, void *arg, enum irq_end end)
{
	(void)fn;
	(void)arg;
	assert_int_equal(end, IRQ_END_EL2);
	if (intid < 8192 || intid >= 8192 + lpi_slots)
		return HV_EINVAL;
	registered++;
	return HV_OK;
}

enum hv_status gic_wait(struct mmio rd)
{
	return poll32(rd, REG32(GICR_CTLR), GICR_CTLR_RWP, 0, 100000, "RWP");
}

static void make_fdt(bool enabled, bool noncoherent)
{
	uint32_t reg[4] = { 0, cpu_to_fdt32(ITS_MODEL_BASE), 0, cpu_to_fdt32(0x20000) };

	assert_int_equal(fdt_create(fdt, sizeof(fdt)), 0);
	fdt_finish_reservemap(fdt);
	fdt_begin_node(fdt, "");
	fdt_property_u32(fdt, "#address-cells", 2);
	fdt_property_u32(fdt, "#size-cells", 2);
	fdt_begin_node(fdt, "intc");
	fdt_property_u32(fdt, "#address-cells", 2);
	fdt_property_u32(fdt, "#size-cells", 2);
	fdt_property(fdt, "ranges", NULL, 0);
	for (unsigned i = 0; i < its_nodes; i++) {
		fdt_begin_node(fdt, "its@8080000");
		fdt_property_string(fdt, "compatible", "arm,gic-v3-its");
		fdt_property(fdt, "reg", reg, sizeof(reg));
		fdt_property_u32(fdt, "phandle", PHANDLE + i);
		if (!enabled)
			fdt_property_string(fdt, "status", "disabled");
		if (noncoherent)
			fdt_property(fdt, "dma-noncoherent", NULL, 0);
		fdt_end_node(fdt);
	}
	fdt_end_node(fdt);
	fdt_end_node(fdt);
	assert_int_equal(fdt_finish(fdt), 0);
}

static int setup(void **state)
{
	arena = aligned_alloc(MIB(2), MIB(8));
	memset(arena, 0xa5, MIB(8));
	pmem_reset();
	pmem_add((struct range){ (uintptr_t)arena, MIB(8) });
	gic = (struct gic){ .has_lpis = true };
	for (uint32_t i = 0; i < ITS_MODEL_CPUS; i++)
		gic_hw.cpu[i] = (struct gic_cpu){ .rd = { ITS_MODEL_GICR_BASE + i * 0x20000 },
						  .number = i };
	lpi_slots = registered = 0;
	host_mmio_clear();
	its_model_init(&m);
	its_nodes = 1;
	make_fdt(true, false);
	host_log_clear();
	host_trace_clear();
	return 0;
}

static int teardown(void **state)
{
	free(arena);
	return 0;
}

static void every_its_of_the_tree_is_there(void **state)
{
	its_nodes = 12;
	make_fdt(true, false);
	its_init(fdt, 1);
	for (unsigned i = 0; i < its_nodes; i++)
		assert_int_equal(its_find(PHANDLE + i)->phandle, PHANDLE + i);
	assert_null(its_find(PHANDLE + its_nodes));
}

static struct msi_ctrl *bring_up(unsigned cpus)
{
	its_init(fdt, cpus);
	for (unsigned i = 0; i < cpus; i++)
		assert_int_equal(its_cpu_init(i), HV_OK);
	assert_non_null(its_find(PHANDLE));
	return its_find(PHANDLE);
}

static void no_handler(void *arg, uint32_t intid, struct vcpu *cur)
{
	(void)arg;
	(void)intid;
	(void)cur;
}

static void expect(uint32_t device, uint32_t event, uint32_t want_intid, uint32_t want_cpu,
		   bool want_enabled)
{
	uint32_t intid, cpu;
	bool enabled;

	assert_true(its_model_translate(&m, device, event, &intid, &cpu, &enabled));
	assert_int_equal(intid, want_intid);
	assert_int_equal(cpu, want_cpu);
	assert_int_equal(enabled, want_enabled);
}

static void every_event_is_mapped_at_boot_and_masked(void **state)
{
	struct msi_ctrl *c;
	struct msi_block a, b;
	uint32_t intid, cpu;
	bool enabled;

	c = bring_up(2);
	assert_int_equal(msi_alloc(c, 0x108, 5, 1, &a), HV_OK);
	assert_int_equal(m.mapd_bits, 5); /* Linux maps 32 events at least */
	assert_int_equal(msi_alloc(c, 0xfff8, 70, 0, &b), HV_OK);
	assert_int_equal(m.mapd_bits, 7);
	assert_int_equal(m.errors, 0);
	assert_int_equal(a.count, 5);
	assert_int_equal(a.first_data, 0);
	assert_int_equal(b.first_intid, a.first_intid + 5);
	for (uint32_t i = 0; i < 5; i++)
		expect(0x108, i, a.first_intid + i, 1, false);
	for (uint32_t i = 0; i < 70; i++)
		expect(0xfff8, i, b.first_intid + i, 0, false);
	assert_false(its_model_translate(&m, 0x108, 5, &intid, &cpu, &enabled));
	assert_false(its_model_translate(&m, 0x109, 0, &intid, &cpu, &enabled));
	assert_int_equal(c->page.v, ITS_MODEL_BASE + 0x10000);
	assert_int_equal(c->offset, 0x40);
}

static void a_vector_is_enabled_when_it_has_a_handler(void **state)
{
	struct msi_ctrl *c;
	struct msi_block b;

	c = bring_up(1);
	assert_int_equal(msi_alloc(c, 8, 2, 0, &b), HV_OK);
	assert_int_equal(msi_handler(&b, 1, no_handler, NULL), HV_OK);
	assert_int_equal(msi_handler(&b, 2, no_handler, NULL), HV_EINVAL);
	assert_int_equal(registered, 1);
	expect(8, 0, b.first_intid, 0, false);
	expect(8, 1, b.first_intid + 1, 0, true);
	msi_set_enabled(&b, 1, false);
	expect(8, 1, b.first_intid + 1, 0, false);
	assert_int_equal(m.errors, 0);
}

static void what_changes_nothing_sends_nothing(void **state)
{
	struct msi_ctrl *c;
	struct msi_block b;
	unsigned before;

	c = bring_up(2);
	assert_int_equal(msi_alloc(c, 8, 2, 0, &b), HV_OK);
	msi_set_enabled(&b, 0, true);
	before = m.commands;
	msi_set_enabled(&b, 0, true);
	msi_move(&b, 0, 0);
	msi_move(&b, 0, 3); /* takes no LPIs */
	assert_int_equal(m.commands, before);
}

static void a_moved_vector_arrives_at_the_other_cpu(void **state)
{
	struct msi_ctrl *c;
	struct msi_block b;

	c = bring_up(3);
	assert_int_equal(msi_alloc(c, 8, 32, 0, &b), HV_OK);
	msi_move(&b, 31, 2);
	expect(8, 31, b.first_intid + 31, 2, false);
	expect(8, 30, b.first_intid + 30, 0, false);
	assert_int_equal(m.kinds[ITS_CMD_MOVI], 1);
	/* The SYNC that follows names the new target. */
	assert_int_equal(m.last[0], ITS_CMD_SYNC);
	assert_int_equal(m.last[2], 2 << 16);
	/* INV is followed by a SYNC for the CPU that has the vector now. */
	msi_set_enabled(&b, 31, true);
	assert_int_equal(m.last[2], 2 << 16);
}

/* One DeviceID behind an alias: the caller cuts the block; other devices lie around it. */
static void a_slice_of_a_block_finds_its_device(void **state)
{
	struct msi_block b[3], slice;
	struct msi_ctrl *c;

	c = bring_up(2);
	for (uint32_t i = 0; i < 3; i++)
		assert_int_equal(msi_alloc(c, 0x300 - i * 8, 9, 0, &b[i]), HV_OK);
	for (uint32_t i = 0; i < 3; i++) {
		slice = (struct msi_block){ .ctrl = c,
					    .device_id = 0x300 - i * 8,
					    .first_data = 4,
					    .count = 5,
					    .first_intid = b[i].first_intid + 4 };
		msi_move(&slice, 4, 1);
		expect(0x300 - i * 8, 8, b[i].first_intid + 8, 1, false);
		expect(0x300 - i * 8, 7, b[i].first_intid + 7, 0, false);
		assert_int_equal(msi_handler(&slice, 0, no_handler, NULL), HV_OK);
		expect(0x300 - i * 8, 4, b[i].first_intid + 4, 0, true);
	}
	assert_int_equal(m.errors, 0);
}

static void rdbase_is_an_address_where_the_its_says_so(void **state)
{
	struct msi_ctrl *c;
	struct msi_block b;

	m.typer |= TYPER_PTA;
	c = bring_up(2);
	assert_int_equal(msi_alloc(c, 8, 1, 1, &b), HV_OK);
	assert_int_equal(m.errors, 0);
	expect(8, 0, b.first_intid, 1, false);
}

static void bad_requests_are_refused_before_a_command(void **state)
{
	static const struct {
		uint32_t device, n;
		unsigned cpu;
		enum hv_status want;
	} rows[] = {
		{ 8, 0, 0, HV_EINVAL },       /* nothing */
		{ 8, 1, 3, HV_EINVAL },       /* a CPU without LPIs */
		{ 8, 1, 400, HV_EINVAL },     /* no CPU */
		{ 1, 1, 0, HV_ECONFLICT },    /* taken */
		{ 0x10000, 1, 0, HV_ENOMEM }, /* beyond the device table */
		{ 0xffffffff, 1, 0, HV_ENOMEM },
		{ 8, 4097, 0, HV_ENOMEM },       /* more than there are LPIs */
		{ 8, 0xffffffff, 0, HV_ENOMEM }, /* more than an ITT holds */
	};
	struct msi_ctrl *c;
	struct msi_block b;
	unsigned before;

	c = bring_up(1);
	assert_int_equal(msi_alloc(c, 1, 1, 0, &b), HV_OK);
	before = m.commands;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(msi_alloc(c, rows[i].device, rows[i].n, rows[i].cpu, &b),
				 rows[i].want);
	assert_int_equal(m.commands, before);
}

/* Each kind of table that an implementation may have. */
static void tables_are_what_the_its_can_do(void **state)
{
	static const struct {
		bool indirect;
		unsigned page;
		unsigned dev_bits;
		uint32_t last;    /* highest DeviceID that must work */
		unsigned max_kib; /* own memory, all in all */
	} rows[] = {
		{ true, 3, 16, 0xffff, 64 },   { true, 2, 16, 0xffff, 300 },
		{ true, 1, 20, 0xfffff, 120 }, { false, 3, 16, 0xffff, 560 },
		{ false, 2, 16, 0xffff, 620 }, { false, 3, 20, 0xffff, 560 },
		{ true, 3, 8, 0xff, 40 },      { true, 3, 32, 0xfffff, 80 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct msi_ctrl *c;
		struct msi_block b;

		pmem_reset();
		pmem_add((struct range){ (uintptr_t)arena, MIB(8) });
		host_mmio_clear();
		its_model_init(&m);
		m.has_indirect = rows[i].indirect;
		m.page = rows[i].page;
		m.typer = field_put(m.typer, TYPER_DEV_BITS, rows[i].dev_bits - 1);
		c = bring_up(1);
		assert_int_equal(msi_alloc(c, rows[i].last, 32, 0, &b), HV_OK);
		assert_int_equal(msi_alloc(c, 0, 32, 0, &b), HV_OK);
		assert_int_equal(m.errors, 0);
		expect(0, 31, b.first_intid + 31, 0, false);
		assert_in_range(pmem_own_bytes(), 1, KIB(rows[i].max_kib));
		if (rows[i].last < 0xfffff)
			assert_int_equal(msi_alloc(c, rows[i].last + 1, 1, 0, &b), HV_ENOMEM);
	}
}

/* The coherent sequence: the command is visible, outer shareable, before the doorbell. */
static void commands_are_visible_before_the_doorbell(void **state)
{
	struct msi_ctrl *c;
	struct msi_block b;
	long bell, dsb;

	c = bring_up(1);
	assert_int_equal(msi_alloc(c, 8, 1, 0, &b), HV_OK);
	host_trace_clear();
	msi_set_enabled(&b, 0, true);
	dsb = host_trace_find(0, "dsb_oshst", UINT64_MAX);
	bell = host_trace_find(0, "w64", ITS_MODEL_BASE + ITS_CWRITER);
	assert_true(dsb >= 0 && bell > dsb);
	assert_int_equal(host_trace_find((size_t)bell + 1, "w64", UINT64_MAX), -1);
	assert_int_equal(host_trace_find(0, "cache_clean_inval", UINT64_MAX), -1);
}

static void level_one_entry_is_visible_before_mapd(void **state)
{
	struct msi_ctrl *c;
	struct msi_block b;
	long page, slot, dsb, bell;

	c = bring_up(1);
	host_trace_clear();
	assert_int_equal(msi_alloc(c, 0x4321, 1, 0, &b), HV_OK);
	page = host_trace_find(0, "cache_clean_inval", UINT64_MAX); /* second level, zeroed */
	slot = host_trace_find((size_t)page + 1, "cache_clean_inval", UINT64_MAX);
	dsb = host_trace_find((size_t)slot, "dsb_oshst", UINT64_MAX);
	bell = host_trace_find(0, "w64", ITS_MODEL_BASE + ITS_CWRITER);
	assert_true(page >= 0 && page < slot && slot < dsb && dsb < bell);
}

static void lpis_are_on_after_their_tables_and_before_mapc(void **state)
{
	long prop, pend, dsb, on, sync, bell;

	its_init(fdt, 1);
	host_trace_clear();
	assert_int_equal(its_cpu_init(0), HV_OK);
	prop = host_trace_find(0, "w64", ITS_MODEL_GICR_BASE + GICR_PROPBASER);
	pend = host_trace_find(0, "w64", ITS_MODEL_GICR_BASE + GICR_PENDBASER);
	dsb = host_trace_find((size_t)pend, "dsb_oshst", UINT64_MAX);
	on = host_trace_find(0, "w32", ITS_MODEL_GICR_BASE + GICR_CTLR);
	sync = host_trace_find((size_t)on, "dsb_sy", UINT64_MAX);
	bell = host_trace_find(0, "w64", ITS_MODEL_BASE + ITS_CWRITER);
	assert_true(prop >= 0 && prop < pend && pend < dsb && dsb < on && on < sync && sync < bell);
	assert_int_equal(m.gicr[0].propbaser & PROPBASER_IDBITS, 13);
	assert_true(IS_ALIGNED(m.gicr[0].pendbaser & ~PENDBASER_PTZ & PENDBASER_PA, KIB(64)));
	assert_int_equal(m.errors, 0);
}

/* IHI 0069H §12.19: an attribute that reads back non-shareable means that nothing snoops. */
static void without_snooping_everything_is_cleaned(void **state)
{
	struct msi_ctrl *c;
	struct msi_block b;
	long prop, cmd, dsb, bell;

	m.coherent = false;
	c = bring_up(1);
	assert_int_equal(field_get(CBASER_INNER, m.cbaser), MEM_NC);
	assert_int_equal(field_get(BASER_INNER, m.baser[0]), MEM_NC);
	assert_int_equal(field_get(LPIBASE_INNER, m.gicr[0].propbaser), MEM_NC);
	assert_int_equal(msi_alloc(c, 8, 1, 0, &b), HV_OK);
	host_trace_clear();
	msi_set_enabled(&b, 0, true);
	prop = host_trace_find(0, "cache_clean_inval", UINT64_MAX);
	cmd = host_trace_find((size_t)prop + 1, "cache_clean_inval", UINT64_MAX);
	dsb = host_trace_find((size_t)cmd, "dsb_oshst", UINT64_MAX);
	bell = host_trace_find(0, "w64", ITS_MODEL_BASE + ITS_CWRITER);
	assert_int_equal(host_trace_at((size_t)prop)->addr,
			 (m.gicr[0].propbaser & PROPBASER_PA) + b.first_intid - 8192);
	assert_true(prop >= 0 && prop < cmd && cmd < dsb && dsb < bell);
}

static void a_noncoherent_node_is_not_asked_to_snoop(void **state)
{
	make_fdt(true, true);
	bring_up(1);
	assert_int_equal(field_get(CBASER_SHARE, m.cbaser), SHARE_NONE);
	assert_int_equal(field_get(CBASER_INNER, m.cbaser), MEM_NC);
	assert_int_equal(field_get(BASER_SHARE, m.baser[0]), SHARE_NONE);
}

static void the_queue_wraps(void **state)
{
	struct msi_ctrl *c;
	struct msi_block b;

	c = bring_up(2);
	assert_int_equal(msi_alloc(c, 8, 1000, 0, &b), HV_OK);
	for (uint32_t i = 0; i < 1000; i++)
		msi_move(&b, i, 1);
	for (uint32_t i = 0; i < 1000; i++)
		expect(8, i, b.first_intid + i, 1, false);
	assert_int_equal(m.errors, 0);
	assert_int_equal(m.kinds[ITS_CMD_MOVI], 1000);
}

static void a_slow_its_is_waited_for_only_when_the_queue_is_full(void **state)
{
	struct msi_ctrl *c;
	struct msi_block b;

	c = bring_up(2);
	m.per_read = 1;
	assert_int_equal(msi_alloc(c, 8, 300, 0, &b), HV_OK);
	for (uint32_t i = 0; i < 300; i++)
		msi_move(&b, i, 1);
	m.per_read = 1000;
	msi_set_enabled(&b, 0, true);
	host_mmio_read(ITS_MODEL_BASE + ITS_CREADR, 8);
	for (uint32_t i = 0; i < 300; i++)
		expect(8, i, b.first_intid + i, 1, i == 0);
	assert_int_equal(m.errors, 0);
	assert_string_equal(strstr(host_log(), "stuck") ? "stuck" : "", "");
}

static void run_time_commands_do_not_wait(void **state)
{
	struct msi_ctrl *c;
	struct msi_block b;
	size_t reads = 0;

	c = bring_up(1);
	assert_int_equal(msi_alloc(c, 8, 1, 0, &b), HV_OK);
	m.frozen = true;
	host_trace_clear();
	msi_set_enabled(&b, 0, true);
	for (size_t i = 0; i < host_trace_count(); i++)
		reads += !strcmp(host_trace_at(i)->op, "r64");
	assert_int_equal(reads, 1); /* CREADR, once: is there room? */
}

static void a_stalled_command_is_skipped_and_told(void **state)
{
	struct msi_ctrl *c;
	struct msi_block b;

	c = bring_up(1);
	m.stall_at = 2; /* the MAPTI */
	assert_int_equal(msi_alloc(c, 8, 1, 0, &b), HV_EINVAL);
	assert_non_null(strstr(host_log(), "stalled on command 0x80000000a"));
	assert_false(m.stalled);
	assert_int_equal(m.errors, 0);
	assert_int_equal(msi_alloc(c, 16, 1, 0, &b), HV_OK); /* it goes on */
	expect(16, 0, b.first_intid, 0, false);
}

static void an_its_that_stalls_for_ever_is_dead(void **state)
{
	struct msi_ctrl *c;
	struct msi_block b;

	c = bring_up(1);
	m.stall_at = 1;
	m.stall_times = 1000;
	assert_int_equal(msi_alloc(c, 8, 1, 0, &b), HV_ETIMEOUT);
	assert_int_equal(msi_alloc(c, 16, 1, 0, &b), HV_ETIMEOUT);
}

static void a_stuck_queue_is_dead_and_costs_one_timeout(void **state)
{
	struct msi_ctrl *c;
	struct msi_block b;
	size_t writes;

	c = bring_up(2);
	assert_int_equal(msi_alloc(c, 8, 200, 0, &b), HV_OK);
	m.frozen = true;
	for (uint32_t i = 0; i < 100; i++)
		msi_move(&b, i, 1);
	assert_non_null(strstr(host_log(), "queue stuck"));
	host_log_clear();
	host_trace_clear();
	for (uint32_t i = 100; i < 200; i++)
		msi_move(&b, i, 1);
	writes = host_trace_count();
	assert_int_equal(writes, 0); /* nobody talks to it, nobody waits, nobody logs */
	assert_string_equal(host_log(), "");
	assert_int_equal(msi_alloc(c, 16, 1, 0, &b), HV_ETIMEOUT);
}

static void none_is_left(void)
{
	host_log_clear();
	its_init(fdt, 1);
	assert_null(its_find(PHANDLE));
	assert_int_equal(its_cpu_init(0), HV_OK);
	assert_int_equal(m.commands, 0);
	assert_non_null(strstr(host_log(), gic.has_lpis ? "no usable ITS: no MSI" : ""));
}

static void an_absent_its_reads_all_ones_and_is_left_off(void **state)
{
	host_mmio_clear();
	none_is_left();
	assert_non_null(strstr(host_log(), "its devices have no MSI"));
}

static void an_its_that_cannot_be_driven_is_left_off(void **state)
{
	make_fdt(false, false);
	none_is_left();
	make_fdt(true, false);
	m.never_quiescent = true;
	none_is_left();
	m.never_quiescent = false;
	m.typer &= ~TYPER_PHYSICAL;
	none_is_left();
	m.typer |= TYPER_PHYSICAL;
	gic.has_lpis = false;
	none_is_left();
}

static void firmware_that_left_it_running_is_quiesced_first(void **state)
{
	long off, baser;

	m.ctlr = 1;
	m.baser[0] |= BASER_VALID;
	m.gicr[0].ctlr = GICR_CTLR_LPIS;
	bring_up(1);
	off = host_trace_find(0, "w32", ITS_MODEL_BASE + ITS_CTLR);
	baser = host_trace_find(0, "w64", ITS_MODEL_BASE + ITS_BASER);
	assert_true(off >= 0 && off < baser);
	assert_int_equal(m.ctlr, 1);
	assert_int_equal(m.gicr[0].ctlr, GICR_CTLR_LPIS);
}

static void lpis_that_cannot_be_switched_off_are_not_taken_over(void **state)
{
	m.lpis_stuck = true;
	m.gicr[0].ctlr = GICR_CTLR_LPIS;
	its_init(fdt, 1);
	assert_int_equal(its_cpu_init(0), HV_EUNSUPP);
	assert_int_equal(m.gicr[0].propbaser, 0);
}

static void collections_may_live_in_the_its(void **state)
{
	struct msi_block b;

	m.typer |= FIELD(TYPER_HCC, 16);
	bring_up(2);
	assert_int_equal(msi_alloc(its_find(PHANDLE), 8, 1, 1, &b), HV_OK);
	assert_int_equal(m.errors, 0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(every_its_of_the_tree_is_there),
		T(every_event_is_mapped_at_boot_and_masked),
		T(a_vector_is_enabled_when_it_has_a_handler),
		T(what_changes_nothing_sends_nothing),
		T(a_moved_vector_arrives_at_the_other_cpu),
		T(a_slice_of_a_block_finds_its_device),
		T(rdbase_is_an_address_where_the_its_says_so),
		T(bad_requests_are_refused_before_a_command),
		T(tables_are_what_the_its_can_do),
		T(commands_are_visible_before_the_doorbell),
		T(level_one_entry_is_visible_before_mapd),
		T(lpis_are_on_after_their_tables_and_before_mapc),
		T(without_snooping_everything_is_cleaned),
		T(a_noncoherent_node_is_not_asked_to_snoop),
		T(the_queue_wraps),
		T(a_slow_its_is_waited_for_only_when_the_queue_is_full),
		T(run_time_commands_do_not_wait),
		T(a_stalled_command_is_skipped_and_told),
		T(an_its_that_stalls_for_ever_is_dead),
		T(a_stuck_queue_is_dead_and_costs_one_timeout),
		T(an_absent_its_reads_all_ones_and_is_left_off),
		T(an_its_that_cannot_be_driven_is_left_off),
		T(firmware_that_left_it_running_is_quiesced_first),
		T(lpis_that_cannot_be_switched_off_are_not_taken_over),
		T(collections_may_live_in_the_its),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
