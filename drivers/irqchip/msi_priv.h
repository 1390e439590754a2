/* SPDX-License-Identifier: Apache-2.0 */
/* What msi.c needs of either kind of MSI controller, told by its init. */
#ifndef IRQCHIP_MSI_PRIV_H
#define IRQCHIP_MSI_PRIV_H

#include <hv/msi.h>

struct msi_ops {
	enum hv_status (*alloc)(struct msi_ctrl *c, uint32_t device_id, uint32_t n, unsigned cpu,
				struct msi_block *out);
	void (*move)(const struct msi_block *b, uint32_t i, unsigned cpu);
	void (*set_enabled)(const struct msi_block *b, uint32_t i, bool on);
};

void msi_set_ops(bool by_device, const struct msi_ops *o); /* boot */

#endif
