/* SPDX-License-Identifier: Apache-2.0 */
/* Which changes of state there are, and that only one of two callers makes one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include <hv/vm.h>

/* What the comments in hv/vm.h say: rows from, columns to, in the order of the enums. */
static const char *const vm_table[VM_STATES] = {
	/* READY RUNNING STOPPING WAITING STARTING OFF */
	".x....", "..x...", "...xxx", "....xx", ".x...x", "....x.",
};
static const char *const vcpu_table[VCPU_STATES] = {
	/* OFF CLAIMED ON_PENDING ON SUSPENDED */
	".x...", "..x..", "x..x.", "x...x", "x..x.",
};

/* An illegal change is a bug of Viaduct's and ends in an assertion: tried in a child. */
static bool dies(void (*fn)(unsigned from, unsigned to), unsigned from, unsigned to)
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		close(2);
		fn(from, to);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status != 0;
}

static void change_vm(unsigned from, unsigned to)
{
	struct vm vm = { .state = (enum vm_state)from };

	assert_true(vm_change_state(&vm, vm.state, (enum vm_state)to));
	assert_int_equal(vm_state(&vm), to);
	/* Who comes second with the same change does not make it. */
	assert_false(vm_change_state(&vm, (enum vm_state)from, (enum vm_state)to));
	assert_int_equal(vm_state(&vm), to);
}

static void change_vcpu(unsigned from, unsigned to)
{
	struct vcpu v = { .state = (enum vcpu_state)from };

	assert_int_equal(vcpu_change_state(&v, v.state, (enum vcpu_state)to), from);
	assert_int_equal(v.state, to);
	assert_int_equal(vcpu_change_state(&v, (enum vcpu_state)from, (enum vcpu_state)to), to);
	assert_int_equal(v.state, to);
}

static void a_guest_changes_as_the_table_says(void **state)
{
	for (unsigned from = 0; from < VM_STATES; from++)
		for (unsigned to = 0; to < VM_STATES; to++) {
			if (vm_table[from][to] == 'x')
				change_vm(from, to);
			else
				assert_true(dies(change_vm, from, to));
		}
}

static void a_vcpu_changes_as_the_table_says(void **state)
{
	for (unsigned from = 0; from < VCPU_STATES; from++)
		for (unsigned to = 0; to < VCPU_STATES; to++) {
			if (vcpu_table[from][to] == 'x')
				change_vcpu(from, to);
			else
				assert_true(dies(change_vcpu, from, to));
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_guest_changes_as_the_table_says),
		cmocka_unit_test(a_vcpu_changes_as_the_table_says),
	};

	return cmocka_run_group_tests_name("vm_state", tests, NULL, NULL);
}
