/* SPDX-License-Identifier: Apache-2.0 */
/* 16550 and its descendants; the Synopsys DW_apb_uart is one with two interrupts of its own. */
#include <spec/ns16550.h>

#include "uart_priv.h"

static void ns16550_init(void)
{
	if (uart_rd(NS16550_LCR) & NS16550_LCR_DLAB)
		uart_wr(NS16550_LCR, uart_rd(NS16550_LCR) & ~(uint32_t)NS16550_LCR_DLAB);
	uart_wr(NS16550_FCR, NS16550_FCR_ENABLE);
	uart_wr(NS16550_MCR, NS16550_MCR_ON);
	if ((uart_rd(NS16550_IIR) & NS16550_IIR_FIFOS) != NS16550_IIR_FIFOS)
		uart_has_no_fifo();
	uart_wr(NS16550_IER, NS16550_IER_RX);
}

static void ns16550_tx_irq(bool on)
{
	uart_wr(NS16550_IER, on ? NS16550_IER_RX | NS16550_IER_TX : NS16550_IER_RX);
}

/* DW_apb_uart: a timeout with nothing to read, and the busy interrupt, end by these reads only. */
static void ns16550_read_all(void)
{
	uint32_t id = uart_rd(NS16550_IIR) & NS16550_IIR_ID;

	if (id == NS16550_IIR_TIMEOUT)
		(void)uart_rd(NS16550_DATA);
	if (id == NS16550_IIR_BUSY)
		(void)uart_rd(DW_UART_USR);
}

const struct uart_kind uart_ns16550 = {
	.rx_data = NS16550_DATA,
	.tx_data = NS16550_DATA,
	.status = NS16550_LSR,
	.fifo = 16,
	.room = NS16550_LSR_THRE,
	.empty = NS16550_LSR_THRE,
	.ready = NS16550_LSR_READY,
	.idle = NS16550_LSR_TEMT,
	.bad_status = NS16550_LSR_BAD,
	.init = ns16550_init,
	.tx_irq = ns16550_tx_irq,
	.read_all = ns16550_read_all,
};
