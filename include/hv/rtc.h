/* SPDX-License-Identifier: Apache-2.0 */
/* The board's clock. It is read once, at boot, and never written. */
#ifndef HV_RTC_H
#define HV_RTC_H

#include <hv/status.h>
#include <hv/types.h>

/* The first enabled node that there is a driver for, with power for sure; -1: none. Pure. */
int rtc_find(const void *fdt);
/*
 * The time that it shows, in seconds since 1970. `map` maps its registers. HV_ENOENT: it does not
 * run, or does not answer. Boot only.
 */
enum hv_status __must_check rtc_read(const void *fdt, int node, void (*map)(struct range),
				     uint64_t *epoch);

#endif
