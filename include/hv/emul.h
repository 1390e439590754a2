/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One trapped access of a guest, and what becomes of it. Emulators take and return values; they
 * never see guest registers and never decide how a guest is punished.
 */
#ifndef HV_EMUL_H
#define HV_EMUL_H

#include <hv/types.h>

enum emul {
	EMUL_OK,     /* done; the guest goes on behind the instruction */
	EMUL_INJECT, /* external abort into the guest */
	EMUL_ALIGN,  /* alignment abort into the guest */
	EMUL_RETRY,  /* the guest executes the instruction again */
};

struct vcpu;

struct mmio_access {
	uint64_t off; /* offset into the region the handler was registered for */
	ipa_t ipa;
	uint64_t value;  /* write: the value, zero extended; read: 0, then the handler's result, of
			 * which the guest gets as much as it asked for */
	uint32_t cookie; /* what s2_mark() was given for this page, see hv/s2.h */
	uint8_t size;    /* 1, 2, 4 or 8; off is a multiple of it */
	bool write;
};

typedef enum emul emul_fn(struct vcpu *vcpu, void *arg, struct mmio_access *a);

struct emul_region {
	emul_fn *fn;
	void *arg;
	uint64_t base; /* IPA that offset 0 stands for */
	uint64_t size;
};

#endif
