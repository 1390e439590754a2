/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GICv2m: Arm Server Base System Architecture (DEN0029, issue 3.0), appendix E. A frame of 4 KiB
 * turns a 32-bit write to MSI_SETSPI_NS into an edge of the SPI that was written.
 */
#ifndef SPEC_GICV2M_H
#define SPEC_GICV2M_H

#include <hv/bits.h>

#define V2M_TYPER      0x008 /* r- */
#define	  V2M_TYPER_BASE BITS(25, 16)
#define	  V2M_TYPER_SPIS BITS(9, 0)
#define V2M_SETSPI_NS  0x040 /* -w */
#define V2M_IIDR       0xfcc /* r- */

#endif
