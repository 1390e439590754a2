/* SPDX-License-Identifier: Apache-2.0 */
/* From plan to guest: see hv/build.h. */
#include <string.h>

#include <hv/build.h>
#include <hv/console.h>
#include <hv/faults.h>
#include <hv/gic.h>
#include <hv/life.h>
#include <hv/load.h>
#include <hv/log.h>
#include <hv/pmem.h>
#include <hv/vits.h>
#include <hv/vrtc.h>
#include <hv/vuart.h>
#include <hv/vwatchdog.h>

#define LONG_SCRUB GIB(1) /* from here on it takes long enough to be told before */

/*
 * Stage-2 tables for [ipa, ipa + size), by level: those of the two ends, or, where the blocks of
 * IPA and PA do not fall together, all.
 */
static void add_need(struct s2_need *need, uint64_t ipa, uint64_t pa, uint64_t size)
{
	need->level2 += 2 + (IS_ALIGNED(ipa - pa, GIB(1)) ? 0 : (unsigned)(size / GIB(1)));
	need->level3 += 2 + (IS_ALIGNED(ipa - pa, MIB(2)) ? 0 : (unsigned)(size / MIB(2)));
}

/* The roots of CPUs and devices, empty, with pools that cannot run out. */
static enum hv_status build_roots(const struct plan *p, const struct guest_plan *g, struct vm *vm,
				  const struct vpci_assignment *list)
{
	/*
	 * 8 bits, which every CPU and SMMU has (VTCR_EL2.VS = 0), are enough: guest 255 has VMID 0.
	 * Nothing else uses 0: a CPU without a guest is at EL2, and a stream without one aborts.
	 */
	uint16_t vmid = (vm->id + 1U) % MAX_VMS;
	struct s2_need ram = { 0, 0 }, cpu;
	enum hv_status st;

	for (unsigned i = 0; i < g->ram_count; i++)
		add_need(&ram, g->ram[i].ipa.v, g->ram[i].pa.v, g->ram[i].size);
	cpu = ram;
	for (unsigned i = 0; i < g->region_count; i++)
		add_need(&cpu, g->region[i].ipa, g->region[i].pa.base, g->region[i].pa.size);
	if (g->has_pci) {
		struct s2_need pci = vpci_table_need(list, g->device_count);

		cpu.level2 += pci.level2;
		cpu.level3 += pci.level3;
	}
	/* Each kind of emulated page takes one of each level at most, and so does the doorbell. */
	cpu.level2 += MAX_EMUL;
	cpu.level3 += MAX_EMUL;
	ram.level2++;
	ram.level3++;
	st = s2_init(&vm->cpu_s2, p->geo, vmid, cpu, S2_CPUS);
	if (st == HV_OK && plan_has_dma(g))
		st = s2_init(&vm->dma_s2, p->geo, vmid, ram, S2_SMMU);
	return st;
}

static enum hv_status build_memory(const struct plan *p, const struct guest_plan *g, struct vm *vm,
				   const struct vpci_assignment *list)
{
	enum hv_status st = build_roots(p, g, vm, list);

	for (unsigned i = 0; i < g->ram_count && st == HV_OK; i++) {
		const struct guest_ram *r = &g->ram[i];

		vm->ram[vm->ram_count++] = *r;
		st = s2_map(&vm->cpu_s2, r->ipa, r->pa, r->size, S2_RAM);
		if (st == HV_OK && plan_has_dma(g))
			st = s2_map(&vm->dma_s2, r->ipa, r->pa, r->size, S2_RAM);
	}
	for (unsigned i = 0; i < g->region_count && st == HV_OK; i++) {
		const struct plan_region *r = &g->region[i];

		if (r->first)
			st = load_scrub(PA(r->pa.base), r->pa.size, NULL);
		if (st == HV_OK)
			st = s2_map(&vm->cpu_s2, IPA(r->ipa), PA(r->pa.base), r->pa.size,
				    r->id[0] ? S2_RAM : S2_DEVICE);
	}
	return st;
}

static void build_vcpus(const struct guest_plan *g, struct vm *vm)
{
	vm->vcpu = pmem_alloc(g->vcpu_count * sizeof(*vm->vcpu), 64);
	for (unsigned i = 0; i < g->vcpu_count; i++) {
		struct vcpu *v = pmem_alloc(sizeof(*v), 64);

		v->vm = vm;
		v->index = (uint16_t)i;
		v->cpu = g->vcpu[i].cpu;
		vm->vcpu[i] = v;
	}
	vm->vcpu_count = (uint16_t)g->vcpu_count;
}

static enum hv_status build_interrupts(const struct guest_plan *g, struct vm *vm)
{
	enum hv_status st = vgic_init(vm, g->spi_count, g->its ? VGIC_LPIS : VGIC_NO_LPIS);

	if (st == HV_OK && gic.version == 2)
		st = s2_map(&vm->cpu_s2, IPA(GUEST_GICC_BASE), gic.gicv, PAGE_SIZE, S2_DEVICE);
	if (st == HV_OK)
		st = vgic_assign_line(vm, PPI_VIRT_TIMER, PPI_VIRT_TIMER);
	if (st == HV_OK)
		st = vgic_assign_line(vm, PPI_PHYS_TIMER, PPI_PHYS_TIMER);
	if (st == HV_OK && g->pmu == PLAN_ON && g->pmu_intid)
		st = vgic_assign_line(vm, g->pmu_intid, g->pmu_intid);
	if (st == HV_OK && g->its)
		st = vits_init(vm, g->msi_base);
	if (st == HV_OK && g->v2m_count)
		st = vgic_v2m_init(vm, g->msi_base, g->v2m_first, g->v2m_count);
	if (st == HV_OK && g->vpl011)
		st = vuart_init(vm, IPA(GUEST_UART_BASE), VUART_VIRQ);
	if (st == HV_OK && g->rtc_virq)
		st = vrtc_init(vm, IPA(GUEST_RTC_BASE), g->rtc_virq);
	if (st == HV_OK && g->watchdog_virq)
		st = vwatchdog_init(vm, IPA(GUEST_WATCHDOG_BASE), g->watchdog_virq);
	return st;
}

static bool shares_msi(const struct plan_device *d, const struct pci_func *f)
{
	if (!d->as.msi.count || !d->as.msi.ctrl->by_device)
		return d->func == f;
	return d->func->msi == f->msi && d->func->device_id == f->device_id;
}

/* Functions behind one alias share a DeviceID: their events follow each other. */
static enum hv_status build_msi(const struct guest_plan *g, const struct plan_device *first)
{
	const struct pci_func *f = first->func;
	struct msi_block all;
	uint32_t n = 0;
	enum hv_status st;

	plan_for_each_device(d, g) {
		if (!shares_msi(d, f))
			continue;
		if (d < first)
			return HV_OK; /* done with the first of them */
		n += d->as.msi.count;
	}
	if (n == 0)
		return HV_OK;
	st = msi_alloc(g->msi, f->device_id, n, g->vcpu[0].cpu, &all);
	if (st != HV_OK) {
		log_err("%s: %s, DeviceID 0x%x: its %u interrupt vectors cannot be had: %s",
			g->name, f->name, f->device_id, n,
			st == HV_ENOMEM ? "there are no more" : "the controller refuses");
		return st;
	}
	n = 0;
	plan_for_each_device(d, g) { /* there is none before `first` */
		uint32_t count = d->as.msi.count;

		if (!shares_msi(d, f))
			continue;
		d->as.msi = all;
		d->as.msi.first_data += n;
		d->as.msi.first_intid += n;
		d->as.msi.count = count;
		n += count;
	}
	return HV_OK;
}

/* Several functions may share a physical line, and then the virtual one; it is assigned once. */
static enum hv_status build_intx(const struct guest_plan *g, struct vm *vm,
				 const struct vpci_assignment *as)
{
	if (!as->intx_virq)
		return HV_OK;
	for (const struct plan_device *d = g->device; &d->as < as; d++)
		if (d->as.intx_virq == as->intx_virq)
			return HV_OK;
	return vgic_assign_line(vm, as->intx_virq, as->func->intx.intid);
}

static enum hv_status build_platform(const struct guest_plan *g, struct vm *vm)
{
	enum hv_status st = HV_OK;

	for (unsigned i = 0; i < g->line_count && st == HV_OK; i++)
		st = vgic_assign_line(vm, g->line[i].vintid, g->line[i].pintid);
	return st;
}

static enum hv_status build_pci(struct guest_plan *g, struct vm *vm, struct vpci_assignment *list,
				void (*map_device)(struct range))
{
	enum hv_status st = HV_OK;

	if (g->msi)
		st = s2_map(&vm->dma_s2, g->vpci.dma_doorbell, g->msi->page, PAGE_SIZE,
			    S2_DOORBELL);
	for (unsigned i = 0; i < g->device_count && st == HV_OK; i++) {
		struct plan_device *d = &g->device[i];

		if (d->as.msi.count)
			st = build_msi(g, d);
		if (st == HV_OK && d->as.msi.count && vm->vits)
			st = vits_add_device(vm->vits, d->as.devfn, d->as.msi.count);
		if (st == HV_OK)
			st = build_intx(g, vm, &d->as);
		list[i] = d->as;
	}
	g->vpci.map = map_device;
	if (st == HV_OK)
		st = vpci_init(vm, &g->vpci, list, g->device_count);
	g->vpci.map = NULL;
	return st;
}

/* Returns what failed, or NULL. */
static const char *build_parts(const struct plan *p, struct guest_plan *g, struct vm *vm,
			       struct vpci_assignment *list, void (*map_device)(struct range))
{
	if (build_memory(p, g, vm, list) != HV_OK)
		return "its memory cannot be mapped";
	if (build_interrupts(g, vm) != HV_OK)
		return "its interrupt controller cannot be set up";
	if (build_platform(g, vm) != HV_OK)
		return "an interrupt of its platform devices is not to be had";
	if (life_reset_devices(vm, NULL) != HV_OK)
		return "one of its PCI devices cannot be reset";
	if (g->has_pci && build_pci(g, vm, list, map_device) != HV_OK)
		return "its PCI devices cannot be set up";
	life_new_seeds(g);
	if (g->ram_size >= LONG_SCRUB) {
		log_info("%s: clears its %lu MiB of RAM", g->name, g->ram_size >> 20);
		console_flush();
	}
	if (load_guest(g, vm, NULL) != HV_OK)
		return "its images cannot be loaded";
	return life_attach(vm, &vm->dma_s2) ? NULL : "its DMA streams cannot be attached";
}

static void build_one(const struct plan *p, struct guest_plan *g, void (*map_device)(struct range))
{
	struct vm *vm = pmem_alloc(sizeof(*vm), 64);
	struct vpci_assignment *list = pmem_alloc(g->device_count * sizeof(*list), 64);
	const char *failed;

	for (unsigned i = 0; i < g->device_count; i++)
		list[i] = g->device[i].as;
	vm->id = (uint8_t)(g - p->guest);
	vm->plan = g;
	vm->features = (g->pmu == PLAN_ON ? VM_PMU : 0) | (g->sve_bits ? VM_SVE : 0);
	vm->load_work = pmem_alloc(IMAGE_WORK, 64);
	vm->log = RATELIMIT(VM_LOG_BURST, VM_LOG_MS);
	vm->alerts = RATELIMIT(VM_ALERT_BURST, VM_ALERT_MS);
	vm->open_bus = !g->trap_unmapped;
	vm->emul = pmem_alloc_constant(MAX_EMUL * sizeof(*vm->emul));
	vm->ram = pmem_alloc_constant(MAX_GUEST_RAM * sizeof(*vm->ram));
	vm->emul[0] = (struct emul_region){ .fn = vm_unmapped, .size = UINT64_MAX };
	memcpy(vm->name, g->name, sizeof(vm->name));
	build_vcpus(g, vm);
	failed = build_parts(p, g, vm, list, map_device);
	if (!failed) {
		vms[vm_count++] = vm;
		return;
	}
	life_attach(vm, NULL);
	plan_for_each_device(d, g) {
		pci_event(d->func, PCI_RELEASE);
		d->func->owner = PCI_NO_OWNER;
	}
	if (load_scrub_ram(vm, NULL) != HV_OK) /* what was loaded is not left there */
		failed = "its RAM cannot be written";
	fmt_print(g->refused, sizeof(g->refused), "%s", failed);
	log_err("guest \"%s\" refused: %s", g->name, failed);
}

void build_guests(struct plan *p, void (*map_device)(struct range))
{
	vms = pmem_alloc_constant(MAX(p->guest_count, 1U) * sizeof(*vms));
	for (unsigned i = 0; i < p->guest_count; i++)
		if (!p->guest[i].refused[0])
			build_one(p, &p->guest[i], map_device);
	faults_init();
}
