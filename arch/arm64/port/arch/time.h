/* SPDX-License-Identifier: Apache-2.0 */
/* Port: the generic timer's physical counter. */
#ifndef ARCH_TIME_H
#define ARCH_TIME_H

#include <stdint.h>

static inline uint64_t arch_time_ticks(void)
{
	uint64_t t;

	__asm__ volatile("isb; mrs %0, cntpct_el0" : "=r"(t)::"memory");
	return t;
}

static inline uint64_t arch_time_hz(void)
{
	uint64_t f;

	__asm__ volatile("mrs %0, cntfrq_el0" : "=r"(f));
	return f;
}

#endif
