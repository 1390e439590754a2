/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Accesses that may fault, <arch/mmio.h>. They are in section .text.probe, from probe_begin to
 * probe_end (viaduct.ld). A synchronous exception or SError that EL2 takes there is an answer:
 * vectors.S goes on at probe_fixup, with w1 the width asked for and x9 the DAIF to restore.
 */
	.section .text.probe, "ax"

/*
 * PCI accesses that may fault. SError is unmasked from the first DSB to the end (x9 holds DAIF). An
 * older SError is taken before NAME_access; vectors.S tells by that label whether the access caused
 * it. Loads are LDAR, because a Device load next to a load-exclusive may stop a Cortex-A57 (erratum
 * 832075). x0 = address (VA), w1 = size in bytes, x2 = value.
 */
	.macro probe name, op, r
	.global \name
	.type \name, %function
\name:
	hint	#34			/* BTI c */
	mrs	x9, daif
	dsb	sy
	msr	daifclr, #4
	isb
	cmp	w1, #2
	b.lo	1f
	b.eq	2f
	cmp	w1, #4
	b.eq	4f
	.global \name\()_access
\name\()_access:
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

	probe	arch_mmio_probe_read, ldar, 0
	probe	arch_mmio_probe_write, str, 2

	.text
	.global probe_fixup
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
