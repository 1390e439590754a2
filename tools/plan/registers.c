/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the registers of a board are taken to hold, where the tree does not say: what parts of that
 * kind commonly have. Every assumption is printed; --reg corrects it.
 */
#include <hv/dt.h>
#include <hv/gic.h>
#include <spec/gicv2m.h>
#include <spec/smmuv2.h>
#include <spec/smmuv3.h>

#include "tool.h"

static bool next(const void *fdt, int *node, const char *compatible, struct range *r)
{
	while ((*node = dt_next(fdt, *node, compatible)) >= 0)
		if (dt_enabled(fdt, *node) && dt_reg(fdt, *node, 0, r) == HV_OK)
			return true;
	return false;
}

/* Global abort is taken at once; commands are done when they are given. */
static void smmuv3(uintptr_t at)
{
	register_set(at + SMMU_GBPA, GBPA_ABORT, false);
	register_set(at + SMMU_IDR0,
		     IDR0_S2P | IDR0_COHACC | FIELD(IDR0_TTF, TTF_AARCH64) |
			     FIELD(IDR0_ST_LEVEL, ST_TWO_LEVEL),
		     false);
	register_set(at + SMMU_IDR1,
		     FIELD(IDR1_SIDSIZE, 32) | FIELD(IDR1_CMDQS, 8) | FIELD(IDR1_EVENTQS, 7),
		     false);
	register_set(at + SMMU_IDR5, FIELD(IDR5_OAS, 5) | IDR5_GRAN4K, false);
	register_echo(at + SMMU_CR0, at + SMMU_CR0ACK);
	register_echo(at + SMMU_IRQ_CTRL, at + SMMU_IRQ_CTRLACK);
	register_echo(at + SMMU_CMDQ_PROD, at + SMMU_CMDQ_CONS);
}

/* Half of the region is context banks; at least as many as there can be guests, if they fit. */
static void smmuv2(struct range r, bool v2)
{
	unsigned page = r.size >= MIB(4) ? 16 : 12, half = 1;

	while (half < 256 && (uint64_t)4 * half << page <= r.size)
		half *= 2;
	register_set(r.base + SMMUV2_IDR0,
		     IDR0_S2TS | IDR0_SMS | IDR0_CTTW | FIELD(IDR0_NUMSIDB, 15) |
			     FIELD(IDR0_NUMSMRG, 32),
		     false);
	register_set(r.base + SMMUV2_IDR1,
		     (page == 16 ? IDR1_PAGESIZE : 0) |
			     field_put(0, IDR1_NUMPAGENDXB, half < 4 ? 0 : log2_floor(half) - 1) |
			     field_put(0, IDR1_NUMCB, MIN(half, 8u)),
		     false);
	register_set(r.base + SMMUV2_IDR2,
		     v2 ? FIELD(IDR2_OAS, 5) | FIELD(IDR2_IAS, 5) | IDR2_PTFS_4K :
			  FIELD(IDR2_OAS, 2) | FIELD(IDR2_IAS, 2),
		     false);
	register_echo(r.base + SMMUV2_CR0, r.base + SMMUV2_CR0);
}

static void assume_smmuv2(const void *fdt)
{
	static const struct {
		const char *compatible;
		bool v2;
	} kinds[] = { { "arm,smmu-v2", true },
		      { "arm,mmu-500", true },
		      { "arm,smmu-v1", false },
		      { "arm,mmu-400", false },
		      { "arm,mmu-401", false } };
	bool some = false;
	struct range r;

	for (unsigned i = 0; i < ARRAY_SIZE(kinds); i++)
		for (int n = -1; next(fdt, &n, kinds[i].compatible, &r); some = true)
			smmuv2(r, kinds[i].v2 || dt_compatible(fdt, n, "arm,mmu-500") ||
					  dt_compatible(fdt, n, "arm,smmu-v2"));
	if (some)
		assume("SMMUv1/v2: stage 2, %s, 32 stream match registers, 8 contexts, coherent "
		       "walks where the tree has dma-coherent",
		       "40-bit addresses (v2: 48)");
}

/* Juno's frames have 32 SPIs each, one behind the other; of others nothing is known. */
static void assume_v2m(const void *fdt)
{
	bool juno = dt_compatible(fdt, 0, "arm,juno") || dt_compatible(fdt, 0, "arm,juno-r1") ||
		    dt_compatible(fdt, 0, "arm,juno-r2");
	uint32_t first = juno ? 224 : 96;
	struct range r;

	for (int n = -1; next(fdt, &n, "arm,gic-v2m-frame", &r); first += 32) {
		register_set(r.base + V2M_TYPER,
			     field_put(0, V2M_TYPER_BASE, first) | FIELD(V2M_TYPER_SPIS, 32),
			     false);
		if (!dt_bool(fdt, n, "arm,msi-base-spi") || !dt_bool(fdt, n, "arm,msi-num-spis"))
			assume("v2m frame 0x%llx: SPIs %u to %u%s (--reg 0x%llx=MSI_TYPER)",
			       (unsigned long long)r.base, first - 32, first - 1,
			       juno ? ", as Linux says on this board" : "",
			       (unsigned long long)r.base + V2M_TYPER);
	}
}

void registers_assume(const void *fdt)
{
	bool some = false;
	struct range r;

	for (int n = -1; next(fdt, &n, "arm,smmu-v3", &r); some = true)
		smmuv3(r.base);
	if (some)
		assume("SMMUv3: stage 2, 48-bit addresses, two-level stream table, coherent walks "
		       "where the tree has dma-coherent");
	assume_smmuv2(fdt);
	assume_v2m(fdt);
}
