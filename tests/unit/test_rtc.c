/* SPDX-License-Identifier: Apache-2.0 */
/* The board's clock: which node, and what its registers say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <libfdt.h>

#include <host.h>
#include <hv/rtc.h>
#include <spec/pl031.h>

#define BASE 0x9010000U

static uint8_t blob[4096];
static uint32_t control, data;
static uint64_t mapped;

static uint64_t rtc_get(void *model, uint64_t off, unsigned size)
{
	assert_int_equal(size, 4);
	if (off == PL031_CR)
		return control;
	return off == PL031_DR ? data : 0;
}

static void rtc_set(void *model, uint64_t off, unsigned size, uint64_t value)
{
	fail_msg("the board's clock is never written");
}

static void map(struct range r)
{
	assert_int_equal(r.base, BASE);
	mapped = r.size;
}

static void build(const char *compatible, const char *status, uint32_t size)
{
	const fdt32_t reg[] = { 0, cpu_to_fdt32(BASE), 0, cpu_to_fdt32(size) };

	fdt_create(blob, sizeof(blob));
	fdt_finish_reservemap(blob);
	fdt_begin_node(blob, "");
	fdt_property_u32(blob, "#address-cells", 2);
	fdt_property_u32(blob, "#size-cells", 2);
	fdt_begin_node(blob, "rtc@9010000");
	fdt_property(blob, "compatible", compatible, (int)strlen(compatible) + 1);
	fdt_property(blob, "status", status, (int)strlen(status) + 1);
	fdt_property(blob, "reg", reg, sizeof(reg));
	fdt_end_node(blob);
	fdt_end_node(blob);
	fdt_finish(blob);
	host_mmio_clear();
	host_mmio_add(BASE, 0x1000, rtc_get, rtc_set, NULL);
	control = 1;
	data = 1700000000;
	mapped = 0;
}

static enum hv_status read_time(uint64_t *epoch)
{
	return rtc_read(blob, rtc_find(blob), map, epoch);
}

static void a_clock_that_runs_is_read(void **state)
{
	uint64_t epoch = 0;

	build("arm,pl031", "okay", 0x1000);
	assert_int_equal(read_time(&epoch), HV_OK);
	assert_int_equal(epoch, 1700000000);
	assert_int_equal(mapped, 0x1000);
}

static void a_clock_that_stands_still_or_does_not_answer_is_none(void **state)
{
	uint64_t epoch;

	build("arm,pl031", "okay", 0x1000);
	control = 0;
	assert_int_equal(read_time(&epoch), HV_ENOENT);
	host_mmio_clear(); /* all ones */
	assert_int_equal(read_time(&epoch), HV_ENOENT);
}

static void what_is_disabled_unknown_or_too_small_is_not_touched(void **state)
{
	uint64_t epoch;

	build("arm,pl031", "disabled", 0x1000);
	assert_int_equal(rtc_find(blob), -1);
	build("acme,rtc", "okay", 0x1000);
	assert_int_equal(rtc_find(blob), -1);
	build("arm,pl031", "okay", 0x20);
	assert_int_equal(read_time(&epoch), HV_ENOENT);
	assert_int_equal(mapped, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_clock_that_runs_is_read),
		cmocka_unit_test(a_clock_that_stands_still_or_does_not_answer_is_none),
		cmocka_unit_test(what_is_disabled_unknown_or_too_small_is_not_touched),
	};

	return cmocka_run_group_tests_name("rtc", tests, NULL, NULL);
}
