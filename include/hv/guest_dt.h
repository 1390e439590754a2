/* SPDX-License-Identifier: Apache-2.0 */
/* The device tree that a guest is given, written with libfdt's sequential-write functions. */
#ifndef HV_GUEST_DT_H
#define HV_GUEST_DT_H

#include <hv/plan.h>

/* Writes guest g's tree to buf (8-byte aligned). HV_ENOMEM when it does not fit. */
enum hv_status __must_check guest_dt_build(const struct guest_plan *g, struct range initrd_ipa,
					   void *buf, size_t size);

#endif
