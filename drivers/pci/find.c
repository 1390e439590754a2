/*
 * Functions by name, in the syntax of Linux' pci= parameters:
 *   [segment:]bus:dev.fn[/dev.fn]...		the path below the first holds under renumbering
 *   pci:vendor:device[:subvendor:subdevice]	when there is one only
 */
#include <string.h>

#include <hv/log.h>

#include "pci_priv.h"

static bool devfn(const char **s, unsigned *out)
{
	unsigned dev, fn;

	if (!text_number(s, 16, 31, &dev) || !text_symbol(s, '.') || !text_number(s, 16, 7, &fn))
		return false;
	*out = dev << 3 | fn;
	return true;
}

/* devfn of bus `bus`, on the segment; or, with a parent, directly below that. */
struct place {
	unsigned segment;
	const struct pci_func *parent;
	unsigned bus, df;
};

static bool on_its_bus(const struct pci_func *f, const struct place *p)
{
	return f->host->segment == p->segment &&
	       (p->parent ? f->parent == p->parent : pci_bus(f) == p->bus);
}

static struct pci_func *at(const struct place *p)
{
	pci_for_each(f)
		if (on_its_bus(f, p) && (f->bdf & 0xffu) == p->df)
			return f;
	return NULL;
}

/* *last is the place looked at last: where it is, or where it was missed. */
static enum hv_status find_place(const char *s, struct pci_func **out, struct place *last)
{
	unsigned segment, bus, df;
	struct pci_func *f;

	if (!text_number(&s, 16, 0xffff, &segment) || !text_symbol(&s, ':') || !text_number(&s, 16, 0xffff, &bus))
		return HV_EINVAL;
	if (text_symbol(&s, ':')) {
		if (!devfn(&s, &df))
			return HV_EINVAL;
	} else { /* bus:dev.fn, so what was read is bus and dev */
		df = bus << 3;
		if (bus > 31 || !text_symbol(&s, '.') || !text_number(&s, 16, 7, &bus))
			return HV_EINVAL;
		df |= bus;
		bus = segment;
		segment = 0;
	}
	if (bus > 255)
		return HV_EINVAL;
	*last = (struct place){ segment, NULL, bus, df };
	f = at(last);
	while (*s) {
		if (!text_symbol(&s, '/') || !devfn(&s, &df))
			return HV_EINVAL;
		if (!f)
			continue;
		*last = (struct place){ segment, f, 0, df };
		f = at(last);
	}
	*out = f;
	return f ? HV_OK : HV_ENOENT;
}

/* vendor, device and perhaps the subsystem's; the number of IDs, 0: malformed. */
static unsigned read_ids(const char *s, unsigned id[4])
{
	unsigned n = 0;

	do {
		if (n == 4 || !text_number(&s, 16, 0xffff, &id[n++]))
			return 0;
	} while (text_symbol(&s, ':'));
	return *s || n & 1 ? 0 : n;
}

static bool has_ids(const struct pci_func *f, const unsigned *id, unsigned n)
{
	return f->vendor == id[0] && f->device == id[1] &&
	       (n < 4 || (f->subvendor == id[2] && f->subdevice == id[3]));
}

static enum hv_status find_id(const char *s, struct pci_func **out)
{
	struct pci_func *hit = NULL;
	unsigned id[4], n = read_ids(s, id);

	pci_for_each(f)
		if (n && has_ids(f, id, n)) {
			if (hit)
				return HV_ECONFLICT;
			hit = f;
		}
	*out = hit;
	return hit ? HV_OK : n ? HV_ENOENT : HV_EINVAL;
}

static bool is_id(const char *name)
{
	return !strncmp(name, "pci:", 4);
}

enum hv_status pci_find(const char *name, struct pci_func **out)
{
	struct place last;

	*out = NULL;
	return is_id(name) ? find_id(name + 4, out) : find_place(name, out, &last);
}

struct pci_func *pci_candidate(const char *name, unsigned n)
{
	struct pci_func *found;
	struct place last = { 0 };
	unsigned id[4] = { 0 }, ids = is_id(name) ? read_ids(name + 4, id) : 0;
	bool slot = false, hit;

	if (is_id(name) ? !ids : find_place(name, &found, &last) == HV_EINVAL)
		return NULL;
	pci_for_each(f)
		slot |= !ids && on_its_bus(f, &last) && pci_slot(f) == last.df >> 3;
	pci_for_each(f) {
		hit = ids ? has_ids(f, id, ids) :
			    on_its_bus(f, &last) && (!slot || pci_slot(f) == last.df >> 3);
		if (hit && !n--)
			return f;
	}
	return NULL;
}

struct pci_func *pci_by_sid(const struct iommu *iommu, uint32_t sid)
{
	struct pci_func *any = NULL;

	pci_for_each(f)
		if (pci_has_stream(f, iommu, sid)) {
			if (f->owner != PCI_NO_OWNER)
				return f;
			if (!any || any->bridge)
				any = f; /* of those nobody has rather an endpoint */
		}
	return any;
}
