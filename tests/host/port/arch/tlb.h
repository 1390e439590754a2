/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Port: invalidation of a guest's stage-2 translations, on all CPUs, complete on return.
 * TLBI by IPA uses the current VMID (DDI 0487 D8.14): where `vttbr` is not the loaded one it is
 * switched in and out around the invalidation. Stage-1 entries derived from it go as well.
 */
#ifndef ARCH_TLB_H
#define ARCH_TLB_H

#include <stdint.h>

/* One leaf: IPAS2E1IS, DSB ISH, VMALLE1IS, DSB ISH, ISB. The caller did DSB ISHST before. */
void arch_tlb_s2_ipa(uint64_t vttbr, uint64_t ipa);
/* Everything of the VMID: VMALLS12E1IS, DSB ISH, ISB. */
void arch_tlb_s2_all(uint64_t vttbr);

#endif
