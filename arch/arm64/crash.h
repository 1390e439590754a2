/* Called from vectors.S, and as the handler of SGI_STOP. */
#ifndef ARM64_CRASH_H
#define ARM64_CRASH_H

#include <hv/vm.h>

_Noreturn void crash(const struct guest_regs *r, uint64_t sp);
void crash_stop(void *arg, uint32_t intid, struct vcpu *cur);

#endif
