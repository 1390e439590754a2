/* Entries from head.S. */
#ifndef ARM64_START_H
#define ARM64_START_H

#include <stdint.h>

extern char boot_stack_top[];
_Noreturn void start(const void *fdt, uint64_t entry_ticks);
_Noreturn void start_below_el2(const void *fdt);

#endif
