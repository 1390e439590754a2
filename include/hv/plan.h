/*
 * Guests as declared under /chosen, and what becomes of each: everything is decided here, in
 * device-tree order, before anything is touched. A guest that cannot be started has `refused`,
 * one sentence naming the node and the remedy; it does not stop the others.
 */
#ifndef HV_PLAN_H
#define HV_PLAN_H

#include <hv/board.h>
#include <hv/limits.h>
#include <hv/pci.h>
#include <hv/s2.h>
#include <hv/status.h>
#include <hv/types.h>
#include <hv/vpci.h>

#define PLAN_MAX_DEVICES 256

struct plan_device {
	int node;		 /* in the host tree */
	char host[64];
	struct pci_func *func;
	struct vpci_assignment as;
	bool has_guest_bdf;
	uint8_t intx;		 /* enum plan_auto */
	uint8_t msi;
	bool allow_no_reset, force_no_iommu, allow_shared_frame, p2p, raw_vendor_caps, raw_gaps,
		atomic_ops;
};

enum plan_auto { PLAN_AUTO, PLAN_ON, PLAN_OFF, PLAN_DIRECT, PLAN_TRAPPED };

struct guest_plan {
	int node;
	char name[GUEST_NAME_MAX];
	char refused[200];	   /* "" : starts */
	uint32_t vcpu_count;
	uint8_t cpu[MAX_VCPUS];	   /* physical CPU of each vCPU */
	uint64_t ram_size;	   /* bytes */
	ipa_t ram_ipa;
	pa_t ram_pa;		   /* by pmem_alloc_guest */
	struct range kernel;	   /* PA of the modules; size 0: none */
	struct range ramdisk;
	char bootargs[1024];
	bool vpl011;
	uint32_t spi_count;
	bool has_pci;
	bool coherent;		   /* dma-coherent */
	bool its;
	struct msi_ctrl *msi;
	unsigned device_count;
	struct plan_device *device; /* slice of one array */
	struct vpci_config vpci;
};

struct plan {
	struct board *board;
	struct s2_geometry geo;
	unsigned guest_count;
	struct guest_plan guest[MAX_VMS];
};

/* Fixed guest map: Xen's (facts: public/arch-arm.h), so images made for it run. */
#define GUEST_GICD_BASE	   0x03001000
#define GUEST_GICR_BASE	   0x03020000
#define GUEST_ITS_BASE	   0x02000000
#define GUEST_ECAM_BASE	   0x10000000
#define GUEST_UART_BASE	   0x22000000
#define GUEST_MEM32_BASE   0x23000000
#define GUEST_MEM32_SIZE   0x10000000
#define GUEST_RAM_BASE	   0x40000000
#define GUEST_MEM64_BASE   UINT64_C(0x100000000)
#define GUEST_MEM64_SIZE   UINT64_C(0x100000000)

/* Finds the module ranges of all guests, for pmem_reserve, before anything is allocated. Returns
 * the count, at most `max`; bad ones are left out (plan_guests refuses their guest). */
unsigned plan_modules(const struct board *b, struct range *out, unsigned max);

/* Decides everything. CPUs that are not online are not used; RAM comes from pmem. */
void plan_guests(struct plan *p, struct board *b);
/* The plan and every refusal, to the log. */
void plan_print(const struct plan *p);

#endif
