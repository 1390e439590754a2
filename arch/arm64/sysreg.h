/* SPDX-License-Identifier: Apache-2.0 */
/* Access to system registers; their names and fields are in spec/sysreg.h. */
#ifndef ARM64_SYSREG_H
#define ARM64_SYSREG_H

#include <spec/sysreg.h>

#ifndef __ASSEMBLY__
#include <hv/bits.h>

/* The name expands before it becomes a string. */
#define SYSREG_STR_(x) #x
#define SYSREG_STR(x)  SYSREG_STR_(x)
#define read_sysreg(name)                                                                          \
	({                                                                                         \
		uint64_t v_;                                                                       \
		__asm__ volatile("mrs %0, " SYSREG_STR(name) : "=r"(v_));                          \
		v_;                                                                                \
	})
#define write_sysreg(name, value)                                                                  \
	__asm__ volatile("msr " SYSREG_STR(name) ", %x0" ::"rZ"((uint64_t)(value)) : "memory")
#endif

#endif
