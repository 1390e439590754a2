/* Quieting and resetting: which method, how long, and what is there afterwards. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

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
		{ true, false, false, true, true, false, NULL },
		{ false, false, false, false, false, false, NULL },
	};

	(void)state;
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
		assert_int_equal(pci_reset(board_func(d)), cases[i].want ? HV_OK : HV_EUNSUPP);
		assert_int_equal(d->resets, cases[i].want ? 1 : 0);
		check_restored(d);
	}
}

static void test_quiesce_stops_dma_first(void **state)
{
	struct pcim_dev *d;
	uint64_t at;
	long command, msi;

	(void)state;
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

static void test_pending_transactions_are_waited_for(void **state)
{
	struct pcim_dev *d;

	(void)state;
	start();
	d = device(NULL);
	pcim_pcie(d, 9, true, 2);
	board_probe(&m);
	assert_true(pci_drain(board_func(d)));
	d->cfg[d->pcie + 0xa] |= 0x20;
	assert_false(pci_drain(board_func(d)));
	assert_int_equal(pci_reset(board_func(d)), HV_OK);
	assert_non_null(strstr(host_log(), "still pending"));
	assert_int_equal(d->resets, 1);
}

static void test_a_device_that_never_comes_back(void **state)
{
	struct pcim_dev *d;

	(void)state;
	start();
	d = device(NULL);
	pcim_pcie(d, 9, true, 2);
	board_probe(&m);
	d->dead_after_reset = true;
	assert_int_equal(pci_reset(board_func(d)), HV_ETIMEOUT);
	assert_non_null(strstr(host_log(), "slow to come back"));
	assert_int_equal(pci_reset(board_func(d)), HV_ETIMEOUT); /* at once: it is gone */
	assert_non_null(strstr(host_log(), "does not answer any more"));
}

static void test_a_device_that_comes_back_as_another(void **state)
{
	struct pcim_dev *d, *e;

	(void)state;
	start();
	d = device(NULL);
	pcim_pcie(d, 9, true, 2);
	e = pcim_endpoint(&m, NULL, 2, 0, 0x8086, 1);
	pcim_bar(e, 0, KIB(16), 0);
	pcim_pcie(e, 9, true, 2);
	board_probe(&m);
	d->power_on[2] = 0x77; /* another device ID */
	assert_int_equal(pci_reset(board_func(d)), HV_ECONFLICT);
	pcim_writable(e, 0x10, 4, ~(uint32_t)(KIB(64) - 1)); /* a larger BAR */
	assert_int_equal(pci_reset(board_func(e)), HV_ECONFLICT);
	assert_int_equal(pcim_get(e, 0x04, 2), 0x0400);
}

static void test_a_sleeping_device_is_woken_before_reset(void **state)
{
	struct pcim_dev *d;

	(void)state;
	start();
	d = device(NULL);
	pcim_pcie(d, 9, true, 2);
	pcim_pm(d, true);
	board_probe(&m);
	pci_cfg_write(board_func(d), (uint16_t)(d->pm + 4), 2, 3);
	assert_int_equal(pci_reset(board_func(d)), HV_OK);
	check_restored(d);
}

static void test_bridges_are_not_reset(void **state)
{
	struct pcim_dev *rp;

	(void)state;
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
		T(test_quiesce_stops_dma_first),
		T(test_pending_transactions_are_waited_for),
		T(test_a_device_that_never_comes_back),
		T(test_a_device_that_comes_back_as_another),
		T(test_a_sleeping_device_is_woken_before_reset),
		T(test_bridges_are_not_reset),
	};

	return cmocka_run_group_tests_name("pci_reset", tests, NULL, NULL);
}
