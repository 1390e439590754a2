/*
 * EL2 vectors. A trap saves all general registers in a frame at the top of this CPU's stack and
 * hands it to C with the vCPU; what the guest left in SIMD registers is never touched.
 */
#include "cpu.h"
#include "sysreg.h"

	.macro save
	sub	sp, sp, #FRAME_SIZE
	stp	x0, x1, [sp, #16 * 0]
	stp	x2, x3, [sp, #16 * 1]
	stp	x4, x5, [sp, #16 * 2]
	stp	x6, x7, [sp, #16 * 3]
	stp	x8, x9, [sp, #16 * 4]
	stp	x10, x11, [sp, #16 * 5]
	stp	x12, x13, [sp, #16 * 6]
	stp	x14, x15, [sp, #16 * 7]
	stp	x16, x17, [sp, #16 * 8]
	stp	x18, x19, [sp, #16 * 9]
	stp	x20, x21, [sp, #16 * 10]
	stp	x22, x23, [sp, #16 * 11]
	stp	x24, x25, [sp, #16 * 12]
	stp	x26, x27, [sp, #16 * 13]
	stp	x28, x29, [sp, #16 * 14]
	mrs	x1, elr_el2
	stp	x30, x1, [sp, #16 * 15]
	mrs	x1, spsr_el2
	str	x1, [sp, #16 * 16]
	.endm

	.macro vector label
	.balign	128
	save
	b	\label
	.endm

	.section .vectors, "ax"
	.balign	2048
	.global vectors
vectors:
	vector	el2_fault		/* current EL, SP_EL0: never used */
	vector	el2_fault
	vector	el2_fault
	vector	el2_fault
	vector	el2_sync		/* current EL, SP_EL2 */
	vector	el2_fault		/* EL2 runs with interrupts masked */
	vector	el2_fault
	vector	el2_serror
	vector	guest_sync		/* lower EL, AArch64: synchronous */
	vector	guest_irq		/* IRQ */
	vector	el2_fault		/* FIQ: group 0 is not ours */
	vector	guest_serror		/* SError */
	vector	el2_fault		/* lower EL, AArch32: HCR_EL2.RW is 1 */
	vector	el2_fault
	vector	el2_fault
	vector	el2_fault

	.text
guest_sync:
	mov	x0, sp
	mrs	x2, tpidr_el2
	mrs	x1, esr_el2
	ldr	x19, [x2, #CPU_OFF_VCPU]
	mov	x29, #0
	mov	x2, x19
	lsr	w4, w1, #26
	cmp	w4, #0x24		/* data abort */
	b.eq	1f
	cmp	w4, #0x16		/* HVC */
	b.eq	2f
	bl	trap_other
	b	guest_return
1:	bl	trap_data_abort
	b	guest_return
2:	bl	trap_hypercall
	b	guest_return

guest_irq:
	mrs	x2, tpidr_el2
	ldr	x19, [x2, #CPU_OFF_VCPU]
	mov	x29, #0
	mov	x0, x19
	bl	irq_dispatch
	b	guest_return

guest_serror:
	mrs	x2, tpidr_el2
	ldr	x19, [x2, #CPU_OFF_VCPU]
	mov	x29, #0
	mov	x0, sp
	mov	x1, x19
	bl	trap_serror

guest_return:				/* x19 = vCPU; attention is its first member */
	ldr	w0, [x19]
	cbnz	w0, 2f
1:	ldr	x1, [sp, #16 * 16]
	msr	spsr_el2, x1
	ldp	x30, x1, [sp, #16 * 15]
	msr	elr_el2, x1
	ldp	x0, x1, [sp, #16 * 0]
	ldp	x2, x3, [sp, #16 * 1]
	ldp	x4, x5, [sp, #16 * 2]
	ldp	x6, x7, [sp, #16 * 3]
	ldp	x8, x9, [sp, #16 * 4]
	ldp	x10, x11, [sp, #16 * 5]
	ldp	x12, x13, [sp, #16 * 6]
	ldp	x14, x15, [sp, #16 * 7]
	ldp	x16, x17, [sp, #16 * 8]
	ldp	x18, x19, [sp, #16 * 9]
	ldp	x20, x21, [sp, #16 * 10]
	ldp	x22, x23, [sp, #16 * 11]
	ldp	x24, x25, [sp, #16 * 12]
	ldp	x26, x27, [sp, #16 * 13]
	ldp	x28, x29, [sp, #16 * 14]
	add	sp, sp, #FRAME_SIZE
	eret
	dsb	nsh			/* no speculation past the return */
	isb
2:	mov	x0, x19
	bl	trap_attention
	b	1b

/* x0 = PC, x1 = guest's x0, x2 = PSTATE: first entry, on an empty stack, all else zero. */
	.global guest_enter
guest_enter:
	mrs	x4, tpidr_el2
	ldr	x3, [x4, #CPU_OFF_STACK]
	mov	sp, x3
	sub	x3, x3, #FRAME_SIZE
3:	stp	xzr, xzr, [sp, #-16]!
	mov	x5, sp
	cmp	x5, x3
	b.ne	3b
	str	x1, [sp]
	str	x0, [sp, #16 * 15 + 8]
	str	x2, [sp, #16 * 16]
	ldr	x19, [x4, #CPU_OFF_VCPU]
	b	guest_return

/* x0 = stack top: forget everything and wait. */
	.global stack_reset_and_run
stack_reset_and_run:
	mov	sp, x0
	mov	x29, #0
	mov	x30, #0
	b	cpu_run

/* A synchronous exception of EL2: in a fixup range it is an answer, elsewhere the end. */
el2_sync:
	mrs	x0, elr_el2
	adrp	x1, probe_begin
	add	x1, x1, #:lo12:probe_begin
	cmp	x0, x1
	b.lo	el2_fault
	adrp	x1, probe_end
	add	x1, x1, #:lo12:probe_end
	cmp	x0, x1
	b.hs	el2_fault
probe_failed:				/* return from the probe function with all ones */
	adrp	x1, probe_fixup
	add	x1, x1, #:lo12:probe_fixup
	msr	elr_el2, x1
	ldp	x30, x1, [sp, #16 * 15]
	ldp	x0, x1, [sp]
	ldp	x2, x3, [sp, #16]
	add	sp, sp, #FRAME_SIZE
	eret
	dsb	nsh			/* no speculation past the return */
	isb

el2_serror:
	mrs	x0, elr_el2
	adrp	x1, probe_begin
	add	x1, x1, #:lo12:probe_begin
	cmp	x0, x1
	b.lo	el2_fault
	adrp	x1, probe_end
	add	x1, x1, #:lo12:probe_end
	cmp	x0, x1
	b.lo	probe_failed

el2_fault:
	mov	x0, sp
	add	x1, sp, #FRAME_SIZE
	bl	crash

/*
 * PCI accesses that may fault: DSB and ISB so that nothing older is blamed, SError unmasked
 * around the access (x9: saved DAIF). x0 address, w1 size, x2 value.
 */
	.macro probe name, op, r
	.global \name
	.type \name, %function
\name:
	hint	#34			/* BTI c */
	mrs	x9, daif
	dsb	sy
	isb
	msr	daifclr, #4
	cmp	w1, #2
	b.lo	1f
	b.eq	2f
	cmp	w1, #4
	b.eq	4f
	\op	x\r, [x0]
	b	8f
1:	\op\()b	w\r, [x0]
	b	8f
2:	\op\()h	w\r, [x0]
	b	8f
4:	\op	w\r, [x0]
8:	dsb	sy
	isb
	msr	daif, x9
	ret
	.endm

	.balign	4
probe_begin:
	probe	arch_mmio_probe_read, ldr, 0
	probe	arch_mmio_probe_write, str, 2
probe_end:
probe_fixup:				/* all ones of the width asked for; x9 is intact */
	msr	daif, x9
	mov	x0, #-1
	cmp	w1, #4
	b.hi	5f
	mov	w0, w0
	lsl	w1, w1, #3
	neg	w1, w1
	lsr	w0, w0, w1
5:	ret

/* int64_t smc(x0..x3), SMCCC 1.1: x4..x17 are preserved by the callee or clobbered by C's rules. */
	.global smc
	.type smc, %function
smc:
	hint	#34
	smc	#0
	ret

	.global cpu_stop
cpu_stop:
	hint	#34
	msr	daifset, #15
1:	wfi
	b	1b
