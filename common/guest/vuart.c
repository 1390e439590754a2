/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The emulated PL011 of a guest: what Linux' amba-pl011 and sbsa-uart drivers, U-Boot and small
 * kernels need. Output is taken at once, so the transmit FIFO is always empty. Input waits in a
 * ring that is longer than the hardware's FIFO, because whole lines arrive at once.
 *
 * Locking: vuart->lock, a guest's own; held over vgic_set_level() so that levels keep their order.
 */
#include <string.h>

#include <hv/console.h>
#include <hv/pmem.h>
#include <hv/vuart.h>
#include <spec/pl011.h>

#define RX_SIZE 1024 /* power of two */

/* Registers that keep what is written, and which bits of it. There is no DMA for DMACR. */
#define KEPT(off) (((off) - PL011_IBRD) / 4)
static const uint16_t kept_bits[] = {
	[KEPT(PL011_IBRD)] = 0xffff, [KEPT(PL011_FBRD)] = 0x3f, [KEPT(PL011_LCR_H)] = 0xff,
	[KEPT(PL011_CR)] = 0xff87,   [KEPT(PL011_IFLS)] = 0x3f, [KEPT(PL011_IMSC)] = PL011_INT_ALL,
	[KEPT(PL011_DMACR)] = 0x7, /* RIS, MIS and ICR between them: none */
};

struct vuart {
	struct spinlock lock;
	struct vm *vm;
	uint32_t vintid;
	bool tx_ris;
	bool overrun;
	uint32_t head, tail; /* received, read */
	uint32_t kept[ARRAY_SIZE(kept_bits)];
	char rx[RX_SIZE];
};

/* PeriphID0..3 of revision r1p5, so that drivers assume FIFOs of 32, and PCellID0..3. */
static const uint8_t ids[] = { 0x11, 0x10, 0x34, 0x00, 0x0d, 0xf0, 0x05, 0xb1 };

static uint32_t rx_count(const struct vuart *u)
{
	return u->head - u->tail;
}

/*
 * Receive and receive-timeout are asserted while there is input, whatever the trigger level: a
 * timeout that elapses at once. Clearing them with input left therefore loses nothing.
 * Transmit is asserted by each write, because the FIFO drains at once, until cleared.
 */
static uint32_t ris(const struct vuart *u)
{
	return (rx_count(u) ? PL011_INT_RX | PL011_INT_RT : 0) | (u->tx_ris ? PL011_INT_TX : 0);
}

static uint32_t mis(const struct vuart *u)
{
	return ris(u) & u->kept[KEPT(PL011_IMSC)];
}

static void update_line(struct vuart *u, struct vcpu *cur)
{
	vgic_set_level(u->vm, cur, u->vintid, mis(u) != 0);
}

static uint32_t read_reg(struct vuart *u, uint64_t off)
{
	uint32_t n = rx_count(u), v = 0;

	switch (off) {
	case PL011_DR:
		if (n) {
			v = (uint8_t)u->rx[u->tail++ % RX_SIZE] | (u->overrun ? PL011_DR_OE : 0);
			u->overrun = false;
		}
		return v;
	case PL011_FR:
		return PL011_FR_TXFE | PL011_FR_CTS | PL011_FR_DSR | PL011_FR_DCD |
		       (n ? 0 : PL011_FR_RXFE) | (n >= PL011_FIFO ? PL011_FR_RXFF : 0);
	case PL011_RIS:
		return ris(u);
	case PL011_MIS:
		return mis(u);
	}
	if (off >= PL011_ID && off < PL011_ID + 4 * sizeof(ids))
		return ids[(off - PL011_ID) / 4];
	return off >= PL011_IBRD && off <= PL011_DMACR ? u->kept[KEPT(off)] : 0;
}

static void write_reg(struct vuart *u, uint64_t off, uint32_t v)
{
	if (off == PL011_DR)
		u->tx_ris = true;
	else if (off == PL011_RSR)
		u->overrun = false;
	else if (off == PL011_ICR)
		u->tx_ris = u->tx_ris && !(v & PL011_INT_TX);
	else if (off >= PL011_IBRD && off <= PL011_DMACR)
		u->kept[KEPT(off)] = v & kept_bits[KEPT(off)];
}

static enum emul access(struct vcpu *vcpu, void *arg, struct mmio_access *a)
{
	struct vuart *u = arg;
	uint64_t off = a->off & ~UINT64_C(3);
	unsigned shift = (unsigned)(a->off & 3) * 8;
	char c = (char)a->value;

	spin_lock(&u->lock, LOCK_VUART);
	if (!a->write)
		a->value = read_reg(u, off) >> shift;
	else if (!shift)
		write_reg(u, off, (uint32_t)a->value);
	update_line(u, vcpu);
	spin_unlock(&u->lock);
	/* Without the lock: the UART's interrupt may come for our input meanwhile. */
	if (a->write && !shift && off == PL011_DR)
		console_put(u->vm->console, &c, 1);
	return EMUL_OK;
}

static void receive(void *arg, char c)
{
	struct vuart *u = arg;

	spin_lock(&u->lock, LOCK_VUART);
	if (rx_count(u) < RX_SIZE)
		u->rx[u->head++ % RX_SIZE] = c;
	else
		u->overrun = true;
	/* From the UART's interrupt: not in the name of any vCPU. */
	update_line(u, NULL);
	spin_unlock(&u->lock);
}

void vuart_reset(struct vuart *u)
{
	spin_lock(&u->lock, LOCK_VUART);
	u->head = u->tail = 0;
	memset(u->kept, 0, sizeof(u->kept));
	u->kept[KEPT(PL011_CR)] = PL011_CR_RESET;
	u->kept[KEPT(PL011_IFLS)] = PL011_IFLS_RESET;
	u->tx_ris = u->overrun = false;
	update_line(u, NULL);
	spin_unlock(&u->lock);
}

enum hv_status vuart_init(struct vm *vm, ipa_t base, uint32_t vintid)
{
	struct vuart *u = pmem_alloc(sizeof(*u), 64);

	u->vm = vm;
	u->vintid = vintid;
	vuart_reset(u);
	vm->vuart = u;
	vm->console = console_add(vm->name, receive, u);
	return vm_emulate(vm, base, PAGE_SIZE, access, u, NULL);
}
