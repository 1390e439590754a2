/* SPDX-License-Identifier: Apache-2.0 */
/* Guests: memory they may be reached through, emulators, kicks, their line in the log. */
#include <string.h>

#include <arch/window.h>
#include <hv/gic.h>
#include <hv/irq.h>
#include <hv/vm.h>

struct vm **vms __ro_after_boot;
unsigned vm_count __ro_after_boot;

enum hv_status vm_emul_add(struct vm *vm, struct range ipas, emul_fn *fn, void *arg, uint8_t *kind)
{
	uint8_t k = (uint8_t)(vm->emul_count + 1);

	if (k >= EMUL_MAPPED)
		return HV_ENOMEM;
	vm->emul[k] = (struct emul_region){
		.fn = fn, .arg = arg, .base = ipas.base, .size = ipas.size
	};
	vm->emul_count = k;
	if (kind)
		*kind = k;
	return HV_OK;
}

enum hv_status vm_emulate(struct vm *vm, ipa_t base, uint64_t size, emul_fn *fn, void *arg,
			  uint8_t *kind)
{
	enum hv_status st = vm_emul_add(vm, (struct range){ base.v, size }, fn, arg, kind);

	if (st != HV_OK)
		return st;
	return s2_mark(&vm->cpu_s2, base, size, emul_mark(vm->emul_count, 0));
}

enum emul vm_unmapped(struct vcpu *vcpu, void *arg, struct mmio_access *a)
{
	(void)arg;
	if (!vcpu->vm->open_bus)
		return EMUL_INJECT;
	a->value = ~UINT64_C(0); /* as much of it as the access takes */
	return EMUL_OK;
}

bool vm_ram_pa(const struct vm *vm, ipa_t ipa, uint64_t size, pa_t *pa)
{
	for (unsigned i = 0; i < vm->ram_count; i++) {
		struct range r = { vm->ram[i].ipa.v, vm->ram[i].size };

		if (!range_contains(r, ipa.v, size))
			continue;
		*pa = PA(vm->ram[i].pa.v + (ipa.v - r.base));
		return true;
	}
	return false;
}

enum hv_status vm_copy_from(const struct vm *vm, void *to, ipa_t from, size_t size)
{
	pa_t pa;

	if (!vm_ram_pa(vm, from, size, &pa))
		return HV_EINVAL;
	return arch_window_read(to, pa, size) ? HV_OK : HV_EINVAL;
}

void vm_log(struct vm *vm, const char *fmt, ...)
{
	char line[200], missing[60] = "";
	uint32_t missed;
	va_list ap;

	if (!ratelimit_pass(&vm->log, &missed))
		return;
	va_start(ap, fmt);
	fmt_vprint(line, sizeof(line), fmt, ap);
	va_end(ap);
	if (missed)
		fmt_print(missing, sizeof(missing), " (before it %u lines were not printed)",
			  missed);
	if (!log_spare("%s: %s%s", vm->name, line, missing))
		ratelimit_miss(&vm->log, missed + 1);
}

void vm_alert(struct vm *vm, enum log_level level, const char *fmt, ...)
{
	char line[200];
	uint32_t missed;
	va_list ap;

	if (!ratelimit_pass(&vm->alerts, &missed))
		return;
	va_start(ap, fmt);
	fmt_vprint(line, sizeof(line), fmt, ap);
	va_end(ap);
	log_line(level, "%s: %s", vm->name, line);
	if (missed)
		log_line(level, "%s: %u lines like it were not printed", vm->name, missed);
}

void vcpu_kick(const struct vcpu *from, const struct vcpu *to)
{
	if (from != to)
		gic.ops->send_sgi(to->cpu, SGI_KICK);
}

void vcpu_repost(const struct vcpu *self)
{
	gic.ops->send_sgi(self->cpu, SGI_KICK);
}
