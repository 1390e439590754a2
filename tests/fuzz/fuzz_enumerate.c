/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzz target: discovery, placement, identity, groups and reset of whatever answers in an ECAM. Up
 * to eight kinds of functions made of the input appear at any bus and slot that the input says, on
 * every bus again if it likes: no hierarchy is kept up that hardware would keep up. A finding is a
 * sanitizer report, a panic, time without end, an access that is no config access, or functions
 * that are said to be usable and are not.
 */
#include <assert.h>
#include <string.h>

#include <host.h>

#include "../host/pci_board.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ECAM  UINT64_C(0x4010000000)
#define KINDS 8
#define BUSES 16

static struct kind {
	uint8_t cfg[4096], write[4096], noise[4096];
} kinds[KINDS];
static uint8_t where[4][8]; /* by bus and slot, modulo; 0: nobody, else kind + 1 */
static unsigned reads, wrong;

struct input {
	const uint8_t *at, *end;
};

static uint32_t take(struct input *in, unsigned bytes)
{
	uint32_t v = 0;

	while (bytes--)
		v = v << 8 | (in->at < in->end ? *in->at++ : 0);
	return v;
}

static struct kind *find(uint64_t off)
{
	unsigned bus = (unsigned)(off >> 20), slot = off >> 15 & 31;
	unsigned k = where[bus % 4][slot % 8];

	return k && slot < 8 ? &kinds[k - 1] : NULL;
}

static uint64_t ecam_read(void *model, uint64_t off, unsigned size)
{
	struct kind *k = find(off);
	uint64_t v = 0;

	(void)model;
	wrong += size > 4 || off & (size - 1);
	reads++;
	for (unsigned i = 0; i < size; i++) {
		unsigned at = (off & 0xfff) + i;
		uint8_t b = k ? k->cfg[at] : 0xff;

		/* Registers that change by themselves. */
		v |= (uint64_t)(uint8_t)(k && reads % 3 == 0 ? b ^ k->noise[at] : b) << 8 * i;
	}
	return v;
}

static void ecam_write(void *model, uint64_t off, unsigned size, uint64_t v)
{
	struct kind *k = find(off);

	(void)model;
	wrong += size > 4 || off & (size - 1);
	for (unsigned i = 0; k && i < size; i++) {
		unsigned at = (off & 0xfff) + i;

		k->cfg[at] = (uint8_t)((k->cfg[at] & ~k->write[at]) |
				       (uint8_t)(v >> 8 * i & k->write[at]));
	}
}

/* A plausible function, so that what comes behind its header is looked at. */
static void begin_kind(struct kind *k, unsigned what)
{
	static const uint8_t id[] = { 0x86, 0x80, 1, 0 };

	memcpy(k->cfg, id, sizeof(id));
	k->cfg[0x0e] = (uint8_t)(what & 1 ? 1 : what << 6 & 0x80); /* a bridge, or multifunction */
	k->cfg[0x06] = 0x10;
	k->cfg[0x34] = 0x40;
	k->cfg[0x40] = 0x10;
	k->cfg[0x42] = (uint8_t)(2 | (what >> 4) << 4);
	k->cfg[0x47] = what & 4 ? 0x10 : 0;
	memset(&k->write[0x04], 0xff, 2);
	memset(&k->write[0x12], 0xff, 2);
	memset(&k->write[0x18], 0xff, what & 1 ? 0x18 : 0);
	if (what & 8)
		k->cfg[0x100] = 0x0d;
}

static void world(struct input *in)
{
	memset(kinds, 0, sizeof(kinds));
	memset(where, 0, sizeof(where));
	for (unsigned i = 0; i < KINDS; i++)
		begin_kind(&kinds[i], take(in, 1));
	for (unsigned n = take(in, 1) % 33; n; n--) {
		unsigned at = take(in, 1);

		where[at >> 3 & 3][at & 7] = (uint8_t)(take(in, 1) % (KINDS + 1));
	}
	while (in->at < in->end) {
		struct kind *k = &kinds[take(in, 1) % KINDS];
		unsigned what = take(in, 1), at = take(in, 2);
		uint8_t *to = what & 6 ? k->cfg : k->noise;

		if (what & 1)
			to = k->write;
		at &= what & 8 ? 0xfff : 0xff;
		for (unsigned i = 0; i <= (what >> 4 & 7); i++)
			to[(at + i) & 0xfff] = (uint8_t)take(in, 1);
	}
}

static bool usable(const struct pci_func *f)
{
	return !f->bridge && !f->refused;
}

static void check_bars(const struct pci_func *f)
{
	for (unsigned i = 0; i < PCI_BARS; i++) {
		const struct pci_bar *b = &f->bar[i];

		if (b->io || !b->assigned)
			continue;
		assert(b->size && !(b->size & (b->size - 1)) && !(b->pci & (b->size - 1)));
		for (const struct pci_func *g = pci_funcs; g <= f; g++)
			for (unsigned j = 0; j < PCI_BARS; j++)
				if (usable(g) && (g != f || j < i) && g->bar[j].assigned &&
				    !g->bar[j].io)
					assert((b->pa.v | 4095) < g->bar[j].pa.v ||
					       ((g->bar[j].pa.v + g->bar[j].size - 1) | 4095) <
						       b->pa.v);
	}
}

static void check(void)
{
	for (unsigned i = 0; i < pci_func_count; i++) {
		const struct pci_func *f = &pci_funcs[i];

		assert(f->group <= i && pci_funcs[f->group].group == f->group);
		assert(f->alias_count && f->sid_count <= f->alias_count);
		if (!usable(f))
			continue;
		check_bars(f);
		assert(f->msi_count <= 32 && f->msix_count <= 2048 && f->rebar_count <= PCI_BARS);
		if (f->msix_count)
			assert(range_end(f->msix[MSIX_TABLE].at) <=
			       f->bar[f->msix[MSIX_TABLE].bar].size);
	}
}

/* Bounded in steps and in time, with a device that says what it likes. */
static void reset_all(void)
{
	for (unsigned i = 0; i < pci_func_count && i < 16; i++) {
		unsigned steps = 0;

		if (pci_funcs[i].bridge)
			continue;
		pci_reset_begin(&pci_funcs[i]);
		while (pci_reset_step(&pci_funcs[i]) == HV_EAGAIN) {
			host_time_advance(1000000);
			assert(++steps < 80);
		}
		host_trace_clear();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, data + size };

	board_begin();
	world(&in);
	reads = wrong = 0;
	host_mmio_add(ECAM, (size_t)BUSES << 20, ecam_read, ecam_write, NULL);
	board_host(&(struct board_host){ .ecam = ECAM, .ecam_size = (uint64_t)BUSES << 20 });
	board_go();
	host_trace_clear();
	assert(pci_func_count <= MAX_PCI_FUNCS);
	check();
	reset_all();
	assert(!wrong);
	return 0;
}
