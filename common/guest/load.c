/* SPDX-License-Identifier: Apache-2.0 */
/* Filling a guest's RAM: see hv/load.h. */
#include <string.h>

#include <arch/cache.h>
#include <arch/time.h>
#include <arch/window.h>
#include <hv/guest_dt.h>
#include <hv/image.h>
#include <hv/irq.h>
#include <hv/load.h>

struct load_ticks load_ticks;

/*
 * Guests are loaded at the same time, each on its own CPU: nothing here is shared but load_ticks. A
 * lock over it would let guests that restart in a loop hold up a neighbour's restart for as long as
 * their memory is large.
 */
static void count_ticks(uint64_t *what, uint64_t start)
{
	__atomic_fetch_add(what, arch_time_ticks() - start, __ATOMIC_RELAXED);
}

/*
 * Guest memory is written past the guest's (disabled) caches: every line goes to memory, and
 * stale instructions go at the end. DDI 0487 D7.5. In pieces of at most a block of 2 MiB: EL2 runs
 * with interrupts masked, and there may be gigabytes. `data` NULL: zeros. HV_EUNSUPP: a piece
 * answers with an error; what is behind it is filled all the same.
 */
static enum hv_status fill_pa(pa_t pa, const char *data, uint64_t size, struct vcpu *self)
{
	bool good = true;

	while (size) {
		size_t n = (size_t)MIN(size, MIB(2) - (pa.v & (MIB(2) - 1)));

		good = arch_window_write(pa, data, n) && good;
		irq_dispatch(self);
		data = data ? data + n : data;
		pa.v += n;
		size -= n;
	}
	return good ? HV_OK : HV_EUNSUPP;
}

/* The bytes from `ipa` to the end of its piece of RAM; 0: it is not RAM. */
static uint64_t ram_left(const struct vm *vm, uint64_t ipa, pa_t *pa)
{
	for (unsigned i = 0; i < vm->ram_count; i++) {
		const struct guest_ram *r = &vm->ram[i];

		if (ipa - r->ipa.v >= r->size)
			continue;
		*pa = PA(r->pa.v + (ipa - r->ipa.v));
		return r->size - (ipa - r->ipa.v);
	}
	return 0;
}

/* What is one range to the guest may be several pieces. HV_EINVAL: not all of it is RAM. */
static enum hv_status fill_ram(struct vm *vm, uint64_t ipa, const char *data, uint64_t size,
			       struct vcpu *self)
{
	enum hv_status st = HV_OK;
	pa_t pa;

	for (uint64_t n; size && st == HV_OK; ipa += n, data += n, size -= n) {
		n = MIN(size, ram_left(vm, ipa, &pa));
		st = n ? fill_pa(pa, data, n, self) : HV_EINVAL;
	}
	return st;
}

enum hv_status load_scrub(pa_t pa, uint64_t size, struct vcpu *self)
{
	uint64_t start = arch_time_ticks();
	enum hv_status st = fill_pa(pa, NULL, size, self);

	count_ticks(&load_ticks.scrub, start);
	return st;
}

struct sink {
	struct vm *vm;
	struct vcpu *self;
	uint64_t at;
	enum hv_status st;
};

static void sink_piece(void *arg, const void *piece, size_t size)
{
	struct sink *s = arg;

	if (s->st == HV_OK)
		s->st = fill_ram(s->vm, s->at, piece, size, s->self);
	s->at += size;
}

/* Images are not mapped at EL2 (el2_seal): they are read through windows, too. */
static bool module_read(const void *where, uint64_t offset, void *to, size_t size)
{
	const struct range *module = where;

	return arch_window_read(to, PA(module->base + offset), size);
}

static enum hv_status load_kernel(const struct guest_plan *g, struct vm *vm, struct vcpu *self)
{
	const struct range *module = &g->module[MODULE_KERNEL];
	struct image_file file = { module, module->size, module_read };
	uint64_t start = arch_time_ticks(), magic = 0;
	struct sink s = { vm, self, g->image.kernel, HV_OK };
	enum hv_status st = image_unpack(file, g->image.kernel_size, sink_piece, &s, vm->load_work);

	if (st == HV_OK && !module_read(module, 0, &magic, (size_t)MIN(module->size, 8)))
		st = HV_EUNSUPP;
	if (image_is_gzip(&magic, (size_t)module->size))
		count_ticks(&load_ticks.inflate, start);
	else
		count_ticks(&load_ticks.copy, start);
	return st == HV_OK ? s.st : st;
}

static enum hv_status load_ramdisk(const struct guest_plan *g, struct vm *vm, struct vcpu *self)
{
	const struct range *module = &g->module[MODULE_RAMDISK];
	enum hv_status st = HV_OK;

	for (uint64_t at = 0, n; at < module->size && st == HV_OK; at += n) {
		n = MIN(module->size - at, IMAGE_WORK);
		if (!module_read(module, at, vm->load_work, (size_t)n))
			return HV_EUNSUPP;
		st = fill_ram(vm, g->image.initrd + at, vm->load_work, n, self);
	}
	return st;
}

enum hv_status load_scrub_ram(const struct vm *vm, struct vcpu *self)
{
	bool good = true;

	for (unsigned i = 0; i < vm->ram_count; i++)
		good = load_scrub(vm->ram[i].pa, vm->ram[i].size, self) == HV_OK && good;
	return good ? HV_OK : HV_EUNSUPP;
}

enum hv_status load_guest(const struct guest_plan *g, struct vm *vm, struct vcpu *self)
{
	struct range initrd = { g->image.initrd, g->module[MODULE_RAMDISK].size };
	enum hv_status st = load_scrub_ram(vm, self);
	uint64_t start;

	if (st == HV_OK)
		st = load_kernel(g, vm, self);
	start = arch_time_ticks();
	if (st == HV_OK)
		st = load_ramdisk(g, vm, self);
	if (st == HV_OK)
		st = guest_dt_build(g, initrd, vm->load_work, IMAGE_WORK);
	if (st == HV_OK)
		st = fill_ram(vm, g->image.dtb, vm->load_work, IMAGE_WORK, self);
	arch_icache_inval_all();
	count_ticks(&load_ticks.copy, start);
	vm->vcpu[0]->entry = g->image.kernel;
	vm->vcpu[0]->context = g->image.dtb;
	return st;
}
