/*
 * Which UART is the console: /chosen stdout-path (a path or an alias, with ":115200n8" behind it),
 * else the first one that we drive. Touches no register.
 */
#include <string.h>

#include <hv/dt.h>

#include "serial_priv.h"

static const struct {
	const char *compatible;
	const struct uart_ops *ops;
	bool fixed;
} drivers[] = {
	{ "arm,pl011", &pl011_ops, false },
	{ "arm,sbsa-uart", &pl011_ops, true },
};

static struct serial serial;

static int driver_of(const void *fdt, int node)
{
	for (unsigned i = 0; i < ARRAY_SIZE(drivers); i++)
		if (dt_compatible(fdt, node, drivers[i].compatible))
			return (int)i;
	return -1;
}

static int stdout_node(const void *fdt)
{
	const char *path = dt_string(fdt, dt_find(fdt, "/chosen"), "stdout-path");

	return path ? dt_find(fdt, path) : -1;
}

static int first_node(const void *fdt)
{
	for (unsigned i = 0; i < ARRAY_SIZE(drivers); i++)
		for (int n = dt_next(fdt, -1, drivers[i].compatible); n >= 0;
		     n = dt_next(fdt, n, drivers[i].compatible))
			if (dt_enabled(fdt, n))
				return n;
	return -1;
}

enum hv_status uart_find(const void *fdt, struct uart *out, struct range *reg, uint32_t *intid)
{
	int node = stdout_node(fdt);
	struct dt_irq irq;
	int i;

	if (node < 0 || driver_of(fdt, node) < 0)
		node = first_node(fdt);
	if (node < 0 || dt_reg(fdt, node, 0, reg) != HV_OK)
		return HV_ENOENT;
	i = driver_of(fdt, node);
	*intid = dt_interrupt(fdt, node, 0, &irq) == HV_OK ? irq.intid : 0;
	serial = (struct serial){ .m = mmio_at(PA(reg->base)), .fixed = drivers[i].fixed };
	*out = (struct uart){ .ops = drivers[i].ops, .dev = &serial };
	return HV_OK;
}
