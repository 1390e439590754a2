/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The virtual ITS, inside: vits.c has the registers and the queue, vits_cmd.c the commands,
 * vits_lpi.c events and their delivery. Everything here is protected by its->lock, a guest's own;
 * vgic locks are taken inside.
 */
#ifndef VITS_PRIV_H
#define VITS_PRIV_H

#include <hv/bits.h>
#include <hv/limits.h>
#include <hv/nospec.h>
#include <hv/spinlock.h>
#include <hv/vits.h>
#include <hv/vm.h>
#include <spec/gicv3.h>
#include <spec/its.h>

#define VITS_EVENT_BITS 16
#define VITS_INTID_BITS 16
#define VITS_ENTRY      8 /* bytes that a guest is told to give an ITT entry and a table entry */
_Static_assert(MAX_VCPUS <= 1U << VITS_CID_BITS, "collections");
#define VITS_DEVS     (1U << VITS_DEV_BITS)
#define VITS_ICIDS    (1U << VITS_CID_BITS)
#define VITS_UNMAPPED 0xffff
#define VITS_NO_LINE  1
#define VITS_PENDING  (((1U << VITS_INTID_BITS) - GIC_LPI_FIRST) / 8)
#define VITS_LINE     64 /* bytes of the property table that are fetched together */

/*
 * A trap performs commands until its budget is used up: 32 short ones, or fewer that touch many
 * events or fetch from guest memory. What is left continues with the next trap, vits_resume() or
 * any other register access.
 */
#define VITS_BATCH  32
#define COST_CMD    16
#define COST_FETCH  16
#define COST_EVENT  2 /* an event that is mapped; one that is not, and a device: 1 */
#define VITS_BUDGET (VITS_BATCH * COST_CMD)

struct vits_dev {
	uint32_t events;   /* that the device has */
	uint32_t limit;    /* that the guest may map: 0 without a MAPD */
	struct vlpi lpi[]; /* one an event; is.vintid 0: not mapped */
};

struct vits {
	struct spinlock lock;
	struct vm *vm;
	bool enabled;
	bool stalled;  /* the queue cannot be read, until Retry */
	uint32_t size; /* of the queue, bytes; 0: none, so there are no commands */
	uint64_t cbaser, baser[2];
	uint32_t cwriter, creadr;

	/* Commands are fetched once, then performed from here. */
	struct its_cmd batch[VITS_BATCH];
	uint8_t batch_next, batch_count;
	struct vits_scan {
		uint32_t dev, event;
	} scan;     /* how far the command at creadr got */
	int budget; /* left in this trap */

	uint16_t col[VITS_ICIDS]; /* vCPU, or VITS_UNMAPPED */
	uint32_t dev_end;         /* one more than the highest device */
	struct vits_dev *dev[VITS_DEVS];
	struct vits_redist {
		uint64_t props; /* IPA */
		uint32_t end;   /* INTIDs below have a byte there; 0: LPIs are off */
		uint8_t *
			pending; /* a bit each, from 8192: as the guest's table was, not yet seen */
	} *redist;               /* of each vCPU */
	struct {
		uint64_t ipa; /* of a line, or VITS_NO_LINE */
		uint8_t byte[VITS_LINE];
	} line;
};

/* Performs one command, as far as its->budget goes; false: it is not finished. */
bool vits_command(struct vits *its, struct vcpu *cur, const struct its_cmd *cmd);
/* The event of a device becomes pending, if it goes anywhere; false: nothing changed. O(1). */
bool vits_signal(struct vits *its, struct vlpi *lpi, struct vcpu *cur);
/* The event is not mapped any more, or never was. */
void vits_unmap(struct vits *its, struct vcpu *cur, struct vlpi *lpi);
/* It is this vINTID for this vCPU, with the properties that the guest's table has for it now. */
void vits_load(struct vits *its, struct vcpu *cur, struct vlpi *lpi, uint32_t vintid, uint16_t to);
void vits_reload(struct vits *its, struct vcpu *cur, struct vlpi *lpi); /* INV */
void vits_retarget(struct vits *its, struct vcpu *cur, struct vlpi *lpi, uint16_t to);

#endif
