/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the attacks have in common: random numbers, other vCPUs, accesses that may fault, devices.
 */
#include <libfdt.h>

#include "attack.h"

#define NVME_ID 0x00101b36

extern char image_end[];

struct pci_dev edu, nvme;
u32 faults[RT_MAX_CPUS];
volatile bool stop_others;

/* --- shared memory --- */

/* What /chosen tells a guest that must stay secret: who = 0 the neighbour, 1 the attacker. */
void seed_publish(struct shared *s, unsigned who)
{
	static const char *const name[2] = { "kaslr-seed", "rng-seed" };
	int node = fdt_path_offset(machine.dtb, "/chosen"), len;

	for (unsigned i = 0; i < 2; i++) {
		const u8 *p = fdt_getprop(machine.dtb, node, name[i], &len);
		u64 v = 0;

		for (unsigned n = 8; p && len >= 8 && n--;) /* as it lies in memory */
			v = v << 8 | p[n];
		s->seed[who][i] = v;
	}
}

/* --- random numbers (xorshift64*) --- */

static u64 state;

/* Each attack has its own sequence, whatever ran before it. */
void rnd_start(const char *name)
{
	state = arg_number("seed", 1) + 0x9e3779b97f4a7c15;
	while (*name)
		state = (state ^ (u8)*name++) * 0x100000001b3;
	state |= 1;
}

u64 rnd_step(u64 *s)
{
	*s ^= *s >> 12;
	*s ^= *s << 25;
	*s ^= *s >> 27;
	return *s * 0x2545f4914f6cdd1d;
}

u64 rnd(void)
{
	return rnd_step(&state);
}

u64 rnd_below(u64 n)
{
	return (rnd() >> 11) % n;
}

bool rnd_is_odd(u64 r, u64 *odd)
{
	const u64 values[] = { 0, ~UINT64_C(0), BIT(r & 63), BIT(r & 63) - 1 };

	if (r >> 61 >= ARRAY_COUNT(values))
		return false;
	*odd = values[r >> 61];
	return true;
}

u64 rnd_odd(void)
{
	u64 r = rnd(), odd;

	if (rnd_is_odd(r, &odd))
		return odd;
	switch (r >> 61) {
	case 4:
		return attack_ram() + (r & 0xffff8);
	case 5:
		return r & 0xff;
	default:
		return r * 0x9e3779b97f4a7c15;
	}
}

u64 attack_ram(void)
{
	u64 half = machine.ram_base + machine.ram_size / 2;

	return half > (u64)image_end ? half : ((u64)image_end + 0xfff) & ~UINT64_C(0xfff);
}

u64 attack_ram_size(void)
{
	return machine.ram_size / 4; /* the device tree is near the end */
}

/* --- other vCPUs: each waits for jobs until it is told to go off --- */

static void (*volatile job[RT_MAX_CPUS])(unsigned cpu);
static volatile bool up[RT_MAX_CPUS];
static volatile bool all_off;

void payload_secondary(unsigned cpu)
{
	up[cpu] = true;
	while (!all_off) {
		void (*fn)(unsigned) = job[cpu];

		if (!fn) {
			relax();
			continue;
		}
		fault_arm();
		fn(cpu);
		fault_taken();
		irq_off();
		dsb();
		job[cpu] = NULL;
	}
	up[cpu] = false;
}

bool start_on(unsigned cpu, void (*fn)(unsigned cpu))
{
	if (cpu >= machine.cpus || job[cpu])
		return false;
	if (!up[cpu] && !cpu_start(cpu))
		return false;
	job[cpu] = fn;
	dsb();
	return true;
}

bool end_on(unsigned cpu)
{
	u64 end = counter() + 10 * counter_hz();

	stop_others = true;
	while (cpu < machine.cpus && job[cpu])
		if (counter() > end)
			return false;
	return true;
}

void tools_off(void)
{
	u64 end = counter() + 10 * counter_hz();

	all_off = true;
	dsb();
	for (unsigned cpu = 1; cpu < machine.cpus; cpu++)
		while (psci(PSCI_AFFINITY_INFO, machine.mpidr[cpu], 0, 0) != 1 && counter() < end)
			relax();
	for (unsigned cpu = 1; cpu < machine.cpus; cpu++)
		job[cpu] = NULL; /* one that it had no time for */
	all_off = false;
}

/* --- accesses --- */

bool poke(u64 at, unsigned size, u64 value)
{
	u64 esr;

	fault_arm();
	switch (size) {
	case 1:
		w8(at, (u8)value);
		break;
	case 2:
		w16(at, (u16)value);
		break;
	case 4:
		w32(at, (u32)value);
		break;
	default:
		w64(at, value);
	}
	esr = fault_taken();
	faults[cpu_index()] += esr != 0;
	fault_arm();
	return !esr;
}

bool peek(u64 at, unsigned size, u64 *value)
{
	u64 v = 0, esr;

	fault_arm();
	switch (size) {
	case 1:
		v = r8(at);
		break;
	case 2:
		v = r16(at);
		break;
	case 4:
		v = r32(at);
		break;
	default:
		v = r64(at);
	}
	esr = fault_taken();
	faults[cpu_index()] += esr != 0;
	fault_arm();
	if (value)
		*value = esr ? ~UINT64_C(0) : v;
	return !esr;
}

/* --- devices --- */

static u32 bar_value[2][6];

static void device_init(struct pci_dev *d, u32 id, u32 value[6])
{
	if (!pci_find(id, 0, d))
		return;
	pci_assign(d);
	for (unsigned i = 0; i < 6; i++)
		value[i] = r32(d->cfg + 0x10 + 4 * i);
}

static void device_again(const struct pci_dev *d, const u32 value[6])
{
	if (!d->cfg)
		return;
	w16(d->cfg + 4, 0);
	for (unsigned i = 0; i < 6; i++)
		w32(d->cfg + 0x10 + 4 * i, value[i]);
	pci_msi_enable(d, 0, 0, false);
	w16(d->cfg + 4, BIT(1) | BIT(2));
}

bool edu_dma(u64 ram, u64 size, bool to_ram)
{
	u64 regs = edu.bar[0];

	w64(regs + EDU_SRC, to_ram ? EDU_BUFFER : ram);
	w64(regs + EDU_DST, to_ram ? ram : EDU_BUFFER);
	w64(regs + EDU_COUNT, size);
	dsb();
	w64(regs + EDU_COMMAND, to_ram ? 3 : 1);
	for (unsigned ms = 0; ms < 20000; ms++) {
		delay_ms(1);
		if (!(r64(regs + EDU_COMMAND) & 1))
			return true;
	}
	return false;
}

/* --- interrupts --- */

static void gic_again(void)
{
	if (machine.its)
		its_again();
	gic_quiet();
	gic_init();
}

void tools_init(void)
{
	gic_cpu_init();
	if (machine.its)
		its_init();
	device_init(&edu, EDU_ID, bar_value[0]);
	device_init(&nvme, NVME_ID, bar_value[1]);
}

/* Everything as tools_init() made it: the next attack starts from there. */
void tools_again(void)
{
	fault_arm();
	for (unsigned cpu = 1; cpu < machine.cpus; cpu++)
		end_on(cpu);
	tools_off();
	device_again(&edu, bar_value[0]);
	device_again(&nvme, bar_value[1]);
	gic_again();
	fault_taken();
}
