/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of rules, each row of it, with any write of a guest: only rows that are raw by
 * declaration let a guest's value through to the device; elsewhere a guest can clear status bits.
 */
#include "prove.h"

#include "vpci/config.c"
#include "vpci/rules.c"

void prove(void)
{
	unsigned row = any_below(ROW_COUNT);
	const struct cfg_rule *r = &cfg_rules[row];
	uint32_t now = nondet_u32();
	struct cfg_verdict d = cfg_decide(r, nondet_u32(), now, nondet_u32(), nondet_u32());

	PROVE(!(r->rw & r->w1c), "a bit is writable, or write-1-clears");
	PROVE(!(r->hw & (r->boot | r->set)), "a bit of the device has no first value");
	PROVE(!(r->boot & r->set), "a bit has one first value");
	PROVE(row == ROW_RAW || !(r->rw & r->hw), "only raw rows pass through");
	PROVE(row == ROW_RAW || !(d.value & ~now & ~r->w1c), "no bit of the device is set");
	PROVE(!(cfg_rules[ROW_COMMAND].hw & 0xffff), "COMMAND is never the device's own");
}
