/*
 * Quieting and resetting functions. A reset is a sequence of stages, each with a time at which it
 * is over; pci_reset_step looks whether it is, and never waits. So many functions are reset in the
 * time of one, and a guest that resets its own holds up nobody, not even its vCPU.
 */
#include <arch/time.h>
#include <hv/log.h>

#include "pci_priv.h"

#define DRAIN_US      100000	/* pending transactions: far above any completion timeout in use */
#define FLR_US	      100000	/* §6.6.2 */
#define PM_US	      10000	/* §5.9 */
#define BUS_HOLD_US   2000	/* §7.5.1.3.13: at least 1 ms */
#define BUS_US	      100000	/* §6.6.1 */
#define BUS_PCI_US    1100000	/* PCI 3.0 §4.3.2: 2^25 clocks of 33 MHz */
#define LINK_US	      1000000
#define READY_US      1000000	/* then it is said to be slow */
#define SLOW_US	      59000000
#define STEP_US	      1000

static uint32_t rd(const struct pci_func *f, unsigned cap, unsigned reg, uint8_t size)
{
	return pci_cfg_read(f, (uint16_t)(cap + reg), size);
}

static void wr(const struct pci_func *f, unsigned cap, unsigned reg, uint8_t size, uint32_t v)
{
	pci_cfg_write(f, (uint16_t)(cap + reg), size, v);
}

void pci_quiesce(const struct pci_func *f)
{
	/* Master first: with it go DMA and MSI alike. */
	pci_cfg_write(f, PCI_COMMAND, 2, PCI_CMD_INTX_OFF);
	if (f->cap_msi)
		wr(f, f->cap_msi, PCI_MSI_CTRL, 2,
		   rd(f, f->cap_msi, PCI_MSI_CTRL, 2) & ~PCI_MSI_ENABLE);
	if (f->cap_msix)
		wr(f, f->cap_msix, PCI_MSIX_CTRL, 2,
		   rd(f, f->cap_msix, PCI_MSIX_CTRL, 2) & ~PCI_MSIX_ENABLE);
	/* What it had sent is ahead of this completion (§2.4.1), and the writes are done. */
	(void)pci_cfg_read(f, PCI_COMMAND, 2);
}

static bool pending(const struct pci_func *f)
{
	if (f->cap_pcie)
		return rd(f, f->cap_pcie, PCI_EXP_DEVSTA, 2) & PCI_EXP_DEVSTA_PENDING;
	if (f->cap_af)
		return rd(f, f->cap_af, PCI_AF_STATUS, 1) & PCI_AF_PENDING;
	return false;
}

/*
 * A reset of the bus below its bridge hits nobody but this function's group: one guest's. Windows
 * of bridges that firmware set are not known.
 */
static bool has_own_bus(const struct pci_func *f)
{
	for (unsigned i = 0; f->parent && i < pci_func_count; i++)
		if (pci_is_below(&pci_funcs[i], f->parent) &&
		    (pci_funcs[i].group != f->group ||
		     (pci_funcs[i].bridge && f->host->probe_only)))
			return false;
	return f->parent;
}

static void start_flr(const struct pci_func *f)
{
	wr(f, f->cap_pcie, PCI_EXP_DEVCTL, 2, f->devctl | PCI_EXP_DEVCTL_FLR);
}

static void start_af(const struct pci_func *f)
{
	wr(f, f->cap_af, PCI_AF_CTRL, 1, PCI_AF_FLR);
}

static void start_pm(const struct pci_func *f)
{
	wr(f, f->cap_pm, PCI_PM_CSR, 2, PCI_PM_D3HOT);
}

static void to_d0(const struct pci_func *f)
{
	wr(f, f->cap_pm, PCI_PM_CSR, 2, PCI_PM_PME_STATUS);
}

static void write_bus(const struct pci_func *f, uint32_t control)
{
	pci_cfg_write(f->parent, PCI_BRIDGE_CTRL, 2, control);
	(void)pci_cfg_read(f->parent, PCI_BRIDGE_CTRL, 2);
}

static void start_bus(const struct pci_func *f)
{
	write_bus(f, PCI_BRIDGE_BUS_RESET);
}

static void end_bus(const struct pci_func *f)
{
	write_bus(f, 0);
}

static void nothing(const struct pci_func *f)
{
	(void)f;
}

struct method {
	const char *name;
	void (*start)(const struct pci_func *f);
	void (*end)(const struct pci_func *f);
	uint32_t hold_us, settle_us; /* from start to end, and behind it */
	bool whole_bus;
};

static const struct method none = { NULL, nothing, nothing, 0, 0, false };

/* Of the functions on a bus that have no reset of their own the first of a guest does it for all. */
static const struct method by_others = { "bus", nothing, nothing, 0, 0, false };

static const struct method *own_method(const struct pci_func *f)
{
	static const struct method flr = { "FLR", start_flr, nothing, 0, FLR_US, false },
				   af = { "AF", start_af, nothing, 0, FLR_US, false },
				   pm = { "PM", start_pm, to_d0, PM_US, PM_US, false };

	return f->flr ? &flr : f->af_flr ? &af : f->cap_pm && f->pm_reset ? &pm : NULL;
}

static const struct method *method_of(const struct pci_func *f)
{
	static const struct method link = { "bus", start_bus, end_bus, BUS_HOLD_US, BUS_US, true },
				   bus = { "bus", start_bus, end_bus, BUS_HOLD_US, BUS_PCI_US, true };

	if (f->bridge || f->header_type)
		return &none;
	if (own_method(f))
		return own_method(f);
	if (!has_own_bus(f))
		return &none;
	for (const struct pci_func *o = pci_funcs; o < f; o++)
		if (o->parent == f->parent && o->owner == f->owner && !own_method(o))
			return &by_others;
	return pci_is_port(f->parent) ? &link : &bus;
}

const char *pci_reset_method(const struct pci_func *f)
{
	return method_of(f)->name;
}

/* Ports that do not report their link count as ports whose link is up. */
static bool link_up(const struct pci_func *port)
{
	return !pci_is_port(port) ||
	       !(rd(port, port->cap_pcie, PCI_EXP_LNKCAP, 4) & PCI_EXP_LNKCAP_ACTIVE) ||
	       rd(port, port->cap_pcie, PCI_EXP_LNKSTA, 2) & PCI_EXP_LNKSTA_ACTIVE;
}

/* As boot left it: quiet, D0, BARs in place. */
static enum hv_status restore(const struct pci_func *f)
{
	if (pci_cfg_read(f, PCI_ID, 4) != (f->vendor | (uint32_t)f->device << 16))
		return HV_ECONFLICT;
	if (f->cap_pm)
		to_d0(f);
	pci_quiesce(f);
	for (unsigned i = 0; i < f->rebar_count; i++)
		wr(f, f->cap_rebar, PCI_REBAR_CTRL(i) + PCI_REBAR_SIZE, 1, f->rebar_size[i]);
	if (!bars_unchanged(f))
		return HV_ECONFLICT;
	if (!f->host->probe_only)
		bars_write(f);
	fabric_restore(f);
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

static bool is_hit(const struct pci_func *o, const struct pci_func *f, const struct method *m)
{
	return o == f || (m->whole_bus && pci_is_below(o, f->parent));
}

/* Bridges are opened on the way: only then can be seen what is behind. They come before it. */
static bool all_ready(const struct pci_func *f, const struct method *m)
{
	for (unsigned i = 0; i < pci_func_count; i++) {
		if (!is_hit(&pci_funcs[i], f, m))
			continue;
		if (!is_ready(&pci_funcs[i]))
			return false;
		if (pci_funcs[i].bridge)
			bridge_open(&pci_funcs[i]);
	}
	return true;
}

static enum hv_status restore_all(const struct pci_func *f, const struct method *m)
{
	enum hv_status st = HV_OK, s;

	for (unsigned i = 0; i < pci_func_count; i++) {
		s = is_hit(&pci_funcs[i], f, m) ? restore(&pci_funcs[i]) : HV_OK;
		st = s == HV_OK ? st : s;
	}
	return st;
}

enum { IDLE, GONE, WAKE, DRAIN, HOLD, LINK, SETTLE, READY, SLOW };

static void enter(struct pci_func *f, uint8_t stage, uint32_t us)
{
	f->reset_stage = stage;
	f->reset_due = arch_time_ticks() + us * arch_time_hz() / 1000000;
}

static bool is_over(const struct pci_func *f, const struct method *m)
{
	return arch_time_ticks() >= f->reset_due || (f->reset_stage == DRAIN && !pending(f)) ||
	       (f->reset_stage == LINK && (!m->whole_bus || link_up(f->parent)));
}

static void leave(struct pci_func *f, const struct method *m)
{
	switch (f->reset_stage) {
	case WAKE:
		pci_quiesce(f);
		enter(f, DRAIN, DRAIN_US);
		break;
	case DRAIN:
		if (pending(f))
			log_warn("pci: %s: transactions still pending before reset", f->name);
		m->start(f);
		enter(f, HOLD, m->hold_us);
		break;
	case HOLD:
		m->end(f);
		enter(f, LINK, LINK_US);
		break;
	case LINK:
		enter(f, SETTLE, m->settle_us);
		break;
	case SETTLE:
		enter(f, READY, READY_US);
		break;
	case READY:
		log_warn("pci: %s: slow to come back from reset", f->name);
		enter(f, SLOW, SLOW_US);
		break;
	}
}

static enum hv_status finish(struct pci_func *f, enum hv_status st)
{
	const char *method = pci_reset_method(f);

	f->reset_stage = IDLE;
	if (st != HV_OK)
		log_warn("pci: %s: did not come back from %s reset as it was", f->name,
			 method ? method : "no");
	return st;
}

void pci_reset_begin(struct pci_func *f)
{
	bool asleep = f->cap_pm && rd(f, f->cap_pm, PCI_PM_CSR, 2) & PCI_PM_STATE;

	if (asleep)
		to_d0(f);
	/* Unplugged: nothing to wait for. */
	enter(f, pci_cfg_read(f, PCI_ID, 4) == UINT32_MAX ? GONE : WAKE, asleep ? PM_US : 0);
}

enum hv_status pci_reset_step(struct pci_func *f)
{
	const struct method *m = method_of(f);

	if (f->reset_stage == IDLE)
		return HV_OK;
	if (f->reset_stage == GONE)
		return finish(f, HV_ETIMEOUT);
	while (f->reset_stage < READY || !all_ready(f, m)) {
		if (!is_over(f, m))
			return HV_EAGAIN;
		if (f->reset_stage == SLOW)
			return finish(f, HV_ETIMEOUT);
		leave(f, m);
	}
	return finish(f, restore_all(f, m));
}

enum hv_status pci_reset_owned(uint8_t owner)
{
	enum hv_status st = HV_OK, s;
	bool again;

	for (unsigned i = 0; i < pci_func_count; i++)
		if (pci_funcs[i].owner == owner)
			pci_reset_begin(&pci_funcs[i]);
	do {
		again = false;
		for (unsigned i = 0; i < pci_func_count; i++) {
			s = pci_funcs[i].owner == owner ? pci_reset_step(&pci_funcs[i]) : HV_OK;
			if (s == HV_EAGAIN)
				again = true;
			else if (s != HV_OK)
				st = s;
		}
		if (again)
			pci_delay(STEP_US);
	} while (again);
	return st;
}
