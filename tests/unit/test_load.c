/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a guest finds in its RAM, and that the caches hold nothing of it that memory does not: the
 * maintenance that QEMU cannot check, from the trace.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <libfdt.h>
#include <zlib.h>

#include <host.h>
#include <hv/gic.h>
#include <hv/irq.h>
#include <hv/load.h>
#include <hv/pmem.h>

#define RAM_SIZE MIB(8)
#define RAM_IPA  UINT64_C(0x40000000)

struct gic gic;

static uint8_t *arena, *ram;
static uint8_t kernel[300000], packed[310000], initrd[70001];
static struct guest_plan plan;
static struct vm vm;
static struct vcpu vcpu;
static uint8_t work[2][IMAGE_WORK] __attribute__((aligned(64)));

/* A neighbour that is loaded while the first guest is being loaded, as another CPU does it. */
static uint8_t *other_ram;
static struct guest_plan other_plan;
static struct vm other;
static struct vcpu *other_all[1];
static struct vcpu other_vcpu;
static unsigned other_at; /* when: interrupts served so far; 0: never */

static void put64(uint8_t *p, uint64_t v)
{
	for (int i = 0; i < 8; i++)
		p[i] = (uint8_t)(v >> 8 * i);
}

static unsigned served;

void irq_dispatch(struct vcpu *cur)
{
	if (cur == &other_vcpu)
		return;
	assert_ptr_equal(cur, &vcpu);
	if (++served == other_at)
		assert_int_equal(load_guest(&other_plan, &other, &other_vcpu), HV_OK);
}

static int setup(void **state)
{
	arena = aligned_alloc(MIB(2), MIB(4));
	ram = aligned_alloc(MIB(2), RAM_SIZE);
	memset(ram, 0xa5, RAM_SIZE);
	pmem_reset();
	pmem_add((struct range){ (uintptr_t)arena, MIB(4) });
	for (size_t i = 0; i < sizeof(kernel); i++)
		kernel[i] = (uint8_t)(i * 7 + i / 251);
	memset(kernel, 0, 64);
	put64(kernel + 16, 400000); /* image_size */
	put64(kernel + 24, 0xa);
	memcpy(kernel + 56, "ARM\x64", 4);
	for (size_t i = 0; i < sizeof(initrd); i++)
		initrd[i] = (uint8_t)(i * 13 + 5);

	memset(&plan, 0, sizeof(plan));
	memcpy(plan.name, "g", 2);
	plan.vcpu_count = 1;
	plan.ram_count = 1;
	plan.ram[0] = (struct guest_ram){ IPA(RAM_IPA), PA((uintptr_t)ram), RAM_SIZE };
	plan.spi_count = 32;
	plan.module[MODULE_KERNEL] = (struct range){ (uintptr_t)kernel, sizeof(kernel) };
	plan.module[MODULE_RAMDISK] = (struct range){ (uintptr_t)initrd, sizeof(initrd) };
	assert_int_equal(image_layout(kernel, sizeof(kernel), sizeof(initrd),
				      (struct range){ RAM_IPA, RAM_SIZE }, &plan.image),
			 HV_OK);
	memset(&vm, 0, sizeof(vm));
	static struct vcpu *all[1];
	static struct guest_ram pieces[MAX_GUEST_RAM];

	vm.vcpu = all;
	vm.vcpu[0] = &vcpu;
	vm.vcpu_count = 1;
	vm.ram_count = 1;
	vm.ram = pieces;
	vm.ram[0] = plan.ram[0];
	vm.load_work = work[0];
	other_at = 0;
	served = 0;
	host_trace_clear();
	return 0;
}

static int teardown(void **state)
{
	free(arena);
	free(ram);
	return 0;
}

static const uint8_t *at(uint64_t ipa) { return ram + (ipa - RAM_IPA); }

static void check_contents(void)
{
	assert_memory_equal(at(plan.image.kernel), kernel, sizeof(kernel));
	assert_memory_equal(at(plan.image.initrd), initrd, sizeof(initrd));
	assert_int_equal(fdt_check_header(at(plan.image.dtb)), 0);
	assert_int_equal(vcpu.entry, plan.image.kernel);
	assert_int_equal(vcpu.context, plan.image.dtb);
}

static void images_and_tree_are_in_place(void **state)
{
	assert_int_equal(load_guest(&plan, &vm, &vcpu), HV_OK);
	check_contents();
}

/*
 * Who loads a guest while others run serves its CPU's interrupts at least once a window of 2 MiB.
 */
static void interrupts_are_served_meanwhile(void **state)
{
	served = 0;
	assert_int_equal(load_guest(&plan, &vm, &vcpu), HV_OK);
	assert_true(served >= RAM_SIZE / MIB(2));
}

static void everything_else_is_scrubbed(void **state)
{
	struct range used[3];

	assert_int_equal(load_guest(&plan, &vm, &vcpu), HV_OK);
	used[0] = (struct range){ plan.image.kernel, sizeof(kernel) };
	used[1] = (struct range){ plan.image.initrd, sizeof(initrd) };
	used[2] = (struct range){ plan.image.dtb, KIB(64) };
	for (uint64_t a = RAM_IPA; a < RAM_IPA + RAM_SIZE; a++) {
		bool in = false;

		for (int i = 0; i < 3; i++)
			in |= range_contains(used[i], a, 1);
		if (!in && *at(a))
			fail_msg("byte at 0x%lx holds what was there before", (unsigned long)a);
	}
}

/* How often each 64-byte line of RAM was cleaned and invalidated. */
static void count_lines(uint8_t *lines)
{
	for (size_t i = 0; i < host_trace_count(); i++) {
		const struct host_event *e = host_trace_at(i);

		if (strcmp(e->op, "cache_clean_inval"))
			continue;
		for (uint64_t a = e->addr & ~UINT64_C(63); a < e->addr + e->value; a += 64)
			if (a >= (uintptr_t)ram && a < (uintptr_t)ram + RAM_SIZE)
				lines[(a - (uintptr_t)ram) / 64]++;
	}
}

static void every_written_line_reaches_memory(void **state)
{
	static uint8_t lines[RAM_SIZE / 64];

	memset(lines, 0, sizeof(lines));
	assert_int_equal(load_guest(&plan, &vm, &vcpu), HV_OK);
	count_lines(lines);
	/* Once for the scrub, once more for what was loaded over it. */
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
		assert_true(lines[i] >= 1);
	for (uint64_t a = 0; a < sizeof(kernel); a += 64)
		assert_true(lines[(plan.image.kernel - RAM_IPA + a) / 64] >= 2);
	for (uint64_t a = 0; a < sizeof(initrd); a += 64)
		assert_true(lines[(plan.image.initrd - RAM_IPA + a) / 64] >= 2);
	assert_true(lines[(plan.image.dtb - RAM_IPA) / 64] >= 2);
}

static void stale_instructions_go_last(void **state)
{
	long icache, clean = -1;

	assert_int_equal(load_guest(&plan, &vm, &vcpu), HV_OK);
	icache = host_trace_find(0, "icache_inval_all", UINT64_MAX);
	for (long i = 0; (i = host_trace_find((size_t)i, "cache_clean_inval", UINT64_MAX)) >= 0;
	     i++)
		clean = i;
	assert_true(clean >= 0 && icache > clean);
}

static void pack(void)
{
	z_stream z = { .next_in = kernel,
		       .avail_in = sizeof(kernel),
		       .next_out = packed,
		       .avail_out = sizeof(packed) };

	assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY), Z_OK);
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	plan.module[MODULE_KERNEL] = (struct range){ (uintptr_t)packed, z.total_out };
	deflateEnd(&z);
}

static void a_compressed_kernel_is_inflated(void **state)
{
	pack();
	assert_int_equal(load_guest(&plan, &vm, &vcpu), HV_OK);
	check_contents();
}

static void a_damaged_kernel_is_an_error(void **state)
{
	pack();
	packed[plan.module[MODULE_KERNEL].size / 2] ^= 0x55;
	assert_int_not_equal(load_guest(&plan, &vm, &vcpu), HV_OK);
}

/* Memory that answers with errors: the guest does not start, and all else is scrubbed. */
static void poisoned_ram_is_an_error(void **state)
{
	for (unsigned i = 0; i < RAM_SIZE / MIB(2); i++) {
		host_poison = (struct range){ (uintptr_t)ram + MIB(2) * i + 4096, 64 };
		memset(ram, 0xa5, RAM_SIZE);
		assert_int_equal(load_scrub_ram(&vm, &vcpu), HV_EUNSUPP);
		for (unsigned at_block = 0; at_block < RAM_SIZE / MIB(2); at_block++)
			assert_int_equal(ram[MIB(2) * at_block], at_block == i ? 0xa5 : 0);
		assert_int_equal(load_guest(&plan, &vm, &vcpu), HV_EUNSUPP);
	}
	host_poison = (struct range){ 0, 0 };
	assert_int_equal(load_guest(&plan, &vm, &vcpu), HV_OK);
	check_contents();
}

/* One range to the guest, of two pieces far from each other. */
static void images_go_over_pieces_of_ram(void **state)
{
	uint64_t cut = plan.image.kernel - RAM_IPA + 0x11000;
	uint8_t *other_piece = aligned_alloc(MIB(2), RAM_SIZE);

	vm.ram[0].size = cut;
	vm.ram[1] = (struct guest_ram){ IPA(RAM_IPA + cut), PA((uintptr_t)other_piece),
					RAM_SIZE - cut };
	vm.ram_count = 2;
	assert_int_equal(load_guest(&plan, &vm, &vcpu), HV_OK);
	assert_memory_equal(at(plan.image.kernel), kernel, 0x11000);
	assert_memory_equal(other_piece, kernel + 0x11000, sizeof(kernel) - 0x11000);
	assert_memory_equal(other_piece + (plan.image.initrd - RAM_IPA - cut), initrd,
			    sizeof(initrd));
	free(other_piece);
}

/* Whenever the second load comes: both are whole. One lock over a load would wait for ever here. */
static void a_neighbour_is_loaded_meanwhile(void **state)
{
	static struct guest_ram other_pieces[MAX_GUEST_RAM];
	unsigned turns;

	pack();
	other_ram = aligned_alloc(MIB(2), RAM_SIZE);
	other = vm;
	other.ram = other_pieces;
	other_plan = plan;
	other_pieces[0] = vm.ram[0];
	other_plan.ram[0].pa = other_pieces[0].pa = PA((uintptr_t)other_ram);
	other.vcpu = other_all;
	other.vcpu[0] = &other_vcpu;
	other.load_work = work[1];
	assert_int_equal(load_guest(&plan, &vm, &vcpu), HV_OK);
	turns = served;
	assert_true(turns > 10);
	for (other_at = 1; other_at <= turns; other_at++) {
		memset(ram, 0xa5, RAM_SIZE);
		memset(other_ram, 0x5a, RAM_SIZE);
		served = 0;
		assert_int_equal(load_guest(&plan, &vm, &vcpu), HV_OK);
		check_contents();
		assert_memory_equal(ram, other_ram, RAM_SIZE);
	}
	free(other_ram);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(images_and_tree_are_in_place), T(interrupts_are_served_meanwhile),
		T(everything_else_is_scrubbed),  T(every_written_line_reaches_memory),
		T(stale_instructions_go_last),   T(a_compressed_kernel_is_inflated),
		T(a_damaged_kernel_is_an_error), T(a_neighbour_is_loaded_meanwhile),
		T(poisoned_ram_is_an_error),     T(images_go_over_pieces_of_ram),
	};

	return cmocka_run_group_tests_name("load", tests, NULL, NULL);
}
