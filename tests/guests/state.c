/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All state of EL1 and EL0 is as after reset when a life of a vCPU begins: of the first life, where
 * firmware and hypervisor used the CPU before, and behind a restart and a CPU_ON, where a former
 * life left everything filled. Lives are counted in shared memory, which is nobody's to clear.
 */
#include "rt.h"

const char payload_name[] = "state";

#define FILL UINT64_C(0xa5a5a5a5a5a5a5a5)

static volatile u32 cpu1_done;

static bool has_pauth(void)
{
	return sysreg_read(id_aa64isar1_el1) & 0xff0 || sysreg_read(S3_0_C0_C6_2) & 0xf000;
}

static unsigned breakpoints(void)
{
	return (sysreg_read(id_aa64dfr0_el1) >> 12 & 15) + 1;
}

static unsigned watchpoints(void)
{
	return (sysreg_read(id_aa64dfr0_el1) >> 20 & 15) + 1;
}

/* name, what it is filled with: harmless to the payload, and kept by the register. */
#define STATE(X)                                                                                   \
	X(ttbr1_el1, 0x12345000)                                                                   \
	X(afsr0_el1, 0)                                                                            \
	X(afsr1_el1, 0)                                                                            \
	X(amair_el1, 0)                                                                            \
	X(par_el1, 0x8000)                                                                         \
	X(contextidr_el1, 0x1234)                                                                  \
	X(tpidr_el0, FILL)                                                                         \
	X(tpidrro_el0, FILL)                                                                       \
	X(sp_el0, FILL)                                                                            \
	X(elr_el1, FILL)                                                                           \
	X(far_el1, FILL)                                                                           \
	X(cntkctl_el1, 3)                                                                          \
	X(cntv_ctl_el0, 2)                                                                         \
	X(cntv_cval_el0, FILL)                                                                     \
	X(cntp_ctl_el0, 2)                                                                         \
	X(cntp_cval_el0, FILL)                                                                     \
	X(fpcr, 0x01c00000)                                                                        \
	X(fpsr, 0x0800001f)                                                                        \
	X(mdscr_el1, 0x8000)                                                                       \
	X(dbgclaimclr_el1, 0)                                                                      \
	X(dbgbvr0_el1, 0x1234000)                                                                  \
	X(dbgbcr0_el1, 0x1e0)                                                                      \
	X(dbgbvr1_el1, 0x1234000)                                                                  \
	X(dbgbcr1_el1, 0x1e0)                                                                      \
	X(dbgwvr0_el1, 0x1234000)                                                                  \
	X(dbgwcr0_el1, 0x1fe0)                                                                     \
	X(dbgwvr1_el1, 0x1234000)                                                                  \
	X(dbgwcr1_el1, 0x1fe0)

/* The last that every CPU with more than six breakpoints and four watchpoints has, and the keys. */
#define KEYS(X)                                                                                    \
	X(S3_0_C2_C1_0, FILL)                                                                      \
	X(S3_0_C2_C1_1, FILL)                                                                      \
	X(S3_0_C2_C1_2, FILL)                                                                      \
	X(S3_0_C2_C1_3, FILL)                                                                      \
	X(S3_0_C2_C2_0, FILL)                                                                      \
	X(S3_0_C2_C2_1, FILL)                                                                      \
	X(S3_0_C2_C2_2, FILL)                                                                      \
	X(S3_0_C2_C2_3, FILL)                                                                      \
	X(S3_0_C2_C3_0, FILL)                                                                      \
	X(S3_0_C2_C3_1, FILL)

static void look(const char *when, unsigned cpu)
{
	u64 any = 0;

	for (unsigned i = 0; i < 64; i++)
		any |= first_simd[cpu][i];
	check(!any, "%s simd any=%lx", when, any);
#define X(name, fill) check(!sysreg_read(name), "%s " #name "=%lx", when, sysreg_read(name));
	STATE(X)
	if (has_pauth()) {
		KEYS(X)
	}
	if (breakpoints() >= 6) {
		X(dbgbvr5_el1, 0)
		X(dbgbcr5_el1, 0)
	}
	if (watchpoints() >= 4) {
		X(dbgwvr3_el1, 0)
		X(dbgwcr3_el1, 0)
	}
#undef X
	check(sysreg_read(oslsr_el1) >> 1 & 1, "%s oslsr=%lx", when, sysreg_read(oslsr_el1));
}

static void fill(void)
{
	sysreg_write(oslar_el1, 0);
	isb();
	sysreg_write(dbgclaimset_el1, 0xff);
#define X(name, value) sysreg_write(name, value);
	STATE(X)
	if (has_pauth()) {
		KEYS(X)
	}
	if (breakpoints() >= 6) {
		X(dbgbvr5_el1, 0x1234000)
		X(dbgbcr5_el1, 0x1e0)
	}
	if (watchpoints() >= 4) {
		X(dbgwvr3_el1, 0x1234000)
		X(dbgwcr3_el1, 0x1fe0)
	}
#undef X
	__asm__ volatile("mov x9, #-1\n\t"
			 ".irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,"
			 "16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31\n\t"
			 "dup v\\n\\().2d, x9\n\t"
			 ".endr"
			 :
			 :
			 : "x9", "memory");
	isb();
}

void payload_secondary(unsigned cpu)
{
	look("cpu-on", cpu);
	fill();
	cpu1_done++;
}

static void secondary(u32 times)
{
	check(cpu_start(1) && wait_until(&cpu1_done, times, 5000), "cpu 1 time=%u", times);
	while (psci(PSCI_AFFINITY_INFO, machine.mpidr[1], 0, 0) != 1)
		relax();
}

void payload_main(void)
{
	u32 *lives = shared_page(), life;

	if (!check(lives, "shared memory"))
		return;
	life = ++*lives;
	look(life == 1 ? "first" : "restart", 0);
	secondary(1);
	secondary(2);
	if (life > 2)
		return;
	report("life=%u\n", life);
	fill();
	psci(PSCI_SYSTEM_RESET, 0, 0, 0);
}
