/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the planner adds to the host's port (tests/host/host.c): a log line is kept, and registers
 * that no model has read as registers.c assumes, or as --reg gives them.
 */
#include <stdlib.h>
#include <string.h>

#include <host.h>
#include <hv/faults.h>

#include "tool.h"

#define MAX_REGS 1024

struct reg {
	uintptr_t at;
	uint64_t value;
	bool given; /* by --reg: stays */
};
static struct reg regs[MAX_REGS];
static unsigned reg_count;

static struct {
	uintptr_t from, to;
} echoes[MAX_REGS];
static unsigned echo_count;

struct line *lines;
unsigned line_count;

static void keep(enum log_level level, bool assumed, const char *fmt, va_list ap)
{
	struct line *l;

	if (!(line_count & (line_count + 1))) /* room doubles */
		lines = realloc(lines, 2 * (line_count + 1) * sizeof(*lines));
	if (!lines)
		die("out of memory");
	l = &lines[line_count++];
	l->level = level;
	l->assumed = assumed;
	fmt_vprint(l->text, sizeof(l->text), fmt, ap);
}

static void keep_line(enum log_level level, const char *fmt, va_list ap)
{
	keep(level, false, fmt, ap);
}

void assume(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	keep(LOG_INFO, true, fmt, ap);
	va_end(ap);
}

static struct reg *find(uintptr_t at)
{
	for (unsigned i = 0; i < reg_count; i++)
		if (regs[i].at == at)
			return &regs[i];
	return NULL;
}

void register_set(uintptr_t at, uint64_t value, bool given)
{
	struct reg *r = find(at);

	if (!r && reg_count == ARRAY_SIZE(regs))
		return; /* what is written and never looked at is no loss */
	if (!r)
		r = &regs[reg_count++];
	if (!r->given)
		*r = (struct reg){ at, value, given };
}

static uint64_t register_read(void *model, uint64_t at, unsigned size)
{
	uint64_t mask = size == 8 ? ~UINT64_C(0) : (UINT64_C(1) << size * 8) - 1;
	const struct reg *r = find(at);

	(void)model;
	return r ? r->value & mask : 0;
}

static void register_write(void *model, uint64_t at, unsigned size, uint64_t v)
{
	(void)model, (void)size;
	for (unsigned i = 0; i < echo_count; i++)
		if (echoes[i].from == at)
			register_set(echoes[i].to, v, false);
}

void port_init(void)
{
	host_log_to(keep_line);
	host_mmio_rest(register_read, register_write);
	host_time_step(100); /* a board is not there to wait for */
}

void register_echo(uintptr_t from, uintptr_t to)
{
	if (echo_count == MAX_REGS)
		return;
	echoes[echo_count].from = from;
	echoes[echo_count++].to = to;
}

void register_given(const char *arg)
{
	char *end;
	uint64_t at = strtoull(arg, &end, 0), value;

	if (end == arg || *end != '=')
		die("--reg %s: give ADDRESS=VALUE", arg);
	arg = end + 1;
	value = strtoull(arg, &end, 0);
	if (end == arg || *end)
		die("--reg: \"%s\" is no number", arg);
	register_set(at, value, true);
}
