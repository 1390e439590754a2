/* What the compiler and the libraries (libfdt, zlib) expect of a C library, and no more. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <hv/log.h>
#include <hv/panic.h>

#include "libc.h"

uintptr_t __stack_chk_guard = 0x5bd1e995a7c3f10d; /* until start() has a seed */

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

size_t strlen(const char *s)
{
	size_t n = 0;

	while (s[n])
		n++;
	return n;
}

size_t strnlen(const char *s, size_t max)
{
	size_t n = 0;

	while (n < max && s[n])
		n++;
	return n;
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
	for (;; s++) {
		if (*s == (char)c)
			return (char *)(uintptr_t)s;
		if (!*s)
			return NULL;
	}
}

char *strrchr(const char *s, int c)
{
	const char *last = NULL;

	do {
		if (*s == (char)c)
			last = s;
	} while (*s++);
	return (char *)(uintptr_t)last;
}

/* libfdt: unit addresses in paths. */
unsigned long strtoul(const char *s, char **end, int base)
{
	unsigned long v = 0;

	for (;; s++) {
		unsigned d = *s >= '0' && *s <= '9' ? (unsigned)(*s - '0')
			   : *s >= 'a' && *s <= 'f' ? (unsigned)(*s - 'a') + 10
			   : *s >= 'A' && *s <= 'F' ? (unsigned)(*s - 'A') + 10
						    : 99;

		if (d >= (unsigned)base)
			break;
		v = v * (unsigned)base + d;
	}
	if (end)
		*end = (char *)(uintptr_t)s;
	return v;
}

/* zlib's default allocator; image.c gives it another, so these only satisfy the linker. */
void *malloc(size_t size)
{
	(void)size;
	return NULL;
}

void free(void *p)
{
	(void)p;
}
