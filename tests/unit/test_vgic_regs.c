/* SPDX-License-Identifier: Apache-2.0 */
/* Registers of the virtual distributor and redistributors; any access of any size is harmless. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include <hv/bits.h>
#include <spec/gicv3.h>

#include "../../common/vgic/vgic_priv.h"
#include "../host/gic_model.h"

#define DIST(r)      (WORLD_DIST + (r))
#define REDIST(v, r) (WORLD_REDIST + (v) * 0x20000 + (r))
#define SGI_(v, r)   REDIST(v, 0x10000 + (r))

static void start(unsigned vcpus, uint32_t spis, bool lpis)
{
	world_init(vcpus, spis, lpis, 4);
	assert_int_equal(vgic_assign_line(&world_vm, 27, 27), HV_OK);
	assert_int_equal(vgic_assign_line(&world_vm, 40, 72), HV_OK);
	assert_int_equal(vgic_assign_line(&world_vm, 41, 73), HV_OK);
	for (unsigned i = 0; i < vcpus; i++)
		world_start(i);
}

static uint64_t get(unsigned vcpu, uint64_t ipa, unsigned size)
{
	uint64_t v;

	assert_int_equal(world_access(vcpu, ipa, size, false, &v), EMUL_OK);
	return v;
}

static void put(unsigned vcpu, uint64_t ipa, unsigned size, uint64_t v)
{
	assert_int_equal(world_access(vcpu, ipa, size, true, &v), EMUL_OK);
}

/* What each register of lines has for the last SPI, and for what is behind it nothing. */
static void registers_are_where_they_are_and_nowhere_else(void **state)
{
	static const struct {
		uint32_t first, end;
	} t[] = {
		{ 0x084, 0x08c }, { 0x104, 0x10c },   { 0x184, 0x18c },   { 0x204, 0x20c },
		{ 0x284, 0x28c }, { 0x304, 0x30c },   { 0x384, 0x38c },   { 0x420, 0x460 },
		{ 0xc08, 0xc18 }, { 0x6100, 0x6300 }, { 0xffe8, 0xffec },
	};

	start(1, 64, true);
	for (uint32_t off = 0x80; off < 0x10000; off += 4) {
		bool there = false, clears = (off & ~0xfU) == 0x180 || (off & ~0xfU) == 0x280 ||
					     (off & ~0xfU) == 0x380;

		for (size_t i = 0; i < ARRAY_SIZE(t); i++)
			there |= off >= t[i].first && off < t[i].end;
		if (!clears)
			world_write(0, DIST(off), ~0U);
		assert_true(there || get(0, DIST(off), 4) == 0);
		assert_true(!there || (off >= 0x6000 && off & 4) || get(0, DIST(off), 4) != 0);
		world_write(0, SGI_(0, off), ~0U);
		assert_true(off < 0xd00 || get(0, SGI_(0, off), 4) == 0);
	}
}

static void identification(void **state)
{
	start(3, 64, true);
	assert_int_equal(get(0, DIST(GICD_TYPER), 4), 2 | 1 << 17 | 15 << 19 | 1 << 25);
	assert_int_equal(get(0, DIST(GICD_PIDR2), 4), 0x3b);
	assert_int_equal(get(0, DIST(GICD_IIDR), 4), 0x56000000);
	assert_int_equal(get(0, DIST(GICD_CTLR), 4), 0x52);
	for (unsigned v = 0; v < 3; v++) {
		uint64_t want = (uint64_t)v << 32 | v << 8 | (v == 2 ? 0x11 : 1);

		assert_int_equal(get(0, REDIST(v, GICR_TYPER), 8), want);
		assert_int_equal(get(0, REDIST(v, GICR_TYPER), 4), (uint32_t)want);
		assert_int_equal(get(0, REDIST(v, GICR_TYPER + 4), 4), v);
		assert_int_equal(get(0, REDIST(v, GICD_PIDR2), 4), 0x3b);
	}
	start(1, 32, false);
	assert_int_equal(get(0, DIST(GICD_TYPER), 4), 1 | 9 << 19 | 1 << 25);
	assert_int_equal(get(0, REDIST(0, GICR_TYPER), 8), 0x10);
}

static void what_is_written_is_read(void **state)
{
	static const struct {
		uint64_t ipa;
		uint32_t written, read;
	} t[] = {
		{ DIST(GICD_CTLR), 0xffffffff, 0x53 },
		{ DIST(GICD_CTLR), 0, 0x50 },
		{ DIST(GICD_TYPER), 0xffffffff, 2 | 1 << 17 | 15 << 19 | 1 << 25 },
		{ DIST(GICD_IGROUPR), 0xffffffff, 0 }, /* bank 0 is not here */
		{ DIST(GICD_IGROUPR + 4), 0x12345678, 0x12345678 },
		{ DIST(GICD_IGROUPR + 12), 0x12345678, 0 }, /* no such SPIs */
		{ DIST(GICD_ISENABLER), 0xffffffff, 0 },
		{ DIST(GICD_ISENABLER + 4), 0x0000ff0f, 0x0000ff0f },
		{ DIST(GICD_ICENABLER + 4), 0x0000f00f, 0x00000f00 },
		{ DIST(GICD_IPRIORITYR), 0xffffffff, 0 },
		{ DIST(GICD_IPRIORITYR + 44), 0xa7ff1234, 0xa0f81030 },
		{ DIST(GICD_IPRIORITYR + 96), 0xffffffff, 0 },
		{ DIST(GICD_ITARGETSR + 32), 0xffffffff, 0 },
		{ DIST(GICD_ICFGR + 8), 0xffffffff, 0xaaaaaaaa },
		{ DIST(GICD_ICFGR + 12), 0x80000001, 0x80000000 },
		{ DIST(0xd00), 0xffffffff, 0 },
		{ DIST(0x40), 0xffffffff, 0 }, /* no message-based SPIs */
		{ SGI_(1, GICD_IGROUPR), 0xdeadbeef, 0xdeadbeef },
		{ SGI_(1, GICD_IGROUPR + 4), 0xdeadbeef, 0 },
		{ SGI_(1, GICD_ICFGR), 0, 0xaaaaaaaa },
		{ SGI_(1, GICD_ICFGR + 4), 0xffffffff, 0xaaaaaaaa },
		{ SGI_(1, GICD_IPRIORITYR + 28), 0xffffffff, 0xf8f8f8f8 },
		{ SGI_(1, GICD_IPRIORITYR + 32), 0xffffffff, 0 },
		{ REDIST(1, GICR_WAKER), 0, 0 },
		{ REDIST(1, GICR_WAKER), 2, 6 },
	};

	start(2, 64, true);
	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		world_write(0, t[i].ipa, t[i].written);
		assert_int_equal(world_read(1, t[i].ipa), t[i].read);
	}
	put(0, DIST(GICD_IPRIORITYR + 33), 1, 0x4f);
	assert_int_equal(get(0, DIST(GICD_IPRIORITYR + 33), 1), 0x48);
	assert_int_equal(get(0, DIST(GICD_IPRIORITYR + 32), 4), 0x4800);
	assert_int_equal(get(0, DIST(GICD_IPRIORITYR + 32), 2), 0); /* only bytes and words */
	assert_int_equal(get(0, DIST(GICD_ISENABLER + 4), 1), 0);
	assert_int_equal(get(0, DIST(GICD_ISENABLER + 8), 8), 0);
}

static void routers_are_64_bits_in_two_halves(void **state)
{
	start(2, 64, true);
	put(0, DIST(GICD_IROUTER + 8 * 50), 8, 0xff80ff0102);
	assert_int_equal(get(0, DIST(GICD_IROUTER + 8 * 50), 8), 0xff0102 & 0xffffff);
	put(0, DIST(GICD_IROUTER + 8 * 50), 4, 1);
	put(0, DIST(GICD_IROUTER + 8 * 50 + 4), 4, 0xff);
	assert_int_equal(get(0, DIST(GICD_IROUTER + 8 * 50), 8), 1);
	assert_int_equal(get(0, DIST(GICD_IROUTER + 8 * 50 + 4), 4), 0);
	put(0, DIST(GICD_IROUTER + 8 * 31), 8, 1);
	assert_int_equal(get(0, DIST(GICD_IROUTER + 8 * 31), 8), 0);
	put(0, DIST(GICD_IROUTER + 8 * 96), 8, 1);
	assert_int_equal(get(0, DIST(GICD_IROUTER + 8 * 96), 8), 0);
}

static void lpis_are_enabled_once(void **state)
{
	start(2, 64, true);
	put(0, REDIST(1, GICR_PROPBASER), 8, ~0ULL);
	assert_int_equal(get(0, REDIST(1, GICR_PROPBASER), 8),
			 PROPBASER_PA | 0x1f | LPIBASE_INNER | LPIBASE_SHARE_INNER);
	put(0, REDIST(1, GICR_PROPBASER), 8, 0x4800000f | 7 << 7 | 1 << 10);
	put(0, REDIST(1, GICR_PENDBASER), 4, 0x48010000);
	put(0, REDIST(1, GICR_PENDBASER + 4), 4, 0x40000000);
	assert_int_equal(get(0, REDIST(1, GICR_PENDBASER), 8), 0x48010000 | LPIBASE_INNER_RAWB);
	assert_null(world_lpis_vcpu);
	put(0, REDIST(1, GICR_CTLR), 4, 1);
	assert_ptr_equal(world_lpis_vcpu, world_vm.vcpu[1]);
	assert_int_equal(world_lpis_prop, 0x4800000f | 7 << 7 | 1 << 10);
	assert_int_equal(world_lpis_pend, 0x48010000 | LPIBASE_INNER_RAWB | PENDBASER_PTZ);
	world_lpis_vcpu = NULL;
	put(0, REDIST(1, GICR_CTLR), 4, 0);
	put(0, REDIST(1, GICR_CTLR), 4, 1);
	put(0, REDIST(1, GICR_PROPBASER), 8, 0);
	assert_null(world_lpis_vcpu);
	assert_int_equal(get(0, REDIST(1, GICR_CTLR), 4), 1);
	assert_int_equal(get(0, REDIST(1, GICR_PROPBASER), 8), 0x4800000f | 7 << 7 | 1 << 10);

	start(1, 32, false); /* no virtual ITS, no LPIs */
	put(0, REDIST(0, GICR_PROPBASER), 8, ~0ULL);
	put(0, REDIST(0, GICR_CTLR), 4, 1);
	assert_int_equal(get(0, REDIST(0, GICR_CTLR), 4), 0);
	assert_int_equal(get(0, REDIST(0, GICR_PROPBASER), 8), 0);
	assert_null(world_lpis_vcpu);
}

static void bad_configurations_are_refused(void **state)
{
	static const uint32_t bad[] = { 1, 33, 992 };

	start(1, 32, false);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(vgic_init(&world_vm, bad[i], VGIC_NO_LPIS), HV_EINVAL);
}

static uint32_t seed = 1;

static uint32_t rnd(uint32_t n)
{
	seed ^= seed << 13;
	seed ^= seed >> 17;
	seed ^= seed << 5;
	return seed % n;
}

/* Offsets where something is, most of the time. */
static uint64_t some_ipa(unsigned vcpus)
{
	uint64_t off = rnd(4) ? 0x80 + rnd(0xc80) : rnd(0x20000);

	switch (rnd(4)) {
	case 0:
		return WORLD_DIST + (off & 0xffff);
	case 1:
		return WORLD_DIST + GICD_IROUTER + rnd(0x2000);
	case 2:
		return WORLD_DIST + (off & 0xff84); /* SPIs 32..63: where the lines are */
	default:
		return WORLD_REDIST + rnd(vcpus) * 0x20000 + (rnd(8) ? 0x10000 : 0) +
		       (off & 0xffff);
	}
}

static void guest_step(unsigned v)
{
	uint32_t id;

	switch (rnd(4)) {
	case 0:
	case 1:
		id = gic_model_guest_ack(v);
		world_run(v);
		break;
	case 2:
		id = rnd(3) ? rnd(32) : 8192 + rnd(20);
		world_eoi(v, rnd(2) ? 32 + rnd(16) : id);
		break;
	case 3:
		world_dir(v, rnd(3) ? 32 + rnd(16) : rnd(9000));
		break;
	}
	(void)id;
}

/* Whatever the guest did to itself, it can put right by the registers, and no line is stuck. */
static void everything_still_works(unsigned vcpus)
{
	world_kicks_at_once = true;
	gic_model_wire(0, 72, false);
	gic_model_wire(0, 73, false);
	for (unsigned v = 0; v < vcpus; v++) {
		gic_model_wire(v, 27, false);
		for (unsigned i = 0; i < 64; i++)
			world_eoi(v, 1000);
		gic_model_eoimode(v, false);
		world_write(v, SGI_(v, GICD_ICENABLER), ~0U);
		world_write(v, SGI_(v, GICD_ICPENDR), ~0U);
		world_write(v, SGI_(v, GICD_ICACTIVER), ~0U);
		world_write(v, SGI_(v, GICD_IGROUPR), ~0U);
	}
	for (uint32_t i = 32; i < 36; i++)
		vgic_set_level(&world_vm, NULL, i, false);
	for (uint32_t i = 4; i <= 8; i += 4) {
		world_write(0, DIST(GICD_ICENABLER + i), ~0U);
		world_write(0, DIST(GICD_ICPENDR + i), ~0U);
		world_write(0, DIST(GICD_ICACTIVER + i), ~0U);
		world_write(0, DIST(GICD_IGROUPR + i), ~0U);
		world_write(0, DIST(GICD_ICFGR + 4 * i), 0);
		world_write(0, DIST(GICD_ICFGR + 4 * i + 4), 0);
	}
	world_write(0, DIST(GICD_CTLR), 3);
	world_run_all();
	for (unsigned v = 0; v < vcpus; v++) {
		uint32_t id;

		while ((id = gic_model_guest_ack(v)) != MODEL_NONE) {
			assert_in_range(id, 8192, 8211); /* LPIs only */
			world_run(v);
			world_eoi(v, id);
		}
		assert_int_equal(world_read(v, SGI_(v, GICD_ISACTIVER)), 0);
		assert_int_equal(world_read(v, SGI_(v, GICD_ISPENDR)), 0);
		assert_int_equal(gic_model_hcr(v) & ~ICH_HCR_TDIR, ICH_HCR_EN);
		put(0, DIST(GICD_IROUTER + 8 * 40), 8, v);
		put(0, DIST(GICD_IROUTER + 8 * 35), 8, v);
		world_write(v, SGI_(v, GICD_ISENABLER), 1U << 27 | 1U << 3);
		world_write(0, DIST(GICD_ISENABLER + 4), 1U << 8 | 1U << 3);
		for (unsigned i = 0; i < 3; i++) {
			uint32_t seen = 0;

			gic_model_wire(0, 72, true);
			gic_model_wire(v, 27, true);
			vgic_set_level(&world_vm, NULL, 35, true);
			world_sgi(0, 3U << 24 | 1U << v);
			world_run_all();
			for (unsigned k = 0; k < 4; k++) {
				id = gic_model_guest_ack(v);
				assert_int_not_equal(id, MODEL_NONE);
				world_run(v);
				gic_model_wire(0, id == 40 ? 72 : 80, false);
				gic_model_wire(v, id == 27 ? 27 : 20, false);
				if (id == 35)
					vgic_set_level(&world_vm, NULL, 35, false);
				world_run_all();
				world_eoi(v, id);
				seen |= 1U << (id & 31);
			}
			assert_int_equal(seen, 1U << 27 | 1U << 8 | 1U << 3);
			assert_int_equal(gic_model_guest_ack(v), MODEL_NONE);
			assert_false(gic_model_line(0, 72)->active ||
				     gic_model_line(v, 27)->active);
		}
	}
}

/*
 * The model aborts on anything that hardware leaves open, on an interrupt storm, and on list
 * registers that contradict the physical lines. Afterwards everything still works.
 */
static void random_accesses(unsigned vcpus, unsigned lrs, unsigned steps)
{
	static struct vlpi lpi[20];

	world_init(vcpus, 64, true, lrs);
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(vgic_assign_line(&world_vm, 40 + i, 72 + i), HV_OK);
	assert_int_equal(vgic_assign_line(&world_vm, 27, 27), HV_OK);
	for (unsigned i = 0; i < vcpus; i++) {
		world_start(i);
		world_write(i, REDIST(i, GICR_CTLR), 1);
		gic_model_eoimode(i, rnd(2));
	}
	for (unsigned i = 0; i < 20; i++)
		lpi[i] = (struct vlpi){ .is = { 8192 + i, 0, (uint8_t)(i * 8), true } };
	for (unsigned n = 0; n < steps; n++) {
		unsigned v = rnd(vcpus), size = 1U << rnd(4), i = rnd(20);
		struct vcpu *cur = world_vm.vcpu[v];
		uint64_t value = rnd(2) ? 1U << rnd(32) : ((uint64_t)rnd(~0U) << 32 | rnd(~0U));

		world_kicks_at_once = rnd(2);
		gic_model_on_cpu(v);
		switch (rnd(10)) {
		case 0:
			gic_model_wire(v, rnd(3) ? 72 + rnd(2) : 27, rnd(2));
			world_run_all();
			break;
		case 1:
			vgic_set_level(&world_vm, cur, 32 + rnd(4), rnd(2));
			world_return(v);
			break;
		case 2:
			world_sgi(v, (uint64_t)rnd(16) << 24 | rnd(16));
			break;
		case 3:
			vgic_lpi_set(&world_vm, cur, &lpi[i],
				     (struct vlpi_is){ 8192 + i, (uint8_t)rnd(vcpus),
						       (uint8_t)rnd(256), rnd(4) != 0 });
			world_return(v);
			break;
		case 4:
			if (rnd(4))
				vgic_lpi_pend(&world_vm, cur, &lpi[i]);
			else
				vgic_lpi_clear(&world_vm, cur, &lpi[i]);
			world_return(v);
			break;
		case 5:
		case 6:
			world_access(v, some_ipa(vcpus) & ~(uint64_t)(size - 1), size, rnd(3),
				     &value);
			break;
		case 7:
			if (rnd(40) == 0) {
				gic_model_on_cpu(v);
				vgic_vcpu_off(cur);
				gic_model_wire(v, 27, false);
				world_start(v);
				world_write(v, REDIST(v, GICR_CTLR), 1);
			}
			break;
		default:
			guest_step(v);
		}
		world_run(v);
	}
	everything_still_works(vcpus);
	for (unsigned i = 0; i < vcpus; i++) {
		gic_model_on_cpu(i);
		vgic_vcpu_off(world_vm.vcpu[i]);
	}
	vgic_quiesce_lines(&world_vm);
	for (uint32_t p = 72; p < 74; p++) {
		gic_model_wire(0, p, false);
		assert_false(gic_model_line(0, p)->active || gic_model_line(0, p)->pending ||
			     gic_model_line(0, p)->enabled);
	}
	for (unsigned i = 0; i < vcpus; i++) {
		gic_model_wire(i, 27, false);
		world_start(i);
	}
	world_write(0, DIST(GICD_ISENABLER + 4), 1U << 8);
	gic_model_wire(0, 72, true);
	world_run_all();
	world_ack(0, 40);
	gic_model_wire(0, 72, false);
	world_eoi(0, 40);
	assert_int_equal(gic_model_guest_ack(0), MODEL_NONE);
}

static void random_accesses_do_no_harm(void **state)
{
	for (uint32_t i = 0; i < 40; i++) {
		seed = i * 2654435761U + 1;
		random_accesses(1 + i % 4, 1U << i / 4 % 5, 2000);
	}
}

#define T(f) cmocka_unit_test(f)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(registers_are_where_they_are_and_nowhere_else),
		T(identification),
		T(what_is_written_is_read),
		T(routers_are_64_bits_in_two_halves),
		T(lpis_are_enabled_once),
		T(bad_configurations_are_refused),
		T(random_accesses_do_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
