/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SVE (DDI 0487 B1.2, D23). EL2 uses no vectors, so it saves none: a guest that has SVE has the
 * registers of its CPUs, up to the length in ZCR_EL2. The others trap by CPTR_EL2.TZ.
 */
#include <arch/barrier.h>

#include "controls.h"
#include "cpu.h"
#include "sysreg.h"

#define ZCR_EL1   S3_0_C1_C2_0
#define SVE_QUADS 16 /* a length is 1 to 16 times 128 bits; ZCR_ELx.LEN is one less */
#define SVE_QUAD  16 /* bytes */

/* vectors.S */
int64_t sve_length(void); /* bytes of a vector as it is now; negative: the instruction traps */
void sve_reset(void);     /* Z0..Z31, P0..P15, FFR to 0, as long as they are now */

/* ZCR_EL2.LEN of a length that the CPU has not means the next one below. */
uint16_t sve_probe(const struct cpu *c)
{
	uint16_t lengths = 0;

	if (!field_get(PFR0_SVE, c->id_regs[PFR0]))
		return 0;
	write_sysreg(cptr_el2, CPTR_RES1 | CPTR_TSM);
	arch_isb();
	for (unsigned len = 0; len < SVE_QUADS && write_zcr_el2(len) == 0; len++) {
		int64_t quads;

		arch_isb();
		quads = sve_length() / SVE_QUAD;
		if (quads >= 1 && quads <= SVE_QUADS)
			lengths |= (uint16_t)(1U << (quads - 1));
	}
	return lengths;
}

void sve_load(uint32_t bits)
{
	write_zcr_el2(bits / (8 * SVE_QUAD) - 1);
	arch_isb();
	sve_reset();
	write_sysreg(ZCR_EL1, 0);
}
