/*
 * The physical PL011, and the SBSA generic UART, which is a subset of its registers. The baud rate
 * is firmware's: divisors are never written. The console serialises all calls.
 */
#include <spec/pl011.h>

#include "serial_priv.h"

#define DR    REG32(PL011_DR)
#define FR    REG32(PL011_FR)
#define LCR_H REG32(PL011_LCR_H)
#define CR    REG32(PL011_CR)
#define IMSC  REG32(PL011_IMSC)
#define ICR   REG32(PL011_ICR)

#define RX_INTS (PL011_INT_RX | PL011_INT_RT)

static void enable(struct mmio m)
{
	uint32_t need = PL011_CR_UARTEN | PL011_CR_TXE | PL011_CR_RXE;

	if ((rd32(m, LCR_H) & PL011_LCR_H_FEN) && (rd32(m, CR) & need) == need)
		return;
	/* The line format changes only while the UART is off and idle (DDI 0183G §3.3.8). */
	if (rd32(m, CR) & PL011_CR_UARTEN) {
		enum hv_status idle = poll32(m, FR, PL011_FR_BUSY, 0, 100000, "pl011");

		(void)idle; /* a character may be cut; the console is worth more */
	}
	wr32(m, CR, 0);
	wr32(m, LCR_H, PL011_LCR_H_FEN | PL011_LCR_H_WLEN8);
	wr32(m, CR, need);
}

static void pl011_init(void *dev)
{
	struct serial *s = dev;

	if (!s->fixed)
		enable(s->m);
	wr32(s->m, ICR, PL011_INT_ALL & ~PL011_INT_TX);
	wr32(s->m, IMSC, RX_INTS);
}

static unsigned pl011_write(void *dev, const char *text, unsigned n)
{
	struct serial *s = dev;
	unsigned i;

	for (i = 0; i < n && !(rd32(s->m, FR) & PL011_FR_TXFF); i++)
		wr32(s->m, DR, (uint8_t)text[i]);
	return i;
}

static bool pl011_read(void *dev, char *c)
{
	struct serial *s = dev;

	/* Characters with an error are skipped; at most one FIFO of them. */
	for (unsigned i = 0; i < PL011_FIFO && !(rd32(s->m, FR) & PL011_FR_RXFE); i++) {
		uint32_t d = rd32(s->m, DR);

		*c = (char)d;
		if (!(d & PL011_DR_BAD)) /* after an overrun this one is good */
			return true;
	}
	return false;
}

/*
 * The transmit interrupt comes when the FIFO falls to its trigger level, not while it is below
 * (DDI 0183G §2.8.2); the console asks for it only after a write that did not fit.
 */
static void pl011_tx_irq(void *dev, bool on)
{
	struct serial *s = dev;

	wr32(s->m, IMSC, on ? RX_INTS | PL011_INT_TX : RX_INTS);
}

static bool pl011_tx_idle(void *dev)
{
	struct serial *s = dev;

	return !(rd32(s->m, FR) & PL011_FR_BUSY);
}

const struct uart_ops pl011_ops = {
	.init = pl011_init,
	.write = pl011_write,
	.read = pl011_read,
	.tx_irq = pl011_tx_irq,
	.tx_idle = pl011_tx_idle,
};
