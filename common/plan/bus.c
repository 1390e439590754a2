/* SPDX-License-Identifier: Apache-2.0 */
/* The guest's PCI bus 0: which of its functions sits at which device and function number. */
#include "plan_priv.h"

#define SLOTS 32

static bool same_host_slot(const struct pci_func *a, const struct pci_func *b)
{
	return a->host == b->host && a->bdf >> 3 == b->bdf >> 3;
}

/* The guest's bus while it is laid out: which device (index + 1) sits where. */
struct bus {
	uint16_t at[SLOTS * 8];
};

static unsigned slot_count(const struct bus *b, unsigned slot)
{
	unsigned count = 0;

	for (unsigned fn = 0; fn < 8; fn++)
		count += b->at[slot << 3 | fn] != 0;
	return count;
}

/* Beside a function of the same host slot, with its own function number; else the next free slot.
 */
static bool find_place(const struct guest_plan *g, const struct bus *b, unsigned index,
		       uint8_t *out)
{
	const struct pci_func *f = g->device[index].func;

	for (unsigned at = 0; at < ARRAY_SIZE(b->at); at++) {
		unsigned want = (at & ~7U) | (f->bdf & 7);

		if (b->at[at] && same_host_slot(g->device[b->at[at] - 1].func, f) && !b->at[want]) {
			*out = (uint8_t)want;
			return true;
		}
	}
	for (unsigned slot = 1; slot < SLOTS; slot++)
		if (!slot_count(b, slot)) {
			*out = (uint8_t)(slot << 3 | (f->bdf & 7));
			return true;
		}
	return false;
}

/* Software looks for function 0 first (PCIe r6.0 §7.5.1.1.9): move one there if none is. */
static void settle_slot(struct guest_plan *g, struct bus *b, unsigned slot)
{
	unsigned count = slot_count(b, slot), fn = 0;

	while (fn < 8 && (!b->at[slot << 3 | fn] ||
			  (fn && g->device[b->at[slot << 3 | fn] - 1].has_guest_bdf)))
		fn++;
	if (count && !b->at[slot << 3]) {
		if (fn == 8) {
			plan_refuse(g,
				    "guest device 00:%02x has no function 0; give one of its "
				    "functions guest = \"00:%02x.0\"",
				    slot, slot);
			return;
		}
		b->at[slot << 3] = b->at[slot << 3 | fn];
		b->at[slot << 3 | fn] = 0;
		g->device[b->at[slot << 3] - 1].as.devfn = (uint8_t)(slot << 3);
	}
	for (unsigned i = 0; i < 8; i++)
		if (b->at[slot << 3 | i])
			g->device[b->at[slot << 3 | i] - 1].as.multifunction = count > 1;
}

void plan_lay_out(struct guest_plan *g)
{
	struct bus b = { 0 };

	for (unsigned i = 0; i < 2 * g->device_count; i++) { /* those whose place is given first */
		unsigned index = i % g->device_count;
		struct plan_device *d = &g->device[index];

		if (d->has_guest_bdf != (i == index))
			continue;
		if (d->has_guest_bdf && b.at[d->as.devfn])
			plan_refuse(g,
				    "guest = \"00:%02x.%x\" is given to %s and to another "
				    "device; change one",
				    d->as.devfn >> 3, d->as.devfn & 7, d->func->name);
		if (!d->has_guest_bdf && !find_place(g, &b, index, &d->as.devfn)) {
			plan_refuse(g,
				    "there is no free device number on its bus for %s; remove a "
				    "device",
				    d->func->name);
			return;
		}
		b.at[d->as.devfn] = (uint16_t)(index + 1);
	}
	for (unsigned slot = 0; slot < SLOTS; slot++)
		settle_slot(g, &b, slot);
}
