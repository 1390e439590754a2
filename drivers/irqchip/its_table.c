/*
 * The tables that a physical ITS keeps in our memory (IHI 0069H §5.2.1): devices, two-level where it
 * can, so that memory is spent on buses that exist; collections, one page. Boot only. We never
 * read them and write nothing but the first level's pointers.
 */
#include <arch/cache.h>
#include <hv/pmem.h>

#include "its_priv.h"

#define FLAT_MAX      KIB(512)
#define BASER_PAGES   256U /* GITS_BASER.Size has eight bits */
#define DEV_BITS_MAX  20   /* beyond: DeviceIDs that no host bridge of ours makes */

bool its_write_pointer(struct mmio m, struct reg64 r, uint64_t value, uint64_t inner,
		       bool noncoherent)
{
	/* The shareability field is [11:10] in all of these registers. */
	if (!noncoherent) {
		wr64(m, r, field_put(value | FIELD(BASER_SHARE, SHARE_INNER), inner, MEM_RAWAWB));
		if (rd64(m, r) & BASER_SHARE)
			return true;
	}
	/* Reads back non-shareable: it does not snoop, and must not believe in cached lines. */
	wr64(m, r, field_put(value, inner, MEM_NC));
	return false;
}

/* Zeroed memory that the ITS will write: no line of ours may fall on it later. */
static void *hand_over(size_t size, size_t align)
{
	void *p = pmem_try_alloc(size, align);

	if (p)
		arch_cache_clean_inval(p, size);
	return p;
}

static uint32_t page_bytes(uint64_t baser)
{
	static const uint32_t bytes[] = { KIB(4), KIB(16), KIB(64), KIB(64) };

	return bytes[field_get(BASER_PAGE, baser)];
}

/* `size` bytes for GITS_BASER<n>, whose page size and indirection `baser` holds. */
static uint64_t *give(struct its *its, unsigned n, uint64_t baser, uint64_t size)
{
	uint32_t page = page_bytes(baser);
	uint64_t *table = hand_over(ALIGN_UP(size, page), page);
	uint64_t keep = baser & (BASER_INDIRECT | BASER_TYPE | BASER_ENTRY | BASER_PAGE);

	if (!table)
		return NULL;
	keep |= BASER_VALID | (va_to_pa(table).v & BASER_ADDR);
	if (page == KIB(64))
		keep = field_put(keep, BASER_ADDR_HI, va_to_pa(table).v >> 48);
	keep = field_put(keep, BASER_SIZE, (size - 1) / page);
	its_write_pointer(its->regs, GITS_BASER(n), keep, BASER_INNER, its->noncoherent);
	return table;
}

static bool give_devices(struct its *its, unsigned n)
{
	struct its_table *t = &its->devices;
	uint64_t baser, per_page, size;

	/* Ask for 4 KiB pages and two levels, take what reads back. */
	wr64(its->regs, GITS_BASER(n), BASER_INDIRECT);
	baser = rd64(its->regs, GITS_BASER(n));
	t->page = page_bytes(baser);
	t->entry = (uint32_t)field_get(BASER_ENTRY, baser) + 1;
	per_page = t->page / t->entry;
	if (its->dev_bits > DEV_BITS_MAX)
		its->dev_bits = DEV_BITS_MAX;
	size = (uint64_t)t->entry << its->dev_bits;
	t->indirect = (baser & BASER_INDIRECT) && size > t->page;
	if (t->indirect) {
		size = ((UINT64_C(1) << its->dev_bits) + per_page - 1) / per_page;
		size *= sizeof(uint64_t);
	} else {
		baser &= ~BASER_INDIRECT;
		while (size > MIN(FLAT_MAX, (uint64_t)t->page * BASER_PAGES)) {
			its->dev_bits--;
			size = (uint64_t)t->entry << its->dev_bits;
		}
	}
	t->base = give(its, n, baser, size);
	return t->base;
}

static bool give_collections(struct its *its, unsigned n)
{
	uint64_t baser;

	wr64(its->regs, GITS_BASER(n), 0);
	baser = rd64(its->regs, GITS_BASER(n)) & ~BASER_INDIRECT;
	return give(its, n, baser, MAX_CPUS * (field_get(BASER_ENTRY, baser) + 1));
}

enum hv_status its_tables_init(struct its *its)
{
	bool collections = field_get(TYPER_HCC, rd64(its->regs, GITS_TYPER)) >= MAX_CPUS;
	bool devices = false;

	for (unsigned n = 0; n < ITS_BASERS; n++) {
		uint64_t type = field_get(BASER_TYPE, rd64(its->regs, GITS_BASER(n)));

		wr64(its->regs, GITS_BASER(n), 0); /* whatever firmware left */
		if (type == BASER_TYPE_DEVICE)
			devices = give_devices(its, n);
		else if (type == BASER_TYPE_COLLECTION)
			collections = give_collections(its, n);
	}
	return devices && collections ? HV_OK : HV_EUNSUPP;
}

enum hv_status its_table_cover(struct its *its, uint32_t device_id)
{
	struct its_table *t = &its->devices;
	uint64_t *slot;
	void *page;

	if (device_id >> its->dev_bits)
		return HV_ENOMEM;
	if (!t->indirect)
		return HV_OK;
	slot = &t->base[device_id / (t->page / t->entry)];
	if (*slot & L1_VALID)
		return HV_OK;
	page = hand_over(t->page, t->page);
	if (!page)
		return HV_ENOMEM;
	*slot = L1_VALID | va_to_pa(page).v;
	/* Visible by the DSB before the doorbell of the MAPD that needs it. */
	arch_cache_clean(slot, sizeof(*slot));
	return HV_OK;
}
