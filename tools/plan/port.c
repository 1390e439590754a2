/*
 * The port's provider for the planner: config space and registers are models, a log line is kept,
 * time passes by looking at it. Registers that Viaduct reads before it plans read as the comments
 * in `presets` say, or as --reg gives them: no hardware is there to ask.
 */
#include <stdlib.h>
#include <string.h>

#include <arch/mmio.h>
#include <arch/time.h>
#include <arch/tlb.h>
#include <host.h>
#include <hv/dt.h>
#include <hv/panic.h>
#include <spec/smmuv2.h>
#include <spec/smmuv3.h>

#include "tool.h"

#define SMMU_V3 "arm,smmu-v3"
/* Of each its identification registers, and CR0. 40-bit addresses with v1, 48-bit with v2. */
#define SMMU_V1(name)                                                                              \
	{ name, SMMUV2_IDR0, SMMUV2_IDR0_LEAST }, { name, SMMUV2_IDR1, 2 << 28 | 4 },              \
	{ name, SMMUV2_IDR2, 2 << 4 | 2 }
#define SMMU_V2(name)                                                                              \
	{ name, SMMUV2_IDR0, SMMUV2_IDR0_LEAST }, { name, SMMUV2_IDR1, 2 << 28 | 8 },              \
	{ name, SMMUV2_IDR2, (uint32_t)IDR2_PTFS_4K | 5 << 4 | 5 }
#define SMMUV2_IDR0_LEAST                                                                          \
	(uint32_t)(IDR0_S2TS | IDR0_SMS | IDR0_CTTW | FIELD(IDR0_NUMSIDB, 15) |                    \
		   FIELD(IDR0_NUMSMRG, 32))

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
static struct reg regs[1024];
static unsigned reg_count;

static struct {
	uintptr_t from, to;
} echoes[256];
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

static void set(uintptr_t at, uint64_t value, bool given)
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
			set(echoes[i].to, v, false);
	for (unsigned i = 0; i < model_count; i++)
		if (a >= models[i].base && a - models[i].base < models[i].size)
			models[i].w(models[i].model, a - models[i].base, size, v);
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
	set(at, value, true);
}

/* What a controller says of itself, where the tree does not: its least that Viaduct asks for. */
static const struct {
	const char *compatible;
	uint32_t at, value;
} presets[] = {
	/* Global abort, acknowledged; 48-bit addresses, 32-bit StreamIDs; no S2FWB.
	 */
	{ SMMU_V3, SMMU_GBPA, GBPA_ABORT },
	{ SMMU_V3, SMMU_IDR0,
	  (uint32_t)(IDR0_S2P | IDR0_COHACC | FIELD(IDR0_TTF, TTF_AARCH64) |
		     FIELD(IDR0_ST_LEVEL, ST_TWO_LEVEL)) },
	{ SMMU_V3, SMMU_IDR1,
	  (uint32_t)(FIELD(IDR1_SIDSIZE, 32) | FIELD(IDR1_CMDQS, 8) | FIELD(IDR1_EVENTQS, 7)) },
	{ SMMU_V3, SMMU_IDR5, (uint32_t)(FIELD(IDR5_OAS, 5) | IDR5_GRAN4K) },
	SMMU_V1("arm,mmu-400"), SMMU_V1("arm,mmu-401"), SMMU_V1("arm,smmu-v1"),
	SMMU_V2("arm,mmu-500"), SMMU_V2("arm,smmu-v2"),
};

/* Acknowledged at once: what is written at `from` reads at `to`. */
static const struct {
	const char *compatible;
	uint32_t from, to;
} acknowledged[] = {
	{ SMMU_V3, SMMU_CR0, SMMU_CR0ACK },
	{ SMMU_V3, SMMU_IRQ_CTRL, SMMU_IRQ_CTRLACK },
	{ SMMU_V3, SMMU_CMDQ_PROD, SMMU_CMDQ_CONS },
	{ "arm,mmu-400", SMMUV2_CR0, SMMUV2_CR0 }, { "arm,mmu-401", SMMUV2_CR0, SMMUV2_CR0 },
	{ "arm,mmu-500", SMMUV2_CR0, SMMUV2_CR0 }, { "arm,smmu-v1", SMMUV2_CR0, SMMUV2_CR0 },
	{ "arm,smmu-v2", SMMUV2_CR0, SMMUV2_CR0 },
};

/* Calls `f` with the place of every enabled controller of a kind. */
static void each(const void *fdt, const char *compatible, void (*f)(uintptr_t base, unsigned row),
		 unsigned row)
{
	struct range r;

	for (int n = dt_next(fdt, -1, compatible); n >= 0; n = dt_next(fdt, n, compatible))
		if (dt_enabled(fdt, n) && dt_reg(fdt, n, 0, &r) == HV_OK)
			f(r.base, row);
}

static void preset(uintptr_t base, unsigned row)
{
	set(base + presets[row].at, presets[row].value, false);
}

static void acknowledge(uintptr_t base, unsigned row)
{
	if (echo_count == ARRAY_SIZE(echoes))
		return;
	echoes[echo_count].from = base + acknowledged[row].from;
	echoes[echo_count++].to = base + acknowledged[row].to;
}

void registers_assume(const void *fdt)
{
	for (unsigned i = 0; i < ARRAY_SIZE(presets); i++)
		each(fdt, presets[i].compatible, preset, i);
	for (unsigned i = 0; i < ARRAY_SIZE(acknowledged); i++)
		each(fdt, acknowledged[i].compatible, acknowledge, i);
	if (dt_next(fdt, -1, SMMU_V3) >= 0)
		assume("SMMUv3: stage 2, 48-bit addresses, two-level stream table, coherent walks "
		       "where the tree has dma-coherent");
	if (dt_next(fdt, -1, "arm,mmu-401") >= 0 || dt_next(fdt, -1, "arm,mmu-500") >= 0 ||
	    dt_next(fdt, -1, "arm,smmu-v2") >= 0)
		assume("SMMUv1, SMMUv2: stage 2, 40-bit or 48-bit addresses, stream matching, coherent "
		       "walks where the tree has dma-coherent");
}
