/* SPDX-License-Identifier: Apache-2.0 */
/* Inside drivers/pci/: boot order is host, enumerate (caps, bars), fabric, assign, identify. */
#ifndef PCI_PRIV_H
#define PCI_PRIV_H

#include <hv/pci.h>
#include <spec/pci.h>

/* Functions that are in nobody's hands wait here; EL2 boots, or the guest's own CPU waits. */
void pci_delay(uint32_t us);
/* The ID dword, waited for while the function says it is not ready (§2.3.2); all ones: absent. */
uint32_t pci_wait_id(struct pci_host *h, unsigned bdf, uint32_t us);
/* Clears bits of a register of two bytes; what it was. */
uint32_t pci_cfg_clear(const struct pci_func *f, unsigned off, uint32_t bits);

/* caps.c: finds the capabilities and wakes the function; then, with BARs sized, what they say. */
void caps_find(struct pci_func *f);
void caps_capture(struct pci_func *f);

/* bars.c */
void bars_size(struct pci_func *f);
bool bars_unchanged(const struct pci_func *f);

/* fabric.c: payload size, ACS, all of a function that is not BARs. A port has a link below it. */
bool pci_is_type(const struct pci_func *f, unsigned pcie_type);
bool pci_is_port(const struct pci_func *f);
bool pci_is_below(const struct pci_func *f, const struct pci_func *bridge);
void fabric_settle(struct pci_host *h);
void fabric_restore(const struct pci_func *f);

/* Bridges: bus numbers (enumerate.c), and all that makes one forward (assign.c). */
void bridge_write_buses(const struct pci_func *f, unsigned subordinate);
void bridge_open(const struct pci_func *f);

/* quirks.c: what its resets cannot. */
#define QUIRK_NO_FLR       0x1
#define QUIRK_NO_BUS_RESET 0x2
#define QUIRK_SLOW_FLR     0x4
unsigned pci_quirks(const struct pci_func *f);

/* xr3.c: what Juno's root complex lets in; map NULL: what it should. false: nothing of RAM. */
bool xr3_probe(struct pci_host *h, void (*map)(struct range));

/* groups.c */
void groups_compute(void);

static inline uint32_t pci_id(const struct pci_func *f)
{
	return f->vendor | (uint32_t)f->device << 16;
}

static inline bool pci_is_host_bridge(const struct pci_func *f)
{
	return f->class_rev >> 16 == PCI_CLASS_HOST;
}

static inline uint8_t pci_bus(const struct pci_func *f)
{
	return (uint8_t)(f->bdf >> 8);
}

static inline unsigned pci_slot(const struct pci_func *f)
{
	return f->bdf >> 3 & 0x1f;
}

/* Refused for the first reason found. */
static inline void pci_refuse(struct pci_func *f, const char *why)
{
	if (!f->refused)
		f->refused = why;
}

#endif
