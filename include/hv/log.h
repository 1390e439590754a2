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
 * masked. To be called first at boot; lines from before are lost.
 */
void log_set_output(void (*put)(const char *line, size_t n));
void log_line(enum log_level level, const char *fmt, ...) __printf(2, 3);

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

/* At most `burst` lines, then only a count. One a guest (or stream); not shared, so not locked. */
struct ratelimit {
	uint64_t count, burst;
};

#define RATELIMIT(n) ((struct ratelimit){ .burst = (n) })

static inline bool ratelimit_pass(struct ratelimit *r)
{
	return __atomic_fetch_add(&r->count, 1, __ATOMIC_RELAXED) < r->burst;
}

#endif
