/*
 * SMMUv1 and SMMUv2 with stage 2 only: probe, start, streams, contexts. A stream is an S2CR, found
 * through a stream match register or, where it has none, at the StreamID's own index. An S2CR is
 *
 *	fault  <->  translate by a context (one a guest: its VMID, its DMA root)
 *
 * and never goes from one context to another but through fault; what matches no register faults
 * as well. Unlike SMMUv3's abort, this is not silent: such faults are bounded by who counts them.
 */
#include <arch/barrier.h>
#include <hv/panic.h>

#include "smmuv2_priv.h"

#define SYNC_US	    100000 /* an invalidation waits for what is in flight; then the SMMU is dead */
#define FLUSH_PAGES 16	   /* beyond: everything of the VMID */

#define CR0	    REG32(SMMUV2_CR0)
#define S2CR(n)	    REG32(SMMUV2_S2CR(n))
#define SMR(n)	    REG32(SMMUV2_SMR(n))

/* All faults shown, all mismatches faults, CLIENTPD = 0: from the first write on, for ever. */
static const uint32_t cr0_on = CR0_GFRE | CR0_GFIE | CR0_GCFGFRE | CR0_GCFGFIE | CR0_STALLD |
			       CR0_USFCFG | CR0_VMIDPNE | CR0_PTM | CR0_SMCFCFG;

static struct smmuv2 smmus[MAX_IOMMUS];

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
static enum hv_status block(struct mmio m)
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
static const char *unusable(const struct smmuv2 *s, uint32_t idr0, struct range reg)
{
	if (!(idr0 & IDR0_S2TS))
		return "translates stage 1 only";
	if (!s->va64 && (idr0 & IDR0_NO_AARCH32))
		return "cannot walk tables of 4 KiB";
	if (!s->groups || !s->contexts)
		return "has no stream mapping or no context";
	if ((uint64_t)(s->cb_page + s->contexts) << s->page_log2 > reg.size)
		return "has context banks beyond its reg";
	if (!s->i->coherent)
		return "is not coherent with the CPUs' caches (dma-coherent and IDR0.CTTW)";
	return NULL;
}

static const char *probe(const void *fdt, int node, struct range reg, struct iommu *i)
{
	struct smmuv2 *s = &smmus[i - iommus];
	struct mmio m = mmio_at(PA(reg.base));
	uint32_t idr0 = rd32(m, REG32(SMMUV2_IDR0));
	uint32_t idr1 = rd32(m, REG32(SMMUV2_IDR1));
	uint32_t idr2 = rd32(m, REG32(SMMUV2_IDR2));

	*s = (struct smmuv2){ .i = i, .m = m };
	i->priv = s;
	s->page_log2 = idr1 & IDR1_PAGESIZE ? 16 : 12;
	s->cb_page = 2U << field_get(IDR1_NUMPAGENDXB, idr1);
	s->contexts = (uint8_t)MIN(field_get(IDR1_NUMCB, idr1), (uint64_t)CONTEXTS);
	s->matching = idr0 & IDR0_SMS;
	s->groups = group_count(idr0);
	i->sid_ignored = dt_u32(fdt, node, "stream-match-mask", 0) & 0x7fff;
	s->va64 = (idr2 & IDR2_PTFS_4K) && i->version > 1;
	s->mmu500 = dt_compatible(fdt, node, "arm,mmu-500");
	i->oas_bits = s2_address_bits((unsigned)MIN(field_get(IDR2_OAS, idr2),
						    field_get(IDR2_IAS, idr2)));
	i->sid_bits = (uint8_t)field_get(IDR0_NUMSIDB, idr0);
	i->coherent = (idr0 & IDR0_CTTW) && dt_bool(fdt, node, "dma-coherent");
	return unusable(s, idr0, reg);
}

/* The contexts that are never used are reached from nowhere. */
static void reset_context(const struct smmuv2 *s, unsigned c)
{
	struct reg32 actlr = smmuv2_cb(s, c, CB_ACTLR);

	wr32(s->m, smmuv2_cb(s, c, CB_SCTLR), 0);
	wr32(s->m, smmuv2_cb(s, c, CB_FSR), ~0U);
	if (!s->mmu500)
		return;
	/* Prefetched entries may survive an invalidation (errata 826419, 841119 and others). */
	wr32(s->m, actlr, rd32(s->m, actlr) & ~(uint32_t)MMU500_ACTLR_CPRE);
	if (rd32(s->m, actlr) & MMU500_ACTLR_CPRE)
		log_warn("%s: prefetching of context %u cannot be turned off", s->i->name, c);
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

/* With the lock held, but for start. */
static enum hv_status sync(const struct smmuv2 *s, struct reg32 start, struct reg32 status)
{
	enum hv_status st;

	wr32(s->m, start, 0);
	st = poll32(s->m, status, TLB_ACTIVE, 0, SYNC_US, s->i->name);
	if (st != HV_OK)
		iommu_kill(s->i, "an invalidation does not end");
	return st;
}

static enum hv_status sync_all(const struct smmuv2 *s)
{
	return sync(s, REG32(SMMUV2_TLBGSYNC), REG32(SMMUV2_TLBGSTATUS));
}

static enum hv_status start(const void *fdt, int node, struct iommu *i)
{
	struct smmuv2 *s = i->priv;
	struct mmio m = s->m;

	if (s->mmu500)
		wr32(m, REG32(SMMUV2_ACR),
		     rd32(m, REG32(SMMUV2_ACR)) & ~(uint32_t)MMU500_ACR_CACHE_LOCK);
	for (unsigned c = 0; c < s->contexts; c++)
		reset_context(s, c);
	wr32(m, REG32(SMMUV2_GFSR), ~0U);
	wr32(m, REG32(SMMUV2_TLBIALLH), 0);
	wr32(m, REG32(SMMUV2_TLBIALLNSNH), 0);
	if (sync_all(s) != HV_OK)
		return HV_ETIMEOUT;
	connect_irqs(fdt, node, s);
	return HV_OK;
}

static enum hv_status flush_vmid(const struct smmuv2 *s, uint16_t vmid)
{
	wr32(s->m, REG32(SMMUV2_TLBIVMID), vmid);
	return sync_all(s);
}

/* Not "last level": tables are freed too. */
static void flush_pages(const struct smmuv2 *s, unsigned c, uint64_t ipa, uint64_t size)
{
	for (uint64_t end = ipa + size; ipa < end; ipa += PAGE_SIZE)
		wr64(s->m, REG64(smmuv2_cb(s, c, CB_TLBIIPAS2).off), ipa / PAGE_SIZE);
	sync(s, smmuv2_cb(s, c, CB_TLBSYNC), smmuv2_cb(s, c, CB_TLBSTATUS));
}

/* A guest's context; of VMID 0 a free one. s->contexts: there is none. */
static unsigned context_of(const struct smmuv2 *s, uint16_t vmid)
{
	unsigned c = 0;

	while (c < s->contexts && s->vmid[c] != vmid)
		c++;
	return c;
}

/* Dead: nothing gets through any more, which is what a flush is for. */
static void flush(struct iommu *i, uint16_t vmid, ipa_t ipa, uint64_t size)
{
	struct smmuv2 *s = i->priv;
	unsigned c;

	if (!i->s2)
		return;
	spin_lock(&s->lock);
	c = context_of(s, vmid);
	if (c < s->contexts && !i->dead) {
		if (s->va64 && size <= FLUSH_PAGES * PAGE_SIZE)
			flush_pages(s, c, ipa.v, size);
		else
			flush_vmid(s, vmid);
	}
	spin_unlock(&s->lock);
	iommu_settle(i);
}

/* What a match register holds for a stream. */
static uint32_t smr_of(const struct smmuv2 *s, uint32_t sid)
{
	return (uint32_t)(SMR_VALID | field_put(sid, SMR_MASK, s->i->sid_ignored));
}

static unsigned find_smr(const struct smmuv2 *s, uint32_t smr)
{
	unsigned n = 0;

	while (n < s->groups && rd32(s->m, SMR(n)) != smr)
		n++;
	return n;
}

/* The S2CR of a stream; s->groups: it was not prepared. */
static unsigned group_of(const struct smmuv2 *s, uint32_t sid)
{
	return s->matching ? find_smr(s, smr_of(s, sid)) : MIN(sid, s->groups);
}

/* A match register is given once; it stays, as its S2CR faults while nobody has the stream. */
static enum hv_status prepare(struct iommu *i, uint32_t sid)
{
	const struct smmuv2 *s = i->priv;
	uint32_t smr = smr_of(s, sid);
	unsigned n;

	if (sid >> i->sid_bits)
		return HV_EINVAL;
	if (group_of(s, sid) < s->groups)
		return HV_OK;
	if (!s->matching)
		return HV_EINVAL;
	n = find_smr(s, 0);
	if (n == s->groups) {
		log_err("%s: its %u stream match registers are all in use", i->name, n);
		return HV_ENOMEM;
	}
	wr32(s->m, SMR(n), smr);
	if (rd32(s->m, SMR(n)) == smr)
		return HV_OK;
	wr32(s->m, SMR(n), 0); /* it has fewer bits than a StreamID */
	return HV_EINVAL;
}

/* The stream to fault, and forgotten. Its guest's context stays, as the guest may start again. */
static enum hv_status release(struct smmuv2 *s, unsigned group)
{
	unsigned old = s->mapped[group];

	if (!old)
		return HV_OK;
	wr32(s->m, S2CR(group), S2CR_FAULT);
	s->mapped[group] = 0;
	return flush_vmid(s, s->vmid[old - 1]);
}

/* It is off, and SCTLR last turns it on. The geometry is the CPU's VTCR_EL2. */
static enum hv_status open_context(struct smmuv2 *s, unsigned c, const struct s2 *dma)
{
	uint64_t tcr = s2_vtcr(dma);
	enum hv_status st;

	wr32(s->m, smmuv2_page(s, 1, SMMUV2_CBA2R(c)), s->va64 ? CBA2R_VA64 : 0); /* v1: reserved, 0 */
	wr32(s->m, smmuv2_page(s, 1, SMMUV2_CBAR(c)), (uint32_t)(CBAR_S2 | dma->vmid));
	wr32(s->m, smmuv2_cb(s, c, CB_TCR), (uint32_t)(s->va64 ? tcr : tcr & TCR_AARCH32));
	wr32(s->m, smmuv2_cb(s, c, CB_TTBR0), (uint32_t)dma->root.v);
	wr32(s->m, smmuv2_cb(s, c, CB_TTBR0 + 4), (uint32_t)(dma->root.v >> 32));
	arch_dsb_oshst(); /* the tables before what makes them count */
	st = flush_vmid(s, dma->vmid);
	if (st == HV_OK) {
		wr32(s->m, smmuv2_cb(s, c, CB_SCTLR),
		     SCTLR_M | SCTLR_SBOP | SCTLR_CFRE | SCTLR_CFIE | SCTLR_HUPCF);
		s->vmid[c] = (uint8_t)dma->vmid;
		s->root[c] = dma->root.v;
	}
	return st;
}

static enum hv_status point(struct smmuv2 *s, unsigned group, const struct s2 *dma)
{
	unsigned c = context_of(s, dma->vmid);
	enum hv_status st;

	ASSERT(c == s->contexts || s->root[c] == dma->root.v);
	if (s->mapped[group] == c + 1)
		return HV_OK;
	st = release(s, group);
	if (st == HV_OK && c == s->contexts) {
		c = context_of(s, 0);
		if (c == s->contexts) {
			log_err("%s: its %u contexts are all in use, and each guest needs one", s->i->name, c);
			return HV_ENOMEM;
		}
		st = open_context(s, c, dma);
	}
	if (st == HV_OK) {
		wr32(s->m, S2CR(group), S2CR_TRANSLATE | c);
		s->mapped[group] = (uint8_t)(c + 1);
	}
	return st;
}

/* With NULL to fault: what is not prepared does so by absence. */
static enum hv_status attach(struct iommu *i, uint32_t sid, const struct s2 *dma)
{
	struct smmuv2 *s = i->priv;
	enum hv_status st = HV_EINVAL;

	spin_lock(&s->lock);
	if (i->dead) {
		st = HV_ETIMEOUT;
	} else if (i->s2) {
		unsigned group = group_of(s, sid);

		if (group < s->groups)
			st = dma ? point(s, group, dma) : release(s, group);
	}
	spin_unlock(&s->lock);
	iommu_settle(i);
	return st;
}

const struct iommu_driver smmuv2_driver = {
	.ops = {
		.prepare = prepare,
		.attach = attach,
		.flush = flush,
	},
	.block = block,
	.probe = probe,
	.start = start,
	.drain = smmuv2_drain,
};
