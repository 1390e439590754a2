/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Guests as declared under /chosen, and what becomes of each: everything is decided here, one guest
 * after the other in the order of order.c, before anything is touched. A guest that cannot be
 * started has `refused`, one sentence with the reason and the remedy; it does not stop the others.
 */
#ifndef HV_PLAN_H
#define HV_PLAN_H

#include <hv/board.h>
#include <hv/entropy.h>
#include <hv/image.h>
#include <hv/limits.h>
#include <hv/pci.h>
#include <hv/s2.h>
#include <hv/status.h>
#include <hv/types.h>
#include <hv/vpci.h>

#define PLAN_MAX_DEVICES 256 /* of one guest: what a bus has */

enum plan_auto { PLAN_AUTO, PLAN_ON, PLAN_OFF, PLAN_DIRECT, PLAN_TRAPPED };

struct plan_device {
	/* Declared: parse.c */
	char host[64]; /* which function, as pci_find() reads it */
	bool has_guest_bdf;
	uint8_t intx; /* enum plan_auto */
	bool allow_no_reset, force_no_iommu, allow_shared_frame;
	/* Declared, and after planning PLAN_TRAPPED, PLAN_DIRECT or PLAN_OFF */
	uint8_t msi;
	/* Decided: pci.c, bus.c, msi.c, intx.c */
	struct pci_func *func;
	/*
	 * Complete but for as.msi.first_data and first_intid, which msi_alloc gives; as.msi.ctrl
	 * and count (vectors wanted, 0: no MSI) are set.
	 */
	struct vpci_assignment as;
	const char *intx_note; /* why it has none, or NULL */
	const char *msi_note;
};

#define PLAN_MAX_REGIONS 16 /* of one guest; so are the others */
#define PLAN_MAX_LINES   32
#define PLAN_MAX_STREAMS 16

/* Shared memory, or registers of a platform device. */
struct plan_region {
	struct range pa;
	uint64_t ipa;
	char id[16];   /* of shared memory; "": registers */
	uint8_t owner; /* role = "owner"; nothing depends on it but that there is one at most */
	bool fixed;    /* the declaration gives pa.base */
	bool first;    /* no guest before has this memory */
};

/* An interrupt of a platform device, INTIDs. */
struct plan_line {
	uint32_t pintid, vintid;
};

/* PARTIAL: a partial device tree. */
enum plan_module { MODULE_KERNEL, MODULE_RAMDISK, MODULE_PARTIAL, MODULES };

struct plan_vcpu {
	uint16_t cpu;  /* where it is: index in board->cpu */
	bool has_list; /* of the CPUs where it may be: hard-affinity */
	uint64_t list[MAX_CPUS / 64];
};

/*
 * A guest as it is declared, and what is decided about it. Filled in this order; from plan_guests()
 * on nothing changes but its seeds.
 */
#define PLAN_SVE_MOST UINT32_MAX /* declared: as much as the CPUs have */

struct guest_plan {
	int node; /* in the board's device tree */
	char name[GUEST_NAME_MAX];
	char refused[240]; /* "" : starts. A refused guest has nothing of what follows. */

	/* Declared: parse.c, shared.c */
	uint32_t vcpu_count;
	struct plan_vcpu *vcpu;       /* one each; .cpu is decided */
	uint64_t ram_size;            /* bytes in all */
	bool direct_map;              /* IPA = PA */
	struct range module[MODULES]; /* PA; size 0: none */
	char bootargs[1024];
	bool raw_kernel; /* viaduct,raw: a binary without a header, for the base of RAM */
	bool vpl011;
	uint8_t rtc, watchdog;  /* enum plan_auto; decided: PLAN_ON or PLAN_OFF */
	bool stop_on_crash;     /* on-crash = "stop" */
	uint32_t sve_bits;      /* at most, of its vectors; 0: it has no SVE */
	uint8_t pmu;            /* enum plan_auto; PLAN_ON or PLAN_OFF when planned */
	uint32_t trap_unmapped; /* 0: what nobody answers reads as all ones, writes are ignored */
	uint32_t nr_spis;
	bool has_pci;
	unsigned device_count, device_room;
	struct plan_device *device;
	unsigned region_count;
	struct plan_region region[PLAN_MAX_REGIONS]; /* IPAs are decided where they are not fixed */

	/* Of its partial device tree: platform.c */
	const void *partial_fdt; /* what guest_dt_build copies, or NULL */
	unsigned line_count, stream_count;
	struct plan_line line[PLAN_MAX_LINES];
	struct iommu_stream stream[PLAN_MAX_STREAMS]; /* of platform devices */

	/* Decided: ram.c, map.c, msi.c, clock.c, intx.c, plan.c */
	unsigned ram_count;
	struct guest_ram ram[MAX_GUEST_RAM]; /* adjacent IPAs may be in pieces of PA */
	struct image_layout image;           /* where they go, if plan->module_data was set */
	uint8_t gic_version;                 /* the host's */
	uint8_t pmu_intid;                   /* with PMU: a PPI, or 0 */
	uint32_t gic_phandle;                /* in the guest's tree */
	uint32_t spi_count;                  /* multiple of 32 */
	uint32_t rtc_virq, watchdog_virq;    /* INTIDs; 0: it has none */
	const char *rtc_note;                /* why it has no RTC, where it was not declared off */
	bool coherent;                       /* dma-coherent */
	struct vpci_config vpci;
	struct msi_ctrl *msi; /* where its devices' messages go; NULL: it has none */
	bool its;             /* what it sees of that is a virtual ITS; else a GICv2m frame */
	/* of that: GUEST_V2M_BASE; GUEST_ITS_BASE, or where its devices can write */
	ipa_t msi_base;
	uint32_t v2m_first, v2m_count; /* INTIDs of its GICv2m frame; count 0: none */

	/* Run time */
	struct entropy entropy; /* of this guest alone; set by the caller, behind plan_guests */
	/* Of its next life, from `entropy`; no seeds where that has none to give. */
	uint8_t kaslr_seed[8], rng_seed[32];
};

#define plan_for_each_device(d, g)                                                                 \
	for (struct plan_device *d = (g)->device; d && d < (g)->device + (g)->device_count; d++)

/* Of platform devices. */
#define plan_for_each_stream(s, g)                                                                 \
	for (const struct iommu_stream *s = (g)->stream; s < (g)->stream + (g)->stream_count; s++)

/* True if a device of the guest may do DMA, so that the guest needs a DMA root. */
static inline bool plan_has_dma(const struct guest_plan *g)
{
	return g->has_pci || g->stream_count;
}

struct plan {
	/*
	 * Set by the caller, behind plan_read: what all CPUs and SMMUs can do; the bytes of a
	 * module for reading (NULL: kernels are checked by their file size only).
	 */
	struct s2_geometry geo;
	const void *(*module_data)(struct range pa);

	struct board *board;
	unsigned guest_count;
	struct guest_plan *guest;
};

/* Fixed guest map: Xen's (facts: public/arch-arm.h), so images made for it run. */
/*
 * Phandles of the guest's own nodes; the first is Xen's for the GIC, and partial trees count on it.
 */
#define GUEST_PHANDLE       0xfde8
#define GUEST_PHANDLES      16
#define GUEST_SPIS          960 /* a multiple of 32 below INTID 1020 (IHI 0069 §2.2) */
#define GUEST_GICD_BASE     0x03001000
#define GUEST_GICC_BASE     0x03002000 /* GICv2 */
#define GUEST_GICR_BASE     0x03020000
#define GUEST_GICR_SIZE     0x20000 /* of each vCPU */
#define GUEST_ITS_BASE      0x02000000
#define GUEST_V2M_BASE      GUEST_ITS_BASE /* a guest has one or the other */
#define GUEST_ECAM_BASE     0x10000000
#define GUEST_UART_BASE     0x22000000
#define GUEST_RTC_BASE      0x22001000
#define GUEST_WATCHDOG_BASE 0x22002000 /* control frame, then refresh frame */
#define GUEST_MEM32_BASE    0x23000000
#define GUEST_MEM32_SIZE    0x10000000
#define GUEST_FIXED_BASE    0x03000000 /* interrupt controller, ECAM, UART: in every guest */
#define GUEST_FIXED_SIZE    (GUEST_MEM32_BASE - GUEST_FIXED_BASE)
_Static_assert(GUEST_GICR_BASE + MAX_VCPUS * (uint64_t)GUEST_GICR_SIZE <= GUEST_ECAM_BASE,
	       "every vCPU's redistributor has its place");
#define GUEST_RAM_BASE   0x40000000
#define GUEST_RAM_SIZE   UINT64_C(0xc0000000) /* up to 4 GiB */
#define GUEST_MEM64_BASE UINT64_C(0x100000000)
#define GUEST_MEM64_SIZE UINT64_C(0x100000000)
#define GUEST_HIGH_BASE  UINT64_C(0x200000000) /* RAM beyond GUEST_RAM_SIZE */

/*
 * Reads every guest's declaration, and gives pmem the board's RAM without what is taken: reserved
 * memory, Viaduct's image, the device tree, modules, and the guests' static memory. Before anything
 * is allocated.
 */
void plan_read(struct plan *p, struct board *b);

/* Decides everything. CPUs that are not online are not used; RAM comes from pmem. Owners of PCI
 * functions (pci_func.owner) are set to the guest's index. Once: it allocates. */
void plan_guests(struct plan *p);
/* The plan and every refusal, to the log. */
void plan_print(const struct plan *p);
/*
 * What one guest has: all but its PCI devices if `first` is 0, and up to `count` devices from
 * number `first` on. Returns the number of the next device, 0: that was the last. One caller at a
 * time.
 */
unsigned plan_print_guest(const struct plan *p, const struct guest_plan *g, unsigned first,
			  unsigned count);

/*
 * What is left of a guest's address space, and what its devices can address there: inside every
 * involved host bridge's dma-ranges, outside its configuration space and windows, which a root
 * complex claims for itself.
 */
struct plan_space {
	uint64_t end;
	unsigned host_count, taken_count;
	const struct pci_host *host[PLAN_MAX_DEVICES]; /* one each at most */
	struct range taken[MAX_GUEST_RAM + PLAN_MAX_REGIONS + 10];
	const char *why[MAX_GUEST_RAM + PLAN_MAX_REGIONS + 10]; /* "overlaps its RAM" */
};

struct plan_clash {
	const struct pci_host *host; /* whose; NULL: nobody's */
	const char *why;
	struct range at;
	uint64_t next; /* the lowest address where it is not in the way */
};

/* Is [r) free, and do devices reach it at these very addresses? Else *c is what is in the way. */
bool plan_reaches(const struct plan_space *s, struct range r, struct plan_clash *c);

/* The lowest place for `size` bytes, aligned, in `limits`. Pure. false: there is none. */
bool __must_check plan_place(const struct plan_space *s, struct range limits, uint64_t size,
			     uint64_t align, uint64_t *out);

#endif
