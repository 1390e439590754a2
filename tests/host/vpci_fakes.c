/* SPDX-License-Identifier: Apache-2.0 */
/* See vpci_fakes.h. */
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arch/mmio.h>
#include <arch/time.h>
#include <host.h>
#include "s2_lookup.h"
#include <hv/pmem.h>
#include <hv/vits.h>
#include <spec/pci.h>
#include <spec/pci_caps.h>

#include "vpci_fakes.h"

static struct pci_func funcs[FAKE_FUNCS];
struct pci_func *pci_funcs = funcs;
unsigned pci_func_count;
struct fake_dev fakes[FAKE_FUNCS];
struct vm fake_vm;
static struct vcpu *vcpus[2];
struct vpci_assignment fake_as[FAKE_FUNCS];
__typeof__(fake_delivered) fake_delivered;
__typeof__(fake_msi) fake_msi;
struct range fake_el2[64];
unsigned fake_el2_count;

static struct {
	irq_handler_fn *fn;
	void *arg;
} handlers[4096];
static void *arena;
static struct iommu some_iommu;
static struct msi_ctrl some_ctrl = { .page = { 0x8090000 }, .offset = 0x40 };
static int some_vits;
uint64_t fake_dma_doorbell;
bool fake_attached[1000];
void (*fake_on_write)(void);
void (*fake_on_bar_write)(void);

#define MEMORY_PAGES 256
static struct {
	uint64_t page;
	uint8_t bytes[4096];
} memory[MEMORY_PAGES];
static unsigned memory_count;

uint8_t *fake_memory(uint64_t pa)
{
	unsigned i;

	for (i = 0; i < memory_count; i++)
		if (memory[i].page == pa / 4096)
			return memory[i].bytes + pa % 4096;
	i = memory_count < MEMORY_PAGES ? memory_count++ : 0;
	memory[i].page = pa / 4096;
	memset(memory[i].bytes, 0, 4096);
	return memory[i].bytes + pa % 4096;
}

/* A BAR decodes where its device's own registers say so. */
static bool decodes(uint64_t pa)
{
	for (unsigned i = 0; i < pci_func_count; i++)
		for (unsigned b = 0; b < PCI_BARS; b++) {
			const struct pci_bar *bar = &pci_funcs[i].bar[b];

			if (!bar->assigned || pa < bar->pa.v || pa - bar->pa.v >= bar->size)
				continue;
			return fake_get(&fakes[i], PCI_COMMAND, 2) & PCI_CMD_MEM &&
			       (fake_get(&fakes[i], PCI_BAR(b), 4) & ~PCI_BAR_MEM_FLAGS) ==
				       (uint32_t)bar->pci;
		}
	return false;
}

static uint64_t memory_read(void *model, uint64_t off, unsigned size)
{
	uint64_t v = ~UINT64_C(0) >> (64 - 8 * size);

	(void)model;
	if (decodes(off))
		memcpy(&v, fake_memory(off), size);
	return v;
}

static void memory_write(void *model, uint64_t off, unsigned size, uint64_t v)
{
	(void)model;
	if (fake_on_bar_write)
		fake_on_bar_write();
	if (decodes(off))
		memcpy(fake_memory(off), &v, size);
}

static struct fake_dev *dev_of(const struct pci_func *f)
{
	return &fakes[f - pci_funcs];
}

uint32_t fake_get(const struct fake_dev *d, unsigned off, unsigned size)
{
	uint32_t v = 0;

	memcpy(&v, &d->cfg[off], size);
	return v;
}

void fake_put(struct fake_dev *d, unsigned off, unsigned size, uint32_t value)
{
	memcpy(&d->cfg[off], &value, size);
}

static void writable(struct fake_dev *d, unsigned off, unsigned size, uint32_t mask)
{
	memcpy(&d->writable[off], &mask, size);
}

uint32_t pci_cfg_read(const struct pci_func *f, unsigned off, unsigned size)
{
	struct fake_dev *d = dev_of(f);

	assert(off < 4096 && off % size == 0 && size <= 4);
	d->reads++;
	return d->gone ? 0xffffffffu >> (32 - 8 * size) : fake_get(d, off, size);
}

static void lose_state(struct fake_dev *d)
{
	memset(&d->cfg[PCI_BAR(0)], 0, 24);
	fake_put(d, PCI_COMMAND, 2, 0);
	fake_put(d, 0x52, 2, fake_get(d, 0x52, 2) & 0xff8e);
	fake_put(d, 0xc2, 2, fake_get(d, 0xc2, 2) & 0x7ff);
	fake_put(d, 0x88, 2, 0x2810);
	for (unsigned i = 0; i < 8; i++)
		fake_memory(d->pf->bar[0].pa.v + 0x2000 + 16 * i + 12)[0] = 1;
}

struct pci_func *pci_with_stream(const struct iommu *i, uint32_t sid, unsigned n)
{
	pci_for_each(f)
		if (pci_has_stream(f, i, sid) && !n--)
			return f;
	return NULL;
}

void pci_cfg_write(const struct pci_func *f, unsigned off, unsigned size, uint32_t value)
{
	struct fake_dev *d = dev_of(f);
	uint8_t power = d->cfg[0x44] & 3;

	assert(off < 4096 && off % size == 0 && size <= 4);
	d->writes++;
	host_trace("cfg_write", (uint64_t)(f - pci_funcs) << 12 | off, value);
	if (fake_on_write)
		fake_on_write();
	if (d->gone)
		return;
	for (unsigned i = 0; i < size; i++) {
		uint8_t v = (uint8_t)(value >> 8 * i), old = d->cfg[off + i];
		uint8_t now = (uint8_t)((old & ~d->writable[off + i]) | (v & d->writable[off + i]));

		now &= (uint8_t)~(v & d->w1c[off + i]);
		d->touched[off + i] |= old ^ now;
		d->cfg[off + i] = now;
	}
	if (d->soft_reset && power == 3 && (d->cfg[0x44] & 3) == 0)
		lose_state(d);
}

void pci_reset_begin(struct pci_func *f)
{
	struct fake_dev *d = dev_of(f);

	d->resets++;
	pci_event(f, PCI_RESET_BEGINS);
	host_trace("pci_reset", (uint64_t)(f - pci_funcs), 0);
	d->cfg[0x44] &= 0xfc;
	lose_state(d);
	f->reset.due = arch_time_ticks() + 100000;
}

enum hv_status pci_reset_step(struct pci_func *f)
{
	enum hv_status st = dev_of(f)->gone ? HV_ETIMEOUT : dev_of(f)->reset_status;

	if (arch_time_ticks() < f->reset.due && !dev_of(f)->gone)
		return HV_EAGAIN;
	pci_event(f, st == HV_OK ? PCI_RESET_DONE : PCI_RESET_FAILED);
	return st;
}

enum hv_status iommu_attach(struct iommu *i, uint32_t sid, const struct s2 *dma)
{
	assert(i == &some_iommu && sid < 1000);
	assert(!dma || dma == &fake_vm.dma_s2);
	fake_attached[sid] = dma != NULL;
	return HV_OK;
}

void pci_quiesce(const struct pci_func *f)
{
	fake_put(dev_of(f), PCI_COMMAND, 2, PCI_CMD_INTX_OFF);
}

enum emul vm_unmapped(struct vcpu *vcpu, void *arg, struct mmio_access *a)
{
	(void)vcpu, (void)arg, (void)a;
	return EMUL_INJECT;
}

enum hv_status vm_emul_add(struct vm *vm, struct range ipas, emul_fn *fn, void *arg, uint8_t *kind)
{
	vm->emul_count++;
	vm->emul[vm->emul_count] = (struct emul_region){ fn, arg, ipas.base, ipas.size };
	*kind = vm->emul_count;
	return HV_OK;
}

enum hv_status vm_emulate(struct vm *vm, ipa_t base, uint64_t size, emul_fn *fn, void *arg,
			  uint8_t *kind)
{
	uint8_t k;
	enum hv_status st = vm_emul_add(vm, (struct range){ base.v, size }, fn, arg, &k);

	if (kind)
		*kind = k;
	return st == HV_OK ? s2_mark(&vm->cpu_s2, base, size, emul_mark(k, 0)) : st;
}

void vm_log(struct vm *vm, const char *fmt, ...)
{
	char line[200];
	va_list ap;

	(void)vm;
	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	log_line(LOG_WARN, "%s", line);
}

void msi_move(const struct msi_block *b, uint32_t i, unsigned cpu)
{
	assert(i < b->count);
	fake_msi.moves++;
	fake_msi.vector = i;
	fake_msi.cpu = cpu;
}

void msi_set_enabled(const struct msi_block *b, uint32_t i, bool on)
{
	assert(i < b->count);
	fake_msi.enables += on;
	fake_msi.disables += !on;
	fake_msi.vector = i;
}

enum hv_status msi_handler(const struct msi_block *b, uint32_t i, irq_handler_fn *fn, void *arg)
{
	assert(i < b->count);
	handlers[b->first_intid - 8192 + i].fn = fn;
	handlers[b->first_intid - 8192 + i].arg = arg;
	return HV_OK;
}

void fake_irq(const struct fake_dev *d, unsigned vector)
{
	uint32_t intid = fake_as[d - fakes].msi.first_intid + vector;

	handlers[intid - 8192].fn(handlers[intid - 8192].arg, intid, NULL);
}

bool vits_deliver(struct vits *its, uint32_t vdev, uint32_t event, struct vcpu *cur, uint16_t *to)
{
	(void)cur;
	assert(its);
	fake_delivered.count++;
	fake_delivered.vdev = vdev;
	fake_delivered.event = event;
	*to = fake_delivered.to;
	return fake_delivered.news;
}

bool vgic_v2m_deliver(struct vm *vm, uint32_t data, struct vcpu *cur, uint16_t *to)
{
	assert(!vm->vits);
	return vits_deliver((struct vits *)&some_vits, 0xff, data, cur, to);
}

static void map_el2(struct range pa)
{
	assert(pa.base % 4096 == 0 && pa.size % 4096 == 0);
	if (fake_el2_count < 64)
		fake_el2[fake_el2_count++] = pa;
}

#define ARENA MIB(64)

void fake_begin(void)
{
	fake_dma_doorbell = FAKE_DOORBELL;
	/* Only what was used: clearing all of it is most of a short test's time. */
	memset(pci_funcs, 0, pci_func_count * sizeof(pci_funcs[0]));
	memset(fakes, 0, pci_func_count * sizeof(fakes[0]));
	memset(fake_as, 0, pci_func_count * sizeof(fake_as[0]));
	memset(&fake_vm, 0, sizeof(fake_vm));
	fake_vm.vcpu = vcpus;
	memset(&fake_delivered, 0, sizeof(fake_delivered));
	memset(&fake_msi, 0, sizeof(fake_msi));
	memset(handlers, 0, sizeof(handlers));
	pci_func_count = memory_count = fake_el2_count = 0;
	host_mmio_clear();
	host_mmio_add(0, UINTPTR_MAX, memory_read, memory_write, NULL);
	host_log_clear();
	if (!arena) /* once: to get and return it takes longer than most tests */
		arena = aligned_alloc(MIB(2), ARENA);
	pmem_reset();
	pmem_add((struct range){ (uintptr_t)arena, ARENA });
}

void fake_end(void)
{
	host_mmio_clear();
}

void fake_bar(struct fake_dev *d, unsigned bar, uint64_t size, uint64_t pa, bool mem64)
{
	d->pf->bar[bar] = (struct pci_bar){
		.size = size,
		.pci = pa,
		.pa = PA(pa),
		.mem64 = mem64,
		.assigned = true,
	};
	fake_put(d, PCI_BAR(bar), 4, (uint32_t)pa | (mem64 ? PCI_BAR_TYPE_64 : 0));
	writable(d, PCI_BAR(bar), 4, (uint32_t)~(size - 1));
	if (mem64) {
		fake_put(d, PCI_BAR(bar) + 4, 4, (uint32_t)(pa >> 32));
		writable(d, PCI_BAR(bar) + 4, 4, (uint32_t)(~(size - 1) >> 32));
	}
}

static void fake_caps(struct fake_dev *d)
{
	fake_put(d, PCI_CAP_PTR, 1, 0x40);
	fake_put(d, 0x40, 4, 0xfe035001 | PMC_D1_D2);
	writable(d, 0x44, 2, 0x0103);
	d->w1c[0x45] = 0x80;
	fake_put(d, 0x50, 4, 0x01868005); /* 8 messages, 64 bit, masks */
	writable(d, 0x52, 2, 0x0071);
	writable(d, 0x54, 4, 0xfffffffc);
	writable(d, 0x58, 4, ~0u);
	writable(d, 0x5c, 2, 0xffff);
	writable(d, 0x60, 4, 0xff);
	fake_put(d, 0x80, 4, 0x0002c010);
	fake_put(d, 0x84, 4, 0x10008fe1 | 0x18);
	fake_put(d, 0x88, 4, 0x00002930); /* MRRS 512, NoSnoop, ExtTag, MPS 256, RO */
	writable(d, 0x88, 2, 0x7fff);
	d->w1c[0x8a] = 0x0f;
	fake_put(d, 0x8c, 4, 0x00477813);
	fake_put(d, 0x90, 4, 0x10430000);
	writable(d, 0x90, 2, 0xffff);
	fake_put(d, 0xa4, 4, 0x0018081f);
	writable(d, 0xa8, 2, 0xffff);
	fake_put(d, 0xc0, 4, 0x0007d011);
	writable(d, 0xc2, 2, 0xc000);
	fake_put(d, 0xc4, 4, 0x2000);
	fake_put(d, 0xc8, 4, 0x3000);
	fake_put(d, 0xd0, 4, 0x00080009); /* 8 bytes */
	fake_put(d, 0xd4, 4, 0xdeadbeef);
	writable(d, 0xd4, 4, ~0u);
	fake_put(d, 0xd8, 4, 0x600df00d);
	writable(d, 0xd8, 4, ~0u);
	fake_put(d, 0x100, 4, 0x13010001);
	for (unsigned off = 0x108; off < 0x118; off += 4)
		writable(d, off, 4, off == 0x110 ? 0 : ~0u);
	memset(&d->w1c[0x104], 0xff, 4);
	memset(&d->w1c[0x110], 0xff, 4);
	fake_put(d, 0x118, 4, 0xa0);
	writable(d, 0x118, 4, 0x140);
	fake_put(d, 0x11c, 4, 0x11);
	fake_put(d, 0x128, 4, 0x44);
	fake_put(d, 0x130, 4, 0x1481000f);
	writable(d, 0x134, 4, 0x801f0000);
	fake_put(d, 0x148, 4, 0x00010003);
	fake_put(d, 0x14c, 4, 0x89abcdef);
	fake_put(d, 0x150, 4, 0x01234567);
	fake_put(d, 0x200, 4, 0x5a5a5a5a);
	writable(d, 0x200, 4, ~0u);
}

struct fake_dev *fake_add(uint8_t devfn)
{
	unsigned i = pci_func_count++;
	struct fake_dev *d = &fakes[i];
	struct pci_func *pf = &pci_funcs[i];

	d->pf = pf;
	*pf = (struct pci_func){
		.vendor = 0x8086,
		.device = 0x10d3,
		.subsystem = 0x11001af4,
		.class_rev = 0x02000003,
		.irq_pin = 1,
		.cap_pm = 0x40,
		.cap_msi = 0x50,
		.cap_msix = 0xc0,
		.cap_pcie = 0x80,
		.ext_config = true,
		.flr = true,
		.msix_count = 8,
		.msix = { { 0, { 0x2000, 8 * 16 } }, { 0, { 0x3000, 8 } } },
		.msi_count = 8,
		.msi_64 = true,
		.msi_mask = true,
		.iommu = &some_iommu,
		.sid_count = 1,
		.sid = { devfn },
		.state = PCI_IDLE,
		.devctl = 0x2930,
		.pcie_v2 = true,
	};
	snprintf(pf->name, sizeof(pf->name), "0000:%02x:00.0", i + 1);
	fake_put(d, 0x00, 4, 0x10d38086);
	fake_put(d, 0x04, 4, 0x00100000);
	fake_put(d, 0x08, 4, 0x02000003);
	fake_put(d, 0x0c, 4, 0x80000010);
	fake_put(d, 0x2c, 4, 0x11001af4);
	fake_put(d, 0x30, 4, 0xfffc0001);
	fake_put(d, 0x3c, 4, 0x4020010a);
	writable(d, PCI_COMMAND, 2, 0x0547);
	d->w1c[7] = 0xf9;
	writable(d, 0x0c, 2, 0xffff);
	writable(d, 0x0f, 1, 0x40);
	writable(d, 0x30, 4, 0xfffc0001);
	writable(d, 0x3c, 1, 0xff);
	fake_caps(d);
	fake_bar(d, 0, KIB(64), UINT64_C(0x8000000000) + (uint64_t)i * MIB(1), true);
	fake_as[i] = (struct vpci_assignment){
		.func = pf,
		.devfn = devfn,
		.intx_pin = 1,
		.intx_virq = 32,
		.msi = { .ctrl = &some_ctrl,
			 .first_data = 0,
			 .first_intid = 8192 + 8 * i,
			 .count = 8 },
	};
	return d;
}

void fake_restart(void)
{
	vpci_quiesce(fake_vm.vpci);
	for (unsigned i = 0; i < pci_func_count; i++) {
		pci_event(&pci_funcs[i], PCI_RESET_BEGINS);
		pci_event(&pci_funcs[i], PCI_RESET_DONE);
	}
	vpci_reset(fake_vm.vpci);
}

void fake_start(void)
{
	struct s2_geometry geo = { 40, 2, 2, false };
	struct vpci_config cfg = {
		.ecam = IPA(FAKE_ECAM),
		.mem32 = { FAKE_MEM32, MIB(256) },
		.mem64 = { FAKE_MEM64, GIB(4) },
		.doorbell = IPA(FAKE_DOORBELL),
		.dma_doorbell = IPA(fake_dma_doorbell),
		.map = map_el2,
	};

	static struct emul_region emul[MAX_EMUL];
	static struct guest_ram ram;

	memset(emul, 0, sizeof(emul));
	fake_vm.vits = fake_dma_doorbell == FAKE_DOORBELL ? (struct vits *)&some_vits : NULL;
	fake_vm.emul = emul;
	fake_vm.ram = &ram;
	fake_vm.ram_count = 1;
	fake_vm.ram[0].ipa = IPA(FAKE_RAM);
	fake_vm.ram[0].size = MIB(256);
	assert(s2_init(&fake_vm.cpu_s2, geo, 1, vpci_table_need(fake_as, pci_func_count),
		       S2_CPUS) == HV_OK);
	assert(vpci_init(&fake_vm, &cfg, fake_as, pci_func_count) == HV_OK);
	for (unsigned i = 0; i < pci_func_count; i++) {
		memset(fakes[i].touched, 0, sizeof(fakes[i].touched));
		fakes[i].reads = fakes[i].writes = 0;
	}
	host_trace_clear();
}

static uint64_t guest_access(struct mmio_access a)
{
	for (unsigned tries = 0; tries < 4; tries++) {
		struct s2_leaf l = s2_lookup(&fake_vm.cpu_s2, a.ipa);
		enum emul e;

		if (l.valid && a.write) {
			host_mmio_write((uintptr_t)l.pa.v, a.size, a.value);
			return 0;
		}
		if (l.valid)
			return host_mmio_read((uintptr_t)l.pa.v, a.size);
		{
			struct emul_region *r = &fake_vm.emul[l.mark & 0xff];

			a.off = a.ipa.v - r->base;
			a.cookie = (uint32_t)(l.mark >> 8);
			e = r->fn ? r->fn(NULL, r->arg, &a) : EMUL_INJECT;
		}
		if (e == EMUL_INJECT)
			return 0xdeadULL << 32; /* an abort */
		if (e == EMUL_OK)
			return a.value;
	}
	assert(!"retries without end");
	return 0;
}

uint64_t guest_read(uint64_t ipa, unsigned size)
{
	return guest_access((struct mmio_access){ .ipa = IPA(ipa), .size = (uint8_t)size });
}

void guest_write(uint64_t ipa, unsigned size, uint64_t value)
{
	guest_access((struct mmio_access){
		.ipa = IPA(ipa), .size = (uint8_t)size, .value = value, .write = true });
}

uint32_t cfg_read(uint8_t devfn, unsigned off, unsigned size)
{
	return (uint32_t)guest_read(FAKE_ECAM + ((unsigned)devfn << 12) + off, size);
}

void cfg_write(uint8_t devfn, unsigned off, unsigned size, uint32_t value)
{
	guest_write(FAKE_ECAM + ((unsigned)devfn << 12) + off, size, value);
}

void guest_place(uint8_t devfn, unsigned bar, uint64_t ipa)
{
	cfg_write(devfn, PCI_BAR(bar), 4, (uint32_t)ipa);
	if (cfg_read(devfn, PCI_BAR(bar), 4) & PCI_BAR_TYPE_64)
		cfg_write(devfn, PCI_BAR(bar) + 4, 4, (uint32_t)(ipa >> 32));
}

bool guest_direct(uint64_t ipa)
{
	return s2_lookup(&fake_vm.cpu_s2, IPA(ipa)).valid;
}

bool guest_trapped(uint64_t ipa)
{
	struct s2_leaf l = s2_lookup(&fake_vm.cpu_s2, IPA(ipa));

	return !l.valid && l.mark;
}
