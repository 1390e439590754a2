/* SPDX-License-Identifier: Apache-2.0 */
/* LPUART of i.MX and Layerscape, without its FIFOs: one character at a time. */
#include <spec/lpuart.h>

#include "uart_priv.h"

/* FIFOs and watermarks change only while transmitter and receiver are off. */
static void lpuart_init(void)
{
	uint32_t ctrl = uart_rd(LPUART_CTRL) & ~LPUART_CTRL_IRQS;

	if (uart_rd(LPUART_FIFO) & (LPUART_FIFO_TXFE | LPUART_FIFO_RXFE)) {
		if (ctrl & LPUART_CTRL_TE)
			uart_wait_idle();
		uart_wr(LPUART_CTRL, ctrl & ~(LPUART_CTRL_TE | LPUART_CTRL_RE));
		uart_wr(LPUART_FIFO,
			uart_rd(LPUART_FIFO) & ~(uint32_t)(LPUART_FIFO_TXFE | LPUART_FIFO_RXFE));
		uart_wr(LPUART_WATER, 0);
	}
	uart_wr(LPUART_CTRL, ctrl | LPUART_CTRL_TE | LPUART_CTRL_RE | LPUART_CTRL_RIE);
}

static void lpuart_tx_irq(bool on)
{
	uint32_t ctrl = uart_rd(LPUART_CTRL) & ~LPUART_CTRL_TIE;

	uart_wr(LPUART_CTRL, on ? ctrl | LPUART_CTRL_TIE : ctrl);
}

/* After an overrun nothing is received until its bit is cleared. */
static void lpuart_read_all(void)
{
	uint32_t stat = uart_rd(LPUART_STAT);

	if (stat & LPUART_STAT_ERRORS)
		uart_wr(LPUART_STAT, (stat & ~LPUART_STAT_W1C) | (stat & LPUART_STAT_ERRORS));
}

const struct uart_kind uart_lpuart = {
	.rx_data = LPUART_DATA,
	.tx_data = LPUART_DATA,
	.status = LPUART_STAT,
	.fifo = 1,
	.room = LPUART_STAT_TDRE,
	.empty = LPUART_STAT_TDRE,
	.ready = LPUART_STAT_RDRF,
	.idle = LPUART_STAT_TC,
	.bad_data = LPUART_DATA_BAD,
	.init = lpuart_init,
	.tx_irq = lpuart_tx_irq,
	.read_all = lpuart_read_all,
};
