/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Physical memory: sorted lists of ranges, carved at boot and never returned but by pmem_trim.
 * Viaduct's own memory comes in 2 MiB chunks from the top of RAM, so that EL2 maps it with blocks;
 * guest RAM comes from the bottom. Before RAM is known there is only what pmem_early gave. A piece
 * for which a list has no room is memory nobody gets. Single threaded: boot only.
 */
#include <string.h>

#include <hv/panic.h>
#include <hv/pmem.h>

#define CHUNK     MIB(2)
#define OWN_MAX   64      /* pieces of Viaduct's own memory */
#define FEW       16      /* pieces of RAM without pmem_room */
#define OWN_LEAST MIB(32) /* what the guests' static memory leaves to Viaduct in one piece */

struct ranges {
	unsigned count, max;
	struct range *r;
};

/* What guests are given: anybody's, and what is held for who names its addresses. */
struct pool {
	struct ranges free; /* sorted, disjoint */
	struct ranges held;
};

static struct {
	struct pool guest, saved;
	struct ranges own;      /* of the chunks, what is not handed out: also holes by alignment */
	struct ranges constant; /* the same for what is read-only after boot */
	struct ranges constant_whole; /* with what is handed out */
	struct range own_pieces[OWN_MAX], few[4][FEW];
	struct range constant_pieces[2][FEW];
	size_t own_bytes;
	bool sealed;
	void (*map)(struct range);
} pm __ro_after_boot;

static void move_to(struct ranges *l, struct range *room, unsigned max)
{
	memcpy(room, l->r, l->count * sizeof(*room));
	l->r = room;
	l->max = max;
}

void pmem_reset(void)
{
	struct ranges *lists[] = { &pm.guest.free, &pm.guest.held, &pm.saved.free, &pm.saved.held };

	memset(&pm, 0, sizeof(pm));
	pm.own = (struct ranges){ 0, OWN_MAX, pm.own_pieces };
	pm.constant = (struct ranges){ 0, FEW, pm.constant_pieces[0] };
	pm.constant_whole = (struct ranges){ 0, FEW, pm.constant_pieces[1] };
	for (unsigned i = 0; i < ARRAY_SIZE(lists); i++)
		*lists[i] = (struct ranges){ 0, FEW, pm.few[i] };
}

void pmem_room(unsigned pieces)
{
	struct ranges *lists[] = { &pm.guest.free, &pm.guest.held, &pm.saved.free, &pm.saved.held };

	for (unsigned i = 0; i < ARRAY_SIZE(lists) && pieces > lists[i]->max; i++)
		move_to(lists[i], pmem_alloc(pieces * sizeof(struct range), 64), pieces);
}

void pmem_on_chunk(void (*map)(struct range))
{
	pm.map = map;
}

static void insert(struct ranges *l, struct range r)
{
	unsigned at = l->count;

	if (r.size == 0 || l->count == l->max)
		return;
	for (; at && l->r[at - 1].base > r.base; at--)
		l->r[at] = l->r[at - 1];
	l->r[at] = r;
	l->count++;
}

/* Takes `r` out of range `i`, which may leave two, one or no pieces. */
static void carve(struct ranges *l, unsigned i, struct range r)
{
	struct range f = l->r[i];
	uint64_t lo = MAX(f.base, r.base);
	uint64_t hi = MIN(range_end(f), range_end(r));

	l->count--;
	memmove(&l->r[i], &l->r[i + 1], (l->count - i) * sizeof(l->r[0]));
	insert(l, (struct range){ hi, range_end(f) - hi });
	/* Holes by alignment in own memory: few, and of a page at least, or forgotten. */
	if ((l != &pm.own && l != &pm.constant) ||
	    (lo - f.base >= PAGE_SIZE && l->count < l->max / 2))
		insert(l, (struct range){ f.base, lo - f.base });
}

#define ANYWHERE ((struct range){ 0, UINT64_MAX })

/* The first place in `limits` that is large enough. */
static bool take_range(struct ranges *l, struct range limits, uint64_t size, uint64_t align,
		       uint64_t *out)
{
	for (unsigned i = 0; i < l->count; i++) {
		*out = ALIGN_UP(MAX(l->r[i].base, limits.base), align);
		if (range_contains(l->r[i], *out, size) && range_contains(limits, *out, size)) {
			carve(l, i, (struct range){ *out, size });
			return true;
		}
	}
	return false;
}

/* The size of the largest piece in whole chunks. */
static uint64_t largest(const struct ranges *l)
{
	uint64_t size = 0;

	for (unsigned i = 0; i < l->count; i++) {
		uint64_t base = ALIGN_UP(l->r[i].base, CHUNK);
		uint64_t end = ALIGN_DOWN(range_end(l->r[i]), CHUNK);

		size = end > base ? MAX(size, end - base) : size;
	}
	return size;
}

void pmem_early(struct range own)
{
	insert(&pm.own, own);
}

void pmem_early_constant(struct range own)
{
	insert(&pm.constant, own);
	insert(&pm.constant_whole, own);
}

void pmem_add(struct range ram)
{
	insert(&pm.guest.free, ram);
}

void pmem_reserve(struct range taken)
{
	for (unsigned i = pm.guest.free.count; i-- > 0;)
		if (range_overlaps(pm.guest.free.r[i], taken))
			carve(&pm.guest.free, i, taken);
}

void pmem_hold(struct range r)
{
	uint64_t at;

	pmem_save();
	if (!take_range(&pm.guest.free, r, r.size, 1, &at))
		return;
	if (largest(&pm.guest.free) < OWN_LEAST)
		pmem_undo();
	else
		insert(&pm.guest.held, r);
}

static void copy_ranges(struct ranges *to, const struct ranges *from)
{
	memcpy(to->r, from->r, from->count * sizeof(*to->r));
	to->count = from->count;
}

void pmem_save(void)
{
	copy_ranges(&pm.saved.free, &pm.guest.free);
	copy_ranges(&pm.saved.held, &pm.guest.held);
}

void pmem_undo(void)
{
	copy_ranges(&pm.guest.free, &pm.saved.free);
	copy_ranges(&pm.guest.held, &pm.saved.held);
}

/* The highest chunk-aligned place for `size`, into `own`; false when there is none. */
static bool take_chunk(struct ranges *own, uint64_t size)
{
	struct ranges *l = &pm.guest.free;

	size = ALIGN_UP(size, CHUNK);
	for (unsigned i = l->count; i-- > 0;) {
		uint64_t end = ALIGN_DOWN(range_end(l->r[i]), CHUNK);
		struct range chunk = { end - size, size };

		if (end < size || chunk.base < l->r[i].base)
			continue;
		carve(l, i, chunk);
		insert(own, chunk);
		if (own == &pm.constant)
			insert(&pm.constant_whole, chunk);
		if (pm.map)
			pm.map(chunk);
		return true;
	}
	return false;
}

/* As it was left; NULL: there is none. */
static void *take_own(struct ranges *own, size_t size, size_t align)
{
	uint64_t at;

	if (pm.sealed)
		panic("allocation of %zu bytes after boot", size);
	align = MAX(align, 64);
	size = ALIGN_UP(size, 64);
	if (!take_range(own, ANYWHERE, size, align, &at) &&
	    !(take_chunk(own, size + align) && take_range(own, ANYWHERE, size, align, &at)))
		return NULL;
	pm.own_bytes += size;
	return pa_to_va(PA(at));
}

static void *must_have(void *p, size_t size)
{
	if (!p)
		panic("out of memory: %zu bytes for Viaduct itself", size);
	return p;
}

void *pmem_try_alloc(size_t size, size_t align)
{
	void *p = take_own(&pm.own, size, align);

	return p ? memset(p, 0, size) : NULL;
}

void *pmem_alloc_unset(size_t size, size_t align)
{
	return must_have(take_own(&pm.own, size, align), size);
}

void *pmem_alloc(size_t size, size_t align)
{
	return must_have(pmem_try_alloc(size, align), size);
}

void *pmem_try_alloc_constant(size_t size)
{
	void *p = NULL;

	if (pm.constant_whole.count < FEW) /* one more may come */
		p = take_own(&pm.constant, size, 64);
	return p ? memset(p, 0, size) : NULL;
}

void *pmem_alloc_constant(size_t size)
{
	return must_have(pmem_try_alloc_constant(size), size);
}

void pmem_for_each_constant(void (*fn)(struct range))
{
	for (unsigned i = 0; i < pm.constant_whole.count; i++)
		fn(pm.constant_whole.r[i]);
}

void pmem_trim(void *p, size_t size, size_t used)
{
	uint64_t at = va_to_pa(p).v + ALIGN_UP(used, 64), end = va_to_pa(p).v + ALIGN_UP(size, 64);
	struct ranges *l = &pm.own;

	ASSERT(!pm.sealed && used <= size);
	pm.own_bytes -= end - at;
	for (unsigned i = 0; i < l->count; i++)
		if (l->r[i].base == end) { /* one piece with what is free behind it */
			l->r[i].base = at;
			l->r[i].size += end - at;
			return;
		}
	insert(l, (struct range){ at, end - at });
}

bool pmem_take(struct range r)
{
	uint64_t at;

	return take_range(&pm.guest.free, r, r.size, 1, &at) ||
	       take_range(&pm.guest.held, r, r.size, 1, &at);
}

bool pmem_free_range(unsigned i, struct range *out)
{
	if (i < pm.guest.free.count)
		*out = pm.guest.free.r[i];
	return i < pm.guest.free.count;
}

uint64_t pmem_alloc_guest(uint64_t size, pa_t *out)
{
	struct ranges *l = &pm.guest.free;

	size = ALIGN_UP(size, CHUNK);
	if (size >= GIB(1) && take_range(l, ANYWHERE, size, GIB(1), &out->v))
		return size;
	size = MIN(size, largest(l));
	return size && take_range(l, ANYWHERE, size, CHUNK, &out->v) ? size : 0;
}

void pmem_seal(void)
{
	pm.sealed = true;
}

size_t pmem_own_bytes(void)
{
	return pm.own_bytes;
}
