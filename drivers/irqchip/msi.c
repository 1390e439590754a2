/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one interface to MSI controllers of either kind (hv/msi.h): a block of vectors knows its
 * provider. Vectors stay masked until somebody handles them.
 */
#include <hv/panic.h>

#include "msi_priv.h"

/* By msi_ctrl.by_device. */
static const struct msi_ops *ops[2] __ro_after_boot;

void msi_set_ops(bool by_device, const struct msi_ops *o)
{
	ops[by_device] = o;
}

static const struct msi_ops *ops_of(const struct msi_ctrl *c)
{
	return ops[c->by_device];
}

enum hv_status msi_alloc(struct msi_ctrl *c, uint32_t device_id, uint32_t n, unsigned cpu,
			 struct msi_block *out)
{
	return ops_of(c)->alloc(c, device_id, n, cpu, out);
}

enum hv_status msi_handler(const struct msi_block *b, uint32_t i, irq_handler_fn *fn, void *arg)
{
	enum hv_status s;

	if (i >= b->count)
		return HV_EINVAL;
	s = irq_register(b->first_intid + i, fn, arg, IRQ_END_EL2);
	if (s == HV_OK)
		msi_set_enabled(b, i, true);
	return s;
}

void msi_move(const struct msi_block *b, uint32_t i, unsigned cpu)
{
	ASSERT(i < b->count);
	ops_of(b->ctrl)->move(b, i, cpu);
}

void msi_set_enabled(const struct msi_block *b, uint32_t i, bool on)
{
	ASSERT(i < b->count);
	ops_of(b->ctrl)->set_enabled(b, i, on);
}
