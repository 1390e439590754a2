/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Budgets of lines: 3 lines at any times, from any state that a budget can be in. Assumed: a clock
 * of 1 MHz that does not go back, times below 2^40, a burst of up to 3, a period of up to 32 ms.
 */
#include "prove.h"

#include "common/lib/ratelimit.c"

#define LINES 3

static uint64_t now;

uint64_t arch_time_ticks(void)
{
	return now;
}

uint64_t arch_time_hz(void)
{
	return 1000000;
}

void prove(void)
{
	struct ratelimit r = { .burst = any_below(4), .period_ms = 1 + any_below(32) };
	uint64_t period = 1000 * (uint64_t)r.period_ms, passed_at[LINES];
	unsigned passed = 0;
	uint32_t missed = 0, sum = 0;

	for (unsigned i = 0; i < LINES; i++) {
		uint64_t later = nondet_u32();

		now += later;
		if (ratelimit_pass(&r, &missed)) {
			passed_at[passed++] = now;
			sum += missed;
		}
		PROVE(r.next <= now + period * r.burst || !passed,
		      "never more than the burst ahead");
	}
	PROVE(sum + r.missed + passed == LINES, "every line passes or is counted");
	PROVE(r.burst || !passed, "no budget, no line");
	for (unsigned i = 0; r.burst && i + r.burst < passed; i++)
		PROVE(passed_at[i + r.burst] - passed_at[i] >= period,
		      "a line more than the burst waits for a period");
}
