/* SPDX-License-Identifier: Apache-2.0 */
/* Cadence UART. Its interrupts are latched: they stay until ISR is written, whatever was read. */
#include <spec/cadence_uart.h>

#include "uart_priv.h"

static void cadence_init(void)
{
	uart_wr(CADENCE_UART_IDR, CADENCE_UART_INT_ALL);
	uart_wr(CADENCE_UART_CR, (uart_rd(CADENCE_UART_CR) &
				  ~(uint32_t)(CADENCE_UART_CR_RXDIS | CADENCE_UART_CR_TXDIS)) |
					 CADENCE_UART_CR_RXEN | CADENCE_UART_CR_TXEN);
	uart_wr(CADENCE_UART_RXWM, 1);
	uart_wr(CADENCE_UART_ISR, CADENCE_UART_INT_ALL);
	uart_wr(CADENCE_UART_IER, CADENCE_UART_INT_RX);
}

static void cadence_tx_irq(bool on)
{
	uart_wr(on ? CADENCE_UART_IER : CADENCE_UART_IDR, CADENCE_UART_INT_TXEMPTY);
}

/*
 * TXEMPTY is latched again as long as the FIFO is empty: it is cleared when it has something. A
 * full FIFO lasts for milliseconds, so the next time that it is empty is not missed.
 */
static void cadence_wrote(void)
{
	uart_wr(CADENCE_UART_ISR, CADENCE_UART_INT_TXEMPTY);
}

/* uart_read() looks at the FIFO again behind this. */
static void cadence_read_all(void)
{
	uart_wr(CADENCE_UART_ISR, CADENCE_UART_INT_ALL & ~CADENCE_UART_INT_TXEMPTY);
}

const struct uart_kind uart_cadence = {
	.rx_data = CADENCE_UART_FIFO,
	.tx_data = CADENCE_UART_FIFO,
	.status = CADENCE_UART_SR,
	.fifo = CADENCE_UART_FIFO_SIZE,
	.low = CADENCE_UART_SR_RXEMPTY | CADENCE_UART_SR_TXFULL | CADENCE_UART_SR_TACTIVE,
	.room = CADENCE_UART_SR_TXFULL,
	.empty = CADENCE_UART_SR_TXEMPTY,
	.ready = CADENCE_UART_SR_RXEMPTY,
	.idle = CADENCE_UART_SR_TXEMPTY | CADENCE_UART_SR_TACTIVE,
	.init = cadence_init,
	.tx_irq = cadence_tx_irq,
	.wrote = cadence_wrote,
	.read_all = cadence_read_all,
};
