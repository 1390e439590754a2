/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Functions by name, in the syntax of Linux' pci= parameters:
 *   [segment:]bus:dev.fn[/dev.fn]...		the path below the first holds under renumbering
 *   pci:vendor:device[:subvendor:subdevice]	when there is one only
 */
#include <string.h>

#include <hv/log.h>

#include "pci_priv.h"

/* What a name says: IDs; or the place `df` of a bus, or directly below `parent`. */
struct key {
	unsigned ids, id[4];
	unsigned segment, bus, df;
	const struct pci_func *parent;
};

/* Which bits of a device and function number have to agree. */
#define WHOLE_BDF 0xffu
#define SAME_SLOT 0xf8u
#define SAME_BUS  0u

/* Does the name mean f? Of the place only the bits of `mask` are compared. */
static bool name_fits(const struct pci_func *f, const struct key *k, unsigned mask)
{
	if (k->ids)
		return f->vendor == k->id[0] && f->device == k->id[1] &&
		       (k->ids < 4 || f->subsystem == (k->id[3] << 16 | k->id[2]));
	return f->host->segment == k->segment && !((f->bdf ^ k->df) & mask) &&
	       (k->parent ? f->parent == k->parent : pci_bus(f) == k->bus);
}

/* The function number n, counted from 0, of those that the name means. */
static struct pci_func *nth_match(const struct key *k, unsigned mask, unsigned n)
{
	if (!k->ids && !k->parent && mask == WHOLE_BDF) /* one at most */
		return n ? NULL : lists_at(k->segment, k->bus << 8 | k->df);
	pci_for_each(f)
		if (name_fits(f, k, mask) && !n--)
			return f;
	return NULL;
}

/* Hex numbers between colons, at most four; how many, 0: malformed. */
static unsigned parse_numbers(const char **s, unsigned v[4])
{
	unsigned n = 0;

	do {
		if (n == 4 || !text_number(s, 16, 0xffff, &v[n++]))
			return 0;
	} while (text_symbol(s, ':'));
	return n;
}

/* ".FUNCTION" behind a device number. */
static bool parse_function(const char **s, unsigned dev, unsigned *df)
{
	unsigned fn;

	if (dev > 31 || !text_symbol(s, '.') || !text_number(s, 16, 7, &fn))
		return false;
	*df = dev << 3 | fn;
	return true;
}

/* Of a path the key is what it ends in, or the first place where nothing is. */
static bool parse_function_name(const char *s, struct key *k)
{
	unsigned v[4] = { 0 }, n, dev, df;

	*k = (struct key){ 0 };
	if (!strncmp(s, "pci:", 4)) {
		s += 4;
		k->ids = parse_numbers(&s, k->id);
		return !*s && (k->ids == 2 || k->ids == 4);
	}
	n = parse_numbers(&s, v);
	if (n < 2 || n > 3 || v[n - 2] > 255 || !parse_function(&s, v[n - 1], &k->df))
		return false;
	k->segment = n == 3 ? v[0] : 0;
	k->bus = v[n - 2];
	while (*s) {
		const struct pci_func *at = nth_match(k, WHOLE_BDF, 0);

		if (!text_symbol(&s, '/') || !text_number(&s, 16, 31, &dev) ||
		    !parse_function(&s, dev, &df))
			return false;
		if (at) {
			k->parent = at;
			k->df = df;
		}
	}
	return true;
}

enum hv_status pci_find(const char *name, struct pci_func **out)
{
	struct key k;

	if (!parse_function_name(name, &k))
		return HV_EINVAL;
	*out = nth_match(&k, WHOLE_BDF, 0);
	if (!*out)
		return HV_ENOENT;
	return nth_match(&k, WHOLE_BDF, 1) ? HV_ECONFLICT : HV_OK;
}

struct pci_func *pci_candidate(const char *name, unsigned n)
{
	struct key k;

	if (!parse_function_name(name, &k))
		return NULL;
	return nth_match(&k, nth_match(&k, SAME_SLOT, 0) ? SAME_SLOT : SAME_BUS, n);
}
