/* SPDX-License-Identifier: Apache-2.0 */
/* The attacker: runs its attacks in order, over its own restarts as well. See attack.h. */
#include <stdarg.h>

#include "attack.h"

const char payload_name[] = "attack";

extern const struct attack attacks_start[], attacks_end[]; /* payload.ld */

struct shared *shared;
static const char *running;
static volatile u32 broken; /* reasons of the running attack */

/* "ATTACK name: BROKE " */
static void head_of(char *head, const char *name)
{
	static const char front[] = "ATTACK ", behind[] = ": BROKE ";
	unsigned n = 0;

	for (const char *p = front; *p;)
		head[n++] = *p++;
	while (*name && n < 80)
		head[n++] = *name++;
	for (const char *p = behind; *p;)
		head[n++] = *p++;
	head[n] = 0;
}

void broke(const char *fmt, ...)
{
	char head[96];
	va_list ap;

	if (__atomic_fetch_add(&broken, 1, __ATOMIC_SEQ_CST))
		return;
	head_of(head, running);
	va_start(ap, fmt);
	print_line(head, fmt, ap);
	va_end(ap);
}

/* --- which attacks --- */

/* Is `name` in the list "a,b_,c"? A name that ends in '_' stands for all that begin so. */
static bool listed(const char *list, const char *name)
{
	while (list && *list && *list != ' ') {
		const char *n = name;

		while (*list && *list == *n) {
			list++;
			n++;
		}
		if ((*list == ',' || *list == ' ' || !*list) && (!*n || n[-1] == '_'))
			return true;
		while (*list && *list != ',' && *list != ' ')
			list++;
		list += *list == ',';
	}
	return false;
}

static bool possible(const struct attack *a)
{
	if ((a->flags & NEED_ITS && !machine.its) || (a->flags & NEED_V3 && machine.gicc))
		return false;
	return !(a->flags & NEED_V2) || machine.gicc;
}

static bool chosen(const struct attack *a)
{
	const char *only = arg_find("attack.only");

	return possible(a) && (!only || listed(only, a->name)) &&
	       !listed(arg_find("attack.skip"), a->name);
}

/* --- one attack --- */

static u32 wanted_units(void)
{
	return (u32)arg_number("attack.units", 3);
}

/* So long that only a neighbour that really stands still is meant. */
static void await_neighbour(u32 from)
{
	u64 end = counter() + 60 * counter_hz();

	while (shared->units - from < wanted_units() && counter() < end)
		relax();
	if (shared->units - from < wanted_units())
		broke("the neighbour stands still at unit %u", shared->units);
}

static void run(const struct attack *a)
{
	bool again = a->flags & RESTARTS && shared->running;
	u32 bad = shared->bad, rounds = 0;

	running = a->name;
	broken = 0;
	stop_others = false;
	rnd_start(a->name);
	if (!again) {
		shared->units_then = shared->units;
		shared->rounds = 0;
	}
	shared->running = a->flags & RESTARTS ? 1 : 0;
	do {
		fault_arm();
		a->run();
		rounds++;
	} while (!(a->flags & (ONCE | RESTARTS)) && !broken &&
		 shared->units - shared->units_then < wanted_units() && rounds < 1000000);
	tools_again();
	fault_taken();
	irq_off();
	await_neighbour(shared->units_then);
	if (shared->bad != bad)
		broke("the neighbour found %u errors", shared->bad - bad);
	shared->running = 0;
	if (!broken)
		print("ATTACK %s: contained rounds=%u neighbour=%u\n", a->name,
		      a->flags & RESTARTS ? shared->rounds : rounds,
		      shared->units - shared->units_then);
}

void payload_main(void)
{
	u32 count = (u32)(attacks_end - attacks_start);

	shared = shared_page();
	if (!check(shared, "shared memory"))
		return;
	report("life=%u seed=%lu\n", ++shared->life, arg_number("seed", 1));
	tools_init();
	if (shared->life == 1)
		seed_publish(shared, 1);
	await_neighbour(shared->units); /* it works before it is attacked */
	while (shared->next < count) {
		if (chosen(&attacks_start[shared->next]))
			run(&attacks_start[shared->next]);
		shared->next++;
	}
	shared->stop = 1;
	report("done lives=%u\n", shared->life);
}
