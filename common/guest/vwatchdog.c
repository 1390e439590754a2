/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The emulated generic watchdog of a guest, revision 1 (DEN 0029). It counts what the guest's
 * CNTVCT_EL0 shows, as Linux' sbsa-gwdt expects. The first timeout raises WS0, an interrupt; the
 * second one, WS1, is a crash of the guest, and what becomes of it `on-crash` says.
 *
 * The deadline is one of the CPU that wrote a register last (hv/timer.h). A register is read and
 * written in words; a doubleword is two words, low first.
 *
 * Locking: vwatchdog->lock, a guest's own; held over vgic_set_level() so that levels keep their
 * order, and over life_crash() so that after a reset none is asked for.
 */
#include <arch/time.h>
#include <hv/bits.h>
#include <hv/life.h>
#include <hv/pmem.h>
#include <hv/timer.h>
#include <hv/vwatchdog.h>
#include <spec/sbsa_watchdog.h>

#define HIGH        4 /* the second word of a register of 64 bits */
#define OFFSET_MASK BITS(47, 0)

struct vwatchdog {
	struct spinlock lock;
	struct vm *vm;
	uint32_t vintid;
	uint32_t wcs;
	uint64_t offset;  /* WOR */
	uint64_t compare; /* WCV, of the guest's virtual counter */
};

static uint64_t count(const struct vwatchdog *w)
{
	return arch_time_ticks() - w->vm->cntvoff;
}

/* At most one timeout a call: the guest gets the whole second one, however late the first is. */
static void pass_time(struct vwatchdog *w, uint64_t now)
{
	if (!(w->wcs & WCS_EN) || w->wcs & WCS_WS1 || now <= w->compare)
		return;
	if (!(w->wcs & WCS_WS0)) {
		w->wcs |= WCS_WS0;
		w->compare = now + w->offset;
		return;
	}
	w->wcs |= WCS_WS1;
	vm_alert(w->vm, LOG_WARN, "its watchdog was not refreshed");
	life_crash(w->vm);
}

/* What the guest, and this CPU's timer, are to see of it. `cur`: of this CPU. */
static void settle(const struct vwatchdog *w, struct vcpu *cur)
{
	bool counts = w->wcs & WCS_EN && !(w->wcs & WCS_WS1);
	uint64_t due = timer_add(timer_add(w->compare, 1), w->vm->cntvoff);

	vgic_set_level(w->vm, cur, w->vintid, w->wcs & WCS_WS0);
	timer_set(TIMER_WATCHDOG, counts ? due : TIMER_NEVER);
}

static void refresh(struct vwatchdog *w, uint64_t now)
{
	w->wcs &= WCS_EN;
	w->compare = now + w->offset;
}

static void put_half(uint64_t *reg, bool high, uint32_t v)
{
	*reg = high ? (uint64_t)v << 32 | (uint32_t)*reg : (*reg >> 32) << 32 | v;
}

static uint32_t read_word(const struct vwatchdog *w, uint64_t off)
{
	switch (off) {
	case WDT_WCS:
		return w->wcs;
	case WDT_WOR:
		return (uint32_t)w->offset;
	case WDT_WOR + HIGH:
		return (uint32_t)(w->offset >> 32);
	case WDT_WCV:
		return (uint32_t)w->compare;
	case WDT_WCV + HIGH:
		return (uint32_t)(w->compare >> 32);
	case WDT_IIDR:
	case WDT_FRAME + WDT_IIDR:
		return (uint32_t)FIELD(IIDR_REVISION, IIDR_REVISION_1);
	}
	return 0;
}

/* Every write but that of WCV is a refresh. */
static void write_word(struct vwatchdog *w, uint64_t off, uint32_t v, uint64_t now)
{
	switch (off) {
	case WDT_WCV:
	case WDT_WCV + HIGH:
		put_half(&w->compare, off != WDT_WCV, v);
		return;
	case WDT_WOR:
	case WDT_WOR + HIGH:
		put_half(&w->offset, off != WDT_WOR, v);
		w->offset &= OFFSET_MASK;
		break;
	case WDT_WCS:
		w->wcs = v & WCS_EN;
		break;
	case WDT_FRAME + WDT_WRR:
		break;
	default:
		return;
	}
	refresh(w, now);
}

/*
 * Bytes and halfwords read as zero, and are ignored when written. So is everything behind WS1: the
 * guest is being stopped, and another of its vCPUs cannot undo that.
 */
static enum emul access(struct vcpu *vcpu, void *arg, struct mmio_access *a)
{
	struct vwatchdog *w = arg;
	uint64_t now, value = 0;

	spin_lock(&w->lock, LOCK_VCLOCK);
	now = count(w);
	pass_time(w, now);
	for (unsigned at = 0; a->size >= 4 && at < a->size; at += 4)
		if (a->write && !(w->wcs & WCS_WS1))
			write_word(w, a->off + at, (uint32_t)(a->value >> at * 8), now);
		else
			value |= (uint64_t)read_word(w, a->off + at) << at * 8;
	settle(w, vcpu);
	spin_unlock(&w->lock);
	if (!a->write)
		a->value = value;
	return EMUL_OK;
}

void vwatchdog_timer(struct vcpu *cur)
{
	struct vwatchdog *w = cur->vm->vwatchdog;
	uint64_t now;

	if (!w)
		return;
	spin_lock(&w->lock, LOCK_VCLOCK);
	now = count(w);
	if (w->wcs & WCS_EN && now > w->compare) { /* else another CPU has its deadline */
		pass_time(w, now);
		settle(w, cur);
	}
	spin_unlock(&w->lock);
}

void vwatchdog_reset(struct vwatchdog *w)
{
	spin_lock(&w->lock, LOCK_VCLOCK);
	w->wcs = 0;
	w->offset = w->compare = 0;
	vgic_set_level(w->vm, NULL, w->vintid, false);
	spin_unlock(&w->lock);
}

enum hv_status vwatchdog_init(struct vm *vm, ipa_t base, uint32_t vintid)
{
	struct vwatchdog *w = pmem_alloc(sizeof(*w), 64);

	w->vm = vm;
	w->vintid = vintid;
	vm->vwatchdog = w;
	return vm_emulate(vm, base, 2 * WDT_FRAME, access, w, NULL);
}
