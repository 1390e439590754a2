/* SPDX-License-Identifier: Apache-2.0 */
/* The operator's commands: what they print, and what they ask of whose guest. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <libfdt.h>

#include <host.h>
#include <hv/console.h>
#include <hv/life.h>
#include <hv/pci.h>
#include <hv/plan.h>

#define GUESTS 8

static struct vm vm[GUESTS];
static struct vcpu vcpu[GUESTS];
static struct vcpu *first[GUESTS];
static struct vm *all[GUESTS];
struct vm **vms = all;
unsigned vm_count;
static struct pci_func functions[8];
struct pci_func *pci_funcs = functions;
unsigned pci_func_count;

static console_command_fn *command;
static const struct vm *asked_vm;
static enum vm_asked asked;

void console_set_commands(console_command_fn *run, const char *help)
{
	command = run;
	assert_memory_equal(help, "; ", 2);
}

uint16_t console_input(void) { return 2; }

void life_ask(struct vm *v, enum vm_asked what)
{
	asked_vm = v;
	asked = what;
}

static struct guest_plan guest_plan[GUESTS];
static unsigned plan_first, plan_calls;

unsigned plan_print_guest(const struct plan *p, const struct guest_plan *g, unsigned at,
			  unsigned count)
{
	assert_non_null(p);
	assert_true(g >= guest_plan && g < guest_plan + GUESTS);
	plan_first = at;
	plan_calls++;
	return at + count < g->device_count ? at + count : 0;
}

static const struct plan *tree(const char *value)
{
	static struct board board;
	static struct plan plan = { .board = &board };
	static char blob[512];

	board.fdt = blob;

	assert_int_equal(fdt_create_empty_tree(blob, sizeof(blob)), 0);
	fdt_add_subnode(blob, 0, "chosen");
	if (value)
		assert_int_equal(fdt_setprop(blob, fdt_path_offset(blob, "/chosen"),
					     "viaduct,console-commands", value,
					     (int)strlen(value) + 1),
				 0);
	return &plan;
}

static int begin(void **state)
{
	vm_count = 3;
	pci_func_count = 0;
	host_log_clear();
	for (unsigned i = 0; i < GUESTS; i++) {
		vm[i] = (struct vm){ .id = (uint8_t)i, .state = VM_RUNNING, .vcpu_count = 1 };
		vm[i].name[0] = (char)('a' + i);
		vcpu[i] = (struct vcpu){ .vm = &vm[i] };
		first[i] = &vcpu[i];
		vm[i].vcpu = &first[i];
		guest_plan[i].device_count = i;
		vm[i].plan = &guest_plan[i];
		vm[i].console = (uint8_t)(i + 1);
		vm[i].vuart = (struct vuart *)&vm[i];
		all[i] = &vm[i];
	}
	asked = VM_ASKED_NOTHING;
	asked_vm = NULL;
	command = NULL;
	operator_init(tree(NULL));
	assert_non_null(command);
	while (!strstr(host_log(), "3 c: ")) /* the next list begins with the first */
		command('l', NULL);
	host_log_clear();
	return 0;
}

static void expect(const struct vm *v, enum vm_asked what)
{
	assert_ptr_equal(asked_vm, v);
	assert_int_equal(asked, what);
	asked_vm = NULL;
	asked = VM_ASKED_NOTHING;
}

static void restart_and_stop_are_asked_twice(void **state)
{
	static const struct {
		char letter;
		enum vm_asked what;
	} cases[] = { { 'r', VM_ASKED_RESTART }, { 'k', VM_ASKED_STOP } };

	for (unsigned i = 0; i < 2; i++) {
		assert_true(command(cases[i].letter, NULL));
		assert_true(command(cases[i].letter, "b"));
		expect(NULL, VM_ASKED_NOTHING);
		assert_false(command(cases[i].letter, "y"));
		expect(&vm[1], cases[i].what);
		/* By number; and anything but y is no. */
		assert_true(command(cases[i].letter, NULL));
		assert_true(command(cases[i].letter, "3"));
		assert_false(command(cases[i].letter, i ? "" : "yes"));
		expect(NULL, VM_ASKED_NOTHING);
	}
}

static void who_does_not_answer_is_forgotten(void **state)
{
	assert_true(command('k', NULL));
	assert_true(command('k', "a"));
	assert_true(command('r', NULL)); /* another command meanwhile */
	assert_false(command('r', "y")); /* a name now, and nobody's */
	expect(NULL, VM_ASKED_NOTHING);
	assert_non_null(strstr(host_log(), "no guest \"y\""));
}

static void start_is_for_who_is_off(void **state)
{
	assert_true(command('s', NULL));
	assert_false(command('s', "a"));
	expect(NULL, VM_ASKED_NOTHING);
	assert_non_null(strstr(host_log(), "a is not off"));
	vm[0].state = VM_OFF;
	command('s', NULL);
	assert_false(command('s', "1"));
	expect(&vm[0], VM_ASKED_START);
	command('k', NULL);
	command('k', "a");
	command('k', "y");
	expect(NULL, VM_ASKED_NOTHING);
}

static void the_list_says_what_there_is(void **state)
{
	vm[1].lives = 7;
	vm[2].state = VM_WAITING;
	vcpu[1].exits[EXIT_MMIO] = 41;
	pci_func_count = 8;
	for (unsigned i = 0; i < 8; i++) {
		pci_funcs[i].owner = 1;
		memcpy(pci_funcs[i].name, "0000:01:00.0", 13);
		pci_funcs[i].name[11] = (char)('0' + i);
	}
	assert_false(command('l', NULL));
	assert_non_null(strstr(host_log(), "2 b: running for "));
	assert_non_null(
		strstr(host_log(), "vCPUs 1, restarts 7, has the input\n  exits: mmio=41 call=0"));
	assert_non_null(strstr(host_log(), "  devices: 0000:01:00.0 0000:01:00.1 "));
	assert_non_null(strstr(host_log(), "0000:01:00.5 and 2 more\n"));
	assert_non_null(strstr(host_log(), "3 c: waiting"));
}

static void the_list_is_bounded(void **state)
{
	command('l', NULL);
	host_log_clear();
	vm_count = GUESTS;
	for (unsigned i = 0; i < 2 && !strstr(host_log(), "1 a: "); i++) {
		host_log_clear();
		command('l', NULL);
	}
	assert_non_null(strstr(host_log(), "6 f: "));
	assert_null(strstr(host_log(), "7 g: "));
	assert_non_null(strstr(host_log(), "2 guests more"));
	host_log_clear();
	command('l', NULL);
	assert_non_null(strstr(host_log(), "7 g: "));
	assert_null(strstr(host_log(), "1 a: "));
	host_log_clear();
	command('l', NULL);
	assert_non_null(strstr(host_log(), "1 a: "));
}

static void the_plan_comes_in_pieces(void **state)
{
	guest_plan[1].device_count = 7;
	plan_calls = 0;
	assert_true(command('p', NULL));
	assert_true(command('p', "b"));
	assert_int_equal(plan_first, 0);
	assert_non_null(strstr(host_log(), "b: 4 devices more: m and Enter"));
	assert_true(command('p', "m"));
	assert_int_equal(plan_first, 3);
	assert_false(command('p', "m"));
	assert_int_equal(plan_first, 6);
	/* Anything else ends it, and the next time it begins anew. */
	assert_true(command('p', NULL));
	assert_true(command('p', "2"));
	assert_false(command('p', ""));
	assert_true(command('p', NULL));
	assert_false(command('p', "a"));
	assert_int_equal(plan_first, 0);
	assert_int_equal(plan_calls, 5);
	assert_true(command('p', NULL));
	assert_false(command('p', "nobody"));
	assert_non_null(strstr(host_log(), "no guest \"nobody\""));
	assert_int_equal(plan_calls, 5);
	expect(NULL, VM_ASKED_NOTHING);
}

static void a_product_has_no_commands(void **state)
{
	command = NULL;
	operator_init(tree("off"));
	assert_null(command);
	operator_init(tree("of"));
	assert_non_null(command);
	assert_non_null(strstr(host_log(), "neither"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(restart_and_stop_are_asked_twice, begin),
		cmocka_unit_test_setup(who_does_not_answer_is_forgotten, begin),
		cmocka_unit_test_setup(start_is_for_who_is_off, begin),
		cmocka_unit_test_setup(the_list_says_what_there_is, begin),
		cmocka_unit_test_setup(the_list_is_bounded, begin),
		cmocka_unit_test_setup(the_plan_comes_in_pieces, begin),
		cmocka_unit_test_setup(a_product_has_no_commands, begin),
	};

	return cmocka_run_group_tests_name("operator", tests, NULL, NULL);
}
