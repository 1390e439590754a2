/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The log: one line a fact, prefixed "viaduct: ", no log on a hot path. Formats: %s %c %d %u %x
 * %% with width, 0, -, l, ll, z. Lines that a guest or device can cause go through a struct
 * ratelimit.
 */
#ifndef HV_LOG_H
#define HV_LOG_H

#include <stdarg.h>

#include <hv/types.h>

enum log_level { LOG_ERR, LOG_WARN, LOG_INFO };

/*
 * Registers where lines go: whole ones that end in a newline, from any CPU and context, interrupts
 * masked. To be called first at boot; lines from before are lost. A `spare` line is one of
 * log_spare(); false: it was not taken.
 */
typedef bool log_output_fn(const char *line, size_t n, bool spare);
void log_set_output(log_output_fn *put);
void log_line(enum log_level level, const char *fmt, ...) __printf(2, 3);

/*
 * A warning that a guest or device can cause: taken only while half of the log's ring is free for
 * lines that matter more. False: it was not.
 */
bool log_spare(const char *fmt, ...) __printf(1, 2);

#define log_err(...)  log_line(LOG_ERR, __VA_ARGS__)
#define log_warn(...) log_line(LOG_WARN, __VA_ARGS__)
#define log_info(...) log_line(LOG_INFO, __VA_ARGS__)

/* Returns the length without NUL, truncated to size - 1; always terminates when size > 0. */
size_t fmt_vprint(char *buf, size_t size, const char *fmt, va_list ap);
size_t fmt_print(char *buf, size_t size, const char *fmt, ...) __printf(3, 4);

/* Reads a number of 1 to 4 digits at *s, which moves behind it; false: none, or more than `max`. */
bool text_number(const char **s, unsigned base, unsigned max, unsigned *out);
/* Steps over `c`; false: something else is there. */
bool text_symbol(const char **s, char c);

/*
 * Which of the words in `list` ("a\0b\0") a misspelt `word` was probably meant to be: it differs in
 * at most two characters, in one if it is short. NULL: none of them.
 */
const char *text_nearest(const char *word, const char *list);

/*
 * A budget of log lines by time: `burst` at once, and one more each `period_ms`, whatever happens
 * to who causes them. Any CPU, no lock. One for each guest, stream or device that can cause lines.
 */
struct ratelimit {
	uint64_t next; /* ticks */
	uint32_t burst, period_ms;
	uint32_t missed; /* lines since the last that passed */
};

#define RATELIMIT(n, ms) ((struct ratelimit){ .burst = (n), .period_ms = (ms) })

/* False: not to be printed, but counted. Else *missed is how many were not, since the last time. */
bool __must_check ratelimit_pass(struct ratelimit *r, uint32_t *missed);
/* What passed but was not printed either. */
void ratelimit_miss(struct ratelimit *r, uint32_t n);

#endif
