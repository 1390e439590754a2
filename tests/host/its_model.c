/* SPDX-License-Identifier: Apache-2.0 */
/* See its_model.h. IHI 0069H §5.2, §5.3, §12.19. */
#include <string.h>

#include <host.h>
#include <hv/bits.h>
#include <hv/mmio.h>
#include <spec/gicv3.h>
#include <spec/its.h>

#include "its_model.h"

#define GICR_STRIDE 0x20000
#define ENTRY       8 /* bytes of every entry of ours */

/*
 * Entries: device: valid, ITT address, size; collection: valid, target; event: valid, ICID, INTID.
 */
#define ENTRY_VALID BIT(63)

static uint64_t page_bytes(uint64_t baser)
{
	static const uint64_t bytes[] = { 4096, 16384, 65536, 65536 };

	return bytes[field_get(BASER_PAGE, baser)];
}

static uint64_t table_addr(uint64_t baser)
{
	if (page_bytes(baser) != 65536)
		return baser & BASER_ADDR;
	return (baser & BITS(47, 16)) | field_get(BASER_ADDR_HI, baser) << 48;
}

/* The entry of `id` in BASER n, NULL when the table does not reach it. */
static uint64_t *table_slot(struct its_model *m, unsigned n, uint64_t id)
{
	uint64_t baser = m->baser[n];
	uint64_t bytes = (field_get(BASER_SIZE, baser) + 1) * page_bytes(baser);
	uint64_t per_page = page_bytes(baser) / ENTRY;
	uint64_t *table = (uint64_t *)table_addr(baser);

	if (!(baser & BASER_VALID))
		return NULL;
	if (!(baser & BASER_INDIRECT))
		return id < bytes / ENTRY ? &table[id] : NULL;
	if (id / per_page >= bytes / 8 || !(table[id / per_page] & L1_VALID))
		return NULL;
	return (uint64_t *)(table[id / per_page] & BITS(51, 12)) + id % per_page;
}

static uint64_t *device_slot(struct its_model *m, uint64_t device)
{
	return device >> (field_get(TYPER_DEV_BITS, m->typer) + 1) ? NULL :
								     table_slot(m, 0, device);
}

static uint64_t *event_slot(struct its_model *m, uint64_t device, uint64_t event)
{
	uint64_t *dev = device_slot(m, device);

	if (!dev || !(*dev & ENTRY_VALID) || event >= UINT64_C(2) << (*dev & CMD1_SIZE))
		return NULL;
	return (uint64_t *)(*dev & CMD2_ITT) + event;
}

static void cache_lpi(struct its_model *m, uint64_t intid)
{
	const uint8_t *props = (const uint8_t *)(m->gicr[0].propbaser & PROPBASER_PA);

	if (intid >= 8192 && intid < 8192 + ITS_MODEL_LPIS && props)
		m->cached[intid - 8192] = props[intid - 8192] & 1;
}

static bool do_mapd(struct its_model *m, const struct its_cmd *c)
{
	uint64_t *dev = device_slot(m, field_get(CMD0_DEVICE, c->w[0]));

	if (!dev || (c->w[1] & CMD1_SIZE) > field_get(TYPER_ID_BITS, m->typer))
		return false;
	m->mapd_bits = (unsigned)(c->w[1] & CMD1_SIZE) + 1;
	*dev = (c->w[2] & (CMD2_VALID | CMD2_ITT)) | (c->w[1] & CMD1_SIZE);
	return true;
}

static bool target_is_cpu(struct its_model *m, uint64_t w, unsigned *cpu)
{
	uint64_t rd = w & CMD2_RD;

	for (unsigned i = 0; i < ITS_MODEL_CPUS; i++)
		if (rd == (m->typer & TYPER_PTA ? ITS_MODEL_GICR_BASE + i * GICR_STRIDE :
						  (uint64_t)i << 16)) {
			*cpu = i;
			return true;
		}
	return false;
}

static bool do_mapc(struct its_model *m, const struct its_cmd *c)
{
	uint64_t *slot = table_slot(m, 1, c->w[2] & CMD2_ICID);
	unsigned cpu;

	if (!slot || !target_is_cpu(m, c->w[2], &cpu) || !(m->gicr[cpu].ctlr & GICR_CTLR_LPIS))
		return false;
	*slot = (c->w[2] & CMD2_VALID ? ENTRY_VALID : 0) | cpu;
	return true;
}

static bool do_mapti(struct its_model *m, const struct its_cmd *c)
{
	uint64_t *ev = event_slot(m, field_get(CMD0_DEVICE, c->w[0]), c->w[1] & CMD1_EVENT);
	uint64_t intid = field_get(CMD1_INTID, c->w[1]);

	if (!ev || intid < 8192 || intid >= 8192 + ITS_MODEL_LPIS)
		return false;
	*ev = ENTRY_VALID | (c->w[2] & CMD2_ICID) << 32 | intid;
	return true;
}

static bool do_movi(struct its_model *m, const struct its_cmd *c)
{
	uint64_t *ev = event_slot(m, field_get(CMD0_DEVICE, c->w[0]), c->w[1] & CMD1_EVENT);

	if (!ev || !(*ev & ENTRY_VALID))
		return false;
	*ev = ENTRY_VALID | (c->w[2] & CMD2_ICID) << 32 | (uint32_t)*ev;
	return true;
}

static bool do_inv(struct its_model *m, const struct its_cmd *c)
{
	uint64_t *ev = event_slot(m, field_get(CMD0_DEVICE, c->w[0]), c->w[1] & CMD1_EVENT);

	if (!ev || !(*ev & ENTRY_VALID))
		return false;
	cache_lpi(m, (uint32_t)*ev);
	return true;
}

static bool do_invall(struct its_model *m, const struct its_cmd *c)
{
	uint64_t *slot = table_slot(m, 1, c->w[2] & CMD2_ICID);

	for (uint64_t i = 8192; i < 8192 + ITS_MODEL_LPIS; i++)
		cache_lpi(m, i);
	return slot && (*slot & ENTRY_VALID);
}

static bool do_sync(struct its_model *m, const struct its_cmd *c)
{
	unsigned cpu;

	return target_is_cpu(m, c->w[2], &cpu);
}

static bool perform(struct its_model *m, const struct its_cmd *c)
{
	switch (c->w[0] & CMD0_KIND) {
	case ITS_CMD_MAPD:
		return do_mapd(m, c);
	case ITS_CMD_MAPC:
		return do_mapc(m, c);
	case ITS_CMD_MAPTI:
		return do_mapti(m, c);
	case ITS_CMD_MOVI:
		return do_movi(m, c);
	case ITS_CMD_INV:
		return do_inv(m, c);
	case ITS_CMD_INVALL:
		return do_invall(m, c);
	case ITS_CMD_SYNC:
		return do_sync(m, c);
	default:
		return false;
	}
}

static void consume(struct its_model *m, unsigned most)
{
	uint32_t bytes = (uint32_t)(((m->cbaser & CBASER_SIZE) + 1) * 4096);
	const struct its_cmd *queue = (const struct its_cmd *)(m->cbaser & BITS(51, 16));

	while (most-- && (m->ctlr & 1) && (m->cbaser & CBASER_VALID) && !m->frozen && !m->stalled &&
	       m->creadr != m->cwriter) {
		const struct its_cmd *c = &queue[m->creadr / 32];

		if (m->stall_at && --m->stall_at == 0) {
			m->stalled = true;
			return;
		}
		m->commands++;
		m->kinds[c->w[0] & 15]++;
		memcpy(m->last, c->w, sizeof(m->last));
		if (!perform(m, c))
			m->errors++;
		m->creadr = (m->creadr + 32) % bytes;
	}
}

static uint64_t its_read(void *model, uint64_t off, unsigned size)
{
	struct its_model *m = model;

	if (size == 8 && off >= ITS_BASER && off < ITS_BASER + 64)
		return m->baser[(off - ITS_BASER) / 8];
	switch (off) {
	case ITS_CTLR:
		return m->ctlr | (m->ctlr & 1 || m->never_quiescent ? 0 : CTLR_QUIESCENT);
	case ITS_TYPER:
		return m->typer;
	case ITS_CBASER:
		return m->cbaser;
	case ITS_CWRITER:
		return m->cwriter;
	case ITS_CREADR:
		consume(m, m->per_read);
		return m->creadr | (m->stalled ? CREADR_STALLED : 0);
	case ITS_PIDR2:
		return 0x3b;
	default:
		return 0;
	}
}

static void baser_write(struct its_model *m, unsigned n, uint64_t value)
{
	static const uint64_t type[8] = { BASER_TYPE_DEVICE, BASER_TYPE_COLLECTION };
	uint64_t drop = BASER_TYPE | BASER_ENTRY;

	if (n > 1)
		return;
	if (!m->has_indirect)
		drop |= BASER_INDIRECT;
	if (!m->coherent)
		drop |= BASER_SHARE;
	if (m->page != 3)
		value = field_put(value, BASER_PAGE, m->page);
	m->baser[n] = (value & ~drop) | type[n] << 56 | FIELD(BASER_ENTRY, ENTRY - 1);
}

static void its_write(void *model, uint64_t off, unsigned size, uint64_t value)
{
	struct its_model *m = model;

	if (size == 8 && off >= ITS_BASER && off < ITS_BASER + 64)
		baser_write(m, (unsigned)(off - ITS_BASER) / 8, value);
	else if (off == ITS_CTLR)
		m->ctlr = value & 1;
	else if (off == ITS_CBASER) {
		m->cbaser = m->coherent ? value : value & ~CBASER_SHARE;
		m->creadr = 0;
	} else if (off == ITS_CWRITER) {
		m->cwriter = value & CQ_OFFSET;
		if ((value & CWRITER_RETRY) && m->stalled) {
			m->stalled = false;
			if (m->stall_times) {
				m->stall_times--;
				m->stall_at = 1;
			}
		}
		if (!m->per_read)
			consume(m, ~0U);
	}
}

static uint64_t gicr_read(void *model, uint64_t off, unsigned size)
{
	struct its_model *m = model;
	unsigned cpu = (unsigned)(off / GICR_STRIDE);

	(void)size;
	switch (off % GICR_STRIDE) {
	case GICR_CTLR:
		return m->gicr[cpu].ctlr;
	case GICR_TYPER:
		return GICR_TYPER_PLPIS | (uint64_t)cpu << 8;
	case GICR_PROPBASER:
		return m->gicr[cpu].propbaser;
	case GICR_PENDBASER:
		return m->gicr[cpu].pendbaser & ~PENDBASER_PTZ;
	default:
		return 0;
	}
}

static void gicr_write(void *model, uint64_t off, unsigned size, uint64_t value)
{
	struct its_model *m = model;
	unsigned cpu = (unsigned)(off / GICR_STRIDE);

	(void)size;
	switch (off % GICR_STRIDE) {
	case GICR_CTLR:
		m->gicr[cpu].ctlr = (uint32_t)value |
				    (m->lpis_stuck ? m->gicr[cpu].ctlr & (uint32_t)GICR_CTLR_LPIS :
						     0);
		break;
	case GICR_PROPBASER:
		m->gicr[cpu].propbaser = m->coherent ? value : value & ~LPIBASE_SHARE;
		break;
	case GICR_PENDBASER:
		m->gicr[cpu].pendbaser = m->coherent ? value : value & ~LPIBASE_SHARE;
		break;
	}
}

void its_model_init(struct its_model *m)
{
	memset(m, 0, sizeof(*m));
	m->typer = TYPER_PHYSICAL | FIELD(TYPER_ITT_SIZE, ENTRY - 1) | FIELD(TYPER_ID_BITS, 15) |
		   FIELD(TYPER_DEV_BITS, 15);
	m->has_indirect = true;
	m->page = 3;
	m->coherent = true;
	baser_write(m, 0, 0);
	baser_write(m, 1, 0);
	host_mmio_add(ITS_MODEL_BASE, 0x20000, its_read, its_write, m);
	host_mmio_add(ITS_MODEL_GICR_BASE, ITS_MODEL_CPUS * GICR_STRIDE, gicr_read, gicr_write, m);
}

bool its_model_translate(struct its_model *m, uint32_t device, uint32_t event, uint32_t *intid,
			 uint32_t *cpu, bool *enabled)
{
	uint64_t *ev = event_slot(m, device, event);
	uint64_t *col = ev && (*ev & ENTRY_VALID) ? table_slot(m, 1, *ev >> 32 & 0xffff) : NULL;

	if (!col || !(*col & ENTRY_VALID))
		return false;
	*intid = (uint32_t)*ev;
	*cpu = (uint32_t)*col;
	*enabled = m->cached[*intid - 8192];
	return true;
}
