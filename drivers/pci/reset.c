/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Quieting and resetting functions. A reset is a sequence of stages, each with a time at which it
 * is over; pci_reset_step looks whether it is, and never waits. So many functions are reset in the
 * time of one, and a guest that resets its own holds up nobody, not even its vCPU.
 */
#include <arch/time.h>
#include <hv/log.h>

#include "pci_priv.h"

#define DRAIN_US    100000  /* pending transactions: far above any completion timeout in use */
#define FLR_US      100000  /* §6.6.2 */
#define FLR_SLOW_US 250000  /* QUIRK_SLOW_FLR */
#define PM_US       10000   /* §5.9 */
#define BUS_HOLD_US 2000    /* §7.5.1.3.13: at least 1 ms */
#define BUS_US      100000  /* §6.6.1 */
#define BUS_PCI_US  1100000 /* PCI 3.0 §4.3.2: 2^25 clocks of 33 MHz */
#define LINK_US     1000000
#define READY_US    1000000 /* then it is said to be slow */
#define SLOW_US     59000000
#define GAP_US      1000 /* between looks whether it is ready, at first */
#define GAP_MAX_US  512000

void pci_quiesce(const struct pci_func *f)
{
	/* Master first: with it go DMA and MSI alike. */
	pci_cfg_write(f, PCI_COMMAND, 2, PCI_CMD_INTX_OFF);
	/* What it had sent is ahead of this completion (§2.4.1), and the write is done. */
	if (pci_cfg_read(f, PCI_COMMAND, 2) == UINT16_MAX)
		return; /* gone: each further access may take a completion timeout */
	if (f->cap_msi)
		pci_cfg_clear(f, f->cap_msi + PCI_MSI_CTRL, PCI_MSI_ENABLE);
	if (f->cap_msix)
		pci_cfg_clear(f, f->cap_msix + PCI_MSIX_CTRL, PCI_MSIX_ENABLE);
	(void)pci_cfg_read(f, PCI_COMMAND, 2); /* all of it is done */
}

static bool pending(const struct pci_func *f)
{
	if (f->cap_pcie)
		return pci_cfg_read(f, f->cap_pcie + PCI_EXP_DEVSTA, 2) & PCI_EXP_DEVSTA_PENDING;
	if (f->cap_af)
		return pci_cfg_read(f, f->cap_af + PCI_AF_STATUS, 1) & PCI_AF_PENDING;
	return false;
}

/*
 * A reset of the bus below its bridge hits nobody but this function's group, which is one guest's,
 * and all of them survive it. Windows of bridges that firmware set are not known.
 */
static bool has_own_bus(const struct pci_func *f)
{
	pci_for_each(o)
		if (f->parent && pci_is_below(o, f->parent) &&
		    (o->group != f->group || (o->bridge && f->host->probe_only) ||
		     pci_quirks(o) & QUIRK_NO_BUS_RESET))
			return false;
	return f->parent;
}

static void to_d0(const struct pci_func *f)
{
	pci_cfg_write(f, f->cap_pm + PCI_PM_CSR, 2, PCI_PM_PME_STATUS);
}

static void write_bus(const struct pci_func *f, uint32_t control)
{
	pci_cfg_write(f->parent, PCI_BRIDGE_CTRL, 2, control | errors_bridge_ctrl(f->parent));
	(void)pci_cfg_read(f->parent, PCI_BRIDGE_CTRL, 2);
}

/* BY_OTHERS: the first of its owner's functions on the bus does it for all. */
enum how { BY_NOTHING, BY_FLR, BY_AF, BY_PM, BY_OTHERS, BY_LINK, BY_BUS };

static const struct {
	char name[4];
	uint32_t hold_us, settle_us; /* from start to end, and behind it */
} methods[] = {
	[BY_NOTHING] = { "no" },
	[BY_FLR] = { "FLR", 0, FLR_US },
	[BY_AF] = { "AF", 0, FLR_US },
	[BY_PM] = { "PM", PM_US, PM_US },
	[BY_OTHERS] = { "bus" },
	[BY_LINK] = { "bus", BUS_HOLD_US, BUS_US },
	[BY_BUS] = { "bus", BUS_HOLD_US, BUS_PCI_US },
};

static void start_method(const struct pci_func *f)
{
	enum how how = f->reset.how;

	if (how == BY_FLR)
		pci_cfg_write(f, f->cap_pcie + PCI_EXP_DEVCTL, 2, f->devctl | PCI_EXP_DEVCTL_FLR);
	else if (how == BY_AF)
		pci_cfg_write(f, f->cap_af + PCI_AF_CTRL, 1, PCI_AF_FLR);
	else if (how == BY_PM)
		pci_cfg_write(f, f->cap_pm + PCI_PM_CSR, 2, PCI_PM_D3HOT);
	else if (how >= BY_LINK)
		write_bus(f, PCI_BRIDGE_BUS_RESET);
}

static void end_method(const struct pci_func *f)
{
	if (f->reset.how == BY_PM)
		to_d0(f);
	else if (f->reset.how >= BY_LINK)
		write_bus(f, 0);
}

static enum how own_method(const struct pci_func *f)
{
	if (f->flr)
		return BY_FLR;
	if (f->af_flr)
		return BY_AF;
	return f->cap_pm && f->pm_reset ? BY_PM : BY_NOTHING;
}

static enum how method_of(const struct pci_func *f)
{
	enum how own = own_method(f);

	if (f->bridge || f->header_type)
		return BY_NOTHING;
	if (own || !has_own_bus(f))
		return own;
	for (const struct pci_func *o = pci_funcs; o < f; o++)
		if (o->parent == f->parent && o->owner == f->owner && !own_method(o))
			return BY_OTHERS;
	return pci_is_port(f->parent) ? BY_LINK : BY_BUS;
}

const char *pci_reset_method(const struct pci_func *f)
{
	enum how how = method_of(f);

	return how ? methods[how].name : NULL;
}

/* Ports that do not report their link count as ports whose link is up. */
static bool link_up(const struct pci_func *port)
{
	return !pci_is_port(port) ||
	       !(pci_cfg_read(port, port->cap_pcie + PCI_EXP_LNKCAP, 4) & PCI_EXP_LNKCAP_ACTIVE) ||
	       pci_cfg_read(port, port->cap_pcie + PCI_EXP_LNKSTA, 2) & PCI_EXP_LNKSTA_ACTIVE;
}

/* The revision apart. Behind a time in which it was not there, also what its capabilities are. */
static bool is_same(const struct pci_func *f)
{
	return pci_cfg_read(f, PCI_ID, 4) == pci_id(f) &&
	       pci_cfg_read(f, PCI_CLASS_REV, 4) >> 8 == f->class_rev >> 8 &&
	       (!f->reset.anew || !f->watched || caps_layout(f) == f->layout);
}

/* As boot left it: quiet, D0, BARs in place. */
static enum hv_status restore(const struct pci_func *f)
{
	if (!is_same(f))
		return HV_ECONFLICT;
	if (f->cap_pm)
		to_d0(f);
	pci_quiesce(f);
	for (unsigned i = 0; i < f->rebar_count; i++)
		pci_cfg_write(f, f->cap_rebar + PCI_REBAR_CTRL(i) + PCI_REBAR_SIZE, 1,
			      f->rebar_size[i]);
	if (!bars_unchanged(f))
		return HV_ECONFLICT;
	if (!f->host->probe_only)
		pci_bars_write(f);
	fabric_restore(f);
	errors_forget(f);
	if (f->bridge)
		bridge_open(f);
	return HV_OK;
}

/* Not ready reads as RRS (§2.3.2) or as all ones. */
static bool is_ready(const struct pci_func *f)
{
	uint32_t id = pci_cfg_read(f, PCI_ID, 4);

	return id != UINT32_MAX && (id & 0xffff) != PCI_VENDOR_RRS;
}

static bool is_hit(const struct pci_func *o, const struct pci_func *f)
{
	return o == f || (f->reset.how >= BY_LINK && pci_is_below(o, f->parent));
}

/* Its quarantine, which the reset undoes, is still being written on another CPU. */
static bool is_being_cut(const struct pci_func *f)
{
	return __atomic_load_n(&f->cutting, __ATOMIC_SEQ_CST);
}

static bool any_being_cut(const struct pci_func *f)
{
	pci_for_each(o)
		if (is_hit(o, f) && is_being_cut(o))
			return true;
	return false;
}

/* Bridges are opened on the way: only then can be seen what is behind. They come before it. */
static bool all_ready(const struct pci_func *f)
{
	pci_for_each(o) {
		if (!is_hit(o, f))
			continue;
		if (!is_ready(o))
			return false;
		if (o->bridge)
			bridge_open(o);
	}
	return true;
}

/* Each look may take a completion timeout: after 1 ms, 2 ms, 4 ms, in the end each half second. */
static bool look_ready(struct pci_func *f)
{
	uint64_t now = arch_time_ticks();

	if (now < f->reset.next_look || any_being_cut(f))
		return false;
	if (all_ready(f))
		return true;
	f->reset.next_look = now + f->reset.gap_us * arch_time_hz() / 1000000;
	f->reset.gap_us = MIN(2 * f->reset.gap_us, (uint32_t)GAP_MAX_US);
	return false;
}

static enum hv_status restore_all(const struct pci_func *f)
{
	enum hv_status st = HV_OK, s;

	pci_for_each(o) {
		s = is_hit(o, f) ? restore(o) : HV_OK;
		st = s == HV_OK ? st : s;
	}
	return st;
}

/* The link above it is down: it will not get ready. */
static bool is_cut_off(const struct pci_func *f)
{
	return f->parent && !link_up(f->parent);
}

/* The reset's own doing is no news to who looks at the port. */
static void settle_port(const struct pci_func *port)
{
	if (pci_is_port(port))
		pci_cfg_write(port, port->cap_pcie + PCI_EXP_SLTSTA, 2,
			      PCI_EXP_SLTSTA_CARD | PCI_EXP_SLTSTA_LINK);
}

bool reset_takes_link(const struct pci_func *f)
{
	return pci_state(f) == PCI_RESETTING && f->reset.how >= BY_OTHERS;
}

void reset_open_below(const struct pci_func *port)
{
	pci_for_each_of(o, port->host)
		if (o->bridge && pci_is_below(o, port)) {
			o->reset.anew = true; /* another one may have come with the card */
			if (restore(o) != HV_OK)
				return; /* what is behind it stays unreachable */
		}
}

/*
 * The stages of a reset. Each is entered when the one before it is over.
 *
 *	stage  | done as it is entered | it is over
 *	-------+-----------------------+------------------------------------------------
 *	IDLE   | no reset is under way |
 *	GONE   | it is unplugged       | at once: HV_ETIMEOUT
 *	WAKE   | to D0 where it slept  | PM_US later, or at once
 *	DRAIN  | pci_quiesce()         | nothing is pending, or DRAIN_US later
 *	HOLD   | start_method()        | hold_us of the method later
 *	LINK   | end_method()          | the link is up, or LINK_US later
 *	SETTLE |                       | settle_us of the method later
 *	READY  |                       | all that were hit answer, or READY_US later;
 *	       |                       | then a link that is down: HV_ETIMEOUT
 *	SLOW   | a line in the log     | they answer, or SLOW_US later: HV_ETIMEOUT
 *
 * Where they answer, everything is restored: HV_OK; HV_ECONFLICT: something else is there.
 */
enum { IDLE, GONE, WAKE, DRAIN, HOLD, LINK, SETTLE, READY, SLOW };

static void enter_stage(struct pci_func *f, uint8_t stage, uint32_t us)
{
	f->reset.stage = stage;
	f->reset.due = arch_time_ticks() + us * arch_time_hz() / 1000000;
}

static bool is_over(const struct pci_func *f)
{
	return arch_time_ticks() >= f->reset.due || (f->reset.stage == DRAIN && !pending(f)) ||
	       (f->reset.stage == LINK && (f->reset.how < BY_LINK || link_up(f->parent)));
}

/* Guests reset their functions as often as they like: lines about it have a budget. */
static void log_reset(struct pci_func *f, const char *what)
{
	uint32_t missed;

	if (!f->reset.log.burst)
		f->reset.log = RATELIMIT(4, 10000);
	if (ratelimit_pass(&f->reset.log, &missed) && !log_spare("pci: %s: %s", f->name, what))
		ratelimit_miss(&f->reset.log, missed + 1);
}

/* What is done between a stage and the next, and how long that one may take. */
static void advance_stage(struct pci_func *f)
{
	static const uint32_t most_us[] = {
		[DRAIN] = DRAIN_US,
		[LINK] = LINK_US,
		[READY] = READY_US,
		[SLOW] = SLOW_US,
	};
	uint8_t stage = (uint8_t)(f->reset.stage + 1);
	uint32_t us = most_us[stage];

	if (stage == DRAIN) {
		pci_quiesce(f);
	} else if (stage == HOLD) {
		if (pending(f))
			log_reset(f, "transactions still pending before reset");
		start_method(f);
		us = methods[f->reset.how].hold_us;
	} else if (stage == LINK) {
		end_method(f);
	} else if (stage == SETTLE) {
		us = methods[f->reset.how].settle_us;
		if (f->reset.how == BY_FLR && pci_quirks(f) & QUIRK_SLOW_FLR)
			us = FLR_SLOW_US;
	} else if (stage == SLOW) {
		log_reset(f, "slow to come back from reset");
	}
	enter_stage(f, stage, us);
}

static enum hv_status finish_reset(struct pci_func *f, enum hv_status st)
{
	f->reset.stage = IDLE;
	if (f->reset.how >= BY_LINK)
		settle_port(f->parent);
	if (st == HV_OK && pci_event(f, PCI_RESET_DONE) == PCI_ABSENT)
		st = HV_ETIMEOUT; /* lost meanwhile */
	if (st == HV_OK) {
		f->reset.anew = false;
		return st;
	}
	pci_event(f, PCI_RESET_FAILED);
	streams_cut_lost(f);
	log_reset(f, "did not come back from reset as it was");
	return st;
}

void pci_reset_begin(struct pci_func *f)
{
	bool asleep;

	f->reset.anew |= pci_event(f, PCI_RESET_BEGINS) == PCI_LOST;
	f->reset.next_look = 0;
	f->reset.gap_us = GAP_US;
	f->reset.how = (uint8_t)method_of(f);
	/* Unplugged: nothing to wait for, and each further access may take a completion timeout. */
	if (pci_cfg_read(f, PCI_ID, 4) == UINT32_MAX) {
		enter_stage(f, GONE, 0);
		return;
	}
	asleep = f->cap_pm && pci_cfg_read(f, f->cap_pm + PCI_PM_CSR, 2) & PCI_PM_STATE;
	if (asleep)
		to_d0(f);
	enter_stage(f, WAKE, asleep ? PM_US : 0);
}

enum hv_status pci_reset_step(struct pci_func *f)
{
	if (f->reset.stage == IDLE)
		return HV_OK;
	if (f->reset.stage == GONE)
		return finish_reset(f, HV_ETIMEOUT);
	while (f->reset.stage < READY || !look_ready(f)) {
		if (!is_over(f))
			return HV_EAGAIN;
		if (f->reset.stage == SLOW || (f->reset.stage == READY && is_cut_off(f)))
			return finish_reset(f, HV_ETIMEOUT);
		advance_stage(f);
	}
	return finish_reset(f, restore_all(f));
}

enum hv_status pci_reset_owned(uint16_t owner, void (*wait)(void *arg), void *arg)
{
	enum hv_status st = HV_OK, s;
	bool again;

	pci_for_each(f)
		if (f->owner == owner)
			pci_reset_begin(f);
	do {
		again = false;
		pci_for_each(f) {
			s = f->owner == owner ? pci_reset_step(f) : HV_OK;
			again |= s == HV_EAGAIN;
			st = s == HV_OK || s == HV_EAGAIN ? st : s;
		}
		if (again)
			wait(arg);
	} while (again);
	return st;
}
