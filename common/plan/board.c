/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The board as its device tree tells it: RAM, what is reserved in it, CPUs, PSCI, interrupt
 * controller. Called once, on the boot CPU, before anything else is decided. The tree comes from
 * firmware, well formed (dt_check) and no more: what makes no sense is left out with a line (RAM,
 * CPUs) or stops the boot (reserved memory, which must not be forgotten). Each list is counted,
 * then allocated, then filled.
 */
#include <string.h>

#include <libfdt.h>

#include <hv/bits.h>
#include <hv/board.h>
#include <hv/dt.h>
#include <hv/log.h>
#include <hv/pmem.h>
#include <hv/rtc.h>
#include <spec/gicv3.h>

/* MPIDR_EL1: Aff3, Aff2..Aff0 (DDI 0487 D23.2). */
#define MPIDR_AFFINITY (BITS(39, 32) | BITS(23, 0))

/* NULL, with a log line: no room. */
static void *alloc_list(unsigned count, size_t size, const char *what)
{
	void *p = pmem_try_alloc(MAX(count, 1U) * size, 64);

	if (!p)
		log_err("board: no memory for a list of %u %s", count, what);
	return p;
}

static void ram_add(struct board *b, struct range r)
{
	uint64_t base = ALIGN_UP(r.base, PAGE_SIZE), end = ALIGN_DOWN(range_end(r), PAGE_SIZE);
	struct range page = { base, end - base };
	bool twice = false;

	if (range_end(r) <= r.base || base < r.base || end <= base)
		return; /* not one whole page */
	for (unsigned i = 0; i < b->ram_count; i++)
		if (range_overlaps(page, b->ram[i]))
			twice = true;
	if (twice)
		log_warn("board: RAM at 0x%lx is listed twice; ignored", r.base);
	else
		b->ram[b->ram_count++] = page;
}

/* The memory node behind `node`, -1: the first. */
static int next_memory(const void *fdt, int node)
{
	const char *type;

	do {
		node = node < 0 ? dt_first_child(fdt, 0) : dt_next_sibling(fdt, node);
		type = node < 0 ? NULL : dt_string(fdt, node, "device_type");
	} while (node >= 0 && (!type || strcmp(type, "memory") || !dt_enabled(fdt, node)));
	return node;
}

static enum hv_status read_ram(struct board *b)
{
	unsigned count = 0, i;
	struct range r;

	for (int n = -1; (n = next_memory(b->fdt, n)) >= 0;)
		for (i = 0; dt_reg(b->fdt, n, i, &r) == HV_OK; i++)
			count++;
	b->ram = alloc_list(count, sizeof(*b->ram), "ranges of RAM");
	if (!b->ram)
		return HV_ENOMEM;
	for (int n = -1; (n = next_memory(b->fdt, n)) >= 0;) {
		for (i = 0; dt_reg(b->fdt, n, i, &r) == HV_OK; i++)
			ram_add(b, r);
		if (dt_reg(b->fdt, n, i, &r) != HV_ENOENT)
			log_warn("board: /%s has a malformed reg; the rest of it is not used",
				 dt_name(b->fdt, n));
	}
	if (b->ram_count)
		return HV_OK;
	log_err("board: the device tree has no node with device_type = \"memory\"");
	return HV_EINVAL;
}

/* Whole pages; the last one of all has no end to round up to. */
static void reserved_add(struct board *b, struct range r)
{
	uint64_t base = ALIGN_DOWN(r.base, PAGE_SIZE),
		 end = MAX(range_end(r), ALIGN_UP(range_end(r), PAGE_SIZE));

	if (range_end(r) <= r.base)
		return;
	for (unsigned i = 0; i < b->reserved_count; i++)
		if (range_contains(b->reserved[i], base, end - base))
			return;
	b->reserved[b->reserved_count++] = (struct range){ base, end - base };
}

/*
 * Calls `fn` for each reserved range. Without reg a node is a wish to the operating system, not a
 * place. `ranges` of /reserved-memory is empty by its binding, and often forgotten. Returns the
 * node whose reg is malformed, or -1.
 */
static int for_each_reserved(struct board *b, void (*fn)(struct board *b, struct range r))
{
	int node, bad = -1;
	struct range r;
	unsigned i;

	for (i = 0; dt_reservation(b->fdt, i, &r); i++)
		fn(b, r);
	dt_for_each_child(node, b->fdt, dt_find(b->fdt, "/reserved-memory")) {
		if (!dt_enabled(b->fdt, node))
			continue;
		for (i = 0; dt_reg_raw(b->fdt, node, i, &r) == HV_OK; i++)
			fn(b, r);
		if (dt_reg_raw(b->fdt, node, i, &r) != HV_ENOENT)
			bad = node;
	}
	return bad;
}

static void reserved_count(struct board *b, struct range r)
{
	(void)r;
	b->reserved_count++;
}

static enum hv_status read_reserved(struct board *b)
{
	int bad = for_each_reserved(b, reserved_count);

	if (bad >= 0) {
		log_err("board: /reserved-memory/%s has a malformed reg", dt_name(b->fdt, bad));
		return HV_EINVAL;
	}
	b->reserved = alloc_list(b->reserved_count, sizeof(*b->reserved), "reserved ranges");
	if (!b->reserved)
		return HV_ENOMEM;
	b->reserved_count = 0;
	for_each_reserved(b, reserved_add);
	return HV_OK;
}

static void cpu_add(struct board *b, uint64_t mpidr, const char *name)
{
	const char *why = b->cpu_count == MAX_CPUS ? "one of too many" : NULL;

	for (unsigned i = 0; i < b->cpu_count; i++)
		if (b->cpu[i].mpidr == mpidr)
			why = "a repetition";
	if (why)
		log_warn("board: /cpus/%s, MPIDR 0x%lx, is %s; ignored", name, mpidr, why);
	else
		b->cpu[b->cpu_count++] = (struct board_cpu){ .mpidr = mpidr };
}

static enum hv_status read_cpus(struct board *b)
{
	int cpus = dt_find(b->fdt, "/cpus"), node;
	unsigned count = 0;

	dt_for_each_child(node, b->fdt, cpus)
		count++;
	count = MIN(count, MAX_CPUS);
	b->cpu = alloc_list(count, sizeof(*b->cpu), "CPUs");
	if (!b->cpu)
		return HV_ENOMEM;
	dt_for_each_child(node, b->fdt, cpus) {
		const char *type = dt_string(b->fdt, node, "device_type");
		const char *method = dt_string(b->fdt, node, "enable-method");
		const char *name = dt_name(b->fdt, node);
		struct range id;

		if (!type || strcmp(type, "cpu") || !dt_enabled(b->fdt, node))
			continue;
		if (dt_reg_raw(b->fdt, node, 0, &id) != HV_OK)
			log_warn("board: /cpus/%s has no usable reg; ignored", name);
		else if (method && strcmp(method, "psci"))
			log_warn("board: /cpus/%s is started by \"%s\", not by PSCI; not used",
				 name, method);
		else
			cpu_add(b, id.base & MPIDR_AFFINITY, name);
	}
	if (b->cpu_count)
		return HV_OK;
	log_err("board: the device tree has no usable CPU below /cpus");
	return HV_EINVAL;
}

static enum hv_status read_psci(struct board *b)
{
	static const char *const known[] = { "arm,psci-1.0", "arm,psci-0.2" };
	const char *method;
	int node = -1;

	for (unsigned i = 0; i < ARRAY_SIZE(known) && node < 0; i++)
		node = dt_next(b->fdt, -1, known[i]);
	if (node < 0) {
		log_err("board: no PSCI 0.2 or later in the device tree; use firmware that has it");
		return HV_EINVAL;
	}
	method = dt_string(b->fdt, node, "method");
	if (method && !strcmp(method, "smc"))
		return HV_OK;
	if (method && !strcmp(method, "hvc"))
		log_err("board: PSCI by HVC cannot be used from EL2; start Viaduct from firmware "
			"at EL3 (QEMU: -M virt,virtualization=on)");
	else
		log_err("board: the PSCI node has no method; give method = \"smc\"");
	return HV_EINVAL;
}

/* First match wins. */
static void find_gic(struct board *b)
{
	static const struct {
		char compatible[20];
		uint8_t version;
	} known[] = {
		{ "arm,gic-v3", 3 },
		{ "arm,gic-400", 2 },
		{ "arm,cortex-a15-gic", 2 },
		{ "arm,cortex-a7-gic", 2 },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(known); i++)
		dt_for_each(n, b->fdt, known[i].compatible)
			if (dt_enabled(b->fdt, n)) {
				b->gic_node = n;
				b->gic_version = known[i].version;
				return;
			}
}

/*
 * "arm,armv8-pmuv3", "arm,cortex-a72-pmu", ... What is not a PPI is no CPU's, or one line a CPU,
 * which no guest is given.
 */
static uint8_t read_pmu(const void *fdt)
{
	dt_for_each(n, fdt, NULL) {
		const char *name = dt_string(fdt, n, "compatible");
		size_t len = name ? strlen(name) : 0;
		struct dt_irq irq;

		if (len < 6 || (strcmp(name + len - 4, "-pmu") && strcmp(name + len - 6, "-pmuv3")))
			continue;
		if (dt_interrupt(fdt, n, 0, &irq) == HV_OK && irq.intid < GIC_SPI_FIRST)
			return (uint8_t)irq.intid;
	}
	return 0;
}

/* The number that a boot script has put there, of one cell or two, or the board's clock. */
static void find_time(struct board *b)
{
	unsigned len;
	const void *p = dt_get(b->fdt, dt_find(b->fdt, "/chosen"), "viaduct,epoch", &len);

	if (len == 4 || len == 8)
		b->epoch = dt_cells(p, len / 4);
	else if (p)
		log_warn("/chosen: viaduct,epoch is malformed; ignored. Give <seconds>, one cell "
			 "or two");
	b->rtc_node = rtc_find(b->fdt);
}

enum hv_status board_read(const void *fdt, struct board *b)
{
	memset(b, 0, sizeof(*b));
	b->fdt = fdt;
	b->gic_node = b->rtc_node = -1;
	b->tree = (struct range){ (uintptr_t)fdt, fdt_totalsize(fdt) };
	if (read_ram(b) != HV_OK || read_reserved(b) != HV_OK || read_cpus(b) != HV_OK)
		return HV_EINVAL;
	find_gic(b);
	b->pmu_intid = read_pmu(fdt);
	find_time(b);
	return read_psci(b);
}

enum hv_status board_boot_cpu(struct board *b, uint64_t mpidr)
{
	for (unsigned i = 0; i < b->cpu_count; i++)
		if (b->cpu[i].mpidr == (mpidr & MPIDR_AFFINITY)) {
			struct board_cpu boot = { .mpidr = b->cpu[i].mpidr, .online = true };

			memmove(&b->cpu[1], &b->cpu[0], i * sizeof(b->cpu[0]));
			b->cpu[0] = boot;
			return HV_OK;
		}
	log_err("board: the boot CPU, MPIDR 0x%lx, is not below /cpus", mpidr & MPIDR_AFFINITY);
	return HV_ENOENT;
}

bool board_is_ram(const struct board *b, struct range r)
{
	uint64_t found = 0; /* ranges do not overlap */

	for (unsigned i = 0; i < b->ram_count && range_end(r) > r.base; i++)
		if (range_overlaps(r, b->ram[i]))
			found += MIN(range_end(r), range_end(b->ram[i])) -
				 MAX(r.base, b->ram[i].base);
	return found && found == r.size;
}
