/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The two-level stream table. A second level exists for buses that had a stream attached;
 * elsewhere a StreamID is unknown, which aborts too. An entry is
 *
 *	abort (valid, silent)  <->  stage-2 (one guest's DMA root)
 *
 * and never goes from one root to another but through abort. Doubleword 0 decides which, so it is
 * written alone, last on the way in and first on the way out (IHI 0070 §3.21.3).
 */
#include <arch/barrier.h>
#include <hv/pmem.h>

#include "smmuv3_priv.h"

#define STE_DWORDS (STE_SIZE / 8)

static const uint64_t ste0_abort = STE0_V | FIELD(STE0_CONFIG, CONFIG_ABORT);
static const uint64_t ste0_stage2 = STE0_V | FIELD(STE0_CONFIG, CONFIG_S2);

static void store_dword(uint64_t *p, uint64_t v)
{
	__atomic_store_n(p, v, __ATOMIC_RELAXED); /* the SMMU may read at any time */
}

/* IHI 0070 §4.3.1: `leaf` is CMD1_LEAF where only the entry changed, 0 where the table did. */
static enum hv_status config_changed(struct smmu *s, uint32_t sid, uint64_t leaf)
{
	struct smmu_cmd cmd = { { field_put(FIELD(CMD0_OP, OP_CFGI_STE), CMD0_SID, sid), leaf } };

	return smmu_issue(s, &cmd, 1);
}

/* The second level of a stream's bus. */
static enum hv_status add_entries(struct smmu *s, uint32_t sid)
{
	uint64_t *l2 = pmem_try_alloc(STE_SIZE << SPLIT, STE_SIZE << SPLIT);

	if (!l2)
		return HV_ENOMEM;
	for (unsigned n = 0; n < 1U << SPLIT; n++)
		l2[n * STE_DWORDS] = ste0_abort;
	arch_dsb_oshst(); /* entries before the pointer to them */
	store_dword(&s->l1[sid >> SPLIT], va_to_pa(l2).v | FIELD(L1STD_SPAN, SPLIT + 1));
	return config_changed(s, sid, 0);
}

/* Doublewords 1 to 3: the geometry is the CPU's, laid out as in VTCR_EL2; faults are recorded. */
static void encode_stage2(const struct smmu *s, const struct s2 *dma, uint64_t *ste)
{
	uint64_t dw2 = STE2_S2AA64 | STE2_S2PTW | STE2_S2R;

	dw2 = field_put(dw2, STE2_S2VMID, dma->vmid);
	dw2 = field_put(dw2, STE2_VTCR, s2_vtcr(dma) & STE2_VTCR >> 32);
	store_dword(&ste[1], s->ste1 | (dma->geo.fwb ? STE1_S2FWB : 0));
	store_dword(&ste[2], dw2);
	store_dword(&ste[3], dma->root.v & STE3_S2TTB);
}

static enum hv_status make_abort(struct smmu *s, uint64_t *ste, uint32_t sid)
{
	enum hv_status st;

	if (ste[0] == ste0_abort)
		return HV_OK;
	store_dword(&ste[0], ste0_abort);
	st = config_changed(s, sid, CMD1_LEAF);
	/* Only now can nothing bring the VMID's translations back for this stream. */
	return st == HV_OK ? smmu_flush_all(s, (uint16_t)field_get(STE2_S2VMID, ste[2])) : st;
}

enum hv_status smmu_attach(struct iommu *i, uint32_t sid, const struct s2 *dma)
{
	struct smmu *s = i->priv;
	enum hv_status st = HV_OK;
	uint64_t *ste;

	if (sid >> s->log2size)
		return HV_EINVAL;
	if (!s->l1[sid >> SPLIT])
		st = dma ? add_entries(s, sid) : HV_EINVAL;
	if (st != HV_OK)
		return st;
	ste = pa_to_va(PA(s->l1[sid >> SPLIT] & L1STD_L2PTR));
	ste += sid % (1U << SPLIT) * STE_DWORDS;
	st = make_abort(s, ste, sid);
	if (st == HV_OK && dma) {
		encode_stage2(s, dma, ste);
		arch_dsb_oshst(); /* all of the entry before what makes it count */
		store_dword(&ste[0], ste0_stage2);
		st = config_changed(s, sid, CMD1_LEAF);
	}
	return st;
}
