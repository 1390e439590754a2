/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The emulated RTC and watchdog from inside: every register, the alarm, the interrupt of the first
 * timeout; then lives that end by the second one, each hanging in another way. Lives are counted in
 * shared memory (`xen,shm-id`).
 *
 *	clock.epoch=N  what the RTC shows at least, and at most two minutes more
 *	clock.hangs=N  lives that hang (default 0)
 *	clock.off=1    switches the guest off while its watchdog runs out
 */
#include <libfdt.h>

#include "rt.h"

const char payload_name[] = "clock";

enum { DR = 0, MR = 4, LR = 8, CR = 12, IMSC = 16, RIS = 20, MIS = 24, ICR = 28, RTC_ID = 0xfe0 };
enum { WCS = 0, WOR = 8, WCV = 16, IIDR = 0xfcc }; /* control frame */
enum { EN = 1, WS0 = 2, WS1 = 4 };

#define SHORT 50 /* ms: a timeout that is awaited */
#define LONG  60000

static u64 rtc, control, refresh;
static u32 rtc_irq, watchdog_irq;
static volatile u32 alarms, warnings;

static bool find(const char *compatible, u64 *first, u64 *second, u32 *irq)
{
	int node = fdt_node_offset_by_compatible(machine.dtb, -1, compatible), len, n;
	const fdt32_t *reg = node < 0 ? NULL : fdt_getprop(machine.dtb, node, "reg", &len);
	const fdt32_t *spi = node < 0 ? NULL : fdt_getprop(machine.dtb, node, "interrupts", &n);

	if (!reg || !spi || len < 16 || n != 12)
		return false;
	*first = (u64)fdt32_to_cpu(reg[0]) << 32 | fdt32_to_cpu(reg[1]);
	if (second && len >= 32)
		*second = (u64)fdt32_to_cpu(reg[4]) << 32 | fdt32_to_cpu(reg[5]);
	*irq = 32 + fdt32_to_cpu(spi[1]);
	return true;
}

static u64 ticks(u64 ms)
{
	return counter_hz() / 1000 * ms;
}

/* --- RTC --- */

static void on_alarm(u32 intid)
{
	(void)intid;
	alarms++;
	w32(rtc + ICR, 1);
}

static void check_rtc_registers(void)
{
	static const u8 ids[] = { 0x31, 0x10, 0x04, 0x00, 0x0d, 0xf0, 0x05, 0xb1 };
	bool good = true;

	for (unsigned i = 0; i < 8; i++)
		good = good && r32(rtc + RTC_ID + 4 * i) == ids[i];
	check(good, "rtc identification");
	check(r32(rtc + CR) == 1 && !r32(rtc + MR) && !r32(rtc + LR) && !r32(rtc + IMSC) &&
		      !r32(rtc + RIS) && !r32(rtc + MIS) && !r32(rtc + ICR),
	      "rtc as after reset");
	good = true;
	for (unsigned off = 0x20; off < RTC_ID; off += 4) {
		w32(rtc + off, ~0U);
		good = good && !r32(rtc + off);
	}
	check(good, "rtc reserved");
	w32(rtc + MR, 0x12345678);
	w16(rtc + MR, 0);
	check(r8(rtc + MR + 3) == 0x12 && r16(rtc + MR) == 0x5678 && !(r64(rtc + DR) >> 32),
	      "rtc widths");
}

static void check_time(void)
{
	u64 epoch = arg_number("clock.epoch", 0), at;
	u32 now = r32(rtc + DR);

	check(now >= epoch && now < epoch + 120, "rtc time=%u", now);
	while (r32(rtc + DR) == now)
		relax();
	at = counter();
	while (r32(rtc + DR) == now + 1)
		relax();
	check(r32(rtc + DR) >= now + 2 && counter() - at >= ticks(900), "rtc second");
	w32(rtc + LR, 1000);
	now = r32(rtc + DR);
	check(now >= 1000 && now < 1010 && r32(rtc + LR) == 1000, "rtc written time=%u", now);
	w32(rtc + CR, 0);
	check(r32(rtc + CR) == 1, "rtc cannot be stopped");
}

static void check_alarm(void)
{
	u32 now = r32(rtc + DR);

	w32(rtc + ICR, 1);
	gic_enable(rtc_irq, on_alarm);
	irq_on();
	w32(rtc + MR, now + 2);
	w32(rtc + IMSC, 1);
	check(wait_until(&alarms, 1, 1000) && r32(rtc + DR) >= now + 2, "rtc alarm after=%u",
	      r32(rtc + DR) - now);
	delay_ms(1500);
	check(alarms == 1 && !r32(rtc + RIS), "rtc alarms=%u", alarms);
	w32(rtc + MR, r32(rtc + DR)); /* this second; the next one, should it just begin */
	w32(rtc + MR, r32(rtc + DR));
	check(wait_until(&alarms, 2, 100), "rtc alarm at once");
	w32(rtc + IMSC, 0);
	alarms = 0;
	w32(rtc + MR, r32(rtc + DR) + 1);
	delay_ms(1500);
	check(!alarms && r32(rtc + RIS) && !r32(rtc + MIS), "rtc masked alarm");
	w32(rtc + ICR, 1);
}

/* --- watchdog --- */

static void on_warning(u32 intid)
{
	(void)intid;
	warnings++;
	w32(refresh, 1);
}

static void check_watchdog_registers(void)
{
	bool good = true;

	check(!r32(control + WCS) && !r64(control + WOR) && !r64(control + WCV) && !r32(refresh) &&
		      r32(control + IIDR) == 0x10000 && r32(refresh + IIDR) == 0x10000,
	      "watchdog as after reset");
	for (unsigned off = 0x18; off < 0x1000; off += 4)
		if (off != IIDR) {
			w32(control + off, ~0U);
			w32(refresh + off, ~0U);
			good = good && !r32(control + off) && !r32(refresh + off);
		}
	check(good && r32(control + WCS) == 0, "watchdog reserved");
	w64(control + WOR, ~UINT64_C(0));
	check(r64(control + WOR) == 0xffffffffffff && r32(control + WOR + 4) == 0xffff,
	      "watchdog offset");
	w8(control + WOR, 1);
	w16(control + WOR, 1);
	check(r32(control + WOR) == ~0U && !r16(control + WOR) && !r8(control + WOR),
	      "watchdog widths");
	w64(control + WCV, 0x123456789abcdef0);
	check(r32(control + WCV) == 0x9abcdef0 && r32(control + WCV + 4) == 0x12345678,
	      "watchdog compare");
}

static void watchdog_start(u64 ms)
{
	w64(control + WOR, ticks(ms));
	w32(control + WCS, EN);
}

static void check_warning(void)
{
	u64 before = counter(), compare;

	watchdog_start(LONG);
	compare = r64(control + WCV);
	check(compare >= before + ticks(LONG) && compare <= counter() + ticks(LONG),
	      "watchdog counts as CNTVCT_EL0 does");
	w64(control + WCV, counter() + ticks(SHORT));
	gic_enable(watchdog_irq, on_warning);
	irq_on();
	check(wait_until(&warnings, 1, 1000) && r32(control + WCS) == EN, "watchdog warns");
	check(r64(control + WCV) >= before + ticks(LONG + SHORT), "watchdog refreshed");
	delay_ms(SHORT);
	check(warnings == 1, "watchdog warnings=%u", warnings);
	w32(control + WCS, 0);
	w64(control + WCV, 0);
	delay_ms(SHORT);
	check(warnings == 1 && r32(control + WCS) == 0, "watchdog disabled");
	/* Without its interrupt: what a look at it says. */
	gic_disable(watchdog_irq);
	watchdog_start(LONG);
	w64(control + WCV, 0);
	check(r32(control + WCS) == (EN | WS0) && r64(control + WCV) > counter(), "watchdog WS0");
	w32(refresh, 0);
	check(r32(control + WCS) == EN, "watchdog WS0 cleared");
	w32(control + WCS, 0);
}

/* --- ends --- */

static void hang(void)
{
	irq_off();
	for (;;)
		relax();
}

static void sleep_for_ever(void)
{
	irq_off();
	for (;;)
		wfi();
}

/* All of its vCPUs do it at once, and only one wins. */
static volatile bool everybody;

void payload_secondary(unsigned cpu)
{
	if (everybody)
		for (u32 n = cpu;; n++) {
			w64(control + WOR, n % 3 ? ticks(SHORT) : ~UINT64_C(0) >> n % 64);
			w64(control + WCV, n % 5 ? counter() + ticks(1) : ~UINT64_C(0));
			w32(control + WCS, EN);
		}
	watchdog_start(SHORT); /* and off: its CPU waits at EL2 */
}

static void hang_as(u32 life)
{
	switch (life % 5) {
	case 0:
		watchdog_start(SHORT);
		hang();
		break;
	case 1:
		watchdog_start(SHORT);
		sleep_for_ever();
		break;
	case 2: /* another vCPU set it up, and went off */
		cpu_start(1);
		hang();
		break;
	case 3: /* no offset: the second timeout follows the first at once */
		w64(control + WOR, 0);
		w32(control + WCS, EN);
		sleep_for_ever();
		break;
	default: /* several write at once; then none refreshes any more */
		everybody = true;
		cpu_start(1);
		for (u32 n = 0; n < 5000; n++)
			w32(refresh, n);
		w64(control + WCV, 0);
		hang();
	}
}

static u32 *diary(void)
{
	int node = fdt_node_offset_by_compatible(machine.dtb, -1, "xen,shared-memory-v1");
	const fdt32_t *reg = node < 0 ? NULL : fdt_getprop(machine.dtb, node, "reg", NULL);
	u64 base = reg ? (u64)fdt32_to_cpu(reg[0]) << 32 | fdt32_to_cpu(reg[1]) : 0;

	if (base)
		map_page(base, MAP_NORMAL);
	return (u32 *)base;
}

void payload_main(void)
{
	u32 *lives = diary(), life = lives ? (*lives)++ : 0;

	if (find("arm,pl031", &rtc, NULL, &rtc_irq))
		check_rtc_registers();
	if (rtc && !life) {
		check_time();
		check_alarm();
	}
	if (!rtc)
		report("no rtc\n");
	if (!find("arm,sbsa-gwdt", &control, &refresh, &watchdog_irq)) {
		report("no watchdog\n");
		return;
	}
	report("life=%u\n", life);
	check_watchdog_registers();
	check_warning();
	if (life < arg_number("clock.hangs", 0))
		hang_as(life);
	watchdog_start(SHORT);
	if (!arg_number("clock.off", 0))
		w32(control + WCS, 0);
}
