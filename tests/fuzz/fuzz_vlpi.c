/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The real virtual ITS on the real virtual GIC under a hostile guest with up to four vCPUs: the
 * input is a program of ITS commands, in batches that one vCPU has performed, messages of devices,
 * acknowledges and ends, property changes, register accesses, vCPUs that go off and on, restarts.
 * After each step vgic_check() must hold, and tests/host/gic_model.c aborts on what the
 * architecture calls UNPREDICTABLE.
 */
#include <stdlib.h>

#include <hv/bits.h>
#include <spec/gicv3.h>

#include "../../common/vgic/vgic_priv.h"
#include "../host/lpi_world.h"
#include "input.h"

#define LPIS 8 /* few, so that events share them */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned vcpus;

static struct its_cmd some_command(void)
{
	static const uint8_t by_event[] = { ITS_CMD_INT, ITS_CMD_INT, ITS_CMD_CLEAR,
					    ITS_CMD_DISCARD, ITS_CMD_INV };
	uint8_t kind = (uint8_t)take(1), what = (uint8_t)take(1);
	uint32_t dev = what & 3, event = what >> 2 & 7, n = what >> 5;

	switch (kind % 10) {
	case 0:
		return cmd_mapd(dev, 1 + event, n != 7);
	case 1:
		return cmd_mapc(event % 5, n % 5, !(kind & 0x80));
	case 2:
	case 3:
		return cmd_mapti(dev, event, GIC_LPI_FIRST + kind / 32, n % 5);
	case 4:
		return cmd_movi(dev, event, n % 5);
	case 5:
		return kind & 0x80 ? cmd_movall(n % 5, event % 5) : cmd_invall(n % 5);
	default:
		return cmd_event(by_event[kind / 10 % ARRAY_SIZE(by_event)], dev, event);
	}
}

static void guest_acts(unsigned v)
{
	static uint32_t last[MODEL_CPUS];

	if (take(1) & 1)
		last[v] = gic_model_guest_ack(v);
	else
		gic_model_guest_eoi(v, last[v]);
}

static void off_and_on(unsigned v)
{
	gic_model_on_cpu(v);
	if (world_vm.vcpu[v]->vgic.state->online)
		vgic_vcpu_off(world_vm.vcpu[v]);
	else
		world_start(v);
}

static void message(struct vcpu *cur)
{
	uint8_t what = (uint8_t)take(1);
	uint16_t to = 0xffff;

	if (vits_deliver(world_vm.vits, what & 3, what >> 2 & 15, what & 0x40 ? cur : NULL, &to))
		check(to < vcpus);
}

static void restart(void)
{
	lpi_world_restart(vcpus);
	for (uint32_t i = 0; i < LPI_DEVICES; i++)
		lpi_put(cmd_mapd(i, 3, true));
}

static void step(unsigned v, uint8_t op)
{
	uint64_t value = take(1);

	switch (op >> 4) {
	case 15:
		if (v)
			off_and_on(v);
		else if (value == 0)
			restart();
		break;
	case 14:
		lpi_ram[LPI_PROPS - LPI_RAM + value % LPIS] = (uint8_t)take(1);
		break;
	case 11 ... 13:
		guest_acts(v);
		break;
	case 8 ... 10:
		message(world_vm.vcpu[v]);
		break;
	case 7:
		world_access(v, WORLD_DIST, 4, true, &value); /* groups off and on */
		break;
	case 6:
		lpi_its_access(v, ALIGN_DOWN(take(2), 8) % VITS_SIZE, 8, false, 0);
		break;
	case 5:
		vits_resume(world_vm.vits, world_vm.vcpu[v]);
		break;
	case 3 ... 4:
		lpi_ring(v);
		break;
	default:
		lpi_put(some_command());
	}
}

/* Nobody looks before the next step, somebody does, or all do: the guests' CPUs are as late. */
static void let_run(uint8_t how, unsigned v)
{
	if (how & 1)
		world_return(v);
	if (how & 2)
		world_run_all();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t setup;

	in = (struct input){ data, data + size };
	setup = (uint8_t)take(1);
	vcpus = 1 + setup % 4;
	lpi_world_init(vcpus, setup & 0x40 ? 1 : 4);
	world_kicks_at_once = setup & 0x20;
	gic_model_lpi_active = setup & 0x10;
	restart();
	while (in.p < in.end) {
		uint8_t op = (uint8_t)take(1);
		unsigned v = op % vcpus;

		if (!world_vm.vcpu[v]->vgic.state->online && op >> 4 != 15)
			v = 0; /* who is off does nothing */
		gic_model_on_cpu(v);
		step(v, op);
		check(!vgic_check(&world_vm));
		if (world_vm.vcpu[v]->vgic.state->online)
			let_run(op >> 2 & 3, v);
	}
	return 0;
}
