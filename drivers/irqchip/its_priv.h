/*
 * The physical ITS, inside: its.c finds it and sets it up, its_table.c owns the tables that it
 * reads, its_queue.c the command queue, its_lpi.c LPI numbers, their configuration and the
 * redistributors.
 */
#ifndef ITS_PRIV_H
#define ITS_PRIV_H

#include <hv/bits.h>
#include <hv/limits.h>
#include <hv/mmio.h>
#include <hv/spinlock.h>
#include <spec/its.h>

#include "msi_priv.h"

#define ITS_MAX	       4
#define ITS_EVENTS_MIN 5 /* log2: guests map 32 events a DeviceID at least (Linux does) */

/* GITS_BASER<n> of devices: flat, or a table of pages that are allocated as DeviceIDs need them. */
struct its_table {
	uint64_t *base;
	uint32_t entry; /* bytes of a device's entry */
	uint32_t page;	/* bytes */
	bool indirect;
};

struct its {
	struct msi_ctrl msi;
	struct mmio regs;
	struct spinlock lock;	/* queue, write: see the order in hv/spinlock.h */
	struct its_cmd *queue;
	uint32_t write;		/* offset of the next command */
	bool noncoherent;	/* "dma-noncoherent": does not snoop whatever it says */
	bool clean_queue;	/* reads the queue behind the caches' back */
	bool dead;		/* the queue timed out, or stalled too often: no commands any more */
	unsigned stalls;	/* ever */
	bool pta;
	uint8_t dev_bits, event_bits, itt_entry;
	struct its_table devices;
	uint32_t cpus;		/* bit n: collection n (= CPU n) is mapped */
	unsigned dev_count;
	uint32_t dev[MAX_PCI_FUNCS]; /* DeviceIDs that are mapped */
};

/*
 * Writes a pointer to memory that the GIC shares with us: inner shareable write-back, or, where the
 * register does not take that, non-cacheable. True: it snoops. `inner`: the register's field.
 */
bool its_write_pointer(struct mmio m, struct reg64 r, uint64_t value, uint64_t inner,
		       bool noncoherent);

enum hv_status __must_check its_tables_init(struct its *its);
/* Memory for the entry of this DeviceID. HV_ENOMEM: beyond the table, or none left. */
enum hv_status __must_check its_table_cover(struct its *its, uint32_t device_id);

void its_queue_init(struct its *its);
/*
 * Appends up to ITS_POST_MAX commands and rings the doorbell; waits only for room. The caller holds
 * its->lock. HV_ETIMEOUT: the queue is dead; HV_EINVAL: an earlier command stalled, was skipped.
 */
#define ITS_POST_MAX 8
enum hv_status its_queue_post(struct its *its, const struct its_cmd *cmd, unsigned count);
/* Waits until everything was done; the same results. */
enum hv_status __must_check its_queue_drain(struct its *its);

/* Commands, IHI 0069H §5.3: `event` and `target` are doublewords 1 and 2. Collection n is CPU n. */
struct its_cmd its_cmd(unsigned kind, uint32_t dev, uint64_t event, uint64_t target);
struct its_cmd its_sync(const struct its *its, unsigned cpu);

/* Allocates the configuration table. HV_EUNSUPP: the GIC has no LPIs. */
enum hv_status __must_check its_lpi_init(bool noncoherent);
/* n consecutive LPIs for CPU `cpu`, disabled. */
enum hv_status __must_check its_lpi_alloc(uint32_t n, unsigned cpu, uint32_t *first);
/* False when the byte was like that already: nothing to invalidate. */
bool its_lpi_enable(uint32_t intid, bool on);
uint8_t *its_lpi_cpu(uint32_t intid); /* the CPU that it goes to */
/* Tables into the redistributor of this CPU, EnableLPIs. */
enum hv_status __must_check its_lpi_cpu_init(unsigned cpu);
/* RDbase of a CPU, as MAPC and SYNC want it: bits [51:16]. */
uint64_t its_lpi_target(unsigned cpu, bool pta);

#endif
