/* SPDX-License-Identifier: Apache-2.0 */
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

static const struct mmio regs = { XR3_JUNO_REGS };

/* A register and the one above it. */
static uint64_t xr3_get(unsigned i, unsigned reg)
{
	return (uint64_t)rd32(regs, REG32(XR3_ATR(i) + reg + 4)) << 32 |
	       rd32(regs, REG32(XR3_ATR(i) + reg));
}

static void xr3_set(unsigned i, unsigned reg, uint64_t v)
{
	wr32(regs, REG32(XR3_ATR(i) + reg + 4), (uint32_t)(v >> 32));
	wr32(regs, REG32(XR3_ATR(i) + reg), (uint32_t)v);
}

/* The window that lets in [r) one to one: its index; -1: none. */
static int inbound_window(struct range r)
{
	for (unsigned i = 0; i < XR3_ATR_ENTRIES; i++) {
		uint64_t src = xr3_get(i, XR3_ATR_SRC), size;

		size = BIT(MIN(field_get(XR3_ATR_SIZE, src) + 1, 63));
		if (src & XR3_ATR_ENABLE &&
		    src != UINT64_MAX && /* bits below the size do not count */
		    !((src ^ xr3_get(i, XR3_ATR_DST)) & XR3_ATR_ADDR) &&
		    range_contains((struct range){ ALIGN_DOWN(src, size), size }, r.base, r.size))
			return (int)i;
	}
	return -1;
}

/* A window for the page `at`, with the attributes of window `like`. */
static int window_add(uint64_t at, int like)
{
	for (unsigned i = 0; like >= 0 && i < XR3_ATR_ENTRIES; i++) {
		if (xr3_get(i, XR3_ATR_SRC) & XR3_ATR_ENABLE)
			continue;
		xr3_set(i, XR3_ATR_DST, at);
		wr32(regs, REG32(XR3_ATR(i) + XR3_ATR_PARAM),
		     (uint32_t)xr3_get((unsigned)like, XR3_ATR_PARAM));
		xr3_set(i, XR3_ATR_SRC, at | FIELD(XR3_ATR_SIZE, 11) | XR3_ATR_ENABLE);
		return (int)i;
	}
	return -1;
}

static void warn_closed(const struct pci_host *h, const char *what, struct range r)
{
	log_warn("pci: %s: firmware opened no window for %s 0x%lx to 0x%lx", h->name, what, r.base,
		 range_end(r) - 1);
}

bool xr3_probe(struct pci_host *h, void (*map)(struct range))
{
	static const char frame[] = "arm,gic-v2m-frame";
	unsigned ram = 0;
	int first = -1, window;
	struct range r;

	h->own_doorbell = true;
	if (map)
		map((struct range){ XR3_JUNO_REGS, XR3_REGS_SIZE });
	for (unsigned i = 0; i < h->inbound_count; i++)
		if (!map || inbound_window(h->inbound[i]) >= 0)
			h->inbound[ram++] = h->inbound[i];
		else
			warn_closed(h, "dma-ranges", h->inbound[i]);
	h->inbound_count = ram;
	dt_for_each(n, h->fdt, frame) {
		if (dt_reg(h->fdt, n, 0, &r) != HV_OK || h->inbound_count == ARRAY_SIZE(h->inbound))
			continue;
		r.size = PAGE_SIZE;
		window = map ? inbound_window(r) : 0;
		if (window < 0)
			window = window_add(r.base, first);
		first = first < 0 ? window : first;
		if (window >= 0)
			h->inbound[h->inbound_count++] = r;
		else
			warn_closed(h, "the v2m frame", r);
	}
	return ram;
}
