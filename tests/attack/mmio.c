/* SPDX-License-Identifier: Apache-2.0 */
/* Attacks by loads, stores and fetches at every address. */
#include "attack.h"

static u64 pages(unsigned i)
{
	const u64 page[] = { machine.gicd,
			     machine.gicd + 0x1000,
			     machine.gicc ? machine.gicc : gic_redist(),
			     machine.its,
			     machine.uart,
			     machine.ecam,
			     edu.bar[0],
			     nvme.bar[0] };

	return i < ARRAY_COUNT(page) && page[i] ? page[i] : machine.gicd;
}
#define PAGES 8

ATTACK(mmio_every_width_and_alignment, 0,
       "loads and stores of 1 to 8 bytes at each offset of a doubleword, aligned or not",
       "the access is decoded once; unaligned is an alignment abort", "arch/arm64/trap.c")
{
	for (unsigned p = 0; p < PAGES; p++)
		for (unsigned off = 0; off < 16; off++)
			for (unsigned size = 1; size <= 8; size *= 2) {
				peek(pages(p) + 0x40 + off, size, NULL);
				poke(pages(p) + 0x40 + off, size, rnd());
			}
}

#define ALL_PAGES(insn, ...)                                                                       \
	for (unsigned p_ = 0; p_ < PAGES; p_++) {                                                  \
		u64 a_ = pages(p_) + 0x10;                                                         \
		__asm__ volatile(insn : "+r"(a_) : : "x9", "x10", "memory", ##__VA_ARGS__);        \
	}

/* clang-format off */
ATTACK(mmio_without_a_syndrome, 0, "pairs, writeback, SIMD, exclusives and atomics on devices",
       "without ISV the access is aborted; its instruction is never fetched", "arch/arm64/trap.c")
{
	ALL_PAGES("ldp x9, x10, [%0]")
	ALL_PAGES("stp xzr, xzr, [%0]")
	ALL_PAGES("ldr w9, [%0], #4")
	ALL_PAGES("str w9, [%0, #4]!")
	ALL_PAGES("ldr q0, [%0]")
	ALL_PAGES("str q0, [%0]")
	ALL_PAGES("ldxr w9, [%0]\n\tstxr w10, w9, [%0]")
	ALL_PAGES("ldaxr x9, [%0]\n\tstlxr w10, x9, [%0]")
	ALL_PAGES("ldar w9, [%0]\n\tstlr w9, [%0]")
	ALL_PAGES(".inst 0xb8200009 | 0 << 5") /* LDADD: undefined before Armv8.1 */
}

/* clang-format on */
ATTACK(mmio_cache_operations_on_devices, 0,
       "DC ZVA, CVAC, CIVAC, IVAC, IC IVAU and AT on devices and holes",
       "cache maintenance is not an access", "arch/arm64/trap.c"){
	ALL_PAGES("dc zva, %0") ALL_PAGES("dc civac, %0") ALL_PAGES("dc ivac, %0")
		ALL_PAGES("dc cvac, %0") ALL_PAGES("dc cvau, %0") ALL_PAGES("ic ivau, %0")
			ALL_PAGES("at s1e1r, %0") ALL_PAGES("at s1e1w, %0")
				ALL_PAGES("prfm pldl1keep, [%0]")
}

ATTACK(mmio_holes_of_the_whole_space, 0,
       "an access in every 16 MiB of the low 8 GiB, and at each power of two above",
       "what is not mapped aborts", "arch/arm64/trap.c")
{
	u64 end = machine.ram_base + machine.ram_size;

	for (u64 at = 0; at < 8 * BIT(30); at += BIT(24)) {
		u64 a = at + (rnd() & 0xffff8);

		if (a >= machine.ram_base && a < end)
			continue;
		peek(a, 4, NULL);
		poke(a, 8, rnd());
	}
	for (unsigned b = 33; b < 40; b++)
		for (u64 off = 0; off < 4; off++) {
			peek(BIT(b) + off * BIT(28), 8, NULL);
			poke(BIT(b) - 8 - off * BIT(28), 8, 0);
		}
}

ATTACK(mmio_host_addresses, 0,
       "reads and writes at the machine's own addresses of RAM, GIC, UART, SMMU, ECAM",
       "stage 2 maps what the plan gives, and nothing else", "common/lib/s2.c")
{
	static const u64 host[] = { 0x00000000,   0x08020000,   0x09010000,  0x09030000,
				    0x09050000,   0x09060000,   0x0a000000,  0x0c000000,
				    0x4010000000, 0x4010010000, 0x8000000000 };
	u64 v;

	for (unsigned i = 0; i < ARRAY_COUNT(host); i++)
		if (peek(host[i], 4, &v) && v != 0xffffffff &&
		    (host[i] - machine.mem64_cpu >= machine.mem64_size))
			broke("read %lx at %lx", v, host[i]);
	for (unsigned i = 0; i < ARRAY_COUNT(host); i++)
		poke(host[i], 4, 0);
	/* Behind the guest's RAM: the neighbour's, or Viaduct's, if stage 2 has a wrong offset. */
	for (u64 at = machine.ram_base + machine.ram_size; at < 0x80000000; at += BIT(20))
		if (peek(at, 8, &v))
			broke("read %lx at %lx, behind RAM", v, at);
	for (u64 at = machine.ram_base + machine.ram_size; at < 0x80000000; at += BIT(20))
		poke(at, 8, 0xbadbadbad);
}

typedef u64 code_fn(void);

ATTACK(mmio_fetch_from_devices, 0, "branches into devices, BARs and holes mapped executable",
       "a fetch from what is no RAM aborts", "arch/arm64/trap.c")
{
	for (unsigned p = 0; p < PAGES - 2; p++) {
		u64 a = pages(p);

		map_page(a & ~UINT64_C(0xfff), MAP_NC);
		__asm__ volatile("blr %0" : : "r"(a) : "x30", "memory");
		map_page(a & ~UINT64_C(0xfff), MAP_DEVICE);
	}
}

ATTACK(mmio_page_tables_in_devices, 0,
       "stage-1 tables lie in devices, BARs and holes, and are walked",
       "a stage-1 walk outside RAM aborts (HCR_EL2.PTW)", "arch/arm64/vcpu.c")
{
	u64 old = sysreg_read(ttbr1_el1), tcr = sysreg_read(tcr_el1);

	sysreg_write(tcr_el1, (tcr & ~BIT(23)) | UINT64_C(16) << 16 | BIT(24) | BIT(26) |
				      UINT64_C(3) << 28 |
				      UINT64_C(2) << 30); /* TTBR1: 48 bits, 4 KiB */
	for (unsigned p = 0; p < PAGES; p++) {
		sysreg_write(ttbr1_el1, pages(p) & ~UINT64_C(0xfff));
		isb();
		__asm__ volatile("tlbi vmalle1\n\tdsb sy\n\tisb" : : : "memory");
		__asm__ volatile("at s1e1r, %0" : : "r"(~UINT64_C(0xffff)));
		peek(~UINT64_C(0xffff), 4, NULL);
		poke(~UINT64_C(0xffffff), 4, 0);
	}
	sysreg_write(ttbr1_el1, old);
	sysreg_write(tcr_el1, tcr);
	isb();
	__asm__ volatile("tlbi vmalle1\n\tdsb sy\n\tisb" : : : "memory");
}

ATTACK(mmio_uart_registers, 0, "every register of the virtual UART at each width, with anything",
       "a table of registers; absent is RAZ/WI", "common/guest/vuart.c")
{
	for (u64 off = 4; off < 0x1000; off += 4) { /* not DR: that would print */
		peek(machine.uart + off, 4, NULL);
		if (off != 0x30)
			poke(machine.uart + off, 4, rnd_odd());
		peek(machine.uart + off, 1, NULL);
	}
	w32(machine.uart + 0x38, 0);
	w32(machine.uart + 0x44, 0x7ff);
	w32(machine.uart + 0x30, 0x301);
}

static void hammer(unsigned cpu)
{
	while (!stop_others)
		for (unsigned p = 0; p < 6; p++)
			peek(pages(p) + (cpu & 1) * 8, 4, NULL);
}

ATTACK(mmio_all_vcpus_on_one_register, 0,
       "three vCPUs access the same emulated registers without end",
       "no lock is shared between guests", "common/vm/vm.c")
{
	start_on(1, hammer);
	start_on(2, hammer);
	for (unsigned i = 0; i < 2000; i++)
		peek(pages(i % 6), 4, NULL);
	end_on(1);
	end_on(2);
}
