/* SPDX-License-Identifier: Apache-2.0 */
/* How long a guest that crashed waits: see hv/life.h. Pure. */
#include <hv/life.h>

#define BACKOFF_FIRST_MS 100
#define BACKOFF_MOST_MS  10000
#define BACKOFF_LIFE_S   60 /* who lived so long begins anew */

uint32_t life_backoff_ms(uint32_t last_ms, uint64_t lived_seconds)
{
	if (!last_ms || lived_seconds >= BACKOFF_LIFE_S)
		return BACKOFF_FIRST_MS;
	return MIN(2 * last_ms, (uint32_t)BACKOFF_MOST_MS);
}
