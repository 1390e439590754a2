/* SPDX-License-Identifier: Apache-2.0 */
/*
 * 16550 UARTs: TL16C550 data manual (Texas Instruments SLLS177), and what the Synopsys DW_apb_uart
 * databook adds. Register numbers: the device tree says how far apart they are (reg-shift).
 */
#ifndef SPEC_NS16550_H
#define SPEC_NS16550_H

#define NS16550_DATA 0 /* RBR when read, THR when written */
#define NS16550_IER  1
#define NS16550_IIR  2 /* read */
#define NS16550_FCR  2 /* written */
#define NS16550_LCR  3
#define NS16550_MCR  4
#define NS16550_LSR  5
#define DW_UART_USR  31 /* reading it ends BUSY */

#define NS16550_IER_RX	0x01
#define NS16550_IER_TX	0x02

#define NS16550_IIR_ID	    0x0f
#define NS16550_IIR_BUSY    0x07 /* DW_apb_uart: LCR was written while a character went out */
#define NS16550_IIR_TIMEOUT 0x0c
#define NS16550_IIR_FIFOS   0xc0

#define NS16550_FCR_ENABLE 0x01
#define NS16550_LCR_DLAB   0x80
#define NS16550_MCR_ON	   0x0b /* DTR, RTS; OUT2 lets the interrupt out on PC-like boards */

#define NS16550_LSR_READY 0x01
#define NS16550_LSR_BAD	  0x1c /* parity, framing, break */
#define NS16550_LSR_THRE  0x20 /* with FIFOs: the whole FIFO is empty */
#define NS16550_LSR_TEMT  0x40

#endif
