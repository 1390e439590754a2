/* SPDX-License-Identifier: Apache-2.0 */
/* Port: cache maintenance by VA, to the point of coherency. */
#ifndef ARCH_CACHE_H
#define ARCH_CACHE_H

#include <stddef.h>

void arch_cache_clean_inval(const void *va, size_t size); /* DC CIVAC, then DSB SY */
void arch_icache_inval_all(void);                         /* IC IALLUIS, DSB ISH, ISB */

#endif
