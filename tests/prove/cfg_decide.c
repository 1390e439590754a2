/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A guest's write to config space, for every rule, lane, device dword, value and shadow. Assumed: a
 * bit is not both writable and write-1-clears (cfg_rules proves it of each row).
 */
#include "prove.h"

#include "vpci/config.c"

void prove(void)
{
	struct cfg_rule r = { .hw = nondet_u32(), .rw = nondet_u32(), .w1c = nondet_u32() };
	uint32_t lanes = nondet_u32(), now = nondet_u32(), value = nondet_u32(),
		 shadow = nondet_u32();
	struct cfg_verdict d;

	ASSUME(!(r.rw & r.w1c));
	d = cfg_decide(&r, lanes, now, value, shadow);
	PROVE(!((d.shadow ^ shadow) & ~lanes), "the shadow outside the lanes stays");
	PROVE(!((d.shadow ^ shadow) & ~(r.rw | r.w1c)), "a bit that is not writable stays");
	PROVE(!((d.shadow ^ value) & r.rw & ~r.hw & lanes), "a writable bit is what was written");
	PROVE(!(d.value & ~lanes), "the device gets no bit outside the lanes");
	PROVE(!(d.value & r.w1c & ~(value & r.hw)), "nothing is cleared that the guest did not");
	PROVE(!((d.value ^ now) & lanes & ~r.w1c & ~(r.rw & r.hw)), "others' bits go back");
	PROVE(d.to_hw == (((r.rw | (r.w1c & value)) & r.hw & lanes) != 0), "one write if needed");
}
