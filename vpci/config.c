/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The access path to config space. The decision is a pure function of the row, the lanes, the
 * device's dword and the guest's value; then at most one hardware write of the guest's own width;
 * then the row's side effect.
 */
#include <spec/pci.h>
#include <spec/pci_caps.h>

#include "vpci_priv.h"

struct cfg_verdict cfg_decide(const struct cfg_rule *r, uint32_t lanes, uint32_t hw_now,
			      uint32_t value, uint32_t shadow)
{
	uint32_t take = r->rw & lanes;
	uint32_t clear = r->w1c & lanes & value;

	return (struct cfg_verdict){
		.shadow = ((shadow & ~take) | (value & take & ~r->hw)) & ~(clear & ~r->hw),
		/* Bits of others go back as they are, but never a 1 that clears something. */
		.value = ((hw_now & ~(take & r->hw) & ~r->w1c) | (value & take & r->hw) |
			  (clear & r->hw)) &
			 lanes,
		.to_hw = ((take | clear) & r->hw) != 0,
	};
}

/* Ends a reset or a wake-up whose time is over. False: the function does not answer. */
static bool settle_function(struct vpci_func *f)
{
	bool answers;

	spin_lock(&f->lock, LOCK_VPCI);
	state_settle(f);
	answers = func_answers(f);
	spin_unlock(&f->lock);
	return answers;
}

/*
 * A register read as all ones: is the device gone from the bus? Then it is not touched any more,
 * as each access may take a completion timeout, and the guest reads what a real bus would give.
 * Lock held.
 */
static bool is_gone(struct vpci_func *f)
{
	if (pci_cfg_read(f->pf, PCI_ID, 4) != PCI_ALL_ONES)
		return false;
	if (!pci_lose(f->pf))
		return false;
	bars_update(f);
	vm_log(f->v->vm,
	       "00:%02x.%x: device %s is gone from the bus; all ones until a reset or a restart",
	       f->as.devfn >> 3, f->as.devfn & 7, f->pf->name);
	return true;
}

static bool check_gone(struct vpci_func *f)
{
	bool gone;

	spin_lock(&f->lock, LOCK_VPCI);
	gone = is_gone(f);
	spin_unlock(&f->lock);
	return gone;
}

/*
 * Some of the bits are the device's: `hw`, from bit 0 on; `value` holds the others. The last thing
 * that its caller does, so that a read of the shadow saves no registers.
 */
static uint32_t __attribute__((noinline)) read_device(struct vpci_func *f, unsigned off,
						      unsigned size, uint32_t hw, uint32_t value)
{
	uint32_t now = pci_cfg_read(f->pf, off, size) & hw;

	if (now == hw && check_gone(f))
		return (uint32_t)ones(size);
	return value | now;
}

/* The function answers. No call: it is on the path of every config read. */
__attribute__((always_inline)) static inline uint32_t read_answering(struct vpci_func *f,
								     unsigned off, unsigned size)
{
	unsigned dw = DW(off), shift = 8 * (off % 4);
	uint32_t all = PCI_ALL_ONES >> (32 - 8 * size), value, hw;

	if (dw >= f->dwords)
		return 0;
	hw = cfg_rules[f->row[dw]].hw >> shift & all;
	value = __atomic_load_n(&f->shadow[dw], __ATOMIC_RELAXED) >> shift & all & ~hw;
	return hw ? read_device(f, off, size, hw, value) : value;
}

static __cold uint32_t read_unsettled(struct vpci_func *f, unsigned off, unsigned size)
{
	return settle_function(f) ? read_answering(f, off, size) : (uint32_t)ones(size);
}

uint32_t vpci_cfg_read(struct vpci_func *f, unsigned off, unsigned size)
{
	if (pci_state(f->pf) != PCI_OWNED)
		return read_unsettled(f, off, size);
	return read_answering(f, off, size);
}

/* The hooks: what a write does besides. */
static void run_hook(struct vpci_func *f, unsigned dw, uint32_t old)
{
	switch (f->row[dw]) {
	case ROW_COMMAND:
		command_wrote(f, old);
		break;
	case ROW_BAR:
	case ROW_BAR_HI:
		bar_wrote(f, dw);
		break;
	case ROW_PM_CSR:
		pm_wrote(f, old);
		break;
	case ROW_DEVCTL:
		devctl_wrote(f);
		break;
	case ROW_DEVCTL2:
		devctl2_wrote(f, old);
		break;
	case ROW_MSI_MASK:
		msi_write_masks(f);
		break;
	case ROW_MSI_CTRL:
	case ROW_MSIX:
		msi_apply(f);
		break;
	case ROW_AF_CTRL:
		af_wrote(f);
		break;
	}
}

/* Lock held. */
static void write_locked(struct vpci_func *f, unsigned off, unsigned size, uint32_t value)
{
	unsigned dw = DW(off), shift = 8 * (off % 4);
	const struct cfg_rule *r = &cfg_rules[f->row[dw]];
	uint32_t lanes = (uint32_t)ones(size) << shift, old = f->shadow[dw], hw_now = 0;
	bool whole = (r->rw & r->hw & lanes) == lanes; /* raw: nothing to be kept */
	struct cfg_verdict d;

	if ((r->rw | r->w1c) & r->hw & lanes && !whole)
		hw_now = pci_cfg_read(f->pf, off, size) << shift;
	d = cfg_decide(r, lanes, hw_now, value << shift, old);
	if (hw_now && (hw_now & lanes) == lanes && is_gone(f))
		return;
	__atomic_store_n(&f->shadow[dw], d.shadow, __ATOMIC_RELAXED);
	/* All ones: nobody answers, and a write back of ones would set every bit there is. */
	if (d.to_hw && (whole || (hw_now & lanes) != lanes))
		pci_cfg_write(f->pf, off, size, d.value >> shift);
	if (r->rw & lanes)
		run_hook(f, dw, old);
	if (f->row[dw] == ROW_COMMAND && f->shadow[dw] & PCI_CMD_MEM && !f->decoding)
		is_gone(f); /* it did not take the write */
}

void vpci_cfg_write(struct vpci_func *f, unsigned off, unsigned size, uint32_t value)
{
	if (DW(off) >= f->dwords || f->row[DW(off)] == ROW_NONE)
		return;
	spin_lock(&f->lock, LOCK_VPCI);
	state_settle(f);
	if (func_answers(f))
		write_locked(f, off, size, value);
	else
		state_revive(f, DW(off), value << 8 * (off % 4));
	spin_unlock(&f->lock);
}
