/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The virtual distributor, redistributors, CPU interface and GICv2m frame, GICv3 and GICv2, under a
 * hostile guest: the input is a program of register accesses, interrupts on the wires, SGIs,
 * acknowledges and ends in any order, vCPUs that come and go. tests/host/gic_model.c aborts on what
 * the architecture calls UNPREDICTABLE and on interrupts that never end; here it is checked that a
 * HW-linked line is physically active exactly while it is pending or active in the guest.
 */
#include <hv/bits.h>
#include <spec/gicv2.h>
#include <spec/gicv3.h>

#include "../../common/vgic/vgic_priv.h"
#include "../host/gic_model.h"
#include "input.h"

#define SPIS  64
#define WIRED 50         /* of an emulated device */
#define FRAME 0x02000000 /* GICv2m */
#define V2M   80         /* its SPIs: that and behind */
#define V2MS  12

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct {
	uint32_t vintid, pintid;
} lines[] = { { 27, 27 }, { 30, 30 }, { 40, 72 }, { 41, 73 }, { 70, 74 } };

static unsigned vcpus;

/* Mostly registers of lines, mostly of lines that are used. */
static uint64_t some_register(unsigned v)
{
	static const uint16_t sets[] = { GICD_IGROUPR, GICD_ISENABLER, GICD_ICENABLER, GICD_ISPENDR,
					 GICD_ICPENDR, GICD_ISACTIVER, GICD_ICACTIVER, GICD_ICFGR };
	uint8_t pick = (uint8_t)take(1);
	bool bank0 = pick & 0x20;
	uint64_t base = bank0 && gic.version == 3 ? WORLD_REDIST + v * 0x20000 + 0x10000 :
						    WORLD_DIST;
	bool odd = pick & 8;

	switch (pick >> 6) {
	case 0:
		if (!bank0)
			base += odd ? 8 : 4;
		return base + sets[pick % ARRAY_SIZE(sets)];
	case 1:
		return base + (odd ? GICD_ITARGETSR : GICD_IPRIORITYR) + take(1) % 96;
	case 2:
		if (gic.version == 2)
			return WORLD_DIST + GICD_CTLR + (odd ? 0 : 0xf00 + take(1) % 64);
		return odd ? WORLD_DIST + GICD_IROUTER + take(1) % 96 * 8 : WORLD_DIST;
	}
	if (gic.version == 2)
		return WORLD_DIST + take(2) % 0x1000;
	if (bank0)
		return WORLD_REDIST + v * 0x20000 + take(2);
	return WORLD_DIST + take(2);
}

static void access_register(unsigned v)
{
	uint8_t how = (uint8_t)take(1);
	unsigned size = how & 0x80 ? 1U << (how & 3) : 4;
	uint64_t at = ALIGN_DOWN(some_register(how >> 4 & 1 ? v : take(1) % vcpus), size);
	uint64_t value = take(how & 0x40 ? 4 : 1);

	if (how & 0x20)
		value <<= value & 31;
	if ((how & 0x17) == 0x17)
		at = FRAME + at % PAGE_SIZE;
	world_access(v, at, size, how & 8, &value);
}

/* Whatever the data: at most one of its own SPIs, for a vCPU that there is. */
static void message(struct vcpu *cur)
{
	uint32_t data = V2M - 2 + take(1) % (V2MS + 4),
		 before = data < 96 ? bank_of(world_vm.vcpu[0], data / 32)->pending : 0;
	uint16_t to = 0xffff;
	bool sent = vgic_v2m_deliver(&world_vm, take(1) & 3 ? data : data << 16, cur, &to);

	check(sent == (to != 0xffff) && (!sent || (to < vcpus && data - V2M < V2MS)));
	check(data - V2M < V2MS || data >= 96 ||
	      bank_of(world_vm.vcpu[0], data / 32)->pending == before);
}

static void interrupt(unsigned v)
{
	uint32_t n = take(1);

	if (n % 8 < ARRAY_SIZE(lines))
		gic_model_wire(v, lines[n % 8].pintid, n & 8);
	else if (n % 8 == 7)
		message(n & 16 ? world_vm.vcpu[v] : NULL);
	else
		vgic_set_level(&world_vm, n & 16 ? world_vm.vcpu[v] : NULL, WIRED, n & 8);
}

static void send_sgi(unsigned v)
{
	uint32_t n = take(2);

	if (gic.version == 3)
		world_sgi(v, (n & 0xf0) << 20 | (n & 15) | (n & 0x100 ? SGI1R_IRM : 0));
	else
		world_write(v, WORLD_DIST + GICD_SGIR,
			    (n & 15) << 16 | (n >> 4 & 15) | (n >> 8 & 3) << 24);
}

/* Of what it acknowledged, most of the time; of anything else, sometimes. */
static void guest_acts(unsigned v)
{
	static uint32_t last[MODEL_CPUS];
	uint8_t how = (uint8_t)take(1);

	if (how & 1)
		last[v] = gic_model_guest_ack(v);
	else if (how & 2)
		gic_model_guest_eoi(v, how & 0x80 ? take(2) & 0x3ff : last[v]);
	else if (how & 4)
		world_dir(v, how & 0x80 ? take(2) & 0x3ff : last[how >> 4 & 3]);
	else
		gic_model_eoimode(v, how & 8);
}

static void off_and_on(unsigned v)
{
	struct vcpu *vcpu = world_vm.vcpu[v];

	gic_model_on_cpu(v);
	if (vcpu->vgic.state->online)
		vgic_vcpu_off(vcpu);
	else
		world_start(v);
}

/* Whose state says nothing until it is back: its PPIs are quiet. */
static bool is_off(unsigned c, uint32_t vintid)
{
	return vintid < GIC_SPI_FIRST && !world_vm.vcpu[c]->vgic.state->online;
}

static bool in_guest(const struct vcpu *owner, uint32_t vintid)
{
	struct vgic_bank *b = bank_of(owner, vintid / 32);
	uint32_t bit = 1U << vintid % 32;
	bool listed = false;

	for (unsigned c = 0; c < vcpus; c++)
		listed |= (vintid >= 32 || c == owner->index) && gic_model_in_lrs(c, vintid);
	return listed || (b->pending | b->active) & bit;
}

static void check_lines(void)
{
	for (unsigned i = 0; i < ARRAY_SIZE(lines); i++)
		for (unsigned c = 0; c < (lines[i].pintid < 32 ? vcpus : 1); c++)
			check(is_off(c, lines[i].vintid) ||
			      gic_model_line(c, lines[i].pintid)->active ==
				      in_guest(world_vm.vcpu[c], lines[i].vintid));
}

static void step(void)
{
	uint8_t op = (uint8_t)take(1);
	unsigned v = op % vcpus;

	if (!world_vm.vcpu[v]->vgic.state->online && op >> 4 != 15)
		v = 0; /* who is off does nothing */
	gic_model_on_cpu(v);
	switch (op >> 4) {
	case 15:
		if (v)
			off_and_on(v);
		break;
	case 12 ... 14:
		interrupt(v);
		break;
	case 10 ... 11:
		send_sgi(v);
		break;
	case 5 ... 9:
		guest_acts(v);
		break;
	default:
		access_register(v);
	}
	world_run_all();
	check_lines();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t setup;

	in = (struct input){ data, data + size };
	setup = (uint8_t)take(1);
	vcpus = 1 + setup % 4;
	gic_model_version = setup & 0x80 ? 2 : 3;
	world_init(vcpus, SPIS, false, setup & 0x40 ? 1 : 4);
	world_kicks_at_once = setup & 0x20;
	gic_model_counts_drops = setup & 0x10;
	for (unsigned i = 0; i < ARRAY_SIZE(lines); i++)
		check(vgic_assign_line(&world_vm, lines[i].vintid, lines[i].pintid) == HV_OK);
	check(vgic_v2m_init(&world_vm, IPA(FRAME), V2M, V2MS) == HV_OK);
	for (unsigned i = 0; i < vcpus; i++)
		world_start(i);
	while (in.p < in.end)
		step();
	return 0;
}
