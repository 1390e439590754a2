/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memcpy, memmove, memset: 64 bytes a turn with general registers; zeroing by DC ZVA.
 * EL2 memory is Normal wherever these are used, so unaligned accesses are fine.
 */
	.macro func name
	.global \name
	.type \name, %function
\name:
	hint	#34
	.endm

	.text
	func	memcpy
	mov	x3, x0
copy_up:
	subs	x2, x2, #64
	b.lo	2f
1:	ldp	x4, x5, [x1]
	ldp	x6, x7, [x1, #16]
	ldp	x8, x9, [x1, #32]
	ldp	x10, x11, [x1, #48]
	add	x1, x1, #64
	stp	x4, x5, [x3]
	stp	x6, x7, [x3, #16]
	stp	x8, x9, [x3, #32]
	stp	x10, x11, [x3, #48]
	add	x3, x3, #64
	subs	x2, x2, #64
	b.hs	1b
2:	adds	x2, x2, #56		/* - 64 + 64 - 8 */
	b.mi	4f
3:	ldr	x4, [x1], #8
	str	x4, [x3], #8
	subs	x2, x2, #8
	b.pl	3b
4:	add	x2, x2, #8
	cbz	x2, 6f
5:	ldrb	w4, [x1], #1
	strb	w4, [x3], #1
	subs	x2, x2, #1
	b.ne	5b
6:	ret

	func	memmove
	mov	x3, x0
	sub	x4, x0, x1
	cmp	x4, x2
	b.hs	copy_up			/* not overlapping upwards */
	add	x3, x3, x2
	add	x1, x1, x2
1:	cbz	x2, 2f
	sub	x2, x2, #1
	ldrb	w4, [x1, #-1]!
	strb	w4, [x3, #-1]!
	b	1b
2:	ret

	func	memset
	mov	x3, x0
	and	x1, x1, #0xff
	mov	x4, #0x0101010101010101
	mul	x1, x1, x4
1:	tst	x3, #63			/* up to a 64-byte line */
	b.eq	3f
	cbz	x2, 9f
	strb	w1, [x3], #1
	sub	x2, x2, #1
	b	1b
3:	cbnz	x1, 5f
	mrs	x5, dczid_el0
	/* allowed (DZP), and a block is such a line, as everywhere */
	cmp	w5, #4
	b.ne	5f
4:	subs	x2, x2, #64
	b.lo	7f
	dc	zva, x3
	add	x3, x3, #64
	b	4b
5:	subs	x2, x2, #64
	b.lo	7f
	stp	x1, x1, [x3]
	stp	x1, x1, [x3, #16]
	stp	x1, x1, [x3, #32]
	stp	x1, x1, [x3, #48]
	add	x3, x3, #64
	b	5b
7:	add	x2, x2, #64
8:	cbz	x2, 9f
	strb	w1, [x3], #1
	sub	x2, x2, #1
	b	8b
9:	ret
