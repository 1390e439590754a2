/* SPDX-License-Identifier: Apache-2.0 */
/* MSI-X tables, MSI, and what they do to INTx: the guest's view, the device's, and deliveries. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <host.h>
#include <spec/pci.h>
#include <spec/pci_caps.h>

#include "../../vpci/vpci_priv.h"
#include "../host/vpci_fakes.h"

#define A     0x08
#define B     0x10
#define AT    FAKE_MEM64
#define TABLE (AT + 0x2000)
#define HOST  UINT64_C(0x8000000000)
#define MEM   PCI_CMD_MEM

static struct fake_dev *a, *b;

static int setup(void **state)
{
	fake_begin();
	a = fake_add(A);
	b = fake_add(B);
	fake_as[1].msi.first_data = 8; /* the second slice of a block */
	fake_start();
	guest_place(A, 0, AT);
	guest_place(B, 0, AT + MIB(1));
	cfg_write(A, PCI_COMMAND, 2, MEM);
	cfg_write(B, PCI_COMMAND, 2, MEM);
	return 0;
}

static int teardown(void **state)
{
	fake_end();
	return 0;
}

static uint32_t hw(const struct fake_dev *d, unsigned vector, unsigned off)
{
	uint32_t v;

	memcpy(&v, fake_memory(d->pf->bar[0].pa.v + 0x2000 + 16 * vector + off), 4);
	return v;
}

static void vector(uint64_t table, unsigned i, uint64_t addr, uint32_t data, uint32_t ctrl)
{
	guest_write(table + 16 * i, 8, addr);
	guest_write(table + 16 * i + 8, 4, data);
	guest_write(table + 16 * i + 12, 4, ctrl);
}

static void boot_programs_the_physical_table_masked(void **state)
{
	for (unsigned i = 0; i < 8; i++) {
		assert_int_equal(hw(a, i, 0), FAKE_TRANSLATER);
		assert_int_equal(hw(a, i, 4), 0);
		assert_int_equal(hw(a, i, 8), i);
		assert_int_equal(hw(a, i, 12), 1);
		assert_int_equal(hw(b, i, 8), 8 + i);
	}
	assert_int_equal(guest_read(TABLE, 8), 0);
	assert_true(guest_read(TABLE + 8, 8) == UINT64_C(1) << 32); /* masked, data 0 */
}

static void guest_values_never_reach_the_physical_table(void **state)
{
	for (unsigned i = 0; i < 8; i++) {
		guest_write(TABLE + 16 * i, 4, 0xfee00000 + i * 4 + 3);
		guest_write(TABLE + 16 * i + 4, 4, 0x12);
		guest_write(TABLE + 16 * i + 8, 8, UINT64_C(0xfffffffe00000000) + 100 + i);
		assert_true(guest_read(TABLE + 16 * i, 8) ==
			    UINT64_C(0x1200000000) + 0xfee00000 + i * 4);
		assert_int_equal(guest_read(TABLE + 16 * i + 8, 4), 100 + i);
		assert_int_equal(guest_read(TABLE + 16 * i + 12, 4), 0);
		assert_int_equal(hw(a, i, 0), FAKE_TRANSLATER);
		assert_int_equal(hw(a, i, 8), i);
		assert_int_equal(hw(a, i, 12), 1); /* not its doorbell: stays masked */
	}
}

static void a_vector_is_open_when_unmasked_and_at_the_doorbell(void **state)
{
	vector(TABLE, 3, FAKE_TRANSLATER, 42, 1);
	assert_int_equal(hw(a, 3, 12), 1);
	host_trace_clear();
	guest_write(TABLE + 16 * 3 + 12, 4, 0);
	assert_int_equal(hw(a, 3, 12), 0);
	guest_write(TABLE + 16 * 3, 4, 0x1000);
	assert_int_equal(hw(a, 3, 12), 1);
	guest_write(TABLE + 16 * 3, 4, FAKE_TRANSLATER);
	assert_int_equal(hw(a, 3, 12), 0);
	host_trace_clear();
	guest_write(TABLE + 16 * 3 + 12, 4, 1);
	assert_int_equal(hw(a, 3, 12), 1);
	/* read back: no interrupt comes after the guest's write is done */
	assert_true(host_trace_find((size_t)host_trace_find(0, "w32", HOST + 0x203c), "r32",
				    HOST + 0x203c) > 0);
	for (unsigned i = 0; i < 8; i++)
		assert_int_equal(hw(a, i, 12), 1);
}

static void narrow_writes_to_the_table_do_nothing(void **state)
{
	vector(TABLE, 0, FAKE_TRANSLATER, 0x1234, 0);
	guest_write(TABLE + 12, 1, 1);
	guest_write(TABLE + 8, 2, 0xffff);
	assert_int_equal(hw(a, 0, 12), 0);
	assert_int_equal(guest_read(TABLE + 8, 1), 0x34);
	assert_int_equal(guest_read(TABLE + 9, 1), 0x12);
	assert_int_equal(guest_read(TABLE + 2, 2), FAKE_TRANSLATER >> 16);
}

static void vectors_beyond_the_granted_do_not_exist(void **state)
{
	fake_end();
	fake_begin();
	a = fake_add(A);
	fake_as[0].msi.count = 5;
	fake_start();
	guest_place(A, 0, AT);
	cfg_write(A, PCI_COMMAND, 2, MEM);
	assert_int_equal(cfg_read(A, 0xc2, 2), 4);
	assert_int_equal(cfg_read(A, 0x52, 2) >> 1 & 7, 2); /* MSI: four */
	vector(TABLE, 6, FAKE_TRANSLATER, 1, 0);
	assert_true(guest_read(TABLE + 16 * 6, 8) == 0);
	assert_int_equal(hw(a, 6, 12), 1);
}

static void enable_and_function_mask_reach_the_device(void **state)
{
	cfg_write(A, 0xc2, 2, 0xffff);
	assert_int_equal(cfg_read(A, 0xc2, 2), 0xc007);
	assert_int_equal(fake_get(a, 0xc2, 2), 0xc007);
	cfg_write(A, 0xc2, 2, 0x8000);
	assert_int_equal(fake_get(a, 0xc2, 2), 0x8007);
	cfg_write(A, 0xc2, 2, 0);
	assert_int_equal(fake_get(a, 0xc2, 2), 0x0007);
}

static void msix_interrupts_become_the_guests_events(void **state)
{
	vector(TABLE, 2, FAKE_TRANSLATER, 77, 0);
	fake_irq(a, 2);
	assert_int_equal(fake_delivered.count, 0); /* not enabled: a late one is dropped */
	cfg_write(A, 0xc2, 2, 0x8000);
	fake_irq(a, 2);
	assert_int_equal(fake_delivered.count, 1);
	assert_int_equal(fake_delivered.vdev, A);
	assert_int_equal(fake_delivered.event, 77);
	fake_irq(a, 1); /* its address is not the doorbell */
	assert_int_equal(fake_delivered.count, 1);
	vector(TABLE + MIB(1), 0, FAKE_TRANSLATER, 5, 0);
	cfg_write(B, 0xc2, 2, 0x8000);
	fake_irq(b, 0);
	assert_int_equal(fake_delivered.vdev, B);
	assert_int_equal(fake_delivered.event, 5);
}

static void msi_is_programmed_with_our_message(void **state)
{
	cfg_write(B, 0x54, 4, FAKE_TRANSLATER);
	cfg_write(B, 0x58, 4, 0);
	cfg_write(B, 0x5c, 2, 0x20);
	assert_int_equal(fake_get(b, 0x5c, 2), 0);
	cfg_write(B, 0x52, 2, 0x0021); /* four messages */
	assert_int_equal(cfg_read(B, 0x52, 2), 0x01a7);
	assert_int_equal(fake_get(b, 0x52, 2), 0x01a7);
	assert_int_equal(fake_get(b, 0x54, 4), FAKE_TRANSLATER);
	assert_int_equal(fake_get(b, 0x58, 4), 0);
	assert_int_equal(fake_get(b, 0x5c, 2), 8);
	fake_irq(b, 3);
	assert_int_equal(fake_delivered.count, 1);
	assert_int_equal(fake_delivered.event, 0x23);
	fake_irq(b, 4); /* beyond MME */
	assert_int_equal(fake_delivered.count, 1);
	cfg_write(B, 0x54, 4, 0xfee00000); /* not the doorbell */
	assert_int_equal(fake_get(b, 0x54, 4), FAKE_TRANSLATER);
	fake_irq(b, 0);
	assert_int_equal(fake_delivered.count, 1);
	cfg_write(B, 0x52, 2, 0x0071); /* 128 messages: as many as there are */
	assert_int_equal(cfg_read(B, 0x52, 2), 0x01b7);
	assert_int_equal(fake_get(b, 0x52, 2), 0x01b7);
	cfg_write(B, 0x52, 2, 0);
	assert_int_equal(fake_get(b, 0x52, 2) & 0x71, 0);
}

static void msi_data_that_would_be_cut_is_not_granted(void **state)
{
	static const struct {
		uint32_t first, count;
		unsigned mmc;
	} t[] = { { 0, 8, 3 }, { 4, 8, 2 }, { 6, 8, 1 }, { 7, 8, 0 }, { 0, 3, 1 }, { 0, 1, 0 } };

	for (unsigned i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		fake_end();
		fake_begin();
		a = fake_add(A);
		fake_as[0].msi.first_data = t[i].first;
		fake_as[0].msi.count = t[i].count;
		fake_start();
		assert_int_equal(cfg_read(A, 0x52, 2) >> 1 & 7, t[i].mmc);
	}
}

static void msi_masks_are_the_guests_and_ours(void **state)
{
	fake_end();
	fake_begin();
	a = fake_add(A);
	fake_as[0].msi.count = 2;
	fake_start();
	cfg_write(A, 0x60, 4, 1);
	assert_int_equal(cfg_read(A, 0x60, 4), 1);
	assert_int_equal(fake_get(a, 0x60, 4), 0xfd); /* two granted */
	cfg_write(A, 0x60, 4, 0);
	assert_int_equal(fake_get(a, 0x60, 4), 0xfc);
	fake_put(a, 0x64, 4, 0x02);
	assert_int_equal(cfg_read(A, 0x64, 4), 2);
	cfg_write(A, 0x64, 4, 0xff);
	assert_int_equal(fake_get(a, 0x64, 4), 2);
}

static bool intx_off(const struct fake_dev *d)
{
	return fake_get(d, PCI_COMMAND, 2) & PCI_CMD_INTX_OFF;
}

/* The sky2 sequence: a driver tries MSI, sees nothing, and falls back to its line. */
static void leaving_msi_gives_the_line_back(void **state)
{
	static const struct {
		unsigned off;
		uint16_t on;
	} t[] = { { 0x52, 1 }, { 0xc2, 0x8000 } };

	for (unsigned i = 0; i < 2; i++) {
		assert_false(intx_off(a));
		host_trace_clear();
		cfg_write(A, t[i].off, 2, t[i].on);
		assert_true(intx_off(a));
		assert_true(host_trace_find(0, "cfg_write", PCI_COMMAND) <
			    host_trace_find(0, "cfg_write", t[i].off)); /* the line first */
		assert_int_equal(cfg_read(A, PCI_COMMAND, 2), MEM);
		cfg_write(A, PCI_COMMAND, 2, MEM | PCI_CMD_MASTER);
		assert_true(intx_off(a));
		cfg_write(A, t[i].off, 2, 0);
		assert_false(intx_off(a));
		cfg_write(A, t[i].off, 2, t[i].on);
		cfg_write(A, PCI_COMMAND, 2, MEM | PCI_CMD_INTX_OFF); /* while it does not show */
		cfg_write(A, t[i].off, 2, 0);
		assert_true(intx_off(a));
		cfg_write(A, PCI_COMMAND, 2, MEM);
		assert_false(intx_off(a));
	}
}

static void without_an_iommu_the_device_gets_the_physical_doorbell(void **state)
{
	fake_end();
	fake_begin();
	a = fake_add(A);
	a->pf->iommu = NULL;
	fake_start();
	fake_put(a, PCI_COMMAND, 2, MEM);
	assert_int_equal(hw(a, 0, 0), 0x8090040);
	guest_place(A, 0, AT);
	cfg_write(A, PCI_COMMAND, 2, MEM);
	vector(TABLE, 0, FAKE_TRANSLATER, 9, 0); /* the guest's is the virtual one */
	assert_int_equal(hw(a, 0, 12), 0);
}

/* GICv2m: the guest's frame is one place, the page that devices reach another. */
static void the_device_gets_the_bus_doorbell_the_guest_has_its_own(void **state)
{
	fake_end();
	fake_begin();
	a = fake_add(A);
	fake_dma_doorbell = 0x8020000;
	fake_as[0].msi.first_data = 96;
	fake_start();
	guest_place(A, 0, AT);
	cfg_write(A, PCI_COMMAND, 2, MEM);
	vector(TABLE, 3, FAKE_TRANSLATER, 70, 0);
	assert_int_equal(guest_read(TABLE + 0x30, 4), FAKE_TRANSLATER);
	assert_int_equal(hw(a, 3, 0), 0x8020040);
	assert_int_equal(hw(a, 3, 8), 99);
	assert_int_equal(hw(a, 3, 12), 0);
	cfg_write(A, 0xc2, 2, 0x8000);
	fake_irq(a, 3);
	assert_int_equal(fake_delivered.count, 1);
	assert_int_equal(fake_delivered.event, 70);
	vector(TABLE, 3, 0x8020040, 70,
	       0); /* the physical place is nothing that a guest may name */
	assert_int_equal(hw(a, 3, 12), 1);
	cfg_write(A, 0xc2, 2, 0);
	cfg_write(A, 0x54, 4, FAKE_TRANSLATER);
	cfg_write(A, 0x58, 4, 0);
	cfg_write(A, 0x5c, 2, 72);
	cfg_write(A, 0x52, 2, 1);
	assert_int_equal(fake_get(a, 0x54, 4), 0x8020040);
	assert_int_equal(fake_get(a, 0x5c, 2), 96);
	fake_irq(a, 0);
	assert_int_equal(fake_delivered.count, 2);
	assert_int_equal(fake_delivered.event, 72);
}

static void table_accesses_without_mem_reach_nothing(void **state)
{
	cfg_write(A, PCI_COMMAND, 2, 0);
	host_trace_clear();
	vector(TABLE, 0, FAKE_TRANSLATER, 1, 0);
	assert_true(guest_read(TABLE, 8) == ~UINT64_C(0));
	assert_int_equal(host_trace_find(0, "w32", UINT64_MAX), -1);
	cfg_write(A, PCI_COMMAND, 2, MEM);
	assert_int_equal(guest_read(TABLE, 4), 0);
}

static void start_direct(void)
{
	fake_end();
	fake_begin();
	a = fake_add(A);
	fake_as[0].msi_direct = true;
	memset(fake_memory(a->pf->bar[0].pa.v + 0x2000), 0xee, 128); /* the last owner's */
	fake_start();
	guest_place(A, 0, AT);
	cfg_write(A, PCI_COMMAND, 2, MEM);
}

static void a_direct_table_is_the_guests_own(void **state)
{
	start_direct();
	assert_true(guest_direct(TABLE));
	assert_true(guest_direct(AT + 0x3000)); /* pending bits */
	for (unsigned i = 0; i < 8; i++) {      /* as after a reset */
		assert_int_equal(hw(a, i, 0) | hw(a, i, 4) | hw(a, i, 8), 0);
		assert_int_equal(hw(a, i, 12), 1);
	}
	vector(TABLE, 3, FAKE_TRANSLATER, 5, 0);
	assert_int_equal(hw(a, 3, 0), FAKE_TRANSLATER);
	assert_int_equal(hw(a, 3, 8), 5);
	assert_int_equal(hw(a, 3, 12), 0);
	cfg_write(A, 0xc2, 2, 0xc000); /* enable and function mask are in the capability */
	assert_int_equal(fake_get(a, 0xc2, 2), 0xc007);
	assert_int_equal(hw(a, 3, 0), FAKE_TRANSLATER);
}

static void a_direct_event_is_the_guests(void **state)
{
	start_direct();
	fake_irq(a, 5);
	assert_int_equal(fake_delivered.count, 0); /* MSI-X is off */
	cfg_write(A, 0xc2, 2, 0x8000);
	fake_irq(a, 5);
	assert_int_equal(fake_delivered.count, 1);
	assert_int_equal(fake_delivered.event, 5);
	cfg_write(A, 0xc2, 2, 0);
	cfg_write(A, 0x54, 4, FAKE_TRANSLATER); /* MSI is trapped all the same */
	cfg_write(A, 0x5c, 2, 0x40);
	cfg_write(A, 0x52, 2, 0x0001);
	assert_int_equal(fake_get(a, 0x5c, 2), 0);
	fake_irq(a, 0);
	assert_int_equal(fake_delivered.event, 0x40);
}

static void a_direct_table_is_lost_with_the_device_and_the_guest(void **state)
{
	start_direct();
	vector(TABLE, 3, FAKE_TRANSLATER, 5, 0);
	cfg_write(A, 0x88, 2, 0x8000); /* FLR */
	host_time_advance(200000);
	cfg_read(A, 0, 4);
	assert_int_equal(hw(a, 3, 0), 0);
	assert_int_equal(hw(a, 3, 12), 1);
	cfg_write(A, PCI_COMMAND, 2, MEM);
	vector(TABLE, 3, FAKE_TRANSLATER, 5, 0);
	vpci_reset(fake_vm.vpci);
	assert_int_equal(hw(a, 3, 0), 0);
	assert_int_equal(hw(a, 3, 12), 1);
}

static void messages_follow_their_vcpu_and_not_too_often(void **state)
{
	static struct vcpu vcpus[2] = { { .cpu = 2 }, { .cpu = 3, .index = 1 } };

	fake_vm.vcpu[0] = &vcpus[0];
	fake_vm.vcpu[1] = &vcpus[1];
	fake_delivered.news = true;
	vector(TABLE, 2, FAKE_TRANSLATER, 77, 0);
	vector(TABLE, 4, FAKE_TRANSLATER, 78, 0);
	cfg_write(A, 0xc2, 2, 0x8000);
	host_time_advance(1000);
	fake_delivered.to = 1;
	fake_irq(a, 2);
	assert_int_equal(fake_msi.moves, 1);
	assert_int_equal(fake_msi.vector, 2);
	assert_int_equal(fake_msi.cpu, 3);
	fake_irq(a, 4);
	fake_irq(a, 2);
	assert_int_equal(fake_msi.moves, 1);
	host_time_advance(1000);
	fake_irq(a, 4);
	assert_int_equal(fake_msi.moves, 2);
	assert_int_equal(fake_msi.vector, 4);
	host_time_advance(1000);
	fake_delivered.news = false; /* nobody took the last one: nothing to gain */
	fake_irq(a, 4);
	assert_int_equal(fake_msi.moves, 2);
}

#define IDLE_MAX (1U << 18)
static void a_vector_that_runs_away_is_stopped_and_comes_back(void **state)
{
	vector(TABLE, 2, FAKE_TRANSLATER, 77, 0);
	cfg_write(A, 0xc2, 2, 0x8000);
	for (unsigned round = 0; round < 2; round++) {
		fake_delivered.news = false;
		for (unsigned i = 0; i < IDLE_MAX - 1; i++)
			fake_irq(a, 2);
		fake_delivered.news = true; /* taken after all */
		fake_irq(a, 2);
		assert_int_equal(fake_msi.disables, round);
		fake_delivered.news = false;
		for (unsigned i = 0; i < IDLE_MAX; i++)
			fake_irq(a, 2);
		assert_int_equal(fake_msi.disables, round + 1);
		assert_int_equal(fake_msi.vector, 2);
		assert_non_null(
			strstr(host_log(), "vector 2 sent 262144 messages that nobody took"));
		assert_int_equal(fake_msi.enables, 8 * round);
		cfg_write(A, 0xc2, 2, 0x8000);
		cfg_write(A, 0xc2, 2, 0x8000);
		assert_int_equal(fake_msi.enables, 8 * (round + 1)); /* once, all of the function */
	}
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(boot_programs_the_physical_table_masked),
		T(guest_values_never_reach_the_physical_table),
		T(a_vector_is_open_when_unmasked_and_at_the_doorbell),
		T(narrow_writes_to_the_table_do_nothing),
		T(vectors_beyond_the_granted_do_not_exist),
		T(enable_and_function_mask_reach_the_device),
		T(msix_interrupts_become_the_guests_events),
		T(msi_is_programmed_with_our_message),
		T(msi_data_that_would_be_cut_is_not_granted),
		T(msi_masks_are_the_guests_and_ours),
		T(leaving_msi_gives_the_line_back),
		T(without_an_iommu_the_device_gets_the_physical_doorbell),
		T(the_device_gets_the_bus_doorbell_the_guest_has_its_own),
		T(table_accesses_without_mem_reach_nothing),
		T(a_direct_table_is_the_guests_own),
		T(a_direct_event_is_the_guests),
		T(a_direct_table_is_lost_with_the_device_and_the_guest),
		T(messages_follow_their_vcpu_and_not_too_often),
		T(a_vector_that_runs_away_is_stopped_and_comes_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
