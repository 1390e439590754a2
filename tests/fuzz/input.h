/* SPDX-License-Identifier: Apache-2.0 */
/* The fuzzer's input, taken from the front, and a check whose failure is a finding. */
#ifndef FUZZ_INPUT_H
#define FUZZ_INPUT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

static struct input {
	const uint8_t *p, *end;
} in;

/* As many bytes as there are, at most `bytes`. */
static uint64_t take(unsigned bytes)
{
	uint64_t v = 0;

	while (bytes-- && in.p < in.end)
		v = v << 8 | *in.p++;
	return v;
}

static void check(bool ok)
{
	if (!ok)
		abort();
}

#endif
