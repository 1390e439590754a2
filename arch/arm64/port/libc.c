/* SPDX-License-Identifier: Apache-2.0 */
/* What the compiler and the libraries (libfdt, zlib) expect of a C library, and no more. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <hv/panic.h>

#include "libc.h"

typedef uint64_t __attribute__((may_alias)) word_t;

uintptr_t __stack_chk_guard; /* 0 until start() has a seed */

void __stack_chk_fail(void)
{
	panic("stack overflow detected");
}

int memcmp(const void *a, const void *b, size_t n)
{
	const uint8_t *p = a, *q = b;

	for (; n; n--, p++, q++)
		if (*p != *q)
			return *p - *q;
	return 0;
}

void *memchr(const void *s, int c, size_t n)
{
	const uint8_t *p = s;

	for (; n; n--, p++)
		if (*p == (uint8_t)c)
			return (void *)(uintptr_t)p;
	return NULL;
}

/* By aligned words, which reach beyond the string but not beyond its page. */
size_t strlen(const char *s)
{
	const uint64_t ones = UINT64_C(0x0101010101010101);
	const word_t *w = (const word_t *)ALIGN_DOWN((uintptr_t)s, 8);
	uint64_t v = *w | ~(~UINT64_C(0) << (uintptr_t)s % 8 * 8), zero;

	while (!(zero = (v - ones) & ~v & ones << 7))
		v = *++w;
	return (uintptr_t)w - (uintptr_t)s + (unsigned)__builtin_ctzll(zero) / 8;
}

int strcmp(const char *a, const char *b)
{
	while (*a && *a == *b)
		a++, b++;
	return (uint8_t)*a - (uint8_t)*b;
}

int strncmp(const char *a, const char *b, size_t n)
{
	while (n && *a && *a == *b)
		a++, b++, n--;
	return n ? (uint8_t)*a - (uint8_t)*b : 0;
}

char *strchr(const char *s, int c)
{
	while (*s != (char)c)
		if (!*s++)
			return NULL;
	return (char *)(uintptr_t)s;
}
