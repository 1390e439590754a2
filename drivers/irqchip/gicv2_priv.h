/* SPDX-License-Identifier: Apache-2.0 */
/* Between the files of the GICv2 driver. */
#ifndef GICV2_PRIV_H
#define GICV2_PRIV_H

#include <spec/gicv2.h>

#include "gic_priv.h"

extern struct gicv2 {
	struct mmio cpu;  /* GICC */
	struct mmio hyp;  /* GICH */
	struct mmio virt; /* GICV */
} gicv2;

/* Bit of this CPU's interface in GICD_ITARGETSR. 0: the distributor contradicts itself. */
uint32_t gicv2_own_mask(void);

/*
 * Whether the GIC looks at a line again once a virtual EOI has deactivated it. Boot CPU, behind the
 * reset of distributor and CPU interface, while no line is enabled.
 */
bool gicv2_looks_again(void);

/*
 * For a GIC that does not: list registers that are hardware-linked to the vGIC and software-linked
 * in the hardware. All on the list registers' own CPU. Values have GICH_LR's format.
 */
uint32_t gicv2_link_read(unsigned n, uint32_t lr);  /* what was written, with the state as it is */
uint32_t gicv2_link_write(unsigned n, uint32_t lr); /* what to write instead */
uint32_t gicv2_link_ended(uint32_t eisr);           /* deactivates; returns what is the vGIC's */

#endif
