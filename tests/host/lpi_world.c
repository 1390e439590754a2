/* SPDX-License-Identifier: Apache-2.0 */
/* See lpi_world.h. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <hv/bits.h>
#include <hv/pmem.h>
#include <spec/gicv3.h>

#include "lpi_world.h"

_Alignas(8) uint8_t lpi_ram[LPI_RAM_SIZE];

static uint32_t put_at;

static void must(bool ok)
{
	if (!ok)
		abort();
}

enum hv_status vm_copy_from(const struct vm *vm, void *to, ipa_t from, size_t size)
{
	(void)vm;
	if (from.v < LPI_RAM || size > LPI_RAM_SIZE || from.v - LPI_RAM > LPI_RAM_SIZE - size)
		return HV_EINVAL;
	/* By hand: ThreadSanitizer sees memcpy(), and guests write while EL2 reads. */
	for (size_t i = 0; i < size; i++)
		((uint8_t *)to)[i] = ((volatile uint8_t *)lpi_ram)[from.v - LPI_RAM + i];
	return HV_OK;
}

void vm_log(struct vm *vm, const char *fmt, ...)
{
	(void)vm, (void)fmt;
}

void vcpu_repost(const struct vcpu *self)
{
	gic_model_repost(self->cpu);
}

uint64_t lpi_its_access(unsigned vcpu, uint64_t off, unsigned size, bool write, uint64_t value)
{
	gic_model_on_cpu(vcpu);
	must(world_trap(vcpu, LPI_ITS + off, size, write, &value) == EMUL_OK);
	return value;
}

void lpi_put(struct its_cmd c)
{
	uint32_t at = put_at % PAGE_SIZE;

	for (unsigned i = 0; i < ARRAY_SIZE(c.w); i++)
		((volatile uint64_t *)(lpi_ram + (LPI_QUEUE - LPI_RAM) + at))[i] = c.w[i];
	put_at = (at + sizeof(c)) % PAGE_SIZE;
}

void lpi_ring(unsigned vcpu)
{
	lpi_its_access(vcpu, ITS_CWRITER, 8, true, put_at);
}

void lpi_world_enable(unsigned vcpu)
{
	uint64_t rd = WORLD_REDIST + vcpu * 0x20000;
	uint64_t props = LPI_PROPS | 15, pend = PENDBASER_PTZ | LPI_RAM, on = GICR_CTLR_LPIS;

	must(world_access(vcpu, rd + GICR_PROPBASER, 8, true, &props) == EMUL_OK);
	must(world_access(vcpu, rd + GICR_PENDBASER, 8, true, &pend) == EMUL_OK);
	must(world_access(vcpu, rd + GICR_CTLR, 4, true, &on) == EMUL_OK);
}

/* As a driver sets it up after each start. */
static void set_up(unsigned vcpus)
{
	memset(lpi_ram + (LPI_PROPS - LPI_RAM), 0xa0 | LPI_RES1 | LPI_ENABLE, KIB(4));
	lpi_its_access(0, ITS_CBASER, 8, true, CBASER_VALID | LPI_QUEUE);
	lpi_its_access(0, ITS_CTLR, 4, true, CTLR_ENABLED);
	put_at = 0;
	for (unsigned i = 0; i < vcpus; i++) {
		world_start(i);
		lpi_world_enable(i);
		lpi_put(cmd_mapc(i, i, true));
	}
	lpi_ring(0);
}

void lpi_world_init(unsigned vcpus, unsigned lr_count)
{
	world_init(vcpus, 64, true, lr_count);
	must(vits_init(&world_vm, IPA(LPI_ITS)) == HV_OK);
	for (uint32_t i = 0; i < LPI_DEVICES; i++)
		must(vits_add_device(world_vm.vits, i, LPI_EVENTS) == HV_OK);
	set_up(vcpus);
}

void lpi_world_restart(unsigned vcpus)
{
	for (unsigned i = 0; i < world_vm.vcpu_count; i++) {
		gic_model_on_cpu(i);
		vgic_vcpu_off(world_vm.vcpu[i]);
	}
	vgic_quiesce_lines(&world_vm);
	vits_reset(world_vm.vits);
	set_up(vcpus);
}

struct its_cmd cmd_mapd(uint32_t dev, unsigned bits, bool valid)
{
	return (struct its_cmd){ { ITS_CMD_MAPD | (uint64_t)dev << 32, bits - 1,
				   valid ? CMD2_VALID : 0, 0 } };
}

struct its_cmd cmd_mapc(uint32_t icid, uint32_t vcpu, bool valid)
{
	return (struct its_cmd){ { ITS_CMD_MAPC, 0,
				   (valid ? CMD2_VALID : 0) | (uint64_t)vcpu << 16 | icid, 0 } };
}

struct its_cmd cmd_mapti(uint32_t dev, uint32_t event, uint32_t vintid, uint32_t icid)
{
	return (struct its_cmd){ { ITS_CMD_MAPTI | (uint64_t)dev << 32,
				   event | (uint64_t)vintid << 32, icid, 0 } };
}

struct its_cmd cmd_movi(uint32_t dev, uint32_t event, uint32_t icid)
{
	return (struct its_cmd){ { ITS_CMD_MOVI | (uint64_t)dev << 32, event, icid, 0 } };
}

struct its_cmd cmd_movall(uint32_t from, uint32_t to)
{
	return (struct its_cmd){ { ITS_CMD_MOVALL, 0, (uint64_t)from << 16, (uint64_t)to << 16 } };
}

struct its_cmd cmd_invall(uint32_t icid)
{
	return (struct its_cmd){ { ITS_CMD_INVALL, 0, icid, 0 } };
}

struct its_cmd cmd_event(unsigned kind, uint32_t dev, uint32_t event)
{
	return (struct its_cmd){ { kind | (uint64_t)dev << 32, event, 0, 0 } };
}
