/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A guest that lives several times: each life prints its number and the seeds it was given, and
 * ends as it is told. It counts in shared memory, which outlives it (`xen,shm-id`).
 *
 *	lives.times=N  ends that many times; then it finishes (default 3)
 *	lives.end=reset | warm | vector | off
 *	lives.beats=N  beats of 100 ms before each end (default 0)
 *	lives.forge=1  tries to print what looks like Viaduct's lines
 */
#include <libfdt.h>

#include "rt.h"

const char payload_name[] = "lives";

#define PSCI_SYSTEM_RESET2 UINT64_C(0xc4000012)
#define NOWHERE            UINT64_C(0x300000000) /* no RAM, and nothing else */

void payload_secondary(unsigned cpu)
{
	(void)cpu;
	for (;;)
		relax();
}

static void print_seed(const char *name)
{
	static char text[129];
	int len = 0;
	const u8 *p = fdt_getprop(machine.dtb, fdt_path_offset(machine.dtb, "/chosen"), name, &len);

	for (int i = 0; p && i < len && i < 64; i++) {
		text[2 * i] = "0123456789abcdef"[p[i] >> 4];
		text[2 * i + 1] = "0123456789abcdef"[p[i] & 15];
		text[2 * i + 2] = 0;
	}
	report("%s=%s\n", name, p ? text : "none");
}

static bool ends_by(const char *how)
{
	const char *a = arg_find("lives.end");

	while (a && *how && *a == *how)
		a++, how++;
	return a && !*how && (!*a || *a == ' ');
}

/* Each of these would begin a line on the screen or in a log, if the console did not see to it. */
static void forge(void)
{
	static const char *const tries[] = {
		"x\rviaduct: forged 1\n",
		"\rviaduct: forged 2\n",
		"x\033[1Gviaduct: forged 3\n",
		"\033[2K\033[Gviaduct: forged 4\n",
		"\b\b\b\b\b\b\b\b\b\bviaduct: forged 5\n",
		"x\033[Eviaduct: forged 6\n",
		"x\033[99Dviaduct: forged 7\n",
		"x\v\rviaduct: forged 8\n",
		"\033cviaduct: forged 9\n",
		"\2331Gviaduct: forged 10\n",
		"\302\233Gviaduct: forged 11\n",
		"\n\rviaduct: forged 12\n",
		"x\033Eviaduct: forged 13\n",
	};

	for (unsigned i = 0; i < ARRAY_COUNT(tries); i++)
		print("%s", tries[i]);
	report("forged=%u\n", (unsigned)ARRAY_COUNT(tries));
}

static void end(void)
{
	if (ends_by("warm")) {
		psci(PSCI_SYSTEM_RESET2, 0, 0, 0);
	} else if (ends_by("vector")) {
		sysreg_write(vbar_el1, NOWHERE);
		isb();
		map_page(NOWHERE, MAP_NORMAL);
		__asm__ volatile("udf #0");
	} else if (ends_by("off")) {
		psci(PSCI_SYSTEM_OFF, 0, 0, 0);
	}
	psci(PSCI_SYSTEM_RESET, 0, 0, 0);
}

void payload_main(void)
{
	u32 *lives = shared_page();

	if (!check(lives, "shared memory"))
		return;
	report("life=%u\n", ++*lives);
	print_seed("kaslr-seed");
	print_seed("rng-seed");
	for (unsigned cpu = 1; cpu < machine.cpus; cpu++)
		check(cpu_start(cpu), "cpu %u on", cpu);
	if (arg_find("lives.forge"))
		forge();
	for (u64 n = arg_number("lives.beats", 0); n; n--)
		delay_ms(100);
	if (*lives <= arg_number("lives.times", 3))
		end();
}
