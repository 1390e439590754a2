/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A register-level SMMUv1 or SMMUv2 with stage 2, for the host, after IHI 0062: matches streams,
 * walks the real translation tables, and caches translations until an invalidation and its sync
 * are over, so that a missing one of either is seen. It asserts at every register write that no
 * stream begins to pass untranslated. Errors are injected through the fields below.
 */
#ifndef SMMUV2_MODEL_H
#define SMMUV2_MODEL_H

#include <stdbool.h>
#include <stdint.h>

enum { DMA_OK, DMA_ABORT };

struct smmuv2_model {
	/* knobs */
	uint32_t idr0, idr1, idr2;
	bool v1;
	bool mmu500;       /* prefetches what survives invalidation, unless that is turned off */
	bool cr0_stuck;    /* CR0 does not take what is written */
	bool sync_stuck;   /* invalidations do not end */
	uint32_t smr_bits; /* those that a match register has */
	void (*irq)(void); /* called after each fault while level() */
	/* state */
	uint32_t cr0, acr, gfsr, gfsynr0, gfsynr1;
	uint64_t gfar;
	uint32_t smr[256], s2cr[256];
	struct {
		uint32_t cbar, cba2r, cbfrsynra, sctlr, actlr, tcr, fsr, fsynr0;
		uint32_t ttbr0[2];
		uint64_t far;
		bool active;
	} cb[16];
	bool gactive;
	struct {
		int by; /* the context bank it was written to; -1: global */
		bool all_vmids, all_pages;
		uint8_t vmid;
		uint64_t page;
	} pending[64];
	unsigned pending_count;
	struct {
		bool valid, prefetched;
		uint8_t vmid;
		uint64_t page, pte;
	} tlb[64];
	unsigned tlb_next;
};

void smmuv2_model_reset(struct smmuv2_model *m);  /* MMU-401 as on Juno; state as after reset */
void smmuv2_model_mmu500(struct smmuv2_model *m); /* MMU-500 with pages of 64 KiB */
uint64_t smmuv2_model_size(const struct smmuv2_model *m);
void smmuv2_model_attach(struct smmuv2_model *m, uintptr_t base);
/* The interrupt line, all of them in one. */
bool smmuv2_model_level(const struct smmuv2_model *m);
/* Would this stream pass untranslated? */
bool smmuv2_model_passes(const struct smmuv2_model *m, uint32_t sid);
/* A transaction of a device. DMA_OK: *pa says where it goes. */
int smmuv2_model_dma(struct smmuv2_model *m, uint32_t sid, uint64_t addr, bool write, uint64_t *pa);

#endif
