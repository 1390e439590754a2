/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Power states and function-level reset as a guest's driver does them: BARs read all ones while
 * the function sleeps, everything is back afterwards. igb raises MSI-X by a register of its own.
 */
#include "rt.h"

const char payload_name[] = "pcilife";

#define NVME      0x00101b36
#define NVME_CAP  0x00
#define NVME_CC   0x14
#define NVME_CSTS 0x1c /* bit 0: ready */
#define NVME_AQA  0x24
#define NVME_ASQ  0x28
#define NVME_ACQ  0x30
#define IGB       0x10c98086
#define IGB_ICR   0xc0 /* the line: cause, set, mask; where the 82575 also has them */
#define IGB_ICS   0xc8
#define IGB_IMS   0xd0
#define IGB_LSC   0x4 /* a cause: link status changed */
#define IGB_GPIE  0x1514
#define IGB_EICS  0x1520
#define IGB_EIMS  0x1524
#define IGB_EIAC  0x152c
#define VECTOR    3

static volatile u32 irqs;
static bool direct; /* the MSI-X tables are the devices' own */
static u64 igb;     /* its registers */

static void msix_irq(u32 intid)
{
	(void)intid;
	irqs++;
}

/* Reading the cause takes it back; the interrupt stays enabled. */
static void line_irq(u32 intid)
{
	(void)intid;
	(void)r32(igb + IGB_ICR);
	irqs++;
}

static u64 bars(const struct pci_dev *d)
{
	u64 sum = 0;

	for (unsigned i = 0; i < 6; i++)
		sum = sum * 31 + r32(d->cfg + 0x10 + 4 * i);
	return sum;
}

/* PCI Power Management 1.2 §5.4; the 10 ms are PCIe r6.0 §5.9. */
static void check_sleep(const struct pci_dev *d, u64 probe)
{
	u64 pm = pci_cap(d, 1), before = r64(probe), placed = bars(d), value, esr;
	u16 command = r16(d->cfg + 4);

	if (!pm) {
		report("function=%02x.%x has no power states\n", d->devfn >> 3, d->devfn & 7);
		return;
	}
	pm += d->cfg + 4;
	w16(pm, 3);
	fault_arm();
	value = r64(probe);
	w32(probe + 8, 0);
	esr = fault_taken();
	check(!esr && value == ~UINT64_C(0) && (r16(pm) & 3) == 3, "asleep id=%x bar=%lx esr=%lx",
	      r32(d->cfg), value, esr);
	w16(pm, 1); /* a state it does not have: no change */
	check((r16(pm) & 3) != 1, "no-d1 state=%u", r16(pm) & 3);
	w16(pm, 0);
	delay_ms(10);
	check(r64(probe) == before && bars(d) == placed && r16(d->cfg + 4) == command &&
		      !(r16(pm) & 3),
	      "awake id=%x bar=%lx before=%lx command=%x", r32(d->cfg), r64(probe), before,
	      r16(d->cfg + 4));
}

static u64 flr_register(const struct pci_dev *d)
{
	u64 cap = pci_cap(d, 0x10);

	return cap && r32(d->cfg + cap + 4) & BIT(28) ? d->cfg + cap + 8 : 0;
}

/*
 * Software leaves a function alone for 100 ms (PCIe r6.0 §6.6.2). One that does not sees all ones,
 * or the function as it will be then.
 */
static void reset(const struct pci_dev *d, u64 devctl, u64 probe)
{
	u64 esr, start = counter();
	u32 id = r32(d->cfg), meanwhile, bar;

	w16(devctl, (u16)(r16(devctl) | BIT(15)));
	fault_arm();
	meanwhile = r32(d->cfg);
	bar = r32(probe);
	w32(probe, bar);
	esr = fault_taken();
	check(!esr && (meanwhile == id || (meanwhile == ~0U && bar == ~0U)),
	      "resetting id=%x meanwhile=%x bar=%x", id, meanwhile, bar);
	delay_ms(100);
	while (r32(d->cfg) == ~0U && counter() - start < counter_hz())
		delay_ms(1);
	check(r32(d->cfg) == id && !(r16(devctl) & BIT(15)), "reset id=%x devctl=%x ms=%lu",
	      r32(d->cfg), r16(devctl), (counter() - start) * 1000 / counter_hz());
}

/* Admin queues of 8 entries, and the controller on (NVMe 1.4 §7.6.1). */
static bool nvme_start(const struct pci_dev *d)
{
	w32(d->bar[0] + NVME_AQA, 0x00070007);
	w64(d->bar[0] + NVME_ASQ, (u64)rt_alloc(4096, 4096));
	w64(d->bar[0] + NVME_ACQ, (u64)rt_alloc(4096, 4096));
	w32(d->bar[0] + NVME_CC, 1 | 6 << 16 | 4 << 20);
	for (unsigned ms = 0; ms < 500 && !(r32(d->bar[0] + NVME_CSTS) & 1); ms++)
		delay_ms(1);
	return r32(d->bar[0] + NVME_CSTS) & 1;
}

static void check_nvme(struct pci_dev *d)
{
	u64 devctl = flr_register(d), cap = r64(d->bar[0] + NVME_CAP), placed = bars(d);
	u64 entry = pci_msix_entry(d, 5);
	u16 command = r16(d->cfg + 4);

	w32(entry, 0xfee0a5a4);
	w32(entry + 8, 0x1234567);
	if (!check(devctl, "nvme cap=%lx has-flr=%u", cap, !!devctl))
		return;
	check_sleep(d, d->bar[0]);
	check(nvme_start(d), "nvme started");
	reset(d, devctl, d->bar[0]);
	check(r64(d->bar[0] + NVME_CAP) == cap && bars(d) == placed && r16(d->cfg + 4) == command,
	      "flr nvme cap=%lx command=%x", r64(d->bar[0] + NVME_CAP), r16(d->cfg + 4));
	check(!(r32(d->bar[0] + NVME_CSTS) & 1), "flr reset the nvme csts=%x",
	      r32(d->bar[0] + NVME_CSTS));
	/*
	 * The copy of a trapped table outlives a reset; a table of the device's own is as after
	 * power-on.
	 */
	check(direct ? !r32(entry) && !r32(entry + 8) && r32(entry + 12) == 1 :
		       r32(entry) == 0xfee0a5a4 && r32(entry + 8) == 0x1234567,
	      "flr and msi-x entry=%x,%x,%x", r32(entry), r32(entry + 8), r32(entry + 12));
	check(nvme_start(d), "nvme started again");
}

static void raise(const struct pci_dev *d, const char *when)
{
	irqs = 0;
	w32(d->bar[0] + IGB_GPIE, 0x10); /* one cause a vector */
	w32(d->bar[0] + IGB_EIAC, 1U << VECTOR);
	w32(d->bar[0] + IGB_EIMS, 1U << VECTOR);
	for (u32 n = 1; n <= 10; n++) {
		w32(d->bar[0] + IGB_EICS, 1U << VECTOR);
		if (!wait_until(&irqs, n, 500))
			break;
	}
	check(irqs == 10, "%s irqs=%u", when, irqs);
}

/*
 * The line works; with DisINTx it is silent, and behind that what the device still holds arrives.
 */
static void raise_line(const struct pci_dev *d, const char *when)
{
	u16 command = r16(d->cfg + 4);
	bool off = command & BIT(10);
	u32 early;

	irqs = 0;
	w32(igb + IGB_IMS, IGB_LSC);
	w32(igb + IGB_ICS, IGB_LSC);
	wait_until(&irqs, 1, off ? 5 : 500);
	early = irqs;
	w16(d->cfg + 4, command & ~BIT(10));
	wait_until(&irqs, 1, 500);
	w16(d->cfg + 4, command);
	check(early == !off && irqs == 1, "%s line off=%u early=%u irqs=%u", when, off, early,
	      irqs);
}

/* D3hot and FLR around INTx, with DisINTx clear and set. */
static void check_line(const struct pci_dev *d, u64 devctl)
{
	igb = d->bar[0];
	gic_enable(pci_intx(d), line_irq);
	irq_on();
	for (unsigned off = 0; off < 2; off++) {
		w16(d->cfg + 4, (u16)(6 | off << 10));
		raise_line(d, "igb first");
		check_sleep(d, igb);
		raise_line(d, "igb after sleep");
		reset(d, devctl, igb + IGB_EICS);
		raise_line(d, "igb after flr");
	}
	w16(d->cfg + 4, 6);
}

/*
 * What a driver does for a device that lost its state: of a direct table it is the only one who
 * can.
 */
static void give_back(const struct pci_dev *d, const struct msi *m)
{
	if (direct)
		check(pci_msix_enable(d, VECTOR, m->doorbell, m->data + VECTOR), "igb msi-x again");
}

static void check_igb(struct pci_dev *d)
{
	u64 devctl = flr_register(d);
	struct msi m;

	if (!check(devctl && pci_intx(d) && msi_prepare(d, 8, &m), "igb has-flr=%u", !!devctl))
		return;
	check_line(d, devctl);
	gic_enable(m.intid + VECTOR, msix_irq);
	check(pci_msix_enable(d, VECTOR, m.doorbell, m.data + VECTOR), "igb msi-x");
	raise(d, "igb first");
	check_sleep(d, d->bar[0]);
	give_back(d, &m);
	raise(d, "igb after sleep");
	reset(d, devctl, d->bar[0] + IGB_EICS);
	check(!r32(d->bar[0] + IGB_EIMS), "flr reset the igb eims=%x", r32(d->bar[0] + IGB_EIMS));
	give_back(d, &m);
	raise(d, "igb after flr");
	check(r16(d->cfg + pci_cap(d, 0x11) + 2) & BIT(15), "igb msi-x is still on");
	w16(d->cfg + pci_cap(d, 0x11) + 2, 0);
	w32(igb + IGB_GPIE, 0);
	raise_line(d, "igb behind msi-x");
}

void payload_main(void)
{
	struct pci_dev d;

	direct = arg_number("life.direct", 0);
	if (check(pci_find(NVME, 0, &d), "nvme found")) {
		pci_assign(&d);
		check_nvme(&d);
	}
	if (check(pci_find(IGB, 0, &d), "igb found")) {
		pci_assign(&d);
		check_igb(&d);
	}
	for (unsigned n = 0; pci_find(~0U, n, &d); n++) {
		u32 id = r32(d.cfg);

		if (id == NVME || id == IGB)
			continue;
		pci_assign(&d);
		if (d.bar[0])
			check_sleep(&d, d.bar[0]);
	}
	check(irq_spurious == 0, "unexpected irqs=%u", irq_spurious);
}
