/* SPDX-License-Identifier: Apache-2.0 */
/* PrimeCell UART (PL011), DDI 0183G, issue G, 2010; SBSA generic UART: DEN 0029, appendix B. */
#ifndef SPEC_PL011_H
#define SPEC_PL011_H

#define PL011_DR     0x000 /* §3.3.1 */
#define PL011_RSR    0x004
#define PL011_FR     0x018 /* §3.3.3 */
#define PL011_ILPR   0x020
#define PL011_IBRD   0x024
#define PL011_FBRD   0x028
#define PL011_LCR_H  0x02c /* §3.3.7 */
#define PL011_CR     0x030 /* §3.3.8 */
#define PL011_IFLS   0x034
#define PL011_IMSC   0x038
#define PL011_RIS    0x03c
#define PL011_MIS    0x040
#define PL011_ICR    0x044
#define PL011_DMACR  0x048
#define PL011_ID     0xfe0 /* PeriphID0..3, PCellID0..3, one byte a word: §3.3.15 */

#define PL011_DR_BAD	0x700 /* break, parity, framing */
#define PL011_DR_OE	0x800

#define PL011_FR_CTS	0x001
#define PL011_FR_DSR	0x002
#define PL011_FR_DCD	0x004
#define PL011_FR_BUSY	0x008
#define PL011_FR_RXFE	0x010
#define PL011_FR_TXFF	0x020
#define PL011_FR_RXFF	0x040
#define PL011_FR_TXFE	0x080

#define PL011_LCR_H_FEN	  0x10
#define PL011_LCR_H_WLEN8 0x60

#define PL011_CR_UARTEN	0x001
#define PL011_CR_TXE	0x100
#define PL011_CR_RXE	0x200
#define PL011_CR_RESET	0x300

#define PL011_IFLS_RESET 0x12

#define PL011_INT_RX	0x010 /* bits of IMSC, RIS, MIS and ICR: §3.3.10 */
#define PL011_INT_TX	0x020
#define PL011_INT_RT	0x040
#define PL011_INT_ALL	0x7ff

#define PL011_FIFO	32 /* r1p5 */

#endif
