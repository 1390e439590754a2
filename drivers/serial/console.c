/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The console multiplexer's rings. Writers put characters into theirs; pump.c shows them. Ring 0 is
 * Viaduct's own, without prefix.
 *
 * A full ring drops and counts until it has been emptied; the count follows as a line of its own.
 */
#include <hv/panic.h>
#include <hv/pmem.h>

#include "console_priv.h"

/* Ring 0 is there from the first line on. No initial values: they would be a page of the image. */
static char log_buf[RING_SIZE];
static struct ring log_ring;
struct ring *rings[RINGS] __ro_after_boot;
struct ring_input ring_inputs[RINGS] __ro_after_boot;
unsigned guest_rings __ro_after_boot;

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

static struct ring *log_ring_ready(void)
{
	write_once(log_ring.buf, log_buf);
	return &log_ring;
}

void console_put(uint16_t ring, const char *text, size_t n)
{
	struct ring *r = ring ? rings[ring] : log_ring_ready();

	spin_lock(&r->lock, LOCK_CONSOLE);
	if (!ring_put(r, text, n, 0))
		__atomic_fetch_add(&r->lost, (uint32_t)n, __ATOMIC_RELAXED);
	spin_unlock(&r->lock);
	pump();
}

bool console_put_spare(const char *line, size_t n)
{
	struct ring *r = log_ring_ready();
	bool taken;

	spin_lock(&r->lock, LOCK_CONSOLE);
	taken = ring_put(r, line, n, RING_SIZE / 2);
	spin_unlock(&r->lock);
	pump();
	return taken;
}

/* ---- life ---- */

uint16_t console_add(const char *name, void (*fn)(void *arg, char c), void *arg)
{
	struct ring *r = pmem_alloc(sizeof(*r), 64);
	uint16_t number = (uint16_t)(guest_rings + 1);

	ASSERT(number < RINGS);
	rings[number] = r;
	*r = (struct ring){ .buf = pmem_alloc(RING_SIZE, 64), .name = name };
	ring_inputs[number] = (struct ring_input){ fn, arg };
	guest_rings++;
	if (fn)
		input_add(number);
	return number;
}

void console_init(void)
{
	rings[0] = log_ring_ready();
	uart_init();
	pump_init();
}

void console_poll(void)
{
	input_poll();
	pump_poll();
}
