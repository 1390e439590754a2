/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a physical INTID to its handler. The tables are written at boot and read without a lock.
 * LPIs have a table of their own: they are never deactivated and there are many.
 */
#include <hv/gic.h>
#include <hv/irq.h>
#include <hv/pmem.h>
#include <hv/vm.h>
#include <spec/gicv2.h>
#include <spec/gicv3.h>
#include <string.h>

/* Interrupts that one exit handles at most; what is left raises the next exit. */
#define IRQ_BATCH 8

struct irq_slot {
	irq_handler_fn *fn;
	void *arg;
};

static struct irq_slot slots[GIC_SPI_END] __ro_after_boot;
/* The guest deactivates it (HW-linked list register), not EL2. */
static bool of_guest[GIC_SPI_END] __ro_after_boot;
static struct irq_slot *lpis __ro_after_boot;
static uint32_t lpi_count __ro_after_boot;

enum hv_status irq_lpi_table(uint32_t count)
{
	if (lpis)
		return HV_ECONFLICT;
	lpis = pmem_try_alloc_constant(MAX(count, 1U) * sizeof(*lpis));
	if (!lpis)
		return HV_ENOMEM;
	lpi_count = count;
	return HV_OK;
}

/* NULL: none, as for special INTIDs and what is below the LPIs, which wraps. */
static struct irq_slot *slot_of(uint32_t intid)
{
	if (intid < GIC_SPI_END)
		return &slots[intid];
	return intid - GIC_LPI_FIRST < lpi_count ? &lpis[intid - GIC_LPI_FIRST] : NULL;
}

enum hv_status irq_register(uint32_t intid, irq_handler_fn *fn, void *arg, enum irq_end end)
{
	struct irq_slot *s = slot_of(intid);

	if (!s || (intid < GIC_SPI_END && intid >= GIC_SPI_FIRST + gic.spi_count))
		return HV_EINVAL;
	if (s->fn)
		return HV_ECONFLICT;
	*s = (struct irq_slot){ fn, arg };
	if (end == IRQ_END_GUEST && intid < GIC_SPI_END)
		of_guest[intid] = true;
	return HV_OK;
}

bool irq_has_handler(uint32_t intid, irq_handler_fn *fn)
{
	return intid < GIC_SPI_END && slots[intid].fn == fn;
}

void irq_reset(void)
{
	memset(slots, 0, sizeof(slots));
	memset(of_guest, 0, sizeof(of_guest));
	lpis = NULL;
	lpi_count = 0;
}

static enum exit_reason exit_reason_of(uint32_t intid)
{
	if (intid < GIC_SGI_COUNT)
		return EXIT_KICK;
	if (intid == PPI_MAINTENANCE)
		return EXIT_MAINTENANCE;
	if (intid < GIC_SPI_FIRST)
		return EXIT_TIMER;
	return intid < GIC_SPI_END ? EXIT_LINE : EXIT_MSI;
}

/*
 * Deactivation after the handler: a level line that the handler did not quieten comes again. LPIs
 * have no active state, IHI 0069 §4.1.2.
 */
static void handle_one(uint32_t intid, struct vcpu *cur)
{
	const struct irq_slot *s = slot_of(intid);

	if (cur)
		cur->exits[exit_reason_of(intid)]++;
	if (s && s->fn)
		s->fn(s->arg, intid, cur);
	else if (intid == SGI_KICK && cur)
		__atomic_store_n(&cur->vgic.attention, 1, __ATOMIC_RELAXED);
	gic.ops->drop(intid);
	if (intid < GIC_SPI_END && !of_guest[intid])
		gic.ops->deactivate(intid);
}

/*
 * SGI_KICK always sets vgic.attention, which every return to the guest looks at: what a kick was
 * for is looked for after it, also when an earlier look cleared the attention just before.
 */
void irq_dispatch(struct vcpu *cur)
{
	for (unsigned i = 0; i < IRQ_BATCH; i++) {
		uint32_t intid = gic.ops->ack();

		if (intid >= GIC_SPI_END && intid < GIC_SPECIAL_END)
			return;
		handle_one(intid, cur);
	}
}
