/* SPDX-License-Identifier: Apache-2.0 */
/* Host twin of the port: a lock taken against the order of hv/spinlock.h ends the test. */
#ifndef ARCH_LOCK_H
#define ARCH_LOCK_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

struct arch_lock_check {
	uint8_t rank; /* 0: nobody has taken this lock yet */
};

/* Bit n: this CPU holds a lock of rank n. */
extern _Thread_local uint32_t host_locks;

/* Before the wait: every lock that is held must have a lower rank. */
static inline void arch_lock_wanted(unsigned rank)
{
	if (!(host_locks >> rank))
		return;
	fprintf(stderr, "lock of rank %u wanted, held are 0x%x\n", rank, host_locks);
	abort();
}

/* With the lock: it has one rank for ever, wherever it is taken. */
static inline void arch_lock_taken(struct arch_lock_check *c, unsigned rank)
{
	if (c->rank && c->rank != rank) {
		fprintf(stderr, "lock of rank %u taken as rank %u\n", c->rank, rank);
		abort();
	}
	c->rank = (uint8_t)rank;
	host_locks |= UINT32_C(1) << rank;
}

static inline void arch_lock_left(struct arch_lock_check *c)
{
	host_locks &= ~(UINT32_C(1) << c->rank);
}

#endif
