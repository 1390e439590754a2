/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzz target: any blob as the board's device tree, read and planned with a fixed set of PCI
 * functions, then the guests' own trees. What follows the blob is the module at PARTIAL_AT, a
 * partial device tree. A finding is a sanitizer report, a panic or a failed assertion: firmware's
 * tree and the user's may be wrong, and then they are refused.
 */
#include <stdlib.h>
#include <string.h>

#include <libfdt.h>

#include <host.h>
#include <host_early.h>
#include <hv/dt.h>
#include <hv/guest_dt.h>
#include <hv/plan.h>
#include <hv/pmem.h>
#include <plan_fakes.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct board board;
static struct plan plan;
#define PARTIAL_AT  0x63000000
#define PARTIAL_MAX 0x8000

static const uint8_t *rest;
static size_t rest_size;
static uint8_t *module; /* of the size that the board's tree says */
static uint8_t dtb[65536] __attribute__((aligned(8)));

static const void *module_data(struct range r)
{
	if (r.base != PARTIAL_AT || r.size > PARTIAL_MAX)
		return NULL;
	free(module);
	module = calloc(1, r.size);
	if (module && rest_size)
		memcpy(module, rest, MIN(rest_size, r.size));
	if (module && r.size >= sizeof(struct fdt_header))
		fdt_set_magic(module, FDT_MAGIC);
	return module;
}

static void plan_board(void)
{
	for (unsigned i = 0; i < board.cpu_count; i++)
		board.cpu[i].online = true;
	fake_pci_reset();
	if (rest_size % 2)
		fake_v2m(1 + rest_size / 2 % 4, 1 + rest_size / 8 % 40);
	fake_smmu.phandle = 0x77;
	host_early(1);
	plan_read(&plan, &board);
	plan.module_data = module_data;
	plan.geo = (struct s2_geometry){ .ipa_bits = 40 };
	plan_guests(&plan);
	plan_print(&plan);
	for (unsigned i = 0; i < plan.guest_count; i++)
		if (!plan.guest[i].refused[0] &&
		    guest_dt_build(&plan.guest[i], (struct range){ 0 }, dtb, sizeof(dtb)) != HV_OK)
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* Of its own size, so that a sanitizer sees every step beyond it. */
	uint8_t *blob = malloc(size);

	host_log_clear();
	host_early(0);
	if (blob && size >= sizeof(struct fdt_header)) {
		memcpy(blob, data, size);
		fdt_set_magic(blob, FDT_MAGIC); /* what a mutation cannot guess */
		if (fdt_totalsize(blob) < size) {
			rest = data + fdt_totalsize(blob);
			rest_size = size - fdt_totalsize(blob);
		} else {
			rest_size = 0;
		}
		if (dt_check(blob, size) == HV_OK && board_read(blob, &board) == HV_OK)
			plan_board();
	}
	free(blob);
	free(module);
	module = NULL;
	return 0;
}
