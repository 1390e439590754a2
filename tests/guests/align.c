/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Unaligned access to BAR memory that stage 1 maps Normal-NC: what comes of it is up to stage 2.
 * align.fault=010: for the first, second and third of the devices in turn, 1 when it must fault.
 * Both CPUs try; QEMU looks at alignment only where there is more than one.
 */
#include "rt.h"

const char payload_name[] = "align";

#define IVSHMEM   0x11101af4
#define MEMORY    2 /* BAR */
#define FSC_ALIGN 0x21

static struct pci_dev dev[3];
static unsigned dev_count;
static volatile u32 second_done;

/* Each access that is not aligned and lies in one page, and one across a page's end. */
static const struct {
	u32 off;
	u8 size;
	bool write;
} tries[] = {
	{ 1, 4, false }, { 3, 2, false }, { 4, 8, false },    { 9, 8, true },
	{ 13, 4, true }, { 17, 2, true }, { 4094, 4, false },
};

static u64 access(u64 at, unsigned i, u64 *value)
{
	u64 v = *value;

	fault_arm();
	if (tries[i].size == 2)
		tries[i].write ? w16(at, (u16)v) : (void)(v = r16(at));
	else if (tries[i].size == 4)
		tries[i].write ? w32(at, (u32)v) : (void)(v = r32(at));
	else
		tries[i].write ? w64(at, v) : (void)(v = r64(at));
	*value = v;
	return fault_taken();
}

static u64 bytes(u64 at, unsigned size)
{
	u64 v = 0;

	for (unsigned i = 0; i < size; i++)
		v |= (u64)r8(at + i) << 8 * i;
	return v;
}

static void check_device(unsigned cpu, unsigned n, bool must_fault)
{
	u64 bar = dev[n].bar[MEMORY] + 0x10000 * cpu, want, got, esr;

	for (unsigned i = 0; i < ARRAY_COUNT(tries); i++) {
		u64 at = bar + tries[i].off, mask = ~UINT64_C(0) >> (64 - 8 * tries[i].size);
		bool good;

		for (u32 b = 0; b < 16; b++)
			w8((at & ~UINT64_C(7)) + b, (u8)(0x11 * b + i + cpu));
		want = bytes(at, tries[i].size);
		got = tries[i].write ? ~want & mask : 0;
		esr = access(at, i, &got);
		if (must_fault)
			good = ESR_EC(esr) == 0x25 && ESR_FSC(esr) == FSC_ALIGN &&
			       fault_address() == at && !!(esr & BIT(6)) == tries[i].write &&
			       bytes(at, tries[i].size) == want;
		else
			good = !esr &&
			       bytes(at, tries[i].size) == (tries[i].write ? ~want & mask : want) &&
			       (got & mask) == (tries[i].write ? ~want & mask : want);
		check(good, "cpu=%u device=%u %s%u at=%x esr=%lx", cpu, n,
		      tries[i].write ? "write" : "read", tries[i].size * 8, tries[i].off, esr);
	}
	w64(bar, 0x0123456789abcdef);
	check(r64(bar) == 0x0123456789abcdef, "cpu=%u device=%u aligned afterwards", cpu, n);
}

/* Device at stage 1 wins over anything at stage 2. */
static void check_stage1_device(unsigned n)
{
	u64 at = dev[n].bar[MEMORY] + 0x40000 + 1, v = 0, esr = access(at, 0, &v);

	check(ESR_EC(esr) == 0x25 && ESR_FSC(esr) == FSC_ALIGN, "device=%u stage-1 device esr=%lx",
	      n, esr);
}

static void check_all(unsigned cpu)
{
	const char *fault = arg_find("align.fault");

	for (unsigned n = 0; n < dev_count; n++)
		check_device(cpu, n, fault && fault[n] == '1');
}

void payload_secondary(unsigned cpu)
{
	check_all(cpu);
	second_done = 1;
}

void payload_main(void)
{
	for (; dev_count < ARRAY_COUNT(dev) && pci_find(IVSHMEM, dev_count, &dev[dev_count]);
	     dev_count++) {
		struct pci_dev *d = &dev[dev_count];

		pci_assign(d);
		if (!check(d->bar[MEMORY] && d->bar_size[MEMORY] >= 0x80000,
			   "device=%u bar=%lx size=%lx", dev_count, d->bar[MEMORY],
			   d->bar_size[MEMORY]))
			return;
		for (unsigned cpu = 0; cpu < 2; cpu++)
			for (unsigned page = 0; page < 2; page++)
				map_page(d->bar[MEMORY] + 0x10000 * cpu + 0x1000 * page, MAP_NC);
	}
	check(dev_count && machine.cpus >= 2, "devices=%u cpus=%u", dev_count, machine.cpus);
	if (cpu_start(1))
		check(wait_until(&second_done, 1, 5000), "second cpu is done");
	check_all(0);
	for (unsigned n = 0; n < dev_count; n++)
		check_stage1_device(n);
}
