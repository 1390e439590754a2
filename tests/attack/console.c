/* SPDX-License-Identifier: Apache-2.0 */
/* Attacks by what a guest prints. The test reads the console: no line may begin with "forged". */
#include "attack.h"

static void raw(const char *s)
{
	while (*s) {
		while (r32(machine.uart + 0x18) & BIT(5))
			;
		w32(machine.uart, (u8)*s++);
	}
}

ATTACK(console_forges_viaduct, ONCE,
       "lines that look like Viaduct's: by CR, escape sequences, backspaces, form feeds",
       "characters that move the cursor are escaped", "drivers/serial/console.c")
{
	raw("x\rviaduct: forged by CR\r\n");
	raw("x\x1b[1Gviaduct: forged by escape\r\n");
	raw("x\x1b[2K\x1b[Gviaduct: forged by erase\n");
	raw("x\b\b\b\b\b\b\b\b\b\b\b\b\bviaduct: forged by backspace\n");
	raw("x\x0bviaduct: forged by VT\x0cviaduct: forged by FF\n");
	raw("x\x85viaduct: forged by NEL\x9b"
	    "1Gviaduct: forged by CSI\n");
	raw("viaduct: forged at the start\n");
	raw("\r\rviaduct: forged by two CR\n");
}

ATTACK(console_forges_the_neighbour, ONCE, "lines that look like the neighbour's",
       "each line begins with its guest's name", "drivers/serial/console.c")
{
	raw("x\r(neighbour) PAYLOAD neighbour: forged FAIL\n");
	raw("(neighbour) PAYLOAD neighbour: forged FAIL\n");
}

ATTACK(console_every_byte, 0, "every byte, many times, without a line end",
       "a line is cut and escaped", "drivers/serial/console.c")
{
	for (unsigned i = 1; i < 256; i++)
		if (i != '\n')
			w32(machine.uart, i);
	raw("\n");
}

static void shout(unsigned cpu)
{
	while (!stop_others)
		w32(machine.uart, 'a' + cpu);
}

ATTACK(console_flood, ONCE, "all vCPUs print without end and never look at the flags",
       "one ring a guest; overflow is dropped and counted", "drivers/serial/console.c")
{
	start_on(1, shout);
	start_on(2, shout);
	for (unsigned i = 0; i < 20000; i++)
		w32(machine.uart, 'a');
	end_on(1);
	end_on(2);
	raw("\n");
	delay_ms(200);
}

ATTACK(log_noise_then_containment, ONCE,
       "thousands of refused accesses, so that a later fault of a device is not said",
       "a line about containment is outside of the noise's budget", "common/lib/log.c")
{
	for (unsigned i = 0; i < 3000; i++) {
		peek(0x0f000000 + 4096 * (u64)i, 4, NULL);
		hvc(0x86000000 + i, 0, 0, 0);
	}
	if (edu.cfg)
		edu_dma(UINT64_C(0x1234567000), 8, true); /* the test looks for this address */
}
