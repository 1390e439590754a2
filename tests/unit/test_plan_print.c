/* SPDX-License-Identifier: Apache-2.0 */
/* The planner. The plan as it is printed. */
#include "plan_world.h"

static void says_what_cannot_be_silenced(void **state)
{
	static const struct decl g = { "a", 1, 64, .dev = { { "0000:00:06.0" }, { EDU } } };

	stuck();
	starts(&g, 1);
	plan_print(&plan);
	assert_int_equal(occurrences("INTx     pin A, SPI 4 as SPI 1; DisINTx does not silence it"),
			 1);
	assert_int_equal(occurrences("DisINTx"), 1);
}

static void prints_the_plan(void **state)
{
	static const char *const facts[] = {
		"guest \"a\" (/chosen/a) starts",
		"RAM      PA 0x40200000 as IPA 0x40000000, 64 MiB",
		"CPUs     0 1; vpl011",
		"0000:00:02.0 [1234:1001] as 00:01.0",
		"group    2, StreamID 0x10 of smmuv3@9050000",
		"group    6, StreamID 0x100 of",
		"group 6: 0000:01:05.0 (conventional PCI) 0000:01:06.0 (conventional PCI)",
		"reset    FLR",
		"BAR0     PA 0x10100000, 1 MiB, 32-bit",
		"MSI      trapped (it has no MSI-X), ITS, DeviceID 0x10, 1 vectors",
		"MSI      direct, ITS, DeviceID 0x300, 8 vectors",
		"INTx     pin A, SPI 4 as SPI 1",
		"guest \"b\" (/chosen/b) refused: guest \"a\" has 0000:00:02.0 already",
		"device 0000:00:01.0 [1234:1000], group 1: no guest has it",
	};
	static const struct decl g[] = { { "a", 2, 64, .dev = { { EDU } } },
					 { "b", 1, 64, .dev = { { EDU } } },
					 { "c", 1, 64,
					   .dev = { { "0000:01:05.0" }, { "0000:03:00.0" } } } };

	run_guests(g, 3);
	plan_print(&plan);
	for (unsigned i = 0; i < ARRAY_SIZE(facts); i++)
		if (!strstr(host_log(), facts[i]))
			fail_msg("not said: %s\n%s", facts[i], host_log());
}

/* A device may assert any of four lines, whatever its pin register says. */
static void says_whose_device_can_hold_a_line(void **state)
{
	static const struct decl g[] = { { "a", 1, 64, .dev = { { "0000:00:06.0" } } },
					 { "b", 1, 64,
					   .dev = { { "0000:03:00.0", "intx", "off" } } } };
	const char *warning =
		"a:       SPI 4 is within reach of 0000:03:00.0 of guest \"b\": if hostile, "
		"it can hold it asserted; with intx = \"off\" 0000:00:06.0 does not need it";

	starts(g, 2);
	for (fake_reach = 35; fake_reach <= 36; fake_reach++) {
		host_log_clear();
		plan_print(&plan);
		assert_int_equal(occurrences(warning), fake_reach == 36);
		assert_int_equal(occurrences("within reach"), fake_reach == 36);
	}
	fake_reach = 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(prints_the_plan, setup),
		cmocka_unit_test_setup(says_what_cannot_be_silenced, setup),
		cmocka_unit_test_setup(says_whose_device_can_hold_a_line, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
