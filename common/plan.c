/*
 * The planner: takes one guest after another in device-tree order and decides whether it can run
 * and with what. Modules, CPUs and images are decided here; declarations are read in plan_parse.c,
 * devices chosen in plan_pci.c, addresses in plan_map.c. A guest takes nothing until all of it is
 * decided: RAM, CPUs and devices of a refused guest stay free for the next one.
 */
#include <string.h>

#include <hv/dt.h>
#include <hv/log.h>
#include <hv/panic.h>
#include <hv/pmem.h>

#include "plan_priv.h"

static struct plan_device devices[PLAN_MAX_DEVICES];

/* Identical ranges of the same role are one file for several guests; any other overlap is wrong. */
static bool module_clash(struct range a, bool a_kernel, struct range b, bool b_kernel)
{
	bool same = a.base == b.base && a.size == b.size && a_kernel == b_kernel;

	return range_overlaps(a, b) && !same;
}

static struct range ram_of(const struct guest_plan *g)
{
	return (struct range){ g->ram_pa.v, g->ram_size + g->ram_high.size };
}

/* What is in the way of a module, or NULL; *owner: the guest whose it is, or NULL. */
static const char *module_obstacle(const struct plan *p, const struct guest_plan *g, struct range m,
				   bool kernel, const struct guest_plan **owner)
{
	const struct board *b = p->board;

	*owner = NULL;
	if (range_overlaps(m, b->image))
		return "Viaduct itself";
	if (range_overlaps(m, b->tree))
		return "the device tree";
	for (const struct guest_plan *o = p->guest; o <= g; o++) {
		if (o != g && plan_refused(o))
			continue;
		*owner = o;
		if (module_clash(m, kernel, o->kernel, true))
			return "the kernel of";
		if (module_clash(m, kernel, o->ramdisk, false))
			return "the ramdisk of";
		/* Not unless the caller could not reserve all modules. */
		if (o->ram_pa.v && range_overlaps(m, ram_of(o)))
			return "the RAM of";
	}
	*owner = NULL;
	return NULL;
}

static void check_module(const struct plan *p, struct guest_plan *g, struct range m, bool kernel)
{
	const char *role = kernel ? "kernel" : "ramdisk", *what;
	const struct guest_plan *owner;

	if (!m.size)
		return;
	if (!board_is_ram(p->board, m)) {
		plan_refuse(g, "its %s at 0x%lx is not in RAM; load it elsewhere and correct reg",
			    role, m.base);
		return;
	}
	what = module_obstacle(p, g, m, kernel, &owner);
	if (what)
		plan_refuse(g, "its %s, 0x%lx to 0x%lx, overlaps %s%s%s; load it elsewhere", role,
			    m.base, range_end(m) - 1, what, owner ? " guest " : "",
			    owner ? owner->name : "");
}

static void check_modules(const struct plan *p, struct guest_plan *g)
{
	check_module(p, g, g->kernel, true);
	check_module(p, g, g->ramdisk, false);
}

static bool cpu_taken(const struct plan *p, const struct guest_plan *g, unsigned cpu)
{
	for (const struct guest_plan *o = p->guest; o < g; o++)
		for (unsigned v = 0; !plan_refused(o) && v < o->vcpu_count; v++)
			if (o->cpu[v] == cpu)
				return true;
	return false;
}

/* In order of index: what is nobody's (interrupts of the SMMU, the UART) then finds the lowest
 * CPU without a guest, or CPU 0. */
static void choose_cpus(const struct plan *p, struct guest_plan *g)
{
	const struct board *b = p->board;
	unsigned found = 0;

	for (unsigned cpu = 0; cpu < b->cpu_count; cpu++) {
		if (!b->cpu[cpu].online || cpu_taken(p, g, cpu))
			continue;
		if (found < g->vcpu_count)
			g->cpu[found] = (uint8_t)cpu;
		found++;
	}
	if (found < g->vcpu_count)
		plan_refuse(g, "it wants %u CPUs and %u of %u are free; lower cpus, here or in "
			    "another guest", g->vcpu_count, found, b->cpu_count);
}

static void check_image(const struct plan *p, struct guest_plan *g)
{
	const struct range ram = { g->ram_ipa.v, g->ram_size };
	uint8_t head[IMAGE_HEAD];
	uint64_t file_size = g->kernel.size;
	char a[PLAN_SIZE_TEXT], b[PLAN_SIZE_TEXT], c[PLAN_SIZE_TEXT];
	enum hv_status s = HV_ENOMEM;
	const void *data = p->module_data ? p->module_data(g->kernel) : NULL;

	if (!data || (image_is_gzip(data, g->kernel.size) && !p->work)) {
		/* Not looked into: only what cannot fit whatever it is. The device tree takes 2
		 * MiB. */
		if (range_contains(ram, ram.base + MIB(2), g->kernel.size) &&
		    g->ramdisk.size <= g->ram_size - MIB(2) - g->kernel.size)
			return;
	} else {
		s = image_head(data, g->kernel.size, p->work, p->work_size, head, &file_size);
		if (s == HV_OK)
			s = image_layout(head, file_size, g->ramdisk.size, ram, &g->image);
		g->image.gzip = image_is_gzip(data, g->kernel.size);
	}
	if (s == HV_EINVAL)
		plan_refuse(g, "its kernel at 0x%lx is damaged or no arm64 Image; load one, plain "
			    "or gzip, and give its exact size in reg", g->kernel.base);
	else if (s != HV_OK)
		plan_refuse(g, "kernel (%s) and ramdisk (%s) do not fit into its RAM (%s); raise "
			    "memory", plan_size(file_size, a), plan_size(g->ramdisk.size, b),
			    plan_size(g->ram_size, c));
}

static void take_ram(const struct plan *p, struct guest_plan *g)
{
	char size[PLAN_SIZE_TEXT];

	if (pmem_alloc_guest(ram_of(g).size, &g->ram_pa) != HV_OK)
		plan_refuse(g, "there is no free RAM of %s in one piece; lower memory of a guest",
			    plan_size(ram_of(g).size, size));
	else
		check_modules(p, g);
}

/* Each step relies on the earlier ones; only the last takes something. */
static void decide(const struct plan *p, struct guest_plan *g)
{
	static void (*const steps[])(const struct plan *, struct guest_plan *) = {
		check_modules,   choose_cpus, plan_devices, plan_map_guest,
		plan_intx_check, check_image, take_ram,
	};

	for (unsigned i = 0; i < ARRAY_SIZE(steps) && !plan_refused(g); i++)
		steps[i](p, g);
}

void plan_guests(struct plan *p, struct board *b)
{
	unsigned used = 0;
	char path[96];

	ASSERT(p->geo.ipa_bits >= 32 && p->geo.ipa_bits < 64);
	p->board = b;
	p->guest_count = 0;
	plan_warn_chosen(b->fdt);
	for (int n = plan_next_guest(b->fdt, -1); n >= 0; n = plan_next_guest(b->fdt, n)) {
		struct guest_plan *g = &p->guest[p->guest_count];

		if (p->guest_count == MAX_VMS) {
			log_err("guest %s refused: there are %d guests already; remove one",
				dt_path(b->fdt, n, path, sizeof(path)), MAX_VMS);
			continue;
		}
		memset(g, 0, sizeof(*g));
		g->node = n;
		p->guest_count++;
		plan_parse_guest(b->fdt, g, &devices[used], PLAN_MAX_DEVICES - used);
		decide(p, g);
		if (plan_refused(g)) {
			g->device_count = 0;
			g->has_pci = false;
			continue;
		}
		for (unsigned i = 0; i < g->device_count; i++)
			g->device[i].func->owner = (uint8_t)(g - p->guest);
		used += g->device_count;
	}
	plan_intx_assign(p);
}
