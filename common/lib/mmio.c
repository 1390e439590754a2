/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Waiting: the only loop on a register, bounded in time and, should the clock stand still, in
 * turns.
 */
#include <arch/cpu.h>
#include <arch/time.h>
#include <hv/log.h>
#include <hv/mmio.h>

#define TURNS_MAX 100000000U

uint64_t time_after(uint64_t us)
{
	return arch_time_ticks() + us * (arch_time_hz() / 1000) / 1000 + 1;
}

enum hv_status poll32(struct mmio m, struct reg32 r, uint32_t mask, uint32_t want, uint32_t us,
		      const char *what)
{
	uint64_t end = time_after(us);
	uint32_t v;

	for (uint32_t turns = 0;; turns++) {
		/* The clock is read first: a CPU that was held up still gets one last look. */
		bool late = arch_time_ticks() > end || turns >= TURNS_MAX;

		v = rd32(m, r);
		if ((v & mask) == want)
			return HV_OK;
		if (late)
			break;
		arch_cpu_relax();
	}
	log_err("%s: register 0x%x reads 0x%x, wanted 0x%x under mask 0x%x within %u us", what,
		r.off, v, want, mask, us);
	return HV_ETIMEOUT;
}
