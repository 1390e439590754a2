/*
 * The IOMMUs of the board: finding them, their interrupts, their death. What a kind cannot do it
 * says in struct iommu, and the planner refuses by it.
 *
 * Devices cause faults at their own speed. A drain takes a bounded number; while more are left the
 * lines are off and the timer goes on with it through iommu_poll, so neither an edge that does not
 * come again nor a level that does not go away matters.
 */
#include <hv/gic.h>
#include <hv/irq.h>
#include <hv/limits.h>
#include <hv/log.h>

#include "iommu_priv.h"

#define LINES 24

struct iommu iommus[MAX_IOMMUS];
unsigned iommu_count;
iommu_fault_fn *iommu_on_fault;
void (*iommu_on_death)(struct iommu *i);
void (*iommu_retry)(void);

/* The first row that fits a node counts; most nodes name their part and the architecture. */
static const struct {
	char compatible[15];
	uint8_t version;
	const struct iommu_driver *driver;
} kinds[] = {
	{ "arm,smmu-v3", 3, &smmuv3_driver }, { "arm,smmu-v2", 2, &smmuv2_driver },
	{ "arm,mmu-500", 2, &smmuv2_driver }, { "arm,smmu-v1", 1, &smmuv2_driver },
	{ "arm,mmu-400", 1, &smmuv2_driver }, { "arm,mmu-401", 1, &smmuv2_driver },
};

static struct found {
	const struct iommu_driver *driver;
	int node;
	uintptr_t base;
	bool usable;		/* probe had nothing against it */
	bool busy, left_over;	/* someone drains; faults wait for it */
	bool told;		/* iommu_on_death was called */
	uint32_t irq[LINES];
	unsigned irq_count;
} found[MAX_IOMMUS];

static struct found *found_of(const struct iommu *i)
{
	return &found[i - iommus];
}

static bool fits_before(const void *fdt, int node, unsigned kind)
{
	while (kind--)
		if (dt_compatible(fdt, node, kinds[kind].compatible))
			return true;
	return false;
}

/* Blocked even where there is no room to drive it. */
static void probe_node(const void *fdt, int node, unsigned kind, void (*map)(struct range))
{
	const struct iommu_driver *driver = kinds[kind].driver;
	struct iommu *i = &iommus[iommu_count];
	const char *name = dt_name(fdt, node), *why;
	struct range reg;
	enum hv_status st;

	if (dt_reg(fdt, node, 0, &reg) != HV_OK) {
		log_err("%s: no usable reg", name);
		return;
	}
	map(reg);
	st = driver->block(mmio_at(PA(reg.base)));
	if (st != HV_OK)
		log_err("%s: cannot be put into global abort", name);
	if (iommu_count == MAX_IOMMUS) {
		log_err("%s: more than %u IOMMUs; what is behind this one stays blocked", name,
			MAX_IOMMUS);
		return;
	}
	*i = (struct iommu){ .ops = &driver->ops, .phandle = dt_phandle(fdt, node),
			     .version = kinds[kind].version, .dead = st != HV_OK };
	fmt_print(i->name, sizeof(i->name), "%s", name);
	why = driver->probe(fdt, node, reg, i);
	if (why)
		log_warn("%s: %s; what is behind it stays blocked", name, why);
	found[iommu_count++] = (struct found){ .driver = driver, .node = node, .base = reg.base,
					       .usable = !why && st == HV_OK };
}

/* Not those that are disabled or need power first: an access to them may never end. */
void iommu_probe(const void *fdt, void (*map)(struct range))
{
	for (unsigned k = 0; k < ARRAY_SIZE(kinds); k++)
		dt_for_each(n, fdt, kinds[k].compatible) {
			if (!dt_enabled(fdt, n) || fits_before(fdt, n, k))
				continue;
			if (dt_bool(fdt, n, "power-domains"))
				log_info("%s: in a power domain, left alone", dt_name(fdt, n));
			else
				probe_node(fdt, n, k, map);
		}
}

void iommu_start(const void *fdt)
{
	for (unsigned n = 0; n < iommu_count; n++) {
		struct iommu *i = &iommus[n];

		if (!found[n].usable)
			continue;
		i->s2 = found[n].driver->start(fdt, found[n].node, i) == HV_OK;
		if (i->s2)
			log_info("%s: SMMUv%u, %u-bit addresses, %u-bit StreamIDs%s", i->name, i->version,
				 i->oas_bits, i->sid_bits, i->fwb ? ", S2FWB" : "");
		else if (!i->dead)
			iommu_kill(i, "did not start");
		if (i->s2 && !found[n].irq_count)
			log_warn("%s: no wired interrupt; its faults are not shown", i->name);
	}
}

struct iommu *iommu_find(uint32_t phandle)
{
	for (unsigned n = 0; n < iommu_count; n++)
		if (phandle && iommus[n].phandle == phandle)
			return &iommus[n];
	return NULL;
}

enum hv_status iommu_prepare(struct iommu *i, uint32_t sid)
{
	if (!i->s2)
		return HV_EUNSUPP;
	return i->dead ? HV_ETIMEOUT : i->ops->prepare(i, sid);
}

void iommu_kill(struct iommu *i, const char *why)
{
	const struct found *f = found_of(i);
	enum hv_status st = f->driver->block(mmio_at(PA(f->base)));

	i->dead = true;
	log_err("%s: %s; everything behind it is blocked%s", i->name, why,
		st == HV_OK ? "" : ", by bus mastering only: it does not confirm");
}

void iommu_settle(struct iommu *i)
{
	if (i->dead && !__atomic_exchange_n(&found_of(i)->told, true, __ATOMIC_RELAXED) &&
	    iommu_on_death)
		iommu_on_death(i);
}

static void set_lines(const struct found *f, bool on)
{
	for (unsigned n = 0; n < f->irq_count; n++)
		gic.ops->set_enabled(0, f->irq[n], on);
}

static void look(struct iommu *i)
{
	struct found *f = found_of(i);
	bool empty;

	__atomic_store_n(&f->left_over, true, __ATOMIC_SEQ_CST);
	if (__atomic_exchange_n(&f->busy, true, __ATOMIC_SEQ_CST))
		return; /* who is at it sees left_over */
	__atomic_store_n(&f->left_over, false, __ATOMIC_SEQ_CST);
	empty = !i->dead && f->driver->drain(i);
	if (!empty)
		__atomic_store_n(&f->left_over, true, __ATOMIC_SEQ_CST);
	set_lines(f, empty && !i->dead);
	__atomic_store_n(&f->busy, false, __ATOMIC_SEQ_CST);
	if (__atomic_load_n(&f->left_over, __ATOMIC_SEQ_CST) && !i->dead && iommu_retry)
		iommu_retry();
	iommu_settle(i);
}

static void handle_irq(void *arg, uint32_t intid, struct vcpu *cur)
{
	(void)intid;
	(void)cur;
	look(arg);
}

void iommu_connect(struct iommu *i, const struct dt_irq *irq)
{
	struct found *f = found_of(i);

	for (unsigned n = 0; n < f->irq_count; n++)
		if (f->irq[n] == irq->intid)
			return;
	if (f->irq_count == LINES || irq_register(irq->intid, handle_irq, i, false) != HV_OK) {
		log_warn("%s: its interrupt %u is taken; faults show late", i->name, irq->intid);
		return;
	}
	gic.ops->set_edge(0, irq->intid, irq->edge);
	gic.ops->route(irq->intid, 0);
	gic.ops->set_enabled(0, irq->intid, true);
	f->irq[f->irq_count++] = irq->intid;
}

void iommu_poll(void)
{
	for (unsigned n = 0; n < iommu_count; n++)
		if (__atomic_load_n(&found[n].left_over, __ATOMIC_RELAXED) && !iommus[n].dead)
			look(&iommus[n]);
}

void iommu_route(unsigned cpu)
{
	for (unsigned n = 0; n < iommu_count; n++)
		for (unsigned l = 0; l < found[n].irq_count; l++)
			gic.ops->route(found[n].irq[l], cpu);
}
