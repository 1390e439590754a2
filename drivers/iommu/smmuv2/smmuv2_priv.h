/* One SMMUv1 or SMMUv2: what its files share. */
#ifndef SMMUV2_PRIV_H
#define SMMUV2_PRIV_H

#include <hv/limits.h>
#include <hv/log.h>
#include <hv/spinlock.h>
#include <spec/smmuv2.h>

#include "../iommu_priv.h"

#define CONTEXTS MAX_VMS /* one a guest is all that is ever needed */

struct smmuv2 {
	struct iommu *i;
	struct mmio m;
	struct spinlock lock;	  /* mapping registers, contexts, TLB maintenance */
	uint32_t cb_page;	  /* register page of context bank 0 */
	uint8_t page_log2;	  /* of a register page */
	bool va64;		  /* v2 with AArch64 tables of 4 KiB, and invalidation by IPA */
	bool matching;		  /* else the StreamID is the index */
	bool mmu500;
	uint32_t groups;	  /* S2CRs, and SMRs where it matches */
	uint8_t contexts;
	uint8_t vmid[CONTEXTS];	  /* whose a context is, for ever; 0: free */
	uint64_t root[CONTEXTS];
	uint8_t mapped[GROUPS_MAX]; /* 1 + the context of an S2CR; 0: it faults */
};

static inline struct reg32 smmuv2_page(const struct smmuv2 *s, unsigned page, uint32_t off)
{
	return REG32((page << s->page_log2) + off);
}

static inline struct reg32 smmuv2_cb(const struct smmuv2 *s, unsigned context, uint32_t off)
{
	return smmuv2_page(s, s->cb_page + context, off);
}

/* fault.c */
bool smmuv2_drain(struct iommu *i);

#endif
