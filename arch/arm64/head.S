/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Entry: arm64 Image header, a minimal identity map, MMU and caches on, relocation, C.
 * booti leaves (Documentation/arch/arm64/booting): MMU off, data cache off, x0 = device tree.
 */
#include "cpu.h"
#include "mmu.h"
#include "sysreg.h"

	.section .head.text, "ax"
	.global _start
_start:
	b	entry
	.long	0
	.quad	0			/* text_offset */
	.quad	_image_size
	.quad	0xa			/* little endian, 4 KiB pages, anywhere in RAM */
	.quad	0, 0, 0
	.ascii	"ARM\x64"
	.long	0
	.global	image_room		/* viaduct.ld compares it */
	.set	image_room, IMAGE_ROOM

/* x0 = address of a table for index (x1 >> shift) in table x2; allocates from x22. x3, x4 go. */
.macro next_table shift
	lsr	x3, x1, #\shift
	and	x3, x3, #511
	ldr	x4, [x2, x3, lsl #3]
	cbnz	x4, 1f
	orr	x4, x22, #PTE_TYPE_PAGE
	str	x4, [x2, x3, lsl #3]
	add	x22, x22, #4096
1:	and	x2, x4, #0xfffffffff000
.endm

/* Maps the 2 MiB block of x1 with attributes x5, unless something is there already. */
map_block:
	adrp	x2, early_tables
	next_table 39
	next_table 30
	ubfx	x3, x1, #21, #9
	ldr	x4, [x2, x3, lsl #3]
	cbnz	x4, 1f
	and	x4, x1, #~0x1fffff
	orr	x4, x4, x5
	str	x4, [x2, x3, lsl #3]
1:	ret

/*
 * What the caches hold of the early tables goes: before they are written, as a dirty line might be
 * evicted over them, and after, as what is cached is stale. x0..x3 go.
 */
.macro forget_early_tables
	dsb	sy
	adrp	x0, early_tables
	add	x1, x0, #(EARLY_TABLES * 4096)
	mrs	x2, ctr_el0
	ubfx	x2, x2, #16, #4
	mov	x3, #4
	lsl	x2, x3, x2
3:	dc	ivac, x0
	add	x0, x0, x2
	cmp	x0, x1
	b.lo	3b
	dsb	sy
.endm

entry:
	msr	daifset, #15
	mov	x20, x0			/* device tree */
	mov	x5, #(PTE_TYPE_BLOCK | PTE_NORMAL | PTE_SH_INNER | PTE_AF_BIT)
	mrs	x19, CurrentEL
	mov	x21, #0
	cmp	x19, #(2 << 2)
	b.ne	1f
	mrs	x21, cntpct_el0		/* entry time */
	orr	x5, x5, #PTE_AP1
1:	forget_early_tables
	adrp	x22, early_tables
	mov	x0, x22
	add	x1, x22, #(EARLY_TABLES * 4096)
2:	stp	xzr, xzr, [x0], #16
	cmp	x0, x1
	b.lo	2b
	add	x22, x22, #4096		/* the first is the root */
	adrp	x1, _start
	bl	map_block
	orr	x5, x5, #PTE_RO
	orr	x5, x5, #(1 << PTE_XN_SHIFT)
	mov	x1, x20
	bl	map_block
	ldr	w1, [x20, #4]		/* totalsize, big endian: at most 2 MiB, so two blocks */
	rev	w1, w1
	mov	w2, #0x200000
	cmp	w1, w2
	csel	w1, w1, w2, lo
	add	x1, x20, x1
	bl	map_block
	forget_early_tables
	adrp	x0, early_tables
	cmp	x19, #(2 << 2)
	b.ne	entered_low
	mov	w1, #0			/* code is writable until el2_init() */
	bl	el2_on

relocate:
	/* Every R_AARCH64_RELATIVE (ELF for AArch64, Dynamic relocations) gets the load address. */
	adrp	x0, _start
	adr	x1, _rela
	adr	x2, _rela_end
4:	cmp	x1, x2
	b.hs	5f
	ldp	x3, x4, [x1], #16
	ldr	x5, [x1], #8
	cmp	w4, #1027
	b.ne	4b
	add	x5, x5, x0
	str	x5, [x0, x3]
	b	4b
5:	adr	x0, _bss
	mov	w1, #0
	adr	x2, _bss_end
	sub	x2, x2, x0
	bl	memset
	cmp	x19, #(2 << 2)
	adrp	x0, boot_stack + CPU_STACK_SLOT
	mov	sp, x0
	mov	x29, #0
	mov	x30, #0
	b.ne	7f
	adr	x0, vectors
	msr	vbar_el2, x0
	adr	x0, boot_cpu
	msr	tpidr_el2, x0
	isb
	mov	x0, x20
	mov	x1, x21
	b	start
7:	mov	x0, x20
	b	start_below_el2

/* Tables at x0, SCTLR x1; x2 and x3 go. */
	.macro	mmu_on el, tcr, ps_shift, tlbi
	mov	x2, #MAIR_VALUE
	msr	mair_\el, x2
	mrs	x2, id_aa64mmfr0_el1
	and	x2, x2, #0xf		/* PARange; 6 and more is clamped to 48 bits */
	mov	x3, #5
	cmp	x2, x3
	csel	x2, x2, x3, lo
	ldr	x3, =\tcr		/* T0SZ 16, write-back, inner shareable, 4 KiB */
	orr	x3, x3, x2, lsl #\ps_shift
	msr	tcr_\el, x3
	msr	ttbr0_\el, x0
	isb
	ic	iallu
	tlbi	\tlbi
	dsb	sy
	isb
	msr	sctlr_\el, x1
	isb
	.endm

/* EL1: the same map in EL1's registers, to be able to say that this is not EL2. */
entered_low:
	ldr	w1, =(0x30d00800 | SCTLR_M | SCTLR_C | SCTLR_I)
	mmu_on	el1, 0x803510, 32, vmalle1 /* EPD1 */
	b	relocate

/*
 * EL2's MMU and caches on, with the tables at x0 and further bits of SCTLR in w1. While it changes
 * tables the MMU is off, as blocks may become pages (DDI 0487 D8.14, break-before-make); nothing
 * is loaded or stored then but literals, which nobody writes.
 */
	.global el2_on
el2_on:
	ldr	w3, =SCTLR_EL2_RES1
	msr	sctlr_el2, x3
	ldr	w2, =(SCTLR_M | SCTLR_C | SCTLR_SA | SCTLR_I)
	orr	w1, w1, w2
	orr	w1, w1, w3
	ldr	x2, =((1 << 31) | HCR_SWIO | HCR_FMO | HCR_IMO | HCR_AMO)
	msr	hcr_el2, x2		/* RW; E2H must go to 0 before SCTLR means EL2 */
	isb
	mrs	x2, hcr_el2
	mov	w3, #0x22ff		/* CPTR_EL2: no trap of FP, which the C libraries use */
	tbz	x2, #HCR_E2H_BIT, 1f
	mov	w3, #(3 << 20)		/* E2H is fixed to 1: CPTR_EL2.FPEN */
1:	msr	cptr_el2, x3
	isb
	mmu_on	el2, 0x80803510, 16, alle2 /* RES1 */
	ret

/* A CPU that PSCI started: x0 = its struct cpu. */
	.global secondary_entry
secondary_entry:
	msr	daifset, #15
	mov	x20, x0
	adrp	x0, el2_root
	mov	w1, #SCTLR_WXN
	bl	el2_on
	adr	x0, vectors
	msr	vbar_el2, x0
	msr	tpidr_el2, x20
	isb
	ldr	x0, [x20, #CPU_OFF_STACK]
	mov	sp, x0
	mov	x29, #0
	mov	x30, #0
	mov	x0, x20
	b	cpu_secondary
	.ltorg

	.section .early_tables, "aw", %nobits
	.balign	4096
	.global early_tables
early_tables:
	.space	EARLY_TABLES * 4096

/* The boot CPU's: a page that nobody maps, then the stack. vectors.S knows it by its address. */
	.section .stacks, "aw", %nobits
	.balign	CPU_STACK_SLOT
	.global boot_stack
boot_stack:
	.space	CPU_STACK_SLOT
