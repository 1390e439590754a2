/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether a place in a guest's address space is free and its devices reach it, and one step of the
 * search for one: a range taken, a host bridge with any ECAM, one window and one dma-range. Every
 * step goes up, so the search ends. Assumed: addresses and sizes below 2^40, as the geometry gives.
 */
#include "prove.h"

#include <hv/limits.h>

#include "common/plan/map.c"

#define TOP BIT(40)

static struct range any_range(void)
{
	return (struct range){ nondet_u64() & (TOP - 1), nondet_u64() & (TOP - 1) };
}

static bool has(struct range r, uint64_t byte)
{
	return byte >= r.base && byte - r.base < r.size;
}

void prove(void)
{
	static struct pci_host host;
	static struct plan_space s;
	struct range r = any_range(), on = any_range();
	uint64_t byte = nondet_u64();
	struct plan_clash c;

	s.end = TOP;
	s.taken_count = any_below(2);
	s.host_count = 1;
	s.host[0] = &host;
	s.taken[0] = any_range();
	host.window_count = any_below(2);
	host.inbound_count = any_below(2);
	host.ecam = any_range();
	host.inbound[0] = any_range();
	host.window[0] = (struct pci_window){ .pci = on.base, .cpu = on.base, .size = on.size };
	ASSUME(has(r, byte));
	if (!plan_reaches(&s, r, &c)) {
		PROVE(c.next > r.base, "the search goes up");
		return;
	}
	PROVE(byte < s.end, "it is in the guest's address space");
	PROVE(!s.taken_count || !has(s.taken[0], byte), "nobody has it");
	PROVE(!has(host.ecam, byte), "no configuration space is in it");
	PROVE(!host.window_count || !has(on, byte), "the bridge does not take it for its window");
	PROVE(!host.inbound_count || has(host.inbound[0], byte), "the bridge lets it in");
}
