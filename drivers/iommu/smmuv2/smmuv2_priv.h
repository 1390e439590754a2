/* SPDX-License-Identifier: Apache-2.0 */
/* One SMMUv1 or SMMUv2: what its files share. Its struct iommu has the lock, for all but faults. */
#ifndef SMMUV2_PRIV_H
#define SMMUV2_PRIV_H

#include <hv/log.h>
#include <spec/smmuv2.h>

#include "../iommu_priv.h"

#define CONTEXTS 128 /* as many as the architecture has; a guest needs one */

#define S2CR(n) REG32(SMMUV2_S2CR(n))
#define SMR(n)  REG32(SMMUV2_SMR(n))

struct smmuv2 {
	struct iommu *i;
	uint32_t cb_page;  /* register page of context bank 0 */
	uint8_t page_log2; /* of a register page */
	bool va64;         /* v2 with AArch64 tables of 4 KiB, and invalidation by IPA */
	bool matching;     /* else the StreamID is the index */
	bool mmu500;
	bool by_ipa;              /* takes the 64-bit accesses that forget single pages */
	uint32_t groups;          /* S2CRs, and SMRs where it matches */
	uint8_t banks;            /* that it has */
	uint8_t contexts;         /* of them: for guests */
	uint8_t silent;           /* the context of detached streams; `contexts`: there is none */
	struct s2 nothing;        /* its table */
	uint16_t owner[CONTEXTS]; /* 1 + VMID of whose a context is, for ever; 0: free */
};

static inline struct reg32 smmuv2_page(const struct smmuv2 *s, unsigned page, uint32_t off)
{
	return REG32((page << s->page_log2) + off);
}

static inline struct reg32 smmuv2_bank(const struct smmuv2 *s, unsigned context, uint32_t off)
{
	return smmuv2_page(s, s->cb_page + context, off);
}

/* contexts.c. The context of 1 + a guest's VMID, of 0 a free one; s->contexts: there is none. */
unsigned smmuv2_context_of(const struct smmuv2 *s, unsigned owner);
void smmuv2_reset_context(const struct smmuv2 *s, unsigned context);
/* Brings a free context into force for a guest. HV_ETIMEOUT: the SMMU is dead. */
enum hv_status smmuv2_open_context(struct smmuv2 *s, unsigned context, const struct s2 *dma);
/* Brings s->silent into force, the context of detached streams; false: none is free for it. */
bool smmuv2_open_silent(struct smmuv2 *s);
/* Invalidations, complete on return. HV_ETIMEOUT: the SMMU is dead. */
enum hv_status smmuv2_sync_all(const struct smmuv2 *s);
enum hv_status smmuv2_flush_context(const struct smmuv2 *s, unsigned c);
void smmuv2_flush(struct iommu *i, uint16_t vmid, ipa_t ipa, uint64_t size);

/* streams.c */
enum hv_status smmuv2_attach(struct iommu *i, uint32_t sid, const struct s2 *dma);

/* faults.c */
bool smmuv2_drain(struct iommu *i);

#endif
