/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a guest's output becomes: one more byte, in every state that the filter can be in (the
 * properties of the state are proven to hold again, so the number of bytes does not matter).
 */
#include "prove.h"

#include "drivers/serial/screen.c"

/* As common/lib/fmt.c: ESC [ n final, within the buffer; fmt_number proves that. */
size_t fmt_print(char *buf, size_t size, const char *fmt, ...)
{
	size_t n = 4 + any_below(5);

	PROVE(size > n, "there is room for a number of 5 digits");
	buf[0] = ESC;
	for (size_t i = 1; i < n; i++)
		buf[i] = i == 1 ? '[' : '0';
	return n;
}

static bool is_sound(const struct screen *s)
{
	if (s->column > s->width || s->seq_len > SCREEN_SEQUENCE)
		return false;
	if (s->state == SCREEN_UTF8) {
		for (unsigned i = 1; i < s->seq_len; i++)
			if (((uint8_t)s->seq[i] & 0xc0) != 0x80)
				return false;
		return s->seq_len && s->seq_len < s->utf8_len &&
		       s->utf8_len == utf8_length((uint8_t)s->seq[0]);
	}
	for (unsigned i = 0; s->state == SCREEN_CSI && i < s->seq_len; i++)
		if (s->seq[i] < 0x20 || s->seq[i] >= 0x40)
			return false;
	return s->state <= SCREEN_UTF8;
}

void prove(void)
{
	struct screen s;
	char out[SCREEN_OUT], c = (char)nondet_u8();
	unsigned n;

	__CPROVER_havoc_object(&s);
	ASSUME(is_sound(&s));
	ASSUME(c != '\n' && c != '\r'); /* the console's own */
	n = screen_put(&s, c, out);
	PROVE(n <= SCREEN_OUT, "what is shown fits");
	PROVE(is_sound(&s), "the state is sound again");
	for (unsigned i = 0; i < n; i++) {
		PROVE(out[i] != '\n' && out[i] != '\r', "no line ends");
		PROVE(out[i] != ESC || (i + 1 < n && out[i + 1] == '['), "no escape but CSI");
		PROVE(out[i] != DEL && out[i] != 0x0e && out[i] != 0x0f,
		      "no shifts of character set");
	}
}
