/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A kind of UART: what differs between the UARTs that uart.c drives. One file each. One CPU at a
 * time writes (write, wrote, tx_irq), one at a time reads (read_all): they share no register.
 */
#ifndef UART_PRIV_H
#define UART_PRIV_H

#include <hv/console.h>
#include <hv/mmio.h>

/* Registers are numbers or offsets, as `reg-shift` of the device tree and the kind say. */
struct uart_kind {
	uint8_t rx_data, tx_data, status;
	uint8_t fifo;         /* characters that an empty transmitter takes */
	uint32_t low;         /* bits of `status` that say the contrary */
	uint32_t room, empty; /* bits of `status`, of the transmitter */
	uint32_t ready;       /* bits of `status`: a character can be read */
	uint32_t idle;        /* bits of `status`, all set: everything is on the line */
	uint32_t bad_data;    /* bits of what rx_data gives: not a character */
	uint32_t bad_status;  /* bits of `status` that came with it, the same */
	void (*init)(void);   /* keeps baud rate and format; no interrupt but the receiver's */
	void (*tx_irq)(bool on);
	/* May be NULL: */
	void (*wrote)(void);    /* some characters were written: ends the transmitter's interrupt */
	void (*read_all)(void); /* all was read: ends what else holds the interrupt line */
};

extern const struct uart_kind uart_pl011, uart_sbsa, uart_ns16550, uart_cadence, uart_imx,
	uart_lpuart;

uint32_t uart_rd(unsigned reg);
void uart_wr(unsigned reg, uint32_t v);
/* Waits until all is on the line, or for the time of some hundred characters. */
void uart_wait_idle(void);
void uart_has_no_fifo(void); /* this one of its kind */

#endif
