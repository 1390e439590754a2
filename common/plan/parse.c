/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Guest declarations: Xen's dom0less binding and Viaduct's vpci nodes, from /chosen into
 * struct guest_plan. Nodes are known by `compatible`, never by name. What is malformed refuses its
 * guest; what is Xen's and not supported, or not known at all, gets one warning and is ignored.
 */
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <hv/dt.h>
#include <hv/log.h>
#include <hv/pmem.h>
#include <spec/gicv2.h>

#include "plan_priv.h"

#define MEMORY_KIB_MAX (UINT64_C(1) << 30) /* 1 TiB: what 40 bits of IPA reach */

#define AT(type, field) (uint16_t)offsetof(struct type, field)

void plan_refuse(struct guest_plan *g, const char *fmt, ...)
{
	va_list ap;

	if (plan_refused(g))
		return;
	va_start(ap, fmt);
	fmt_vprint(g->refused, sizeof(g->refused), fmt, ap);
	va_end(ap);
}

bool plan_is_guest(const void *fdt, int node)
{
	return dt_enabled(fdt, node) && (dt_compatible(fdt, node, "xen,domain") ||
					 dt_compatible(fdt, node, "viaduct,guest"));
}

enum plan_module plan_module_kind(const void *fdt, int node)
{
	static const struct {
		char compatible[23];
		uint8_t kind;
	} kinds[] = {
		{ "multiboot,kernel", MODULE_KERNEL },       { "xen,linux-zimage", MODULE_KERNEL },
		{ "multiboot,ramdisk", MODULE_RAMDISK },     { "xen,linux-initrd", MODULE_RAMDISK },
		{ "multiboot,device-tree", MODULE_PARTIAL },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(kinds); i++)
		if (dt_compatible(fdt, node, kinds[i].compatible))
			return kinds[i].kind;
	return MODULES;
}

static void parse_memory(const void *fdt, struct guest_plan *g)
{
	unsigned len;
	const void *p = dt_get(fdt, g->node, "memory", &len);
	uint64_t kib = len == 8 || len == 4 ? dt_cells(p, len / 4) : 0;

	if (!kib)
		plan_bad_prop(fdt, g->node, g, "memory", "memory = <0 KiB>");
	else if (kib > MEMORY_KIB_MAX)
		plan_refuse(g, "memory is more than 1 TiB; give memory = <0 KiB>");
	else
		g->ram_size = ALIGN_UP(kib << 10, PAGE_SIZE);
}

/* As Xen has it: without a value, as long as the CPUs have them. */
static void parse_sve(const void *fdt, struct guest_plan *g)
{
	unsigned len;
	const void *p = dt_get(fdt, g->node, "sve", &len);

	if (len == 4)
		g->sve_bits = (uint32_t)dt_cells(p, 1);
	else if (len)
		plan_bad_prop(fdt, g->node, g, "sve", "sve = <bits of a vector>");
	else if (dt_bool(fdt, g->node, "sve"))
		g->sve_bits = PLAN_SVE_MOST;
}

static void parse_guest_properties(const void *fdt, struct guest_plan *g)
{
	static const struct prop_rule rules[] = {
		{ "cpus", PROP_NUMBER, AT(guest_plan, vcpu_count), .min = 1, .max = MAX_VCPUS },
		{ "vpl011", PROP_FLAG, AT(guest_plan, vpl011) },
		{ "nr_spis", PROP_NUMBER, AT(guest_plan, nr_spis), .min = 0, .max = GUEST_SPIS },
		{ "trap-unmapped-accesses", PROP_NUMBER, AT(guest_plan, trap_unmapped), .min = 0,
		  .max = 1 },
		{ "direct-map", PROP_FLAG, AT(guest_plan, direct_map) },
		{ "rtc", PROP_CHOICE, AT(guest_plan, rtc), .list = PROP_AUTO, .allowed = 7 },
		{ "watchdog", PROP_CHOICE, AT(guest_plan, watchdog), .list = PROP_AUTO,
		  .allowed = 7 },
		{ "on-crash", PROP_CHOICE, AT(guest_plan, stop_on_crash), .list = PROP_CRASH,
		  .allowed = 3 },
		{ "pmu", PROP_CHOICE, AT(guest_plan, pmu), .list = PROP_AUTO, .allowed = 7 },
	};
	static const char others[] =
		"=memory\0=xen,static-mem\0=#xen,static-mem-address-cells\0"
		"=#xen,static-mem-size-cells\0!domain-cpupool\0!llc-colors\0!colors\0"
		"=sve\0!v8r_el1_msa\0!xen,sci_type\0-capabilities\0-domid\0-passthrough\0"
		"-xen,enhanced\0-xen,domain-p2m-mem-mb\0-max_grant_version\0-max_grant_frames\0"
		"-max_maptrack_frames\0";

	g->trap_unmapped = 1;
	plan_properties(fdt, g->node, g, rules, ARRAY_SIZE(rules), g, others);
	parse_memory(fdt, g);
	parse_sve(fdt, g);
	if (!g->vcpu_count)
		plan_bad_prop(fdt, g->node, g, "cpus", "cpus = <1>");
	if (g->gic_version == 2 && g->vcpu_count > GICV2_MAX_CPUS)
		plan_refuse(g, "it has %u vCPUs and a GICv2 serves %u; lower cpus", g->vcpu_count,
			    GICV2_MAX_CPUS);
	g->vcpu = pmem_try_alloc(MAX(g->vcpu_count, 1U) * sizeof(*g->vcpu), 64);
	if (!g->vcpu) {
		plan_refuse(g, "there is no memory for its %u vCPUs; lower cpus", g->vcpu_count);
		g->vcpu_count = 0;
	}
}

/* `reg` of a module is one address and one size, in the cells that the guest's node says. */
static bool module_reg(const void *fdt, int node, struct guest_plan *g, struct range *r)
{
	unsigned address = dt_address_cells(fdt, g->node), size = dt_size_cells(fdt, g->node), len;

	dt_get(fdt, node, "reg", &len);
	if (len && len != 4 * (address + size))
		plan_refuse(g,
			    "module %s: reg has %u cells, and its guest's #address-cells (%u) and "
			    "#size-cells (%u) want %u; correct the one or the others (without "
			    "them they are 2 and 1)",
			    dt_name(fdt, node), len / 4, address, size, address + size);
	else if (dt_reg_raw(fdt, node, 0, r) != HV_OK || !r->size)
		plan_refuse(g,
			    "module %s has no usable reg; give reg = <address size> in the guest "
			    "node's #address-cells (%u) and #size-cells (%u)",
			    dt_name(fdt, node), address, size);
	return !plan_refused(g);
}

static void parse_module(const void *fdt, int node, enum plan_module kind, struct guest_plan *g)
{
	static const struct prop_rule rules[] = {
		{ "bootargs", PROP_TEXT, AT(guest_plan, bootargs), .min = 0,
		  .max = sizeof(g->bootargs) - 1 },
		{ "viaduct,raw", PROP_FLAG, AT(guest_plan, raw_kernel) },
	};
	unsigned count = kind == MODULE_KERNEL ? ARRAY_SIZE(rules) : 0;
	struct range *to = &g->module[kind];
	struct range r;

	plan_properties(fdt, node, g, rules, count, g, "=reg\0=bootargs\0!xen,uefi-binary\0");
	if (!module_reg(fdt, node, g, &r))
		return;
	if (to->size)
		plan_refuse(g, "module %s is the second of its kind; remove one",
			    dt_name(fdt, node));
	else
		*to = r;
}

/* "00:02.0" or "0000:00:02.0"; segment 0 and bus 0 are all there is. */
static bool parse_guest_bdf(const char *s, uint8_t *devfn)
{
	unsigned dev, fn;

	s += strncmp(s, "0000:", 5) ? 0 : 5;
	if (strncmp(s, "00:", 3))
		return false;
	s += 3;
	if (!text_number(&s, 16, 31, &dev) || !text_symbol(&s, '.') ||
	    !text_number(&s, 16, 7, &fn) || *s)
		return false;
	*devfn = (uint8_t)(dev << 3 | fn);
	return true;
}

static void parse_memory_type(const void *fdt, int node, struct guest_plan *g,
			      struct plan_device *d)
{
	unsigned len, count = 0;
	const char *s = dt_get(fdt, node, "memory-type", &len), *end;
	bool bad = s && (!len || s[len - 1]);

	if (!s)
		return;
	for (end = s + len; !bad && s < end; s += strlen(s) + 1, count++) {
		bool device = !strcmp(s, "device");

		bad = count == PCI_BARS || (!device && strcmp(s, "normal-nc"));
		for (unsigned i = count; !bad && i < PCI_BARS; i++)
			d->as.device_memory[i] = device; /* one string is for all */
	}
	if (bad || (count > 1 && count < PCI_BARS))
		plan_bad_prop(fdt, node, g, "memory-type",
			      "\"normal-nc\" or \"device\", once or for each of six BARs");
}

static void parse_device(const void *fdt, int node, struct guest_plan *g, struct plan_device *d)
{
	enum { INTX = 1 << PLAN_AUTO | 1 << PLAN_ON | 1 << PLAN_OFF, MSI = 31 & ~(1 << PLAN_ON) };
	static const struct prop_rule rules[] = {
		{ "host", PROP_TEXT, AT(plan_device, host), .min = 1, .max = sizeof(d->host) - 1 },
		{ "guest", PROP_FLAG, AT(plan_device, has_guest_bdf) },
		{ "intx", PROP_CHOICE, AT(plan_device, intx), .list = PROP_AUTO, .allowed = INTX },
		{ "msi", PROP_CHOICE, AT(plan_device, msi), .list = PROP_AUTO, .allowed = MSI },
		{ "allow-no-reset", PROP_FLAG, AT(plan_device, allow_no_reset) },
		{ "force-assign-without-iommu", PROP_FLAG, AT(plan_device, force_no_iommu) },
		{ "allow-shared-msi-frame", PROP_FLAG, AT(plan_device, allow_shared_frame) },
		{ "raw-vendor-caps", PROP_FLAG, AT(plan_device, as.raw_vendor_caps) },
		{ "raw-gaps", PROP_FLAG, AT(plan_device, as.raw_gaps) },
		{ "atomic-ops", PROP_FLAG, AT(plan_device, as.atomic_ops) },
	};
	const char *guest = dt_string(fdt, node, "guest");

	plan_properties(fdt, node, g, rules, ARRAY_SIZE(rules), d, "=memory-type\0!p2p\0");
	if (!d->host[0])
		plan_bad_prop(fdt, node, g, "host", "host = \"0000:00:01.0\"");
	if (d->has_guest_bdf && (!guest || !parse_guest_bdf(guest, &d->as.devfn)))
		plan_bad_prop(fdt, node, g, "guest", "guest = \"00:02.0\" (segment and bus are 0)");
	parse_memory_type(fdt, node, g, d);
}

static void parse_vpci(const struct plan *p, int vpci, struct guest_plan *g)
{
	const void *fdt = p->board->fdt;
	struct plan_device *d;
	int node;

	plan_properties(fdt, vpci, g, NULL, 0, NULL, "");
	if (g->has_pci)
		plan_refuse(g, "it has two vpci nodes; put all devices into one");
	g->has_pci = true;
	dt_for_each_child(node, fdt, vpci)
		if (dt_enabled(fdt, node) && (d = plan_add_device(g)))
			parse_device(fdt, node, g, d);
}

/* "0-3,5" */
static bool parse_cpu_list(const char *s, uint64_t *mask)
{
	unsigned first, last;

	memset(mask, 0, MAX_CPUS / 8);
	do {
		if (!text_number(&s, 10, MAX_CPUS - 1, &first))
			return false;
		last = first;
		if (text_symbol(&s, '-') && !text_number(&s, 10, MAX_CPUS - 1, &last))
			return false;
		if (first > last)
			return false;
		for (; first <= last; first++)
			mask[first / 64] |= UINT64_C(1) << first % 64;
	} while (text_symbol(&s, ','));
	return !*s;
}

static void parse_vcpu(const void *fdt, int node, struct guest_plan *g)
{
	static const struct prop_rule rule = { "id", PROP_NUMBER, 0, .min = 0,
					       .max = MAX_VCPUS - 1 };
	const char *list = dt_string(fdt, node, "hard-affinity");
	uint32_t id = MAX_VCPUS;

	plan_properties(fdt, node, g, &rule, 1, &id, "=hard-affinity\0");
	if (id >= g->vcpu_count)
		plan_bad_prop(fdt, node, g, "id", "the number of a vCPU, below cpus");
	else if (dt_bool(fdt, node, "hard-affinity") &&
		 !(g->vcpu[id].has_list = list && parse_cpu_list(list, g->vcpu[id].list)))
		plan_bad_prop(fdt, node, g, "hard-affinity", "CPUs of the board, \"0-3,5\"");
}

static void parse_name(const void *fdt, struct guest_plan *g)
{
	const char *name = dt_name(fdt, g->node), *at = strchr(name, '@');
	size_t len = at ? (size_t)(at - name) : strlen(name);

	if (len >= sizeof(g->name)) {
		log_warn("guest /chosen/%s: the name is cut to %u characters", name,
			 (unsigned)sizeof(g->name) - 1);
		len = sizeof(g->name) - 1;
	}
	memcpy(g->name, name, len);
	g->name[len] = 0;
}

/* ": did you mean \"xen,domain\"?", or "". */
static const char *suggest(const char *compatible, const char *list, char *buf, size_t size)
{
	const char *nearest = compatible ? text_nearest(compatible, list) : NULL;

	*buf = 0;
	if (nearest)
		fmt_print(buf, size, "; did you mean \"%s\"?", nearest);
	return buf;
}

static void parse_child(const struct plan *p, int node, struct guest_plan *g)
{
	const void *fdt = p->board->fdt;
	static const char kinds[] = "multiboot,kernel\0multiboot,ramdisk\0multiboot,device-tree\0"
				    "xen,linux-zimage\0xen,linux-initrd\0viaduct,vpci\0xen,vcpu\0"
				    "xen,domain-shared-memory-v1\0";
	enum plan_module kind = plan_module_kind(fdt, node);
	char path[96], hint[64];

	if (kind != MODULES)
		parse_module(fdt, node, kind, g);
	else if (dt_compatible(fdt, node, "viaduct,vpci"))
		parse_vpci(p, node, g);
	else if (dt_compatible(fdt, node, "xen,vcpu"))
		parse_vcpu(fdt, node, g);
	else if (dt_compatible(fdt, node, "xen,domain-shared-memory-v1"))
		plan_parse_shared(fdt, node, g);
	else
		log_warn("%s is not supported; ignored%s", dt_path(fdt, node, path, sizeof(path)),
			 suggest(dt_string(fdt, node, "compatible"), kinds, hint, sizeof(hint)));
}

void plan_parse_guest(const struct plan *p, struct guest_plan *g)
{
	const void *fdt = p->board->fdt;
	int node;

	parse_name(fdt, g);
	parse_guest_properties(fdt, g);
	dt_for_each_child(node, fdt, g->node)
		if (dt_enabled(fdt, node))
			parse_child(p, node, g);
	if (!g->module[MODULE_KERNEL].size)
		plan_refuse(g, "it has no kernel; give a child with compatible = "
			       "\"multiboot,kernel\", \"multiboot,module\" and its reg");
}

/* What makes a node of /chosen a guest in its author's eyes. */
static bool looks_like_guest(const void *fdt, int node)
{
	int child;

	dt_for_each_child(child, fdt, node)
		if (dt_compatible(fdt, child, "multiboot,module") ||
		    dt_compatible(fdt, child, "viaduct,vpci"))
			return true;
	return dt_bool(fdt, node, "memory") || dt_bool(fdt, node, "cpus");
}

void plan_warn_child(const void *fdt, int node)
{
	static const char kinds[] = "xen,domain\0viaduct,guest\0";
	const char *kind = dt_string(fdt, node, "compatible"), *name = dt_name(fdt, node);
	char hint[64];

	if (!dt_enabled(fdt, node))
		return;
	suggest(kind, kinds, hint, sizeof(hint));
	if (dt_compatible(fdt, node, "multiboot,module") ||
	    dt_compatible(fdt, node, "xen,multiboot-module") ||
	    plan_module_kind(fdt, node) != MODULES)
		log_warn("/chosen/%s: Viaduct has no dom0; ignored. Give the module to a guest: a "
			 "node with compatible = \"xen,domain\" (on QEMU: tools/run instead of "
			 "guest-loader)",
			 name);
	else if (kind && (hint[0] || !strncmp(kind, "xen,", 4) || looks_like_guest(fdt, node)))
		log_warn("/chosen/%s: compatible \"%s\" is not supported; ignored%s", name, kind,
			 hint);
	else if (!kind && looks_like_guest(fdt, node))
		log_warn("/chosen/%s looks like a guest and has no compatible; ignored. Give it "
			 "compatible = \"xen,domain\"",
			 name);
}

void plan_warn_chosen(const void *fdt, int chosen)
{
	static const char known[] = "viaduct,on-fault\0viaduct,console-commands\0viaduct,order\0"
				    "viaduct,stay-on\0viaduct,epoch\0";
	struct dt_prop p;
	char hint[64];

	for (int at = chosen; at >= 0 && (at = dt_next_prop(fdt, at, &p)) >= 0;)
		if (!strncmp(p.name, "xen,", 4))
			log_warn("/chosen: property \"%s\" has no meaning for Viaduct; ignored",
				 p.name);
		else if (!strncmp(p.name, "viaduct,", 8) && plan_list_index(known, p.name) < 0)
			log_warn("/chosen: property \"%s\" is not known; ignored%s", p.name,
				 suggest(p.name, known, hint, sizeof(hint)));
	if (dt_bool(fdt, chosen, "linux,initrd-start"))
		log_warn(
			"/chosen: a ramdisk for Viaduct itself has no meaning; ignored. Give it to "
			"a guest as a module (on QEMU: tools/run instead of -initrd)");
}
