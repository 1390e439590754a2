/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A machine with a GIC, as struct gic_ops sees it: physical lines with wires, and per CPU list
 * registers that behave as IHI 0069 says while a guest acknowledges, ends and deactivates. What
 * the architecture calls UNPREDICTABLE (two list registers with one vINTID, HW-linked pending and
 * active, a linked line that is not active) aborts the test.
 *
 * On top of it a world of one guest: vCPU n is on CPU n.
 */
#ifndef GIC_MODEL_H
#define GIC_MODEL_H

#include <hv/gic.h>
#include <hv/plan.h>
#include <hv/vm.h>

#define MODEL_CPUS 40
#define MODEL_NONE 1023U

struct gic_model_line {
	bool enabled, pending, active, edge, level;
	uint8_t cpu; /* route, SPIs */
};

extern uint8_t gic_model_version;   /* 3 or 2; for what is reset from now on */
extern bool gic_model_counts_drops; /* EOIcount counts EOIR with EOImode 1, as on QEMU */
extern bool gic_model_threads;      /* each CPU is a thread, which takes its interrupts itself */
extern bool gic_model_lpi_active;   /* an LPI is active after acknowledge, as on QEMU */

void gic_model_reset(unsigned lr_count);
void gic_model_on_cpu(unsigned cpu); /* who executes EL2's code */
struct gic_model_line *gic_model_line(unsigned cpu, uint32_t intid);
void gic_model_wire(unsigned cpu, uint32_t intid, bool level); /* edge: latches when it rises */
bool gic_model_interrupted(unsigned cpu);
uint64_t gic_model_lr(unsigned cpu, unsigned n);
uint64_t gic_model_hcr(unsigned cpu);
unsigned gic_model_in_lrs(unsigned cpu, uint32_t vintid); /* how many hold it */

/*
 * The guest. ack: the INTID (GICv2: IAR, with the source of an SGI) or MODEL_NONE. dir: false when
 * it traps.
 */
void gic_model_repost(unsigned cpu); /* its own SGI_KICK: it leaves the guest at once */
void gic_model_eoimode(unsigned cpu, bool one);
uint32_t gic_model_guest_ack(unsigned cpu);
void gic_model_guest_eoi(unsigned cpu, uint32_t intid);
bool gic_model_guest_dir(unsigned cpu, uint32_t intid);

/* The world. */
extern struct vm world_vm;
extern unsigned world_exits[MODEL_CPUS]; /* interrupts that made a CPU leave its guest */
extern bool world_kicks_at_once;         /* a kicked CPU acts when its kicker waits or is done */
extern struct vcpu *world_lpis_vcpu;     /* vits_enable_lpis was called for */
extern uint64_t world_lpis_prop, world_lpis_pend;

#define WORLD_DIST   GUEST_GICD_BASE
#define WORLD_REDIST GUEST_GICR_BASE
#define WORLD_GICC   GUEST_GICC_BASE
void world_init(unsigned vcpus, uint32_t spis, bool lpis, unsigned lr_count);
void world_start(unsigned vcpu); /* reset, groups on, all lines group 1 */
/* Takes every interrupt of the CPU until none is left; aborts when it does not end. */
void world_run(unsigned cpu);
void world_run_all(void);
/* One access; the CPU stays in EL2. */
enum emul world_trap(unsigned vcpu, uint64_t ipa, unsigned size, bool write, uint64_t *value);
/* One access and the return to the guest. */
enum emul world_access(unsigned vcpu, uint64_t ipa, unsigned size, bool write, uint64_t *value);
uint32_t world_read(unsigned vcpu, uint64_t ipa);
void world_write(unsigned vcpu, uint64_t ipa, uint32_t value);
void world_sgi(unsigned vcpu, uint64_t sgi1r);
void world_return(unsigned vcpu); /* to the guest: vgic_enter where asked for */
/* Acknowledge + end; asserts what came. */
void world_ack(unsigned vcpu, uint32_t intid);
void world_eoi(unsigned vcpu, uint32_t intid);
void world_dir(unsigned vcpu, uint32_t intid);

#endif
