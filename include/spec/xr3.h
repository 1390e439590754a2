/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PLDA XpressRICH3-AXI, the root complex of Arm's Juno r1 and r2, as their firmware programs it
 * (U-Boot, board/armltd/vexpress64): translation of inbound addresses. Facts only.
 */
#ifndef SPEC_XR3_H
#define SPEC_XR3_H

#include <hv/bits.h>

#define XR3_JUNO_REGS 0x7ff30000 /* not in the device tree */
#define XR3_REGS_SIZE 0x1000

/* Entry i of the table from PCIe to AXI. */
#define XR3_ATR_ENTRIES	 8
#define XR3_ATR(i)	 (0x600 + 0x20 * (i))
#define XR3_ATR_SRC	 0x00 /* two registers: low half, high half */
#define XR3_ATR_DST	 0x08 /* the address on the AXI side, two registers */
#define XR3_ATR_PARAM	 0x10 /* attributes on the AXI side: memory and devices differ */
#define   XR3_ATR_ENABLE BIT(0)
#define   XR3_ATR_SIZE	 BITS(6, 1) /* log2(size) - 1 */
#define   XR3_ATR_ADDR	 BITS(63, 12)

#endif
