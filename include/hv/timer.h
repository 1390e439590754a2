/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Software timers on EL2's one hardware timer of each CPU: one deadline a use, in ticks of the
 * physical counter. A CPU changes its own deadlines only, so they need no lock. An emulated device
 * that any vCPU may program sets the timer of the CPU that does it: that CPU looks at the device
 * when the time comes. Of several CPUs that programmed it, only the last one's deadline is the
 * device's; the others look, and find that it is not due.
 */
#ifndef HV_TIMER_H
#define HV_TIMER_H

#include <hv/types.h>

enum cpu_timer {
	TIMER_POLL,     /* console, IOMMUs, a guest that waits: whoever asked looks again */
	TIMER_RTC,      /* alarm of the RTC of this CPU's guest */
	TIMER_WATCHDOG, /* of this CPU's guest */
	CPU_TIMERS,
};

#define TIMER_NEVER UINT64_MAX

struct cpu_timers {
	uint64_t due[CPU_TIMERS]; /* 0: not set */
};

/* Sets one, or with TIMER_NEVER stops it. Pure. */
void timers_set(struct cpu_timers *t, enum cpu_timer which, uint64_t due);
/* Those that are due, BIT(enum cpu_timer) each; they are not set any more. Pure. */
uint32_t timers_expire(struct cpu_timers *t, uint64_t now);
/* The earliest deadline, or TIMER_NEVER. Pure. */
uint64_t timers_next(const struct cpu_timers *t);

/* a + b ticks, or TIMER_NEVER where that is too far away. Pure. */
static inline uint64_t timer_add(uint64_t a, uint64_t b)
{
	uint64_t sum;

	return __builtin_add_overflow(a, b, &sum) ? TIMER_NEVER : sum;
}

/* Sets the timer of the CPU that calls. Any context. Before boot has given `set`: nothing. */
void timer_set(enum cpu_timer which, uint64_t due);
/* Boot: how this machine does that. */
void timer_on_hardware(void (*set)(enum cpu_timer which, uint64_t due));

#endif
