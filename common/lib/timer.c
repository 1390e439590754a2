/* SPDX-License-Identifier: Apache-2.0 */
/* Deadlines of one CPU: see hv/timer.h. So few that looking at all of them is cheapest. */
#include <hv/bits.h>
#include <hv/timer.h>

static void (*set_here)(enum cpu_timer which, uint64_t due) __ro_after_boot;

void timers_set(struct cpu_timers *t, enum cpu_timer which, uint64_t due)
{
	if (due == 0)
		due = 1; /* over long ago; 0 says that it is not set */
	t->due[which] = due == TIMER_NEVER ? 0 : due;
}

uint32_t timers_expire(struct cpu_timers *t, uint64_t now)
{
	uint32_t expired = 0;

	for (unsigned i = 0; i < CPU_TIMERS; i++)
		if (t->due[i] && t->due[i] <= now) {
			expired |= (uint32_t)BIT(i);
			t->due[i] = 0;
		}
	return expired;
}

uint64_t timers_next(const struct cpu_timers *t)
{
	uint64_t next = TIMER_NEVER;

	for (unsigned i = 0; i < CPU_TIMERS; i++)
		if (t->due[i])
			next = MIN(next, t->due[i]);
	return next;
}

void timer_on_hardware(void (*set)(enum cpu_timer which, uint64_t due))
{
	set_here = set;
}

void timer_set(enum cpu_timer which, uint64_t due)
{
	if (set_here)
		set_here(which, due);
}
