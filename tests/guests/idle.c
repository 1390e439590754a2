/* SPDX-License-Identifier: Apache-2.0 */
/* A guest that sleeps between its beats: shows that another guest's end does not touch it. */
#include "rt.h"

const char payload_name[] = "idle";

void payload_main(void)
{
	heartbeat(true, NULL);
}
