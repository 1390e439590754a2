/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command queue. Every batch ends in CMD_SYNC and is waited for, so the queue is empty
 * whenever the lock is free and there is always room. An illegal command is replaced by CMD_SYNC
 * and the queue goes on; a queue that does not answer is the end of the SMMU: translation off with
 * GBPA.ABORT in force, so nothing gets through, and whoever waits returns.
 */
#include <arch/barrier.h>
#include <arch/cpu.h>
#include <arch/time.h>

#include "smmuv3_priv.h"

#define CMDQ_PROD REG32(SMMU_CMDQ_PROD)
#define CMDQ_CONS REG32(SMMU_CMDQ_CONS)
#define GERROR    REG32(SMMU_GERROR)
#define GERRORN   REG32(SMMU_GERRORN)

#define ERRORS_MAX 8 /* command errors that one batch survives */

static const uint64_t sync_dw0 = FIELD(CMD0_OP, OP_SYNC);

/* Of an index with its wrap bit. */
static uint32_t cmdq_mask(const struct smmu *s)
{
	return (2U << s->cmdq_log2) - 1;
}

static void cmdq_put(struct smmu *s, uint64_t dw0, uint64_t dw1)
{
	uint32_t index = s->cmdq_prod & cmdq_mask(s) >> 1;

	s->cmdq[index * 2] = dw0;
	s->cmdq[index * 2 + 1] = dw1;
	s->cmdq_prod = (s->cmdq_prod + 1) & cmdq_mask(s);
}

/* IHI 0070 §7.1: the queue stopped at a bad command; it goes on when that is mended and acked. */
static bool mend_command(struct smmu *s)
{
	uint32_t acked = rd32(s->i->m, GERRORN);
	uint32_t cons, index, missed;

	if (!((rd32(s->i->m, GERROR) ^ acked) & GERROR_CMDQ))
		return false;
	cons = rd32(s->i->m, CMDQ_CONS);
	index = cons & cmdq_mask(s) >> 1;
	if (ratelimit_pass(&s->log, &missed))
		log_err("%s: command 0x%lx failed with error %lu", s->i->name, s->cmdq[index * 2],
			field_get(CMDQ_CONS_ERR, cons));
	s->cmdq[index * 2] = sync_dw0;
	s->cmdq[index * 2 + 1] = 0;
	arch_dsb_oshst(); /* the mended command before the queue goes on */
	wr32(s->i->m, GERRORN, acked ^ (uint32_t)GERROR_CMDQ);
	return true;
}

static bool wait_consumed(struct smmu *s)
{
	uint64_t end = time_after(SYNC_US);
	unsigned errors = 0;

	for (;;) {
		bool late = arch_time_ticks() > end;

		if ((rd32(s->i->m, CMDQ_CONS) & cmdq_mask(s)) == s->cmdq_prod)
			return true;
		if (late || (mend_command(s) && ++errors > ERRORS_MAX))
			return false;
		arch_cpu_relax();
	}
}

/* As many as the queue has room for. */
static enum hv_status issue_batch(struct smmu *s, const struct smmu_cmd *cmds, unsigned n)
{
	for (unsigned c = 0; c < n; c++)
		cmdq_put(s, cmds[c].dw[0], cmds[c].dw[1]);
	cmdq_put(s, sync_dw0, 0);
	arch_dsb_oshst(); /* commands, and the tables they are about, before the doorbell */
	wr32(s->i->m, CMDQ_PROD, s->cmdq_prod);
	if (wait_consumed(s))
		return HV_OK;
	iommu_kill(s->i, "the command queue does not answer");
	return HV_ETIMEOUT;
}

enum hv_status smmu_issue(struct smmu *s, const struct smmu_cmd *cmds, unsigned n)
{
	enum hv_status st = HV_OK;

	for (unsigned done = 0, batch; done < n && st == HV_OK; done += batch) {
		batch = MIN(n - done, (1U << s->cmdq_log2) - 1);
		st = issue_batch(s, cmds + done, batch);
	}
	return st;
}

static uint32_t active_errors(const struct smmu *s)
{
	return (rd32(s->i->m, GERROR) ^ rd32(s->i->m, GERRORN)) & GERROR_ALL;
}

/* IHI 0070 §7.5. Command errors are mended by whoever waits; here it is nobody's. */
void smmu_gerror(struct smmu *s)
{
	uint32_t active, missed;

	if (!active_errors(s))
		return;
	spin_lock(&s->i->lock, LOCK_IOMMU);
	if (!s->i->dead) {
		mend_command(s);
		active = active_errors(s) & ~(uint32_t)GERROR_CMDQ;
		wr32(s->i->m, GERRORN, rd32(s->i->m, GERRORN) ^ active);
		if (active && ratelimit_pass(&s->log, &missed))
			log_err("%s: global error 0x%x", s->i->name, active);
		if (active & GERROR_SFM)
			iommu_kill(s->i, "service failure");
	}
	spin_unlock(&s->i->lock);
}

enum hv_status smmu_flush_all(struct smmu *s, uint16_t vmid)
{
	struct smmu_cmd cmd = { { field_put(FIELD(CMD0_OP, OP_TLBI_S12_VMALL), CMD0_VMID, vmid) } };

	return smmu_issue(s, &cmd, 1);
}

/* Stage-2 entries by address suffice because stage 1 is off. Not "leaf": tables are freed too. */
void smmu_flush(struct iommu *i, uint16_t vmid, ipa_t ipa, uint64_t size)
{
	uint64_t dw0 = field_put(FIELD(CMD0_OP, OP_TLBI_S2_IPA), CMD0_VMID, vmid);
	struct smmu_cmd cmds[FLUSH_PAGES];
	unsigned n = 0;

	if (size > FLUSH_PAGES * PAGE_SIZE) {
		smmu_flush_all(i->priv, vmid);
		return;
	}
	do
		cmds[n] = (struct smmu_cmd){ { dw0, (ipa.v + n * PAGE_SIZE) & CMD1_IPA } };
	while (++n * PAGE_SIZE < size);
	smmu_issue(i->priv, cmds, n);
}
