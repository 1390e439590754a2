/* SPDX-License-Identifier: Apache-2.0 */
/* What ports see: links, slots, error messages. What becomes of devices, who is told, how long. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <arch/time.h>
#include <host.h>

#include "../host/pci_board.h"

#define ECAM   UINT64_C(0x4010000000)
#define LOOK   200000
#define MASTER 0x0006

static struct pcim m;
static struct pcim_dev *port[2], *disk[2];
static struct pci_func *func[2];

static struct {
	unsigned count, grave;
	const struct pci_func *of;
	char what[140];
} told;

static void listen(struct pci_func *f, bool grave, const char *what)
{
	told.count++;
	told.grave += grave;
	told.of = f;
	strncpy(told.what, what, sizeof(told.what) - 1);
}

static struct pcim_dev *add_port(unsigned dev)
{
	struct pcim_dev *p = pcim_bridge(&m, NULL, dev, 0, 4);

	pcim_slot(p);
	pcim_aer(p);
	return p;
}

static struct pcim_dev *add_disk(struct pcim_dev *up)
{
	struct pcim_dev *d = pcim_endpoint(&m, up, 0, 0, 0x8086, 1);

	pcim_bar(d, 0, KIB(16), 0);
	pcim_pcie(d, 0, true, 2);
	pcim_msix(d, 4, 0, 0x800);
	pcim_aer(d);
	return d;
}

/* Two root ports, each with the disk of a guest, if `guests` says so; that drives it. */
static void begin(void)
{
	board_begin();
	pcim_init(&m, ECAM, MIB(256), 0);
	for (unsigned i = 0; i < 2; i++) {
		port[i] = add_port(i + 1);
		disk[i] = add_disk(port[i]);
	}
}

static void go(unsigned guests)
{
	board_probe(&m);
	memset(&told, 0, sizeof(told));
	board_cuts = 0;
	for (unsigned i = 0; i < 2; i++) {
		func[i] = board_func(disk[i]);
		if (!(guests & 1u << i))
			continue;
		func[i]->owner = (uint16_t)(i + 1);
		pci_event(func[i], PCI_CLAIM);
	}
	assert_true(pci_ports_init(listen));
	for (unsigned i = 0; i < 2; i++)
		pci_command_write(func[i], MASTER);
	host_log_clear();
}

static void look(void)
{
	host_time_advance(LOOK);
	assert_int_equal(pci_ports_poll(), LOOK);
}

static void look_for(uint64_t us)
{
	for (; us >= LOOK; us -= LOOK)
		look();
}

static void wait(void *arg)
{
	(void)arg;
	host_time_advance(1000);
	(void)pci_ports_poll();
}

static enum hv_status reset(unsigned i) { return pci_reset_owned((uint16_t)(i + 1), wait, NULL); }

/* Accesses to a function's config space since host_trace_clear(). */
static unsigned accesses(const struct pcim_dev *d)
{
	uint64_t at = ECAM + ((uint64_t)board_func(d)->bdf << 12);
	unsigned n = 0;

	for (size_t i = 0; i < host_trace_count(); i++)
		n += host_trace_at(i)->addr - at < 0x1000;
	return n;
}

static uint32_t slot_control(const struct pcim_dev *p) { return pcim_get(p, p->pcie + 0x18u, 2); }

static void assert_works_on(unsigned i)
{
	assert_int_equal(pci_state(func[i]), PCI_OWNED);
	assert_int_equal(pcim_get(disk[i], 4, 2), MASTER);
}

static void test_only_ports_above_guests_are_looked_at(void **state)
{
	begin();
	go(1);
	host_trace_clear();
	look();
	assert_in_range(accesses(port[0]), 1, 4);
	assert_int_equal(accesses(port[1]) + accesses(disk[0]) + accesses(disk[1]), 0);
	host_trace_clear();
	host_time_advance(LOOK / 2);
	assert_in_range(pci_ports_poll(), LOOK / 2 - 1000, LOOK / 2 + 1000); /* too early */
	assert_int_equal(host_trace_count(), 0);
	assert_int_equal(told.count, 0);
	assert_works_on(0);
}

static void test_without_guests_there_is_nothing_to_look_at(void **state)
{
	begin();
	board_probe(&m);
	assert_false(pci_ports_init(listen));
}

/* Surprise removal, or only the link: the same. The neighbour does not notice. */
static void test_a_link_that_goes_down_loses_the_device(void **state)
{
	for (unsigned card = 0; card < 2; card++) {
		begin();
		go(3);
		if (card)
			pcim_card(port[0], disk[0], false);
		else
			pcim_link(port[0], false);
		host_trace_clear();
		look();
		assert_int_equal(pci_state(func[0]), PCI_LOST);
		assert_int_equal(board_cuts, 1);
		assert_int_equal(told.count, 1);
		assert_ptr_equal(told.of, func[0]);
		assert_non_null(strstr(told.what, "gone from port 0000:00:01.0"));
		look_for(3000000);
		assert_int_equal(accesses(disk[0]), 0); /* it is not asked even once */
		assert_int_equal(told.count, 1);
		assert_works_on(1);
		assert_int_equal(reset(0), HV_ETIMEOUT);
		/* An empty slot has no power; without a card nothing gets it. */
		assert_int_equal(slot_control(port[0]), card ? 0x0700 : 0x0100);
	}
}

/* Down and up again between two looks: it lost its state all the same. */
static void test_a_link_that_flapped_loses_the_device(void **state)
{
	begin();
	go(1);
	pcim_link(port[0], false);
	pcim_link(port[0], true);
	look();
	assert_int_equal(pci_state(func[0]), PCI_LOST);
	look_for(1000000);
	assert_int_equal(reset(0), HV_OK);
	assert_int_equal(pci_state(func[0]), PCI_IDLE);
}

static void test_the_button_gives_the_guest_five_seconds(void **state)
{
	begin();
	go(3);
	pcim_press(port[0]);
	look();
	assert_int_equal(told.count, 1);
	assert_non_null(strstr(told.what, "to be switched off"));
	assert_int_equal(slot_control(port[0]), 0x0200);
	look_for(4600000);
	assert_works_on(0);
	look_for(800000);
	assert_int_equal(pci_state(func[0]), PCI_LOST);
	assert_int_equal(board_cuts, 1);
	assert_int_equal(slot_control(port[0]), 0x0700); /* indicator and power off */
	assert_works_on(1);
	/* It stays off while the card is there, until the button is pressed. */
	look_for(3000000);
	assert_int_equal(slot_control(port[0]), 0x0700);
	pcim_press(port[0]);
	look_for(2000000);
	assert_int_equal(slot_control(port[0]), 0x0100);
	assert_int_equal(reset(0), HV_OK);
}

static void test_the_button_again_is_no(void **state)
{
	begin();
	go(1);
	pcim_press(port[0]);
	look_for(1000000);
	pcim_press(port[0]);
	look_for(8000000);
	assert_works_on(0);
	assert_int_equal(slot_control(port[0]), 0x0100);
}

/* Its driver let go of it: bus mastering is off. */
static void test_a_guest_that_lets_go_need_not_be_waited_for(void **state)
{
	begin();
	go(1);
	pcim_press(port[0]);
	look();
	pci_command_write(func[0], 0x0402);
	look();
	assert_int_equal(pci_state(func[0]), PCI_LOST);
	look_for(1000000); /* the last command may take so long */
	assert_int_equal(slot_control(port[0]), 0x0700);
}

/* §6.7.3.2: no command before the last one is done, or a second is over. */
static void test_slot_commands_wait_for_each_other(void **state)
{
	begin();
	go(1);
	pcim_press(port[0]);
	look();
	pcim_press(port[0]);
	look();
	assert_int_equal(slot_control(port[0]), 0x0200);
	port[0]->cfg[port[0]->pcie + 0x1a] |= 0x10;
	look();
	assert_int_equal(slot_control(port[0]), 0x0100);
	pcim_press(port[0]);
	look_for(600000);
	assert_int_equal(slot_control(port[0]), 0x0100);
	look_for(600000);
	assert_int_equal(slot_control(port[0]), 0x0200);
}

/* A card comes: the same one, or another. Only a reset takes it. */
static void test_a_card_that_comes_is_taken_if_it_is_the_same(void **state)
{
	static const struct {
		unsigned off;
		uint32_t value;
		enum hv_status want;
	} cases[] = {
		{ 0x08, 0x02000007, HV_OK }, /* another revision */
		{ 0x00, 0x00028086, HV_ECONFLICT },
		{ 0x08, 0x01080201, HV_ECONFLICT },  /* another class */
		{ 0x100, 0x15010002, HV_ECONFLICT }, /* VC where AER was */
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		begin();
		go(1);
		pcim_card(port[0], disk[0], false);
		look_for(2000000);
		pcim_set(disk[0], cases[i].off, 4, cases[i].value);
		pcim_card(port[0], disk[0], true);
		host_trace_clear();
		look_for(3000000);
		assert_int_equal(slot_control(port[0]), 0x0100);
		assert_non_null(strstr(told.what, "there is a card in slot 0000:00:01.0 again"));
		assert_int_equal(accesses(disk[0]), 0);
		assert_int_equal(pci_state(func[0]), PCI_LOST);
		assert_int_equal(reset(0), cases[i].want);
		assert_int_equal(pci_state(func[0]), cases[i].want == HV_OK ? PCI_IDLE : PCI_LOST);
		assert_int_equal(pcim_get(disk[0], 4, 2) & 4, 0);
	}
}

static void test_uncorrectable_errors_quarantine(void **state)
{
	static const struct {
		enum pcim_severity severity;
		uint32_t status;
		const char *want;
	} cases[] = {
		{ PCIM_NONFATAL, 1 << 12, "non-fatal error (poisoned TLP, status 0x00001000);" },
		{ PCIM_FATAL, 1 << 18, "fatal error (malformed TLP, status 0x00040000);" },
		{ PCIM_FATAL, 1u << 31, "fatal error (, status 0x80000000);" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		begin();
		go(3);
		pcim_error(disk[0], cases[i].severity, cases[i].status);
		host_trace_clear();
		look();
		assert_int_equal(pci_state(func[0]), PCI_QUARANTINED);
		assert_int_equal(pcim_get(disk[0], 4, 2), 0x0402);
		assert_int_equal(board_cuts, 1);
		assert_int_equal(told.grave, 1);
		assert_int_equal(strncmp(told.what, cases[i].want, strlen(cases[i].want)), 0);
		assert_int_equal(pcim_get(port[0], port[0]->aer + 0x30u, 4), 0);
		assert_in_range(accesses(disk[0]), 1, 2);
		/* Once is enough: it is not touched again, whatever it sends. */
		host_trace_clear();
		for (unsigned n = 0; n < 20; n++) {
			pcim_error(disk[0], cases[i].severity, cases[i].status);
			look();
		}
		assert_int_equal(told.count, 1);
		assert_in_range(accesses(disk[0]), 0, 20);
		assert_works_on(1);
		/* The guest reads of it what happened, until it resets it. */
		assert_int_equal(pcim_get(disk[0], disk[0]->aer + 4u, 4),
				 cases[i].status & ~0xfcfu);
		assert_int_equal(reset(0), HV_OK);
		assert_int_equal(pcim_get(disk[0], disk[0]->aer + 4u, 4), 0);
		assert_int_equal(pcim_get(disk[0], disk[0]->pcie + 0xau, 2) & 15, 0);
		pci_event(func[0], PCI_CLAIM);
		pcim_error(disk[0], PCIM_FATAL, 1 << 18); /* its reports are still on */
		look();
		assert_int_equal(pci_state(func[0]), PCI_QUARANTINED);
	}
}

static void test_correctable_errors_are_counted_and_cleared(void **state)
{
	begin();
	go(3);
	for (unsigned n = 0; n < 100; n++) {
		pcim_error(disk[0], PCIM_CORRECTABLE, 1 << 6);
		look();
		assert_int_equal(pcim_get(disk[0], disk[0]->aer + 0x10u, 4), 0);
		assert_int_equal(pcim_get(port[0], port[0]->aer + 0x30u, 4), 0);
	}
	assert_int_equal(func[0]->correctable, 100);
	assert_int_equal(told.count, 7); /* 1, 2, 4, ... 64 */
	assert_int_equal(told.grave, 0);
	assert_string_equal(told.what, "64 correctable errors (bad TLP, status 0x00000040)");
	assert_works_on(0);
}

/* More senders than the root port keeps. */
static struct pcim_dev *low[2];

static void begin_switch(void)
{
	struct pcim_dev *up;

	board_begin();
	pcim_init(&m, ECAM, MIB(256), 0);
	port[0] = port[1] = add_port(1);
	up = pcim_bridge(&m, port[0], 0, 0, 5);
	for (unsigned i = 0; i < 2; i++) {
		low[i] = pcim_bridge(&m, up, i, 0, 6);
		disk[i] = add_disk(low[i]);
	}
}

static void test_two_errors_at_once_are_both_found(void **state)
{
	begin_switch();
	go(3);
	pcim_error(disk[0], PCIM_FATAL, 1 << 18);
	pcim_error(disk[1], PCIM_NONFATAL, 1 << 12);
	look();
	assert_int_equal(pci_state(func[0]), PCI_QUARANTINED);
	assert_int_equal(pci_state(func[1]), PCI_QUARANTINED);
	assert_int_equal(told.count, 2);
}

/* A port that several guests share says of itself that something is wrong: none of them pays. */
static void test_errors_of_a_shared_port_are_only_said(void **state)
{
	begin_switch();
	go(3);
	pcim_error(port[0], PCIM_FATAL, 1 << 14);
	look();
	assert_int_equal(told.count, 0);
	assert_works_on(0);
	assert_works_on(1);
	assert_non_null(strstr(host_log(), "0000:00:01.0: fatal error (completion timeout"));
	pcim_error(low[1], PCIM_FATAL, 1 << 14); /* and the one that only one has */
	look();
	assert_works_on(0);
	assert_int_equal(pci_state(func[1]), PCI_QUARANTINED);
}

/* The card of one guest goes; the switch, and with it the other's, stays. */
static void test_one_port_of_a_switch_goes_down(void **state)
{
	begin_switch();
	go(3);
	pcim_link(low[0], false);
	look();
	assert_int_equal(pci_state(func[0]), PCI_LOST);
	assert_works_on(1);
	/* The whole switch: what is behind it is not asked. */
	pcim_link(port[0], false);
	look();
	assert_int_equal(pci_state(func[1]), PCI_LOST);
	host_trace_clear();
	look_for(2000000);
	assert_int_equal(accesses(low[0]) + accesses(low[1]), 0);
	/* And back, having forgotten everything. */
	for (unsigned i = 1; i < m.count; i++)
		memcpy(m.dev[i].cfg, m.dev[i].power_on, sizeof(m.dev[i].cfg));
	pcim_link(low[0], true);
	pcim_link(port[0], true);
	look_for(2000000);
	assert_int_equal(reset(0), HV_OK);
	assert_int_equal(reset(1), HV_OK);
	pci_event(func[1], PCI_CLAIM);
	pcim_error(disk[1], PCIM_FATAL, 1 << 18); /* messages pass the bridges again */
	look();
	assert_int_equal(pci_state(func[1]), PCI_QUARANTINED);
}

static void test_dpc_disconnects_and_is_cleared(void **state)
{
	begin();
	pcim_dpc(port[0]);
	go(3);
	pcim_error(disk[0], PCIM_NONFATAL, 1 << 12);
	assert_true(port[0]->link_down); /* by the port, at once */
	host_trace_clear();
	look();
	assert_int_equal(pci_state(func[0]), PCI_LOST);
	assert_non_null(strstr(told.what, "disconnected by port 0000:00:01.0"));
	assert_int_equal(accesses(disk[0]), 0);
	assert_false(port[0]->link_down); /* released, which is a reset */
	look_for(1000000);
	assert_int_equal(pci_state(func[0]), PCI_LOST);
	assert_int_equal(reset(0), HV_OK);
	assert_works_on(1);
}

/* RP Busy: not to be released yet (§6.2.11). */
static void test_dpc_waits_for_a_busy_port(void **state)
{
	begin();
	pcim_dpc(port[0]);
	go(1);
	pcim_error(disk[0], PCIM_FATAL, 1 << 18);
	port[0]->cfg[port[0]->dpc + 8] |= 0x10;
	look_for(2000000);
	assert_true(port[0]->link_down);
	assert_int_equal(told.count, 1);
	port[0]->cfg[port[0]->dpc + 8] &= (uint8_t)~0x10;
	look();
	assert_false(port[0]->link_down);
}

/* It would take the device of another guest with it. */
static void test_dpc_of_a_shared_port_stays_off(void **state)
{
	begin_switch();
	pcim_dpc(port[0]);
	pcim_dpc(low[0]);
	go(3);
	assert_int_equal(pcim_get(port[0], port[0]->dpc + 6u, 2), 0);
	assert_int_equal(pcim_get(low[0], low[0]->dpc + 6u, 2), 2);
}

/* A look is over after 50 ms and one access: what else sent an error is lost, and not asked. */
static void test_one_look_takes_bounded_time(void **state)
{
	uint64_t start;

	begin_switch();
	go(3);
	for (unsigned i = 0; i < 2; i++) {
		disk[i]->answer_us = 40000;
		pcim_error(disk[i], PCIM_FATAL, 1 << 18);
	}
	host_time_advance(LOOK);
	start = arch_time_ticks();
	pci_ports_poll();
	assert_in_range(arch_time_ticks() - start, 40000, 90000);
	assert_int_equal(pci_state(func[0]), PCI_QUARANTINED);
	assert_int_equal(pci_state(func[1]), PCI_LOST);
}

/* Each access takes 40 ms, for ever errors: the looking CPU has a twentieth of its time for it. */
static void test_slow_answers_take_bounded_time(void **state)
{
	uint64_t start, spent = 0;

	begin();
	go(1);
	disk[0]->answer_us = 40000;
	for (unsigned n = 0; n < 100; n++) {
		pci_event(func[0], PCI_RESET_BEGINS); /* as a guest that resets it on and on */
		pci_event(func[0], PCI_RESET_DONE);
		pci_event(func[0], PCI_CLAIM);
		pcim_error(disk[0], n & 1 ? PCIM_CORRECTABLE : PCIM_FATAL, 1 << 18);
		host_time_advance(LOOK);
		start = arch_time_ticks();
		pci_ports_poll();
		spent += arch_time_ticks() - start;
		assert_true(n & 1 || pci_state(func[0]) != PCI_OWNED || spent > 50000);
	}
	assert_in_range(spent, 1, 50000 + 100 * LOOK / 20 + 120000);
	disk[0]->answer_us = 0;
	look_for(10000000);
	assert_int_not_equal(pci_state(func[0]), PCI_OWNED);
}

static void test_lost_while_it_is_reset(void **state)
{
	begin();
	go(1);
	pci_reset_begin(func[0]);
	assert_int_equal(pci_reset_step(func[0]), HV_EAGAIN);
	assert_int_equal(disk[0]->resets, 1);
	pcim_link(port[0], false);
	look();
	assert_int_equal(pci_state(func[0]), PCI_LOST);
	pcim_link(port[0], true);
	host_time_advance(200000);
	assert_int_equal(pci_reset_step(func[0]), HV_ETIMEOUT);
	assert_int_equal(pci_state(func[0]), PCI_LOST);
	look_for(1000000);
	assert_int_equal(reset(0), HV_OK);
}

/* A reset of the bus takes the link down itself: that is no removal. */
static void test_a_reset_of_the_bus_is_no_removal(void **state)
{
	begin();
	pcim_set(disk[0], disk[0]->pcie + 4u, 4, 2); /* no FLR */
	go(1);
	assert_string_equal(pci_reset_method(func[0]), "bus");
	pci_reset_begin(func[0]);
	assert_int_equal(pci_reset_step(func[0]), HV_EAGAIN);
	pcim_link(port[0], false);
	look();
	assert_int_equal(pci_state(func[0]), PCI_RESETTING);
	pcim_link(port[0], true);
	for (unsigned ms = 0; ms < 400 && pci_reset_step(func[0]) == HV_EAGAIN; ms++)
		host_time_advance(1000);
	assert_int_equal(pci_state(func[0]), PCI_IDLE);
	look();
	assert_int_equal(told.count, 0);
	assert_int_equal(pci_state(func[0]), PCI_IDLE);
	pci_event(func[0], PCI_CLAIM);
	pcim_error(disk[0], PCIM_FATAL, 1 << 18); /* the port still passes messages */
	look();
	assert_int_equal(pci_state(func[0]), PCI_QUARANTINED);
}

/* The link does not come back: the reset ends after seconds, not after a minute. */
static void test_a_link_that_stays_down_ends_the_reset(void **state)
{
	uint64_t start;

	begin();
	pcim_set(disk[0], disk[0]->pcie + 4u, 4, 2);
	go(1);
	pci_reset_begin(func[0]);
	assert_int_equal(pci_reset_step(func[0]), HV_EAGAIN);
	pcim_link(port[0], false);
	start = arch_time_ticks();
	host_trace_clear();
	while (pci_reset_step(func[0]) == HV_EAGAIN)
		host_time_advance(1000);
	assert_in_range(arch_time_ticks() - start, 0, 4000000);
	assert_in_range(accesses(disk[0]), 0, 40);
	assert_int_equal(pci_state(func[0]), PCI_LOST);
}

/* Not ready, by RRS or by completion time-outs that read as all ones: asked ever more rarely. */
static void test_a_device_that_does_not_get_ready_is_asked_rarely(void **state)
{
	for (unsigned ones = 0; ones < 2; ones++) {
		begin();
		go(1);
		disk[0]->not_ready_after_reset = ones ? 0 : 1000000;
		disk[0]->dead_after_reset = ones;
		pci_reset_begin(func[0]);
		host_trace_clear();
		while (pci_reset_step(func[0]) == HV_EAGAIN)
			host_time_advance(1000);
		assert_in_range(accesses(disk[0]), 100, 200); /* in a minute */
		assert_int_equal(pci_state(func[0]), PCI_LOST);
		assert_int_equal(board_cuts, 1);
	}
}

#define T(name) cmocka_unit_test(name)
int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_only_ports_above_guests_are_looked_at),
		T(test_without_guests_there_is_nothing_to_look_at),
		T(test_a_link_that_goes_down_loses_the_device),
		T(test_a_link_that_flapped_loses_the_device),
		T(test_the_button_gives_the_guest_five_seconds),
		T(test_the_button_again_is_no),
		T(test_a_guest_that_lets_go_need_not_be_waited_for),
		T(test_slot_commands_wait_for_each_other),
		T(test_a_card_that_comes_is_taken_if_it_is_the_same),
		T(test_uncorrectable_errors_quarantine),
		T(test_correctable_errors_are_counted_and_cleared),
		T(test_two_errors_at_once_are_both_found),
		T(test_errors_of_a_shared_port_are_only_said),
		T(test_one_port_of_a_switch_goes_down),
		T(test_dpc_disconnects_and_is_cleared),
		T(test_dpc_waits_for_a_busy_port),
		T(test_dpc_of_a_shared_port_stays_off),
		T(test_one_look_takes_bounded_time),
		T(test_slow_answers_take_bounded_time),
		T(test_lost_while_it_is_reset),
		T(test_a_reset_of_the_bus_is_no_removal),
		T(test_a_link_that_stays_down_ends_the_reset),
		T(test_a_device_that_does_not_get_ready_is_asked_rarely),
	};

	return cmocka_run_group_tests_name("pci_ports", tests, NULL, NULL);
}
