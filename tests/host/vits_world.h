/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A guest around the virtual ITS: RAM, two vCPUs, the vGIC's LPI calls as counters. For the unit
 * test and the fuzzer. Anything that the virtual ITS must not do aborts.
 */
#ifndef VITS_WORLD_H
#define VITS_WORLD_H

#include <hv/vits.h>
#include <hv/vm.h>

#define WORLD_RAM      0x40000000u
#define WORLD_RAM_SIZE (2u << 20)
#define WORLD_PROPS    0x40010000u /* LPI property table */
#define WORLD_VCPUS    2

struct vits_world {
	struct vm vm;
	struct vcpu vcpu[WORLD_VCPUS];
	uint8_t *ram;
	uint64_t cut; /* IPA between two pieces of it, or 0 */
	emul_fn *access;
	/* What happened since world_forget(). */
	unsigned pends, clears, updates, copies, reposts, logs;
	size_t copied;      /* bytes */
	uint32_t last_pend; /* vintid */
	uint16_t last_vcpu; /* where it went */
	bool last_enabled;
	uint8_t last_prio;
	char last_log[200];
};

extern struct vits_world world;

void world_init(void *ram, uint32_t ram_size);
void world_forget(void);
/* An access by vCPU 0. */
uint64_t world_access(uint64_t off, unsigned size, bool write, uint64_t value);

#endif
