/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stage-2 tables: see hv/s2.h. Changes are prepared, which may fail, and then committed, which
 * cannot. A leaf is valid, or carries a mark in bits [63:1], or is zero; a table whose entries are
 * all zero is returned to the pool of its level once no CPU and no SMMU can walk it.
 */
#include <arch/barrier.h>
#include <arch/cache.h>
#include <arch/tlb.h>
#include <hv/bits.h>
#include <hv/panic.h>
#include <hv/pmem.h>
#include <hv/s2.h>
#include <spec/stage2.h>

#define START_LEVEL 1 /* at most 40 bits of IPA: two concatenated tables */
#define LEAF        3
#define NO_TABLE    (~UINT64_C(0))
#define PS_MAX      5 /* 48 bits: what a descriptor of 4 KiB holds */

static s2_flush_fn *smmu_flush __ro_after_boot;

void s2_set_flush(s2_flush_fn *flush)
{
	smmu_flush = flush;
}

static unsigned level_shift(unsigned level)
{
	return 39 - 9 * level;
}

static uint64_t level_size(unsigned level)
{
	return UINT64_C(1) << level_shift(level);
}

static bool is_table(uint64_t pte, unsigned level)
{
	return level < LEAF && (pte & (PTE_VALID | PTE_TABLE)) == (PTE_VALID | PTE_TABLE);
}

static uint64_t *table_of(uint64_t pte)
{
	return pa_to_va(PA(pte & PTE_ADDR));
}

/* The slot of `ipa` in the table at `level`. Root tables are concatenated: a larger first index. */
static uint64_t *slot_at(uint64_t *table, uint64_t ipa, unsigned level)
{
	uint64_t index = ipa >> level_shift(level);

	return &table[level == START_LEVEL ? index : index % S2_ENTRIES];
}

static const uint64_t leaf_bits[] = {
	[S2_RAM] = S2AP_RW | SH_INNER,
	[S2_BAR_NC] = ATTR_NORMAL_NC | S2AP_RW | PTE_XN,
	[S2_DEVICE] = ATTR_DEVICE_nGnRE | S2AP_RW | PTE_XN,
	[S2_DOORBELL] = ATTR_DEVICE_nGnRE | S2AP_WO | PTE_XN,
};

/* The only store into a table that may be walked meanwhile. */
static void put_entry(const struct s2 *s2, uint64_t *slot, uint64_t pte)
{
	__atomic_store_n(slot, pte, __ATOMIC_RELAXED);
	if (s2->walker == S2_SMMU_NONCOHERENT)
		arch_cache_clean_inval(slot, sizeof(*slot));
}

static struct s2_pool *pool_of(struct s2 *s2, unsigned level)
{
	return &s2->pool[level - S2_FIRST_POOL];
}

static enum hv_status pool_fill(struct s2_pool *p, unsigned tables)
{
	if (!tables)
		return HV_OK;
	p->spare = pmem_try_alloc(tables * sizeof(p->spare[0]), 64);
	if (!p->spare)
		return HV_ENOMEM;
	for (; p->free < tables; p->free++) {
		p->spare[p->free] = pmem_try_alloc(PAGE_SIZE, PAGE_SIZE);
		if (!p->spare[p->free])
			return HV_ENOMEM;
	}
	return HV_OK;
}

enum hv_status s2_init(struct s2 *s2, struct s2_geometry geo, uint16_t vmid, struct s2_need need,
		       enum s2_walker walker)
{
	size_t root_size = geo.root_pages * PAGE_SIZE;
	uint64_t *root = pmem_try_alloc(root_size, root_size);
	enum hv_status st;

	if (!root)
		return HV_ENOMEM;
	if (walker == S2_SMMU_NONCOHERENT)
		arch_cache_clean_inval(root, root_size);
	*s2 = (struct s2){ .geo = geo, .vmid = vmid, .root = va_to_pa(root), .walker = walker };
	st = pool_fill(pool_of(s2, 2), need.level2);
	return st == HV_OK ? pool_fill(pool_of(s2, LEAF), need.level3) : st;
}

/*
 * Takes a table for `level` from the pool and fills it with `fill`, the entry that it will replace.
 * An older walk may still read this page as a table of the same level; that is harmless, because
 * `fill` is a mark or zero, which is legal at every level.
 */
static uint64_t *table_take(struct s2 *s2, unsigned level, uint64_t fill)
{
	struct s2_pool *p = pool_of(s2, level);
	uint64_t *t;

	ASSERT(p->free && !p->dead);
	t = p->spare[--p->free];
	for (unsigned i = 0; i < S2_ENTRIES; i++)
		__atomic_store_n(&t[i], fill, __ATOMIC_RELAXED);
	if (s2->walker == S2_SMMU_NONCOHERENT)
		arch_cache_clean_inval(t, PAGE_SIZE);
	return t;
}

/* Out of the tree; all zero, and stays so. Nothing is taken before all_return(). */
static void table_dies(struct s2 *s2, unsigned level, uint64_t *t)
{
	struct s2_pool *p = pool_of(s2, level);

	p->spare[p->free + p->dead++] = t;
}

/* No walker has any of them in its caches any more. */
static void all_return(struct s2 *s2)
{
	for (struct s2_pool *p = s2->pool; p < &s2->pool[S2_POOLS]; p++) {
		p->free += p->dead;
		p->dead = 0;
	}
}

/* What one leaf of a mapping is: the lowest level number, hence largest block, that fits. */
static unsigned leaf_level(uint64_t ipa, uint64_t pa, uint64_t size)
{
	unsigned level = START_LEVEL;

	while (level < LEAF && ((ipa | pa) & (level_size(level) - 1) || size < level_size(level)))
		level++;
	return level;
}

/*
 * Walks to the leaf at `level` or below; a table in its place pushes the leaf down. `missing`
 * counts the tables that would have to be made on the way.
 */
static uint64_t *walk_tables(const struct s2 *s2, uint64_t ipa, unsigned *level, unsigned *missing)
{
	uint64_t *table = pa_to_va(s2->root);
	unsigned l = START_LEVEL;
	uint64_t *slot = slot_at(table, ipa, l);

	while (l < LEAF && is_table(*slot, l)) {
		l++;
		slot = slot_at(table_of(*slot), ipa, l);
	}
	*missing = l < *level ? *level - l : 0;
	*level = MAX(l, *level);
	return slot;
}

/*
 * Can every leaf of the range be written, and with how many new tables? Leaves run upwards, so a
 * table that an earlier leaf of this range already needs is recognised by its first address.
 */
static enum hv_status prepare_leaves(const struct s2 *s2, uint64_t ipa, uint64_t pa, uint64_t size)
{
	uint64_t made[LEAF] = { NO_TABLE, NO_TABLE, NO_TABLE };
	unsigned need[S2_POOLS] = { 0 };
	uint64_t limit = UINT64_C(1) << s2->geo.ipa_bits;

	if (!IS_ALIGNED(ipa | pa | size, PAGE_SIZE) || size == 0 || ipa >= limit ||
	    size > limit - ipa)
		return HV_EINVAL;
	while (size) {
		unsigned level = leaf_level(ipa, pa, size), missing;
		const uint64_t *slot = walk_tables(s2, ipa, &level, &missing);

		if (*slot & PTE_VALID)
			return HV_ECONFLICT;
		for (unsigned l = level - missing; l < level; l++) {
			uint64_t covers = ALIGN_DOWN(ipa, level_size(l));

			need[l + 1 - S2_FIRST_POOL] += made[l] != covers;
			made[l] = covers;
		}
		ipa += level_size(level);
		pa += level_size(level);
		size -= level_size(level);
	}
	for (unsigned i = 0; i < S2_POOLS; i++)
		if (need[i] > s2->pool[i].free)
			return HV_ENOMEM;
	return HV_OK;
}

static void publish_entries(const struct s2 *s2)
{
	if (s2->walker == S2_CPUS)
		arch_dsb_ishst(); /* entries visible to the walkers of all CPUs */
	else
		arch_dsb_oshst(); /* ... and of the SMMU */
}

static void write_leaf(struct s2 *s2, uint64_t ipa, unsigned level, unsigned missing,
		       uint64_t *slot, uint64_t pte)
{
	for (unsigned l = level - missing; l < level; l++) {
		uint64_t *t = table_take(s2, l + 1, *slot);

		publish_entries(s2); /* the table's entries before the table */
		put_entry(s2, slot, va_to_pa(t).v | PTE_VALID | PTE_TABLE);
		slot = slot_at(t, ipa, l + 1);
	}
	put_entry(s2, slot, pte);
}

/*
 * Leaves with `bits` for the whole range: valid ones, of pa onwards, or marks, for which pa is ipa.
 */
static enum hv_status put_leaves(struct s2 *s2, uint64_t ipa, uint64_t pa, uint64_t size,
				 uint64_t bits)
{
	enum hv_status st = prepare_leaves(s2, ipa, pa, size);

	if (st != HV_OK)
		return st;
	while (size) {
		unsigned level = leaf_level(ipa, pa, size), missing;
		uint64_t *slot = walk_tables(s2, ipa, &level, &missing), pte = bits,
			 covers = level_size(level);

		if (bits & PTE_VALID)
			pte |= pa | (level == LEAF ? PTE_TABLE : 0);
		write_leaf(s2, ipa, level, missing, slot, pte);
		ipa += covers;
		pa += covers;
		size -= covers;
	}
	publish_entries(s2);
	return HV_OK;
}

enum hv_status s2_map(struct s2 *s2, ipa_t ipa, pa_t pa, uint64_t size, enum s2_type type)
{
	uint64_t bits = leaf_bits[type] | PTE_AF | PTE_VALID;

	if (type == S2_RAM)
		bits |= s2->geo.fwb ? ATTR_FWB_WB : ATTR_NORMAL_WB;
	return put_leaves(s2, ipa.v, pa.v, size, bits);
}

enum hv_status s2_mark(struct s2 *s2, ipa_t ipa, uint64_t size, uint64_t mark)
{
	ASSERT(mark && mark >> S2_MARK_BITS == 0);
	return put_leaves(s2, ipa.v, ipa.v, size, mark << 1);
}

/* Clears every leaf of the range; returns how many of them were valid. */
static uint64_t clear_leaves(struct s2 *s2, uint64_t ipa, uint64_t end)
{
	uint64_t valid = 0;

	while (ipa < end) {
		unsigned level = 0, missing;
		uint64_t *slot = walk_tables(s2, ipa, &level, &missing);
		uint64_t covers = level_size(level);

		if (*slot) {
			/* A block is removed as it was made, never in part. */
			ASSERT(!(*slot & PTE_VALID) ||
			       (IS_ALIGNED(ipa, covers) && end - ipa >= covers));
			valid += *slot & PTE_VALID;
			put_entry(s2, slot, 0);
		}
		ipa = ALIGN_DOWN(ipa, covers) + covers;
	}
	return valid;
}

static bool table_empty(const uint64_t *t)
{
	for (unsigned i = 0; i < S2_ENTRIES; i++)
		if (t[i])
			return false;
	return true;
}

/* Takes the table that `ipa` has below `level` out of the tree if it is empty. */
static bool unhook_empty(struct s2 *s2, uint64_t ipa, unsigned level)
{
	uint64_t *slot = slot_at(pa_to_va(s2->root), ipa, START_LEVEL);

	for (unsigned l = START_LEVEL; l < level; l++) {
		if (!is_table(*slot, l))
			return false;
		slot = slot_at(table_of(*slot), ipa, l + 1);
	}
	if (!is_table(*slot, level) || !table_empty(table_of(*slot)))
		return false;
	table_dies(s2, level + 1, table_of(*slot));
	put_entry(s2, slot, 0);
	return true;
}

static void invalidate(struct s2 *s2, uint64_t ipa, uint64_t size, bool one)
{
	if (s2->walker == S2_CPUS) {
		arch_dsb_ishst(); /* cleared entries before the invalidation */
		if (one)
			arch_tlb_s2_ipa(s2_vttbr(s2), ipa);
		else
			arch_tlb_s2_all(s2_vttbr(s2));
	} else {
		arch_dsb_oshst();
	}
	if (s2->walker != S2_CPUS && smmu_flush)
		smmu_flush(s2->vmid, IPA(ipa), size);
}

void s2_unmap(struct s2 *s2, ipa_t ipa, uint64_t size)
{
	uint64_t end = ipa.v + size;
	uint64_t valid = clear_leaves(s2, ipa.v, end);
	bool dead = false;

	for (unsigned level = LEAF; level-- > START_LEVEL;)
		for (uint64_t a = ALIGN_DOWN(ipa.v, level_size(level)); a < end;
		     a += level_size(level))
			dead |= unhook_empty(s2, a, level);
	/* Walkers may have cached a table even where no leaf was valid. */
	if (valid || dead)
		invalidate(s2, ipa.v, size, valid == 1 && !dead);
	all_return(s2);
}

uint64_t s2_vtcr(const struct s2 *s2)
{
	uint64_t v = VTCR_RES1 | FIELD(VTCR_IRGN0, 1) | FIELD(VTCR_ORGN0, 1) | FIELD(VTCR_SH0, 3);

	v = field_put(v, VTCR_T0SZ, 64U - s2->geo.ipa_bits);
	v = field_put(v, VTCR_SL0, 2U - START_LEVEL); /* 4 KiB granule: level 1 is 1 */
	return field_put(v, VTCR_PS, s2->geo.ps);
}

uint64_t s2_vttbr(const struct s2 *s2)
{
	return field_put(s2->root.v, VTTBR_VMID, s2->vmid);
}

uint8_t s2_address_bits(unsigned size)
{
	static const uint8_t bits[] = { 32, 36, 40, 42, 44, 48, 52 }; /* more: reserved, or 56 */

	return bits[MIN(size, ARRAY_SIZE(bits) - 1)];
}

struct s2_geometry s2_geometry(struct s2_limits cpus, struct s2_limits smmus)
{
	unsigned pa_bits = MIN(cpus.pa_bits, smmus.pa_bits);
	struct s2_geometry geo = { .fwb = cpus.fwb && smmus.fwb };

	while (geo.ps < PS_MAX && s2_address_bits(geo.ps + 1U) <= pa_bits)
		geo.ps++;
	geo.ipa_bits = MIN(40, s2_address_bits(geo.ps));
	geo.root_pages = geo.ipa_bits > 39 ? 2 : 1;
	return geo;
}
