/* SPDX-License-Identifier: Apache-2.0 */
/*
 * BARs. What is mapped is a function of (COMMAND, BARs, power state, windows): recomputed after
 * every change, compared with what is there, unmapped, then mapped. The physical BAR never moves.
 * Page truth: a page is mapped straight through only where guest and host addresses agree in the
 * low 12 bits and the host page is this function's alone; MSI-X tables and pending bits (not where
 * the table is direct) and crowded small BARs are trapped, and what is not emulated forwarded.
 *
 * Two BARs in one place: the one that was there first keeps it, the other waits, unmapped.
 */
#include <spec/pci.h>

#include "vpci_priv.h"

static uint64_t bar_size(const struct vpci_func *f, unsigned bar)
{
	return f->pf->bar[bar].size;
}

static struct range bar_range(const struct vpci_func *f, unsigned bar)
{
	return (struct range){ f->base[bar], bar_size(f, bar) };
}

static struct range offset_pages(uint64_t off, uint64_t size)
{
	uint64_t base = ALIGN_DOWN(off, PAGE_SIZE);

	return (struct range){ base, ALIGN_UP(off + size, PAGE_SIZE) - base };
}

/* The run of pages of one kind that begins at offset `at` of a BAR: its end. */
static uint64_t run_end(const struct vpci_func *f, unsigned bar, uint64_t at, bool *trap)
{
	uint64_t end = ALIGN_UP(bar_size(f, bar), PAGE_SIZE);

	*trap = false;
	for (unsigned i = 0; i < ARRAY_SIZE(f->pf->msix) && f->vector; i++) {
		const struct pci_part *p = &f->pf->msix[i];
		struct range r = offset_pages(p->at.base, p->at.size);

		if (p->bar != bar)
			continue;
		if (range_contains(r, at, 1)) {
			*trap = true;
			return range_end(r);
		}
		if (at < r.base)
			end = MIN(end, r.base);
	}
	return end;
}

enum which_bars { ALL_BARS, SMALL_BARS };

/* Does another BAR, of these, hold something in r? */
static bool held_by_other(const struct vpci_func *f, unsigned bar, struct range r,
			  enum which_bars which)
{
	vpci_for_each(g, f->v)
		for_each_bit(b, g->held & (which == SMALL_BARS ? g->small : ~0u))
			if (!(g == f && b == bar) && range_overlaps(r, bar_range(g, b)))
				return true;
	return false;
}

static void log_once(struct vpci_func *f, unsigned bar, const char *why)
{
	if (f->logged & 1u << bar)
		return;
	f->logged |= (uint8_t)(1u << bar);
	vm_log(f->v->vm, "00:%02x.%x: BAR %u at 0x%llx %s; not mapped", f->as.devfn >> 3,
	       f->as.devfn & 7, bar, (unsigned long long)f->base[bar], why);
}

/* Not set up yet, or being sized, perhaps one half of it: nothing to wonder about. */
static bool is_idle(const struct vpci_func *f, unsigned bar)
{
	uint64_t base = f->base[bar], sizing = ~(bar_size(f, bar) - 1);

	return !base || (uint32_t)base == (uint32_t)sizing || base >> 48;
}

/* Read by the trap handler of another CPU, too. */
static void hold_bars(struct vpci_func *f, unsigned bars)
{
	__atomic_store_n(&f->held, (uint8_t)bars, __ATOMIC_RELAXED);
}

/* Which BARs get their range. Those that f holds already are looked at anew. */
static void decide_held(struct vpci_func *f)
{
	hold_bars(f, 0);
	f->blocked = 0;
	if (!f->live)
		return;
	for_each_bit(bar, f->present) {
		struct range r = bar_range(f, bar);

		if (!vpci_in_window(f->v, r.base, r.size)) {
			if (!is_idle(f, bar))
				log_once(f, bar, "is outside the host bridge's windows");
		} else if (held_by_other(f, bar, r, ALL_BARS)) {
			f->blocked |= (uint8_t)(1u << bar);
			log_once(f, bar, "lies over another BAR");
		} else {
			hold_bars(f, f->held | 1u << bar);
		}
	}
}

/* Below a page, and the page is not mapped through as it is. */
static bool is_crowded(const struct vpci_func *f, unsigned bar)
{
	uint64_t base = f->base[bar];
	bool trap;

	if (!(f->small & 1u << bar))
		return false;
	run_end(f, bar, 0, &trap);
	return trap || !(f->page_alone & 1u << bar) || !IS_ALIGNED(base, PAGE_SIZE) ||
	       held_by_other(f, bar, offset_pages(base, 1), SMALL_BARS);
}

/* How the BAR should be mapped, in the form of f->mapped. */
static uint64_t wanted_mapping(const struct vpci_func *f, unsigned bar)
{
	if (!(f->held & 1u << bar))
		return 0;
	return f->base[bar] | MAPPED | (is_crowded(f, bar) ? MAPPED_CROWDED : 0);
}

static void unmap_gone(struct vpci_func *f)
{
	for_each_bit(bar, f->present) {
		struct range r = offset_pages(f->mapped[bar] & ~MAPPED_FLAGS, bar_size(f, bar));

		if (!f->mapped[bar] || f->mapped[bar] == wanted_mapping(f, bar))
			continue;
		s2_unmap(&f->v->vm->cpu_s2, IPA(r.base), r.size);
		f->mapped[bar] = 0;
	}
}

/* `size` bytes of the BAR from offset `at`: trapped, or mapped to the device. */
static enum hv_status map_run(struct vpci_func *f, unsigned bar, bool trap, uint64_t at,
			      uint64_t size)
{
	uint64_t mark = emul_mark(f->v->bar_kind, bar_cookie(f, bar));
	struct range r = offset_pages(f->base[bar], bar_size(f, bar));
	struct s2 *s2 = &f->v->vm->cpu_s2;

	if (trap)
		return s2_mark(s2, IPA(r.base + at), size, mark);
	return s2_map(s2, IPA(r.base + at), PA(f->pf->bar[bar].pa.v + at), size,
		      f->as.device_memory[bar] ? S2_DEVICE : S2_BAR_NC);
}

static bool map_bar(struct vpci_func *f, unsigned bar, bool crowded)
{
	struct range r = offset_pages(f->base[bar], bar_size(f, bar));
	bool trap;

	for (uint64_t at = 0, end; at < r.size; at = end) {
		end = run_end(f, bar, at, &trap);
		if (map_run(f, bar, trap || crowded, at, end - at) != HV_OK) {
			s2_unmap(&f->v->vm->cpu_s2, IPA(r.base), at);
			log_once(f, bar, "cannot be mapped"); /* reads all ones */
			return false;
		}
	}
	return true;
}

static void map_new(struct vpci_func *f)
{
	for_each_bit(bar, f->held) {
		uint64_t want = wanted_mapping(f, bar);

		/* Crowded ones share a page's mark; one that left took it away. */
		if (f->mapped[bar] == want && !(want & MAPPED_CROWDED))
			continue;
		f->mapped[bar] = map_bar(f, bar, want & MAPPED_CROWDED) ? want : 0;
	}
}

static void remap(struct vpci_func *f)
{
	struct vpci *v = f->v;

	decide_held(f);
	vpci_for_each(g, v)
		if (g->blocked && g != f)
			decide_held(g); /* it waits for room */
	vpci_for_each(g, v)
		unmap_gone(g);
	vpci_for_each(g, v)
		map_new(g);
}

static uint64_t shadow_base(const struct vpci_func *f, unsigned bar)
{
	uint64_t base = f->shadow[DW(PCI_BAR(0)) + bar] & ~PCI_BAR_MEM_FLAGS;

	if (f->pf->bar[bar].mem64)
		base |= (uint64_t)f->shadow[DW(PCI_BAR(0)) + bar + 1] << 32;
	return base;
}

void bars_update(struct vpci_func *f)
{
	bool live = state_live(f);

	if (!live && !f->live)
		return; /* the usual sizing and placing, MEM off */
	spin_lock(&f->v->vm->config_lock, LOCK_VM_CONFIG);
	f->live = live;
	for_each_bit(bar, f->present)
		f->base[bar] = shadow_base(f, bar);
	remap(f);
	spin_unlock(&f->v->vm->config_lock);
}

/* Address bits below the size read 0 (PCIe r6.0 §7.5.1.2.1); flags are constant. */
void bar_wrote(struct vpci_func *f, unsigned dw)
{
	bool upper = f->row[dw] == ROW_BAR_HI;
	uint64_t keep = ~(bar_size(f, dw - DW(PCI_BAR(0)) - upper) - 1) | PCI_BAR_MEM_FLAGS;

	f->shadow[dw] &= (uint32_t)(keep >> (upper ? 32 : 0));
	bars_update(f);
}

static bool host_page_alone(const struct vpci_func *f, unsigned bar)
{
	pa_t pa = f->pf->bar[bar].pa;

	if (!IS_ALIGNED(pa.v, PAGE_SIZE))
		return false;
	pci_for_each(pf)
		for (unsigned b = 0; b < PCI_BARS && pf != f->pf; b++) {
			const struct pci_bar *o = &pf->bar[b];

			if (o->assigned && range_overlaps(offset_pages(pa.v, 1),
							  (struct range){ o->pa.v, o->size }))
				return false;
		}
	return true;
}

void bars_init(struct vpci_func *f)
{
	for (unsigned bar = 0; bar < PCI_BARS; bar++) {
		const struct pci_bar *b = &f->pf->bar[bar];
		uint8_t bit = (uint8_t)(b->assigned << bar), small = b->size < PAGE_SIZE ? bit : 0;

		f->present |= bit;
		f->small |= small;
		f->page_alone |= small && host_page_alone(f, bar) ? bit : 0;
	}
}

/* The pages that EL2 itself touches. */
void bars_map_at_el2(const struct vpci_func *f)
{
	const struct pci_func *pf = f->pf;

	for_each_bit(bar, f->small)
		f->v->cfg.map(offset_pages(pf->bar[bar].pa.v, pf->bar[bar].size));
	for (const struct pci_part *p = pf->msix; f->vectors && p < &pf->msix[2]; p++)
		f->v->cfg.map(offset_pages(pf->bar[p->bar].pa.v + p->at.base, p->at.size));
}
