/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SMMUv1 and SMMUv2 with stage 2 only: probe, start. It is in global abort from the first look: all
 * that no S2CR lets through faults. A fault is recorded; a stream that is detached aborts silently
 * as long as a context can be had for that: one whose table is empty and whose faults raise no
 * interrupt. streams.c has the S2CRs, contexts.c the contexts, faults.c the records.
 */
#include <hv/pmem.h>

#include "smmuv2_priv.h"

#define CR0 REG32(SMMUV2_CR0)

/* All faults shown, all mismatches faults, CLIENTPD = 0: from the first write on, for ever. */
static const uint32_t cr0_on = CR0_GFRE | CR0_GFIE | CR0_GCFGFRE | CR0_GCFGFIE | CR0_STALLD |
			       CR0_USFCFG | CR0_VMIDPNE | CR0_PTM | CR0_SMCFCFG;

static unsigned group_count(uint32_t idr0)
{
	if (idr0 & IDR0_SMS)
		return (unsigned)field_get(IDR0_NUMSMRG, idr0);
	return MIN(1U << field_get(IDR0_NUMSIDB, idr0), (unsigned)GROUPS_MAX);
}

/*
 * Only what stops streams is written, and in this order: with CLIENTPD = 0 left by firmware, a
 * match register that is cleared while USFCFG = 0 would let its stream pass.
 */
static enum hv_status smmuv2_block(struct mmio m)
{
	uint32_t idr0 = rd32(m, REG32(SMMUV2_IDR0));
	unsigned groups = group_count(idr0);

	for (unsigned n = 0; n < groups; n++)
		wr32(m, S2CR(n), S2CR_FAULT);
	wr32(m, CR0, cr0_on);
	for (unsigned n = 0; n < groups && (idr0 & IDR0_SMS); n++)
		wr32(m, SMR(n), 0);
	return (rd32(m, CR0) & (CR0_CLIENTPD | CR0_USFCFG)) == CR0_USFCFG ? HV_OK : HV_ETIMEOUT;
}

/* The one sentence that says why it cannot be driven, or NULL. */
static const char *smmuv2_unusable(const struct smmuv2 *s, uint32_t idr0)
{
	if (!(idr0 & IDR0_S2TS))
		return "translates stage 1 only";
	if (!s->va64 && (idr0 & IDR0_NO_AARCH32))
		return "cannot walk tables of 4 KiB";
	if (!s->groups || !s->contexts)
		return "has no stream mapping or no context";
	if (s->contexts > s->banks)
		return "has context banks beyond its reg";
	if (!s->i->coherent)
		return "is not coherent with the CPUs' caches (dma-coherent and IDR0.CTTW)";
	return NULL;
}

static const char *smmuv2_probe(const void *fdt, int node, struct range reg, struct iommu *i)
{
	struct smmuv2 *s = pmem_alloc(sizeof(*s), 64);
	struct mmio m = i->m;
	uint32_t idr0 = rd32(m, REG32(SMMUV2_IDR0));
	uint32_t idr1 = rd32(m, REG32(SMMUV2_IDR1));
	uint32_t idr2 = rd32(m, REG32(SMMUV2_IDR2));

	*s = (struct smmuv2){ .i = i };
	i->priv = s;
	s->page_log2 = idr1 & IDR1_PAGESIZE ? 16 : 12;
	s->cb_page = 2U << field_get(IDR1_NUMPAGENDXB, idr1);
	s->banks = (uint8_t)field_get(IDR1_NUMCB, idr1);
	s->contexts = (uint8_t)MIN(s->banks, CONTEXTS);
	s->silent = s->contexts;
	s->matching = idr0 & IDR0_SMS;
	s->groups = group_count(idr0);
	i->sid_ignored = dt_u32(fdt, node, "stream-match-mask", 0) & 0x7fff;
	s->va64 = (idr2 & IDR2_PTFS_4K) && i->version > 1;
	s->mmu500 = dt_compatible(fdt, node, "arm,mmu-500");
	s->by_ipa = s->va64 && !dt_compatible(fdt, node, "marvell,ap806-smmu-500"); /* 582743 */
	while ((uint64_t)(s->cb_page + s->banks) << s->page_log2 > reg.size && s->banks)
		s->banks--;
	i->oas_bits = s2_address_bits(
		(unsigned)MIN(field_get(IDR2_OAS, idr2), field_get(IDR2_IAS, idr2)));
	i->sid_bits = (uint8_t)field_get(IDR0_NUMSIDB, idr0);
	i->coherent = (idr0 & IDR0_CTTW) && dt_bool(fdt, node, "dma-coherent");
	return smmuv2_unusable(s, idr0);
}

static void connect_irqs(const void *fdt, int node, const struct smmuv2 *s)
{
	/* v1: all contexts raise the first context interrupt (CBAR.IRPTNDX = 0). */
	unsigned count = dt_u32(fdt, node, "#global-interrupts", 1) +
			 (s->i->version == 1 ? 1U : s->contexts);
	struct dt_irq irq;

	for (unsigned n = 0; n < count && dt_interrupt(fdt, node, n, &irq) == HV_OK; n++)
		iommu_connect(s->i, &irq);
}

static enum hv_status smmuv2_start(const void *fdt, int node, struct iommu *i)
{
	const struct s2_limits own = { .pa_bits = i->oas_bits };
	struct smmuv2 *s = i->priv;
	struct mmio m = i->m;

	if (s->mmu500)
		wr32(m, REG32(SMMUV2_ACR),
		     rd32(m, REG32(SMMUV2_ACR)) & ~(uint32_t)MMU500_ACR_CACHE_LOCK);
	for (unsigned c = 0; c < s->banks; c++)
		smmuv2_reset_context(s, c);
	wr32(m, REG32(SMMUV2_GFSR), ~0U);
	wr32(m, REG32(SMMUV2_TLBIALLH), 0);
	wr32(m, REG32(SMMUV2_TLBIALLNSNH), 0);
	if (smmuv2_sync_all(s) != HV_OK)
		return HV_ETIMEOUT;
	connect_irqs(fdt, node, s);
	return s2_init(&s->nothing, s2_geometry(own, own), 0, (struct s2_need){ 0, 0 }, S2_SMMU);
}

const struct iommu_driver smmuv2_driver = {
	.block = smmuv2_block,
	.probe = smmuv2_probe,
	.start = smmuv2_start,
	.drain = smmuv2_drain,
	.attach = smmuv2_attach,
	.flush = smmuv2_flush,
};
