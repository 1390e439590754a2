/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PSCI's CPU_SUSPEND and SYSTEM_SUSPEND (DEN 0022 §5.4, §5.20): a vCPU sleeps until an interrupt is
 * there for it, whichever kind, and comes back where its state says.
 *
 *	suspend.then=wait     sleeps at last, with all vCPUs, until the guest is restarted
 *	suspend.then=restart  starts again while another vCPU sleeps, suspend.times=N times
 */
#include <libfdt.h>

#include "edu.h"
#include "rt.h"

const char payload_name[] = "suspend";

#define SYSTEM_SUSPEND UINT64_C(0xc400000e)
#define POWERDOWN      UINT64_C(0x10000)
#define TIMER          27
#define UART_IMSC      0x38
#define UART_ICR       0x44
#define UART_RX        BIT(4)

/* ---- a call that comes back by the entry point, as after a reset ---- */

#define SLEPT 0x5afe

struct sleep_frame {
	u64 sp, x[12]; /* x19..x30 */
	u64 mair, tcr, ttbr0, sctlr, vbar, tpidr, cpacr;
	u64 sctlr_found, daif_found, tpidr0_found; /* at the entry point */
} __attribute__((aligned(64)));

int64_t sleep_call(struct sleep_frame *f, u64 fn, u64 a, u64 b, u64 c);
extern char sleep_entry[];

__asm__(".text\n"
	"sleep_call:\n"
	"	mov	x9, sp\n"
	"	str	x9, [x0]\n"
	"	stp	x19, x20, [x0, #8]\n"
	"	stp	x21, x22, [x0, #24]\n"
	"	stp	x23, x24, [x0, #40]\n"
	"	stp	x25, x26, [x0, #56]\n"
	"	stp	x27, x28, [x0, #72]\n"
	"	stp	x29, x30, [x0, #88]\n"
	"	.irp	r, mair_el1, tcr_el1, ttbr0_el1, sctlr_el1, vbar_el1, tpidr_el1, "
	"cpacr_el1\n"
	"	mrs	x9, \\r\n"
	"	str	x9, [x0, #104]\n"
	"	add	x0, x0, #8\n"
	"	.endr\n"
	"	mov	x0, x1\n"
	"	mov	x1, x2\n"
	"	mov	x2, x3\n"
	"	mov	x3, x4\n"
	"	dsb	sy\n"
	"	hvc	#0\n"
	"	ret\n"
	".globl sleep_entry\n"
	"sleep_entry:\n" /* x0 = the frame: identity map */
	"	mrs	x9, sctlr_el1\n"
	"	str	x9, [x0, #160]\n"
	"	mrs	x9, daif\n"
	"	str	x9, [x0, #168]\n"
	"	mrs	x9, tpidr_el0\n"
	"	str	x9, [x0, #176]\n"
	"	ldp	x1, x2, [x0, #104]\n"
	"	ldp	x3, x4, [x0, #120]\n"
	"	ldp	x5, x6, [x0, #136]\n"
	"	ldr	x7, [x0, #152]\n"
	"	msr	mair_el1, x1\n"
	"	msr	tcr_el1, x2\n"
	"	msr	ttbr0_el1, x3\n"
	"	msr	vbar_el1, x5\n"
	"	msr	tpidr_el1, x6\n"
	"	msr	cpacr_el1, x7\n"
	"	tlbi	vmalle1\n"
	"	dsb	ish\n"
	"	isb\n"
	"	msr	sctlr_el1, x4\n"
	"	isb\n"
	"	ldr	x9, [x0]\n"
	"	mov	sp, x9\n"
	"	ldp	x19, x20, [x0, #8]\n"
	"	ldp	x21, x22, [x0, #24]\n"
	"	ldp	x23, x24, [x0, #40]\n"
	"	ldp	x25, x26, [x0, #56]\n"
	"	ldp	x27, x28, [x0, #72]\n"
	"	ldp	x29, x30, [x0, #88]\n"
	"	mov	w0, #0x5afe\n"
	"	ret\n");

static struct sleep_frame frames[RT_MAX_CPUS];

static int64_t power_down(void)
{
	struct sleep_frame *f = &frames[cpu_index()];

	return sleep_call(f, PSCI_CPU_SUSPEND, POWERDOWN, (u64)sleep_entry, (u64)f);
}

static int64_t system_suspend(void)
{
	struct sleep_frame *f = &frames[cpu_index()];

	return sleep_call(f, SYSTEM_SUSPEND, (u64)sleep_entry, (u64)f, 0);
}

static int64_t standby(void)
{
	return psci(PSCI_CPU_SUSPEND, 0, 0, 0);
}

/* ---- what wakes it ---- */

static volatile u32 taken; /* interrupts of the kind that is tried */

static void count(u32 intid)
{
	(void)intid;
	taken++;
}

static void timer_taken(u32 intid)
{
	sysreg_write(cntv_ctl_el0, 2);
	count(intid);
}

static void timer_in(unsigned ms)
{
	sysreg_write(cntv_cval_el0, counter() + counter_hz() / 1000 * ms);
	sysreg_write(cntv_ctl_el0, 1);
	isb();
}

/* The group off at the CPU interface, as Linux leaves it: a wake-up looks at the line alone. */
static void cpu_interface(bool on)
{
	if (machine.gicc)
		w32(machine.gicc, on);
	else
		sysreg_write(S3_0_C12_C12_7, on);
	isb();
}

/* Interrupts are masked while it sleeps; what woke it is delivered behind it. */
static void delivered(const char *what, int64_t result, int64_t expected)
{
	unsigned ms = 0;

	irq_on();
	while (!taken && ms++ < 1000)
		delay_ms(1);
	irq_off();
	check(result == expected && taken == 1, "%s result=%lx taken=%u", what, result, taken);
	taken = 0;
}

static void by_timer(const char *what, int64_t (*sleep)(void), int64_t expected)
{
	int64_t result;
	u64 due;

	timer_in(30);
	due = sysreg_read(cntv_cval_el0);
	cpu_interface(false);
	result = sleep();
	check(sysreg_read(cntv_ctl_el0) == 5 && sysreg_read(cntv_cval_el0) == due,
	      "%s slept until ctl=%lx", what, sysreg_read(cntv_ctl_el0));
	cpu_interface(true);
	delivered(what, result, expected);
}

/* ---- the other vCPU ---- */

enum job { NOTHING, SLEEP, RAISE_EDU, JUGGLE, SLEEP_FOR_EVER };
static volatile enum job job;
static volatile u32 asleep, woken;
static struct pci_dev edu;

static void wake(u32 intid)
{
	(void)intid;
	woken++;
}

/* Long enough that the other sleeps by then; if it does not, it wakes up at once all the same. */
static void while_the_other_sleeps(void)
{
	delay_ms(30);
}

void payload_secondary(unsigned cpu)
{
	(void)cpu;
	gic_enable(2, wake);
	switch (job) {
	case SLEEP:
		asleep = 1;
		while (!woken) {
			power_down();
			irq_on();
			isb();
			irq_off();
		}
		break;
	case SLEEP_FOR_EVER:
		asleep = 1;
		for (;;)
			power_down();
	case RAISE_EDU:
		while_the_other_sleeps();
		w32(edu.bar[0] + EDU_RAISE, 1);
		break;
	case JUGGLE:
		irq_on();
		for (unsigned i = 0; i < 20; i++)
			standby();
		irq_off();
		break;
	case NOTHING:
		break;
	}
}

static int64_t other_is(void)
{
	return psci(PSCI_AFFINITY_INFO, machine.mpidr[1] & 0xff00ffffff, 0, 0);
}

static void other_off(void)
{
	while (other_is() != 1)
		relax();
}

static void other_starts(enum job what)
{
	other_off();
	job = what;
	if (!cpu_start(1))
		check(false, "cpu 1 starts");
}

/* A vCPU that sleeps is on for all that PSCI says, and an SGI wakes it. */
static void with_another_asleep(void)
{
	asleep = woken = 0;
	other_starts(SLEEP);
	wait_until(&asleep, 1, 5000);
	while_the_other_sleeps();
	check(other_is() == 0, "asleep affinity_info");
	check(psci(PSCI_CPU_ON, machine.mpidr[1] & 0xff00ffffff, (u64)sleep_entry, 0) == -4,
	      "asleep cpu_on");
	check(system_suspend() == -3, "asleep system_suspend is denied");
	gic_sgi(2, 1);
	check(wait_until(&woken, 1, 5000), "sgi wakes");
	other_off();
}

static void refusals(void)
{
	const struct sleep_frame *f = &frames[0];

	check(psci(PSCI_FEATURES, PSCI_CPU_SUSPEND, 0, 0) == 0, "features cpu_suspend");
	check(psci(PSCI_FEATURES, SYSTEM_SUSPEND, 0, 0) == 0, "features system_suspend");
	check(psci(PSCI_CPU_SUSPEND, BIT(26), (u64)sleep_entry, (u64)f) == -2, "reserved bits");
	check(psci(PSCI_CPU_SUSPEND, POWERDOWN, 0x1000, (u64)f) == -9, "entry outside");
	check(psci(PSCI_CPU_SUSPEND, POWERDOWN, (u64)sleep_entry + 2, (u64)f) == -9, "entry odd");
	check(psci(SYSTEM_SUSPEND, machine.ram_base + machine.ram_size, 0, 0) == -9, "behind RAM");
}

/* ---- devices ---- */

static void edu_taken(u32 intid)
{
	w32(edu.bar[0] + EDU_ACK, r32(edu.bar[0] + EDU_STATUS));
	count(intid);
}

static void by_edu(void)
{
	struct msi msi;
	u32 line;

	if (machine.pci < 0 || !pci_find(EDU_ID, 0, &edu))
		return;
	pci_assign(&edu);
	line = pci_intx(&edu);
	if (line) {
		gic_enable(line, edu_taken);
		other_starts(RAISE_EDU);
		delivered("intx", power_down(), SLEPT);
		gic_disable(line);
	}
	if (!check(msi_prepare(&edu, 1, &msi), "msi"))
		return;
	pci_msi_enable(&edu, msi.doorbell, msi.data, true);
	gic_enable(msi.intid, edu_taken);
	other_starts(RAISE_EDU);
	delivered("msi", power_down(), SLEPT);
	other_off();
}

static u32 uart_line(void)
{
	int node = fdt_node_offset_by_compatible(machine.dtb, -1, "arm,pl011"), len;
	const fdt32_t *p = node < 0 ? NULL : fdt_getprop(machine.dtb, node, "interrupts", &len);

	return p ? 32 + fdt32_to_cpu(p[1]) : 0;
}

static void uart_taken(u32 intid)
{
	while (!(r32(machine.uart + 0x18) & BIT(4)))
		(void)r32(machine.uart);
	w32(machine.uart + UART_ICR, UART_RX);
	count(intid);
}

static void by_input(void)
{
	u32 line = uart_line();
	int64_t result;

	if (!check(line, "uart line=%u", line))
		return;
	gic_enable(line, uart_taken);
	w32(machine.uart + UART_IMSC, UART_RX);
	report("asleep\n");
	result = system_suspend();
	delivered("input", result, SLEPT);
	w32(machine.uart + UART_IMSC, 0);
	gic_disable(line);
}

/* ---- ends ---- */

static bool then(const char *what)
{
	const char *a = arg_find("suspend.then");

	while (a && *what && *a == *what)
		a++, what++;
	return a && !*what;
}

/* CPU 1 goes into its sleep, is in it, or comes out of it, when the guest starts again. */
static void restart(void)
{
	u32 *lives = shared_page();

	if (!check(lives, "shared memory"))
		return;
	report("life=%u\n", ++*lives);
	if (*lives > arg_number("suspend.times", 20))
		return;
	asleep = 0;
	other_starts(SLEEP_FOR_EVER);
	wait_until(&asleep, 1, 5000);
	for (u32 i = 0; i < *lives % 4; i++)
		gic_sgi(2, 1);
	psci(PSCI_SYSTEM_RESET, 0, 0, 0);
}

/* Until it is restarted from outside: with a second life it only says so. */
static void wait_for_ever(void)
{
	u32 *lives = shared_page();

	if (!check(lives, "shared memory"))
		return;
	report("life=%u\n", ++*lives);
	if (*lives > 1)
		return;
	gic_quiet();
	system_suspend();
	check(false, "woke up");
}

/* Both sleep and wake each other; CPU 1 goes off and is turned on between. */
static void juggle(void)
{
	for (unsigned n = 0; n < 20; n++) {
		int64_t is;

		other_starts(JUGGLE);
		do {
			gic_sgi(2, 1);
			is = other_is();
		} while (is != 1);
	}
	check(other_is() == 1, "juggled woken=%u", woken ? 1 : 0);
}

void payload_main(void)
{
	irq_off();
	if (then("restart"))
		restart();
	else if (then("wait"))
		wait_for_ever();
	if (arg_find("suspend.then"))
		return;
	refusals();
	gic_enable(TIMER, timer_taken);
	by_timer("standby", standby, 0);
	sysreg_write(tpidr_el0, 0x1234);
	by_timer("powerdown", power_down, SLEPT);
	check(!(frames[0].sctlr_found & 0x1005) && frames[0].daif_found == 0x3c0 &&
		      !frames[0].tpidr0_found,
	      "entry sctlr=%lx daif=%lx tpidr_el0=%lx", frames[0].sctlr_found, frames[0].daif_found,
	      frames[0].tpidr0_found);
	by_timer("system", system_suspend, SLEPT);
	with_another_asleep();
	by_timer("system again", system_suspend, SLEPT);
	by_edu();
	by_input();
	juggle();
}
