/*
 * Where a guest's BAR windows and MSI doorbell go in its address space, and what its devices reach
 * there. Pure but for the refusals. A device of the guest uses these very numbers on its bus, and a
 * root complex without ACS takes an address of its own windows for itself, before any SMMU sees it;
 * so what devices must reach (RAM, doorbell, BARs with p2p) is placed by the host bridges' rules,
 * what only CPUs use is not.
 */
#include <hv/bits.h>
#include <hv/vits.h>

#include "plan_priv.h"

/* I/O ports are no memory addresses on the bus, but their CPU address may be. */
static struct range on_bus(const struct pci_window *w)
{
	return (struct range){w->kind == PCI_WINDOW_IO ? w->cpu : w->pci, w->size};
}

/* NULL: [r) gets through this bridge at its own addresses. Else what is in the way, and where. */
static const char *host_conflict(const struct pci_host *h, struct range r, struct range *at)
{
	bool inside = !h->inbound_count;

	*at = h->ecam;
	if (range_overlaps(r, h->ecam))
		return "overlaps the configuration space";
	for (unsigned i = 0; i < h->window_count; i++) {
		*at = on_bus(&h->window[i]);
		if (range_overlaps(r, *at))
			return h->window[i].kind == PCI_WINDOW_IO ? "overlaps the I/O window"
								  : "overlaps a BAR window";
	}
	for (unsigned i = 0; i < h->inbound_count; i++)
		inside = inside || range_contains(h->inbound[i], r.base, r.size);
	*at = h->inbound[0];
	return inside ? NULL : "is outside the dma-ranges";
}

bool plan_reaches(const struct plan_reach *reach, struct range r, struct plan_clash *c)
{
	c->why = NULL;
	for (unsigned i = 0; i < reach->host_count && !c->why; i++) {
		c->host = reach->host[i];
		c->why = host_conflict(c->host, r, &c->at);
	}
	return !c->why;
}

const char *plan_clash(const struct plan_clash *c, char buf[PLAN_CLASH_TEXT])
{
	fmt_print(buf, PLAN_CLASH_TEXT, "%s%s%s (0x%lx to 0x%lx)", c->why, c->host ? " of " : "",
		  c->host ? c->host->name : "", c->at.base, range_end(c->at) - 1);
	return buf;
}

/* The search of plan_place: one candidate after another, the lowest that fits stays. */
struct search {
	const struct plan_reach *reach;
	const struct range *taken;
	unsigned taken_count;
	struct range limits;
	uint64_t size, align, best;
	bool found;
};

static void try_at(struct search *s, uint64_t at)
{
	struct range r = {ALIGN_UP(at, s->align), s->size};
	struct plan_clash c;

	if (r.base < at || !range_contains(s->limits, r.base, r.size) ||
	    (s->found && s->best <= r.base))
		return;
	for (unsigned i = 0; i < s->taken_count; i++)
		if (range_overlaps(r, s->taken[i]))
			return;
	if (!plan_reaches(s->reach, r, &c))
		return;
	s->best = r.base;
	s->found = true;
}

/* A lowest place starts where something ends that is in the way, or where dma-ranges begin. */
static void try_behind(struct search *s, const struct pci_host *h)
{
	try_at(s, range_end(h->ecam));
	for (unsigned i = 0; i < h->inbound_count; i++)
		try_at(s, h->inbound[i].base);
	for (unsigned i = 0; i < h->window_count; i++)
		try_at(s, range_end(on_bus(&h->window[i])));
}

enum hv_status plan_place(const struct plan_reach *reach, const struct range *taken,
			  unsigned taken_count, struct range limits, uint64_t prefer, uint64_t size,
			  uint64_t align, uint64_t *out)
{
	struct search s = {reach, taken, taken_count, limits, size, align, 0, false};

	try_at(&s, prefer);
	if (!s.found || s.best != prefer) {
		try_at(&s, limits.base);
		for (unsigned i = 0; i < taken_count; i++)
			try_at(&s, range_end(taken[i]));
		for (unsigned i = 0; i < reach->host_count; i++)
			try_behind(&s, reach->host[i]);
	}
	*out = s.best;
	return s.found ? HV_OK : HV_ENOMEM;
}

static struct plan_reach reach_of(const struct guest_plan *g)
{
	struct plan_reach reach = {0};

	for (unsigned i = 0; i < g->device_count; i++) {
		const struct pci_host *h = g->device[i].func->host;
		bool known = false;

		for (unsigned j = 0; j < reach.host_count; j++)
			known = known || reach.host[j] == h;
		if (!known && reach.host_count < MAX_PCI_HOSTS)
			reach.host[reach.host_count++] = h;
	}
	return reach;
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
 * Whether naturally aligned BARs fit when a guest places the largest first: the window is cut into
 * aligned power-of-two pieces, and each BAR takes the smallest piece that is large enough.
 */
static bool bars_fit(const struct bars *b, struct range w)
{
	uint32_t piece[64] = {0};

	while (w.size) {
		unsigned order = log2_floor(w.size);

		if (w.base)
			order = MIN(order, (unsigned)__builtin_ctzll(w.base));
		piece[order]++;
		w.base += BIT(order);
		w.size -= BIT(order);
	}
	for (unsigned order = 63; order >= 12; order--)
		for (unsigned n = 0; n < b->count[order]; n++) {
			unsigned from = order;

			while (from < 63 && !piece[from])
				from++;
			if (!piece[from])
				return false;
			piece[from]--;
			while (from-- > order)
				piece[from]++;
		}
	return true;
}

static void count_bars(const struct guest_plan *g, bool high_window, struct bars *low,
		       struct bars *high)
{
	for (unsigned d = 0; d < g->device_count; d++)
		for (unsigned i = 0; i < PCI_BARS; i++) {
			const struct pci_bar *bar = &g->device[d].func->bar[i];

			if (bar->size && !bar->io)
				bars_add(bar->mem64 && high_window ? high : low, bar->size);
		}
}

/* RAM first, for windows and doorbell to keep off it. */
struct taken {
	unsigned count;
	struct range r[MAX_GUEST_RAM + 2];
};

static void map_windows(struct guest_plan *g, const struct plan_reach *reach, struct taken *t,
			uint64_t ipa_end)
{
	struct range low = {GUEST_MEM32_BASE, GUEST_MEM32_SIZE};
	struct range high = {GUEST_MEM64_BASE, GUEST_MEM64_SIZE};
	struct bars bars32 = {.total = 0}, bars64 = {.total = 0};
	bool has_high = range_end(high) <= ipa_end;
	char a[PLAN_SIZE_TEXT], b[PLAN_SIZE_TEXT];

	g->vpci.ecam = IPA(GUEST_ECAM_BASE);
	count_bars(g, has_high, &bars32, &bars64);
	if (plan_place(reach, t->r, t->count, (struct range){low.base, GIB(4) - low.base}, low.base,
		       low.size, MIB(16), &low.base) != HV_OK)
		plan_refuse(g, "p2p: its host bridges leave no place below 4 GiB for its BARs; "
			       "remove p2p");
	if (!bars_fit(&bars32, low))
		plan_refuse(g,
			    "the 32-bit BARs of its devices (%s, naturally aligned) do not fit "
			    "into the %s at 0x%lx; move a device to another guest",
			    plan_size(bars32.total, a), plan_size(low.size, b), low.base);
	g->vpci.mem32 = t->r[t->count++] = low;
	if (!has_high)
		return;
	/* A power of two, aligned: whatever the order, naturally aligned BARs fit. */
	high.size = MAX(BIT(log2_ceil(bars64.total)), high.size);
	if (plan_place(reach, t->r, t->count, (struct range){high.base, ipa_end - high.base},
		       high.base, high.size, high.size, &high.base) != HV_OK)
		plan_refuse(g,
			    "the 64-bit BARs of its devices (%s) do not fit into its "
			    "address space of 2^%u bytes; move a device to another guest",
			    plan_size(bars64.total, a), log2_floor(ipa_end));
	g->vpci.mem64 = t->r[t->count++] = high;
}

/*
 * What devices behind an IOMMU are told is the address of the guest's translation frame, which goes
 * where they reach. The controller's own page it is for the others, behind a root complex that has
 * a window for that page alone, and for a GICv2m frame, whose address the guest need not know.
 */
static void map_doorbell(struct guest_plan *g, const struct plan_reach *reach,
			 const struct taken *t, uint64_t ipa_end)
{
	const uint64_t page = g->its ? ALIGN_DOWN(VITS_TRANSLATER, PAGE_SIZE) : 0;
	const uint64_t size = g->its ? VITS_SIZE : PAGE_SIZE;
	const struct range limits = {GUEST_RAM_BASE, ipa_end - GUEST_RAM_BASE};
	const struct range own = {msi_doorbell_page(g->msi).v, PAGE_SIZE};
	uint64_t base = GUEST_ITS_BASE, at;
	bool needs_own = false, told_own = false, own_fits;
	struct plan_clash c;

	for (unsigned i = 0; i < g->device_count; i++) {
		const struct pci_func *f = g->device[i].func;

		needs_own = needs_own || (g->device[i].msi != PLAN_OFF && !plan_translated(f));
		told_own = told_own || f->host->own_doorbell;
	}
	own_fits = range_end(own) <= ipa_end && plan_place(reach, t->r, t->count, own, own.base,
							   PAGE_SIZE, PAGE_SIZE, &at) == HV_OK;
	if ((needs_own || told_own) && !own_fits)
		plan_msi_off(g, "its host bridge lets nothing through to the doorbell");
	told_own = told_own || (!g->its && own_fits);
	if (!told_own && !plan_reaches(reach, (struct range){base + page, PAGE_SIZE}, &c) &&
	    plan_place(reach, t->r, t->count, limits, limits.base, size, MIN(size, KIB(64)),
		       &base) != HV_OK)
		plan_msi_off(g, "no free page inside dma-ranges for the doorbell");
	if (!g->msi)
		return;
	g->its_base = IPA(base);
	g->vpci.doorbell = IPA(g->its ? base + page : GUEST_V2M_BASE);
	g->vpci.dma_doorbell = IPA(told_own ? own.base : base + page);
}

void plan_map_guest(const struct plan *p, struct guest_plan *g)
{
	const struct plan_reach everywhere = {0};
	struct plan_reach reach = reach_of(g);
	uint64_t ipa_end = BIT(p->geo.ipa_bits);
	struct taken t = {.count = 0};
	bool p2p = false;

	plan_ram(p, g, &reach, ipa_end);
	if (plan_refused(g) || !g->has_pci)
		return;
	for (unsigned i = 0; i < g->ram_count; i++)
		t.r[t.count++] = (struct range){g->ram[i].ipa.v, g->ram[i].size};
	for (unsigned i = 0; i < g->device_count; i++)
		p2p = p2p || g->device[i].p2p;
	map_windows(g, p2p ? &reach : &everywhere, &t, ipa_end);
	if (g->msi)
		map_doorbell(g, &reach, &t, ipa_end);
}
