/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tables that a physical ITS keeps in our memory (IHI 0069H §5.2.1): devices, two-level where
 * it can, so that memory is spent on buses that exist; collections, one page. Boot only. We never
 * read them and write nothing but the first level's pointers.
 */
#include <arch/cache.h>
#include <hv/pmem.h>

#include "its_priv.h"

#define FLAT_MAX KIB(512) /* fewer than the 256 pages that GITS_BASER.Size can say */

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

void *its_memory(size_t size, size_t align)
{
	void *p = pmem_try_alloc(size, align);

	if (p)
		arch_cache_clean_inval(p, size);
	return p;
}

/* Memory for GITS_BASER<n> with 2^*bits entries; of a flat table, as many as it may have. */
static bool give_table(struct its *its, unsigned n, uint8_t *bits)
{
	uint64_t baser, page, entry, size;
	void *table;

	/* Ask for 4 KiB pages and two levels, take what reads back. */
	wr64(its->regs, GITS_BASER(n), BASER_INDIRECT);
	baser = rd64(its->regs, GITS_BASER(n));
	page = KIB(4) << 2 * MIN(field_get(BASER_PAGE, baser), 2);
	entry = field_get(BASER_ENTRY, baser) + 1;
	size = entry << *bits;
	if (size <= page)
		baser &= ~BASER_INDIRECT;
	if (baser & BASER_INDIRECT) {
		its->page = (uint32_t)page;
		its->per_page = (uint32_t)(page / entry);
		size = (((UINT64_C(1) << *bits) - 1) / its->per_page + 1) * sizeof(uint64_t);
	}
	for (; size > FLAT_MAX; size /= 2)
		(*bits)--;
	table = its_memory(ALIGN_UP(size, page), page);
	if (!table)
		return false;
	if (baser & BASER_INDIRECT)
		its->level1 = table;
	baser &= BASER_INDIRECT | BASER_PAGE;
	baser |= BASER_VALID | va_to_pa(table).v;
	baser = field_put(baser, BASER_SIZE, (size - 1) / page);
	its_write_pointer(its->regs, GITS_BASER(n), baser, BASER_INNER, its->noncoherent);
	return true;
}

enum hv_status its_tables_init(struct its *its)
{
	bool collections = field_get(TYPER_HCC, its->typer) >= its->cpu_count;
	uint8_t cpu_bits = (uint8_t)log2_ceil(its->cpu_count);
	bool devices = false;

	for (unsigned n = 0; n < ITS_BASERS; n++) {
		uint64_t type = field_get(BASER_TYPE, rd64(its->regs, GITS_BASER(n)));

		wr64(its->regs, GITS_BASER(n), 0); /* whatever firmware left */
		if (type == BASER_TYPE_DEVICE)
			devices = give_table(its, n, &its->dev_bits);
		else if (type == BASER_TYPE_COLLECTION)
			collections = give_table(its, n, &cpu_bits);
	}
	return devices && collections ? HV_OK : HV_EUNSUPP;
}

enum hv_status its_table_cover(struct its *its, uint32_t device_id)
{
	uint64_t *slot;
	void *page;

	if (device_id >> its->dev_bits)
		return HV_ENOMEM;
	if (!its->level1)
		return HV_OK;
	slot = &its->level1[device_id / its->per_page];
	if (*slot & L1_VALID)
		return HV_OK;
	page = its_memory(its->page, its->page);
	if (!page)
		return HV_ENOMEM;
	*slot = L1_VALID | va_to_pa(page).v;
	/* Visible by the DSB before the doorbell of the MAPD that needs it. */
	arch_cache_clean_inval(slot, sizeof(*slot));
	return HV_OK;
}
