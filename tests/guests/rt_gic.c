/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GIC and ITS driver of the payloads: GICv3 (IHI 0069) with one security state and affinity
 * routing, or GICv2 (IHI 0048) where the device tree has a CPU interface in memory.
 */
#include "rt_priv.h"

#define GICD_CTLR       0x0000
#define GICD_TYPER      0x0004
#define GICD_IGROUPR    0x0080
#define GICD_ISENABLER  0x0100
#define GICD_ICENABLER  0x0180
#define GICD_IPRIORITYR 0x0400
#define GICD_ITARGETSR  0x0800
#define GICD_SGIR       0x0f00
#define GICC_CTLR       0x0000
#define GICC_PMR        0x0004
#define GICC_IAR        0x000c
#define GICC_EOIR       0x0010
#define GICC_DIR        0x1000
#define GICD_IROUTER    0x6000
#define GICR_CTLR       0x0000
#define GICR_TYPER      0x0008
#define GICR_WAKER      0x0014
#define GICR_PROPBASER  0x0070
#define GICR_PENDBASER  0x0078
#define GICR_SGI        0x10000

volatile u32 irq_spurious;
static irq_fn *handlers[1020];
static irq_fn *lpi_handler;
static u64 redist[RT_MAX_CPUS];
static u32 masks[RT_MAX_CPUS];

u64 gic_redist(void)
{
	return redist[cpu_index()];
}

/* The frame whose affinity is ours; frames are 128 KiB here (no VLPIs), IHI 0069 §12.10. */
static u64 redist_find(void)
{
	u64 mpidr = sysreg_read(mpidr_el1), want = (mpidr >> 32 & 0xff) << 24 | (mpidr & 0xffffff);

	for (u64 at = machine.gicr; at < machine.gicr + machine.gicr_size;) {
		u64 typer = r64(at + GICR_TYPER);

		if (typer >> 32 == want)
			return at;
		if (typer & BIT(4)) /* Last */
			break;
		at += typer & BIT(1) ? 0x40000 : 0x20000; /* VLPIS */
	}
	return 0;
}

u32 gic_mask(unsigned cpu)
{
	return masks[cpu];
}

static void v2_cpu_init(void)
{
	masks[cpu_index()] = r32(machine.gicd + GICD_ITARGETSR) & 0xff;
	w32(machine.gicd + GICD_ICENABLER, ~0U);
	for (u64 i = 0; i < 32; i += 4)
		w32(machine.gicd + GICD_IPRIORITYR + i, 0xa0a0a0a0);
	w32(machine.gicc + GICC_PMR, 0xf0);
	w32(machine.gicc + GICC_CTLR, 1);
}

void gic_cpu_init(void)
{
	u64 r;

	if (machine.gicc) {
		v2_cpu_init();
		return;
	}
	r = redist_find();

	redist[cpu_index()] = r;
	if (!r) {
		check(false, "cpu=%u has no redistributor", cpu_index());
		return;
	}
	w32(r + GICR_WAKER, r32(r + GICR_WAKER) & ~2U);
	while (r32(r + GICR_WAKER) & 4)
		;
	w32(r + GICR_SGI + GICD_ICENABLER, ~0U);
	w32(r + GICR_SGI + GICD_IGROUPR, ~0U);
	for (u64 i = 0; i < 32; i += 4)
		w32(r + GICR_SGI + GICD_IPRIORITYR + i, 0xa0a0a0a0);
	sysreg_write(S3_0_C12_C12_5, sysreg_read(S3_0_C12_C12_5) | 1); /* ICC_SRE_EL1.SRE */
	isb();
	sysreg_write(S3_0_C4_C6_0, 0xf0); /* ICC_PMR_EL1 */
	sysreg_write(S3_0_C12_C12_4, 0);  /* ICC_CTLR_EL1: EOI deactivates too */
	sysreg_write(S3_0_C12_C12_7, 1);  /* ICC_IGRPEN1_EL1 */
	isb();
}

void gic_init(void)
{
	u32 lines = 32 * ((r32(machine.gicd + GICD_TYPER) & 31) + 1);

	if (machine.gicc) {
		w32(machine.gicd + GICD_CTLR, 1);
	} else {
		w32(machine.gicd + GICD_CTLR, BIT(4)); /* ARE first, IHI 0069 §12.9.4 */
		w32(machine.gicd + GICD_CTLR, BIT(4) | BIT(1));
	}
	for (u32 i = 32; i < lines && i < 1020; i += 32) {
		w32(machine.gicd + GICD_ICENABLER + i / 8, ~0U);
		w32(machine.gicd + GICD_IGROUPR + i / 8, machine.gicc ? 0 : ~0U);
		for (u32 n = i; n < i + 32; n += 4)
			w32(machine.gicd + GICD_IPRIORITYR + n, 0xa0a0a0a0);
	}
	gic_cpu_init();
}

void gic_quiet(void)
{
	for (u64 i = 0; i < 128; i += 4) {
		w32(machine.gicd + 0x180 + i, ~0U); /* ICENABLER, ICPENDR, ICACTIVER */
		w32(machine.gicd + 0x280 + i, ~0U);
		w32(machine.gicd + 0x380 + i, ~0U);
	}
	if (machine.gicc) {
		for (u64 i = 0; i < 16; i += 4) {
			w32(machine.gicd + 0xf10 + i, ~0U); /* CPENDSGIR */
			w32(machine.gicc + 0xd0 + i, 0);    /* APR, and NSAPR */
			w32(machine.gicc + 0xe0 + i, 0);
		}
		return;
	}
	w32(gic_redist() + GICR_SGI + 0x180, ~0U);
	w32(gic_redist() + GICR_SGI + 0x280, ~0U);
	w32(gic_redist() + GICR_SGI + 0x380, ~0U);
}

/* Where this CPU's SGIs and PPIs are. */
static u64 bank0(void)
{
	return machine.gicc ? machine.gicd : gic_redist() + GICR_SGI;
}

u64 gic_frame(u32 intid)
{
	return intid < 32 ? bank0() : machine.gicd;
}

u32 gic_ack(void)
{
	u32 iar = machine.gicc ? r32(machine.gicc + GICC_IAR) :
				 (u32)sysreg_read(S3_0_C12_C12_0); /* ICC_IAR1_EL1 */

	dsb();
	return iar;
}

void gic_end(u32 iar)
{
	if (machine.gicc)
		w32(machine.gicc + GICC_EOIR, iar); /* with the source of an SGI */
	else
		sysreg_write(S3_0_C12_C12_1, iar); /* ICC_EOIR1_EL1 */
	isb();
}

void gic_deactivate(u32 iar)
{
	if (machine.gicc)
		w32(machine.gicc + GICC_DIR, iar);
	else
		sysreg_write(S3_0_C12_C11_1, iar); /* ICC_DIR_EL1 */
	isb();
}

void gic_split(bool on)
{
	if (machine.gicc)
		w32(machine.gicc + GICC_CTLR, on ? BIT(9) | 1 : 1);
	else
		sysreg_write(S3_0_C12_C12_4, on ? 2 : 0); /* ICC_CTLR_EL1.EOImode */
	isb();
}

void gic_mask_below(u8 prio)
{
	if (machine.gicc)
		w32(machine.gicc + GICC_PMR, prio);
	else
		sysreg_write(S3_0_C4_C6_0, prio);
	isb();
}

void gic_route(u32 intid, unsigned cpu)
{
	if (machine.gicc)
		w8(machine.gicd + GICD_ITARGETSR + intid, (u8)gic_mask(cpu));
	else
		w64(machine.gicd + GICD_IROUTER + 8 * intid, machine.mpidr[cpu] & 0xff00ffffff);
}

void gic_enable(u32 intid, irq_fn *fn)
{
	if (intid >= LPI_FIRST) {
		lpi_handler = fn;
		return;
	}
	if (!intid && !fn)
		return;
	handlers[intid] = fn;
	dsb();
	if (intid < 32) {
		w32(bank0() + GICD_ISENABLER, (u32)BIT(intid));
		return;
	}
	gic_route(intid, cpu_index());
	w32(machine.gicd + GICD_ISENABLER + intid / 32 * 4, (u32)BIT(intid % 32));
}

void gic_disable(u32 intid)
{
	w32(gic_frame(intid) + GICD_ICENABLER + intid / 32 * 4, (u32)BIT(intid % 32));
}

void gic_sgi(u32 intid, unsigned cpu)
{
	u64 m = machine.mpidr[cpu];
	u64 v = (m >> 32 & 0xff) << 48 | (m >> 16 & 0xff) << 32 | (m >> 8 & 0xff) << 16 |
		(u64)intid << 24 | BIT(m & 15);

	dsb();
	if (machine.gicc) {
		w32(machine.gicd + GICD_SGIR, gic_mask(cpu) << 16 | intid);
		return;
	}
	sysreg_write(S3_0_C12_C11_5, v); /* ICC_SGI1R_EL1 */
	isb();
}

void gic_irq(void)
{
	u32 iar = gic_ack(), intid = machine.gicc ? iar & 0x3ff : iar;
	irq_fn *fn;

	if (intid >= 1020 && intid < LPI_FIRST)
		return;
	fn = intid >= LPI_FIRST ? lpi_handler : handlers[intid];
	if (fn)
		fn(intid);
	else
		irq_spurious++;
	gic_end(iar);
}

/* --- ITS: every table direct, one collection for the boot CPU --- */

#define GITS_CTLR    0x0000
#define GITS_TYPER   0x0008
#define GITS_CBASER  0x0080
#define GITS_CWRITER 0x0088
#define GITS_CREADR  0x0090
#define GITS_BASER   0x0100

#define QUEUE_SIZE 4096
#define LPI_BITS   14
#define WB_ISH     (UINT64_C(7) << 59 | BIT(10)) /* InnerCache RaWaWb, inner shareable */

static u64 *queue;
static u64 queue_at;
static u64 typer;
static u8 *lpi_config;

bool its_commands(const u64 (*cmd)[4], unsigned count)
{
	u64 end;

	for (unsigned n = 0; n < count; n++) {
		for (unsigned i = 0; i < 4; i++)
			queue[queue_at / 8 + i] = cmd[n][i];
		queue_at = (queue_at + 32) % QUEUE_SIZE;
	}
	dsb();
	w64(machine.its + GITS_CWRITER, queue_at);
	end = counter() + counter_hz();
	while ((r64(machine.its + GITS_CREADR) & ~UINT64_C(1)) != queue_at)
		if (counter() > end)
			return false;
	return true;
}

bool its_command(const u64 cmd[4])
{
	return its_commands((const u64(*)[4])cmd, 1);
}

static void command(u64 a, u64 b, u64 c)
{
	const u64 cmd[4] = { a, b, c, 0 };

	if (!its_command(cmd))
		check(false, "its command=%lx %lx %lx stands still creadr=%lx", a, b, c,
		      r64(machine.its + GITS_CREADR));
}

/* RDbase of a CPU: its frame or its number, as GITS_TYPER.PTA says. */
static u64 rdbase(unsigned cpu)
{
	return typer & BIT(19) ? redist[cpu] : (r64(redist[cpu] + GICR_TYPER) >> 8 & 0xffff) << 16;
}

static void sync_its(void)
{
	command(0x05, 0, rdbase(0)); /* SYNC */
}

bool gic_lpis_are_on(void)
{
	return r32(gic_redist() + GICR_CTLR) & 1;
}

void gic_lpis_on(void)
{
	u64 r = gic_redist();
	static u8 *tables[RT_MAX_CPUS];
	u8 *pending = tables[cpu_index()];

	if (!pending)
		pending = tables[cpu_index()] = rt_alloc(65536, 65536);
	if (!lpi_config)
		lpi_config = rt_alloc(BIT(LPI_BITS) - LPI_FIRST, 4096);
	w64(r + GICR_PROPBASER, (u64)lpi_config | 7 << 7 | BIT(10) | (LPI_BITS - 1));
	w64(r + GICR_PENDBASER, (u64)pending | BIT(62) | 7 << 7 | BIT(10));
	dsb();
	w32(r + GICR_CTLR, r32(r + GICR_CTLR) | 1);
}

void its_queue_again(void)
{
	w32(machine.its + GITS_CTLR, 0);
	queue_at = 0;
	w64(machine.its + GITS_CBASER, BIT(63) | WB_ISH | (u64)queue);
	w64(machine.its + GITS_CWRITER, 0);
	w32(machine.its + GITS_CTLR, 1);
}

static u64 its_table[8];

static void its_tables_on(void)
{
	for (u64 i = 0; i < 8; i++)
		if (its_table[i]) /* 64 KiB in 4 KiB pages: 8192 devices of 8 bytes */
			w64(machine.its + GITS_BASER + 8 * i, BIT(63) | WB_ISH | its_table[i] | 15);
}

void its_again(void)
{
	w32(gic_redist() + GICR_CTLR, 0);
	gic_lpis_on();
	w32(machine.its + GITS_CTLR, 0);
	its_tables_on();
	its_queue_again();
	its_map_collection(0, 0);
}

bool its_init(void)
{
	if (!machine.its)
		return false;
	typer = r64(machine.its + GITS_TYPER);
	gic_lpis_on();
	for (u64 i = 0; i < 8; i++) {
		u64 type = r64(machine.its + GITS_BASER + 8 * i) >> 56 & 7;

		if (type == 1 || type == 4) /* devices, collections */
			its_table[i] = (u64)rt_alloc(65536, 65536);
	}
	queue = rt_alloc(QUEUE_SIZE, 65536);
	its_tables_on();
	its_queue_again();
	its_map_collection(0, 0);
	return true;
}

void its_map_collection(u32 id, unsigned cpu)
{
	command(0x09, 0, BIT(63) | rdbase(cpu) | id); /* MAPC */
	command(0x05, 0, rdbase(cpu));
}

void its_map_device(u32 device, u32 events)
{
	u64 bits = 1, entry = (typer >> 4 & 15) + 1;

	while (BIT(bits) < events)
		bits++;
	command(0x08 | (u64)device << 32, bits - 1, /* MAPD: V, ITT */
		BIT(63) | (u64)rt_alloc(BIT(bits) * entry, 256));
	sync_its();
}

void lpi_property(u32 lpi, u8 byte)
{
	lpi_config[lpi - LPI_FIRST] = byte;
	dsb();
}

void its_inv(u32 device, u32 event)
{
	command(0x0c | (u64)device << 32, event, 0);
	sync_its();
}

void its_map_event(u32 device, u32 event, u32 lpi)
{
	lpi_property(lpi, 0xa0 | 1);
	command(0x0a | (u64)device << 32, event | (u64)lpi << 32, 0); /* MAPTI */
	its_inv(device, event);
}

void its_move(u32 device, u32 event, u32 collection)
{
	command(0x01 | (u64)device << 32, event, collection); /* MOVI */
	sync_its();
}

void its_int(u32 device, u32 event)
{
	command(0x03 | (u64)device << 32, event, 0); /* INT */
}
