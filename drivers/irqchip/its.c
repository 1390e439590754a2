/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The physical ITS (IHI 0069H §5, §12.19). EL2 owns it: every device and event is mapped at boot,
 * by msi_alloc; afterwards at most a MOVI or an INV reaches the queue, and nothing waits for it.
 */
#include <string.h>

#include <hv/dt.h>
#include <hv/gic.h>
#include <hv/log.h>
#include <hv/pmem.h>
#include <spec/gicv3.h>

#include "its_priv.h"
#include "msi_priv.h"

#define COMPATIBLE   "arm,gic-v3-its"
#define NONCOHERENT  "dma-noncoherent"
#define QUIESCE_US   1000000
#define ITT_ALIGN    256
#define DEV_BITS_MAX 20 /* beyond: DeviceIDs that no host bridge of ours makes */

static struct its *its_all; /* as many as the device tree has */
static unsigned count;

static struct its *to_its(struct msi_ctrl *c)
{
	return container_of(c, struct its, msi);
}

static bool takes_lpis(const struct its *its, unsigned cpu)
{
	return cpu < its->cpu_count && its->cpus[cpu / 64] & BIT(cpu % 64);
}

/* Everything can be decided before anything is allocated or the ITS is told. */
static enum hv_status check_block(const struct its *its, uint32_t device_id, uint32_t n,
				  unsigned bits, unsigned cpu)
{
	if (n == 0 || !takes_lpis(its, cpu))
		return HV_EINVAL;
	if (bits > field_get(TYPER_ID_BITS, its->typer) + 1)
		return HV_ENOMEM;
	for (const struct its_dev *d = its->devs; d; d = d->next)
		if (d->device_id == device_id)
			return HV_ECONFLICT;
	return HV_OK;
}

/* MAPD, the MAPTIs, and what the redistributor may have cached: all done on return. */
static enum hv_status map_events(struct its *its, const struct msi_block *b, const void *itt,
				 unsigned bits, unsigned cpu)
{
	struct its_cmd mapd = its_cmd(ITS_CMD_MAPD, b->device_id, bits - 1,
				      CMD2_VALID | (va_to_pa(itt).v & CMD2_ITT));
	struct its_cmd last[] = { its_cmd(ITS_CMD_INVALL, 0, 0, cpu), its_sync(its, cpu) };

	its_post(its, &mapd, 1);
	for (uint32_t i = 0; i < b->count; i++) {
		struct its_cmd mapti = its_cmd(ITS_CMD_MAPTI, b->device_id,
					       i | (uint64_t)(b->first_intid + i) << 32, cpu);

		its_post(its, &mapti, 1);
	}
	its_post(its, last, 2);
	return its_drain(its);
}

static enum hv_status its_alloc(struct msi_ctrl *c, uint32_t device_id, uint32_t n, unsigned cpu,
				struct msi_block *out)
{
	struct its *its = to_its(c);
	unsigned bits = MAX(log2_ceil(n), ITS_EVENTS_MIN);
	struct msi_block b = { .ctrl = c, .device_id = device_id, .count = n };
	enum hv_status s = check_block(its, device_id, n, bits, cpu);
	struct its_dev *dev;
	void *itt;

	if (s == HV_OK)
		s = its_table_cover(its, device_id);
	if (s == HV_OK)
		s = its_lpi_alloc(n, cpu, &b.first_intid);
	if (s != HV_OK)
		return s;
	itt = its_memory((field_get(TYPER_ITT_SIZE, its->typer) + 1) << bits, ITT_ALIGN);
	dev = pmem_try_alloc(sizeof(*dev), 64);
	if (!itt || !dev)
		return HV_ENOMEM;
	*dev = (struct its_dev){ device_id, its->devs };
	its->devs = dev;
	*out = b;
	return map_events(its, &b, itt, bits, cpu);
}

/* A command about an LPI of `cpu`. Nobody waits: an ITS that has stopped said so in the log. */
static void send_lpi_command(struct its *its, struct its_cmd cmd, unsigned cpu)
{
	struct its_cmd both[] = { cmd, its_sync(its, cpu) };

	its_post(its, both, ARRAY_SIZE(both));
}

static void its_move(const struct msi_block *b, uint32_t i, unsigned cpu)
{
	uint16_t *at = its_lpi_cpu(b->first_intid + i);
	struct its *its = to_its(b->ctrl);

	if (!takes_lpis(its, cpu) || *at == cpu)
		return;
	*at = (uint16_t)cpu;
	send_lpi_command(its, its_cmd(ITS_CMD_MOVI, b->device_id, b->first_data + i, cpu), cpu);
}

static void its_set_enabled(const struct msi_block *b, uint32_t i, bool on)
{
	uint32_t intid = b->first_intid + i;

	if (its_lpi_enable(intid, on))
		send_lpi_command(to_its(b->ctrl),
				 its_cmd(ITS_CMD_INV, b->device_id, b->first_data + i, 0),
				 *its_lpi_cpu(intid));
}

static const struct msi_ops ops = {
	.alloc = its_alloc,
	.move = its_move,
	.set_enabled = its_set_enabled,
};

static enum hv_status its_probe_node(struct its *its, const void *fdt, int node, unsigned cpus)
{
	struct range reg;
	enum hv_status s = dt_reg(fdt, node, 0, &reg);

	if (s != HV_OK || reg.size < 2 * ITS_FRAME)
		return HV_EINVAL;
	*its = (struct its){
		.msi = { .phandle = dt_phandle(fdt, node),
			 .page = PA(reg.base + ITS_FRAME),
			 .offset = ITS_TRANSLATER,
			 .by_device = true },
		.regs = mmio_at(PA(reg.base)),
		.noncoherent = dt_bool(fdt, node, NONCOHERENT),
		.cpu_count = cpus,
		.cpus = pmem_alloc((cpus / 64 + 1) * sizeof(*its->cpus), 64),
	};
	its->typer = rd64(its->regs, GITS_TYPER);
	its->dev_bits = (uint8_t)MIN(field_get(TYPER_DEV_BITS, its->typer) + 1, DEV_BITS_MAX);
	if (field_get(PIDR2_ARCH, rd32(its->regs, GITS_PIDR2)) - 3 > 1 ||
	    !(its->typer & TYPER_PHYSICAL))
		return HV_EUNSUPP;
	/* Whoever used it before us is gone; its tables and queue must not be read any more. */
	wr32(its->regs, GITS_CTLR, 0);
	s = poll32(its->regs, GITS_CTLR, CTLR_QUIESCENT, CTLR_QUIESCENT, QUIESCE_US, "its");
	if (s == HV_OK)
		s = its_tables_init(its);
	if (s == HV_OK)
		s = its_queue_init(its);
	if (s != HV_OK)
		return s;
	wr32(its->regs, GITS_CTLR, CTLR_ENABLED);
	log_info("its 0x%lx: %u DeviceID bits, %lu EventID bits, %s device table%s", reg.base,
		 its->dev_bits, field_get(TYPER_ID_BITS, its->typer) + 1,
		 its->level1 ? "two-level" : "flat", its->clean_queue ? ", not coherent" : "");
	return HV_OK;
}

void its_init(const void *fdt, unsigned cpus)
{
	bool noncoherent = false;

	count = 0;
	msi_set_ops(true, &ops);
	if (!gic.has_lpis)
		return;
	its_all = pmem_alloc(MAX(dt_count(fdt, COMPATIBLE), 1U) * sizeof(*its_all), 64);
	dt_for_each(node, fdt, COMPATIBLE) {
		char path[64];

		if (!dt_enabled(fdt, node))
			continue;
		noncoherent = dt_bool(fdt, dt_parent(fdt, node), NONCOHERENT);
		if (its_probe_node(&its_all[count], fdt, node, cpus) == HV_OK)
			count++;
		else
			log_warn("%s: cannot be used: its devices have no MSI",
				 dt_path(fdt, node, path, sizeof(path)));
	}
	if (count && its_lpi_init(cpus, noncoherent) != HV_OK)
		count = 0;
	if (!count)
		log_warn("no usable ITS: no MSI");
}

enum hv_status its_cpu_init(unsigned cpu)
{
	enum hv_status s = count ? its_lpi_cpu_init(cpu) : HV_OK;

	for (unsigned i = 0; i < count && s == HV_OK; i++) {
		struct its *its = &its_all[i];
		struct its_cmd cmd[] = {
			its_cmd(ITS_CMD_MAPC, 0, 0, CMD2_VALID | its_lpi_target(its, cpu) | cpu),
			its_cmd(ITS_CMD_INVALL, 0, 0, cpu),
			its_sync(its, cpu),
		};

		its_post(its, cmd, ARRAY_SIZE(cmd));
		if (its_drain(its) == HV_OK)
			__atomic_fetch_or(&its->cpus[cpu / 64], BIT(cpu % 64), __ATOMIC_RELAXED);
	}
	return s;
}

struct msi_ctrl *its_find(uint32_t phandle)
{
	for (unsigned i = 0; i < count; i++)
		if (phandle && its_all[i].msi.phandle == phandle)
			return &its_all[i].msi;
	return NULL;
}
