/* SPDX-License-Identifier: Apache-2.0 */
/* Port: cache maintenance by VA, to the point of coherency. */
#ifndef ARCH_CACHE_H
#define ARCH_CACHE_H

#include <stddef.h>

/*
 * DC CIVAC, then DSB SY. There is none that only cleans: A53 may lose it (errata 819472, 824069,
 * 826319, 827319).
 */
void arch_cache_clean_inval(const void *va, size_t size);
void arch_icache_inval_all(void); /* IC IALLUIS, DSB ISH, ISB */

#endif
