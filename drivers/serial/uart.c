/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The console's UART. Which one: /chosen stdout-path (a path or an alias, with ":115200n8" behind
 * it), else the first that we drive. A PL011, the SBSA generic UART, which is a subset of its
 * registers, and a 16550 differ in their registers only, so one driver reads a table of those.
 * Baud rate and line format are firmware's. The console serialises all calls.
 */
#include <hv/console.h>
#include <hv/dt.h>
#include <hv/mmio.h>
#include <spec/ns16550.h>
#include <spec/pl011.h>

#define READ_MAX  64 /* characters with errors that one call skips */
#define UART_FIFO 16 /* of a 16550, and of the oldest PL011 */

struct layout {
	uint8_t data, status, mask; /* registers */
	uint8_t rx, tx;             /* interrupts, bits of `mask` */
	uint8_t low;                /* bits of `status` that say the contrary */
	uint8_t room, empty, ready,
		idle; /* bits of `status`; room and empty are of the transmitter */
	uint32_t bad; /* bits of `data`, or of `status` << 16: not a character */
};

static const struct layout pl011 = {
	.data = PL011_DR,
	.status = PL011_FR,
	.mask = PL011_IMSC,
	.rx = PL011_INT_RX | PL011_INT_RT,
	.tx = PL011_INT_TX,
	.low = PL011_FR_TXFF | PL011_FR_RXFE | PL011_FR_BUSY,
	.room = PL011_FR_TXFF,
	.empty = PL011_FR_TXFE,
	.ready = PL011_FR_RXFE,
	.idle = PL011_FR_BUSY,
	.bad = PL011_DR_BAD,
};

static const struct layout ns16550 = {
	.data = NS16550_DATA,
	.status = NS16550_LSR,
	.mask = NS16550_IER,
	.rx = NS16550_IER_RX,
	.tx = NS16550_IER_TX,
	.room = NS16550_LSR_THRE,
	.empty = NS16550_LSR_THRE,
	.ready = NS16550_LSR_READY,
	.idle = NS16550_LSR_TEMT,
	.bad = NS16550_LSR_BAD << 16,
};

enum kind { PL011, SBSA, NS16550 };

static const struct {
	char compatible[19];
	uint8_t kind;
} drivers[] = {
	{ "arm,pl011", PL011 }, { "arm,sbsa-uart", SBSA },       { "ns16550a", NS16550 },
	{ "ns16550", NS16550 }, { "snps,dw-apb-uart", NS16550 },
};

static struct serial {
	struct mmio m;
	const struct layout *l;
	uint8_t kind;
	uint8_t shift; /* of register numbers */
	uint8_t width; /* bytes a register */
	uint8_t burst; /* characters that an empty FIFO takes */
} serial;

static uint32_t uart_rd(unsigned reg)
{
	uintptr_t at = serial.m.base + ((uintptr_t)reg << serial.shift);

	return serial.width == 4 ? arch_mmio_r32(at) : arch_mmio_r8(at);
}

static void uart_wr(unsigned reg, uint32_t v)
{
	uintptr_t at = serial.m.base + ((uintptr_t)reg << serial.shift);

	if (serial.width == 4)
		arch_mmio_w32(at, v);
	else
		arch_mmio_w8(at, (uint8_t)v);
}

static uint32_t status(void)
{
	return uart_rd(serial.l->status) ^ serial.l->low;
}

static void enable_pl011(void)
{
	uint32_t need = PL011_CR_UARTEN | PL011_CR_TXE | PL011_CR_RXE;

	if ((uart_rd(PL011_LCR_H) & PL011_LCR_H_FEN) && (uart_rd(PL011_CR) & need) == need)
		return;
	/* The line format changes only while the UART is off and idle (DDI 0183G §3.3.8). */
	if (uart_rd(PL011_CR) & PL011_CR_UARTEN) {
		enum hv_status idle = poll32(serial.m, REG32(PL011_FR), PL011_FR_BUSY, 0, 100000,
					     "pl011");

		(void)idle; /* a character may be cut; the console is worth more */
	}
	uart_wr(PL011_CR, 0);
	uart_wr(PL011_LCR_H, PL011_LCR_H_FEN | PL011_LCR_H_WLEN8);
	uart_wr(PL011_CR, need);
}

void uart_init(void)
{
	serial.burst = UART_FIFO;
	if (serial.kind == NS16550) {
		if (uart_rd(NS16550_LCR) & NS16550_LCR_DLAB)
			uart_wr(NS16550_LCR, uart_rd(NS16550_LCR) & ~(uint32_t)NS16550_LCR_DLAB);
		uart_wr(NS16550_FCR, NS16550_FCR_ENABLE);
		uart_wr(NS16550_MCR, NS16550_MCR_ON);
		if ((uart_rd(NS16550_IIR) & NS16550_IIR_FIFOS) != NS16550_IIR_FIFOS)
			serial.burst = 1;
	} else {
		if (serial.kind == PL011)
			enable_pl011();
		uart_wr(PL011_ICR, PL011_INT_ALL & ~PL011_INT_TX);
	}
	uart_wr(serial.l->mask, serial.l->rx);
}

unsigned uart_write(const char *text, unsigned n)
{
	unsigned i = 0;
	uint32_t now;

	while (i < n && ((now = status()) & serial.l->room))
		for (unsigned left = now & serial.l->empty ? serial.burst : 1; i < n && left;
		     left--)
			uart_wr(serial.l->data, (uint8_t)text[i++]);
	return i;
}

/* DW_apb_uart: a timeout with nothing to read, and the busy interrupt, end by these reads only. */
static void quiet_16550(void)
{
	uint32_t id = uart_rd(NS16550_IIR) & NS16550_IIR_ID;

	if (id == NS16550_IIR_TIMEOUT)
		(void)uart_rd(NS16550_DATA);
	if (id == NS16550_IIR_BUSY)
		(void)uart_rd(DW_UART_USR);
}

bool uart_read(char *c)
{
	for (unsigned i = 0; i < READ_MAX; i++) {
		uint32_t now = status(), data;

		if (!(now & serial.l->ready)) {
			if (serial.kind == NS16550)
				quiet_16550();
			return false;
		}
		data = uart_rd(serial.l->data);
		*c = (char)data;
		if (!((now << 16 | data) & serial.l->bad)) /* after an overrun this one is good */
			return true;
	}
	return false;
}

/*
 * The transmit interrupt of a PL011 comes when the FIFO falls to its trigger level, not while it
 * is below (DDI 0183G §2.8.2); the console asks for it only after a write that did not fit.
 */
void uart_tx_irq(bool on)
{
	uart_wr(serial.l->mask, on ? serial.l->rx | serial.l->tx : serial.l->rx);
}

bool uart_tx_idle(void)
{
	return status() & serial.l->idle;
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
	uint32_t shift = 0, width = 4;
	int node = uart_find_node(fdt);
	struct dt_irq irq;

	if (node < 0 || dt_reg(fdt, node, 0, reg) != HV_OK)
		return HV_ENOENT;
	serial.kind = drivers[driver_of(fdt, node)].kind;
	serial.l = &pl011;
	if (serial.kind == NS16550) {
		serial.l = &ns16550;
		shift = dt_u32(fdt, node, "reg-shift", 0);
		width = dt_u32(fdt, node, "reg-io-width", 1);
		if (shift > 4 || (width != 1 && width != 4))
			return HV_ENOENT;
	}
	serial.m = mmio_at(PA(reg->base));
	serial.shift = (uint8_t)shift;
	serial.width = (uint8_t)width;
	*intid = dt_interrupt(fdt, node, 0, &irq) == HV_OK ? irq.intid : 0;
	return HV_OK;
}
