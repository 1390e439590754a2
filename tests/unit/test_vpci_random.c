/* SPDX-License-Identifier: Apache-2.0 */
/* The fuzz target on random bytes: no sanitizer report, panic or endless retry. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void random_guests_hurt_only_themselves(void **state)
{
	static uint8_t bytes[8192];

	srand(4);
	for (unsigned round = 0; round < 100; round++) {
		for (size_t i = 0; i < sizeof(bytes); i++)
			bytes[i] = (uint8_t)(rand() >> 7);
		LLVMFuzzerTestOneInput(bytes, sizeof(bytes));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(random_guests_hurt_only_themselves) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
