/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading a device tree: cells, addresses, interrupts (Devicetree Specification v0.4, §2.3, §2.4).
 * The blob is untrusted but well formed (dt_check): every length is checked here, every walk
 * ends at the root or after a fixed number of steps. Everybody who boots calls it; nobody later.
 */
#include <string.h>

#include <libfdt.h>

#include <hv/dt.h>

#define MAX_CELLS 4 /* FDT_MAX_NCELLS */
#define MAP_STEPS 8 /* interrupt nexuses between a device and the GIC */

/* interrupt-map tuples and the like are read cell by cell. */
struct cells {
	const fdt32_t *p;
	unsigned left;
};

static struct cells cells_of(const void *fdt, int node, const char *prop)
{
	unsigned len;
	const fdt32_t *p = dt_get(fdt, node, prop, &len);

	return (struct cells){ p, len / 4 };
}

static bool cells_take(struct cells *c, unsigned n, const fdt32_t **out)
{
	if (n > c->left)
		return false;
	*out = c->p;
	c->p = n ? c->p + n : c->p; /* NULL, of an absent property, takes no sum */
	c->left -= n;
	return true;
}

uint64_t dt_cells(const void *p, unsigned cells)
{
	const fdt32_t *c = p;
	uint64_t v = 0;

	for (unsigned i = 0; i < cells; i++)
		v = v << 32 | fdt32_ld(c + i);
	return v;
}

uint32_t dt_u32(const void *fdt, int node, const char *prop, uint32_t fallback)
{
	unsigned len;
	const fdt32_t *p = dt_get(fdt, node, prop, &len);

	return p && len == 4 ? fdt32_ld(p) : fallback;
}

bool dt_bool(const void *fdt, int node, const char *prop)
{
	unsigned len;

	return dt_get(fdt, node, prop, &len) != NULL;
}

const char *dt_string(const void *fdt, int node, const char *prop)
{
	unsigned len;
	const char *s = dt_get(fdt, node, prop, &len);

	return len && !s[len - 1] ? s : NULL;
}

/* The defaults are those of §2.3.5. */
unsigned dt_address_cells(const void *fdt, int bus)
{
	return dt_u32(fdt, bus, "#address-cells", 2);
}

unsigned dt_size_cells(const void *fdt, int bus)
{
	return dt_u32(fdt, bus, "#size-cells", 1);
}

enum hv_status dt_entry(const void *fdt, int node, const char *prop, unsigned i, unsigned count,
			const unsigned *cells, uint64_t *out)
{
	unsigned size = 0, len;
	const char *p = dt_get(fdt, node, prop, &len);

	for (unsigned k = 0; k < count; k++) {
		if (cells[k] > 2 || !cells[0])
			return HV_EUNSUPP;
		size += 4 * cells[k];
	}
	if (len <= i * size)
		return HV_ENOENT;
	if (len - i * size < size)
		return HV_EINVAL;
	p += i * size;
	for (unsigned k = 0; k < count; k++) {
		out[k] = dt_cells(p, cells[k]);
		p += 4 * cells[k];
	}
	return HV_OK;
}

enum hv_status dt_translate(const void *fdt, int bus, uint64_t *addr, uint64_t size)
{
	enum { CHILD, PARENT, SIZE, FIELDS };
	enum hv_status s = bus < 0 ? HV_EINVAL : HV_OK;
	uint64_t v[FIELDS];
	unsigned len;

	for (int parent; bus > 0 && s == HV_OK; bus = parent) {
		parent = dt_parent(fdt, bus);
		if (parent < 0)
			return HV_EINVAL;
		if (dt_get(fdt, bus, "ranges", &len) && !len)
			/* §2.3.8: empty is identity, and without it there is no mapping */
			continue;
		const unsigned cells[] = { dt_address_cells(fdt, bus),
					   dt_address_cells(fdt, parent), dt_size_cells(fdt, bus) };
		for (unsigned i = 0;
		     (s = dt_entry(fdt, bus, "ranges", i, FIELDS, cells, v)) == HV_OK; i++)
			if (range_contains((struct range){ v[CHILD], v[SIZE] }, *addr, size)) {
				*addr += v[PARENT] - v[CHILD];
				break;
			}
	}
	return s;
}

/* *bus: the node in whose child space the entry is. */
static enum hv_status reg_entry(const void *fdt, int node, unsigned i, struct range *out, int *bus)
{
	enum hv_status s = HV_ENOENT;
	uint64_t v[2];

	*bus = dt_bool(fdt, node, "reg") ? dt_parent(fdt, node) : -1;
	if (*bus >= 0)
		s = dt_entry(fdt, node, "reg", i, 2,
			     (const unsigned[]){ dt_address_cells(fdt, *bus),
						 dt_size_cells(fdt, *bus) },
			     v);
	if (s != HV_OK)
		return s;
	*out = (struct range){ v[0], v[1] };
	return range_end(*out) < out->base ? HV_EINVAL : HV_OK;
}

enum hv_status dt_reg_raw(const void *fdt, int node, unsigned i, struct range *out)
{
	int bus;

	return reg_entry(fdt, node, i, out, &bus);
}

enum hv_status dt_reg(const void *fdt, int node, unsigned i, struct range *out)
{
	struct range r;
	int bus;
	enum hv_status s = reg_entry(fdt, node, i, &r, &bus);

	if (s == HV_OK)
		s = dt_translate(fdt, bus, &r.base, r.size);
	if (s == HV_OK)
		*out = r;
	return s;
}

/* arm,gic-v3 binding: type (0 SPI, 1 PPI), number, flags (1, 2 edge; 4, 8 level). */
static enum hv_status gic_irq(const uint32_t *spec, struct dt_irq *out)
{
	bool ppi = spec[0] == 1;

	if (spec[0] > 1)
		return HV_EUNSUPP;
	if (spec[1] >= (ppi ? 16 : 988)) /* IHI 0069 §2.2.1 */
		return HV_EINVAL;
	*out = (struct dt_irq){ (ppi ? 16 : 32) + spec[1], (spec[2] & 3) != 0 };
	return HV_OK;
}

/* A specifier on its way up: unit address, then interrupt cells, as `parent` has them. */
struct spec {
	int parent;
	unsigned unit, count;
	uint32_t cell[2 * MAX_CELLS];
};

static bool spec_for(const void *fdt, int parent, struct spec *s)
{
	s->parent = parent;
	/* An interrupt parent without #address-cells has none. */
	s->unit = dt_u32(fdt, parent, "#address-cells", 0);
	s->count = dt_u32(fdt, parent, "#interrupt-cells", 0);
	return s->unit <= MAX_CELLS && s->count - 1 < MAX_CELLS;
}

static void load_cells(uint32_t *to, const fdt32_t *p, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		to[i] = fdt32_ld(p + i);
}

static bool spec_matches(const struct spec *s, const fdt32_t *entry, struct cells mask)
{
	for (unsigned i = 0; i < s->unit + s->count; i++) {
		uint32_t m = i < mask.left ? fdt32_ld(mask.p + i) : UINT32_MAX;

		if ((s->cell[i] ^ fdt32_ld(entry + i)) & m)
			return false;
	}
	return true;
}

/* The entry of a nexus' interrupt-map that `s` selects (§2.4.3.1): *s moves up. */
static enum hv_status map_step(const void *fdt, struct spec *s)
{
	struct cells map = cells_of(fdt, s->parent, "interrupt-map");
	struct cells mask = cells_of(fdt, s->parent, "interrupt-map-mask");
	const fdt32_t *child, *phandle, *p;
	uint32_t last = 0;
	int parent = -1;
	struct spec up;

	while (cells_take(&map, s->unit + s->count, &child) && cells_take(&map, 1, &phandle)) {
		if (fdt32_ld(phandle) != last)
			parent = dt_by_phandle(fdt, last = fdt32_ld(phandle));
		if (!spec_for(fdt, parent, &up) || !cells_take(&map, up.unit + up.count, &p))
			return HV_EINVAL; /* the length of the entry is unknown */
		if (spec_matches(s, child, mask)) {
			load_cells(up.cell, p, up.unit + up.count);
			*s = up;
			return HV_OK;
		}
	}
	return HV_ENOENT;
}

static enum hv_status resolve_specifier(const void *fdt, struct spec *s, struct dt_irq *out)
{
	enum hv_status st = HV_OK;

	for (unsigned step = 0; step < MAP_STEPS && st == HV_OK; step++) {
		if (dt_bool(fdt, s->parent, "interrupt-map"))
			st = map_step(fdt, s);
		else if (!dt_bool(fdt, s->parent, "interrupt-controller") || s->count < 3)
			return HV_EUNSUPP; /* not a GIC */
		else
			return gic_irq(s->cell + s->unit, out);
	}
	return st == HV_OK ? HV_EINVAL : st;
}

enum hv_status dt_interrupt_resolve(const void *fdt, int parent, const uint32_t *cell,
				    unsigned count, struct dt_irq *out)
{
	struct spec s;

	if (!spec_for(fdt, parent, &s) || s.unit + s.count != count)
		return HV_EINVAL;
	memcpy(s.cell, cell, count * sizeof(*cell));
	return resolve_specifier(fdt, &s, out);
}

/* §2.4.1: `interrupt-parent` of the node or of its nearest ancestor that has one. */
static int interrupt_parent(const void *fdt, int node)
{
	while (node >= 0) {
		uint32_t phandle = dt_u32(fdt, node, "interrupt-parent", 0);

		if (phandle)
			return dt_by_phandle(fdt, phandle);
		node = dt_parent(fdt, node);
	}
	return -1;
}

enum hv_status dt_interrupt(const void *fdt, int node, unsigned i, struct dt_irq *out)
{
	struct cells reg = cells_of(fdt, node, "reg"),
		     c = cells_of(fdt, node, "interrupts-extended");
	bool extended = c.p; /* it has precedence (§2.4.1.2) */
	int parent = extended ? -1 : interrupt_parent(fdt, node);
	const fdt32_t *p;
	struct spec s = { 0 };

	if (!extended)
		c = cells_of(fdt, node, "interrupts");
	do {
		if (!c.left)
			return HV_ENOENT;
		if (extended && cells_take(&c, 1, &p))
			parent = dt_by_phandle(fdt, fdt32_ld(p));
		if (!spec_for(fdt, parent, &s) || !cells_take(&c, s.count, &p))
			return HV_EINVAL;
	} while (i--);
	load_cells(s.cell, reg.p,
		   MIN(s.unit, reg.left)); /* only a nexus looks at the unit address */
	load_cells(s.cell + s.unit, p, s.count);
	return resolve_specifier(fdt, &s, out);
}

static bool status_okay(const void *fdt, int node)
{
	const char *s = dt_string(fdt, node, "status");

	return s ? !strcmp(s, "okay") || !strcmp(s, "ok") : !dt_bool(fdt, node, "status");
}

bool dt_enabled(const void *fdt, int node)
{
	for (; node >= 0; node = dt_parent(fdt, node))
		if (!status_okay(fdt, node))
			return false;
	return true;
}

bool dt_has_power(const void *fdt, int node)
{
	if (dt_bool(fdt, node, "viaduct,powered"))
		return true;
	for (; node >= 0; node = dt_parent(fdt, node))
		if (dt_bool(fdt, node, "power-domains"))
			return false;
	return true;
}
