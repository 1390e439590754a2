/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Contexts: a guest has one, its VMID and DMA root in it, once a stream of it was attached, for
 * ever. One that is left serves detached streams. And what forgets translations.
 */
#include <arch/barrier.h>

#include "smmuv2_priv.h"

#define SYNC_US 100000 /* an invalidation waits for what is in flight; then the SMMU is dead */

/* Also those that are never used: what firmware left there may hold a shared line. */
void smmuv2_reset_context(const struct smmuv2 *s, unsigned c)
{
	struct reg32 actlr = smmuv2_bank(s, c, CB_ACTLR);

	wr32(s->i->m, smmuv2_bank(s, c, CB_SCTLR), 0);
	wr32(s->i->m, smmuv2_bank(s, c, CB_FSR), ~0U);
	if (!s->mmu500)
		return;
	/* Prefetched entries may survive an invalidation (errata 826419, 841119 and others). */
	wr32(s->i->m, actlr, rd32(s->i->m, actlr) & ~(uint32_t)MMU500_ACTLR_CPRE);
	if (rd32(s->i->m, actlr) & MMU500_ACTLR_CPRE)
		log_warn("%s: prefetching of context %u cannot be turned off", s->i->name, c);
}

/* With the lock held, but for start. */
static enum hv_status sync(const struct smmuv2 *s, struct reg32 start, struct reg32 status)
{
	enum hv_status st;

	wr32(s->i->m, start, 0);
	st = poll32(s->i->m, status, TLB_ACTIVE, 0, SYNC_US, s->i->name);
	if (st != HV_OK)
		iommu_kill(s->i, "an invalidation does not end");
	return st;
}

enum hv_status smmuv2_sync_all(const struct smmuv2 *s)
{
	return sync(s, REG32(SMMUV2_TLBGSYNC), REG32(SMMUV2_TLBGSTATUS));
}

/*
 * VMIDs here are those of contexts (CR0.VMIDPNE makes them the SMMU's own): one a context, also of
 * the silent one, so that no stream finds what was cached for another context.
 */
static uint32_t vmid_of(unsigned c)
{
	return c + 1;
}

enum hv_status smmuv2_flush_context(const struct smmuv2 *s, unsigned c)
{
	wr32(s->i->m, REG32(SMMUV2_TLBIVMID), vmid_of(c));
	return smmuv2_sync_all(s);
}

unsigned smmuv2_context_of(const struct smmuv2 *s, unsigned owner)
{
	unsigned c = 0;

	while (c < s->contexts && (s->owner[c] != owner || c == s->silent))
		c++;
	return c;
}

/* Not "last level": tables are freed too. */
static void flush_pages(const struct smmuv2 *s, unsigned c, uint64_t ipa, uint64_t size)
{
	for (uint64_t end = ipa + size; ipa < end; ipa += PAGE_SIZE)
		wr64(s->i->m, REG64(smmuv2_bank(s, c, CB_TLBIIPAS2).off), ipa / PAGE_SIZE);
	sync(s, smmuv2_bank(s, c, CB_TLBSYNC), smmuv2_bank(s, c, CB_TLBSTATUS));
}

void smmuv2_flush(struct iommu *i, uint16_t vmid, ipa_t ipa, uint64_t size)
{
	const struct smmuv2 *s = i->priv;
	unsigned c = smmuv2_context_of(s, 1U + vmid);

	if (c < s->contexts && s->by_ipa && size <= FLUSH_PAGES * PAGE_SIZE)
		flush_pages(s, c, ipa.v, size);
	else if (c < s->contexts)
		smmuv2_flush_context(s, c);
}

/* Into a context that is off. The geometry is the CPU's VTCR_EL2. */
static void write_context(const struct smmuv2 *s, unsigned c, const struct s2 *dma)
{
	uint64_t tcr = s2_vtcr(dma);

	wr32(s->i->m, smmuv2_page(s, 1, SMMUV2_CBA2R(c)),
	     s->va64 ? CBA2R_VA64 : 0); /* v1: reserved, 0 */
	wr32(s->i->m, smmuv2_page(s, 1, SMMUV2_CBAR(c)), (uint32_t)(CBAR_S2 | vmid_of(c)));
	wr32(s->i->m, smmuv2_bank(s, c, CB_TCR), (uint32_t)(s->va64 ? tcr : tcr & TCR_AARCH32));
	wr32(s->i->m, smmuv2_bank(s, c, CB_TTBR0), (uint32_t)dma->root.v);
	wr32(s->i->m, smmuv2_bank(s, c, CB_TTBR0 + 4), (uint32_t)(dma->root.v >> 32));
	arch_dsb_oshst(); /* the tables before what makes them count */
}

#define SCTLR_SILENT (SCTLR_M | SCTLR_SBOP | SCTLR_CFRE | SCTLR_HUPCF)

enum hv_status smmuv2_open_context(struct smmuv2 *s, unsigned c, const struct s2 *dma)
{
	enum hv_status st;

	write_context(s, c, dma);
	st = smmuv2_flush_context(s, c);
	if (st == HV_OK) {
		wr32(s->i->m, smmuv2_bank(s, c, CB_SCTLR), SCTLR_SILENT | SCTLR_CFIE);
		s->owner[c] = (uint16_t)(1U + dma->vmid);
	}
	return st;
}

bool smmuv2_open_silent(struct smmuv2 *s)
{
	if (s->silent < s->contexts)
		return true;
	s->silent = (uint8_t)smmuv2_context_of(s, 0);
	if (s->silent == s->contexts)
		return false;
	write_context(s, s->silent, &s->nothing);
	wr32(s->i->m, smmuv2_bank(s, s->silent, CB_SCTLR), SCTLR_SILENT);
	return true;
}
