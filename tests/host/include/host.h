/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The host's side of the port: register models, the trace of barriers and accesses, the log and the
 * clock. One provider (tests/host/host.c) for unit tests, fuzzers and the planner.
 */
#ifndef HOST_H
#define HOST_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <hv/log.h>
#include <hv/types.h>

/* A register model for [base, base + size). Reads where nobody answers give all ones. */
typedef uint64_t host_read_fn(void *model, uint64_t off, unsigned size);
typedef void host_write_fn(void *model, uint64_t off, unsigned size, uint64_t value);
void host_mmio_add(uintptr_t base, size_t size, host_read_fn *r, host_write_fn *w, void *model);
void host_mmio_clear(void);
/* A model of every address that no other model has (off is the address); NULL: none again. */
void host_mmio_rest(host_read_fn *r, host_write_fn *w);

/* Set where several threads run (tests/threads): then nothing is traced and nothing is logged. */
extern bool host_threads;

/* The trace: what happened, in order. op is a literal ("dsb_ishst", "w32", "tlb_s2_ipa", ...). */
struct host_event {
	const char *op;
	uint64_t addr;
	uint64_t value;
};
void host_trace(const char *op, uint64_t addr, uint64_t value);
void host_trace_clear(void);
size_t host_trace_count(void);
const struct host_event *host_trace_at(size_t i);
/* Index of the first event `op` at or behind `from`; -1: none. addr UINT64_MAX matches any. */
long host_trace_find(size_t from, const char *op, uint64_t addr);

/* Everything that was logged since the last clear; NUL terminated, lines end in '\n'. */
const char *host_log(void);
void host_log_clear(void);
/* Hands each line to `sink` in place of host_log(). */
typedef void host_log_fn(enum log_level level, const char *fmt, va_list ap);
void host_log_to(host_log_fn *sink);
extern bool host_log_full; /* log_spare() takes nothing */

/* Memory (PA) that answers windows with an external abort; size 0: none. */
extern struct range host_poison;

/* What the CPU's random number generator gives next; 0: it has none. */
extern uint64_t host_random;

/*
 * The clock: it goes on by `step` (1 us unless set) with each look at it, and when the test says
 * so.
 */
void host_time_advance(uint64_t us);
void host_time_step(uint64_t us);

#endif
