/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every access to the virtual PL011: any offset in its page that the size allows, any value, any
 * state of its ring; and one more character from the terminal.
 */
#include "prove.h"

#include "common/guest/vuart.c"

static unsigned shown;

void vgic_set_level(struct vm *vm, struct vcpu *cur, uint32_t vintid, bool level)
{
}

void console_put(uint16_t console, const char *text, size_t n)
{
	PROVE(n == 1, "a write is one character");
	shown++;
}

void prove(void)
{
	static struct vm vm;
	static struct vuart u;
	struct mmio_access a = { .off = any_below(PAGE_SIZE),
				 .value = nondet_u64(),
				 .size = (uint8_t)(1U << any_below(4)),
				 .write = nondet_bool() };
	uint32_t count;

	ASSUME(a.off % a.size == 0);
	__CPROVER_havoc_object(&u);
	u.lock = (struct spinlock){ 0, 0 };
	u.vm = &vm;
	ASSUME(rx_count(&u) <= RX_SIZE);
	count = rx_count(&u);
	if (nondet_bool()) {
		receive(&u, (char)nondet_u8());
		PROVE(rx_count(&u) == MIN(count + 1, (uint32_t)RX_SIZE), "input waits, or is lost");
		return;
	}
	PROVE(access(NULL, &u, &a) == EMUL_OK, "an access is made");
	PROVE(rx_count(&u) == count ||
		      (!a.write && count && a.off < 4 && rx_count(&u) == count - 1),
	      "a read of the data takes one");
	PROVE(shown == (a.write && a.off == 0), "a write of the data is shown");
	PROVE(a.write || a.value <= UINT32_MAX, "registers have 32 bits");
}
