/* SPDX-License-Identifier: Apache-2.0 */
/* Attacks by registers of the interrupt controller (IHI 0069 §12, IHI 0048 §4). */
#include "attack.h"

#define ISENABLER 0x100
#define ICENABLER 0x180
#define ISPENDR   0x200
#define ICPENDR   0x280
#define ISACTIVER 0x300
#define ICACTIVER 0x380
#define IROUTER   0x6000

static u64 dist_size(void)
{
	return machine.gicc ? 0x1000 : 0x10000;
}

static void random_access(u64 base, u64 size, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		unsigned width = 1U << rnd_below(4);
		u64 at = base + (rnd_below(size) & ~(u64)(width - 1));

		peek(at, width, NULL);
		poke(at, width, rnd_odd());
	}
}

static void sweep(u64 base, u64 size, u64 value)
{
	for (u64 at = base; at < base + size; at += 4) {
		peek(at, 4, NULL);
		poke(at, 4, value);
	}
}

static void sweep_dist(unsigned cpu)
{
	sweep(machine.gicd, 0x1000, cpu ? ~UINT64_C(0) : UINT64_C(0x5a5a5a5a));
}

ATTACK(gic_every_distributor_register, 0,
       "every register is read and written, by two vCPUs at once",
       "a table of registers; absent is RAZ/WI", "common/vgic/regs.c")
{
	start_on(1, sweep_dist);
	sweep(machine.gicd, 0x1000, 0);
	sweep(machine.gicd, 0x1000, ~UINT64_C(0));
	end_on(1);
	random_access(machine.gicd, dist_size(), 500);
}

static void every_redistributor(unsigned cpu)
{
	u64 size = MIN(machine.gicr_size, (u64)machine.cpus * 0x20000);

	for (u64 at = machine.gicr; at < machine.gicr + size; at += 0x10000)
		for (u64 i = 0; i < 0xd00; i += 4) {
			peek(at + i, 4, NULL);
			if (cpu || i < 0x70 || i >= 0x80)
				poke(at + i, 4, i * 0x9e3779b9);
		}
}

ATTACK(gic_every_redistributor_register, NEED_V3,
       "every vCPU reads and writes every vCPU's frames at once",
       "a frame is found by its vCPU, under that vCPU's lock", "common/vgic/redist.c")
{
	start_on(1, every_redistributor);
	start_on(2, every_redistributor);
	every_redistributor(0);
	end_on(1);
	end_on(2);
}

/* Each place of a page at each width, aligned: what is read, then written. */
static void every_width(u64 page, u64 size, u64 value)
{
	for (unsigned width = 1; width <= 8; width *= 2)
		for (u64 at = page; at < page + size; at += width) {
			peek(at, width, NULL);
			poke(at, width, value);
		}
}

static void every_frame(u64 value)
{
	static const u16 dist[] = { 0, 0x6000, 0xf000 };
	u64 redists = MIN(machine.gicr_size / 0x20000, (u64)machine.cpus);

	for (unsigned i = 0; i < (machine.gicc ? 1 : ARRAY_COUNT(dist)); i++)
		every_width(machine.gicd + dist[i], 0x1000, value);
	if (machine.gicc) /* GICC_DIR; the page before is the hardware's own */
		every_width(machine.gicc + 0x1000, 0x1000, value);
	for (u64 i = 0; !machine.gicc && i < redists; i++) {
		every_width(machine.gicr + i * 0x20000 + 8, 0xf8, value); /* LPIs stay off */
		every_width(machine.gicr + i * 0x20000 + 0xf000, 0x1000, value);
		every_width(machine.gicr + i * 0x20000 + 0x10000, 0xd00, value);
	}
	if (machine.its) {
		every_width(machine.its, 0x200, value);
		every_width(machine.its + 0xf000, 0x1000, value);
		every_width(machine.its + 0x10000, 0x100, value);
	}
}

static void every_frame_from(unsigned cpu)
{
	static const u64 value[] = { 0, ~UINT64_C(0), UINT64_C(0x9e3779b97f4a7c15) };

	every_frame(value[cpu % ARRAY_COUNT(value)]);
}

ATTACK(gic_every_frame_by_every_vcpu_at_each_width, 0,
       "all vCPUs read and write all frames at 1, 2, 4 and 8 bytes: zeros, ones and random bits",
       "a table of registers says which widths they have", "common/vgic/regs.c")
{
	for (unsigned cpu = 1; cpu < machine.cpus; cpu++)
		start_on(cpu, every_frame_from);
	every_frame_from(0);
	every_frame(rnd());
	for (unsigned cpu = 1; cpu < machine.cpus; cpu++)
		end_on(cpu);
}

ATTACK(gic_redistributors_that_are_not_there, NEED_V3, "frames behind the last vCPU's",
       "frames end with the guest's vCPUs", "common/vgic/redist.c")
{
	u64 from = machine.gicr + (u64)machine.cpus * 0x20000;

	for (u64 at = from; at < from + 0x100000; at += 0x8000)
		random_access(at, 0x8000, 4);
}

ATTACK(gic_cpu_interface_of_v2, NEED_V2,
       "every register of GICC and of the page behind it, at each width",
       "only GICC's own page is mapped", "common/vgic/v2.c")
{
	random_access(machine.gicc, 0x1000, 500);
	random_access(machine.gicc + 0x1000, 0x1000, 100);
	random_access(machine.gicc + 0x2000, 0x10000,
		      100); /* GICH and GICV of the real one are not here */
}

ATTACK(gic_sgi_of_v2_to_nobody, NEED_V2,
       "GICD_SGIR, SPENDSGIR and CPENDSGIR with every mask and filter",
       "targets are masked with the guest's vCPUs", "common/vgic/v2.c")
{
	for (unsigned i = 0; i < 500; i++) {
		poke(machine.gicd + 0xf00, 4, rnd());
		poke(machine.gicd + 0xf10 + rnd_below(32), 1, rnd());
	}
}

ATTACK(gic_routes_to_nobody, 0, "lines are routed to vCPUs that are not there, while pending",
       "a route is looked up among the guest's vCPUs", "common/vgic/line.c")
{
	for (u32 n = 32; n < 64; n++) {
		if (machine.gicc)
			poke(machine.gicd + 0x800 + n, 1, rnd());
		else
			poke(machine.gicd + IROUTER + 8 * n, 8, rnd_odd());
		poke(machine.gicd + ISENABLER + n / 32 * 4, 4, BIT(n % 32));
		poke(machine.gicd + ISPENDR + n / 32 * 4, 4, BIT(n % 32));
	}
	(void)gic_ack();
}

static void flip_lines(unsigned cpu)
{
	static const u16 bank[] = { ISENABLER, ICENABLER, ISPENDR, ICPENDR, ISACTIVER, ICACTIVER };
	u64 x = cpu + 1;

	while (!stop_others) {
		u32 n = 32 + (x >> 20) % 32;

		x = x * 6364136223846793005 + 1442695040888963407;
		poke(machine.gicd + bank[(x >> 33) % ARRAY_COUNT(bank)] + n / 32 * 4, 4, x >> 40);
		if (machine.gicc)
			poke(machine.gicd + 0x800 + n, 1, x >> 50);
		else
			poke(machine.gicd + IROUTER + 8 * n, 8, (x >> 50) % 4);
	}
}

static void end_whatever_comes(unsigned n)
{
	while (n--) {
		u32 iar = gic_ack();

		if ((iar & 0x3ff) < 1020 || iar >= LPI_FIRST)
			gic_end(iar);
	}
}

ATTACK(gic_lines_flip_on_all_vcpus, 0,
       "enable, pending, active and route of lines change on three vCPUs at once",
       "a line's state changes under one lock", "common/vgic/line.c")
{
	start_on(1, flip_lines);
	start_on(2, flip_lines);
	end_whatever_comes(2000);
	end_on(1);
	end_on(2);
}

ATTACK(gic_everything_pending_at_once, 0, "all SGIs, PPIs and SPIs are set pending and active",
       "what has no list register waits in a queue", "common/vgic/lr.c")
{
	for (u64 i = 0; i < 0x80; i += 4) {
		poke(machine.gicd + ISENABLER + i, 4, ~0U);
		poke(machine.gicd + ISPENDR + i, 4, ~0U);
		poke(machine.gicd + ISACTIVER + i, 4, i & 4 ? ~0U : 0);
	}
	for (u32 i = 0; i < 16; i++)
		gic_sgi(i, 0);
	end_whatever_comes(200);
}

ATTACK(gic_ends_what_never_began, 0, "EOIR and DIR of all numbers, with and without EOImode",
       "EOIcount and DIR look only at what is active", "common/vgic/deliver.c")
{
	for (unsigned split = 0; split < 2; split++) {
		gic_split(split);
		for (u32 n = 0; n < 1100; n++) {
			gic_end(n);
			gic_deactivate(n);
		}
		gic_end((u32)rnd());
		gic_deactivate((u32)rnd());
		gic_deactivate(LPI_FIRST + (u32)rnd_below(100));
	}
	gic_split(false);
}

ATTACK(gic_more_active_than_list_registers, 0,
       "SGIs and SPIs stay active, more than there are list registers",
       "active interrupts without a list register are tracked", "common/vgic/lr.c")
{
	for (u32 i = 0; i < 16; i++) {
		poke(gic_frame(0) + 0x400 + i, 1, 0xd8 - 8 * i);
		gic_sgi(i, 0);
		(void)gic_ack();
	}
	for (u32 i = 32; i < 64; i += 3)
		poke(machine.gicd + ISACTIVER + 4, 4, ~0U);
	for (u32 i = 0; i < 16; i += 2)
		gic_end(i);
}

ATTACK(gic_sgis_to_everybody, NEED_V3, "ICC_SGI1R, SGI0R and ASGI1R with every affinity and range",
       "targets are the guest's own vCPUs", "common/vgic/sgi.c")
{
	for (unsigned i = 0; i < 300; i++) {
		u64 v = rnd_odd();

		__asm__ volatile("msr S3_0_C12_C11_5, %0" : : "r"(v) : "memory");
		__asm__ volatile("msr S3_0_C12_C11_6, %0" : : "r"(v) : "memory");
		__asm__ volatile("msr S3_0_C12_C11_7, %0" : : "r"(v) : "memory");
	}
}

static void sgi_storm(unsigned cpu)
{
	gic_cpu_init();
	irq_on();
	for (u32 n = 0; !stop_others; n++)
		gic_sgi(n & 15, n % machine.cpus);
	(void)cpu;
}

ATTACK(gic_sgi_storm, 0, "three vCPUs send one another SGIs without end",
       "no lock is shared between guests", "common/vgic/sgi.c")
{
	start_on(1, sgi_storm);
	start_on(2, sgi_storm);
	irq_on();
	for (u32 n = 0; n < 3000; n++)
		gic_sgi(n & 15, n % machine.cpus);
	irq_off();
	end_on(1);
	end_on(2);
}

ATTACK(gic_icc_registers, NEED_V3,
       "ICC_SRE, CTLR, PMR, BPR, AP0R, AP1R, IGRPEN, RPR, HPPIR with anything",
       "SRE is fixed; the rest is the vCPU's own", "arch/arm64/trap.c")
{
	for (unsigned i = 0; i < 100; i++) {
		u64 v = rnd_odd();

		__asm__ volatile("msr S3_0_C12_C12_5, %0" : : "r"(v & ~UINT64_C(1))); /* SRE */
		__asm__ volatile("msr S3_0_C12_C12_4, %0" : : "r"(v));                /* CTLR */
		__asm__ volatile("msr S3_0_C4_C6_0, %0" : : "r"(v));                  /* PMR */
		__asm__ volatile("msr S3_0_C12_C12_3, %0" : : "r"(v));                /* BPR1 */
		__asm__ volatile("msr S3_0_C12_C8_3, %0" : : "r"(v));                 /* BPR0 */
		__asm__ volatile("msr S3_0_C12_C8_4, %0" : : "r"(v));                 /* AP0R0 */
		__asm__ volatile("msr S3_0_C12_C9_0, %0" : : "r"(v));                 /* AP1R0 */
		__asm__ volatile("msr S3_0_C12_C12_6, %0" : : "r"(v));                /* IGRPEN0 */
		__asm__ volatile("msr S3_0_C12_C12_7, %0" : : "r"(v));                /* IGRPEN1 */
		__asm__ volatile("msr S3_0_C12_C11_3, %0" : : "r"(v)); /* RPR, read only */
		isb();
		end_whatever_comes(3);
	}
	sysreg_write(S3_0_C12_C8_4, 0);
	sysreg_write(S3_0_C12_C9_0, 0);
	sysreg_write(S3_0_C12_C12_3, 0);
	sysreg_write(S3_0_C12_C12_6, 0);
}

ATTACK(gic_physical_lines_of_others, 0,
       "all SPIs up to 1019 are enabled, made pending and routed here",
       "a virtual line has a physical one only if the plan says so", "common/vgic/line.c")
{
	for (u32 n = 32; n < 1020; n++) {
		poke(machine.gicd + ISENABLER + n / 32 * 4, 4, BIT(n % 32));
		poke(machine.gicd + ISPENDR + n / 32 * 4, 4, BIT(n % 32));
		poke(machine.gicd + ICPENDR + n / 32 * 4, 4, BIT(n % 32));
		poke(machine.gicd + ICACTIVER + n / 32 * 4, 4, BIT(n % 32));
	}
	end_whatever_comes(100);
}

ATTACK(gic_ppis_of_el2, 0,
       "the hypervisor's PPIs (maintenance 25, EL2 timers 26 and 28) are enabled, set and ended",
       "PPIs of the guest are the vCPU's own", "common/vgic/redist.c")
{
	for (u32 n = 16; n < 32; n++) {
		poke(gic_frame(n) + ISENABLER, 4, BIT(n));
		poke(gic_frame(n) + ISPENDR, 4, BIT(n));
		end_whatever_comes(4);
		poke(gic_frame(n) + ISACTIVER, 4, BIT(n));
		gic_end(n);
		poke(gic_frame(n) + ICENABLER, 4, BIT(n));
	}
}

ATTACK(gic_wakes_and_sleeps, NEED_V3,
       "GICR_WAKER, GICR_CTLR and GICD_CTLR are toggled under pending interrupts",
       "the virtual controller has no power states", "common/vgic/redist.c")
{
	for (unsigned i = 0; i < 200; i++) {
		poke(gic_redist() + 0x14, 4, rnd());
		poke(gic_redist(), 4, rnd());
		poke(machine.gicd, 4, rnd());
		gic_sgi(i & 15, 0);
	}
	poke(gic_redist() + 0x14, 4, 0);
	poke(gic_redist(), 4, 0);
	end_whatever_comes(20);
}
