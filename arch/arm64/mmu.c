/* SPDX-License-Identifier: Apache-2.0 */
/*
 * EL2's identity map, which takes the place of the assembly's at once. It only grows, so there is
 * no break-before-make. Boot CPU only, until the seal.
 */
#include <arch/barrier.h>
#include <arch/window.h>
#include <hv/panic.h>
#include <hv/pmem.h>

#include "cpu.h"
#include "mmu.h"
#include "sysreg.h"

#define ATTR_MEMORY (PTE_AP1 | PTE_AF_BIT | PTE_NORMAL | PTE_SH_INNER)

/*
 * Windows, above every PA we map: a block of 2 MiB for each CPU, and in the next GiB a page for
 * each.
 */
#define WINDOW_BASE  (UINT64_C(256) << 39)
#define WINDOW_PAGES (WINDOW_BASE + GIB(1))
_Static_assert(MAX_CPUS <= 512, "a table has every CPU's window");

/*
 * The stacks of CPUs but the boot CPU's, a slot each: the pages before and behind are not mapped.
 */
#define STACK_BASE (UINT64_C(257) << 39)
_Static_assert(CPU_STACK_GUARD == PAGE_SIZE && CPU_STACK_SIZE % PAGE_SIZE == 0, "whole pages");
_Static_assert(MAX_CPUS *UINT64_C(CPU_STACK_SLOT) <= UINT64_C(1) << 39, "one slot for each CPU");

/*
 * For the tables of a chunk of pmem, which cannot be in the chunk: one a level, at both its ends.
 */
static uint64_t *spare[4];
static unsigned spare_count;
static bool mapping_chunk;

extern uint64_t early_tables[];
extern char boot_stack[], _start[], _text_end[], _libs_end[], _rodata_end[], _ro_after_boot_end[],
	_end[];
extern void el2_on(uint64_t *tables, uint32_t sctlr);

uint64_t el2_root[512] __ro_after_boot __attribute__((aligned(4096)));
static uint64_t *root; /* NULL: the early tables, for ever where this is EL1 */

static const uint64_t attributes[] = {
	[EL2_CODE] = ATTR_MEMORY | PTE_RO | PTE_GP,
	[EL2_LIBRARY] = ATTR_MEMORY | PTE_RO,
	[EL2_RO] = ATTR_MEMORY | PTE_RO | PTE_XN,
	[EL2_RW] = ATTR_MEMORY | PTE_XN,
	[EL2_DEVICE] = PTE_AP1 | PTE_AF_BIT | PTE_DEVICE | PTE_XN,
	[EL2_CONFIG] = PTE_AP1 | PTE_AF_BIT | PTE_DEVICE_nGnRnE | PTE_XN,
};

static uint64_t *new_table(void)
{
	if (!mapping_chunk)
		return pmem_alloc(PAGE_SIZE, PAGE_SIZE);
	ASSERT(spare_count);
	return spare[--spare_count];
}

static uint64_t *next_table(uint64_t *slot)
{
	if (!(*slot & PTE_VALID)) {
		uint64_t *t = new_table();

		arch_dsb_ishst(); /* a zeroed table before it is hooked in */
		*slot = va_to_pa(t).v | PTE_TYPE_PAGE;
	}
	return pa_to_va(PA(*slot & PTE_ADDR));
}

/* The level-2 slot of va; tables above are made as needed. */
static uint64_t *slot2(uint64_t va)
{
	uint64_t *l1 = next_table(&(root ? root : early_tables)[va >> 39 & 511]);
	uint64_t *l2 = next_table(&l1[va >> 30 & 511]);

	return &l2[va >> 21 & 511];
}

void el2_map(struct range r, enum el2_type type)
{
	uint64_t va = ALIGN_DOWN(r.base, PAGE_SIZE), end = ALIGN_UP(range_end(r), PAGE_SIZE);

	if (r.size == 0 || end < va || end > WINDOW_BASE)
		return;
	while (va < end) {
		uint64_t *slot = slot2(va);

		if (!*slot && IS_ALIGNED(va, MIB(2)) && end - va >= MIB(2)) {
			*slot = va | attributes[type] | PTE_TYPE_BLOCK;
			va += MIB(2);
		} else if ((*slot & 3) == PTE_TYPE_BLOCK) {
			va = ALIGN_DOWN(va, MIB(2)) + MIB(2);
		} else {
			uint64_t *pte = &next_table(slot)[va >> 12 & 511];

			if (!*pte)
				*pte = va | attributes[type] | PTE_TYPE_PAGE;
			va += PAGE_SIZE;
		}
	}
	arch_dsb_ishst(); /* for the walkers */
	arch_isb();
}

void el2_map_device(struct range r)
{
	el2_map(r, EL2_DEVICE);
}

static void fill_spare(void)
{
	while (spare_count < ARRAY_SIZE(spare))
		spare[spare_count++] = pmem_alloc(PAGE_SIZE, PAGE_SIZE);
}

void el2_map_config(struct range r)
{
	el2_map(r, EL2_CONFIG);
}

void el2_map_own(struct range r)
{
	mapping_chunk = true;
	el2_map(r, EL2_RW);
	mapping_chunk = false;
	fill_spare();
}

struct range el2_early_memory(void)
{
	struct range image = { (uintptr_t)_start, IMAGE_ROOM };
	uint64_t early = (uintptr_t)_end + CONSTANT_ROOM;

	pmem_reset();
	pmem_early_constant((struct range){ (uintptr_t)_end, CONSTANT_ROOM });
	pmem_early((struct range){ early, range_end(image) - early });
	fill_spare();
	return image;
}

static void map_section(const char *from, const char *to, enum el2_type type)
{
	el2_map((struct range){ (uintptr_t)from, (uintptr_t)(to - from) }, type);
}

uintptr_t el2_map_stack(unsigned cpu)
{
	uint64_t pa = va_to_pa(pmem_alloc(CPU_STACK_SIZE, PAGE_SIZE)).v;
	uint64_t top = STACK_BASE + (cpu + 1) * CPU_STACK_SLOT;

	for (uint64_t va = top - CPU_STACK_SIZE; va < top; va += PAGE_SIZE, pa += PAGE_SIZE)
		next_table(slot2(va))[va >> 12 & 511] = pa | attributes[EL2_RW] | PTE_TYPE_PAGE;
	arch_dsb_ishst(); /* for the walkers */
	arch_isb();
	return top;
}

void el2_init(struct range tree)
{
	bool bti = field_get(BITS(3, 0), read_sysreg(id_aa64pfr1_el1));

	root = el2_root;
	map_section(_start, _text_end, bti ? EL2_CODE : EL2_LIBRARY);
	map_section(_text_end, _libs_end, EL2_LIBRARY);
	map_section(_libs_end, _rodata_end, EL2_RO);
	map_section(_rodata_end, boot_stack, EL2_RW);
	boot_cpu.stack_top = (uintptr_t)boot_stack + CPU_STACK_SLOT;
	map_section(boot_stack + CPU_STACK_SLOT - CPU_STACK_SIZE, boot_stack + CPU_STACK_SLOT,
		    EL2_RW);
	map_section(_end, _start + IMAGE_ROOM, EL2_RW);
	el2_map(tree, EL2_RO);
	el2_on(el2_root, SCTLR_WXN);
}

void el2_unmap(struct range r)
{
	uint64_t va = ALIGN_DOWN(r.base, PAGE_SIZE), end = ALIGN_UP(range_end(r), PAGE_SIZE);

	if (r.size == 0 || end < va || end > WINDOW_BASE)
		return;
	while (va < end) {
		uint64_t block = ALIGN_DOWN(va, MIB(2)), *slot = slot2(va), *pte = slot;
		uint64_t was = block | attributes[EL2_RO] | PTE_TYPE_BLOCK;
		bool is_table = (*slot & 3) == PTE_TYPE_PAGE;

		if (is_table) {
			pte = &next_table(slot)[va >> 12 & 511];
			was = va | attributes[EL2_RO] | PTE_TYPE_PAGE;
		}
		if (*pte == was)
			*pte = 0;
		va = is_table ? va + PAGE_SIZE : block + MIB(2);
	}
}

/* Of pages and blocks that are mapped read-write. A change of permissions needs no break. */
static void make_ro(struct range r)
{
	uint64_t va = r.base;

	while (va < range_end(r)) {
		uint64_t *slot = slot2(va);
		bool is_table = (*slot & 3) == PTE_TYPE_PAGE;

		*(is_table ? &next_table(slot)[va >> 12 & 511] : slot) |= PTE_RO;
		va += is_table ? PAGE_SIZE : MIB(2);
	}
}

static void make_section_ro(const char *from, const char *to)
{
	make_ro((struct range){ (uintptr_t)from, (uintptr_t)(to - from) });
}

void el2_seal(void)
{
	pmem_for_each_constant(make_ro);
	make_section_ro(_rodata_end, _ro_after_boot_end);
	arch_dsb_ishst();
	__asm__ volatile("tlbi alle2is" ::: "memory");
	arch_dsb_ish();
	arch_isb();
}

bool el2_is_mapped(uintptr_t va)
{
	uint64_t par;

	__asm__ volatile("at s1e2r, %1; isb; mrs %0, par_el1" : "=r"(par) : "r"(va) : "memory");
	return !(par & 1);
}

void el2_window_init(void)
{
	uint64_t *blocks = slot2(WINDOW_BASE);
	uint64_t *pages = next_table(slot2(WINDOW_PAGES));

	for (unsigned i = 0; i < cpu_count; i++) {
		cpus[i].window_block = &blocks[i];
		cpus[i].window_page = &pages[i];
	}
	arch_dsb_ish();
}

struct window {
	uint64_t *pte;
	uint64_t va; /* of its begin */
	char *at;    /* of the byte asked for */
	size_t size; /* from there on, of what was asked for */
};

static struct window window_open(pa_t pa, size_t size, enum el2_type type)
{
	struct cpu *c = this_cpu();
	bool block = IS_ALIGNED(pa.v, MIB(2)) && size >= MIB(2);
	uint64_t unit = block ? MIB(2) : PAGE_SIZE, offset = pa.v & (unit - 1);
	struct window w = { c->window_page, WINDOW_PAGES + c->id * PAGE_SIZE, NULL, 0 };

	if (block)
		w = (struct window){ c->window_block, WINDOW_BASE + c->id * MIB(2), NULL, 0 };
	ASSERT(!*w.pte);
	*w.pte = (pa.v - offset) | attributes[type] | (block ? PTE_TYPE_BLOCK : PTE_TYPE_PAGE);
	arch_dsb_ishst(); /* for this CPU's walker */
	arch_isb();
	w.at = (char *)(uintptr_t)(w.va + offset);
	w.size = (size_t)MIN(size, unit - offset);
	return w;
}

static void window_close(const struct window *w)
{
	*w->pte = 0;
	/* Only this CPU ever uses this address, so a local invalidation is enough. */
	__asm__ volatile("dsb nshst; tlbi vae2, %0; dsb nsh; isb" ::"r"(w->va >> 12) : "memory");
}

static size_t cache_line(void)
{
	return (size_t)4 << (read_sysreg(ctr_el0) >> 16 & 15); /* DminLine */
}

bool arch_window_read(void *to, pa_t from, size_t size)
{
	size_t line = cache_line();
	bool good = true;

	serror_drain();
	for (char *p = to; size && good;) {
		struct window w = window_open(from, size, EL2_RO);

		good = guarded_read(p, w.at, w.size, line) == 0;
		window_close(&w);
		p += w.size;
		from.v += w.size;
		size -= w.size;
	}
	return good;
}

bool arch_window_write(pa_t to, const void *from, size_t size)
{
	size_t line = cache_line();
	bool good = true;

	serror_drain();
	for (const char *p = from; size && good;) {
		struct window w = window_open(to, size, EL2_RW);

		if (p)
			good = guarded_write(w.at, p, w.size, line) == 0;
		else
			good = guarded_zero(w.at, w.size, 0, line) == 0;
		window_close(&w);
		p = p ? p + w.size : p;
		to.v += w.size;
		size -= w.size;
	}
	return good;
}
