/* SPDX-License-Identifier: Apache-2.0 */
/* See threads.h. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include <host.h>

#include "threads.h"

static const struct threads_test *test;
static pthread_barrier_t together;
static unsigned done, seed;
static const char *wrong;
static _Thread_local uint64_t state;

uint32_t threads_rnd(uint32_t n)
{
	state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(state >> 33) % n;
}

/* Who has no steps left still answers the others. */
static void take_steps(unsigned me)
{
	for (unsigned i = 0; i < test->steps; i++)
		test->step(me);
	__atomic_fetch_add(&done, 1, __ATOMIC_RELAXED);
	while (__atomic_load_n(&done, __ATOMIC_RELAXED) < test->threads)
		test->serve(me);
}

static void *cpu(void *arg)
{
	unsigned me = (unsigned)(uintptr_t)arg;

	for (unsigned round = 0; round < test->rounds && !wrong; round++) {
		state = (uint64_t)seed << 32 | round << 8 | me;
		if (me == 0) {
			test->begin(round);
			done = 0;
		}
		pthread_barrier_wait(&together);
		take_steps(me);
		pthread_barrier_wait(&together);
		if (me == 0)
			wrong = test->settled();
		pthread_barrier_wait(&together);
	}
	return NULL;
}

int threads_run(const struct threads_test *t, int argc, char **argv)
{
	pthread_t thread[THREADS_MAX];

	test = t;
	seed = argc > 1 ? (unsigned)atoi(argv[1]) : 1;
	host_threads = true;
	pthread_barrier_init(&together, NULL, t->threads);
	for (uintptr_t i = 0; i < t->threads; i++)
		if (pthread_create(&thread[i], NULL, cpu, (void *)i))
			abort();
	for (unsigned i = 0; i < t->threads; i++)
		pthread_join(thread[i], NULL);
	if (wrong)
		printf("threads: %s: seed %u: not true: %s\n", t->name, seed, wrong);
	else
		printf("threads: %s: %u rounds of %u steps on %u CPUs: ok\n", t->name, t->rounds,
		       t->steps, t->threads);
	return wrong != NULL;
}
