/* SPDX-License-Identifier: Apache-2.0 */
/* Power states, function-level reset, and a device that lost its state: the guest goes on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <arch/time.h>
#include <host.h>
#include <spec/pci.h>
#include <spec/pci_caps.h>

#include "../../vpci/vpci_priv.h"
#include "../host/vpci_fakes.h"

#define A     0x08
#define AT    FAKE_MEM64
#define TABLE (AT + 0x2000)
#define HOST  UINT64_C(0x8000000000)
#define RUN   (PCI_CMD_MEM | PCI_CMD_MASTER)
#define PMCSR 0x44

static struct fake_dev *dev;

/* A guest at work: BAR mapped, bus master, MSI-X with one open vector. */
static int setup(void **state)
{
	fake_begin();
	dev = fake_add(A);
	fake_start();
	guest_place(A, 0, AT);
	cfg_write(A, PCI_COMMAND, 2, RUN);
	guest_write(TABLE, 8, FAKE_TRANSLATER);
	guest_write(TABLE + 8, 8, 3);
	cfg_write(A, 0xc2, 2, 0x8000);
	cfg_write(A, 0x88, 2, 0x4010);
	return 0;
}

static int teardown(void **state)
{
	fake_end();
	return 0;
}

static void at_work(void)
{
	uint32_t mask;

	memcpy(&mask, fake_memory(HOST + 0x200c), 4);
	assert_int_equal(mask, 0);
	memcpy(&mask, fake_memory(HOST + 0x201c), 4);
	assert_int_equal(mask, 1);
	assert_true(guest_direct(AT));
	assert_int_equal(fake_get(dev, PCI_BAR(0), 4) & ~0xfu, (uint32_t)HOST);
	assert_int_equal(fake_get(dev, PCI_BAR(1), 4), (uint32_t)(HOST >> 32));
	assert_int_equal(fake_get(dev, PCI_COMMAND, 2), RUN | PCI_CMD_INTX_OFF);
	assert_int_equal(fake_get(dev, 0xc2, 2), 0x8007);
	assert_int_equal(fake_get(dev, 0x88, 2), 0x4130);
	assert_int_equal(cfg_read(A, PCI_COMMAND, 2), RUN);
	assert_int_equal(cfg_read(A, 0xc2, 2), 0x8007);
	assert_int_equal(guest_read(TABLE, 4), FAKE_TRANSLATER);
}

static void d3hot_unmaps_and_reads_all_ones(void **state)
{
	long tlb, hw;

	at_work();
	host_trace_clear();
	cfg_write(A, PMCSR, 2, 3);
	tlb = host_trace_find(0, "tlb_s2_all", UINT64_MAX);
	hw = host_trace_find(0, "cfg_write", PMCSR);
	assert_true(tlb >= 0 && hw > tlb); /* unmapped before the device goes */
	assert_int_equal(cfg_read(A, PMCSR, 2), 3);
	assert_int_equal(fake_get(dev, PMCSR, 2), 3);
	assert_int_equal(guest_read(AT, 4), 0xffffffff);
	assert_int_equal(guest_read(TABLE, 4), 0xffffffff);
	cfg_write(A, PCI_BAR(0), 4, 0xffffffff); /* config space is there */
	assert_int_equal(cfg_read(A, PCI_BAR(0), 4), 0xffff0004);
}

static void d0_with_no_soft_reset_is_back_at_once(void **state)
{
	teardown(NULL);
	fake_begin();
	dev = fake_add(A);
	fake_put(dev, PMCSR, 2, PCI_PM_NO_SOFT_RESET);
	fake_start();
	guest_place(A, 0, AT);
	cfg_write(A, PCI_COMMAND, 2, RUN);
	assert_int_equal(cfg_read(A, PMCSR, 2), PCI_PM_NO_SOFT_RESET);
	cfg_write(A, PMCSR, 2, 3);
	assert_false(guest_direct(AT));
	host_trace_clear();
	cfg_write(A, PMCSR, 2, 0);
	assert_true(host_trace_find(0, "cfg_write", PMCSR) >= 0);
	assert_true(guest_direct(AT));
}

static void a_soft_reset_is_undone_at_the_first_access_after_10_ms(void **state)
{
	static const bool by_config[] = { true, false };

	for (unsigned i = 0; i < 2; i++) {
		dev->soft_reset = true;
		cfg_write(A, PMCSR, 2, 3);
		cfg_write(A, PMCSR, 2, 0);
		assert_int_equal(fake_get(dev, PCI_BAR(0), 4), 0);
		assert_false(guest_direct(AT));
		assert_int_equal(guest_read(AT, 4), 0xffffffff); /* too early */
		assert_false(guest_direct(AT));
		host_time_advance(10000);
		dev->gone = true; /* still not ready */
		assert_int_equal(guest_read(AT, 4), 0xffffffff);
		dev->gone = false;
		if (by_config[i])
			assert_int_equal(cfg_read(A, 0, 4), 0x10d38086);
		else
			guest_read(AT, 4); /* or without looking at config space first */
		at_work();
	}
}

static void asleep_again_before_it_was_restored(void **state)
{
	unsigned writes;

	dev->soft_reset = true;
	cfg_write(A, PMCSR, 2, 3);
	cfg_write(A, PMCSR, 2, 0);
	cfg_write(A, PMCSR, 2, 3);
	host_time_advance(20000);
	writes = dev->writes;
	cfg_read(A, 0, 4);
	guest_read(AT, 4);
	assert_int_equal(dev->writes, writes);
	cfg_write(A, PMCSR, 2, 0);
	host_time_advance(10000);
	cfg_read(A, 0, 4);
	at_work();
}

static void d1_and_d2_do_not_exist(void **state)
{
	for (unsigned s = 1; s < 3; s++) {
		cfg_write(A, PMCSR, 2, s);
		assert_int_equal(cfg_read(A, PMCSR, 2), 0);
		assert_int_equal(fake_get(dev, PMCSR, 1), 0);
	}
	at_work();
}

static void pme_stays_off_and_its_status_is_not_cleared(void **state)
{
	fake_put(dev, PMCSR, 2, 0x8000);
	assert_int_equal(cfg_read(A, PMCSR, 2), 0);
	cfg_write(A, PMCSR, 2, 0x8103);
	assert_int_equal(fake_get(dev, PMCSR, 2), 0x8003);
}

static void flr_keeps_what_the_guest_set_up(void **state)
{
	long tlb, reset;

	host_trace_clear();
	cfg_write(A, 0x88, 2, 0xc010);
	tlb = host_trace_find(0, "tlb_s2_all", UINT64_MAX);
	reset = host_trace_find(0, "pci_reset", UINT64_MAX);
	assert_true(tlb >= 0 && reset > tlb);
	assert_int_equal(dev->resets, 1);
	assert_int_equal(dev->touched[0x89] & 0x80, 0); /* never raw */
	host_time_advance(100000);
	assert_int_equal(cfg_read(A, 0x88, 2), 0x4110);
	at_work();
}

/* 100 ms of silence, of which EL2 waits none: its accesses find out. */
static void a_function_being_reset_reads_all_ones(void **state)
{
	static const bool by_config[] = { true, false };

	for (unsigned i = 0; i < 2; i++) {
		unsigned reads, writes;
		uint64_t before = arch_time_ticks();

		cfg_write(A, 0x88, 2, 0xc010);
		assert_true(arch_time_ticks() - before < 1000);
		reads = dev->reads;
		writes = dev->writes;
		assert_int_equal(cfg_read(A, 0, 4), 0xffffffff);
		assert_int_equal(cfg_read(A, PCI_STATUS, 2), 0xffff);
		cfg_write(A, PCI_COMMAND, 2, 0);
		cfg_write(A, 0x88, 2, 0x8000);
		guest_write(TABLE, 4, 0);
		assert_int_equal(guest_read(AT, 4), 0xffffffff);
		assert_int_equal(dev->reads, reads);
		assert_int_equal(dev->writes, writes);
		assert_int_equal(dev->resets, i + 1);
		host_time_advance(100000);
		if (by_config[i])
			assert_int_equal(cfg_read(A, 0, 4), 0x10d38086);
		else
			guest_read(AT, 4);
		at_work();
	}
}

static void a_guest_that_ends_in_the_middle_of_a_reset_starts_afresh(void **state)
{
	cfg_write(A, 0x88, 2, 0xc010);
	fake_restart();
	assert_int_equal(cfg_read(A, PCI_BAR(0), 4), 4);
	guest_place(A, 0, AT);
	cfg_write(A, PCI_COMMAND, 2, RUN);
	assert_true(guest_direct(AT));
}

static bool intx_off(void) { return fake_get(dev, PCI_COMMAND, 2) & PCI_CMD_INTX_OFF; }

/* The line is as the guest has it, whatever became of the device meanwhile. */
static void the_line_survives_flr_and_d3hot(void **state)
{
	for (unsigned disabled = 0; disabled < 2; disabled++) {
		cfg_write(A, 0xc2, 2, 0x8007);
		cfg_write(A, PCI_COMMAND, 2, RUN | (disabled ? PCI_CMD_INTX_OFF : 0));
		cfg_write(A, 0x88, 2, 0xc010); /* FLR, in MSI-X mode */
		fake_put(dev, PCI_COMMAND, 2, 0);
		host_time_advance(100000);
		cfg_read(A, 0, 4);
		assert_true(intx_off());
		cfg_write(A, 0xc2, 2, 0);
		assert_int_equal(intx_off(), disabled);
		cfg_write(A, 0x88, 2, 0xc010); /* FLR, in INTx mode */
		host_time_advance(100000);
		cfg_read(A, 0, 4);
		assert_int_equal(intx_off(), disabled);
		dev->soft_reset = true;
		cfg_write(A, PMCSR, 2, 3);
		fake_put(dev, PCI_COMMAND, 2, disabled ? 0 : PCI_CMD_INTX_OFF);
		cfg_write(A, PMCSR, 2, 0);
		host_time_advance(10000);
		cfg_read(A, 0, 4);
		assert_int_equal(intx_off(), disabled);
		assert_int_equal(!!(cfg_read(A, PCI_COMMAND, 2) & PCI_CMD_INTX_OFF), disabled);
	}
}

static void a_device_without_disintx_does_not_seem_to_have_it(void **state)
{
	dev->pf->intx_stuck = true;
	cfg_write(A, PCI_COMMAND, 2, RUN | PCI_CMD_INTX_OFF);
	assert_int_equal(cfg_read(A, PCI_COMMAND, 2), RUN);
}

static void flr_in_d3hot_ends_in_d0(void **state)
{
	cfg_write(A, PMCSR, 2, 3);
	cfg_write(A, 0x88, 2, 0xc010);
	host_time_advance(100000);
	assert_int_equal(cfg_read(A, PMCSR, 2), 0);
	at_work();
}

static void flr_is_ignored_where_not_offered(void **state)
{
	dev->pf->flr = false;
	cfg_write(A, 0x88, 2, 0xc010);
	assert_int_equal(dev->resets, 0);
	at_work();
}

static void a_failed_reset_switches_the_function_off(void **state)
{
	dev->reset_status = HV_ETIMEOUT;
	cfg_write(A, 0x88, 2, 0xc010);
	host_time_advance(100000);
	assert_int_equal(cfg_read(A, 0, 4), 0xffffffff);
	cfg_write(A, PCI_COMMAND, 2, RUN);
	assert_int_equal(fake_get(dev, PCI_COMMAND, 2), 0);
	assert_int_equal(guest_read(AT, 4), 0xffffffff);
	assert_true(strstr(host_log(), "did not come back"));
	dev->reset_status = HV_OK;
	fake_restart(); /* until the guest starts again */
	assert_int_equal(cfg_read(A, 0, 4), 0x10d38086);
}

static void a_reset_behind_our_back_is_seen_at_the_next_command_write(void **state)
{
	fake_put(dev, PCI_COMMAND, 2, 0);
	fake_put(dev, PCI_BAR(0), 4, 0);
	fake_put(dev, PCI_BAR(1), 4, 0);
	fake_put(dev, 0x88, 2, 0x2810);
	fake_memory(HOST + 0x200c)[0] = 1;
	fake_put(dev, 0xc2, 2, 7);
	cfg_write(A, PCI_COMMAND, 2, RUN);
	at_work();
}

/* Whichever register the guest uses when the device has gone: it is seen, once, and left alone. */
static void a_device_that_is_gone_reads_all_ones_and_is_not_touched(void **state)
{
	for (unsigned way = 0; way < 3; way++) {
		unsigned reads, writes;

		at_work();
		host_log_clear();
		dev->gone = true;
		if (way == 0)
			assert_int_equal(cfg_read(A, PCI_STATUS, 2), 0xffff);
		else if (way == 1)
			cfg_write(A, PCI_STATUS, 2, 0xf900);
		else
			cfg_write(A, PCI_COMMAND, 2, RUN);
		assert_int_equal(pci_state(dev->pf), PCI_LOST);
		assert_false(guest_direct(AT));
		reads = dev->reads;
		writes = dev->writes;
		for (unsigned off = 0; off < 0x100; off += 4) {
			assert_int_equal(cfg_read(A, off, 4), 0xffffffff);
			cfg_write(A, off, 4, 0xffff7fff); /* no reset */
		}
		assert_int_equal(guest_read(AT, 4), 0xffffffff);
		assert_int_equal(guest_read(TABLE, 8), UINT64_MAX);
		vpci_quiesce(fake_vm.vpci);
		assert_int_equal(dev->reads, reads);
		assert_int_equal(dev->writes, writes);
		assert_string_equal(host_log(),
				    "00:01.0: device 0000:01:00.0 is gone from the bus; "
				    "all ones until a reset or a restart\n");
		dev->gone = false; /* plugged in again */
		assert_int_equal(cfg_read(A, 0, 4), 0xffffffff);
		teardown(NULL);
		setup(NULL);
	}
	dev->gone = true;
	cfg_read(A, PCI_STATUS, 2);
	dev->gone = false;
	fake_restart();
	assert_int_equal(cfg_read(A, 0, 4), 0x10d38086);
	guest_place(A, 0, AT);
	cfg_write(A, PCI_COMMAND, 2, RUN);
	assert_true(guest_direct(AT));
}

static void lose(void)
{
	dev->gone = true;
	cfg_read(A, PCI_STATUS, 2);
	assert_int_equal(pci_state(dev->pf), PCI_LOST);
}

/* The guest's own reset asks a lost function again; until it answers it stays lost. */
static void a_reset_brings_back_a_lost_function_that_answers(void **state)
{
	at_work();
	lose();
	cfg_write(A, 0x88, 2, 0x8000);
	assert_int_equal(pci_state(dev->pf), PCI_LOST);
	assert_int_equal(cfg_read(A, 0, 4), 0xffffffff);
	dev->gone = false;
	cfg_write(A, 0x88, 2, 0x7fff); /* no reset */
	assert_int_equal(pci_state(dev->pf), PCI_LOST);
	fake_attached[dev->pf->sid[0]] = false; /* as it started without the function */
	cfg_write(A, 0x88, 2, 0x8000);
	assert_int_equal(pci_state(dev->pf), PCI_RESETTING);
	host_time_advance(100000);
	assert_int_equal(cfg_read(A, 0, 4), 0x10d38086);
	assert_int_equal(pci_state(dev->pf), PCI_OWNED);
	assert_true(fake_attached[dev->pf->sid[0]]);
	cfg_write(A, PCI_COMMAND, 2, RUN);
	assert_true(guest_direct(AT));
}

/* Each access to it might take a completion timeout. */
static void a_guest_that_starts_without_a_function_does_not_touch_it(void **state)
{
	unsigned reads, writes;

	at_work();
	lose();
	vpci_quiesce(fake_vm.vpci);
	pci_event(dev->pf, PCI_RESET_BEGINS);
	pci_event(dev->pf, PCI_RESET_FAILED);
	reads = dev->reads;
	writes = dev->writes;
	vpci_reset(fake_vm.vpci);
	assert_int_equal(pci_state(dev->pf), PCI_LOST);
	assert_int_equal(cfg_read(A, 0, 4), 0xffffffff);
	assert_int_equal(dev->reads, reads);
	assert_int_equal(dev->writes, writes);
}

static void each_write_takes_long(void) { host_time_advance(60000); }

/* Valid answers, but each after 60 ms: bounded, and lost. */
static void slow(void (**hook)(void))
{
	uint64_t start;

	at_work();
	host_log_clear();
	fake_put(dev, PCI_BAR(1), 4, 0); /* a reset behind our back: all is to be given back */
	*hook = each_write_takes_long;
	start = arch_time_ticks();
	cfg_write(A, PCI_COMMAND, 2, RUN);
	assert_true(arch_time_ticks() - start < arch_time_hz());
	assert_int_equal(pci_state(dev->pf), PCI_LOST);
	assert_int_equal(cfg_read(A, 0, 4), 0xffffffff);
	assert_false(guest_direct(AT));
	assert_int_equal(fake_get(dev, PCI_COMMAND, 2), PCI_CMD_INTX_OFF);
	assert_non_null(strstr(host_log(), "0000:01:00.0 answers too slowly"));
	*hook = NULL;
	cfg_write(A, 0x88, 2, 0x8000); /* a reset, and it is as fast as others */
	host_time_advance(100000);
	assert_int_equal(cfg_read(A, 0, 4), 0x10d38086);
	assert_int_equal(pci_state(dev->pf), PCI_OWNED);
}

static void a_device_that_is_slow_does_not_hold_the_cpu(void **state)
{
	slow(&fake_on_write);
	teardown(NULL);
	setup(NULL);
	slow(&fake_on_bar_write);
}

/* All ones in a register of a device that is there are that register's. */
static void all_ones_in_a_register_do_not_mean_gone(void **state)
{
	fake_put(dev, PCI_STATUS, 2, 0xffff);
	cfg_read(A, PCI_STATUS, 2);
	cfg_write(A, PCI_STATUS, 2, 0xffff);
	assert_int_equal(pci_state(dev->pf), PCI_OWNED);
}

static void quarantine_first(void)
{
	fake_on_write = NULL;
	pci_quarantine(dev->pf);
}

static void quarantined_whatever_the_guest_writes(void)
{
	cfg_write(A, PCI_COMMAND, 2, RUN);
	cfg_write(A, PCI_COMMAND, 2, 0);
	cfg_write(A, PCI_COMMAND, 1, RUN);
	cfg_write(A, 0xc2, 2, 0);
	cfg_write(A, 0x52, 2, 1);
	assert_int_equal(fake_get(dev, 0x52, 2) & 1, 0);
	cfg_write(A, 0x52, 2, 0);
	cfg_write(A, 0xc2, 2, 0x8000);
	assert_int_equal(fake_get(dev, PCI_COMMAND, 2), PCI_CMD_MEM | PCI_CMD_INTX_OFF);
	assert_int_equal(fake_get(dev, 0xc2, 2), 7);
	assert_int_equal(cfg_read(A, PCI_COMMAND, 2), RUN); /* the guest sees what it wrote */
	assert_true(guest_direct(AT));
	assert_int_equal(guest_read(TABLE, 4), FAKE_TRANSLATER);
}

/*
 * Nothing that the guest writes, and no sleep, brings bus mastering or messages back; its FLR does.
 */
static void a_quarantined_device_is_silent_until_it_is_reset(void **state)
{
	at_work();
	assert_true(pci_quarantine(dev->pf));
	fake_attached[A] = false; /* as who quarantines it does behind it */
	assert_false(pci_quarantine(dev->pf));
	assert_int_equal(fake_get(dev, PCI_COMMAND, 2), PCI_CMD_MEM | PCI_CMD_INTX_OFF);
	quarantined_whatever_the_guest_writes();
	dev->soft_reset = true;
	cfg_write(A, PMCSR, 2, 3);
	assert_false(guest_direct(AT));
	cfg_write(A, PMCSR, 2, 0);
	host_time_advance(20000);
	cfg_read(A, 0, 4);
	quarantined_whatever_the_guest_writes();
	assert_false(fake_attached[A]);
	cfg_write(A, 0x88, 2, 0xc010);
	assert_int_equal(cfg_read(A, 0, 4), 0xffffffff);
	assert_false(fake_attached[A]);
	host_time_advance(100000);
	cfg_read(A, 0, 4);
	assert_true(fake_attached[A]);
	at_work();
}

static void a_quarantined_device_is_back_when_the_guest_starts_again(void **state)
{
	pci_quarantine(dev->pf);
	vpci_quiesce(fake_vm.vpci);
	assert_int_equal(pci_state(dev->pf), PCI_QUARANTINED);
	vpci_reset(fake_vm.vpci); /* not without a reset */
	assert_int_equal(pci_state(dev->pf), PCI_QUARANTINED);
	fake_restart();
	guest_place(A, 0, AT);
	cfg_write(A, PCI_COMMAND, 2, RUN);
	assert_int_equal(fake_get(dev, PCI_COMMAND, 2), RUN);
}

/* Of two with one stream, the stream opens when both were reset. */
static void a_shared_stream_stays_cut_until_all_were_reset(void **state)
{
	struct fake_dev *other;

	teardown(NULL);
	fake_begin();
	dev = fake_add(A);
	other = fake_add(A + 8);
	other->pf->sid[0] = dev->pf->sid[0];
	fake_start();
	pci_quarantine(dev->pf);
	pci_quarantine(other->pf);
	fake_attached[A] = false;
	cfg_write(A, 0x88, 2, 0xc010);
	host_time_advance(100000);
	cfg_read(A, 0, 4);
	assert_int_equal(pci_state(dev->pf), PCI_OWNED);
	assert_false(fake_attached[A]);
	cfg_write(A + 8, 0x88, 2, 0xc010);
	host_time_advance(100000);
	cfg_read(A + 8, 0, 4);
	assert_true(fake_attached[A]);
}

/* Its IOMMU lets nothing through, and may not even confirm it: a reset changes nothing. */
static void behind_a_dead_iommu_nothing_brings_it_back(void **state)
{
	dev->pf->iommu->dead = true;
	pci_quarantine(dev->pf);
	cfg_write(A, 0x88, 2, 0xc010);
	host_time_advance(100000);
	cfg_read(A, 0, 4);
	assert_int_equal(pci_state(dev->pf), PCI_QUARANTINED);
	quarantined_whatever_the_guest_writes();
	fake_restart();
	assert_int_equal(pci_state(dev->pf), PCI_QUARANTINED);
	dev->pf->iommu->dead = false;
}

/* Quarantined by another CPU between the look at the state and the write. */
static void a_command_under_way_does_not_undo_a_quarantine(void **state)
{
	fake_on_write = quarantine_first;
	cfg_write(A, PCI_COMMAND, 2, RUN);
	assert_int_equal(pci_state(dev->pf), PCI_QUARANTINED);
	assert_int_equal(fake_get(dev, PCI_COMMAND, 2), PCI_CMD_MEM | PCI_CMD_INTX_OFF);
}

static void reset_is_power_on(void **state)
{
	uint32_t mask;

	cfg_write(A, CFG_INTERRUPT, 1, 0x55);
	vpci_quiesce(fake_vm.vpci);
	assert_false(guest_direct(AT));
	assert_int_equal(fake_get(dev, PCI_COMMAND, 2) & RUN, 0);
	fake_irq(dev, 0);
	assert_int_equal(fake_delivered.count, 0);
	vpci_reset(fake_vm.vpci);
	assert_int_equal(cfg_read(A, PCI_COMMAND, 2), 0);
	assert_int_equal(cfg_read(A, PCI_BAR(0), 4), 4);
	assert_int_equal(cfg_read(A, PCI_BAR(1), 4), 0);
	assert_int_equal(cfg_read(A, CFG_INTERRUPT, 1), 0);
	assert_int_equal(cfg_read(A, 0xc2, 2), 7);
	assert_int_equal(cfg_read(A, 0x88, 2), 0x2130);
	assert_int_equal(fake_get(dev, 0x88, 2), 0x2130);
	assert_int_equal(fake_get(dev, 0xc2, 2), 7);
	assert_int_equal(fake_get(dev, PCI_COMMAND, 2), 0);
	memcpy(&mask, fake_memory(HOST + 0x200c), 4);
	assert_int_equal(mask, 1);
	guest_place(A, 0, AT);
	cfg_write(A, PCI_COMMAND, 2, RUN);
	assert_true(guest_direct(AT));
	assert_int_equal(guest_read(TABLE + 12, 4), 1);
}

static void a_function_left_asleep_wakes_up_for_the_next_start(void **state)
{
	dev->soft_reset = true;
	cfg_write(A, PMCSR, 2, 3);
	vpci_quiesce(fake_vm.vpci);
	vpci_reset(fake_vm.vpci);
	assert_int_equal(fake_get(dev, PMCSR, 2), 0);
	host_time_advance(10000);
	guest_place(A, 0, AT);
	cfg_write(A, PCI_COMMAND, 2, RUN);
	assert_true(guest_direct(AT));
	assert_int_equal(fake_get(dev, PCI_BAR(1), 4), (uint32_t)(HOST >> 32));
}

/* Seen by the port above it, on another CPU: the guest's CPU unmaps, and touches nothing. */
static void a_device_that_its_port_lost_is_unmapped_at_the_next_look(void **state)
{
	assert_true(guest_direct(AT));
	fake_attached[A] = true;
	assert_true(pci_lose(dev->pf));
	assert_false(pci_lose(dev->pf)); /* once */
	assert_false(fake_attached[A]);
	dev->reads = dev->writes = 0;
	vpci_look(fake_vm.vpci);
	assert_false(guest_direct(AT));
	assert_int_equal(guest_read(AT, 4), 0xffffffff);
	assert_int_equal(guest_read(TABLE, 4), 0xffffffff);
	assert_int_equal(cfg_read(A, 0, 4), 0xffffffff);
	cfg_write(A, PCI_COMMAND, 2, RUN);
	assert_int_equal(dev->reads + dev->writes, 0);
	assert_false(fake_attached[A]);
	cfg_write(A, 0x88, 2, 0x8000); /* its reset brings it back */
	host_time_advance(100000);
	assert_int_not_equal(cfg_read(A, 0, 4), 0xffffffff);
	assert_true(guest_direct(AT));
	assert_true(fake_attached[A]);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(the_line_survives_flr_and_d3hot),
		T(a_device_without_disintx_does_not_seem_to_have_it),
		T(d3hot_unmaps_and_reads_all_ones),
		T(d0_with_no_soft_reset_is_back_at_once),
		T(a_soft_reset_is_undone_at_the_first_access_after_10_ms),
		T(asleep_again_before_it_was_restored),
		T(d1_and_d2_do_not_exist),
		T(pme_stays_off_and_its_status_is_not_cleared),
		T(flr_keeps_what_the_guest_set_up),
		T(a_function_being_reset_reads_all_ones),
		T(a_guest_that_ends_in_the_middle_of_a_reset_starts_afresh),
		T(flr_in_d3hot_ends_in_d0),
		T(flr_is_ignored_where_not_offered),
		T(a_failed_reset_switches_the_function_off),
		T(a_reset_behind_our_back_is_seen_at_the_next_command_write),
		T(a_device_that_is_gone_reads_all_ones_and_is_not_touched),
		T(a_reset_brings_back_a_lost_function_that_answers),
		T(a_guest_that_starts_without_a_function_does_not_touch_it),
		T(a_device_that_its_port_lost_is_unmapped_at_the_next_look),
		T(a_device_that_is_slow_does_not_hold_the_cpu),
		T(all_ones_in_a_register_do_not_mean_gone),
		T(a_quarantined_device_is_silent_until_it_is_reset),
		T(a_quarantined_device_is_back_when_the_guest_starts_again),
		T(a_shared_stream_stays_cut_until_all_were_reset),
		T(behind_a_dead_iommu_nothing_brings_it_back),
		T(a_command_under_way_does_not_undo_a_quarantine),
		T(reset_is_power_on),
		T(a_function_left_asleep_wakes_up_for_the_next_start),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
