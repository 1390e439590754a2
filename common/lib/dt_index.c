/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An index of the board's device tree, made once at boot. Without it every question for a parent, a
 * phandle or a compatible walks along all tokens of the tree: two million instructions of a boot on
 * QEMU's small tree, and a hundred times that on a board of a thousand nodes. It holds numbers
 * only, so it stays true for a copy of the tree.
 */
#include <string.h>

#include <hv/pmem.h>

#include "dt_index.h"

static struct {
	const void *fdt; /* NULL: there is none */
	struct dt_node *node;
	unsigned count;
} tree;

const struct dt_node *dt_indexed(const void *fdt, int node)
{
	unsigned low = 0, high = tree.count;

	if (fdt != tree.fdt || !fdt || node < 0)
		return NULL;
	while (high - low > 1) {
		unsigned mid = low + (high - low) / 2;

		if (tree.node[mid].at <= node)
			low = mid;
		else
			high = mid;
	}
	return tree.node[low].at == node ? &tree.node[low] : NULL;
}

/* False: it has two phandles, which the index cannot hold. */
static bool read_properties(const void *fdt, struct dt_node *n)
{
	struct dt_prop p;

	for (int at = n->at; (at = dt_next_prop(fdt, at, &p)) >= 0;) {
		uint32_t phandle;

		if (n->compatible < 0 && !strcmp(p.name, "compatible"))
			n->compatible = at;
		if (p.len != 4 || (strcmp(p.name, "phandle") && strcmp(p.name, "linux,phandle")))
			continue;
		phandle = (uint32_t)dt_cells(p.data, 1);
		if (n->phandle && n->phandle != phandle)
			return false;
		n->phandle = phandle;
	}
	return true;
}

/* Nodes come in order, each behind its parent. False: the tree is not one for an index. */
static bool fill(const void *fdt)
{
	struct dt_node *last[DEPTH_MAX], *n = tree.node;
	int depth = 0;

	for (int at = 0; at >= 0; at = dt_next_node(fdt, at, &depth), n++) {
		if (depth >= DEPTH_MAX)
			return false;
		*n = (struct dt_node){ at, -1, -1, depth, -1, 0 };
		if (depth)
			n->parent = last[depth - 1]->at;
		if (depth && n[-1].depth >= depth)
			last[depth]->sibling = at;
		last[depth] = n;
		if (!read_properties(fdt, n))
			return false;
	}
	*n = (struct dt_node){ -1, -1, -1, -1, -1, 0 };
	return true;
}

void dt_index(const void *fdt)
{
	int depth = 0;

	tree.fdt = NULL;
	tree.count = 0;
	for (int at = 0; at >= 0; at = dt_next_node(fdt, at, &depth))
		tree.count++;
	tree.node = pmem_try_alloc((tree.count + 1) * sizeof(*tree.node), 64);
	if (tree.node && fill(fdt))
		tree.fdt = fdt;
}

void dt_index_moved(const void *to)
{
	if (tree.fdt)
		tree.fdt = to;
}
