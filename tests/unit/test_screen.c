/* SPDX-License-Identifier: Apache-2.0 */
/* What of a guest's output reaches the terminal: each rule of screen.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "../../drivers/serial/screen.h"

static const struct {
	const char *rule, *in, *out;
} cases[] = {
	{ "text", "ls -l ~", "ls -l ~" },
	{ "tab and bell", "a\tb\a", "a\tb\a" },
	{ "a shell takes back what it wrote", "ab\b\b \b", "ab\b\b \b" },
	{ "but nothing that is not its own", "\bab\b\b\b\bx", "ab\b\bx" },
	{ "NUL is padding", "a\001b\002", "a^Ab^B" },
	{ "cursor to another line", "\v\fx\016\177", "^K^Lx^N^?" },
	{ "colours", "\033[1;31mred\033[0m \033[m", "\033[1;31mred\033[0m \033[m" },
	{ "erase to the end", "ab\b\033[K\033[0J", "ab\b\033[K\033[0J" },
	{ "erase to the start, or all", "ab\033[1K\033[2K\033[2J\033[1J\033[3Jc", "abc" },
	{ "left inside of the line", "abcd\033[2Dx\033[D", "abcd\033[2Dx\033[1D" },
	{ "left as far as it is its own", "ab\033[500Dx", "ab\033[2Dx" },
	{ "right inside of the line", "abcd\b\b\b\033[2C", "abcd\b\b\b\033[2C" },
	{ "right as far as it wrote", "ab\b\033[500C\b\b\bx", "ab\b\033[1C\b\bx" },
	{ "right where nothing is, and back", "\033[9C\033[9Dx", "x" },
	{ "delete, insert", "abc\b\b\033[1P\033[2@\033[3X", "abc\b\b\033[1P\033[2@\033[3X" },
	{ "up, home, anywhere", "a\033[A\033[5A\033[H\033[3;1H\033[1;1f\033[1G\033[Fb", "ab" },
	{ "the terminal would answer", "\033[6n\033[c\033[>c\033[5nx", "x" },
	{ "modes", "\033[?25l\033[?1049h\033[4h\033[!px", "x" },
	{ "regions, scrolling", "\033[1;2r\033[5S\033[5T\033[Lx\033[s\033[u", "x" },
	{ "no CSI", "\033cx\0337\033]0;title\a", "^[cx^[7^[]0;title\a" },
	{ "ESC twice", "\033\033[31mx", "^[\033[31mx" },
	{ "CSI that is broken off", "\033[31\bx\033[3\033[32my", "x\033[32my" },
	{ "CSI without an end", "\033[1111111111111111111111111111111111111111mx", "x" },
	{ "UTF-8", "\303\244\342\202\254\360\237\230\200\302\240",
	  "\303\244\342\202\254\360\237\230\200\302\240" },
	{ "no UTF-8", "\200a\377\303z\342\202x", "?a??z?x" },
	{ "too long a form of a character", "\300\233x\340\200\233y\360\200\200\233", "??x?y?" },
	{ "C1 controls, of 8 bits and in UTF-8", "\2331mx\302\2331my", "?1mx?1my" },
	{ "text that runs the other way", "\342\200\256x\342\201\246", "?x?" },
	{ "a UTF-8 character is not counted", "\303\244\b\bx", "\303\244x" },
};

static void each_rule(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct screen s = { .state = SCREEN_TEXT };
		char got[256] = "";
		size_t len = 0;

		for (const char *c = cases[i].in; *c; c++) {
			char out[SCREEN_OUT];
			unsigned n = screen_put(&s, *c, out);

			assert_true(n <= SCREEN_OUT);
			memcpy(got + len, out, n);
			len += n;
		}
		got[len] = 0;
		if (strcmp(got, cases[i].out))
			fail_msg("%s: \"%s\"", cases[i].rule, got);
	}
}

static void nul_is_dropped(void **state)
{
	struct screen s = { .state = SCREEN_TEXT };
	char out[SCREEN_OUT];

	assert_int_equal(screen_put(&s, 0, out), 0);
}

static void colours_are_to_be_undone(void **state)
{
	static const struct {
		const char *in;
		bool coloured;
	} sgr[] = { { "x", false },          { "\033[m", false },   { "\033[0m", false },
		    { "\033[31m", true },    { "\033[0;8m", true }, { "\033[;7m", true },
		    { "\033[00000m", true }, { "\033[8K", false } };

	for (size_t i = 0; i < ARRAY_SIZE(sgr); i++) {
		struct screen s = { .state = SCREEN_TEXT };
		char out[SCREEN_OUT];

		for (const char *c = sgr[i].in; *c; c++)
			screen_put(&s, *c, out);
		assert_int_equal(s.coloured, sgr[i].coloured);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_rule),
		cmocka_unit_test(nul_is_dropped),
		cmocka_unit_test(colours_are_to_be_undone),
	};

	return cmocka_run_group_tests_name("screen", tests, NULL, NULL);
}
