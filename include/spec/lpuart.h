/* SPDX-License-Identifier: Apache-2.0 */
/*
 * NXP LPUART with 32-bit registers: i.MX 93 reference manual (IMX93RM), chapter LPUART. Offsets
 * from BAUD: i.MX has four identification registers in front of it, Layerscape has not.
 */
#ifndef SPEC_LPUART_H
#define SPEC_LPUART_H

#define LPUART_IMX_BAUD 0x10

#define LPUART_STAT  0x04
#define LPUART_CTRL  0x08
#define LPUART_DATA  0x0c
#define LPUART_FIFO  0x18
#define LPUART_WATER 0x1c

#define LPUART_STAT_ERRORS UINT32_C(0x000f0000) /* OR, NF, FE, PF: ones clear */
#define LPUART_STAT_W1C	   UINT32_C(0xc01fc000) /* all bits that ones clear */
#define LPUART_STAT_RDRF   UINT32_C(0x00200000)
#define LPUART_STAT_TC	   UINT32_C(0x00400000)
#define LPUART_STAT_TDRE   UINT32_C(0x00800000)

#define LPUART_CTRL_RE	 UINT32_C(0x00040000)
#define LPUART_CTRL_TE	 UINT32_C(0x00080000)
#define LPUART_CTRL_RIE	 UINT32_C(0x00200000)
#define LPUART_CTRL_TIE	 UINT32_C(0x00800000)
#define LPUART_CTRL_IRQS UINT32_C(0x0ff0c000) /* ORIE to ILIE, MA1IE, MA2IE */

#define LPUART_DATA_BAD 0x6000 /* FRETSC: framing error or break; PARITYE */

#define LPUART_FIFO_RXFE 0x08
#define LPUART_FIFO_TXFE 0x80

#endif
