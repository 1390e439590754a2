/* What a guest's declaration changes: lines, unmapped addresses, CPUs. */
#include "rt.h"

const char payload_name[] = "domain";

static volatile u32 stop;

void payload_secondary(unsigned cpu)
{
	(void)cpu;
	while (!stop)
		relax();
}

/* unmapped=1: reads give all ones of their width and writes go nowhere; 0: both abort. */
static void check_unmapped(u64 hole, bool ones)
{
	u64 want = ones ? 0 : 0x25, value, esr;

	fault_arm();
	value = r32(hole);
	esr = fault_taken();
	check(ESR_EC(esr) == want && (!ones || value == 0xffffffff), "unmapped at=%lx word=%lx esr=%lx",
	      hole, value, esr);
	fault_arm();
	value = r8(hole + 1);
	esr = fault_taken();
	check(ESR_EC(esr) == want && (!ones || value == 0xff), "unmapped byte=%lx esr=%lx", value, esr);
	fault_arm();
	w32(hole, 0);
	esr = fault_taken();
	check(ESR_EC(esr) == want, "unmapped write esr=%lx", esr);
}

void payload_main(void)
{
	report("spis=%u\n", 32 * (r32(machine.gicd + 4) & 31)); /* GICD_TYPER.ITLinesNumber */
	if (arg_find("unmapped")) {
		check_unmapped(0x0f000000, arg_number("unmapped", 0));
		check_unmapped(UINT64_C(0x3f0000000), arg_number("unmapped", 0));
	}
	if (arg_find("spin")) {
		for (unsigned cpu = 1; cpu < machine.cpus; cpu++)
			check(cpu_start(cpu), "start cpu=%u", cpu);
		await_harness("spinning");
		stop = 1;
	}
}
