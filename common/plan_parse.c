/*
 * Guest declarations: Xen's dom0less binding and Viaduct's vpci nodes, from /chosen into
 * struct guest_plan. Nodes are known by `compatible`, never by name. What is malformed refuses its
 * guest; what is Xen's and not supported, or not known at all, gets one warning and is ignored.
 */
#include <stdarg.h>
#include <string.h>

#include <hv/dt.h>
#include <hv/log.h>

#include "plan_priv.h"

#define MEMORY_KIB_MAX (UINT64_C(1) << 30) /* 1 TiB: what 40 bits of IPA reach */
#define SPI_MAX        960                 /* a multiple of 32 below INTID 1020 (IHI 0069 §2.2) */

void plan_refuse(struct guest_plan *g, const char *fmt, ...)
{
	va_list ap;

	if (plan_refused(g))
		return;
	va_start(ap, fmt);
	fmt_vprint(g->refused, sizeof(g->refused), fmt, ap);
	va_end(ap);
}

/* A value that cannot be used, of the guest or of one of its devices. */
static void malformed(struct guest_plan *g, const char *device, const char *prop, const char *give)
{
	plan_refuse(g, "%s%s%s%s is malformed; give %s", device ? "device " : "",
		    device ? device : "", device ? ": " : "", prop, give);
}

/* Lists of names are one string, "a\0b\0": no table of pointers to relocate. -1: not in it. */
static int list_index(const char *list, const char *name)
{
	for (int i = 0; *list; i++, list += strlen(list) + 1)
		if (!strcmp(list, name))
			return i;
	return -1;
}

/* One warning for every property of a node that changes nothing. */
static void warn_properties(const void *fdt, int node, const char *known, const char *unsupported)
{
	static const char always[] = "compatible\0name\0phandle\0linux,phandle\0#address-cells\0"
				     "#size-cells\0status\0";
	struct dt_prop p;
	char path[96];

	for (int at = node; (at = dt_next_prop(fdt, at, &p)) >= 0;)
		if (list_index(always, p.name) < 0 && list_index(known, p.name) < 0)
			log_warn("%s: property \"%s\" %s; ignored",
				 dt_path(fdt, node, path, sizeof(path)), p.name,
				 list_index(unsupported, p.name) < 0 ? "is not known"
								     : "is not supported yet");
}

static bool is_guest(const void *fdt, int node)
{
	return dt_compatible(fdt, node, "xen,domain") || dt_compatible(fdt, node, "viaduct,guest");
}

int plan_next_guest(const void *fdt, int node)
{
	node = node < 0 ? dt_first_child(fdt, dt_find(fdt, "/chosen")) : dt_next_sibling(fdt, node);
	while (node >= 0 && !(is_guest(fdt, node) && dt_enabled(fdt, node)))
		node = dt_next_sibling(fdt, node);
	return node;
}

enum module_kind { MODULE_NONE, MODULE_KERNEL, MODULE_RAMDISK };

static enum module_kind module_kind(const void *fdt, int node)
{
	if (dt_compatible(fdt, node, "multiboot,kernel") ||
	    dt_compatible(fdt, node, "xen,linux-zimage"))
		return MODULE_KERNEL;
	if (dt_compatible(fdt, node, "multiboot,ramdisk") ||
	    dt_compatible(fdt, node, "xen,linux-initrd"))
		return MODULE_RAMDISK;
	return MODULE_NONE;
}

static unsigned module_add(const struct board *b, struct range r, struct range *out, unsigned count,
			   unsigned max)
{
	if (count == max || !board_is_ram(b, r))
		return count;
	for (unsigned i = 0; i < count; i++)
		if (out[i].base == r.base && out[i].size == r.size)
			return count;
	out[count] = r;
	return count + 1;
}

unsigned plan_modules(const struct board *b, struct range *out, unsigned max)
{
	unsigned count = 0;
	struct range r;
	int node;

	for (int g = plan_next_guest(b->fdt, -1); g >= 0; g = plan_next_guest(b->fdt, g))
		dt_for_each_child(node, b->fdt, g)
			if (module_kind(b->fdt, node) != MODULE_NONE &&
			    dt_reg_raw(b->fdt, node, 0, &r) == HV_OK)
				count = module_add(b, r, out, count, max);
	return count;
}

static void parse_memory(const void *fdt, struct guest_plan *g)
{
	unsigned len;
	const void *p = dt_get(fdt, g->node, "memory", &len);
	uint64_t kib;

	if (!p || (len != 8 && len != 4)) {
		plan_refuse(g, "memory is %s; give memory = <0 KiB>", p ? "malformed" : "missing");
		return;
	}
	kib = dt_cells(p, len / 4);
	if (!kib || kib > MEMORY_KIB_MAX)
		plan_refuse(g, "memory is %s; give memory = <0 KiB>",
			    kib ? "more than 1 TiB" : "zero");
	else
		g->ram_size = ALIGN_UP(kib << 10, PAGE_SIZE);
}

static void parse_numbers(const void *fdt, struct guest_plan *g)
{
	unsigned len;
	const void *cpus = dt_get(fdt, g->node, "cpus", &len);

	if (!cpus || len != 4)
		plan_refuse(g, "cpus is %s; give cpus = <1>", cpus ? "malformed" : "missing");
	g->vcpu_count = dt_u32(fdt, g->node, "cpus", 0);
	if (!g->vcpu_count || g->vcpu_count > MAX_VCPUS)
		plan_refuse(g, "cpus is %u; give 1 to %d", g->vcpu_count, MAX_VCPUS);
	if (dt_get(fdt, g->node, "nr_spis", &len) && len != 4)
		malformed(g, NULL, "nr_spis", "one cell, or leave it out");
	g->nr_spis = dt_u32(fdt, g->node, "nr_spis", 0);
	if (g->nr_spis > SPI_MAX)
		plan_refuse(g, "nr_spis is %u; give at most %d", g->nr_spis, SPI_MAX);
}

/* The index of a string property among `choices`; 0 when it is absent. */
static uint8_t choice(const void *fdt, struct guest_plan *g, int node, const char *prop,
		      const char *choices, const char *give)
{
	const char *s = dt_string(fdt, node, prop);
	int i = s ? list_index(choices, s) : -1;

	if (i >= 0)
		return (uint8_t)i;
	if (dt_bool(fdt, node, prop))
		malformed(g, node == g->node ? NULL : dt_name(fdt, node), prop, give);
	return 0;
}

static void parse_guest_properties(const void *fdt, struct guest_plan *g)
{
	static const char known[] =
		"memory\0cpus\0vpl011\0nr_spis\0on-crash\0direct-map\0xen,static-mem\0"
		"#xen,static-mem-address-cells\0#xen,static-mem-size-cells\0";
	static const char unsupported[] =
		"passthrough\0xen,enhanced\0domain-cpupool\0llc-colors\0"
		"colors\0sve\0trap-unmapped-accesses\0xen,domain-p2m-mem-mb\0max_grant_version\0"
		"max_grant_frames\0max_maptrack_frames\0xen,sci_type\0v8r_el1_msa\0capabilities\0"
		"domid\0";

	warn_properties(fdt, g->node, known, unsupported);
	parse_memory(fdt, g);
	parse_numbers(fdt, g);
	g->stop_on_crash = choice(fdt, g, g->node, "on-crash", "restart\0stop\0",
				  "\"restart\" or \"stop\"");
	g->vpl011 = dt_bool(fdt, g->node, "vpl011");
	g->direct_map = dt_bool(fdt, g->node, "direct-map");
}

static void parse_bootargs(const void *fdt, int node, struct guest_plan *g)
{
	const char *args = dt_string(fdt, node, "bootargs");

	if (!args && dt_bool(fdt, node, "bootargs"))
		plan_refuse(g, "bootargs of %s is not a string; give bootargs = \"...\"",
			    dt_name(fdt, node));
	else if (args && strlen(args) >= sizeof(g->bootargs))
		plan_refuse(g, "bootargs has %u characters; give at most %u",
			    (unsigned)strlen(args), (unsigned)sizeof(g->bootargs) - 1);
	else if (args)
		memcpy(g->bootargs, args, strlen(args) + 1);
}

static void parse_module(const void *fdt, int node, enum module_kind kind, struct guest_plan *g)
{
	struct range *to = kind == MODULE_KERNEL ? &g->kernel : &g->ramdisk, r;
	const char *name = dt_name(fdt, node);

	warn_properties(fdt, node, "reg\0bootargs\0", "xen,uefi-binary\0");
	if (dt_reg_raw(fdt, node, 0, &r) != HV_OK || !r.size)
		plan_refuse(g, "module %s has no usable reg; give reg = <address size> in the "
			    "guest node's #address-cells and #size-cells", name);
	else if (to->size)
		plan_refuse(g, "module %s is a second %s; remove one", name,
			    kind == MODULE_KERNEL ? "kernel" : "ramdisk");
	else
		*to = r;
	if (kind == MODULE_KERNEL)
		parse_bootargs(fdt, node, g);
}

/* Exactly `digits` or fewer hex digits up to `end`; false: none, or too many. */
static bool parse_hex(const char **s, char end, unsigned max, unsigned *out)
{
	unsigned v = 0, n = 0;

	for (; **s && **s != end; (*s)++, n++) {
		char c = **s;

		if (c >= '0' && c <= '9')
			v = v << 4 | (unsigned)(c - '0');
		else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
			v = v << 4 | (unsigned)((c | 0x20) - 'a' + 10);
		else
			return false;
		if (v > max)
			return false;
	}
	if (!n || **s != end)
		return false;
	*s += end != 0;
	*out = v;
	return true;
}

/* "00:02.0" or "0000:00:02.0"; segment 0 and bus 0 are all there is. */
static bool parse_guest_bdf(const char *s, uint8_t *devfn)
{
	const char *first = strchr(s, ':');
	unsigned zero, dev, fn;

	if (first && strchr(first + 1, ':') && !parse_hex(&s, ':', 0, &zero))
		return false;
	if (!parse_hex(&s, ':', 0, &zero) || !parse_hex(&s, '.', 31, &dev) ||
	    !parse_hex(&s, 0, 7, &fn))
		return false;
	*devfn = (uint8_t)(dev << 3 | fn);
	return true;
}

static void parse_memory_type(const void *fdt, struct guest_plan *g, struct plan_device *d,
			      const char *name)
{
	unsigned len, count = 0;
	const char *s = dt_get(fdt, d->node, "memory-type", &len), *end;
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
		malformed(g, name, "memory-type",
			  "\"normal-nc\" or \"device\", once or for each of six BARs");
}

/* host and guest: which function, and where the guest sees it. */
static void parse_names(const void *fdt, struct guest_plan *g, struct plan_device *d,
			const char *name)
{
	const char *host = dt_string(fdt, d->node, "host");
	const char *guest = dt_string(fdt, d->node, "guest");

	if (!host || strlen(host) >= sizeof(d->host))
		plan_refuse(g, "device %s: host is %s; give host = \"0000:00:01.0\"", name,
			    dt_bool(fdt, d->node, "host") ? "malformed" : "missing");
	else
		memcpy(d->host, host, strlen(host) + 1);
	d->has_guest_bdf = dt_bool(fdt, d->node, "guest");
	if (d->has_guest_bdf && (!guest || !parse_guest_bdf(guest, &d->as.devfn)))
		malformed(g, name, "guest", "guest = \"00:02.0\" (segment and bus are 0)");
}

static void parse_device(const void *fdt, struct guest_plan *g, struct plan_device *d)
{
	static const char known[] =
		"host\0guest\0intx\0msi\0memory-type\0allow-no-reset\0force-assign-without-iommu\0"
		"allow-shared-msi-frame\0p2p\0raw-vendor-caps\0raw-gaps\0atomic-ops\0";
	static const uint8_t msi[] = { PLAN_AUTO, PLAN_DIRECT, PLAN_TRAPPED, PLAN_OFF };
	const char *name = dt_name(fdt, d->node);

	warn_properties(fdt, d->node, known, "");
	parse_names(fdt, g, d, name);
	parse_memory_type(fdt, g, d, name);
	/* enum plan_auto has the order of these. */
	d->intx = choice(fdt, g, d->node, "intx", "auto\0on\0off\0", "\"auto\", \"on\" or \"off\"");
	d->msi = msi[choice(fdt, g, d->node, "msi", "auto\0direct\0trapped\0off\0",
			    "\"auto\", \"direct\", \"trapped\" or \"off\"")];
	d->allow_no_reset = dt_bool(fdt, d->node, "allow-no-reset");
	d->force_no_iommu = dt_bool(fdt, d->node, "force-assign-without-iommu");
	d->allow_shared_frame = dt_bool(fdt, d->node, "allow-shared-msi-frame");
	d->p2p = dt_bool(fdt, d->node, "p2p");
	d->as.raw_vendor_caps = dt_bool(fdt, d->node, "raw-vendor-caps");
	d->as.raw_gaps = dt_bool(fdt, d->node, "raw-gaps");
	d->as.atomic_ops = dt_bool(fdt, d->node, "atomic-ops");
}

static void parse_vpci(const void *fdt, int vpci, struct guest_plan *g, unsigned room)
{
	int node;

	warn_properties(fdt, vpci, "", "");
	if (g->has_pci)
		plan_refuse(g, "it has two vpci nodes; put all devices into one");
	g->has_pci = true;
	dt_for_each_child(node, fdt, vpci) {
		struct plan_device *d = &g->device[g->device_count];

		if (!dt_enabled(fdt, node))
			continue;
		if (g->device_count == room) {
			plan_refuse(g, "there are more than %d devices in all guests; remove some",
				    PLAN_MAX_DEVICES);
			return;
		}
		memset(d, 0, sizeof(*d));
		d->node = node;
		parse_device(fdt, g, d);
		g->device_count++;
	}
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

void plan_parse_guest(const void *fdt, struct guest_plan *g, struct plan_device *pool,
		      unsigned room)
{
	char path[96];
	int node;

	parse_name(fdt, g);
	parse_guest_properties(fdt, g);
	g->device = pool;
	dt_for_each_child(node, fdt, g->node) {
		enum module_kind kind = module_kind(fdt, node);

		if (!dt_enabled(fdt, node))
			continue;
		if (kind != MODULE_NONE)
			parse_module(fdt, node, kind, g);
		else if (dt_compatible(fdt, node, "viaduct,vpci"))
			parse_vpci(fdt, node, g, room);
		else
			log_warn("%s is not supported%s; ignored",
				 dt_path(fdt, node, path, sizeof(path)),
				 dt_compatible(fdt, node, "multiboot,device-tree") ||
						 dt_compatible(fdt, node, "xen,vcpu")
					 ? " yet"
					 : "");
	}
	if (!g->kernel.size)
		plan_refuse(g, "it has no kernel; give a child with compatible = "
			       "\"multiboot,kernel\", \"multiboot,module\" and its reg");
}

void plan_warn_chosen(const void *fdt)
{
	int chosen = dt_find(fdt, "/chosen"), i;
	struct dt_prop p;

	dt_for_each_child(i, fdt, chosen) {
		const char *name = dt_name(fdt, i);

		if (dt_compatible(fdt, i, "multiboot,module") ||
		    dt_compatible(fdt, i, "xen,multiboot-module") ||
		    module_kind(fdt, i) != MODULE_NONE)
			log_warn("/chosen/%s: Viaduct has no dom0; ignored", name);
		else if (!is_guest(fdt, i) && dt_string(fdt, i, "compatible") &&
			 !strncmp(dt_string(fdt, i, "compatible"), "xen,", 4))
			log_warn("/chosen/%s is not supported; ignored", name);
	}
	for (i = chosen; i >= 0 && (i = dt_next_prop(fdt, i, &p)) >= 0;)
		if (!strncmp(p.name, "xen,", 4))
			log_warn("/chosen: property \"%s\" has no meaning for Viaduct; ignored",
				 p.name);
}
