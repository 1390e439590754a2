/*
 * Entry: arm64 Image header, a minimal identity map, MMU and caches on, relocation, C.
 * booti leaves (Documentation/arch/arm64/booting): MMU off, data cache off, x0 = device tree.
 */
#include "cpu.h"
#include "mmu.h"
#include "sysreg.h"

#define RX_ATTR	 (PTE_TYPE_PAGE | PTE_NORMAL | PTE_RO | PTE_SH_INNER | PTE_AF_BIT)
#define RW_ATTR	 (PTE_TYPE_PAGE | PTE_NORMAL | PTE_SH_INNER | PTE_AF_BIT)

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

/* Maps the block of the image page by page, each with the rights of its section. x24 = AP[1]. */
map_image:
	adrp	x1, _start
	adrp	x2, early_tables
	next_table 39
	next_table 30
	next_table 21
	and	x1, x1, #~0x1fffff
	mov	x3, #0
	mov	x6, #1
	adrp	x7, _text_end
	adrp	x8, _libs_end
	adrp	x9, _rodata_end
	adrp	x10, _end
1:	mov	x5, #RX_ATTR
	cmp	x1, x7
	b.hs	2f
	orr	x5, x5, x23		/* code of ours: guarded, where the CPU has BTI */
	b	4f
2:	cmp	x1, x8
	b.lo	4f
	orr	x5, x5, x6, lsl #PTE_XN_SHIFT
	cmp	x1, x9
	b.lo	4f
	cmp	x1, x10
	b.hs	4f
	mov	x5, #RW_ATTR
	orr	x5, x5, x6, lsl #PTE_XN_SHIFT
4:	orr	x5, x5, x24
	orr	x5, x5, x1
	str	x5, [x2, x3, lsl #3]
	add	x1, x1, #4096
	add	x3, x3, #1
	cmp	x3, #512
	b.ne	1b
	ret

entry:
	msr	daifset, #15
	mov	x20, x0			/* device tree */
	mrs	x19, CurrentEL
	mov	x21, #0
	mov	x24, #0
	cmp	x19, #(2 << 2)
	b.ne	1f
	mrs	x21, cntpct_el0		/* entry time */
	mov	x24, #PTE_AP1
1:	mrs	x0, id_aa64pfr1_el1	/* BT, bits 3:0 */
	and	x0, x0, #0xf
	mov	x23, #0
	cbz	x0, 1f
	mov	x23, #1
	lsl	x23, x23, #PTE_GP_SHIFT
1:	adrp	x22, early_tables
	mov	x0, x22
	add	x1, x22, #(EARLY_TABLES * 4096)
2:	stp	xzr, xzr, [x0], #16
	cmp	x0, x1
	b.lo	2b
	add	x22, x22, #4096		/* the first is the root */
	bl	map_image
	mov	x5, #(PTE_TYPE_BLOCK | PTE_NORMAL | PTE_RO | PTE_SH_INNER | PTE_AF_BIT)
	orr	x5, x5, x24
	mov	x0, #1
	orr	x5, x5, x0, lsl #PTE_XN_SHIFT
	mov	x1, x20
	bl	map_block
	ldr	w1, [x20, #4]		/* totalsize, big endian: at most 2 MiB, so two blocks */
	rev	w1, w1
	mov	w2, #0x200000
	cmp	w1, w2
	csel	w1, w1, w2, lo
	add	x1, x20, x1
	bl	map_block
	/* The tables were written past the caches: what the caches hold of them is stale. */
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
	cmp	x19, #(2 << 2)
	b.ne	entered_low
	bl	mmu_on

relocate:
	/* Every R_AARCH64_RELATIVE (ELF for AArch64, 5.7.x) gets the load address. */
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
	adr	x1, _bss_end
6:	stp	xzr, xzr, [x0], #16
	cmp	x0, x1
	b.lo	6b
	cmp	x19, #(2 << 2)
	adrp	x0, boot_stack_top
	mov	sp, x0
	mov	x29, #0
	mov	x30, #0
	b.ne	7f
	adr	x0, vectors
	msr	vbar_el2, x0
	adr	x0, cpus
	msr	tpidr_el2, x0
	isb
	mov	x0, x20
	mov	x1, x21
	b	start
7:	mov	x0, x20
	b	start_below_el2

/* EL1: the same map in EL1's registers, to be able to say that this is not EL2. */
entered_low:
	mov	x0, #MAIR_VALUE
	msr	mair_el1, x0
	mrs	x1, id_aa64mmfr0_el1
	and	x1, x1, #0xf
	mov	x2, #5
	cmp	x1, x2
	csel	x1, x1, x2, lo
	mov	x0, #0x3510		/* T0SZ 16, write-back, inner shareable, 4 KiB */
	movk	x0, #0x0080, lsl #16	/* EPD1 */
	orr	x0, x0, x1, lsl #32
	msr	tcr_el1, x0
	adrp	x0, early_tables
	msr	ttbr0_el1, x0
	tlbi	vmalle1
	dsb	sy
	isb
	ldr	w0, =(0x30d00800 | SCTLR_M | SCTLR_C | SCTLR_I)
	msr	sctlr_el1, x0
	isb
	b	relocate

/* EL2 MMU and caches on with the tables of the boot CPU. */
mmu_on:
	mov	x0, #MAIR_VALUE
	msr	mair_el2, x0
	mrs	x1, id_aa64mmfr0_el1
	and	x1, x1, #0xf		/* PARange; 6 and more is clamped to 48 bits */
	mov	x2, #5
	cmp	x1, x2
	csel	x1, x1, x2, lo
	ldr	w0, =0x80803510		/* RES1, T0SZ 16, write-back, inner shareable, 4 KiB */
	orr	x0, x0, x1, lsl #16
	msr	tcr_el2, x0
	adrp	x0, early_tables
	msr	ttbr0_el2, x0
	ldr	x0, =((1 << 31) | HCR_SWIO)	/* RW; E2H must go to 0 before SCTLR means EL2 */
	msr	hcr_el2, x0
	isb
	ic	iallu
	tlbi	alle2
	dsb	sy
	isb
	ldr	w0, =(SCTLR_EL2_RES1 | SCTLR_M | SCTLR_C | SCTLR_SA | SCTLR_I | SCTLR_WXN)
	msr	sctlr_el2, x0
	isb
	ret

/* A CPU that PSCI started: x0 = its struct cpu. */
	.global secondary_entry
secondary_entry:
	msr	daifset, #15
	mov	x20, x0
	bl	mmu_on
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

/* Each stack has an unmapped page below it (el2_take_over). */
	.section .stacks, "aw", %nobits
	.balign	4096
	.global cpu_stacks
cpu_stacks:
	.space	4096 + CPU_STACK_SIZE
	.global boot_stack_top
boot_stack_top:
	.space	15 * (4096 + CPU_STACK_SIZE)
