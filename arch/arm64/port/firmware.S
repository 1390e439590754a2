/* SPDX-License-Identifier: Apache-2.0 */
/* The call of the firmware above EL2, <arch/firmware.h>. */
	.text
/* void arch_firmware_call(uint64_t regs[4]): SMCCC 1.0 lets firmware change x4..x17, as C does. */
	.global arch_firmware_call
	.type arch_firmware_call, %function
arch_firmware_call:
	hint	#34
	str	x0, [sp, #-16]!
	mov	x4, x0
	ldp	x0, x1, [x4]
	ldp	x2, x3, [x4, #16]
	smc	#0
	ldr	x4, [sp], #16
	stp	x0, x1, [x4]
	stp	x2, x3, [x4, #16]
	ret
