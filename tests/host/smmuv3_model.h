/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A register-level SMMUv3 with stage 2, for the host: consumes its command queue, walks the real
 * stream and translation tables, and caches both until it is told to forget, so that a missing
 * invalidation is seen. Errors are injected through the fields below.
 */
#ifndef SMMUV3_MODEL_H
#define SMMUV3_MODEL_H

#include <stdbool.h>
#include <stdint.h>

enum { DMA_OK, DMA_ABORT };

struct smmuv3_model {
	/* knobs */
	uint32_t idr0, idr1, idr3, idr5;
	bool gbpa_stuck;    /* UPDATE never clears */
	bool ack_stuck;     /* CR0ACK does not follow */
	bool queue_stuck;   /* commands are not consumed */
	unsigned fail_next; /* this many commands are refused with CERROR_ILL */
	/* state */
	uint32_t cr0, cr0ack, cr1, cr2, gbpa, irq_ctrl, gerror, gerrorn;
	uint64_t strtab_base, cmdq_base, evtq_base;
	uint32_t strtab_cfg, cmdq_prod, cmdq_cons, evtq_prod, evtq_cons;
	/* what it was told, in order */
	struct {
		uint64_t dw[2];
	} cmd[256];
	unsigned cmd_count;
	/* caches */
	struct {
		bool valid;
		uint32_t sid;
		uint64_t dw[8];
	} ste[8];
	unsigned ste_next;
	struct {
		bool valid;
		uint16_t vmid;
		uint64_t ipa, pte;
	} tlb[32];
	unsigned tlb_next;
	void (*irq)(void); /* event queue not empty any more, or a global error */
};

void smmuv3_model_reset(struct smmuv3_model *m);
void smmuv3_model_attach(struct smmuv3_model *m, uintptr_t base);
/* A transaction of a device. DMA_OK: *pa says where it goes. */
int smmuv3_model_dma(struct smmuv3_model *m, uint32_t sid, uint64_t addr, bool write, uint64_t *pa);
/* One that the device marks as translated: `addr` is a PA. DMA_OK: it passed. */
int smmuv3_model_translated(struct smmuv3_model *m, uint32_t sid, uint64_t addr, bool write);

#endif
