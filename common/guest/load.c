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

/* image_work is one guest's at a time. */
static struct {
	bool busy;
	struct vcpu *self; /* of who loads */
} loading;

/*
 * Guest memory is written past the guest's (disabled) caches: every line goes to memory, and
 * stale instructions go at the end. DDI 0487 D7.5.
 */
static size_t fill_window(pa_t pa, const char *data, uint64_t size)
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
	irq_dispatch(loading.self); /* EL2 runs masked, and there may be gigabytes */
	return n;
}

static void fill(struct vm *vm, uint64_t ipa, const char *data, uint64_t size)
{
	size_t n;
	pa_t pa;

	for (; size && vm_ram_pa(vm, IPA(ipa), 1, &pa); ipa += n, data += n, size -= n)
		n = fill_window(pa, data, size);
}

void load_scrub(pa_t pa, uint64_t size)
{
	uint64_t start = arch_time_ticks();
	size_t n;

	for (; size; pa.v += n, size -= n)
		n = fill_window(pa, NULL, size);
	load_ticks.scrub += arch_time_ticks() - start;
}

struct sink {
	struct vm *vm;
	uint64_t at;
};

static void sink_piece(void *arg, const void *piece, size_t size)
{
	struct sink *s = arg;

	fill(s->vm, s->at, piece, size);
	s->at += size;
}

static enum hv_status load_kernel(const struct guest_plan *g, struct vm *vm)
{
	const struct range file = g->module[MODULE_KERNEL];
	const void *data = pa_to_va(PA(file.base));
	uint64_t start = arch_time_ticks();
	struct sink s = { vm, g->image.kernel };
	enum hv_status st = image_unpack(data, file.size, g->image.kernel_size, sink_piece, &s);

	*(image_is_gzip(data, file.size) ? &load_ticks.inflate :
					   &load_ticks.copy) += arch_time_ticks() - start;
	return st;
}

static enum hv_status load_parts(const struct guest_plan *g, struct vm *vm)
{
	struct range initrd = { g->image.initrd, g->module[MODULE_RAMDISK].size };
	enum hv_status st;
	uint64_t start;

	for (unsigned i = 0; i < vm->ram_count; i++)
		load_scrub(vm->ram[i].pa, vm->ram[i].size);
	st = load_kernel(g, vm);
	if (st == HV_OK)
		st = guest_dt_build(g, initrd, image_work, IMAGE_WORK);
	start = arch_time_ticks();
	if (st == HV_OK && g->module[MODULE_RAMDISK].size)
		fill(vm, initrd.base, pa_to_va(PA(g->module[MODULE_RAMDISK].base)), initrd.size);
	if (st == HV_OK)
		fill(vm, g->image.dtb, (const char *)image_work, IMAGE_WORK);
	arch_icache_inval_all();
	load_ticks.copy += arch_time_ticks() - start;
	vm->vcpu[0]->entry = g->image.kernel;
	vm->vcpu[0]->context = g->image.dtb;
	return st;
}

enum hv_status load_guest(const struct guest_plan *g, struct vm *vm, struct vcpu *self)
{
	enum hv_status st;

	while (__atomic_exchange_n(&loading.busy, true, __ATOMIC_ACQUIRE))
		irq_dispatch(self);
	loading.self = self;
	st = load_parts(g, vm);
	__atomic_store_n(&loading.busy, false, __ATOMIC_RELEASE);
	return st;
}
