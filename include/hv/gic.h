/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The physical interrupt controller behind one interface, for GICv3 and GICv2. List
 * registers have the GICv3 format (ICH_LR<n>_EL2, IHI 0069 §12.4.6) for both; those of GICv2 have
 * the sender of an SGI in LR_SOURCE.
 */
#ifndef HV_GIC_H
#define HV_GIC_H

#include <hv/status.h>
#include <hv/types.h>

struct gic_ops {
	/* On that CPU: redistributor, CPU interface, list registers; EL2's own SGIs and PPIs on. */
	enum hv_status (*cpu_init)(unsigned cpu, uint64_t mpidr);
	uint32_t (*ack)(void);              /* INTID; 1020..1023: nothing pending */
	void (*drop)(uint32_t intid);       /* EOIR: priority drop */
	void (*deactivate)(uint32_t intid); /* DIR */
	void (*send_sgi)(unsigned cpu, unsigned sgi);

	/* The virtual CPU interface of this CPU. */
	uint64_t (*lr_read)(unsigned n);
	void (*lr_write)(unsigned n, uint64_t lr);
	uint64_t (*elrsr)(void); /* bit n: list register n is free */
	uint64_t (*eisr)(void);
	uint64_t (*hcr_read)(void);
	void (*hcr_write)(uint64_t hcr); /* ICH_HCR_EL2 */
	uint64_t (*vmcr_read)(void);
	void (*vmcr_reset)(void); /* with the active priorities */
};

struct gic {
	const struct gic_ops *ops;
	uint32_t spi_count; /* SPIs 32 .. 32 + spi_count */
	uint8_t lr_count;   /* smallest of all CPUs */
	uint8_t version;    /* 3 or 2 */
	pa_t gicv;          /* version 2: the page of the CPU interface for guests */
	bool has_lpis;
	bool soft_linked; /* EL2 deactivates what is hardware-linked elsewhere: gicv2_link.c */
	bool has_tdir;    /* ICH_HCR_EL2.TDIR traps ICC_DIR_EL1 alone */
};

extern struct gic gic;

/*
 * One interrupt line; `cpu` selects the redistributor for SGIs and PPIs (INTID < 32). It is the CPU
 * that calls: with GICv2 nobody reaches those of another.
 */
void gic_set_enabled(unsigned cpu, uint32_t intid, bool on); /* off: complete on return */
void gic_set_edge(unsigned cpu, uint32_t intid, bool edge);
void gic_set_pending(unsigned cpu, uint32_t intid, bool on);
void gic_set_active(unsigned cpu, uint32_t intid, bool on);
bool gic_is_pending(unsigned cpu, uint32_t intid);
void gic_route(uint32_t intid, unsigned cpu); /* SPIs */

void gic_vcpu_reset(void); /* the virtual CPU interface of this CPU: off, and all of it clear */

/* GICv2, SGIs: the vCPU that sent it, where a HW-linked line has its physical INTID. */
#define LR_SOURCE BITS(34, 32)

/* Priorities on the physical side: one for everything, from cpu_init and gic_init on. */
#define GIC_PRIO 0x80

/*
 * The controller at `node`, as board.c found it, for `cpus` CPUs: finds and resets the distributor.
 * Maps nothing: the caller mapped every `reg` of the node as Device. HV_EUNSUPP and HV_EINVAL with
 * a log line.
 */
enum hv_status __must_check gic_init(const void *fdt, int node, unsigned version, unsigned cpus);

#endif
