/* SPDX-License-Identifier: Apache-2.0 */
/* The rings of the console, between those who fill them (console.c) and the pump (pump.c). */
#ifndef SERIAL_CONSOLE_PRIV_H
#define SERIAL_CONSOLE_PRIV_H

#include <hv/console.h>
#include <hv/limits.h>
#include <hv/spinlock.h>

#include "screen.h"

#define RING_SIZE 8192 /* power of two */
#define RINGS     (MAX_VMS + 1)

struct ring {
	struct spinlock lock; /* writers */
	uint32_t head;        /* characters put so far; writers */
	uint32_t tail;        /* characters taken so far; the pump */
	uint32_t lost;        /* nonzero: writers drop until the pump has told it */
	char *buf;
	const char *name; /* in front of each line; NULL: nothing */
	bool returned;    /* CR, behind which nothing has come yet; the pump */
	struct screen screen;
	bool off; /* its guest is; it gets no input */
};

/* Who gets a ring's input; rx NULL: nobody. */
struct ring_input {
	void (*rx)(void *arg, char c);
	void *arg;
};

extern struct ring *rings[RINGS]; /* [0] is Viaduct's own; the others are there for ever */
extern struct ring_input ring_inputs[RINGS];
extern unsigned guest_rings;

static inline unsigned ring_count(void)
{
	return guest_rings + 1;
}

/* pump.c: what is in the rings goes to the UART. Any CPU; a busy one does it for the others. */
void pump(void);
void pump_init(void); /* there is a UART */
bool pump_has_uart(void);
void pump_poll(void); /* from the UART's interrupt or the timer */

/* input.c: what the UART received goes where it belongs. */
void input_poll(void);
void input_add(uint16_t ring); /* boot */

#endif
