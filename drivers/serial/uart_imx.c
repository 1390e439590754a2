/* SPDX-License-Identifier: Apache-2.0 */
/* UART of i.MX. */
#include <spec/imx_uart.h>

#include "uart_priv.h"

static void imx_change(unsigned reg, uint32_t clear, uint32_t set)
{
	uart_wr(reg, (uart_rd(reg) & ~clear) | set);
}

static void imx_init(void)
{
	imx_change(IMX_UART_UCR1, IMX_UART_UCR1_IRQS, IMX_UART_UCR1_UARTEN);
	imx_change(IMX_UART_UCR2, IMX_UART_UCR2_IRQS, IMX_UART_UCR2_RXEN | IMX_UART_UCR2_TXEN);
	imx_change(IMX_UART_UCR3, IMX_UART_UCR3_IRQS, 0);
	imx_change(IMX_UART_UCR4, IMX_UART_UCR4_IRQS, IMX_UART_UCR4_DREN);
}

static void imx_tx_irq(bool on)
{
	imx_change(IMX_UART_UCR1, IMX_UART_UCR1_TXMPTYEN, on ? IMX_UART_UCR1_TXMPTYEN : 0);
}

const struct uart_kind uart_imx = {
	.rx_data = IMX_UART_URXD,
	.tx_data = IMX_UART_UTXD,
	.status = IMX_UART_USR2,
	.fifo = IMX_UART_FIFO_SIZE,
	.room = IMX_UART_USR2_TXFE,
	.empty = IMX_UART_USR2_TXFE,
	.ready = IMX_UART_USR2_RDR,
	.idle = IMX_UART_USR2_TXDC,
	.bad_data = IMX_UART_URXD_BAD,
	.init = imx_init,
	.tx_irq = imx_tx_irq,
};
