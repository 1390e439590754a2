/* What the UART drivers have in common: one entry of uart.c's table. */
#ifndef SERIAL_PRIV_H
#define SERIAL_PRIV_H

#include <hv/console.h>
#include <hv/mmio.h>

struct serial {
	struct mmio m;
	bool fixed; /* SBSA: line format and enable belong to firmware, no such registers */
};

extern const struct uart_ops pl011_ops;

#endif
