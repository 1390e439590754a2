/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The emulated PL031 of a guest: what Linux' rtc-pl031, U-Boot and UEFI need. Time is what the
 * board's clock said at boot and the system counter since. A guest that writes the time changes
 * what it reads itself, until it restarts; the board's clock is never written. The clock always
 * runs, as if firmware had started it.
 *
 * The alarm is a deadline of the CPU that wrote it last (hv/timer.h), and only while the guest has
 * its interrupt unmasked; else the status is brought up to date when the guest looks.
 *
 * Locking: vrtc->lock, a guest's own; held over vgic_set_level() so that levels keep their order.
 */
#include <arch/time.h>
#include <hv/pmem.h>
#include <hv/timer.h>
#include <hv/vrtc.h>
#include <spec/pl031.h>

struct vrtc {
	struct spinlock lock;
	struct vm *vm;
	uint32_t vintid;
	uint32_t ahead; /* of the board's time, modulo 2^32 s: what the guest wrote */
	uint32_t load, match;
	bool unmasked, raised;
	uint64_t alarm; /* second since boot_time at which `match` is reached, or NO_ALARM */
};

#define NO_ALARM UINT64_MAX

static struct {
	uint64_t epoch; /* seconds since 1970 ... */
	uint64_t ticks; /* ... when the counter was this; written at boot only */
} boot_time;

/* PeriphID0..3 of part 0x031, designer 0x41, revision 0, and PCellID0..3. */
static const uint8_t ids[] = { 0x31, 0x10, 0x04, 0x00, 0x0d, 0xf0, 0x05, 0xb1 };

static uint64_t elapsed(void)
{
	return (arch_time_ticks() - boot_time.ticks) / arch_time_hz();
}

static uint32_t data(const struct vrtc *r, uint64_t second)
{
	return (uint32_t)(boot_time.epoch + second) + r->ahead;
}

/* The counter at the beginning of that second. */
static uint64_t ticks_of(uint64_t second)
{
	uint64_t since;

	if (__builtin_mul_overflow(second, arch_time_hz(), &since))
		return TIMER_NEVER;
	return timer_add(boot_time.ticks, since);
}

/* The alarm once, when the time becomes equal to the match register; at once if it is. */
static void set_alarm(struct vrtc *r, uint64_t now)
{
	r->alarm = now + (uint32_t)(r->match - data(r, now));
}

static void pass_time(struct vrtc *r, uint64_t now)
{
	if (now < r->alarm)
		return;
	r->raised = true;
	r->alarm = NO_ALARM;
}

/* What the guest, and this CPU's timer, are to see of it. `cur`: of this CPU. */
static void settle(const struct vrtc *r, struct vcpu *cur)
{
	bool waits = r->unmasked && !r->raised && r->alarm != NO_ALARM;

	vgic_set_level(r->vm, cur, r->vintid, r->unmasked && r->raised);
	timer_set(TIMER_RTC, waits ? ticks_of(r->alarm) : TIMER_NEVER);
}

static uint32_t read_reg(const struct vrtc *r, uint64_t off, uint64_t now)
{
	switch (off) {
	case PL031_DR:
		return data(r, now);
	case PL031_MR:
		return r->match;
	case PL031_LR:
		return r->load;
	case PL031_CR:
		return PL031_CR_START;
	case PL031_IMSC:
		return r->unmasked;
	case PL031_RIS:
		return r->raised;
	case PL031_MIS:
		return r->raised && r->unmasked;
	}
	return off >= PL031_ID ? ids[(off - PL031_ID) / 4] : 0;
}

static void write_reg(struct vrtc *r, uint64_t off, uint32_t v, uint64_t now)
{
	switch (off) {
	case PL031_MR:
		r->match = v;
		set_alarm(r, now);
		break;
	case PL031_LR:
		r->load = v;
		r->ahead += v - data(r, now);
		set_alarm(r, now);
		break;
	case PL031_IMSC:
		r->unmasked = v & PL031_INT;
		break;
	case PL031_ICR:
		r->raised = r->raised && !(v & PL031_INT);
		break;
	}
	pass_time(r, now); /* the alarm may be for this very second */
}

/* APB has words: a narrower read gets its bytes of one, any other write than a word is ignored. */
static enum emul access(struct vcpu *vcpu, void *arg, struct mmio_access *a)
{
	struct vrtc *r = arg;
	uint64_t off = a->off & ~UINT64_C(3), now = elapsed();

	spin_lock(&r->lock, LOCK_VCLOCK);
	pass_time(r, now);
	if (!a->write)
		a->value = read_reg(r, off, now) >> (a->off & 3) * 8;
	else if (a->size == 4)
		write_reg(r, off, (uint32_t)a->value, now);
	settle(r, vcpu);
	spin_unlock(&r->lock);
	return EMUL_OK;
}

void vrtc_timer(struct vcpu *cur)
{
	struct vrtc *r = cur->vm->vrtc;

	if (!r)
		return;
	spin_lock(&r->lock, LOCK_VCLOCK);
	pass_time(r, elapsed());
	if (r->raised) /* else another CPU has its deadline */
		settle(r, cur);
	spin_unlock(&r->lock);
}

void vrtc_reset(struct vrtc *r)
{
	spin_lock(&r->lock, LOCK_VCLOCK);
	r->ahead = r->load = r->match = 0;
	r->unmasked = r->raised = false;
	r->alarm = NO_ALARM;
	vgic_set_level(r->vm, NULL, r->vintid, false);
	spin_unlock(&r->lock);
}

void vrtc_set_time(uint64_t epoch)
{
	boot_time.epoch = epoch;
	boot_time.ticks = arch_time_ticks();
}

enum hv_status vrtc_init(struct vm *vm, ipa_t base, uint32_t vintid)
{
	struct vrtc *r = pmem_alloc(sizeof(*r), 64);

	r->vm = vm;
	r->vintid = vintid;
	vrtc_reset(r);
	vm->vrtc = r;
	return vm_emulate(vm, base, PAGE_SIZE, access, r, NULL);
}
