/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The nodes and properties of a device tree, straight from its structure block (Devicetree
 * Specification v0.4, §5). dt_check() has seen every token, name and length of it, so the walks
 * below only follow them, and each ends at the token FDT_END. Of the board's tree there is an index
 * of nodes (dt_index.c): what asks for a node walks there, and in other trees, which are small,
 * along the tokens. Everybody who boots calls it; nobody later.
 */
#include <string.h>

#include <libfdt.h>

#include "dt_index.h"

static inline uint32_t be32(const fdt32_t *p)
{
	return fdt32_to_cpu(*p);
}

/* Nodes and properties are named by the offset of their token. */
static const fdt32_t *token(const void *fdt, int at)
{
	const struct fdt_header *h = fdt;

	return (const fdt32_t *)((uintptr_t)fdt + be32(&h->off_dt_struct) + (unsigned)at);
}

/* The token behind the one at p. */
static inline const fdt32_t *next_token(const fdt32_t *p)
{
	switch (be32(p)) {
	case FDT_BEGIN_NODE:
		return p + 2 + strlen((const char *)(p + 1)) / 4;
	case FDT_PROP:
		return p + 3 + (be32(p + 1) + 3) / 4;
	default:
		return p + 1;
	}
}

/*
 * Does the token at p end before `end`? A name and a value lie inside, a property's name does too.
 */
static bool token_fits(const fdt32_t *p, const fdt32_t *end, uint32_t strings_size)
{
	size_t left = (size_t)(end - p - 1) * 4;

	switch (be32(p)) {
	case FDT_BEGIN_NODE:
		return memchr(p + 1, 0, left);
	case FDT_PROP:
		return left >= 8 && be32(p + 1) <= left - 8 && be32(p + 2) < strings_size;
	case FDT_END_NODE:
	case FDT_NOP:
		return true;
	}
	return false;
}

/* One root, and behind it the end. */
static bool structure_valid(const fdt32_t *p, const fdt32_t *end, uint32_t strings_size)
{
	unsigned depth = 0;

	if (p == end || be32(p) != FDT_BEGIN_NODE)
		return false;
	do {
		uint32_t t = be32(p);

		depth += t == FDT_BEGIN_NODE;
		depth -= t == FDT_END_NODE;
		if (!token_fits(p, end, strings_size))
			return false;
		p = next_token(p);
	} while (p < end && (depth || be32(p) == FDT_NOP));
	return p < end && be32(p) == FDT_END;
}

bool dt_reservation(const void *fdt, unsigned i, struct range *out)
{
	const uint8_t *p = (const uint8_t *)fdt + fdt_off_mem_rsvmap(fdt) + 16 * i;

	*out = (struct range){ dt_cells(p, 2), dt_cells(p + 8, 2) };
	return out->size;
}

enum hv_status dt_check(const void *fdt, size_t max)
{
	struct range r;
	uint64_t at;

	/* Version 17 has the sizes of both blocks; the last string's end is the end of all. */
	if (max < sizeof(struct fdt_header) || fdt_check_header(fdt) || fdt_version(fdt) < 17 ||
	    fdt_totalsize(fdt) > max || !IS_ALIGNED(fdt_off_dt_struct(fdt), 4) ||
	    (fdt_size_dt_strings(fdt) &&
	     ((const char *)fdt)[fdt_off_dt_strings(fdt) + fdt_size_dt_strings(fdt) - 1]))
		return HV_EINVAL;
	at = fdt_off_mem_rsvmap(fdt);
	for (unsigned i = 0; at + 16 <= fdt_totalsize(fdt); i++, at += 16)
		if (!dt_reservation(fdt, i, &r))
			return structure_valid(token(fdt, 0),
					       token(fdt, (int)fdt_size_dt_struct(fdt) & ~3),
					       fdt_size_dt_strings(fdt)) ?
				       HV_OK :
				       HV_EINVAL;
	return HV_EINVAL;
}

size_t dt_used_size(const void *fdt)
{
	return MAX(fdt_off_dt_struct(fdt) + fdt_size_dt_struct(fdt),
		   fdt_off_dt_strings(fdt) + fdt_size_dt_strings(fdt));
}

int dt_next_prop(const void *fdt, int at, struct dt_prop *out)
{
	const struct fdt_header *h = fdt;
	const fdt32_t *first = token(fdt, at), *p = first;

	do {
		p = next_token(p);
	} while (be32(p) == FDT_NOP);
	if (be32(p) != FDT_PROP)
		return -1;
	out->name = (const char *)fdt + be32(&h->off_dt_strings) + be32(p + 2);
	out->data = p + 3;
	out->len = be32(p + 1);
	return at + (int)(p - first) * 4;
}

const void *dt_get(const void *fdt, int node, const char *name, unsigned *len)
{
	struct dt_prop p;

	for (int at = node; at >= 0 && (at = dt_next_prop(fdt, at, &p)) >= 0;)
		if (*p.name == *name && !strcmp(p.name, name)) {
			*len = p.len;
			return p.data;
		}
	*len = 0;
	return NULL;
}

const char *dt_name(const void *fdt, int node)
{
	return (const char *)(token(fdt, node) + 1);
}

int dt_next_node(const void *fdt, int node, int *depth)
{
	const struct dt_node *n = dt_indexed(fdt, node);
	const fdt32_t *first = token(fdt, node), *p = first;

	if (n) {
		*depth += n[1].depth - n->depth;
		return n[1].at;
	}
	for (;;) {
		p = next_token(p);
		switch (be32(p)) {
		case FDT_BEGIN_NODE:
			++*depth;
			return node + (int)(p - first) * 4;
		case FDT_END_NODE:
			--*depth;
			break;
		case FDT_END:
			return -1;
		}
	}
}

int dt_next_at_one(const void *fdt, int node, int depth)
{
	const struct dt_node *n = dt_indexed(fdt, node);

	if (n && depth == 1)
		return n->sibling;
	do {
		node = node < 0 ? -1 : dt_next_node(fdt, node, &depth);
	} while (node >= 0 && depth > 1);
	return depth == 1 ? node : -1;
}

/* Returns the depth of a node; up[0] is the root, up[depth] the node itself. -1: too deep. */
static int ancestors(const void *fdt, int node, int *up)
{
	const struct dt_node *i = dt_indexed(fdt, node);
	int depth = 0;

	if (i) {
		for (depth = i->depth; i; i = dt_indexed(fdt, i->parent))
			up[i->depth] = i->at;
		return depth;
	}
	for (int n = 0; n >= 0; n = dt_next_node(fdt, n, &depth)) {
		if (depth < DEPTH_MAX)
			up[depth] = n;
		if (n >= node)
			return depth < DEPTH_MAX ? depth : -1;
	}
	return -1;
}

int dt_parent(const void *fdt, int node)
{
	const struct dt_node *n = dt_indexed(fdt, node);
	int up[DEPTH_MAX], depth;

	if (n)
		return n->parent;
	depth = ancestors(fdt, node, up);
	return depth > 0 ? up[depth - 1] : -1;
}

const char *dt_path(const void *fdt, int node, char *buf, size_t size)
{
	int up[DEPTH_MAX];
	size_t at = size - 1;

	buf[at] = 0;
	for (int i = ancestors(fdt, node, up); i > 0; i--) {
		const char *name = dt_name(fdt, up[i]);
		size_t len = strlen(name);

		if (len + 1 > at) { /* the end of a path says more than its head */
			memcpy(buf, name + len - MIN(len, at), at);
			memcpy(buf, "...", MIN(size - 1, 3));
			return buf;
		}
		at -= len + 1;
		buf[at] = '/';
		memcpy(buf + at + 1, name, len);
	}
	return memmove(buf, buf + at, size - at);
}

/* Where `s` is in a list of strings of `left` bytes; -1: it is not. */
static int list_index(const char *p, unsigned left, const char *s)
{
	size_t size = strlen(s) + 1;
	const char *end;

	for (int i = 0; left >= size; i++) {
		if (!memcmp(p, s, size))
			return i;
		end = memchr(p, 0, left);
		if (!end)
			break;
		left -= (unsigned)(end + 1 - p);
		p = end + 1;
	}
	return -1;
}

int dt_list_index(const void *fdt, int node, const char *prop, const char *s)
{
	unsigned len;
	const char *p = dt_get(fdt, node, prop, &len);

	return list_index(p, len, s);
}

bool dt_compatible(const void *fdt, int node, const char *compatible)
{
	return dt_list_index(fdt, node, "compatible", compatible) >= 0;
}

static bool node_is(const void *fdt, const struct dt_node *n, const char *compatible)
{
	const fdt32_t *p;

	if (n->compatible < 0)
		return false;
	p = token(fdt, n->compatible);
	return list_index((const char *)(p + 3), be32(p + 1), compatible) >= 0;
}

int dt_next(const void *fdt, int node, const char *compatible)
{
	const struct dt_node *n = dt_indexed(fdt, MAX(node, 0));
	int depth = 0;

	if (n) {
		n += node >= 0;
		while (n->at >= 0 && compatible && !node_is(fdt, n, compatible))
			n++;
		return n->at;
	}
	do {
		node = node < 0 ? 0 : dt_next_node(fdt, node, &depth);
	} while (node >= 0 && compatible && !dt_compatible(fdt, node, compatible));
	return node;
}

unsigned dt_count(const void *fdt, const char *compatible)
{
	unsigned count = 0;

	for (int n = -1; (n = dt_next(fdt, n, compatible)) >= 0;)
		count++;
	return count;
}

uint32_t dt_phandle(const void *fdt, int node)
{
	return dt_u32(fdt, node, "phandle", dt_u32(fdt, node, "linux,phandle", 0));
}

int dt_by_phandle(const void *fdt, uint32_t phandle)
{
	const struct dt_node *i = dt_indexed(fdt, 0);
	struct dt_prop p;
	int depth = 0;

	if (i) {
		while (i->at >= 0 && i->phandle != phandle)
			i++;
		return phandle ? i->at : -1;
	}
	for (int n = 0; n >= 0 && phandle; n = dt_next_node(fdt, n, &depth))
		for (int at = n; (at = dt_next_prop(fdt, at, &p)) >= 0;)
			if (p.len == 4 && be32(p.data) == phandle &&
			    (!strcmp(p.name, "phandle") || !strcmp(p.name, "linux,phandle")))
				return n;
	return -1;
}

static size_t name_length(const char *s)
{
	size_t n = 0;

	while (s[n] && s[n] != '/' && s[n] != ':')
		n++;
	return n;
}

/* The unit address may be left out (§2.2.3). */
static int child_named(const void *fdt, int parent, const char *name, size_t len)
{
	int n;

	dt_for_each_child(n, fdt, parent) {
		const char *s = dt_name(fdt, n);

		if (!strncmp(s, name, len) &&
		    (!s[len] || (s[len] == '@' && !memchr(name, '@', len))))
			break;
	}
	return n;
}

static int find_below_root(const void *fdt, const char *path)
{
	int node = 0;

	while (node >= 0 && *path == '/') {
		size_t len = name_length(++path);

		if (len)
			node = child_named(fdt, node, path, len);
		path += len;
	}
	return node;
}

int dt_find(const void *fdt, const char *path)
{
	size_t len = name_length(path);
	struct dt_prop p;

	if (*path == '/')
		return find_below_root(fdt, path);
	for (int at = find_below_root(fdt, "/aliases");
	     at >= 0 && (at = dt_next_prop(fdt, at, &p)) >= 0;) {
		const char *to = p.data;

		if (!strncmp(p.name, path, len) && !p.name[len])
			return p.len && *to == '/' && !to[p.len - 1] ? find_below_root(fdt, to) :
								       -1;
	}
	return -1;
}
