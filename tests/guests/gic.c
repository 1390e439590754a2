/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What software may rely on of an interrupt controller, GICv3 or GICv2: priorities and preemption,
 * pending and active by hand, routing, groups, both EOI modes, more active interrupts than list
 * registers, deactivation on another CPU, senders of SGIs. Interrupts stay masked and are
 * acknowledged by hand. Lines that no device drives, so it runs on the bare machine as well.
 */
#include "rt.h"

const char payload_name[] = "gic";

#define ISENABLER  0x100
#define ICENABLER  0x180
#define ISPENDR    0x200
#define ICPENDR    0x280
#define ISACTIVER  0x300
#define ICACTIVER  0x380
#define IPRIORITYR 0x400
#define SGIR       0xf00
#define CPENDSGIR  0xf10
#define SPENDSGIR  0xf20

#define NONE  1023
#define LINE  42 /* .. 47: SPIs without a device */
#define DEPTH 10 /* more than there are list registers on QEMU */

static void put(u32 reg, u32 intid)
{
	w32(gic_frame(intid) + reg + intid / 32 * 4, (u32)BIT(intid % 32));
}

static bool is(u32 reg, u32 intid)
{
	return r32(gic_frame(intid) + reg + intid / 32 * 4) >> intid % 32 & 1;
}

static void prio(u32 intid, u8 p)
{
	w8(gic_frame(intid) + IPRIORITYR + intid, p);
}

/* Interrupts need a moment to come. */
static u32 ack(void)
{
	u32 iar = NONE;

	for (unsigned i = 0; iar == NONE && i < 20; i++) {
		iar = gic_ack();
		if (iar == NONE)
			delay_ms(1);
	}
	return iar;
}

static u32 ack_now(void)
{
	delay_ms(1);
	return gic_ack();
}

static void expect(u32 iar, const char *what)
{
	u32 got = iar == NONE ? ack_now() : ack();

	check(got == iar, "%s iar=%x expected=%x", what, got, iar);
}

static void take(u32 iar, const char *what)
{
	expect(iar, what);
	gic_end(iar);
}

static void fresh(u32 intid)
{
	put(ICENABLER, intid);
	put(ICPENDR, intid);
	put(ICACTIVER, intid);
	prio(intid, 0xa0);
	gic_route(intid, 0);
	put(ISENABLER, intid);
}

static void pending_by_hand(void)
{
	put(ICENABLER, LINE);
	put(ISPENDR, LINE);
	check(is(ISPENDR, LINE) && is(ICPENDR, LINE) && !is(ISACTIVER, LINE),
	      "pending while disabled");
	expect(NONE, "disabled");
	put(ISENABLER, LINE);
	check(is(ISPENDR, LINE), "pending while enabled");
	expect(LINE, "enabled");
	check(!is(ISPENDR, LINE) && is(ISACTIVER, LINE) && is(ICACTIVER, LINE), "active");
	put(ISPENDR, LINE);
	check(is(ISPENDR, LINE) && is(ISACTIVER, LINE), "active and pending");
	expect(NONE, "active and pending");
	gic_end(LINE);
	take(LINE, "again");
	check(!is(ISACTIVER, LINE) && !is(ISPENDR, LINE), "idle");
	put(ISPENDR, LINE);
	put(ICPENDR, LINE);
	check(!is(ISPENDR, LINE), "pending taken back");
	expect(NONE, "pending taken back");
	put(ISPENDR, LINE);
	put(ICENABLER, LINE);
	expect(NONE, "disabled while pending");
	put(ISENABLER, LINE);
	take(LINE, "enabled again");
}

static void active_by_hand(void)
{
	put(ISACTIVER, LINE);
	check(is(ISACTIVER, LINE), "set active");
	put(ISPENDR, LINE);
	expect(NONE, "pending behind active");
	put(ICACTIVER, LINE);
	check(!is(ISACTIVER, LINE), "cleared active");
	take(LINE, "behind cleared active");
	put(ISPENDR, LINE);
	expect(LINE, "to be ended by hand");
	put(ICACTIVER, LINE);
	gic_end(LINE); /* priority drop; there is nothing to deactivate any more */
	put(ISPENDR, LINE);
	take(LINE, "ended by hand");
}

static void priorities(void)
{
	u64 word = machine.gicd + IPRIORITYR + (LINE + 2); /* lines 44..47 */

	w32(word, 0x80604020);
	check((r32(word) & 0xf0f0f0f0) == 0x80604020 && (r8(word + 1) & 0xf0) == 0x40,
	      "priority word=%x", r32(word));
	w8(word + 1, 0xe0);
	check((r32(word) & 0xf0f0f0f0) == 0x8060e020, "priority byte word=%x", r32(word));
	prio(LINE, 0xa0);
	prio(LINE + 1, 0x60);
	prio(LINE + 2, 0x80);
	for (u32 i = 0; i < 3; i++)
		put(ISPENDR, LINE + i);
	expect(LINE + 1, "most urgent");
	expect(NONE, "less urgent waits");
	gic_end(LINE + 1);
	take(LINE + 2, "second");
	expect(LINE, "third");
	put(ISPENDR, LINE + 1);
	expect(LINE + 1, "preempts");
	gic_end(LINE + 1);
	gic_end(LINE);
	gic_mask_below(0x80);
	put(ISPENDR, LINE);
	expect(NONE, "masked by priority");
	put(ISPENDR, LINE + 1);
	take(LINE + 1, "above the mask");
	gic_mask_below(0xf0);
	take(LINE, "unmasked");
}

static void groups(void)
{
	u64 ctlr = machine.gicd, on = r32(ctlr);

	w32(ctlr, (u32)on & ~3U);
	put(ISPENDR, LINE);
	expect(NONE, "distributor off");
	w32(ctlr, (u32)on);
	take(LINE, "distributor on");
	if (machine.gicc)
		return;
	w32(machine.gicd + 0x80 + LINE / 32 * 4, ~(u32)BIT(LINE % 32)); /* IGROUPR */
	put(ISPENDR, LINE);
	expect(NONE, "group 0 is off");
	w32(machine.gicd + 0x80 + LINE / 32 * 4, ~0U);
	take(LINE, "group 1");
}

/* DEPTH SGIs to itself, each more urgent than the one before. */
static void nest(u32 iar[DEPTH])
{
	for (u32 i = 0; i < DEPTH; i++) {
		prio(i, (u8)(0xd8 - 8 * i));
		put(ISENABLER, i);
		gic_sgi(i, 0);
		iar[i] = ack();
		check((iar[i] & 0x3ff) == i, "nested sgi=%u iar=%x", i, iar[i]);
	}
	check((r32(gic_frame(0) + ISACTIVER) & 0xffff) == BIT(DEPTH) - 1, "all active=%x",
	      r32(gic_frame(0) + ISACTIVER));
}

/* Sixteen at once, the most urgent last. */
static void many_pending(void)
{
	gic_mask_below(0);
	for (u32 i = 0; i < 16; i++) {
		prio(i, (u8)(0xd8 - 8 * i));
		put(ISENABLER, i);
		gic_sgi(i, 0);
	}
	expect(NONE, "all masked");
	gic_mask_below(0xf0);
	for (u32 i = 16; i--;)
		take(i, "of many pending");
	expect(NONE, "all taken");
}

static void check_active(u32 want, const char *what, u32 i)
{
	u32 got = r32(gic_frame(0) + ISACTIVER) & 0xffff;

	check(got == want, "%s=%u active=%x expected=%x", what, i, got, want);
}

static void many_active(void)
{
	u32 iar[DEPTH], left = BIT(DEPTH) - 1;

	nest(iar);
	for (u32 i = DEPTH; i--;) {
		gic_end(iar[i]);
		check_active(left &= ~(u32)BIT(i), "end", i);
	}
	gic_split(true);
	nest(iar);
	left = BIT(DEPTH) - 1;
	for (u32 i = DEPTH; i--;)
		gic_end(iar[i]);
	check_active(left, "priority dropped", 0);
	for (u32 i = 0; i < DEPTH; i++) {
		u32 n = i * 7 % DEPTH; /* each once */

		gic_deactivate(iar[n]);
		check_active(left &= ~(u32)BIT(n), "deactivate", n);
	}
	gic_split(false);
	expect(NONE, "nothing is left");
}

/* --- what another CPU does --- */
static volatile enum { IDLE, ACK, SPLIT, DEACTIVATE, SEND, QUIT } order;
static volatile u32 operand, answer;

void payload_secondary(unsigned cpu)
{
	(void)cpu;
	for (;;) {
		switch (order) {
		case IDLE:
			relax();
			continue;
		case ACK:
			answer = ack();
			if (answer != NONE)
				gic_end(answer);
			break;
		case SPLIT:
			gic_split(operand);
			break;
		case DEACTIVATE:
			gic_deactivate(operand);
			break;
		case SEND:
			gic_sgi(operand, 0);
			break;
		case QUIT:
			order = IDLE;
			return;
		}
		dsb();
		order = IDLE;
	}
}

static u32 other(unsigned what, u32 with)
{
	operand = with;
	dsb();
	order = what;
	while (order != IDLE)
		relax();
	dsb();
	return answer;
}

static void routing(void)
{
	u32 got;

	gic_route(LINE + 3, 1);
	put(ISPENDR, LINE + 3);
	got = other(ACK, 0);
	check(got == LINE + 3, "routed iar=%x", got);
	expect(NONE, "routed elsewhere");
	put(ISPENDR, LINE + 3); /* pending there, not acknowledged */
	delay_ms(1);
	gic_route(LINE + 3, 0);
	take(LINE + 3, "pending, then routed");
	check(other(ACK, 0) == NONE, "routed away");
}

static void deactivation_elsewhere(void)
{
	gic_split(true);
	other(SPLIT, 1);
	for (unsigned i = 0; i < 3; i++) {
		put(ISPENDR, LINE + 4);
		take(LINE + 4, "split");
		check(is(ISACTIVER, LINE + 4), "split active");
		other(DEACTIVATE, LINE + 4);
		for (unsigned ms = 0; is(ISACTIVER, LINE + 4) && ms < 10; ms++)
			delay_ms(1);
		check(!is(ISACTIVER, LINE + 4), "deactivated by another cpu");
	}
	other(SPLIT, 0);
	gic_split(false);
}

/* GICv2: an SGI is pending once for each sender, and IAR says which. */
static void senders(void)
{
	u32 own, theirs, n;

	if (!machine.gicc)
		return;
	prio(3, 0xa0);
	put(ISENABLER, 3);
	other(SEND, 3);
	other(SEND, 3);
	own = ack();
	gic_sgi(3, 0);
	gic_end(own);
	theirs = own >> 10;
	take(3, "own sgi");
	check(theirs == 1 && own == (1 << 10 | 3), "sender iar=%x", own);
	other(SEND, 3);
	gic_sgi(3, 0);
	n = r8(machine.gicd + SPENDSGIR + 3);
	check(n == (gic_mask(0) | gic_mask(1)) && is(ISPENDR, 3), "pending from=%x", n);
	w8(machine.gicd + CPENDSGIR + 3, (u8)gic_mask(0));
	take(1 << 10 | 3, "only the other's");
	expect(NONE, "no more sgis");
	w32(machine.gicd + SGIR, 1 << 24 | 3); /* all but self */
	expect(NONE, "all but self");
	w32(machine.gicd + SGIR, 2 << 24 | 3);
	take(3, "self");
	for (u32 i = 0; i < 4; i++)
		check(r8(machine.gicd + 0x800 + i) == gic_mask(0), "own target=%x",
		      r8(machine.gicd + 0x800 + i));
	check(gic_mask(0) != gic_mask(1), "targets=%x %x", gic_mask(0), gic_mask(1));
}

void payload_main(void)
{
	irq_off();
	if (!machine.gicc)
		sysreg_write(S3_0_C12_C12_3, 0); /* ICC_BPR1_EL1: every priority preempts */
	for (u32 i = LINE; i < LINE + 6; i++)
		fresh(i);
	pending_by_hand();
	active_by_hand();
	priorities();
	for (u32 i = LINE; i < LINE + 6; i++)
		fresh(i);
	groups();
	many_pending();
	many_active();
	if (check(machine.cpus > 1 && cpu_start(1), "two cpus")) {
		routing();
		deactivation_elsewhere();
		senders();
		other(QUIT, 0);
	}
}
