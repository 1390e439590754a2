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
	const void *fdt;
	unsigned ram_count;
	struct range ram[MAX_RAM_RANGES];
	unsigned reserved_count;
	struct range reserved[MAX_RAM_RANGES]; /* /memreserve/ and /reserved-memory */
	unsigned cpu_count;
	struct board_cpu cpu[MAX_CPUS];	       /* [0] is the boot CPU after board_boot_cpu() */
	bool psci_hvc;			       /* method = "hvc": cannot be used from EL2 */
	int gic_node;			       /* -1: none that we know */
};

/* HV_EINVAL with a log line for a tree without RAM, CPUs or PSCI over SMC. */
enum hv_status __must_check board_read(const void *fdt, struct board *b);

#endif
