/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Attacks by code at EL0: the attacker's own processes. They have a page of code (read only), one
 * of data, and the distributor and the UART. Any exception ends a process.
 */
#include "attack.h"

#define USER_GIB  UINT64_C(511) /* of the map; nothing else is there */
#define USER_CODE (USER_GIB << 30)
#define USER_DATA (USER_CODE + 0x1000)
#define USER_GICD (USER_CODE + 0x2000)
#define USER_UART (USER_CODE + 0x3000)
#define PAGE      (UINT64_C(3) | BIT(10)) /* VMSAv8-64: valid, a page, AF */
#define SHARED    (UINT64_C(3) << 8)
#define USER_RW   BIT(6)
#define USER_RO   (BIT(7) | BIT(6))
#define NEVER_RUN (BIT(54) | BIT(53))
#define NORMAL    (UINT64_C(1) << 2) /* MAIR of rt.c */
#define ADDRESS   UINT64_C(0x0000fffffffff000)

#define SVC    UINT32_C(0xd4000001)
#define ALL_FP (BIT(16) | BIT(17) | BIT(20) | BIT(21) | BIT(24) | BIT(25)) /* CPACR_EL1 */
#define MASKED UINT64_C(0x3c0)                                             /* SPSR: EL0, DAIF */
#define EC_SVC 0x15
#define FIQ    UINT64_C(0xf1f1)

#define AARCH32_GIB UINT64_C(3)     /* the same pages once more, where 32 bits reach */
#define THUMB       UINT64_C(0x1f0) /* SPSR: User, AIF masked, T32 */
#define THUMB_Z     BIT(30)
#define EC_SVC32    0x11

static u32 code[1024] __attribute__((aligned(4096)));
static u8 data[4096] __attribute__((aligned(4096)));
static u64 l2[512] __attribute__((aligned(4096))), l3[512] __attribute__((aligned(4096)));

/*
 * u64 user_enter(pc, spsr, x): runs at EL0, with x in many registers, until an exception. Returns
 * ESR_EL1, 0 for an IRQ, FIQ for an FIQ. SP_EL1 stays as it is at EL0, with what must be kept.
 */
u64 user_enter(u64 pc, u64 spsr, u64 x) __attribute__((visibility("hidden")));
extern char user_vectors[] __attribute__((visibility("hidden")));
__asm__(".text\n"
	".balign 4\n"
	"user_enter:\n\t"
	"stp x29, x30, [sp, #-96]!\n\t"
	"stp x19, x20, [sp, #16]\n\tstp x21, x22, [sp, #32]\n\tstp x23, x24, [sp, #48]\n\t"
	"stp x25, x26, [sp, #64]\n\tstp x27, x28, [sp, #80]\n\t"
	"msr elr_el1, x0\n\tmsr spsr_el1, x1\n\tmsr sp_el0, x2\n\t"
	".irp n, 0, 1, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 19, 20, 21, 22, 29, 30\n\t"
	"mov x\\n, x2\n\t"
	".endr\n\t"
	"isb\n\teret\n"
	"user_leave:\n\t"
	"ldp x19, x20, [sp, #16]\n\tldp x21, x22, [sp, #32]\n\tldp x23, x24, [sp, #48]\n\t"
	"ldp x25, x26, [sp, #64]\n\tldp x27, x28, [sp, #80]\n\t"
	"ldp x29, x30, [sp], #96\n\t"
	"ret\n"
	".balign 2048\n"
	"user_vectors:\n\t"
	".rept 4\n\t.balign 128\n\tb .\n\t.endr\n\t"
	".rept 4\n\t.balign 128\n\tmrs x0, esr_el1\n\tb user_leave\n\t.endr\n\t"
	".balign 128\n\tmrs x0, esr_el1\n\tb user_leave\n\t"
	".balign 128\n\tmov x0, #0\n\tb user_leave\n\t"
	".balign 128\n\tmov x0, #0xf1f1\n\tb user_leave\n\t"
	".balign 128\n\tmov x0, #0\n\tb user_leave\n\t"
	".rept 4\n\t.balign 128\n\tmrs x0, esr_el1\n\tb user_leave\n\t.endr\n"); /* AArch32 */

static void map_user(void)
{
	u64 *l0 = (u64 *)(sysreg_read(ttbr0_el1) & ADDRESS), *l1 = (u64 *)(l0[0] & ADDRESS);

	l3[0] = (u64)code | PAGE | SHARED | NORMAL | USER_RO;
	l3[1] = (u64)data | PAGE | SHARED | NORMAL | USER_RW | NEVER_RUN;
	l3[2] = machine.gicd | PAGE | USER_RW | NEVER_RUN;
	l3[3] = machine.uart | PAGE | USER_RW | NEVER_RUN;
	l2[0] = (u64)l3 | 3;
	l1[USER_GIB] = 0;
	__asm__ volatile("dsb ish\n\ttlbi vmalle1is\n\tdsb ish" : : : "memory");
	l1[USER_GIB] = (u64)l2 | 3;
	__asm__ volatile("dsb ish\n\tisb" : : : "memory");
}

/* At EL0, from `pc` on, which is behind words `at` to `end` of the code. */
static u64 run_words(unsigned at, unsigned end, u64 pc, u64 spsr, u64 x)
{
	u64 vbar = sysreg_read(vbar_el1), cpacr = sysreg_read(cpacr_el1), esr;

	for (unsigned i = at; i <= end; i += 16)
		__asm__ volatile("dc cvau, %0\n\tdsb ish" : : "r"(&code[i]) : "memory");
	__asm__ volatile("ic ialluis\n\tdsb ish\n\tisb" : : : "memory");
	sysreg_write(cpacr_el1, cpacr | ALL_FP);
	sysreg_write(vbar_el1, (u64)user_vectors);
	isb();
	esr = user_enter(pc, spsr, x);
	sysreg_write(vbar_el1, vbar);
	sysreg_write(cpacr_el1, cpacr);
	isb();
	return esr;
}

/* `n` instructions at EL0, at the middle of a page of SVC. */
static u64 run_user(const u32 *insn, unsigned n, u64 spsr, u64 x)
{
	const unsigned at = ARRAY_COUNT(code) / 2;
	u64 esr;

	for (unsigned i = at; i < at + n; i++)
		code[i] = insn[i - at];
	code[at + n] = SVC;
	esr = run_words(at, at + n, USER_CODE + 4 * at, spsr, x);
	for (unsigned i = at; i < at + n; i++)
		code[i] = SVC;
	return esr;
}

static void prepare(void)
{
	static const u32 nothing = 0xd503201f; /* NOP */

	for (unsigned i = 0; i < ARRAY_COUNT(code); i++)
		code[i] = SVC;
	map_user();
	if (ESR_EC(run_user(&nothing, 1, MASKED, 0)) != EC_SVC)
		broke("code does not run at EL0"); /* the attack itself is at fault */
}

static void must_be_undefined(u32 insn)
{
	u64 esr = run_user(&insn, 1, MASKED, USER_DATA);

	if (ESR_EC(esr) != 0)
		broke("%x at EL0 ended in ESR %lx", insn, esr);
}

ATTACK(user_calls_and_vectors, ONCE, "HVC, SMC, SVE and SME at EL0, whatever CPACR_EL1 allows",
       "calls are undefined at EL0; CPTR_EL2.TZ and TSM trap the rest, which is undefined",
       "arch/arm64/controls.c")
{
	static const u32 insn[] = {
		0xd4000002, 0xd4000003, 0xd400ffe2, /* HVC, SMC, HVC #0x7ff */
		0x04bf5020, 0x2518e3e0, 0x04206000, /* RDVL, PTRUE, ADD Z */
		0x04bf5820, 0xd503477f, 0xc00800ff, /* RDSVL, SMSTART, ZERO {ZA} */
	};

	prepare();
	for (unsigned i = 0; i < ARRAY_COUNT(insn); i++)
		must_be_undefined(insn[i]);
}

ATTACK(user_random_instructions, ONCE,
       "20000 random instructions at EL0, with addresses of its data, code, GIC and UART",
       "a trap from EL0 is handled as one from EL1; what is not known is undefined",
       "arch/arm64/trap.c")
{
	static const u64 x[] = { USER_DATA + 0x800, USER_CODE + 0x400, USER_GICD + 0x104,
				 USER_UART };

	prepare();
	for (unsigned i = 0; i < 20000; i++) {
		u32 insn = (u32)rnd();

		run_user(&insn, 1, MASKED, x[i % ARRAY_COUNT(x)]);
	}
}

ATTACK(user_registers, ONCE, "every system register that EL0 may name is read and written at EL0",
       "unknown registers trap and are undefined; the hypervisor has none at EL0",
       "arch/arm64/trap.c")
{
	prepare();
	for (u32 op0 = 1; op0 < 4; op0++)
		for (u32 fields = 0; fields < 0x8000; fields += 1 + (op0 == 1)) {
			/* MSR and MRS; op1 = 3 only: others are undefined by themselves. */
			u32 e = op0 << 19 | (fields & 0x3800) << 5 | (fields & 0x7ff) << 5;
			u32 insn = 0xd5000000 | e | (fields & 0x4000) << 7;

			if ((fields & 0x3800) == 0x1800)
				run_user(&insn, 1, MASKED, USER_DATA);
		}
}

ATTACK(user_waits_for_fiq, NEED_V3 | ONCE,
       "interrupts in group 0, sent by SGI0R and SGI1R, with FIQs unmasked at EL0",
       "there is one group of interrupts for guests: no FIQ", "common/vgic/lr.c")
{
	u64 sgi = gic_redist() + 0x10000;

	prepare();
	w32(sgi + 0x80, 0);    /* GICR_IGROUPR0: group 0 */
	w32(sgi + 0x100, ~0U); /* GICR_ISENABLER0 */
	__asm__ volatile("msr S3_0_C12_C12_6, %0\n\tisb" : : "r"(UINT64_C(1))); /* ICC_IGRPEN0 */
	for (u64 i = 0; i < 200; i++) {
		static const u32 wait[] = { 0xd503201f, 0xd503201f, 0xd503201f, 0xd503201f };
		u64 to_self = (i % 16) << 24 | 1;

		__asm__ volatile("msr S3_0_C12_C11_7, %0\n\tmsr S3_0_C12_C11_5, %0\n\tisb"
				 :
				 : "r"(to_self));
		if (run_user(wait, ARRAY_COUNT(wait), 0x180, 0) == FIQ) /* D and A: masked */
			broke("an FIQ");
	}
	w32(sgi + 0x80, ~0U);
	__asm__ volatile("msr S3_0_C12_C12_6, %0\n\tisb" : : "r"(UINT64_C(0)));
}

/* Four T32 instructions; which SVC of them is reached, or -1. All registers: the UART. */
static int run_thumb(u64 four, u64 flags)
{
	u64 esr, uart = (AARCH32_GIB << 30) + (USER_UART - USER_CODE);

	code[0] = (u32)four;
	code[1] = four >> 32;
	esr = run_words(0, 1, AARCH32_GIB << 30, THUMB | flags, uart);
	return ESR_EC(esr) == EC_SVC32 ? (int)(esr & 0xffff) : -1;
}

ATTACK(user_thumb_at_a_device, ONCE,
       "a process in AArch32 loads from a device by two bytes of code, in an IT block too",
       "ESR_EL2.IL says where the next instruction is, and the IT block goes on",
       "arch/arm64/trap.c")
{
	u64 *l0 = (u64 *)(sysreg_read(ttbr0_el1) & ADDRESS), *l1 = (u64 *)(l0[0] & ADDRESS);
	u64 was = l1[AARCH32_GIB];
	int svc;

	if ((sysreg_read(id_aa64pfr0_el1) & 15) < 2)
		return; /* no AArch32 here */
	prepare();
	l1[AARCH32_GIB] = 0;
	__asm__ volatile("dsb ish\n\ttlbi vmalle1is\n\tdsb ish" : : : "memory");
	l1[AARCH32_GIB] = l1[USER_GIB];
	__asm__ volatile("dsb ish\n\tisb" : : : "memory");
	svc = run_thumb(0xdf03df02df016801, 0); /* LDR R1, [R0]; SVC 1; SVC 2; SVC 3 */
	if (svc != 1)
		broke("behind a load of two bytes: SVC %d", svc);
	svc = run_thumb(0xdf02df016801bf0c, THUMB_Z); /* ITE EQ; LDREQ R1, [R0]; SVCNE 1; SVC 2 */
	if (svc != 2)
		broke("behind a load in an IT block: SVC %d", svc);
	l1[AARCH32_GIB] = was;
	__asm__ volatile("dsb ish\n\ttlbi vmalle1is\n\tdsb ish\n\tisb" : : : "memory");
}

ATTACK(user_big_endian_at_a_device, ONCE,
       "a big-endian process reads and writes registers of the distributor",
       "the bytes of a word are swapped where SCTLR_EL1.E0E says so", "arch/arm64/trap.c")
{
	/* LDR W1, [X0, #8]; STR W1, [X0, #-0x1000]: GICD_IIDR to the data; then to priorities. */
	static const u32 insn[] = { 0xb9400801, 0xd1400403, 0xb9000061,
				    0x52820404, 0x72a60804, 0xb9042004 };
	u64 sctlr = sysreg_read(sctlr_el1);
	u32 prio;

	if (!(sysreg_read(id_aa64mmfr0_el1) & 0xf0f00))
		return; /* always little-endian */
	prepare();
	sysreg_write(sctlr_el1, sctlr | BIT(24));
	isb();
	run_user(insn, ARRAY_COUNT(insn), MASKED, USER_GICD);
	sysreg_write(sctlr_el1, sctlr);
	isb();
	if (r32((u64)data) != r32(machine.gicd + 8)) /* swapped twice: by the load and the store */
		broke("GICD_IIDR is %x, read big-endian %x", r32(machine.gicd + 8), r32((u64)data));
	prio = r32(machine.gicd + 0x420);
	if (prio != 0x20104030)
		broke("0x30401020, written big-endian, is %x", prio);
}
