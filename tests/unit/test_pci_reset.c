/* SPDX-License-Identifier: Apache-2.0 */
/* Quieting and resetting: which method, how long, and what is there afterwards. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <arch/time.h>
#include <host.h>

#include "../host/pci_board.h"

#define ECAM UINT64_C(0x4010000000)

static struct pcim m;

static void start(void)
{
	board_begin();
	pcim_init(&m, ECAM, MIB(256), 0);
}

static struct pcim_dev *device(struct pcim_dev *up)
{
	struct pcim_dev *d = pcim_endpoint(&m, up, 0, 0, 0x8086, 1);

	pcim_bar(d, 0, KIB(16), 0);
	pcim_bar(d, 2, MIB(1), PCIM_MEM64 | PCIM_PREF);
	return d;
}

static void wait(void *arg)
{
	*(unsigned *)arg += 1;
	host_time_advance(1000);
}

/* All that the guest has are reset; it has this one. */
static enum hv_status reset(struct pcim_dev *d)
{
	unsigned waits = 0;

	board_func(d)->owner = 1;
	return pci_reset_owned(1, wait, &waits);
}

/* As a guest may leave it. */
static void use(struct pcim_dev *d)
{
	struct pci_func *f = board_func(d);

	pci_cfg_write(f, 0x04, 2, 0x0006);
	if (d->msi)
		pci_cfg_write(f, (uint16_t)(d->msi + 2), 2, 1);
	if (d->msix)
		pci_cfg_write(f, (uint16_t)(d->msix + 2), 2, 0x8000);
	if (d->pcie)
		pci_cfg_write(f, (uint16_t)(d->pcie + 8), 2, 0x5000);
}

static void check_restored(struct pcim_dev *d)
{
	const struct pci_func *f = board_func(d);

	assert_int_equal(pcim_get(d, 0x04, 2), 0x0400);
	assert_int_equal(pcim_get(d, 0x10, 4), (uint32_t)f->bar[0].pci);
	assert_int_equal(pcim_get(d, 0x18, 4) & ~15u, (uint32_t)f->bar[2].pci);
	assert_int_equal(pcim_get(d, 0x1c, 4), (uint32_t)(f->bar[2].pci >> 32));
	if (d->msi)
		assert_int_equal(pcim_get(d, d->msi + 2u, 2) & 1, 0);
	if (d->msix)
		assert_int_equal(pcim_get(d, d->msix + 2u, 2) & 0x8000, 0);
	if (d->pcie)
		assert_int_equal(pcim_get(d, d->pcie + 8u, 2), f->devctl);
	if (d->pm)
		assert_int_equal(pcim_get(d, d->pm + 4u, 2) & 3, 0);
}

static void test_methods_in_order_of_preference(void **state)
{
	static const struct {
		bool pcie, flr, af, pm, soft, alone;
		const char *want;
	} cases[] = {
		{ true, true, true, true, false, true, "FLR" },
		{ true, false, true, true, false, true, "AF" },
		{ true, false, false, true, false, true, "PM" },
		{ true, false, false, true, true, true, "bus" },
		{ false, false, false, false, false, true, "bus" },
		{ true, false, false, true, true, false, "bus" },
		{ false, false, false, false, false, false, "bus" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct pcim_dev *rp, *d;

		start();
		rp = pcim_bridge(&m, NULL, 1, 0, cases[i].alone ? 4 : 7);
		d = device(rp);
		if (!cases[i].alone)
			pcim_endpoint(&m, rp, 1, 0, 0x8086, 2);
		if (cases[i].pcie)
			pcim_pcie(d, 0, cases[i].flr, 2);
		if (cases[i].af)
			pcim_af(d);
		if (cases[i].pm)
			pcim_pm(d, cases[i].soft);
		pcim_msi(d, 0, true, false);
		pcim_msix(d, 4, 0, 0x800);
		d->not_ready_after_reset = 3;
		board_probe(&m);
		use(d);
		if (cases[i].want)
			assert_string_equal(pci_reset_method(board_func(d)), cases[i].want);
		else
			assert_null(pci_reset_method(board_func(d)));
		assert_int_equal(reset(d), HV_OK);
		assert_int_equal(d->resets, cases[i].want ? 1 : 0);
		check_restored(d);
	}
}

/* Parts whose resets do not do what they say: the next method, or none, or more time. */
static void test_parts_with_broken_resets_get_others(void **state)
{
	static const struct {
		uint16_t vendor, device;
		bool flr, pm;
		const char *want;
	} rows[] = {
		{ 0x1022, 0x1487, true, true, "PM" },   { 0x8086, 0x1503, true, false, "bus" },
		{ 0x144d, 0xa804, true, false, "bus" }, { 0x168c, 0x0030, false, false, NULL },
		{ 0x104c, 0xb005, false, true, "PM" },  { 0x8086, 0x0953, true, true, "FLR" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct pcim_dev *d;

		start();
		d = pcim_endpoint(&m, pcim_bridge(&m, NULL, 1, 0, 4), 0, 0, rows[i].vendor,
				  rows[i].device);
		pcim_pcie(d, 0, rows[i].flr, 2);
		if (rows[i].pm)
			pcim_pm(d, false);
		board_probe(&m);
		if (rows[i].want)
			assert_string_equal(pci_reset_method(board_func(d)), rows[i].want);
		else
			assert_null(pci_reset_method(board_func(d)));
		if (rows[i].device != 0x0953)
			continue;
		pci_reset_begin(board_func(d));
		for (unsigned ms = 0; ms < 250; ms++) {
			assert_int_equal(pci_reset_step(board_func(d)), HV_EAGAIN);
			host_time_advance(1000);
		}
		host_time_advance(1000);
		assert_int_equal(pci_reset_step(board_func(d)), HV_OK);
	}
}

static void test_quiesce_stops_dma_first(void **state)
{
	struct pcim_dev *d;
	uint64_t at;
	long command, msi;

	start();
	d = device(NULL);
	pcim_pcie(d, 9, true, 2);
	pcim_msi(d, 0, true, false);
	pcim_msix(d, 4, 0, 0x800);
	board_probe(&m);
	use(d);
	at = ECAM + ((uint64_t)board_func(d)->bdf << 12);
	host_trace_clear();
	pci_quiesce(board_func(d));
	command = host_trace_find(0, "w16", at + 4);
	msi = host_trace_find(0, "w16", at + d->msi + 2);
	assert_int_equal(command, 0);
	assert_int_equal(host_trace_at(0)->value, 0x0400);
	assert_true(msi > command);
	/* Read back last, so that all is done when it returns. */
	assert_string_equal(host_trace_at(host_trace_count() - 1)->op, "r16");
	assert_int_equal(pcim_get(d, 0x04, 2), 0x0400);
	assert_int_equal(pcim_get(d, d->msi + 2u, 2) & 1, 0);
	assert_int_equal(pcim_get(d, d->msix + 2u, 2) & 0x8000, 0);
}

/* Each access to it may take a completion timeout. */
static void test_a_device_that_is_gone_is_asked_once(void **state)
{
	struct pcim_dev *d;

	start();
	d = device(NULL);
	pcim_msi(d, 0, true, false);
	pcim_msix(d, 4, 0, 0x800);
	board_probe(&m);
	d->gone = true;
	host_trace_clear();
	pci_quiesce(board_func(d));
	assert_int_equal(host_trace_count(), 2); /* COMMAND written, and read */
	host_trace_clear();
	assert_int_equal(reset(d), HV_ETIMEOUT);
	assert_int_equal(host_trace_count(), 1); /* its ID */
	assert_int_equal(pci_state(board_func(d)), PCI_LOST);
	d->gone = false;
	assert_int_equal(reset(d), HV_OK); /* plugged in again */
	assert_int_equal(pci_state(board_func(d)), PCI_IDLE);
}

static void test_pending_transactions_are_waited_for(void **state)
{
	struct pcim_dev *d;

	start();
	d = device(NULL);
	pcim_pcie(d, 9, true, 2);
	board_probe(&m);
	d->cfg[d->pcie + 0xa] |= 0x20;
	pci_reset_begin(board_func(d));
	assert_int_equal(pci_reset_step(board_func(d)), HV_EAGAIN);
	host_time_advance(90000);
	assert_int_equal(pci_reset_step(board_func(d)), HV_EAGAIN);
	assert_int_equal(d->resets, 0);
	d->cfg[d->pcie + 0xa] &= (uint8_t)~0x20;
	assert_int_equal(pci_reset_step(board_func(d)), HV_EAGAIN);
	assert_int_equal(d->resets, 1);
	d->cfg[d->pcie + 0xa] |= 0x20;
	assert_int_equal(reset(d), HV_OK); /* and after 100 ms anyway */
	assert_non_null(strstr(host_log(), "still pending"));
	assert_int_equal(d->resets, 2);
}

/* Quarantine, on another CPU, takes longer than the whole reset: the reset ends behind it. */
static void test_a_reset_ends_after_the_quarantine_that_it_undoes(void **state)
{
	struct pcim_dev *d;
	struct pci_func *f;

	start();
	d = device(NULL);
	pcim_pcie(d, 9, true, 2);
	board_probe(&m);
	f = board_func(d);
	pci_event(f, PCI_CLAIM);
	assert_true(pci_quarantine(f));
	pci_reset_begin(f);
	for (unsigned i = 0; i < 10; i++) {
		assert_int_equal(pci_reset_step(f), HV_EAGAIN);
		assert_int_equal(pci_state(f), PCI_RESETTING);
		host_time_advance(100000);
	}
	assert_false(pci_quarantine(f)); /* a second CPU, a second storm */
	pci_quarantine_done(f);
	assert_int_equal(pci_reset_step(f), HV_EAGAIN);
	pci_quarantine_done(f);
	assert_int_equal(pci_reset_step(f), HV_OK);
	assert_int_equal(pci_state(f), PCI_IDLE);
}

static void test_a_device_that_never_comes_back(void **state)
{
	struct pcim_dev *d;

	start();
	d = device(NULL);
	pcim_pcie(d, 9, true, 2);
	board_probe(&m);
	d->dead_after_reset = true;
	assert_int_equal(reset(d), HV_ETIMEOUT);
	assert_non_null(strstr(host_log(), "slow to come back"));
	pci_reset_begin(board_func(d));
	assert_int_equal(pci_reset_step(board_func(d)), HV_ETIMEOUT); /* at once: it is gone */
}

static void test_a_device_that_comes_back_as_another(void **state)
{
	struct pcim_dev *d, *e;

	start();
	d = device(NULL);
	pcim_pcie(d, 9, true, 2);
	e = pcim_endpoint(&m, NULL, 2, 0, 0x8086, 1);
	pcim_bar(e, 0, KIB(16), 0);
	pcim_pcie(e, 9, true, 2);
	board_probe(&m);
	d->power_on[2] = 0x77; /* another device ID */
	assert_int_equal(reset(d), HV_ECONFLICT);
	board_func(d)->owner = PCI_NO_OWNER;
	pcim_writable(e, 0x10, 4, ~(uint32_t)(KIB(64) - 1)); /* a larger BAR */
	assert_int_equal(reset(e), HV_ECONFLICT);
	assert_int_equal(pcim_get(e, 0x04, 2), 0x0400);
}

static void test_a_sleeping_device_is_woken_before_reset(void **state)
{
	struct pcim_dev *d;

	start();
	d = device(NULL);
	pcim_pcie(d, 9, true, 2);
	pcim_pm(d, true);
	board_probe(&m);
	pci_cfg_write(board_func(d), (uint16_t)(d->pm + 4), 2, 3);
	assert_int_equal(reset(d), HV_OK);
	check_restored(d);
}

/* 100 ms of silence behind an FLR, no call waits, and two take as long as one (§6.6.2). */
static void test_no_step_waits_and_all_wait_at_once(void **state)
{
	struct pcim_dev *d[3];
	uint64_t start_us;

	start();
	for (unsigned i = 0; i < 3; i++) {
		d[i] = pcim_endpoint(&m, NULL, i + 1, 0, 0x8086, (uint16_t)i);
		pcim_pcie(d[i], 9, true, 2);
	}
	board_probe(&m);
	start_us = arch_time_ticks();
	pci_reset_begin(board_func(d[0]));
	assert_int_equal(pci_reset_step(board_func(d[0])), HV_EAGAIN);
	assert_true(arch_time_ticks() - start_us < 100);
	assert_int_equal(d[0]->resets, 1);
	host_time_advance(99000);
	host_trace_clear();
	assert_int_equal(pci_reset_step(board_func(d[0])), HV_EAGAIN);
	assert_int_equal(host_trace_count(), 0); /* the device is left alone */
	host_time_advance(2000);
	assert_int_equal(pci_reset_step(board_func(d[0])), HV_OK);
	board_func(d[1])->owner = 1;
	start_us = arch_time_ticks();
	assert_int_equal(reset(d[2]), HV_OK);
	assert_int_equal(d[1]->resets + d[2]->resets, 2);
	assert_in_range(arch_time_ticks() - start_us, 100000, 150000);
}

/* Several functions below a bridge: one reset of the bus, everything behind it is given back. */
static void test_a_bus_is_reset_once_for_all_of_a_guest(void **state)
{
	static const struct {
		bool flr; /* the other one resets itself */
		unsigned other_owner;
		const char *method;
		unsigned resets[2];
	} cases[] = {
		{ false, 1, "bus", { 1, 1 } },
		{ false, PCI_NO_OWNER, "bus", { 1, 1 } },
		{ true, 1, "bus", { 2, 1 } },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct pcim_dev *up, *d[2];

		start();
		up = pcim_bridge(&m, NULL, 1, 0, 7);
		d[0] = device(up);
		d[1] = pcim_endpoint(&m, up, 2, 0, 0x8086, 2);
		pcim_bar(d[1], 0, KIB(4), 0);
		if (cases[i].flr)
			pcim_pcie(d[0], 9, true, 2);
		board_probe(&m);
		board_func(d[0])->owner = (uint8_t)cases[i].other_owner;
		assert_string_equal(pci_reset_method(board_func(d[1])), cases[i].method);
		use(d[1]);
		assert_int_equal(reset(d[1]), HV_OK);
		for (unsigned k = 0; k < 2; k++) {
			assert_int_equal(d[k]->resets, cases[i].resets[k]);
			assert_int_equal(pcim_get(d[k], 0x04, 2), 0x0400);
			assert_int_equal(pcim_get(d[k], 0x10, 4),
					 (uint32_t)board_func(d[k])->bar[0].pci);
		}
	}
}

/* Where the bus below may come to belong to two guests, it is not. */
static void test_a_bus_with_others_on_it_is_not_reset(void **state)
{
	struct pcim_dev *up, *d, *e;

	start();
	up = pcim_bridge(&m, NULL, 1, 0, 4);
	d = pcim_endpoint(&m, up, 0, 0, 0x8086, 1);
	e = pcim_endpoint(&m, up, 0, 1, 0x8086, 2);
	pcim_set(d, 0x0e, 1, 0x80);
	pcim_acs(up, 0x1d);
	for (unsigned i = 0; i < 2; i++) {
		pcim_pcie(i ? e : d, 0, false, 2);
		pcim_acs(i ? e : d, 0x1d);
	}
	board_probe(&m);
	assert_int_not_equal(board_func(d)->group, board_func(e)->group);
	assert_null(pci_reset_method(board_func(d)));
}

/* With a further bridge below: it forwards again, and what is behind it is found and restored. */
static void test_a_bus_reset_opens_the_bridges_below_again(void **state)
{
	struct pcim_dev *up, *d, *low, *deep;

	start();
	up = pcim_bridge(&m, NULL, 1, 0, 7);
	d = device(up);
	low = pcim_bridge(&m, up, 2, 0, -1);
	deep = device(low);
	deep->not_ready_after_reset = 3;
	board_probe(&m);
	board_func(deep)->owner = 1;
	assert_string_equal(pci_reset_method(board_func(d)), "bus");
	use(d);
	use(deep);
	assert_int_equal(reset(d), HV_OK);
	assert_int_not_equal(deep->resets, 0);
	check_restored(d);
	check_restored(deep);
	assert_int_equal(pcim_get(low, 0x04, 2), 0x0406);
	assert_ptr_equal(pcim_route(&m, board_func(deep)->bar[0].pci), deep);
	assert_ptr_equal(pcim_route(&m, board_func(deep)->bar[2].pci), deep);
}

/* A reset brings back a resizable BAR's default size; it gets the one it was placed with. */
static void test_resizable_bars_get_their_size_back(void **state)
{
	struct pcim_dev *d;
	uint16_t at;

	start();
	d = device(NULL);
	pcim_pcie(d, 9, true, 2);
	at = pcim_ecap(d, 0x15, 20);
	pcim_set(d, at + 8u, 4, 0x0340); /* of two, BAR 0, 2^3 MiB by default */
	pcim_writable(d, at + 9u, 1, 0x3f);
	pcim_writable(d, at + 17u, 1, 0x3f);
	d->cfg[at + 9] = 5; /* as firmware set it */
	board_probe(&m);
	assert_int_equal(board_func(d)->rebar_count, 2);
	assert_int_equal(reset(d), HV_OK);
	assert_int_equal(d->resets, 1);
	assert_int_equal(pcim_get(d, at + 8u, 4), 0x0540);
}

static void test_bridges_are_not_reset(void **state)
{
	struct pcim_dev *rp;

	start();
	rp = pcim_bridge(&m, NULL, 1, 0, 4);
	board_probe(&m);
	assert_null(pci_reset_method(board_func(rp)));
}

#define T(name) cmocka_unit_test(name)
int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_methods_in_order_of_preference),
		T(test_parts_with_broken_resets_get_others),
		T(test_quiesce_stops_dma_first),
		T(test_a_device_that_is_gone_is_asked_once),
		T(test_pending_transactions_are_waited_for),
		T(test_a_reset_ends_after_the_quarantine_that_it_undoes),
		T(test_a_device_that_never_comes_back),
		T(test_a_device_that_comes_back_as_another),
		T(test_a_sleeping_device_is_woken_before_reset),
		T(test_no_step_waits_and_all_wait_at_once),
		T(test_a_bus_is_reset_once_for_all_of_a_guest),
		T(test_a_bus_with_others_on_it_is_not_reset),
		T(test_a_bus_reset_opens_the_bridges_below_again),
		T(test_resizable_bars_get_their_size_back),
		T(test_bridges_are_not_reset),
	};

	return cmocka_run_group_tests_name("pci_reset", tests, NULL, NULL);
}
