/* SPDX-License-Identifier: Apache-2.0 */
/* Physical GICv2m frames: found, checked, their SPIs given out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>
#include <libfdt.h>

#include <host.h>
#include <host_early.h>
#include <hv/bits.h>
#include <hv/gic.h>
#include <hv/msi.h>
#include <spec/gicv2m.h>

#define BASE(i) (0x2c1c0000u + 0x10000u * (i))

static char fdt[8192];
#define FRAMES 20

static uint32_t typer[FRAMES];
static unsigned accesses;

static struct {
	unsigned cpu;
	bool routed, edge, enabled;
} line[1020];
static uint32_t registered[1020];

static uint64_t frame_read(void *m, uint64_t off, unsigned size)
{
	assert_int_equal(size, 4);
	accesses++;
	return off == V2M_TYPER ? *(const uint32_t *)m : 0;
}

static void frame_write(void *m, uint64_t off, unsigned size, uint64_t v)
{
	(void)m, (void)size, (void)v;
	fail_msg("write to 0x%x of a frame", (unsigned)off);
}

void gic_set_enabled(unsigned cpu, uint32_t intid, bool on)
{
	(void)cpu;
	line[intid].enabled = on;
}

void gic_set_edge(unsigned cpu, uint32_t intid, bool edge)
{
	(void)cpu;
	line[intid].edge = edge;
}

void gic_route(uint32_t intid, unsigned cpu)
{
	line[intid].routed = true;
	line[intid].cpu = cpu;
}

struct gic gic;

bool irq_has_handler(uint32_t intid, irq_handler_fn *fn)
{
	assert_null(fn);
	return !registered[intid];
}

enum hv_status irq_register(uint32_t intid, irq_handler_fn *fn, void *arg, enum irq_end end)
{
	(void)fn, (void)arg;
	assert_int_equal(end, IRQ_END_EL2);
	assert_false(line[intid].enabled); /* nothing may arrive before its handler is there */
	registered[intid]++;
	return HV_OK;
}

struct node {
	uint64_t size;
	int base_spi, num_spis; /* overrides; 0: none */
	bool disabled;
};

static void probe(const struct node *n, unsigned nodes)
{
	memset(line, 0, sizeof(line));
	memset(registered, 0, sizeof(registered));
	host_early(0);
	host_mmio_clear();
	host_log_clear();
	accesses = 0;
	gic = (struct gic){ .spi_count = 352, .version = 2 };
	assert_int_equal(fdt_create(fdt, sizeof(fdt)), 0);
	fdt_finish_reservemap(fdt);
	fdt_begin_node(fdt, "");
	fdt_property_u32(fdt, "#address-cells", 1);
	fdt_property_u32(fdt, "#size-cells", 1);
	for (unsigned i = 0; i < nodes; i++) {
		const fdt32_t reg[] = { cpu_to_fdt32(BASE(i)), cpu_to_fdt32((uint32_t)n[i].size) };
		char name[16] = "v2m@0";

		name[4] = (char)('0' + i);
		fdt_begin_node(fdt, name);
		fdt_property_string(fdt, "compatible", "arm,gic-v2m-frame");
		fdt_property(fdt, "reg", reg, sizeof(reg));
		fdt_property_u32(fdt, "phandle", 0x10 + i);
		if (n[i].base_spi)
			fdt_property_u32(fdt, "arm,msi-base-spi", (uint32_t)n[i].base_spi);
		if (n[i].num_spis)
			fdt_property_u32(fdt, "arm,msi-num-spis", (uint32_t)n[i].num_spis);
		if (n[i].disabled)
			fdt_property_string(fdt, "status", "disabled");
		fdt_end_node(fdt);
		host_mmio_add(BASE(i), 0x1000, frame_read, frame_write, &typer[i]);
	}
	fdt_end_node(fdt);
	assert_int_equal(fdt_finish(fdt), 0);
	v2m_init(fdt);
}

static void set_typer(unsigned i, uint32_t first, uint32_t spis) { typer[i] = first << 16 | spis; }

static void has(unsigned i, uint32_t first, uint32_t spis)
{
	assert_int_equal(v2m_place(v2m_frame(i), 0, 1), first);
	assert_int_equal(v2m_place(v2m_frame(i), first + spis - 1, 1), first + spis - 1);
	assert_int_equal(v2m_place(v2m_frame(i), first + spis, 1), 0);
}

static void frames_are_what_they_and_the_tree_say(void **state)
{
	static const struct node n[] = { { 0x1000 },
					 { 0x10000, 64, 16 },
					 { 0x1000, .num_spis = 8 },
					 { 0x1000, .disabled = true } };
	set_typer(0, 224, 32);
	set_typer(1, 0, 0);
	set_typer(2, 256, 32);
	set_typer(3, 288, 32);
	probe(n, 4);
	has(0, 224, 32);
	has(1, 64, 16);
	has(2, 256, 8);
	assert_null(v2m_frame(3));
	assert_ptr_equal(v2m_find(0x11), v2m_frame(1));
	assert_null(v2m_find(0x13));
	assert_null(v2m_find(0));
	assert_int_equal(v2m_frame(1)->page.v, BASE(1));
	assert_int_equal(v2m_frame(1)->offset, 0x40);
	assert_false(v2m_frame(0)->by_device);
}

static void what_cannot_be_is_left_out_and_said(void **state)
{
	static const struct {
		uint32_t first, spis;
		struct node node;
	} bad[] = {
		{ 224, 32, { 0x800 } }, /* no page */
		{ 31, 8, { 0x1000 } },  /* a PPI */
		{ 224, 0, { 0x1000 } }, /* none */
		{ 380, 8, { 0x1000 } }, /* the GIC ends at 383 */
		{ 384, 1, { 0x1000 } },
		{ 224, 32, { 0x1000, .base_spi = -1 } },
		{ 224, 32, { 0x1000, .num_spis = -1 } },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
		set_typer(0, bad[i].first, bad[i].spis);
		probe(&bad[i].node, 1);
		if (v2m_frame(0) || !strstr(host_log(), "/v2m@0: malformed reg, or no SPIs"))
			fail_msg("row %u: %s", i, host_log());
	}
	set_typer(0, 376, 8);
	probe(&(struct node){ 0x1000 }, 1);
	assert_non_null(v2m_frame(0));
}

static void every_frame_of_the_tree_is_there(void **state)
{
	struct node n[FRAMES];

	for (unsigned i = 0; i < FRAMES; i++) {
		n[i] = (struct node){ 0x1000 };
		set_typer(i, 32 + 8 * i, 8);
	}
	probe(n, FRAMES);
	for (unsigned i = 0; i < FRAMES; i++)
		has(i, 32 + 8 * i, 8);
	assert_null(v2m_frame(FRAMES));
}

static void handler(void *arg, uint32_t intid, struct vcpu *cur)
{
	(void)arg, (void)intid, (void)cur;
}

/* Edge-triggered, routed before they can fire, aligned for the low bits that a device changes. */
static void spis_are_given_out_once(void **state)
{
	struct msi_block a, b, c;

	set_typer(0, 80, 64);
	probe(&(struct node){ 0x1000 }, 1);
	assert_int_equal(msi_alloc(v2m_frame(0), 8, 3, 2, &a), HV_OK);
	assert_int_equal(a.first_data, 80);
	assert_int_equal(a.first_intid, 80);
	assert_int_equal(a.count, 3);
	assert_int_equal(msi_alloc(v2m_frame(0), 8, 8, 1, &b), HV_OK);
	assert_int_equal(b.first_intid, 88);
	assert_int_equal(msi_alloc(v2m_frame(0), 8, 0, 1, &c), HV_ENOMEM);
	assert_int_equal(msi_alloc(v2m_frame(0), 8, 33, 1, &c), HV_OK); /* as 32 are: MSI-X only */
	assert_int_equal(c.first_intid, 96);
	assert_int_equal(msi_alloc(v2m_frame(0), 8, 16, 1, &c), HV_ENOMEM); /* 144 is its end */
	assert_int_equal(msi_alloc(v2m_frame(0), 8, 8, 1, &c), HV_OK);
	assert_int_equal(c.first_intid, 136);
	for (uint32_t i = 80; i < 83; i++) {
		assert_true(line[i].routed && line[i].edge && !line[i].enabled);
		assert_int_equal(line[i].cpu, 2);
	}
	assert_false(line[83].routed);
	assert_int_equal(msi_handler(&a, 1, handler, NULL), HV_OK);
	assert_int_equal(registered[81], 1);
	assert_true(line[81].enabled && !line[80].enabled && !line[82].enabled);
	msi_move(&a, 1, 3);
	assert_int_equal(line[81].cpu, 3);
	msi_set_enabled(&a, 1, false);
	assert_false(line[81].enabled);
}

/* QEMU's frame: the lines of its SMMU are among its SPIs. */
static void spis_of_others_are_passed_over(void **state)
{
	static const struct {
		uint32_t from, n, first;
	} t[] = {
		{ 0, 1, 80 },    { 0, 16, 80 },   { 96, 8, 96 },   { 104, 1, 104 },
		{ 104, 2, 104 }, { 106, 1, 110 }, { 105, 2, 110 }, { 104, 4, 112 },
		{ 96, 16, 112 }, { 0, 32, 0 },    { 96, 26, 0 },   { 128, 16, 128 },
		{ 129, 16, 0 },  { 0, 64, 0 },    { 0, 0, 0 },     { 143, 1, 143 },
		{ 144, 1, 0 },
	};
	struct msi_block b;

	set_typer(0, 80, 64);
	probe(&(struct node){ 0x1000 }, 1);
	for (uint32_t i = 106; i < 110; i++)
		registered[i] = 1;
	for (unsigned i = 0; i < ARRAY_SIZE(t); i++)
		if (v2m_place(v2m_frame(0), t[i].from, t[i].n) != t[i].first)
			fail_msg("%u from %u: %u", t[i].n, t[i].from,
				 v2m_place(v2m_frame(0), t[i].from, t[i].n));
	assert_int_equal(msi_alloc(v2m_frame(0), 8, 16, 1, &b), HV_OK);
	assert_int_equal(b.first_intid, 80);
	assert_int_equal(msi_alloc(v2m_frame(0), 8, 16, 1, &b), HV_OK);
	assert_int_equal(b.first_intid, 112);
	assert_false(line[106].routed || line[106].edge);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frames_are_what_they_and_the_tree_say),
		cmocka_unit_test(what_cannot_be_is_left_out_and_said),
		cmocka_unit_test(every_frame_of_the_tree_is_there),
		cmocka_unit_test(spis_are_given_out_once),
		cmocka_unit_test(spis_of_others_are_passed_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
