/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Error messages (PCIe r6.0 §6.2). The functions that guests have, and the bridges above them, send
 * them upwards; root ports record who sent one and raise no interrupt: ports.c looks. A guest
 * cannot turn this off, as error enables, masks and severities are Viaduct's (vpci/rules.c).
 *
 * An uncorrectable error quarantines the function that says it. What a bridge says of itself counts
 * for all below it, unless two guests have something there: one could make the bridge say so and
 * take the other's device. Device registers are read while there is time (errors_collect).
 */
#include <arch/time.h>
#include <hv/log.h>

#include "pci_priv.h"

static pci_told_fn *told __ro_after_boot;
static uint64_t touch_end; /* ticks: from then on no function below a port is touched */

void errors_tell(pci_told_fn *fn)
{
	told = fn;
}

void pci_tell(struct pci_func *f, bool grave, const char *fmt, ...)
{
	char what[140];
	va_list ap;

	va_start(ap, fmt);
	fmt_vprint(what, sizeof(what), fmt, ap);
	va_end(ap);
	told(f, grave, what);
}

/* Of a port that is of several guests or of none: a burst, and then one line each ten seconds. */
static void log_port(struct pci_func *port, const char *severity, const char *detail)
{
	uint32_t missed;

	if (!port->reset.log.burst)
		port->reset.log = RATELIMIT(4, 10000);
	if (ratelimit_pass(&port->reset.log, &missed) &&
	    !log_spare("pci: %s: %s error%s", port->name, severity, detail))
		ratelimit_miss(&port->reset.log, missed + 1);
}

static bool is_guests(const struct pci_func *f)
{
	return !f->bridge && f->owner != PCI_NO_OWNER;
}

struct pci_func *next_below(const struct pci_func *bridge, struct pci_func *f)
{
	const struct pci_host *h = bridge->host;

	f = f ? f + 1 : &pci_funcs[h->func_first];
	for (; f < &pci_funcs[h->func_first + h->func_count]; f++)
		if (is_guests(f) && pci_is_below(f, bridge))
			return f;
	return NULL;
}

/* The owner of all below a bridge; PCI_NO_OWNER: there are none, or several. */
static uint16_t owner_below(const struct pci_func *bridge)
{
	uint16_t owner = PCI_NO_OWNER;

	for_each_below(f, bridge) {
		if (owner != PCI_NO_OWNER && owner != f->owner)
			return PCI_NO_OWNER;
		owner = f->owner;
	}
	return owner;
}

void errors_forget(const struct pci_func *f)
{
	if (f->cap_pcie)
		pci_cfg_write(f, f->cap_pcie + PCI_EXP_DEVSTA, 2, PCI_EXP_DEVSTA_ERRORS);
	if (!f->cap_aer)
		return;
	pci_cfg_write(f, f->cap_aer + PCI_AER_UNC_STATUS, 4, UINT32_MAX);
	pci_cfg_write(f, f->cap_aer + PCI_AER_COR_STATUS, 4, UINT32_MAX);
}

uint32_t errors_bridge_ctrl(const struct pci_func *bridge)
{
	return bridge->watched ? PCI_BRIDGE_SERR : 0;
}

void errors_open(const struct pci_func *bridge)
{
	if (!bridge->watched)
		return;
	pci_cfg_write(bridge, PCI_BRIDGE_CTRL, 2, errors_bridge_ctrl(bridge));
	/* It disconnects all that is below. */
	if (bridge->cap_dpc && owner_below(bridge) != PCI_NO_OWNER)
		pci_cfg_write(bridge, bridge->cap_dpc + PCI_DPC_CTRL, 2, PCI_DPC_UNCORRECTABLE);
}

void errors_watch(struct pci_func *f)
{
	f->watched = true;
	f->layout = caps_layout(f);
	errors_forget(f);
	if (f->cap_pcie) {
		f->devctl |= PCI_EXP_DEVCTL_REPORTS;
		pci_cfg_write(f, f->cap_pcie + PCI_EXP_DEVCTL, 2, f->devctl);
	}
	if (f->bridge)
		errors_open(f);
	if (pci_is_type(f, PCI_EXP_ROOT_PORT) && f->cap_aer)
		pci_cfg_write(f, f->cap_aer + PCI_AER_ROOT_STATUS, 4, PCI_AER_ROOT_EVENTS);
}

/* Bits of the status registers, §7.8.4.2 and §7.8.4.5. */
struct bit_name {
	uint8_t bit;
	char name[23];
};
static const struct bit_name uncorrectable[] = {
	{ 4, "data link protocol" },
	{ 5, "surprise down" },
	{ 12, "poisoned TLP" },
	{ 13, "flow control" },
	{ 14, "completion timeout" },
	{ 15, "completer abort" },
	{ 16, "unexpected completion" },
	{ 17, "receiver overflow" },
	{ 18, "malformed TLP" },
	{ 19, "ECRC" },
	{ 20, "unsupported request" },
	{ 21, "ACS violation" },
	{ 22, "internal" },
	{ 23, "MC blocked TLP" },
	{ 24, "AtomicOp blocked" },
	{ 25, "TLP prefix blocked" },
	{ 0, "" },
};
static const struct bit_name correctable[] = {
	{ 0, "receiver" },
	{ 6, "bad TLP" },
	{ 7, "bad DLLP" },
	{ 8, "replay number rollover" },
	{ 12, "replay timeout" },
	{ 13, "advisory non-fatal" },
	{ 14, "internal" },
	{ 15, "header log overflow" },
	{ 32, "" },
};

/*
 * " (malformed TLP, status 0x00040000)", or empty: of the first bit that has a name; the last row
 * has none. Until the next call; only one CPU looks at errors.
 */
static const char *describe_status(uint32_t status, const struct bit_name *row)
{
	static char text[60];

	text[0] = '\0';
	while (*row->name && !(status & (uint32_t)BIT(row->bit)))
		row++;
	if (status)
		fmt_print(text, sizeof(text), " (%s, status 0x%08x)", row->name, status);
	return text;
}

static bool may_touch(const struct pci_func *f)
{
	return f->bridge || arch_time_ticks() < touch_end;
}

/*
 * What its AER status says; 0: it has none, or there is no time for it. It stays as it is, for the
 * guest to read, until the reset that brings the function back.
 */
static uint32_t status_of(const struct pci_func *f, unsigned reg)
{
	uint32_t status = f->cap_aer && may_touch(f) ? pci_cfg_read(f, f->cap_aer + reg, 4) : 0;

	return status == UINT32_MAX ? 0 : status;
}

/* One that is quarantined or lost has been told of; else it is quiet. */
static void fail_func(struct pci_func *f, const char *severity, const char *detail,
		      const char *port)
{
	enum pci_state was = pci_state(f);

	if (was != PCI_OWNED && was != PCI_WAKING)
		return;
	if (may_touch(f))
		pci_contain(f);
	else
		pci_lose(f); /* without an access to it */
	pci_tell(f, true, "%s error%s%s%s; no DMA and no interrupts until a reset or a restart",
		 severity, detail, *port ? " of its port " : "", port);
}

static void fail_below(struct pci_func *bridge, const char *severity)
{
	const char *detail = describe_status(status_of(bridge, PCI_AER_UNC_STATUS), uncorrectable);

	errors_forget(bridge);
	if (owner_below(bridge) == PCI_NO_OWNER) {
		log_port(bridge, severity, detail);
		return;
	}
	for_each_below(f, bridge)
		fail_func(f, severity, detail, bridge->name);
}

static void uncorrected(struct pci_func *root, struct pci_func *f, bool fatal)
{
	const char *severity = fatal ? "fatal" : "non-fatal";

	if (f && is_guests(f))
		fail_func(f, severity,
			  describe_status(status_of(f, PCI_AER_UNC_STATUS), uncorrectable), "");
	else if (f && f->bridge)
		fail_below(f, severity);
	else
		log_port(root, severity, ", of a function that no guest has");
}

/* Told of the first, the second, the fourth, and so on. */
static void corrected(struct pci_func *f)
{
	uint32_t status = status_of(f, PCI_AER_COR_STATUS);

	if (status)
		pci_cfg_write(f, f->cap_aer + PCI_AER_COR_STATUS, 4, status);
	f->correctable++;
	if (f->correctable & (f->correctable - 1))
		return;
	if (is_guests(f))
		pci_tell(f, false, "%u correctable errors%s", f->correctable,
			 describe_status(status, correctable));
	else
		log_port(f, "correctable", describe_status(status, correctable));
}

static struct pci_func *find_sender(const struct pci_func *root, uint32_t rid)
{
	pci_for_each_of(f, root->host)
		if (f->bdf == rid && (f == root || pci_is_below(f, root)))
			return f;
	return NULL;
}

/* More came than the port keeps the senders of: who has recorded one? */
static void search_senders(struct pci_func *root)
{
	for_each_below(f, root) {
		uint32_t status;

		if (!f->cap_pcie || pci_state(f) != PCI_OWNED || !may_touch(f))
			continue;
		status = pci_cfg_read(f, f->cap_pcie + PCI_EXP_DEVSTA, 2);
		if (status != UINT16_MAX && status & PCI_EXP_DEVSTA_UNCORRECTABLE)
			uncorrected(root, f, status & PCI_EXP_DEVSTA_FATAL);
	}
}

void errors_collect(struct pci_func *root, uint64_t end)
{
	uint32_t status = pci_cfg_read(root, root->cap_aer + PCI_AER_ROOT_STATUS, 4), source;
	struct pci_func *f;

	if (status == UINT32_MAX || !(status & PCI_AER_ROOT_EVENTS))
		return;
	touch_end = end;
	source = pci_cfg_read(root, root->cap_aer + PCI_AER_ROOT_SOURCE, 4);
	pci_cfg_write(root, root->cap_aer + PCI_AER_ROOT_STATUS, 4, status & PCI_AER_ROOT_EVENTS);
	if (status & PCI_AER_ROOT_UNC)
		uncorrected(root, find_sender(root, source >> 16), status & PCI_AER_ROOT_FATAL);
	if (status & PCI_AER_ROOT_UNC_MORE)
		search_senders(root);
	f = find_sender(root, source & 0xffff);
	if (status & PCI_AER_ROOT_COR && f)
		corrected(f);
}
