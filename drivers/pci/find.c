/*
 * Functions by name, in the syntax of Linux' pci= parameters:
 *   [segment:]bus:dev.fn[/dev.fn]...		the path below the first holds under renumbering
 *   pci:vendor:device[:subvendor:subdevice]	when there is one only
 */
#include <string.h>

#include "pci_priv.h"

static bool hex_digit(char c, unsigned *v)
{
	if (c >= '0' && c <= '9')
		*v = (unsigned)(c - '0');
	else if (c >= 'a' && c <= 'f')
		*v = (unsigned)(c - 'a') + 10;
	else if (c >= 'A' && c <= 'F')
		*v = (unsigned)(c - 'A') + 10;
	else
		return false;
	return true;
}

/* 1..4 hex digits, at most `max`. */
static bool hex(const char **s, unsigned max, unsigned *out)
{
	unsigned n = 0, d;

	*out = 0;
	for (; n < 4 && hex_digit(**s, &d); n++, (*s)++)
		*out = *out << 4 | d;
	return n && *out <= max;
}

static bool symbol(const char **s, char c)
{
	if (**s != c)
		return false;
	(*s)++;
	return true;
}

static bool devfn(const char **s, unsigned *out)
{
	unsigned dev, fn;

	if (!hex(s, 31, &dev) || !symbol(s, '.') || !hex(s, 7, &fn))
		return false;
	*out = dev << 3 | fn;
	return true;
}

/* The function at devfn of bus `bus`, on the segment; or, with a parent, directly below that. */
static struct pci_func *at(unsigned segment, const struct pci_func *parent, int bus, unsigned df)
{
	for (unsigned i = 0; i < pci_func_count; i++) {
		struct pci_func *f = &pci_funcs[i];

		if (f->host->segment == segment && (f->bdf & 0xffu) == df &&
		    (bus < 0 ? f->parent == parent : pci_bus(f) == bus))
			return f;
	}
	return NULL;
}

static enum hv_status find_place(const char *s, struct pci_func **out)
{
	unsigned segment, bus, df;
	struct pci_func *f;

	if (!hex(&s, 0xffff, &segment) || !symbol(&s, ':') || !hex(&s, 0xffff, &bus))
		return HV_EINVAL;
	if (symbol(&s, ':')) {
		if (!devfn(&s, &df))
			return HV_EINVAL;
	} else { /* bus:dev.fn, so what was read is bus and dev */
		df = bus << 3;
		if (bus > 31 || !symbol(&s, '.') || !hex(&s, 7, &bus))
			return HV_EINVAL;
		df |= bus;
		bus = segment;
		segment = 0;
	}
	if (bus > 255)
		return HV_EINVAL;
	f = at(segment, NULL, (int)bus, df);
	while (*s) {
		if (!symbol(&s, '/') || !devfn(&s, &df))
			return HV_EINVAL;
		f = f ? at(segment, f, -1, df) : NULL;
	}
	*out = f;
	return f ? HV_OK : HV_ENOENT;
}

static enum hv_status find_id(const char *s, struct pci_func **out)
{
	unsigned id[4], n = 0;
	struct pci_func *hit = NULL;

	do {
		if (n == 4 || !hex(&s, 0xffff, &id[n++]))
			return HV_EINVAL;
	} while (symbol(&s, ':'));
	if (*s || n & 1)
		return HV_EINVAL;
	for (unsigned i = 0; i < pci_func_count; i++) {
		struct pci_func *f = &pci_funcs[i];

		if (f->vendor != id[0] || f->device != id[1] ||
		    (n == 4 && (f->subvendor != id[2] || f->subdevice != id[3])))
			continue;
		if (hit)
			return HV_ECONFLICT;
		hit = f;
	}
	*out = hit;
	return hit ? HV_OK : HV_ENOENT;
}

enum hv_status pci_find(const char *name, struct pci_func **out)
{
	*out = NULL;
	return strncmp(name, "pci:", 4) ? find_place(name, out) : find_id(name + 4, out);
}

static char *put_hex(char *to, unsigned v, unsigned digits)
{
	while (digits--)
		*to++ = "0123456789abcdef"[v >> 4 * digits & 0xf];
	return to;
}

const char *pci_name(const struct pci_func *f, char *buf)
{
	char *p = put_hex(buf, f->host->segment, 4);

	*p++ = ':';
	p = put_hex(p, pci_bus(f), 2);
	*p++ = ':';
	p = put_hex(p, pci_slot(f), 2);
	*p++ = '.';
	p = put_hex(p, f->bdf & 7, 1);
	*p = 0;
	return buf;
}

struct pci_func *pci_by_sid(const struct iommu *iommu, uint32_t sid)
{
	struct pci_func *any = NULL;

	for (unsigned i = 0; i < pci_func_count; i++) {
		struct pci_func *f = &pci_funcs[i];

		for (unsigned k = 0; f->iommu == iommu && k < f->sid_count; k++) {
			if (f->sid[k] != sid)
				continue;
			if (f->owner != PCI_NO_OWNER)
				return f;
			if (!any || any->bridge)
				any = f; /* of those nobody has rather an endpoint */
		}
	}
	return any;
}
