/* SPDX-License-Identifier: Apache-2.0 */
/* See gic_model.h. */
#include <assert.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <hv/irq.h>
#include <hv/pmem.h>
#include <hv/vits.h>
#include <spec/gicv2.h>
#include <spec/gicv3.h>

#include <hv/bits.h>

#include "gic_model.h"

#define LINES   1024
#define NESTING 64

static struct gic_model_line spi[LINES];
static struct gic_model_line ppi[MODEL_CPUS][32];
static struct {
	uint64_t lr[16];
	uint64_t hcr, vmcr;
	unsigned eois;
	uint8_t running[NESTING]; /* priorities of active interrupts, ICH_AP1R */
	unsigned depth;
	unsigned taken; /* physical interrupts that were not dropped */
} cpus[MODEL_CPUS];
static _Thread_local unsigned self; /* a thread of tests/threads is a CPU */
static uint32_t used_end;           /* no line from here on was ever looked at */

bool gic_model_lpi_active, gic_model_counts_drops, gic_model_threads;

static bool maintenance(unsigned c);

void gic_model_on_cpu(unsigned cpu)
{
	self = cpu;
}

/* With GICv2 a CPU reaches the SGIs and PPIs of its own bank only. */
static struct gic_model_line *reach(unsigned cpu, uint32_t intid)
{
	assert(gic.version == 3 || intid >= GIC_SPI_FIRST || cpu == self);
	return gic_model_line(cpu, intid);
}

struct gic_model_line *gic_model_line(unsigned cpu, uint32_t intid)
{
	assert(intid < LINES && cpu < MODEL_CPUS);
	used_end = MAX(used_end, intid + 1);
	return intid < 32 ? &ppi[cpu][intid] : &spi[intid];
}

void gic_model_wire(unsigned cpu, uint32_t intid, bool level)
{
	struct gic_model_line *l = gic_model_line(cpu, intid);

	if (l->edge && level && !l->level)
		l->pending = true;
	l->level = level;
}

static bool line_pending(const struct gic_model_line *l)
{
	return l->pending || (l->level && !l->edge);
}

static uint32_t next_physical(unsigned c)
{
	gic_model_wire(c, PPI_MAINTENANCE, maintenance(c));
	for (uint32_t i = 0; i < used_end; i++) {
		const struct gic_model_line *l = i < 32 ? &ppi[c][i] : &spi[i];

		if (line_pending(l) && l->enabled && !l->active && (i < 32 || l->cpu == c))
			return i;
	}
	return MODEL_NONE;
}

bool gic_model_interrupted(unsigned cpu)
{
	return next_physical(cpu) != MODEL_NONE;
}

static uint32_t op_ack(void)
{
	uint32_t i = next_physical(self);

	if (i == MODEL_NONE)
		return i;
	gic_model_line(self, i)->pending = false;
	gic_model_line(self, i)->active = true;
	cpus[self].taken++;
	return i;
}

static void op_drop(uint32_t intid)
{
	(void)intid;
	assert(cpus[self].taken);
	cpus[self].taken--;
}

static void op_deactivate(uint32_t intid)
{
	gic_model_line(self, intid)->active = false;
}

static void op_send_sgi(unsigned cpu, unsigned sgi)
{
	gic_model_line(cpu, sgi)->pending = true;
}

void gic_set_enabled(unsigned cpu, uint32_t intid, bool on)
{
	reach(cpu, intid)->enabled = on;
}

void gic_set_edge(unsigned cpu, uint32_t intid, bool edge)
{
	reach(cpu, intid)->edge = edge;
}

void gic_set_pending(unsigned cpu, uint32_t intid, bool on)
{
	reach(cpu, intid)->pending = on;
}

void gic_set_active(unsigned cpu, uint32_t intid, bool on)
{
	reach(cpu, intid)->active = on;
}

bool gic_is_pending(unsigned cpu, uint32_t intid)
{
	return line_pending(reach(cpu, intid));
}

void gic_route(uint32_t intid, unsigned cpu)
{
	gic_model_line(cpu, intid)->cpu = (uint8_t)cpu;
}

static uint64_t state_of(uint64_t lr)
{
	return lr & (LR_PENDING | LR_ACTIVE);
}

static uint64_t op_lr_read(unsigned n)
{
	assert(n < gic.lr_count);
	return cpus[self].lr[n];
}

static uint32_t id_of(uint64_t lr)
{
	return (uint32_t)field_get(LR_VINTID, lr);
}

/* As a guest reads it in IAR: GICv2 has the sender of an SGI above the INTID. */
static uint32_t iar_of(uint64_t lr)
{
	uint32_t id = id_of(lr);

	return gic.version == 2 && id < GIC_SGI_COUNT ?
		       id | (uint32_t)field_get(LR_SOURCE, lr) << 10 :
		       id;
}

static void op_lr_write(unsigned n, uint64_t lr)
{
	assert(n < gic.lr_count);
	cpus[self].lr[n] = 0;
	if (state_of(lr)) {
		assert(!gic_model_in_lrs(self, id_of(lr)));
		assert(id_of(lr) < 1020 || id_of(lr) >= GIC_LPI_FIRST);
		assert(!(lr & (BITS(59, 56) | BITS(47, 45) | BITS(50, 48))));
		assert(lr & LR_HW || !(lr & (BITS(44, 42) | BITS(40, 35))));
		assert(lr & LR_HW || !(lr & LR_SOURCE) || iar_of(lr) > 1023);
	}
	if (lr & LR_HW && state_of(lr)) {
		assert(state_of(lr) != (LR_PENDING | LR_ACTIVE));
		assert(gic_model_line(self, (uint32_t)field_get(LR_PINTID, lr))->active);
	}
	cpus[self].lr[n] = lr;
}

static uint64_t op_elrsr(void)
{
	uint64_t v = 0;

	for (unsigned n = 0; n < gic.lr_count; n++)
		if (!state_of(cpus[self].lr[n]) &&
		    (cpus[self].lr[n] & LR_HW || !(cpus[self].lr[n] & LR_EOI)))
			v |= BIT(n);
	return v;
}

static uint64_t eisr(unsigned c)
{
	uint64_t v = 0;

	for (unsigned n = 0; n < gic.lr_count; n++)
		if (!state_of(cpus[c].lr[n]) && !(cpus[c].lr[n] & LR_HW) && cpus[c].lr[n] & LR_EOI)
			v |= BIT(n);
	return v;
}

static uint64_t op_eisr(void)
{
	return eisr(self);
}

static bool maintenance(unsigned c)
{
	bool pending = false;

	for (unsigned n = 0; n < gic.lr_count; n++)
		pending |= state_of(cpus[c].lr[n]) == LR_PENDING;
	return cpus[c].hcr & ICH_HCR_EN && (eisr(c) || (cpus[c].hcr & ICH_HCR_NPIE && !pending) ||
					    (cpus[c].hcr & ICH_HCR_LRENPIE && cpus[c].eois));
}

static uint64_t op_hcr_read(void)
{
	return cpus[self].hcr | (uint64_t)cpus[self].eois << 27;
}

static void op_hcr_write(uint64_t hcr)
{
	cpus[self].hcr = hcr & ~ICH_HCR_EOICOUNT;
	cpus[self].eois = (unsigned)field_get(ICH_HCR_EOICOUNT, hcr);
}

static uint64_t op_vmcr_read(void)
{
	return cpus[self].vmcr;
}

void gic_vcpu_reset(void)
{
	memset(&cpus[self].lr, 0, sizeof(cpus[self].lr));
	cpus[self].hcr = cpus[self].vmcr = 0;
	cpus[self].eois = cpus[self].depth = 0;
}

static enum hv_status op_cpu_init(unsigned cpu, uint64_t mpidr)
{
	(void)cpu, (void)mpidr;
	return HV_OK;
}

static const struct gic_ops ops = {
	.cpu_init = op_cpu_init,
	.ack = op_ack,
	.drop = op_drop,
	.deactivate = op_deactivate,
	.send_sgi = op_send_sgi,
	.lr_read = op_lr_read,
	.lr_write = op_lr_write,
	.elrsr = op_elrsr,
	.eisr = op_eisr,
	.hcr_read = op_hcr_read,
	.hcr_write = op_hcr_write,
	.vmcr_read = op_vmcr_read,
};

struct gic gic;

uint8_t gic_model_version = 3;

void gic_model_reset(unsigned lr_count)
{
	memset(spi, 0, sizeof(spi));
	memset(ppi, 0, sizeof(ppi));
	memset(cpus, 0, sizeof(cpus));
	used_end = 32;
	gic_model_lpi_active = gic_model_counts_drops = false;
	gic = (struct gic){ .ops = &ops,
			    .spi_count = 256,
			    .lr_count = (uint8_t)lr_count,
			    .version = gic_model_version,
			    .has_lpis = gic_model_version == 3,
			    .has_tdir = gic_model_version == 3 };
	for (unsigned c = 0; c < MODEL_CPUS; c++) {
		ppi[c][SGI_KICK] = (struct gic_model_line){ .enabled = true, .edge = true };
		self = c;
	}
	self = 0;
}

uint64_t gic_model_lr(unsigned cpu, unsigned n)
{
	return cpus[cpu].lr[n];
}

uint64_t gic_model_hcr(unsigned cpu)
{
	return cpus[cpu].hcr;
}

unsigned gic_model_in_lrs(unsigned cpu, uint32_t vintid)
{
	unsigned count = 0;

	for (unsigned n = 0; n < gic.lr_count; n++)
		count += state_of(cpus[cpu].lr[n]) && id_of(cpus[cpu].lr[n]) == vintid;
	return count;
}

void gic_model_eoimode(unsigned cpu, bool one)
{
	cpus[cpu].vmcr = one ? ICH_VMCR_VEOIM : 0;
}

static uint8_t prio_of(uint64_t lr)
{
	return (uint8_t)field_get(LR_PRIO, lr);
}

uint32_t gic_model_guest_ack(unsigned cpu)
{
	int best = -1;

	for (unsigned n = 0; n < gic.lr_count; n++)
		if (state_of(cpus[cpu].lr[n]) == LR_PENDING &&
		    (best < 0 || prio_of(cpus[cpu].lr[n]) < prio_of(cpus[cpu].lr[best])))
			best = (int)n;
	if (best < 0 || !(cpus[cpu].hcr & ICH_HCR_EN))
		return MODEL_NONE;
	uint64_t *lr = &cpus[cpu].lr[best];

	if (cpus[cpu].depth && prio_of(*lr) >= cpus[cpu].running[cpus[cpu].depth - 1])
		return MODEL_NONE;
	assert(cpus[cpu].depth < NESTING);
	cpus[cpu].running[cpus[cpu].depth++] = prio_of(*lr);
	*lr &= ~LR_PENDING;
	if (id_of(*lr) < GIC_LPI_FIRST || gic_model_lpi_active)
		*lr |= LR_ACTIVE;
	return iar_of(*lr);
}

static void end(unsigned cpu, uint32_t intid, bool deactivate)
{
	for (unsigned n = 0; n < gic.lr_count; n++) {
		uint64_t *lr = &cpus[cpu].lr[n];

		if (iar_of(*lr) != intid || !(*lr & LR_ACTIVE))
			continue;
		if (!deactivate)
			return;
		*lr &= ~LR_ACTIVE;
		if (*lr & LR_HW)
			gic_model_line(cpu, (uint32_t)field_get(LR_PINTID, *lr))->active = false;
		return;
	}
	if (intid < GIC_LPI_FIRST && cpus[cpu].eois < 31)
		cpus[cpu].eois++;
}

void gic_model_guest_eoi(unsigned cpu, uint32_t intid)
{
	if (!cpus[cpu].depth)
		return;
	cpus[cpu].depth--;
	bool ends = !(cpus[cpu].vmcr & ICH_VMCR_VEOIM) || intid >= GIC_LPI_FIRST;

	if (ends || gic_model_counts_drops)
		end(cpu, intid, ends);
}

bool gic_model_guest_dir(unsigned cpu, uint32_t intid)
{
	if (cpus[cpu].hcr & ICH_HCR_TDIR)
		return false;
	if (cpus[cpu].vmcr & ICH_VMCR_VEOIM)
		end(cpu, intid, true);
	return true;
}

/* The world. */

struct vm world_vm;
unsigned world_exits[MODEL_CPUS];
bool world_kicks_at_once;
struct vcpu *world_lpis_vcpu;
uint64_t world_lpis_prop, world_lpis_pend;

static struct vcpu vcpus[MODEL_CPUS], *world_vcpus[MODEL_CPUS];
static bool in_el2[MODEL_CPUS];
static uint64_t kicked;
static struct {
	uint64_t base, size;
	emul_fn *fn;
	void *arg;
} regions[4];
static unsigned region_count;

enum hv_status vm_emulate(struct vm *vm, ipa_t base, uint64_t size, emul_fn *fn, void *arg,
			  uint8_t *kind)
{
	(void)vm, (void)kind;
	assert(region_count < ARRAY_SIZE(regions));
	regions[region_count].base = base.v;
	regions[region_count].size = size;
	regions[region_count].fn = fn;
	regions[region_count++].arg = arg;
	return HV_OK;
}

void vcpu_kick(const struct vcpu *from, const struct vcpu *to)
{
	if (from == to)
		return;
	op_send_sgi(to->cpu, SGI_KICK);
	if (world_kicks_at_once)
		kicked |= BIT(to->cpu);
}

void gic_model_repost(unsigned cpu)
{
	op_send_sgi(cpu, SGI_KICK);
}

/* Those that were kicked have their turn; whoever waits for them calls it without a lock. */
void host_relax(void)
{
	unsigned was = self;

	if (gic_model_threads) {
		sched_yield();
		return;
	}
	for (uint64_t left = kicked; left; left &= left - 1) {
		unsigned c = (unsigned)__builtin_ctzll(left);

		kicked &= ~BIT(c);
		if (!in_el2[c])
			world_run(c);
	}
	self = was;
}

/* Where no virtual ITS is linked. */
__attribute__((weak)) void vits_enable_lpis(struct vcpu *vcpu, uint64_t propbaser,
					    uint64_t pendbaser)
{
	world_lpis_vcpu = vcpu;
	world_lpis_prop = propbaser;
	world_lpis_pend = pendbaser;
}

void world_init(unsigned n, uint32_t spis, bool lpis, unsigned lr_count)
{
	static void *arena;

	gic_model_reset(lr_count);
	if (!arena)
		arena = aligned_alloc(2 << 20, 2 << 20);
	irq_reset();
	pmem_reset();
	pmem_add((struct range){ (uintptr_t)arena, 2 << 20 });
	memset(&world_vm, 0, sizeof(world_vm));
	memset(vcpus, 0, sizeof(vcpus));
	memset(in_el2, 0, sizeof(in_el2));
	memset(world_exits, 0, sizeof(world_exits));
	world_kicks_at_once = true;
	kicked = 0;
	world_lpis_vcpu = NULL;
	region_count = 0;
	world_vm.vcpu_count = (uint16_t)n;
	world_vm.vcpu = world_vcpus;
	for (unsigned i = 0; i < n; i++) {
		vcpus[i].vm = &world_vm;
		vcpus[i].index = vcpus[i].cpu = (uint16_t)i;
		world_vm.vcpu[i] = &vcpus[i];
	}
	if (vgic_init(&world_vm, spis, lpis ? VGIC_LPIS : VGIC_NO_LPIS) != HV_OK)
		abort();
}

/* Not inside of somebody's access, who waits for this CPU. */
static void check_vgic(void)
{
	const char *wrong;

	if (gic_model_threads)
		return;
	for (unsigned c = 0; c < MODEL_CPUS; c++)
		if (in_el2[c])
			return;
	wrong = vgic_check(&world_vm);
	if (wrong) {
		fprintf(stderr, "vGIC: not true: %s\n", wrong);
		abort();
	}
}

void world_return(unsigned vcpu)
{
	in_el2[vcpu] = true;
	self = vcpu;
	if (vcpus[vcpu].vgic.attention)
		vgic_enter(&vcpus[vcpu]);
	in_el2[vcpu] = false;
	check_vgic();
	host_relax();
}

void world_run(unsigned cpu)
{
	for (unsigned i = 0; gic_model_interrupted(cpu); i++) {
		if (i == 100) {
			fprintf(stderr, "interrupt storm: %u\n", next_physical(cpu));
			abort();
		}
		world_exits[cpu]++;
		in_el2[cpu] = true;
		self = cpu;
		irq_dispatch(cpu < world_vm.vcpu_count ? &vcpus[cpu] : NULL);
		assert(!cpus[cpu].taken);
		world_return(cpu);
	}
}

void world_run_all(void)
{
	for (unsigned i = 0; i < 4; i++)
		for (unsigned c = 0; c < MODEL_CPUS; c++)
			world_run(c);
}

void world_start(unsigned vcpu)
{
	in_el2[vcpu] = true;
	self = vcpu;
	vgic_vcpu_reset(&vcpus[vcpu]);
	world_return(vcpu);
	if (gic.version == 2) {
		world_write(vcpu, WORLD_DIST + GICD_CTLR, GICD_CTLR_V2_ON);
		return;
	}
	world_write(vcpu, WORLD_DIST + GICD_CTLR, GICD_CTLR_G1);
	for (unsigned off = 4; off < 64 / 2; off += 4)
		world_write(vcpu, WORLD_DIST + GICD_IGROUPR + off, ~0U);
	world_write(vcpu, WORLD_REDIST + vcpu * 0x20000 + 0x10000 + GICD_IGROUPR, ~0U);
}

enum emul world_trap(unsigned vcpu, uint64_t ipa, unsigned size, bool write, uint64_t *value)
{
	struct mmio_access a = {
		.ipa = IPA(ipa), .size = (uint8_t)size, .write = write, .value = write ? *value : 0
	};
	enum emul v = EMUL_INJECT;

	in_el2[vcpu] = true;
	self = vcpu;
	for (unsigned i = 0; i < region_count; i++)
		if (ipa >= regions[i].base && ipa - regions[i].base < regions[i].size) {
			a.off = ipa - regions[i].base;
			v = regions[i].fn(&vcpus[vcpu], regions[i].arg, &a);
		}
	if (!write)
		*value = size == 8 ? a.value : a.value & (BIT(8 * size) - 1);
	return v;
}

enum emul world_access(unsigned vcpu, uint64_t ipa, unsigned size, bool write, uint64_t *value)
{
	enum emul v = world_trap(vcpu, ipa, size, write, value);

	world_return(vcpu);
	world_run(vcpu);
	return v;
}

/* As a guest does: again when EL2 says so. Whoever did not answer by then does now. */
static void settle(unsigned vcpu, uint64_t ipa, bool write, uint64_t *value)
{
	bool at_once = world_kicks_at_once;

	if (world_access(vcpu, ipa, 4, write, value) == EMUL_OK)
		return;
	world_kicks_at_once = true;
	world_run_all();
	if (world_access(vcpu, ipa, 4, write, value) != EMUL_OK)
		abort();
	world_kicks_at_once = at_once;
}

uint32_t world_read(unsigned vcpu, uint64_t ipa)
{
	uint64_t v;

	settle(vcpu, ipa, false, &v);
	return (uint32_t)v;
}

void world_write(unsigned vcpu, uint64_t ipa, uint32_t value)
{
	uint64_t v = value;

	settle(vcpu, ipa, true, &v);
}

void world_sgi(unsigned vcpu, uint64_t sgi1r)
{
	in_el2[vcpu] = true;
	self = vcpu;
	vgic_sgi1r(&vcpus[vcpu], sgi1r);
	world_return(vcpu);
}

void world_ack(unsigned vcpu, uint32_t intid)
{
	uint32_t got = gic_model_guest_ack(vcpu);

	if (got != intid) {
		fprintf(stderr, "vCPU %u: acknowledged %u, expected %u\n", vcpu, got, intid);
		abort();
	}
	world_run(vcpu);
}

void world_eoi(unsigned vcpu, uint32_t intid)
{
	gic_model_guest_eoi(vcpu, intid);
	world_run(vcpu);
}

static enum emul trapped_dir(unsigned vcpu, uint32_t intid)
{
	enum emul e;

	in_el2[vcpu] = true;
	self = vcpu;
	e = vgic_dir(&vcpus[vcpu], intid);
	world_return(vcpu);
	return e;
}

void world_dir(unsigned vcpu, uint32_t intid)
{
	bool at_once = world_kicks_at_once;

	if (gic.version == 2)
		world_write(vcpu, WORLD_GICC + GICC_DIR, intid);
	else if (!gic_model_guest_dir(vcpu, intid) && trapped_dir(vcpu, intid) == EMUL_RETRY) {
		world_kicks_at_once = true;
		world_run_all();
		if (trapped_dir(vcpu, intid) != EMUL_OK)
			abort();
		world_kicks_at_once = at_once;
	}
	world_run(vcpu);
}
