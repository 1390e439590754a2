/* SPDX-License-Identifier: Apache-2.0 */
/* What a guest's declaration changes: lines, unmapped addresses, CPUs. */
#include <libfdt.h>

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
	check(ESR_EC(esr) == want && (!ones || value == 0xffffffff),
	      "unmapped at=%lx word=%lx esr=%lx", hole, value, esr);
	fault_arm();
	value = r8(hole + 1);
	esr = fault_taken();
	check(ESR_EC(esr) == want && (!ones || value == 0xff), "unmapped byte=%lx esr=%lx", value,
	      esr);
	fault_arm();
	w32(hole, 0);
	esr = fault_taken();
	check(ESR_EC(esr) == want, "unmapped write esr=%lx", esr);
}

/*
 * Shared memory, as the device tree tells of it: sides 0 and 1 answer each other word by word. A
 * side writes its own page only, and finds it zeroed.
 */
static void exchange(const char *id, u64 base, u64 size, u32 side)
{
	volatile u32 *mine = (volatile u32 *)(base + 4096 * side);
	volatile u32 *other = (volatile u32 *)(base + 4096 * (1 - side));
	u32 dirty = 0, i = 0;
	u64 esr;

	for (u64 at = 0; at < size; at += 4096)
		map_page(base + at, MAP_NORMAL);
	for (unsigned word = 0; word < 1024; word++)
		dirty |= mine[word];
	check(!dirty, "shared %s zeroed=%x", id, dirty);
	for (i = 1; i <= 1000; i++) {
		u64 end = counter() + 10 * counter_hz();

		if (side == 0)
			mine[i] = 7 * i;
		while (other[i] != (side ? 7 : 11) * i && counter() < end)
			relax();
		if (other[i] != (side ? 7 : 11) * i)
			break;
		if (side == 1)
			mine[i] = 11 * i;
	}
	check(i == 1001, "shared %s at=%lx words=%u", id, base, i - 1);
	fault_arm();
	r32(base + size);
	esr = fault_taken();
	check(esr, "shared %s behind esr=%lx", id, esr);
}

static void check_shared(u32 side)
{
	const void *dtb = machine.dtb;
	int node, parent = fdt_path_offset(dtb, "/reserved-memory");

	if (!check(parent >= 0, "reserved-memory"))
		return;
	fdt_for_each_subnode(node, dtb, parent)
	{
		const fdt32_t *reg = fdt_getprop(dtb, node, "reg", NULL);

		if (!fdt_node_check_compatible(dtb, node, "xen,shared-memory-v1"))
			exchange(fdt_getprop(dtb, node, "xen,id", NULL),
				 (u64)fdt32_to_cpu(reg[0]) << 32 | fdt32_to_cpu(reg[1]),
				 (u64)fdt32_to_cpu(reg[2]) << 32 | fdt32_to_cpu(reg[3]), side);
	}
}

/* The PL011 of the partial device tree: what comes in by interrupt goes out in capitals. */
static u64 second;
static char line[64];
static volatile u32 received, second_irqs, ended;

static void second_irq(u32 intid)
{
	(void)intid;
	second_irqs++;
	w32(second + 0x44, 0x7ff); /* UARTICR; first, as what comes behind it interrupts again */
	while (!(r32(second + 0x18) & BIT(4))) { /* UARTFR.RXFE */
		char c = (char)r32(second);

		if (c == '\n')
			ended = 1;
		else if (received < sizeof(line))
			line[received++] = c;
	}
}

static void say(const char *s, u32 n)
{
	for (u32 i = 0; i < n; i++) {
		while (r32(second + 0x18) & BIT(5)) /* UARTFR.TXFF */
			relax();
		w32(second, (u8)s[i]);
	}
}

static void check_second_uart(void)
{
	const void *dtb = machine.dtb;
	const char *path = fdt_get_alias(dtb, "serial1");
	int node = path ? fdt_path_offset(dtb, path) : -1;
	const fdt32_t *reg = node < 0 ? NULL : fdt_getprop(dtb, node, "reg", NULL);
	const fdt32_t *irq = node < 0 ? NULL : fdt_getprop(dtb, node, "interrupts", NULL);
	const fdt32_t *parent = node < 0 ? NULL : fdt_getprop(dtb, node, "interrupt-parent", NULL);
	int gic = parent ? fdt_node_offset_by_phandle(dtb, fdt32_to_cpu(*parent)) : -1;

	if (!check(reg && irq && gic >= 0, "partial tree"))
		return;
	check(fdt_getprop(dtb, gic, "interrupt-controller", NULL) &&
		      !fdt_getprop(dtb, node, "xen,path", NULL),
	      "partial tree fixed gic=%s", fdt_get_name(dtb, gic, NULL));
	second = (u64)fdt32_to_cpu(reg[0]) << 32 | fdt32_to_cpu(reg[1]);
	w32(second + 0x30, 0x301); /* UARTCR: UARTEN, TXE, RXE */
	w32(second + 0x38, 0x50);  /* UARTIMSC: RXIM, RTIM */
	gic_enable(32 + fdt32_to_cpu(irq[1]), second_irq);
	irq_on();
	await_harness("listening");
	for (unsigned n = 0; n < 300 && !received; n++) { /* until somebody has the other end */
		say("ready\n", 6);
		wait_until(&received, 1, 100);
	}
	check(wait_until(&ended, 1, 20000), "second at=%lx received=%u", second, received);
	irq_off();
	for (u32 i = 0; i < received; i++)
		line[i] = (char)(line[i] >= 'a' && line[i] <= 'z' ? line[i] - 32 : line[i]);
	say(line, received);
	say("\n", 1);
	check(second_irqs > 0, "second irqs=%u", second_irqs);
}

void payload_main(void)
{
	report("spis=%u\n", 32 * (r32(machine.gicd + 4) & 31)); /* GICD_TYPER.ITLinesNumber */
	if (arg_find("unmapped")) {
		check_unmapped(0x0f000000, arg_number("unmapped", 0));
		check_unmapped(UINT64_C(0x3f0000000), arg_number("unmapped", 0));
	}
	if (arg_find("side"))
		check_shared((u32)arg_number("side", 0));
	if (arg_find("second"))
		check_second_uart();
	if (arg_find("spin")) {
		for (unsigned cpu = 1; cpu < machine.cpus; cpu++)
			check(cpu_start(cpu), "start cpu=%u", cpu);
		await_harness("spinning");
		stop = 1;
	}
}
