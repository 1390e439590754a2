/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one physical UART, shared: a ring per guest, each line prefixed with "(name) ", input to
 * one guest that runs. Ctrl-a three times switches, Ctrl-a and a letter is a command, Ctrl-a
 * twice and then any other key sends one Ctrl-a.
 *
 * Locking: one lock a ring, among its writers, the last in the order. Who moves rings to the UART
 * takes no lock: one CPU at a time does it, and another that finds it busy leaves its call.
 */
#ifndef HV_CONSOLE_H
#define HV_CONSOLE_H

#include <hv/status.h>
#include <hv/types.h>

/*
 * From /chosen stdout-path, else the first arm,pl011; the caller mapped it. HV_ENOENT: no console.
 */
int uart_find_node(const void *fdt); /* the console's; -1: none that we drive */
enum hv_status __must_check uart_find(const void *fdt, struct range *reg, uint32_t *intid);
/* The UART that was found; the console serialises all calls. */
void uart_init(void);                              /* keeps firmware's baud rate */
unsigned uart_write(const char *text, unsigned n); /* what fits in the FIFO now */
bool uart_read(char *c);
void uart_tx_irq(bool on); /* interrupt when there is room */
bool uart_tx_idle(void);

void console_init(void); /* uart_find was successful, and the UART is mapped */
/* A guest's ring: returns its number. `name`: GUEST_NAME_MAX at most, and stays where it is. `rx`
 * gets input, on the CPU that owns the UART interrupt. */
uint16_t console_add(const char *name, void (*rx)(void *arg, char c), void *arg);
/*
 * All of it or, when the ring is full or has lost something, nothing; never blocks for long. Ring 0
 * is Viaduct's own and gets whole lines.
 */
void console_put(uint16_t ring, const char *text, size_t n);
/*
 * A line that a guest or device causes, into Viaduct's own ring: only while half of that stays free
 * for lines that matter more. False: it was not taken, and nobody is told.
 */
bool console_put_spare(const char *line, size_t n);
/* Moves rings to the UART and input to the guest: from the UART interrupt, or polled at boot. */
void console_poll(void);
/* Everything out, synchronously: before power-off and in a crash. Bounded, whatever happens. */
void console_flush(void);

/*
 * The guest of this ring went off, and input goes to another that is not; or it starts, and gets
 * the input where nobody has it. Any CPU.
 */
void console_guest_off(uint16_t ring);
void console_guest_on(uint16_t ring);
uint16_t console_input(void); /* the ring that has the input; 0: none */

/*
 * What Ctrl-a and a letter does, but for h. First without a line; while it returns true, what is
 * typed goes nowhere else, and it is called again with the next line, of at most CONSOLE_LINE_MAX
 * visible characters; an empty one is also what Escape gives. One call at a time, from an
 * interrupt.
 */
typedef bool console_command_fn(char letter, const char *line);
#define CONSOLE_LINE_MAX 40
/* Boot. `help` goes on behind the console's own, and begins with "; ". Without a call h is the only
 * command. */
void console_set_commands(console_command_fn *run, const char *help);

/*
 * From now on the UART interrupt (and whoever writes) moves output; before, every line is out on
 * return. The caller registered console_poll for the UART's interrupt, and has a timer.
 */
void console_start_irq(void);
/*
 * Registers what is called when output of one guest waits because another's line is not finished:
 * `arm` makes console_poll() run in about CONSOLE_HOLD_US, on any CPU. Before console_start_irq().
 */
void console_set_retry_timer(void (*arm)(void));
#define CONSOLE_HOLD_US 250000

#endif
