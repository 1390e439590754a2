/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Costs of single operations, seen from the guest: 1000 times between two reads of CNTVCT_EL0 with
 * ISB, loop included. Under QEMU's -icount the 1 GHz counter of -cpu max counts instructions.
 */
#include "edu.h"
#include "rt.h"

const char payload_name[] = "bench";

#define REPEAT 1000

static u64 edu;
static volatile u32 sgi_irqs, lpi_irqs, timer_irqs, other_up;

static void result(const char *op, u64 ticks)
{
	print("BENCH op=%s instr=%lu\n", op,
	      (u64)((ticks * (1000000000 / counter_hz()) + REPEAT / 2) / REPEAT));
}

#define MEASURE(op, body)                                                                          \
	do {                                                                                       \
		u64 start_ = counter();                                                            \
		for (unsigned n_ = 0; n_ < REPEAT; n_++) {                                         \
			body;                                                                      \
		}                                                                                  \
		result(op, counter() - start_);                                                    \
	} while (0)

/* Only what the call changes is a clobber, so that the loop is what a guest's would be. */
#define CALL_ONCE(fn)                                                                              \
	do {                                                                                       \
		register u64 x0_ __asm__("x0") = (fn);                                             \
		__asm__ volatile("hvc #0" : "+r"(x0_) : : "x1", "x2", "x3", "memory");             \
	} while (0)

static void timer_irq(u32 intid)
{
	(void)intid;
	sysreg_write(cntv_ctl_el0, 0);
	timer_irqs++;
}

static void sgi_irq(u32 intid)
{
	(void)intid;
	sgi_irqs++;
}

static void lpi_irq(u32 intid)
{
	(void)intid;
	lpi_irqs++;
}

void payload_secondary(unsigned cpu)
{
	(void)cpu;
	gic_enable(1, sgi_irq);
	irq_on();
	other_up = 1;
	for (;;)
		wfi();
}

static void bench_calls(void)
{
	u64 esr;

	fault_arm();
	hvc(PSCI_UNKNOWN, 0, 0, 0);
	esr = fault_taken();
	if (esr) {
		report("hvc is undefined here\n");
		return;
	}
	MEASURE("loop", __asm__ volatile("" : : : "memory"));
	MEASURE("hypercall-unknown", CALL_ONCE(UINT64_C(0x4b000000)));
	MEASURE("psci-version", CALL_ONCE(PSCI_VERSION));
}

static void bench_gic(void)
{
	MEASURE("gicd-iidr", r32(machine.gicd + 8));
	MEASURE("gicd-isenabler", r32(machine.gicd + 0x104));
	MEASURE("gicd-ipriorityr", r32(machine.gicd + 0x420));
	MEASURE("gicd-ipriorityr-byte", r8(machine.gicd + 0x421));
	MEASURE("gicr-typer", r64(gic_redist() + 8));
	/*
	 * A spurious INTID, as peers' numbers were taken: the cost is that of the register alone.
	 */
	MEASURE("eoi", sysreg_write(S3_0_C12_C12_1, 1023); isb());
}

static void bench_self_sgi(void)
{
	gic_enable(2, sgi_irq);
	sgi_irqs = 0;
	irq_on();
	MEASURE("sgi-self", {
		gic_sgi(2, 0);
		while (sgi_irqs == n_)
			;
	});
	irq_off();
}

static void bench_ipi(void)
{
	if (machine.cpus < 2 || !cpu_start(1) || !wait_until(&other_up, 1, 1000))
		return;
	sgi_irqs = 0;
	MEASURE("ipi", {
		gic_sgi(1, 1);
		while (sgi_irqs == n_)
			relax();
	});
}

/* The timer's own period is taken off, as the peers' test does. */
static void bench_timer(void)
{
	u64 period = counter_hz() / 1000, start;

	timer_irqs = 0;
	gic_enable(27, timer_irq);
	irq_on();
	start = counter();
	for (u32 n = 0; n < REPEAT; n++) {
		sysreg_write(cntv_tval_el0, period);
		sysreg_write(cntv_ctl_el0, 1);
		isb();
		while (timer_irqs == n)
			wfi();
	}
	result("vtimer", counter() - start - REPEAT * period);
	irq_off();
	gic_disable(27);
}

/* The first function with MSI or MSI-X; a host bridge has neither. */
static bool find_msi_function(struct pci_dev *d)
{
	for (unsigned n = 0; pci_find(~0U, n, d); n++)
		if (pci_cap(d, 0x05) || pci_cap(d, 0x11))
			return true;
	return false;
}

static void edu_irq(u32 intid)
{
	(void)intid;
	w32(edu + EDU_ACK, 1);
	lpi_irqs++;
}

/*
 * A device's message, from the write that makes the device send it to the end of the handler's
 * loop.
 */
static void bench_msi(struct pci_dev *d, u64 doorbell)
{
	pci_assign(d);
	edu = d->bar[0];
	gic_enable(LPI_FIRST, edu_irq);
	pci_msi_enable(d, doorbell, 0, true);
	lpi_irqs = 0;
	MEASURE("msi", {
		w32(edu + EDU_RAISE, 1);
		while (lpi_irqs == n_)
			;
	});
}

static void bench_pci(void)
{
	struct pci_dev d;
	u32 device;
	u64 doorbell;

	if (!find_msi_function(&d))
		return;
	if (!arg_number("bench.msi-only", 0)) {
		MEASURE("pci-config-read", r32(d.cfg));
		MEASURE("pci-config-status", r16(d.cfg + 6));
	}
	if (arg_number("bench.config-only", 0))
		return;
	if (!pci_msi_target(&d, &device, &doorbell) || !its_init())
		return;
	its_map_device(device, 2);
	its_map_event(device, 0, LPI_FIRST);
	gic_enable(LPI_FIRST, lpi_irq);
	irq_on();
	lpi_irqs = 0;
	its_int(device, 0);
	if (!wait_until(&lpi_irqs, 1, 100)) {
		report("lpi by INT does not arrive, device=%x\n", device);
		return;
	}
	lpi_irqs = 0;
	MEASURE("lpi-int", {
		its_int(device, 0);
		while (lpi_irqs == n_)
			;
	});
	if (r32(d.cfg) == EDU_ID)
		bench_msi(&d, doorbell);
	irq_off();
}

void payload_main(void)
{
	print("BENCH first-instruction cntpct=%lu hz=%lu\n", machine.first_instruction,
	      counter_hz());
	if (arg_number("bench.boot-only", 0))
		return;
	if (arg_number("bench.config-only", 0) || arg_number("bench.msi-only", 0)) {
		bench_pci();
		return;
	}
	bench_calls();
	bench_gic();
	bench_self_sgi();
	bench_timer();
	bench_pci();
	bench_ipi();
	check(irq_spurious == 0, "unexpected irqs=%u", irq_spurious);
}
