/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SMMUv3 with stage 2 only: probe, start, interrupts. It is in global abort from the first look
 * until its stream table, in which everything aborts, is in force. It takes no part in broadcast
 * TLB maintenance: invalidation is by command, always. ATS and PRI stay off for ever: every
 * transaction that is marked as translated aborts (CR0.ATSCHK = 1, STE.EATS = 0).
 */
#include <arch/barrier.h>
#include <hv/pmem.h>

#include "smmuv3_priv.h"

#define IDR0   REG32(SMMU_IDR0)
#define IDR1   REG32(SMMU_IDR1)
#define CR0    REG32(SMMU_CR0)
#define CR0ACK REG32(SMMU_CR0ACK)
#define GBPA   REG32(SMMU_GBPA)

static enum hv_status set_cr0(struct mmio m, uint32_t v, const char *name)
{
	wr32(m, CR0, v);
	return poll32(m, CR0ACK, CR0_ACKED, v, REGISTER_US, name);
}

/* GBPA first: its reset value is bypass, and clearing SMMUEN brings it into force. */
static enum hv_status smmuv3_block(struct mmio m)
{
	static const char name[] = "smmuv3";
	enum hv_status st = poll32(m, GBPA, GBPA_UPDATE, 0, REGISTER_US, name);

	wr32(m, GBPA, GBPA_ABORT | GBPA_UPDATE);
	if (st == HV_OK)
		st = poll32(m, GBPA, GBPA_UPDATE | GBPA_ABORT, GBPA_ABORT, REGISTER_US, name);
	/* Even if that failed: firmware's stream table must not stay in force. */
	return set_cr0(m, 0, name) == HV_OK ? st : HV_ETIMEOUT;
}

/* The one sentence that says why it cannot be driven, or NULL. */
static const char *smmuv3_unusable(const struct iommu *i, uint32_t idr0, uint32_t idr1,
				   uint32_t idr5)
{
	if (!(idr0 & IDR0_S2P))
		return "translates stage 1 only";
	if (!(field_get(IDR0_TTF, idr0) & TTF_AARCH64) || !(idr5 & IDR5_GRAN4K))
		return "cannot walk AArch64 tables of 4 KiB";
	if (field_get(IDR0_TTENDIAN, idr0) == TTENDIAN_BE)
		return "walks big-endian tables only";
	if (field_get(IDR0_ST_LEVEL, idr0) != ST_TWO_LEVEL)
		return "has no two-level stream table";
	if (field_get(IDR0_STALL, idr0) == STALL_FORCED)
		return "stalls every faulting transaction";
	if (idr1 & IDR1_PRESET)
		return "has tables or queues at fixed addresses";
	if (field_get(IDR1_CMDQS, idr1) < CMDQ_LOG2_MIN)
		return "has too short a command queue";
	if (!i->coherent)
		return "is not coherent with the CPUs' caches (dma-coherent and IDR0.COHACC)";
	return NULL;
}

static const char *smmuv3_probe(const void *fdt, int node, struct range reg, struct iommu *i)
{
	struct smmu *s;
	uint32_t idr0, idr1, idr3, idr5;

	/*
	 * Blocking it took registers of the first page only; the queues' indexes are in the second.
	 */
	if (reg.size < SMMU_SIZE)
		return "has a reg shorter than its two pages of 64 KiB";
	if (dt_bool(fdt, node, "cavium,cn9900-broken-page1-regspace"))
		return "has no second register page";
	s = pmem_alloc(sizeof(*s), 64);
	*s = (struct smmu){ .i = i, .log = RATELIMIT(16, 10000) };
	i->priv = s;
	idr0 = rd32(s->i->m, IDR0);
	idr1 = rd32(s->i->m, IDR1);
	idr3 = rd32(s->i->m, REG32(SMMU_IDR3));
	idr5 = rd32(s->i->m, REG32(SMMU_IDR5));
	i->oas_bits = s2_address_bits((unsigned)field_get(IDR5_OAS, idr5));
	i->sid_bits = (uint8_t)field_get(IDR1_SIDSIZE, idr1);
	i->fwb = idr3 & IDR3_FWB;
	i->coherent = (idr0 & IDR0_COHACC) && dt_bool(fdt, node, "dma-coherent");
	/* §5.2: only where attributes can be overridden is "as they came" to be asked for. */
	s->ste1 = idr1 & IDR1_ATTR_TYPES ? FIELD(STE1_SHCFG, SHCFG_INCOMING) : 0;
	s->log2size = MIN(i->sid_bits, SID_BITS_MAX);
	s->cmdq_log2 = (uint8_t)MIN(field_get(IDR1_CMDQS, idr1), (uint64_t)CMDQ_LOG2);
	s->evtq_log2 = (uint8_t)MIN(field_get(IDR1_EVENTQS, idr1), (uint64_t)EVTQ_LOG2);
	return smmuv3_unusable(i, idr0, idr1, idr5);
}

static void allocate(struct smmu *s)
{
	size_t l1 = (size_t)8 << (s->log2size > SPLIT ? s->log2size - SPLIT : 0);
	size_t evtq = (size_t)EVT_SIZE << s->evtq_log2;

	/* Tables and queues are aligned to their size (§6.3.23, §6.3.25). */
	s->l1 = pmem_alloc(l1, MAX(l1, (size_t)64));
	s->cmdq = pmem_alloc((size_t)CMD_SIZE << s->cmdq_log2,
			     MAX((size_t)CMD_SIZE << s->cmdq_log2, (size_t)64));
	s->evtq = pmem_alloc(evtq, MAX(evtq, (size_t)64));
}

static void program_tables(const struct smmu *s)
{
	struct mmio m = s->i->m;

	wr32(m, REG32(SMMU_CR1),
	     (uint32_t)(FIELD(CR1_TABLE_SH, 3) | FIELD(CR1_TABLE_OC, 1) | FIELD(CR1_TABLE_IC, 1) |
			FIELD(CR1_QUEUE_SH, 3) | FIELD(CR1_QUEUE_OC, 1) | FIELD(CR1_QUEUE_IC, 1)));
	wr32(m, REG32(SMMU_CR2), CR2_PTM | CR2_RECINVSID);
	wr64(m, REG64(SMMU_STRTAB_BASE), va_to_pa(s->l1).v | BASE_ALLOC);
	wr32(m, REG32(SMMU_STRTAB_BASE_CFG),
	     (uint32_t)(FIELD(STRTAB_FMT, 1) | FIELD(STRTAB_SPLIT, SPLIT) | s->log2size));
	wr64(m, REG64(SMMU_CMDQ_BASE), va_to_pa(s->cmdq).v | BASE_ALLOC | s->cmdq_log2);
	wr32(m, REG32(SMMU_CMDQ_PROD), 0);
	wr32(m, REG32(SMMU_CMDQ_CONS), 0);
	wr64(m, REG64(SMMU_EVENTQ_BASE), va_to_pa(s->evtq).v | BASE_ALLOC | s->evtq_log2);
	wr32(m, REG32(SMMU_EVENTQ_PROD), 0);
	wr32(m, REG32(SMMU_EVENTQ_CONS), 0);
	/* Errors from before are nobody's. */
	wr32(m, REG32(SMMU_GERRORN), rd32(m, REG32(SMMU_GERROR)));
}

static enum hv_status forget_firmware(struct smmu *s, uint32_t idr0)
{
	static const struct smmu_cmd cmds[] = {
		{ { FIELD(CMD0_OP, OP_CFGI_ALL), FIELD(CMD1_RANGE, 31) } },
		{ { FIELD(CMD0_OP, OP_TLBI_NSNH_ALL) } },
		{ { FIELD(CMD0_OP, OP_TLBI_EL2_ALL) } }, /* where it has EL2 */
	};

	return smmu_issue(s, cmds, idr0 & IDR0_HYP ? 3 : 2);
}

static enum hv_status start_irqs(const void *fdt, int node, struct smmu *s, uint32_t idr0)
{
	static const char names[][9] = { "combined", "eventq", "gerror" };
	struct mmio m = s->i->m;
	struct dt_irq irq;

	/* What firmware left enabled guards the registers of messages (§6.3.16, §6.3.19). */
	wr32(m, REG32(SMMU_IRQ_CTRL), 0);
	if (poll32(m, REG32(SMMU_IRQ_CTRLACK), IRQ_ALL, 0, REGISTER_US, s->i->name) != HV_OK)
		return HV_ETIMEOUT;
	if (idr0 & IDR0_MSI) { /* wires, not messages */
		wr64(m, REG64(SMMU_GERROR_IRQ_CFG0), 0);
		wr64(m, REG64(SMMU_EVENTQ_IRQ_CFG0), 0);
	}
	for (unsigned n = 0; n < ARRAY_SIZE(names); n++) {
		int i = dt_list_index(fdt, node, "interrupt-names", names[n]);

		if (i >= 0 && dt_interrupt(fdt, node, (unsigned)i, &irq) == HV_OK)
			iommu_connect(s->i, &irq);
	}
	wr32(m, REG32(SMMU_IRQ_CTRL), IRQ_GERROR | IRQ_EVENTQ);
	return poll32(m, REG32(SMMU_IRQ_CTRLACK), IRQ_GERROR | IRQ_EVENTQ, IRQ_GERROR | IRQ_EVENTQ,
		      REGISTER_US, s->i->name);
}

/* The order of IHI 0070 §6.3.9: each enable is confirmed before the next step relies on it. */
static enum hv_status smmuv3_start(const void *fdt, int node, struct iommu *i)
{
	struct smmu *s = i->priv;
	uint32_t idr0 = rd32(s->i->m, IDR0);
	/* Any endpoint may mark a request as translated (IHI 0070 §3.9.1, §6.3.9). */
	uint32_t check = idr0 & IDR0_ATS ? CR0_ATSCHK : 0;

	allocate(s);
	program_tables(s);
	arch_dsb_oshst(); /* zeroed tables before the SMMU looks */
	if (set_cr0(s->i->m, check | CR0_CMDQEN, i->name) != HV_OK ||
	    forget_firmware(s, idr0) != HV_OK ||
	    set_cr0(s->i->m, check | CR0_CMDQEN | CR0_EVENTQEN, i->name) != HV_OK ||
	    start_irqs(fdt, node, s, idr0) != HV_OK)
		return HV_ETIMEOUT;
	return set_cr0(s->i->m, check | CR0_CMDQEN | CR0_EVENTQEN | CR0_SMMUEN, i->name);
}

const struct iommu_driver smmuv3_driver = {
	.block = smmuv3_block,
	.probe = smmuv3_probe,
	.start = smmuv3_start,
	.drain = smmu_drain,
	.attach = smmu_attach,
	.flush = smmu_flush,
};
