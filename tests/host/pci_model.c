/* SPDX-License-Identifier: Apache-2.0 */
/* See pci_model.h. Offsets are spelled out here, not taken from the headers under test. */
#include <assert.h>
#include <string.h>

#include <host.h>
#include "pci_model.h"

static uint32_t get(const uint8_t *p, unsigned size)
{
	uint32_t v = 0;

	for (unsigned i = 0; i < size; i++)
		v |= (uint32_t)p[i] << 8 * i;
	return v;
}

static void put(uint8_t *p, unsigned size, uint32_t v)
{
	for (unsigned i = 0; i < size; i++)
		p[i] = (uint8_t)(v >> 8 * i);
}

static bool is_bridge(const struct pcim_dev *d)
{
	return (d->cfg[0x0e] & 0x7f) == 1;
}

static bool held_in_reset(const struct pcim_dev *d)
{
	for (d = d->up; d; d = d->up)
		if (d->cfg[0x3e] & 0x40 || d->link_down)
			return true;
	return false;
}

/* A link's lower end has one device, which answers to every device number. */
static bool is_link(const struct pcim_dev *d)
{
	unsigned type = d->pcie ? get(d->cfg + d->pcie + 2, 2) >> 4 & 15 : 0;

	return type == 4 || type == 6 || type == 8;
}

static struct pcim_dev *child(struct pcim *m, const struct pcim_dev *up, unsigned bus,
			      unsigned devfn)
{
	if (up && is_link(up))
		devfn &= 7;
	for (unsigned i = 0; i < m->count; i++)
		if (m->dev[i].up == up && m->dev[i].devfn == devfn &&
		    (up || m->dev[i].root_bus == bus))
			return &m->dev[i];
	return NULL;
}

/* The bridge below `up` that claims `bus`; two that do so drown each other. */
static struct pcim_dev *claims(struct pcim *m, const struct pcim_dev *up, unsigned bus)
{
	struct pcim_dev *by = NULL;

	for (unsigned i = 0; i < m->count; i++) {
		struct pcim_dev *d = &m->dev[i];

		if (d->up != up || !is_bridge(d) || d->gone || !d->cfg[0x19] ||
		    bus < d->cfg[0x19] || bus > d->cfg[0x1a])
			continue;
		if (by)
			return NULL;
		by = d;
	}
	return by;
}

/* Type 0 and type 1 routing, from the root down. */
static struct pcim_dev *find(struct pcim *m, unsigned bus, unsigned devfn)
{
	struct pcim_dev *d = child(m, NULL, bus, devfn);

	if (d)
		return d;
	for (d = claims(m, NULL, bus); d; d = claims(m, d, bus))
		if (bus == d->cfg[0x19])
			return child(m, d, bus, devfn);
	return NULL;
}

static void reset(struct pcim_dev *d)
{
	uint32_t uncorrectable = get(d->cfg + d->aer + 4, 4),
		 corrected = get(d->cfg + d->aer + 16, 4);

	memcpy(d->cfg, d->power_on, sizeof(d->cfg));
	if (d->aer) { /* sticky: RW1CS */
		put(d->cfg + d->aer + 4, 4, uncorrectable);
		put(d->cfg + d->aer + 16, 4, corrected);
	}
	d->resets++;
	d->not_ready = d->not_ready_after_reset;
	d->gone |= d->dead_after_reset;
}

static uint64_t read(void *model, uint64_t off, unsigned size)
{
	struct pcim *m = model;
	struct pcim_dev *d = find(m, m->first_bus + (unsigned)(off >> 20), off >> 12 & 0xff);
	uint64_t ones = (UINT64_C(1) << 8 * size) - 1;
	unsigned o = off & 0xfff;

	if (size == 8 || off & (size - 1)) {
		m->outside++;
		return ones;
	}
	if (d && d->answer_us)
		host_time_advance(d->answer_us);
	if (!d || d->gone || held_in_reset(d))
		return ones;
	if (d->not_ready) {
		d->not_ready -= o == 0;
		return o == 0 && size == 4 ? 0xffff0001u : ones;
	}
	if (o >= 0x100 && !d->pcie)
		return ones;
	return get(d->cfg + o, size);
}

static void reset_below(struct pcim *m, const struct pcim_dev *d)
{
	for (unsigned i = 0; i < m->count; i++)
		for (struct pcim_dev *u = m->dev[i].up; u; u = u->up)
			if (u == d)
				reset(&m->dev[i]);
}

static void side_effects(struct pcim *m, struct pcim_dev *d, const uint8_t *was)
{
	unsigned csr = d->pm + 4u;

	if (d->pcie && get(d->cfg + d->pcie + 8, 2) & 0x8000) {
		put(d->cfg + d->pcie + 8, 2, get(d->cfg + d->pcie + 8, 2) & 0x7fffu);
		if (get(d->cfg + d->pcie + 4, 4) & 0x10000000u)
			reset(d);
	}
	if (d->af && d->cfg[d->af + 4] & 1)
		reset(d);
	if (d->pm && (was[csr] & 3) == 3 && !(d->cfg[csr] & 3) && !(d->cfg[csr] & 8))
		reset(d);
	if (d->dpc && d->dpc_triggered && !(d->cfg[d->dpc + 8] & 1)) {
		d->dpc_triggered = false;
		pcim_link(d, true);
		reset_below(m, d);
	}
	if (is_bridge(d) && was[0x3e] & 0x40 && !(d->cfg[0x3e] & 0x40))
		reset_below(m, d);
}

static void write(void *model, uint64_t off, unsigned size, uint64_t v)
{
	struct pcim *m = model;
	struct pcim_dev *d = find(m, m->first_bus + (unsigned)(off >> 20), off >> 12 & 0xff);
	unsigned o = off & 0xfff;
	uint8_t was[256];

	if (size == 8 || off & (size - 1)) {
		m->outside++;
		return;
	}
	if (!d || d->gone || held_in_reset(d) || d->not_ready || (o >= 0x100 && !d->pcie))
		return;
	memcpy(was, d->cfg, sizeof(was));
	for (unsigned i = 0; i < size; i++) {
		uint8_t b = (uint8_t)(v >> 8 * i), *at = &d->cfg[o + i];

		*at = (uint8_t)((*at & ~d->write[o + i]) | (b & d->write[o + i]));
		*at = (uint8_t)(*at & ~(b & d->w1c[o + i]));
	}
	side_effects(m, d, was);
}

void pcim_init(struct pcim *m, uintptr_t base, uint64_t size, uint8_t first_bus)
{
	memset(m, 0, sizeof(*m));
	m->base = base;
	m->size = size;
	m->first_bus = first_bus;
	host_mmio_add(base, size, read, write, m);
}

void pcim_set(struct pcim_dev *d, unsigned off, unsigned size, uint32_t v)
{
	put(d->cfg + off, size, v);
	put(d->power_on + off, size, v);
}

uint32_t pcim_get(const struct pcim_dev *d, unsigned off, unsigned size)
{
	return get(d->cfg + off, size);
}

void pcim_writable(struct pcim_dev *d, unsigned off, unsigned size, uint32_t mask)
{
	put(d->write + off, size, mask);
}

static struct pcim_dev *add(struct pcim *m, struct pcim_dev *up, unsigned dev, unsigned fn,
			    uint16_t vendor, uint16_t device)
{
	struct pcim_dev *d = &m->dev[m->count++];

	assert(m->count <= PCIM_MAX);
	d->m = m;
	d->up = up;
	d->root_bus = m->first_bus;
	d->devfn = (uint8_t)(dev << 3 | fn);
	d->next_cap = 0x40;
	d->next_ecap = 0x100;
	pcim_set(d, 0x00, 2, vendor);
	pcim_set(d, 0x02, 2, device);
	pcim_set(d, 0x08, 4, 0x02000001);
	pcim_writable(d, 0x04, 2, 0x0547);
	d->w1c[0x07] = 0xf9;
	d->write[0x0c] = d->write[0x3c] = 0xff;
	return d;
}

struct pcim_dev *pcim_endpoint(struct pcim *m, struct pcim_dev *up, unsigned dev, unsigned fn,
			       uint16_t vendor, uint16_t device)
{
	struct pcim_dev *d = add(m, up, dev, fn, vendor, device);

	pcim_set(d, 0x2c, 4, 0x12345678);
	pcim_set(d, 0x3d, 1, 1);
	return d;
}

struct pcim_dev *pcim_bridge(struct pcim *m, struct pcim_dev *up, unsigned dev, unsigned fn,
			     int pcie_type)
{
	struct pcim_dev *d = add(m, up, dev, fn, 0x1b36, 0x000c);

	pcim_set(d, 0x08, 4, 0x06040000);
	pcim_set(d, 0x0e, 1, 1);
	pcim_writable(d, 0x18, 4, 0xffffffff);
	pcim_writable(d, 0x1c, 2, 0xf0f0);
	pcim_writable(d, 0x20, 4, 0xfff0fff0);
	pcim_set(d, 0x24, 4, 0x00010001);
	pcim_writable(d, 0x24, 4, 0xfff0fff0);
	pcim_writable(d, 0x28, 4, 0xffffffff);
	pcim_writable(d, 0x2c, 4, 0xffffffff);
	pcim_writable(d, 0x3e, 2, 0x007f);
	if (pcie_type >= 0)
		pcim_pcie(d, (unsigned)pcie_type, false, 2);
	return d;
}

void pcim_bar(struct pcim_dev *d, unsigned i, uint64_t size, unsigned flags)
{
	uint64_t mask = ~(size - 1);
	unsigned off = 0x10 + 4 * i;

	pcim_set(d, off, 4, flags);
	pcim_writable(d, off, 4, (uint32_t)mask & (flags & PCIM_IO ? ~3u : ~15u));
	if (flags & PCIM_MEM64)
		pcim_writable(d, off + 4, 4, (uint32_t)(mask >> 32));
}

uint8_t pcim_cap(struct pcim_dev *d, uint8_t id, unsigned size)
{
	uint8_t at = d->next_cap;

	assert(at + size <= 256);
	d->next_cap = (uint8_t)(at + ((size + 3) & ~3u));
	pcim_set(d, at, 1, id);
	pcim_set(d, d->last_cap ? d->last_cap + 1u : 0x34u, 1, at);
	pcim_set(d, 0x06, 2, 0x0010);
	d->last_cap = at;
	return at;
}

uint16_t pcim_ecap(struct pcim_dev *d, uint16_t id, unsigned size)
{
	uint16_t at = d->next_ecap;

	d->next_ecap = (uint16_t)(at + ((size + 3) & ~3u));
	pcim_set(d, at, 4, id | 1u << 16);
	if (d->last_ecap)
		pcim_set(d, d->last_ecap, 4, pcim_get(d, d->last_ecap, 4) | (uint32_t)at << 20);
	d->last_ecap = at;
	return at;
}

void pcim_pcie(struct pcim_dev *d, unsigned type, bool flr, unsigned mps)
{
	uint8_t at = d->pcie = pcim_cap(d, 0x10, 0x3c);

	pcim_set(d, at + 2u, 2, 2 | type << 4 | (type == 4 || type == 6 ? 0x100 : 0));
	pcim_set(d, at + 4u, 4, (flr ? 0x10000000u : 0) | mps);
	pcim_set(d, at + 8u, 2, 0x281f);
	pcim_writable(d, at + 8u, 2, 0xffff);
	pcim_set(d, at + 0xcu, 4, type == 4 || type == 6 ? 0x00100000 : 0);
	pcim_set(d, at + 0x12u, 2, 0x2000);
	pcim_writable(d, at + 0x10u, 2, 0x00ff);
	pcim_set(d, at + 0x18u, 2, 0x103f);
	pcim_writable(d, at + 0x18u, 2, 0xffff);
	pcim_writable(d, at + 0x1cu, 2, 0x001f);
	pcim_set(d, at + 0x28u, 2, 0x0460);
	pcim_writable(d, at + 0x28u, 2, 0xffff);
}

void pcim_pm(struct pcim_dev *d, bool no_soft_reset)
{
	d->pm = pcim_cap(d, 0x01, 8);
	pcim_set(d, d->pm + 4u, 2, no_soft_reset ? 8 : 0);
	pcim_writable(d, d->pm + 4u, 2, 0x0103);
}

void pcim_af(struct pcim_dev *d)
{
	d->af = pcim_cap(d, 0x13, 6);
	pcim_set(d, d->af + 2u, 2, 0x0306);
	pcim_writable(d, d->af + 4u, 1, 1);
}

void pcim_msi(struct pcim_dev *d, unsigned mmc, bool wide, bool mask)
{
	d->msi = pcim_cap(d, 0x05, 10 + (wide ? 4u : 0) + (mask ? 10u : 0));
	pcim_set(d, d->msi + 2u, 2, mmc << 1 | (wide ? 0x80 : 0) | (mask ? 0x100 : 0) | 1);
	pcim_writable(d, d->msi + 2u, 2, 0x0071);
}

void pcim_msix(struct pcim_dev *d, unsigned count, uint32_t table, uint32_t pba)
{
	d->msix = pcim_cap(d, 0x11, 12);
	pcim_set(d, d->msix + 2u, 2, (count - 1) | 0x8000);
	pcim_writable(d, d->msix + 2u, 2, 0xc000);
	pcim_set(d, d->msix + 4u, 4, table);
	pcim_set(d, d->msix + 8u, 4, pba);
}

void pcim_acs(struct pcim_dev *d, uint16_t cap)
{
	d->acs = pcim_ecap(d, 0x000d, 8);
	pcim_set(d, d->acs + 4u, 2, cap);
	pcim_writable(d, d->acs + 6u, 2, cap);
}

void pcim_slot(struct pcim_dev *port)
{
	unsigned at = port->pcie;

	pcim_set(port, at + 0x14u, 4, 0x0000005b);
	pcim_set(port, at + 0x18u, 2, 0x0100);
	pcim_set(port, at + 0x1au, 2, 0x0040);
	put(port->w1c + at + 0x1a, 2, 0x011f);
}

void pcim_aer(struct pcim_dev *d)
{
	bool root = d->pcie && get(d->cfg + d->pcie + 2, 2) >> 4 == 0x14;
	uint16_t at = d->aer = pcim_ecap(d, 0x0001, root ? 0x48 : 0x2c);

	put(d->w1c + at + 4, 4, 0xfffff030);
	put(d->w1c + at + 0x10, 4, 0xf1c1);
	if (!root)
		return;
	pcim_writable(d, at + 0x2cu, 4, 7);
	put(d->w1c + at + 0x30, 4, 0x7f);
}

void pcim_dpc(struct pcim_dev *port)
{
	uint16_t at = port->dpc = pcim_ecap(port, 0x001d, 0x10);

	pcim_writable(port, at + 6u, 2, 0x00ff);
	put(port->w1c + at + 8, 2, 0x0009);
}

void pcim_link(struct pcim_dev *port, bool up)
{
	port->link_down = !up;
	put(port->cfg + port->pcie + 0x12, 2, up ? 0x2000 : 0);
	if (get(port->cfg + port->pcie + 0x14, 4))
		port->cfg[port->pcie + 0x1b] |= 1;
}

void pcim_press(struct pcim_dev *port)
{
	port->cfg[port->pcie + 0x1a] |= 1;
}

void pcim_card(struct pcim_dev *port, struct pcim_dev *card, bool there)
{
	uint8_t *status = &port->cfg[port->pcie + 0x1a];

	*status = (uint8_t)((*status & ~0x40) | (there ? 0x48 : 0x08));
	card->gone = !there;
	if (there)
		memcpy(card->cfg, card->power_on, sizeof(card->cfg));
	pcim_link(port, there);
}

static void dpc_trigger(struct pcim_dev *port)
{
	port->cfg[port->dpc + 8] |= 1;
	port->dpc_triggered = true;
	pcim_link(port, false);
}

/* At the root port: the first sender of each kind is kept. */
static void root_error(struct pcim_dev *root, enum pcim_severity severity, uint32_t rid)
{
	static const uint32_t first[] = { 1, 4 | 0x20, 4 | 0x40 }, more[] = { 2, 8, 8 };
	uint32_t status = get(root->cfg + root->aer + 0x30, 4);
	bool again = status & (severity ? 4u : 1u);

	if (!again)
		put(root->cfg + root->aer + (severity ? 0x36 : 0x34), 2, rid);
	put(root->cfg + root->aer + 0x30, 4,
	    status | first[severity] | (again ? more[severity] : 0));
}

void pcim_error(struct pcim_dev *d, enum pcim_severity severity, uint32_t status)
{
	unsigned bus = d->up ? d->up->cfg[0x19] : d->root_bus;
	uint32_t rid = bus << 8 | d->devfn;
	unsigned at = d->aer + (severity ? 4u : 0x10u);

	d->cfg[d->pcie + 0xa] |= (uint8_t)(1 << severity);
	if (d->aer)
		put(d->cfg + at, 4, get(d->cfg + at, 4) | status);
	for (struct pcim_dev *from = d; d; d = d->up) {
		unsigned type = get(d->cfg + d->pcie + 2, 2) >> 4 & 15;

		if (d != from && !(d->cfg[0x3e] & 2))
			return; /* SERR# Enable of Bridge Control */
		if (d->dpc && severity && d->cfg[d->dpc + 6] & 2) {
			dpc_trigger(d);
			return;
		}
		if (!(d->cfg[d->pcie + 8] & 1 << severity))
			return; /* not enabled in Device Control */
		if (type == 4 && d->aer)
			root_error(d, severity, rid);
	}
}

static bool bar_hit(const struct pcim_dev *d, uint64_t pci)
{
	unsigned bars = is_bridge(d) ? 2 : 6;

	for (unsigned i = 0; i < bars; i++) {
		uint32_t lo = get(d->cfg + 0x10 + 4 * i, 4), mask = get(d->write + 0x10 + 4 * i, 4);
		uint64_t base = lo & ~15u, all = mask ? mask | ~UINT64_C(0xffffffff) : 0;

		if (lo & 1)
			continue;
		if ((lo & 6) == 4 && i + 1 < bars) {
			i++;
			base |= (uint64_t)get(d->cfg + 0x10 + 4 * i, 4) << 32;
			all = mask | (uint64_t)get(d->write + 0x10 + 4 * i, 4) << 32;
		}
		if (base && all && pci >= base && pci - base < (all & (~all + 1)))
			return true;
	}
	return false;
}

static bool window_hit(const struct pcim_dev *d, uint64_t pci)
{
	uint64_t base = (uint64_t)(get(d->cfg + 0x20, 2) & 0xfff0) << 16;
	uint64_t limit = (uint64_t)(get(d->cfg + 0x22, 2) & 0xfff0) << 16 | 0xfffff;

	if (pci >= base && pci <= limit)
		return true;
	base = (uint64_t)(get(d->cfg + 0x24, 2) & 0xfff0) << 16 | (uint64_t)get(d->cfg + 0x28, 4)
									  << 32;
	limit = (uint64_t)(get(d->cfg + 0x26, 2) & 0xfff0) << 16 |
		(uint64_t)get(d->cfg + 0x2c, 4) << 32 | 0xfffff;
	return pci >= base && pci <= limit;
}

struct pcim_dev *pcim_route(struct pcim *m, uint64_t pci)
{
	struct pcim_dev *up = NULL, *hit;

	for (unsigned depth = 0; depth < 256; depth++) {
		unsigned hits = 0;
		bool forward = false;

		hit = NULL;
		for (unsigned i = 0; i < m->count; i++) {
			struct pcim_dev *d = &m->dev[i];

			if (d->up != up)
				continue;
			if (bar_hit(d, pci)) {
				hits++;
				hit = d;
				forward = false;
			}
			if (is_bridge(d) && window_hit(d, pci)) {
				hits++;
				hit = d;
				forward = true;
			}
		}
		if (hits != 1)
			return NULL;
		if (!forward)
			return hit;
		up = hit;
	}
	return NULL;
}
