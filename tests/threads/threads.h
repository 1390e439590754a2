/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests with real threads under ThreadSanitizer: a thread is a CPU. A test runs rounds. In each,
 * all threads take random steps at once; then they all stop and one thread checks the state. The
 * steps of a thread depend on the seed alone; how the threads interleave, on the machine.
 */
#ifndef THREADS_H
#define THREADS_H

#include <stdbool.h>
#include <stdint.h>

#define THREADS_MAX 8

struct threads_test {
	const char *name;
	unsigned threads;              /* CPUs */
	unsigned rounds, steps;        /* steps of a thread in a round */
	void (*begin)(unsigned round); /* one thread, the others wait */
	void (*step)(unsigned me);     /* all at once */
	void (*serve)(unsigned me);    /* what a CPU does until all have taken their steps */
	const char *(*settled)(void);  /* one thread: what is wrong; NULL: nothing */
};

/* Runs it with seed argv[1], 1 without. 0: all was well. A wrong thing is named with its seed. */
int threads_run(const struct threads_test *t, int argc, char **argv);
/* A random number below n, of the calling thread. */
uint32_t threads_rnd(uint32_t n);

#endif
