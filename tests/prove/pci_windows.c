/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Placing a BAR in a window of the host bridge, and the registers of a bridge's window: every
 * window and BAR. Assumed: what host.c and prepare_slots() see to, addresses and sizes below 2^48.
 */
#include "prove.h"

#include <hv/limits.h>
#undef MAX_PCI_FUNCS
#define MAX_PCI_FUNCS 2 /* as many as there are here */

#include "drivers/pci/assign.c"

static struct pci_func functions[MAX_PCI_FUNCS];
struct pci_func *pci_funcs = functions;

void prove(void)
{
	struct pci_window win = { .pci = nondet_u64(), .size = nondet_u64(), .next = nondet_u64() };
	struct pci_bar b = { .size = BIT(4 + any_below(44)) };
	uint64_t next = win.next, last;
	uint32_t bits;

	ASSUME(win.pci < BIT(47) && win.size < BIT(47) && win.next <= win.pci + win.size);
	ASSUME(win.next >= win.pci);
	b.align_shift = (uint8_t)log2_floor(room(&b));
	if (window_take(&win, &b)) {
		PROVE(b.pci >= next && b.pci, "it is behind what was placed before");
		PROVE(IS_ALIGNED(b.pci, b.size) && IS_ALIGNED(b.pci, PAGE_SIZE), "it is aligned");
		PROVE(range_contains((struct range){ win.pci, win.size }, b.pci, b.size),
		      "it is in the window");
		PROVE(win.next >= b.pci + PAGE_SIZE && win.next <= win.pci + win.size,
		      "the next one gets other pages");
	} else {
		PROVE(win.next == next, "what does not fit takes nothing");
	}
	b = (struct pci_bar){ .pci = ALIGN_DOWN(nondet_u32(), BIT(WINDOW_SHIFT)),
			      .size = ALIGN_DOWN(nondet_u32(), BIT(WINDOW_SHIFT)) };
	ASSUME(b.pci + b.size <= BIT(32));
	bits = window_bits(&b);
	last = (bits & 0xfff00000) | 0xfffff;
	PROVE(b.size ? (uint64_t)(bits & 0xfff0) << 16 == b.pci && last == b.pci + b.size - 1 :
		       (uint64_t)(bits & 0xfff0) << 16 > last,
	      "a bridge's window is what is in it, or closed");
}
