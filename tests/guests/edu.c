/* SPDX-License-Identifier: Apache-2.0 */
/*
 * QEMU's edu device: DMA inside the guest's RAM both ways, INTx, MSI, INTx again behind MSI, and
 * then DMA to every address of the argument edu.target=0x...,0x...: those must not arrive, which
 * the test sees from outside. edu.read=1 also tries to read from there. edu.forge=0x... is a GICv2m
 * doorbell as devices see it: numbers of SPIs are written there by DMA, of which the first is its
 * own.
 */
#include "edu.h"
#include "rt.h"

const char payload_name[] = "edu";

#define DMA_RUN    1
#define DMA_TO_RAM 2

static struct pci_dev edu;
static u64 regs;
static volatile u32 irqs, irqs_empty;

static void edu_irq(u32 intid)
{
	u32 status = r32(regs + EDU_STATUS);

	(void)intid;
	if (!status)
		irqs_empty++;
	w32(regs + EDU_ACK, status);
	(void)r32(regs + EDU_STATUS); /* posted write is out before EOI */
	irqs++;
}

/* The engine starts 100 ms after the command (of virtual time); false: it never ends. */
static bool dma(u64 ram, u64 size, bool to_ram)
{
	w64(regs + EDU_SRC, to_ram ? EDU_BUFFER : ram);
	w64(regs + EDU_DST, to_ram ? ram : EDU_BUFFER);
	w64(regs + EDU_COUNT, size);
	dsb();
	w64(regs + EDU_COMMAND, DMA_RUN | (to_ram ? DMA_TO_RAM : 0));
	for (unsigned ms = 0; ms < 2000; ms++) {
		delay_ms(1);
		if (!(r64(regs + EDU_COMMAND) & DMA_RUN))
			return true;
	}
	return false;
}

static bool check_dma(const char *when)
{
	u64 *from = rt_alloc(4096, 4096), *to = rt_alloc(4096, 4096);
	unsigned wrong = 0;
	bool ended;

	for (u64 i = 0; i < 512; i++)
		from[i] = (u64)&from[i] * 0x9e3779b97f4a7c15;
	ended = dma((u64)from, 4096, false) && dma((u64)to, 4096, true);
	for (unsigned i = 0; i < 512; i++)
		wrong += ((volatile u64 *)to)[i] != from[i];
	return check(ended && !wrong, "dma %s from=%lx to=%lx wrong=%u", when, (u64)from, (u64)to,
		     wrong);
}

static void raise_irqs(const char *kind, u32 intid)
{
	u32 count = (u32)arg_number("edu.irqs", 100), n;

	irqs = 0;
	irqs_empty = 0;
	for (n = 1; n <= count; n++) {
		w32(regs + EDU_RAISE, n);
		if (!wait_until(&irqs, n, 500))
			break;
	}
	delay_ms(2);
	check(irqs == count && !irqs_empty, "%s intid=%u raised=%u irqs=%u without-status=%u", kind,
	      intid, count, irqs, irqs_empty);
}

static void check_intx(const char *when)
{
	u32 intid = pci_intx(&edu);

	if (!intid) {
		report("intx %s none\n", when);
		return;
	}
	gic_enable(intid, edu_irq);
	raise_irqs(when, intid);
}

static void forge(u64 doorbell)
{
	/*
	 * Its own, the same again, its neighbour's line and vector, the SMMU's, ends of the frame,
	 * none.
	 */
	static const u32 data[] = { 80, 80, 38, 81, 106, 79, 143, 144, 1023, 0x450 };
	u32 *own = rt_alloc(8, 8);
	bool ended = true;

	irqs = 0;
	for (unsigned i = 0; i < ARRAY_COUNT(data); i++) {
		*own = data[i];
		ended = ended && dma((u64)own, 4, false) && dma(doorbell, 4, true);
	}
	delay_ms(2);
	check(ended && irqs == 3, "forged=%u irqs=%u", (u32)ARRAY_COUNT(data), irqs);
}

static void check_msi(void)
{
	struct msi m;

	if (!msi_prepare(&edu, 1, &m)) {
		report("msi none\n");
		return;
	}
	gic_enable(m.intid, edu_irq);
	if (!check(pci_msi_enable(&edu, m.doorbell, m.data, true), "msi doorbell=%lx data=%x",
		   m.doorbell, m.data))
		return;
	raise_irqs("msi", m.intid);
	irqs = 0;
	w32(m.doorbell, m.data); /* the doorbell is for devices */
	delay_ms(2);
	check(irqs == 0, "msi written by the cpu irqs=%u", irqs);
	if (arg_find("edu.forge"))
		forge(arg_number("edu.forge", 0));
	w16(edu.cfg + 4, 2); /* bus master off gates the MSI, PCIe r6.0 §7.5.1.1.3 */
	irqs = 0;
	w32(regs + EDU_RAISE, 1);
	delay_ms(5);
	check(irqs == 0, "msi bus-master-off irqs=%u", irqs);
	w32(regs + EDU_ACK, ~0U);
	w16(edu.cfg + 4, 6);
	raise_irqs("msi-again", m.intid);
	pci_msi_enable(&edu, 0, 0, false);
	check_intx("intx-behind-msi");
}

static void attack(u64 target)
{
	u64 *own = rt_alloc(8, 8);
	bool ended;

	*own = 0xbadc0ffee0ddf00d;
	ended = dma((u64)own, 8, false) && dma(target, 8, true);
	if (ended && arg_number("edu.read", 0)) {
		u64 *seen = rt_alloc(8, 8);

		ended = dma(target, 8, false) && dma((u64)seen, 8, true);
		report("attack=0x%lx read=%lx\n", target, *(volatile u64 *)seen);
	}
	check(ended, "attack=0x%lx ended", target);
}

void payload_main(void)
{
	const char *targets = arg_find("edu.target");

	if (!check(pci_find(EDU_ID, 0, &edu), "found bdf=%02x.%x", edu.devfn >> 3, edu.devfn & 7))
		return;
	pci_assign(&edu);
	regs = edu.bar[0];
	if (!check(regs && r32(regs) == 0x010000ed, "bar=%lx size=%lx id=%x", regs, edu.bar_size[0],
		   regs ? r32(regs) : 0))
		return;
	w32(regs + 4, 0x12345678);
	check(r32(regs + 4) == ~0x12345678U, "liveness=%x", r32(regs + 4));
	irq_on();
	check_dma("inside");
	check_intx("intx");
	check_msi();
	while (targets) {
		attack(parse_number(targets, &targets));
		if (*targets++ != ',')
			targets = NULL;
	}
	if (arg_find("edu.target") && !arg_number("edu.quarantine", 0))
		check_dma("afterwards");
	report("spurious=%u\n", irq_spurious);
}
