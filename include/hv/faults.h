/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DMA that an IOMMU refused: whose it was, printed once for each (stream, reason, page) and at
 * most FAULT_LINES times a stream, then only counted. A stream that exceeds FAULT_BUDGET events
 * within a second is cut and its devices are quarantined; the guest runs on. A reset of the device,
 * or the guest's next start, brings it back.
 */
#ifndef HV_FAULTS_H
#define HV_FAULTS_H

#include <hv/iommu.h>
#include <hv/vm.h>

#define FAULT_LINES  16
#define FAULT_BUDGET 1024

/*
 * Memory for each stream there is; before pmem_seal, with all guests built: whose a stream is stays
 * as it is then. Faults that come earlier are dropped.
 */
void faults_init(void);
/* Every fault, already decoded, from interrupt context, bounded per interrupt. */
void faults_report(struct iommu *i, const struct iommu_fault *f);
/*
 * `i` does not answer any more; it is in global abort and `dead` already. Turns bus mastering off
 * behind it. Called once, with no IOMMU lock held, from whatever needed the IOMMU.
 */
void faults_iommu_died(struct iommu *i);
/*
 * The guest has ended: says what was counted only, and forgets, so that its next life is told of
 * again. Its streams are detached; attaching them ends the silence.
 */
void faults_guest_end(const struct vm *vm);

#endif
