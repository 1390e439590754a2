/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What vpci/ stands on, for its tests: PCI functions as a byte array with write masks behind
 * pci_cfg_*, memory behind their BARs, a guest whose accesses go through real stage-2 tables, and
 * a virtual ITS that remembers what it was told.
 */
#ifndef VPCI_FAKES_H
#define VPCI_FAKES_H

#include <hv/pci.h>
#include <hv/vm.h>
#include <hv/vpci.h>

#define FAKE_ECAM       0x10000000
#define FAKE_MEM32      0x23000000
#define FAKE_MEM64      UINT64_C(0x100000000)
#define FAKE_RAM        0x40000000
#define FAKE_DOORBELL   0x02010000
#define FAKE_TRANSLATER (FAKE_DOORBELL + 0x40)
/* Where devices write; another page than the guest's doorbell: it has a GICv2m frame, no ITS. Set
 * between fake_begin and fake_start. */
extern uint64_t fake_dma_doorbell;

struct fake_dev {
	struct pci_func *pf;
	uint8_t cfg[4096];
	uint8_t writable[4096];
	uint8_t w1c[4096];
	uint8_t touched[4096]; /* bits that any write changed since fake_clear */
	unsigned reads, writes;
	bool gone;       /* reads all ones */
	bool soft_reset; /* loses BARs and more on D3hot -> D0 */
	unsigned resets;
	enum hv_status reset_status;
};

#define FAKE_FUNCS 256

extern struct fake_dev fakes[FAKE_FUNCS];
extern struct vm fake_vm;
extern struct vpci_assignment fake_as[FAKE_FUNCS];
/* What the virtual ITS was told, and what it answers: was it news, for which vCPU. */
extern struct {
	unsigned count;
	uint32_t vdev, event;
	bool news;
	uint16_t to;
} fake_delivered;
/* What the MSI controller was told at run time. */
extern struct {
	unsigned moves, enables, disables;
	uint32_t vector;
	unsigned cpu;
} fake_msi;
extern void (*fake_on_write)(void); /* called before a config write lands */
extern void (*fake_on_bar_write)(void);
extern bool fake_attached[1000];  /* StreamIDs that vPCI gave to the guest */
extern struct range fake_el2[64]; /* pages that vPCI wants at EL2 */
extern unsigned fake_el2_count;

/* Forgets everything; then devices are added; then fake_start() builds the guest. */
void fake_begin(void);
/* A device with PM at 0x40, MSI (64 bit, masks) at 0x50, PCIe v2 at 0x80, MSI-X at 0xc0, vendor
 * 0xd0, AER at 0x100, ATS at 0x130, DSN at 0x148. Eight vectors; table at 0x2000 of BAR 0, PBA at
 * 0x3000. BAR 0: 64 bit, 64 KiB. */
struct fake_dev *fake_add(uint8_t devfn);
void fake_bar(struct fake_dev *d, unsigned bar, uint64_t size, uint64_t pa, bool mem64);
void fake_start(void);
void fake_restart(void); /* the guest ends, its devices are reset, it starts again */
void fake_end(void);
void fake_put(struct fake_dev *d, unsigned off, unsigned size, uint32_t value);
uint32_t fake_get(const struct fake_dev *d, unsigned off, unsigned size);
uint8_t *fake_memory(uint64_t pa); /* behind BARs */
void fake_irq(const struct fake_dev *d, unsigned vector);

/* The guest's accesses. */
uint64_t guest_read(uint64_t ipa, unsigned size);
void guest_write(uint64_t ipa, unsigned size, uint64_t value);
uint32_t cfg_read(uint8_t devfn, unsigned off, unsigned size);
void cfg_write(uint8_t devfn, unsigned off, unsigned size, uint32_t value);
/* Places a BAR (both halves where 64 bit) with MEM as it is. */
void guest_place(uint8_t devfn, unsigned bar, uint64_t ipa);
bool guest_direct(uint64_t ipa); /* mapped straight through */
bool guest_trapped(uint64_t ipa);

#endif
