/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Faults. There is one record for global faults, one a context, and what comes before a record is
 * cleared is only known to have come. The lines are levels, for as long as a record is there.
 */
#include "smmuv2_priv.h"

#define TURNS 64 /* records of each kind that one drain takes */

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
	uint32_t fsr = rd32(s->i->m, smmuv2_page(s, page, r->fsr));
	struct iommu_fault f = { .has_addr = true };
	unsigned bit;

	if (!(fsr & r->faults))
		return false;
	bit = (unsigned)__builtin_ctz(fsr & r->faults);
	f.reason = r->text[bit];
	f.code = (uint8_t)(r->code + bit);
	f.sid = (uint32_t)field_get(SYNR_SID, rd32(s->i->m, sid)) & ~s->i->sid_ignored;
	f.addr = rd32(s->i->m, smmuv2_page(s, page, r->far)) |
		 (uint64_t)rd32(s->i->m, smmuv2_page(s, page, r->far + 4U)) << 32;
	f.write = rd32(s->i->m, smmuv2_page(s, page, r->synr)) & r->write;
	wr32(s->i->m, smmuv2_page(s, page, r->fsr), fsr);
	iommu_report_fault(s->i, &f);
	return true;
}

bool smmuv2_drain(struct iommu *i)
{
	const struct smmuv2 *s = i->priv;
	bool any = true;

	for (unsigned turn = 0; turn < TURNS && any; turn++) {
		any = take_record(s, &global, 0, REG32(SMMUV2_GFSYNR1));
		for (unsigned c = 0; c < s->contexts; c++)
			any |= c != s->silent &&
			       take_record(s, &context, s->cb_page + c,
					   smmuv2_page(s, 1, SMMUV2_CBFRSYNRA(c)));
	}
	return !any;
}
