/* SPDX-License-Identifier: Apache-2.0 */
/* What of a guest's output reaches the terminal: see screen.h. ECMA-48 names the sequences. */
#include <string.h>

#include <hv/log.h>

#include "screen.h"

#define ESC 0x1b
#define DEL 0x7f

static void advance_cursor(struct screen *s, unsigned n)
{
	s->column = (uint16_t)MIN(s->column + n, UINT16_MAX);
	s->width = MAX(s->width, s->column);
}

static unsigned show_pair(struct screen *s, char *out, char a, char b)
{
	out[0] = a;
	out[1] = b;
	advance_cursor(s, b ? 2 : 1);
	return b ? 2 : 1;
}

/* Bytes of a UTF-8 sequence by its first one; 0: none begins so. RFC 3629 §3. */
static uint8_t utf8_length(uint8_t first)
{
	if (first >= 0xc2 && first <= 0xdf)
		return 2;
	if (first >= 0xe0 && first <= 0xef)
		return 3;
	return first >= 0xf0 && first <= 0xf4 ? 4 : 0;
}

static unsigned put_text(struct screen *s, char c, char *out)
{
	uint8_t byte = (uint8_t)c;

	s->state = SCREEN_TEXT;
	if (byte >= 0x80) {
		s->utf8_len = utf8_length(byte);
		if (!s->utf8_len)
			return show_pair(s, out, '?', 0);
		s->seq[0] = c;
		s->seq_len = 1;
		s->state = SCREEN_UTF8;
		return 0;
	}
	if (byte >= 0x20 && byte != DEL)
		return show_pair(s, out, c, 0);
	switch (c) {
	case 0:
		return 0;
	case ESC:
		s->state = SCREEN_ESC;
		return 0;
	case '\b':
		if (!s->column)
			return 0;
		s->column--;
		out[0] = c;
		return 1;
	case '\t': /* how far it moves depends on the terminal: not counted */
	case '\a':
		out[0] = c;
		return 1;
	}
	return show_pair(s, out, '^', (char)(byte ^ 0x40));
}

/*
 * Directions of text (U+202A..U+202E, U+2066..U+2069) and C1 controls do not pass, nor do
 * surrogates.
 */
static bool is_shown(const struct screen *s)
{
	uint32_t code = (uint8_t)s->seq[0] & (0x7fU >> s->utf8_len);
	static const uint32_t least[] = { [2] = 0xa0, [3] = 0x800, [4] = 0x10000 };

	for (unsigned i = 1; i < s->utf8_len; i++)
		code = code << 6 | ((uint8_t)s->seq[i] & 0x3f);
	if (code < least[s->utf8_len] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
		return false;
	return !(code >= 0x202a && code <= 0x202e) && !(code >= 0x2066 && code <= 0x2069);
}

/* Not counted in columns: a character may be none, one or two wide. */
static unsigned put_utf8(struct screen *s, char c, char *out)
{
	unsigned n;

	if (((uint8_t)c & 0xc0) != 0x80) {
		n = show_pair(s, out, '?', 0);
		return n + put_text(s, c, out + n);
	}
	s->seq[s->seq_len++] = c;
	if (s->seq_len < s->utf8_len)
		return 0;
	s->state = SCREEN_TEXT;
	if (!is_shown(s))
		return show_pair(s, out, '?', 0);
	memcpy(out, s->seq, s->seq_len);
	return s->seq_len;
}

/* The first parameter; -1: there is something other than digits and semicolons. */
static int first_parameter(const struct screen *s)
{
	bool first = true;
	int n = 0;

	for (unsigned i = 0; i < s->seq_len; i++) {
		char c = s->seq[i];

		if (c == ';')
			first = false;
		else if (c < '0' || c > '9')
			return -1;
		else if (first)
			n = MIN(n * 10 + (c - '0'), 9999);
	}
	return n;
}

static unsigned pass_csi(const struct screen *s, char final, char *out)
{
	out[0] = ESC;
	out[1] = '[';
	memcpy(out + 2, s->seq, s->seq_len);
	out[2 + s->seq_len] = final;
	return 3U + s->seq_len;
}

static unsigned move_cursor(struct screen *s, unsigned n, char final, char *out)
{
	unsigned most = final == 'D' ? s->column : s->width - s->column;

	n = MIN(MAX(n, 1U), most);
	if (!n)
		return 0;
	s->column = (uint16_t)(final == 'D' ? s->column - n : s->column + n);
	return (unsigned)fmt_print(out, SCREEN_OUT, "\033[%u%c", n, final);
}

/* A whole sequence: parameters in s->seq, and the final byte. */
static unsigned put_csi(struct screen *s, char final, char *out)
{
	int n = first_parameter(s);

	if (n < 0)
		return 0;
	switch (final) {
	case 'm': /* SGR */
		s->coloured = s->coloured || n || s->seq_len > 1;
		return pass_csi(s, final, out);
	case 'K': /* EL, ED: from the cursor on */
	case 'J':
		return n ? 0 : pass_csi(s, final, out);
	case 'P': /* DCH, ICH, ECH */
	case '@':
	case 'X':
		return pass_csi(s, final, out);
	case 'C': /* CUF, CUB */
	case 'D':
		return move_cursor(s, (unsigned)n, final, out);
	}
	return 0;
}

static unsigned put_in_csi(struct screen *s, char c, char *out)
{
	if (c >= 0x20 && c < 0x40) {
		/* Too long to be one that passes: '?' at the end makes it one that does not. */
		if (s->seq_len == SCREEN_SEQUENCE)
			s->seq[SCREEN_SEQUENCE - 1] = '?';
		else
			s->seq[s->seq_len++] = c;
		return 0;
	}
	s->state = SCREEN_TEXT;
	if (c >= 0x40 && c < DEL)
		return put_csi(s, c, out);
	return put_text(s, c, out); /* broken off */
}

static unsigned put_behind_esc(struct screen *s, char c, char *out)
{
	unsigned n;

	if (c == '[') {
		s->state = SCREEN_CSI;
		s->seq_len = 0;
		return 0;
	}
	n = show_pair(s, out, '^', '[');
	return n + put_text(s, c, out + n);
}

unsigned screen_put(struct screen *s, char c, char out[SCREEN_OUT])
{
	switch (s->state) {
	case SCREEN_ESC:
		return put_behind_esc(s, c, out);
	case SCREEN_CSI:
		return put_in_csi(s, c, out);
	case SCREEN_UTF8:
		return put_utf8(s, c, out);
	case SCREEN_TEXT:
		break;
	}
	return put_text(s, c, out);
}
