/* SPDX-License-Identifier: Apache-2.0 */
/* The fuzz target on random bytes: no sanitizer report, panic, endless wait or broken promise. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void whatever_answers_in_the_ecam(void **state)
{
	static uint8_t bytes[2048];

	srand(5);
	for (unsigned round = 0; round < 60; round++) {
		for (size_t i = 0; i < sizeof(bytes); i++)
			bytes[i] = (uint8_t)(rand() >> 7);
		LLVMFuzzerTestOneInput(bytes, (size_t)rand() % sizeof(bytes));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(whatever_answers_in_the_ecam) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
