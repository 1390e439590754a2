/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sorting and finding: every 3 keys, sorted or not. Sorting keeps how often each value is there, so
 * that no StreamID and no requester ID is lost on the way to the isolation groups.
 */
#include "prove.h"

#include "common/lib/sort.c"

#define KEYS 3

static unsigned times(const uint64_t *keys, uint64_t value, unsigned count)
{
	unsigned n = 0;

	for (unsigned i = 0; i < count; i++)
		n += keys[i] == value;
	return n;
}

void prove(void)
{
	uint64_t keys[KEYS], value = nondet_u64(), least = nondet_u64();
	unsigned count = any_below(8), i = any_below(KEYS), before;
	size_t at;

	ASSUME(count <= KEYS);
	__CPROVER_havoc_object(keys);
	before = times(keys, value, count);
	sort_keys(keys, count);
	PROVE(i + 1 >= count || keys[i] <= keys[i + 1], "they are in order");
	PROVE(times(keys, value, count) == before, "nothing is lost, and nothing comes up");
	at = sort_find(keys, count, least);
	PROVE(at <= count, "a place in the list, or its end");
	PROVE(i >= count || (i < at) == (keys[i] < least),
	      "all before it are less, none behind is");
}
