/* SPDX-License-Identifier: Apache-2.0 */
/* Heap sort: no recursion, no memory, and no order of keys that makes it slow. */
#include <hv/sort.h>

/* keys[at] goes down until both keys below it, at 2 * at + 1 and + 2, are smaller. */
static void sift_down(uint64_t *keys, size_t at, size_t count)
{
	uint64_t key = keys[at];

	for (;;) {
		size_t below = 2 * at + 1;

		if (below + 1 < count && keys[below + 1] > keys[below])
			below++;
		if (below >= count || keys[below] <= key)
			break;
		keys[at] = keys[below];
		at = below;
	}
	keys[at] = key;
}

void sort_keys(uint64_t *keys, size_t count)
{
	for (size_t i = count / 2; i-- > 0;)
		sift_down(keys, i, count);
	while (count > 1) {
		uint64_t largest = keys[0];

		keys[0] = keys[--count];
		keys[count] = largest;
		sift_down(keys, 0, count);
	}
}

size_t sort_find(const uint64_t *keys, size_t count, uint64_t least)
{
	size_t at = 0;

	while (at < count) {
		size_t mid = at + (count - at) / 2;

		if (keys[mid] < least)
			at = mid + 1;
		else
			count = mid;
	}
	return at;
}
