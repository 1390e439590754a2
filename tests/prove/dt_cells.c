/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading a device tree whose properties are anything: up to 10 cells of any content, of any
 * length, and any #address-cells, #size-cells, #interrupt-cells. Nothing is read beyond a property.
 * Assumed: a node number is not below -1, indices are below 2^20.
 */
#include "prove.h"

#include "common/lib/dt.c"

enum { CELLS = 10 };

/* A property ends where its object ends. */
static uint32_t property[CELLS];
static uint32_t cell_count[4];

const void *dt_get(const void *fdt, int node, const char *name, unsigned *len)
{
	unsigned present = any_below(2), n = any_below(4 * CELLS + 1);

	*len = present ? n : 0;
	if (name[0] == '#' || !strcmp(name, "interrupt-parent")) {
		*len = present ? 4 : 0;
		cell_count[0] = nondet_u32();
		return present ? cell_count : NULL;
	}
	return present ? (const char *)property + sizeof(property) - n : NULL;
}

int dt_parent(const void *fdt, int node)
{
	return (int)any_below(3) - 1;
}

int dt_by_phandle(const void *fdt, uint32_t phandle)
{
	return (int)any_below(3) - 1;
}

void prove(void)
{
	unsigned cells[3] = { nondet_u32(), nondet_u32(), nondet_u32() };
	unsigned count = 1 + any_below(3), i = any_below(1U << 20);
	uint64_t out[3], addr = nondet_u64();
	struct spec s;
	struct dt_irq irq;
	uint32_t spec[3] = { nondet_u32(), nondet_u32(), nondet_u32() };

	__CPROVER_havoc_object(property);
	switch (any_below(3)) {
	case 0:
		dt_entry(NULL, 0, "reg", i, count, cells, out);
		break;
	case 1:
		PROVE(gic_irq(spec, &irq) != HV_OK || (irq.intid >= 16 && irq.intid < 1020),
		      "an interrupt is a PPI or an SPI");
		break;
	default:
		PROVE(!spec_for(NULL, 0, &s) || s.unit + s.count <= ARRAY_SIZE(s.cell),
		      "a specifier has its room");
	}
}
