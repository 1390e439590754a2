/* SPDX-License-Identifier: Apache-2.0 */
/* Generic Watchdog: Arm Server Base System Architecture, DEN 0029D (6.0), its appendix on it. */
#ifndef SPEC_SBSA_WATCHDOG_H
#define SPEC_SBSA_WATCHDOG_H

#define WDT_FRAME 0x1000 /* bytes; what is emulated has two, control and refresh */

/* Control frame. Registers of 64 bits are two of 32, low first. */
#define WDT_WCS 0x000 /* control and status */
#define WDT_WOR 0x008 /* offset: from revision 1 on of 48 bits, before of 32 */
#define WDT_WCV 0x010 /* compare value */
/* Refresh frame. */
#define WDT_WRR 0x000 /* any write is a refresh */
/* Both: product, revision, implementer. */
#define WDT_IIDR 0xfcc

#define WCS_EN  1U
#define WCS_WS0 2U /* ro: the first timeout is over */
#define WCS_WS1 4U /* ro: the second one as well */

#define IIDR_REVISION	BITS(19, 16)
#define   IIDR_REVISION_1 1 /* WOR has 48 bits */

#endif
