/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Physical interrupts at EL2: one table from INTID to handler. SGIs, PPIs and SPIs have a slot
 * each; LPIs have their own table, sized at boot.
 */
#ifndef HV_IRQ_H
#define HV_IRQ_H

#include <hv/status.h>
#include <hv/types.h>

struct vcpu;

/* `cur` is the vCPU pinned to the CPU that took the interrupt; NULL when that CPU has none. */
typedef void irq_handler_fn(void *arg, uint32_t intid, struct vcpu *cur);

enum { SGI_KICK = 0, SGI_STOP = 1 }; /* Viaduct's own SGIs */

/* Who deactivates an interrupt at its end; an LPI has no active state, and `end` says nothing. */
enum irq_end {
	IRQ_END_EL2,   /* irq_dispatch(), after the handler */
	IRQ_END_GUEST, /* the guest, by a HW-linked list register */
};

/*
 * Makes `fn` the handler of `intid`, called with `arg`. HV_ECONFLICT: it has one already.
 * HV_EINVAL: there is no such INTID. Boot only, no lock.
 */
enum hv_status __must_check irq_register(uint32_t intid, irq_handler_fn *fn, void *arg,
					 enum irq_end end);
enum hv_status __must_check irq_lpi_table(uint32_t count); /* LPIs 8192 .. 8192 + count */

/* SGIs, PPIs, SPIs; NULL: it is free. */
bool irq_has_handler(uint32_t intid, irq_handler_fn *fn);
void irq_reset(void); /* forget every handler (host tests) */

/*
 * Acknowledges and handles what is pending on this CPU: at most a bounded number, the rest comes
 * as the next interrupt. Priority drop after the handler; deactivation too, unless the guest
 * does that.
 */
void irq_dispatch(struct vcpu *cur);

#endif
