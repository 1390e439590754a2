/* SPDX-License-Identifier: Apache-2.0 */
/* Between the files of the planner: reading, deciding, placing, printing. */
#ifndef PLAN_PRIV_H
#define PLAN_PRIV_H

#include <hv/plan.h>

/* The first reason stays; later ones are consequences. */
void plan_refuse(struct guest_plan *g, const char *fmt, ...) __printf(2, 3);

static inline bool plan_refused(const struct guest_plan *g)
{
	return g->refused[0] != 0;
}

/* An IOMMU stands between the function and memory: what it uses are IPAs. */
static inline bool plan_translated(const struct pci_func *f)
{
	return f->iommu && f->sid_count && f->iommu->s2;
}

/* Name of the guest that has `f`; "?": none has it. */
static inline const char *plan_owner_name(const struct plan *p, const struct pci_func *f)
{
	return f->owner < MAX_VMS ? p->guest[f->owner].name : "?";
}

/* An enabled guest node. */
bool plan_is_guest(const void *fdt, int node);
/* Reads the declaration at g->node. May refuse. */
void plan_parse_guest(const struct plan *p, struct guest_plan *g);
/* plan.c: the next device of g, all zero; NULL: refused, as there are too many. */
struct plan_device *plan_add_device(struct guest_plan *g);
/* One line for everything in /chosen that is Xen's and that Viaduct has no use for: a node that is
 * no guest; properties of /chosen itself. */
void plan_warn_child(const void *fdt, int node);
void plan_warn_chosen(const void *fdt, int chosen);
/* order.c: puts the nodes of guests, which are not read yet, into the order of planning. */
void plan_order(const void *fdt, struct guest_plan *guest, unsigned count);

/* pci.c: the functions of a guest that is not refused. May refuse. */
void plan_devices(const struct plan *p, struct guest_plan *g);
uint64_t plan_ram_top(const struct board *b); /* PA: the end of all RAM */
/* bus.c: the guest's device and function number of each of its functions. May refuse. */
void plan_lay_out(struct guest_plan *g);
/* clock.c: RTC and watchdog of each guest, at the end, before INTx. */
void plan_clocks(const struct plan *p);
/* intx.c, behind plan_devices(): refuses who needs a line that an earlier guest needs too. */
void plan_intx_check(const struct plan *p, struct guest_plan *g);
/* Pin and virtual line of each device of all guests, at the end. */
void plan_intx_assign(struct plan *p);
/* A device of another guest that can raise the INTx line that `d` got, or NULL. */
const struct plan_device *plan_intx_intruder(const struct plan *p, const struct guest_plan *g,
					     const struct plan_device *d);
/* msi.c: the message path of one device; vectors of all guests, at the end, before INTx. */
void plan_msi_choose(const struct plan *p, struct guest_plan *g, struct plan_device *d);
void plan_msi_share(struct plan *p);
/* Another guest whose messages go to this frame, or NULL. */
const struct guest_plan *plan_frame_mate(const struct plan *p, const struct guest_plan *g,
					 const struct msi_ctrl *frame);
/* The interrupts that are left when MSIs turn out not to reach their doorbell. */
void plan_msi_off(struct guest_plan *g, const char *why);

/* map.c: where RAM, BAR windows, doorbell and regions go in the guest's address space. */
void plan_map_guest(const struct plan *p, struct guest_plan *g);
void plan_take(struct plan_space *s, struct range r, const char *why);
/* ram.c: gives pmem the board's RAM without what is taken, when all declarations are read. */
void plan_reserve(const struct board *b);
/* MODULES: none of them. */
enum plan_module plan_module_kind(const void *fdt, int node);
/* The host's pages that a node of shared memory names; false: it names none, or is malformed. */
bool plan_shared_pages(const void *fdt, int node, struct range *out);
/* The RAM part of the map. */
void plan_ram(const struct plan *p, struct guest_plan *g, struct plan_space *s);
/* plan.c: names what is at `r`, where `prop` of the guest wants RAM and cannot have it. */
void plan_refuse_ram(const struct plan *p, struct guest_plan *g, struct range r, const char *prop);

/* shared.c: shared memory, and where regions are. */
void plan_parse_shared(const void *fdt, int node, struct guest_plan *g);
bool plan_pages_sane(struct range r); /* whole pages, and no wrap */
bool plan_region_sane(const struct plan_region *r);
void plan_add_region(struct guest_plan *g, const struct plan_region *r);
void plan_regions(const struct plan *p, struct guest_plan *g, struct plan_space *s);

/* platform.c: reads the partial device tree; later, when PCI functions are chosen, streams. */
void plan_platform(const struct plan *p, struct guest_plan *g);
void plan_streams(const struct plan *p, struct guest_plan *g);
bool plan_has_line(const struct guest_plan *g, uint32_t vintid);

/*
 * props.c: a node's properties, by table. PROP_FLAG is a bool, PROP_NUMBER a uint32_t from min to
 * max, PROP_TEXT a string of min to max characters in an array with room for its NUL, PROP_CHOICE a
 * uint8_t: which of the strings of `list`, where bit n of `allowed` allows number n.
 * `others` lists what has no rule as "=a\0-b\0!c\0": = is read elsewhere, - has no meaning for
 * Viaduct, ! is not supported. Names are arrays and lists strings: no pointers to relocate.
 */
enum { PROP_FLAG, PROP_NUMBER, PROP_TEXT, PROP_CHOICE };
enum { PROP_AUTO, PROP_CRASH, PROP_ROLE };

struct prop_rule {
	char name[27];
	uint8_t kind;
	uint16_t at; /* offset of the field */
	union {
		struct {
			uint16_t min, max; /* PROP_NUMBER, PROP_TEXT */
		};
		struct {
			uint16_t list, allowed; /* PROP_CHOICE */
		};
	};
};

int plan_list_index(const char *list, const char *name); /* -1: not in it */
void plan_properties(const void *fdt, int node, struct guest_plan *g, const struct prop_rule *rules,
		     unsigned count, void *into, const char *others);
/* Refuses: "NODE: PROP is missing (or malformed); give ..." */
void plan_bad_prop(const void *fdt, int node, struct guest_plan *g, const char *prop,
		   const char *give);

/* "512 MiB": the largest unit that divides it. The text stays until the fourth call from here. */
const char *plan_size(uint64_t bytes);
/* "overlaps the I/O window of /pcie@40000000 (0x5f800000 to 0x5fffffff)" */
const char *plan_clash(const struct plan_clash *c); /* until the next call */

#endif
