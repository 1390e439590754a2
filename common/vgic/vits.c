/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The virtual ITS: registers (IHI 0069H §12.19), command queue, delivery. A guest's own memory
 * holds its queue and tables; of these only commands and LPI properties are ever read, each once.
 * A trap does a bounded amount of work; an unfinished queue makes its CPU trap again (vcpu_repost)
 * after the guest had its turn, and CREADR lags meanwhile.
 *
 * A guest's pending table is read once, when a redistributor's LPIs go on with PTZ = 0: what it
 * says becomes pending when the LPI's properties are first looked at. It is never written (§5.1.2).
 */
#include <string.h>

#include <hv/pmem.h>

#include "vits_priv.h"

#define IIDR        UINT64_C(0x5600043b) /* product 'V'; revision 0, implementer Arm */
#define PIDR2_GICV3 0x3b
#define CMD_BYTES   ((uint32_t)sizeof(struct its_cmd))
#define CBASER_STORED                                                                              \
	(CBASER_VALID | CBASER_INNER | CBASER_OUTER | CBASER_ADDR | CBASER_SHARE | CBASER_SIZE)

static const uint64_t typer = TYPER_PHYSICAL | FIELD(TYPER_ITT_SIZE, VITS_ENTRY - 1) |
			      FIELD(TYPER_ID_BITS, VITS_EVENT_BITS - 1) |
			      FIELD(TYPER_DEV_BITS, VITS_DEV_BITS - 1) | TYPER_CIL |
			      FIELD(TYPER_CID_BITS, VITS_CID_BITS - 1);

/* Devices, collections: type and entry size are ours, the rest is the guest's to say. */
static const uint64_t baser_ro[2] = {
	FIELD(BASER_TYPE, BASER_TYPE_DEVICE) | FIELD(BASER_ENTRY, VITS_ENTRY - 1),
	FIELD(BASER_TYPE, BASER_TYPE_COLLECTION) | FIELD(BASER_ENTRY, VITS_ENTRY - 1),
};

static bool has_commands(const struct vits *its)
{
	return its->enabled && !its->stalled && its->creadr != its->cwriter;
}

/*
 * One copy of what the guest has written, up to a batch, the end of the queue or that of a page:
 * the guest's RAM may be of several pieces.
 */
static bool fetch_commands(struct vits *its)
{
	uint32_t end = its->cwriter < its->creadr ? its->size : its->cwriter;
	uint32_t page_end = (uint32_t)ALIGN_DOWN(its->creadr, PAGE_SIZE) + (uint32_t)PAGE_SIZE;
	uint32_t n = MIN((MIN(end, page_end) - its->creadr) / CMD_BYTES, VITS_BATCH);
	uint64_t ipa = (its->cbaser & CBASER_ADDR) + its->creadr;

	if (vm_copy_from(its->vm, its->batch, IPA(ipa), n * CMD_BYTES) != HV_OK) {
		vm_log(its->vm, "ITS command queue at 0x%lx is not in RAM, or poisoned: stalled",
		       ipa);
		its->stalled = true;
		return false;
	}
	its->batch_next = 0;
	its->batch_count = (uint8_t)n;
	return true;
}

static void run_commands(struct vits *its, struct vcpu *cur)
{
	uint32_t next;

	its->budget = VITS_BUDGET;
	its->line.ipa = VITS_NO_LINE; /* properties may have changed since the last trap */
	while (has_commands(its) && its->budget > 0) {
		if (its->batch_next == its->batch_count && !fetch_commands(its))
			return;
		its->budget -= COST_CMD;
		if (!vits_command(its, cur, &its->batch[its->batch_next]))
			return;
		its->scan = (struct vits_scan){ 0 };
		its->batch_next++;
		next = its->creadr + CMD_BYTES;
		write_once(its->creadr, next == its->size ? 0 : next);
	}
}

static void vits_set_ctlr(struct vits *its, uint64_t v)
{
	its->enabled = v & CTLR_ENABLED;
	if (its->enabled)
		return;
	/* What was fetched and not performed will be fetched again. */
	its->batch_next = its->batch_count;
	its->scan = (struct vits_scan){ 0 };
}

static void set_cbaser(struct vits *its, uint64_t v)
{
	if (its->enabled) /* GITS_CBASER: UNPREDICTABLE; here: ignored */
		return;
	its->cbaser = v & CBASER_STORED;
	its->size = v & CBASER_VALID ? (uint32_t)((field_get(CBASER_SIZE, v) + 1) * PAGE_SIZE) : 0;
	write_once(its->creadr, 0);
	write_once(its->cwriter, 0);
	its->stalled = false;
}

static void set_cwriter(struct vits *its, uint64_t v)
{
	uint32_t off = (uint32_t)(v & CQ_OFFSET);

	if (v & CWRITER_RETRY)
		its->stalled = false;
	if (off < its->size)
		write_once(its->cwriter, off);
	else
		vm_log(its->vm, "ITS: CWRITER 0x%x is beyond the queue: ignored", off);
}

/* Registers by the doubleword that holds them; absent ones read 0. */
static uint64_t vits_reg_read(const struct vits *its, uint64_t off)
{
	switch (off) {
	case ITS_CTLR: /* and IIDR; never at work while off */
		return (its->enabled ? CTLR_ENABLED : CTLR_QUIESCENT) | IIDR << 32;
	case ITS_TYPER:
		return typer;
	case ITS_CBASER:
		return its->cbaser;
	case ITS_CWRITER:
		return its->cwriter;
	case ITS_CREADR:
		return its->creadr | (its->stalled ? CREADR_STALLED : 0);
	case ITS_BASER:
	case ITS_BASER + 8:
		return its->baser[off / 8 % 2];
	case ITS_PIDR2:
		return PIDR2_GICV3;
	default:
		return 0;
	}
}

/* All three page sizes; the reserved one is 64 KiB, IHI 0069 §12.19.1. */
static uint64_t baser_pages(uint64_t v)
{
	return field_get(BASER_PAGE, v) == 3 ? field_put(v, BASER_PAGE, 2) : v;
}

static void vits_reg_write(struct vits *its, const struct mmio_access *a)
{
	uint64_t off = a->off & ~UINT64_C(7), v = a->value;
	unsigned shift = (unsigned)(a->off & 7) * 8;
	uint64_t word = UINT64_C(0xffffffff) << shift;

	if (a->size == 4)
		v = (vits_reg_read(its, off) & ~word) | (v << shift & word);
	switch (off) {
	case ITS_CTLR:
		vits_set_ctlr(its, v);
		break;
	case ITS_CBASER:
		set_cbaser(its, v);
		break;
	case ITS_CWRITER:
		set_cwriter(its, v);
		break;
	case ITS_BASER:
	case ITS_BASER + 8:
		its->baser[off / 8 % 2] = (baser_pages(v) & ~(BASER_TYPE | BASER_ENTRY)) |
					  baser_ro[off / 8 % 2];
		break;
	}
}

/* Performs what the budget of a trap allows, and releases the lock that the caller took. */
static void run_unlock(struct vits *its, struct vcpu *cur)
{
	bool again;

	run_commands(its, cur);
	again = has_commands(its);
	spin_unlock(&its->lock);
	if (again)
		vcpu_repost(cur);
}

static enum emul vits_access(struct vcpu *vcpu, void *arg, struct mmio_access *a)
{
	struct vits *its = arg;

	/* The translation frame is for devices: what a CPU writes there is no message. */
	if (a->off >= ITS_FRAME || a->size < 4) {
		a->value = a->write ? a->value : 0;
		return EMUL_OK;
	}
	spin_lock(&its->lock, LOCK_VITS);
	if (a->write)
		vits_reg_write(its, a);
	else
		a->value = vits_reg_read(its, a->off & ~UINT64_C(7)) >> (a->off & 7) * 8;
	if (!a->write && a->size == 4)
		a->value = (uint32_t)a->value;
	run_unlock(its, vcpu);
	return EMUL_OK;
}

void vits_resume(struct vits *its, struct vcpu *cur)
{
	/* Without the lock: who leaves work behind reposts its own CPU, which then sees it. */
	if (read_once(its->creadr) == read_once(its->cwriter))
		return;
	spin_lock(&its->lock, LOCK_VITS);
	run_unlock(its, cur);
}

void vits_enable_lpis(struct vcpu *vcpu, uint64_t propbaser, uint64_t pendbaser)
{
	struct vits *its = vcpu->vm->vits;
	unsigned bits = (unsigned)MIN(field_get(PROPBASER_IDBITS, propbaser) + 1, VITS_INTID_BITS);
	struct vits_redist *r;

	if (!its)
		return;
	r = &its->redist[vcpu->index];
	spin_lock(&its->lock, LOCK_VITS);
	r->props = propbaser & PROPBASER_PA;
	r->end = 1U << bits;
	/* Bit n of the table is INTID n. One that cannot be read leaves nothing pending. */
	if (!(pendbaser & PENDBASER_PTZ) && r->end > GIC_LPI_FIRST &&
	    vm_copy_from(its->vm, r->pending, IPA((pendbaser & PENDBASER_PA) + GIC_LPI_FIRST / 8),
			 (r->end - GIC_LPI_FIRST) / 8) != HV_OK) {
		memset(r->pending, 0, VITS_PENDING);
		vm_log(its->vm, "LPI pending table of vCPU %u is not in RAM: ignored", vcpu->index);
	}
	spin_unlock(&its->lock);
}

void vits_reset(struct vits *its)
{
	spin_lock(&its->lock, LOCK_VITS);
	for (uint32_t i = 0; i < its->dev_end; i++)
		for (struct vits_dev *dev = its->dev[i]; dev && dev->limit; dev->limit--)
			vits_unmap(its, NULL, &dev->lpi[dev->limit - 1]);
	vits_set_ctlr(its, 0);
	set_cbaser(its, 0);
	memcpy(its->baser, baser_ro, sizeof(baser_ro));
	memset(its->col, 0xff, sizeof(its->col)); /* VITS_UNMAPPED */
	for (unsigned i = 0; i < its->vm->vcpu_count; i++) {
		its->redist[i].end = 0;
		memset(its->redist[i].pending, 0, VITS_PENDING);
	}
	spin_unlock(&its->lock);
}

enum hv_status vits_init(struct vm *vm, ipa_t base)
{
	struct vits *its = pmem_try_alloc(sizeof(*its), 64);

	if (!its)
		return HV_ENOMEM;
	its->vm = vm;
	its->redist = pmem_try_alloc(vm->vcpu_count * sizeof(*its->redist), 64);
	if (!its->redist)
		return HV_ENOMEM;
	for (unsigned i = 0; i < vm->vcpu_count; i++) {
		its->redist[i].pending = pmem_try_alloc(VITS_PENDING, 64);
		if (!its->redist[i].pending)
			return HV_ENOMEM;
	}
	vits_reset(its);
	vm->vits = its;
	return vm_emulate(vm, base, VITS_SIZE, vits_access, its, NULL);
}

enum hv_status vits_add_device(struct vits *its, uint32_t vdev, uint32_t events)
{
	struct vits_dev *dev;

	if (vdev >= VITS_DEVS || events == 0 || events > 1U << VITS_EVENT_BITS)
		return HV_EINVAL;
	if (its->dev[vdev])
		return HV_ECONFLICT;
	dev = pmem_try_alloc(sizeof(*dev) + events * sizeof(dev->lpi[0]), 64);
	if (!dev)
		return HV_ENOMEM;
	dev->events = events;
	its->dev[vdev] = dev;
	its->dev_end = MAX(its->dev_end, vdev + 1);
	return HV_OK;
}
