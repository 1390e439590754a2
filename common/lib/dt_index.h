/* SPDX-License-Identifier: Apache-2.0 */
/* The nodes of one device tree, in its order: what dt_tree.c would find along its tokens. */
#ifndef DT_INDEX_H
#define DT_INDEX_H

#include <hv/dt.h>

#define DEPTH_MAX 32 /* whoever is deeper has no parent, and so no address */

/* Offsets in the structure block; -1: none. Behind the last node is one of `at` and depth -1. */
struct dt_node {
	int at, parent, sibling, depth;
	int compatible; /* the property */
	uint32_t phandle;
};

/* NULL: the tree is not the one that is indexed, or there is no such node. Any context, no lock. */
const struct dt_node *dt_indexed(const void *fdt, int node);

#endif
