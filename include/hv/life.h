/* A guest's end. */
#ifndef HV_LIFE_H
#define HV_LIFE_H

#include <hv/vm.h>

/*
 * Called by a vCPU of the guest, on its CPU: stops the peers, waits until all are parked at EL2,
 * then quiets and quarantines the devices. On return this vCPU is off and must not enter the guest
 * again. True when no guest is left: the machine may power off.
 */
bool life_stop(struct vcpu *self);

/* A vCPU's CPU is parked: it will not touch the guest any more. */
void life_parked(struct vcpu *v);

/* Every DMA stream of its devices to abort. IOMMU locks; boot, or the vCPU that stops the guest. */
void life_detach(const struct vm *vm);

#endif
