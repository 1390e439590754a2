/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Input: to one guest at a time. Ctrl-a three times gives it to the next one that runs; it leaves a
 * guest that goes off. Ctrl-a and a letter is a command, which may ask for lines: until then, no
 * guest gets what is typed. One CPU at a time takes input; `to` alone changes on any.
 */
#include <hv/log.h>

#include "console_priv.h"

#define RX_MAX 32 /* characters one call takes from the UART */
#define CTRL_A 1
#define ESC    27

static struct {
	bool busy;
	uint16_t to;    /* ring that has the input; 0: none */
	uint8_t ctrl_a; /* how many in a row */
	char asked;     /* letter of the command that waits for a line; 0: none */
	uint8_t len;
	char line[CONSOLE_LINE_MAX + 1];
} rx;

static struct {
	console_command_fn *run;
	const char *help;
} commands __ro_after_boot;

static bool takes_input(uint16_t ring)
{
	return ring_inputs[ring].rx && !__atomic_load_n(&rings[ring]->off, __ATOMIC_SEQ_CST);
}

/* The next ring behind `from` whose guest takes input, `from` itself last; 0: none does. */
static uint16_t next_input(uint16_t from)
{
	for (unsigned i = 1; i <= ring_count(); i++) {
		uint16_t n = (uint16_t)((from + i) % ring_count());

		if (n && takes_input(n))
			return n;
	}
	return 0;
}

/* Where nobody else has moved it from there. */
static void move_input(uint16_t from)
{
	uint16_t to = next_input(from);

	if (!__atomic_compare_exchange_n(&rx.to, &from, to, false, __ATOMIC_SEQ_CST,
					 __ATOMIC_RELAXED))
		return;
	if (to)
		log_info("input to %s", rings[to]->name);
	else
		log_info("no guest takes input");
}

static uint16_t input_to(void)
{
	return __atomic_load_n(&rx.to, __ATOMIC_SEQ_CST);
}

uint16_t console_input(void)
{
	return input_to();
}

void input_add(uint16_t ring)
{
	if (!rx.to)
		rx.to = ring;
}

void console_guest_off(uint16_t ring)
{
	__atomic_store_n(&rings[ring]->off, true, __ATOMIC_SEQ_CST);
	if (input_to() == ring)
		move_input(ring);
}

void console_guest_on(uint16_t ring)
{
	__atomic_store_n(&rings[ring]->off, false, __ATOMIC_SEQ_CST);
	if (input_to() == 0)
		move_input(0);
}

void console_set_commands(console_command_fn *run, const char *help)
{
	commands.run = run;
	commands.help = help;
}

static void input_command(char letter, const char *line)
{
	bool more = false;

	rx.len = 0;
	if (letter == 'h')
		log_info("Ctrl-a: three times: next guest; h: help%s",
			 commands.help ? commands.help : "");
	else if (commands.run)
		more = commands.run(letter, line);
	rx.asked = more ? letter : 0;
}

/* A character of the line that a command waits for; what cannot be in a name is left out. */
static void input_answer(char c)
{
	if (c == '\r' || c == '\n' || c == ESC) {
		rx.line[c == ESC ? 0 : rx.len] = 0;
		input_command(rx.asked, rx.line);
	} else if (c == '\b' || c == 0x7f) {
		if (rx.len)
			rx.len--;
	} else if (c > ' ' && c < 0x7f && rx.len < CONSOLE_LINE_MAX) {
		rx.line[rx.len++] = c;
	}
}

static void input_deliver(char c)
{
	uint16_t to = input_to();

	if (rx.asked)
		input_answer(c);
	else if (to)
		ring_inputs[to].rx(ring_inputs[to].arg, c);
}

static void input_character(char c)
{
	unsigned seen = rx.ctrl_a;

	rx.ctrl_a = c == CTRL_A ? (uint8_t)((seen + 1) % 3) : 0;
	if (c == CTRL_A) {
		if (seen == 2)
			move_input(input_to());
	} else if (seen == 1 && (c | 0x20) >= 'a' && (c | 0x20) <= 'z') {
		input_command(c, NULL);
	} else {
		/* The key that shows that no third one comes is the guest's as well. */
		if (seen == 2)
			input_deliver(CTRL_A);
		input_deliver(c);
	}
}

void input_poll(void)
{
	char c;

	/* Another CPU is at it: the interrupt is level, so what is left comes back. */
	if (!pump_has_uart() || __atomic_exchange_n(&rx.busy, true, __ATOMIC_ACQUIRE))
		return;
	for (unsigned i = 0; i < RX_MAX && uart_read(&c); i++)
		input_character(c);
	__atomic_store_n(&rx.busy, false, __ATOMIC_RELEASE);
}
