/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The planner: takes one guest after another, in the order of order.c, and decides whether it can
 * run and with what. Modules, CPUs and images are decided here; declarations are read in
 * parse.c, devices chosen in pci.c, addresses in map.c. A guest takes nothing until
 * all of it is decided: RAM, CPUs and devices of a refused guest stay free for the next one.
 */
#include <stddef.h>
#include <string.h>

#include <hv/bits.h>
#include <hv/dt.h>
#include <hv/log.h>
#include <hv/panic.h>
#include <hv/pmem.h>

#include "plan_priv.h"

#define HEAD offsetof(struct guest_plan, vcpu_count) /* who it is, and why it was refused */

/* Twice the room for devices; what was there stays unused. */
static bool grow_devices(struct guest_plan *g)
{
	unsigned room = g->device_room ? 2 * g->device_room : 4;
	struct plan_device *more = pmem_try_alloc(room * sizeof(*more), 64);

	if (!more)
		return false;
	for (unsigned i = 0; i < g->device_count; i++)
		more[i] = g->device[i];
	g->device = more;
	g->device_room = room;
	return true;
}

struct plan_device *plan_add_device(struct guest_plan *g)
{
	struct plan_device *d;

	if (g->device_count == PLAN_MAX_DEVICES ||
	    (g->device_count == g->device_room && !grow_devices(g))) {
		plan_refuse(g, "it has more than %d devices, or there is no memory; remove some",
			    PLAN_MAX_DEVICES);
		return NULL;
	}
	d = &g->device[g->device_count++];
	memset(d, 0, sizeof(*d));
	return d;
}

enum { RAM = MODULES }; /* a role beside those of modules */

/* Identical ranges of the same role are one file for several guests; any other overlap is wrong. */
static bool clash(struct range a, unsigned a_role, struct range b, unsigned b_role)
{
	bool same = a.base == b.base && a.size == b.size && a_role == b_role && a_role != RAM;

	return range_overlaps(a, b) && !same;
}

static const char *guest_clash(const struct guest_plan *o, struct range r, unsigned role)
{
	static const char what[][26] = { "the kernel of guest ", "the ramdisk of guest ",
					 "the device tree of guest " };

	for (unsigned m = 0; m < MODULES; m++)
		if (clash(r, role, o->module[m], m))
			return what[m];
	for (unsigned i = 0; i < o->ram_count; i++)
		if (clash(r, role, (struct range){ o->ram[i].pa.v, o->ram[i].size }, RAM))
			return "the RAM of guest ";
	for (unsigned i = 0; role == RAM && i < o->region_count; i++)
		if (o->region[i].first && range_overlaps(r, o->region[i].pa))
			return "shared memory of guest ";
	return NULL;
}

/* What is at `r` besides what `g` wants there, or NULL; *owner: the guest whose it is, or "". */
static const char *obstacle(const struct plan *p, const struct guest_plan *g, struct range r,
			    unsigned role, const char **owner)
{
	const struct board *b = p->board;
	const char *what = NULL;

	*owner = "";
	if (range_overlaps(r, b->image))
		return "Viaduct itself";
	if (range_overlaps(r, b->tree))
		return "the device tree";
	for (const struct guest_plan *o = p->guest; o <= g && !what; o++) {
		what = guest_clash(o, r, role);
		*owner = what ? o->name : "";
	}
	return what;
}

static void check_modules(const struct plan *p, struct guest_plan *g)
{
	static const char names[][20] = { "kernel", "ramdisk", "partial device tree" };

	for (unsigned i = 0; i < MODULES; i++) {
		struct range m = g->module[i];
		const char *owner, *what = m.size ? obstacle(p, g, m, i, &owner) : NULL;

		if (m.size && !board_is_ram(p->board, m))
			plan_refuse(g,
				    "its %s at 0x%lx is not in RAM; load it elsewhere and "
				    "correct reg",
				    names[i], m.base);
		else if (what)
			plan_refuse(g, "its %s, 0x%lx to 0x%lx, overlaps %s%s; load it elsewhere",
				    names[i], m.base, range_end(m) - 1, what, owner);
	}
}

void plan_refuse_ram(const struct plan *p, struct guest_plan *g, struct range r, const char *prop)
{
	const struct board *b = p->board;
	const char *owner, *what = obstacle(p, g, r, RAM, &owner);

	for (unsigned i = 0; i < b->reserved_count && !what; i++)
		if (range_overlaps(r, b->reserved[i]))
			what = "reserved memory";
	if (!board_is_ram(b, r))
		plan_refuse(
			g,
			"%s at 0x%lx to 0x%lx is not RAM; correct it, or the #address-cells and "
			"#size-cells that it is read with",
			prop, r.base, range_end(r) - 1);
	else
		plan_refuse(g, "%s at 0x%lx to 0x%lx overlaps %s%s; give it elsewhere", prop,
			    r.base, range_end(r) - 1,
			    what ? what : "a later guest's module, or what Viaduct needs", owner);
}

/*
 * Which CPU each vCPU of a guest gets, while it is found out: a matching, extended by one vCPU
 * after the other along a shortest path of CPUs whose vCPUs move on to others.
 */
static struct {
	bool may[MAX_CPUS];      /* online, and of no guest before it */
	uint16_t user[MAX_CPUS]; /* 1 + the vCPU that has it; 0: none */
	uint16_t from[MAX_CPUS]; /* 1 + the vCPU that could move there; 0: not reached */
	uint16_t queue[MAX_CPUS];
} match;

/* How many there are. */
static unsigned find_free_cpus(const struct plan *p, const struct guest_plan *g)
{
	unsigned count = 0;

	memset(&match, 0, sizeof(match));
	for (unsigned cpu = 0; cpu < p->board->cpu_count; cpu++)
		match.may[cpu] = p->board->cpu[cpu].online;
	for (const struct guest_plan *o = p->guest; o < g; o++)
		for (unsigned v = 0; v < o->vcpu_count; v++)
			match.may[o->vcpu[v].cpu] = false;
	for (unsigned cpu = 0; cpu < p->board->cpu_count; cpu++)
		count += match.may[cpu];
	return count;
}

static bool may_have(const struct plan_vcpu *v, unsigned cpu)
{
	return match.may[cpu] && (!v->has_list || v->list[cpu / 64] >> cpu % 64 & 1);
}

/* The lowest free CPU that vCPU v may have, after noting all that it may have; MAX_CPUS: none. */
static unsigned reach_cpu(const struct guest_plan *g, unsigned cpus, unsigned v, unsigned *queued)
{
	for (unsigned cpu = 0; cpu < cpus; cpu++)
		if (!match.user[cpu] && !match.from[cpu] && may_have(&g->vcpu[v], cpu)) {
			match.from[cpu] = (uint16_t)(v + 1);
			return cpu;
		}
	for (unsigned cpu = 0; cpu < cpus; cpu++)
		if (match.user[cpu] && !match.from[cpu] && may_have(&g->vcpu[v], cpu)) {
			match.from[cpu] = (uint16_t)(v + 1);
			match.queue[(*queued)++] = (uint16_t)(match.user[cpu] - 1);
		}
	return MAX_CPUS;
}

/* A CPU for vCPU v, where those below have theirs. No CPU is looked at twice. */
static bool place_vcpu(struct guest_plan *g, unsigned cpus, unsigned v)
{
	unsigned queued = 0, cpu, from, left;

	memset(match.from, 0, sizeof(match.from));
	cpu = reach_cpu(g, cpus, v, &queued);
	for (unsigned i = 0; cpu == MAX_CPUS && i < queued; i++)
		cpu = reach_cpu(g, cpus, match.queue[i], &queued);
	if (cpu == MAX_CPUS)
		return false;
	do { /* back along the path, each to the CPU that it reached */
		from = match.from[cpu] - 1U;
		left = g->vcpu[from].cpu;
		g->vcpu[from].cpu = (uint16_t)cpu;
		match.user[cpu] = (uint16_t)(from + 1);
		cpu = left;
	} while (from != v);
	return true;
}

/*
 * In order of index: what is nobody's (interrupts of the SMMU, the UART) then finds the lowest CPU
 * without a guest, or CPU 0.
 */
static void choose_cpus(const struct plan *p, struct guest_plan *g)
{
	unsigned found = find_free_cpus(p, g);

	if (found < g->vcpu_count) {
		plan_refuse(g,
			    "it wants %u CPUs and %u of %u are free; lower cpus, here or in "
			    "another guest",
			    g->vcpu_count, found, p->board->cpu_count);
		return;
	}
	for (unsigned v = 0; v < g->vcpu_count; v++)
		if (!place_vcpu(g, p->board->cpu_count, v)) {
			plan_refuse(g,
				    "none of the CPUs of vCPU %u's hard-affinity is free for "
				    "it; correct hard-affinity, here or in another guest",
				    v);
			return;
		}
}

/* From ram[i] on, what is one range to the guest. */
static struct range ram_run(const struct guest_plan *g, unsigned i)
{
	struct range run = { g->ram[i].ipa.v, g->ram[i].size };

	while (++i < g->ram_count && g->ram[i].ipa.v == range_end(run))
		run.size += g->ram[i].size;
	return run;
}

/*
 * Whether the kernel is one that can be started, from its first bytes. `head` gets the first
 * IMAGE_HEAD bytes of it, decompressed.
 */
static bool check_kernel(struct guest_plan *g, const void *data, uint8_t *head, uint64_t *file_size)
{
	const struct range kernel = g->module[MODULE_KERNEL];
	enum hv_status s = image_head(data, kernel.size, head, file_size);
	enum image_kind kind = image_kind(data, kernel.size), inside;

	inside = kind == IMAGE_GZIP ? image_kind(head, IMAGE_HEAD) : kind;
	if (inside != IMAGE_ARM64 && inside != IMAGE_ZEROS && inside != IMAGE_UNKNOWN)
		kind = inside;
	if (s == HV_OK && kind != IMAGE_ARM64 && kind != IMAGE_GZIP && !g->raw_kernel)
		s = HV_EINVAL;
	if (s != HV_OK)
		plan_refuse(g, "its kernel at 0x%lx %s", kernel.base, image_advice(kind));
	return s == HV_OK;
}

static enum hv_status fit_image(struct guest_plan *g, const uint8_t *head, uint64_t file_size)
{
	enum hv_status s = HV_ENOMEM;

	for (unsigned i = 0; i < g->ram_count && s == HV_ENOMEM; i++)
		s = image_layout(head, file_size, g->module[MODULE_RAMDISK].size, ram_run(g, i),
				 &g->image);
	return s;
}

/* A kernel that is not looked into counts as large as its file. */
static void check_image(const struct plan *p, struct guest_plan *g)
{
	const struct range kernel = g->module[MODULE_KERNEL];
	const void *data = p->module_data ? p->module_data(kernel) : NULL;
	uint64_t file_size = kernel.size;
	uint8_t head[IMAGE_HEAD] = { 0 };
	enum hv_status s;

	if (data && !check_kernel(g, data, head, &file_size))
		return;
	s = fit_image(g, head, file_size);
	if (s == HV_EINVAL)
		plan_refuse(g,
			    "its kernel at 0x%lx has a damaged Image header; load it again, and "
			    "give its exact size in reg",
			    kernel.base);
	else if (s != HV_OK)
		plan_refuse(g,
			    "kernel (%s) and ramdisk (%s) do not fit into its RAM (%s); raise "
			    "memory",
			    plan_size(file_size), plan_size(g->module[MODULE_RAMDISK].size),
			    plan_size(g->ram_size));
}

static void forget_refused(struct guest_plan *g)
{
	if (plan_refused(g))
		memset((char *)g + HEAD, 0, sizeof(*g) - HEAD); /* it has nothing */
}

/* Notes the node of every guest, and names what only looks like one. */
static void find_guests(struct plan *p, const void *fdt, int chosen)
{
	char path[96];
	int node;

	dt_for_each_child(node, fdt, chosen) {
		if (!plan_is_guest(fdt, node))
			plan_warn_child(fdt, node);
		else if (p->guest_count == MAX_VMS)
			log_err("guest %s refused: there are %d guests already; remove one",
				dt_path(fdt, node, path, sizeof(path)), MAX_VMS);
		else
			p->guest[p->guest_count++].node = node;
	}
}

void plan_read(struct plan *p, struct board *b)
{
	int node, chosen = dt_find(b->fdt, "/chosen");
	unsigned count = 0;

	memset(p, 0, sizeof(*p));
	p->board = b;
	plan_reserve(b);
	dt_for_each_child(node, b->fdt, chosen)
		count += plan_is_guest(b->fdt, node);
	count = MIN(count, MAX_VMS);
	p->guest = pmem_alloc(MAX(count, 1U) * sizeof(*p->guest), 64);
	plan_warn_chosen(b->fdt, chosen);
	find_guests(p, b->fdt, chosen);
	plan_order(b->fdt, p->guest, p->guest_count);
	for (struct guest_plan *g = p->guest; g < p->guest + p->guest_count; g++) {
		g->gic_version = b->gic_version;
		plan_parse_guest(p, g);
		forget_refused(g);
	}
}

/* Each step relies on the earlier ones; what they take of RAM is given back by a refusal. */
static void decide_pmu(const struct plan *p, struct guest_plan *g)
{
	if (g->pmu == PLAN_ON && !p->board->has_pmu)
		plan_refuse(g,
			    "pmu is \"on\", and not every CPU has performance monitors; remove it");
	if (g->pmu == PLAN_AUTO)
		g->pmu = p->board->has_pmu ? PLAN_ON : PLAN_OFF;
	if (g->pmu == PLAN_ON)
		g->pmu_intid = p->board->pmu_intid;
}

static void refuse_sve(struct guest_plan *g, uint16_t lengths)
{
	char list[16 * 6] = "";
	size_t len = 0;

	for_each_bit(n, lengths)
		len += fmt_print(list + len, sizeof(list) - len, " %u", 128 * (n + 1));
	if (lengths)
		plan_refuse(g, "sve is %u, and vectors of its CPUs have%s bits; give one of these",
			    g->sve_bits, list);
	else
		plan_refuse(g, "sve is declared, and not every CPU has SVE; remove it");
}

static void decide_sve(const struct plan *p, struct guest_plan *g)
{
	uint16_t lengths = p->board->sve_lengths;

	if (g->sve_bits == PLAN_SVE_MOST && lengths)
		g->sve_bits = 128 * (32 - (uint32_t)__builtin_clz(lengths));
	if (g->sve_bits &&
	    (g->sve_bits % 128 || g->sve_bits > 2048 || !(lengths >> (g->sve_bits / 128 - 1) & 1)))
		refuse_sve(g, lengths);
}

static void decide_guest(const struct plan *p, struct guest_plan *g)
{
	static void (*const steps[])(const struct plan *, struct guest_plan *) = {
		check_modules, plan_platform,  choose_cpus,   plan_devices,
		plan_streams,  plan_map_guest, check_modules, plan_intx_check,
		check_image,   decide_pmu,     decide_sve,
	};

	pmem_save();
	for (unsigned i = 0; i < ARRAY_SIZE(steps) && !plan_refused(g); i++)
		steps[i](p, g);
	if (plan_refused(g))
		pmem_undo();
	forget_refused(g);
}

void plan_guests(struct plan *p)
{
	ASSERT(p->geo.ipa_bits >= 32 && p->geo.ipa_bits < 64);
	for (struct guest_plan *g = p->guest; g < p->guest + p->guest_count; g++) {
		decide_guest(p, g);
		plan_for_each_device(d, g)
			d->func->owner = (uint16_t)(g - p->guest);
	}
	plan_msi_share(p);
	plan_clocks(p);
	plan_intx_assign(p);
}
