/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The board as its device tree tells it: RAM, what is reserved in it, CPUs, PSCI, interrupt
 * controller. Called once, on the boot CPU, before anything else is decided. The tree comes from
 * firmware, well formed (dt_check) and no more: every list has a limit, and what does not fit or
 * makes no sense is left out with a line (RAM, CPUs) or stops the boot (reserved memory, which must
 * not be forgotten).
 */
#include <string.h>

#include <libfdt.h>

#include <hv/bits.h>
#include <hv/board.h>
#include <hv/dt.h>
#include <hv/log.h>

#define MPIDR_AFFINITY                                                                             \
	(BITS(39, 32) | BITS(23, 0)) /* DDI 0487 D23.2 MPIDR_EL1: Aff3, Aff2..Aff0  \
						     */

static void ram_add(struct board *b, struct range r)
{
	uint64_t base = ALIGN_UP(r.base, PAGE_SIZE), end = ALIGN_DOWN(range_end(r), PAGE_SIZE);
	const char *why = b->ram_count == ARRAY_SIZE(b->ram) ? "one of too many" : NULL;
	struct range page = { base, end - base };

	if (range_end(r) <= r.base || base < r.base || end <= base)
		return; /* not one whole page */
	for (unsigned i = 0; i < b->ram_count; i++)
		if (range_overlaps(page, b->ram[i]))
			why = "listed twice";
	if (why)
		log_warn("board: RAM at 0x%lx is %s; ignored", r.base, why);
	else
		b->ram[b->ram_count++] = page;
}

static void read_ram(struct board *b)
{
	enum hv_status s;
	struct range r;
	int node;

	dt_for_each_child(node, b->fdt, 0) {
		const char *type = dt_string(b->fdt, node, "device_type");

		if (!type || strcmp(type, "memory") || !dt_enabled(b->fdt, node))
			continue;
		for (unsigned i = 0; (s = dt_reg(b->fdt, node, i, &r)) == HV_OK; i++)
			ram_add(b, r);
		if (s != HV_ENOENT)
			log_warn("board: /%s has a malformed reg; the rest of it is not used",
				 dt_name(b->fdt, node));
	}
}

/*
 * Whole pages; the last one of all has no end to round up to. What there is no room for is counted.
 */
static void reserved_add(struct board *b, struct range r)
{
	uint64_t base = ALIGN_DOWN(r.base, PAGE_SIZE),
		 end = MAX(range_end(r), ALIGN_UP(range_end(r), PAGE_SIZE));

	if (range_end(r) <= r.base || b->reserved_count > ARRAY_SIZE(b->reserved))
		return;
	r = (struct range){ base, end - base };
	for (unsigned i = 0; i < b->reserved_count; i++)
		if (range_contains(b->reserved[i], r.base, r.size))
			return;
	if (b->reserved_count < ARRAY_SIZE(b->reserved))
		b->reserved[b->reserved_count] = r;
	b->reserved_count++;
}

static enum hv_status read_reserved(struct board *b)
{
	enum hv_status result = HV_OK, s;
	struct range r;
	int node;

	for (unsigned i = 0; dt_reservation(b->fdt, i, &r); i++)
		reserved_add(b, r);
	dt_for_each_child(node, b->fdt, dt_find(b->fdt, "/reserved-memory")) {
		if (!dt_enabled(b->fdt, node))
			continue;
		/* Without reg it is a wish to the operating system, not a place. `ranges` of
		 * /reserved-memory is empty by its binding, and often forgotten. */
		for (unsigned i = 0; (s = dt_reg_raw(b->fdt, node, i, &r)) == HV_OK; i++)
			reserved_add(b, r);
		if (s != HV_ENOENT) {
			log_err("board: /reserved-memory/%s has a malformed reg",
				dt_name(b->fdt, node));
			result = s;
		}
	}
	if (b->reserved_count <= ARRAY_SIZE(b->reserved))
		return result;
	log_err("board: more than %u reserved ranges; merge some in /reserved-memory",
		BOARD_MAX_RESERVED);
	return HV_ENOMEM;
}

static void cpu_add(struct board *b, uint64_t mpidr, const char *name)
{
	const char *why = b->cpu_count == ARRAY_SIZE(b->cpu) ? "one of too many" : NULL;

	for (unsigned i = 0; i < b->cpu_count; i++)
		if (b->cpu[i].mpidr == mpidr)
			why = "a repetition";
	if (why)
		log_warn("board: /cpus/%s, MPIDR 0x%lx, is %s; ignored", name, mpidr, why);
	else
		b->cpu[b->cpu_count++] = (struct board_cpu){ .mpidr = mpidr };
}

static void read_cpus(struct board *b)
{
	int cpus = dt_find(b->fdt, "/cpus"), node;

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

enum hv_status board_read(const void *fdt, struct board *b)
{
	memset(b, 0, sizeof(*b));
	b->fdt = fdt;
	b->gic_node = -1;
	b->tree = (struct range){ (uintptr_t)fdt, fdt_totalsize(fdt) };
	read_ram(b);
	if (!b->ram_count) {
		log_err("board: the device tree has no node with device_type = \"memory\"");
		return HV_EINVAL;
	}
	if (read_reserved(b) != HV_OK)
		return HV_EINVAL;
	read_cpus(b);
	if (!b->cpu_count) {
		log_err("board: the device tree has no usable CPU below /cpus");
		return HV_EINVAL;
	}
	find_gic(b);
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
