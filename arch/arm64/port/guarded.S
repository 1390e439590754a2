/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Accesses of mmu.c through its windows: what is there may be poisoned. They are in the range of
 * probes (vectors.S): a synchronous exception or SError makes them return -1 by probe_fixup. SError
 * is unmasked meanwhile, and the last DSB and ISB bring what these accesses cause; what was pending
 * before was taken by serror_drain(). `line`: bytes of the smallest data cache line.
 */
	.section .text.probe, "ax"

	.macro guarded name
	.global \name
	.type \name, %function
\name:
	hint	#34			/* BTI c */
	mov	x10, x1
	mov	w1, #8			/* what probe_fixup takes for the width of the result, */
	mrs	x9, daif		/* and what it restores */
	msr	daifclr, #4
	.endm

	.macro done
	dsb	sy
	isb
	msr	daif, x9
	mov	x0, #0
	ret
	.endm

	/* Cleans and invalidates [at, at + size) by lines of x3; x4 and x5 go. */
	.macro clean_inval at, size
	sub	x4, x3, #1
	add	x5, \at, \size
	bic	x4, \at, x4
9:	dc	civac, x4
	add	x4, x4, x3
	cmp	x4, x5
	b.lo	9b
	dsb	sy
	.endm

	/* x2 bytes from x10 to x0; 32 a turn, then bytes. x2, x4 to x7 and x10 go. */
	.macro copy
1:	subs	x2, x2, #32
	b.lo	2f
	ldp	x4, x5, [x10]
	ldp	x6, x7, [x10, #16]
	add	x10, x10, #32
	stp	x4, x5, [x0]
	stp	x6, x7, [x0, #16]
	add	x0, x0, #32
	b	1b
2:	adds	x2, x2, #32
	b.eq	4f
3:	ldrb	w4, [x10], #1
	strb	w4, [x0], #1
	subs	x2, x2, #1
	b.ne	3b
4:
	.endm

	/* int64_t guarded_read(void *to, const void *from, size_t size, size_t line) */
	guarded	guarded_read
	clean_inval x10, x2
	copy
	done

	/* int64_t guarded_write(void *to, const void *from, size_t size, size_t line) */
	guarded	guarded_write
	mov	x11, x0
	mov	x12, x2
	copy
	clean_inval x11, x12
	done

	/* int64_t guarded_zero(void *to, size_t size, size_t unused, size_t line); by DC ZVA */
	guarded	guarded_zero
	mov	x11, x0
	mov	x12, x10
	mrs	x4, dczid_el0
	cmp	w4, #4			/* allowed (DZP), and blocks of 64 bytes, as everywhere */
	b.ne	6f
	orr	x4, x0, x10
	tst	x4, #63
	b.ne	6f
5:	dc	zva, x0
	add	x0, x0, #64
	subs	x10, x10, #64
	b.hi	5b
	b	8f
6:	subs	x10, x10, #16
	b.lo	7f
	stp	xzr, xzr, [x0], #16
	b	6b
7:	adds	x10, x10, #16
	b.eq	8f
10:	strb	wzr, [x0], #1
	subs	x10, x10, #1
	b.ne	10b
8:
	clean_inval x11, x12
	done
