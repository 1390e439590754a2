/* SPDX-License-Identifier: Apache-2.0 */
/*
 * LPIs of the physical GIC: who has which number, the configuration table that all redistributors
 * share, and a pending table for each CPU (IHI 0069H §5.1). A byte of the configuration table is
 * the last word on whether a vector may interrupt: it starts disabled.
 */
#include <string.h>

#include <arch/barrier.h>
#include <arch/cache.h>
#include <hv/log.h>
#include <hv/pmem.h>

#include "gic_priv.h"
#include "its_priv.h"

#define LPI_COUNT  4096U
#define LPI_PROPS  ((1U << LPI_ID_BITS) - GIC_LPI_FIRST)
#define PEND_BYTES ((1U << LPI_ID_BITS) / 8)

static struct {
	uint8_t *props;
	uint16_t *cpu_of; /* of each LPI */
	uint32_t used;
	bool clean;     /* some redistributor does not snoop */
	void **pending; /* of each CPU */
} lpi;

enum hv_status its_lpi_init(unsigned cpus, bool noncoherent)
{
	lpi.used = 0;
	lpi.clean = noncoherent;
	lpi.props = pmem_alloc(LPI_PROPS, KIB(4));
	lpi.cpu_of = pmem_alloc(LPI_COUNT * sizeof(*lpi.cpu_of), 64);
	lpi.pending = pmem_alloc(cpus * sizeof(*lpi.pending), 64);
	memset(lpi.props, (GIC_PRIO & LPI_PRIORITY) | LPI_RES1, LPI_PROPS);
	arch_cache_clean_inval(lpi.props, LPI_PROPS);
	for (unsigned i = 0; i < cpus; i++) {
		lpi.pending[i] = its_memory(PEND_BYTES, KIB(64));
		if (!lpi.pending[i])
			return HV_ENOMEM;
	}
	return irq_lpi_table(LPI_COUNT);
}

/* Firmware, or whoever booted us, may have left LPIs on; some implementations cannot go back. */
static enum hv_status lpis_off(struct mmio rd)
{
	uint32_t ctlr = rd32(rd, REG32(GICR_CTLR));
	enum hv_status s;

	if (!(ctlr & GICR_CTLR_LPIS))
		return HV_OK;
	wr32(rd, REG32(GICR_CTLR), ctlr & ~(uint32_t)GICR_CTLR_LPIS);
	s = gic_wait(rd);
	if (s != HV_OK)
		return s;
	return rd32(rd, REG32(GICR_CTLR)) & GICR_CTLR_LPIS ? HV_EUNSUPP : HV_OK;
}

enum hv_status its_lpi_cpu_init(unsigned cpu)
{
	struct mmio rd = gic_hw.cpu[cpu].rd;
	enum hv_status s;

	if (!(rd64(rd, REG64(GICR_TYPER)) & GICR_TYPER_PLPIS))
		return HV_EUNSUPP;
	s = lpis_off(rd);
	if (s != HV_OK) {
		log_err("its: CPU %u: LPIs cannot be switched off, so not taken over either", cpu);
		return s;
	}
	/*
	 * GICR_PROPBASER: a redistributor that does not snoop has the table's bytes cleaned for it.
	 */
	if (!its_write_pointer(rd, REG64(GICR_PROPBASER),
			       va_to_pa(lpi.props).v | FIELD(PROPBASER_IDBITS, LPI_ID_BITS - 1),
			       LPIBASE_INNER, lpi.clean))
		__atomic_store_n(&lpi.clean, true, __ATOMIC_RELAXED);
	its_write_pointer(rd, REG64(GICR_PENDBASER), va_to_pa(lpi.pending[cpu]).v | PENDBASER_PTZ,
			  LPIBASE_INNER, lpi.clean);
	arch_dsb_oshst(); /* tables are visible before the redistributor reads them */
	wr32(rd, REG32(GICR_CTLR), rd32(rd, REG32(GICR_CTLR)) | (uint32_t)GICR_CTLR_LPIS);
	arch_dsb_sy(); /* LPIs are on before a collection is mapped here */
	return HV_OK;
}

uint64_t its_lpi_target(const struct its *its, unsigned cpu)
{
	const struct gic_cpu *c = &gic_hw.cpu[cpu];

	return its->typer & TYPER_PTA ? c->rd.base & CMD2_RD : (uint64_t)c->number << 16;
}

enum hv_status its_lpi_alloc(uint32_t n, unsigned cpu, uint32_t *first)
{
	if (n > LPI_COUNT - lpi.used)
		return HV_ENOMEM;
	*first = GIC_LPI_FIRST + lpi.used;
	for (uint32_t end = lpi.used + n; lpi.used < end; lpi.used++)
		lpi.cpu_of[lpi.used] = (uint16_t)cpu;
	return HV_OK;
}

bool its_lpi_enable(uint32_t intid, bool on)
{
	uint8_t *prop = &lpi.props[intid - GIC_LPI_FIRST];
	uint8_t value = (uint8_t)((*prop & ~LPI_ENABLE) | (on ? LPI_ENABLE : 0));

	if (value == *prop)
		return false;
	__atomic_store_n(prop, value, __ATOMIC_RELAXED);
	if (__atomic_load_n(&lpi.clean, __ATOMIC_RELAXED))
		arch_cache_clean_inval(prop, 1);
	return true;
}

uint16_t *its_lpi_cpu(uint32_t intid)
{
	return &lpi.cpu_of[intid - GIC_LPI_FIRST];
}
