/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ticket locks, taken with interrupts masked (EL2 always runs masked).
 * Order: guest configuration -> stream table -> SMMU queue -> ITS queue -> console ring.
 */
#ifndef HV_SPINLOCK_H
#define HV_SPINLOCK_H

#include <arch/cpu.h>
#include <hv/types.h>

/* A word that is written with its lock held and read by others without: whole, and once. */
#define read_once(x)     __atomic_load_n(&(x), __ATOMIC_RELAXED)
#define write_once(x, v) __atomic_store_n(&(x), v, __ATOMIC_RELAXED)

struct spinlock {
	uint16_t next;
	uint16_t serving;
};

static inline void spin_lock(struct spinlock *l)
{
	uint16_t mine = __atomic_fetch_add(&l->next, 1, __ATOMIC_RELAXED);

	while (__atomic_load_n(&l->serving, __ATOMIC_ACQUIRE) != mine)
		arch_cpu_relax();
}

static inline void spin_unlock(struct spinlock *l)
{
	__atomic_store_n(&l->serving, (uint16_t)(l->serving + 1), __ATOMIC_RELEASE);
}

#endif
