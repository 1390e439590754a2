/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SMMUv1 and SMMUv2 with stage 2 only: probe, start, streams, contexts. A stream is an S2CR, found
 * through a stream match register or, where it has none, at the StreamID's own index. An S2CR is
 *
 *	fault  <->  translate by a context (one a guest: its VMID, its DMA root)
 *
 * and never goes from one context to another but through fault; what matches no register faults
 * as well. A fault is recorded; a stream that is detached aborts silently as long as a context can
 * be had for that: one whose table is empty and whose faults raise no interrupt.
 */
#include <arch/barrier.h>
#include <hv/log.h>
#include <hv/pmem.h>
#include <spec/smmuv2.h>

#include "../iommu_priv.h"

#define SYNC_US  100000 /* an invalidation waits for what is in flight; then the SMMU is dead */
#define TURNS    64     /* records of each kind that one drain takes */
#define CONTEXTS 128    /* as many as the architecture has; a guest needs one */

#define CR0     REG32(SMMUV2_CR0)
#define S2CR(n) REG32(SMMUV2_S2CR(n))
#define SMR(n)  REG32(SMMUV2_SMR(n))

/* All faults shown, all mismatches faults, CLIENTPD = 0: from the first write on, for ever. */
static const uint32_t cr0_on = CR0_GFRE | CR0_GFIE | CR0_GCFGFRE | CR0_GCFGFIE | CR0_STALLD |
			       CR0_USFCFG | CR0_VMIDPNE | CR0_PTM | CR0_SMCFCFG;

struct smmuv2 {
	struct iommu *i;
	struct mmio m;
	uint32_t cb_page;  /* register page of context bank 0 */
	uint8_t page_log2; /* of a register page */
	bool va64;         /* v2 with AArch64 tables of 4 KiB, and invalidation by IPA */
	bool matching;     /* else the StreamID is the index */
	bool mmu500;
	bool by_ipa;            /* takes the 64-bit accesses that forget single pages */
	uint32_t groups;        /* S2CRs, and SMRs where it matches */
	uint8_t banks;          /* that it has */
	uint8_t contexts;       /* of them: for guests */
	uint8_t silent;         /* the context of detached streams; `contexts`: there is none */
	struct s2 nothing;      /* its table */
	uint8_t vmid[CONTEXTS]; /* whose a context is, for ever; 0: free */
};

static struct reg32 at_page(const struct smmuv2 *s, unsigned page, uint32_t off)
{
	return REG32((page << s->page_log2) + off);
}

static struct reg32 at_bank(const struct smmuv2 *s, unsigned context, uint32_t off)
{
	return at_page(s, s->cb_page + context, off);
}

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
	struct mmio m = mmio_at(PA(reg.base));
	uint32_t idr0 = rd32(m, REG32(SMMUV2_IDR0));
	uint32_t idr1 = rd32(m, REG32(SMMUV2_IDR1));
	uint32_t idr2 = rd32(m, REG32(SMMUV2_IDR2));

	*s = (struct smmuv2){ .i = i, .m = m };
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

/* Also those that are never used: what firmware left there may hold a shared line. */
static void reset_context(const struct smmuv2 *s, unsigned c)
{
	struct reg32 actlr = at_bank(s, c, CB_ACTLR);

	wr32(s->m, at_bank(s, c, CB_SCTLR), 0);
	wr32(s->m, at_bank(s, c, CB_FSR), ~0U);
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

static enum hv_status smmuv2_start(const void *fdt, int node, struct iommu *i)
{
	struct smmuv2 *s = i->priv;
	struct mmio m = s->m;

	if (s->mmu500)
		wr32(m, REG32(SMMUV2_ACR),
		     rd32(m, REG32(SMMUV2_ACR)) & ~(uint32_t)MMU500_ACR_CACHE_LOCK);
	for (unsigned c = 0; c < s->banks; c++)
		reset_context(s, c);
	wr32(m, REG32(SMMUV2_GFSR), ~0U);
	wr32(m, REG32(SMMUV2_TLBIALLH), 0);
	wr32(m, REG32(SMMUV2_TLBIALLNSNH), 0);
	if (sync_all(s) != HV_OK)
		return HV_ETIMEOUT;
	connect_irqs(fdt, node, s);
	return s2_init(&s->nothing,
		       s2_geometry((struct s2_limits){ i->oas_bits, false },
				   (struct s2_limits){ i->oas_bits, false }),
		       0, (struct s2_need){ 0, 0 }, S2_SMMU);
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
		wr64(s->m, REG64(at_bank(s, c, CB_TLBIIPAS2).off), ipa / PAGE_SIZE);
	sync(s, at_bank(s, c, CB_TLBSYNC), at_bank(s, c, CB_TLBSTATUS));
}

/* A guest's context; of VMID 0 a free one. s->contexts: there is none. */
static unsigned context_of(const struct smmuv2 *s, uint16_t vmid)
{
	unsigned c = 0;

	while (c < s->contexts && (s->vmid[c] != vmid || c == s->silent))
		c++;
	return c;
}

static void flush(struct iommu *i, uint16_t vmid, ipa_t ipa, uint64_t size)
{
	const struct smmuv2 *s = i->priv;
	unsigned c = context_of(s, vmid);

	if (c < s->contexts && s->by_ipa && size <= FLUSH_PAGES * PAGE_SIZE)
		flush_pages(s, c, ipa.v, size);
	else if (c < s->contexts)
		flush_vmid(s, vmid);
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

/* The S2CR of a stream; s->groups: it has none. */
static unsigned group_of(const struct smmuv2 *s, uint32_t sid)
{
	return s->matching ? find_smr(s, smr_of(s, sid)) : MIN(sid, s->groups);
}

/* A match register is given once; it stays, as its S2CR faults while nobody has the stream. */
static enum hv_status add_match(const struct smmuv2 *s, uint32_t sid, unsigned *group)
{
	uint32_t smr = smr_of(s, sid);

	*group = find_smr(s, 0);
	if (*group == s->groups) {
		log_err("%s: its %u stream match registers are all in use", s->i->name, s->groups);
		return HV_ENOMEM;
	}
	wr32(s->m, SMR(*group), smr);
	if (rd32(s->m, SMR(*group)) == smr)
		return HV_OK;
	wr32(s->m, SMR(*group), 0); /* it has fewer bits than a StreamID */
	return HV_EINVAL;
}

/* The stream to fault, and forgotten. Its guest's context stays. */
static enum hv_status release_stream(const struct smmuv2 *s, unsigned group)
{
	uint32_t old = rd32(s->m, S2CR(group));
	uint16_t vmid = s->vmid[field_get(S2CR_CBNDX, old)];

	if ((old & S2CR_TYPE) != S2CR_TRANSLATE)
		return HV_OK;
	wr32(s->m, S2CR(group), S2CR_FAULT);
	return vmid ? flush_vmid(s, vmid) : HV_OK; /* of nothing nothing is remembered */
}

/* Into a context that is off. The geometry is the CPU's VTCR_EL2. */
static void write_context(const struct smmuv2 *s, unsigned c, const struct s2 *dma)
{
	uint64_t tcr = s2_vtcr(dma);

	wr32(s->m, at_page(s, 1, SMMUV2_CBA2R(c)), s->va64 ? CBA2R_VA64 : 0); /* v1: reserved, 0 */
	wr32(s->m, at_page(s, 1, SMMUV2_CBAR(c)), (uint32_t)(CBAR_S2 | dma->vmid));
	wr32(s->m, at_bank(s, c, CB_TCR), (uint32_t)(s->va64 ? tcr : tcr & TCR_AARCH32));
	wr32(s->m, at_bank(s, c, CB_TTBR0), (uint32_t)dma->root.v);
	wr32(s->m, at_bank(s, c, CB_TTBR0 + 4), (uint32_t)(dma->root.v >> 32));
	arch_dsb_oshst(); /* the tables before what makes them count */
}

#define SCTLR_SILENT (SCTLR_M | SCTLR_SBOP | SCTLR_CFRE | SCTLR_HUPCF)

static enum hv_status open_context(struct smmuv2 *s, unsigned c, const struct s2 *dma)
{
	enum hv_status st;

	write_context(s, c, dma);
	st = flush_vmid(s, dma->vmid);
	if (st == HV_OK) {
		wr32(s->m, at_bank(s, c, CB_SCTLR), SCTLR_SILENT | SCTLR_CFIE);
		s->vmid[c] = (uint8_t)dma->vmid;
	}
	return st;
}

/* A stream that faults is to do so silently, where there is a context for it. */
static void silence(struct smmuv2 *s, unsigned group)
{
	if (s->silent == s->contexts) {
		s->silent = (uint8_t)context_of(s, 0);
		if (s->silent == s->contexts)
			return;
		write_context(s, s->silent, &s->nothing);
		wr32(s->m, at_bank(s, s->silent, CB_SCTLR), SCTLR_SILENT);
	}
	wr32(s->m, S2CR(group), S2CR_TRANSLATE | s->silent);
}

/* A free context; a guest comes before silence. s->contexts: there is none. */
static unsigned take_context(struct smmuv2 *s)
{
	unsigned c = context_of(s, 0);

	if (c < s->contexts || s->silent == s->contexts)
		return c;
	c = s->silent;
	for (unsigned n = 0; n < s->groups; n++)
		if ((rd32(s->m, S2CR(n)) & (S2CR_TYPE | S2CR_CBNDX)) == (S2CR_TRANSLATE | c))
			wr32(s->m, S2CR(n), S2CR_FAULT);
	reset_context(s, c);
	s->silent = s->contexts;
	return c;
}

static enum hv_status translate(struct smmuv2 *s, unsigned group, const struct s2 *dma)
{
	unsigned c = context_of(s, dma->vmid);
	enum hv_status st;

	if (c < s->contexts &&
	    (rd32(s->m, S2CR(group)) & (S2CR_TYPE | S2CR_CBNDX)) == (S2CR_TRANSLATE | c))
		return HV_OK;
	st = release_stream(s, group);
	if (st == HV_OK && c == s->contexts) {
		c = take_context(s);
		if (c == s->contexts) {
			log_err("%s: its %u contexts are all in use, and each guest needs one",
				s->i->name, c);
			return HV_ENOMEM;
		}
		st = open_context(s, c, dma);
	}
	if (st == HV_OK)
		wr32(s->m, S2CR(group), S2CR_TRANSLATE | c);
	return st;
}

static enum hv_status attach(struct iommu *i, uint32_t sid, const struct s2 *dma)
{
	struct smmuv2 *s = i->priv;
	enum hv_status st;
	unsigned group;

	if (sid >> i->sid_bits)
		return HV_EINVAL;
	group = group_of(s, sid);
	if (group == s->groups) {
		st = dma && s->matching ? add_match(s, sid, &group) : HV_EINVAL;
		if (st != HV_OK)
			return st;
	}
	if (dma)
		return translate(s, group, dma);
	st = release_stream(s, group);
	if (st == HV_OK)
		silence(s, group);
	return st;
}

/*
 * Faults. There is one record for global faults, one a context, and what comes before a record is
 * cleared is only known to have come. The lines are levels, for as long as a record is there.
 */
static const char context_text[][24] = {
	[FSR_TF] = "translation",      [FSR_AFF] = "access flag",
	[FSR_PF] = "permission",       [FSR_EF] = "external abort",
	[FSR_TLBMCF] = "TLB conflict", [FSR_TLBLKF] = "TLB lock",
	[FSR_ASF] = "address size",    [FSR_UUT] = "unsupported transaction",
};
static const char global_text[][24] = {
	[GFSR_ICF] = "stream disabled",         [GFSR_USF] = "unknown StreamID",
	[GFSR_SMCF] = "StreamID matches twice", [GFSR_UCBF] = "no such context",
	[GFSR_UCIF] = "no such interrupt",      [GFSR_CAF] = "configuration access",
	[GFSR_EF] = "external abort",           [GFSR_PF] = "permission",
	[GFSR_UUT] = "unsupported transaction",
};

/* The registers of a record: offsets in a page, but for the StreamID. */
struct record {
	uint8_t fsr, far, synr;
	uint8_t code;           /* of its reason 0 */
	uint32_t faults, write; /* masks: of fsr, of synr */
	const char (*text)[24];
};
static const struct record global = {
	SMMUV2_GFSR, SMMUV2_GFAR, SMMUV2_GFSYNR0, 0x10, GFSR_FAULTS, GFSYNR0_WNR, global_text,
};
static const struct record context = {
	CB_FSR, CB_FAR, CB_FSYNR0, 0, FSR_FAULTS, FSYNR0_WNR, context_text,
};

/* Reports the record and clears it; false: there is none. It stands still until it is cleared. */
static bool take_record(const struct smmuv2 *s, const struct record *r, unsigned page,
			struct reg32 sid)
{
	uint32_t fsr = rd32(s->m, at_page(s, page, r->fsr));
	struct iommu_fault f = { .has_addr = true };
	unsigned bit;

	if (!(fsr & r->faults))
		return false;
	bit = (unsigned)__builtin_ctz(fsr & r->faults);
	f.reason = r->text[bit];
	f.code = (uint8_t)(r->code + bit);
	f.sid = (uint32_t)field_get(SYNR_SID, rd32(s->m, sid)) & ~s->i->sid_ignored;
	f.addr = rd32(s->m, at_page(s, page, r->far)) |
		 (uint64_t)rd32(s->m, at_page(s, page, r->far + 4U)) << 32;
	f.write = rd32(s->m, at_page(s, page, r->synr)) & r->write;
	wr32(s->m, at_page(s, page, r->fsr), fsr);
	iommu_report_fault(s->i, &f);
	return true;
}

static bool smmuv2_drain(struct iommu *i)
{
	const struct smmuv2 *s = i->priv;
	bool any = true;

	for (unsigned turn = 0; turn < TURNS && any; turn++) {
		any = take_record(s, &global, 0, REG32(SMMUV2_GFSYNR1));
		for (unsigned c = 0; c < s->contexts; c++)
			any |= c != s->silent && take_record(s, &context, s->cb_page + c,
							     at_page(s, 1, SMMUV2_CBFRSYNRA(c)));
	}
	return !any;
}

const struct iommu_driver smmuv2_driver = {
	.block = smmuv2_block,
	.probe = smmuv2_probe,
	.start = smmuv2_start,
	.drain = smmuv2_drain,
	.attach = attach,
	.flush = flush,
};
