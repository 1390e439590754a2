/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See smmuv2_model.h. Numbers are written out here where the driver has names, so that a wrong name
 * in the spec header is seen.
 */
#include <assert.h>
#include <string.h>

#include <host.h>
#include <hv/bits.h>
#include <hv/types.h>

#include "smmuv2_model.h"

void smmuv2_model_reset(struct smmuv2_model *m)
{
	memset(m, 0, sizeof(*m));
	m->v1 = true;
	/*
	 * S2TS, SMS, LPAE only, one context interrupt, CTTW, 15 StreamID bits, 32 match registers
	 */
	m->idr0 = 1U << 29 | 1U << 27 | 1U << 24 | 1U << 16 | 1U << 14 | 15U << 9 | 32;
	m->idr1 = 2U << 28 | 4U << 16 | 4; /* 8 + 8 pages of 4 KiB, 4 contexts, stage 2 only */
	m->idr2 = 2U << 4 | 2;             /* 40 bits in and out */
	m->smr_bits = 0xffff7fff;
	m->cr0 = 1; /* CLIENTPD */
}

void smmuv2_model_mmu500(struct smmuv2_model *m)
{
	smmuv2_model_reset(m);
	m->v1 = false;
	m->mmu500 = true;
	m->idr0 = 7U << 28 | 1U << 27 | 1U << 14 | 15U << 9 | 128;
	m->idr1 = 1U << 31 | 3U << 28 | 16; /* 16 + 16 pages of 64 KiB, 16 contexts */
	m->idr2 = 1U << 14 | 1U << 12 | 5U << 8 | 5U << 4 | 5; /* AArch64, 48 bits */
	m->acr = 1U << 26;
	for (unsigned c = 0; c < 16; c++)
		m->cb[c].actlr = 3;
}

static unsigned page_log2(const struct smmuv2_model *m)
{
	return m->idr1 >> 31 ? 16 : 12;
}

static unsigned half_pages(const struct smmuv2_model *m)
{
	return 2U << (m->idr1 >> 28 & 7);
}

uint64_t smmuv2_model_size(const struct smmuv2_model *m)
{
	return (uint64_t)half_pages(m) * 2 << page_log2(m);
}

static unsigned groups(const struct smmuv2_model *m)
{
	unsigned sids = 1U << (m->idr0 >> 9 & 15);

	if (m->idr0 >> 27 & 1)
		return m->idr0 & 0xff;
	return sids < 256 ? sids : 256;
}

static unsigned contexts(const struct smmuv2_model *m)
{
	unsigned n = m->idr1 & 0xff;

	assert(n <= 16);
	return n;
}

/* ---- where a stream goes ---- */

enum { PASS = -1, USF = -2, SMCF = -3, UCBF = -4, ICF = -5 }; /* or a context */

static int route(const struct smmuv2_model *m, uint32_t sid)
{
	unsigned n, hits = 0, at = sid;

	if (m->cr0 & 1)
		return PASS;
	if (m->idr0 >> 27 & 1) {
		for (n = 0; n < groups(m); n++)
			if (m->smr[n] >> 31 && !((sid ^ m->smr[n]) & ~(m->smr[n] >> 16) & 0x7fff)) {
				hits++;
				at = n;
			}
		if (hits > 1)
			return m->cr0 >> 21 & 1 ? SMCF : PASS;
	} else {
		hits = sid < groups(m);
	}
	if (!hits)
		return m->cr0 >> 10 & 1 ? USF : PASS;
	switch (m->s2cr[at] >> 16 & 3) {
	case 1:
		return PASS;
	case 2:
		return ICF;
	}
	if ((m->s2cr[at] & 0xff) >= contexts(m))
		return UCBF;
	return (int)(m->s2cr[at] & 0xff);
}

bool smmuv2_model_passes(const struct smmuv2_model *m, uint32_t sid)
{
	int to = route(m, sid);

	return to == PASS || (to >= 0 && !(m->cb[to].sctlr & 1));
}

/* ---- translation ---- */

/*
 * As the AArch32 VTCR, or as VTCR_EL2 with VA64; what the architecture asks of either is checked.
 */
static uint64_t walk(const struct smmuv2_model *m, unsigned c, uint64_t ipa)
{
	static const unsigned sizes[] = { 32, 36, 40, 42, 44, 48 };
	uint32_t tcr = m->cb[c].tcr;
	bool va64 = m->cb[c].cba2r & 1;
	unsigned oas = sizes[m->idr2 >> 4 & 15], level = 2 - (tcr >> 6 & 3), bits, out;
	uint64_t root = m->cb[c].ttbr0[0] | (uint64_t)m->cb[c].ttbr0[1] << 32;
	const uint64_t *table;
	bool first = true;

	assert(tcr >> 31 && (tcr >> 8 & 0x3f) == 0x35); /* walks: write-back, inner shareable */
	if (va64) {
		assert(!m->v1 && m->idr2 >> 12 & 1 && (tcr & ~UINT32_C(0x80073fff)) == 0);
		bits = 64 - (tcr & 0x3f);
		out = sizes[tcr >> 16 & 7];
	} else {
		assert((tcr & ~UINT32_C(0x80003fdf)) == 0 && (tcr >> 4 & 1) == (tcr >> 3 & 1));
		assert((m->cb[c].sctlr & 6) == 6);
		bits = 32 - (tcr & 7) + (tcr & 8);
		out = oas < 40 ? oas : 40;
	}
	assert(level == 1 && bits > 30 && bits <= 40 && bits <= sizes[m->idr2 & 15]);
	assert(out <= oas && root >> out == 0);
	assert((root & ((UINT64_C(8) << (bits - 30)) - 1)) == 0); /* aligned to its size */
	table = pa_to_va(PA(root));
	if (ipa >> bits)
		return 0;
	for (;; level++, first = false) {
		unsigned shift = 39 - 9 * level;
		uint64_t index = ipa >> shift, pte = table[first ? index : index % 512];

		if (!(pte & 1) || (level == 3 && !(pte & 2)))
			return 0;
		assert((pte & BITS(47, 12)) >> out == 0);
		if (level == 3 || !(pte & 2)) {
			uint64_t page = ipa & ((UINT64_C(1) << shift) - 1) & ~UINT64_C(0xfff);

			return (pte & ~BITS(47, 12)) | ((pte & BITS(47, 12)) + page);
		}
		table = pa_to_va(PA(pte & BITS(47, 12)));
	}
}

static uint64_t fill(struct smmuv2_model *m, unsigned c, uint64_t page, bool prefetched)
{
	uint64_t pte = walk(m, c, page << 12);
	unsigned n = m->tlb_next % 64;

	if (!pte)
		return 0;
	m->tlb_next++;
	m->tlb[n].valid = true;
	m->tlb[n].prefetched = prefetched;
	m->tlb[n].vmid = (uint8_t)m->cb[c].cbar;
	m->tlb[n].page = page;
	m->tlb[n].pte = pte;
	return pte;
}

static uint64_t translate(struct smmuv2_model *m, unsigned c, uint64_t page)
{
	for (unsigned n = 0; n < 64; n++)
		if (m->tlb[n].valid && m->tlb[n].vmid == (uint8_t)m->cb[c].cbar &&
		    m->tlb[n].page == page)
			return m->tlb[n].pte;
	if (m->mmu500 && m->cb[c].actlr & 2)
		fill(m, c, page + 1, true);
	return fill(m, c, page, false);
}

/* ---- faults ---- */

bool smmuv2_model_level(const struct smmuv2_model *m)
{
	bool on = (m->gfsr & 0x1ff) && (m->cr0 & (1U << 2 | 1U << 5));

	for (unsigned c = 0; c < contexts(m); c++)
		on |= (m->cb[c].fsr & 0x1fe) && (m->cb[c].sctlr & 1U << 6);
	return on;
}

static int interrupt(const struct smmuv2_model *m)
{
	if (m->irq && smmuv2_model_level(m))
		m->irq();
	return DMA_ABORT;
}

static int global_fault(struct smmuv2_model *m, unsigned bit, uint32_t sid, bool write,
			uint64_t addr)
{
	assert((m->cr0 & 0x12) == 0x12); /* both kinds are reported to the device */
	if (m->gfsr & 0x1ff) {
		m->gfsr |= 1U << 31;
		return DMA_ABORT;
	}
	m->gfsr |= 1U << bit;
	m->gfsynr0 = write ? 2 : 0;
	m->gfsynr1 = sid;
	m->gfar = addr;
	return interrupt(m);
}

static int context_fault(struct smmuv2_model *m, unsigned c, unsigned bit, uint32_t sid, bool write,
			 uint64_t addr)
{
	assert((m->cb[c].sctlr & 0xa0) == 0x20); /* terminated with an abort, not stalled */
	if (m->cb[c].fsr & 0x1fe) {
		m->cb[c].fsr |= 1U << 31;
		return DMA_ABORT;
	}
	m->cb[c].fsr |= 1U << bit;
	m->cb[c].fsynr0 = write ? 0x10 : 0;
	m->cb[c].far = addr;
	m->cb[c].cbfrsynra = sid;
	return interrupt(m);
}

int smmuv2_model_dma(struct smmuv2_model *m, uint32_t sid, uint64_t addr, bool write, uint64_t *pa)
{
	static const unsigned bits[] = { [-USF] = 1, [-SMCF] = 2, [-UCBF] = 3, [-ICF] = 0 };
	int to = route(m, sid);
	unsigned c = (unsigned)to;
	uint64_t pte;

	*pa = addr;
	if (smmuv2_model_passes(m, sid))
		return DMA_OK;
	if (to < 0)
		return global_fault(m, bits[-to], sid, write, addr);
	assert((m->cb[c].cbar >> 16 & 3) == 0); /* stage 2 */
	if ((m->cb[c].fsr & 0x1fe) && !(m->cb[c].sctlr & 1U << 8))
		return DMA_ABORT; /* no hit under a previous fault */
	pte = translate(m, c, addr >> 12);
	if (!pte)
		return context_fault(m, c, 1, sid, write, addr);
	if (!(pte & BIT(10)))
		return context_fault(m, c, 2, sid, write, addr);
	if (!(pte & (write ? BIT(7) : BIT(6))))
		return context_fault(m, c, 3, sid, write, addr);
	*pa = (pte & BITS(47, 12)) | (addr & 0xfff);
	return DMA_OK;
}

/* ---- invalidation: takes effect with the sync behind it ---- */

static void pend(struct smmuv2_model *m, int by, bool all_vmids, uint8_t vmid, bool all_pages,
		 uint64_t page)
{
	unsigned n = m->pending_count++;

	assert(n < 64);
	m->pending[n].by = by;
	m->pending[n].all_vmids = all_vmids;
	m->pending[n].vmid = vmid;
	m->pending[n].all_pages = all_pages;
	m->pending[n].page = page;
}

static void perform(struct smmuv2_model *m, unsigned p)
{
	for (unsigned n = 0; n < 64; n++)
		if ((m->pending[p].all_vmids || m->tlb[n].vmid == m->pending[p].vmid) &&
		    (m->pending[p].all_pages || m->tlb[n].page == m->pending[p].page) &&
		    !m->tlb[n].prefetched)
			m->tlb[n].valid = false;
}

/* A bank's own sync is for what was written to that bank. */
static bool sync(struct smmuv2_model *m, int by)
{
	unsigned left = 0;

	if (m->sync_stuck)
		return true;
	for (unsigned p = 0; p < m->pending_count; p++) {
		if (by < 0 || m->pending[p].by == by)
			perform(m, p);
		else
			m->pending[left++] = m->pending[p];
	}
	m->pending_count = left;
	return false;
}

/* ---- registers ---- */

static uint64_t read_gr0(const struct smmuv2_model *m, uint64_t off)
{
	if (off >= 0x800 && off < 0xc00)
		return m->smr[(off - 0x800) / 4];
	if (off >= 0xc00 && off < 0x1000)
		return m->s2cr[(off - 0xc00) / 4];
	switch (off) {
	case 0x00:
		return m->cr0;
	case 0x10:
		assert(m->mmu500);
		return m->acr;
	case 0x20:
		return m->idr0;
	case 0x24:
		return m->idr1;
	case 0x28:
		return m->idr2;
	case 0x40:
		return (uint32_t)m->gfar;
	case 0x44:
		return m->gfar >> 32;
	case 0x48:
		return m->gfsr;
	case 0x50:
		return m->gfsynr0;
	case 0x54:
		return m->gfsynr1;
	case 0x74:
		return m->gactive;
	}
	assert(!"read of a register that the driver has no business with");
	return 0;
}

static void write_gr0(struct smmuv2_model *m, uint64_t off, uint32_t v)
{
	if (off >= 0x800 && off < 0xc00) {
		assert(m->idr0 >> 27 & 1 && (off - 0x800) / 4 < groups(m));
		m->smr[(off - 0x800) / 4] = v & m->smr_bits;
		return;
	}
	if (off >= 0xc00 && off < 0x1000) {
		assert((off - 0xc00) / 4 < groups(m) && (v >> 16 & 3) != 3);
		m->s2cr[(off - 0xc00) / 4] = v;
		return;
	}
	switch (off) {
	case 0x00:
		if (!m->cr0_stuck)
			m->cr0 = v;
		return;
	case 0x10:
		assert(m->mmu500);
		m->acr = v;
		return;
	case 0x48:
		m->gfsr &= ~v;
		return;
	case 0x64:
		assert(v && v < 256);
		pend(m, -1, false, (uint8_t)v, true, 0);
		return;
	case 0x68:
		pend(m, -1, true, 0, true, 0);
		return;
	case 0x6c: /* hyp contexts: there are none */
		return;
	case 0x70:
		m->gactive = sync(m, -1);
		return;
	}
	assert(!"write of a register that the driver has no business with");
}

static uint64_t read_cb(const struct smmuv2_model *m, unsigned c, uint64_t off)
{
	switch (off) {
	case 0x04:
		assert(m->mmu500);
		return m->cb[c].actlr;
	case 0x58:
		return m->cb[c].fsr;
	case 0x60:
		return (uint32_t)m->cb[c].far;
	case 0x64:
		return m->cb[c].far >> 32;
	case 0x68:
		return m->cb[c].fsynr0;
	case 0x7f4:
		return m->cb[c].active;
	}
	assert(!"read of a context register that the driver has no business with");
	return 0;
}

static void write_cb(struct smmuv2_model *m, unsigned c, uint64_t off, uint64_t v)
{
	uint32_t w = (uint32_t)v;

	switch (off) {
	case 0x00:
		m->cb[c].sctlr = w;
		return;
	case 0x04:
		assert(m->mmu500);
		if (!(m->acr >> 26 & 1))
			m->cb[c].actlr = w;
		return;
	case 0x20:
	case 0x24:
		assert(!(m->cb[c].sctlr & 1)); /* not while it translates */
		m->cb[c].ttbr0[off / 4 % 2] = w;
		return;
	case 0x30:
		assert(!(m->cb[c].sctlr & 1));
		m->cb[c].tcr = w;
		return;
	case 0x58:
		m->cb[c].fsr &= ~w;
		return;
	case 0x630:
		assert(!m->v1 && m->cb[c].cba2r & 1 && v >> 36 == 0);
		pend(m, (int)c, false, (uint8_t)m->cb[c].cbar, false, v);
		return;
	case 0x7f0:
		assert(!m->v1);
		m->cb[c].active = sync(m, (int)c);
		return;
	}
	assert(!"write of a context register that the driver has no business with");
}

static void write_gr1(struct smmuv2_model *m, uint64_t off, uint32_t v)
{
	unsigned c = (unsigned)(off % 0x400) / 4;

	assert(c < contexts(m) && !(m->cb[c].sctlr & 1));
	if (off < 0x400)
		m->cb[c].cbar = v;
	else if (off >= 0x800 && off < 0xc00 && !m->v1)
		m->cb[c].cba2r = v;
	else
		assert(off >= 0x800 && off < 0xc00 && v == 0); /* reserved in v1 */
}

static uint64_t reg_read(void *model, uint64_t off, unsigned size)
{
	const struct smmuv2_model *m = model;
	uint64_t page = off >> page_log2(m), in = off & ((1U << page_log2(m)) - 1);

	assert(size == 4);
	if (page == 0)
		return read_gr0(m, in);
	if (page == 1) {
		assert(in >= 0x400 && in < 0x400 + 4 * contexts(m));
		return m->cb[(in - 0x400) / 4].cbfrsynra;
	}
	assert(page >= half_pages(m) && page - half_pages(m) < contexts(m));
	return read_cb(m, (unsigned)page - half_pages(m), in);
}

static const uint32_t watched[] = { 0, 1, 2, 3, 4, 5, 8, 0x10, 0x100, 0x108, 0x7ffe, 0x7fff };

static void reg_write(void *model, uint64_t off, unsigned size, uint64_t v)
{
	struct smmuv2_model *m = model;
	uint64_t page = off >> page_log2(m), in = off & ((1U << page_log2(m)) - 1);
	bool before[ARRAY_SIZE(watched)];

	for (unsigned n = 0; n < ARRAY_SIZE(watched); n++)
		before[n] = smmuv2_model_passes(m, watched[n]);
	assert(size == (page >= half_pages(m) && in == 0x630 ? 8 : 4));
	if (page == 0) {
		write_gr0(m, in, (uint32_t)v);
	} else if (page == 1) {
		write_gr1(m, in, (uint32_t)v);
	} else {
		assert(page >= half_pages(m) && page - half_pages(m) < contexts(m));
		write_cb(m, (unsigned)page - half_pages(m), in, v);
	}
	for (unsigned n = 0; n < ARRAY_SIZE(watched); n++)
		assert(before[n] || !smmuv2_model_passes(m, watched[n]));
}

void smmuv2_model_attach(struct smmuv2_model *m, uintptr_t base)
{
	host_mmio_add(base, smmuv2_model_size(m), reg_read, reg_write, m);
}
