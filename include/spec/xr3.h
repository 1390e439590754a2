/*
 * PLDA XpressRICH3-AXI, the root complex of Arm's Juno r1 and r2, as their firmware programs it
 * (U-Boot, board/armltd/vexpress64): translation of inbound addresses. Facts only.
 */
#ifndef SPEC_XR3_H
#define SPEC_XR3_H

#define XR3_JUNO_REGS 0x7ff30000 /* not in the device tree */
#define XR3_REGS_SIZE 0x1000

/* Entry i of the table from PCIe to AXI. */
#define XR3_ATR_ENTRIES	 8
#define XR3_ATR(i)	 (0x600 + 0x20 * (i))
#define XR3_ATR_SRC_LO	 0x00 /* [31:12] address, [6:1] log2(size) - 1, [0] enabled */
#define XR3_ATR_SRC_HI	 0x04
#define XR3_ATR_DST_LO	 0x08 /* the address on the AXI side */
#define XR3_ATR_DST_HI	 0x0c
#define XR3_ATR_PARAM	 0x10 /* attributes on the AXI side: memory and devices differ */
#define   XR3_ATR_ENABLE 1u
#define   XR3_ATR_SIZE	 0x7eu
#define   XR3_ATR_ADDR	 0xfffff000u

#endif
