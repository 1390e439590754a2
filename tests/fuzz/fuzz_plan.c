/*
 * Fuzz target: any blob as the board's device tree, read and planned with a fixed set of PCI
 * functions, then the guests' own trees. A finding is a sanitizer report, a panic or a failed
 * assertion: firmware's tree may be wrong, and then it is refused.
 */
#include <stdlib.h>
#include <string.h>

#include <libfdt.h>

#include <host.h>
#include <hv/dt.h>
#include <hv/guest_dt.h>
#include <hv/plan.h>
#include <hv/pmem.h>
#include <plan_fakes.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct board board;
static struct plan plan;
static uint8_t dtb[65536] __attribute__((aligned(8)));

static void plan_board(void)
{
	struct range modules[20];

	for (unsigned i = 0; i < board.cpu_count; i++)
		board.cpu[i].online = true;
	fake_pci_reset();
	pmem_reset();
	plan_reserve(&board, board.tree, modules, 20);
	plan.geo = (struct s2_geometry){ .ipa_bits = 40 };
	plan_guests(&plan, &board);
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
	if (blob && size >= sizeof(struct fdt_header)) {
		memcpy(blob, data, size);
		fdt_set_magic(blob, FDT_MAGIC); /* what a mutation cannot guess */
		if (dt_check(blob, size) == HV_OK && board_read(blob, &board) == HV_OK)
			plan_board();
	}
	free(blob);
	return 0;
}
