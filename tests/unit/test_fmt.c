/* SPDX-License-Identifier: Apache-2.0 */
/* Formats of the log against those of the host's C library, and the limits of the buffer. */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <hv/log.h>

#define SAME(...)                                                                                  \
	do {                                                                                       \
		size_t n = fmt_print(ours, sizeof(ours), __VA_ARGS__);                             \
		assert_int_equal(n, snprintf(theirs, sizeof(theirs), __VA_ARGS__));                \
		assert_string_equal(ours, theirs);                                                 \
	} while (0)

static char ours[128], theirs[128];

static void formats_match_the_c_library(void **state)
{
	SAME("plain");
	SAME("%s|%8s|%-8s|", "abc", "abc", "abc");
	SAME("%2s|%-4s|%3s|", "abc", "abc", "q");
	SAME("%c%%", 'x');
	SAME("%d %d %5d %-5d| %05d %d", 0, -1, -42, -42, -42, INT32_MIN);
	SAME("%u %3u %03u %x %04x %08x", 7U, 7U, 7U, 0xbeefU, 0xaU, 0xffffffffU);
	SAME("%064d|%021ld|%022ld|", -1, LONG_MIN, LONG_MIN);
	SAME("%ld %lu %lx %lld %llu %llx", -5L, 5UL, 0x123456789aUL, LLONG_MIN, ULLONG_MAX,
	     ULLONG_MAX);
	SAME("%zu %016llx %2u", sizeof(int), 0xabcULL, 12345U);
}

static void null_string_is_shown(void **state)
{
	const char *volatile none = NULL;
	char b[32];

	fmt_print(b, sizeof(b), "%s", none);
	assert_string_equal(b, "(null)");
}

static void output_is_cut_and_terminated(void **state)
{
	char b[8];

	memset(b, 'Z', sizeof(b));
	assert_int_equal(fmt_print(b, 5, "%s", "abcdefgh"), 4);
	assert_string_equal(b, "abcd");
	assert_int_equal(b[5], 'Z');
	assert_int_equal(fmt_print(b, 1, "%d", 123), 0);
	assert_int_equal(b[0], 0);
	b[0] = 'Z';
	assert_int_equal(fmt_print(b, 0, "%d", 123), 0);
	assert_int_equal(b[0], 'Z');
}

static void unknown_format_is_copied(void **state)
{
	static const char odd[] = "a%qb%";
	const char *volatile f = odd; /* the compiler would refuse it */
	char b[16];

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	fmt_print(b, sizeof(b), f, 1);
#pragma GCC diagnostic pop
	assert_string_equal(b, "a%qb%");
}

static void a_misspelt_word_is_recognised(void **state)
{
	static const char list[] = "xen,domain\0viaduct,guest\0cpus\0";

	assert_string_equal(text_nearest("xen,domains", list), "xen,domain");
	assert_string_equal(text_nearest("xen-domian", "xen-domain\0"), "xen-domain");
	assert_string_equal(text_nearest("viaduct,gues", list), "viaduct,guest");
	assert_string_equal(text_nearest("cpu", list), "cpus");
	assert_null(text_nearest("cp", list)); /* two of four characters are no slip */
	assert_null(text_nearest("xen,evtchn", list));
	assert_null(text_nearest("", list));
	assert_null(text_nearest("a-word-that-is-longer-than-any-that-are-compared", list));
	assert_null(text_nearest("cpus", ""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(formats_match_the_c_library),
		cmocka_unit_test(null_string_is_shown),
		cmocka_unit_test(output_is_cut_and_terminated),
		cmocka_unit_test(unknown_format_is_copied),
		cmocka_unit_test(a_misspelt_word_is_recognised),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
