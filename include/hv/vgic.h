/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The virtual GIC of a guest, of its host's version: distributor, redistributors (IHI 0069) or the
 * distributor of GICv2 (IHI 0048), CPU interface by list registers. Physical lines of a guest are
 * HW-linked: its EOI deactivates them without an exit.
 *
 * Locking: vm->vgic->lock protects the distributor and every line's state. It is a guest's own;
 * nothing here is shared between guests. SGIs take no lock: they are a bit set with an atomic.
 */
#ifndef HV_VGIC_H
#define HV_VGIC_H

#include <hv/emul.h>
#include <hv/status.h>
#include <hv/types.h>

struct vm;
struct vcpu;
struct vgic_vm;

#define VGIC_LR_MAX 16

struct vgic_vcpu {
	/*
	 * Nonzero: vgic_enter() has work. Set by other CPUs with release; hot, checked on each
	 * exit.
	 */
	uint32_t attention;
	/* the rest belongs to common/vgic/ */
	struct vgic_cpu_state *state;
};

/*
 * Boot: allocates, registers the emulators at GUEST_GIC*_BASE; of GICv2's CPU interface the caller
 * maps the first page to gic.gicv. vm->vcpu[] is filled. Virtual SPIs are 32 .. 32 + spi_count, a
 * multiple of 32 (else HV_EINVAL). HV_ENOMEM: no number is left for an emulator.
 */
enum vgic_lpis { VGIC_NO_LPIS, VGIC_LPIS }; /* LPIS: the guest has a virtual ITS */
enum hv_status __must_check vgic_init(struct vm *vm, uint32_t spi_count, enum vgic_lpis lpis);
/* To the state after reset, of one vCPU and its CPU interface; on its own CPU, before entry. */
void vgic_vcpu_reset(struct vcpu *vcpu);

/* The vCPU goes off (CPU_OFF, stop): its list registers are read back, its lines disabled
 * physically and left pending. On its own CPU. */
void vgic_vcpu_off(struct vcpu *vcpu);

/*
 * The vCPU, of this CPU, is about to sleep: a hardware line that went low since EL2 acknowledged it
 * is not to wake it. Those that are pending go back to the physical GIC, and come again.
 */
void vgic_look_again(struct vcpu *vcpu);

/*
 * An interrupt that the guest enabled is pending for this CPU's vCPU, whatever its CPU interface
 * masks. Behind vgic_enter().
 */
bool vgic_wakes(void);

/*
 * Gives physical INTID `pintid` (PPI or SPI) to the guest as `vintid`: HW-linked, registers the
 * handler, leaves it disabled until the guest enables it. PPIs: for every vCPU, vintid == pintid.
 * HV_ECONFLICT: somebody has it.
 */
enum hv_status __must_check vgic_assign_line(struct vm *vm, uint32_t vintid, uint32_t pintid);
/* Guest stop: every line physically disabled, inactive, not pending, and the distributor as after
 * reset. No vCPU of it runs; vgic_vcpu_reset follows on each before it runs again. */
void vgic_quiesce_lines(struct vm *vm);

/* The level of an emulated device's line, changed or not; its device is the only caller, and calls
 * once at a time. Any CPU; `cur` is the calling CPU's vCPU or NULL. */
void vgic_set_level(struct vm *vm, struct vcpu *cur, uint32_t vintid, bool level);

/* Boot: a GICv2m frame at `base`, 4 KiB, for `count` of the guest's SPIs. */
enum hv_status __must_check vgic_v2m_init(struct vm *vm, ipa_t base, uint32_t first,
					  uint32_t count);
/* A device of the guest sends a message, as vits_deliver; `data` may be the guest's choice. */
bool vgic_v2m_deliver(struct vm *vm, uint32_t data, struct vcpu *cur, uint16_t *to);

/* What a virtual LPI is, as the guest's tables and the virtual ITS say. */
struct vlpi_is {
	uint32_t vintid; /* 0: not mapped */
	uint16_t vcpu;   /* target, below vm->vcpu_count */
	uint8_t prio;
	bool enabled;
};

enum vlpi_where { VLPI_NOWHERE, VLPI_QUEUED, VLPI_LISTED };

/* Where it is: one value, written by one function. See common/vgic/lpi.c for what may follow. */
struct vlpi_place {
	uint8_t where; /* enum vlpi_where */
	uint8_t slot;  /* QUEUED: the queue, priority / 8. LISTED: the list register */
	uint16_t vcpu; /* QUEUED, LISTED: of this one, which need not be the target any more */
};

/*
 * A virtual LPI: an event that a device of the guest has. The virtual ITS has the memory and the
 * fields `icid`, `fresh`; `is` changes with both locks held, so either is enough to read it; the
 * rest is the vGIC's.
 */
struct vlpi {
	struct vlpi_is is;
	struct vlpi_place place;
	bool pending;  /* and not in a list register as such */
	bool fresh;    /* prio and enabled are what the guest's table said ... */
	uint16_t icid; /* ... and the collection */
	struct vlpi *next, *prev;
};

/*
 * It becomes pending. False: it is pending already and not in a list register, or not mapped: this
 * one adds nothing. Like the others below: any CPU, `cur` is its vCPU or NULL, virtual ITS locked.
 */
bool vgic_lpi_pend(struct vm *vm, struct vcpu *cur, struct vlpi *lpi);
/* Not pending any more (CLEAR). */
void vgic_lpi_clear(struct vm *vm, struct vcpu *cur, struct vlpi *lpi);
/* It is this from now on (MAPTI, INV, MOVI, DISCARD): a pending one follows; with another vINTID,
 * 0 for none, it is not pending. */
void vgic_lpi_set(struct vm *vm, struct vcpu *cur, struct vlpi *lpi, struct vlpi_is is);

/* Tests: the first thing that is wrong with a guest's vGIC and vITS, as source text; NULL: nothing.
 * Nobody holds their locks. */
const char *vgic_check(const struct vm *vm);
const char *vgic_lpi_check(const struct vm *vm, const struct vlpi *lpi);

/* Trapped ICC_SGI1R_EL1 write. */
void vgic_sgi1r(struct vcpu *cur, uint64_t value);
/* Trapped ICC_DIR_EL1 write, only while EL2 asked for the trap, or GICC_DIR, always. */
enum emul vgic_dir(struct vcpu *cur, uint64_t value);

/* Before each return to the guest, when attention != 0: fills list registers. Own CPU only. */
void vgic_enter(struct vcpu *vcpu);

/* PPI numbers that every guest has. */
enum {
	PPI_MAINTENANCE = 25,
	PPI_HYP_TIMER = 26,
	PPI_VIRT_TIMER = 27,
	PPI_PHYS_TIMER = 30,
};

#endif
