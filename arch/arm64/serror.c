/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What reaches EL2 and is of no instruction of the guest: SErrors, and FIQs that firmware should
 * have taken. Each is told to the guest whose CPU it is, or stops it; see docs/threat-model.md.
 */
#include <hv/log.h>
#include <hv/panic.h>
#include <hv/vm.h>

#include "controls.h"
#include "cpu.h"
#include "entry.h"
#include "sysreg.h"

/* HCR_EL2 of this CPU until its next life, with VSE as it is or as asked. */
static void hcr_write(uint64_t vse)
{
	vse |= read_sysreg(hcr_el2) & HCR_VSE;
	write_sysreg(hcr_el2, (controls_hcr() & ~this_cpu()->hcr_off) | vse);
}

/*
 * Group 0 and secure interrupts are firmware's; where it lets them through as FIQs nobody here can
 * acknowledge them. HCR_EL2.FMO = 0 gives them to EL1, which masks them by its PSTATE.F, or takes
 * them as the machine would have it.
 */
void trap_fiq(struct vcpu *v)
{
	v->exits[EXIT_OTHER]++;
	vm_log(v->vm, "FIQ on CPU %u, which firmware should have taken: left to the guest", v->cpu);
	this_cpu()->hcr_off = HCR_FMO;
	hcr_write(0);
}

/* What an SError says of the state it leaves, ESR_EL2.AET: DDI 0487 D23.2.40, RAS only. */
enum serror {
	SERROR_CONTAINED,     /* of this CPU's guest, and of what it gets: it is told */
	SERROR_HARMLESS,      /* corrected, or restartable: nothing is lost */
	SERROR_UNCONTAINABLE, /* bad data may have gone anywhere */
};

static enum serror serror_class(uint64_t esr)
{
	bool ras = field_get(PFR0_RAS, read_sysreg(id_aa64pfr0_el1));

	/* A syndrome of the implementation's own: as without RAS. */
	if (!ras || esr & ISS_SERROR_IDS || field_get(ISS_FSC, esr) != FSC_SERROR)
		return SERROR_CONTAINED;
	switch (field_get(ISS_SERROR_AET, esr)) {
	case AET_UNRECOVERABLE:
	case AET_RECOVERABLE:
		return SERROR_CONTAINED;
	case AET_RESTARTABLE:
	case AET_CORRECTED:
		return SERROR_HARMLESS;
	default:
		return SERROR_UNCONTAINABLE;
	}
}

/* vCPUs are pinned: an SError while a guest runs is its own, or its devices'. */
void trap_serror(struct guest_regs *r, uint64_t esr, struct vcpu *v)
{
	v->exits[EXIT_OTHER]++;
	switch (serror_class(esr)) {
	case SERROR_HARMLESS:
		vm_log(v->vm, "SError, ESR 0x%lx, PC 0x%lx: nothing is lost", esr, r->pc);
		break;
	case SERROR_CONTAINED:
		vm_log(v->vm, "SError, ESR 0x%lx, PC 0x%lx: passed to the guest", esr, r->pc);
		hcr_write(HCR_VSE);
		break;
	case SERROR_UNCONTAINABLE:
		vm_log(v->vm, "SError, ESR 0x%lx, PC 0x%lx: uncontainable, the guest is stopped",
		       esr, r->pc);
		vm_stop(v, LIFE_CRASH);
	}
}

void trap_el2_serror(uint64_t esr)
{
	struct vcpu *v = this_cpu()->vcpu;
	enum serror class = serror_class(esr);

	if (class == SERROR_UNCONTAINABLE)
		panic("SError at EL2, ESR 0x%lx: uncontainable", esr);
	if (!v) {
		log_warn("CPU %u: SError, ESR 0x%lx, while no guest ran there: ignored",
			 this_cpu()->id, esr);
		return;
	}
	vm_log(v->vm, "SError, ESR 0x%lx, behind an access of the guest or of its devices", esr);
	if (class == SERROR_CONTAINED)
		hcr_write(HCR_VSE);
}
