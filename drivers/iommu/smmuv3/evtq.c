/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The event queue, which has one consumer at a time. A record is copied once and then decoded.
 */
#include <string.h>

#include <arch/barrier.h>

#include "smmuv3_priv.h"

#define EVENTQ_PROD REG32(SMMU_EVENTQ_PROD)
#define EVENTQ_CONS REG32(SMMU_EVENTQ_CONS)

#define EVENTS_MAX 64

static const struct {
	uint8_t id;
	bool has_addr;
	char text[30]; /* not a pointer: nothing to relocate */
} reasons[] = {
	{ EVT_UUT, true, "unsupported transaction" },
	{ EVT_BAD_STREAMID, false, "unknown StreamID" },
	{ EVT_STE_FETCH, false, "stream table not readable" },
	{ EVT_BAD_STE, false, "bad stream table entry" },
	{ EVT_BAD_ATS_TREQ, true, "ATS request" },
	{ EVT_STREAM_DISABLED, false, "stream disabled" },
	{ EVT_TRANSL_FORBIDDEN, true, "translated request" },
	{ EVT_BAD_SUBSTREAMID, false, "PASID" },
	{ EVT_WALK_EABT, true, "stage-2 table not readable" },
	{ EVT_TRANSLATION, true, "translation" },
	{ EVT_ADDR_SIZE, true, "address size" },
	{ EVT_ACCESS, true, "access flag" },
	{ EVT_PERMISSION, true, "permission" },
	{ EVT_TLB_CONFLICT, true, "TLB conflict" },
	{ EVT_CFG_CONFLICT, false, "configuration conflict" },
};

static void report_event(struct smmu *s, const uint64_t *dw)
{
	struct iommu_fault f = {
		.sid = (uint32_t)field_get(EVT0_SID, dw[0]),
		.addr = dw[2],
		.reason = "unknown event",
		.code = (uint8_t)field_get(EVT0_ID, dw[0]),
		.write = !(dw[1] & EVT1_READ),
	};

	for (unsigned n = 0; n < ARRAY_SIZE(reasons); n++)
		if (reasons[n].id == f.code) {
			f.reason = reasons[n].text;
			f.has_addr = reasons[n].has_addr;
		}
	iommu_report_fault(s->i, &f);
}

static void ack_overflow(struct smmu *s, uint32_t prod)
{
	uint32_t missed;

	if (((prod ^ s->evtq_cons) & EVENTQ_OVERFLOW) == 0)
		return;
	s->evtq_cons ^= (uint32_t)EVENTQ_OVERFLOW;
	if (ratelimit_pass(&s->log, &missed))
		log_warn("%s: more faults than it could record", s->i->name);
}

bool smmu_drain(struct iommu *i)
{
	struct smmu *s = i->priv;
	uint32_t mask = (2U << s->evtq_log2) - 1;
	unsigned left = EVENTS_MAX, turns = EVENTS_MAX;

	smmu_gerror(s);
	while (left && turns--) {
		uint32_t prod = rd32(s->i->m, EVENTQ_PROD);

		arch_dsb_osh(); /* the index before the records */
		if (((prod ^ s->evtq_cons) & (mask | EVENTQ_OVERFLOW)) == 0)
			return true;
		for (; left && ((prod ^ s->evtq_cons) & mask); left--) {
			uint32_t index = s->evtq_cons & (mask >> 1);
			uint64_t dw[EVT_SIZE / 8];

			memcpy(dw, s->evtq + index * ARRAY_SIZE(dw), sizeof(dw));
			s->evtq_cons = (s->evtq_cons & (uint32_t)EVENTQ_OVERFLOW) |
				       ((s->evtq_cons + 1) & mask);
			report_event(s, dw);
		}
		ack_overflow(s, prod);
		arch_dsb_osh(); /* the records are read before their place is given back */
		wr32(s->i->m, EVENTQ_CONS, s->evtq_cons);
	}
	return false;
}
