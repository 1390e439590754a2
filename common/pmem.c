/*
 * Physical memory: a sorted list of free ranges, carved at boot and never returned. Viaduct's own
 * memory comes in 2 MiB chunks from the top of RAM, so that EL2 maps it with blocks; guest RAM
 * comes from the bottom. Single threaded: boot only.
 */
#include <string.h>

#include <hv/panic.h>
#include <hv/pmem.h>

#define CHUNK	 MIB(2)
#define FREE_MAX 64

static struct {
	unsigned free_count;
	struct range free[FREE_MAX]; /* sorted, disjoint, not adjacent where possible */
	struct range chunk;	     /* what is left of the newest chunk */
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

static void insert_at(unsigned at, struct range r)
{
	if (r.size == 0)
		return;
	if (pm.free_count == FREE_MAX)
		panic("memory map has more than %d holes", FREE_MAX);
	memmove(&pm.free[at + 1], &pm.free[at], (pm.free_count - at) * sizeof(pm.free[0]));
	pm.free[at] = r;
	pm.free_count++;
}

static void remove_at(unsigned at)
{
	pm.free_count--;
	memmove(&pm.free[at], &pm.free[at + 1], (pm.free_count - at) * sizeof(pm.free[0]));
}

/* Takes `r` out of free range `i`, which may leave two, one or no pieces. */
static void carve(unsigned i, struct range r)
{
	struct range f = pm.free[i];
	uint64_t lo = MAX(f.base, r.base);
	uint64_t hi = MIN(range_end(f), range_end(r));

	remove_at(i);
	insert_at(i, (struct range){ hi, range_end(f) - hi });
	insert_at(i, (struct range){ f.base, lo - f.base });
}

void pmem_add(struct range ram)
{
	uint64_t base = ALIGN_UP(ram.base, PAGE_SIZE);
	uint64_t end = ALIGN_DOWN(range_end(ram), PAGE_SIZE);
	unsigned i = 0;

	if (end <= base)
		return;
	while (i < pm.free_count && pm.free[i].base < base)
		i++;
	insert_at(i, (struct range){ base, end - base });
}

void pmem_reserve(struct range taken)
{
	uint64_t base = ALIGN_DOWN(taken.base, PAGE_SIZE);
	struct range r = { base, ALIGN_UP(range_end(taken), PAGE_SIZE) - base };

	for (unsigned i = pm.free_count; i-- > 0;)
		if (range_overlaps(pm.free[i], r))
			carve(i, r);
}

/* The highest chunk-aligned place for `size`; false when there is none. */
static bool take_chunk(uint64_t size)
{
	size = ALIGN_UP(size, CHUNK);
	for (unsigned i = pm.free_count; i-- > 0;) {
		uint64_t end = ALIGN_DOWN(range_end(pm.free[i]), CHUNK);

		if (end < size || end - size < pm.free[i].base)
			continue;
		pm.chunk = (struct range){ end - size, size };
		carve(i, pm.chunk);
		if (pm.map)
			pm.map(pm.chunk);
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
	at = ALIGN_UP(pm.chunk.base, align);
	if (at + size > range_end(pm.chunk)) {
		if (!take_chunk(size + align))
			return NULL;
		at = ALIGN_UP(pm.chunk.base, align);
	}
	pm.chunk = (struct range){ at + size, range_end(pm.chunk) - at - size };
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

static bool take_guest(uint64_t size, uint64_t align, pa_t *out)
{
	for (unsigned i = 0; i < pm.free_count; i++) {
		uint64_t base = ALIGN_UP(pm.free[i].base, align);

		if (!range_contains(pm.free[i], base, size))
			continue;
		carve(i, (struct range){ base, size });
		*out = PA(base);
		return true;
	}
	return false;
}

enum hv_status pmem_alloc_guest(uint64_t size, pa_t *out)
{
	size = ALIGN_UP(size, CHUNK);
	if (size == 0)
		return HV_EINVAL;
	if (size >= GIB(1) && take_guest(size, GIB(1), out))
		return HV_OK;
	return take_guest(size, CHUNK, out) ? HV_OK : HV_ENOMEM;
}

void pmem_seal(void)
{
	pm.sealed = true;
}

size_t pmem_own_bytes(void)
{
	return pm.own_bytes;
}
