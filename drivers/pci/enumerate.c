/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Enumeration: every function below a host bridge is captured once into pci_funcs and silenced on
 * the way (no DMA, no decoding, no interrupt). Buses are numbered here, depth first; firmware's
 * numbers are wiped before anything behind a bridge is looked at, so no two bridges claim a bus.
 *
 * The walk keeps its place in `parent` pointers, not on the stack: its depth is the device's word.
 */
#include <hv/log.h>

#include "pci_priv.h"

#define READY_US  1000000 /* §6.6.1: a function is ready one second after reset */
#define MAX_ROOTS 8

/* QEMU's PCIe expander: a host bridge function that announces a further root bus. */
#define EXPANDER_ID 0x000b1b36u

static void capture_bridge(struct pci_func *f)
{
	f->bridge = true;
	f->refused = "it is a bridge";
	pci_cfg_write(f, PCI_BUSES, 4, 0);
	pci_cfg_write(f, PCI_BRIDGE_CTRL, 2, 0);
	pci_cfg_write(f, PCI_BRIDGE_ROM, 4, 0);
}

static void capture_function(struct pci_func *f)
{
	uint32_t pin;

	f->class_rev = pci_cfg_read(f, PCI_CLASS_REV, 4);
	f->header_type = pci_cfg_read(f, PCI_HEADER_TYPE, 1) & PCI_HEADER_KIND;
	if (pci_is_host_bridge(f)) { /* its COMMAND and BARs may be what we reach RAM through */
		f->refused = "it is the host bridge itself";
		return;
	}
	/* INTx off, and with it master, memory, I/O, SERR and parity reporting. */
	pci_cfg_write(f, PCI_COMMAND, 2, PCI_CMD_INTX_OFF);
	if (f->header_type > 1) {
		f->refused = "its header type is not supported";
		return;
	}
	caps_find(f);
	pin = pci_cfg_read(f, PCI_INT_PIN, 1);
	f->irq_pin = pin <= 4 ? (uint8_t)pin : 0;
	/* Conventional PCI before 2.3 has no such bit. */
	f->intx_stuck = f->irq_pin && !(pci_cfg_read(f, PCI_COMMAND, 2) & PCI_CMD_INTX_OFF);
	if (f->header_type == 1) {
		capture_bridge(f);
	} else {
		f->subsystem = pci_cfg_read(f, PCI_SUBSYSTEM, 4);
		pci_cfg_write(f, PCI_ROM, 4, 0);
	}
	bars_size(f);
	caps_capture(f);
}

static void add_function(struct pci_host *h, struct pci_func *parent, unsigned bdf, uint32_t id,
			 bool multi)
{
	struct pci_func *f;

	if (pci_func_count == MAX_PCI_FUNCS) {
		if (!h->full)
			log_warn("pci: more than %u functions; from %04x:%02x:%02x.%x on they are "
				 "left out",
				 MAX_PCI_FUNCS, h->segment, bdf >> 8, bdf >> 3 & 0x1f, bdf & 7);
		h->full = true;
		return;
	}
	f = &pci_funcs[pci_func_count++];
	h->func_count++;
	*f = (struct pci_func){
		.host = h,
		.parent = parent,
		.bdf = (uint16_t)bdf,
		.vendor = (uint16_t)id,
		.device = (uint16_t)(id >> 16),
		.multifunction = multi,
		.group = (uint16_t)(f - pci_funcs),
		.owner = PCI_NO_OWNER,
		.state = PCI_IDLE,
	};
	fmt_print(f->name, sizeof(f->name), "%04x:%02x:%02x.%x", h->segment, bdf >> 8,
		  bdf >> 3 & 0x1f, bdf & 7);
	capture_function(f);
}

static bool is_absent(uint32_t id)
{
	return (id & 0xffff) == PCI_VENDOR_NONE || !(id & 0xffff);
}

static void scan_slot(struct pci_host *h, struct pci_func *parent, unsigned bdf)
{
	bool multi = false;

	for (unsigned fn = 0; fn < (multi ? 8u : 1u); fn++) {
		uint32_t id = pci_wait_id(h, bdf + fn, READY_US);

		if (is_absent(id))
			continue;
		if (!fn)
			multi = pci_host_read(h, bdf, PCI_HEADER_TYPE, 1) & PCI_HEADER_MULTI;
		add_function(h, parent, bdf + fn, id, multi);
	}
}

/* A link has one device at its lower end (§7.3.1); beyond device 0 are echoes of it. */
static unsigned slots_below(const struct pci_func *parent)
{
	return parent && (pci_is_port(parent) || pci_is_type(parent, PCI_EXP_FROM_PCI)) ? 1 : 32;
}

static void scan_bus(struct pci_host *h, struct pci_func *parent, unsigned bus)
{
	for (unsigned dev = 0; dev < slots_below(parent); dev++)
		scan_slot(h, parent, bus << 8 | dev << 3);
}

void bridge_write_buses(const struct pci_func *f, unsigned subordinate)
{
	if (!f->bus_secondary)
		return;
	pci_cfg_write(f, PCI_BUSES, 4,
		      pci_bus(f) | (uint32_t)f->bus_secondary << 8 | subordinate << 16);
}

/* The first bridge of a bus that has no number yet. */
static struct pci_func *next_bridge(const struct pci_host *h, const struct pci_func *parent,
				    unsigned root)
{
	pci_for_each_of(f, h)
		if (f->bridge && f->parent == parent && !f->bus_secondary &&
		    (parent || pci_bus(f) == root))
			return f;
	return NULL;
}

/* Everything below root bus `root`, which was scanned; buses up to `limit` are to be had. */
static void walk_buses(struct pci_host *h, unsigned root, unsigned limit)
{
	struct pci_func *at = NULL;
	unsigned last = root;

	for (;;) {
		struct pci_func *b = last < limit && !h->full ? next_bridge(h, at, root) : NULL;

		if (b) {
			b->bus_secondary = (uint8_t)++last;
			bridge_write_buses(b, limit);
			scan_bus(h, b, last);
			at = b;
			continue;
		}
		if (!at)
			break;
		at->bus_subordinate = (uint8_t)last;
		bridge_write_buses(at, last);
		at = at->parent;
	}
}

/* Behind a bridge without a number nothing is reachable, by us or by anybody. */
static void report_unnumbered(const struct pci_host *h)
{
	unsigned n = 0;

	pci_for_each_of(f, h)
		n += f->bridge && !f->bus_secondary;
	if (n)
		log_warn("pci: %s: %u bridges got no bus number; what is behind them is not used",
			 h->name, n);
}

static bool has_expander(const struct pci_host *h)
{
	pci_for_each_of(f, h)
		if (pci_id(f) == EXPANDER_ID)
			return true;
	return false;
}

/* The bridges of root bus 0 have no numbers yet: a bus that answers is a root of its own. */
static unsigned find_roots(const struct pci_host *h, uint8_t *root)
{
	unsigned n = 1;

	root[0] = h->bus_first;
	if (!has_expander(h))
		return n;
	for (unsigned bus = h->bus_first + 1u; bus <= h->bus_last && n < MAX_ROOTS; bus++)
		for (unsigned dev = 0; dev < 32; dev++)
			if (!is_absent(pci_host_read(h, bus << 8 | dev << 3, PCI_ID, 4))) {
				root[n++] = (uint8_t)bus;
				break;
			}
	return n;
}

void pci_enumerate(struct pci_host *h)
{
	uint8_t root[MAX_ROOTS];
	unsigned roots;

	h->func_first = pci_func_count;
	h->func_count = 0;
	scan_bus(h, NULL, h->bus_first);
	if (!h->func_count) {
		log_warn("pci: %s: nothing answers in its ECAM; left alone", h->name);
		return;
	}
	roots = find_roots(h, root);
	for (unsigned i = 0; i < roots; i++) {
		if (i)
			scan_bus(h, NULL, root[i]);
		walk_buses(h, root[i], i + 1 < roots ? root[i + 1] - 1u : h->bus_last);
	}
	log_info("pci: %04x: %s, buses %02x-%02x, %u functions", h->segment, h->name, h->bus_first,
		 h->bus_last, h->func_count);
	report_unnumbered(h);
	fabric_settle(h);
}
