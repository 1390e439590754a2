/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a guest's BAR windows and MSI doorbell go in its address space, and what its devices reach
 * there. Pure but for the refusals. A device of the guest uses these very numbers on its bus, and a
 * root complex without ACS takes an address of its own windows for itself, before any SMMU sees it;
 * so what devices must reach (RAM, doorbell) is placed by the host bridges' rules, what only CPUs
 * use, like BARs, is not.
 */
#include <string.h>

#include <hv/bits.h>
#include <hv/vits.h>

#include "plan_priv.h"

/* I/O ports are no memory addresses on the bus, but their CPU address may be. */
static struct range on_bus(const struct pci_window *w)
{
	return (struct range){ w->kind == PCI_WINDOW_IO ? w->cpu : w->pci, w->size };
}

static bool is_clear(struct plan_clash *c, struct range r, struct range at, const char *why)
{
	if (!range_overlaps(r, at))
		return true;
	*c = (struct plan_clash){ .host = c->host, .why = why, .at = at, .next = range_end(at) };
	return false;
}

/* Does [r) get through this bridge at its own addresses? */
static bool host_passes(const struct pci_host *h, struct range r, struct plan_clash *c)
{
	bool inside = !h->inbound_count;
	uint64_t next = UINT64_MAX;

	c->host = h;
	if (!is_clear(c, r, h->ecam, "overlaps the configuration space"))
		return false;
	for (unsigned i = 0; i < h->window_count; i++)
		if (!is_clear(c, r, on_bus(&h->window[i]),
			      h->window[i].kind == PCI_WINDOW_IO ? "overlaps the I/O window" :
								   "overlaps a BAR window"))
			return false;
	for (unsigned i = 0; i < h->inbound_count; i++) {
		inside = inside || range_contains(h->inbound[i], r.base, r.size);
		if (h->inbound[i].base > r.base)
			next = MIN(next, h->inbound[i].base);
	}
	*c = (struct plan_clash){ h, "is outside the dma-ranges", h->inbound[0], next };
	return inside;
}

bool plan_reaches(const struct plan_space *s, struct range r, struct plan_clash *c)
{
	c->host = NULL;
	for (unsigned i = 0; i < s->taken_count; i++)
		if (!is_clear(c, r, s->taken[i], s->why[i]))
			return false;
	for (unsigned i = 0; i < s->host_count; i++)
		if (!host_passes(s->host[i], r, c))
			return false;
	*c = (struct plan_clash){ .why = "is outside its address space",
				  .at = { 0, s->end },
				  .next = UINT64_MAX };
	return range_contains(c->at, r.base, r.size);
}

void plan_take(struct plan_space *s, struct range r, const char *why)
{
	s->taken[s->taken_count] = r;
	s->why[s->taken_count++] = why;
}

const char *plan_clash(const struct plan_clash *c)
{
	static char buf[120];

	fmt_print(buf, sizeof(buf), "%s%s%s (0x%lx to 0x%lx)", c->why, c->host ? " of " : "",
		  c->host ? c->host->name : "", c->at.base, range_end(c->at) - 1);
	return buf;
}

/* Each step goes behind what is in the way, and so never meets it again. */
bool plan_place(const struct plan_space *s, struct range limits, uint64_t size, uint64_t align,
		uint64_t *out)
{
	struct plan_clash c = { .next = limits.base };

	do {
		*out = ALIGN_UP(c.next, align);
		if (*out < c.next || !range_contains(limits, *out, size))
			return false;
	} while (!plan_reaches(s, (struct range){ *out, size }, &c));
	return true;
}

static void find_hosts(const struct guest_plan *g, struct plan_space *s)
{
	plan_for_each_device(d, g) {
		unsigned i = 0;

		while (i < s->host_count && s->host[i] != d->func->host)
			i++;
		s->host[i] = d->func->host;
		s->host_count = MAX(s->host_count, i + 1);
	}
}

/* BARs by size, log2. */
struct bars {
	uint16_t count[64];
	uint64_t total;
};

static void bars_add(struct bars *b, uint64_t size)
{
	unsigned order = log2_ceil(MAX(size, PAGE_SIZE));

	b->count[order]++;
	b->total = order < 48 ? b->total + BIT(order) : BIT(62); /* a size no IPA space has */
}

/*
 * Whether naturally aligned BARs fit when a guest places the largest first: of the aligned blocks
 * of each size in the window, enough are left by what is larger, which takes whole ones.
 */
static bool bars_fit(const struct bars *b, struct range w)
{
	uint64_t used = 0;

	for (unsigned order = 63; order >= 12; order--) {
		used = 2 * used + b->count[order];
		if (used && (ALIGN_UP(w.base, BIT(order)) >> order) + used > range_end(w) >> order)
			return false;
	}
	return true;
}

static void count_bars(const struct guest_plan *g, bool high_window, struct bars *low,
		       struct bars *high)
{
	plan_for_each_device(d, g)
		for (unsigned i = 0; i < PCI_BARS; i++) {
			const struct pci_bar *bar = &d->func->bar[i];

			if (bar->size && !bar->io)
				bars_add(bar->mem64 && high_window ? high : low, bar->size);
		}
}

static void map_windows(struct guest_plan *g, struct plan_space *s)
{
	struct range low = { GUEST_MEM32_BASE, GUEST_MEM32_SIZE };
	struct range high = { GUEST_MEM64_BASE, GUEST_MEM64_SIZE };
	struct bars bars32 = { .total = 0 }, bars64 = { .total = 0 };
	bool has_high = range_end(high) <= s->end;

	g->vpci.ecam = IPA(GUEST_ECAM_BASE);
	count_bars(g, has_high, &bars32, &bars64);
	if (!plan_place(s, (struct range){ low.base, GIB(4) - low.base }, low.size, MIB(16),
			&low.base))
		plan_refuse(g, "there is no place below 4 GiB for its BARs; remove direct-map");
	if (!bars_fit(&bars32, low))
		plan_refuse(g,
			    "the 32-bit BARs of its devices (%s, naturally aligned) do not fit "
			    "into the %s at 0x%lx; move a device to another guest",
			    plan_size(bars32.total), plan_size(low.size), low.base);
	g->vpci.mem32 = low;
	plan_take(s, low, "overlaps its PCI windows");
	if (!has_high)
		return;
	/* A power of two, aligned: whatever the order, naturally aligned BARs fit. */
	high.size = MAX(BIT(log2_ceil(bars64.total)), high.size);
	if (!plan_place(s, (struct range){ high.base, s->end - high.base }, high.size, high.size,
			&high.base))
		plan_refuse(g,
			    "the 64-bit BARs of its devices (%s) do not fit into its "
			    "address space of 2^%u bytes; move a device to another guest",
			    plan_size(bars64.total), log2_floor(s->end));
	g->vpci.mem64 = high;
	plan_take(s, high, "overlaps its PCI windows");
}

/*
 * The controller's own page is where a device writes that no IOMMU translates, and all do behind a
 * root complex that has a window for that page alone. A GICv2m frame's page is told as it is if
 * that can be, as the guest need not know it. *told: devices are told the own page.
 */
static void map_own_doorbell(struct guest_plan *g, struct plan_space *s, bool *told)
{
	const struct range own = { g->msi->page.v, PAGE_SIZE };
	bool needs = false, fits;
	struct plan_clash c;

	s->taken[0].size = 0; /* the fixed map is of CPUs only */
	fits = plan_reaches(s, own, &c);
	s->taken[0].size = GUEST_FIXED_SIZE;
	plan_for_each_device(d, g) {
		*told = *told || d->func->host->own_doorbell;
		needs = needs || *told || (d->msi != PLAN_OFF && !plan_translated(d->func));
	}
	if (needs && !fits)
		plan_msi_off(g, "its host bridge lets nothing through to the doorbell");
	*told = *told || (!g->its && fits);
	if (*told && g->msi)
		plan_take(s, own, "overlaps its MSI doorbell");
}

/* Else they are told the address of the guest's translation frame, which goes where they reach. */
static void map_doorbell(struct guest_plan *g, struct plan_space *s, bool told)
{
	const struct range limits = { GUEST_ITS_BASE, s->end - GUEST_ITS_BASE };
	uint64_t page = g->its ? ALIGN_DOWN(VITS_TRANSLATER, PAGE_SIZE) : 0;
	uint64_t size = g->its ? VITS_SIZE : PAGE_SIZE, base = GUEST_ITS_BASE;

	if (!told && !plan_place(s, limits, size, MIN(size, KIB(64)), &base)) {
		plan_msi_off(g, "no free page inside dma-ranges for the doorbell");
		return;
	}
	g->msi_base = IPA(g->its ? base : GUEST_V2M_BASE);
	plan_take(s, (struct range){ g->msi_base.v, size }, "overlaps its interrupt controller");
	g->vpci.doorbell = IPA(g->msi_base.v + page);
	g->vpci.dma_doorbell = told ? IPA(g->msi->page.v) : IPA(base + page);
}

static void map_pci(struct guest_plan *g, struct plan_space *s)
{
	unsigned hosts = s->host_count;
	bool told = false;

	if (g->msi)
		map_own_doorbell(g, s, &told);
	s->host_count = 0;
	map_windows(g, s);
	s->host_count = hosts;
	if (g->msi)
		map_doorbell(g, s, told);
}

void plan_map_guest(const struct plan *p, struct guest_plan *g)
{
	static struct plan_space s; /* too large for the stack; boot is one CPU */

	memset(&s, 0, sizeof(s));
	s.end = BIT(p->geo.ipa_bits);
	find_hosts(g, &s);
	plan_take(&s, (struct range){ GUEST_FIXED_BASE, GUEST_FIXED_SIZE },
		  "overlaps its fixed map");
	plan_ram(p, g, &s);
	if (g->has_pci && !plan_refused(g))
		map_pci(g, &s);
	s.host_count = 0; /* only CPUs reach regions, and only what is there is in their way: */
	s.taken[0] = (struct range){ GUEST_GICD_BASE,
				     MIB(16) + g->vcpu_count * (uint64_t)GUEST_GICR_SIZE };
	s.why[0] = "overlaps its interrupt controller";
	if (g->vpl011)
		plan_take(&s, (struct range){ GUEST_UART_BASE, PAGE_SIZE }, "overlaps its PL011");
	if (g->rtc == PLAN_ON)
		plan_take(&s, (struct range){ GUEST_RTC_BASE, PAGE_SIZE }, "overlaps its RTC");
	if (g->watchdog == PLAN_ON)
		plan_take(&s, (struct range){ GUEST_WATCHDOG_BASE, 2 * PAGE_SIZE },
			  "overlaps its watchdog");
	if (g->has_pci)
		plan_take(&s, (struct range){ GUEST_ECAM_BASE, MIB(1) },
			  "overlaps its PCI windows");
	plan_regions(p, g, &s);
}
