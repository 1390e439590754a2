/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The end: EL2's own memory or code is broken. Registers, the decoded syndrome and a backtrace go
 * to the console (tools/symbolise turns it into lines of code); the other CPUs are stopped. Then,
 * as /chosen says, the machine stays like that, with the SMMU as it is, so that no device gets more
 * than it had; or DMA is stopped and firmware resets the machine. A fault on the way to the reset
 * leads to the next step of it.
 */
#include <string.h>

#include <arch/cpu.h>
#include <arch/time.h>
#include <hv/console.h>
#include <hv/gic.h>
#include <hv/iommu.h>
#include <hv/irq.h>
#include <hv/log.h>
#include <hv/panic.h>
#include <spec/psci.h>

#include "cpu.h"
#include "entry.h"
#include "mmu.h"
#include "sysreg.h"

extern char _start[], _end[];

/* Of ESR: exception classes, and behind FAULT the status codes by their bits 5:2. */
#define FAULT 0x40
static const struct {
	uint8_t code;
	char name[33];
} names[] = {
	{ 0, "unknown or undefined instruction" },
	{ EC_BTI, "branch target exception" },
	{ EC_PC_ALIGN, "PC alignment" },
	{ EC_SP_ALIGN, "SP alignment" },
	{ EC_IABT, "instruction abort" },
	{ EC_DABT, "data abort" },
	{ EC_SERROR, "SError" },
	{ EC_BRK, "BRK" },
	{ FAULT | 0, "address size" },
	{ FAULT | 1, "translation" },
	{ FAULT | 2, "access flag" },
	{ FAULT | 3, "permission" },
	{ FAULT | 4, "external" },
	{ FAULT | FSC_ALIGNMENT >> 2, "alignment" },
};

static const char *class_name(uint64_t code)
{
	for (unsigned i = 0; i < ARRAY_SIZE(names); i++)
		if (names[i].code == code)
			return names[i].name;
	return "other";
}

/* The frame records of AAPCS64 §6.4.6, and before them `lr`, where only x30 has the caller. */
static void backtrace(uint64_t pc, uint64_t lr, uint64_t fp)
{
	unsigned i = 0;

	log_err("image at 0x%lx", (uintptr_t)_start);
	log_err("  #%u 0x%016lx", i++, pc);
	if (lr)
		log_err("  #%u 0x%016lx", i++, lr - 4);
	for (const uint64_t *record; i < 24; fp = record[0]) {
		record = (const uint64_t *)fp;
		if (!fp || fp & 7 || !el2_is_mapped(fp) || !record[1])
			break;
		log_err("  #%u 0x%016lx", i++, record[1] - 4);
	}
}

#define PARK_MS 100 /* a CPU that EL2 holds for longer is not waited for */

static uint32_t stopped; /* CPUs, by another one's crash */
static bool reset_on_fault __ro_after_boot;

void crash_on_fault(const char *what)
{
	reset_on_fault = what && !strcmp(what, "reset");
	if (what && !reset_on_fault && strcmp(what, "halt"))
		log_warn("/chosen: viaduct,on-fault is \"halt\" or \"reset\", not \"%s\": halt",
			 what);
}

static void stop_others(void)
{
	uint64_t end = arch_time_ticks() + arch_time_hz() / 1000 * PARK_MS;
	uint32_t others = 0;

	for (unsigned i = 0; i < cpu_count; i++)
		if (cpus[i].online && &cpus[i] != this_cpu() && gic.ops) {
			gic.ops->send_sgi(i, SGI_STOP);
			others++;
		}
	while (__atomic_load_n(&stopped, __ATOMIC_ACQUIRE) < others && arch_time_ticks() < end)
		arch_cpu_relax();
}

/* No device may write into memory that the next boot relies on: without that, no reset. */
static _Noreturn void end_machine(void)
{
	static uint32_t tried;

	if (__atomic_fetch_add(&tried, 1, __ATOMIC_RELAXED))
		cpu_stop();
	stop_others();
	if (!reset_on_fault)
		cpu_stop();
	if (!iommu_block_all()) {
		log_err("no reset: DMA could not be stopped");
		console_flush();
		cpu_stop();
	}
	log_err("the other CPUs are parked, DMA is stopped: reset");
	console_flush();
	smc(PSCI_FN_SYSTEM_RESET, 0, 0, 0);
	cpu_stop();
}

static _Noreturn void finish_crash(uint64_t pc, uint64_t lr, uint64_t fp)
{
	backtrace(pc, lr, fp);
	log_err("stopped");
	console_flush();
	end_machine();
}

/* A CPU that another one's crash stops. */
void crash_stop(void *arg, uint32_t intid, struct vcpu *cur)
{
	(void)arg, (void)intid, (void)cur;
	__atomic_fetch_add(&stopped, 1, __ATOMIC_RELEASE);
	cpu_stop();
}

/* The first CPU that crashes tells of it. Its second fault ends that; another CPU just stops. */
static void enter_crash(void)
{
	static struct cpu *first;
	struct cpu *none = NULL;

	if (__atomic_compare_exchange_n(&first, &none, this_cpu(), false, __ATOMIC_RELAXED,
					__ATOMIC_RELAXED))
		return;
	if (none == this_cpu())
		end_machine();
	__atomic_fetch_add(&stopped, 1, __ATOMIC_RELEASE);
	cpu_stop();
}

void crash(const struct guest_regs *r, uint64_t sp)
{
	uint64_t esr = read_sysreg(esr_el2);
	/* Who jumped out of the image, or has no stack left, did so by a call, most likely. */
	bool called = r->pc - (uintptr_t)_start >= (uintptr_t)(_end - _start);

	enter_crash();
	console_flush();
	log_err("fault in EL2 on CPU %u: %s, %s, ESR 0x%lx", this_cpu()->id,
		class_name(field_get(ESR_EC, esr)), class_name(FAULT | field_get(FSC_TYPE, esr)),
		esr);
	if (sp == (uintptr_t)(this_cpu()->emergency + EMERGENCY_SIZE)) {
		log_err("its stack is full");
		sp = read_sysreg(tpidr_el1) + FRAME_SIZE;
		called = true;
	}
	log_err("PC 0x%lx SP 0x%lx FAR 0x%lx PSTATE 0x%lx", r->pc, sp, read_sysreg(far_el2),
		r->pstate);
	for (unsigned i = 0; i < 30; i += 3)
		log_err("x%-2u 0x%016lx  x%-2u 0x%016lx  x%-2u 0x%016lx", i, r->x[i], i + 1,
			r->x[i + 1], i + 2, r->x[i + 2]);
	log_err("x30 0x%016lx", r->x[30]);
	finish_crash(r->pc, called ? r->x[30] : 0, r->x[29]);
}

void panic(const char *fmt, ...)
{
	char line[200];
	va_list ap;

	enter_crash();
	va_start(ap, fmt);
	fmt_vprint(line, sizeof(line), fmt, ap);
	va_end(ap);
	console_flush();
	log_err("panic: %s", line);
	finish_crash((uintptr_t)__builtin_return_address(0), 0,
		     (uintptr_t)__builtin_frame_address(0));
}

void assert_failed(const char *expr, const char *file, int line)
{
	panic("%s:%d: assertion '%s' failed", file, line, expr);
}
