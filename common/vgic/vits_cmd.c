/*
 * Commands of the virtual ITS (IHI 0069H §5.3). Each is checked against the devices and vCPUs of
 * its own guest and performed on EL2's map; nothing is forwarded. A command that makes no sense is
 * skipped with a line in the log, as an ITS that does not stall may do (§5.3.2); so the queue always
 * ends.
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

static const char *const reasons[] = {
	[BAD_KIND] = "no such command",
	[BAD_DEVICE] = "no such device",
	[BAD_SIZE] = "too many events",
	[BAD_EVENT] = "the event is not mapped, or the device does not have it",
	[BAD_INTID] = "not an LPI",
	[BAD_COLLECTION] = "no such collection",
	[BAD_TARGET] = "no such redistributor",
};

typedef enum result cmd_fn(struct vits *its, struct vcpu *cur, const struct its_cmd *cmd);

static struct vits_dev *device(struct vits *its, const struct its_cmd *cmd)
{
	uint32_t id = (uint32_t)field_get(CMD0_DEVICE, cmd->w[0]);

	return id < VITS_DEVS ? its->dev[id] : NULL;
}

/* The device and event that a command names; what the guest may map there. */
static enum result find(struct vits *its, const struct its_cmd *cmd, struct vits_dev **dev,
			uint32_t *event)
{
	*dev = device(its, cmd);
	*event = (uint32_t)cmd->w[1];
	if (!*dev)
		return BAD_DEVICE;
	return *event < (*dev)->limit ? CMD_DONE : BAD_EVENT;
}

static enum result find_mapped(struct vits *its, const struct its_cmd *cmd, struct vits_dev **dev,
			       uint32_t *event)
{
	enum result r = find(its, cmd, dev, event);

	return r == CMD_DONE && !(*dev)->lpi[*event].vintid ? BAD_EVENT : r;
}

static bool find_vcpu(const struct vits *its, uint64_t rd, uint8_t *vcpu)
{
	uint64_t n = field_get(CMD2_RD, rd); /* PTA is 0: a processor number */

	*vcpu = (uint8_t)n;
	return n < its->vm->vcpu_count;
}

void vits_unmap(struct vits *its, struct vits_dev *dev, uint32_t event)
{
	struct vlpi *lpi = &dev->lpi[event];

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
			return 0; /* disabled: a table that is not RAM, §5.1.1 */
		}
	}
	return its->line.byte[ipa - line];
}

static void load(struct vits *its, struct vits_dev *dev, uint32_t event)
{
	struct vlpi *lpi = &dev->lpi[event];
	uint8_t p = 0;
	uint32_t end = its->redist[lpi->vcpu].end;

	dev->map[event].fresh = end != 0;
	if (lpi->vintid < end)
		p = property(its, its->redist[lpi->vcpu].props + lpi->vintid - IRQ_LPI_FIRST);
	lpi->prio = p & LPI_PRIORITY;
	lpi->enabled = p & LPI_ENABLE;
}

/* MAPC moved the collection since, or the event was mapped before LPIs were on. */
static __attribute__((noinline)) void signal_stale(struct vits *its, struct vits_dev *dev,
						   uint32_t event, struct vcpu *cur, uint8_t to)
{
	struct vlpi *lpi = &dev->lpi[event];

	if (lpi->vcpu != to)
		vgic_lpi_update(its->vm, cur, lpi, to);
	if (!dev->map[event].fresh) {
		its->line.ipa = VITS_NO_LINE;
		load(its, dev, event);
	}
	vgic_lpi_pend(its->vm, cur, lpi);
}

void vits_signal(struct vits *its, struct vits_dev *dev, uint32_t event, struct vcpu *cur)
{
	struct vlpi *lpi = &dev->lpi[event];
	uint8_t to = its->col[dev->map[event].icid];

	if (!lpi->vintid || to == VITS_UNMAPPED || !its->redist[to].end)
		return;
	if (lpi->vcpu == to && dev->map[event].fresh)
		vgic_lpi_pend(its->vm, cur, lpi);
	else
		signal_stale(its, dev, event, cur, to);
}

static enum result do_mapd(struct vits *its, struct vcpu *cur, const struct its_cmd *cmd)
{
	struct vits_dev *dev = device(its, cmd);
	bool valid = cmd->w[2] & CMD2_VALID;
	unsigned bits = (unsigned)field_get(CMD1_SIZE, cmd->w[1]) + 1;

	(void)cur;
	if (!dev)
		return BAD_DEVICE;
	if (valid && bits > VITS_EVENT_BITS)
		return BAD_SIZE;
	/* Mapped again or not: what was mapped is gone. */
	for (; its->scan.event < dev->limit; its->scan.event++) {
		if (its->budget <= 0)
			return CMD_MORE;
		its->budget -= COST_EVENT;
		vits_unmap(its, dev, its->scan.event);
	}
	dev->limit = valid ? MIN(dev->events, 1U << bits) : 0;
	return CMD_DONE;
}

static enum result do_mapc(struct vits *its, struct vcpu *cur, const struct its_cmd *cmd)
{
	uint64_t icid = field_get(CMD2_ICID, cmd->w[2]);
	uint8_t vcpu = VITS_UNMAPPED;

	(void)cur;
	if (icid >= VITS_ICIDS)
		return BAD_COLLECTION;
	if ((cmd->w[2] & CMD2_VALID) && !find_vcpu(its, cmd->w[2], &vcpu))
		return BAD_TARGET;
	its->col[icid] = vcpu; /* LPIs follow when they are signalled next */
	return CMD_DONE;
}

static enum result map(struct vits *its, const struct its_cmd *cmd, uint64_t vintid)
{
	uint64_t icid = field_get(CMD2_ICID, cmd->w[2]);
	struct vits_dev *dev;
	uint32_t event;
	enum result r = find(its, cmd, &dev, &event);

	if (r != CMD_DONE)
		return r;
	if (vintid < IRQ_LPI_FIRST || vintid >> VITS_INTID_BITS)
		return BAD_INTID;
	if (icid >= VITS_ICIDS)
		return BAD_COLLECTION;
	vits_unmap(its, dev, event);
	dev->map[event].icid = (uint8_t)icid;
	dev->lpi[event].vcpu = its->col[icid] == VITS_UNMAPPED ? 0 : its->col[icid];
	dev->lpi[event].vintid = (uint32_t)vintid;
	load(its, dev, event);
	return CMD_DONE;
}

static enum result do_mapti(struct vits *its, struct vcpu *cur, const struct its_cmd *cmd)
{
	(void)cur;
	return map(its, cmd, field_get(CMD1_INTID, cmd->w[1]));
}

static enum result do_mapi(struct vits *its, struct vcpu *cur, const struct its_cmd *cmd)
{
	(void)cur;
	return map(its, cmd, field_get(CMD1_EVENT, cmd->w[1]));
}

static enum result do_movi(struct vits *its, struct vcpu *cur, const struct its_cmd *cmd)
{
	uint64_t icid = field_get(CMD2_ICID, cmd->w[2]);
	struct vits_dev *dev;
	uint32_t event;
	enum result r = find_mapped(its, cmd, &dev, &event);

	if (r != CMD_DONE)
		return r;
	if (icid >= VITS_ICIDS || its->col[icid] == VITS_UNMAPPED)
		return BAD_COLLECTION;
	dev->map[event].icid = (uint8_t)icid;
	if (dev->lpi[event].vcpu != its->col[icid])
		vgic_lpi_update(its->vm, cur, &dev->lpi[event], its->col[icid]);
	return CMD_DONE;
}

static enum result do_int(struct vits *its, struct vcpu *cur, const struct its_cmd *cmd)
{
	struct vits_dev *dev;
	uint32_t event;
	enum result r = find_mapped(its, cmd, &dev, &event);

	if (r == CMD_DONE)
		vits_signal(its, dev, event, cur);
	return r;
}

static enum result do_clear(struct vits *its, struct vcpu *cur, const struct its_cmd *cmd)
{
	struct vits_dev *dev;
	uint32_t event;
	enum result r = find_mapped(its, cmd, &dev, &event);

	(void)cur;
	if (r == CMD_DONE)
		vgic_lpi_clear(its->vm, &dev->lpi[event]);
	return r;
}

static enum result do_discard(struct vits *its, struct vcpu *cur, const struct its_cmd *cmd)
{
	struct vits_dev *dev;
	uint32_t event;
	enum result r = find_mapped(its, cmd, &dev, &event);

	(void)cur;
	if (r == CMD_DONE)
		vits_unmap(its, dev, event);
	return r;
}

static void reload(struct vits *its, struct vcpu *cur, struct vits_dev *dev, uint32_t event)
{
	struct vlpi *lpi = &dev->lpi[event];

	load(its, dev, event);
	vgic_lpi_update(its->vm, cur, lpi, lpi->vcpu);
}

static enum result do_inv(struct vits *its, struct vcpu *cur, const struct its_cmd *cmd)
{
	struct vits_dev *dev;
	uint32_t event;
	enum result r = find_mapped(its, cmd, &dev, &event);

	if (r == CMD_DONE)
		reload(its, cur, dev, event);
	return r;
}

/* The next mapped event from its->scan on; false at the end, and when the budget is used up. */
static bool scan(struct vits *its, struct vits_dev **dev, uint32_t *event)
{
	for (; its->scan.dev < its->dev_end; its->scan.dev++, its->scan.event = 0) {
		*dev = its->dev[its->scan.dev];
		its->budget -= 1;
		while (*dev && its->scan.event < (*dev)->limit) {
			if (its->budget <= 0)
				return false;
			its->budget -= 1;
			*event = its->scan.event++;
			if ((*dev)->lpi[*event].vintid) {
				its->budget -= COST_EVENT;
				return true;
			}
		}
	}
	return false;
}

static enum result scanned(const struct vits *its)
{
	return its->scan.dev < its->dev_end ? CMD_MORE : CMD_DONE;
}

static enum result do_invall(struct vits *its, struct vcpu *cur, const struct its_cmd *cmd)
{
	uint64_t icid = field_get(CMD2_ICID, cmd->w[2]);
	struct vits_dev *dev;
	uint32_t event;

	if (icid >= VITS_ICIDS || its->col[icid] == VITS_UNMAPPED)
		return BAD_COLLECTION;
	while (scan(its, &dev, &event))
		if (dev->map[event].icid == icid)
			reload(its, cur, dev, event);
	return scanned(its);
}

static enum result do_movall(struct vits *its, struct vcpu *cur, const struct its_cmd *cmd)
{
	struct vits_dev *dev;
	uint32_t event;
	uint8_t from, to;

	if (!find_vcpu(its, cmd->w[2], &from) || !find_vcpu(its, cmd->w[3], &to))
		return BAD_TARGET;
	/* What is pending moves; where later ones go is for MAPC to say. */
	while (scan(its, &dev, &event))
		if (dev->lpi[event].vcpu == from)
			vgic_lpi_update(its->vm, cur, &dev->lpi[event], to);
	return scanned(its);
}

/* Every command is complete, on every vCPU's next entry, when it was performed. */
static enum result do_sync(struct vits *its, struct vcpu *cur, const struct its_cmd *cmd)
{
	uint8_t vcpu;

	(void)cur;
	return find_vcpu(its, cmd->w[2], &vcpu) ? CMD_DONE : BAD_TARGET;
}

static cmd_fn *const commands[ITS_CMD_KINDS] = {
	[ITS_CMD_MOVI] = do_movi,     [ITS_CMD_INT] = do_int,	    [ITS_CMD_CLEAR] = do_clear,
	[ITS_CMD_SYNC] = do_sync,     [ITS_CMD_MAPD] = do_mapd,	    [ITS_CMD_MAPC] = do_mapc,
	[ITS_CMD_MAPTI] = do_mapti,   [ITS_CMD_MAPI] = do_mapi,	    [ITS_CMD_INV] = do_inv,
	[ITS_CMD_INVALL] = do_invall, [ITS_CMD_MOVALL] = do_movall, [ITS_CMD_DISCARD] = do_discard,
};

bool vits_command(struct vits *its, struct vcpu *cur, const struct its_cmd *cmd)
{
	uint64_t kind = field_get(CMD0_KIND, cmd->w[0]);
	cmd_fn *fn = kind < ITS_CMD_KINDS ? commands[kind] : NULL;
	enum result r = fn ? fn(its, cur, cmd) : BAD_KIND;

	if (r > CMD_MORE)
		vm_log(its->vm, "ITS command 0x%llx, device 0x%llx, event 0x%llx skipped: %s",
		       (unsigned long long)kind,
		       (unsigned long long)field_get(CMD0_DEVICE, cmd->w[0]),
		       (unsigned long long)field_get(CMD1_EVENT, cmd->w[1]), reasons[r]);
	return r != CMD_MORE;
}
