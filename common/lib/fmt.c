/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text formatting for the log: the formats that include/hv/log.h lists. Nothing is allocated,
 * nothing is written behind the buffer; an unknown format is copied as it is.
 */
#include <string.h>

#include <hv/log.h>

#define WIDTH_MAX 64U /* no format pads without end; more than a number has digits */

struct out {
	char *buf;
	size_t size; /* with NUL; 0: nothing is stored */
	size_t len;
};

struct spec {
	unsigned width;
	bool left, zero;
	bool is_long; /* long, long long and size_t are all 64 bits */
};

static void put_char(struct out *o, char c)
{
	if (o->len + 1 < o->size)
		o->buf[o->len++] = c;
}

static void put_padded(struct out *o, const struct spec *s, const char *text, size_t len)
{
	size_t pad = s->width > len ? s->width - len : 0;

	for (; !s->left && pad; pad--)
		put_char(o, ' ');
	while (len--)
		put_char(o, *text++);
	for (; pad; pad--)
		put_char(o, ' ');
}

/* Zeros stand between the sign and the digits. */
static void put_number(struct out *o, const struct spec *s, uint64_t v, unsigned base,
		       bool negative)
{
	char text[WIDTH_MAX + 1];
	size_t at = sizeof(text), least = s->zero ? s->width : 0;

	do {
		text[--at] = "0123456789abcdef"[v % base];
		v /= base;
	} while (v || sizeof(text) - at + negative < least);
	if (negative)
		text[--at] = '-';
	put_padded(o, s, text + at, sizeof(text) - at);
}

size_t fmt_vprint(char *buf, size_t size, const char *fmt, va_list ap)
{
	struct out o = { .buf = buf, .size = size };

	for (const char *f = fmt; *f; f++) {
		struct spec s = { 0 };
		const char *start = f, *text;
		int64_t v;

		if (*f != '%') {
			put_char(&o, *f);
			continue;
		}
		for (f++; *f == '-' || *f == '0'; f++)
			*(*f == '-' ? &s.left : &s.zero) = true;
		for (; *f >= '0' && *f <= '9'; f++)
			s.width = MIN(s.width * 10 + (unsigned)(*f - '0'), WIDTH_MAX);
		for (; *f == 'l' || *f == 'z'; f++)
			s.is_long = true;
		switch (*f) {
		case 'd':
			v = s.is_long ? va_arg(ap, int64_t) : va_arg(ap, int);
			put_number(&o, &s, v < 0 ? -(uint64_t)v : (uint64_t)v, 10, v < 0);
			break;
		case 'u':
		case 'x':
			put_number(&o, &s, s.is_long ? va_arg(ap, uint64_t) : va_arg(ap, unsigned),
				   *f == 'u' ? 10 : 16, false);
			break;
		case 's':
			text = va_arg(ap, const char *);
			text = text ? text : "(null)";
			put_padded(&o, &s, text, strlen(text));
			break;
		case 'c':
			put_char(&o, (char)va_arg(ap, int));
			break;
		case '%':
			put_char(&o, '%');
			break;
		default: /* unknown: shown, so that it gets mended */
			put_char(&o, '%');
			f = start;
		}
	}
	if (size)
		buf[o.len] = 0;
	return o.len;
}

size_t fmt_print(char *buf, size_t size, const char *fmt, ...)
{
	va_list ap;
	size_t n;

	va_start(ap, fmt);
	n = fmt_vprint(buf, size, fmt, ap);
	va_end(ap);
	return n;
}

bool text_number(const char **s, unsigned base, unsigned max, unsigned *out)
{
	const char *first = *s;

	for (*out = 0; *s - first < 4; (*s)++) {
		unsigned c = (unsigned char)**s, letter = (c | 0x20) - 'a', digit = c - '0';

		if (digit > 9)
			digit = letter < 26 ? letter + 10 : base;
		if (digit >= base)
			break;
		*out = *out * base + digit;
	}
	return *s != first && *out <= max;
}

bool text_symbol(const char **s, char c)
{
	if (**s != c)
		return false;
	(*s)++;
	return true;
}
