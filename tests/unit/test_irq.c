/* SPDX-License-Identifier: Apache-2.0 */
/* From INTID to handler: what irq_dispatch() does with each kind of interrupt. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <hv/gic.h>
#include <hv/irq.h>
#include <hv/pmem.h>
#include <hv/vm.h>

static uint32_t queue[64];
static unsigned queued, next;
static char did[256];
struct gic gic;

static void note(char what, uint32_t intid)
{
	size_t n = strlen(did);

	assert_true(n + 8 < sizeof(did));
	did[n] = what;
	did[n + 1] = (char)('0' + intid % 10);
}

static uint32_t ack(void) { return next < queued ? queue[next++] : 1023; }

static void drop(uint32_t intid) { note('D', intid); }

static void deactivate(uint32_t intid) { note('X', intid); }

static const struct gic_ops ops = { .ack = ack, .drop = drop, .deactivate = deactivate };

static void handler(void *arg, uint32_t intid, struct vcpu *cur)
{
	assert_ptr_equal(arg, did);
	(void)cur;
	note('H', intid);
}

static int setup(void **state)
{
	static void *arena;

	free(arena);
	arena = aligned_alloc(MIB(2), MIB(2));
	pmem_reset();
	pmem_add((struct range){ (uintptr_t)arena, MIB(2) });
	irq_reset();
	gic = (struct gic){ .ops = &ops, .spi_count = 64 };
	memset(did, 0, sizeof(did));
	queued = next = 0;
	return 0;
}

static void run(struct vcpu *cur, const uint32_t *ids, unsigned n)
{
	memcpy(queue, ids, n * sizeof(*ids));
	queued = n;
	next = 0;
	irq_dispatch(cur);
}

static void each_kind_ends_as_it_should(void **state)
{
	static const struct {
		uint32_t intid;
		const char *want;
	} t[] = {
		{ 33, "H3D3X3" }, /* EL2's own */
		{ 34, "H4D4" },   /* the guest deactivates */
		{ 35, "D5X5" },   /* nobody's */
		/* LPIs have no active state */
		{ 8192, "H2D2" },
		{ 8193, "D3" },
		{ 8195, "D5" },
		{ 4096, "D6" },
		{ 0xffffff, "D5" },
		{ 1020, "" },
		{ 1021, "" },
		{ 1022, "" },
		{ 1023, "" },
	};

	assert_int_equal(irq_lpi_table(3), HV_OK);
	assert_int_equal(irq_register(33, handler, did, IRQ_END_EL2), HV_OK);
	assert_int_equal(irq_register(34, handler, did, IRQ_END_GUEST), HV_OK);
	assert_int_equal(irq_register(8192, handler, did, IRQ_END_EL2), HV_OK);
	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		memset(did, 0, sizeof(did));
		run(NULL, &t[i].intid, 1);
		assert_string_equal(did, t[i].want);
	}
}

static void a_kick_always_leads_to_a_look(void **state)
{
	struct vcpu v = { 0 };
	uint32_t id = SGI_KICK;

	run(&v, &id, 1);
	assert_int_equal(v.vgic.attention, 1);
	assert_string_equal(did, "D0X0");
	run(NULL, &id, 1);
}

static void each_kind_is_counted_for_the_cpus_vcpu(void **state)
{
	static const struct {
		uint32_t intid;
		enum exit_reason why;
	} t[] = {
		{ SGI_KICK, EXIT_KICK },
		{ SGI_STOP, EXIT_KICK },
		{ 26, EXIT_TIMER },
		{ 27, EXIT_TIMER },
		{ PPI_MAINTENANCE, EXIT_MAINTENANCE },
		{ 32, EXIT_LINE },
		{ 1019, EXIT_LINE },
		{ 8192, EXIT_MSI },
		{ 20000, EXIT_MSI },
		{ 1023, EXIT_REASONS },
	};

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		struct vcpu v = { 0 };

		run(&v, &t[i].intid, 1);
		for (unsigned why = 0; why < EXIT_REASONS; why++)
			assert_int_equal(v.exits[why], why == t[i].why);
	}
}

static void one_exit_handles_a_bounded_number(void **state)
{
	uint32_t ids[64];

	assert_int_equal(irq_register(33, handler, did, IRQ_END_EL2), HV_OK);
	for (unsigned i = 0; i < 64; i++)
		ids[i] = 33;
	run(NULL, ids, 64);
	assert_int_equal(next, 8);
}

static void an_intid_has_one_handler(void **state)
{
	static const struct {
		uint32_t intid;
		enum hv_status want;
	} t[] = {
		{ 33, HV_OK },       { 33, HV_ECONFLICT }, { 95, HV_OK },   { 96, HV_EINVAL },
		{ 1023, HV_EINVAL }, { 8191, HV_EINVAL },  { 8192, HV_OK }, { 8192, HV_ECONFLICT },
		{ 8194, HV_EINVAL }, { ~0U, HV_EINVAL },
	};

	assert_int_equal(irq_register(8192, handler, did, IRQ_END_EL2), HV_EINVAL);
	assert_int_equal(irq_lpi_table(2), HV_OK);
	assert_int_equal(irq_lpi_table(2), HV_ECONFLICT);
	for (size_t i = 0; i < ARRAY_SIZE(t); i++)
		assert_int_equal(irq_register(t[i].intid, handler, did, IRQ_END_EL2), t[i].want);
	assert_true(irq_has_handler(33, handler));
	assert_false(irq_has_handler(34, handler));
	assert_false(irq_has_handler(8192, handler));
}

#define T(f) cmocka_unit_test_setup(f, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(each_kind_ends_as_it_should),
		T(a_kick_always_leads_to_a_look),
		T(each_kind_is_counted_for_the_cpus_vcpu),
		T(one_exit_handles_a_bounded_number),
		T(an_intid_has_one_handler),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
