/* SPDX-License-Identifier: Apache-2.0 */
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

static enum result map_device(struct vits *its, struct vcpu *cur, struct vits_dev *dev,
			      const struct its_cmd *cmd)
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
		vits_unmap(its, cur, &dev->lpi[dev->limit - 1]);
	}
	dev->limit = valid ? MIN(dev->events, 1U << bits) : 0;
	return CMD_DONE;
}

static enum result map_event(struct vits *its, struct vcpu *cur, struct vlpi *lpi, uint64_t vintid,
			     uint16_t icid)
{
	uint16_t to = its->col[icid];

	if (vintid < GIC_LPI_FIRST || vintid >> VITS_INTID_BITS)
		return BAD_INTID;
	vits_unmap(its, cur, lpi);
	lpi->icid = icid;
	vits_load(its, cur, lpi, (uint32_t)vintid, to == VITS_UNMAPPED ? 0 : to);
	return CMD_DONE;
}

/* The next mapped event from its->scan on; NULL at the end, and when the budget is used up. */
static struct vlpi *next_mapped(struct vits *its)
{
	for (; its->scan.dev < its->dev_end; its->scan.dev++, its->scan.event = 0) {
		struct vits_dev *dev = its->dev[its->scan.dev];

		its->budget -= 1;
		while (dev && its->scan.event < dev->limit) {
			if (its->budget <= 0)
				return NULL;
			its->budget -= 1;
			struct vlpi *lpi = &dev->lpi[its->scan.event++];

			if (lpi->is.vintid) {
				its->budget -= COST_EVENT;
				return lpi;
			}
		}
	}
	return NULL;
}

/* A processor number that check_needs() has seen. */
static uint16_t redist_of(const struct vits *its, uint64_t rd)
{
	return (uint16_t)index_nospec(rd, its->vm->vcpu_count);
}

/* INVALL: the collection's events. MOVALL: what is pending moves; MAPC says where later ones go. */
static enum result on_all(struct vits *its, struct vcpu *cur, const struct its_cmd *cmd)
{
	bool move = field_get(CMD0_KIND, cmd->w[0]) == ITS_CMD_MOVALL;
	uint64_t icid = field_get(CMD2_ICID, cmd->w[2]), from = field_get(CMD2_RD, cmd->w[2]);
	uint16_t to = redist_of(its, field_get(CMD3_RD, cmd->w[3]));
	struct vlpi *lpi;

	while ((lpi = next_mapped(its)))
		if (!move && lpi->icid == icid)
			vits_reload(its, cur, lpi);
		else if (move && lpi->is.vcpu == from)
			vits_retarget(its, cur, lpi, to);
	return its->scan.dev < its->dev_end ? CMD_MORE : CMD_DONE;
}

/* The first thing that `need` asks for and the guest does not have; `lpi`: NULL, no such event. */
static enum result check_needs(const struct vits *its, const struct its_cmd *cmd, unsigned need,
			       const struct vits_dev *dev, const struct vlpi *lpi)
{
	uint64_t icid = field_get(CMD2_ICID, cmd->w[2]);
	uint32_t vcpus = its->vm->vcpu_count;

	if (!need)
		return BAD_KIND;
	if (need & DEVICE && !dev)
		return BAD_DEVICE;
	if ((need & EVENT && !lpi) || (need & MAPPED && !lpi->is.vintid))
		return BAD_EVENT;
	if ((need & ICID && icid >= VITS_ICIDS) ||
	    (need & TARGET && its->col[index_nospec(icid, VITS_ICIDS)] == VITS_UNMAPPED))
		return BAD_COLLECTION;
	if ((need & REDIST && field_get(CMD2_RD, cmd->w[2]) >= vcpus) ||
	    (need & REDIST3 && field_get(CMD3_RD, cmd->w[3]) >= vcpus))
		return BAD_TARGET;
	return CMD_DONE;
}

static enum result perform_command(struct vits *its, struct vcpu *cur, const struct its_cmd *cmd)
{
	uint64_t kind = field_get(CMD0_KIND, cmd->w[0]), id = field_get(CMD0_DEVICE, cmd->w[0]);
	uint32_t event = (uint32_t)field_get(CMD1_EVENT, cmd->w[1]);
	bool valid = cmd->w[2] & CMD2_VALID;
	unsigned need = kind < ITS_CMD_KINDS ? needs[index_nospec(kind, ITS_CMD_KINDS)] : 0;
	struct vits_dev *dev = id < VITS_DEVS ? its->dev[index_nospec(id, VITS_DEVS)] : NULL;
	struct vlpi *lpi = dev && event < dev->limit ? &dev->lpi[index_nospec(event, dev->limit)] :
						       NULL;
	uint16_t icid = (uint16_t)index_nospec(field_get(CMD2_ICID, cmd->w[2]), VITS_ICIDS);
	enum result r;

	if (kind == ITS_CMD_MAPC && !valid)
		need = ICID;
	r = check_needs(its, cmd, need, dev, lpi);
	if (r != CMD_DONE)
		return r;
	switch (kind) {
	case ITS_CMD_MAPD:
		return map_device(its, cur, dev, cmd);
	case ITS_CMD_MAPTI:
		return map_event(its, cur, lpi, field_get(CMD1_INTID, cmd->w[1]), icid);
	case ITS_CMD_MAPI:
		return map_event(its, cur, lpi, event, icid);
	case ITS_CMD_MOVI:
		lpi->icid = icid;
		vits_retarget(its, cur, lpi, its->col[icid]);
		break;
	case ITS_CMD_INT:
		vits_signal(its, lpi, cur);
		break;
	case ITS_CMD_CLEAR:
		vgic_lpi_clear(its->vm, cur, lpi);
		break;
	case ITS_CMD_DISCARD:
		vits_unmap(its, cur, lpi);
		break;
	case ITS_CMD_INV:
		vits_reload(its, cur, lpi);
		break;
	case ITS_CMD_MAPC: /* LPIs follow when they are signalled next */
		its->col[icid] = valid ? redist_of(its, field_get(CMD2_RD, cmd->w[2])) :
					 VITS_UNMAPPED;
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
	enum result r = perform_command(its, cur, cmd);

	if (r > CMD_MORE)
		vm_log(its->vm, "ITS command 0x%lx, device 0x%lx, event 0x%lx skipped: %s",
		       field_get(CMD0_KIND, cmd->w[0]), field_get(CMD0_DEVICE, cmd->w[0]),
		       field_get(CMD1_EVENT, cmd->w[1]), reasons[r - BAD_KIND]);
	return r != CMD_MORE;
}
