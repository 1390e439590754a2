/* SPDX-License-Identifier: Apache-2.0 */
/* The port's functions that are too long for a header: caches, stage-2 TLB, GIC registers. */
#include <arch/barrier.h>
#include <arch/cache.h>
#include <arch/gic.h>
#include <arch/tlb.h>

#include "../sysreg.h"

void arch_cache_clean_inval(const void *va, size_t size)
{
	uintptr_t line = UINT64_C(4) << (read_sysreg(ctr_el0) >> 16 & 15); /* DminLine */
	uintptr_t end = (uintptr_t)va + size;

	for (uintptr_t a = (uintptr_t)va & ~(line - 1); a < end; a += line)
		__asm__ volatile("dc civac, %0" ::"r"(a) : "memory");
	arch_dsb_sy();
}

void arch_icache_inval_all(void)
{
	__asm__ volatile("ic ialluis; dsb ish; isb" ::: "memory");
}

/*
 * Loads `vttbr` if it is not the current one. EL2 runs no EL1 translations, and the guest of this
 * CPU is not running, so nothing is walked between the two writes.
 */
static uint64_t vttbr_switch(uint64_t vttbr)
{
	uint64_t old = read_sysreg(vttbr_el2);

	if (old != vttbr) {
		write_sysreg(vttbr_el2, vttbr);
		arch_isb();
	}
	return old;
}

/*
 * On CPUs with errata 1286807 or CVE-2025-10263, TLBI and DSB may complete before a write through
 * the entry that goes is observed. A second TLBI, of whatever address, and DSB make up for it; this
 * is no hot path, so every CPU does it.
 */
static void tlbi_complete(void)
{
	__asm__ volatile("tlbi vale2is, xzr; dsb ish; isb" ::: "memory");
}

void arch_tlb_s2_ipa(uint64_t vttbr, uint64_t ipa)
{
	uint64_t old = vttbr_switch(vttbr);

	__asm__ volatile("tlbi ipas2e1is, %0; dsb ish; tlbi vmalle1is; dsb ish" ::"r"(ipa >> 12 &
										      BITS(35, 0))
			 : "memory");
	tlbi_complete();
	vttbr_switch(old);
}

void arch_tlb_s2_all(uint64_t vttbr)
{
	uint64_t old = vttbr_switch(vttbr);

	__asm__ volatile("tlbi vmalls12e1is; dsb ish" ::: "memory");
	tlbi_complete();
	vttbr_switch(old);
}

/*
 * What firmware acknowledged and never ended would mask everything of its priority for ever. Those
 * of group 0 are secure firmware's. How many exist: IHI 0069 §12.2.5, by the bits of a priority.
 */
static void forget_active_priorities(void)
{
	unsigned bits = (unsigned)(read_sysreg(ICC_CTLR_EL1) >> 8 & 7) + 1;

	write_sysreg(ICC_AP1R0_EL1, 0);
	if (bits >= 6)
		write_sysreg(ICC_AP1R1_EL1, 0);
	if (bits >= 7) {
		write_sysreg(ICC_AP1R2_EL1, 0);
		write_sysreg(ICC_AP1R3_EL1, 0);
	}
}

void arch_icc_init(void)
{
	write_sysreg(ICC_SRE_EL2, 7); /* DIB, DFB, SRE; ICC_SRE_EL1 traps: IHI 0069 §12.2.23 */
	arch_isb();
	write_sysreg(ICC_SRE_EL1, 0x7);
	arch_isb();
	forget_active_priorities();
	write_sysreg(ICC_PMR_EL1, 0xff);
	write_sysreg(ICC_BPR1_EL1, 0);
	write_sysreg(ICC_CTLR_EL1, 2); /* EOImode: drop and deactivate apart */
	write_sysreg(ICC_IGRPEN1_EL1, 1);
	arch_isb();
}

uint32_t arch_icc_iar1(void)
{
	uint32_t intid = (uint32_t)read_sysreg(ICC_IAR1_EL1);

	arch_dsb_sy(); /* the acknowledge before what the handler touches: IHI 0069 §4.2 */
	return intid & 0xffffff;
}

void arch_icc_eoir1(uint32_t intid)
{
	write_sysreg(ICC_EOIR1_EL1, intid);
	arch_isb();
}

void arch_icc_dir(uint32_t intid)
{
	write_sysreg(ICC_DIR_EL1, intid);
	arch_isb();
}

void arch_icc_sgi1r(uint64_t value)
{
	__asm__ volatile("dsb ishst" ::: "memory"); /* what the target shall see before the SGI */
	write_sysreg(ICC_SGI1R_EL1, value);
	arch_isb();
}

#define READER(name, reg)                                                                          \
	uint64_t name(void)                                                                        \
	{                                                                                          \
		return read_sysreg(reg);                                                           \
	}
#define WRITER(name, reg)                                                                          \
	void name(uint64_t v)                                                                      \
	{                                                                                          \
		write_sysreg(reg, v);                                                              \
	}

READER(arch_icc_ctlr, ICC_CTLR_EL1)
READER(arch_ich_vtr, ICH_VTR_EL2)
READER(arch_ich_hcr, ICH_HCR_EL2)
WRITER(arch_ich_hcr_write, ICH_HCR_EL2)
READER(arch_ich_vmcr, ICH_VMCR_EL2)
READER(arch_ich_eisr, ICH_EISR_EL2)
READER(arch_ich_elrsr, ICH_ELRSR_EL2)

/* ICH_LR<n>_EL2 is S3_4_C12_C<12 + n/8>_<n%8>; a register number cannot be computed. */
/* clang-format off */
#define EACH_LR(X)                                                                                 \
	X(0, 12, 0) X(1, 12, 1) X(2, 12, 2) X(3, 12, 3) X(4, 12, 4) X(5, 12, 5) X(6, 12, 6)        \
	X(7, 12, 7) X(8, 13, 0) X(9, 13, 1) X(10, 13, 2) X(11, 13, 3) X(12, 13, 4) X(13, 13, 5)    \
	X(14, 13, 6) X(15, 13, 7)
/* clang-format on */

uint64_t arch_ich_lr(unsigned n)
{
	switch (n) {
#define X(n, c, o)                                                                                 \
	case n:                                                                                    \
		return read_sysreg(S3_4_C12_C##c##_##o);
		EACH_LR(X)
#undef X
	}
	return 0;
}

void arch_ich_lr_write(unsigned n, uint64_t v)
{
	switch (n) {
#define X(n, c, o)                                                                                 \
	case n:                                                                                    \
		write_sysreg(S3_4_C12_C##c##_##o, v);                                              \
		return;
		EACH_LR(X)
#undef X
	}
}

/* ICH_AP0R<n>, ICH_AP1R<n>: how many exist follows from the preemption bits (VTR.PREbits). */
void arch_ich_vmcr_reset(void)
{
	unsigned bits = (unsigned)(read_sysreg(ICH_VTR_EL2) >> 26 & 7) + 1;

	write_sysreg(ICH_VMCR_EL2, 0);
	write_sysreg(S3_4_C12_C8_0, 0);
	write_sysreg(S3_4_C12_C9_0, 0);
	if (bits >= 6) {
		write_sysreg(S3_4_C12_C8_1, 0);
		write_sysreg(S3_4_C12_C9_1, 0);
	}
	if (bits >= 7) {
		write_sysreg(S3_4_C12_C8_2, 0);
		write_sysreg(S3_4_C12_C8_3, 0);
		write_sysreg(S3_4_C12_C9_2, 0);
		write_sysreg(S3_4_C12_C9_3, 0);
	}
}
