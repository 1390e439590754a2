/* SPDX-License-Identifier: Apache-2.0 */
/* PL011, and the SBSA generic UART, which is a subset of its registers. */
#include <spec/pl011.h>

#include "uart_priv.h"

static void sbsa_init(void)
{
	uart_wr(PL011_ICR, PL011_INT_ALL & ~PL011_INT_TX);
	uart_wr(PL011_IMSC, PL011_INT_RX | PL011_INT_RT);
}

static void pl011_init(void)
{
	uint32_t need = PL011_CR_UARTEN | PL011_CR_TXE | PL011_CR_RXE;

	if (!(uart_rd(PL011_LCR_H) & PL011_LCR_H_FEN) || (uart_rd(PL011_CR) & need) != need) {
		/* The format changes only while the UART is off and idle (DDI 0183G §3.3.8). */
		if (uart_rd(PL011_CR) & PL011_CR_UARTEN)
			uart_wait_idle();
		uart_wr(PL011_CR, 0);
		uart_wr(PL011_LCR_H, PL011_LCR_H_FEN | PL011_LCR_H_WLEN8);
		uart_wr(PL011_CR, need);
	}
	sbsa_init();
}

/*
 * The transmit interrupt of a PL011 comes when the FIFO falls to its trigger level, not while it
 * is below (DDI 0183G §2.8.2); the console asks for it only after a write that did not fit.
 */
static void pl011_tx_irq(bool on)
{
	uint32_t rx = PL011_INT_RX | PL011_INT_RT;

	uart_wr(PL011_IMSC, on ? rx | PL011_INT_TX : rx);
}

#define PL011_LAYOUT                                                                               \
	.rx_data = PL011_DR, .tx_data = PL011_DR, .status = PL011_FR,                              \
	.fifo = 16, /* of the oldest */                                                            \
		.low = PL011_FR_TXFF | PL011_FR_RXFE | PL011_FR_BUSY, .room = PL011_FR_TXFF,       \
	.empty = PL011_FR_TXFE, .ready = PL011_FR_RXFE, .idle = PL011_FR_BUSY,                     \
	.bad_data = PL011_DR_BAD, .tx_irq = pl011_tx_irq

const struct uart_kind uart_pl011 = { PL011_LAYOUT, .init = pl011_init };
const struct uart_kind uart_sbsa = { PL011_LAYOUT, .init = sbsa_init };
