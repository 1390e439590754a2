/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The healthy neighbour of the attack suite. It works in units, for ever: it looks whether a slice
 * of its pattern is unchanged, takes one timer interrupt, one SGI of its own, one message of its
 * edu device, and follows that device's DMA, and it counts what it finished in the shared memory.
 * What is wrong is printed, and counted there as well. It ends when the attacker has ended.
 */
#include "attack.h"

const char payload_name[] = "neighbour";

#define SLICE    (128 << 10)
#define SLICES   32
#define PATIENCE 10000 /* ms, times 20 in wait_until(): who is late is not lost */

extern char image_end[];

static struct shared *out;
static u64 ram, regs;
static volatile u32 ticks, sgis, messages, strange;
static u64 *dma_from, *dma_to;
static u32 dma_round, dma_step;

static void wrong(const char *what, u32 got)
{
	out->bad++;
	check(false, "unit=%u %s=%u", out->units, what, got);
}

static void tick(u32 intid)
{
	(void)intid;
	ticks++;
	sysreg_write(cntv_ctl_el0, 2);
}

static void sgi(u32 intid)
{
	(void)intid;
	sgis++;
}

static void message(u32 intid)
{
	u32 status = r32(regs + EDU_STATUS);

	(void)intid;
	strange += status != 1;
	w32(regs + EDU_ACK, status);
	messages++;
}

static u64 pattern(u64 at)
{
	return at * UINT64_C(0x9e3779b97f4a7c15);
}

static void check_slice(u32 n)
{
	u64 at = ram + (u64)(n % SLICES) * SLICE;

	for (u64 end = at + SLICE; at < end; at += 8)
		if (*(u64 *)at != pattern(at)) {
			report("changed at=%lx value=%lx\n", at, *(u64 *)at);
			wrong("memory", n);
			*(u64 *)at = pattern(at);
		}
}

static void once(const char *what, volatile u32 *count, u32 before)
{
	if (!wait_until(count, before + 1, PATIENCE) || *count != before + 1)
		wrong(what, *count - before);
}

/* Out and back, 4 KiB that differ each time; the engine needs 0.1 s for each way. */
static void follow_dma(void)
{
	if (r64(regs + EDU_COMMAND) & 1)
		return;
	if (dma_step == 2)
		for (unsigned i = 0; i < 512; i++)
			if (((volatile u64 *)dma_to)[i] != dma_from[i]) {
				wrong("dma", i);
				break;
			}
	dma_step = dma_step % 2 + 1;
	for (u64 i = 0; dma_step == 1 && i < 512; i++)
		dma_from[i] = pattern(++dma_round + i);
	w64(regs + EDU_SRC, dma_step == 1 ? (u64)dma_from : EDU_BUFFER);
	w64(regs + EDU_DST, dma_step == 1 ? EDU_BUFFER : (u64)dma_to);
	w64(regs + EDU_COUNT, 4096);
	dsb();
	w64(regs + EDU_COMMAND, dma_step == 1 ? 1 : 3);
}

static void unit(void)
{
	u32 before = ticks;

	check_slice(out->units);
	sysreg_write(cntv_cval_el0, counter() + counter_hz() / 2000);
	sysreg_write(cntv_ctl_el0, 1);
	once("timer", &ticks, before);
	before = sgis;
	gic_sgi(1, 0);
	once("sgi", &sgis, before);
	if (regs) {
		before = messages;
		w32(regs + EDU_RAISE, 1);
		once("message", &messages, before);
		follow_dma();
	}
	if (strange || irq_spurious) {
		wrong("strange", strange + irq_spurious);
		strange = irq_spurious = 0;
	}
	__atomic_add_fetch(&out->units, 1, __ATOMIC_SEQ_CST);
}

static void device_init(void)
{
	struct pci_dev d;
	struct msi m;
	u32 intid;

	if (!check(pci_find(EDU_ID, 0, &d), "edu"))
		return;
	pci_assign(&d);
	if (msi_prepare(&d, 1, &m)) {
		gic_enable(m.intid, message);
		pci_msi_enable(&d, m.doorbell, m.data, true);
	} else {
		intid = pci_intx(&d);
		if (!check(intid, "its device has no interrupt"))
			return;
		gic_enable(intid, message);
	}
	dma_from = rt_alloc(4096, 4096);
	dma_to = rt_alloc(4096, 4096);
	regs = d.bar[0];
}

void payload_main(void)
{
	out = shared_page();
	if (!check(out, "shared memory"))
		return;
	ram = ((u64)image_end + 0xfff) & ~UINT64_C(0xfff);
	for (u64 at = ram; at < ram + SLICES * SLICE; at += 8)
		*(u64 *)at = pattern(at);
	gic_enable(1, sgi);
	gic_enable(27, tick);
	irq_on();
	device_init();
	seed_publish(out, 0);
	report("ready\n");
	while (!out->stop)
		unit();
	check(!out->bad && out->units, "units=%u bad=%u", out->units, out->bad);
}
