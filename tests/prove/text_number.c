/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers of declarations: every text of at most 5 bytes, every base from 2 to 16, every limit. */
#include "prove.h"

#include "common/lib/fmt.c"

void prove(void)
{
	char text[6];
	const char *s = text;
	unsigned base = 2 + any_below(15), max = nondet_u32(), out;
	bool good;

	__CPROVER_havoc_object(text);
	text[5] = 0;
	good = text_number(&s, base, max, &out);
	PROVE(s >= text && s <= text + 4, "at most 4 digits, and not behind the end");
	PROVE(!good || s > text, "a number has a digit");
	PROVE(!good || out <= max, "it is not above the limit");
	PROVE(out <= 0xffff, "4 digits of base 16 at most");
	for (const char *c = text; c < s; c++)
		PROVE((*c >= '0' && *c <= '9') || (*c | 0x20) >= 'a', "only digits are taken");
}
