/* SPDX-License-Identifier: Apache-2.0 */
/* Which UART becomes the console, and the drivers on models of the registers. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>
#include <libfdt.h>

#include <host.h>
#include <hv/console.h>
#include <spec/cadence_uart.h>
#include <spec/imx_uart.h>
#include <spec/lpuart.h>
#include <spec/ns16550.h>
#include <spec/pl011.h>

static uint8_t blob[4096];

static void cells(const char *name, const uint32_t *v, unsigned n)
{
	fdt32_t c[8];

	for (unsigned i = 0; i < n; i++)
		c[i] = cpu_to_fdt32(v[i]);
	assert_int_equal(fdt_property(blob, name, c, (int)(4 * n)), 0);
}

static void text(const char *name, const char *v)
{
	assert_int_equal(fdt_property(blob, name, v, (int)strlen(v) + 1), 0);
}

static uint32_t shift, width; /* of the second UART; 0: not said */

static void uart_node(const char *name, const char *compatible, uint32_t base, uint32_t spi)
{
	fdt_begin_node(blob, name);
	text("compatible", compatible);
	if (shift && spi == 8)
		cells("reg-shift", &shift, 1);
	if (width && spi == 8)
		cells("reg-io-width", &width, 1);
	cells("reg", (uint32_t[]){ 0, base, 0, 0x1000 }, 4);
	cells("interrupts", (uint32_t[]){ 0, spi, 4 }, 3);
	fdt_end_node(blob);
}

static void build(const char *stdout_path, const char *second)
{
	fdt_create(blob, sizeof(blob));
	fdt_finish_reservemap(blob);
	fdt_begin_node(blob, "");
	cells("#address-cells", (uint32_t[]){ 2 }, 1);
	cells("#size-cells", (uint32_t[]){ 2 }, 1);
	cells("interrupt-parent", (uint32_t[]){ 1 }, 1);
	fdt_begin_node(blob, "intc");
	text("compatible", "arm,gic-v3");
	fdt_property(blob, "interrupt-controller", NULL, 0);
	cells("#interrupt-cells", (uint32_t[]){ 3 }, 1);
	cells("phandle", (uint32_t[]){ 1 }, 1);
	fdt_end_node(blob);
	uart_node("serial@9000000", "arm,pl011", 0x9000000, 1);
	uart_node("serial@9040000", second, 0x9040000, 8);
	fdt_begin_node(blob, "aliases");
	text("serial1", "/serial@9040000");
	fdt_end_node(blob);
	fdt_begin_node(blob, "chosen");
	if (stdout_path)
		text("stdout-path", stdout_path);
	fdt_end_node(blob);
	fdt_end_node(blob);
	assert_int_equal(fdt_finish(blob), 0);
}

static void stdout_path_decides_else_the_first_that_we_drive(void **state)
{
	static const struct {
		const char *path, *second;
		uint32_t base, intid;
	} rows[] = {
		{ "/serial@9040000", "arm,pl011", 0x9040000, 40 },
		{ "serial1:115200n8", "arm,pl011", 0x9040000, 40 },
		{ "/serial@9040000:115200", "arm,sbsa-uart", 0x9040000, 40 },
		{ "serial1:9600n8r", "ns16550a", 0x9040000, 40 },
		{ "serial1", "snps,dw-apb-uart", 0x9040000, 40 },
		{ "serial7", "arm,pl011", 0x9000000, 33 },
		{ "", "arm,pl011", 0x9000000, 33 },
		{ ":9600", "arm,pl011", 0x9000000, 33 },
		{ "serial1", "cdns,uart-r1p12", 0x9040000, 40 },
		{ "serial1", "fsl,imx6q-uart", 0x9040000, 40 },
		{ "serial1", "fsl,imx8qxp-lpuart", 0x9040000, 40 },
		{ "serial1", "acme,uart", 0x9000000, 33 },
		{ NULL, "arm,sbsa-uart", 0x9000000, 33 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct range reg;
		uint32_t intid;

		build(rows[i].path, rows[i].second);
		assert_int_equal(uart_find(blob, &reg, &intid), HV_OK);
		assert_int_equal(reg.base, rows[i].base);
		assert_int_equal(reg.size, 0x1000);
		assert_int_equal(intid, rows[i].intid);
	}
}

static void board_without_a_uart_has_no_console(void **state)
{
	struct range reg;
	uint32_t intid;

	fdt_create(blob, sizeof(blob));
	fdt_finish_reservemap(blob);
	fdt_begin_node(blob, "");
	fdt_end_node(blob);
	fdt_finish(blob);
	assert_int_equal(uart_find(blob, &reg, &intid), HV_ENOENT);
}

#define AT 0x9040000 /* of the UART that is tested */

static void found(const char *compatible, uint32_t reg_shift, uint32_t io_width)
{
	struct range reg;
	uint32_t intid;

	shift = reg_shift;
	width = io_width;
	build("serial1", compatible);
	shift = width = 0;
	assert_int_equal(uart_find(blob, &reg, &intid), HV_OK);
}

/* ---- PL011 ---- */

static struct {
	uint32_t reg[0x1000 / 4];
	char sent[64];
	unsigned sent_len, fifo, fifo_max;
	const char *input;
	unsigned bad; /* divisor or format written while enabled */
} pl;

static uint64_t pl_read(void *model, uint64_t off, unsigned size)
{
	(void)model;
	assert_int_equal(size, 4);
	if (off == PL011_FR)
		return (pl.fifo >= pl.fifo_max ? PL011_FR_TXFF : 0) |
		       (pl.fifo ? PL011_FR_BUSY : PL011_FR_TXFE) |
		       (pl.input && *pl.input ? 0 : PL011_FR_RXFE);
	if (off == PL011_DR) {
		uint32_t c = (uint8_t)*pl.input++;

		return c == '!' ? c | 0x400 /* break */ : c;
	}
	return pl.reg[off / 4];
}

static void pl_write(void *model, uint64_t off, unsigned size, uint64_t v)
{
	(void)model;
	assert_int_equal(size, 4);
	if (off == PL011_DR) {
		assert_true(pl.fifo < pl.fifo_max);
		pl.fifo++;
		pl.sent[pl.sent_len++] = (char)v;
	}
	if (off == PL011_IBRD || off == PL011_FBRD ||
	    (off == PL011_LCR_H && (pl.reg[PL011_CR / 4] & PL011_CR_UARTEN)))
		pl.bad++;
	pl.reg[off / 4] = (uint32_t)v;
}

static void pl011_keeps_baud_rate_and_fills_the_fifo(void **state)
{
	found("arm,pl011", 0, 0);
	char c;

	memset(&pl, 0, sizeof(pl));
	pl.fifo_max = 16;
	pl.reg[PL011_CR / 4] = 0x301;
	host_mmio_add(AT, 0x1000, pl_read, pl_write, NULL);
	uart_init();
	assert_int_equal(pl.bad, 0);
	assert_int_equal(pl.reg[PL011_CR / 4], 0x301);
	assert_int_equal(pl.reg[PL011_LCR_H / 4], 0x70);
	assert_int_equal(pl.reg[PL011_IMSC / 4], PL011_INT_RX | PL011_INT_RT);
	assert_int_equal(uart_write("0123456789abcdefgh", 18), 16);
	assert_int_equal(uart_write("gh", 2), 0);
	assert_memory_equal(pl.sent, "0123456789abcdef", 16);
	pl.fifo = 13;
	assert_int_equal(uart_write("ghij", 4), 3);
	pl.fifo = 16;
	assert_false(uart_tx_idle());
	pl.fifo = 0;
	assert_true(uart_tx_idle());
	uart_tx_irq(true);
	assert_true(pl.reg[PL011_IMSC / 4] & PL011_INT_TX);
	uart_tx_irq(false);
	assert_int_equal(pl.reg[PL011_IMSC / 4], PL011_INT_RX | PL011_INT_RT);
	pl.input = "!a";
	assert_true(uart_read(&c));
	assert_int_equal(c, 'a');
	assert_false(uart_read(&c));
	host_mmio_clear();
}

static void sbsa_uart_has_no_control_registers(void **state)
{
	found("arm,sbsa-uart", 0, 0);

	memset(&pl, 0, sizeof(pl));
	host_mmio_add(AT, 0x1000, pl_read, pl_write, NULL);
	host_trace_clear();
	uart_init();
	assert_int_equal(host_trace_find(0, "w32", AT + PL011_CR), -1);
	assert_int_equal(host_trace_find(0, "w32", AT + PL011_LCR_H), -1);
	host_mmio_clear();
}

/* ---- 16550 ---- */

/*
 * The registers of a TL16C550, and of a DW_apb_uart where that differs: LCR does not change while
 * it is busy, and the attempt is an interrupt that only reading USR ends.
 */
static struct {
	unsigned shift, width;
	bool has_fifo, dw;
	bool fifo_on, tx_armed, busy_detect, timeout;
	uint8_t ier, lcr, mcr, dll;
	char sent[64];
	unsigned sent_len, in_fifo, lost;
	const char *input; /* '!' comes with a framing error */
} ns;

static bool ns_line(void)
{
	bool rx = (ns.input && *ns.input) || ns.timeout;

	return ((ns.ier & NS16550_IER_RX) && rx) || ((ns.ier & NS16550_IER_TX) && ns.tx_armed) ||
	       ns.busy_detect;
}

static void ns_drain(unsigned n)
{
	ns.in_fifo -= MIN(n, ns.in_fifo);
	ns.tx_armed |= ns.in_fifo == 0;
}

static uint8_t ns_iir(void)
{
	uint8_t fifos = ns.fifo_on && ns.has_fifo ? NS16550_IIR_FIFOS : 0;

	if (ns.busy_detect)
		return fifos | NS16550_IIR_BUSY;
	if (ns.timeout)
		return fifos | NS16550_IIR_TIMEOUT;
	if (ns.input && *ns.input)
		return fifos | 4;
	if (ns.tx_armed && (ns.ier & NS16550_IER_TX)) {
		ns.tx_armed = false; /* reading it is the acknowledgement */
		return fifos | 2;
	}
	return fifos | 1;
}

static uint64_t ns_read(void *model, uint64_t off, unsigned size)
{
	uint8_t c;

	(void)model;
	assert_int_equal(size, ns.width);
	assert_int_equal(off & ((1U << ns.shift) - 1), 0);
	switch (off >> ns.shift) {
	case NS16550_DATA:
		assert_false(ns.lcr & NS16550_LCR_DLAB);
		ns.timeout = false;
		c = ns.input && *ns.input ? (uint8_t)*ns.input++ : 0;
		return c;
	case NS16550_IER:
		return ns.ier;
	case NS16550_IIR:
		return ns_iir();
	case NS16550_LCR:
		return ns.lcr;
	case NS16550_MCR:
		return ns.mcr;
	case NS16550_LSR:
		return (ns.in_fifo ? 0 : NS16550_LSR_THRE | NS16550_LSR_TEMT) |
		       (ns.input && *ns.input ? NS16550_LSR_READY : 0) |
		       (ns.input && *ns.input == '!' ? 0x08 : 0);
	case DW_UART_USR:
		assert_true(ns.dw);
		ns.busy_detect = false;
		return 0;
	}
	fail_msg("read of register %u", (unsigned)(off >> ns.shift));
	return 0;
}

static void ns_write(void *model, uint64_t off, unsigned size, uint64_t v)
{
	(void)model;
	assert_int_equal(size, ns.width);
	assert_int_equal(off & ((1U << ns.shift) - 1), 0);
	switch (off >> ns.shift) {
	case NS16550_DATA:
		if (ns.lcr & NS16550_LCR_DLAB)
			ns.dll = (uint8_t)v;
		else if (ns.in_fifo == (ns.fifo_on && ns.has_fifo ? 16 : 1))
			ns.lost++;
		else {
			ns.in_fifo++;
			ns.tx_armed = false;
			ns.sent[ns.sent_len++ % sizeof(ns.sent)] = (char)v;
		}
		return;
	case NS16550_IER:
		assert_false(ns.lcr & NS16550_LCR_DLAB);
		ns.tx_armed |= !(ns.ier & NS16550_IER_TX) && (v & NS16550_IER_TX) && !ns.in_fifo;
		ns.ier = (uint8_t)v;
		return;
	case NS16550_FCR:
		assert_int_equal(v & 6, 0); /* what firmware still has in there goes out */
		ns.fifo_on = v & NS16550_FCR_ENABLE;
		return;
	case NS16550_LCR:
		if (ns.dw && ns.in_fifo)
			ns.busy_detect = true;
		else
			ns.lcr = (uint8_t)v;
		return;
	case NS16550_MCR:
		ns.mcr = (uint8_t)v;
		return;
	}
	fail_msg("write of register %u", (unsigned)(off >> ns.shift));
}

static void ns_begin(const char *compatible, unsigned reg_shift, unsigned io_width)
{
	found(compatible, reg_shift, io_width);

	memset(&ns, 0, sizeof(ns));
	ns.shift = reg_shift;
	ns.width = io_width ? io_width : 1;
	ns.has_fifo = true;
	ns.lcr = 0x1b; /* 8 bits, even parity: firmware's */
	ns.dll = 13;
	host_mmio_add(AT, 0x1000, ns_read, ns_write, NULL);
}

static void ns16550_works_at_every_spacing_and_width(void **state)
{
	static const struct {
		uint32_t shift, width;
	} rows[] = { { 0, 0 }, { 0, 1 }, { 2, 1 }, { 2, 4 } };

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		ns_begin("ns16550a", rows[i].shift, rows[i].width);
		char c;

		uart_init();
		assert_int_equal(ns.lcr, 0x1b);
		assert_int_equal(ns.dll, 13);
		assert_int_equal(ns.mcr, 0x0b);
		assert_int_equal(ns.ier, NS16550_IER_RX);
		assert_int_equal(uart_write("0123456789abcdefgh", 18), 16);
		assert_int_equal(uart_write("gh", 2), 0);
		assert_false(uart_tx_idle());
		ns_drain(16);
		assert_true(uart_tx_idle());
		assert_int_equal(uart_write("gh", 2), 2);
		assert_memory_equal(ns.sent, "0123456789abcdefgh", 18);
		assert_int_equal(ns.lost, 0);
		ns.input = "a!b";
		assert_true(ns_line());
		assert_true(uart_read(&c));
		assert_int_equal(c, 'a');
		assert_true(uart_read(&c));
		assert_int_equal(c, 'b');
		assert_false(uart_read(&c));
		assert_false(ns_line());
		host_mmio_clear();
	}
}

static void ns16550_interrupts_when_it_is_empty_again(void **state)
{
	ns_begin("ns16550a", 0, 0);

	uart_init();
	assert_int_equal(uart_write("0123456789abcdefgh", 18), 16);
	uart_tx_irq(true);
	assert_false(ns_line());
	ns_drain(16);
	assert_true(ns_line());
	assert_int_equal(uart_write("gh", 2), 2);
	uart_tx_irq(false);
	ns_drain(2);
	assert_false(ns_line());
	host_mmio_clear();
}

static void ns16550_without_a_fifo_gets_one_character_at_a_time(void **state)
{
	ns_begin("ns16550", 0, 0);

	ns.has_fifo = false;
	uart_init();
	assert_int_equal(uart_write("xyz", 3), 1);
	ns_drain(1);
	assert_int_equal(uart_write("yz", 2), 1);
	assert_int_equal(ns.lost, 0);
	host_mmio_clear();
}

static void ns16550_left_at_its_divisor_gets_its_registers_back(void **state)
{
	ns_begin("ns16550a", 0, 0);

	ns.lcr |= NS16550_LCR_DLAB;
	uart_init();
	assert_int_equal(ns.lcr, 0x1b);
	assert_int_equal(ns.dll, 13);
	host_mmio_clear();
}

static void dw_uart_quirks_end_their_interrupts(void **state)
{
	ns_begin("snps,dw-apb-uart", 2, 4);
	char c;

	ns.dw = true;
	uart_init();
	ns.timeout = true; /* with nothing to read */
	assert_true(ns_line());
	assert_false(uart_read(&c));
	assert_false(ns_line());
	ns.busy_detect = true;
	assert_false(uart_read(&c));
	assert_false(ns_line());
	host_mmio_clear();
}

static void broken_line_does_not_hold_the_cpu(void **state)
{
	static char noise[200];
	ns_begin("ns16550a", 0, 0);
	char c;

	memset(noise, '!', sizeof(noise) - 1);
	uart_init();
	ns.input = noise;
	assert_false(uart_read(&c));
	assert_true(ns.input - noise < 100);
	host_mmio_clear();
}

static void registers_that_we_cannot_reach_are_no_console(void **state)
{
	static const uint32_t rows[][2] = { { 5, 1 }, { 40, 4 }, { 1, 2 }, { 0, 8 } };
	struct range reg;
	uint32_t intid;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		shift = rows[i][0];
		width = rows[i][1];
		build("serial1", "ns16550a");
		assert_int_equal(uart_find(blob, &reg, &intid), HV_ENOENT);
	}
	shift = width = 0;
}

/* ---- UARTs of 32-bit registers: Cadence, i.MX, LPUART ---- */

static struct {
	uint32_t reg[0x100 / 4];
	char sent[128];
	unsigned sent_len, fifo, fifo_max, lost;
	const char *input; /* '!' comes with a framing error */
	bool overrun;      /* LPUART: nothing is received until the bit is cleared */
	uint32_t latched;  /* Cadence: ISR */
} soc;

static bool soc_has_input(void) { return soc.input && *soc.input && !soc.overrun; }

static void soc_begin(const char *compatible, unsigned fifo_max,
		      uint64_t (*read)(void *, uint64_t, unsigned),
		      void (*write)(void *, uint64_t, unsigned, uint64_t))
{
	found(compatible, 0, 0);
	memset(&soc, 0, sizeof(soc));
	soc.fifo_max = fifo_max;
	host_mmio_add(AT, 0x1000, read, write, NULL);
}

static void soc_send(uint64_t c)
{
	if (soc.fifo == soc.fifo_max) {
		soc.lost++;
		return;
	}
	soc.fifo++;
	soc.sent[soc.sent_len++ % sizeof(soc.sent)] = (char)c;
}

/* Each fills what is empty, asks for an interrupt when full, reads, and skips errors. */
static void soc_works(bool (*line)(void))
{
	static char text[100];
	unsigned written;
	char c;

	for (unsigned i = 0; i < sizeof(text); i++)
		text[i] = (char)('A' + i % 26);
	uart_init();
	assert_true(uart_tx_idle());
	assert_false(line());
	written = uart_write(text, sizeof(text));
	assert_int_equal(written, soc.fifo_max);
	assert_int_equal(uart_write(text, 1), 0);
	assert_false(uart_tx_idle());
	uart_tx_irq(true);
	assert_false(line());
	soc.fifo = 0;
	assert_true(line());
	assert_false(uart_read(&c)); /* what the handler does first; another CPU may do it, too */
	assert_true(line());
	written += uart_write(text + written, (unsigned)sizeof(text) - written);
	assert_false(line()); /* no storm while they go out */
	uart_tx_irq(false);
	soc.fifo = 0;
	assert_false(line());
	while (written < sizeof(text)) {
		written += uart_write(text + written, (unsigned)sizeof(text) - written);
		soc.fifo = 0;
	}
	assert_memory_equal(soc.sent, text, sizeof(text));
	assert_int_equal(soc.lost, 0);
	soc.input = "a!b";
	assert_true(line());
	assert_true(uart_read(&c));
	assert_int_equal(c, 'a');
	assert_true(uart_read(&c));
	assert_int_equal(c, soc.reg[CADENCE_UART_CR / 4] ? '!' : 'b'); /* Cadence does not tell */
	while (uart_read(&c))
		;
	assert_int_equal(c, 'b');
	assert_false(line());
	host_mmio_clear();
}

static void cadence_latch(void)
{
	if (soc_has_input())
		soc.latched |= CADENCE_UART_INT_RX;
	if (!soc.fifo)
		soc.latched |= CADENCE_UART_INT_TXEMPTY;
}

static bool cadence_line(void)
{
	cadence_latch();
	return soc.latched & soc.reg[CADENCE_UART_IER / 4];
}

static uint64_t cadence_read(void *model, uint64_t off, unsigned size)
{
	(void)model;
	assert_int_equal(size, 4);
	cadence_latch();
	if (off == CADENCE_UART_SR)
		return (soc_has_input() ? 0 : CADENCE_UART_SR_RXEMPTY) |
		       (soc.fifo ? CADENCE_UART_SR_TACTIVE : CADENCE_UART_SR_TXEMPTY) |
		       (soc.fifo == soc.fifo_max ? CADENCE_UART_SR_TXFULL : 0);
	if (off == CADENCE_UART_FIFO)
		return (uint8_t)*soc.input++;
	assert_int_equal(off, CADENCE_UART_CR);
	return soc.reg[off / 4];
}

static void cadence_write(void *model, uint64_t off, unsigned size, uint64_t v)
{
	(void)model;
	assert_int_equal(size, 4);
	cadence_latch();
	if (off == CADENCE_UART_FIFO)
		soc_send(v);
	else if (off == CADENCE_UART_IER)
		soc.reg[CADENCE_UART_IER / 4] |= (uint32_t)v;
	else if (off == CADENCE_UART_IDR)
		soc.reg[CADENCE_UART_IER / 4] &= ~(uint32_t)v;
	else if (off == CADENCE_UART_ISR)
		soc.latched &= ~(uint32_t)v;
	else
		soc.reg[off / 4] = (uint32_t)v;
	cadence_latch();
}

static void cadence_ends_what_it_latched(void **state)
{
	soc_begin("xlnx,xuartps", 64, cadence_read, cadence_write);
	soc.reg[CADENCE_UART_CR / 4] = 0x128 | CADENCE_UART_CR_RXDIS | CADENCE_UART_CR_TXDIS;
	soc.reg[CADENCE_UART_IER / 4] = CADENCE_UART_INT_ALL;
	soc.latched = CADENCE_UART_INT_ALL;
	soc_works(cadence_line);
}

static bool imx_line(void)
{
	return ((soc.reg[IMX_UART_UCR1 / 4] & IMX_UART_UCR1_TXMPTYEN) && !soc.fifo) ||
	       ((soc.reg[IMX_UART_UCR4 / 4] & IMX_UART_UCR4_DREN) && soc_has_input()) ||
	       (soc.reg[IMX_UART_UCR1 / 4] & 0x2200) || (soc.reg[IMX_UART_UCR2 / 4] & 0x8) ||
	       (soc.reg[IMX_UART_UCR3 / 4] & 0x70);
}

static uint64_t imx_read(void *model, uint64_t off, unsigned size)
{
	uint32_t c;

	(void)model;
	assert_int_equal(size, 4);
	if (off == IMX_UART_USR2)
		return (soc_has_input() ? IMX_UART_USR2_RDR : 0) |
		       (soc.fifo ? 0 : IMX_UART_USR2_TXFE | IMX_UART_USR2_TXDC);
	if (off != IMX_UART_URXD)
		return soc.reg[off / 4];
	c = (uint8_t)*soc.input++;
	return c | (c == '!' ? 0x1000 : 0) | 0x8000;
}

static void imx_write(void *model, uint64_t off, unsigned size, uint64_t v)
{
	(void)model;
	assert_int_equal(size, 4);
	if (off == IMX_UART_UTXD)
		soc_send(v);
	else
		soc.reg[off / 4] = (uint32_t)v;
}

static void imx_leaves_firmwares_interrupts_off(void **state)
{
	soc_begin("fsl,imx6q-uart", 32, imx_read, imx_write);
	soc.reg[IMX_UART_UCR1 / 4] = 0x2201;
	soc.reg[IMX_UART_UCR2 / 4] = 0x402f; /* IRTS, WS, ATEN, TXEN, RXEN, no reset */
	soc.reg[IMX_UART_UCR3 / 4] = 0x0774; /* RXDMUXSEL must stay */
	soc.reg[IMX_UART_UCR4 / 4] = 0x8000;
	soc_works(imx_line);
	assert_int_equal(soc.reg[IMX_UART_UCR2 / 4], 0x4027);
	assert_int_equal(soc.reg[IMX_UART_UCR3 / 4], 0x0704);
	assert_int_equal(soc.reg[IMX_UART_UCR4 / 4], 0x8001);
}

static unsigned lpuart_base;

static uint32_t *lpuart_reg(uint64_t off) { return &soc.reg[off / 4 + 1]; }

static bool lpuart_line(void)
{
	uint32_t ctrl = *lpuart_reg(LPUART_CTRL);

	return ((ctrl & LPUART_CTRL_TIE) && !soc.fifo) ||
	       ((ctrl & LPUART_CTRL_RIE) && soc_has_input()) || (ctrl & (1U << 27 | 1U << 20));
}

static uint64_t lpuart_read(void *model, uint64_t off, unsigned size)
{
	uint32_t c;

	(void)model;
	assert_int_equal(size, 4);
	assert_true(off >= lpuart_base);
	off -= lpuart_base;
	if (off == LPUART_STAT)
		return (soc_has_input() ? LPUART_STAT_RDRF : 0) | (soc.overrun ? 1U << 19 : 0) |
		       (soc.fifo ? 0 : LPUART_STAT_TDRE | LPUART_STAT_TC) | 1U << 29 /* MSBF */;
	if (off != LPUART_DATA)
		return *lpuart_reg(off);
	c = (uint8_t)*soc.input++;
	return c | (c == '!' ? 0x2000 : 0);
}

static void lpuart_write(void *model, uint64_t off, unsigned size, uint64_t v)
{
	(void)model;
	assert_int_equal(size, 4);
	assert_true(off >= lpuart_base);
	off -= lpuart_base;
	if (off == LPUART_DATA)
		soc_send(v);
	else if (off == LPUART_STAT) {
		assert_true(v & 1U << 29);
		soc.overrun &= !(v & 1U << 19);
	} else {
		if (off == LPUART_FIFO || off == LPUART_WATER)
			assert_false(*lpuart_reg(LPUART_CTRL) & (LPUART_CTRL_TE | LPUART_CTRL_RE));
		*lpuart_reg(off) = (uint32_t)v;
	}
}

static void lpuart_sends_one_by_one_and_ends_an_overrun(void **state)
{
	static const struct {
		const char *compatible;
		unsigned base;
	} rows[] = { { "fsl,imx7ulp-lpuart", 0x10 }, { "fsl,ls1028a-lpuart", 0 } };
	char c;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		lpuart_base = rows[i].base;
		soc_begin(rows[i].compatible, 1, lpuart_read, lpuart_write);
		*lpuart_reg(LPUART_CTRL) = LPUART_CTRL_TE | LPUART_CTRL_RE | 1U << 27 | 1U << 20;
		*lpuart_reg(LPUART_FIFO) = 0x99;
		*lpuart_reg(LPUART_WATER) = 0x00010008;
		soc_works(lpuart_line);
		assert_int_equal(*lpuart_reg(LPUART_FIFO), 0x11);
		assert_int_equal(*lpuart_reg(LPUART_WATER), 0);

		soc_begin(rows[i].compatible, 1, lpuart_read, lpuart_write);
		uart_init();
		soc.input = "z";
		soc.overrun = true;
		assert_true(uart_read(&c)); /* it was waited for behind the overrun */
		assert_int_equal(c, 'z');
		host_mmio_clear();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stdout_path_decides_else_the_first_that_we_drive),
		cmocka_unit_test(board_without_a_uart_has_no_console),
		cmocka_unit_test(pl011_keeps_baud_rate_and_fills_the_fifo),
		cmocka_unit_test(sbsa_uart_has_no_control_registers),
		cmocka_unit_test(ns16550_works_at_every_spacing_and_width),
		cmocka_unit_test(ns16550_interrupts_when_it_is_empty_again),
		cmocka_unit_test(ns16550_without_a_fifo_gets_one_character_at_a_time),
		cmocka_unit_test(ns16550_left_at_its_divisor_gets_its_registers_back),
		cmocka_unit_test(dw_uart_quirks_end_their_interrupts),
		cmocka_unit_test(broken_line_does_not_hold_the_cpu),
		cmocka_unit_test(cadence_ends_what_it_latched),
		cmocka_unit_test(imx_leaves_firmwares_interrupts_off),
		cmocka_unit_test(lpuart_sends_one_by_one_and_ends_an_overrun),
		cmocka_unit_test(registers_that_we_cannot_reach_are_no_console),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
