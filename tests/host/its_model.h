/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A physical ITS and its redistributors, as registers: consumes the command queue, keeps its
 * tables in the memory that it was given (so a table that is too small is seen by the sanitizer),
 * caches LPI configuration until INV or INVALL. Faults are switched on by the test.
 */
#ifndef ITS_MODEL_H
#define ITS_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#define ITS_MODEL_CPUS 4
#define ITS_MODEL_LPIS 8192 /* INTIDs 8192 .. 16383 */

struct its_model {
	/* What it is; set by the test after its_model_init, before the driver runs. */
	uint64_t typer;
	bool has_indirect;
	unsigned page;   /* the only page size it takes: 0, 1, 2; 3: any */
	bool coherent;   /* takes the shareability that is written */
	bool lpis_stuck; /* EnableLPIs cannot be cleared */
	bool never_quiescent;
	/* Faults and pace. */
	unsigned stall_at;    /* stalls on the n-th command from now (1: the next); 0: never */
	unsigned stall_times; /* and on its replacement so many times more */
	bool frozen;          /* consumes nothing */
	unsigned per_read;    /* commands consumed a read of CREADR; 0: all at the doorbell */

	/* State. */
	uint32_t ctlr;
	uint64_t cbaser, baser[8];
	uint32_t cwriter, creadr;
	bool stalled;
	struct {
		uint32_t ctlr;
		uint64_t propbaser, pendbaser;
	} gicr[ITS_MODEL_CPUS];
	bool cached[ITS_MODEL_LPIS]; /* enabled, as the redistributor believes */

	/* What the test looks at. */
	unsigned commands, errors, kinds[16];
	unsigned mapd_bits; /* of the last MAPD */
	uint64_t last[4];   /* last command consumed */
};

/* At these host addresses: ITS 128 KiB, redistributors 128 KiB each. */
#define ITS_MODEL_BASE      0x08080000u
#define ITS_MODEL_GICR_BASE 0x080a0000u

void its_model_init(struct its_model *m);
/* Where a device's write lands: false when dropped. *enabled as cached. */
bool its_model_translate(struct its_model *m, uint32_t device, uint32_t event, uint32_t *intid,
			 uint32_t *cpu, bool *enabled);

#endif
