/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Debian's U-Boot for qemu_arm64 as a guest. It was built for QEMU's virt machine: it runs from
 * wherever it is, page aligned, but looks for its device tree where RAM begins, and grows its
 * first stack down from 2 MiB above. So this Image goes behind those 2 MiB, and copies the tree.
 * Two addresses are in its code: the early console becomes the guest's PL011, and the flash that
 * holds the environment becomes RAM, in which U-Boot finds none and takes its built-in one.
 */
/* movz x0, #(address >> 16), lsl #16; with the other bits it is of another register, or movk. */
#define MOVZ(address)	(0xd2a00000 | (address) >> 16 << 5)
#define OTHER		(1 << 29 | 31)
#define EARLY_UART	0x09000000
#define FLASH		0x04000000
#define VPL011		0x22000000
#define NO_ENVIRONMENT	0x40100000 /* between tree and stack */

	.text
head:
	b	start
	.long	0
	.quad	0x200000		/* text_offset */
	.quad	image_end - head	/* image_size, with U-Boot's bss */
	.quad	0xa			/* little endian, 4 KiB pages, anywhere in memory */
	.quad	0, 0, 0
	.ascii	"ARM\x64"
	.long	0
start:
	adr	x1, head
	sub	x1, x1, #0x200000
	ldr	w2, [x0, #4]		/* totalsize, big endian */
	rev	w2, w2
	add	x2, x0, x2
1:	ldp	x3, x4, [x0], #16
	stp	x3, x4, [x1], #16
	cmp	x0, x2
	b.lo	1b

	ldr	w4, =MOVZ(EARLY_UART)
	ldr	w5, =MOVZ(VPL011)
	ldr	w6, =MOVZ(FLASH)
	ldr	w7, =MOVZ(NO_ENVIRONMENT)
	ldr	w8, =OTHER
	adr	x0, uboot
	ldr	x1, size
	add	x1, x1, x0
2:	ldr	w2, [x0]
	bic	w3, w2, w8
	and	w2, w2, w8
	cmp	w3, w4
	csel	w3, w5, w3, eq
	cmp	w3, w6
	csel	w3, w7, w3, eq
	orr	w2, w2, w3
	str	w2, [x0], #4
	cmp	x0, x1
	b.lo	2b
	ic	iallu
	dsb	nsh
	isb
	b	uboot
	.ltorg
	.balign	8
size:	.quad	uboot_end - uboot

	.balign	4096
uboot:
	.incbin	UBOOT
	.balign	4096
uboot_end:
	.space	0x10000
image_end:
