/* SPDX-License-Identifier: Apache-2.0 */
/* Physical memory: what is taken is never given out, holes by alignment are used. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <hv/pmem.h>

#define RAM MIB(16)

static uint8_t *ram;
static unsigned chunks;

static void on_chunk(struct range r)
{
	assert_true(IS_ALIGNED(r.base, MIB(2)) && IS_ALIGNED(r.size, MIB(2)));
	chunks++;
}

static int setup(void **state)
{
	ram = aligned_alloc(MIB(2), RAM);
	assert_non_null(ram);
	memset(ram, 0xa5, RAM);
	chunks = 0;
	pmem_reset();
	pmem_on_chunk(on_chunk);
	pmem_add((struct range){ (uintptr_t)ram, RAM });
	return 0;
}

static int teardown(void **state)
{
	free(ram);
	return 0;
}

static void the_end_of_an_allocation_is_given_again(void **state)
{
	uint8_t *big = pmem_alloc(KIB(64), 64), *next;

	memset(big, 0xff, KIB(64));
	pmem_trim(big, KIB(64), 100);
	assert_int_equal(pmem_own_bytes(), 128);
	next = pmem_alloc(MIB(1), 64); /* of the end and what was free behind it */
	assert_ptr_equal(next, big + 128);
	assert_int_equal(next[0], 0);
	pmem_trim(next, MIB(1), 0);
	assert_int_equal(pmem_own_bytes(), 128);
	assert_int_equal(chunks, 1);
}

static void an_end_with_nothing_free_behind_it_is_given_again(void **state)
{
	uint8_t *big = pmem_alloc(KIB(64), 64), *other = pmem_alloc(64, 64);

	pmem_trim(big, KIB(64), 64);
	assert_ptr_equal(pmem_alloc(KIB(62), 64), big + 64);
	assert_ptr_equal(pmem_alloc(KIB(2) - 64, 64), big + KIB(62) + 64);
	assert_ptr_equal(pmem_alloc(64, 64), other + 64);
}

static void own_memory_is_zero_aligned_and_given_once(void **state)
{
	static uint8_t *got[4096];
	unsigned n = 0;
	size_t sum = 0;

	for (unsigned i = 0; i < 1000; i++) {
		size_t align = (size_t)64 << i % 11, size = 1 + i * 37 % 5000;
		uint8_t *p = pmem_try_alloc(size, align);

		assert_non_null(p);
		assert_true(IS_ALIGNED((uintptr_t)p, align));
		assert_true(p >= ram && p + size <= ram + RAM);
		for (size_t b = 0; b < size; b++)
			assert_int_equal(p[b], 0);
		memset(p, 0xff, size);
		got[n++] = p;
		sum += ALIGN_UP(size, 64);
	}
	for (unsigned i = 0; i < n; i++) /* nobody zeroed what another has */
		assert_int_equal(got[i][0], 0xff);
	assert_int_equal(pmem_own_bytes(), sum);
}

static void a_hole_by_alignment_is_used(void **state)
{
	uint8_t *a, *b, *c;

	a = pmem_alloc(64, 64);
	b = pmem_alloc(KIB(2), KIB(64));
	c = pmem_alloc(KIB(32), KIB(4));
	assert_ptr_equal(b, a + KIB(64));
	assert_ptr_equal(c, a + KIB(4));
	assert_int_equal(chunks, 1);
}

/* However many holes there were, memory goes on to be found, to the last chunk. */
static void holes_do_not_use_up_the_list(void **state)
{
	unsigned n = 0;

	while (pmem_try_alloc(KIB(4), KIB(16)) && pmem_try_alloc(64, 64))
		n++;
	assert_true(n > 512);
	assert_int_equal(chunks, RAM / MIB(2));
	assert_null(pmem_try_alloc(MIB(1), 64));
}

static void reserved_memory_is_not_given_out(void **state)
{
	struct range hole = { (uintptr_t)ram + MIB(5) + 17, KIB(8) };
	pa_t pa;

	pmem_reserve(hole);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(pmem_alloc_guest(MIB(4), &pa), MIB(4));
		assert_false(range_overlaps(hole, (struct range){ pa.v, MIB(4) }));
	}
	assert_int_equal(pmem_alloc_guest(MIB(4), &pa), MIB(2)); /* the largest there is */
	assert_int_equal(pmem_alloc_guest(MIB(4), &pa), 0);
	while (pmem_try_alloc(KIB(4), KIB(4)))
		;
	assert_int_equal(((uint8_t *)hole.base)[0], 0xa5);
}

/* What is held is taken by name only, and never so much that Viaduct cannot go on. */
static void held_memory_is_for_who_names_it(void **state)
{
	const struct range all = { GIB(1), MIB(100) }, half = { GIB(1), MIB(60) };
	struct range r;
	pa_t pa;

	pmem_reset();
	pmem_add(all);
	pmem_hold((struct range){ GIB(1), MIB(80) });
	assert_true(pmem_free_range(0, &r) && r.base == all.base && r.size == all.size);
	pmem_hold(half);
	pmem_hold((struct range){ GIB(1) + MIB(30), MIB(40) }); /* half of it is held: not again */
	assert_true(pmem_free_range(0, &r) && r.base == range_end(half) && r.size == MIB(40));
	assert_int_equal(pmem_alloc_guest(MIB(64), &pa), MIB(40));
	assert_int_equal(pa.v, range_end(half));
	assert_false(pmem_take((struct range){ GIB(1), MIB(61) }));
	pmem_save();
	assert_true(pmem_take(half));
	assert_false(pmem_take((struct range){ GIB(1), MIB(1) }));
	pmem_undo();
	assert_true(pmem_take((struct range){ GIB(1) + MIB(8), MIB(8) }));
}

/* Before there is RAM; and chunks come only when that is used up. */
static void early_memory_comes_first(void **state)
{
	static uint8_t early[KIB(8)] __attribute__((aligned(4096)));
	uint8_t *p;

	pmem_reset();
	assert_null(pmem_try_alloc(64, 64));
	pmem_early((struct range){ (uintptr_t)early, sizeof(early) });
	assert_ptr_equal(pmem_alloc(KIB(4), KIB(4)), early);
	assert_null(pmem_try_alloc(KIB(8), 64));
	pmem_add((struct range){ (uintptr_t)ram, RAM });
	assert_ptr_equal(pmem_alloc(KIB(4), KIB(4)), early + KIB(4));
	assert_int_equal(chunks, 0);
	p = pmem_alloc(64, 64);
	assert_true(p >= ram && p < ram + RAM);
}

static struct range constants[4];
static unsigned constant_count;

static void note_constant(struct range r)
{
	assert_in_range(constant_count, 0, 3);
	constants[constant_count++] = r;
}

/* They are in whole pages of their own, whoever allocates in between, and RAM follows. */
static void constants_are_apart(void **state)
{
	static uint8_t early[KIB(8)] __attribute__((aligned(4096)));
	const struct range first = { (uintptr_t)early, KIB(4) };
	void *p[4], *q;

	pmem_reset();
	constant_count = 0;
	assert_null(pmem_try_alloc_constant(64));
	pmem_early_constant(first);
	pmem_early((struct range){ (uintptr_t)early + KIB(4), KIB(4) });
	pmem_add((struct range){ (uintptr_t)ram, RAM });
	for (unsigned i = 0; i < 4; i++) {
		p[i] = pmem_alloc_constant(KIB(2)); /* two in the page, two in a chunk */
		q = pmem_alloc(64, 64);
		assert_true(range_contains((struct range){ first.base + KIB(4), KIB(4) },
					   (uintptr_t)q, 64));
	}
	pmem_for_each_constant(note_constant);
	assert_int_equal(constant_count, 2);
	for (unsigned i = 0; i < 4; i++)
		assert_true(range_contains(constants[i / 2], (uintptr_t)p[i], KIB(2)));
	for (unsigned i = 0; i < 2; i++)
		assert_true(IS_ALIGNED(constants[i].base | constants[i].size, PAGE_SIZE));
	q = pmem_alloc(MIB(1), 64);
	assert_false(range_overlaps(constants[1], (struct range){ (uintptr_t)q, MIB(1) }));
	while (pmem_try_alloc_constant(MIB(2) - 64)) /* as many pieces as there can be */
		;
	constant_count = 0;
}

/* RAM in many pieces: none is forgotten, and what was taken is given back as it was. */
static void pieces_have_room(void **state)
{
	static uint8_t early[KIB(64)] __attribute__((aligned(4096)));
	enum { PIECES = 500 };
	unsigned n = 0;
	struct range r;
	pa_t pa;

	pmem_reset();
	pmem_early((struct range){ (uintptr_t)early, sizeof(early) });
	pmem_room(PIECES);
	pmem_add((struct range){ GIB(1), PIECES * MIB(4) });
	for (unsigned i = 0; i < PIECES; i++)
		pmem_reserve((struct range){ GIB(1) + i * MIB(4), MIB(2) });
	for (unsigned turn = 0; turn < 2; turn++) {
		pmem_save();
		for (n = 0; pmem_alloc_guest(MIB(2), &pa) == MIB(2); n++)
			;
		assert_int_equal(n, PIECES);
		pmem_undo();
	}
	for (n = 0; pmem_free_range(n, &r); n++)
		assert_int_equal(r.base, GIB(1) + n * MIB(4) + MIB(2));
	assert_int_equal(n, PIECES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(own_memory_is_zero_aligned_and_given_once, setup,
						teardown),
		cmocka_unit_test_setup_teardown(the_end_of_an_allocation_is_given_again, setup,
						teardown),
		cmocka_unit_test_setup_teardown(an_end_with_nothing_free_behind_it_is_given_again,
						setup, teardown),
		cmocka_unit_test_setup_teardown(early_memory_comes_first, setup, teardown),
		cmocka_unit_test_setup_teardown(constants_are_apart, setup, teardown),
		cmocka_unit_test_setup_teardown(pieces_have_room, setup, teardown),
		cmocka_unit_test_setup_teardown(a_hole_by_alignment_is_used, setup, teardown),
		cmocka_unit_test_setup_teardown(holes_do_not_use_up_the_list, setup, teardown),
		cmocka_unit_test_setup_teardown(held_memory_is_for_who_names_it, setup, teardown),
		cmocka_unit_test_setup_teardown(reserved_memory_is_not_given_out, setup, teardown),
	};

	return cmocka_run_group_tests_name("pmem", tests, NULL, NULL);
}
