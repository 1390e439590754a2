/*
 * Text formatting for the log: the formats that include/hv/log.h lists, and `.N` or `.*` for %s.
 * Nothing is allocated, nothing is written behind the buffer; an unknown format is copied as it is.
 */
#include <hv/log.h>

struct out {
	char *buf;
	size_t size; /* with NUL; 0: nothing is stored */
	size_t len;
};

struct spec {
	unsigned width, precision;
	bool left, zero;
	bool is_long; /* long, long long and size_t are all 64 bits */
};

static void put(struct out *o, char c)
{
	if (o->len + 1 < o->size)
		o->buf[o->len++] = c;
}

static void put_padded(struct out *o, const struct spec *s, const char *text, size_t len)
{
	size_t pad = s->width > len ? s->width - len : 0;

	if (s->zero && !s->left && *text == '-') { /* the sign stands before the zeros */
		put(o, *text++);
		len--;
	}
	for (; !s->left && pad; pad--)
		put(o, s->zero ? '0' : ' ');
	while (len--)
		put(o, *text++);
	for (; pad; pad--)
		put(o, ' ');
}

static void put_number(struct out *o, const struct spec *s, uint64_t v, unsigned base,
		       bool negative)
{
	char text[21];
	size_t at = sizeof(text);

	do {
		text[--at] = "0123456789abcdef"[v % base];
		v /= base;
	} while (v);
	if (negative)
		text[--at] = '-';
	put_padded(o, s, text + at, sizeof(text) - at);
}

static void put_string(struct out *o, struct spec *s, const char *text)
{
	size_t len = 0;

	if (!text)
		text = "(null)";
	while (len < s->precision && text[len])
		len++;
	s->zero = false;
	put_padded(o, s, text, len);
}

/* A number of the format string; capped, so that no format pads without end. */
static const char *parse_number(const char *f, unsigned *n)
{
	for (*n = 0; *f >= '0' && *f <= '9'; f++)
		*n = MIN(*n * 10 + (unsigned)(*f - '0'), 1024U);
	return f;
}

size_t fmt_vprint(char *buf, size_t size, const char *fmt, va_list ap)
{
	struct out o = {.buf = buf, .size = size};

	for (const char *f = fmt; *f; f++) {
		struct spec s = {.precision = UINT32_MAX};
		const char *start = f;
		int64_t v;

		if (*f != '%') {
			put(&o, *f);
			continue;
		}
		for (f++; *f == '-' || *f == '0'; f++)
			*(*f == '-' ? &s.left : &s.zero) = true;
		f = parse_number(f, &s.width);
		if (f[0] == '.' && f[1] == '*') {
			s.precision = (unsigned)va_arg(ap, int);
			f += 2;
		} else if (f[0] == '.') {
			f = parse_number(f + 1, &s.precision);
		}
		for (; *f == 'l' || *f == 'z' || *f == 'h'; f++)
			s.is_long |= *f != 'h';
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
			put_string(&o, &s, va_arg(ap, const char *));
			break;
		case 'c':
			put(&o, (char)va_arg(ap, int));
			break;
		case '%':
			put(&o, '%');
			break;
		default: /* unknown: shown, so that it gets mended */
			put(&o, '%');
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
