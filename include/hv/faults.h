/*
 * DMA that an IOMMU refused: whose it was, printed once for each (stream, reason, page) and at
 * most FAULT_LINES times a stream, then only counted. A stream that exceeds FAULT_BUDGET events
 * within a second is silenced and its devices are quarantined; the guest runs on.
 */
#ifndef HV_FAULTS_H
#define HV_FAULTS_H

#include <hv/vm.h>

#define FAULT_LINES  16
#define FAULT_BUDGET 1024

/* Boot: from now on every IOMMU's faults, and its death, come here. */
void faults_init(void);
/*
 * The guest has ended: says what was counted only, and forgets, so that its next life is told of
 * again. Its streams are detached; attaching them ends the silence.
 */
void faults_guest_end(const struct vm *vm);

#endif
