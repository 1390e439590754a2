/* SPDX-License-Identifier: Apache-2.0 */
/* Host twin of the port: a clock of 1 MHz that only tests and reads advance. */
#ifndef ARCH_TIME_H
#define ARCH_TIME_H

#include <stdint.h>

uint64_t arch_time_ticks(void);
uint64_t arch_time_hz(void);

#endif
