/* SPDX-License-Identifier: Apache-2.0 */
/* Port: a call of the firmware above EL2. */
#ifndef ARCH_FIRMWARE_H
#define ARCH_FIRMWARE_H

#include <stdint.h>

/* SMC #0 by DEN 0028: regs[0..3] are x0..x3, before the call and behind it. */
void arch_firmware_call(uint64_t regs[4]);

#endif
