/*
 * Message-signalled interrupts of the physical side: ITS, and (later) GICv2m. Everything is
 * allocated and mapped at boot.
 */
#ifndef HV_MSI_H
#define HV_MSI_H

#include <hv/irq.h>
#include <hv/status.h>
#include <hv/types.h>

struct msi_ctrl; /* one ITS or v2m frame */

struct msi_block {
	struct msi_ctrl *ctrl;
	uint32_t first_data; /* vector i is data first_data + i ... */
	uint32_t first_intid; /* ... and arrives as physical INTID first_intid + i */
	uint32_t count;
};

/*
 * its_init: every ITS of the device tree gets its tables and queue; LPIs are switched on for each
 * CPU by its_cpu_init on that CPU. its_find: by phandle of `msi-parent` / `msi-map`; NULL: none.
 */
enum hv_status __must_check its_init(const void *fdt);
enum hv_status __must_check its_cpu_init(unsigned cpu);
struct msi_ctrl *its_find(uint32_t phandle);
unsigned its_count(void);

/* PA that a device's MSI write must reach: its 4 KiB page (GITS_TRANSLATER), and the offset in it. */
pa_t msi_doorbell_page(const struct msi_ctrl *c);
uint32_t msi_doorbell_offset(const struct msi_ctrl *c);

/*
 * n events of one DeviceID (all functions behind an alias share it, so one call for all of them):
 * MAPD, n times MAPTI to CPU `cpu`, INV. n is rounded up to a power of two, at least 32.
 * `fn(args[i])` handles vector i. Boot only. HV_ECONFLICT: DeviceID taken; HV_ENOMEM: too many.
 */
enum hv_status __must_check msi_alloc(struct msi_ctrl *c, uint32_t device_id, uint32_t n, unsigned cpu,
				      struct msi_block *out);
enum hv_status __must_check msi_handler(const struct msi_block *b, uint32_t i, irq_handler_fn *fn,
					void *arg);
/* Moves vector i to another CPU: one coalesced MOVI. Run time; rate limited by the caller. */
void msi_move(const struct msi_block *b, uint32_t i, unsigned cpu);
/* Enables or disables vector i in the LPI configuration table (INV). */
void msi_set_enabled(const struct msi_block *b, uint32_t i, bool on);

#endif
