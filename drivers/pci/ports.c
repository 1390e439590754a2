/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ports with functions of guests below: is the link up, is the card there, was the attention button
 * pressed, did an error message come. One CPU looks, five times a second, at registers of ports
 * only, and each look has a budget of time: a port or device that answers slowly is looked at less
 * often. Interrupts of ports are not used: they may share a line with a guest's.
 *
 *	state   | what is looked for                       | then
 *	--------+------------------------------------------+--------------------------------------
 *	up      | link or card gone, DPC                   | functions lost; down
 *	        | attention button                         | indicator blinks; asked
 *	asked   | 5 s over, or the guest stopped its DMA   | functions lost, power off; down
 *	        | attention button again                   | up
 *	down    | card came, or the button with a card     | power on
 *	        | link is up, with power                   | rising
 *	rising  | 100 ms over (§6.6.1)                     | bridges below opened; up
 *
 * Functions that were lost stay so until a reset, by their guest or by its next start, finds the
 * same there again. PCIe r6.0 §6.7.1 has indicators and the button, §6.2.11 DPC.
 */
#include <arch/time.h>
#include <hv/pmem.h>

#include "pci_priv.h"

#define LOOK_US   200000
#define LOOKS     8       /* ports a look */
#define ASK_US    5000000 /* §6.7.1.5 */
#define RISE_US   100000
#define RISE_LONG 1100000 /* of a port that does not say when its link is up */
#define DONE_US   1000000 /* §6.7.3.2 */
/* Time a port may take: this at once, and a twentieth of all time. */
#define CREDIT_US 50000
#define REFILL_US (LOOK_US / 20)

enum { UP, ASKED, DOWN, RISING };

struct port {
	struct pci_func *f;
	uint8_t state;
	bool sees_link;     /* it reports whether its link is up */
	bool slot;          /* whose power and presence are Viaduct's to look after */
	bool confirms;      /* each command to the slot */
	uint16_t want, has; /* Slot Control */
	uint64_t due;       /* ticks, of the state */
	uint64_t done_due;  /* ticks, of the last command */
	int64_t credit;     /* ticks; below 0: not looked at */
};

static struct port *ports __ro_after_boot;
static unsigned port_count __ro_after_boot;
static unsigned next_port;
static uint64_t next_look; /* ticks */

static __cold uint64_t port_ticks(uint64_t us)
{
	return us * arch_time_hz() / 1000000;
}

static uint32_t port_read(const struct port *p, unsigned reg)
{
	return pci_cfg_read(p->f, p->f->cap_pcie + reg, 2);
}

/* A reset of the bus below takes the link down, and is the resetting CPU's to look after. */
static bool is_resetting(const struct port *p)
{
	for_each_below(g, p->f)
		if (reset_takes_link(g))
			return true;
	return false;
}

static void port_enter(struct port *p, uint8_t state, uint64_t us)
{
	p->state = state;
	p->due = arch_time_ticks() + port_ticks(us);
}

static void lose_below(struct port *p, const char *why)
{
	for_each_below(g, p->f)
		if (pci_lose(g))
			pci_tell(g, true,
				 "%s %s; all ones until it is back and reset, or a restart", why,
				 p->f->name);
	port_enter(p, DOWN, 0);
}

/* One command at a time. */
static void command_slot(struct port *p, uint32_t events)
{
	uint64_t now = arch_time_ticks();

	if (!p->slot || p->want == p->has)
		return;
	if (p->confirms && !(events & PCI_EXP_SLTSTA_DONE) && now < p->done_due)
		return;
	p->has = p->want;
	p->done_due = now + port_ticks(DONE_US);
	pci_cfg_write(p->f, p->f->cap_pcie + PCI_EXP_SLTCTL, 2, p->has);
}

static void power_slot(struct port *p, uint32_t lamp, uint32_t no_power)
{
	p->want = (uint16_t)((p->has & ~(PCI_EXP_SLTCTL_LAMP | PCI_EXP_SLTCTL_NO_POWER)) | lamp |
			     no_power);
}

/* Was it triggered? The link stays down until that is cleared, and a root port is done with it. */
static bool take_dpc(const struct port *p)
{
	unsigned at = p->f->cap_dpc + PCI_DPC_STATUS;
	uint32_t status = p->f->cap_dpc ? pci_cfg_read(p->f, at, 2) : 0;

	if (status == UINT16_MAX || !(status & PCI_DPC_TRIGGERED))
		return false;
	if (!(status & PCI_DPC_BUSY))
		pci_cfg_write(p->f, at, 2, PCI_DPC_TRIGGERED);
	return true;
}

static bool is_let_go(const struct port *p)
{
	for_each_below(g, p->f)
		if (__atomic_load_n(&g->command, __ATOMIC_RELAXED) & PCI_CMD_MASTER &&
		    pci_state(g) == PCI_OWNED)
			return false;
	return true;
}

static void ask_guests(struct port *p)
{
	for_each_below(g, p->f)
		pci_tell(g, true, "its slot %s is to be switched off: in 5 s, or when it is let go",
			 p->f->name);
	power_slot(p, PCI_EXP_LAMP_BLINKS, 0);
	port_enter(p, ASKED, ASK_US);
}

static void look_up_port(struct port *p, uint32_t events, bool there)
{
	bool button = events & PCI_EXP_SLTSTA_BUTTON;

	if (!there || events & (PCI_EXP_SLTSTA_CARD | PCI_EXP_SLTSTA_LINK)) {
		lose_below(p, "gone from port");
	} else if (p->state == UP && button) {
		ask_guests(p);
	} else if (p->state == ASKED && button) {
		power_slot(p, PCI_EXP_LAMP_ON, 0);
		port_enter(p, UP, 0);
	} else if (p->state == ASKED && (is_let_go(p) || arch_time_ticks() >= p->due)) {
		lose_below(p, "switched off with slot");
		power_slot(p, PCI_EXP_LAMP_OFF, PCI_EXP_SLTCTL_NO_POWER);
	}
}

static void look_down_port(struct port *p, uint32_t events, bool present, bool link)
{
	bool powered = !p->slot || !(p->has & PCI_EXP_SLTCTL_NO_POWER);

	if (p->slot && !present)
		power_slot(p, PCI_EXP_LAMP_OFF, PCI_EXP_SLTCTL_NO_POWER);
	else if (events & (PCI_EXP_SLTSTA_CARD | PCI_EXP_SLTSTA_BUTTON))
		power_slot(p, PCI_EXP_LAMP_ON, 0);
	if (present && link && powered && p->want == p->has)
		port_enter(p, RISING, p->sees_link ? RISE_US : RISE_LONG);
}

static void look_rising_port(struct port *p, bool there)
{
	if (!there) {
		port_enter(p, DOWN, 0);
	} else if (arch_time_ticks() >= p->due) {
		reset_open_below(p->f);
		port_enter(p, UP, 0);
		for_each_below(g, p->f)
			pci_tell(g, true,
				 "there is a card in slot %s again: a reset or a restart "
				 "takes it, if it is the same",
				 p->f->name);
	}
}

/* What changed since the last look, and takes note of it. */
static uint32_t take_slot_events(const struct port *p, uint32_t status)
{
	uint32_t events = status & PCI_EXP_SLTSTA_EVENTS;

	if (!p->slot || status == UINT16_MAX)
		return 0;
	if (events)
		pci_cfg_write(p->f, p->f->cap_pcie + PCI_EXP_SLTSTA, 2, events);
	return events;
}

static void look_at_port(struct port *p)
{
	bool resetting = is_resetting(p);
	uint32_t status = p->slot ? port_read(p, PCI_EXP_SLTSTA) : PCI_EXP_SLTSTA_PRESENT;
	uint32_t link = port_read(p, PCI_EXP_LNKSTA), events = take_slot_events(p, status);
	bool present = status & PCI_EXP_SLTSTA_PRESENT && status != UINT16_MAX;
	bool active = link != UINT16_MAX && (!p->sees_link || link & PCI_EXP_LNKSTA_ACTIVE);

	if (take_dpc(p))
		lose_below(p, "uncorrectable error: disconnected by port");
	else if (p->state == DOWN)
		look_down_port(p, events, present, active);
	else if (p->state == RISING)
		look_rising_port(p, present && active);
	else if (!resetting && !is_resetting(p)) /* neither before these reads nor behind them */
		look_up_port(p, events, present && active);
	command_slot(p, events);
}

/* Below a port that is down nothing answers. Ports come before those that are below them. */
static bool is_reachable(const struct port *p)
{
	for (const struct port *q = ports; q < p; q++)
		if (q->state >= DOWN && pci_is_below(p->f, q->f))
			return false;
	return true;
}

static void look_in_time(struct port *p)
{
	uint64_t start = arch_time_ticks();

	p->credit = MIN(p->credit + (int64_t)port_ticks(REFILL_US), (int64_t)port_ticks(CREDIT_US));
	if (!is_reachable(p)) {
		port_enter(p, DOWN, 0);
		return;
	}
	if (p->credit < 0)
		return;
	if (pci_is_type(p->f, PCI_EXP_ROOT_PORT) && p->f->cap_aer)
		errors_collect(p->f, start + (uint64_t)p->credit);
	look_at_port(p);
	p->credit -= (int64_t)(arch_time_ticks() - start);
}

uint32_t pci_ports_poll(void)
{
	uint64_t now = arch_time_ticks();

	if (now < next_look)
		return (uint32_t)((next_look - now) * 1000000 / arch_time_hz()) + 1;
	for (unsigned n = 0; n < MIN(port_count, (unsigned)LOOKS); n++) {
		look_in_time(&ports[next_port]);
		next_port = (next_port + 1) % port_count;
	}
	next_look = now + port_ticks(LOOK_US);
	return LOOK_US;
}

static void start_port(struct port *p)
{
	struct pci_func *f = p->f;
	uint32_t slot = 0;

	if (pci_cfg_read(f, f->cap_pcie + PCI_EXP_FLAGS, 2) & PCI_EXP_SLOT)
		slot = pci_cfg_read(f, f->cap_pcie + PCI_EXP_SLTCAP, 4);
	p->sees_link = pci_cfg_read(f, f->cap_pcie + PCI_EXP_LNKCAP, 4) & PCI_EXP_LNKCAP_ACTIVE;
	p->slot = slot & PCI_EXP_SLTCAP_HOTPLUG;
	p->confirms = !(slot & PCI_EXP_SLTCAP_AT_ONCE);
	p->credit = (int64_t)port_ticks(CREDIT_US);
	if (!p->slot)
		return;
	p->has = p->want = (uint16_t)port_read(p, PCI_EXP_SLTCTL);
	pci_cfg_write(f, f->cap_pcie + PCI_EXP_SLTSTA, 2, PCI_EXP_SLTSTA_EVENTS);
}

bool pci_ports_init(pci_told_fn *told)
{
	errors_tell(told);
	port_count = next_port = 0;
	next_look = 0;
	pci_for_each(f)
		port_count += pci_is_port(f) && next_below(f, NULL);
	if (!port_count)
		return false;
	ports = pmem_alloc(port_count * sizeof(*ports), 64);
	port_count = 0;
	pci_for_each(f) {
		bool above = f->bridge && next_below(f, NULL);

		if (above || (f->owner != PCI_NO_OWNER && f->parent))
			errors_watch(f);
		if (above && pci_is_port(f)) {
			ports[port_count].f = f;
			start_port(&ports[port_count++]);
		}
	}
	return true;
}
