/*
 * The end: EL2's own memory or code is broken. Registers, the decoded syndrome and a backtrace go
 * to the console (tools/symbolise turns it into lines of code); the other CPUs are stopped and
 * the SMMU stays as it is, so no device gets more than it had.
 */
#include <hv/console.h>
#include <hv/gic.h>
#include <hv/irq.h>
#include <hv/log.h>
#include <hv/panic.h>

#include "cpu.h"
#include "crash.h"
#include "mmu.h"
#include "sysreg.h"

extern char _start[], _end[], _text_end[];

static const char *ec_name(uint64_t esr)
{
	switch (field_get(ESR_EC, esr)) {
	case 0:
		return "unknown or undefined instruction";
	case EC_BTI:
		return "branch target exception";
	case EC_IABT:
		return "instruction abort";
	case EC_PC_ALIGN:
		return "PC alignment";
	case EC_DABT:
		return "data abort";
	case EC_SP_ALIGN:
		return "SP alignment";
	case EC_SERROR:
		return "SError";
	case EC_BRK:
		return "BRK";
	}
	return "other";
}

static const char *fsc_name(uint64_t esr)
{
	switch (esr & FSC_TYPE) {
	case 0:
		return "address size";
	case FSC_TRANSLATION:
		return "translation";
	case FSC_ACCESS:
		return "access flag";
	case FSC_PERMISSION:
		return "permission";
	case FSC_EXTERNAL:
		return "external";
	case 0x20:
		return "alignment";
	}
	return "other";
}

/* Frame records, DDI 0487: AAPCS64 §6.4.6. */
static void backtrace(uint64_t pc, uint64_t fp)
{
	log_err("image at 0x%llx", (unsigned long long)(uintptr_t)_start);
	log_err("  #0 0x%016llx", (unsigned long long)pc);
	for (unsigned i = 1; i < 24; i++) {
		const uint64_t *record = (const uint64_t *)(uintptr_t)fp;

		if (!fp || fp & 7 || !el2_is_mapped(fp) || !record[1])
			break;
		log_err("  #%u 0x%016llx", i, (unsigned long long)record[1] - 4);
		fp = record[0];
	}
}

static void stop_others(void)
{
	for (unsigned i = 0; i < cpu_count; i++)
		if (cpus[i].online && &cpus[i] != this_cpu() && gic.ops)
			gic.ops->send_sgi(i, SGI_STOP);
}

static _Noreturn void finish(uint64_t pc, uint64_t fp)
{
	backtrace(pc, fp);
	log_err("stopped");
	console_flush();
	stop_others();
	cpu_stop();
}

/* A CPU that another one's crash stops. */
void crash_stop(void *arg, uint32_t intid, struct vcpu *cur)
{
	(void)arg, (void)intid, (void)cur;
	cpu_stop();
}

static bool entered_again(void)
{
	static uint32_t crashes;

	return __atomic_fetch_add(&crashes, 1, __ATOMIC_RELAXED) != 0;
}

void crash(const struct guest_regs *r, uint64_t sp)
{
	uint64_t esr = read_sysreg(esr_el2);

	if (entered_again())
		cpu_stop();
	console_flush();
	log_err("fault in EL2 on CPU %u: %s, %s, ESR 0x%llx", this_cpu()->id, ec_name(esr),
		fsc_name(esr), (unsigned long long)esr);
	log_err("PC 0x%llx SP 0x%llx FAR 0x%llx PSTATE 0x%llx", (unsigned long long)r->pc,
		(unsigned long long)sp, (unsigned long long)read_sysreg(far_el2),
		(unsigned long long)r->pstate);
	for (unsigned i = 0; i < 30; i += 3)
		log_err("x%-2u 0x%016llx  x%-2u 0x%016llx  x%-2u 0x%016llx", i,
			(unsigned long long)r->x[i], i + 1, (unsigned long long)r->x[i + 1],
			i + 2, (unsigned long long)r->x[i + 2]);
	log_err("x30 0x%016llx", (unsigned long long)r->x[30]);
	finish(r->pc, r->x[29]);
}

static _Noreturn void panic_va(const char *fmt, va_list ap)
{
	char line[200];

	if (entered_again())
		cpu_stop();
	fmt_vprint(line, sizeof(line), fmt, ap);
	console_flush();
	log_err("panic: %s", line);
	finish((uintptr_t)__builtin_return_address(0), (uintptr_t)__builtin_frame_address(0));
}

void panic(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	panic_va(fmt, ap);
}

void assert_failed(const char *expr, const char *file, int line)
{
	panic("%s:%d: assertion '%s' failed", file, line, expr);
}
