/* SPDX-License-Identifier: Apache-2.0 */
/* Cadence UART of Zynq and ZynqMP: UG585 (Zynq-7000 TRM) chapter 19 and appendix B.33. */
#ifndef SPEC_CADENCE_UART_H
#define SPEC_CADENCE_UART_H

#define CADENCE_UART_CR	  0x00
#define CADENCE_UART_IER  0x08 /* ones enable */
#define CADENCE_UART_IDR  0x0c /* ones disable */
#define CADENCE_UART_ISR  0x14 /* latched; ones clear */
#define CADENCE_UART_RXWM 0x20 /* characters at which INT_RX is set */
#define CADENCE_UART_SR	  0x2c
#define CADENCE_UART_FIFO 0x30

#define CADENCE_UART_CR_RXEN  0x04
#define CADENCE_UART_CR_RXDIS 0x08
#define CADENCE_UART_CR_TXEN  0x10
#define CADENCE_UART_CR_TXDIS 0x20

#define CADENCE_UART_INT_RX	 0x0001
#define CADENCE_UART_INT_TXEMPTY 0x0008
#define CADENCE_UART_INT_ALL	 0x1fff

#define CADENCE_UART_SR_RXEMPTY 0x002
#define CADENCE_UART_SR_TXEMPTY 0x008
#define CADENCE_UART_SR_TXFULL	0x010
#define CADENCE_UART_SR_TACTIVE 0x800 /* a character goes out */

#define CADENCE_UART_FIFO_SIZE 64

#endif
