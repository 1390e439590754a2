/* SPDX-License-Identifier: Apache-2.0 */
/* Attacks on the emulated RTC and watchdog, and by them on what they set: EL2's timer. */
#include <libfdt.h>

#include "attack.h"

enum { RTC_DR = 0, RTC_MR = 4, RTC_LR = 8, RTC_IMSC = 16, RTC_RIS = 20, RTC_ICR = 28 };
enum { WCS = 0, WOR = 8, WCV = 16, WRR = 0x1000 }; /* of the control frame; refresh is behind it */

#define PAST 1000 /* s: no board is that old */

static u64 registers(const char *compatible)
{
	int node = fdt_node_offset_by_compatible(machine.dtb, -1, compatible);
	const fdt32_t *reg = node < 0 ? NULL : fdt_getprop(machine.dtb, node, "reg", NULL);

	if (!reg)
		broke("there is no %s", compatible);
	return reg ? (u64)fdt32_to_cpu(reg[0]) << 32 | fdt32_to_cpu(reg[1]) : 0;
}

static void everything(u64 page, u64 size)
{
	u64 at = rnd() & 3 ? rnd() & 0x1c : rnd_below(size);

	poke(page + at, 1U << (rnd() & 3), rnd_odd());
	peek(page + (at & ~UINT64_C(7)), 8, NULL);
}

static u64 rtc;

static void rtc_everything(unsigned cpu)
{
	(void)cpu;
	while (!stop_others) {
		everything(rtc, 0x1000);
		poke(rtc + RTC_MR, 4, r32(rtc + RTC_DR) + (rnd() & 1)); /* now, or soon */
	}
}

ATTACK(clock_alarms_from_every_vcpu, 0,
       "every register of the RTC in every width, alarms for now, from three vCPUs at once",
       "a deadline of the CPU that wrote it, and the guest's own lock", "common/guest/vrtc.c")
{
	rtc = registers("arm,pl031");
	if (!rtc)
		return;
	for (unsigned cpu = 1; cpu < machine.cpus; cpu++)
		start_on(cpu, rtc_everything);
	for (unsigned i = 0; i < 2000; i++) {
		everything(rtc, 0x1000);
		poke(rtc + RTC_IMSC, 4, rnd());
		poke(rtc + RTC_ICR, 4, rnd());
	}
	stop_others = true;
	for (unsigned cpu = 1; cpu < machine.cpus; cpu++)
		end_on(cpu);
	w32(rtc + RTC_IMSC, 0);
	w32(rtc + RTC_ICR, 1);
}

static void reset(void)
{
	for (;;)
		psci(PSCI_SYSTEM_RESET, 0, 0, 0);
}

ATTACK(clock_is_set_for_another_life, RESTARTS,
       "a time and an alarm that the next life has not set", "a stop resets the RTC",
       "common/guest/life.c")
{
	rtc = registers("arm,pl031");
	if (shared->rounds &&
	    (r32(rtc + RTC_DR) < 2 * PAST || r32(rtc + RTC_IMSC) || r32(rtc + RTC_LR)))
		broke("time %u", r32(rtc + RTC_DR));
	if (!rtc || shared->rounds >= 2)
		return;
	shared->rounds++;
	w32(rtc + RTC_IMSC, 1);
	w32(rtc + RTC_LR, PAST);
	w32(rtc + RTC_MR, PAST + shared->rounds);
	reset();
}

static u64 watchdog;

static void watchdog_everything(unsigned cpu)
{
	(void)cpu;
	for (;;) {
		everything(watchdog, 0x2000);
		poke(watchdog + WCS, 4, rnd());
		poke(watchdog + WOR, 8, rnd_odd());
		poke(watchdog + WCV, 8, counter() + (rnd() & 0xffff));
		poke(watchdog + WRR, 4, 0);
	}
}

/* Every life ends by its watchdog, sooner or later; this one at last. */
ATTACK(clock_watchdog_from_every_vcpu, RESTARTS,
       "offsets of 0, giant ones, compare values in the past, from three vCPUs at once, to the end",
       "one step a timeout, saturating sums, the guest's own lock; expiry ends its guest only",
       "common/guest/vwatchdog.c")
{
	watchdog = registers("arm,sbsa-gwdt");
	if (shared->rounds && (r32(watchdog + WCS) || r64(watchdog + WOR) || r64(watchdog + WCV)))
		broke("the watchdog of the life before: WCS %x", r32(watchdog + WCS));
	if (!watchdog || shared->rounds >= 2)
		return;
	shared->rounds++;
	irq_off();
	for (unsigned cpu = 1; cpu < machine.cpus; cpu++)
		start_on(cpu, watchdog_everything);
	for (unsigned i = 0; i < 500; i++)
		everything(watchdog, 0x2000);
	for (;;) {
		w64(watchdog + WOR, 0);
		w32(watchdog + WCS, 1);
		delay_ms(1);
	}
}

ATTACK(clock_watchdog_outlives_its_life, RESTARTS,
       "SYSTEM_RESET while the watchdog runs out: does it end the next life?",
       "a stop resets the watchdog before it looks for what was asked", "common/guest/life.c")
{
	watchdog = registers("arm,sbsa-gwdt");
	if (shared->rounds) {
		if (r32(watchdog + WCS))
			broke("WCS %x", r32(watchdog + WCS));
		delay_ms(100);
	}
	if (!watchdog || shared->rounds >= 4)
		return;
	shared->rounds++;
	w64(watchdog + WOR, counter_hz() / 20000 * (1 + (shared->rounds & 1)));
	w32(watchdog + WCS, 1);
	reset();
}
