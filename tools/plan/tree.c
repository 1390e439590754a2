/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The device tree that is planned with: the board's, guests merged into it as U-Boot's `fdt apply`
 * would (an overlay whose target is /chosen), RAM filled in as firmware would. Sources (.dts,
 * .dtso) go through dtc. All of it comes from outside: what is wrong ends the tool with one
 * sentence.
 */
#include <errno.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <libfdt.h>

#include <hv/dt.h>

#include "tool.h"

#define TREE_MAX    MIB(2) /* as the hypervisor takes it */
#define TREE_ROOM   KIB(128)
#define TRIAL       "/chosen/trial"
#define TRIAL_MAX   31 /* device numbers of a guest's bus, without 0 */
#define TRIAL_SIZE  MIB(512)
#define KERNEL_SIZE MIB(32)

extern char **environ;

static char *compiled(const char *path, size_t *size)
{
	char out[] = "/tmp/viaduct-plan-XXXXXX", *data;
	int fd = mkstemp(out), status;
	const char *argv[] = { "dtc", "-@", "-q", "-I", "dts", "-O", "dtb", "-o", out, path, NULL };
	pid_t pid;

	if (fd < 0)
		die("%s: %s", out, strerror(errno));
	close(fd);
	if (posix_spawnp(&pid, "dtc", NULL, NULL, (char **)(uintptr_t)argv, environ) ||
	    waitpid(pid, &status, 0) != pid)
		die("dtc cannot be run: install device-tree-compiler, or give a compiled file");
	if (status) {
		unlink(out);
		die("%s: dtc refuses it", path);
	}
	data = read_file(out, size);
	unlink(out);
	return data;
}

static char *blob(const char *path, size_t *size)
{
	size_t len = strlen(path);

	if (len > 4 && (!strcmp(path + len - 4, ".dts") || !strcmp(path + len - 5, ".dtso")))
		return compiled(path, size);
	return read_file(path, size);
}

static void must(int err, const char *path, const char *what)
{
	if (err < 0)
		die("%s: %s: %s", path, what, fdt_strerror(err));
}

static int node_at(void *fdt, const char *path, const char *parent, const char *name)
{
	int n = fdt_path_offset(fdt, path);

	return n >= 0 ? n : fdt_add_subnode(fdt, fdt_path_offset(fdt, parent), name);
}

static bool is_overlay(const void *fdt)
{
	int n;

	dt_for_each_child(n, fdt, 0)
		if (fdt_subnode_offset(fdt, n, "__overlay__") >= 0)
			return true;
	return false;
}

static void merge(struct tool *t)
{
	size_t size;
	char *overlay = blob(t->guests, &size);

	if (fdt_check_full(overlay, size))
		die("%s: no device tree", t->guests);
	if (!is_overlay(overlay))
		die("%s: no overlay; it begins with /dts-v1/; /plugin/; &{/chosen} { ... };",
		    t->guests);
	must(node_at(t->fdt, "/chosen", "/", "chosen"), t->tree, "/chosen");
	must(fdt_overlay_apply(t->fdt, overlay), t->guests, "cannot be merged");
	free(overlay);
}

static bool has_ram(const void *fdt)
{
	struct range r;
	int n;

	dt_for_each_child(n, fdt, 0) {
		const char *type = dt_string(fdt, n, "device_type");

		for (unsigned i = 0; type && !strcmp(type, "memory"); i++) {
			if (dt_reg(fdt, n, i, &r) != HV_OK)
				break;
			if (r.size)
				return true;
		}
	}
	return false;
}

/* What firmware writes into /memory; without it nothing can be planned. */
static void fill_ram(struct tool *t)
{
	unsigned cells = 0, ac = dt_address_cells(t->fdt, 0), sc = dt_size_cells(t->fdt, 0);
	struct range some = { GIB(2), sc == 2 ? GIB(4) : GIB(2) };
	struct range r = t->memory.size ? t->memory : some;
	fdt32_t reg[4];
	int n;

	if (!t->memory.size && has_ram(t->fdt))
		return;
	if (!t->memory.size)
		assume("RAM is left to firmware by the tree: taken as %u GiB at 0x80000000 "
		       "(--memory)",
		       (unsigned)(r.size >> 30));
	if ((ac < 2 && r.base >> 32) || (sc < 2 && r.size >> 32))
		die("--memory does not fit into the root's address and size cells of %s", t->tree);
	for (n = dt_first_child(t->fdt, 0); n >= 0; n = dt_next_sibling(t->fdt, n)) {
		const char *type = dt_string(t->fdt, n, "device_type");

		if (type && !strcmp(type, "memory"))
			must(fdt_nop_property(t->fdt, n, "device_type"), t->tree, "memory");
	}
	if (ac == 2)
		reg[cells++] = cpu_to_fdt32((uint32_t)(r.base >> 32));
	reg[cells++] = cpu_to_fdt32((uint32_t)r.base);
	if (sc == 2)
		reg[cells++] = cpu_to_fdt32((uint32_t)(r.size >> 32));
	reg[cells++] = cpu_to_fdt32((uint32_t)r.size);
	n = fdt_add_subnode(t->fdt, 0, "memory-of-viaduct-plan");
	must(n, t->tree, "memory");
	must(fdt_setprop_string(t->fdt, n, "device_type", "memory"), t->tree, "memory");
	must(fdt_setprop(t->fdt, n, "reg", reg, (int)(4 * cells)), t->tree, "memory");
}

void tree_load(struct tool *t)
{
	size_t size;
	char *given = blob(t->tree, &size);

	if (dt_check(given, MIN(size, (size_t)TREE_MAX)) != HV_OK)
		die("%s: no device tree, or a damaged one", t->tree);
	t->fdt = malloc(size + TREE_ROOM);
	if (!t->fdt)
		die("out of memory");
	must(fdt_open_into(given, t->fdt, (int)(size + TREE_ROOM)), t->tree, "cannot be opened");
	free(given);
	if (t->guests)
		merge(t);
	fill_ram(t);
}

/* A hole of the RAM for the kernel that the trial guest does not have. */
static uint64_t kernel_place(const struct board *b)
{
	for (unsigned i = 0; i < b->ram_count; i++)
		if (b->ram[i].size >= 4 * KERNEL_SIZE)
			return ALIGN_DOWN(range_end(b->ram[i]) - KERNEL_SIZE, MIB(2));
	return b->ram_count ? b->ram[0].base : 0;
}

static int subnode(void *fdt, const char *parent, const char *name, const char *compatible,
		   unsigned len)
{
	int n = fdt_add_subnode(fdt, fdt_path_offset(fdt, parent), name);

	if (n < 0 || fdt_setprop(fdt, n, "compatible", compatible, (int)len))
		die("no room in the tree for the trial guest");
	return n;
}

#define COMPATIBLE(s) s, sizeof(s)

/* Devices are known when the buses are enumerated, and then no node may move any more: so there
 * are as many as can be, disabled, and tree_trial_devices writes into them in place. */
void tree_trial(struct tool *t)
{
	const fdt64_t reg[2] = { cpu_to_fdt64(kernel_place(&t->board)), cpu_to_fdt64(KERNEL_SIZE) };
	static const char host[64], okay[9] = "disabled";
	char name[16];
	int n;

	must(node_at(t->fdt, "/chosen", "/", "chosen"), t->tree, "/chosen");
	n = subnode(t->fdt, "/chosen", "trial", COMPATIBLE("viaduct,guest"));
	must(fdt_setprop_u64(t->fdt, n, "memory", TRIAL_SIZE >> 10), t->tree, TRIAL);
	must(fdt_setprop_u32(t->fdt, n, "cpus", 1), t->tree, TRIAL);
	must(fdt_setprop_u32(t->fdt, n, "#address-cells", 2), t->tree, TRIAL);
	must(fdt_setprop_u32(t->fdt, n, "#size-cells", 2), t->tree, TRIAL);
	n = subnode(t->fdt, TRIAL, "kernel", COMPATIBLE("multiboot,kernel\0multiboot,module"));
	must(fdt_setprop(t->fdt, n, "reg", reg, sizeof(reg)), t->tree, TRIAL);
	subnode(t->fdt, TRIAL, "vpci", COMPATIBLE("viaduct,vpci"));
	for (unsigned i = 0; i < TRIAL_MAX; i++) {
		snprintf(name, sizeof(name), "device%02u",
			 TRIAL_MAX - i); /* the last comes first */
		n = subnode(t->fdt, TRIAL "/vpci", name, COMPATIBLE(""));
		must(fdt_setprop(t->fdt, n, "host", host, sizeof(host)), t->tree, TRIAL);
		must(fdt_setprop_empty(t->fdt, n, "allow-no-reset"), t->tree, TRIAL);
		must(fdt_setprop(t->fdt, n, "status", okay, sizeof(okay)), t->tree, TRIAL);
	}
}

void tree_trial_devices(struct tool *t)
{
	int n = dt_first_child(t->fdt, dt_find(t->fdt, TRIAL "/vpci"));
	const struct pci_func *first = NULL;
	char host[64], okay[9] = "okay";

	for (unsigned i = 0; i < pci_func_count && n >= 0; i++) {
		const struct pci_func *f = &pci_funcs[i];

		if (f->bridge || f->refused || (first && f->host != first->host))
			continue;
		first = first ? first : f;
		memset(host, 0, sizeof(host));
		memcpy(host, f->name, strlen(f->name));
		must(fdt_setprop_inplace(t->fdt, n, "host", host, sizeof(host)), t->tree, TRIAL);
		must(fdt_setprop_inplace(t->fdt, n, "status", okay, sizeof(okay)), t->tree, TRIAL);
		n = dt_next_sibling(t->fdt, n);
	}
}
