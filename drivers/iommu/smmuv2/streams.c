/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Streams. Each is an S2CR, found through a stream match register or, where it has none, at the
 * StreamID's own index. An S2CR is
 *
 *	fault  <->  translate by a context (one a guest: its DMA root)
 *
 * and never goes from one context to another but through fault; what matches no register faults
 * as well.
 */
#include "smmuv2_priv.h"

/* What a match register holds for a stream. */
static uint32_t smr_of(const struct smmuv2 *s, uint32_t sid)
{
	return (uint32_t)(SMR_VALID | field_put(sid, SMR_MASK, s->i->sid_ignored));
}

static unsigned find_smr(const struct smmuv2 *s, uint32_t smr)
{
	unsigned n = 0;

	while (n < s->groups && rd32(s->i->m, SMR(n)) != smr)
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
	wr32(s->i->m, SMR(*group), smr);
	if (rd32(s->i->m, SMR(*group)) == smr)
		return HV_OK;
	wr32(s->i->m, SMR(*group), 0); /* it has fewer bits than a StreamID */
	return HV_EINVAL;
}

/* The stream to fault, and forgotten. Its guest's context stays. */
static enum hv_status release_stream(const struct smmuv2 *s, unsigned group)
{
	uint32_t old = rd32(s->i->m, S2CR(group));
	unsigned c = (unsigned)field_get(S2CR_CBNDX, old);

	if ((old & S2CR_TYPE) != S2CR_TRANSLATE)
		return HV_OK;
	wr32(s->i->m, S2CR(group), S2CR_FAULT);
	return s->owner[c] ? smmuv2_flush_context(s, c) :
			     HV_OK; /* of nothing nothing is remembered */
}

/* A stream that faults is to do so silently, where there is a context for it. */
static void silence(struct smmuv2 *s, unsigned group)
{
	if (smmuv2_open_silent(s))
		wr32(s->i->m, S2CR(group), S2CR_TRANSLATE | s->silent);
}

/* A free context; a guest comes before silence. s->contexts: there is none. */
static unsigned take_context(struct smmuv2 *s)
{
	unsigned c = smmuv2_context_of(s, 0);

	if (c < s->contexts || s->silent == s->contexts)
		return c;
	c = s->silent;
	for (unsigned n = 0; n < s->groups; n++)
		if ((rd32(s->i->m, S2CR(n)) & (S2CR_TYPE | S2CR_CBNDX)) == (S2CR_TRANSLATE | c))
			wr32(s->i->m, S2CR(n), S2CR_FAULT);
	smmuv2_reset_context(s, c);
	s->silent = s->contexts;
	return c;
}

static enum hv_status translate(struct smmuv2 *s, unsigned group, const struct s2 *dma)
{
	unsigned c = smmuv2_context_of(s, 1U + dma->vmid);
	enum hv_status st;

	if (c < s->contexts &&
	    (rd32(s->i->m, S2CR(group)) & (S2CR_TYPE | S2CR_CBNDX)) == (S2CR_TRANSLATE | c))
		return HV_OK;
	st = release_stream(s, group);
	if (st == HV_OK && c == s->contexts) {
		c = take_context(s);
		if (c == s->contexts) {
			log_err("%s: its %u contexts are all in use, and each guest needs one",
				s->i->name, c);
			return HV_ENOMEM;
		}
		st = smmuv2_open_context(s, c, dma);
	}
	if (st == HV_OK)
		wr32(s->i->m, S2CR(group), S2CR_TRANSLATE | c);
	return st;
}

enum hv_status smmuv2_attach(struct iommu *i, uint32_t sid, const struct s2 *dma)
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
