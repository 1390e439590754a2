/* SPDX-License-Identifier: Apache-2.0 */
/* Inside viaduct-plan: what it was given, what it found, and the writers of its three outputs. */
#ifndef PLAN_TOOL_H
#define PLAN_TOOL_H

#include <stdio.h>

#include <hv/board.h>
#include <hv/log.h>
#include <hv/plan.h>

/* A PCI host bridge of the tree, whether Viaduct drives it or not. */
struct bridge {
	int node;
	char path[128];
	const char *compatible; /* the first of the list */
	bool enabled;
	const struct pci_host *host; /* NULL: not driven */
	const char *iommu, *msi;     /* compatible of what serves requester ID 0; NULL: none */
	bool iommu_driven, msi_driven;
};

struct tool {
	/* given */
	const char *tree, *guests, *listing;
	struct range memory; /* --memory; size 0: as the tree says */
	bool trial;
	/* found */
	void *fdt;
	struct board board;
	bool usable; /* Viaduct would come as far as planning */
	struct plan plan;
	unsigned bridge_count;
	struct bridge *bridge;
	unsigned refused; /* guests */
};

/* Bad usage or input: prints the sentence and exits with status 2. */
_Noreturn void die(const char *fmt, ...) __printf(1, 2);
char *read_file(const char *path, size_t *size);

/* port.c: the log, kept in order; and registers as they are assumed to read. */
void port_init(void); /* first of all */
struct line {
	enum log_level level;
	bool assumed; /* said by the tool, not by Viaduct */
	char text[256];
};
extern struct line *lines;
extern unsigned line_count;
void assume(const char *fmt, ...) __printf(1, 2);
void register_given(const char *arg);                        /* --reg ADDRESS=VALUE */
void register_set(uintptr_t at, uint64_t value, bool given); /* what it reads; given: for ever */
void register_echo(uintptr_t from, uintptr_t to);            /* what is written there reads here */

/* registers.c */
void registers_assume(const void *fdt);
extern const void *its_tree;      /* where its_find looks */
bool msi_known(uint32_t phandle); /* an MSI controller that Viaduct drives */

/* tree.c: the tree as it is planned with: guests merged, RAM known, trial guest added. */
void tree_load(struct tool *t);
void tree_trial(struct tool *t); /* a guest without devices yet */
void tree_trial_devices(struct tool *t);

/* lspci.c: a model of config space behind every host bridge, from the listing. */
void listing_load(const char *path);
void listing_place(const struct pci_host *h); /* as the ECAM of h */
void listing_left_out(void);                  /* says what no host bridge took */
void sample_place(const struct pci_host *h);  /* --trial without a listing: port and disk */

/* facts.c: what several writers say. */
void bridges_find(struct tool *t);
const char *tree_model(const struct tool *t);
const char *first_compatible(const void *fdt, int node);
unsigned lacks(const struct tool *t, char out[][160], unsigned max); /* of the board, for PCI */
const char *kind_of(const struct pci_func *f);                       /* "bridge", "NVMe", ... */
const struct guest_plan *owner_of(const struct tool *t, const struct pci_func *f);
struct hole {
	unsigned bar;
	struct range part; /* offsets in it, whole pages */
};
const char *tool_msi_name(const struct plan_device *d);          /* "off", "direct", "trapped" */
unsigned holes(const struct plan_device *d, struct hole out[2]); /* pages that trap: MSI-X */
const struct plan_device *assigned(const struct tool *t, const struct pci_func *f);

void text_write(const struct tool *t, FILE *f);
void json_write(const struct tool *t, FILE *f);
void svg_write(const struct tool *t, FILE *f);

#endif
