/* SPDX-License-Identifier: Apache-2.0 */
/* Attribution, limits and the fault budget, with PCI and the IOMMU as the test says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <host.h>
#include <hv/faults.h>
#include <hv/iommu.h>
#include <hv/pci.h>
#include <hv/plan.h>
#include <hv/pmem.h>

static struct pci_func funcs[16];
struct pci_func *pci_funcs = funcs;
unsigned pci_func_count;
static struct vm *all[4];
struct vm **vms = all;
unsigned vm_count;

static struct guest_plan disk_plan, net_plan;
static struct vm disk = { .name = "disk", .id = 0, .plan = &disk_plan };
static struct vm net = { .name = "net", .id = 1, .plan = &net_plan };
static uint8_t arena[KIB(64)] __attribute__((aligned(64)));
static unsigned silenced[16], silenced_count, quiesced;

enum hv_status iommu_attach(struct iommu *i, uint32_t sid, const struct s2 *dma)
{
	(void)i;
	assert_null(dma);
	for (unsigned n = 0; n < pci_func_count; n++) /* no reset of them ends meanwhile */
		if (pci_funcs[n].iommu == i && pci_funcs[n].sid[0] == sid && !pci_funcs[n].bridge &&
		    pci_state(&pci_funcs[n]) != PCI_LOST)
			assert_int_equal(pci_funcs[n].cutting, 1);
	silenced[silenced_count++] = sid;
	return HV_OK;
}

static struct iommu the_iommu = { .name = "smmuv3@9050000" };
struct iommu *iommus = &the_iommu;
unsigned iommu_count = 1;
#define smmu iommus[0]

void pci_cfg_write(const struct pci_func *f, unsigned off, unsigned size, uint32_t value)
{
	assert_int_equal(off, 4);
	assert_int_equal(size, 2);
	assert_int_equal(value & 4, 0);
	quiesced |= 1U << (f - pci_funcs);
}

struct pci_func *pci_with_stream(const struct iommu *i, uint32_t sid, unsigned n)
{
	pci_for_each(f)
		if (pci_has_stream(f, i, sid) && !n--)
			return f;
	return NULL;
}

struct pci_func *pci_by_sid(const struct iommu *i, uint32_t sid)
{
	return pci_with_stream(i, sid, 0);
}

static void add_func(uint16_t bdf, uint32_t sid, uint16_t owner, bool bridge)
{
	struct pci_func *f = &pci_funcs[pci_func_count++];

	*f = (struct pci_func){
		.bdf = bdf,
		.iommu = &smmu,
		.sid_count = 1,
		.sid = { sid },
		.owner = owner,
		.bridge = bridge,
		.state = owner == PCI_NO_OWNER ? PCI_IDLE : PCI_OWNED,
	};
	snprintf(f->name, sizeof(f->name), "0000:%02x:%02x.%x", bdf >> 8, bdf >> 3 & 31, bdf & 7);
}

static void fault(uint32_t sid, uint64_t addr, bool write)
{
	faults_report(&smmu, &(struct iommu_fault){ .sid = sid,
						    .addr = addr,
						    .has_addr = true,
						    .write = write,
						    .reason = "translation",
						    .code = 0x10 });
}

static unsigned lines(void)
{
	unsigned n = 0;

	for (const char *p = host_log(); *p; p++)
		n += *p == '\n';
	return n;
}

static int begin(void **state)
{
	vms[0] = &disk;
	vms[1] = &net;
	vm_count = 2;
	pci_func_count = 0;
	add_func(0x0100, 0x100, 0, false);
	add_func(0x0208, 0x200, 1, false);
	add_func(0x0210, 0x200, 1, false); /* shares the stream */
	add_func(0x0008, 0x200, PCI_NO_OWNER, true);
	add_func(0x0018, 0x18, PCI_NO_OWNER, false);
	net_plan.stream[0] = (struct iommu_stream){ &smmu, 0x40 };
	net_plan.stream_count = 1;
	pmem_reset();
	pmem_early((struct range){ (uintptr_t)arena, sizeof(arena) });
	faults_init();
	silenced_count = quiesced = 0;
	host_time_advance(10000000);
	host_log_clear();
	return 0;
}

static void fault_names_guest_device_address_and_reason(void **state)
{
	fault(0x100, 0x40001234, true);
	fault(0x200, 0x1000, false);
	fault(0x18, 0x2000, true);
	fault(0x999, 0x3000, true);
	faults_report(&smmu, &(struct iommu_fault){ .sid = 0x998, .reason = "unknown StreamID" });
	assert_string_equal(
		host_log(),
		"disk: device 0000:01:00.0 (StreamID 0x100): DMA write to IPA 0x40001234 refused: "
		"translation\n"
		"net: device 0000:02:01.0 (StreamID 0x200): DMA read from IPA 0x1000 refused: "
		"translation\n"
		"no guest: device 0000:00:03.0 (StreamID 0x18): DMA write to IPA 0x2000 refused: "
		"translation\n"
		"smmuv3@9050000: no device (StreamID 0x999): DMA write to IPA 0x3000 refused: "
		"translation\n"
		"smmuv3@9050000: no device (StreamID 0x998): DMA refused: unknown StreamID\n");
}

static void platform_streams_are_named_silenced_and_forgotten(void **state)
{
	fault(0x40, 0x1000, true);
	assert_string_equal(
		host_log(),
		"net: platform device (StreamID 0x40): DMA write to IPA 0x1000 refused: "
		"translation\n");
	for (unsigned i = 0; i < 2 * FAULT_BUDGET; i++)
		fault(0x40, 0x1000, true);
	assert_int_equal(silenced_count, 1);
	assert_int_equal(silenced[0], 0x40);
	faults_guest_end(&net);
	fault(0x40, 0x1000, true);
	assert_non_null(
		strstr(host_log(),
		       "more refused DMA\nnet: platform device (StreamID 0x40): DMA write"));
}

static void same_page_and_reason_is_printed_once(void **state)
{
	fault(0x100, 0x1000, true);
	fault(0x100, 0x1004, true);
	fault(0x100, 0x1ffc, false);
	assert_int_equal(lines(), 1);
	fault(0x200, 0x1000, true); /* another stream */
	faults_report(&smmu, &(struct iommu_fault){ .sid = 0x100,
						    .addr = 0x1000,
						    .has_addr = true,
						    .reason = "permission",
						    .code = 0x13 });
	fault(0x100, 0x2000, true);
	assert_int_equal(lines(), 4);
}

static void lines_of_a_stream_are_bounded_until_its_guest_ends(void **state)
{
	for (unsigned n = 0; n < 100; n++)
		fault(0x100, n * 0x1000, true);
	assert_int_equal(lines(), FAULT_LINES);
	fault(0x200, 0, true); /* the other guest is told */
	assert_int_equal(lines(), FAULT_LINES + 1);
	host_log_clear();
	faults_guest_end(&disk);
	assert_string_equal(host_log(),
			    "disk: device 0000:01:00.0 (StreamID 0x100): 84 more refused DMA\n");
	fault(0x100, 0, true);
	assert_int_equal(lines(), 2);
}

static void over_budget_is_silenced_and_quarantined_once(void **state)
{
	for (unsigned n = 0; n < FAULT_BUDGET; n++)
		fault(0x200, 0, true);
	assert_int_equal(silenced_count, 0);
	for (unsigned n = 0; n < 3000; n++) /* what the queue still holds */
		fault(0x200, n * 0x1000, true);
	assert_int_equal(silenced_count, 1);
	assert_int_equal(silenced[0], 0x200);
	assert_int_equal(quiesced, 1 << 1 | 1 << 2); /* both that share it, not the bridge */
	assert_non_null(
		strstr(host_log(), "net: device 0000:02:01.0 (StreamID 0x200): more than 1024"));
	assert_int_equal(lines(), 2);
}

static void budget_is_per_second(void **state)
{
	for (unsigned s = 0; s < 5; s++) {
		for (unsigned n = 0; n < FAULT_BUDGET; n++)
			fault(0x100, 0, true);
		host_time_advance(1000000);
	}
	assert_int_equal(silenced_count, 0);
}

static void reset(unsigned n)
{
	pci_event(&pci_funcs[n], PCI_RESET_BEGINS);
	pci_event(&pci_funcs[n], PCI_RESET_DONE);
	pci_event(&pci_funcs[n], PCI_CLAIM);
}

/* A guest that resets its device to begin a storm again: cut each time, told ever more rarely. */
static void each_storm_is_cut_and_the_lines_are_bounded(void **state)
{
	for (unsigned n = 1; n <= 8; n++) {
		for (unsigned k = 0; k < 3000; k++)
			fault(0x100, 0, true);
		assert_int_equal(silenced_count, n);
		assert_int_equal(pci_state(&pci_funcs[0]), PCI_QUARANTINED);
		reset(0);
	}
	assert_int_equal(lines(), 1 + 4); /* storms 1, 2, 4, 8 */
}

/* Its reset silences the device, and may be over before anything is written: nothing is. */
static void a_storm_during_a_reset_cuts_nothing(void **state)
{
	pci_event(&pci_funcs[0], PCI_RESET_BEGINS);
	for (unsigned n = 0; n < 3000; n++)
		fault(0x100, 0, true);
	assert_int_equal(silenced_count, 0);
	assert_int_equal(quiesced, 0);
	assert_true(pci_lose(&pci_funcs[0])); /* whatever it is, it is not trusted */
	assert_int_equal(silenced_count, 1);
	for (unsigned n = 0; n < 3000; n++)
		fault(0x100, 0, true);
	assert_int_equal(silenced_count, 1); /* what was under way is counted only */
	assert_int_equal(pci_funcs[0].cutting, 0);
}

/* One of two that share a stream is gone: the other one works on. */
static void a_lost_function_leaves_its_stream_to_others(void **state)
{
	assert_true(pci_lose(&pci_funcs[1]));
	assert_int_equal(silenced_count, 0);
	assert_false(pci_stream_is_cut(&smmu, 0x200));
	assert_true(pci_lose(&pci_funcs[2]));
	assert_int_equal(silenced_count, 1);
	assert_true(pci_stream_is_cut(&smmu, 0x200));
}

static void next_life_is_watched_again(void **state)
{
	for (unsigned life = 1; life <= 2; life++) {
		for (unsigned n = 0; n <= FAULT_BUDGET; n++)
			fault(0x100, 0, true);
		assert_int_equal(silenced_count, life);
		faults_guest_end(&disk);
		reset(0);
	}
}

static void forged_streams_leave_room_for_the_others(void **state)
{
	for (uint32_t sid = 0x1000; sid < 0x1000 + 5000; sid++)
		fault(sid, (uint64_t)sid << 12, true);
	assert_true(lines() <= FAULT_LINES);
	assert_int_equal(silenced_count, 0);
	host_log_clear();
	fault(0x100, 0x1000, true);
	assert_int_equal(lines(), 1);
}

static void death_quarantines_all_and_names_the_assigned(void **state)
{
	faults_iommu_died(&smmu);
	assert_int_equal(quiesced, 0x17);
	assert_string_equal(
		host_log(),
		"disk: device 0000:01:00.0: quarantined, because smmuv3@9050000 failed\n"
		"net: device 0000:02:01.0: quarantined, because smmuv3@9050000 failed\n"
		"net: device 0000:02:02.0: quarantined, because smmuv3@9050000 failed\n");
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup(f, begin)
	const struct CMUnitTest tests[] = {
		TEST(fault_names_guest_device_address_and_reason),
		TEST(platform_streams_are_named_silenced_and_forgotten),
		TEST(same_page_and_reason_is_printed_once),
		TEST(lines_of_a_stream_are_bounded_until_its_guest_ends),
		TEST(over_budget_is_silenced_and_quarantined_once),
		TEST(budget_is_per_second),
		TEST(each_storm_is_cut_and_the_lines_are_bounded),
		TEST(a_storm_during_a_reset_cuts_nothing),
		TEST(a_lost_function_leaves_its_stream_to_others),
		TEST(next_life_is_watched_again),
		TEST(death_quarantines_all_and_names_the_assigned),
		TEST(forged_streams_leave_room_for_the_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
