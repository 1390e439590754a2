/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pump: one CPU at a time moves the rings to the UART, a line of one ring at a time, prefixed
 * with "(name) ". A CPU that finds another at it leaves its call.
 *
 * A line that is not finished (a prompt, an echo) is shown at once. It is broken for another ring
 * only after CONSOLE_HOLD_US without output, or when it gets longer than LINE_LONG, or when another
 * has waited for WAIT_US: a guest that never ends its line, however it prints, cannot keep the
 * others silent.
 */
#include <arch/cpu.h>
#include <arch/time.h>
#include <hv/log.h>
#include <hv/mmio.h>

#include "console_priv.h"

#define LINE_LONG  512 /* characters after which others may break a line */
#define WAIT_US    (4 * CONSOLE_HOLD_US)
#define STAGE_SIZE 160 /* a piece of a line */
#define PREFIX_MAX (GUEST_NAME_MAX + 3)
/* What one character may add: a prefix, a return with another, and what is shown for it. */
#define STAGE_STEP (2 * PREFIX_MAX + 8 + SCREEN_OUT)
#define PUMP_MAX   4 /* stages one call hands to the UART */
#define PUMP_TURNS 8 /* and how often, because others called meanwhile */
#define STUCK_US   100000

static struct {
	bool uart;      /* there is one */
	bool irq;       /* console_start_irq was called */
	bool retrying;  /* the timer was asked for */
	uint32_t calls; /* for the pump since nobody is it; 0: nobody is */
	/* the pump's own */
	bool armed;          /* the UART is full; its interrupt calls */
	bool stuck;          /* the UART took nothing for STUCK_US; not waited for again */
	uint16_t cur;        /* ring whose line is on the screen */
	uint16_t turn;       /* the last one of a guest that was */
	uint32_t line_len;   /* of that line, so far; 0: it is finished */
	uint64_t held_until; /* without output since, the line may be broken */
	uint64_t wait_until; /* so long another ring waits for its end; 0: none does */
	char stage[STAGE_SIZE];
	uint8_t stage_pos, stage_len;
} tx;

/* ---- rings to stage ---- */

static bool has_output(const struct ring *r)
{
	return __atomic_load_n(&r->head, __ATOMIC_ACQUIRE) != r->tail ||
	       __atomic_load_n(&r->lost, __ATOMIC_RELAXED);
}

/*
 * The next ring with output, the one on the screen last and also when there is none. Viaduct's own
 * is first: what it says is bounded by time, and guests that print all the time do not delay it.
 * Guests take turns, whatever Viaduct says between them.
 */
static uint16_t next_ring(void)
{
	uint16_t n = tx.turn;

	if (has_output(rings[0]))
		return 0;
	for (unsigned i = 0; i < ring_count(); i++) {
		n = (uint16_t)((n + 1U) % ring_count());
		if (n != tx.cur && has_output(rings[n]))
			return n;
	}
	return tx.cur;
}

static void stage_character(char c)
{
	tx.stage[tx.stage_len++] = c;
	tx.line_len++;
}

static void stage_text(const char *s)
{
	while (*s)
		stage_character(*s++);
}

static void stage_prefix(struct ring *r)
{
	stage_character('(');
	stage_text(r->name);
	stage_text(") ");
}

static void end_colours(struct ring *r)
{
	if (r->screen.coloured)
		stage_text("\033[m");
	r->screen.coloured = false;
}

/* Ends the line on the screen, which is the current ring's. */
static void stage_newline(void)
{
	struct ring *r = rings[tx.cur];

	end_colours(r);
	stage_text("\r\n");
	r->screen.column = r->screen.width = 0;
	r->returned = false;
	tx.line_len = 0;
	tx.wait_until = 0;
}

static void begin_line(struct ring *r)
{
	if (!tx.line_len && r->name)
		stage_prefix(r);
}

/* The line again from its start: the prefix as well, whatever is done to the cursor there. */
static void stage_return(struct ring *r)
{
	r->returned = false;
	if (!tx.line_len)
		return;
	end_colours(r);
	stage_character('\r');
	stage_prefix(r);
	r->screen.column = 0;
}

/* A guest's character that is no LF. */
static void stage_guest(struct ring *r, char c)
{
	char out[SCREEN_OUT];
	unsigned n;

	if (c == '\r') {
		r->returned = true;
		return;
	}
	if (r->returned)
		stage_return(r);
	n = screen_put(&r->screen, c, out);
	if (n)
		begin_line(r);
	for (unsigned i = 0; i < n; i++)
		stage_character(out[i]);
}

static void stage_lost(struct ring *r)
{
	uint32_t n = __atomic_exchange_n(&r->lost, 0, __ATOMIC_RELAXED);
	char text[32];

	if (tx.line_len)
		stage_newline();
	begin_line(r);
	fmt_print(text, sizeof(text), "[%u bytes lost]", n);
	stage_text(text);
	stage_newline();
}

/* A piece of ring r, at most to the end of its line. */
static void stage_ring(struct ring *r)
{
	uint32_t head = __atomic_load_n(&r->head, __ATOMIC_ACQUIRE);
	uint32_t tail = r->tail;

	if (head == tail) {
		stage_lost(r);
		return;
	}
	while (tail != head && tx.stage_len < STAGE_SIZE - STAGE_STEP) {
		char c = r->buf[tail++ % RING_SIZE];

		if (c == '\n') {
			begin_line(r);
			stage_newline();
			break;
		}
		if (r->name)
			stage_guest(r, c);
		else
			stage_character(c);
	}
	__atomic_store_n(&r->tail, tail, __ATOMIC_RELEASE);
}

static void (*arm_retry_timer)(void) __ro_after_boot;

void console_set_retry_timer(void (*arm)(void))
{
	arm_retry_timer = arm;
}

/* Whether a line that its guest has not ended holds up the others, for WAIT_US at most. */
enum pump_how { KEEP_LINES_WHOLE, BREAK_LINES };

/* Another ring has output. May it break the line on the screen, which has `more` to come or not? */
static bool may_break_line(bool more, enum pump_how how)
{
	uint64_t time = arch_time_ticks();

	if (!tx.wait_until)
		tx.wait_until = time_after(WAIT_US);
	if (time >= tx.wait_until)
		return true;
	if (more)
		return tx.line_len >= LINE_LONG;
	return how == BREAK_LINES || time >= tx.held_until;
}

/* Fills the empty stage. False: nothing to send, or it has to wait for somebody's line. */
static bool fill_stage(enum pump_how how)
{
	uint16_t next = next_ring();
	bool more = has_output(rings[tx.cur]);

	tx.stage_pos = 0;
	tx.stage_len = 0;
	if (next == tx.cur && !more)
		return false;
	if (tx.line_len && next != tx.cur) {
		if (may_break_line(more, how)) {
			stage_newline();
			return true;
		}
		if (!more) {
			if (!__atomic_exchange_n(&tx.retrying, true, __ATOMIC_RELAXED))
				arm_retry_timer();
			return false;
		}
	}
	if (!tx.line_len) {
		tx.cur = next;
		tx.turn = next ? next : tx.turn;
	}
	stage_ring(rings[tx.cur]);
	return true;
}

/* ---- stage to UART ---- */

/* False: the UART takes no more now. */
static bool send_stage(void)
{
	unsigned n = uart_write(tx.stage + tx.stage_pos, (unsigned)(tx.stage_len - tx.stage_pos));

	if (n) {
		tx.stuck = false;
		tx.held_until = time_after(CONSOLE_HOLD_US);
	}
	tx.stage_pos = (uint8_t)(tx.stage_pos + n);
	return tx.stage_pos == tx.stage_len;
}

static void send_all_or_interrupt(void)
{
	unsigned stages = 0;
	bool full;

	do
		full = !send_stage() || stages++ == PUMP_MAX;
	while (!full && fill_stage(KEEP_LINES_WHOLE));
	if (full != tx.armed)
		uart_tx_irq(full);
	tx.armed = full;
}

/* Everything, waiting for the UART; a UART that takes nothing for STUCK_US is given up. */
static void send_all_polled(void)
{
	/* Bounded: others may go on writing. */
	for (unsigned i = 0; i < ring_count() * RING_SIZE; i++) {
		uint64_t end = time_after(STUCK_US);

		while (!send_stage()) {
			if (tx.stuck || arch_time_ticks() > end) {
				tx.stuck = true;
				return;
			}
			arch_cpu_relax();
		}
		if (!fill_stage(BREAK_LINES))
			return;
	}
}

/* A CPU that finds another at it leaves its call; the other ends when no more were left. */
void pump(void)
{
	uint32_t calls = 1;

	if (!tx.uart || __atomic_fetch_add(&tx.calls, 1, __ATOMIC_SEQ_CST))
		return;
	for (unsigned i = 0; i < PUMP_TURNS; i++) {
		if (tx.irq)
			send_all_or_interrupt();
		else
			send_all_polled();
		if (__atomic_compare_exchange_n(&tx.calls, &calls, 0, false, __ATOMIC_SEQ_CST,
						__ATOMIC_SEQ_CST))
			return;
	}
	/* Others keep us busy: this CPU has a guest to run. */
	__atomic_store_n(&tx.calls, 0, __ATOMIC_SEQ_CST);
	if (tx.irq)
		arm_retry_timer();
}

/* ---- when it runs ---- */

void pump_init(void)
{
	tx.uart = true;
	pump();
}

bool pump_has_uart(void)
{
	return tx.uart;
}

void pump_poll(void)
{
	__atomic_store_n(&tx.retrying, false, __ATOMIC_RELAXED);
	pump();
}

void console_start_irq(void)
{
	tx.irq = true;
	pump();
}

void console_flush(void)
{
	uint64_t end = time_after(STUCK_US);

	if (!tx.uart)
		return;
	/* The pump's CPU may be the one that crashed: it is waited for, but not for ever. */
	while (__atomic_exchange_n(&tx.calls, 1, __ATOMIC_ACQUIRE) && arch_time_ticks() <= end)
		arch_cpu_relax();
	send_all_polled();
	end = time_after(STUCK_US);
	while (!uart_tx_idle() && arch_time_ticks() <= end)
		arch_cpu_relax();
	__atomic_store_n(&tx.calls, 0, __ATOMIC_RELEASE);
}
