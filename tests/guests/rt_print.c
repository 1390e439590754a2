/* SPDX-License-Identifier: Apache-2.0 */
/* Output of the payloads, and the few libc symbols that libfdt and the compiler ask for. */
#include <stdarg.h>

#include "rt_priv.h"

void *memcpy(void *to, const void *from, size_t n);
void *memmove(void *to, const void *from, size_t n);
void *memset(void *to, int c, size_t n);
int memcmp(const void *a, const void *b, size_t n);
void *memchr(const void *s, int c, size_t n);
size_t strlen(const char *s);
size_t strnlen(const char *s, size_t n);
char *strchr(const char *s, int c);
char *strrchr(const char *s, int c);
unsigned long strtoul(const char *s, char **end, int base);
void __stack_chk_fail(void);

uintptr_t __stack_chk_guard = 0x5afe57ac;

void *memcpy(void *to, const void *from, size_t n)
{
	u8 *t = to;
	const u8 *f = from;

	while (n--)
		*t++ = *f++;
	return to;
}

void *memmove(void *to, const void *from, size_t n)
{
	u8 *t = to;
	const u8 *f = from;

	if (t <= f || t >= f + n)
		return memcpy(to, from, n);
	while (n--)
		t[n] = f[n];
	return to;
}

void *memset(void *to, int c, size_t n)
{
	u8 *t = to;

	while (n--)
		*t++ = (u8)c;
	return to;
}

int memcmp(const void *a, const void *b, size_t n)
{
	const u8 *x = a, *y = b;

	for (; n; n--, x++, y++)
		if (*x != *y)
			return *x - *y;
	return 0;
}

void *memchr(const void *s, int c, size_t n)
{
	const u8 *p = s;

	for (; n; n--, p++)
		if (*p == (u8)c)
			return (void *)(uintptr_t)p;
	return NULL;
}

size_t strnlen(const char *s, size_t n)
{
	size_t i = 0;

	while (i < n && s[i])
		i++;
	return i;
}

size_t strlen(const char *s)
{
	return strnlen(s, SIZE_MAX);
}

char *strchr(const char *s, int c)
{
	return memchr(s, c, strlen(s) + 1);
}

char *strrchr(const char *s, int c)
{
	for (size_t n = strlen(s) + 1; n--;)
		if (s[n] == (char)c)
			return (char *)(uintptr_t)&s[n];
	return NULL;
}

unsigned long strtoul(const char *s, char **end, int base)
{
	const char *e;
	u64 v = parse_number(s, &e);

	(void)base;
	if (end)
		*end = (char *)(uintptr_t)e;
	return v;
}

void __stack_chk_fail(void)
{
	finish();
}

/* --- formatting: %s %c %d %u %x %% with 0, width and l --- */

struct line {
	size_t used;
	char text[240];
};

static void put(struct line *l, char c)
{
	if (l->used < sizeof(l->text))
		l->text[l->used++] = c;
}

static void put_number(struct line *l, u64 v, unsigned base, unsigned width, char fill, bool minus)
{
	char digits[24];
	unsigned n = 0;

	do {
		digits[n++] = "0123456789abcdef"[v % base];
		v /= base;
	} while (v);
	if (minus)
		digits[n++] = '-';
	for (; width > n; width--)
		put(l, fill);
	while (n)
		put(l, digits[--n]);
}

static void vformat(struct line *l, const char *f, va_list ap)
{
	for (; *f; f++) {
		unsigned width = 0;
		bool wide = false;
		char fill = ' ';

		if (*f != '%') {
			put(l, *f);
			continue;
		}
		if (*++f == '0')
			fill = '0';
		for (; *f >= '0' && *f <= '9'; f++)
			width = width * 10 + (unsigned)(*f - '0');
		for (; *f == 'l' || *f == 'z'; f++)
			wide = true;
		if (*f == 's') {
			for (const char *s = va_arg(ap, const char *); *s; s++)
				put(l, *s);
		} else if (*f == 'd') {
			int64_t v = wide ? va_arg(ap, int64_t) : va_arg(ap, int);

			put_number(l, v < 0 ? -(u64)v : (u64)v, 10, width, fill, v < 0);
		} else if (*f == 'u' || *f == 'x') {
			u64 v = wide ? va_arg(ap, u64) : va_arg(ap, u32);

			put_number(l, v, *f == 'x' ? 16 : 10, width, fill, false);
		} else if (*f == 'c') {
			put(l, (char)va_arg(ap, int));
		} else {
			put(l, *f);
		}
	}
}

static void format(struct line *l, const char *f, ...)
{
	va_list ap;

	va_start(ap, f);
	vformat(l, f, ap);
	va_end(ap);
}

static u32 print_lock;

static void flush(const struct line *l)
{
	if (!machine.uart)
		return;
	spin_lock(&print_lock);
	for (size_t i = 0; i < l->used; i++) {
		while (r32(machine.uart + 0x18) & BIT(5)) /* UARTFR.TXFF */
			;
		if (l->text[i] == '\n')
			w32(machine.uart, '\r');
		w32(machine.uart, (u8)l->text[i]);
	}
	spin_unlock(&print_lock);
}

void print(const char *f, ...)
{
	struct line l = { 0 };
	va_list ap;

	va_start(ap, f);
	vformat(&l, f, ap);
	va_end(ap);
	flush(&l);
}

void print_line(const char *head, const char *f, va_list ap)
{
	struct line l = { 0 };

	format(&l, "%s", head);
	vformat(&l, f, ap);
	put(&l, '\n');
	flush(&l);
}

void report(const char *f, ...)
{
	struct line l = { 0 };
	va_list ap;

	format(&l, "PAYLOAD %s: ", payload_name);
	va_start(ap, f);
	vformat(&l, f, ap);
	va_end(ap);
	flush(&l);
}

static u32 failures;

bool check(bool good, const char *f, ...)
{
	struct line l = { 0 };
	va_list ap;

	format(&l, "PAYLOAD %s: ", payload_name);
	va_start(ap, f);
	vformat(&l, f, ap);
	va_end(ap);
	format(&l, good ? " ok\n" : " FAIL\n");
	flush(&l);
	if (!good)
		__atomic_fetch_add(&failures, 1, __ATOMIC_RELAXED);
	return good;
}

void await_harness(const char *what)
{
	u64 end = counter() + 20 * counter_hz();

	report("%s\n", what);
	while (machine.uart && r32(machine.uart + 0x18) & BIT(4)) { /* UARTFR.RXFE */
		if (counter() > end) {
			check(false, "%s: the harness sent nothing", what);
			return;
		}
		delay_ms(10);
	}
	(void)r32(machine.uart);
}

void finish(void)
{
	if (failures)
		report("failures=%u FAIL\n", failures);
	else
		report("ok\n");
	psci(PSCI_SYSTEM_OFF, 0, 0, 0);
	for (;;)
		wfi();
}
