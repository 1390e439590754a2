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
 * stale instructions go at the end. DDI 0487 D7.5.
 */
static size_t fill_window(pa_t pa, const char *data, uint64_t size, struct vcpu *self)
{
	size_t left;
	void *w = arch_window_open(pa, &left);
	size_t n = (size_t)MIN(left, size);

	if (data)
		memcpy(w, data, n);
	else
		memset(w, 0, n);
	arch_cache_clean_inval(w, n);
	arch_window_close();
	irq_dispatch(self); /* EL2 runs masked, and there may be gigabytes */
	return n;
}

static void fill(struct vm *vm, uint64_t ipa, const char *data, uint64_t size, struct vcpu *self)
{
	size_t n;
	pa_t pa;

	for (; size && vm_ram_pa(vm, IPA(ipa), 1, &pa); ipa += n, data += n, size -= n)
		n = fill_window(pa, data, size, self);
}

void load_scrub(pa_t pa, uint64_t size, struct vcpu *self)
{
	uint64_t start = arch_time_ticks();
	size_t n;

	for (; size; pa.v += n, size -= n)
		n = fill_window(pa, NULL, size, self);
	count_ticks(&load_ticks.scrub, start);
}

struct sink {
	struct vm *vm;
	struct vcpu *self;
	uint64_t at;
};

static void sink_piece(void *arg, const void *piece, size_t size)
{
	struct sink *s = arg;

	fill(s->vm, s->at, piece, size, s->self);
	s->at += size;
}

static enum hv_status load_kernel(const struct guest_plan *g, struct vm *vm, struct vcpu *self)
{
	const struct range file = g->module[MODULE_KERNEL];
	const void *data = pa_to_va(PA(file.base));
	uint64_t start = arch_time_ticks();
	struct sink s = { vm, self, g->image.kernel };
	enum hv_status st = image_unpack(data, file.size, g->image.kernel_size, sink_piece, &s,
					 vm->load_work);

	if (image_is_gzip(data, file.size))
		count_ticks(&load_ticks.inflate, start);
	else
		count_ticks(&load_ticks.copy, start);
	return st;
}

enum hv_status load_guest(const struct guest_plan *g, struct vm *vm, struct vcpu *self)
{
	struct range initrd = { g->image.initrd, g->module[MODULE_RAMDISK].size };
	enum hv_status st;
	uint64_t start;

	for (unsigned i = 0; i < vm->ram_count; i++)
		load_scrub(vm->ram[i].pa, vm->ram[i].size, self);
	st = load_kernel(g, vm, self);
	if (st == HV_OK)
		st = guest_dt_build(g, initrd, vm->load_work, IMAGE_WORK);
	start = arch_time_ticks();
	if (st == HV_OK && initrd.size)
		fill(vm, initrd.base, pa_to_va(PA(g->module[MODULE_RAMDISK].base)), initrd.size,
		     self);
	if (st == HV_OK)
		fill(vm, g->image.dtb, vm->load_work, IMAGE_WORK, self);
	arch_icache_inval_all();
	count_ticks(&load_ticks.copy, start);
	vm->vcpu[0]->entry = g->image.kernel;
	vm->vcpu[0]->context = g->image.dtb;
	return st;
}
