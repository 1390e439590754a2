/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commands of the virtual ITS (IHI 0069H §5.3). Each is checked against the devices and vCPUs of
 * its own guest and performed on EL2's map; nothing is forwarded. A command that makes no sense is
 * skipped with a line in the log, as an ITS may do with a command error; so the queue always ends.
 */
#include <string.h>

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
static const char reasons[][28] = {
	"no such command",
	"no such device",
	"too many events",
	"no such event, or unmapped",
	"not an LPI",
	"no such collection",
	"no such redistributor",
};

/* What a command names, and has to be there before it is performed. */
enum {
	DEVICE = 1 << 0,
	EVENT = 1 << 1,  /* of the device, within its MAPD */
	MAPPED = 1 << 2, /* and the event has an LPI */
	ICID = 1 << 3,
	TARGET = 1 << 4,  /* and the collection is mapped */
	REDIST = 1 << 5,  /* in doubleword 2: PTA is 0, a processor number */
	REDIST3 = 1 << 6, /* in doubleword 3 */
};

static const uint8_t needs[ITS_CMD_KINDS] = {
	[ITS_CMD_MAPD] = DEVICE,
	[ITS_CMD_MAPTI] = DEVICE | EVENT | ICID,
	[ITS_CMD_MAPI] = DEVICE | EVENT | ICID,
	[ITS_CMD_MOVI] = DEVICE | EVENT | MAPPED | ICID | TARGET,
	[ITS_CMD_INT] = DEVICE | EVENT | MAPPED,
	[ITS_CMD_CLEAR] = DEVICE | EVENT | MAPPED,
	[ITS_CMD_DISCARD] = DEVICE | EVENT | MAPPED,
	[ITS_CMD_INV] = DEVICE | EVENT | MAPPED,
	[ITS_CMD_MAPC] = ICID | REDIST,
	[ITS_CMD_INVALL] = ICID | TARGET,
	[ITS_CMD_MOVALL] = REDIST | REDIST3,
	[ITS_CMD_SYNC] = REDIST,
};

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
		if (vm_copy_from(its->vm, its->line.byte, IPA(line), VITS_LINE) != HV_OK)
			memset(its->line.byte, 0, VITS_LINE); /* not RAM: disabled */
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
	uint32_t n = lpi->vintid - GIC_LPI_FIRST;
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
	for (; dev->limit; dev->limit--) {
		if (its->budget <= 0)
			return CMD_MORE;
		its->budget -= COST_EVENT;
		vits_unmap(its, &dev->lpi[dev->limit - 1]);
	}
	dev->limit = valid ? MIN(dev->events, 1U << bits) : 0;
	return CMD_DONE;
}

static enum result map_event(struct vits *its, struct vcpu *cur, struct vlpi *lpi, uint64_t vintid,
			     uint8_t icid)
{
	uint8_t to = its->col[icid];

	if (vintid < GIC_LPI_FIRST || vintid >> VITS_INTID_BITS)
		return BAD_INTID;
	vits_unmap(its, lpi);
	lpi->icid = icid;
	lpi->vcpu = to == VITS_UNMAPPED ? 0 : to;
	lpi->vintid = (uint32_t)vintid;
	load(its, cur, lpi);
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

/* INVALL: the collection's events. MOVALL: what is pending moves; MAPC says where later ones go. */
static enum result on_all(struct vits *its, struct vcpu *cur, const struct its_cmd *cmd)
{
	bool move = field_get(CMD0_KIND, cmd->w[0]) == ITS_CMD_MOVALL;
	uint64_t icid = field_get(CMD2_ICID, cmd->w[2]), from = field_get(CMD2_RD, cmd->w[2]);
	struct vlpi *lpi;

	while ((lpi = scan(its)))
		if (!move && lpi->icid == icid)
			reload(its, cur, lpi);
		else if (move && lpi->vcpu == from)
			vgic_lpi_update(its->vm, cur, lpi, (uint8_t)field_get(CMD3_RD, cmd->w[3]));
	return its->scan.dev < its->dev_end ? CMD_MORE : CMD_DONE;
}

/* The first thing that `need` asks for and the guest does not have; `lpi`: NULL, no such event. */
static enum result check(const struct vits *its, const struct its_cmd *cmd, unsigned need,
			 const struct vits_dev *dev, const struct vlpi *lpi)
{
	uint64_t icid = field_get(CMD2_ICID, cmd->w[2]);
	uint32_t vcpus = its->vm->vcpu_count;

	if (!need)
		return BAD_KIND;
	if (need & DEVICE && !dev)
		return BAD_DEVICE;
	if ((need & EVENT && !lpi) || (need & MAPPED && !lpi->vintid))
		return BAD_EVENT;
	if ((need & ICID && icid >= VITS_ICIDS) ||
	    (need & TARGET && its->col[icid] == VITS_UNMAPPED))
		return BAD_COLLECTION;
	if ((need & REDIST && field_get(CMD2_RD, cmd->w[2]) >= vcpus) ||
	    (need & REDIST3 && field_get(CMD3_RD, cmd->w[3]) >= vcpus))
		return BAD_TARGET;
	return CMD_DONE;
}

static enum result perform(struct vits *its, struct vcpu *cur, const struct its_cmd *cmd)
{
	uint64_t kind = field_get(CMD0_KIND, cmd->w[0]), id = field_get(CMD0_DEVICE, cmd->w[0]);
	uint32_t event = (uint32_t)field_get(CMD1_EVENT, cmd->w[1]);
	bool valid = cmd->w[2] & CMD2_VALID;
	unsigned need = kind < ITS_CMD_KINDS ? needs[kind] : 0;
	struct vits_dev *dev = id < VITS_DEVS ? its->dev[id] : NULL;
	struct vlpi *lpi = dev && event < dev->limit ? &dev->lpi[event] : NULL;
	uint8_t icid = (uint8_t)cmd->w[2];
	enum result r;

	if (kind == ITS_CMD_MAPC && !valid)
		need = ICID;
	r = check(its, cmd, need, dev, lpi);
	if (r != CMD_DONE)
		return r;
	switch (kind) {
	case ITS_CMD_MAPD:
		return map_device(its, dev, cmd);
	case ITS_CMD_MAPTI:
		return map_event(its, cur, lpi, field_get(CMD1_INTID, cmd->w[1]), icid);
	case ITS_CMD_MAPI:
		return map_event(its, cur, lpi, event, icid);
	case ITS_CMD_MOVI:
		lpi->icid = icid;
		vgic_lpi_update(its->vm, cur, lpi, its->col[icid]);
		break;
	case ITS_CMD_INT:
		vits_signal(its, lpi, cur);
		break;
	case ITS_CMD_CLEAR:
		vgic_lpi_clear(its->vm, lpi);
		break;
	case ITS_CMD_DISCARD:
		vits_unmap(its, lpi);
		break;
	case ITS_CMD_INV:
		reload(its, cur, lpi);
		break;
	case ITS_CMD_MAPC: /* LPIs follow when they are signalled next */
		its->col[icid] = valid ? (uint8_t)field_get(CMD2_RD, cmd->w[2]) : VITS_UNMAPPED;
		break;
	case ITS_CMD_INVALL:
	case ITS_CMD_MOVALL:
		return on_all(its, cur, cmd);
	case ITS_CMD_SYNC: /* every command is complete, on every vCPU's next entry, already */
		break;
	}
	return CMD_DONE;
}

bool vits_command(struct vits *its, struct vcpu *cur, const struct its_cmd *cmd)
{
	enum result r = perform(its, cur, cmd);

	if (r > CMD_MORE)
		vm_log(its->vm, "ITS command 0x%lx, device 0x%lx, event 0x%lx skipped: %s",
		       field_get(CMD0_KIND, cmd->w[0]), field_get(CMD0_DEVICE, cmd->w[0]),
		       field_get(CMD1_EVENT, cmd->w[1]), reasons[r - BAD_KIND]);
	return r != CMD_MORE;
}
