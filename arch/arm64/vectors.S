/* SPDX-License-Identifier: Apache-2.0 */
/*
 * EL2 vectors. A trap saves all general registers in a frame at the top of this CPU's stack and
 * hands it to C with the vCPU; what the guest left in SIMD registers is never touched.
 */
#include "controls.h"
#include "cpu.h"
#include "sysreg.h"

	.macro pair op, a, b
	\op	x\a, x\b, [sp, #8 * \a]
	.endm

	/* What of a frame is as it was in the registers, but for x0, x1 and x30. */
	.macro pairs op
	.irp	ab, "2, 3", "4, 5", "6, 7", "8, 9", "10, 11", "12, 13", "14, 15", "16, 17", \
		"18, 19", "20, 21", "22, 23", "24, 25", "26, 27", "28, 29"
	pair	\op, \ab
	.endr
	.endm

	.section .vectors, "ax"
	.balign	2048
	.global vectors
vectors:
	.irp	label, \
		el2_fault, el2_fault, el2_fault, el2_fault, /* current EL, SP_EL0: never used */ \
		el2_probe, el2_fault, el2_fault, el2_serror, /* EL2; interrupts are masked */ \
		guest_sync, guest_irq, guest_fiq, guest_serror, /* AArch64 */ \
		el2_fault, el2_fault, el2_fault, el2_fault /* AArch32: HCR_EL2.RW is 1 */
	.balign	128
	sub	sp, sp, #FRAME_SIZE
	.set	of_el2, 0
	.ifc	\label, el2_probe
	.set	of_el2, 1
	.endif
	.ifc	\label, el2_serror
	.set	of_el2, 1
	.endif
	.if	of_el2
	add	sp, sp, x0		/* no register is free: x0 is what SP grows by */
	sub	x0, sp, x0
	tst	x0, #(CPU_STACK_SLOT - CPU_STACK_GUARD)
	b.eq	stack_overflow		/* in the page below the stack */
	sub	x0, sp, x0
	sub	sp, sp, x0
	.endif
	stp	x0, x1, [sp]
	pairs	stp
	mrs	x1, elr_el2
	stp	x30, x1, [sp, #FRAME_OFF_X30]
	mrs	x1, spsr_el2
	str	x1, [sp, #FRAME_OFF_PSTATE]
	b	\label
	.endr

	.text
	.macro	from_guest		/* x19 = vCPU; a backtrace ends here */
	mrs	x2, tpidr_el2
	ldr	x19, [x2, #CPU_OFF_VCPU]
	mov	x29, #0
	.endm

guest_sync:
	from_guest
	mov	x0, sp
	mrs	x1, esr_el2
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
	from_guest
	mov	x0, x19
	bl	irq_dispatch
	b	guest_return

guest_fiq:
	from_guest
	mov	x0, x19
	bl	trap_fiq
	b	guest_return

guest_serror:
	from_guest
	mov	x0, sp
	mrs	x1, esr_el2
	mov	x2, x19
	bl	trap_serror

guest_return:				/* x19 = vCPU */
	ldr	w0, [x19, #VCPU_OFF_ATTENTION]
	cbnz	w0, 2f
frame_restore:
	ldr	x1, [sp, #FRAME_OFF_PSTATE]
	msr	spsr_el2, x1
	ldp	x30, x1, [sp, #FRAME_OFF_X30]
	msr	elr_el2, x1
	ldp	x0, x1, [sp]
	pairs	ldp
frame_done:
	add	sp, sp, #FRAME_SIZE
	eret
	dsb	nsh			/* no speculation past the return */
	isb
2:	mov	x0, x19
	bl	trap_attention
	b	frame_restore

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
	str	x0, [sp, #FRAME_OFF_PC]
	str	x2, [sp, #FRAME_OFF_PSTATE]
	ldr	x19, [x4, #CPU_OFF_VCPU]
	b	guest_return

	.global simd_reset
	.type simd_reset, %function
simd_reset:
	hint	#34
	.irp	n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, \
		22, 23, 24, 25, 26, 27, 28, 29, 30, 31
	movi	v\n\().2d, #0
	.endr
	msr	fpcr, xzr
	msr	fpsr, xzr
	ret

	.arch_extension sve
	.global sve_reset
	.type sve_reset, %function
sve_reset:
	hint	#34
	.irp	n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, \
		22, 23, 24, 25, 26, 27, 28, 29, 30, 31
	mov	z\n\().b, #0
	.endr
	.irp	n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
	pfalse	p\n\().b
	.endr
	wrffr	p0.b
	ret

/* x0 = stack top: forget everything and wait. */
	.global stack_reset_and_run
stack_reset_and_run:
	mov	sp, x0
	mov	x29, #0
	mov	x30, #0
	b	cpu_run

	.macro	if_within lo, hi, target /* of the ELR in x0 */
	adr	x1, \lo
	cmp	x0, x1
	b.lo	1f
	adr	x1, \hi
	cmp	x0, x1
	b.lo	\target
1:
	.endm

/* An SError that was pending before a probe's access is not the answer to it: the probe goes on. */
el2_serror:
	mrs	x0, elr_el2
	if_within arch_mmio_probe_read, arch_mmio_probe_read_access, el2_drained
	if_within arch_mmio_probe_write, arch_mmio_probe_write_access, el2_drained
	if_within serror_drain, serror_drain_end, el2_drained
	b	el2_probe
el2_drained:
	mrs	x0, esr_el2
	bl	trap_el2_serror
	b	frame_restore

/* A synchronous exception or SError of EL2: of a probe it is an answer, elsewhere the end. */
el2_probe:
	mrs	x0, elr_el2
	adr	x1, probe_begin
	cmp	x0, x1
	b.lo	el2_fault
	adr	x1, probe_end
	cmp	x0, x1
	b.hs	el2_fault
	adr	x1, probe_fixup		/* return from the probe function with all ones */
	msr	elr_el2, x1
	ldr	x1, [sp, #FRAME_OFF_X1]	/* all else is as it was, or the caller's to save */
	b	frame_done

/*
 * x0 = SP, SP = SP + x0. The same again on another stack; the guest's registers are of no use now.
 */
stack_overflow:
	msr	tpidr_el1, x0
	sub	x0, sp, x0
	msr	tpidr_el0, x0
	mrs	x0, tpidr_el2
	add	x0, x0, #(CPU_OFF_EMERGENCY + EMERGENCY_SIZE)
	mov	sp, x0
	mrs	x0, tpidr_el0
	b	vectors			/* the one of SP_EL0 */

el2_fault:
	mov	x0, sp
	add	x1, sp, #FRAME_SIZE
	bl	crash

/* What may be undefined is tried where a fault is an answer, as in port/probe.S. */
	.section .text.probe, "ax"
	/*
	 * int64_t write_NAME(uint64_t value): 0, or -1 by probe_fixup when the write is undefined.
	 */
	.macro	control name, reg
	.global write_\name
	.type write_\name, %function
write_\name:
	hint	#34
	mrs	x9, daif
	mov	w1, #8
	msr	\reg, x0
	mov	x0, #0
	ret
	.endm
#define X(name, reg) control name, reg;
EACH_CONTROL(X)
#undef X
	control svcr, SVCR
	control zcr_el2, S3_4_C1_C2_0

	.global sve_length
	.type sve_length, %function
sve_length:
	hint	#34
	mrs	x9, daif
	mov	w1, #8
	rdvl	x0, #1
	ret
	.text

/* What firmware or the last owner of this CPU left pending is taken here. */
	.global serror_drain
	.type serror_drain, %function
serror_drain:
	hint	#34
	dsb	sy
	msr	daifclr, #4
	isb
	msr	daifset, #4
	ret
serror_drain_end:

	.global cpu_stop
cpu_stop:
	hint	#34
	msr	daifset, #15
1:	wfi
	b	1b
