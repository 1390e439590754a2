/* SPDX-License-Identifier: Apache-2.0 */
/*
 * viaduct-plan: what Viaduct would do on a board, said on another machine. The decisions are the
 * hypervisor's own objects, in its boot order; here is what stands in for the board. Nothing is
 * probed: every assumption is printed.
 */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include <hv/dt.h>
#include <hv/gic.h>
#include <hv/msi.h>
#include <hv/pmem.h>

#include "tool.h"

#define ARENA       MIB(64) /* of Viaduct's own memory, which is real: that of this machine */
#define CPU_PA_BITS 40      /* the least of the Arm cores that Viaduct is made for (Cortex-A53) */

static const char usage[] =
	"Usage: viaduct-plan [OPTION...] BOARD.dtb\n"
	"What Viaduct would do on a board with this device tree, and why it would refuse what it "
	"refuses.\n"
	"\n"
	"  -g, --guests FILE     guests: an overlay (.dts, .dtso or compiled) for /chosen, as for "
	"U-Boot's\n"
	"                        `fdt apply`; without it those that the tree has\n"
	"  -p, --pci FILE        the board's `lspci -D -vv -xxxx`, taken as root under Linux\n"
	"  -m, --memory BASE:SIZE  RAM, where the tree leaves it to firmware\n"
	"  -r, --reg ADDR=VALUE  a register as the board's reads, instead of the assumption\n"
	"      --trial           adds a guest that gets every endpoint; without --pci there is a "
	"sample\n"
	"                        disk behind each host bridge\n"
	"      --text            the plan as text: the default\n"
	"      --json            the same as JSON, for programs: docs/viaduct-plan.md\n"
	"      --svg FILE        a picture of it, beside the text\n"
	"\n"
	"Exit status: 0 every guest could start, 1 a guest is refused or the board cannot be "
	"used,\n"
	"2 bad usage or input.\n";

/* One run, one plan: what is left at the end goes with the process. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "detect_leaks=0";
}

void die(const char *fmt, ...)
{
	va_list ap;

	fputs("viaduct-plan: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(2);
}

char *read_file(const char *path, size_t *size)
{
	size_t room = KIB(64), got;
	FILE *f = fopen(path, "rb");
	char *data = malloc(room + 1);

	if (!f)
		die("%s: %s", path, strerror(errno));
	for (*size = 0; data && (got = fread(data + *size, 1, room - *size, f)) > 0; *size += got)
		if (*size + got == room)
			data = realloc(data, (room *= 2) + 1);
	if (!data || ferror(f))
		die("%s: %s", path, strerror(errno));
	fclose(f);
	data[*size] = 0;
	return data;
}

static struct range memory_given(const char *arg)
{
	struct range r;
	char *end;

	r.base = strtoull(arg, &end, 0);
	if (*end == ':')
		r.size = strtoull(end + 1, &end, 0);
	else
		die("--memory %s: give BASE:SIZE, as 0x80000000:2G", arg);
	if (*end == 'G')
		r.size <<= 30;
	else if (*end == 'M')
		r.size <<= 20;
	if (!r.size || (r.base | r.size) & (PAGE_SIZE - 1) || r.base + r.size < r.base)
		die("--memory %s: not whole pages of memory", arg);
	return r;
}

static void no_map(struct range r)
{
	(void)r;
}

static void start_memory(void)
{
	void *arena = aligned_alloc(MIB(2), ARENA);

	if (!arena)
		die("out of memory");
	pmem_reset();
	pmem_early((struct range){ (uintptr_t)arena, ARENA / 2 });
	pmem_early_constant((struct range){ (uintptr_t)arena + ARENA / 2, ARENA / 2 });
}

static void start_iommus(const struct tool *t)
{
	iommu_probe(t->fdt, no_map);
	iommu_start(t->fdt);
}

static void start_pci(const struct tool *t)
{
	pci_probe_hosts(t->fdt, NULL);
	for (unsigned i = 0; i < pci_host_count; i++) {
		if (pci_hosts[i].own_doorbell)
			assume("%s: firmware opened the windows for dma-ranges and v2m frames, as "
			       "U-Boot does when the link is up",
			       pci_hosts[i].name);
		if (!t->listing && !t->trial)
			continue;
		if (t->listing)
			listing_place(&pci_hosts[i]);
		else
			sample_place(&pci_hosts[i]);
		pci_enumerate(&pci_hosts[i]);
		pci_assign(&pci_hosts[i]);
	}
	listing_left_out();
	pci_identify();
}

static bool board_start(struct tool *t)
{
	bool ok = board_read(t->fdt, &t->board) == HV_OK;

	/* Firmware puts the tree, and Viaduct itself, somewhere: nobody knows where. */
	t->board.tree = t->board.image = (struct range){ 0 };
	for (unsigned i = 0; i < t->board.cpu_count; i++)
		t->board.cpu[i].online = true;
	t->board.has_pmu = true;
	t->board.sve_lengths = UINT16_MAX;
	if (ok && t->board.gic_node < 0) {
		log_err("the device tree has no interrupt controller that Viaduct drives");
		ok = false;
	}
	return ok;
}

static void boot(struct tool *t)
{
	unsigned said = line_count;

	start_memory();
	dt_index(t->fdt);
	t->usable = board_start(t);
	if (t->trial) { /* once more, as the tree changes */
		tree_trial(t);
		dt_index(t->fdt);
		line_count = said;
		t->usable = board_start(t);
	}
	its_tree = t->fdt;
	registers_assume(t->fdt);
	start_iommus(t);
	gic.version = (uint8_t)t->board.gic_version;
	v2m_init(t->fdt);
	start_pci(t);
	bridges_find(t);
	assume("all %u CPUs start, and have 40-bit physical addresses, performance monitors and, "
	       "where a guest has sve, vectors of its length; Viaduct itself is placed nowhere, so "
	       "the guests' own physical addresses may be others",
	       t->board.cpu_count);
	if (!t->usable)
		return;
	if (t->trial)
		tree_trial_devices(t);
	plan_read(&t->plan, &t->board);
	t->plan.geo = s2_geometry((struct s2_limits){ CPU_PA_BITS, false }, iommu_s2_limits());
	plan_guests(&t->plan);
	plan_print(&t->plan);
	for (unsigned i = 0; i < t->plan.guest_count; i++)
		t->refused += t->plan.guest[i].refused[0] != 0;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "guests", required_argument, NULL, 'g' }, { "pci", required_argument, NULL, 'p' },
		{ "memory", required_argument, NULL, 'm' }, { "reg", required_argument, NULL, 'r' },
		{ "trial", no_argument, NULL, 't' },        { "json", no_argument, NULL, 'j' },
		{ "text", no_argument, NULL, 'x' },         { "svg", required_argument, NULL, 's' },
		{ "help", no_argument, NULL, 'h' },         { 0 },
	};
	static struct tool t;
	const char *svg = NULL;
	bool json = false;
	FILE *picture;

	port_init();
	for (int c; (c = getopt_long(argc, argv, "g:p:m:r:h", options, NULL)) != -1;)
		switch (c) {
		case 'g':
			t.guests = optarg;
			break;
		case 'p':
			t.listing = optarg;
			break;
		case 'm':
			t.memory = memory_given(optarg);
			break;
		case 'r':
			register_given(optarg);
			break;
		case 't':
			t.trial = true;
			break;
		case 'j':
			json = true;
			break;
		case 'x':
			json = false;
			break;
		case 's':
			svg = optarg;
			break;
		case 'h':
			fputs(usage, stdout);
			return 0;
		default:
			fputs(usage, stderr);
			return 2;
		}
	if (optind + 1 != argc) {
		fputs(usage, stderr);
		return 2;
	}
	t.tree = argv[optind];
	tree_load(&t);
	if (t.listing)
		listing_load(t.listing);
	boot(&t);
	if (svg) {
		if (!(picture = fopen(svg, "w")))
			die("%s: %s", svg, strerror(errno));
		svg_write(&t, picture);
		if (fclose(picture))
			die("%s: %s", svg, strerror(errno));
	}
	(json ? json_write : text_write)(&t, stdout);
	return !t.usable || t.refused ? 1 : 0;
}
