/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The physical ITS, inside: its.c finds it and sets it up, its_table.c owns the tables that it
 * reads, its_queue.c the command queue, its_lpi.c LPI numbers, their configuration and the
 * redistributors.
 */
#ifndef ITS_PRIV_H
#define ITS_PRIV_H

#include <hv/bits.h>
#include <hv/mmio.h>
#include <hv/msi.h>
#include <hv/spinlock.h>
#include <spec/its.h>

#define ITS_EVENTS_MIN 5 /* log2: guests map 32 events a DeviceID at least (Linux does) */

struct its_dev {
	uint32_t device_id;
	struct its_dev *next;
};

struct its {
	struct msi_ctrl msi;
	struct mmio regs;
	bool noncoherent; /* "dma-noncoherent": does not snoop whatever it says */
	uint64_t typer;   /* GITS_TYPER */
	uint8_t dev_bits; /* that the device table has room for */
	/* The device table: flat, or pages that are allocated as DeviceIDs need them. */
	uint64_t *level1;  /* NULL: flat */
	uint32_t page;     /* bytes of a page of level 2 */
	uint32_t per_page; /* DeviceIDs that it serves */
	unsigned cpu_count;
	uint64_t *cpus;       /* bit n: collection n (= CPU n) is mapped */
	struct its_dev *devs; /* that are mapped */
	/* its_queue.c's own */
	struct spinlock lock; /* see the order in hv/spinlock.h */
	struct its_cmd *queue;
	uint32_t write;   /* offset of the next command */
	bool clean_queue; /* reads the queue behind the caches' back */
	bool dead;        /* the queue timed out, or stalled too often: no commands any more */
	bool skipped;     /* a command, since its_drain */
	unsigned stalls;  /* ever */
};

/*
 * Writes a pointer to memory that the GIC shares with us: inner shareable write-back, or, where the
 * register does not take that, non-cacheable. True: it snoops. `inner`: the register's field.
 */
bool its_write_pointer(struct mmio m, struct reg64 r, uint64_t value, uint64_t inner,
		       bool noncoherent);
/* Zeroed memory that the GIC will write: no line of ours falls on it later. NULL: none is left. */
void *its_memory(size_t size, size_t align);

enum hv_status __must_check its_tables_init(struct its *its);
/* Memory for the entry of this DeviceID. HV_ENOMEM: beyond the table, or none left. */
enum hv_status __must_check its_table_cover(struct its *its, uint32_t device_id);

enum hv_status __must_check its_queue_init(struct its *its);
/* Appends a few commands and rings the doorbell; waits only for room. A dead queue takes none. */
void its_post(struct its *its, const struct its_cmd *cmd, unsigned count);
/* Waits until everything was done. HV_ETIMEOUT: it is dead; HV_EINVAL: a command was skipped. */
enum hv_status __must_check its_drain(struct its *its);

/* Commands, IHI 0069H §5.3: `event` and `target` are doublewords 1 and 2. Collection n is CPU n. */
struct its_cmd its_cmd(unsigned kind, uint32_t dev, uint64_t event, uint64_t target);
struct its_cmd its_sync(const struct its *its, unsigned cpu);

/* Allocates the configuration table, and a pending table for each CPU. */
enum hv_status __must_check its_lpi_init(unsigned cpus, bool noncoherent);
/* n consecutive LPIs for CPU `cpu`, disabled. */
enum hv_status __must_check its_lpi_alloc(uint32_t n, unsigned cpu, uint32_t *first);
/* False when the byte was like that already: nothing to invalidate. */
bool its_lpi_enable(uint32_t intid, bool on);
uint16_t *its_lpi_cpu(uint32_t intid); /* the CPU that it goes to */
/* Tables into the redistributor of this CPU, EnableLPIs. */
enum hv_status __must_check its_lpi_cpu_init(unsigned cpu);
/* RDbase of a CPU, as MAPC and SYNC want it: bits [51:16]. */
uint64_t its_lpi_target(const struct its *its, unsigned cpu);

#endif
