/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The operator's commands behind Ctrl-a: what the guests are doing, what one of them has, and to
 * restart, stop or start one. What they print at a time is bounded, so that it fits in Viaduct's
 * ring: LIST_GUESTS guests, or PLAN_DEVICES devices. The console calls one command at a time.
 */
#include <string.h>

#include <arch/time.h>
#include <hv/console.h>
#include <hv/dt.h>
#include <hv/life.h>
#include <hv/log.h>
#include <hv/pci.h>
#include <hv/plan.h>

#define LIST_GUESTS  6 /* of three lines each */
#define LIST_DEVICES 6
#define PLAN_DEVICES 3 /* of some ten lines each */

static const struct plan *plan __ro_after_boot;

static struct {
	unsigned listed;  /* guests that `l` showed; the next one goes on there */
	struct vm *vm;    /* whom the command is about: it waits for the y, or for the m */
	unsigned planned; /* devices of it that `p` showed */
} dialog;

/* ---- list ---- */

/* A vCPU is on, all that are sleep in PSCI. */
static bool is_suspended(const struct vm *vm)
{
	bool any = false;

	for (unsigned i = 0; i < vm->vcpu_count; i++) {
		enum vcpu_state s = __atomic_load_n(&vm->vcpu[i]->state, __ATOMIC_RELAXED);

		if (s != VCPU_OFF && s != VCPU_SUSPENDED)
			return false;
		any |= s == VCPU_SUSPENDED;
	}
	return any;
}

static void print_state(const struct vm *vm, unsigned number)
{
	static const char names[VM_STATES][12] = {
		"not started", "running", "stopping", "waiting", "starting", "off",
	};
	enum vm_state state = vm_state(vm);
	bool input = vm->vuart && vm->console == console_input();
	const char *name = names[state];
	char since[32] = "";

	if (state == VM_RUNNING && is_suspended(vm))
		name = "suspended";
	if (state == VM_RUNNING)
		fmt_print(since, sizeof(since), " for %lu s",
			  (arch_time_ticks() - vm->cntvoff) / arch_time_hz());
	log_info("%u %s: %s%s, vCPUs %u, restarts %lu%s", number, vm->name, name, since,
		 vm->vcpu_count, vm->lives, input ? ", has the input" : "");
}

static void print_guest_exits(const struct vm *vm)
{
	uint64_t sum[EXIT_REASONS] = { 0 };
	char text[VM_EXITS_TEXT];

	for (unsigned i = 0; i < vm->vcpu_count; i++)
		for (unsigned n = 0; n < EXIT_REASONS; n++)
			sum[n] += __atomic_load_n(&vm->vcpu[i]->exits[n], __ATOMIC_RELAXED);
	vm_exits_print(text, sizeof(text), sum);
	log_info("  exits:%s", text);
}

static void print_devices(const struct vm *vm)
{
	char text[LIST_DEVICES * (sizeof(pci_funcs[0].name) + 1)] = "";
	unsigned count = 0;
	size_t len = 0;

	pci_for_each(f) {
		if (f->owner != vm->id)
			continue;
		if (count++ < LIST_DEVICES)
			len += fmt_print(text + len, sizeof(text) - len, " %s", f->name);
	}
	if (count > LIST_DEVICES)
		log_info("  devices:%s and %u more", text, count - LIST_DEVICES);
	else if (count)
		log_info("  devices:%s", text);
}

static void list_guests(void)
{
	unsigned n = 0;

	if (dialog.listed >= vm_count)
		dialog.listed = 0;
	while (n++ < LIST_GUESTS && dialog.listed < vm_count) {
		const struct vm *vm = vms[dialog.listed++];

		print_state(vm, dialog.listed);
		print_guest_exits(vm);
		print_devices(vm);
	}
	if (dialog.listed < vm_count)
		log_info("%u guests more: Ctrl-a l again", vm_count - dialog.listed);
}

/* ---- one guest ---- */

static const struct what {
	char letter;
	bool sure; /* asked twice */
	enum vm_asked ask;
	const char *name;
} whats[] = {
	{ 'r', true, VM_ASKED_RESTART, "restart" },
	{ 'k', true, VM_ASKED_STOP, "stop" },
	{ 's', false, VM_ASKED_START, "start" },
};

/* By name, or by its number in the list. */
static struct vm *find_guest(const char *word)
{
	char number[12];

	for (unsigned i = 0; i < vm_count; i++) {
		fmt_print(number, sizeof(number), "%u", i + 1);
		if (!strcmp(word, vms[i]->name) || !strcmp(word, number))
			return vms[i];
	}
	return NULL;
}

static void carry_out(struct vm *vm, const struct what *w)
{
	bool off = vm_state(vm) == VM_OFF || vm_state(vm) == VM_WAITING;

	if (w->ask == VM_ASKED_START && !off)
		log_info("%s is not off", vm->name);
	else if (w->ask == VM_ASKED_STOP && vm_state(vm) == VM_OFF)
		log_info("%s is off", vm->name);
	else {
		log_info("%s: %s, as the operator asks", vm->name, w->name);
		life_ask(vm, w->ask);
	}
}

static bool took_name(const struct what *w, const char *word)
{
	struct vm *vm = find_guest(word);

	if (!vm) {
		log_info("no guest \"%s\": nothing is done", word);
		return false;
	}
	if (w->sure) {
		dialog.vm = vm;
		log_info("%s %s? y and Enter: yes", w->name, vm->name);
		return true;
	}
	carry_out(vm, w);
	return false;
}

static bool command_on_guest(const struct what *w, const char *line)
{
	struct vm *vm = dialog.vm;

	dialog.vm = NULL;
	if (!line) {
		log_info("%s which guest? Its name or number, and Enter", w->name);
		return true;
	}
	if (!vm)
		return took_name(w, line);
	if (!strcmp(line, "y"))
		carry_out(vm, w);
	else
		log_info("nothing is done");
	return false;
}

/* ---- plan ---- */

/* As at boot; in pieces, as it may be long. */
static bool show_plan(struct vm *vm)
{
	dialog.planned = plan_print_guest(plan, vm->plan, dialog.planned, PLAN_DEVICES);
	dialog.vm = dialog.planned ? vm : NULL;
	if (dialog.planned)
		log_info("%s: %u devices more: m and Enter", vm->name,
			 vm->plan->device_count - dialog.planned);
	return dialog.planned;
}

static bool plan_of_guest(const char *line)
{
	struct vm *vm = dialog.vm;

	dialog.vm = NULL;
	if (!line) {
		log_info("plan of which guest? Its name or number, and Enter");
		return true;
	}
	if (vm)
		return !strcmp(line, "m") && show_plan(vm);
	vm = find_guest(line);
	dialog.planned = 0;
	if (!vm)
		log_info("no guest \"%s\"", line);
	return vm && show_plan(vm);
}

static bool operator_command(char letter, const char *line)
{
	if (letter == 'l')
		list_guests();
	if (letter == 'p')
		return plan_of_guest(line);
	for (unsigned i = 0; i < ARRAY_SIZE(whats); i++)
		if (letter == whats[i].letter)
			return command_on_guest(&whats[i], line);
	return false;
}

void operator_init(const struct plan *p)
{
	const void *fdt = p->board->fdt;
	const char *want = dt_string(fdt, dt_find(fdt, "/chosen"), "viaduct,console-commands");

	if (want && !strcmp(want, "off"))
		return;
	if (want && strcmp(want, "on"))
		log_warn(
			"/chosen: viaduct,console-commands = \"%s\" is neither \"on\" nor \"off\"; "
			"taken as \"on\"",
			want);
	plan = p;
	console_set_commands(operator_command,
			     "; l: list guests; p: plan of one (asks which); r, k, s: "
			     "restart, stop, start one");
}
