/* SPDX-License-Identifier: Apache-2.0 */
/* See smmuv3_model.h. Behaviour from IHI 0070; limits as in QEMU (S2AA64, S2SL0, S2S checks). */
#include <assert.h>
#include <string.h>

#include <host.h>
#include <hv/types.h>
#include <spec/smmuv3.h>

#include "smmuv3_model.h"

enum { CERROR_ILL = 1 };

void smmuv3_model_reset(struct smmuv3_model *m)
{
	memset(m, 0, sizeof(*m));
	/* as QEMU's virt machine answers */
	m->idr0 = 0x0d44101b;
	m->idr1 = 19 << 21 | 19 << 16 | 16;
	m->idr3 = 0;
	m->idr5 = 4 | (uint32_t)IDR5_GRAN4K;
}

static void post_event(struct smmuv3_model *m, unsigned id, uint32_t sid, bool write, uint64_t addr)
{
	unsigned log2 = (unsigned)field_get(QUEUE_LOG2SIZE, m->evtq_base);
	uint32_t mask = (2U << log2) - 1;
	uint64_t *e = pa_to_va(PA((m->evtq_base & QUEUE_ADDR)));
	bool was_empty = !((m->evtq_prod ^ m->evtq_cons) & mask);

	if (!(m->cr0ack & CR0_EVENTQEN))
		return;
	if (((m->evtq_prod ^ m->evtq_cons) & mask) == 1U << log2) {
		if (!((m->evtq_prod ^ m->evtq_cons) & EVENTQ_OVERFLOW))
			m->evtq_prod ^= (uint32_t)EVENTQ_OVERFLOW;
		return;
	}
	e += 4 * (m->evtq_prod & (mask >> 1));
	e[0] = id | (uint64_t)sid << 32;
	e[1] = write ? 0 : EVT1_READ;
	e[2] = addr;
	e[3] = addr & ~UINT64_C(0xfff);
	m->evtq_prod = (m->evtq_prod & (uint32_t)EVENTQ_OVERFLOW) | ((m->evtq_prod + 1) & mask);
	if (was_empty && m->irq && (m->irq_ctrl & IRQ_EVENTQ))
		m->irq(); /* an edge */
}

/* The entry that the tables hold now; false: an event was posted. */
static bool fetch_ste(struct smmuv3_model *m, uint32_t sid, uint64_t *dw)
{
	const uint64_t *l1 = pa_to_va(PA(m->strtab_base & STRTAB_BASE_ADDR));
	unsigned split = (unsigned)field_get(STRTAB_SPLIT, m->strtab_cfg);
	uint64_t span, std;

	assert(field_get(STRTAB_FMT, m->strtab_cfg) == 1);
	if (sid >= 1U << field_get(STRTAB_LOG2SIZE, m->strtab_cfg)) {
		post_event(m, EVT_BAD_STREAMID, sid, false, 0);
		return false;
	}
	std = l1[sid >> split];
	span = field_get(L1STD_SPAN, std);
	if (!span || (sid & ((1U << split) - 1)) >= 1U << (span - 1)) {
		post_event(m, EVT_BAD_STREAMID, sid, false, 0);
		return false;
	}
	memcpy(dw,
	       (const char *)pa_to_va(PA(std & L1STD_L2PTR)) +
		       (sid & ((1U << split) - 1)) * STE_SIZE,
	       STE_SIZE);
	return true;
}

static const uint64_t *cached_ste(struct smmuv3_model *m, uint32_t sid)
{
	unsigned n;

	for (n = 0; n < 8; n++)
		if (m->ste[n].valid && m->ste[n].sid == sid)
			return m->ste[n].dw;
	n = m->ste_next++ % 8;
	m->ste[n].sid = sid;
	m->ste[n].valid = fetch_ste(m, sid, m->ste[n].dw);
	return m->ste[n].valid ? m->ste[n].dw : NULL;
}

static bool good_s2(const uint64_t *dw)
{
	unsigned t0sz = (unsigned)field_get(STE2_S2T0SZ, dw[2]);

	return (dw[2] & STE2_S2AA64) && !(dw[2] & STE2_S2S) && !field_get(STE2_S2TG, dw[2]) &&
	       field_get(STE2_S2SL0, dw[2]) < 3 && t0sz >= 16 && t0sz <= 39 && (dw[3] & STE3_S2TTB);
}

/* A walk of a 4 KiB granule table; 0: no translation. */
static uint64_t walk(const uint64_t *dw, uint64_t ipa)
{
	unsigned level = 2 - (unsigned)field_get(STE2_S2SL0, dw[2]);
	unsigned bits = 64 - (unsigned)field_get(STE2_S2T0SZ, dw[2]);
	const uint64_t *table = pa_to_va(PA(dw[3] & STE3_S2TTB));
	bool root = true;

	if (ipa >> bits)
		return 0;
	for (;; level++, root = false) {
		unsigned shift = 39 - 9 * level;
		uint64_t index = ipa >> shift, pte;

		pte = table[root ? index : index % 512];
		if (!(pte & 1) || (level == 3 && !(pte & 2)))
			return 0;
		if (level == 3 || !(pte & 2)) {
			uint64_t page = ipa & ((UINT64_C(1) << shift) - 1) & ~UINT64_C(0xfff);

			return (pte & ~BITS(47, 12)) | ((pte & BITS(47, 12)) + page);
		}
		table = pa_to_va(PA(pte & BITS(47, 12)));
	}
}

static uint64_t translate(struct smmuv3_model *m, const uint64_t *dw, uint64_t ipa)
{
	uint16_t vmid = (uint16_t)field_get(STE2_S2VMID, dw[2]);
	unsigned n;

	for (n = 0; n < 32; n++)
		if (m->tlb[n].valid && m->tlb[n].vmid == vmid && m->tlb[n].ipa == ipa >> 12)
			return m->tlb[n].pte;
	n = m->tlb_next % 32;
	m->tlb[n].pte = walk(dw, ipa);
	if (!m->tlb[n].pte)
		return 0;
	m->tlb[n].valid = true;
	m->tlb[n].vmid = vmid;
	m->tlb[n].ipa = ipa >> 12;
	return m->tlb[m->tlb_next++ % 32].pte;
}

static int fault(struct smmuv3_model *m, const uint64_t *dw, unsigned id, uint32_t sid, bool write,
		 uint64_t addr)
{
	if (!dw || (dw[2] & STE2_S2R))
		post_event(m, id, sid, write, addr);
	return DMA_ABORT;
}

int smmuv3_model_dma(struct smmuv3_model *m, uint32_t sid, uint64_t addr, bool write, uint64_t *pa)
{
	const uint64_t *dw;
	uint64_t pte;

	*pa = addr;
	if (!(m->cr0ack & CR0_SMMUEN))
		return m->gbpa & GBPA_ABORT ? DMA_ABORT : DMA_OK;
	dw = cached_ste(m, sid);
	if (!dw)
		return DMA_ABORT;
	if (!(dw[0] & STE0_V) || (field_get(STE0_CONFIG, dw[0]) == CONFIG_S2 && !good_s2(dw)))
		return fault(m, NULL, EVT_BAD_STE, sid, write, 0);
	if (field_get(STE0_CONFIG, dw[0]) == CONFIG_ABORT)
		return DMA_ABORT; /* silent */
	if (field_get(STE0_CONFIG, dw[0]) != CONFIG_S2)
		return DMA_OK; /* bypass: a test that gets here fails */
	pte = translate(m, dw, addr);
	if (!pte)
		return fault(m, dw, EVT_TRANSLATION, sid, write, addr);
	if (!(pte & BIT(10)))
		return fault(m, dw, EVT_ACCESS, sid, write, addr);
	if (!(pte & (write ? BIT(7) : BIT(6))))
		return fault(m, dw, EVT_PERMISSION, sid, write, addr);
	*pa = (pte & BITS(47, 12)) | (addr & 0xfff);
	return DMA_OK;
}

/* IHI 0070 §3.9.1.2: without ATSCHK nobody looks at the stream table. */
int smmuv3_model_translated(struct smmuv3_model *m, uint32_t sid, uint64_t addr, bool write)
{
	const uint64_t *dw;

	if (!(m->cr0ack & CR0_SMMUEN))
		return DMA_ABORT;
	if (m->idr0 & IDR0_ATS && !(m->cr0ack & CR0_ATSCHK))
		return DMA_OK;
	dw = cached_ste(m, sid);
	if (!dw || (dw[0] & STE0_V && field_get(STE0_CONFIG, dw[0]) == CONFIG_ABORT))
		return DMA_ABORT;
	if (m->idr0 & IDR0_ATS && field_get(STE1_EATS, dw[1]))
		return DMA_OK;
	return fault(m, NULL, EVT_TRANSL_FORBIDDEN, sid, write, addr);
}

static void forget_ste(struct smmuv3_model *m, bool all, uint32_t sid)
{
	for (unsigned n = 0; n < 8; n++)
		if (all || m->ste[n].sid == sid)
			m->ste[n].valid = false;
}

static void forget_tlb(struct smmuv3_model *m, bool all_vmids, uint16_t vmid, bool all_ipas,
		       uint64_t page)
{
	for (unsigned n = 0; n < 32; n++)
		if ((all_vmids || m->tlb[n].vmid == vmid) && (all_ipas || m->tlb[n].ipa == page))
			m->tlb[n].valid = false;
}

static bool execute(struct smmuv3_model *m, const uint64_t *dw)
{
	uint16_t vmid = (uint16_t)field_get(CMD0_VMID, dw[0]);

	if (m->fail_next) {
		m->fail_next--;
		return false;
	}
	host_trace("smmu_cmd", field_get(CMD0_OP, dw[0]), dw[0] >> 32);
	if (m->cmd_count < 256)
		memcpy(m->cmd[m->cmd_count++].dw, dw, CMD_SIZE);
	switch (field_get(CMD0_OP, dw[0])) {
	case OP_CFGI_STE:
		forget_ste(m, false, (uint32_t)(dw[0] >> 32));
		return true;
	case OP_CFGI_ALL:
		forget_ste(m, true, 0);
		return field_get(CMD1_RANGE, dw[1]) == 31;
	case OP_TLBI_S12_VMALL:
		forget_tlb(m, false, vmid, true, 0);
		return true;
	case OP_TLBI_S2_IPA:
		forget_tlb(m, false, vmid, false, (dw[1] & CMD1_IPA) >> 12);
		return true;
	case OP_TLBI_NSNH_ALL:
		forget_tlb(m, true, 0, true, 0);
		return true;
	case OP_SYNC:
		return true;
	default:
		return false;
	}
}

static void run_queue(struct smmuv3_model *m)
{
	uint32_t mask = (2U << field_get(QUEUE_LOG2SIZE, m->cmdq_base)) - 1;
	const uint64_t *q = pa_to_va(PA(m->cmdq_base & QUEUE_ADDR));

	assert(field_get(QUEUE_LOG2SIZE, m->cmdq_base) <= field_get(IDR1_CMDQS, m->idr1));
	while ((m->cr0ack & CR0_CMDQEN) && !m->queue_stuck &&
	       !((m->gerror ^ m->gerrorn) & GERROR_CMDQ) &&
	       ((m->cmdq_prod ^ m->cmdq_cons) & mask)) {
		if (!execute(m, q + 2 * (m->cmdq_cons & (mask >> 1)))) {
			m->cmdq_cons = (m->cmdq_cons & mask) | CERROR_ILL << 24;
			m->gerror ^= (uint32_t)GERROR_CMDQ;
			return;
		}
		m->cmdq_cons = (m->cmdq_cons + 1) & mask;
	}
}

static uint64_t reg_read(void *model, uint64_t off, unsigned size)
{
	struct smmuv3_model *m = model;

	assert(size == 4);
	switch (off) {
	case 0x00:
		return m->idr0;
	case 0x04:
		return m->idr1;
	case 0x0c:
		return m->idr3;
	case 0x14:
		return m->idr5;
	case SMMU_CR0:
		return m->cr0;
	case SMMU_CR0ACK:
		return m->cr0ack;
	case SMMU_GBPA:
		return m->gbpa;
	case SMMU_IRQ_CTRL:
	case SMMU_IRQ_CTRLACK:
		return m->irq_ctrl;
	case SMMU_GERROR:
		return m->gerror;
	case SMMU_GERRORN:
		return m->gerrorn;
	case SMMU_CMDQ_CONS:
		return m->cmdq_cons;
	case SMMU_EVENTQ_PROD:
		return m->evtq_prod;
	default:
		assert(!"read of a register that the driver has no business with");
		return 0;
	}
}

static void write_gbpa(struct smmuv3_model *m, uint32_t v)
{
	if (!(v & GBPA_UPDATE))
		return; /* ignored, §6.3.14 */
	m->gbpa = m->gbpa_stuck ? v : v & ~(uint32_t)GBPA_UPDATE;
}

static void write_cr0(struct smmuv3_model *m, uint32_t v)
{
	/* Without ATS the bit is reserved; with it, it never waits for a later write. */
	assert(m->idr0 & IDR0_ATS ? !(v & CR0_SMMUEN) || v & CR0_ATSCHK : !(v & CR0_ATSCHK));
	m->cr0 = v;
	if (!m->ack_stuck)
		m->cr0ack = v;
	run_queue(m);
}

static void reg_write(void *model, uint64_t off, unsigned size, uint64_t v)
{
	struct smmuv3_model *m = model;
	uint32_t w = (uint32_t)v;
	bool message = off == SMMU_GERROR_IRQ_CFG0 || off == SMMU_EVENTQ_IRQ_CFG0;
	bool wide = off == SMMU_STRTAB_BASE || off == SMMU_CMDQ_BASE || off == SMMU_EVENTQ_BASE ||
		    message;

	assert(size == (wide ? 8 : 4));
	/* Tables and queues do not change while they are in use. */
	assert(!(m->cr0ack & CR0_SMMUEN) ||
	       (off != SMMU_STRTAB_BASE && off != SMMU_STRTAB_BASE_CFG));
	assert(!(m->cr0ack & CR0_CMDQEN) || (off != SMMU_CMDQ_BASE && off != SMMU_CMDQ_CONS));
	assert(!(m->cr0ack & CR0_EVENTQEN) || (off != SMMU_EVENTQ_BASE && off != SMMU_EVENTQ_PROD));
	assert(!message || (m->idr0 & IDR0_MSI && !m->irq_ctrl && !v)); /* §6.3.19 */
	if (message)
		return;
	switch (off) {
	case SMMU_CR0:
		write_cr0(m, w);
		break;
	case SMMU_CR1:
		m->cr1 = w;
		break;
	case SMMU_CR2:
		m->cr2 = w;
		break;
	case SMMU_GBPA:
		write_gbpa(m, w);
		break;
	case SMMU_IRQ_CTRL:
		m->irq_ctrl = w;
		break;
	case SMMU_GERRORN:
		m->gerrorn = w;
		run_queue(m);
		break;
	case SMMU_STRTAB_BASE:
		m->strtab_base = v;
		break;
	case SMMU_STRTAB_BASE_CFG:
		m->strtab_cfg = w;
		break;
	case SMMU_CMDQ_BASE:
		m->cmdq_base = v;
		break;
	case SMMU_CMDQ_PROD:
		m->cmdq_prod = w;
		run_queue(m);
		break;
	case SMMU_CMDQ_CONS:
		m->cmdq_cons = w;
		break;
	case SMMU_EVENTQ_BASE:
		m->evtq_base = v;
		break;
	case SMMU_EVENTQ_PROD:
		m->evtq_prod = w;
		break;
	case SMMU_EVENTQ_CONS:
		m->evtq_cons = w;
		break;
	default:
		assert(!"write of a register that the driver has no business with");
	}
}

void smmuv3_model_attach(struct smmuv3_model *m, uintptr_t base)
{
	host_mmio_add(base, SMMU_SIZE, reg_read, reg_write, m);
}
