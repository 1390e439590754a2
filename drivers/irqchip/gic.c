/*
 * The one interrupt controller of the machine, and which driver it gets. Written at boot only.
 */
#include <hv/dt.h>
#include <hv/gic.h>
#include <hv/log.h>

struct gic gic __ro_after_boot;

typedef enum hv_status init_fn(const void *fdt, int node);

static const struct {
	const char *compatible;
	init_fn *init;
} drivers[] = {
	{ "arm,gic-v3", gicv3_init },
};

enum hv_status gic_init(const void *fdt, int node)
{
	for (size_t i = 0; node >= 0 && i < ARRAY_SIZE(drivers); i++)
		if (dt_compatible(fdt, node, drivers[i].compatible))
			return drivers[i].init(fdt, node);
	log_err("gic: no interrupt controller that Viaduct drives: needs \"%s\"",
		drivers[0].compatible);
	return HV_EUNSUPP;
}
