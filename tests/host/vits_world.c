/* SPDX-License-Identifier: Apache-2.0 */
/* See vits_world.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <hv/bits.h>
#include <spec/gicv3.h>

#include "vits_world.h"

struct vits_world world;

static void must(bool ok)
{
	if (!ok)
		abort();
}

void world_init(void *ram, uint32_t ram_size)
{
	world = (struct vits_world){ .ram = ram };
	must(ram_size == WORLD_RAM_SIZE);
	world.vm.vcpu_count = WORLD_VCPUS;
	static struct vcpu *all[WORLD_VCPUS];

	world.vm.vcpu = all;
	for (uint8_t i = 0; i < WORLD_VCPUS; i++) {
		world.vcpu[i] = (struct vcpu){ .vm = &world.vm, .index = i, .cpu = i };
		world.vm.vcpu[i] = &world.vcpu[i];
	}
}

void world_forget(void)
{
	world.pends = world.clears = world.updates = world.copies = world.reposts = world.logs = 0;
	world.copied = 0;
	world.last_pend = 0;
}

uint64_t world_access(uint64_t off, unsigned size, bool write, uint64_t value)
{
	struct mmio_access a = {
		.off = off, .size = (uint8_t)size, .write = write, .value = value
	};

	must(world.access(&world.vcpu[0], world.vm.vits, &a) == EMUL_OK);
	return a.value;
}

enum hv_status vm_emulate(struct vm *vm, ipa_t base, uint64_t size, emul_fn *fn, void *arg,
			  uint8_t *kind)
{
	(void)base;
	(void)kind;
	must(vm == &world.vm && size == VITS_SIZE && arg == vm->vits);
	world.access = fn;
	return HV_OK;
}

enum hv_status vm_copy_from(const struct vm *vm, void *to, ipa_t from, size_t size)
{
	must(vm == &world.vm);
	world.copies++;
	world.copied += size;
	if (from.v < WORLD_RAM || size > WORLD_RAM_SIZE ||
	    from.v - WORLD_RAM > WORLD_RAM_SIZE - size ||
	    (from.v < world.cut && from.v + size > world.cut))
		return HV_EINVAL;
	memcpy(to, world.ram + (from.v - WORLD_RAM), size);
	return HV_OK;
}

void vm_log(struct vm *vm, const char *fmt, ...)
{
	va_list ap;

	must(vm == &world.vm);
	world.logs++;
	va_start(ap, fmt);
	vsnprintf(world.last_log, sizeof(world.last_log), fmt, ap);
	va_end(ap);
}

void vcpu_repost(const struct vcpu *self)
{
	must(self == &world.vcpu[0]);
	world.reposts++;
}

/* The LPI belongs to somebody and says so truly. */
static void check(const struct vm *vm, const struct vlpi_is *is)
{
	must(vm == &world.vm && is->vcpu < WORLD_VCPUS);
	must(is->vintid >= GIC_LPI_FIRST && is->vintid <= 0xffff);
}

bool vgic_lpi_pend(struct vm *vm, struct vcpu *cur, struct vlpi *lpi)
{
	bool was = lpi->pending;

	(void)cur;
	check(vm, &lpi->is);
	lpi->pending = true;
	world.pends++;
	world.last_pend = lpi->is.vintid;
	world.last_vcpu = lpi->is.vcpu;
	world.last_enabled = lpi->is.enabled;
	world.last_prio = lpi->is.prio;
	return !was;
}

void vgic_lpi_clear(struct vm *vm, struct vcpu *cur, struct vlpi *lpi)
{
	(void)cur;
	check(vm, &lpi->is);
	lpi->pending = false;
	world.clears++;
}

void vgic_lpi_set(struct vm *vm, struct vcpu *cur, struct vlpi *lpi, struct vlpi_is is)
{
	(void)cur;
	if (is.vintid)
		check(vm, &is);
	lpi->pending &= is.vintid == lpi->is.vintid;
	if (!is.vintid)
		world.clears += lpi->is.vintid != 0;
	else
		world.updates++;
	lpi->is = is;
}
