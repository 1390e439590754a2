/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The virtual ITS of a guest (IHI 0069 §5): commands are decoded and performed on EL2's own map,
 * never forwarded. The guest's tables are not read but for LPI properties.
 *
 * Locking: vits->lock, a guest's own; the vgic lock is taken inside it, and no lock of another
 * guest. None of these functions may be called with the vgic lock held.
 */
#ifndef HV_VITS_H
#define HV_VITS_H

#include <hv/status.h>
#include <hv/types.h>
#include <hv/vgic.h>

struct vits;
struct vm;
struct vcpu;

#define VITS_SIZE       KIB(128)
#define VITS_TRANSLATER 0x10040 /* offset of GITS_TRANSLATER: in the second 64 KiB */

/* Boot: registers the emulator at base, 64 KiB aligned. Sets vm->vits. */
enum hv_status __must_check vits_init(struct vm *vm, ipa_t base);
/* A function with this virtual DeviceID (= virtual requester ID, flat bus 0: 0..255) and events
 * 0 .. events - 1. Boot only. HV_ECONFLICT: that DeviceID has a function. */
enum hv_status __must_check vits_add_device(struct vits *its, uint32_t vdev, uint32_t events);
/* A device (already identified by its physical interrupt) signals event `event`: delivers the
 * vLPI that the guest mapped, or drops it. Any number is an event: it may be the guest's choice.
 * Any CPU; `cur` is the CPU's vCPU or NULL. True: it is pending since now, for vCPU *to. */
bool vits_deliver(struct vits *its, uint32_t vdev, uint32_t event, struct vcpu *cur, uint16_t *to);
/* Guest stop or restart, no vCPU of it runs: the state after reset, nothing mapped, nothing
 * pending. Before vgic_vcpu_reset of any of them. */
void vits_reset(struct vits *its);
/*
 * A trap performs a bounded batch of commands; what is left made vcpu_repost(cur) return to EL2
 * soon, which then calls this. Cheap when there is nothing to do.
 */
void vits_resume(struct vits *its, struct vcpu *cur);

/* GICR_CTLR.EnableLPIs went from 0 to 1, with these bases (GICR_PROPBASER, GICR_PENDBASER). */
void vits_enable_lpis(struct vcpu *vcpu, uint64_t propbaser, uint64_t pendbaser);

#endif
