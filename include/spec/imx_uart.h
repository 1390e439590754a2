/* SPDX-License-Identifier: Apache-2.0 */
/* UART of i.MX: i.MX 8M Plus reference manual (IMX8MPRM), chapter 16.2. */
#ifndef SPEC_IMX_UART_H
#define SPEC_IMX_UART_H

#define IMX_UART_URXD 0x00
#define IMX_UART_UTXD 0x40
#define IMX_UART_UCR1 0x80
#define IMX_UART_UCR2 0x84
#define IMX_UART_UCR3 0x88
#define IMX_UART_UCR4 0x8c
#define IMX_UART_USR2 0x98

#define IMX_UART_URXD_BAD 0x5c00 /* ERR, FRMERR, BRK, PRERR */

#define IMX_UART_UCR1_UARTEN   0x0001
#define IMX_UART_UCR1_TXMPTYEN 0x0040 /* interrupt while the transmit FIFO is empty */
#define IMX_UART_UCR1_IRQS     0xb36c /* interrupts and DMA requests */

#define IMX_UART_UCR2_RXEN 0x0002
#define IMX_UART_UCR2_TXEN 0x0004
#define IMX_UART_UCR2_IRQS 0x8018

#define IMX_UART_UCR3_IRQS 0x3879

#define IMX_UART_UCR4_DREN 0x0001 /* interrupt while there is a character to read */
#define IMX_UART_UCR4_IRQS 0x01cf

#define IMX_UART_USR2_RDR  0x0001 /* a character can be read */
#define IMX_UART_USR2_TXDC 0x0008 /* FIFO and shift register are empty */
#define IMX_UART_USR2_TXFE 0x4000 /* the transmit FIFO is empty */

#define IMX_UART_FIFO_SIZE 32

#endif
