/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The console's UART. Which one: /chosen stdout-path (a path or an alias, with ":115200n8" behind
 * it), else the first that we drive. Baud rate and line format are firmware's. The console
 * serialises all calls. The kinds of UART are tables in uart_*.c.
 */
#include <hv/dt.h>
#include <spec/lpuart.h>

#include "uart_priv.h"

#define READ_MAX 64 /* characters with errors that one call skips */

static const struct {
	char compatible[20];
	uint8_t width;  /* bytes a register; 0: the node's reg-io-width and reg-shift say */
	uint8_t offset; /* of the first register that its kind has */
	const struct uart_kind *kind;
} drivers[] = {
	{ "arm,pl011", 4, 0, &uart_pl011 },
	{ "arm,sbsa-uart", 4, 0, &uart_sbsa },
	{ "ns16550a", 0, 0, &uart_ns16550 },
	{ "ns16550", 0, 0, &uart_ns16550 },
	{ "snps,dw-apb-uart", 0, 0, &uart_ns16550 },
	{ "cdns,uart-r1p12", 4, 0, &uart_cadence },
	{ "xlnx,xuartps", 4, 0, &uart_cadence },
	{ "fsl,imx6q-uart", 4, 0, &uart_imx },
	{ "fsl,imx21-uart", 4, 0, &uart_imx },
	{ "fsl,imx7ulp-lpuart", 4, LPUART_IMX_BAUD, &uart_lpuart },
	{ "fsl,imx8qxp-lpuart", 4, LPUART_IMX_BAUD, &uart_lpuart },
	{ "fsl,ls1028a-lpuart", 4, 0, &uart_lpuart },
};

static struct serial {
	struct mmio m;
	const struct uart_kind *kind;
	uint8_t shift;  /* of register numbers */
	uint8_t width;  /* bytes a register */
	uint8_t offset; /* of register 0 */
	uint8_t burst;  /* characters that an empty transmitter takes */
} serial __ro_after_boot;

static uintptr_t uart_reg_address(unsigned reg)
{
	return serial.m.base + serial.offset + ((uintptr_t)reg << serial.shift);
}

uint32_t uart_rd(unsigned reg)
{
	uintptr_t at = uart_reg_address(reg);

	return serial.width == 4 ? arch_mmio_r32(at) : arch_mmio_r8(at);
}

void uart_wr(unsigned reg, uint32_t v)
{
	uintptr_t at = uart_reg_address(reg);

	if (serial.width == 4)
		arch_mmio_w32(at, v);
	else
		arch_mmio_w8(at, (uint8_t)v);
}

static uint32_t uart_status(void)
{
	return uart_rd(serial.kind->status) ^ serial.kind->low;
}

void uart_wait_idle(void)
{
	uint32_t idle = serial.kind->idle;
	enum hv_status done = poll32(serial.m, REG32(serial.offset + serial.kind->status), idle,
				     idle & ~serial.kind->low, 100000, "uart");

	(void)done; /* a character may be cut; the console is worth more */
}

void uart_has_no_fifo(void)
{
	serial.burst = 1;
}

void uart_init(void)
{
	serial.burst = serial.kind->fifo;
	serial.kind->init();
}

unsigned uart_write(const char *text, unsigned n)
{
	unsigned i = 0;
	uint32_t now;

	while (i < n && ((now = uart_status()) & serial.kind->room))
		for (unsigned left = now & serial.kind->empty ? serial.burst : 1; i < n && left;
		     left--)
			uart_wr(serial.kind->tx_data, (uint8_t)text[i++]);
	if (i && serial.kind->wrote)
		serial.kind->wrote();
	return i;
}

/* Ends what else holds the interrupt line, then: is there something to read? */
static bool uart_ready_after_all(void)
{
	if (!serial.kind->read_all)
		return false;
	serial.kind->read_all();
	return uart_status() & serial.kind->ready;
}

bool uart_read(char *c)
{
	for (unsigned i = 0; i < READ_MAX; i++) {
		uint32_t now = uart_status(), data;

		if (!(now & serial.kind->ready)) {
			if (!uart_ready_after_all())
				return false;
			continue;
		}
		data = uart_rd(serial.kind->rx_data);
		*c = (char)data;
		/* After an overrun this one is good. */
		if (!(now & serial.kind->bad_status) && !(data & serial.kind->bad_data))
			return true;
	}
	return false;
}

void uart_tx_irq(bool on)
{
	serial.kind->tx_irq(on);
}

bool uart_tx_idle(void)
{
	return (uart_status() & serial.kind->idle) == serial.kind->idle;
}

static int driver_of(const void *fdt, int node)
{
	for (unsigned i = 0; i < ARRAY_SIZE(drivers); i++)
		if (dt_compatible(fdt, node, drivers[i].compatible))
			return (int)i;
	return -1;
}

static int first_node(const void *fdt)
{
	for (unsigned i = 0; i < ARRAY_SIZE(drivers); i++)
		dt_for_each(n, fdt, drivers[i].compatible)
			if (dt_enabled(fdt, n))
				return n;
	return -1;
}

int uart_find_node(const void *fdt)
{
	const char *path = dt_string(fdt, dt_find(fdt, "/chosen"), "stdout-path");
	int node = path ? dt_find(fdt, path) : -1;

	return node < 0 || driver_of(fdt, node) < 0 ? first_node(fdt) : node;
}

enum hv_status uart_find(const void *fdt, struct range *reg, uint32_t *intid)
{
	uint32_t shift = 0, width;
	int node = uart_find_node(fdt), driver;
	struct dt_irq irq;

	if (node < 0 || dt_reg(fdt, node, 0, reg) != HV_OK)
		return HV_ENOENT;
	driver = driver_of(fdt, node);
	width = drivers[driver].width;
	if (!width) {
		shift = dt_u32(fdt, node, "reg-shift", 0);
		width = dt_u32(fdt, node, "reg-io-width", 1);
	}
	if (shift > 4 || (width != 1 && width != 4))
		return HV_ENOENT;
	serial.kind = drivers[driver].kind;
	serial.m = mmio_at(PA(reg->base));
	serial.shift = (uint8_t)shift;
	serial.width = (uint8_t)width;
	serial.offset = drivers[driver].offset;
	*intid = dt_interrupt(fdt, node, 0, &irq) == HV_OK ? irq.intid : 0;
	return HV_OK;
}
