/* SPDX-License-Identifier: Apache-2.0 */
/* Sizes of everything that is allocated at boot. */
#ifndef HV_LIMITS_H
#define HV_LIMITS_H

#define MAX_CPUS       512      /* physical CPUs: as many windows as a table at EL2 has entries */
#define MAX_VMS        256      /* guests: a VMID of 8 bits each */
#define MAX_VCPUS      MAX_CPUS /* vCPUs of one guest: each has a CPU of its own */
#define MAX_GUEST_RAM  8        /* RAM ranges of one guest */
#define MAX_PCI_FUNCS  4096     /* PCI functions, bridges included */
#define MAX_EMUL       16       /* kinds of emulated pages of one guest */
#define GUEST_NAME_MAX 16       /* with NUL */
#define VITS_DEV_BITS  8        /* DeviceIDs of a virtual ITS: functions of flat bus 0 */
#define VITS_CID_BITS  9        /* its collections: one each for as many vCPUs as there can be */

#endif
