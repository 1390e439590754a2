/*
 * Juno's root complex lets in what its table of inbound windows says, which firmware fills: RAM, as
 * in dma-ranges, and the first v2m frame, which dma-ranges does not list. The windows for RAM have
 * attributes of memory, so interrupts pass at their frame's own address only. Frames for which
 * there is no window get one like the first frame's.
 */
#include <hv/bits.h>
#include <hv/log.h>
#include <hv/mmio.h>
#include <spec/xr3.h>

#include "pci_priv.h"

static const struct mmio regs = {XR3_JUNO_REGS};

static uint32_t atr(unsigned i, unsigned reg)
{
	return rd32(regs, REG32(XR3_ATR(i) + reg));
}

/* The window at [base, base + size), one to one: its index; -1: none. */
static int window_of(struct range r)
{
	for (unsigned i = 0; i < XR3_ATR_ENTRIES; i++) {
		uint32_t lo = atr(i, XR3_ATR_SRC_LO);
		uint64_t size = BIT(MIN(field_get(XR3_ATR_SIZE, lo) + 1, 63));
		uint64_t base = (uint64_t)atr(i, XR3_ATR_SRC_HI) << 32 | (lo & XR3_ATR_ADDR);
		uint64_t to = (uint64_t)atr(i, XR3_ATR_DST_HI) << 32 |
			      (atr(i, XR3_ATR_DST_LO) & XR3_ATR_ADDR);
		/* Bits below the size do not count. */
		struct range w = {ALIGN_DOWN(base, size), size};

		if (lo & XR3_ATR_ENABLE && lo != UINT32_MAX && base == to &&
		    range_contains(w, r.base, r.size))
			return (int)i;
	}
	return -1;
}

/* A window for the page `at`, with the attributes of window `like`. */
static int window_add(uint64_t at, int like)
{
	for (unsigned i = 0; i < XR3_ATR_ENTRIES; i++) {
		if (like < 0 || atr(i, XR3_ATR_SRC_LO) & XR3_ATR_ENABLE)
			continue;
		wr32(regs, REG32(XR3_ATR(i) + XR3_ATR_SRC_HI), (uint32_t)(at >> 32));
		wr32(regs, REG32(XR3_ATR(i) + XR3_ATR_DST_LO), (uint32_t)at);
		wr32(regs, REG32(XR3_ATR(i) + XR3_ATR_DST_HI), (uint32_t)(at >> 32));
		wr32(regs, REG32(XR3_ATR(i) + XR3_ATR_PARAM), atr((unsigned)like, XR3_ATR_PARAM));
		wr32(regs, REG32(XR3_ATR(i) + XR3_ATR_SRC_LO),
		     (uint32_t)at | (uint32_t)field_put(XR3_ATR_ENABLE, XR3_ATR_SIZE,
							log2_floor(PAGE_SIZE) - 1));
		return (int)i;
	}
	return -1;
}

bool xr3_probe(struct pci_host *h, void (*map)(struct range))
{
	unsigned ram = 0;
	int first = -1;
	struct range r;

	h->own_doorbell = true;
	if (map)
		map((struct range){XR3_JUNO_REGS, XR3_REGS_SIZE});
	for (unsigned i = 0; i < h->inbound_count; i++)
		if (!map || window_of(h->inbound[i]) >= 0)
			h->inbound[ram++] = h->inbound[i];
		else
			log_warn("pci: %s: firmware opened no window for dma-ranges 0x%lx to 0x%lx",
				 h->name, h->inbound[i].base, range_end(h->inbound[i]) - 1);
	h->inbound_count = ram;
	for (int n = dt_next(h->fdt, -1, "arm,gic-v2m-frame"); n >= 0;
	     n = dt_next(h->fdt, n, "arm,gic-v2m-frame")) {
		int window = 0;

		if (dt_reg(h->fdt, n, 0, &r) != HV_OK || h->inbound_count == ARRAY_SIZE(h->inbound))
			continue;
		r.size = PAGE_SIZE;
		if (map && (window = window_of(r)) < 0)
			window = window_add(r.base, first);
		first = first < 0 ? window : first;
		if (window >= 0)
			h->inbound[h->inbound_count++] = r;
		else
			log_warn("pci: %s: firmware opened no window for the v2m frame at 0x%lx",
				 h->name, r.base);
	}
	return ram;
}
