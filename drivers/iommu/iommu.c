/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The IOMMUs of the board: finding them, their streams, their interrupts, their death. What a kind
 * cannot do it says in struct iommu, and the planner refuses by it.
 *
 * Devices cause faults at their own speed. A drain takes a bounded number; while more are left the
 * lines are off and the timer goes on with it through iommu_poll, so neither an edge that does not
 * come again nor a level that does not go away matters.
 */
#include <hv/gic.h>
#include <hv/irq.h>
#include <hv/log.h>
#include <hv/pmem.h>

#include "iommu_priv.h"

struct iommu *iommus __ro_after_boot;
unsigned iommu_count __ro_after_boot;
/* Of each; NULL: probe had something against it. */
static const struct iommu_driver **drivers __ro_after_boot;

static const struct iommu_driver *driver_of(const struct iommu *i)
{
	return drivers[i - iommus];
}

/* The first row that fits a node counts; most nodes name their part and the architecture. */
static const struct {
	char compatible[15];
	uint8_t version;
} kinds[] = {
	{ "arm,smmu-v3", 3 }, { "arm,smmu-v2", 2 }, { "arm,mmu-500", 2 },
	{ "arm,smmu-v1", 1 }, { "arm,mmu-400", 1 }, { "arm,mmu-401", 1 },
};

static bool fits_before(const void *fdt, int node, unsigned kind)
{
	while (kind--)
		if (dt_compatible(fdt, node, kinds[kind].compatible))
			return true;
	return false;
}

static void probe_node(const void *fdt, int node, uint8_t version, void (*map)(struct range))
{
	const struct iommu_driver *driver = version == 3 ? &smmuv3_driver : &smmuv2_driver;
	const char *name = dt_name(fdt, node), *why;
	struct range reg;
	struct iommu *i;
	bool blocked;

	if (dt_reg(fdt, node, 0, &reg) != HV_OK) {
		log_err("%s: no usable reg", name);
		return;
	}
	map(reg);
	blocked = driver->block(mmio_at(PA(reg.base))) == HV_OK;
	if (!blocked)
		log_err("%s: cannot be put into global abort", name);
	i = &iommus[iommu_count++];
	*i = (struct iommu){ .phandle = dt_phandle(fdt, node),
			     .index = (uint16_t)(i - iommus),
			     .version = version,
			     .dead = !blocked,
			     .node = node,
			     .m = mmio_at(PA(reg.base)) };
	fmt_print(i->name, sizeof(i->name), "%s", name);
	why = driver->probe(fdt, node, reg, i);
	if (why)
		log_warn("%s: %s; what is behind it stays blocked", name, why);
	drivers[i - iommus] = why || !blocked ? NULL : driver;
}

/* Room for every node; one that fits two kinds is counted twice. */
static void iommu_make_room(const void *fdt)
{
	unsigned room = 0;

	for (unsigned k = 0; k < ARRAY_SIZE(kinds); k++)
		room += dt_count(fdt, kinds[k].compatible);
	iommus = pmem_alloc(MAX(room, 1U) * sizeof(*iommus), 64);
	drivers = pmem_alloc_constant(MAX(room, 1U) * sizeof(*drivers));
	iommu_count = 0;
}

/* Not those that are disabled or need power first: an access to them may never end. */
void iommu_probe(const void *fdt, void (*map)(struct range))
{
	iommu_make_room(fdt);
	for (unsigned k = 0; k < ARRAY_SIZE(kinds); k++)
		dt_for_each(n, fdt, kinds[k].compatible) {
			if (!dt_enabled(fdt, n) || fits_before(fdt, n, k))
				continue;
			if (!dt_has_power(fdt, n))
				log_warn("%s: in a power domain, left alone; where firmware "
					 "switches it on, say viaduct,powered",
					 dt_name(fdt, n));
			else
				probe_node(fdt, n, kinds[k].version, map);
		}
}

/* Room for every interrupt of its node. */
static void make_irq_room(const void *fdt, struct iommu *i)
{
	struct dt_irq irq;
	unsigned count = 0;

	while (dt_interrupt(fdt, i->node, count, &irq) == HV_OK)
		count++;
	i->irq = pmem_alloc(MAX(count, 1U) * sizeof(*i->irq), 64);
	i->irq_room = count;
}

void iommu_start(const void *fdt)
{
	iommu_for_each(i) {
		if (!driver_of(i))
			continue;
		make_irq_room(fdt, i);
		i->s2 = driver_of(i)->start(fdt, i->node, i) == HV_OK;
		if (i->s2)
			log_info("%s: SMMUv%u, %u-bit addresses, %u-bit StreamIDs%s", i->name,
				 i->version, i->oas_bits, i->sid_bits, i->fwb ? ", S2FWB" : "");
		else if (!i->dead)
			iommu_kill(i, "did not start");
		if (i->s2 && !i->irq_count)
			log_warn("%s: no wired interrupt; its faults are not shown", i->name);
	}
}

struct iommu *iommu_find(uint32_t phandle)
{
	iommu_for_each(i)
		if (phandle && i->phandle == phandle)
			return i;
	return NULL;
}

static struct iommu_callbacks callbacks __ro_after_boot;

void iommu_set_callbacks(const struct iommu_callbacks *c)
{
	callbacks = *c;
}

void iommu_report_fault(struct iommu *i, const struct iommu_fault *f)
{
	callbacks.fault(i, f);
}

void iommu_kill(struct iommu *i, const char *why)
{
	enum hv_status st = driver_of(i)->block(i->m);

	i->dead = true;
	log_err("%s: %s; everything behind it is blocked%s", i->name, why,
		st == HV_OK ? "" : ", by bus mastering only: it does not confirm");
}

bool iommu_block_all(void)
{
	bool blocked = true;

	iommu_for_each(i)
		if (driver_of(i) && driver_of(i)->block(i->m) != HV_OK)
			blocked = false;
	return blocked;
}

struct s2_limits iommu_s2_limits(void)
{
	struct s2_limits all = { 64, true };

	iommu_for_each(i) {
		if (!i->s2 || i->dead)
			continue;
		all.pa_bits = MIN(all.pa_bits, (unsigned)i->oas_bits);
		all.fwb = all.fwb && i->fwb;
	}
	return all;
}

/* Calls callbacks.died() once where the IOMMU is dead. With no lock held. */
static void report_death(struct iommu *i)
{
	if (i->dead && !__atomic_exchange_n(&i->told, true, __ATOMIC_RELAXED))
		callbacks.died(i);
}

enum hv_status iommu_attach(struct iommu *i, uint32_t sid, const struct s2 *dma)
{
	enum hv_status st = HV_ETIMEOUT;

	if (!i->s2)
		return HV_EUNSUPP;
	spin_lock(&i->lock, LOCK_IOMMU);
	if (!i->dead)
		st = driver_of(i)->attach(i, sid, dma);
	spin_unlock(&i->lock);
	report_death(i);
	return st;
}

void iommu_flush(uint16_t vmid, ipa_t ipa, uint64_t size)
{
	iommu_for_each(i) {
		if (!i->s2)
			continue;
		spin_lock(&i->lock, LOCK_IOMMU);
		if (!i->dead) /* else nothing gets through any more, which is what a flush is for */
			driver_of(i)->flush(i, vmid, ipa, size);
		spin_unlock(&i->lock);
		report_death(i);
	}
}

/*
 * Drains faults, on one CPU at a time, whoever calls. `busy` is the right to drain. A CPU that does
 * not get it leaves `left_over` set, and the one that has it looks at that when it has given `busy`
 * back: so no event is left without a CPU or a timer that will look. All sequentially consistent.
 */
static void drain_faults(struct iommu *i)
{
	bool empty;

	__atomic_store_n(&i->left_over, true, __ATOMIC_SEQ_CST);
	if (__atomic_exchange_n(&i->busy, true, __ATOMIC_SEQ_CST))
		return; /* who is at it sees left_over */
	__atomic_store_n(&i->left_over, false, __ATOMIC_SEQ_CST);
	empty = !i->dead && driver_of(i)->drain(i);
	if (!empty)
		__atomic_store_n(&i->left_over, true, __ATOMIC_SEQ_CST);
	for (unsigned n = 0; n < i->irq_count; n++)
		gic_set_enabled(0, i->irq[n], empty && !i->dead);
	__atomic_store_n(&i->busy, false, __ATOMIC_SEQ_CST);
	if (__atomic_load_n(&i->left_over, __ATOMIC_SEQ_CST) && !i->dead)
		callbacks.arm_poll_timer();
	report_death(i);
}

static void handle_irq(void *arg, uint32_t intid, struct vcpu *cur)
{
	(void)intid;
	(void)cur;
	drain_faults(arg);
}

void iommu_connect(struct iommu *i, const struct dt_irq *irq)
{
	for (unsigned n = 0; n < i->irq_count; n++)
		if (i->irq[n] == irq->intid)
			return;
	if (i->irq_count == i->irq_room ||
	    irq_register(irq->intid, handle_irq, i, IRQ_END_EL2) != HV_OK) {
		log_warn("%s: its interrupt %u is taken; faults show late", i->name, irq->intid);
		return;
	}
	gic_set_edge(0, irq->intid, irq->edge);
	gic_route(irq->intid, 0);
	gic_set_enabled(0, irq->intid, true);
	i->irq[i->irq_count++] = irq->intid;
}

void iommu_poll(void)
{
	iommu_for_each(i)
		if (__atomic_load_n(&i->left_over, __ATOMIC_RELAXED) && !i->dead)
			drain_faults(i);
}

void iommu_route(unsigned cpu)
{
	iommu_for_each(i)
		for (unsigned n = 0; n < i->irq_count; n++)
			gic_route(i->irq[n], cpu);
}
