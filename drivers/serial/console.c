/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The console multiplexer. Writers put characters into their ring; one CPU at a time (the pump)
 * moves them to the UART, a line of one ring at a time, prefixed with "(name) ". Ring 0 is
 * Viaduct's own, without prefix.
 *
 * A line that is not finished (a prompt, an echo) is shown at once. It is broken for another ring
 * only after CONSOLE_HOLD_US without output, or when it gets longer than LINE_LONG: a guest that
 * never ends its line cannot keep the others silent.
 *
 * A full ring drops and counts until it has been emptied; the count follows as a line of its own.
 */
#include <arch/cpu.h>
#include <arch/time.h>
#include <hv/console.h>
#include <hv/limits.h>
#include <hv/log.h>
#include <hv/mmio.h>
#include <hv/panic.h>
#include <hv/pmem.h>
#include <hv/spinlock.h>

#include "screen.h"

#define RING_SIZE  8192 /* power of two */
#define RINGS      (MAX_VMS + 1)
#define LINE_LONG  512 /* characters after which others may break a line */
#define STAGE_SIZE 160 /* a piece of a line */
#define PREFIX_MAX (GUEST_NAME_MAX + 3)
/* What one character may add: a prefix, a return with another, and what is shown for it. */
#define STAGE_STEP (2 * PREFIX_MAX + 8 + SCREEN_OUT)
#define PUMP_MAX   4  /* stages one call hands to the UART */
#define PUMP_TURNS 8  /* and how often, because others called meanwhile */
#define RX_MAX     32 /* characters one call takes from the UART */
#define STUCK_US   100000
#define CTRL_A     1

struct ring {
	struct spinlock lock; /* writers */
	uint32_t head;        /* characters put so far; writers */
	uint32_t tail;        /* characters taken so far; the pump */
	uint32_t lost;        /* nonzero: writers drop until the pump has told it */
	char *buf;
	const char *name; /* in front of each line; NULL: nothing */
	bool returned;    /* CR, behind which nothing has come yet; the pump */
	struct screen screen;
	void (*rx)(void *arg, char c);
	void *arg;
};

static char log_buf[RING_SIZE]; /* of ring 0, which is there from the first line on */
static struct ring log_ring = { .buf = log_buf };
static struct ring *rings[RINGS] = { &log_ring };
static unsigned ring_count = 1;

static struct {
	bool uart;      /* there is one */
	bool irq;       /* console_start_irq was called */
	bool retrying;  /* the timer was asked for */
	uint32_t calls; /* for the pump since nobody is it; 0: nobody is */
	/* the pump's own */
	bool armed;          /* the UART is full; its interrupt calls */
	bool stuck;          /* the UART took nothing for STUCK_US; not waited for again */
	uint8_t cur;         /* ring whose line is on the screen */
	uint32_t line_len;   /* of that line, so far; 0: it is finished */
	uint64_t held_until; /* without output since, the line may be broken */
	char stage[STAGE_SIZE];
	uint8_t stage_pos, stage_len;
} tx;

static struct {
	bool busy;
	uint8_t to;     /* ring that has the input; 0: none */
	uint8_t ctrl_a; /* how many in a row */
} rx;

/* ---- the pump: rings to stage ---- */

static bool has_output(const struct ring *r)
{
	return __atomic_load_n(&r->head, __ATOMIC_ACQUIRE) != r->tail ||
	       __atomic_load_n(&r->lost, __ATOMIC_RELAXED);
}

/*
 * The next ring with output, the one on the screen last and also when there is none. Viaduct's own
 * is first: what it says is bounded by time, and guests that print all the time do not delay it.
 */
static uint8_t next_ring(void)
{
	uint8_t n = tx.cur;

	if (has_output(rings[0]))
		return 0;
	do
		n = (uint8_t)((n + 1) % ring_count);
	while (n != tx.cur && !has_output(rings[n]));
	return n;
}

static void stage(char c)
{
	tx.stage[tx.stage_len++] = c;
	tx.line_len++;
}

static void stage_text(const char *s)
{
	while (*s)
		stage(*s++);
}

static void stage_prefix(struct ring *r)
{
	stage('(');
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
	stage('\r');
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
		stage(out[i]);
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
			stage(c);
	}
	__atomic_store_n(&r->tail, tail, __ATOMIC_RELEASE);
}

static void (*arm_retry_timer)(void) __ro_after_boot;

void console_set_retry_timer(void (*arm)(void))
{
	arm_retry_timer = arm;
}

/* Fills the empty stage. False: nothing to send, or it has to wait for somebody's line. */
static bool fill(bool now)
{
	uint8_t next = next_ring();
	bool more = has_output(rings[tx.cur]);

	tx.stage_pos = 0;
	tx.stage_len = 0;
	if (next == tx.cur && !more)
		return false;
	if (tx.line_len && next != tx.cur && !(more && tx.line_len < LINE_LONG)) {
		if (!more && !now && arch_time_ticks() < tx.held_until) {
			if (!__atomic_exchange_n(&tx.retrying, true, __ATOMIC_RELAXED))
				arm_retry_timer();
			return false;
		}
		stage_newline();
		return true;
	}
	if (!tx.line_len)
		tx.cur = next;
	stage_ring(rings[tx.cur]);
	return true;
}

/* ---- the pump: stage to UART ---- */

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
	while (!full && fill(false));
	if (full != tx.armed)
		uart_tx_irq(full);
	tx.armed = full;
}

/* Everything, waiting for the UART; a UART that takes nothing for STUCK_US is given up. */
static void send_all_polled(void)
{
	/* Bounded: others may go on writing. */
	for (unsigned i = 0; i < ring_count * RING_SIZE; i++) {
		uint64_t end = time_after(STUCK_US);

		while (!send_stage()) {
			if (tx.stuck || arch_time_ticks() > end) {
				tx.stuck = true;
				return;
			}
			arch_cpu_relax();
		}
		if (!fill(true))
			return;
	}
}

/* A CPU that finds another at it leaves its call; the other ends when no more were left. */
static void pump(void)
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

/* ---- writers ---- */

/* With less than `keep` bytes left behind it, or after a loss, nothing is taken. */
static bool ring_put(struct ring *r, const char *text, size_t n, size_t keep)
{
	uint32_t used = r->head - __atomic_load_n(&r->tail, __ATOMIC_ACQUIRE);

	if (used + n + keep > RING_SIZE || __atomic_load_n(&r->lost, __ATOMIC_RELAXED))
		return false;
	for (uint32_t i = 0; i < n; i++)
		r->buf[(r->head + i) % RING_SIZE] = text[i];
	__atomic_store_n(&r->head, r->head + (uint32_t)n, __ATOMIC_RELEASE);
	return true;
}

void console_put(uint8_t ring, const char *text, size_t n)
{
	struct ring *r = rings[ring];

	spin_lock(&r->lock, LOCK_CONSOLE);
	if (!ring_put(r, text, n, 0))
		__atomic_fetch_add(&r->lost, (uint32_t)n, __ATOMIC_RELAXED);
	spin_unlock(&r->lock);
	pump();
}

bool console_put_spare(const char *line, size_t n)
{
	bool taken;

	spin_lock(&rings[0]->lock, LOCK_CONSOLE);
	taken = ring_put(rings[0], line, n, RING_SIZE / 2);
	spin_unlock(&rings[0]->lock);
	pump();
	return taken;
}

/* ---- input ---- */

static void switch_input(void)
{
	if (!rx.to)
		return;
	do
		rx.to = (uint8_t)((rx.to + 1) % ring_count);
	while (!rings[rx.to]->rx);
	log_info("input to %s", rings[rx.to]->name);
}

static void command(char letter)
{
	if (letter == 'h')
		log_info("Ctrl-a: three times: next guest; h: help; l: list of guests");
	for (uint8_t i = 1; letter == 'l' && i < ring_count; i++)
		log_info("(%s) %s", rings[i]->name, i == rx.to ? "has the input" : "");
}

static void deliver(char c)
{
	if (rx.to)
		rings[rx.to]->rx(rings[rx.to]->arg, c);
}

static void input(char c)
{
	unsigned seen = rx.ctrl_a;

	rx.ctrl_a = c == CTRL_A ? (uint8_t)((seen + 1) % 3) : 0;
	if (c == CTRL_A) {
		if (seen == 2)
			switch_input();
	} else if (seen == 1 && (c | 0x20) >= 'a' && (c | 0x20) <= 'z') {
		command(c);
	} else {
		if (seen ==
		    2) /* the key that shows that no third one comes is the guest's as well */
			deliver(CTRL_A);
		deliver(c);
	}
}

static void take_input(void)
{
	char c;

	/* Another CPU is at it: the interrupt is level, so what is left comes back. */
	if (!tx.uart || __atomic_exchange_n(&rx.busy, true, __ATOMIC_ACQUIRE))
		return;
	for (unsigned i = 0; i < RX_MAX && uart_read(&c); i++)
		input(c);
	__atomic_store_n(&rx.busy, false, __ATOMIC_RELEASE);
}

/* ---- life ---- */

uint8_t console_add(const char *name, void (*fn)(void *arg, char c), void *arg)
{
	struct ring *r = pmem_alloc(sizeof(*r), 64);

	ASSERT(ring_count < RINGS);
	rings[ring_count] = r;
	*r = (struct ring){ .buf = pmem_alloc(RING_SIZE, 64), .name = name, .rx = fn, .arg = arg };
	if (!rx.to && fn)
		rx.to = (uint8_t)ring_count;
	return (uint8_t)ring_count++;
}

void console_init(void)
{
	uart_init();
	tx.uart = true;
	pump();
}

void console_start_irq(void)
{
	tx.irq = true;
	pump();
}

void console_poll(void)
{
	__atomic_store_n(&tx.retrying, false, __ATOMIC_RELAXED);
	take_input();
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
