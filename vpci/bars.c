/*
 * BARs. What is mapped is a function of (COMMAND, BARs, power state, windows): recomputed after
 * every change as a list of segments, compared with what is there, unmapped, then mapped. The
 * physical BAR never moves. Page truth: a page is mapped straight through only where guest and
 * host addresses agree in the low 12 bits and the host page is this function's alone; MSI-X
 * tables and pending bits (not where the table is direct) and crowded small BARs are trapped, and
 * what is not emulated forwarded.
 *
 * Two BARs in one place: the one that was there first keeps it, the other waits, unmapped.
 */
#include <spec/pci.h>
#include <spec/pci_caps.h>

#include "vpci_priv.h"

static uint64_t bar_size(const struct vpci_func *f, unsigned bar)
{
	return f->pf->bar[bar].size;
}

static struct range bar_range(const struct vpci_func *f, unsigned bar)
{
	return (struct range){ f->base[bar], bar_size(f, bar) };
}

static struct range page_of(uint64_t addr)
{
	return (struct range){ ALIGN_DOWN(addr, PAGE_SIZE), PAGE_SIZE };
}

static struct range pages_of(uint64_t off, uint64_t size)
{
	uint64_t base = ALIGN_DOWN(off, PAGE_SIZE);

	return (struct range){ base, ALIGN_UP(off + size, PAGE_SIZE) - base };
}

/* Pages of a BAR with MSI-X structures, as offsets: at most two ranges, ascending, disjoint. */
static unsigned msix_parts(const struct vpci_func *f, unsigned bar, struct range out[2])
{
	const struct pci_func *pf = f->pf;
	unsigned n = 0;

	if (!f->vectors)
		return 0;
	if (pf->msix_table_bar == bar)
		out[n++] = pages_of(pf->msix_table_off, (uint64_t)pf->msix_count * PCI_MSIX_ENTRY);
	if (pf->msix_pba_bar == bar)
		out[n++] = pages_of(pf->msix_pba_off, ALIGN_UP(pf->msix_count, 64) / 8);
	if (n == 2 && out[1].base < out[0].base) {
		struct range first = out[1];

		out[1] = out[0];
		out[0] = first;
	}
	if (n == 2 && out[1].base <= range_end(out[0])) {
		out[0].size = MAX(range_end(out[0]), range_end(out[1])) - out[0].base;
		n = 1;
	}
	return n;
}

static struct bar_seg segment(const struct vpci_func *f, unsigned bar, uint64_t base, uint64_t from,
			      uint64_t to, bool trap)
{
	return (struct bar_seg){
		.ipa = base + from,
		.pa = f->pf->bar[bar].pa.v + from,
		.size = to - from,
		.bar = (uint8_t)bar,
		.how = trap ? SEG_TRAP : f->as.device_memory[bar] ? SEG_DEVICE : SEG_NC,
	};
}

unsigned bar_segments(const struct vpci_func *f, unsigned bar, uint64_t base, bool whole_page,
		      struct bar_seg *out)
{
	uint64_t at = 0, size = bar_size(f, bar);
	struct range trap[2];
	unsigned traps = f->direct ? 0 : msix_parts(f, bar, trap), n = 0;

	if (f->small & 1u << bar) {
		out[0] = segment(f, bar, base, 0, PAGE_SIZE, traps || !whole_page);
		out[0].ipa = ALIGN_DOWN(base, PAGE_SIZE);
		return 1;
	}
	for (unsigned i = 0; i < traps; i++) {
		if (at < trap[i].base)
			out[n++] = segment(f, bar, base, at, trap[i].base, false);
		at = range_end(trap[i]);
		out[n++] = segment(f, bar, base, trap[i].base, at, true);
	}
	if (at < size)
		out[n++] = segment(f, bar, base, at, size, false);
	return n;
}

/* In a window of the host bridge and not over RAM, which a bridge would never claim. */
static bool in_window(const struct vpci *v, struct range r)
{
	if (!range_contains(v->cfg.mem32, r.base, r.size) &&
	    !range_contains(v->cfg.mem64, r.base, r.size))
		return false;
	for (unsigned i = 0; i < v->vm->ram_count; i++)
		if (range_overlaps(r, (struct range){ v->vm->ram[i].ipa.v, v->vm->ram[i].size }))
			return false;
	return true;
}

/* Does another BAR hold something in r? */
static bool held_by_other(const struct vpci_func *f, unsigned bar, struct range r, bool small_only)
{
	vpci_for_each(g, f->v)
		for_each_bit(b, g->held & (small_only ? g->small : ~0u))
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
	uint64_t base = f->base[bar];

	return base == 0 || (uint32_t)base == (uint32_t)~(bar_size(f, bar) - 1) || base >> 48;
}

/* Read by the trap handler of another CPU, too. */
static void hold(struct vpci_func *f, unsigned bars)
{
	__atomic_store_n(&f->held, (uint8_t)bars, __ATOMIC_RELAXED);
}

/* Which BARs get their range. Those that f holds already are looked at anew. */
static void decide_held(struct vpci_func *f)
{
	hold(f, 0);
	f->blocked = 0;
	if (!f->live)
		return;
	for_each_bit(bar, f->present) {
		struct range r = bar_range(f, bar);

		if (!in_window(f->v, r)) {
			if (!is_idle(f, bar))
				log_once(f, bar, "is outside the host bridge's windows");
		} else if (held_by_other(f, bar, r, false)) {
			f->blocked |= (uint8_t)(1u << bar);
			log_once(f, bar, "lies over another BAR");
		} else {
			hold(f, f->held | 1u << bar);
		}
	}
}

static void decide_segments(struct vpci_func *f)
{
	f->want_count = 0;
	for_each_bit(bar, f->held) {
		bool whole = f->page_alone & 1u << bar && IS_ALIGNED(f->base[bar], PAGE_SIZE) &&
			     !held_by_other(f, bar, page_of(f->base[bar]), true);

		f->want_count += bar_segments(f, bar, f->base[bar], whole, &f->want[f->want_count]);
	}
}

static bool same(const struct bar_seg *a, const struct bar_seg *b)
{
	return a->ipa == b->ipa && a->pa == b->pa && a->size == b->size && a->how == b->how &&
	       a->bar == b->bar;
}

static bool contains(const struct bar_seg *list, unsigned count, const struct bar_seg *s)
{
	for (unsigned i = 0; i < count; i++)
		if (same(&list[i], s))
			return true;
	return false;
}

static void unmap_gone(struct vpci_func *f)
{
	unsigned keep = 0;

	for (unsigned i = 0; i < f->cur_count; i++) {
		struct bar_seg s = f->cur[i];

		if (contains(f->want, f->want_count, &s))
			f->cur[keep++] = s;
		else
			s2_unmap(&f->v->vm->cpu_s2, IPA(s.ipa), s.size);
	}
	f->cur_count = keep;
}

static enum hv_status map_segment(const struct vpci_func *f, const struct bar_seg *s)
{
	struct s2 *s2 = &f->v->vm->cpu_s2;

	if (s->how == SEG_TRAP)
		return s2_mark(s2, IPA(s->ipa), s->size,
			       EMUL_MARK(f->v->bar_kind, (uint32_t)f->index << 3 | s->bar));
	return s2_map(s2, IPA(s->ipa), PA(s->pa), s->size,
		      s->how == SEG_DEVICE ? S2_DEVICE : S2_BAR_NC);
}

static void map_new(struct vpci_func *f)
{
	for (unsigned i = 0; i < f->want_count; i++) {
		const struct bar_seg *s = &f->want[i];
		bool there = contains(f->cur, f->cur_count, s);

		/* Small BARs may share a page's mark; one that left took it away. */
		if (there && !(s->how == SEG_TRAP && f->small & 1u << s->bar))
			continue;
		if (map_segment(f, s) != HV_OK)
			log_once(f, s->bar, "cannot be mapped"); /* reads all ones */
		else if (!there)
			f->cur[f->cur_count++] = *s;
	}
}

static void remap(struct vpci_func *f)
{
	struct vpci *v = f->v;

	/* Who may be concerned: those that wait for room, and those that may share a page. */
	vpci_for_each(g, v)
		g->affected = g == f || g->blocked || (f->small && g->small && g->live);
	decide_held(f);
	vpci_for_each(g, v)
		if (g->affected && g->blocked && g != f)
			decide_held(g);
	vpci_for_each(g, v)
		if (g->affected)
			decide_segments(g);
	vpci_for_each(g, v)
		if (g->affected)
			unmap_gone(g);
	vpci_for_each(g, v)
		if (g->affected)
			map_new(g);
}

static uint64_t shadow_base(const struct vpci_func *f, unsigned bar)
{
	uint64_t base = f->shadow[DW(PCI_BAR(0)) + bar] & ~PCI_BAR_MEM_FLAGS;

	if (bar_mem64(f, bar))
		base |= (uint64_t)f->shadow[DW(PCI_BAR(0)) + bar + 1] << 32;
	return base;
}

void bars_update(struct vpci_func *f)
{
	bool live = state_live(f);

	if (!live && !f->live)
		return; /* the usual sizing and placing, MEM off */
	spin_lock(&f->v->vm->config_lock);
	f->live = live;
	for_each_bit(bar, f->present)
		f->base[bar] = shadow_base(f, bar);
	remap(f);
	spin_unlock(&f->v->vm->config_lock);
}

/* Address bits below the size read 0 (PCIe r6.0 §7.5.1.2.1); flags are constant. */
void bar_wrote(struct vpci_func *f, unsigned dw, uint32_t old)
{
	unsigned bar = dw - DW(PCI_BAR(0));
	uint64_t mask;

	(void)old;
	if (f->present & 1u << bar) {
		mask = ~(bar_size(f, bar) - 1) & ~(uint64_t)PCI_BAR_MEM_FLAGS;
		f->shadow[dw] = (f->shadow[dw] & (uint32_t)mask) | f->initial[dw];
	} else {
		mask = ~(bar_size(f, bar - 1) - 1);
		f->shadow[dw] &= (uint32_t)(mask >> 32);
	}
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

			if (o->assigned && !o->io &&
			    range_overlaps(page_of(pa.v), (struct range){ o->pa.v, o->size }))
				return false;
		}
	return true;
}

void bars_init(struct vpci_func *f)
{
	for (unsigned bar = 0; bar < PCI_BARS; bar++) {
		const struct pci_bar *b = &f->pf->bar[bar];
		uint8_t bit = (uint8_t)(1u << bar);

		if (b->io || !b->assigned || b->size < 16 || b->size & (b->size - 1) ||
		    (b->mem64 && bar == PCI_BARS - 1))
			continue;
		f->present |= bit;
		if (b->size >= PAGE_SIZE)
			continue;
		f->small |= bit;
		if (host_page_alone(f, bar))
			f->page_alone |= bit;
	}
}

/* The pages that EL2 itself touches. */
void bars_map_at_el2(const struct vpci_func *f)
{
	for_each_bit(bar, f->present) {
		uint64_t pa = f->pf->bar[bar].pa.v;
		struct range trap[2];
		unsigned n = msix_parts(f, bar, trap);

		if (f->small & 1u << bar) {
			n = 1;
			trap[0] = (struct range){ 0, bar_size(f, bar) };
		}
		for (unsigned i = 0; i < n; i++)
			f->v->cfg.map(pages_of(pa + trap[i].base, trap[i].size));
	}
}
