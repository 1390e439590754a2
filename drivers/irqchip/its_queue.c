/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command queue of a physical ITS (IHI 0069H §5.3, §12.19): one page, written under its->lock.
 * Nothing here waits without a limit: an ITS that stalls on a command has it replaced by a SYNC;
 * one that stops answering is dead, gets no more commands, and the guests run on with the mappings
 * that it has.
 */
#include <arch/barrier.h>
#include <arch/cache.h>
#include <arch/cpu.h>
#include <arch/time.h>
#include <hv/log.h>

#include "its_priv.h"

#define QUEUE_BYTES ((uint32_t)KIB(4))
#define QUEUE_ALIGN KIB(64) /* CBASER bits [15:12] read as zero */
#define CMD_BYTES   ((uint32_t)sizeof(struct its_cmd))
#define WAIT_US     100000
#define WAIT_TURNS  10000000U /* should the clock stand still */
#define STALLS_MAX  32

enum hv_status its_queue_init(struct its *its)
{
	its->queue = its_memory(QUEUE_BYTES, QUEUE_ALIGN);
	if (!its->queue)
		return HV_ENOMEM;
	its->clean_queue = !its_write_pointer(its->regs, GITS_CBASER,
					      va_to_pa(its->queue).v | CBASER_VALID, CBASER_INNER,
					      its->noncoherent);
	wr64(its->regs, GITS_CWRITER, 0);
	return HV_OK;
}

static void queue_put(struct its *its, uint32_t off, const struct its_cmd *cmd)
{
	struct its_cmd *slot = &its->queue[off / CMD_BYTES];

	*slot = *cmd;
	if (its->clean_queue)
		arch_cache_clean_inval(slot, CMD_BYTES);
}

/* Stalled at `off`: the command there becomes a SYNC, and the ITS tries again. */
static void queue_unstall(struct its *its, uint32_t off)
{
	const struct its_cmd *bad = &its->queue[off / CMD_BYTES];
	struct its_cmd sync = its_sync(its, 0);

	log_err("its 0x%lx: stalled on command 0x%lx 0x%lx 0x%lx; skipped", its->regs.base,
		bad->w[0], bad->w[1], bad->w[2]);
	its->skipped = true;
	queue_put(its, off, &sync);
	arch_dsb_oshst(); /* the SYNC is visible before the retry */
	wr64(its->regs, GITS_CWRITER, its->write | CWRITER_RETRY);
}

/* Until at most `left` bytes of commands are outstanding; false: it is dead. */
static bool queue_wait(struct its *its, uint32_t left)
{
	uint64_t end = time_after(WAIT_US);

	for (uint32_t turns = 0; !its->dead; turns++) {
		bool late = arch_time_ticks() > end || turns >= WAIT_TURNS;
		uint64_t r = rd64(its->regs, GITS_CREADR);
		uint32_t off = (uint32_t)(r & CQ_OFFSET) % QUEUE_BYTES;

		if (!(r & CREADR_STALLED)) {
			if ((its->write - off) % QUEUE_BYTES <= left)
				return true;
		} else if (its->stalls++ < STALLS_MAX) {
			queue_unstall(its, off);
		} else {
			late = true;
		}
		if (late) {
			its->dead = true;
			log_err("its 0x%lx: queue stuck, CREADR 0x%lx, CWRITER 0x%x: given up",
				its->regs.base, r, its->write);
		}
		arch_cpu_relax();
	}
	return false;
}

void its_post(struct its *its, const struct its_cmd *cmd, unsigned count)
{
	spin_lock(&its->lock, LOCK_ITS);
	/* One slot stays free: a full queue looks like an empty one. */
	if (queue_wait(its, QUEUE_BYTES - (count + 1) * CMD_BYTES)) {
		for (unsigned i = 0; i < count; i++) {
			queue_put(its, its->write, &cmd[i]);
			its->write = (its->write + CMD_BYTES) % QUEUE_BYTES;
		}
		arch_dsb_oshst(); /* commands and their tables are visible before the doorbell */
		wr64(its->regs, GITS_CWRITER, its->write);
	}
	spin_unlock(&its->lock);
}

enum hv_status its_drain(struct its *its)
{
	enum hv_status s = HV_OK;

	spin_lock(&its->lock, LOCK_ITS);
	if (!queue_wait(its, 0))
		s = HV_ETIMEOUT;
	else if (its->skipped)
		s = HV_EINVAL;
	its->skipped = false;
	spin_unlock(&its->lock);
	return s;
}

struct its_cmd its_cmd(unsigned kind, uint32_t dev, uint64_t event, uint64_t target)
{
	return (struct its_cmd){ { kind | (uint64_t)dev << 32, event, target, 0 } };
}

struct its_cmd its_sync(const struct its *its, unsigned cpu)
{
	return its_cmd(ITS_CMD_SYNC, 0, 0, its_lpi_target(its, cpu));
}
