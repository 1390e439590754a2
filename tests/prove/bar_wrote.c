/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a guest's write of a BAR leaves, for any value and any size that a BAR can have; and the
 * runs of pages of a BAR with an MSI-X table anywhere in it: each page is in one run, those of the
 * table are trapped, and the runs end.
 */
#include "prove.h"

#include <hv/limits.h>
#undef MAX_PCI_FUNCS
#define MAX_PCI_FUNCS 2 /* as many as there are here */

#include "vpci/bars.c"

static void bars(struct vpci_func *f)
{
	struct pci_bar *b = &f->pf->bar[0];
	bool high = b->mem64 && nondet_bool();
	uint64_t base;

	/* As the rules leave it (cfg_rules): the flags are not writable. */
	f->shadow[DW(PCI_BAR(0)) + high] = nondet_u32();
	bar_wrote(f, DW(PCI_BAR(0)) + high);
	if (!high && b->mem64)
		ASSUME(!(f->shadow[DW(PCI_BAR(1))] & ~(uint32_t)(~(b->size - 1) >> 32)));
	if (high)
		ASSUME(!(f->shadow[DW(PCI_BAR(0))] & ~(uint32_t)(~(b->size - 1) | 15)));
	base = shadow_base(f, 0);
	PROVE(IS_ALIGNED(base, b->size), "a base is aligned to the size");
	PROVE(b->mem64 || base <= UINT32_MAX, "32 bits stay 32 bits");
}

static void runs(struct vpci_func *f)
{
	uint64_t size = ALIGN_UP(f->pf->bar[0].size, PAGE_SIZE), at = nondet_u64(), end;
	const struct pci_part *p = &f->pf->msix[any_below(2)];
	struct range table = offset_pages(p->at.base, p->at.size);
	bool trap;

	ASSUME(at < size && IS_ALIGNED(at, PAGE_SIZE));
	end = run_end(f, 0, at, &trap);
	PROVE(end > at && end <= size && IS_ALIGNED(end, PAGE_SIZE), "a run has a page, and ends");
	if (p->bar == 0 && f->vector)
		PROVE(trap || !range_overlaps((struct range){ at, end - at }, table),
		      "the table is never mapped");
}

void prove(void)
{
	uint8_t row[16] = { 0 };
	uint32_t shadow[16];
	union vpci_vector vector;
	struct pci_func pf = { 0 };
	struct vpci_func f = { .pf = &pf, .row = row, .shadow = shadow };

	row[DW(PCI_BAR(0))] = ROW_BAR;
	row[DW(PCI_BAR(1))] = ROW_BAR_HI;
	__CPROVER_havoc_object(shadow);
	pf.bar[0].mem64 = nondet_bool();
	pf.bar[0].size = BIT(4 + any_below(pf.bar[0].mem64 ? 44 : 28));
	for (unsigned i = 0; i < 2; i++) {
		struct pci_part *p = &pf.msix[i];

		p->bar = (uint8_t)any_below(2);
		p->at = (struct range){ nondet_u64(), 1 + any_below(0x8000) };
		ASSUME(p->bar ||
		       range_contains((struct range){ 0, pf.bar[0].size }, p->at.base, p->at.size));
		ASSUME(p->at.base < BIT(48));
	}
	f.vector = nondet_bool() ? &vector : NULL;
	if (nondet_bool())
		bars(&f);
	else
		runs(&f);
}

bool state_live(const struct vpci_func *f)
{
	return false;
}
