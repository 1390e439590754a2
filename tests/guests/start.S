/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Entry, exception vectors and secondary entry of the EL1 payloads. The first instruction reads
 * the counter, so that a payload can say when its guest was really entered. MMU off on entry,
 * x0 = device tree (Documentation/arch/arm64/booting); runs wherever it is loaded: relocates
 * itself.
 */
	.section .head, "ax"
	.globl head
head:
	mrs	x9, cntpct_el0		/* code0: the first instruction */
	b	start			/* code1 */
	.quad	0			/* text_offset */
	.quad	image_end - head	/* image_size, with bss, stacks and heap */
	.quad	0xa			/* flags: little endian, 4 KiB pages, anywhere in memory */
	.quad	0, 0, 0
	.ascii	"ARM\x64"
	.long	0

	.text
start:
	mov	x19, x0
	mov	x20, x9

	adrp	x0, bss_start
	add	x0, x0, :lo12:bss_start
	adrp	x1, bss_end
	add	x1, x1, :lo12:bss_end
1:	cmp	x0, x1
	b.hs	2f
	stp	xzr, xzr, [x0], #16
	b	1b

	/* Linked at 0: every R_AARCH64_RELATIVE (1027) entry is base + addend. */
2:	adrp	x4, head
	adrp	x0, rela_start
	add	x0, x0, :lo12:rela_start
	adrp	x1, rela_end
	add	x1, x1, :lo12:rela_end
3:	cmp	x0, x1
	b.hs	5f
	ldp	x2, x3, [x0], #16
	ldr	x5, [x0], #8
	cmp	w3, #1027
	b.ne	3b
	add	x5, x5, x4
	str	x5, [x4, x2]
	b	3b

5:	mov	x21, #0
	bl	cpu_setup
	mov	x0, x19
	adrp	x1, head
	bl	mmu_build		/* MMU off: plain aligned stores only */
	bl	mmu_on
	mov	x0, x19
	mov	x1, x20
	bl	rt_main
	b	.

	.globl	secondary_entry		/* PSCI CPU_ON: x0 = context = CPU index */
secondary_entry:
	mov	x21, x0
	bl	cpu_setup
	bl	mmu_on
	mov	x0, x21
	bl	rt_secondary
	b	.

/* x21 = CPU index: stack, vectors, FP for libfdt (its package uses SIMD). Keeps x19..x21, x30. */
cpu_setup:
	adrp	x0, stacks
	add	x0, x0, :lo12:stacks
	add	x1, x21, #1
	add	x0, x0, x1, lsl #14	/* STACK_SIZE */
	mov	sp, x0
	msr	tpidr_el1, x21
	adrp	x0, vectors
	add	x0, x0, :lo12:vectors
	msr	vbar_el1, x0
	mov	x0, #3 << 20
	msr	cpacr_el1, x0
	msr	daifset, #0xf
	isb
	/* V0..V31 as they were found, before anything here uses them. */
	adrp	x0, first_simd
	add	x0, x0, :lo12:first_simd
	add	x0, x0, x21, lsl #9
	.irp	n, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30
	st1	{v\n\().2d}, [x0], #16
	.endr
	.irp	n, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31
	st1	{v\n\().2d}, [x0], #16
	.endr
	ret

mmu_on:
	adrp	x0, mmu_regs		/* mair, tcr, ttbr0, sctlr */
	add	x0, x0, :lo12:mmu_regs
	ldp	x1, x2, [x0]
	ldp	x3, x4, [x0, #16]
	msr	mair_el1, x1
	msr	tcr_el1, x2
	msr	ttbr0_el1, x3
	tlbi	vmalle1
	dsb	ish
	ic	iallu
	dsb	ish
	isb
	msr	sctlr_el1, x4
	isb
	msr	daifclr, #4		/* SError is reported, never left pending */
	ret

	.macro	vector kind
	.balign	128
	sub	sp, sp, #272
	stp	x0, x1, [sp]
	mov	x0, #\kind
	b	trap_common
	.endm

	.balign	2048
vectors:
	.irp	kind, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
	vector	\kind
	.endr

trap_common:
	stp	x2, x3, [sp, #16]
	stp	x4, x5, [sp, #32]
	stp	x6, x7, [sp, #48]
	stp	x8, x9, [sp, #64]
	stp	x10, x11, [sp, #80]
	stp	x12, x13, [sp, #96]
	stp	x14, x15, [sp, #112]
	stp	x16, x17, [sp, #128]
	stp	x18, x19, [sp, #144]
	stp	x20, x21, [sp, #160]
	stp	x22, x23, [sp, #176]
	stp	x24, x25, [sp, #192]
	stp	x26, x27, [sp, #208]
	stp	x28, x29, [sp, #224]
	mrs	x2, elr_el1
	mrs	x3, spsr_el1
	stp	x30, x2, [sp, #240]
	str	x3, [sp, #256]
	mov	x1, sp
	bl	rt_trap
	ldp	x30, x2, [sp, #240]
	ldr	x3, [sp, #256]
	msr	elr_el1, x2
	msr	spsr_el1, x3
	ldp	x18, x19, [sp, #144]
	ldp	x20, x21, [sp, #160]
	ldp	x22, x23, [sp, #176]
	ldp	x24, x25, [sp, #192]
	ldp	x26, x27, [sp, #208]
	ldp	x28, x29, [sp, #224]
	ldp	x16, x17, [sp, #128]
	ldp	x14, x15, [sp, #112]
	ldp	x12, x13, [sp, #96]
	ldp	x10, x11, [sp, #80]
	ldp	x8, x9, [sp, #64]
	ldp	x6, x7, [sp, #48]
	ldp	x4, x5, [sp, #32]
	ldp	x2, x3, [sp, #16]
	ldp	x0, x1, [sp]
	add	sp, sp, #272
	eret

	.section .note.GNU-stack, "", %progbits
