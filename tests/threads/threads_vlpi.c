/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The virtual GIC and ITS with a thread for each vCPU, all hostile: ITS commands out of order,
 * messages of devices, SGIs, registers of the distributor and redistributors, vCPUs off and on. The
 * model's assertions hold on each CPU, and vgic_check() when all stand still.
 */
#include <stdlib.h>

#include <hv/bits.h>
#include <spec/gicv3.h>

#include "../../common/vgic/vgic_priv.h"
#include "../host/lpi_world.h"
#include "threads.h"

#define CPUS 4
#define LPIS 4

static struct its_cmd some_command(void)
{
	static const uint8_t by_event[] = { ITS_CMD_INT, ITS_CMD_INT, ITS_CMD_CLEAR,
					    ITS_CMD_DISCARD, ITS_CMD_INV };
	uint32_t dev = threads_rnd(2), event = threads_rnd(LPIS), vcpu = threads_rnd(CPUS + 1);

	switch (threads_rnd(10)) {
	case 0:
		return cmd_mapd(dev, 2, threads_rnd(4) != 0);
	case 1:
		return cmd_mapc(threads_rnd(CPUS), vcpu, threads_rnd(4) != 0);
	case 2 ... 3:
		return cmd_mapti(dev, event, GIC_LPI_FIRST + threads_rnd(LPIS), vcpu);
	case 4:
		return cmd_movi(dev, event, vcpu);
	case 5:
		return threads_rnd(2) ? cmd_movall(vcpu, threads_rnd(CPUS)) : cmd_invall(vcpu);
	default:
		return cmd_event(by_event[threads_rnd(ARRAY_SIZE(by_event))], dev, event);
	}
}

static void access_register(unsigned me)
{
	static const uint16_t sets[] = { GICD_IGROUPR,    GICD_ISENABLER, GICD_ICENABLER,
					 GICD_ISPENDR,    GICD_ICPENDR,   GICD_ISACTIVER,
					 GICD_ICACTIVER,  GICD_ICFGR,     GICD_IPRIORITYR,
					 GICD_IPRIORITYR, GICD_CTLR };
	bool own = threads_rnd(2);
	uint64_t at = own ? WORLD_REDIST + threads_rnd(CPUS) * 0x20000 + 0x10000 : WORLD_DIST + 4;
	uint64_t value = threads_rnd(2) ? 1U << threads_rnd(32) : threads_rnd(~0U);

	at += sets[threads_rnd(ARRAY_SIZE(sets))];
	if (!threads_rnd(8))
		at = WORLD_DIST + GICD_IROUTER + 8 * (32 + threads_rnd(4));
	if (!threads_rnd(8))
		at = WORLD_REDIST + threads_rnd(CPUS) * 0x20000 + threads_rnd(0x80) / 4 * 4;
	if (!threads_rnd(16))
		at = WORLD_DIST + GICD_CTLR;
	/* Not answered in time: the guest would try again. */
	world_access(me, at, 4, threads_rnd(2), &value);
}

static void guest_acts(unsigned me)
{
	uint32_t id = gic_model_guest_ack(me);

	world_run(me);
	if (id != MODEL_NONE)
		world_eoi(me, id);
}

static void off_and_on(unsigned me)
{
	gic_model_on_cpu(me);
	vgic_vcpu_off(world_vm.vcpu[me]);
	for (unsigned i = threads_rnd(20); i; i--)
		world_run(me);
	world_start(me);
	lpi_world_enable(me);
}

static void message(unsigned me)
{
	uint16_t to;

	gic_model_on_cpu(me);
	vits_deliver(world_vm.vits, threads_rnd(2), threads_rnd(LPIS), world_vm.vcpu[me], &to);
	world_return(me);
}

static void serve(unsigned me)
{
	world_run(me);
	vits_resume(world_vm.vits, world_vm.vcpu[me]);
	world_return(me);
}

static void step(unsigned me)
{
	switch (threads_rnd(16)) {
	case 0 ... 4:
		lpi_put(some_command());
		break;
	case 5 ... 6:
		lpi_ring(me);
		world_return(me);
		break;
	case 7 ... 8:
		message(me);
		break;
	case 9:
		access_register(me);
		break;
	case 10:
		world_sgi(me, (uint64_t)threads_rnd(16) << 24 | threads_rnd(16));
		break;
	case 11:
		vgic_set_level(&world_vm, world_vm.vcpu[me], 32 + me, threads_rnd(2));
		break;
	case 12:
		if (!threads_rnd(8))
			off_and_on(me);
		break;
	default:
		guest_acts(me);
	}
	serve(me);
}

static void begin(unsigned round)
{
	if (round == 0) {
		gic_model_threads = true;
		lpi_world_init(CPUS, 4);
		world_kicks_at_once = false;
		for (uint32_t i = 0; i < 256; i++)
			gic_model_line(0, i); /* it keeps count of what it was asked for */
	} else {
		lpi_world_restart(CPUS);
	}
	for (uint32_t d = 0; d < 2; d++)
		lpi_put(cmd_mapd(d, 2, true));
	lpi_ring(0);
}

static const char *settled(void)
{
	return vgic_check(&world_vm);
}

int main(int argc, char **argv)
{
	static const struct threads_test test = {
		.name = "vlpi",
		.threads = CPUS,
		.rounds = 200,
		.steps = 500,
		.begin = begin,
		.step = step,
		.serve = serve,
		.settled = settled,
	};

	return threads_run(&test, argc, argv);
}
