/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Budgets of log lines by time: see hv/log.h. `next` is when the budget would be full again: each
 * line moves it on by a period, and none passes while it is more than burst - 1 periods ahead.
 */
#include <arch/time.h>
#include <hv/log.h>

#define TRIES 8 /* against other CPUs; then the line counts as one too many */

bool ratelimit_pass(struct ratelimit *r, uint32_t *missed)
{
	uint64_t now = arch_time_ticks(), period = arch_time_hz() / 1000 * r->period_ms;
	uint64_t full = period * (r->burst - 1U);
	uint64_t next = __atomic_load_n(&r->next, __ATOMIC_RELAXED);

	for (unsigned i = 0; i < TRIES && r->burst; i++) {
		uint64_t from = MAX(next, now);

		if (from - now > full)
			break;
		if (!__atomic_compare_exchange_n(&r->next, &next, from + period, false,
						 __ATOMIC_RELAXED, __ATOMIC_RELAXED))
			continue;
		*missed = __atomic_exchange_n(&r->missed, 0, __ATOMIC_RELAXED);
		return true;
	}
	ratelimit_miss(r, 1);
	return false;
}

void ratelimit_miss(struct ratelimit *r, uint32_t n)
{
	__atomic_fetch_add(&r->missed, n, __ATOMIC_RELAXED);
}
