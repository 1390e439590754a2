/* The stack protector's canary, seeded at boot, and what zlib looks for and nobody else. */
#ifndef ARM64_LIBC_H
#define ARM64_LIBC_H

#include <stdint.h>

extern uintptr_t __stack_chk_guard;
void __stack_chk_fail(void);
void *zcalloc(void *opaque, unsigned items, unsigned size);
void zcfree(void *opaque, void *p);

#endif
