/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Message-signalled interrupts of the physical side: ITS and GICv2m. Everything is allocated and
 * mapped at boot.
 */
#ifndef HV_MSI_H
#define HV_MSI_H

#include <hv/irq.h>
#include <hv/status.h>
#include <hv/types.h>

struct msi_block;
struct msi_ctrl;

/* One ITS or v2m frame. */
struct msi_ctrl {
	uint32_t phandle;
	pa_t page;       /* that a device's write must reach: 4 KiB (GITS_TRANSLATER) ... */
	uint32_t offset; /* ... and the doorbell register in it */
	bool by_device;  /* tells senders apart (an ITS): they can only raise events of their own */
};

struct msi_block {
	struct msi_ctrl *ctrl;
	uint32_t device_id;   /* ITS: whose events they are */
	uint32_t first_data;  /* vector i is data first_data + i ... */
	uint32_t first_intid; /* ... and arrives as physical INTID first_intid + i */
	uint32_t count;
};

/*
 * Boot, in this order, after gic_init and with the `reg` of every "arm,gic-v3-its" mapped as
 * Device: its_init gives every ITS of the device tree its tables and queue, and CPUs 0 .. cpus - 1
 * their pending tables; its_cpu_init, on each CPU, behind its gic_ops.cpu_init and before it takes
 * an interrupt, switches LPIs on and maps its collection. An ITS that cannot be driven is left off
 * with a log line; there may be none. its_find: by phandle of `msi-parent` / `msi-map`; NULL: none.
 */
void its_init(const void *fdt, unsigned cpus);
enum hv_status __must_check its_cpu_init(unsigned cpu);
struct msi_ctrl *its_find(uint32_t phandle);

/*
 * GICv2m frames, after gic_init and with the `reg` of every "arm,gic-v2m-frame" mapped as Device;
 * one that cannot be used is left out with a log line. v2m_frame: NULL beyond the last.
 */
void v2m_init(const void *fdt);
struct msi_ctrl *v2m_frame(unsigned n);
struct msi_ctrl *v2m_find(uint32_t phandle);
/*
 * Where msi_alloc would put n messages if all SPIs below `from` were taken: the INTID of the first,
 * 0: there is no room. It passes over those that somebody has (QEMU's SMMU is inside its frame).
 */
uint32_t v2m_place(const struct msi_ctrl *c, uint32_t from, uint32_t n);

/*
 * n events of one DeviceID (all functions behind an alias share it, so one call for all of them;
 * the caller cuts the block into slices by first_data, first_intid and count): MAPD for n rounded
 * up to a power of two, at least 32; n times MAPTI to CPU `cpu`; INVALL. out->count is n.
 * `fn(arg)` handles vector i; a vector is masked until msi_handler. Boot only.
 * HV_EINVAL: n is 0 or that CPU takes no LPIs; HV_ECONFLICT: DeviceID taken; HV_ENOMEM: too many,
 * or the DeviceID is too large; HV_ETIMEOUT: the ITS does not answer.
 */
enum hv_status __must_check msi_alloc(struct msi_ctrl *c, uint32_t device_id, uint32_t n,
				      unsigned cpu, struct msi_block *out);
enum hv_status __must_check msi_handler(const struct msi_block *b, uint32_t i, irq_handler_fn *fn,
					void *arg);
/*
 * Moves vector i to another CPU: one MOVI, none when it is there already. Does not wait. Run time;
 * rate limited by the caller. Takes the ITS queue lock.
 */
void msi_move(const struct msi_block *b, uint32_t i, unsigned cpu);
/* Enables or disables vector i in the LPI configuration table (INV). Does not wait for the ITS. */
void msi_set_enabled(const struct msi_block *b, uint32_t i, bool on);

#endif
