/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The attack suite's payload: a hostile guest that runs named attacks one after the other, beside a
 * healthy neighbour (neighbour.c). An attack is a function and a row made by ATTACK(); nothing else
 * has to know it. It is repeated until the neighbour has completed the units of work that
 * attack_units says: progress is counted, never timed. The result of each is one line,
 *
 *   ATTACK its_lpi_moved_then_discarded: contained rounds=12 neighbour=4
 *   ATTACK its_lpi_moved_then_discarded: BROKE why
 *
 * and tests/boot/test_attack.py judges it, with what the neighbour and Viaduct said. Exceptions of
 * an attack are taken and counted, and the instruction is skipped.
 */
#ifndef ATTACK_H
#define ATTACK_H

#include "../guests/edu.h"
#include "../guests/rt.h"

struct attack {
	const char *name;
	void (*run)(void);
	unsigned flags;
	const char *what;    /* it tries */
	const char *mending; /* stops it */
	const char *where;   /* that is */
};

#define ONCE     1  /* not repeated: the neighbour's progress is waited for behind it */
#define NEED_ITS 2  /* GICv3 with an ITS */
#define NEED_V3  4  /* GICv3 */
#define NEED_V2  8  /* GICv2 */
#define RESTARTS 16 /* ends in SYSTEM_RESET, once; the next life reports */

#define ATTACK(fn, flags, what, mending, where)                                                    \
	static void fn(void);                                                                      \
	static const struct attack fn##_attack                                                     \
		__attribute__((used, section(".attacks"), aligned(8))) = { #fn,  fn,      flags,   \
									   what, mending, where }; \
	static void fn(void)

/* The attack broke through: said with its reason; the first reason of an attack counts. */
void broke(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/*
 * Memory that attacker and neighbour share: it survives their restarts. The attacker could change
 * all of it; it is on the judge's side, only its other acts are hostile.
 */
struct shared {
	volatile u32 units;      /* that the neighbour has completed */
	volatile u32 bad;        /* what the neighbour found wrong */
	volatile u32 stop;       /* the attacks are over */
	volatile u32 life;       /* of the attacker */
	volatile u32 next;       /* attack to run, counted over all rows */
	volatile u32 rounds;     /* of a RESTARTS attack */
	volatile u32 units_then; /* of the neighbour when the running attack began */
	volatile u32 running;    /* 1 + attack that ended in a reset */
	volatile u64 seed[2]
			 [2]; /* kaslr-seed and rng-seed's start: neighbour, attacker's last life */
	volatile u64 scratch[8]; /* of the attacks */
};
extern struct shared *shared;
void seed_publish(struct shared *s, unsigned who); /* 0 the neighbour, 1 the attacker */

/* --- the attackers' tools --- */
extern struct pci_dev edu;  /* cfg 0: there is none; its BAR 0 is edu.bar[0] */
extern struct pci_dev nvme; /* the same */
u64 rnd(void);              /* repeatable: seed=N of the command line */
u64 rnd_below(u64 n);       /* 0 .. n - 1 */
u64 rnd_odd(void);          /* what code often gets wrong: 0, ~0, powers of two, ... */
u64 rnd_step(u64 *state);   /* a sequence of one's own, from a state that is not 0 */
/* Half of all r stand for a number that code often gets wrong; false: this one does not. */
bool rnd_is_odd(u64 r, u64 *odd);
u64 attack_ram(void); /* the second half of RAM: 4 KiB aligned, nobody's */
u64 attack_ram_size(void);
/* Runs fn(cpu) on another vCPU, which comes back for more; false: it does not run. */
bool start_on(unsigned cpu, void (*fn)(unsigned cpu));
bool end_on(unsigned cpu);        /* waits until fn has returned */
extern volatile bool stop_others; /* what fn() looks at, to end */
/* One access of `size` bytes; true: no exception. */
bool poke(u64 at, unsigned size, u64 value);
bool peek(u64 at, unsigned size, u64 *value);
extern u32 faults[RT_MAX_CPUS]; /* exceptions taken in poke() and peek() */
/* edu's DMA engine: 0.1 s each. False: it never ends. */
bool edu_dma(u64 ram, u64 size, bool to_ram);

/* --- main.c and tools.c --- */
void tools_init(void);
void tools_again(void); /* everything as tools_init() made it, other vCPUs off */
void rnd_start(const char *name);
void tools_off(void); /* the other vCPUs go off */

#endif
