/* SPDX-License-Identifier: Apache-2.0 */
/* One SMMUv3: what its files share. The lock of its struct iommu is for all but events. */
#ifndef SMMUV3_PRIV_H
#define SMMUV3_PRIV_H

#include <hv/log.h>
#include <spec/smmuv3.h>

#include "../iommu_priv.h"

#define SYNC_US     100000 /* a CMD_SYNC waits for what is in flight; then the queue is dead */
#define REGISTER_US 100000

#define CMDQ_LOG2     6 /* where it can: a flush rings once */
#define CMDQ_LOG2_MIN 1 /* a command and its CMD_SYNC */
#define EVTQ_LOG2     9
#define SPLIT         8  /* one second-level table a bus */
#define SID_BITS_MAX  20 /* first level of 32 KiB; StreamIDs beyond abort */

struct smmu {
	struct iommu *i;
	uint64_t ste1; /* what this SMMU wants in doubleword 1 of every entry */
	uint64_t *l1;
	uint8_t log2size; /* StreamIDs 0 .. 2^log2size */

	uint64_t *cmdq;
	uint8_t cmdq_log2;
	uint32_t cmdq_prod; /* index and wrap bit */

	uint64_t *evtq;
	uint32_t evtq_cons;
	uint8_t evtq_log2;

	struct ratelimit log; /* lines about this SMMU's own errors */
};

struct smmu_cmd {
	uint64_t dw[2];
};

/* cmdq.c: the commands, then CMD_SYNC, complete on return. HV_ETIMEOUT: dead. */
enum hv_status smmu_issue(struct smmu *s, const struct smmu_cmd *cmds, unsigned n);
void smmu_gerror(struct smmu *s);
void smmu_flush(struct iommu *i, uint16_t vmid, ipa_t ipa, uint64_t size);
enum hv_status smmu_flush_all(struct smmu *s, uint16_t vmid);

/* strtab.c */
enum hv_status smmu_attach(struct iommu *i, uint32_t sid, const struct s2 *dma);

/* evtq.c */
bool smmu_drain(struct iommu *i);

#endif
