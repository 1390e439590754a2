/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the host device tree says of the board, read once at boot: RAM, CPUs, console, interrupt
 * controller. PCI and IOMMUs have their own readers.
 */
#ifndef HV_BOARD_H
#define HV_BOARD_H

#include <hv/limits.h>
#include <hv/status.h>
#include <hv/types.h>

struct board_cpu {
	uint64_t mpidr; /* affinity fields only */
	bool online;
};

struct board {
	const void *fdt;    /* the caller may move it; `tree` stays */
	struct range tree;  /* PA where firmware put it */
	struct range image; /* Viaduct itself, PA: set by the caller after board_read */
	unsigned ram_count;
	struct range *ram;
	unsigned reserved_count;
	struct range *reserved; /* /memreserve/ and /reserved-memory */
	unsigned cpu_count;
	struct board_cpu *cpu; /* [0] is the boot CPU after board_boot_cpu() */
	int console_node;      /* 0: none; set by the caller after board_read */
	int gic_node;          /* -1: none that we know */
	uint8_t gic_version;   /* 3 or 2 */
	uint8_t pmu_intid;     /* the CPUs' performance monitors', a PPI; 0: none */
	bool has_pmu;          /* every CPU has them; set by the caller when they run, like: */
	uint16_t sve_lengths;  /* of vectors, that every CPU has: bit n for 128 (n + 1) bits */
	int rtc_node;          /* -1: none that we can read */
	uint64_t epoch;        /* /chosen viaduct,epoch: seconds since 1970; 0: it has none */
	bool gic_soft_linked;  /* set by the caller when the GIC runs: see struct gic */
};

/*
 * Its lists are as long as the tree says, from pmem. HV_EINVAL with a log line for a damaged tree,
 * one without RAM, CPUs or PSCI over SMC, or one whose lists find no memory.
 */
enum hv_status __must_check board_read(const void *fdt, struct board *b);

/* Moves the CPU that runs this to the front and marks it online; the others keep their order.
 * Any MPIDR_EL1 value will do. HV_ENOENT: the tree does not list it. */
enum hv_status __must_check board_boot_cpu(struct board *b, uint64_t mpidr);

/* Every byte of r is RAM; adjacent ranges count as one. */
bool board_is_ram(const struct board *b, struct range r);

#endif
