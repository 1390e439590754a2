/* SPDX-License-Identifier: Apache-2.0 */
/* The emulated PL011 as Linux' drivers use it; the virtual GIC is a level that the test reads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <host.h>
#include <hv/console.h>
#include <hv/plan.h>
#include <hv/pmem.h>
#include <hv/vuart.h>
#include <spec/pl011.h>

static struct vm vm = { .name = "alpha" };
static struct vcpu vcpu = { .vm = &vm };
static emul_fn *access_fn;
static void *access_arg;
static void (*rx_fn)(void *arg, char c);
static void *rx_arg;
static char sent[64];
static bool level;
static unsigned level_changes;

enum hv_status vm_emulate(struct vm *v, ipa_t base, uint64_t size, emul_fn *fn, void *arg,
			  uint8_t *kind)
{
	assert_ptr_equal(v, &vm);
	assert_int_equal(base.v, GUEST_UART_BASE);
	assert_int_equal(size, PAGE_SIZE);
	assert_null(kind);
	access_fn = fn;
	access_arg = arg;
	return HV_OK;
}

uint16_t console_add(const char *name, void (*rx)(void *arg, char c), void *arg)
{
	assert_string_equal(name, "alpha");
	rx_fn = rx;
	rx_arg = arg;
	return 3;
}

void console_put(uint16_t ring, const char *text, size_t n)
{
	assert_int_equal(ring, 3);
	strncat(sent, text, n);
}

void vgic_set_level(struct vm *v, struct vcpu *cur, uint32_t vintid, bool l)
{
	assert_ptr_equal(v, &vm);
	assert_true(!cur || cur == &vcpu);
	assert_int_equal(vintid, VUART_VIRQ);
	level_changes += level != l;
	level = l;
}

static uint64_t access_sized(uint64_t off, uint8_t size, bool write, uint64_t value)
{
	struct mmio_access m = { .off = off, .size = size, .write = write, .value = value };

	assert_int_equal(access_fn(&vcpu, access_arg, &m), EMUL_OK);
	return m.value;
}

static uint32_t get(uint64_t off) { return (uint32_t)access_sized(off, 4, false, 0); }

static void set(uint64_t off, uint32_t v) { access_sized(off, 4, true, v); }

static void type(const char *s)
{
	while (*s)
		rx_fn(rx_arg, *s++);
}

static int begin(void **state)
{
	vuart_reset(vm.vuart);
	memset(sent, 0, sizeof(sent));
	level_changes = 0;
	return 0;
}

static void identification_is_a_pl011_with_fifos_of_32(void **state)
{
	static const uint8_t want[] = { 0x11, 0x10, 0x34, 0x00, 0x0d, 0xf0, 0x05, 0xb1 };

	for (unsigned i = 0; i < 8; i++)
		assert_int_equal(get(0xfe0 + 4 * i), want[i]);
}

static void reset_values(void **state)
{
	assert_int_equal(get(PL011_CR), 0x300);
	assert_int_equal(get(PL011_IFLS), 0x12);
	assert_int_equal(get(PL011_IMSC), 0);
	assert_int_equal(get(PL011_RIS), 0);
	assert_int_equal(get(PL011_FR) & ~7U, PL011_FR_TXFE | PL011_FR_RXFE);
}

static void configuration_reads_back(void **state)
{
	static const struct {
		uint32_t off, implemented;
	} rows[] = {
		{ PL011_IBRD, 0xffff }, { PL011_FBRD, 0x3f }, { PL011_LCR_H, 0xff },
		{ PL011_CR, 0xff87 },   { PL011_IFLS, 0x3f }, { PL011_IMSC, 0x7ff },
		{ PL011_DMACR, 7 },     { PL011_RIS, 0 },     { 0xf00, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		set(rows[i].off, ~0U);
		assert_int_equal(get(rows[i].off), rows[i].implemented);
		set(rows[i].off, 0);
		assert_int_equal(get(rows[i].off), 0);
	}
}

static void output_goes_to_the_console_in_any_width(void **state)
{
	set(PL011_DR, 'a');
	access_sized(PL011_DR, 1, true, 'b');
	access_sized(PL011_DR, 2, true, 'c');
	access_sized(PL011_DR + 1, 1, true, 'x');
	assert_string_equal(sent, "abc");
	assert_false(get(PL011_FR) & (PL011_FR_TXFF | PL011_FR_BUSY));
}

/* amba-pl011: fills the FIFO, unmasks TX, goes on in the interrupt, masks it when done. */
static void interrupt_driven_output_goes_on(void **state)
{
	set(PL011_ICR, 0x7ff);
	set(PL011_DR, '1');
	set(PL011_IMSC, PL011_INT_TX);
	assert_true(level);
	assert_int_equal(get(PL011_MIS), PL011_INT_TX);
	set(PL011_DR, '2');
	assert_true(level);
	set(PL011_ICR, PL011_INT_TX); /* as some drivers do before they write */
	assert_false(level);
	set(PL011_DR, '3');
	assert_true(level);
	set(PL011_IMSC, 0);
	assert_false(level);
	assert_string_equal(sent, "123");
}

static void level_is_told_only_when_it_changes(void **state)
{
	set(PL011_IMSC, PL011_INT_TX);
	for (unsigned i = 0; i < 20; i++)
		set(PL011_DR, 'x');
	assert_int_equal(level_changes, 1);
}

static void input_asserts_until_it_is_read(void **state)
{
	set(PL011_IMSC, PL011_INT_RT);
	type("hi");
	assert_true(level);
	set(PL011_ICR, PL011_INT_RX | PL011_INT_RT); /* clearing with input left loses nothing */
	assert_true(level);
	assert_int_equal(get(PL011_FR) & PL011_FR_RXFE, 0);
	assert_int_equal(get(PL011_DR), 'h');
	assert_true(level);
	assert_int_equal(access_sized(PL011_DR, 1, false, 0), 'i');
	assert_false(level);
	assert_true(get(PL011_FR) & PL011_FR_RXFE);
	assert_int_equal(get(PL011_DR), 0);
}

static void overrun_is_reported_once_and_nothing_else_is_lost(void **state)
{
	unsigned n = 0;
	uint32_t d;

	for (unsigned i = 0; i < 1024 + 5; i++) {
		assert_int_equal(!!(get(PL011_FR) & PL011_FR_RXFF), i >= 32);
		rx_fn(rx_arg, (char)('a' + i % 26));
	}
	d = get(PL011_DR);
	assert_int_equal(d, 'a' | PL011_DR_OE);
	for (n = 1; !(get(PL011_FR) & PL011_FR_RXFE); n++)
		assert_int_equal(get(PL011_DR), 'a' + n % 26);
	assert_int_equal(n, 1024);
}

static void reset_drops_input_and_level(void **state)
{
	set(PL011_IMSC, PL011_INT_RX);
	type("x");
	assert_true(level);
	vuart_reset(vm.vuart);
	assert_false(level);
	assert_int_equal(get(PL011_RIS), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(identification_is_a_pl011_with_fifos_of_32, begin),
		cmocka_unit_test_setup(reset_values, begin),
		cmocka_unit_test_setup(configuration_reads_back, begin),
		cmocka_unit_test_setup(output_goes_to_the_console_in_any_width, begin),
		cmocka_unit_test_setup(interrupt_driven_output_goes_on, begin),
		cmocka_unit_test_setup(level_is_told_only_when_it_changes, begin),
		cmocka_unit_test_setup(input_asserts_until_it_is_read, begin),
		cmocka_unit_test_setup(overrun_is_reported_once_and_nothing_else_is_lost, begin),
		cmocka_unit_test_setup(reset_drops_input_and_level, begin),
	};
	void *arena = aligned_alloc(MIB(2), MIB(2));
	int failed;

	pmem_reset();
	pmem_add((struct range){ (uintptr_t)arena, MIB(2) });
	if (vuart_init(&vm, IPA(GUEST_UART_BASE), VUART_VIRQ) != HV_OK || !vm.vuart ||
	    vm.console != 3)
		return 1;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	free(arena);
	return failed;
}
