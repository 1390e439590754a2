/*
 * Physical memory: a sorted list of free ranges, carved at boot and never returned. Viaduct's own
 * memory comes in 2 MiB chunks from the top of RAM, so that EL2 maps it with blocks; guest RAM
 * comes from the bottom. Single threaded: boot only.
 */
#include <string.h>

#include <hv/panic.h>
#include <hv/pmem.h>

#define CHUNK	  MIB(2)
#define RANGE_MAX 64

struct ranges {
	unsigned count;
	struct range r[RANGE_MAX];
};

static struct {
	struct ranges free; /* sorted, disjoint, not adjacent where possible */
	struct ranges own;  /* of the chunks, what is not handed out: also holes by alignment */
	size_t own_bytes;
	bool sealed;
	void (*map)(struct range);
} pm;

void pmem_reset(void)
{
	memset(&pm, 0, sizeof(pm));
}

void pmem_on_chunk(void (*map)(struct range))
{
	pm.map = map;
}

static void insert_at(struct ranges *l, unsigned at, struct range r)
{
	if (r.size == 0)
		return;
	if (l->count == RANGE_MAX)
		panic("memory map has more than %d holes", RANGE_MAX);
	memmove(&l->r[at + 1], &l->r[at], (l->count - at) * sizeof(l->r[0]));
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
	insert_at(l, i, (struct range){ hi, range_end(f) - hi });
	/* Holes by alignment in own memory: few, and of a page at least, or forgotten. */
	if (l == &pm.free || (lo - f.base >= PAGE_SIZE && l->count < RANGE_MAX / 2))
		insert_at(l, i, (struct range){ f.base, lo - f.base });
}

/* The first place that is large enough. */
static bool take(struct ranges *l, uint64_t size, uint64_t align, uint64_t *out)
{
	for (unsigned i = 0; i < l->count; i++) {
		uint64_t base = ALIGN_UP(l->r[i].base, align);

		if (!range_contains(l->r[i], base, size))
			continue;
		carve(l, i, (struct range){ base, size });
		*out = base;
		return true;
	}
	return false;
}

void pmem_add(struct range ram)
{
	uint64_t base = ALIGN_UP(ram.base, PAGE_SIZE);
	uint64_t end = ALIGN_DOWN(range_end(ram), PAGE_SIZE);
	unsigned i = 0;

	if (end <= base)
		return;
	while (i < pm.free.count && pm.free.r[i].base < base)
		i++;
	insert_at(&pm.free, i, (struct range){ base, end - base });
}

void pmem_reserve(struct range taken)
{
	uint64_t base = ALIGN_DOWN(taken.base, PAGE_SIZE);
	struct range r = { base, ALIGN_UP(range_end(taken), PAGE_SIZE) - base };

	for (unsigned i = pm.free.count; i-- > 0;)
		if (range_overlaps(pm.free.r[i], r))
			carve(&pm.free, i, r);
}

/* The highest chunk-aligned place for `size`; false when there is none. */
static bool take_chunk(uint64_t size)
{
	size = ALIGN_UP(size, CHUNK);
	for (unsigned i = pm.free.count; i-- > 0;) {
		uint64_t end = ALIGN_DOWN(range_end(pm.free.r[i]), CHUNK);
		struct range chunk = { end - size, size };

		if (end < size || chunk.base < pm.free.r[i].base)
			continue;
		carve(&pm.free, i, chunk);
		insert_at(&pm.own, pm.own.count, chunk);
		if (pm.map)
			pm.map(chunk);
		return true;
	}
	return false;
}

void *pmem_try_alloc(size_t size, size_t align)
{
	uint64_t at;

	if (pm.sealed)
		panic("allocation of %zu bytes after boot", size);
	align = MAX(align, 64);
	size = ALIGN_UP(size, 64);
	if (!take(&pm.own, size, align, &at) &&
	    !(take_chunk(size + align) && take(&pm.own, size, align, &at)))
		return NULL;
	pm.own_bytes += size;
	return memset(pa_to_va(PA(at)), 0, size);
}

void *pmem_alloc(size_t size, size_t align)
{
	void *p = pmem_try_alloc(size, align);

	if (!p)
		panic("out of memory: %zu bytes for Viaduct itself", size);
	return p;
}

enum hv_status pmem_alloc_guest(uint64_t size, pa_t *out)
{
	size = ALIGN_UP(size, CHUNK);
	if (size == 0)
		return HV_EINVAL;
	if (size >= GIB(1) && take(&pm.free, size, GIB(1), &out->v))
		return HV_OK;
	return take(&pm.free, size, CHUNK, &out->v) ? HV_OK : HV_ENOMEM;
}

void pmem_seal(void)
{
	pm.sealed = true;
}

size_t pmem_own_bytes(void)
{
	return pm.own_bytes;
}
