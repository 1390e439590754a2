/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The properties of one node of a declaration, by a table that names every property that may be
 * there. What a table does not know, or Viaduct has no use for, gets one warning and is ignored; a
 * value that cannot be used refuses the guest, naming node, property and what to give.
 */
#include <string.h>

#include <hv/dt.h>
#include <hv/log.h>

#include "plan_priv.h"

/* Lists of strings are one string, "a\0b\0": no table of pointers to relocate. -1: not in it. */
int plan_list_index(const char *list, const char *name)
{
	for (int i = 0; *list; i++, list += strlen(list) + 1)
		if (!strcmp(list, name))
			return i;
	return -1;
}

void plan_bad_prop(const void *fdt, int node, struct guest_plan *g, const char *prop,
		   const char *give)
{
	bool own = node == g->node;

	plan_refuse(g, "%s%s%s is %s; give %s", own ? "" : dt_name(fdt, node), own ? "" : ": ",
		    prop, dt_bool(fdt, node, prop) ? "malformed" : "missing", give);
}

/* What PROP_CHOICE chooses from; the order is that of enum plan_auto and of the fields. */
static const char choices[][32] = {
	[PROP_AUTO] = "auto\0on\0off\0direct\0trapped\0",
	[PROP_CRASH] = "restart\0stop\0",
	[PROP_ROLE] = "borrower\0owner\0",
};

/* A property without a value is "on". */
static void set_choice(const void *fdt, int node, struct guest_plan *g, const struct prop_rule *r,
		       const struct dt_prop *p, uint8_t *to)
{
	const char *list = choices[r->list], *s = p->len ? dt_string(fdt, node, r->name) : "on";
	int index = s ? plan_list_index(list, s) : -1;
	char give[64] = "";
	size_t len = 0;

	if (index >= 0 && r->allowed >> index & 1) {
		*to = (uint8_t)index;
		return;
	}
	for (unsigned i = 0; *list; i++, list += strlen(list) + 1)
		if (r->allowed >> i & 1)
			len += fmt_print(give + len, sizeof(give) - len, "%s\"%s\"",
					 len ? " or " : "", list);
	plan_bad_prop(fdt, node, g, r->name, give);
}

static void set_text(const void *fdt, int node, struct guest_plan *g, const struct prop_rule *r,
		     char *to)
{
	const char *s = dt_string(fdt, node, r->name);
	size_t len = s ? strlen(s) : SIZE_MAX;
	char give[40];

	fmt_print(give, sizeof(give), "a text of %u to %u characters", r->min, r->max);
	if (len < r->min || len > r->max)
		plan_bad_prop(fdt, node, g, r->name, give);
	else
		memcpy(to, s, len + 1);
}

static void set_number(const void *fdt, int node, struct guest_plan *g, const struct prop_rule *r,
		       const struct dt_prop *p, uint32_t *to)
{
	uint32_t v = p->len == 4 ? (uint32_t)dt_cells(p->data, 1) : 0;
	char give[32];

	fmt_print(give, sizeof(give), "one cell, %u to %u", r->min, r->max);
	if (p->len != 4)
		plan_bad_prop(fdt, node, g, r->name, give);
	else if (v < r->min || v > r->max)
		plan_refuse(g, "%s is %u; give %u to %u", r->name, v, r->min, r->max);
	else
		*to = v;
}

static void set_field(const void *fdt, int node, struct guest_plan *g, const struct prop_rule *r,
		      const struct dt_prop *p, uint8_t *field)
{
	if (r->kind == PROP_NUMBER)
		set_number(fdt, node, g, r, p, (uint32_t *)(void *)field);
	else if (r->kind == PROP_TEXT)
		set_text(fdt, node, g, r, (char *)field);
	else if (r->kind == PROP_CHOICE)
		set_choice(fdt, node, g, r, p, field);
	else
		*field = true; /* whatever the value: ImageBuilder writes vpl011 = <1> */
}

/* What becomes of a property that has no rule, by the mark before its name in a list. */
enum prop_mark {
	MARK_NONE = 0,
	MARK_READ_ELSEWHERE = '=',
	MARK_NO_MEANING = '-',
	MARK_UNSUPPORTED = '!'
};

/* MARK_NONE: it is in no list. */
static char mark_of(const char *list, const char *name)
{
	for (; *list; list += strlen(list) + 1)
		if (!strcmp(list + 1, name))
			return *list;
	return MARK_NONE;
}

/* The rule that was probably meant by a name that is in no table, or NULL. */
static const char *suggest_rule(const struct prop_rule *rules, unsigned count, const char *name)
{
	for (unsigned i = 0; i < count; i++) {
		char one[sizeof(rules[i].name) + 1] = { 0 };

		memcpy(one, rules[i].name, sizeof(rules[i].name));
		if (text_nearest(name, one))
			return rules[i].name;
	}
	return NULL;
}

static void warn_ignored(const void *fdt, int node, const char *name, char mark, const char *likely)
{
	const char *why = mark == MARK_NO_MEANING ? "has no meaning for Viaduct" :
						    "is not supported";
	char path[96];

	dt_path(fdt, node, path, sizeof(path));
	if (mark)
		log_warn("%s: property \"%s\" %s; ignored", path, name, why);
	else if (likely)
		log_warn("%s: property \"%s\" is not known; ignored; did you mean \"%s\"?", path,
			 name, likely);
	else
		log_warn("%s: property \"%s\" is not known; ignored", path, name);
}

void plan_properties(const void *fdt, int node, struct guest_plan *g, const struct prop_rule *rules,
		     unsigned count, void *into, const char *others)
{
	static const char always[] = "=compatible\0=name\0=phandle\0=linux,phandle\0"
				     "=#address-cells\0=#size-cells\0=status\0";
	struct dt_prop p;
	char mark;

	for (int at = node; (at = dt_next_prop(fdt, at, &p)) >= 0;) {
		unsigned i = 0;

		while (i < count && strcmp(rules[i].name, p.name))
			i++;
		mark = mark_of(always, p.name);
		if (!mark)
			mark = mark_of(others, p.name);
		if (i < count)
			set_field(fdt, node, g, &rules[i], &p, (uint8_t *)into + rules[i].at);
		else if (mark != MARK_READ_ELSEWHERE)
			warn_ignored(fdt, node, p.name, mark, suggest_rule(rules, count, p.name));
	}
}
