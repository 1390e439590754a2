/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ITSs without hardware: the planner asks only which one a phandle means. (The driver would build
 * tables in the board's RAM.) And the interrupt controller that drivers connect their lines to.
 */
#include <hv/dt.h>
#include <hv/gic.h>
#include <hv/msi.h>

#include "tool.h"

#define MAX_ITS 16

struct gic gic = { .spi_count = 988 }; /* as many as there can be */

void gic_set_enabled(unsigned cpu, uint32_t intid, bool on)
{
	(void)cpu, (void)intid, (void)on;
}

void gic_set_edge(unsigned cpu, uint32_t intid, bool edge)
{
	(void)cpu, (void)intid, (void)edge;
}

void gic_route(uint32_t intid, unsigned cpu)
{
	(void)intid, (void)cpu;
}

const void *its_tree;

struct msi_ctrl *its_find(uint32_t phandle)
{
	static struct msi_ctrl its[MAX_ITS];
	static const char compatible[] = "arm,gic-v3-its";
	int n = phandle ? dt_next(its_tree, -1, compatible) : -1;
	struct range r;

	for (unsigned i = 0; n >= 0 && i < MAX_ITS; n = dt_next(its_tree, n, compatible), i++) {
		if (dt_phandle(its_tree, n) != phandle || !dt_enabled(its_tree, n) ||
		    dt_reg(its_tree, n, 0, &r) != HV_OK)
			continue;
		its[i] = (struct msi_ctrl){ .phandle = phandle,
					    .page = PA(r.base + KIB(64)),
					    .offset = 0x40,
					    .by_device = true };
		return &its[i];
	}
	return NULL;
}

bool msi_known(uint32_t phandle)
{
	return its_find(phandle) || v2m_find(phandle);
}
