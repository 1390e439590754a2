/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From plan to guest: tables, interrupt controller, devices, images. Boot only, on the boot CPU;
 * the plan has decided everything, so what fails here is a refusal that the plan missed.
 */
#ifndef HV_BUILD_H
#define HV_BUILD_H

#include <hv/plan.h>
#include <hv/vm.h>

/* Sets vms[] and vm_count; guests that cannot be built are refused in the plan, with a log line. */
void build_guests(struct plan *p, void (*map_device)(struct range));

#endif
