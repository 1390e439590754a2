/* SPDX-License-Identifier: Apache-2.0 */
/* Sorted lists of keys: built once, searched for ever. Pure; any context. */
#ifndef HV_SORT_H
#define HV_SORT_H

#include <hv/types.h>

/* To rising order, in place; count * log(count) steps whatever the keys are. */
void sort_keys(uint64_t *keys, size_t count);
/* The index of the first key that is `least` or more; `count`: there is none. */
size_t sort_find(const uint64_t *keys, size_t count, uint64_t least);

#endif
