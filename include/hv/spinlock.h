/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ticket locks. EL2 always runs with interrupts masked, so an interrupt never takes a lock that its
 * own CPU holds. A lock that is all zero is free.
 *
 * The ranks are the one order of all locks: while a CPU holds a lock it takes only locks of higher
 * ranks, so never two of one rank. The host build checks every spin_lock() against this order and
 * aborts; on the target the rank costs nothing.
 */
#ifndef HV_SPINLOCK_H
#define HV_SPINLOCK_H

#include <arch/cpu.h>
#include <arch/lock.h>
#include <hv/types.h>

/* A word that is written with its lock held and read by others without: whole, and once. */
#define read_once(x)     __atomic_load_n(&(x), __ATOMIC_RELAXED)
#define write_once(x, v) __atomic_store_n(&(x), v, __ATOMIC_RELAXED)

/* Outer first. */
enum lock_rank {
	LOCK_VPCI = 1,  /* struct vpci_func: shadow configuration space, MSI state */
	LOCK_VM_CONFIG, /* struct vm, config_lock: stage 2 of the CPUs, mapped BARs */
	LOCK_VUART,     /* struct vuart: registers and input of one guest's PL011 */
	LOCK_VCLOCK,    /* struct vrtc, struct vwatchdog: registers of one guest's */
	LOCK_VITS,      /* struct vits: devices, collections, events, the queue of commands */
	LOCK_VGIC,      /* struct vgic_vm: every line and list register of one guest */
	LOCK_IOMMU,     /* struct iommu: stream table and command queue */
	LOCK_FAULTS,    /* common/guest/faults.c: records of faults */
	LOCK_ITS,       /* struct its: the queue of physical ITS commands */
	LOCK_GIC,       /* gic_hw: registers of the distributor that several lines share */
	LOCK_CONSOLE,   /* struct ring: writers of one console ring. Last: any code may log */
};

struct spinlock {
	uint16_t next;
	uint16_t serving;
	struct arch_lock_check check;
};

/* Waits for `l`, which has the same rank at every call. Any context; acquires. */
static inline void spin_lock(struct spinlock *l, enum lock_rank rank)
{
	uint16_t mine;

	arch_lock_wanted(rank);
	mine = __atomic_fetch_add(&l->next, 1, __ATOMIC_RELAXED);
	while (__atomic_load_n(&l->serving, __ATOMIC_ACQUIRE) != mine)
		arch_cpu_relax();
	arch_lock_taken(&l->check, rank);
}

/* On the CPU that took it; releases. Locks may be left in any order. */
static inline void spin_unlock(struct spinlock *l)
{
	arch_lock_left(&l->check);
	__atomic_store_n(&l->serving, (uint16_t)(l->serving + 1), __ATOMIC_RELEASE);
}

#endif
