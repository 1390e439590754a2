/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Physical GICv2m frames (DEN0029 appendix E): a message is the number of an SPI. A frame does not
 * tell senders apart: who reaches its doorbell can raise every SPI of it, and nothing else.
 */
#include <hv/bits.h>
#include <hv/dt.h>
#include <hv/gic.h>
#include <hv/log.h>
#include <hv/mmio.h>
#include <hv/msi.h>
#include <hv/pmem.h>
#include <spec/gicv2m.h>

#include "msi_priv.h"

#define COMPATIBLE "arm,gic-v2m-frame"

struct frame {
	struct msi_ctrl msi;
	uint32_t next, end; /* INTIDs that are left */
};
static struct frame *frames __ro_after_boot; /* as many as the device tree has */
static unsigned count __ro_after_boot;

/* A device with MSI writes its message number, at most 31, into the low bits. */
uint32_t v2m_place(const struct msi_ctrl *c, uint32_t from, uint32_t n)
{
	const struct frame *f = container_of(c, const struct frame, msi);
	uint32_t align = n > 16 ? 32 : 1U << log2_floor(MAX(n, 1U));
	uint32_t first = (uint32_t)ALIGN_UP(MAX(from, f->next), align), i = 0;

	while (first + n <= f->end && i < n)
		if (irq_has_handler(first + i, NULL)) {
			i++;
		} else {
			first = (uint32_t)ALIGN_UP(first + i + 1, align);
			i = 0;
		}
	return i && i == n ? first : 0;
}

/* Routed first: some distributors do not latch an edge that goes nowhere. */
static enum hv_status v2m_alloc(struct msi_ctrl *c, uint32_t, uint32_t n, unsigned cpu,
				struct msi_block *out)
{
	uint32_t first = v2m_place(c, 0, n);

	if (!first)
		return HV_ENOMEM;
	for (uint32_t spi = first; spi < first + n; spi++) {
		gic_route(spi, cpu);
		gic_set_edge(cpu, spi, true);
	}
	container_of(c, struct frame, msi)->next = first + n;
	*out = (struct msi_block){
		.ctrl = c, .first_data = first, .first_intid = first, .count = n
	};
	return HV_OK;
}

static void v2m_move(const struct msi_block *b, uint32_t i, unsigned cpu)
{
	gic_route(b->first_intid + i, cpu);
}

static void v2m_set_enabled(const struct msi_block *b, uint32_t i, bool on)
{
	gic_set_enabled(0, b->first_intid + i, on);
}

static const struct msi_ops ops = {
	.alloc = v2m_alloc,
	.move = v2m_move,
	.set_enabled = v2m_set_enabled,
};

/* The tree may correct what the frame says of itself. */
static enum hv_status probe_frame(struct frame *f, const void *fdt, int node)
{
	struct range reg;
	uint32_t typer, first, spis;

	if (dt_reg(fdt, node, 0, &reg) != HV_OK || reg.size < PAGE_SIZE ||
	    !IS_ALIGNED(reg.base, PAGE_SIZE))
		return HV_EINVAL;
	typer = rd32(mmio_at(PA(reg.base)), REG32(V2M_TYPER));
	first = dt_u32(fdt, node, "arm,msi-base-spi", (uint32_t)field_get(V2M_TYPER_BASE, typer));
	spis = dt_u32(fdt, node, "arm,msi-num-spis", (uint32_t)field_get(V2M_TYPER_SPIS, typer));
	if (first < 32 || spis == 0 || first > 32 + gic.spi_count ||
	    spis > 32 + gic.spi_count - first)
		return HV_EINVAL;
	f->msi = (struct msi_ctrl){ .phandle = dt_phandle(fdt, node),
				    .page = PA(reg.base),
				    .offset = V2M_SETSPI_NS };
	f->next = first;
	f->end = first + spis;
	log_info("gicv2m 0x%lx: SPIs %u to %u", reg.base, first - 32, first + spis - 33);
	return HV_OK;
}

void v2m_init(const void *fdt)
{
	char path[64];

	count = 0;
	msi_set_ops(false, &ops);
	frames = pmem_alloc_constant(MAX(dt_count(fdt, COMPATIBLE), 1U) * sizeof(*frames));
	dt_for_each(n, fdt, COMPATIBLE) {
		if (!dt_enabled(fdt, n))
			continue;
		if (probe_frame(&frames[count], fdt, n) == HV_OK)
			count++;
		else
			log_warn("%s: malformed reg, or no SPIs that the GIC has: not used",
				 dt_path(fdt, n, path, sizeof(path)));
	}
}

struct msi_ctrl *v2m_frame(unsigned n)
{
	return n < count ? &frames[n].msi : NULL;
}

struct msi_ctrl *v2m_find(uint32_t phandle)
{
	for (unsigned i = 0; i < count; i++)
		if (phandle && frames[i].msi.phandle == phandle)
			return &frames[i].msi;
	return NULL;
}
