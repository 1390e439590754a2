/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The console multiplexer on a UART of the test's own: prefixes, whole lines, prompts, losses,
 * input.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <host.h>
#include <hv/console.h>
#include <hv/pmem.h>

static struct {
	char out[1 << 16];
	size_t len;
	unsigned room; /* characters it still takes */
	bool irq;
	const char *input;
	void (*on_write)(void); /* what another CPU does meanwhile */
} uart;

static char got[2][64];
static uint16_t a, b;
static unsigned retries;

void uart_init(void) {}

unsigned uart_write(const char *s, unsigned n)
{
	n = MIN(n, uart.room);
	uart.room -= n;
	assert_true(uart.len + n < sizeof(uart.out));
	memcpy(uart.out + uart.len, s, n);
	uart.len += n;
	uart.out[uart.len] = 0;
	if (uart.on_write)
		uart.on_write();
	return n;
}

bool uart_read(char *c)
{
	if (!uart.input || !*uart.input)
		return false;
	*c = *uart.input++;
	return true;
}

void uart_tx_irq(bool on) { uart.irq = on; }

bool uart_tx_idle(void) { return true; }

static void on_rx(void *arg, char c)
{
	char *s = arg;

	s[strlen(s)] = c;
}

static void on_retry(void) { retries++; }

static void put_nul(void) { console_put(a, "", 1); }

static void puts_to(uint16_t ring, const char *s)
{
	while (*s)
		console_put(ring, s++, 1);
}

static void expect(const char *want)
{
	assert_string_equal(uart.out, want);
	uart.len = 0;
	uart.out[0] = 0;
}

/* Every test begins at the start of a line, with nothing waiting. */
static int begin(void **state)
{
	uart.room = ~0U;
	puts_to(a, "\n");
	console_flush();
	console_poll();
	uart.len = 0;
	uart.out[0] = 0;
	uart.input = NULL;
	retries = 0;
	memset(got, 0, sizeof(got));
	host_log_clear();
	return 0;
}

static void log_line_has_no_prefix(void **state)
{
	console_put(0, "viaduct: hello\n", 15);
	expect("viaduct: hello\r\n");
}

static void guest_line_has_a_prefix_and_crlf_once(void **state)
{
	puts_to(a, "one\ntwo\r\n\r\nthree\n");
	expect("(alpha) one\r\n(alpha) two\r\n(alpha) \r\n(alpha) three\r\n");
}

static void prompt_appears_without_newline(void **state)
{
	puts_to(a, "login: ");
	expect("(alpha) login: ");
	puts_to(a, "root\r\n");
	expect("root\r\n");
}

static void lines_of_two_guests_never_mix(void **state)
{
	static const char la[] = "aaaa aaaa\n", lb[] = "bbbb bbbb\n";

	for (size_t i = 0; la[i]; i++) {
		console_put(a, la + i, 1);
		console_put(b, lb + i, 1);
	}
	expect("(alpha) aaaa aaaa\r\n(beta) bbbb bbbb\r\n");
}

static void prompt_is_broken_only_after_the_hold(void **state)
{
	puts_to(a, "$ ");
	console_put(0, "viaduct: x\n", 11);
	puts_to(b, "y\n");
	expect("(alpha) $ ");
	assert_int_equal(retries, 1);
	console_poll(); /* too early: asked once more */
	expect("");
	assert_int_equal(retries, 2);
	host_time_advance(CONSOLE_HOLD_US);
	console_poll();
	expect("\r\nviaduct: x\r\n(beta) y\r\n");
	puts_to(a, "ls\n");
	expect("(alpha) ls\r\n");
}

static void nobody_waits_at_the_end(void **state)
{
	puts_to(a, "$ ");
	puts_to(b, "y\n");
	console_flush();
	expect("(alpha) $ \r\n(beta) y\r\n");
}

static void endless_line_does_not_silence_others(void **state)
{
	console_put(a, "x", 1);
	puts_to(b, "here\n");
	for (unsigned i = 0; i < 600; i++)
		console_put(a, "x", 1);
	assert_non_null(strstr(uart.out, "x\r\n(beta) here\r\n(alpha) x"));
}

/* A character now and then, each within the hold of the one before. */
static void slow_line_does_not_silence_others(void **state)
{
	console_put(a, "x", 1);
	puts_to(b, "here\n");
	console_put(0, "viaduct: x\n", 11);
	for (unsigned i = 0; i < 10; i++) {
		host_time_advance(CONSOLE_HOLD_US / 2);
		console_put(a, "x", 1);
	}
	expect("(alpha) xxxxxxxx\r\nviaduct: x\r\n(beta) here\r\n(alpha) xxx");
}

/* What is not shown makes no line longer: it comes in whenever the console looks. */
static void invisible_output_does_not_silence_others(void **state)
{
	console_put(a, "x", 1);
	uart.on_write = put_nul;
	puts_to(b, "here\n");
	for (unsigned i = 0; i < 10; i++) {
		host_time_advance(CONSOLE_HOLD_US / 2);
		console_poll();
	}
	uart.on_write = NULL;
	assert_non_null(strstr(uart.out, "x\r\n(beta) here\r\n"));
}

static void long_line_is_whole_when_nobody_waits(void **state)
{
	char line[1200];

	memset(line, 'y', sizeof(line));
	console_put(a, line, sizeof(line));
	for (unsigned i = 0; i < 20; i++)
		console_poll();
	assert_int_equal(uart.len, strlen("(alpha) ") + sizeof(line));
	assert_null(strchr(uart.out, '\n'));
}

static void full_uart_is_left_to_its_interrupt(void **state)
{
	uart.room = 10;
	puts_to(a, "hello\nworld\n");
	expect("(alpha) he");
	assert_true(uart.irq);
	uart.room = 8;
	console_poll();
	expect("llo\r\n(al");
	assert_true(uart.irq);
	uart.room = 100;
	console_poll();
	expect("pha) world\r\n");
	assert_false(uart.irq);
}

static void overflow_is_dropped_and_counted(void **state)
{
	uart.room = 0;
	/* one more than the ring holds is on its way to the UART */
	for (unsigned i = 0; i < 8192 + 1 + 77; i++)
		console_put(a, i % 64 == 63 ? "\n" : "x", 1);
	uart.room = ~0U;
	for (unsigned i = 0; i < 100; i++)
		console_poll();
	assert_string_equal(uart.out + uart.len - 26, "\r\n(alpha) [77 bytes lost]\r\n" + 1);
	uart.len = 0;
	puts_to(a, "on\n");
	expect("(alpha) on\r\n");
}

static void log_line_is_lost_whole(void **state)
{
	char line[201];

	memset(line, 'l', 200);
	line[200] = '\n';
	uart.room = 0;
	for (unsigned i = 0; i < 50; i++)
		console_put(0, line, sizeof(line));
	uart.room = ~0U;
	for (unsigned i = 0; i < 100; i++)
		console_poll();
	/* 41 lines of 201 in 8192 and what is on its way to the UART; 9 lost */
	assert_int_equal(uart.len, 41 * 202 + strlen("[1809 bytes lost]\r\n"));
	assert_non_null(strstr(uart.out, "[1809 bytes lost]\r\n"));
}

static void flush_gives_up_on_a_stuck_uart(void **state)
{
	uart.room = 0;
	puts_to(a, "x\n");
	console_flush();
	uart.room = ~0U;
	console_flush();
	expect("(alpha) x\r\n");
}

static void input_goes_to_one_guest_and_ctrl_a_thrice_switches(void **state)
{
	uart.input = "ab\001\001\001cd\001\001\001e";
	console_poll();
	assert_string_equal(got[0], "abe");
	assert_string_equal(got[1], "cd");
	assert_string_equal(host_log(), "input to beta\ninput to alpha\n");
}

static void ctrl_a_and_letter_is_a_command(void **state)
{
	uart.input = "\001qx\001h";
	console_poll();
	assert_string_equal(got[0], "x");
	assert_non_null(strstr(host_log(), "three times"));
}

/* A command of the test's own: x asks for two lines. */
static char answers[80];

static bool on_command(char letter, const char *line)
{
	char *s = answers + strlen(answers);

	snprintf(s, (size_t)(answers + sizeof(answers) - s), "%c(%s)", letter, line ? line : "");
	return letter == 'x' && strlen(answers) < 12;
}

static void a_command_gets_the_lines_it_asks_for(void **state)
{
	answers[0] = 0;
	uart.input = "a\001xo\033[n\177\177e \rtwo\nb\001y\rc";
	console_poll();
	assert_string_equal(answers, "x()x()x(e)x(two)y()");
	assert_string_equal(got[0], "ab\rc");
}

static void a_line_is_bounded(void **state)
{
	answers[0] = 0;
	uart.input = "\001x0123456789012345678901234567";
	console_poll();
	uart.input = "89012345678901234567890123456789\r";
	for (unsigned i = 0; i < 3; i++)
		console_poll();
	assert_string_equal(answers, "x()x(0123456789012345678901234567890123456789)");
	assert_string_equal(got[0], "");
}

static void input_leaves_who_goes_off(void **state)
{
	console_guest_off(a);
	uart.input = "b";
	console_poll();
	uart.input = "\001\001\001b"; /* nobody else takes it */
	console_poll();
	assert_string_equal(got[0], "");
	assert_string_equal(got[1], "bb");
	console_guest_off(b);
	assert_int_equal(console_input(), 0);
	uart.input = "x";
	console_poll();
	console_guest_on(b);
	assert_int_equal(console_input(), b);
	console_guest_on(a); /* it stays where it is */
	uart.input = "b\001\001\001a";
	console_poll();
	assert_string_equal(got[0], "a");
	assert_string_equal(got[1], "bbb");
	assert_string_equal(host_log(), "input to beta\ninput to beta\nno guest takes input\n"
					"input to beta\ninput to alpha\n");
}

static void ctrl_a_twice_sends_one(void **state)
{
	uart.input = "\001\001c\001\0015";
	console_poll();
	assert_string_equal(got[0], "\001c\0015");
}

static void input_is_bounded_per_call(void **state)
{
	uart.input = "0123456789012345678901234567890123456789";
	console_poll();
	assert_int_equal(strlen(got[0]), 32);
	console_poll();
	assert_int_equal(strlen(got[0]), 40);
}

/* ---- before interrupts ---- */

static void early_lines_wait_for_the_uart_and_are_synchronous(void **state)
{
	console_put(0, "viaduct: early\n", 15);
	uart.room = ~0U;
	console_set_retry_timer(on_retry);
	console_init();
	expect("viaduct: early\r\n");
	puts_to(a, "partial");
	console_put(0, "viaduct: now\n", 13);
	expect("(alpha) partial\r\nviaduct: now\r\n");
	uart.room = 0; /* a UART that takes nothing does not stop the boot */
	console_put(0, "viaduct: kept\n", 14);
	uart.room = ~0U;
	console_put(0, "viaduct: next\n", 14);
	expect("viaduct: kept\r\nviaduct: next\r\n");
	assert_false(uart.irq);
	console_start_irq();
}

/* ---- what a guest prints cannot look like what Viaduct prints ---- */

static void return_writes_the_prefix_again(void **state)
{
	puts_to(a, "10%\r20%\rviaduct: error: forged\r\n");
	expect("(alpha) 10%\r(alpha) 20%\r(alpha) viaduct: error: forged\r\n");
	puts_to(a, "\r\r\nviaduct: x\n");
	expect("(alpha) \r\n(alpha) viaduct: x\r\n");
}

static void colours_end_with_the_line(void **state)
{
	puts_to(a, "\033[8mhidden\nx\033[31m\ry\033[m\n");
	expect("(alpha) \033[8mhidden\033[m\r\n(alpha) x\033[31m\033[m\r(alpha) y\033[m\r\n");
	puts_to(a, "\033[7mprompt");
	puts_to(b, "y\n");
	console_flush();
	expect("(alpha) \033[7mprompt\033[m\r\n(beta) y\r\n");
}

static void own_lines_come_first(void **state)
{
	uart.room = 0;
	for (unsigned i = 0; i < 50; i++) {
		puts_to(a, "noise\n");
		puts_to(b, "noise\n");
	}
	console_put(0, "viaduct: fact\n", 14);
	uart.room = 140; /* what was on its way, and a line more */
	console_poll();
	assert_non_null(strstr(uart.out, "viaduct: fact\r\n"));
	uart.room = ~0U;
	for (unsigned i = 0; i < 100; i++)
		console_poll();
}

/* What guests may cause is not in the way of the other lines. */
static void half_of_the_log_is_kept_for_what_matters(void **state)
{
	char line[129];
	unsigned taken = 0;

	memset(line, 'n', 128);
	line[128] = '\n';
	uart.room = 0;
	for (unsigned i = 0; i < 100; i++)
		taken += console_put_spare(line, sizeof(line));
	assert_in_range(taken, 25, 35);
	for (unsigned i = 0; i < 25; i++) {
		memset(line, 'i', 128);
		console_put(0, line, sizeof(line));
	}
	uart.room = ~0U;
	for (unsigned i = 0; i < 100; i++)
		console_poll();
	assert_null(strstr(uart.out, "lost"));
}

/*
 * A terminal without a right edge, as far as what passes is concerned; anything else fails. Every
 * row has been written by one guest, whose prefix stands in it at any time.
 */
static struct {
	char row[4096];
	unsigned at;
} term;

static void term_sequence(const char *s, char final)
{
	unsigned n = 0;

	for (const char *p = s; *p && *p != ';'; p++) {
		assert_in_range(*p, '0', '9');
		n = MIN(n * 10 + (unsigned)(*p - '0'), 4000U);
	}
	if (final == 'm')
		return;
	if (final == 'K' || final == 'J') {
		assert_int_equal(n, 0);
		memset(term.row + term.at, ' ', sizeof(term.row) - term.at);
		return;
	}
	n = MIN(MAX(n, 1U), (unsigned)sizeof(term.row) - 1 - term.at);
	if (final == 'C')
		term.at += n;
	else if (final == 'D')
		term.at -= MIN(MAX((unsigned)atoi(s), 1U), term.at);
	else if (final == 'P')
		memmove(term.row + term.at, term.row + term.at + n, sizeof(term.row) - term.at - n);
	else if (final == '@')
		memmove(term.row + term.at + n, term.row + term.at, sizeof(term.row) - term.at - n);
	else if (final == 'X')
		memset(term.row + term.at, ' ', n);
	else
		fail_msg("CSI %s%c", s, final);
}

static void term_line_is_a_guest_s(void)
{
	bool any = false;

	for (unsigned i = 0; i < 40; i++)
		any |= term.row[i] != ' ';
	if (any && strncmp(term.row, "(alpha) ", 8) && strncmp(term.row, "(beta) ", 7))
		fail_msg("%.60s", term.row);
}

/* Shows the UART's output; returns how many lines there were. */
static void term_show(void)
{
	for (size_t i = 0; i < uart.len; i++) {
		uint8_t c = (uint8_t)uart.out[i];
		char seq[40] = "";

		if (c == '\r') {
			term_line_is_a_guest_s();
			term.at = 0;
		} else if (c == '\n') {
			term_line_is_a_guest_s();
			memset(term.row, ' ', sizeof(term.row));
		} else if (c == '\b') {
			term.at -= !!term.at;
		} else if (c == '\t') {
			term.at = MIN((term.at + 8) & ~7U, 4000U);
		} else if (c == 0x1b) {
			assert_int_equal(uart.out[++i], '[');
			for (size_t n = 0; uart.out[++i] < 0x40; n++)
				seq[n] = uart.out[i];
			term_sequence(seq, uart.out[i]);
		} else if (c != '\a') {
			assert_true(c >= 0x20 && c != 0x7f);
			if ((c & 0xc0) != 0x80)
				term.row[term.at] = (char)c;
			term.at += (c & 0xc0) != 0x80 && term.at < 4000;
		}
	}
	uart.len = 0;
}

/* Two guests print whatever they like, in pieces that meet in every way. */
static void no_output_of_a_guest_leaves_its_lines(void **state)
{
	static const char *const pieces[] = {
		"\r",           "\n",        "\b",      "\b\b\b\b\b\b\b\b\b\b",
		"\t",           "viaduct: ", "\033[",   "9D",
		"200C",         "K",         "2K",      "\033[8m",
		"\033[m",       "\033[A",    "\033[1G", "\303\244",
		"\314\201",     "\302\233",  "\233",    "\033c",
		"\033[6n",      "1;1H",      "x",       "(beta) ",
		"\033[99P",     "\033[9@",   "\r\n",    "\033[J",
		"\342\200\256", "\033[X",
	};
	uint32_t seed = 1;

	memset(term.row, ' ', sizeof(term.row));
	term.at = 0;
	for (unsigned i = 0; i < 20000; i++) {
		seed = seed * 1664525U + 1013904223U;
		puts_to(seed >> 30 & 1 ? a : b, pieces[(seed >> 8) % ARRAY_SIZE(pieces)]);
		if (seed >> 27 & 1)
			console_flush();
		term_show();
		if ((seed >> 20) % 64 == 0)
			host_time_advance(CONSOLE_HOLD_US);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(early_lines_wait_for_the_uart_and_are_synchronous),
		cmocka_unit_test_setup(log_line_has_no_prefix, begin),
		cmocka_unit_test_setup(guest_line_has_a_prefix_and_crlf_once, begin),
		cmocka_unit_test_setup(prompt_appears_without_newline, begin),
		cmocka_unit_test_setup(lines_of_two_guests_never_mix, begin),
		cmocka_unit_test_setup(prompt_is_broken_only_after_the_hold, begin),
		cmocka_unit_test_setup(nobody_waits_at_the_end, begin),
		cmocka_unit_test_setup(endless_line_does_not_silence_others, begin),
		cmocka_unit_test_setup(slow_line_does_not_silence_others, begin),
		cmocka_unit_test_setup(invisible_output_does_not_silence_others, begin),
		cmocka_unit_test_setup(long_line_is_whole_when_nobody_waits, begin),
		cmocka_unit_test_setup(full_uart_is_left_to_its_interrupt, begin),
		cmocka_unit_test_setup(overflow_is_dropped_and_counted, begin),
		cmocka_unit_test_setup(log_line_is_lost_whole, begin),
		cmocka_unit_test_setup(flush_gives_up_on_a_stuck_uart, begin),
		cmocka_unit_test_setup(input_goes_to_one_guest_and_ctrl_a_thrice_switches, begin),
		cmocka_unit_test_setup(ctrl_a_and_letter_is_a_command, begin),
		cmocka_unit_test_setup(ctrl_a_twice_sends_one, begin),
		cmocka_unit_test_setup(a_command_gets_the_lines_it_asks_for, begin),
		cmocka_unit_test_setup(a_line_is_bounded, begin),
		cmocka_unit_test_setup(input_leaves_who_goes_off, begin),
		cmocka_unit_test_setup(input_is_bounded_per_call, begin),
		cmocka_unit_test_setup(return_writes_the_prefix_again, begin),
		cmocka_unit_test_setup(colours_end_with_the_line, begin),
		cmocka_unit_test_setup(own_lines_come_first, begin),
		cmocka_unit_test_setup(half_of_the_log_is_kept_for_what_matters, begin),
		cmocka_unit_test_setup(no_output_of_a_guest_leaves_its_lines, begin),
	};
	void *arena = aligned_alloc(MIB(2), MIB(2));
	int failed;

	pmem_reset();
	pmem_add((struct range){ (uintptr_t)arena, MIB(2) });
	a = console_add("alpha", on_rx, got[0]);
	b = console_add("beta", on_rx, got[1]);
	console_set_commands(on_command, "; x: test");
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	free(arena);
	return failed;
}
