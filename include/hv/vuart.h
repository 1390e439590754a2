/* SPDX-License-Identifier: Apache-2.0 */
/* An emulated PL011 (DDI 0183): console of one guest. */
#ifndef HV_VUART_H
#define HV_VUART_H

#include <hv/status.h>
#include <hv/vm.h>

#define VUART_VIRQ 32 /* SPI 0 */

/* Boot: sets vm->vuart, registers the emulator and the console ring. */
enum hv_status __must_check vuart_init(struct vm *vm, ipa_t base, uint32_t vintid);
void vuart_reset(struct vuart *u);

#endif
