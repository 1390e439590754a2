/* Which UART becomes the console. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>
#include <libfdt.h>

#include <hv/console.h>

#include "../../drivers/serial/serial_priv.h"

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

static void uart_node(const char *name, const char *compatible, uint32_t base, uint32_t spi)
{
	fdt_begin_node(blob, name);
	text("compatible", compatible);
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
		bool fixed;
	} rows[] = {
		{ "/serial@9040000", "arm,pl011", 0x9040000, 40, false },
		{ "serial1:115200n8", "arm,pl011", 0x9040000, 40, false },
		{ "/serial@9040000:115200", "arm,sbsa-uart", 0x9040000, 40, true },
		{ "serial7", "arm,pl011", 0x9000000, 33, false },
		{ "", "arm,pl011", 0x9000000, 33, false },
		{ ":9600", "arm,pl011", 0x9000000, 33, false },
		{ "serial1", "acme,uart", 0x9000000, 33, false },
		{ NULL, "arm,sbsa-uart", 0x9000000, 33, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct range reg;
		uint32_t intid;
		struct uart u;
		const struct serial *s;

		build(rows[i].path, rows[i].second);
		assert_int_equal(uart_find(blob, &u, &reg, &intid), HV_OK);
		s = u.dev;
		assert_int_equal(reg.base, rows[i].base);
		assert_int_equal(reg.size, 0x1000);
		assert_int_equal(intid, rows[i].intid);
		assert_int_equal(s->m.base, rows[i].base);
		assert_int_equal(s->fixed, rows[i].fixed);
	}
}

static void board_without_a_uart_has_no_console(void **state)
{
	struct range reg;
	uint32_t intid;
	struct uart u;

	(void)state;
	fdt_create(blob, sizeof(blob));
	fdt_finish_reservemap(blob);
	fdt_begin_node(blob, "");
	fdt_end_node(blob);
	fdt_finish(blob);
	assert_int_equal(uart_find(blob, &u, &reg, &intid), HV_ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stdout_path_decides_else_the_first_that_we_drive),
		cmocka_unit_test(board_without_a_uart_has_no_console),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
