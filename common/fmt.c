/*
 * Text formatting for the log: the formats that include/hv/log.h lists, and `.N` or `.*` for %s.
 * Nothing is allocated, nothing is written behind the buffer; an unknown format is copied as it is.
 */
#include <string.h>

#include <hv/log.h>

struct out {
	char *buf;
	size_t size; /* with NUL; 0: nothing is stored */
	size_t len;
};

struct spec {
	unsigned width;
	unsigned precision;
	bool left, zero, has_precision;
	bool is_long; /* long, long long and size_t are all 64 bits */
};

static void put(struct out *o, char c)
{
	if (o->len + 1 < o->size)
		o->buf[o->len++] = c;
}

static void put_padded(struct out *o, const struct spec *s, const char *text, size_t len, char sign)
{
	size_t total = len + (sign != 0);
	size_t pad = s->width > total ? s->width - total : 0;
	bool zeros = s->zero && !s->left;

	if (sign && zeros)
		put(o, sign);
	for (; !s->left && pad; pad--)
		put(o, zeros ? '0' : ' ');
	if (sign && !zeros)
		put(o, sign);
	for (size_t i = 0; i < len; i++)
		put(o, text[i]);
	for (; pad; pad--)
		put(o, ' ');
}

static void put_number(struct out *o, const struct spec *s, uint64_t v, unsigned base, char sign)
{
	char digits[20];
	size_t at = sizeof(digits);

	do {
		digits[--at] = "0123456789abcdef"[v % base];
		v /= base;
	} while (v);
	put_padded(o, s, digits + at, sizeof(digits) - at, sign);
}

static void put_string(struct out *o, struct spec *s, const char *text)
{
	size_t len = 0;

	if (!text)
		text = "(null)";
	while ((!s->has_precision || len < s->precision) && text[len])
		len++;
	s->zero = false;
	put_padded(o, s, text, len, 0);
}

/* A number of the format string; capped, so that no format pads without end. */
static const char *parse_number(const char *f, unsigned *n)
{
	for (*n = 0; *f >= '0' && *f <= '9'; f++)
		*n = MIN(*n * 10 + (unsigned)(*f - '0'), 1024U);
	return f;
}

static const char *parse_flags(const char *f, struct spec *s)
{
	for (;; f++) {
		if (*f == '-')
			s->left = true;
		else if (*f == '0')
			s->zero = true;
		else
			return f;
	}
}

static const char *parse_length(const char *f, struct spec *s)
{
	for (; *f == 'l' || *f == 'z' || *f == 'h'; f++)
		s->is_long |= *f != 'h';
	return f;
}

size_t fmt_vprint(char *buf, size_t size, const char *fmt, va_list args)
{
	struct out o = { .buf = buf, .size = size };
	va_list ap;

	va_copy(ap, args);
	for (const char *f = fmt; *f; f++) {
		const char *start = f;
		struct spec s = { 0 };
		int64_t v;

		if (*f != '%') {
			put(&o, *f);
			continue;
		}
		f = parse_flags(f + 1, &s);
		f = parse_number(f, &s.width);
		if (*f == '.') {
			s.has_precision = true;
			if (f[1] == '*') {
				s.precision = (unsigned)va_arg(ap, int);
				f += 2;
			} else {
				f = parse_number(f + 1, &s.precision);
			}
		}
		f = parse_length(f, &s);
		switch (*f) {
		case 'd':
		case 'i':
			v = s.is_long ? va_arg(ap, int64_t) : va_arg(ap, int);
			put_number(&o, &s, v < 0 ? -(uint64_t)v : (uint64_t)v, 10, v < 0 ? '-' : 0);
			break;
		case 'u':
		case 'x':
			put_number(&o, &s, s.is_long ? va_arg(ap, uint64_t) : va_arg(ap, unsigned),
				   *f == 'u' ? 10 : 16, 0);
			break;
		case 'p':
			put(&o, '0');
			put(&o, 'x');
			put_number(&o, &s, (uintptr_t)va_arg(ap, void *), 16, 0);
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
			break;
		}
	}
	va_end(ap);
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
