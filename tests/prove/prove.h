/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the proofs share. A harness includes the source that it is about, so that static functions
 * are in reach, and calls it with values of which nothing is known but what ASSUME() says. What the
 * source calls besides, the harness defines: a call of a function without a body is a failure.
 */
#ifndef PROVE_H
#define PROVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ASSUME(condition)      __CPROVER_assume(condition)
#define PROVE(condition, name) __CPROVER_assert(condition, name)

void __CPROVER_assume(bool condition);
void __CPROVER_assert(bool condition, const char *name);
void __CPROVER_havoc_object(void *object);

/* Any value: the checker knows the names. */
uint64_t nondet_u64(void);
uint32_t nondet_u32(void);
uint16_t nondet_u16(void);
uint8_t nondet_u8(void);
bool nondet_bool(void);

/* A value below n. */
static inline unsigned any_below(unsigned n)
{
	unsigned v = nondet_u32();

	if (!(n & (n - 1)))
		return v & (n - 1); /* easier than an assumption */
	ASSUME(v < n);
	return v;
}

/* Barriers order what one thread does not see. */
void host_trace(const char *op, uint64_t addr, uint64_t value)
{
}

/* Both must not be reached: they stop the machine. */
void panic(const char *fmt, ...)
{
	PROVE(false, "panic is not reached");
	ASSUME(false);
	for (;;)
		;
}

void assert_failed(const char *expr, const char *file, int line)
{
	PROVE(false, "ASSERT holds");
	ASSUME(false);
	for (;;)
		;
}

#endif
