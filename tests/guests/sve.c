/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SVE as a guest finds it: vectors of the length that it was given, whose contents are its own,
 * whatever other guests and EL2 do meanwhile, and nothing of an earlier life.
 *
 *	sve.bits=N    the length that is expected; 0: it has none
 *	sve.fill=N    what this guest fills its registers with
 */
#include <libfdt.h>

#include "rt.h"

const char payload_name[] = "sve";

#define ZCR_EL1      S3_0_C1_C2_0
#define ZEN          (UINT64_C(3) << 16) /* CPACR_EL1: no trap */
#define VECTOR_BYTES 256
#define EACH_Z                                                                                     \
	"0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31"
#define EACH_P "0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15"

struct vectors {
	u8 z[32][VECTOR_BYTES], p[17][VECTOR_BYTES / 8]; /* the last: FFR */
} __attribute__((aligned(256)));

static struct vectors found[RT_MAX_CPUS];

static void sve_on(void)
{
	sysreg_write(cpacr_el1, sysreg_read(cpacr_el1) | ZEN);
	isb();
	sysreg_write(S3_0_C1_C2_0, 15);
	isb();
}

static u64 length(void)
{
	u64 bytes;

	__asm__ volatile(".arch_extension sve\n\trdvl %0, #1" : "=r"(bytes));
	return bytes;
}

/* Stored one behind the other, at offsets of a vector's length. */
static void vectors_read(struct vectors *v)
{
	u64 at = (u64)v->z, step = sizeof(v->z[0]), p = (u64)v->p, p_step = sizeof(v->p[0]);

	__asm__ volatile(".arch_extension sve\n\t"
			 ".irp n, " EACH_Z "\n\t"
			 "str z\\n\\(), [%0]\n\tadd %0, %0, %2\n\t"
			 ".endr\n\t"
			 ".irp n, " EACH_P "\n\t"
			 "str p\\n\\(), [%1]\n\tadd %1, %1, %3\n\t"
			 ".endr\n\t"
			 "rdffr p0.b\n\tstr p0, [%1]\n\tsub %1, %1, #512\n\tldr p0, [%1]"
			 : "+r"(at), "+r"(p)
			 : "r"(step), "r"(p_step)
			 : "memory");
}

static void vectors_fill(u64 with)
{
	static u8 odd[VECTOR_BYTES / 8] __attribute__((aligned(256)));

	for (unsigned i = 0; i < sizeof(odd); i++)
		odd[i] = (u8)with;
	__asm__ volatile(".arch_extension sve\n\t"
			 ".irp n, " EACH_Z "\n\t"
			 "dup z\\n\\().d, %0\n\t"
			 ".endr\n\t"
			 "ldr p0, [%1]\n\twrffr p0.b\n\t"
			 ".irp n, " EACH_P "\n\t"
			 "ldr p\\n\\(), [%1]\n\t"
			 ".endr"
			 :
			 : "r"(with), "r"(odd)
			 : "memory");
}

/* Bytes that are not `with`, a pattern of one byte. FFR may be anything where it was not zero. */
static unsigned wrong(const struct vectors *v, u8 with, bool ffr)
{
	unsigned n = 0;
	u64 bytes = length();

	for (unsigned i = 0; i < 32; i++)
		for (unsigned b = 0; b < bytes; b++)
			n += v->z[i][b] != with;
	for (unsigned i = 0; i < (ffr ? 17 : 16); i++)
		for (unsigned b = 0; b < bytes / 8; b++)
			n += v->p[i][b] != with;
	return n;
}

static void first_look(const char *when)
{
	unsigned cpu = cpu_index();
	u64 bits = arg_number("sve.bits", 0);

	sysreg_write(cpacr_el1, sysreg_read(cpacr_el1) | ZEN);
	isb();
	check(sysreg_read(S3_0_C1_C2_0) == 0, "%s zcr_el1=%lx", when, sysreg_read(S3_0_C1_C2_0));
	sve_on();
	/* start.S has stored V0..V31 and used none since; libfdt may have on CPU 0. */
	vectors_read(&found[cpu]);
	check(length() * 8 == bits, "%s bits=%lu", when, length() * 8);
	check(!wrong(&found[cpu], 0, true) || cpu == 0, "%s zero", when);
	check(sysreg_read(S3_0_C1_C2_0) == 15, "%s bound", when);
}

static void keeps(u8 fill)
{
	static struct vectors now;
	u64 with = fill * UINT64_C(0x0101010101010101);
	unsigned bad = 0;

	for (unsigned i = 0; i < 200; i++) {
		vectors_fill(with);
		psci(PSCI_VERSION, 0, 0, 0);
		(void)r32(machine.gicd);
		if (i % 10 == 0)
			delay_ms(1);
		vectors_read(&now);
		bad += wrong(&now, fill, false);
	}
	check(!bad, "kept fill=%x bad=%u", fill, bad);
}

static void absent(void)
{
	u64 esr;

	check(!(sysreg_read(id_aa64pfr0_el1) >> 32 & 15), "ID_AA64PFR0_EL1.SVE");
	check(!sysreg_read(S3_0_C0_C4_4), "ID_AA64ZFR0_EL1");
	sysreg_write(cpacr_el1, sysreg_read(cpacr_el1) | ZEN);
	isb();
	fault_arm();
	(void)length();
	esr = fault_taken();
	check(esr && !(esr >> 26), "rdvl is undefined esr=%lx", esr);
	fault_arm();
	(void)sysreg_read(S3_0_C1_C2_0);
	esr = fault_taken();
	check(esr && !(esr >> 26), "ZCR_EL1 is undefined esr=%lx", esr);
}

static u32 *diary(void)
{
	int node = fdt_node_offset_by_compatible(machine.dtb, -1, "xen,shared-memory-v1");
	const fdt32_t *reg = node < 0 ? NULL : fdt_getprop(machine.dtb, node, "reg", NULL);
	u64 base = reg ? (u64)fdt32_to_cpu(reg[0]) << 32 | fdt32_to_cpu(reg[1]) : 0;

	if (base)
		map_page(base, MAP_NORMAL);
	return (u32 *)base;
}

void payload_secondary(unsigned cpu)
{
	u8 fill = (u8)arg_number("sve.fill", 0x11);

	(void)cpu;
	first_look("cpu-on");
	keeps(fill);
	vectors_fill(fill * UINT64_C(0x0101010101010101));
}

static void secondary(void)
{
	check(cpu_start(1), "cpu 1");
	while (psci(PSCI_AFFINITY_INFO, machine.mpidr[1], 0, 0) != 1)
		relax();
}

void payload_main(void)
{
	u32 *lives, life;

	irq_off();
	if (!arg_number("sve.bits", 0)) {
		absent();
		return;
	}
	lives = diary();
	if (!check(lives, "shared memory"))
		return;
	life = ++*lives;
	check((sysreg_read(id_aa64pfr0_el1) >> 32 & 15) == 1, "ID_AA64PFR0_EL1.SVE");
	report("zfr0=%lx\n", sysreg_read(S3_0_C0_C4_4));
	first_look(life == 1 ? "first" : "restart");
	if (machine.cpus > 1) {
		secondary();
		secondary();
	}
	keeps((u8)arg_number("sve.fill", 0x11));
	if (life > 2)
		return;
	report("life=%u\n", life);
	vectors_fill(arg_number("sve.fill", 0x11) * UINT64_C(0x0101010101010101));
	psci(PSCI_SYSTEM_RESET, 0, 0, 0);
}
