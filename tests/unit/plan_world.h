/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A board and its guests for the planner's tests: the device tree is built from struct decl,
 * planned, and the result is in `plan`. PCI is that of plan_fakes.h. RAM is at RAM_BASE.
 */
#ifndef PLAN_WORLD_H
#define PLAN_WORLD_H

/* cmocka.h needs the first three. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <libfdt.h>

#include <host.h>
#include <hv/bits.h>
#include <hv/log.h>
#include <hv/plan.h>
#include <hv/pmem.h>
#include <plan_fakes.h>

#define RAM_BASE    UINT64_C(0x40000000)
#define NONE        UINT64_MAX
#define MODULES     UINT64_C(0x60000000)
#define MODULE_SIZE 0x400000
#define RESERVED    UINT64_C(0xa0000000) /* /reserved-memory, 2 MiB */
#define MOD(i)      (MODULES + (i) * 0x1000000)
#define EDU         "0000:00:02.0"
#define NIC         "0000:00:01.0"

struct dev {
	const char *host;
	const char *prop, *value; /* a property more, value NULL: a flag */
	const char *prop2, *value2;
};

struct decl {
	const char *name;
	uint32_t cpus;
	uint64_t mib;
	uint64_t kernel, ramdisk; /* 0: MOD() of the guest's index; NONE: none */
	struct dev dev[6];
	void (*extra)(void); /* more properties of the guest's node */
};

extern uint8_t blob[262144];
extern struct board board;
extern struct plan plan;
extern uint64_t ram_size;    /* of the bank at RAM_BASE */
extern uint64_t second_bank; /* bytes at 34 GiB, as Juno's; 0: there is none */
extern const struct pci_host juno;

/* The tree under construction: properties and nodes at its end. */
void prop32(const char *name, uint32_t v);
void prop64(const char *name, uint64_t v);
void prop_raw(const char *name, const void *p, size_t n);
void prop_str(const char *name, const char *s);
void prop_reg(const char *name, uint64_t a, uint64_t b);
void cells22(void);
void node(const char *name);
void end(void);
void tree_begin(void); /* the board, up to and into /chosen */
void add_guest(const struct decl *g, unsigned index);
void put_image(uint64_t text_offset, uint64_t size);
/* Ends the tree and plans it; again, for a board that the test changed. */
void run(void);
void replan(void);
void run_guests(const struct decl *g, unsigned count);
void starts(const struct decl *g, unsigned count); /* and none is refused */
int setup(void **state);
unsigned occurrences(const char *text); /* in the log */

/* Declarations that several tests use, and changes of the board. */
void vcpu(uint32_t id, const char *affinity);
void direct_map(void);
void static_mem(uint64_t a, uint64_t a_size, uint64_t b, uint64_t b_size);
void no_iommu(void);
void stuck(void);
void no_msi(void);
void narrow_dma_ranges(void);

/* A declaration that must be refused: `refused` is the index of that guest in g[]. */
struct refusal {
	const char *rule;
	struct decl g[3];
	unsigned refused;
	const char *text; /* part of the sentence */
	void (*change)(void);
};
/* Plans each, from setup() on; exactly the one guest is refused, and the log says so. */
void check_refusals(const struct refusal *r, unsigned count);

#endif
