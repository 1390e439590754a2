/* SPDX-License-Identifier: Apache-2.0 */
/* A guest that never sleeps: what a busy neighbour is for the others. */
#include "rt.h"

const char payload_name[] = "spin";

void payload_main(void)
{
	heartbeat(false, NULL);
}
