/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stage 2 under ThreadSanitizer: one thread moves BARs between GiB ranges, as a guest's vCPU does
 * under the configuration lock, while three walk without a lock, as trapped loads do. Host pointers
 * are physical addresses here, and what the BARs map is no memory: a walk that takes a leaf for a
 * table dies, and an answer that no leaf ever gave is an error.
 */
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

#include <hv/pmem.h>
#include <hv/types.h>

/* The walk is held up between its loads now and then: tables are freed and used again meanwhile. */
static __thread unsigned steps;
static inline void *held_up(pa_t pa)
{
	if (++steps % 16 == 0)
		sched_yield();
	return pa_to_va(pa);
}

#define pa_to_va held_up
#include <hv/s2.h>
#undef pa_to_va

#define WALKERS 3
#define REGIONS 6
#define PLACES  12 /* GiB ranges */
#define MARK    UINT64_C(0x5a00)
#define DEVICE  UINT64_C(0x700000000000)

static struct s2 s2;
static bool done;
static const uint64_t sizes[] = { GIB(1), MIB(2), KIB(4) };

static uint64_t place(unsigned region, unsigned range)
{
	uint64_t size = sizes[region % 3];

	return GIB(1) * (1 + region + REGIONS * range) + (size < GIB(1) ? MIB(64) : 0);
}

/* Each thread's own: the same sequence in each run. */
static unsigned next(unsigned *state)
{
	*state = *state * 1103515245 + 12345;
	return *state >> 16;
}

/* The marks that region `r` ever has; its address is of no other region. */
static bool legal(uint64_t answer)
{
	return answer == 0 || answer == S2_MAPPED ||
	       (answer >= MARK && answer < MARK + REGIONS && (answer - MARK) % 2);
}

static void *walk(void *arg)
{
	unsigned state = *(unsigned *)arg;
	uint64_t bad = 0;

	while (!__atomic_load_n(&done, __ATOMIC_RELAXED)) {
		unsigned r = next(&state) % REGIONS;

		bad += !legal(s2_mark_at(&s2, IPA(place(r, next(&state) % PLACES))));
	}
	*(unsigned *)arg = bad != 0;
	return NULL;
}

static bool put(unsigned r, uint64_t at)
{
	uint64_t size = sizes[r % 3];

	return (r % 2 ? s2_mark(&s2, IPA(at), size, MARK + r) :
			s2_map(&s2, IPA(at), PA(DEVICE + GIB(1) * r), size, S2_DEVICE)) == HV_OK;
}

static bool move(unsigned rounds)
{
	uint64_t at[REGIONS] = { 0 };
	unsigned state = 7;
	bool ok = true;

	while (rounds-- && ok) {
		unsigned r = next(&state) % REGIONS;

		if (at[r])
			s2_unmap(&s2, IPA(at[r]), sizes[r % 3]);
		at[r] = place(r, next(&state) % PLACES);
		ok = put(r, at[r]);
	}
	return ok;
}

int main(void)
{
	pthread_t thread[WALKERS];
	unsigned arg[WALKERS] = { 1, 2, 3 };
	bool ok;

	pmem_reset();
	pmem_add((struct range){ (uintptr_t)aligned_alloc(MIB(2), MIB(8)), MIB(8) });
	/* As few as there can be, so that each is used again at once. */
	if (s2_init(&s2,
		    s2_geometry((struct s2_limits){ 48, false }, (struct s2_limits){ 48, true }), 1,
		    (struct s2_need){ 4, 2 }, S2_CPUS) != HV_OK)
		return 1;
	for (unsigned i = 0; i < WALKERS; i++)
		pthread_create(&thread[i], NULL, walk, &arg[i]);
	ok = move(100000);
	__atomic_store_n(&done, true, __ATOMIC_RELAXED);
	for (unsigned i = 0; i < WALKERS; i++)
		pthread_join(thread[i], NULL);
	for (unsigned i = 0; i < WALKERS; i++)
		ok = ok && !arg[i];
	printf("threads: s2: %s\n", ok ? "ok" : "FAIL");
	return !ok;
}
