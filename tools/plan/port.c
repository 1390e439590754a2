/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The port's provider for the planner: config space and registers are models, a log line is kept,
 * time passes by looking at it. Registers that Viaduct reads before it plans read as registers.c
 * assumes, or as --reg gives them.
 */
#include <stdlib.h>
#include <string.h>

#include <arch/mmio.h>
#include <arch/time.h>
#include <arch/tlb.h>
#include <host.h>
#include <hv/faults.h>
#include <hv/panic.h>

#include "tool.h"

#define MAX_REGS 1024

static struct {
	uintptr_t base;
	size_t size;
	host_read_fn *r;
	host_write_fn *w;
	void *model;
} models[MAX_PCI_HOSTS];
static unsigned model_count;

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

void log_line(enum log_level level, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	keep(level, false, fmt, ap);
	va_end(ap);
}

void assume(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	keep(LOG_INFO, true, fmt, ap);
	va_end(ap);
}

void panic(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	abort(); /* a bug of Viaduct: the board would stop here */
}

void assert_failed(const char *expr, const char *file, int line)
{
	panic("%s:%d: assertion '%s' failed", file, line, expr);
}

/* As Viaduct's PSCI tells it on the board: the tool says nothing, and time costs nothing. */
uint64_t arch_time_ticks(void)
{
	static uint64_t now;

	return now += 100;
}

uint64_t arch_time_hz(void)
{
	return 1000000;
}

void host_trace(const char *op, uint64_t addr, uint64_t value)
{
	(void)op, (void)addr, (void)value;
}

/* Nothing is translated here. */
void arch_tlb_s2_ipa(uint64_t vttbr, uint64_t ipa)
{
	(void)vttbr, (void)ipa;
}

void arch_tlb_s2_all(uint64_t vttbr)
{
	(void)vttbr;
}

void host_mmio_add(uintptr_t base, size_t size, host_read_fn *r, host_write_fn *w, void *model)
{
	if (model_count == ARRAY_SIZE(models))
		panic("more ECAMs than host bridges");
	models[model_count].base = base;
	models[model_count].size = size;
	models[model_count].r = r;
	models[model_count].w = w;
	models[model_count++].model = model;
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

uint64_t host_mmio_read(uintptr_t a, unsigned size)
{
	uint64_t mask = size == 8 ? ~UINT64_C(0) : (UINT64_C(1) << size * 8) - 1;
	const struct reg *r;

	for (unsigned i = 0; i < model_count; i++)
		if (a >= models[i].base && a - models[i].base < models[i].size)
			return models[i].r(models[i].model, a - models[i].base, size);
	r = find(a);
	return r ? r->value & mask : 0;
}

void host_mmio_write(uintptr_t a, unsigned size, uint64_t v)
{
	for (unsigned i = 0; i < echo_count; i++)
		if (echoes[i].from == a)
			register_set(echoes[i].to, v, false);
	for (unsigned i = 0; i < model_count; i++)
		if (a >= models[i].base && a - models[i].base < models[i].size)
			models[i].w(models[i].model, a - models[i].base, size, v);
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

/* No device is at work. */
void faults_report(struct iommu *i, const struct iommu_fault *f)
{
	(void)i;
	(void)f;
}

void iommu_retry(void)
{
}

void faults_iommu_died(struct iommu *i)
{
	(void)i;
}
