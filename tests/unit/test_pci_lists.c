/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the planner asks about one function of 4096 looks at that function, and not through all: the
 * others are poisoned meanwhile, so that a single read of one of them ends the test.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>
#include <sanitizer/asan_interface.h>

#include <host_early.h>

#include "../../drivers/pci/pci_priv.h"

#define PER_GROUP 4
#define STEP      37 /* of those that are asked for */
#define BUS_FIRST (MAX_PCI_FUNCS / 2)

static struct pci_host host[2] = { { .segment = 3 }, { .segment = 1 } };
static struct pci_func funcs[MAX_PCI_FUNCS];
struct pci_host *pci_hosts = host;
struct pci_func *pci_funcs = funcs;
unsigned pci_func_count;

static int setup(void **state)
{
	pci_func_count = MAX_PCI_FUNCS;
	for (unsigned n = 0; n < MAX_PCI_FUNCS; n++) {
		struct pci_func *f = &funcs[n];

		*f = (struct pci_func){ .host = &host[n / BUS_FIRST],
					.bdf = (uint16_t)(n % BUS_FIRST * 7),
					.group = (uint16_t)(n / PER_GROUP * PER_GROUP),
					.device_id = MAX_PCI_FUNCS - n };
		snprintf(f->name, sizeof(f->name), "%04x:%02x:%02x.%x", f->host->segment,
			 f->bdf >> 8, f->bdf >> 3 & 31, f->bdf & 7);
	}
	host_early(0);
	lists_make();
	return 0;
}

/* All functions but `count` from `first` on. */
static void hide_others(unsigned first, unsigned count)
{
	ASAN_POISON_MEMORY_REGION(funcs, sizeof(funcs));
	ASAN_UNPOISON_MEMORY_REGION(&funcs[first], count * sizeof(funcs[0]));
}

static int show_all(void **state)
{
	ASAN_UNPOISON_MEMORY_REGION(funcs, sizeof(funcs));
	return 0;
}

static void a_name_is_found_without_a_look_at_others(void **state)
{
	for (unsigned n = 0; n < MAX_PCI_FUNCS; n += STEP) {
		struct pci_func *f;

		hide_others(n, 1);
		assert_int_equal(pci_find(funcs[n].name, &f), HV_OK);
		assert_ptr_equal(f, &funcs[n]);
		assert_int_equal(pci_find("0002:00:00.0", &f), HV_ENOENT);
	}
}

static void a_group_is_listed_without_a_look_at_others(void **state)
{
	for (unsigned n = 0; n < MAX_PCI_FUNCS; n += STEP) {
		unsigned group = n / PER_GROUP * PER_GROUP;

		hide_others(group, PER_GROUP);
		for (unsigned k = 0; k < PER_GROUP; k++)
			assert_ptr_equal(pci_in_group(group, k), &funcs[group + k]);
		assert_null(pci_in_group(group, PER_GROUP));
		assert_null(pci_in_group(group + 1, 0));
	}
}

static void sharers_of_a_device_id_are_found_without_a_look_at_others(void **state)
{
	for (unsigned n = 0; n < MAX_PCI_FUNCS; n += STEP) {
		hide_others(n, 1);
		assert_ptr_equal(pci_with_device_id(MAX_PCI_FUNCS - n, 0), &funcs[n]);
		assert_null(pci_with_device_id(MAX_PCI_FUNCS - n, 1));
	}
	assert_null(pci_with_device_id(MAX_PCI_FUNCS + 1, 0));
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, show_all)
	const struct CMUnitTest tests[] = {
		T(a_name_is_found_without_a_look_at_others),
		T(a_group_is_listed_without_a_look_at_others),
		T(sharers_of_a_device_id_are_found_without_a_look_at_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
