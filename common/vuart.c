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

struct vuart {
	struct spinlock lock;
	struct vm *vm;
	uint32_t vintid;
	bool line; /* level last given to the virtual GIC */
	bool tx_ris;
	bool overrun;
	uint32_t head, tail; /* received, read */
	uint32_t ibrd, fbrd, lcr_h, cr, ifls, imsc, dmacr;
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

static void update_line(struct vuart *u, struct vcpu *cur)
{
	bool level = (ris(u) & u->imsc) != 0;

	if (level == u->line)
		return;
	u->line = level;
	vgic_set_level(u->vm, cur, u->vintid, level);
}

static uint32_t read_dr(struct vuart *u)
{
	uint32_t d;

	if (!rx_count(u))
		return 0;
	d = (uint8_t)u->rx[u->tail++ % RX_SIZE];
	if (u->overrun)
		d |= PL011_DR_OE;
	u->overrun = false;
	return d;
}

static uint32_t read_fr(const struct vuart *u)
{
	uint32_t fr = PL011_FR_TXFE | PL011_FR_CTS | PL011_FR_DSR | PL011_FR_DCD;

	if (!rx_count(u))
		fr |= PL011_FR_RXFE;
	if (rx_count(u) >= PL011_FIFO)
		fr |= PL011_FR_RXFF;
	return fr;
}

static uint32_t read_reg(struct vuart *u, uint64_t off)
{
	switch (off) {
	case PL011_DR:
		return read_dr(u);
	case PL011_FR:
		return read_fr(u);
	case PL011_IBRD:
		return u->ibrd;
	case PL011_FBRD:
		return u->fbrd;
	case PL011_LCR_H:
		return u->lcr_h;
	case PL011_CR:
		return u->cr;
	case PL011_IFLS:
		return u->ifls;
	case PL011_IMSC:
		return u->imsc;
	case PL011_RIS:
		return ris(u);
	case PL011_MIS:
		return ris(u) & u->imsc;
	case PL011_DMACR:
		return u->dmacr;
	default:
		if (off >= PL011_ID && off < PL011_ID + 4 * sizeof(ids))
			return ids[(off - PL011_ID) / 4];
		return 0;
	}
}

static void write_reg(struct vuart *u, uint64_t off, uint32_t v)
{
	switch (off) {
	case PL011_DR:
		u->tx_ris = true;
		break;
	case PL011_RSR:
		u->overrun = false;
		break;
	case PL011_IBRD:
		u->ibrd = v & 0xffff;
		break;
	case PL011_FBRD:
		u->fbrd = v & 0x3f;
		break;
	case PL011_LCR_H:
		u->lcr_h = v & 0xff;
		break;
	case PL011_CR:
		u->cr = v & 0xff87;
		break;
	case PL011_IFLS:
		u->ifls = v & 0x3f;
		break;
	case PL011_IMSC:
		u->imsc = v & PL011_INT_ALL;
		break;
	case PL011_ICR:
		if (v & PL011_INT_TX)
			u->tx_ris = false;
		break;
	case PL011_DMACR: /* kept, but there is no DMA */
		u->dmacr = v & 0x7;
		break;
	default:
		break;
	}
}

static enum emul access(struct vcpu *vcpu, void *arg, struct mmio_access *a)
{
	struct vuart *u = arg;
	uint64_t off = a->off & ~UINT64_C(3);
	unsigned shift = (unsigned)(a->off & 3) * 8;

	spin_lock(&u->lock);
	if (!a->write)
		a->value = read_reg(u, off) >> shift;
	else if (!shift)
		write_reg(u, off, (uint32_t)a->value);
	update_line(u, vcpu);
	spin_unlock(&u->lock);
	/* Without the lock: the UART's interrupt may come for our input meanwhile. */
	if (a->write && !shift && off == PL011_DR)
		console_put(u->vm->console, (char)a->value);
	return EMUL_OK;
}

static void receive(void *arg, char c)
{
	struct vuart *u = arg;

	spin_lock(&u->lock);
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
	spin_lock(&u->lock);
	u->head = u->tail = 0;
	u->ibrd = u->fbrd = u->lcr_h = u->imsc = u->dmacr = 0;
	u->cr = PL011_CR_RESET;
	u->ifls = PL011_IFLS_RESET;
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
