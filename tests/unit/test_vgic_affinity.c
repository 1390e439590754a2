/* SPDX-License-Identifier: Apache-2.0 */
/* More vCPUs than a cluster has: affinities in SGIs, redistributors and routes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <hv/bits.h>
#include <spec/gicv3.h>

#include "../../common/vgic/vgic_priv.h"
#include "../host/gic_model.h"

static void start(unsigned vcpus)
{
	world_init(vcpus, 64, false, 4);
	for (unsigned i = 0; i < vcpus; i++)
		world_start(i);
}

static void a_vcpu_has_one_affinity(void **state)
{
	static const struct {
		uint64_t affinity;
		uint32_t index;
	} t[] = {
		{ 0, 0 },
		{ 0xf, 15 },
		{ 0x10, MAX_VCPUS }, /* Aff0 is below 16 */
		{ 0x100, 16 },
		{ 0x103, 19 },
		{ 0x1f0f, 511 },
		{ 0x2000, MAX_VCPUS },
		{ 0x10000, MAX_VCPUS },
		{ BIT(32), MAX_VCPUS },
		{ BIT(63), MAX_VCPUS },
		{ 0x80000000, MAX_VCPUS }, /* RES1 of MPIDR_EL1 is no affinity */
	};

	for (unsigned i = 0; i < ARRAY_SIZE(t); i++)
		assert_int_equal(vcpu_index_of(t[i].affinity), t[i].index);
	for (unsigned i = 0; i < MAX_VCPUS; i++)
		assert_int_equal(vcpu_index_of(vcpu_affinity(i)), i);
}

#define CLUSTER(n) ((uint64_t)(n) << 16)

/* From vCPU 3, SGI 5; who has it pending. */
static const struct {
	unsigned vcpus;
	uint64_t sgi1r, want;
} sgis[] = {
	{ 1, 0xffff, 1 },
	{ 1, CLUSTER(1) | 0xffff, 0 },
	{ 16, 0xffff, 0xffff },
	{ 16, CLUSTER(1) | 1, 0 },
	{ 17, CLUSTER(1) | 0xffff, 0x10000 },
	{ 20, CLUSTER(0) | 0x8001, 0x8001 },
	{ 20, CLUSTER(1) | 0xa, 0xa0000 },
	{ 20, CLUSTER(1) | 0xffff, 0xf0000 }, /* of 16 there are 4 */
	{ 20, CLUSTER(2) | 0xffff, 0 },
	{ 40, CLUSTER(2) | 0xffff, UINT64_C(0xff00000000) },
	{ 40, CLUSTER(0xff) | 0xffff, 0 },
	{ 40, BIT(32) | 0xffff, 0 }, /* Aff2 */
	{ 40, BIT(48) | 0xffff, 0 }, /* Aff3 */
	{ 40, BIT(44) | 0xffff, 0 }, /* range 1: Aff0 16 to 31 */
	{ 20, SGI1R_IRM, 0xfffff & ~BIT(3) },
	{ 20, SGI1R_IRM | CLUSTER(1) | 0xffff, 0xfffff & ~BIT(3) }, /* targets are ignored */
	{ 40, SGI1R_IRM, (BIT(40) - 1) & ~BIT(3) },
};

static void an_sgi_goes_to_whom_it_names(void **state)
{
	for (unsigned i = 0; i < ARRAY_SIZE(sgis); i++) {
		unsigned from = MIN(3, sgis[i].vcpus - 1);
		uint64_t got = 0;

		start(sgis[i].vcpus);
		vgic_sgi1r(world_vm.vcpu[from], sgis[i].sgi1r | FIELD(SGI1R_INTID, 5));
		for (unsigned v = 0; v < sgis[i].vcpus; v++)
			got |= cpu_of(world_vm.vcpu[v])->sgi_pending & BIT(5) ? BIT(v) : 0;
		if (got != sgis[i].want)
			fail_msg("row %u: %llx", i, (unsigned long long)got);
	}
}

/* And it is delivered there, whatever list register of whatever vCPU has it. */
static void an_sgi_is_taken_in_another_cluster(void **state)
{
	start(40);
	for (unsigned v = 0; v < 40; v++)
		world_write(v, WORLD_REDIST + v * 0x20000 + 0x10000 + GICD_ISENABLER, 1 << 5);
	for (unsigned v = 1; v < 40; v++) {
		world_sgi(0, CLUSTER(v / 16) | BIT(v % 16) | FIELD(SGI1R_INTID, 5));
		world_run_all();
		world_ack(v, 5);
		world_eoi(v, 5);
	}
}

static void redistributors_are_one_a_vcpu(void **state)
{
	static const unsigned counts[] = { 1, 16, 17, 40 };

	for (unsigned i = 0; i < ARRAY_SIZE(counts); i++) {
		start(counts[i]);
		for (unsigned v = 0; v < counts[i]; v++) {
			uint64_t typer;

			world_access(0, WORLD_REDIST + v * 0x20000 + GICR_TYPER, 8, false, &typer);
			assert_int_equal(field_get(GICR_TYPER_AFF, typer), v / 16 << 8 | v % 16);
			assert_int_equal(field_get(GICR_TYPER_NUMBER, typer), v);
			assert_int_equal(!!(typer & GICR_TYPER_LAST), v == counts[i] - 1);
		}
	}
}

static void spis_are_routed_by_affinity(void **state)
{
	static const struct {
		uint64_t router;
		int vcpu; /* -1: nobody */
	} t[] = { { 0, 0 },      { 0xf, 15 },  { 0x100, 16 }, { 0x103, 19 },
		  { 0x104, -1 }, { 0x10, -1 }, { 0x200, -1 }, { 0x10000, -1 } };

	start(20);
	for (unsigned i = 0; i < ARRAY_SIZE(t); i++) {
		const struct vcpu *want = t[i].vcpu < 0 ? NULL : world_vm.vcpu[t[i].vcpu];
		uint64_t v = t[i].router;

		world_access(19, WORLD_DIST + GICD_IROUTER + 40 * 8, 8, true, &v);
		world_access(0, WORLD_DIST + GICD_IROUTER + 40 * 8, 8, false, &v);
		assert_int_equal(v, t[i].router);
		assert_ptr_equal(line_target(world_vm.vgic->spi[1], 8), want);
	}
}

static void too_many_vcpus_are_refused(void **state)
{
	start(1);
	world_vm.vcpu_count = 0;
	assert_int_equal(vgic_init(&world_vm, 32, VGIC_NO_LPIS), HV_EINVAL);
	world_vm.vcpu_count = MAX_VCPUS + 1;
	assert_int_equal(vgic_init(&world_vm, 32, VGIC_NO_LPIS), HV_EINVAL);
	gic.version = 2;
	world_vm.vcpu_count = GICV2_MAX_CPUS + 1;
	assert_int_equal(vgic_init(&world_vm, 32, VGIC_NO_LPIS), HV_EINVAL);
	gic.version = 3;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_vcpu_has_one_affinity),
		cmocka_unit_test(an_sgi_goes_to_whom_it_names),
		cmocka_unit_test(an_sgi_is_taken_in_another_cluster),
		cmocka_unit_test(redistributors_are_one_a_vcpu),
		cmocka_unit_test(spis_are_routed_by_affinity),
		cmocka_unit_test(too_many_vcpus_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
