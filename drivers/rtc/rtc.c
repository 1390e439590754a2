/* SPDX-License-Identifier: Apache-2.0 */
/* Clocks of boards: a row in the table and a function that reads the time. */
#include <arch/mmio.h>
#include <hv/dt.h>
#include <hv/rtc.h>
#include <spec/pl031.h>

static uint32_t rd(uintptr_t base, uint32_t reg)
{
	return (uint32_t)arch_mmio_probe_read(base + reg, 4); /* it may not answer */
}

static enum hv_status pl031_read(uintptr_t base, uint64_t *epoch)
{
	uint32_t control = rd(base, PL031_CR);

	*epoch = rd(base, PL031_DR);
	return control & PL031_CR_START && *epoch != UINT32_MAX ? HV_OK : HV_ENOENT;
}

static const struct {
	char compatible[16];
	enum hv_status (*read)(uintptr_t base, uint64_t *epoch);
} drivers[] = {
	{ "arm,pl031", pl031_read },
};

int rtc_find(const void *fdt)
{
	for (unsigned i = 0; i < ARRAY_SIZE(drivers); i++)
		dt_for_each(n, fdt, drivers[i].compatible)
			if (dt_enabled(fdt, n) && dt_has_power(fdt, n))
				return n;
	return -1;
}

enum hv_status rtc_read(const void *fdt, int node, void (*map)(struct range), uint64_t *epoch)
{
	struct range r;

	if (dt_reg(fdt, node, 0, &r) != HV_OK || r.size < PAGE_SIZE)
		return HV_ENOENT;
	map(r);
	for (unsigned i = 0; i < ARRAY_SIZE(drivers); i++)
		if (dt_compatible(fdt, node, drivers[i].compatible))
			return drivers[i].read((uintptr_t)r.base, epoch);
	return HV_ENOENT;
}
