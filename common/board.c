/*
 * The board as its device tree tells it: RAM, what is reserved in it, CPUs, PSCI, interrupt
 * controller. Called once, on the boot CPU, before anything else is decided. The tree comes from
 * firmware, well formed (dt_check) and no more: every list has a limit, and what does not fit or makes
 * no sense is left out with a line (RAM, CPUs) or stops the boot (reserved memory, which must not
 * be forgotten).
 */
#include <string.h>

#include <libfdt.h>

#include <hv/bits.h>
#include <hv/board.h>
#include <hv/dt.h>
#include <hv/log.h>

#define MPIDR_AFFINITY (BITS(39, 32) | BITS(23, 0)) /* DDI 0487 D23.2 MPIDR_EL1: Aff3, Aff2..Aff0  \
						     */

static bool range_valid(struct range r)
{
	return r.size && r.base + r.size > r.base;
}

static void ram_add(struct board *b, struct range r)
{
	struct range page;

	if (!range_valid(r))
		return;
	page.base = ALIGN_UP(r.base, PAGE_SIZE);
	if (page.base < r.base || page.base >= ALIGN_DOWN(range_end(r), PAGE_SIZE))
		return; /* not one whole page */
	page.size = ALIGN_DOWN(range_end(r), PAGE_SIZE) - page.base;
	for (unsigned i = 0; i < b->ram_count; i++)
		if (range_overlaps(page, b->ram[i])) {
			log_warn("board: RAM at 0x%lx is listed twice; the second is ignored",
				 r.base);
			return;
		}
	if (b->ram_count == ARRAY_SIZE(b->ram)) {
		log_warn("board: more than %u ranges of RAM; the one at 0x%lx is not used",
			 (unsigned)ARRAY_SIZE(b->ram), r.base);
		return;
	}
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

static enum hv_status reserved_add(struct board *b, struct range r)
{
	uint64_t end;

	if (!range_valid(r))
		return HV_OK;
	end = range_end(r) > ALIGN_DOWN(UINT64_MAX, PAGE_SIZE) ? range_end(r)
							       : ALIGN_UP(range_end(r), PAGE_SIZE);
	r.base = ALIGN_DOWN(r.base, PAGE_SIZE);
	r.size = end - r.base;
	for (unsigned i = 0; i < b->reserved_count; i++)
		if (range_contains(b->reserved[i], r.base, r.size))
			return HV_OK;
	if (b->reserved_count == ARRAY_SIZE(b->reserved)) {
		log_err("board: more than %u reserved ranges; merge some in /reserved-memory",
			(unsigned)ARRAY_SIZE(b->reserved));
		return HV_ENOMEM;
	}
	b->reserved[b->reserved_count++] = r;
	return HV_OK;
}

static enum hv_status read_reserved(struct board *b)
{
	enum hv_status s = HV_OK;
	int node;
	struct range r;

	for (unsigned i = 0; s == HV_OK && dt_reservation(b->fdt, i, &r); i++)
		s = reserved_add(b, r);
	dt_for_each_child(node, b->fdt, dt_find(b->fdt, "/reserved-memory")) {
		if (s != HV_OK || !dt_enabled(b->fdt, node))
			continue;
		/* Without reg it is a wish to the operating system, not a place. `ranges` of
		 * /reserved-memory is empty by its binding, and often forgotten. */
		for (unsigned i = 0; (s = dt_reg_raw(b->fdt, node, i, &r)) == HV_OK; i++)
			if ((s = reserved_add(b, r)) != HV_OK)
				break;
		if (s == HV_ENOENT)
			s = HV_OK;
		else
			log_err("board: /reserved-memory/%s: malformed reg, or too many",
				dt_name(b->fdt, node));
	}
	return s;
}

static void cpu_add(struct board *b, uint64_t mpidr, const char *name)
{
	for (unsigned i = 0; i < b->cpu_count; i++)
		if (b->cpu[i].mpidr == mpidr) {
			log_warn("board: /cpus/%s repeats MPIDR 0x%lx; ignored", name, mpidr);
			return;
		}
	if (b->cpu_count == ARRAY_SIZE(b->cpu)) {
		log_warn("board: /cpus/%s is not used: room for %u CPUs", name,
			 (unsigned)ARRAY_SIZE(b->cpu));
		return;
	}
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
	static const char *const known[] = {"arm,psci-1.0", "arm,psci-0.2"};
	const char *method;
	int node = -1;

	for (unsigned i = 0; i < ARRAY_SIZE(known) && node < 0; i++)
		node = dt_next(b->fdt, -1, known[i]);
	if (node < 0) {
		log_err("board: no PSCI 0.2 or later in the device tree; use firmware that has it");
		return HV_EINVAL;
	}
	method = dt_string(b->fdt, node, "method");
	b->psci_hvc = method && !strcmp(method, "hvc");
	if (b->psci_hvc)
		log_err("board: PSCI by HVC cannot be used from EL2; start Viaduct from firmware "
			"at EL3 "
			"(QEMU: -M virt,virtualization=on)");
	else if (!method || strcmp(method, "smc"))
		log_err("board: the PSCI node has no method; give method = \"smc\"");
	return method && !strcmp(method, "smc") ? HV_OK : HV_EINVAL;
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

	for (unsigned i = 0; i < b->ram_count && range_valid(r); i++)
		if (range_overlaps(r, b->ram[i]))
			found += MIN(range_end(r), range_end(b->ram[i])) -
				 MAX(r.base, b->ram[i].base);
	return found && found == r.size;
}
