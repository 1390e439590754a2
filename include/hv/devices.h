/* SPDX-License-Identifier: Apache-2.0 */
/* What happens to the PCI devices of guests while they run. */
#ifndef HV_DEVICES_H
#define HV_DEVICES_H

#include <hv/pci.h>

/*
 * The pci_told_fn: a line that names the guest, bounded, and its vCPUs come to EL2 to look at their
 * mappings (vpci_look). Any CPU, no lock held.
 */
void devices_told(struct pci_func *f, bool grave, const char *what);

#endif
