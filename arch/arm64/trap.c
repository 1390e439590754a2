/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Traps from a guest: decoded into values, handed to pure code, and settled here. This is the
 * only place that decides what a verdict does to a guest.
 */
#include <hv/gic.h>
#include <hv/panic.h>
#include <hv/smccc.h>
#include <hv/vits.h>
#include <hv/vm.h>
#include <hv/vpci.h>

#include "controls.h"
#include "cpu.h"
#include "entry.h"
#include "sysreg.h"

/*
 * Of a process in AArch32: an instruction of T32 may have two bytes (ESR_EL2.IL), and may be in an
 * IT block, which goes on as AArch32.ITAdvance() of DDI 0487 says.
 */
static __cold void skip_aarch32(struct guest_regs *r, uint64_t esr)
{
	uint64_t it = field_get(PSTATE_IT_HIGH, r->pstate) << 2 |
		      field_get(PSTATE_IT_LOW, r->pstate);

	r->pc += esr & ESR_IL ? 4 : 2;
	it = it & 7 ? (it & 0xe0) | (it << 1 & 0x1f) : 0;
	r->pstate = field_put(r->pstate, PSTATE_IT_HIGH, it >> 2);
	r->pstate = field_put(r->pstate, PSTATE_IT_LOW, it & 3);
}

static void skip_instruction(struct guest_regs *r, uint64_t esr)
{
	if (__builtin_expect(r->pstate & PSTATE_AARCH32, 0))
		skip_aarch32(r, esr);
	else
		r->pc += 4;
}

/* Offsets of synchronous exceptions in a vector table, by their origin: DDI 0487 D1.3.1.4. */
enum vector {
	VECTOR_EL1_SP_EL0 = 0,
	VECTOR_EL1_SP_EL1 = 0x200,
	VECTOR_EL0_AARCH64 = 0x400,
	VECTOR_EL0_AARCH32 = 0x600,
};

static enum vector vector_offset(uint64_t pstate)
{
	if (pstate & PSTATE_AARCH32)
		return VECTOR_EL0_AARCH32; /* HCR_EL2.RW: only EL0 may be AArch32 */
	switch (pstate & PSTATE_MODE) {
	case MODE_EL1h:
		return VECTOR_EL1_SP_EL1;
	case MODE_EL1t:
		return VECTOR_EL1_SP_EL0;
	default:
		return VECTOR_EL0_AARCH64;
	}
}

/* Exception entry to EL1 as the architecture does it (DDI 0487 D1.3.1, AArch64.TakeException). */
static void inject_sync(struct guest_regs *r, uint64_t esr)
{
	uint64_t sctlr = read_sysreg(sctlr_el1);
	uint64_t pstate = PSTATE_DAIF | MODE_EL1h;

	write_sysreg(esr_el1, esr);
	write_sysreg(elr_el1, r->pc);
	write_sysreg(spsr_el1, r->pstate);
	/*
	 * PAN: kept, or set where SCTLR_EL1.SPAN is 0; NZCV, DIT and UAO as exceptions leave them.
	 */
	pstate |= r->pstate & (PSTATE_NZCV | PSTATE_DIT | PSTATE_PAN);
	if (!(sctlr & SCTLR_EL1_SPAN) && field_get(BITS(23, 20), read_sysreg(id_aa64mmfr1_el1)))
		pstate |= PSTATE_PAN;
	if (field_get(BITS(7, 4), read_sysreg(id_aa64pfr1_el1)) >= 2 && sctlr & SCTLR_EL1_DSSBS)
		pstate |= PSTATE_SSBS;
	r->pc = read_sysreg(vbar_el1) + vector_offset(r->pstate);
	r->pstate = pstate;
}

static bool from_el0(const struct guest_regs *r)
{
	return r->pstate & PSTATE_AARCH32 || (r->pstate & PSTATE_MODE) == MODE_EL0t;
}

/* A data or instruction abort with the given fault status, FAR from FAR_EL2. */
static void inject_abort(struct guest_regs *r, uint64_t esr, uint64_t fsc)
{
	uint64_t ec = field_get(ESR_EC, esr);
	uint64_t out = esr & (ESR_IL | ISS_WNR | ISS_CM);

	ec &= ~UINT64_C(1);
	if (!from_el0(r))
		ec |= 1;
	write_sysreg(far_el1, read_sysreg(far_el2));
	inject_sync(r, field_put(out, ESR_EC, ec) | fsc);
}

static void inject_undef(struct guest_regs *r)
{
	inject_sync(r, ESR_IL);
}

/* The one place that decides what a verdict other than EMUL_OK does to a guest. */
static __cold void settle_verdict(struct guest_regs *r, uint64_t esr, enum emul verdict)
{
	if (verdict != EMUL_RETRY)
		inject_abort(r, esr, verdict == EMUL_ALIGN ? FSC_ALIGNMENT : FSC_EXTERNAL);
}

/* The IPA of a stage-2 fault: page from HPFAR_EL2, offset from FAR_EL2 (DDI 0487 D23.2.58). */
static uint64_t fault_ipa(void)
{
	return field_get(BITS(43, 4), read_sysreg(hpfar_el2)) << 12 |
	       (read_sysreg(far_el2) & 0xfff);
}

static uint64_t guest_x_read(const struct guest_regs *r, unsigned n)
{
	return n == 31 ? 0 : r->x[n];
}

static void guest_x_write(struct guest_regs *r, unsigned n, uint64_t v)
{
	if (n != 31)
		r->x[n] = v;
}

/* By SAS: the bits that an access has. */
static const uint64_t access_mask[] = { 0xff, 0xffff, 0xffffffff, ~UINT64_C(0) };

/* What a load leaves in its register: extended as SSE and SF say. */
static uint64_t load_result(uint64_t esr, uint64_t v)
{
	uint64_t mask = access_mask[field_get(ISS_SAS, esr)];

	v &= mask;
	if (esr & ISS_SSE && v & ~(mask >> 1))
		v |= esr & ISS_SF ? ~mask : ~mask & 0xffffffff;
	return v;
}

/* Data of this exception level is big-endian: DDI 0487 D23.2.137, and of AArch32 PSTATE.E. */
static __cold bool is_big_endian(const struct guest_regs *r)
{
	if (r->pstate & PSTATE_AARCH32)
		return r->pstate & PSTATE_AARCH32_E;
	return read_sysreg(sctlr_el1) & (from_el0(r) ? SCTLR_EL1_E0E : SCTLR_EL1_EE);
}

/*
 * What is in a register, as the bytes that a device sees, and back: devices are little-endian. In a
 * big-endian guest the load or store swaps them.
 */
static inline uint64_t device_order(const struct guest_regs *r, uint64_t value, unsigned size)
{
	uint64_t rare = (read_sysreg(sctlr_el1) & (SCTLR_EL1_EE | SCTLR_EL1_E0E)) |
			(r->pstate & PSTATE_AARCH32);

	if (__builtin_expect(rare != 0, 0) && is_big_endian(r))
		return __builtin_bswap64(value) >> (64 - 8 * size);
	return value;
}

/* A load or store with a valid syndrome to what is not mapped: the hot one. */
static inline enum emul emulate_access(struct guest_regs *r, struct vcpu *v, uint64_t esr)
{
	struct mmio_access a;
	enum emul verdict;

	a.ipa = IPA(fault_ipa());
	a.size = (uint8_t)(1U << field_get(ISS_SAS, esr));
	a.write = esr & ISS_WNR;
	if (a.ipa.v & (a.size - 1U))
		return EMUL_ALIGN;
	a.value = 0;
	if (a.write)
		a.value = device_order(r,
				       guest_x_read(r, (unsigned)field_get(ISS_SRT, esr)) &
					       access_mask[field_get(ISS_SAS, esr)],
				       a.size);
	verdict = vm_emulate_access(v, &a);
	if (verdict == EMUL_OK && !(esr & ISS_WNR))
		guest_x_write(r, (unsigned)field_get(ISS_SRT, esr),
			      load_result(esr, device_order(r, a.value, a.size)));
	return verdict;
}

/* The others: what cannot be emulated ends in the guest, never in a loop. */
static __cold void data_abort_other(struct guest_regs *r, uint64_t esr, struct vcpu *v)
{
	uint64_t fsc = field_get(ISS_FSC, esr);
	bool translation = (fsc & FSC_TYPE) == FSC_TRANSLATION && !(esr & ISS_S1PTW);

	if (fsc == FSC_ALIGNMENT) {
		/* Caused by Device memory at stage-2; HPFAR_EL2 means nothing here. */
		inject_abort(r, esr, FSC_ALIGNMENT);
		return;
	}
	if (esr & ISS_CM && (translation || (fsc & FSC_TYPE) == FSC_PERMISSION)) {
		skip_instruction(r,
				 esr); /* cache maintenance of what is not memory: nothing to do */
		return;
	}
	/* Another vCPU may have mapped the page meanwhile. */
	if (translation && s2_mark_at(&v->vm->cpu_s2, IPA(fault_ipa())) == S2_MAPPED)
		return;
	if (translation && !__atomic_fetch_add(&v->vm->isv0_aborts, 1, __ATOMIC_RELAXED))
		vm_log(v->vm,
		       "access to 0x%lx that cannot be emulated (pair, writeback or SIMD), "
		       "PC 0x%lx: external abort",
		       fault_ipa(), r->pc);
	inject_abort(r, esr, FSC_EXTERNAL);
}

void trap_data_abort(struct guest_regs *r, uint64_t esr, struct vcpu *v)
{
	v->exits[EXIT_MMIO]++;
	if ((esr & (ISS_ISV | ISS_S1PTW | FSC_TYPE)) == (ISS_ISV | FSC_TRANSLATION)) {
		enum emul verdict = emulate_access(r, v, esr);

		if (verdict == EMUL_OK)
			skip_instruction(r, esr);
		else
			settle_verdict(r, esr, verdict);
	} else {
		data_abort_other(r, esr, v);
	}
}

void trap_hypercall(struct guest_regs *r, uint64_t esr, struct vcpu *v)
{
	enum psci_action action = PSCI_RESUME;

	v->exits[EXIT_CALL]++;
	/* SMCCC calls carry immediate 0 (DEN 0028 §2.10). */
	if (esr & 0xffff)
		r->x[0] = ~UINT64_C(0);
	else
		action = smccc_call(v, r);
	if (action == PSCI_STANDBY || action == PSCI_POWERDOWN)
		cpu_suspend(v);
	if (action == PSCI_POWERDOWN)
		cpu_resume(v);
	if (action == PSCI_CPU_OFF)
		cpu_park();
	if (action == PSCI_VM_RESET)
		vm_stop(v, LIFE_RESET);
	if (action == PSCI_VM_OFF)
		vm_stop(v, LIFE_OFF);
	if (action == PSCI_VM_CRASH) {
		vm_alert(v->vm, LOG_WARN, "reports a crash (SYSTEM_RESET2)");
		vm_stop(v, LIFE_CRASH);
	}
}

#define ISS_SYS_MASK ISS_SYS(3, 7, 15, 15, 7)
#define SYS_SGI1R    ISS_SYS(3, 0, 12, 11, 5)
#define SYS_ACTLR    ISS_SYS(3, 0, 1, 0, 1)
#define SYS_ICC_SRE  ISS_SYS(3, 0, 12, 12, 5)
#define SYS_AIDR     ISS_SYS(3, 1, 0, 0, 7)
#define SYS_ID_SPACE ISS_SYS(3, 0, 0, 0, 0)
#define SYS_ID_MASK  ISS_SYS(3, 7, 15, 0, 0)

/* What a guest reads of a register that traps; false: undefined. */
static bool sysreg_value(const struct vcpu *v, uint64_t sys, uint64_t *value)
{
	switch (sys) {
	case SYS_ACTLR:
		*value = 0;
		return true;
	case SYS_ICC_SRE:
		*value = 7; /* the register interface, fixed */
		return gic.version == 3;
	case SYS_AIDR:
		*value = read_sysreg(aidr_el1);
		return true;
	}
	return (sys & SYS_ID_MASK) == SYS_ID_SPACE &&
	       idreg_read(v->vm->features, (unsigned)(sys >> 1 & 15), (unsigned)(sys >> 17 & 7),
			  value);
}

static enum emul sysreg_read(struct guest_regs *r, const struct vcpu *v, unsigned rt, uint64_t sys)
{
	uint64_t value;

	if (!sysreg_value(v, sys, &value))
		return EMUL_INJECT;
	guest_x_write(r, rt, value);
	return EMUL_OK;
}

static enum emul sysreg_write(struct vcpu *v, uint64_t sys, uint64_t value)
{
	switch (sys) {
	case SYS_SGI1R:
		vgic_sgi1r(v, value);
		return EMUL_OK;
	case ISS_SYS(3, 0, 12, 11, 1): /* ICC_DIR_EL1, while ICH_HCR_EL2.TDIR */
		return vgic_dir(v, value);
	case ISS_SYS(3, 0, 12, 11, 6): /* ICC_ASGI1R_EL1: no other security state */
	case ISS_SYS(3, 0, 12, 11, 7): /* ICC_SGI0R_EL1: no guest has group 0 SGIs */
	case SYS_ACTLR:
		return EMUL_OK;
	case SYS_ICC_SRE:
		return gic.version == 3 ? EMUL_OK : EMUL_INJECT;
	}
	return EMUL_INJECT;
}

static void sysreg(struct guest_regs *r, uint64_t esr, struct vcpu *v)
{
	unsigned rt = (unsigned)(esr >> 5 & 31);
	uint64_t sys = esr & ISS_SYS_MASK;
	enum emul verdict;

	v->exits[sys == SYS_SGI1R ? EXIT_IPI : EXIT_SYSREG]++;
	verdict = esr & 1 ? sysreg_read(r, v, rt, sys) : sysreg_write(v, sys, guest_x_read(r, rt));
	if (verdict == EMUL_OK)
		skip_instruction(r, esr);
	else if (verdict == EMUL_INJECT)
		inject_undef(r);
}

/*
 * A fetch from what is no memory. Where it is that of the very vector that the abort would go to,
 * the guest could do nothing but fault for ever.
 */
static void fetch_abort(struct guest_regs *r, uint64_t esr, struct vcpu *v)
{
	v->exits[EXIT_OTHER]++;
	if (!from_el0(r) && r->pc == read_sysreg(vbar_el1) + vector_offset(r->pstate)) {
		vm_alert(v->vm, LOG_ERR,
			 "vCPU %u: its exception vector at 0x%lx is not in its memory (IPA 0x%lx)",
			 v->index, r->pc, fault_ipa());
		vm_stop(v, LIFE_CRASH);
	}
	vm_log(v->vm, "instruction fetch from IPA 0x%lx, PC 0x%lx: external abort (ESR 0x%lx)",
	       fault_ipa(), r->pc, esr);
	inject_abort(r, esr, FSC_EXTERNAL);
}

void trap_other(struct guest_regs *r, uint64_t esr, struct vcpu *v)
{
	switch (field_get(ESR_EC, esr)) {
	case EC_SYSREG:
		sysreg(r, esr, v);
		break;
	case EC_SMC64:
		skip_instruction(r,
				 esr); /* a trapped SMC returns to itself, an HVC behind itself */
		trap_hypercall(r, esr, v);
		break;
	case EC_IABT_LOWER:
		fetch_abort(r, esr, v);
		break;
	default:
		v->exits[EXIT_OTHER]++;
		inject_undef(r); /* the guest tried something that EL2 does not offer */
	}
}

void trap_attention(struct vcpu *v)
{
	if (vm_state(v->vm) != VM_RUNNING)
		cpu_park();
	if (life_asked(v))
		vm_stop(v, LIFE_RESET); /* or off: as it was asked */
	if (__atomic_load_n(&v->vm->devices_changed, __ATOMIC_RELAXED) &&
	    __atomic_exchange_n(&v->vm->devices_changed, false, __ATOMIC_ACQUIRE))
		vpci_look(v->vm->vpci);
	if (v->vm->vits)
		vits_resume(v->vm->vits, v);
	vgic_enter(v);
}
