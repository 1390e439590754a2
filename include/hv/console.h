/*
 * The one physical UART, shared: a ring per guest, each line prefixed with "(name) ", input to
 * one guest at a time. Ctrl-a three times switches, Ctrl-a and a letter is a command, Ctrl-a
 * twice and then any other key sends one Ctrl-a.
 *
 * Locking: one lock a ring; the ring lock is the last in the order.
 */
#ifndef HV_CONSOLE_H
#define HV_CONSOLE_H

#include <hv/status.h>
#include <hv/types.h>

struct uart_ops {
	void (*init)(void *dev);		/* keeps firmware's baud rate */
	unsigned (*write)(void *dev, const char *s, unsigned n); /* what fits in the FIFO now */
	bool (*read)(void *dev, char *c);
	void (*tx_irq)(void *dev, bool on);	/* interrupt when there is room */
	bool (*tx_idle)(void *dev);
};

struct uart {
	const struct uart_ops *ops;
	void *dev;
};

/* From /chosen stdout-path, else the first arm,pl011; the caller mapped it. HV_ENOENT: no console. */
enum hv_status __must_check uart_find(const void *fdt, struct uart *out, struct range *reg,
				      uint32_t *intid);

void console_init(struct uart u);
/* A guest's ring: returns its number. `rx` gets input, on the CPU that owns the UART interrupt. */
uint8_t console_add(const char *name, void (*rx)(void *arg, char c), void *arg);
void console_put(uint8_t ring, char c);
/* A whole line of Viaduct's own; never loses its prefix, never blocks for long. */
void console_log(const char *line, size_t n);
/* Moves rings to the UART and input to the guest: from the UART interrupt, or polled at boot. */
void console_poll(void);
/* Everything out, synchronously: before power-off and in a crash. */
void console_flush(void);

#endif
