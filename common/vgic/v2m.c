/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The virtual GICv2m frame of a guest (DEN0029 appendix E). Its SPIs are the guest's own, edges
 * that only its devices raise: by messages that EL2 took as physical SPIs. What a CPU writes to the
 * frame is no message.
 */
#include <spec/gicv2m.h>

#include "vgic_priv.h"

static enum emul v2m_access(struct vcpu *, void *arg, struct mmio_access *a)
{
	const struct vgic_vm *g = arg;

	if (a->size != 4)
		return EMUL_OK;
	switch (a->off) {
	case V2M_TYPER:
		a->value = field_put(g->v2m_count, V2M_TYPER_BASE, g->v2m_first);
		break;
	case V2M_IIDR:
		a->value = VGIC_IIDR;
		break;
	default:
		a->value = 0;
	}
	return EMUL_OK;
}

enum hv_status vgic_v2m_init(struct vm *vm, ipa_t base, uint32_t first, uint32_t count)
{
	if (first < GIC_SPI_FIRST || first + count > 32U * vm->vgic->bank_count)
		return HV_EINVAL;
	vm->vgic->v2m_first = first;
	vm->vgic->v2m_count = count;
	return vm_emulate(vm, base, PAGE_SIZE, v2m_access, vm->vgic, NULL);
}

bool vgic_v2m_deliver(struct vm *vm, uint32_t data, struct vcpu *cur, uint16_t *to)
{
	struct vgic_vm *g = vm->vgic;
	uint32_t bit = 1U << data % 32;
	struct vgic_locked l;
	struct vgic_bank *b;
	struct vcpu *v;
	bool fresh;

	if (data - g->v2m_first >= g->v2m_count)
		return false;
	b = spi_bank(g, data / 32);
	l = vgic_lock(g);
	v = line_target(b, data % 32);
	fresh = v && b->enabled & ~b->pending & bit;
	b->pending |= bit;
	line_notify(cur, b, data % 32);
	vgic_unlock(l);
	if (fresh)
		*to = v->index;
	return fresh;
}
