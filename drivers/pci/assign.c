/* SPDX-License-Identifier: Apache-2.0 */
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
#include <string.h>

#include <hv/bits.h>
#include <hv/log.h>
#include <hv/pmem.h>

#include "pci_priv.h"

#define WINDOW_SHIFT 20      /* of a bridge window's ends, §7.5.1.3.8 */
#define BAR_MAX      BIT(48) /* beyond any window, and sums stay inside 64 bits */

/* All that is to be placed, by falling alignment: PCI_SLOTS * function + BAR. */
static uint16_t *sorted;
static unsigned sorted_count;

static struct pci_func *func_of(unsigned i)
{
	return &pci_funcs[sorted[i] / PCI_SLOTS];
}

static struct pci_bar *bar_of(unsigned i)
{
	return &func_of(i)->bar[sorted[i] % PCI_SLOTS];
}

static bool is_wanted(const struct pci_func *f, const struct pci_bar *b)
{
	return b->size && !b->io && (f->bridge || !f->refused);
}

static uint64_t room(const struct pci_bar *b)
{
	return ALIGN_UP(b->size, PAGE_SIZE);
}

/* The window of the bridge above that has the BAR in it; NULL: it is on the root bus. */
static struct pci_bar *window_above(const struct pci_func *f, const struct pci_bar *b)
{
	struct pci_func *up = f->parent;
	bool pref;

	if (!up)
		return NULL;
	pref = b->mem64 && b->prefetch && up->bar[PCI_SLOT_PREF].mem64;
	return &up->bar[pref ? PCI_SLOT_PREF : PCI_SLOT_MEM];
}

/* Packs a window: where in it things go, and what it so needs. */
static void pack_window(struct pci_bar *window)
{
	window->pci = window->size = 0;
	window->align_shift = WINDOW_SHIFT;
	for (unsigned i = 0; i < sorted_count; i++) {
		struct pci_bar *b = bar_of(i);

		if (window_above(func_of(i), b) != window)
			continue;
		window->align_shift = MAX(window->align_shift, b->align_shift);
		b->pci = ALIGN_UP(window->size, BIT(b->align_shift));
		window->size = b->pci + room(b);
	}
	window->size = ALIGN_UP(window->size, BIT(WINDOW_SHIFT));
}

static void sort_in(struct pci_func *f, unsigned slot)
{
	struct pci_bar *b = &f->bar[slot];
	unsigned at = 0, end = sorted_count;

	if (!is_wanted(f, b))
		return;
	while (at < end) {
		unsigned mid = (at + end) / 2;

		if (bar_of(mid)->align_shift > b->align_shift)
			at = mid + 1;
		else
			end = mid;
	}
	memmove(&sorted[at + 1], &sorted[at], (sorted_count - at) * sizeof(sorted[0]));
	sorted[at] = (uint16_t)((unsigned)(f - pci_funcs) * PCI_SLOTS + slot);
	sorted_count++;
}

/* From the last function to the first: the sizes of what is behind a bridge are known before it. */
static void measure_windows(const struct pci_host *h)
{
	sorted_count = 0;
	for (unsigned i = h->func_first + h->func_count; i-- > h->func_first;)
		for (unsigned slot = PCI_SLOTS; slot--;) {
			struct pci_bar *b = &pci_funcs[i].bar[slot];

			if (slot < PCI_BARS)
				b->align_shift = (uint8_t)log2_floor(room(b));
			else
				pack_window(b);
			sort_in(&pci_funcs[i], slot);
		}
}

static bool window_take(struct pci_window *win, struct pci_bar *b)
{
	uint64_t at = ALIGN_UP(MAX(win->next, 1u), BIT(b->align_shift)); /* 0: "not assigned" */

	if (at < win->next || !range_contains((struct range){ win->pci, win->size }, at, room(b)))
		return false;
	b->pci = at;
	win->next = at + room(b);
	return true;
}

static bool root_take(struct pci_host *h, struct pci_bar *b)
{
	for (int high = b->mem64; high >= 0; high--)
		for (unsigned i = 0; i < h->window_count; i++) {
			struct pci_window *win = &h->window[i];

			if (win->kind == (high ? PCI_WINDOW_MEM64 : PCI_WINDOW_MEM32) &&
			    (b->prefetch || !win->prefetch) && window_take(win, b))
				return true;
		}
	return false;
}

static void drop_bar(struct pci_func *f, unsigned bar)
{
	log_warn("pci: %s: no room for BAR %u of 0x%llx bytes in the windows of %s", f->name, bar,
		 (unsigned long long)f->bar[bar].size, f->host->name);
	pci_refuse(f, "the host bridge's windows have no room for its BARs");
	if (f->bridge) { /* lives without: its own registers are not used */
		pci_bars_write(f);
		f->bar[bar].size = 0;
	}
}

/* Is sorted[i] a BAR in that window of the bridge? Windows in between are of the same kind. */
static bool is_in(unsigned i, const struct pci_func *bridge, unsigned slot)
{
	const struct pci_func *f = func_of(i);

	return sorted[i] % PCI_SLOTS < PCI_BARS && pci_is_below(f, bridge) &&
	       window_above(f, bar_of(i)) == &f->parent->bar[slot];
}

/* sorted[i] did not fit. Drops it, or, if it is a bridge window, the largest BAR in it. */
static void drop_largest(unsigned i)
{
	const struct pci_func *bridge = func_of(i);
	unsigned slot = sorted[i] % PCI_SLOTS;

	if (slot >= PCI_BARS)
		for (i = 0; !is_in(i, bridge, slot); i++)
			ASSERT(i + 1 < sorted_count); /* the window had a size */
	drop_bar(func_of(i), sorted[i] % PCI_SLOTS);
}

/* false: something was dropped; decide again. */
static bool place_root(struct pci_host *h)
{
	for (unsigned i = 0; i < h->window_count; i++)
		h->window[i].next = h->window[i].pci;
	for (unsigned i = 0; i < sorted_count; i++)
		if (!func_of(i)->parent && !root_take(h, bar_of(i))) {
			drop_largest(i);
			return false;
		}
	return true;
}

/* From offsets in the window of the bridge above to PCI addresses; a bridge comes first. */
static void place_below(const struct pci_host *h)
{
	pci_for_each_of(f, h)
		for (struct pci_bar *b = f->bar; f->parent && b < &f->bar[PCI_SLOTS]; b++)
			if (is_wanted(f, b))
				b->pci += window_above(f, b)->pci;
}

static uint64_t last_of(const struct pci_bar *window)
{
	return window->pci + MAX(window->size, 1u) - 1;
}

/* Base and limit, as both windows have them (§7.5.1.3.8, .9). */
static uint32_t window_bits(const struct pci_bar *w)
{
	return !w->size ? PCI_WINDOW_CLOSED :
			  (uint32_t)(w->pci >> 16 & 0xfff0) | (uint32_t)(last_of(w) & 0xfff00000);
}

static void write_bridge_windows(const struct pci_func *f)
{
	const struct pci_bar *pref = &f->bar[PCI_SLOT_PREF];

	pci_cfg_write(f, PCI_IO_WINDOW, 2, PCI_IO_CLOSED);
	pci_cfg_write(f, PCI_IO_WINDOW_HI, 4, 0);
	pci_cfg_write(f, PCI_MEM_WINDOW, 4, window_bits(&f->bar[PCI_SLOT_MEM]));
	/* Base above limit while the halves change: never open on the wrong addresses. */
	pci_cfg_write(f, PCI_PREF_WINDOW, 4, PCI_WINDOW_CLOSED);
	pci_cfg_write(f, PCI_PREF_BASE_HI, 4, (uint32_t)(pref->pci >> 32));
	pci_cfg_write(f, PCI_PREF_LIMIT_HI, 4, (uint32_t)(last_of(pref) >> 32));
	pci_cfg_write(f, PCI_PREF_WINDOW, 4, window_bits(pref));
}

/* The PA of a BAR, as the host bridge's windows have it. */
static bool to_cpu(const struct pci_host *h, struct pci_bar *b)
{
	for (unsigned i = 0; i < h->window_count; i++) {
		const struct pci_window *win = &h->window[i];

		if (win->kind != PCI_WINDOW_IO &&
		    range_contains((struct range){ win->pci, win->size }, b->pci, b->size)) {
			b->pa = PA(win->cpu + (b->pci - win->pci));
			return true;
		}
	}
	return false;
}

/* Where we placed it, or firmware. */
static void accept_bars(struct pci_func *f)
{
	for (struct pci_bar *b = f->bar; b < &f->bar[PCI_BARS]; b++) {
		if (!is_wanted(f, b))
			continue;
		b->assigned = to_cpu(f->host, b);
		if (!b->assigned)
			pci_refuse(f, "firmware placed a BAR outside the host bridge's windows");
	}
}

static struct range bar_pages(const struct pci_bar *b)
{
	uint64_t base = ALIGN_DOWN(b->pa.v, PAGE_SIZE), end = b->pa.v + b->size;

	return (struct range){ base, b->assigned ? ALIGN_UP(end, PAGE_SIZE) - base : 0 };
}

static void refuse_sharing(struct pci_func *f, struct pci_func *g)
{
	static const char why[] = "firmware placed its BAR in a page with another device's";

	for (unsigned i = 0; i < PCI_BARS * PCI_BARS; i++)
		if (range_overlaps(bar_pages(&f->bar[i / PCI_BARS]),
				   bar_pages(&g->bar[i % PCI_BARS]))) {
			pci_refuse(f, why);
			pci_refuse(g, why);
		}
}

/* Firmware's placement stands; a BAR whose page holds another device's BAR is of no use to us. */
static void keep_placement(struct pci_host *h)
{
	pci_for_each_of(f, h)
		accept_bars(f);
	pci_for_each_of(f, h)
		pci_for_each_of(g, h)
			if (f < g)
				refuse_sharing(f, g);
}

/* A bridge's windows are placed as BARs are; the prefetchable one if all above have 64 bits. */
static void prepare_slots(struct pci_func *f)
{
	bool pref = f->bridge && (pci_cfg_read(f, PCI_PREF_WINDOW, 2) & 0xf) == PCI_PREF_64 &&
		    (!f->parent || f->parent->bar[PCI_SLOT_PREF].mem64);

	f->bar[PCI_SLOT_PREF].mem64 = f->bar[PCI_SLOT_PREF].prefetch = pref;
	for (unsigned b = 0; b < PCI_BARS; b++)
		if (!f->bar[b].io && f->bar[b].size > BAR_MAX)
			drop_bar(f, b);
}

static void place_bars(struct pci_host *h)
{
	size_t size = h->func_count * PCI_SLOTS * sizeof(*sorted);

	pci_for_each_of(f, h)
		prepare_slots(f);
	sorted = pmem_alloc(size, 64);
	do {
		measure_windows(h);
	} while (!place_root(h));
	place_below(h);
	pci_for_each_of(f, h) {
		accept_bars(f);
		pci_bars_write(f);
	}
	pmem_trim(sorted, size, 0);
}

/* It forwards from now on: what is below is silent. */
void bridge_open(const struct pci_func *f)
{
	bridge_write_buses(f, f->bus_subordinate);
	if (!f->host->probe_only)
		write_bridge_windows(f);
	errors_open(f);
	pci_cfg_write(f, PCI_COMMAND, 2, PCI_CMD_MEM | PCI_CMD_MASTER | PCI_CMD_INTX_OFF);
}

void pci_assign(struct pci_host *h)
{
	if (h->probe_only)
		keep_placement(h);
	else
		place_bars(h);
	pci_for_each_of(f, h)
		if (f->bridge)
			bridge_open(f);
}
