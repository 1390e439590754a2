/* SPDX-License-Identifier: Apache-2.0 */
/* The stack protector's canary, seeded at boot. */
#ifndef ARM64_LIBC_H
#define ARM64_LIBC_H

#include <stdint.h>

extern uintptr_t __stack_chk_guard;
void __stack_chk_fail(void);

#endif
