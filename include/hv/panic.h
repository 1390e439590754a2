/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two ways to stop, both for what guests and devices cannot cause: ASSERT for a bug of Viaduct's
 * own, panic for a platform that broke a promise about EL2's own memory.
 */
#ifndef HV_PANIC_H
#define HV_PANIC_H

#include <hv/types.h>

/* Prints the cause and ends the machine. Any context, any lock may be held. */
_Noreturn void panic(const char *fmt, ...) __printf(1, 2);
_Noreturn void assert_failed(const char *expr, const char *file, int line);

#define ASSERT(e) ((e) ? (void)0 : assert_failed(#e, __FILE__, __LINE__))

#endif
