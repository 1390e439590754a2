/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ticket lock, from every number of the ticket, its wrap included, with up to 3 before this
 * CPU. It gets the lock when they have had it, in the order in which they came, and leaves it to
 * the next. Others unlock only while this CPU waits, which is the worst they can do to it.
 */
#include "prove.h"

#include <hv/spinlock.h>

static struct spinlock lock;
static unsigned before, others_since;
_Thread_local uint32_t host_locks;

/* The holder unlocks, and perhaps another CPU comes. */
void host_relax(void)
{
	PROVE(before, "nobody waits for a lock that is free");
	before--;
	spin_unlock(&lock);
	if (nondet_bool()) {
		lock.next++;
		others_since++;
	}
}

void prove(void)
{
	uint16_t start = nondet_u16(), mine;

	before = any_below(4);
	lock = (struct spinlock){ .next = (uint16_t)(start + before), .serving = start };
	mine = lock.next;
	spin_lock(&lock, LOCK_VPCI);
	PROVE(before == 0, "those before have all had it");
	PROVE(lock.serving == mine, "it is this CPU's turn");
	PROVE((uint16_t)(lock.next - mine) == 1 + others_since, "who came later waits");
	spin_unlock(&lock);
	PROVE(lock.serving == (uint16_t)(mine + 1), "the next one's turn");
	PROVE(others_since || lock.next == lock.serving, "or it is free");
}
