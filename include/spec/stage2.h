/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stage-2 translation, VMSAv8-64 with the 4 KiB granule: descriptors, and the registers that go
 * with them.
 */
#ifndef SPEC_STAGE2_H
#define SPEC_STAGE2_H

#define S2_ENTRIES 512U /* of a table: 4 KiB */

/* DDI 0487 D8.3.1, D8.3.2. */
#define PTE_VALID     BIT(0)
#define PTE_TABLE     BIT(1) /* level 1, 2: table; level 3: page */
#define PTE_MEMATTR   BITS(5, 2)
#define PTE_S2AP      BITS(7, 6)
#define   S2AP_RO     FIELD(PTE_S2AP, 1)
#define   S2AP_WO     FIELD(PTE_S2AP, 2)
#define   S2AP_RW     FIELD(PTE_S2AP, 3)
#define PTE_SH	      BITS(9, 8)
#define   SH_INNER    FIELD(PTE_SH, 3)
#define PTE_AF	      BIT(10)
#define PTE_ADDR      BITS(47, 12)
#define PTE_XN	      BIT(54) /* XN[1]; XN[0] is 0: never executable */

/* MemAttr, DDI 0487 D8.6.5 (FWB = 0) and D8.6.6 (FWB = 1). */
#define ATTR_DEVICE_nGnRE FIELD(PTE_MEMATTR, 1)
#define ATTR_NORMAL_NC	  FIELD(PTE_MEMATTR, 5)
#define ATTR_NORMAL_WB	  FIELD(PTE_MEMATTR, 15)
#define ATTR_FWB_WB	  FIELD(PTE_MEMATTR, 6)

/* VTCR_EL2, VTTBR_EL2: DDI 0487 D23.2 */
#define VTCR_T0SZ  BITS(5, 0)
#define VTCR_SL0   BITS(7, 6)
#define VTCR_IRGN0 BITS(9, 8)
#define VTCR_ORGN0 BITS(11, 10)
#define VTCR_SH0   BITS(13, 12)
#define VTCR_PS	   BITS(18, 16)
#define VTCR_RES1  BIT(31)
#define VTTBR_VMID BITS(63, 48)

#endif
