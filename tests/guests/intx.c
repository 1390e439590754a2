/* SPDX-License-Identifier: Apache-2.0 */
/*
 * INTx of QEMU's edu devices, none lost and none spurious: many level interrupts, two functions on
 * one line, the line masked and unmasked, and MSI and DisINTx switched around it in every order.
 * intx.hold=N: the device stays asserted for N interrupts instead.
 */
#include "edu.h"
#include "rt.h"

const char payload_name[] = "intx";

#define COMMAND  (BIT(1) | BIT(2)) /* MEM, bus master */
#define INTX_OFF BIT(10)
#define ROUND    3 /* interrupts in each mode */

static struct pci_dev edu[2];
static unsigned count;
static struct msi msi;
static volatile u32 line_irqs, msi_irqs, empty;
static volatile u32 hold; /* interrupts that the device is left asserted for */

static bool quiet_one(const struct pci_dev *d)
{
	u32 status = r32(d->bar[0] + EDU_STATUS);

	w32(d->bar[0] + EDU_ACK, status);
	(void)r32(d->bar[0] + EDU_STATUS); /* a posted write is out before EOI */
	return status;
}

/* One device an interrupt: what the other one holds must bring the next. */
static void line_irq(u32 intid)
{
	(void)intid;
	line_irqs++;
	if (hold && --hold)
		return;
	for (unsigned i = 0; i < count; i++)
		if (quiet_one(&edu[i]))
			return;
	empty++;
}

static void msi_irq(u32 intid)
{
	(void)intid;
	msi_irqs++;
	if (!quiet_one(&edu[0]))
		empty++;
}

static void raise(unsigned i)
{
	w32(edu[i].bar[0] + EDU_RAISE, 1);
}

static void forget(void)
{
	line_irqs = msi_irqs = empty = 0;
}

static void check_many(void)
{
	u32 n, want = (u32)arg_number("intx.irqs", 10000);

	forget();
	for (n = 1; n <= want; n++) {
		raise(0);
		if (!wait_until(&line_irqs, n, 500))
			break;
	}
	delay_ms(2);
	check(line_irqs == want && !empty, "many raised=%u irqs=%u without-status=%u", want,
	      line_irqs, empty);
}

static void check_shared(u32 intid)
{
	if (!check(count == 2 && pci_intx(&edu[1]) == intid, "shared functions=%u intid=%u", count,
		   intid))
		return;
	forget();
	for (u32 n = 2; n <= 200; n += 2) {
		raise(0);
		raise(1);
		if (!wait_until(&line_irqs, n, 500))
			break;
	}
	delay_ms(2);
	check(line_irqs == 200 && !empty, "shared irqs=%u without-status=%u", line_irqs, empty);
}

/* The level waits at the controller, and what is taken back meanwhile never comes. */
static void check_masked(u32 intid)
{
	u32 early;

	forget();
	gic_disable(intid);
	raise(0);
	delay_ms(2);
	early = line_irqs;
	gic_enable(intid, line_irq);
	wait_until(&line_irqs, 1, 500);
	gic_disable(intid);
	raise(0);
	quiet_one(&edu[0]);
	gic_enable(intid, line_irq);
	delay_ms(2);
	check(!early && line_irqs == 1 && !empty, "masked early=%u irqs=%u without-status=%u",
	      early, line_irqs, empty);
}

/* Bit 0: MSI is on; bit 1: DisINTx is set, which MSI does not care about. */
static const char *const modes[] = { "line", "msi", "silent", "msi+disintx" };

static void set_mode(unsigned mode, bool command_first)
{
	u16 command = (u16)(COMMAND | (mode & 2 ? INTX_OFF : 0));

	if (command_first)
		w16(edu[0].cfg + 4, command);
	pci_msi_enable(&edu[0], msi.doorbell, msi.data, mode & 1);
	if (!command_first)
		w16(edu[0].cfg + 4, command);
}

/* What is raised while silent stays asserted: it arrives when DisINTx is cleared. */
static bool works(unsigned mode)
{
	bool silent = mode == 2;
	volatile u32 *irqs = mode & 1 ? &msi_irqs : &line_irqs,
		     *other = mode & 1 ? &line_irqs : &msi_irqs;

	forget();
	for (u32 n = 1; n <= ROUND && !silent; n++) {
		raise(0);
		wait_until(irqs, n, 500);
	}
	if (silent) {
		raise(0);
		delay_ms(1);
		return !*irqs && !*other && r16(edu[0].cfg + 6) & BIT(3) &&
		       r16(edu[0].cfg + 4) & INTX_OFF;
	}
	return *irqs == ROUND && !*other && !empty;
}

static void check_order(unsigned from, unsigned to, bool command_first)
{
	bool before, after, still = true;

	set_mode(from, command_first);
	before = works(from);
	forget();
	if (from == 2 && to != 0)
		quiet_one(&edu[0]); /* QEMU forgets a level at MSI enable */
	set_mode(to, command_first);
	if (from == 2 && to == 0)
		still = wait_until(&line_irqs, 1, 500) && line_irqs == 1;
	after = works(to);
	if (to == 2)
		quiet_one(&edu[0]);
	check(before && still && after,
	      "order %s to %s command-first=%u before=%u still=%u after=%u", modes[from], modes[to],
	      command_first, before, still, after);
}

static void check_orders(void)
{
	if (!msi_prepare(&edu[0], 1, &msi)) {
		report("no msi\n");
		return;
	}
	gic_enable(msi.intid, msi_irq);
	for (unsigned i = 0; i < 32; i++)
		check_order(i & 3, i >> 2 & 3, i >> 4);
	set_mode(0, true);
	forget();
	check(works(0), "line at the end irqs=%u", line_irqs);
}

/* It never stops but by the line's own end: a storm, and it is this guest's alone. */
static void check_hold(u32 intid)
{
	u32 want = hold;

	raise(0);
	wait_until(&line_irqs, want, 60000);
	delay_ms(2);
	check(line_irqs == want && !hold && !empty, "hold intid=%u irqs=%u without-status=%u",
	      intid, line_irqs, empty);
}

void payload_main(void)
{
	u32 intid;

	while (count < 2 && pci_find(EDU_ID, count, &edu[count]))
		pci_assign(&edu[count++]);
	intid = count ? pci_intx(&edu[0]) : 0;
	if (!check(intid, "functions=%u intid=%u", count, intid))
		return;
	gic_enable(intid, line_irq);
	irq_on();
	hold = (u32)arg_number("intx.hold", 0);
	if (hold) {
		check_hold(intid);
	} else {
		check_many();
		check_shared(intid);
		check_masked(intid);
		check_orders();
	}
	check(!irq_spurious, "spurious=%u", irq_spurious);
}
