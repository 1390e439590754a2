/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A PCI hierarchy behind an ECAM, with the behaviour of config space that matters: routing by the
 * bridges' bus registers, BARs that size, write masks, capability lists, resets. It knows nothing
 * of the code under test, so what it says about routing is an independent answer.
 */
#ifndef PCI_MODEL_H
#define PCI_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#define PCIM_MAX 300

struct pcim;

struct pcim_dev {
	struct pcim *m;
	struct pcim_dev *up; /* NULL: on the root bus */
	uint8_t devfn;
	uint8_t root_bus; /* of a function on a further root bus; else the first bus */
	uint8_t cfg[4096], write[4096], w1c[4096], power_on[4096];
	uint8_t last_cap; /* offset of the last capability, 0: none */
	uint16_t last_ecap, next_ecap;
	uint8_t next_cap;
	uint8_t pm, pcie, af, msi, msix;
	uint16_t acs, aer, dpc;
	unsigned resets;    /* FLR, AF, PM and bus resets that took effect */
	unsigned not_ready; /* reads of the ID that give RRS after a reset (or now) */
	unsigned not_ready_after_reset;
	bool gone;          /* unplugged: all ones */
	bool link_down;     /* a port: nothing below it answers */
	uint32_t answer_us; /* how long each access to it takes */
	bool dead_after_reset;
	bool dpc_triggered;
};

struct pcim {
	uintptr_t base;
	uint64_t size;
	uint8_t first_bus;
	unsigned count;
	unsigned outside; /* accesses that were unaligned or of 8 bytes */
	struct pcim_dev dev[PCIM_MAX];
};

/* Clears the model and registers it as the ECAM at `base`. */
void pcim_init(struct pcim *m, uintptr_t base, uint64_t size, uint8_t first_bus);
struct pcim_dev *pcim_endpoint(struct pcim *m, struct pcim_dev *up, unsigned dev, unsigned fn,
			       uint16_t vendor, uint16_t device);
/* pcie_type 4..8: with a PCIe capability; -1: a conventional bridge. */
struct pcim_dev *pcim_bridge(struct pcim *m, struct pcim_dev *up, unsigned dev, unsigned fn,
			     int pcie_type);

void pcim_set(struct pcim_dev *d, unsigned off, unsigned size, uint32_t v); /* not by the bus */
uint32_t pcim_get(const struct pcim_dev *d, unsigned off, unsigned size);
void pcim_writable(struct pcim_dev *d, unsigned off, unsigned size, uint32_t mask);

#define PCIM_IO    1
#define PCIM_MEM64 4
#define PCIM_PREF  8
void pcim_bar(struct pcim_dev *d, unsigned i, uint64_t size, unsigned flags);
uint8_t pcim_cap(struct pcim_dev *d, uint8_t id, unsigned size);
uint16_t pcim_ecap(struct pcim_dev *d, uint16_t id, unsigned size);
void pcim_pcie(struct pcim_dev *d, unsigned type, bool flr, unsigned mps);
void pcim_pm(struct pcim_dev *d, bool no_soft_reset);
void pcim_af(struct pcim_dev *d);
void pcim_msi(struct pcim_dev *d, unsigned mmc, bool wide, bool mask);
void pcim_msix(struct pcim_dev *d, unsigned count, uint32_t table, uint32_t pba);
void pcim_acs(struct pcim_dev *d, uint16_t cap);

/* A hot-plug slot with button, indicator and power; what the bus sees of it. */
void pcim_slot(struct pcim_dev *port);
void pcim_aer(struct pcim_dev *d);
void pcim_dpc(struct pcim_dev *port);
void pcim_link(struct pcim_dev *port, bool up);
void pcim_press(struct pcim_dev *port); /* the attention button */
void pcim_card(struct pcim_dev *port, struct pcim_dev *card, bool there);
/*
 * The function finds an error, a bit of its AER status, and sends a message upwards, as §6.2.6 and
 * §6.2.11 have it.
 */
enum pcim_severity { PCIM_CORRECTABLE, PCIM_NONFATAL, PCIM_FATAL };
void pcim_error(struct pcim_dev *d, enum pcim_severity severity, uint32_t status);

/* Who would take a memory access to `pci`, were all functions to decode: NULL: nobody, or two. */
struct pcim_dev *pcim_route(struct pcim *m, uint64_t pci);

#endif
