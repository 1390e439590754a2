/* EL2's timer: see timer.c. */
#ifndef ARM64_TIMER_H
#define ARM64_TIMER_H

#include <stdint.h>

void timer_init(void); /* all CPUs online */
void timer_stop(void); /* this CPU */
void timer_arm(uint32_t us); /* this CPU */

#endif
