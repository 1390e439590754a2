/* SPDX-License-Identifier: Apache-2.0 */
/* Stage-2 tables and physical memory: real descriptor formats, update order from the trace. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <host.h>
#include "../host/s2_lookup.h"
#include <hv/bits.h>
#include <hv/pmem.h>

static void *arena;

static int setup(void **state)
{
	arena = aligned_alloc(MIB(2), MIB(16));
	memset(arena, 0xa5, MIB(16));
	pmem_reset();
	pmem_add((struct range){ (uintptr_t)arena, MIB(16) });
	host_trace_clear();
	return 0;
}

static int teardown(void **state)
{
	free(arena);
	return 0;
}

/* With so many spare tables of each level. */
static struct s2 make(unsigned tables)
{
	struct s2 s2;

	assert_int_equal(s2_init(&s2,
				 s2_geometry((struct s2_limits){ 48, false },
					     (struct s2_limits){ 44, true }),
				 3, (struct s2_need){ tables, tables }, S2_CPUS),
			 HV_OK);
	return s2;
}

static unsigned spare(const struct s2 *s2) { return s2->pool[0].free + s2->pool[1].free; }

static void geometry_is_the_smaller_of_cpu_and_smmu(void **state)
{
	static const struct {
		unsigned cpu, smmu;
		bool cf, sf;
		struct s2_geometry want;
	} rows[] = {
		{ 52, 64, true, true, { 40, 2, 5, true } },
		{ 44, 48, true, false, { 40, 2, 4, false } },
		{ 40, 44, false, false, { 40, 2, 2, false } },
		{ 36, 64, false, true, { 36, 1, 1, false } },
		{ 32, 64, true, true, { 32, 1, 0, true } },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct s2_geometry g = s2_geometry((struct s2_limits){ rows[i].cpu, rows[i].cf },
						   (struct s2_limits){ rows[i].smmu, rows[i].sf });

		assert_int_equal(g.ipa_bits, rows[i].want.ipa_bits);
		assert_int_equal(g.root_pages, rows[i].want.root_pages);
		assert_int_equal(g.ps, rows[i].want.ps);
		assert_int_equal(g.fwb, rows[i].want.fwb);
	}
}

static void registers_say_the_geometry(void **state)
{
	struct s2 s2 = make(0);

	/* T0SZ 24, SL0 1, write-back walks, inner shareable, PS 44 bits, RES1 */
	assert_int_equal(s2_vtcr(&s2),
			 0x80000000 | 4 << 16 | 3 << 12 | 1 << 10 | 1 << 8 | 1 << 6 | 24);
	assert_int_equal(s2_vttbr(&s2), s2.root.v | UINT64_C(3) << 48);
}

static void largest_blocks_are_used(void **state)
{
	struct s2 s2 = make(8);
	struct s2_leaf l;

	assert_int_equal(s2_map(&s2, IPA(GIB(1) - MIB(2)), PA(GIB(5) - MIB(2)),
				GIB(1) + MIB(2) + PAGE_SIZE, S2_RAM),
			 HV_OK);
	l = s2_lookup(&s2, IPA(GIB(1) - MIB(2) + 0x123456));
	assert_true(l.valid);
	assert_int_equal(l.level, 2);
	assert_int_equal(l.pa.v, GIB(5) - MIB(2) + 0x123456);
	l = s2_lookup(&s2, IPA(GIB(1) + 0x3123456));
	assert_int_equal(l.level, 1);
	assert_int_equal(l.pa.v, GIB(5) + 0x3123456);
	assert_int_equal(l.pte & 0x7ff, 0x7fd); /* block, WB, RW, inner shareable, AF */
	l = s2_lookup(&s2, IPA(GIB(2) + 5));
	assert_int_equal(l.level, 3);
	assert_int_equal(l.pte & 0xfff, 0x7ff);
	assert_false(s2_lookup(&s2, IPA(GIB(2) + PAGE_SIZE)).valid);
	assert_int_equal(spare(&s2), 16 - 3);
}

static void attributes_by_type(void **state)
{
	static const struct {
		enum s2_type type;
		uint64_t want, fwb_want;
	} rows[] = {
		{ S2_RAM, 0xf << 2 | 3 << 6 | 3 << 8, 6 << 2 | 3 << 6 | 3 << 8 },
		{ S2_BAR_NC, 5 << 2 | 3 << 6 | BIT(54), 5 << 2 | 3 << 6 | BIT(54) },
		{ S2_DEVICE, 1 << 2 | 3 << 6 | BIT(54), 1 << 2 | 3 << 6 | BIT(54) },
		{ S2_DOORBELL, 1 << 2 | 2 << 6 | BIT(54), 1 << 2 | 2 << 6 | BIT(54) },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct s2 s2 = make(2);

		for (unsigned fwb = 0; fwb < 2; fwb++) {
			uint64_t at = fwb * PAGE_SIZE;

			s2.geo.fwb = fwb;
			assert_int_equal(s2_map(&s2, IPA(at), PA(0x7000), PAGE_SIZE, rows[i].type),
					 HV_OK);
			assert_int_equal(s2_lookup(&s2, IPA(at)).pte,
					 (fwb ? rows[i].fwb_want : rows[i].want) | 0x7000 |
						 BIT(10) | 3);
		}
	}
}

static void double_mapping_is_refused_and_changes_nothing(void **state)
{
	struct s2 s2 = make(8);

	assert_int_equal(s2_map(&s2, IPA(MIB(4)), PA(MIB(4)), PAGE_SIZE, S2_RAM), HV_OK);
	assert_int_equal(s2_map(&s2, IPA(MIB(2)), PA(MIB(8)), MIB(4), S2_RAM), HV_ECONFLICT);
	assert_false(s2_lookup(&s2, IPA(MIB(2))).valid);
	assert_int_equal(s2_mark(&s2, IPA(MIB(4)), PAGE_SIZE, 9), HV_ECONFLICT);
}

static void bad_ranges_are_refused(void **state)
{
	struct s2 s2 = make(8);

	assert_int_equal(s2_map(&s2, IPA(1), PA(0), PAGE_SIZE, S2_RAM), HV_EINVAL);
	assert_int_equal(s2_map(&s2, IPA(0), PA(1), PAGE_SIZE, S2_RAM), HV_EINVAL);
	assert_int_equal(s2_map(&s2, IPA(0), PA(0), 0, S2_RAM), HV_EINVAL);
	assert_int_equal(s2_map(&s2, IPA(BIT(40) - PAGE_SIZE), PA(0), 2 * PAGE_SIZE, S2_RAM),
			 HV_EINVAL);
	assert_int_equal(s2_map(&s2, IPA(BIT(63)), PA(0), BIT(63), S2_RAM), HV_EINVAL);
	assert_false(s2_lookup(&s2, IPA(BIT(40))).valid);
}

static void an_exhausted_pool_is_noticed_before_anything_is_written(void **state)
{
	static const struct s2_need needs[] = { { 1, 1 }, { 0, 2 } };

	for (unsigned i = 0; i < ARRAY_SIZE(needs); i++) {
		struct s2 s2;

		assert_int_equal(s2_init(&s2,
					 s2_geometry((struct s2_limits){ 48, false },
						     (struct s2_limits){ 44, true }),
					 3, needs[i], S2_CPUS),
				 HV_OK);
		assert_int_equal(s2_map(&s2, IPA(MIB(2) - PAGE_SIZE), PA(0x1000), 2 * PAGE_SIZE,
					S2_RAM),
				 HV_ENOMEM);
		assert_int_equal(spare(&s2), 2);
		assert_int_equal(((uint64_t *)pa_to_va(s2.root))[0], 0);
		assert_int_equal(s2_map(&s2, IPA(0), PA(0x1000), 2 * PAGE_SIZE, S2_RAM),
				 i == 0 ? HV_OK : HV_ENOMEM);
	}
}

static void marks_say_who_answers(void **state)
{
	struct s2 s2 = make(8);

	assert_int_equal(s2_mark(&s2, IPA(MIB(2)), MIB(2), 7), HV_OK); /* one block entry */
	assert_int_equal(spare(&s2), 15);
	assert_int_equal(s2_lookup(&s2, IPA(MIB(2) + 0x1234)).mark, 7);
	/* a page of it becomes something else; the rest keeps its mark */
	assert_int_equal(s2_map(&s2, IPA(MIB(2) + PAGE_SIZE), PA(0x9000), PAGE_SIZE, S2_DEVICE),
			 HV_OK);
	assert_int_equal(s2_lookup(&s2, IPA(MIB(2))).mark, 7);
	assert_true(s2_lookup(&s2, IPA(MIB(2) + PAGE_SIZE)).valid);
	assert_int_equal(s2_lookup(&s2, IPA(MIB(4) - 1)).mark, 7);
	assert_int_equal(s2_lookup(&s2, IPA(MIB(4))).mark, 0);
}

static void unmap_breaks_before_it_makes(void **state)
{
	struct s2 s2 = make(8);
	long clear, tlb;

	assert_int_equal(s2_map(&s2, IPA(MIB(2)), PA(0x9000), PAGE_SIZE, S2_DEVICE), HV_OK);
	assert_int_equal(s2_map(&s2, IPA(MIB(2) + PAGE_SIZE), PA(0xa000), PAGE_SIZE, S2_DEVICE),
			 HV_OK);
	host_trace_clear();
	s2_unmap(&s2, IPA(MIB(2)), PAGE_SIZE);
	clear = host_trace_find(0, "dsb_ishst", UINT64_MAX);
	tlb = host_trace_find(0, "tlb_s2_ipa", MIB(2));
	assert_true(clear >= 0 && tlb > clear);
	assert_int_equal(host_trace_at((size_t)tlb)->value, s2_vttbr(&s2));
	assert_false(s2_lookup(&s2, IPA(MIB(2))).valid);
	assert_true(s2_lookup(&s2, IPA(MIB(2) + PAGE_SIZE)).valid);
}

static void flush_called(uint16_t vmid, ipa_t ipa, uint64_t size)
{
	host_trace("smmu_flush", ipa.v, size);
	assert_int_equal(vmid, 3);
}

static void tables_return_to_the_pool_after_the_invalidation(void **state)
{
	struct s2 s2 = make(4);

	s2.walker = S2_SMMU;
	s2_set_flush(flush_called);
	for (int i = 0; i < 1000; i++) {
		uint64_t at = (uint64_t)i * GIB(1) % BIT(40);

		assert_int_equal(s2_map(&s2, IPA(at + MIB(2)), PA(MIB(2)), MIB(2) + PAGE_SIZE,
					S2_BAR_NC),
				 HV_OK);
		host_trace_clear();
		s2_unmap(&s2, IPA(at + MIB(2)), MIB(2) + PAGE_SIZE);
		assert_true(host_trace_find(0, "dsb_oshst", UINT64_MAX) >= 0);
		assert_true(host_trace_find((size_t)host_trace_find(0, "dsb_oshst", UINT64_MAX),
					    "smmu_flush", at + MIB(2)) > 0);
		assert_int_equal(spare(&s2), 8);
	}
}

#define PAGES 64

/* The level at which each page of the pools was first seen in the tree; 0: not yet. */
static struct {
	const uint64_t *page;
	unsigned level;
} seen[PAGES];

static void check_level(const uint64_t *page, unsigned level)
{
	unsigned i = 0;

	while (i < PAGES && seen[i].page && seen[i].page != page)
		i++;
	assert_true(i < PAGES);
	if (!seen[i].page)
		seen[i].page = page, seen[i].level = level;
	assert_int_equal(seen[i].level, level);
}

/* Level 1 has two pages of entries: 1024. */
static void check_levels(const uint64_t *table, unsigned level)
{
	for (unsigned i = 0; i < (level == 1 ? 1024 : 512) && level < 3; i++)
		if ((table[i] & 3) == 3) {
			const uint64_t *below = pa_to_va(PA(table[i] & 0xfffffffff000));

			check_level(below, level + 1);
			check_levels(below, level + 1);
		}
}

/* What a walk that was held up may still read: a page that is not in the tree says nothing. */
static void check_free_pages(const struct s2 *s2)
{
	for (unsigned p = 0; p < S2_POOLS; p++)
		for (unsigned i = 0; i < s2->pool[p].free; i++)
			for (unsigned e = 0; e < 512; e++)
				assert_int_equal(s2->pool[p].spare[i][e] & 1, 0);
}

/* One place a region: of 1 GiB blocks, 2 MiB blocks, pages, or marks; moved between GiB ranges. */
static void a_table_is_of_one_level_for_ever(void **state)
{
	static const uint64_t sizes[] = { GIB(1), MIB(4), KIB(64), KIB(4) };
	uint64_t at[8] = { 0 };
	struct s2 s2 = make(8);

	srand(1);
	memset(seen, 0, sizeof(seen));
	for (unsigned i = 0; i < 3000; i++) {
		unsigned r = (unsigned)rand() % 8;
		uint64_t size = sizes[r % 4];
		ipa_t ipa = IPA(GIB(1 + r) + GIB(16) * ((unsigned)rand() % 60) +
				(size < GIB(1) ? MIB(4) * ((unsigned)rand() % 200) : 0));

		if (at[r])
			s2_unmap(&s2, IPA(at[r]), size);
		at[r] = ipa.v;
		assert_int_equal(r % 3 ? s2_map(&s2, ipa, PA(GIB(64) * r), size, S2_DEVICE) :
					 s2_mark(&s2, ipa, size, 0x123400 | r),
				 HV_OK);
		check_levels(pa_to_va(s2.root), 1);
		check_free_pages(&s2);
	}
}

/* Whatever the SMMU reads past the caches was cleaned after it was written. */
static void entries_for_a_noncoherent_walker_are_cleaned(void **state)
{
	struct s2 s2;
	const uint64_t *root, *l2;

	assert_int_equal(s2_init(&s2,
				 s2_geometry((struct s2_limits){ 48, false },
					     (struct s2_limits){ 44, true }),
				 3, (struct s2_need){ 1, 1 }, S2_SMMU_NONCOHERENT),
			 HV_OK);
	root = pa_to_va(s2.root);
	assert_true(host_trace_find(0, "cache_clean_inval", s2.root.v) >= 0);
	host_trace_clear();
	assert_int_equal(s2_map(&s2, IPA(MIB(2)), PA(0x9000), PAGE_SIZE, S2_RAM), HV_OK);
	l2 = pa_to_va(PA(root[0] & 0xfffffffff000));
	assert_true(host_trace_find(0, "cache_clean_inval", (uintptr_t)&root[0]) >= 0);
	assert_true(host_trace_find(0, "cache_clean_inval", (uintptr_t)l2) >= 0);
	assert_true(host_trace_find(0, "cache_clean_inval", (uintptr_t)&l2[1]) >= 0);
	host_trace_clear();
	s2_unmap(&s2, IPA(MIB(2)), PAGE_SIZE);
	assert_true(host_trace_find(0, "cache_clean_inval", (uintptr_t)&l2[1]) >= 0);
	assert_true(host_trace_find(0, "cache_clean_inval", (uintptr_t)&root[0]) >= 0);
}

static void dma_roots_publish_to_the_smmu(void **state)
{
	struct s2 s2;

	assert_int_equal(s2_init(&s2,
				 s2_geometry((struct s2_limits){ 48, false },
					     (struct s2_limits){ 44, true }),
				 3, (struct s2_need){ 4, 4 }, S2_SMMU),
			 HV_OK);
	host_trace_clear();
	assert_int_equal(s2_map(&s2, IPA(0), PA(0), PAGE_SIZE, S2_DOORBELL), HV_OK);
	assert_true(host_trace_find(0, "dsb_oshst", UINT64_MAX) >= 0);
	s2_unmap(&s2, IPA(0), PAGE_SIZE);
	assert_int_equal(host_trace_find(0, "tlb_s2_ipa", UINT64_MAX), -1);
}

static void memory_is_zeroed_aligned_and_never_handed_out_twice(void **state)
{
	uint8_t *a, *b;
	pa_t g;
	struct range taken = { (uintptr_t)arena + MIB(2) + 5, 10 };

	pmem_reserve(taken);
	a = pmem_alloc(100, 4096);
	b = pmem_alloc(MIB(3), MIB(1));
	assert_true(IS_ALIGNED((uintptr_t)a, 4096) && IS_ALIGNED((uintptr_t)b, MIB(1)));
	for (size_t i = 0; i < MIB(3); i++)
		assert_int_equal(b[i], 0);
	assert_true(a + 100 <= b || b + MIB(3) <= a);
	assert_int_equal(pmem_alloc_guest(MIB(4), &g), MIB(4));
	assert_false(range_overlaps((struct range){ g.v, MIB(4) }, taken));
	assert_int_equal(g.v, (uintptr_t)arena + MIB(4));
	assert_null(pmem_try_alloc(MIB(64), 64));
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(geometry_is_the_smaller_of_cpu_and_smmu),
		T(registers_say_the_geometry),
		T(largest_blocks_are_used),
		T(attributes_by_type),
		T(double_mapping_is_refused_and_changes_nothing),
		T(bad_ranges_are_refused),
		T(an_exhausted_pool_is_noticed_before_anything_is_written),
		T(marks_say_who_answers),
		T(unmap_breaks_before_it_makes),
		T(tables_return_to_the_pool_after_the_invalidation),
		T(a_table_is_of_one_level_for_ever),
		T(entries_for_a_noncoherent_walker_are_cleaned),
		T(dma_roots_publish_to_the_smmu),
		T(memory_is_zeroed_aligned_and_never_handed_out_twice),
	};

	return cmocka_run_group_tests_name("s2", tests, NULL, NULL);
}
