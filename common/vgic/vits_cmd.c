/*
 * Commands of the virtual ITS (IHI 0069H §5.3). Each is checked against the devices and vCPUs of
 * its own guest and performed on EL2's map; nothing is forwarded. A command that makes no sense is
 * skipped with a line in the log, as an ITS may do with a command error; so the queue always ends.
 */
#include "vits_priv.h"

enum result {
	CMD_DONE,
	CMD_MORE, /* the budget is used up: again, from its->scan on */
	BAD_KIND,
	BAD_DEVICE,
	BAD_SIZE,
	BAD_EVENT,
	BAD_INTID,
	BAD_COLLECTION,
	BAD_TARGET,
};

/* From BAD_KIND on. */
static const char reasons[][56] = {
	"no such command",
	"no such device",
	"too many events",
	"the event is not mapped, or the device does not have it",
	"not an LPI",
	"no such collection",
	"no such redistributor",
};

static bool find_vcpu(const struct vits *its, uint64_t rd, uint8_t *vcpu)
{
	uint64_t n = field_get(CMD2_RD, rd); /* PTA is 0: a processor number */

	*vcpu = (uint8_t)n;
	return n < its->vm->vcpu_count;
}

/* A collection that is there; where its interrupts go, or VITS_UNMAPPED. */
static uint8_t target_of(const struct vits *its, uint64_t icid)
{
	return icid < VITS_ICIDS ? its->col[icid] : VITS_UNMAPPED;
}

void vits_unmap(struct vits *its, struct vlpi *lpi)
{
	if (!lpi->vintid)
		return;
	vgic_lpi_clear(its->vm, lpi);
	lpi->vintid = 0;
}

static uint8_t property(struct vits *its, uint64_t ipa)
{
	uint64_t line = ALIGN_DOWN(ipa, VITS_LINE);

	if (its->line.ipa != line) {
		its->budget -= COST_FETCH;
		its->line.ipa = line;
		if (vm_copy_from(its->vm, its->line.byte, IPA(line), VITS_LINE) != HV_OK) {
			its->line.ipa = VITS_NO_LINE;
			return 0; /* disabled: a table that is not RAM */
		}
	}
	return its->line.byte[ipa - line];
}

/* What the table at EnableLPIs said, once. */
static bool was_pending(struct vits_redist *r, uint32_t lpi)
{
	uint8_t bit = (uint8_t)(1U << lpi % 8), seen = r->pending[lpi / 8] & bit;

	r->pending[lpi / 8] ^= seen;
	return seen;
}

static void load(struct vits *its, struct vcpu *cur, struct vlpi *lpi)
{
	struct vits_redist *r = &its->redist[lpi->vcpu];
	uint32_t n = lpi->vintid - IRQ_LPI_FIRST;
	bool inside = lpi->vintid < r->end;
	uint8_t p = inside ? property(its, r->props + n) : 0;

	lpi->fresh = r->end != 0;
	lpi->prio = p & LPI_PRIORITY;
	lpi->enabled = p & LPI_ENABLE;
	if (inside && was_pending(r, n))
		vgic_lpi_pend(its->vm, cur, lpi);
}

/* MAPC moved the collection since, or the event was mapped before LPIs were on. */
static __attribute__((noinline)) bool signal_stale(struct vits *its, struct vlpi *lpi,
						   struct vcpu *cur, uint8_t to)
{
	if (lpi->vcpu != to)
		vgic_lpi_update(its->vm, cur, lpi, to);
	if (!lpi->fresh) {
		its->line.ipa = VITS_NO_LINE;
		load(its, cur, lpi);
	}
	return vgic_lpi_pend(its->vm, cur, lpi);
}

bool vits_signal(struct vits *its, struct vlpi *lpi, struct vcpu *cur)
{
	uint8_t to = its->col[lpi->icid];

	if (!lpi->vintid || to == VITS_UNMAPPED || !its->redist[to].end)
		return false;
	if (lpi->vcpu == to && lpi->fresh)
		return vgic_lpi_pend(its->vm, cur, lpi);
	return signal_stale(its, lpi, cur, to);
}

static enum result map_device(struct vits *its, struct vits_dev *dev, const struct its_cmd *cmd)
{
	bool valid = cmd->w[2] & CMD2_VALID;
	unsigned bits = (unsigned)field_get(CMD1_SIZE, cmd->w[1]) + 1;

	if (valid && bits > VITS_EVENT_BITS)
		return BAD_SIZE;
	/* Mapped again or not: what was mapped is gone. */
	for (; its->scan.event < dev->limit; its->scan.event++) {
		if (its->budget <= 0)
			return CMD_MORE;
		its->budget -= COST_EVENT;
		vits_unmap(its, &dev->lpi[its->scan.event]);
	}
	dev->limit = valid ? MIN(dev->events, 1U << bits) : 0;
	return CMD_DONE;
}

static enum result map_collection(struct vits *its, const struct its_cmd *cmd, uint64_t icid)
{
	uint8_t vcpu = VITS_UNMAPPED;

	if (icid >= VITS_ICIDS)
		return BAD_COLLECTION;
	if ((cmd->w[2] & CMD2_VALID) && !find_vcpu(its, cmd->w[2], &vcpu))
		return BAD_TARGET;
	its->col[icid] = vcpu; /* LPIs follow when they are signalled next */
	return CMD_DONE;
}

static enum result map_event(struct vits *its, struct vcpu *cur, struct vlpi *lpi, uint64_t vintid,
			     uint64_t icid)
{
	uint8_t to = target_of(its, icid);

	if (vintid < IRQ_LPI_FIRST || vintid >> VITS_INTID_BITS)
		return BAD_INTID;
	if (icid >= VITS_ICIDS)
		return BAD_COLLECTION;
	vits_unmap(its, lpi);
	lpi->icid = (uint8_t)icid;
	lpi->vcpu = to == VITS_UNMAPPED ? 0 : to;
	lpi->vintid = (uint32_t)vintid;
	load(its, cur, lpi);
	return CMD_DONE;
}

static enum result move_event(struct vits *its, struct vcpu *cur, struct vlpi *lpi, uint64_t icid)
{
	uint8_t to = target_of(its, icid);

	if (to == VITS_UNMAPPED)
		return BAD_COLLECTION;
	lpi->icid = (uint8_t)icid;
	if (lpi->vcpu != to)
		vgic_lpi_update(its->vm, cur, lpi, to);
	return CMD_DONE;
}

static void reload(struct vits *its, struct vcpu *cur, struct vlpi *lpi)
{
	load(its, cur, lpi);
	vgic_lpi_update(its->vm, cur, lpi, lpi->vcpu);
}

/* The next mapped event from its->scan on; NULL at the end, and when the budget is used up. */
static struct vlpi *scan(struct vits *its)
{
	for (; its->scan.dev < its->dev_end; its->scan.dev++, its->scan.event = 0) {
		struct vits_dev *dev = its->dev[its->scan.dev];

		its->budget -= 1;
		while (dev && its->scan.event < dev->limit) {
			if (its->budget <= 0)
				return NULL;
			its->budget -= 1;
			struct vlpi *lpi = &dev->lpi[its->scan.event++];

			if (lpi->vintid) {
				its->budget -= COST_EVENT;
				return lpi;
			}
		}
	}
	return NULL;
}

static enum result scanned(const struct vits *its)
{
	return its->scan.dev < its->dev_end ? CMD_MORE : CMD_DONE;
}

static enum result reload_collection(struct vits *its, struct vcpu *cur, uint64_t icid)
{
	struct vlpi *lpi;

	if (target_of(its, icid) == VITS_UNMAPPED)
		return BAD_COLLECTION;
	while ((lpi = scan(its)))
		if (lpi->icid == icid)
			reload(its, cur, lpi);
	return scanned(its);
}

/* What is pending moves; where later ones go is for MAPC to say. */
static enum result move_all(struct vits *its, struct vcpu *cur, const struct its_cmd *cmd)
{
	struct vlpi *lpi;
	uint8_t from, to;

	if (!find_vcpu(its, cmd->w[2], &from) || !find_vcpu(its, cmd->w[3], &to))
		return BAD_TARGET;
	while ((lpi = scan(its)))
		if (lpi->vcpu == from)
			vgic_lpi_update(its->vm, cur, lpi, to);
	return scanned(its);
}

/* A command about one device or event; what the guest may name was looked up. */
static enum result perform_on(struct vits *its, struct vcpu *cur, const struct its_cmd *cmd,
			      struct vits_dev *dev, uint32_t event)
{
	uint64_t kind = field_get(CMD0_KIND, cmd->w[0]);
	uint64_t icid = field_get(CMD2_ICID, cmd->w[2]);
	struct vlpi *lpi;

	if (!dev)
		return BAD_DEVICE;
	if (kind == ITS_CMD_MAPD)
		return map_device(its, dev, cmd);
	if (event >= dev->limit)
		return BAD_EVENT;
	lpi = &dev->lpi[event];
	if (kind == ITS_CMD_MAPTI || kind == ITS_CMD_MAPI)
		return map_event(its, cur, lpi,
				 kind == ITS_CMD_MAPI ? event : field_get(CMD1_INTID, cmd->w[1]), icid);
	if (!lpi->vintid)
		return BAD_EVENT;
	if (kind == ITS_CMD_MOVI)
		return move_event(its, cur, lpi, icid);
	if (kind == ITS_CMD_INT)
		vits_signal(its, lpi, cur);
	else if (kind == ITS_CMD_CLEAR)
		vgic_lpi_clear(its->vm, lpi);
	else if (kind == ITS_CMD_DISCARD)
		vits_unmap(its, lpi);
	else
		reload(its, cur, lpi);
	return CMD_DONE;
}

static enum result perform(struct vits *its, struct vcpu *cur, const struct its_cmd *cmd)
{
	uint64_t id = field_get(CMD0_DEVICE, cmd->w[0]);
	uint64_t icid = field_get(CMD2_ICID, cmd->w[2]);
	uint8_t vcpu;

	switch (field_get(CMD0_KIND, cmd->w[0])) {
	case ITS_CMD_MAPD:
	case ITS_CMD_MAPTI:
	case ITS_CMD_MAPI:
	case ITS_CMD_MOVI:
	case ITS_CMD_INT:
	case ITS_CMD_CLEAR:
	case ITS_CMD_DISCARD:
	case ITS_CMD_INV:
		return perform_on(its, cur, cmd, id < VITS_DEVS ? its->dev[id] : NULL,
				  (uint32_t)cmd->w[1]);
	case ITS_CMD_MAPC:
		return map_collection(its, cmd, icid);
	case ITS_CMD_INVALL:
		return reload_collection(its, cur, icid);
	case ITS_CMD_MOVALL:
		return move_all(its, cur, cmd);
	case ITS_CMD_SYNC: /* every command is complete, on every vCPU's next entry, already */
		return find_vcpu(its, cmd->w[2], &vcpu) ? CMD_DONE : BAD_TARGET;
	}
	return BAD_KIND;
}

bool vits_command(struct vits *its, struct vcpu *cur, const struct its_cmd *cmd)
{
	enum result r = perform(its, cur, cmd);

	if (r > CMD_MORE)
		vm_log(its->vm, "ITS command 0x%llx, device 0x%llx, event 0x%llx skipped: %s",
		       (unsigned long long)field_get(CMD0_KIND, cmd->w[0]),
		       (unsigned long long)field_get(CMD0_DEVICE, cmd->w[0]),
		       (unsigned long long)field_get(CMD1_EVENT, cmd->w[1]), reasons[r - BAD_KIND]);
	return r != CMD_MORE;
}
