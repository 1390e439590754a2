/* SPDX-License-Identifier: Apache-2.0 */
/* Host provider of the port: see host.h. */
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arch/barrier.h>
#include <arch/cache.h>
#include <arch/cpu.h>
#include <arch/mmio.h>
#include <arch/time.h>
#include <arch/tlb.h>
#include <arch/window.h>
#include <host.h>
#include <hv/log.h>
#include <hv/panic.h>

struct model {
	uintptr_t base;
	size_t size;
	host_read_fn *r;
	host_write_fn *w;
	void *model;
};
static struct model models[128];
static size_t model_count;
static struct model rest; /* of every address that no model has */

static struct host_event trace[65536];
static size_t trace_count;
static char logbuf[1 << 20];
static size_t log_len;
static host_log_fn *log_sink;
static uint64_t now, time_step = 1;

uint64_t host_random;
bool host_threads;
_Thread_local uint32_t host_locks;

void host_mmio_add(uintptr_t base, size_t size, host_read_fn *r, host_write_fn *w, void *model)
{
	assert(model_count < sizeof(models) / sizeof(models[0]));
	models[model_count].base = base;
	models[model_count].size = size;
	models[model_count].r = r;
	models[model_count].w = w;
	models[model_count++].model = model;
}

void host_mmio_clear(void)
{
	model_count = 0;
}

void host_mmio_rest(host_read_fn *r, host_write_fn *w)
{
	rest = (struct model){ .size = SIZE_MAX, .r = r, .w = w };
}

/* What the trace calls an access of so many bytes. */
static const char *const reads[] = { [1] = "r8", [2] = "r16", [4] = "r32", [8] = "r64" };
static const char *const writes[] = { [1] = "w8", [2] = "w16", [4] = "w32", [8] = "w64" };

static const struct model *model_at(uintptr_t a)
{
	for (size_t i = model_count; i--;)
		if (a >= models[i].base && a - models[i].base < models[i].size)
			return &models[i];
	return rest.r ? &rest : NULL;
}

uint64_t host_mmio_read(uintptr_t a, unsigned size)
{
	const struct model *m = model_at(a);
	uint64_t v = size == 8 ? ~UINT64_C(0) : (UINT64_C(1) << size * 8) - 1;

	if (m)
		v = m->r(m->model, a - m->base, size);
	host_trace(reads[size], a, v);
	return v;
}

void host_mmio_write(uintptr_t a, unsigned size, uint64_t v)
{
	const struct model *m = model_at(a);

	host_trace(writes[size], a, v);
	if (m)
		m->w(m->model, a - m->base, size, v);
}

void host_trace(const char *op, uint64_t addr, uint64_t value)
{
	if (!host_threads && trace_count < sizeof(trace) / sizeof(trace[0]))
		trace[trace_count++] = (struct host_event){ op, addr, value };
}

void host_trace_clear(void)
{
	trace_count = 0;
}

size_t host_trace_count(void)
{
	return trace_count;
}

const struct host_event *host_trace_at(size_t i)
{
	assert(i < trace_count);
	return &trace[i];
}

long host_trace_find(size_t from, const char *op, uint64_t addr)
{
	for (size_t i = from; i < trace_count; i++)
		if (!strcmp(trace[i].op, op) && (addr == UINT64_MAX || trace[i].addr == addr))
			return (long)i;
	return -1;
}

const char *host_log(void)
{
	return logbuf;
}

void host_log_clear(void)
{
	log_len = 0;
	logbuf[0] = 0;
}

static void log_append(const char *fmt, va_list ap)
{
	if (!host_threads && log_len + 2 < sizeof(logbuf)) {
		int n = vsnprintf(logbuf + log_len, sizeof(logbuf) - log_len - 2, fmt, ap);

		log_len += (size_t)n < sizeof(logbuf) - log_len - 2 ? (size_t)n : 0;
		logbuf[log_len++] = '\n';
		logbuf[log_len] = 0;
	}
}

void host_log_to(host_log_fn *sink)
{
	log_sink = sink;
}

void log_line(enum log_level level, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	if (log_sink)
		log_sink(level, fmt, ap);
	else
		log_append(fmt, ap);
	va_end(ap);
}

bool host_log_full;

bool log_spare(const char *fmt, ...)
{
	va_list ap;

	if (host_log_full)
		return false;
	va_start(ap, fmt);
	log_append(fmt, ap);
	va_end(ap);
	return true;
}

void panic(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	abort();
}

void assert_failed(const char *expr, const char *file, int line)
{
	panic("%s:%d: assertion '%s' failed", file, line, expr);
}

uint64_t arch_time_ticks(void)
{
	now += time_step;
	return now;
}

uint64_t arch_time_hz(void)
{
	return 1000000;
}

void host_time_advance(uint64_t us)
{
	now += us;
}

void host_time_step(uint64_t us)
{
	time_step = us;
}

void arch_tlb_s2_ipa(uint64_t vttbr, uint64_t ipa)
{
	host_trace("tlb_s2_ipa", ipa, vttbr);
}

void arch_tlb_s2_all(uint64_t vttbr)
{
	host_trace("tlb_s2_all", 0, vttbr);
}

void arch_cache_clean_inval(const void *va, size_t size)
{
	host_trace("cache_clean_inval", (uintptr_t)va, size);
}

void arch_icache_inval_all(void)
{
	host_trace("icache_inval_all", 0, 0);
}

/* On the host, physical addresses are pointers. */
struct range host_poison;

static bool poisoned(pa_t pa, size_t size)
{
	return range_overlaps(host_poison, (struct range){ pa.v, size });
}

bool arch_window_read(void *to, pa_t from, size_t size)
{
	arch_cache_clean_inval(pa_to_va(from), size);
	if (poisoned(from, size))
		return false;
	memcpy(to, pa_to_va(from), size);
	return true;
}

bool arch_window_write(pa_t to, const void *from, size_t size)
{
	if (poisoned(to, size))
		return false;
	if (from)
		memcpy(pa_to_va(to), from, size);
	else
		memset(pa_to_va(to), 0, size);
	arch_cache_clean_inval(pa_to_va(to), size);
	return true;
}
