/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading a device tree: nodes and properties, cells, addresses translated to CPU physical
 * addresses, interrupts. Errors are returned, never fatal; the blob is untrusted but passed
 * dt_check() and is in memory that nobody else writes. A node is its offset in the structure
 * block; -1: none.
 */
#ifndef HV_DT_H
#define HV_DT_H

#include <hv/status.h>
#include <hv/types.h>

/*
 * To be called before anything else: at most `max` bytes long, version 17, and wholly well formed.
 */
enum hv_status __must_check dt_check(const void *fdt, size_t max);
/*
 * Boot, behind dt_check: makes questions about this tree quick, as long as nobody writes to it. One
 * tree at a time; without memory for it, and in every other tree, the answers are the same, slower.
 * dt_index_moved: the indexed tree was copied there.
 */
void dt_index(const void *fdt);
void dt_index_moved(const void *to);
/* What a copy needs: firmware leaves room behind it, and perhaps memory reservations. */
size_t dt_used_size(const void *fdt);
/* Entry i of the memory reservations; false: behind the last. */
bool dt_reservation(const void *fdt, unsigned i, struct range *out);

/* The name of a node with its unit address; its parent, -1 for the root. `node` is valid. */
const char *dt_name(const void *fdt, int node);
int dt_parent(const void *fdt, int node);
/* A full path, or an alias; up to ':', which begins the options of stdout-path. */
int dt_find(const void *fdt, const char *path);
int dt_by_phandle(const void *fdt, uint32_t phandle);
uint32_t dt_phandle(const void *fdt, int node); /* 0: none */
/* The next node at depth 1, where `node` (-1: none) is at `depth`. */
int dt_next_at_one(const void *fdt, int node, int depth);
#define dt_first_child(fdt, node)  dt_next_at_one(fdt, node, 0)
#define dt_next_sibling(fdt, node) dt_next_at_one(fdt, node, 1)
#define dt_for_each_child(n, fdt, parent)                                                          \
	for ((n) = dt_first_child(fdt, parent); (n) >= 0; (n) = dt_next_sibling(fdt, n))

/* In the order of the tree; *depth goes along. -1: there is no more. */
int dt_next_node(const void *fdt, int node, int *depth);

struct dt_prop {
	const char *name;
	const void *data;
	unsigned len;
};
/* The first property when `at` is a node, else the one behind `at`; -1: there is no more. */
int dt_next_prop(const void *fdt, int at, struct dt_prop *out);
/* The value, aligned to 4 bytes; NULL and length 0 when it is absent, or the node is -1. */
const void *dt_get(const void *fdt, int node, const char *name, unsigned *len);
/* Where `s` is in a list of strings; -1: it is not. */
int dt_list_index(const void *fdt, int node, const char *prop, const char *s);

/* `cells` (0..2) big-endian 32-bit cells at p. */
uint64_t dt_cells(const void *p, unsigned cells);
/* A u32 property; `fallback` when it is absent or not 4 bytes. */
uint32_t dt_u32(const void *fdt, int node, const char *prop, uint32_t fallback);
bool dt_bool(const void *fdt, int node, const char *prop);
const char *dt_string(const void *fdt, int node, const char *prop); /* NUL terminated, or NULL */

/* #address-cells and #size-cells of `bus` itself, for its children (Devicetree v0.4 §2.3.5). */
unsigned dt_address_cells(const void *fdt, int bus);
unsigned dt_size_cells(const void *fdt, int bus);

/*
 * Entry i of a list whose entries are `count` numbers of cells[] cells, the first 1 or 2, others 0
 * to 2 (else HV_EUNSUPP). HV_ENOENT: behind the last; HV_EINVAL: the last, and it is not whole.
 */
enum hv_status __must_check dt_entry(const void *fdt, int node, const char *prop, unsigned i,
				     unsigned count, const unsigned *cells, uint64_t *out);
/* Entry i of `reg`, translated through every parent's `ranges` to a CPU PA. */
enum hv_status __must_check dt_reg(const void *fdt, int node, unsigned i, struct range *out);
/* The same untranslated: for nodes below /chosen, which have no `ranges`. */
enum hv_status __must_check dt_reg_raw(const void *fdt, int node, unsigned i, struct range *out);
/* [*addr, +size) in `bus`'s own child space to CPU PA, through bus' `ranges` and its parents'. */
enum hv_status __must_check dt_translate(const void *fdt, int bus, uint64_t *addr, uint64_t size);

struct dt_irq {
	uint32_t intid; /* GIC INTID: SPI n is 32 + n, PPI n is 16 + n */
	bool edge;
};
/* Interrupt i of a node whose interrupt parent is the GIC. */
enum hv_status __must_check dt_interrupt(const void *fdt, int node, unsigned i, struct dt_irq *out);
/*
 * The unit address of a device and its interrupt specifier, in the cells of `parent`, host order;
 * followed through every `interrupt-map` up to the GIC. HV_ENOENT: no entry matches.
 */
enum hv_status __must_check dt_interrupt_resolve(const void *fdt, int parent, const uint32_t *cell,
						 unsigned count, struct dt_irq *out);

/* True if `compatible` is in the node's list of that name, as a whole string. */
bool dt_compatible(const void *fdt, int node, const char *compatible);
/* Enabled: its status and those of all nodes above are absent, "okay" or "ok". */
bool dt_enabled(const void *fdt, int node);
/*
 * For sure: neither it nor a node above is in a power domain, which may be off, so that an access
 * never ends; or its "viaduct,powered" says that firmware switched it on.
 */
bool dt_has_power(const void *fdt, int node);
/* Full path; "..." and its end when it does not fit; always terminated. */
const char *dt_path(const void *fdt, int node, char *buf, size_t size);

/* The next node of a compatible, or of all (NULL); of -1: the first. */
int dt_next(const void *fdt, int node, const char *compatible);
#define dt_for_each(n, fdt, compatible) for (int n = -1; (n = dt_next(fdt, n, compatible)) >= 0;)
/* How many nodes have it, enabled or not: what a list of them needs room for. */
unsigned dt_count(const void *fdt, const char *compatible);

#endif
