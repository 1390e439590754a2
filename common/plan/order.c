/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The order in which guests are planned. The order of nodes in a device tree depends on the tool
 * that made it: U-Boot's `fdt mknod` and overlays put a new node before those that are there. So
 * it counts for nothing. First come the guests that `viaduct,order` of /chosen names, as it names
 * them; then the others by name, where a number counts by its value.
 */
#include <string.h>

#include <hv/dt.h>
#include <hv/log.h>

#include "plan_priv.h"

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static size_t digits(const char *s)
{
	size_t n = 0;

	while (is_digit(s[n]))
		n++;
	return n;
}

/* Two numbers at the beginning of *a and *b, which move behind them. */
static int compare_numbers(const char **a, const char **b)
{
	size_t a_len, b_len;
	int order;

	while (**a == '0')
		(*a)++;
	while (**b == '0')
		(*b)++;
	a_len = digits(*a);
	b_len = digits(*b);
	if (a_len == b_len)
		order = strncmp(*a, *b, a_len);
	else
		order = a_len < b_len ? -1 : 1;
	*a += a_len;
	*b += b_len;
	return order;
}

/* "dom2" is before "dom10". */
static int compare_names(const char *a, const char *b)
{
	int order = 0;

	while (*a && !order) {
		if (is_digit(*a) && is_digit(*b))
			order = compare_numbers(&a, &b);
		else if (*a == *b)
			a++, b++;
		else
			return (uint8_t)*a - (uint8_t)*b;
	}
	return order ? order : -!!*b;
}

/* By the name of its node, with the unit address or without. */
static bool is_called(const void *fdt, int node, const char *name)
{
	const char *have = dt_name(fdt, node);
	size_t len = strlen(name);

	return !strncmp(have, name, len) && (!have[len] || have[len] == '@');
}

static unsigned unplaced_guest(const void *fdt, const struct guest_plan *guest, unsigned from,
			       unsigned count, const char *name)
{
	while (from < count && !is_called(fdt, guest[from].node, name))
		from++;
	return from;
}

/* Guests that viaduct,order names come first, in its order. Returns how many. */
static unsigned take_listed(const void *fdt, struct guest_plan *guest, unsigned count)
{
	int chosen = dt_find(fdt, "/chosen");
	unsigned len, done = 0, at;
	const char *name = dt_get(fdt, chosen, "viaduct,order", &len), *end;

	if (!name)
		return 0;
	end = name + len;
	if (!len || end[-1]) {
		log_warn("/chosen: viaduct,order is malformed; ignored; give names of guests");
		return 0;
	}
	for (; name < end; name += strlen(name) + 1) {
		at = unplaced_guest(fdt, guest, done, count, name);
		if (at == count) {
			log_warn("/chosen: viaduct,order names \"%s\", which is no guest, or twice",
				 name);
		} else {
			int node = guest[at].node;

			guest[at].node = guest[done].node;
			guest[done++].node = node;
		}
	}
	return done;
}

void plan_order(const void *fdt, struct guest_plan *guest, unsigned count)
{
	unsigned first = take_listed(fdt, guest, count), at;

	for (unsigned i = first + 1; i < count; i++) {
		int node = guest[i].node;

		for (at = i; at > first && compare_names(dt_name(fdt, guest[at - 1].node),
							 dt_name(fdt, node)) > 0;
		     at--)
			guest[at].node = guest[at - 1].node;
		guest[at].node = node;
	}
}
