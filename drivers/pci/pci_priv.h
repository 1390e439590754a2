/* SPDX-License-Identifier: Apache-2.0 */
/* Inside drivers/pci/: boot order is host, enumerate (caps, bars), fabric, assign, identify. */
#ifndef PCI_PRIV_H
#define PCI_PRIV_H

#include <hv/bits.h>
#include <hv/pci.h>
#include <spec/pci.h>

/* Functions that are in nobody's hands wait here; EL2 boots, or the guest's own CPU waits. */
void pci_delay(uint32_t us);
/* The ID dword, waited for while the function says it is not ready (§2.3.2); all ones: absent. */
uint32_t pci_wait_id(struct pci_host *h, unsigned bdf, uint32_t us);
/* Clears bits of a register of two bytes; what it was. */
uint32_t pci_cfg_clear(const struct pci_func *f, unsigned off, uint32_t bits);

/* host.c: no function comes any more; gives back the memory of those that did not come. */
void hosts_settle(void);

/* caps.c: finds the capabilities and wakes the function; then, with BARs sized, what they say. */
void caps_find(struct pci_func *f);
void caps_capture(struct pci_func *f);
/* Where its capabilities are, as one number that is another for another part; bounded reads. */
uint32_t caps_layout(const struct pci_func *f);

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

/* contain.c: those of its streams that have to abort. */
void streams_cut_lost(const struct pci_func *f);

/* reset.c */
bool reset_takes_link(const struct pci_func *f); /* a reset is under way that the port above sees */
void reset_open_below(const struct pci_func *port); /* bridges that forgot what they were told */

/*
 * errors.c: a function and its bridges report what goes wrong (boot: watch; a bridge behind a
 * reset: open), and forget what they recorded. collect: what a root port was told since; functions
 * below are touched until `end` (ticks) at most.
 */
struct pci_func *next_below(const struct pci_func *bridge, struct pci_func *f);
/* Functions of guests below a bridge. */
#define for_each_below(f, bridge) for (struct pci_func *f = NULL; (f = next_below(bridge, f));)
void errors_tell(pci_told_fn *fn);
void pci_tell(struct pci_func *f, bool grave, const char *fmt, ...) __printf(3, 4);
void errors_watch(struct pci_func *f);
uint32_t errors_bridge_ctrl(const struct pci_func *bridge); /* Bridge Control without a reset */
void errors_open(const struct pci_func *bridge);
void errors_forget(const struct pci_func *f);
void errors_collect(struct pci_func *root, uint64_t end);

/* quirks.c: what its resets cannot. */
#define QUIRK_NO_FLR       0x1
#define QUIRK_NO_BUS_RESET 0x2
#define QUIRK_SLOW_FLR     0x4
unsigned pci_quirks(const struct pci_func *f);

/* xr3.c: what Juno's root complex lets in; map NULL: what it should. false: nothing of RAM. */
bool xr3_probe(struct pci_host *h, void (*map)(struct range));

/* groups.c: behind streams_index. */
void groups_compute(void);

/* streams.c. Sorted keys have in their low bits the number of the function that they are of. */
#define KEY_FUNC_BITS 12
#define KEY_FUNC      (BIT(KEY_FUNC_BITS) - 1)
_Static_assert(MAX_PCI_FUNCS <= KEY_FUNC + 1, "a function's number fits into a key");

typedef void pci_join_fn(struct pci_func *a, struct pci_func *b);

void streams_index(void);
void streams_join(pci_join_fn *join);

/* lists.c: when groups, DeviceIDs and bus numbers are known. */
void lists_make(void);
/* The function there; NULL: none. Boot, from pci_identify on. */
struct pci_func *lists_at(unsigned segment, unsigned bdf);

/* Joins functions whose keys are equal but for that number. */
void keys_join(const uint64_t *keys, size_t count, pci_join_fn *join);

static inline unsigned func_number(const struct pci_func *f)
{
	return (unsigned)(f - pci_funcs);
}

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
