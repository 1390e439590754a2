/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stage-2 translation tables (DDI 0487 D8.3): 4 KiB granule, blocks of 1 GiB and 2 MiB.
 *
 * A leaf that is not valid may carry a mark: which emulator answers there. The table is thus the
 * one place that says what an IPA means, and a trap finds its emulator in at most three loads,
 * however many devices there are.
 *
 * Locking: the caller holds the guest's configuration lock for s2_map, s2_unmap and s2_mark.
 * s2_mark_at takes no lock, and may be held up between two loads for any time, while its tables are
 * freed and used again. It is safe because of four rules, whatever the timing:
 *
 *  1. A page that was a table of level 2 (or 3) is never anything else but a table of that level:
 *     each level has its own pool (struct s2_pool), and pages go back to the one they came from.
 *     The root is never freed.
 *  2. At every moment each entry of such a page, in use or not, is a legal entry of its level: the
 *     pool links its pages outside of them, and a free page is all zero. So an entry that looks
 *     like a table pointer at level 1 (or 2) points to a page of level 2 (or 3), and by rule 1 that
 *     page still is one.
 *  3. Entries are read once and written with single 64-bit stores. The address of each load comes
 *     from the load before (an address dependency, DDI 0487 B2.3.3), and a table is filled and
 *     made visible (DSB) before the entry that points to it: a new table is never read unfilled.
 *  4. What the walk returns is zero, "mapped", or a mark of this guest. A table is freed only when
 *     all its entries are zero, that of the walked address included: so the answer can be another
 *     address's only where this address has just lost its own, or has none. "Mapped" makes the
 *     guest execute the access again. So does a mark whose emulator's range the address is not in
 *     (vm_emulate_access checks it). vPCI's marks have no one range, so vPCI looks at the BARs.
 *
 * Walkers of hardware (CPUs, SMMU) need more, because they cache: a table returns to its pool only
 * after the invalidation (DSB, TLBI, DSB, then the SMMU's) that ends every use of it.
 */
#ifndef HV_S2_H
#define HV_S2_H

#include <hv/status.h>
#include <hv/types.h>

/* What all CPUs and all SMMUs that serve a guest can do; decided once, see s2_geometry(). */
struct s2_geometry {
	uint8_t ipa_bits;   /* 32..40 */
	uint8_t root_pages; /* concatenated root tables: 1 or 2 */
	uint8_t ps;         /* encoding of the output size, VTCR_EL2.PS and STE.S2PS */
	bool fwb;
};

/* What all of some walkers can do: the CPUs, or the SMMUs. */
struct s2_limits {
	unsigned pa_bits; /* of physical addresses */
	bool fwb;         /* FEAT_S2FWB, SMMU_IDR3.FWB */
};

/* An address size as the ID registers of CPUs and SMMUs encode it, in bits. */
uint8_t s2_address_bits(unsigned size);

/*
 * One geometry for every guest and both roots. IPA size: at most 40 bits, so that two concatenated
 * level-1 tables are enough; what is larger than 48 bits (PARange 6) is clamped. FWB only where
 * all CPUs and all SMMUs have it. Pure.
 */
struct s2_geometry s2_geometry(struct s2_limits cpus, struct s2_limits smmus);

enum s2_type {
	S2_RAM,      /* Normal write-back, read, write, execute */
	S2_BAR_NC,   /* PCI BAR: Normal-NC, stage-1 may strengthen it to Device */
	S2_DEVICE,   /* Device-nGnRE, read, write, never execute */
	S2_DOORBELL, /* Device-nGnRE, write only; DMA root only */
};

/* How many tables of level 2 and 3 a range can need. */
struct s2_need {
	unsigned level2, level3;
};

/* Who walks the tables. */
enum s2_walker {
	S2_CPUS,            /* unmap invalidates their TLBs */
	S2_SMMU,            /* reads what is in the CPUs' caches */
	S2_SMMU_NONCOHERENT /* reads memory: every written entry is cleaned */
};

/* The tables of one level that are not in use; they come from it and return to it for ever. */
struct s2_pool {
	uint64_t **spare; /* a stack: [0, free) can be taken */
	unsigned free;
	unsigned dead; /* [free, free + dead): out of the tree, perhaps in the walkers' caches */
};

#define S2_FIRST_POOL 2 /* the root is of level 1 */
#define S2_POOLS      2

struct s2 {
	struct s2_geometry geo;
	uint16_t vmid;
	enum s2_walker walker;
	pa_t root;
	struct s2_pool pool[S2_POOLS]; /* of level 2 and of level 3 */
};

/*
 * Boot: what is called after each unmap of a root that an SMMU walks, for its TLBI and SYNC. NULL:
 * nothing.
 */
typedef void s2_flush_fn(uint16_t vmid, ipa_t ipa, uint64_t size);
void s2_set_flush(s2_flush_fn *flush);

#define S2_MARK_BITS 40 /* a mark is a nonzero number of at most this many bits */

/* Allocates the root and spare tables from pmem; HV_ENOMEM. Boot only. */
enum hv_status __must_check s2_init(struct s2 *s2, struct s2_geometry geo, uint16_t vmid,
				    struct s2_need need, enum s2_walker walker);

/*
 * Maps [ipa, ipa+size) to [pa, ...), all 4 KiB aligned, with the largest blocks that fit. The
 * range must not be mapped yet: HV_ECONFLICT; a mark there is replaced. HV_ENOMEM when a pool is
 * exhausted: decided before anything is written (prepare, then commit). HV_EINVAL: bad alignment
 * or beyond the IPA size.
 */
enum hv_status __must_check s2_map(struct s2 *s2, ipa_t ipa, pa_t pa, uint64_t size,
				   enum s2_type type);
/* Leaves that carry `mark`, nonzero: who emulates this range. Same rules as s2_map. */
enum hv_status __must_check s2_mark(struct s2 *s2, ipa_t ipa, uint64_t size, uint64_t mark);
/* Removes mappings and marks; empty tables return to their pools. Break-before-make and TLB
 * invalidation are complete on return. */
void s2_unmap(struct s2 *s2, ipa_t ipa, uint64_t size);

/*
 * The mark of `ipa`, for the trap path: 0 for none, S2_MAPPED where the leaf is valid. Tables are
 * walked from level 1, the only start that s2_geometry() gives. Any CPU, no lock: see above.
 */
#define S2_MAPPED (~UINT64_C(0))
static inline uint64_t s2_mark_at(const struct s2 *s2, ipa_t ipa)
{
	const uint64_t table_bits = 3, address = ((UINT64_C(1) << 48) - 1) & ~(PAGE_SIZE - 1);
	const uint64_t *table = pa_to_va(s2->root);
	uint64_t pte;

	if (__builtin_expect(ipa.v >> s2->geo.ipa_bits != 0, 0))
		return 0;
	pte = __atomic_load_n(&table[ipa.v >> 30], __ATOMIC_RELAXED);
	if (__builtin_expect((pte & table_bits) == table_bits, 1)) {
		table = pa_to_va(PA(pte & address));
		pte = __atomic_load_n(&table[ipa.v >> 21 & 511], __ATOMIC_RELAXED);
		if (__builtin_expect((pte & table_bits) == table_bits, 1)) {
			table = pa_to_va(PA(pte & address));
			pte = __atomic_load_n(&table[ipa.v >> 12 & 511], __ATOMIC_RELAXED);
		}
	}
	return pte & 1 ? S2_MAPPED : pte >> 1;
}

uint64_t s2_vtcr(const struct s2 *s2);  /* VTCR_EL2 for this geometry (DDI 0487 D23.2) */
uint64_t s2_vttbr(const struct s2 *s2); /* VTTBR_EL2: VMID and root */

#endif
