/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A guest whose RAM is full of a pattern: each beat it looks whether somebody wrote there. The
 * pattern depends on the address, and begins behind the image and the device tree.
 */
#include "rt.h"

const char payload_name[] = "victim";

extern char image_end[];

static u64 first, last; /* RAM with the pattern */

static u64 pattern(u64 at)
{
	return at * UINT64_C(0x9e3779b97f4a7c15);
}

static bool unchanged(void)
{
	for (u64 at = first; at < last; at += 8)
		if (*(u64 *)at != pattern(at)) {
			report("changed at=%lx value=%lx\n", at, *(u64 *)at);
			return false;
		}
	return true;
}

void payload_main(void)
{
	u64 dtb = (u64)machine.dtb, most = arg_number("victim.size", 8 << 20);

	first = ((u64)image_end + 0xfff) & ~UINT64_C(0xfff);
	last = machine.ram_base + machine.ram_size;
	if (dtb >= first && dtb < last) {
		if (dtb - first >= most)
			last = dtb & ~UINT64_C(0xfff);
		else
			first = (dtb + 0x200000) & ~UINT64_C(0xfff);
	}
	if (last - first > most)
		last = first + most;
	for (u64 at = first; at < last; at += 8)
		*(u64 *)at = pattern(at);
	report("pattern=%lx+%lx\n", first, last - first);
	heartbeat(true, unchanged);
}
