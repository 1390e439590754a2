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

struct irq_lpi {
	irq_handler_fn *fn;
	void *arg;
};

static struct irq_slot slots[IRQ_SPI_MAX];
static struct irq_lpi *lpis;
static uint32_t lpi_count;

enum hv_status irq_lpi_table(uint32_t count)
{
	if (lpis)
		return HV_ECONFLICT;
	lpis = pmem_try_alloc(MAX(count, 1U) * sizeof(*lpis), 64);
	if (!lpis)
		return HV_ENOMEM;
	lpi_count = count;
	return HV_OK;
}

static enum hv_status register_lpi(uint32_t i, irq_handler_fn *fn, void *arg)
{
	if (i >= lpi_count)
		return HV_EINVAL;
	if (lpis[i].fn)
		return HV_ECONFLICT;
	lpis[i] = (struct irq_lpi){ fn, arg };
	return HV_OK;
}

enum hv_status irq_register(uint32_t intid, irq_handler_fn *fn, void *arg, bool guest)
{
	if (intid >= IRQ_LPI_FIRST)
		return register_lpi(intid - IRQ_LPI_FIRST, fn, arg);
	if (intid >= MIN(GIC_SPI_FIRST + gic.spi_count, (uint32_t)IRQ_SPI_MAX))
		return HV_EINVAL;
	if (slots[intid].fn)
		return HV_ECONFLICT;
	slots[intid] = (struct irq_slot){ .fn = fn, .arg = arg, .guest = guest };
	return HV_OK;
}

bool irq_has_handler(uint32_t intid, irq_handler_fn *fn)
{
	return intid < IRQ_SPI_MAX && slots[intid].fn == fn;
}

void irq_reset(void)
{
	memset(slots, 0, sizeof(slots));
	lpis = NULL;
	lpi_count = 0;
}

static inline void count(struct vcpu *cur, enum exit_reason why)
{
	if (cur)
		cur->exits[why]++;
}

/* Deactivation after the handler: a level line that the handler did not quieten comes again. */
static void handle(uint32_t intid, struct vcpu *cur)
{
	const struct irq_slot *s = &slots[intid];

	count(cur, intid < GIC_SGI_COUNT      ? EXIT_KICK
		   : intid == PPI_MAINTENANCE ? EXIT_MAINTENANCE
		   : intid < GIC_SPI_FIRST    ? EXIT_TIMER
					      : EXIT_LINE);
	if (s->fn)
		s->fn(s->arg, intid, cur);
	else if (intid == SGI_KICK && cur)
		__atomic_store_n(&cur->vgic.attention, 1, __ATOMIC_RELAXED);
	gic.ops->drop(intid);
	if (!s->guest)
		gic.ops->deactivate(intid);
}

static void handle_lpi(uint32_t i, uint32_t intid, struct vcpu *cur)
{
	count(cur, EXIT_MSI);
	if (i < lpi_count && lpis[i].fn) /* below 8192 wraps: the extended ranges are off */
		lpis[i].fn(lpis[i].arg, intid, cur);
	gic.ops->drop(intid); /* LPIs have no active state, IHI 0069 §4.1.2 */
}

/*
 * SGI_KICK always sets vgic.attention, which every return to the guest looks at: what a kick was
 * for is looked for after it, also when an earlier look cleared the attention just before.
 */
void irq_dispatch(struct vcpu *cur)
{
	for (unsigned i = 0; i < IRQ_BATCH; i++) {
		uint32_t intid = gic.ops->ack();

		if (intid < IRQ_SPI_MAX)
			handle(intid, cur);
		else if (intid < GIC_SPECIAL_END)
			return;
		else
			handle_lpi(intid - IRQ_LPI_FIRST, intid, cur);
	}
}
