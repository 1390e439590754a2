/* A provider of MSIs: what drivers/irqchip/msi.c needs of an ITS or a GICv2m frame. */
#ifndef MSI_PRIV_H
#define MSI_PRIV_H

#include <hv/msi.h>

struct msi_ops {
	enum hv_status (*alloc)(struct msi_ctrl *c, uint32_t device_id, uint32_t n, unsigned cpu,
				struct msi_block *out);
	void (*move)(const struct msi_block *b, uint32_t i, unsigned cpu);
	void (*set_enabled)(const struct msi_block *b, uint32_t i, bool on);
};

#endif
