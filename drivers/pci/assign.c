/*
 * Placement of BARs. First everything is decided: the need of each bridge from the leaves up,
 * places from the root down, biggest alignment first (so nothing is lost between naturally aligned
 * BARs). Where a window is too small the biggest BAR in the way is dropped, its function refused,
 * and the decision made again. Then it is written.
 *
 * Every memory BAR gets whole pages, so that no page holds BARs of two devices. Behind a bridge
 * only the prefetchable window reaches above 4 GiB (PCIe r6.0 §7.5.1.3.8, .9): 64-bit BARs that
 * are not prefetchable stay below.
 */
#include <hv/bits.h>
#include <hv/log.h>

#include "pci_priv.h"

#define WINDOW_STEP MIB(1)	/* of a bridge window, §7.5.1.3.8 */
#define BAR_MAX	    BIT(48)	/* beyond any window, and sums stay inside 64 bits */

enum { POOL_MEM, POOL_PREF, POOLS };

/* What a bridge needs in one of its windows, and where it was put. */
struct pool {
	uint64_t size, align, base;
};

static struct pool pools[MAX_PCI_FUNCS][POOLS];
static bool has_pref[MAX_PCI_FUNCS]; /* prefetchable windows of 64 bits from here to the root */

/* Something to be placed: BAR 0..5 of a function, or the windows of a bridge. */
#define SLOT_POOL PCI_BARS
#define SLOTS	  (PCI_BARS + POOLS)

struct want {
	uint64_t size, align;
	uint64_t *at;
	unsigned pool;
	bool high;     /* may lie above 4 GiB on the root bus */
	bool prefetch; /* may lie in a prefetchable window of the host bridge */
};

static bool want_bar(struct pci_func *f, unsigned i, struct want *w)
{
	struct pci_bar *b = &f->bar[i];
	bool pref = b->mem64 && b->prefetch;

	if (!b->size || b->io || (f->refused && !f->bridge))
		return false;
	w->size = MAX(b->size, PAGE_SIZE);
	w->align = w->size;
	w->at = &b->pci;
	w->pool = pref && (!f->parent || has_pref[f->parent - pci_funcs]) ? POOL_PREF : POOL_MEM;
	w->high = b->mem64;
	w->prefetch = b->prefetch;
	return true;
}

static bool want_of(struct pci_func *f, unsigned slot, struct want *w)
{
	struct pool *p;

	if (slot < SLOT_POOL)
		return want_bar(f, slot, w);
	w->pool = slot - SLOT_POOL;
	p = &pools[f - pci_funcs][w->pool];
	w->size = p->size;
	w->align = p->align;
	w->at = &p->base;
	w->high = w->prefetch = w->pool == POOL_PREF;
	return f->bridge && p->size;
}

/* What hangs directly below `parent`, in pool `pool` or all (-1), by falling alignment: for (it =
 * wants_below(..); next_want(&it, &w);). */
struct want_iter {
	const struct pci_host *h;
	const struct pci_func *parent;
	int pool;
	unsigned func, slot; /* of the next candidate */
	struct pci_func *f;  /* whose want was returned */
	uint64_t align, todo; /* the alignment that is being returned, and those to come */
};

static bool next_any(struct want_iter *it, struct want *w)
{
	for (; it->func < it->h->func_first + it->h->func_count; it->func++, it->slot = 0) {
		it->f = &pci_funcs[it->func];
		while (it->f->parent == it->parent && it->slot < SLOTS)
			if (want_of(it->f, it->slot++, w) &&
			    (it->pool < 0 || w->pool == (unsigned)it->pool))
				return true;
	}
	return false;
}

static struct want_iter wants_below(const struct pci_host *h, const struct pci_func *parent, int pool)
{
	struct want_iter it = { .h = h, .parent = parent, .pool = pool, .func = h->func_first };
	struct want w;

	while (next_any(&it, &w))
		it.todo |= w.align;
	return it;
}

static bool next_want(struct want_iter *it, struct want *w)
{
	for (;;) {
		while (next_any(it, w))
			if (w->align == it->align)
				return true;
		if (!it->todo)
			return false;
		it->align = BIT(log2_floor(it->todo));
		it->todo &= ~it->align;
		it->func = it->h->func_first;
		it->slot = 0;
	}
}

/* Packs one window of a bridge from `base` on, which is aligned for it; returns the end. */
static uint64_t pack(const struct pci_host *h, const struct pci_func *bridge, unsigned pool,
		     uint64_t base)
{
	struct want_iter it = wants_below(h, bridge, (int)pool);
	struct want w;

	for (; next_want(&it, &w); base += w.size)
		*w.at = base = ALIGN_UP(base, w.align);
	return base;
}

/* Children are captured after their bridge, so downwards in the table is upwards in the tree. */
static void measure(const struct pci_host *h)
{
	for (unsigned i = h->func_first + h->func_count; i-- > h->func_first;)
		for (unsigned k = 0; k < POOLS; k++) {
			uint64_t aligns = wants_below(h, &pci_funcs[i], (int)k).todo;

			pools[i][k] = (struct pool){ 0 };
			if (!pci_funcs[i].bridge)
				continue;
			pools[i][k].align = MAX(WINDOW_STEP, aligns ? BIT(log2_floor(aligns)) : 0);
			pools[i][k].size = ALIGN_UP(pack(h, &pci_funcs[i], k, 0), WINDOW_STEP);
		}
}

static bool window_take(struct pci_window *win, const struct want *w)
{
	uint64_t at = ALIGN_UP(win->next, w->align);

	if (!at)
		at = w->align; /* 0 reads as "not assigned" */
	if (at < win->next || at - win->pci > win->size || w->size > win->size - (at - win->pci))
		return false;
	*w->at = at;
	win->next = at + w->size;
	return true;
}

static bool root_take(struct pci_host *h, const struct want *w)
{
	for (int high = w->high; high >= 0; high--)
		for (unsigned i = 0; i < h->window_count; i++) {
			struct pci_window *win = &h->window[i];

			if (win->kind == (high ? PCI_WINDOW_MEM64 : PCI_WINDOW_MEM32) &&
			    (w->prefetch || !win->prefetch) && window_take(win, w))
				return true;
		}
	return false;
}

static void drop(struct pci_func *f, unsigned bar)
{
	log_warn("pci: %s: no room for BAR %u of 0x%llx bytes in the windows of %s",
		 f->name, bar, (unsigned long long)f->bar[bar].size, f->host->name);
	pci_refuse(f, "the host bridge's windows have no room for its BARs");
	if (f->bridge) { /* lives without: its own registers are not used */
		pci_bars_write(f);
		f->bar[bar].size = 0;
	}
}

/* `w` of `f` did not fit: the biggest BAR in it has to go. */
static void make_room(const struct pci_host *h, struct pci_func *f, unsigned slot,
		      const struct want *w)
{
	struct pci_func *victim = NULL;
	unsigned bar = 0;
	uint64_t biggest = 0;
	struct want c;

	if (slot < SLOT_POOL) {
		drop(f, slot);
		return;
	}
	pci_for_each_of(o, h)
		for (unsigned b = 0; b < PCI_BARS && pci_is_below(o, f); b++)
			if (want_bar(o, b, &c) && c.pool == w->pool && c.size > biggest) {
				victim = o;
				bar = b;
				biggest = c.size;
			}
	ASSERT(victim); /* the window had a size */
	drop(victim, bar);
}

/* false: something was dropped; decide again. */
static bool place_root(struct pci_host *h)
{
	struct want_iter it = wants_below(h, NULL, -1);
	struct want w;

	for (unsigned i = 0; i < h->window_count; i++)
		h->window[i].next = h->window[i].pci;
	while (next_want(&it, &w))
		if (!root_take(h, &w)) {
			make_room(h, it.f, it.slot - 1, &w);
			return false;
		}
	return true;
}

static void place_below(const struct pci_host *h)
{
	pci_for_each_of(f, h)
		for (unsigned k = 0; f->bridge && k < POOLS; k++)
			pack(h, f, k, pools[f - pci_funcs][k].base);
}

/* The PA of [pci, pci + size), as the host bridge's windows have it. */
static bool to_cpu(const struct pci_host *h, uint64_t pci, uint64_t size, pa_t *pa)
{
	for (unsigned i = 0; i < h->window_count; i++) {
		const struct pci_window *win = &h->window[i];

		if (win->kind != PCI_WINDOW_IO &&
		    range_contains((struct range){ win->pci, win->size }, pci, size)) {
			*pa = PA(win->cpu + (pci - win->pci));
			return true;
		}
	}
	return false;
}

static void commit_func(struct pci_func *f)
{
	struct want w;

	for (unsigned b = 0; b < PCI_BARS; b++)
		f->bar[b].assigned = want_bar(f, b, &w) &&
				     to_cpu(f->host, f->bar[b].pci, w.size, &f->bar[b].pa);
	pci_bars_write(f);
}

static void write_windows(const struct pci_func *f, const struct pool *p)
{
	uint64_t mem = p[POOL_MEM].base, mem_last = mem + p[POOL_MEM].size - 1;
	uint64_t pref = p[POOL_PREF].base, pref_last = pref + p[POOL_PREF].size - 1;

	pci_cfg_write(f, PCI_IO_WINDOW, 2, PCI_IO_CLOSED);
	pci_cfg_write(f, PCI_IO_WINDOW_HI, 4, 0);
	pci_cfg_write(f, PCI_MEM_WINDOW, 4, !p[POOL_MEM].size ? PCI_WINDOW_CLOSED :
		      (uint32_t)(mem >> 16 & 0xfff0) | (uint32_t)(mem_last & 0xfff00000));
	/* Base above limit while the halves change: never open on the wrong addresses. */
	pci_cfg_write(f, PCI_PREF_WINDOW, 4, PCI_WINDOW_CLOSED);
	pci_cfg_write(f, PCI_PREF_BASE_HI, 4, p[POOL_PREF].size ? (uint32_t)(pref >> 32) : 0);
	pci_cfg_write(f, PCI_PREF_LIMIT_HI, 4, p[POOL_PREF].size ? (uint32_t)(pref_last >> 32) : 0);
	if (p[POOL_PREF].size)
		pci_cfg_write(f, PCI_PREF_WINDOW, 4,
			      (uint32_t)(pref >> 16 & 0xfff0) | (uint32_t)(pref_last & 0xfff00000));
}

/* Firmware's placement stands; a BAR whose page holds another device's BAR is of no use to us. */
static void keep_func(struct pci_func *f)
{
	for (unsigned b = 0; b < PCI_BARS; b++) {
		struct pci_bar *bar = &f->bar[b];

		if (!bar->size || bar->io)
			continue;
		bar->assigned = to_cpu(f->host, bar->pci, bar->size, &bar->pa);
		if (!bar->assigned)
			pci_refuse(f, "firmware placed a BAR outside the host bridge's windows");
	}
}

static struct range pages_of(const struct pci_bar *b)
{
	uint64_t base = ALIGN_DOWN(b->pa.v, PAGE_SIZE), end = b->pa.v + b->size;

	return (struct range){ base, b->assigned ? ALIGN_UP(end, PAGE_SIZE) - base : 0 };
}

static void refuse_sharing(struct pci_func *f, struct pci_func *g)
{
	static const char why[] = "firmware placed its BAR in a page with another device's";

	for (unsigned i = 0; i < PCI_BARS * PCI_BARS; i++)
		if (range_overlaps(pages_of(&f->bar[i / PCI_BARS]), pages_of(&g->bar[i % PCI_BARS]))) {
			pci_refuse(f, why);
			pci_refuse(g, why);
		}
}

static void keep(struct pci_host *h)
{
	pci_for_each_of(f, h)
		keep_func(f);
	pci_for_each_of(f, h)
		pci_for_each_of(g, h)
			if (f < g)
				refuse_sharing(f, g);
}

static void prepare(struct pci_func *f)
{
	unsigned i = (unsigned)(f - pci_funcs);

	for (unsigned b = 0; b < PCI_BARS; b++)
		if (!f->bar[b].io && f->bar[b].size > BAR_MAX)
			drop(f, b);
	has_pref[i] = f->bridge && (pci_cfg_read(f, PCI_PREF_WINDOW, 2) & 0xf) == PCI_PREF_64 &&
		      (!f->parent || has_pref[f->parent - pci_funcs]);
}

static void place(struct pci_host *h)
{
	pci_for_each_of(f, h)
		prepare(f);
	do {
		measure(h);
	} while (!place_root(h));
	place_below(h);
	pci_for_each_of(f, h)
		if (!pci_is_host_bridge(f))
			commit_func(f);
}

/* It forwards from now on: what is below is silent. Errors are nobody's to see. */
void bridge_open(const struct pci_func *f)
{
	bridge_write_buses(f, f->bus_subordinate);
	if (!f->host->probe_only)
		write_windows(f, pools[f - pci_funcs]);
	pci_cfg_write(f, PCI_COMMAND, 2, PCI_CMD_MEM | PCI_CMD_MASTER | PCI_CMD_INTX_OFF);
}

void pci_assign(struct pci_host *h)
{
	if (h->probe_only)
		keep(h);
	else
		place(h);
	pci_for_each_of(f, h)
		if (f->bridge)
			bridge_open(f);
}
