/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The boot order, from assembly to the first guest instruction. Each step may rely on all above.
 */
#include <string.h>

#include <arch/barrier.h>
#include <arch/time.h>
#include <hv/board.h>
#include <hv/build.h>
#include <hv/console.h>
#include <hv/devices.h>
#include <hv/dt.h>
#include <hv/entropy.h>
#include <hv/faults.h>
#include <hv/gic.h>
#include <hv/iommu.h>
#include <hv/irq.h>
#include <hv/life.h>
#include <hv/load.h>
#include <hv/log.h>
#include <hv/msi.h>
#include <hv/pci.h>
#include <hv/plan.h>
#include <hv/smccc.h>
#include <hv/pmem.h>
#include <hv/rtc.h>
#include <hv/vrtc.h>
#include <spec/psci.h>

#include "cpu.h"
#include "entry.h"
#include "port/libc.h"
#include "version.h"
#include "mmu.h"
#include "sysreg.h"

#define DTB_MAX MIB(2)

extern char _start[], _end[];

static struct board board __ro_after_boot;
static struct plan plan __ro_after_boot;
static struct range image __ro_after_boot; /* PA, with its room */
static struct range tree __ro_after_boot;  /* PA, as firmware left it */
static uint32_t uart_intid __ro_after_boot;
static struct entropy entropy;
static bool stay_on __ro_after_boot;

/*
 * Of what firmware found out; RNDR and the counter come to it with each use. `wipe`: from
 * Viaduct's own copy of the tree, when they have been read, as all secrets come of them.
 */
static void seed_read(const void *fdt, bool wipe)
{
	static const char *const names[] = { "kaslr-seed", "rng-seed" };

	for (unsigned i = 0; i < ARRAY_SIZE(names); i++) {
		unsigned len = 0;
		const void *p = dt_get(fdt, dt_find(fdt, "/chosen"), names[i], &len);

		if (wipe)
			memset((void *)(uintptr_t)p, 0, len); /* len is 0 where there is none */
		if (!p || len < 8)
			continue;
		entropy_mix(&entropy, p, len);
		entropy.seeded = true;
	}
}

static void map_node(const void *fdt, int node)
{
	struct range r;

	for (unsigned i = 0; dt_reg(fdt, node, i, &r) == HV_OK; i++)
		el2_map_device(r);
}

static void map_compatible(const void *fdt, const char *compatible)
{
	dt_for_each(n, fdt, compatible)
		map_node(fdt, n);
}

static void start_console(const void *fdt)
{
	struct range reg;

	if (uart_find(fdt, &reg, &uart_intid) != HV_OK)
		return;
	el2_map_device(reg);
	console_init();
}

static _Noreturn void refuse(const char *why)
{
	log_err("%s: Viaduct stops here", why);
	console_flush();
	cpu_stop();
}

static bool log_to_console(const char *line, size_t n, bool spare)
{
	if (spare)
		return console_put_spare(line, n);
	console_put(0, line, n);
	return true;
}

/* What lower floors call above themselves. */
static void register_callbacks(void)
{
	static const struct iommu_callbacks iommu = {
		.fault = faults_report,
		.died = faults_iommu_died,
		.arm_poll_timer = timer_arm_iommu,
	};

	log_set_output(log_to_console);
	timer_on_hardware(timer_set_here);
	console_set_retry_timer(timer_arm_console);
	iommu_set_callbacks(&iommu);
	s2_set_flush(iommu_flush);
}

void start_below_el2(const void *fdt)
{
	if (dt_check(fdt, DTB_MAX) != HV_OK)
		cpu_stop();
	el2_early_memory();
	register_callbacks();
	start_console(fdt);
	refuse("entered at EL1; Viaduct is a hypervisor and must be started at EL2 "
	       "(QEMU: -M virt,virtualization=on)");
}

static void for_each_module(void (*fn)(struct range))
{
	for (unsigned i = 0; i < plan.guest_count * MODULES; i++) {
		struct range module = plan.guest[i / MODULES].module[i % MODULES];

		if (board_is_ram(&board, module))
			fn(module);
	}
}

static void el2_map_module(struct range module)
{
	el2_map(module, EL2_RO);
}

/* What is taken is reserved before anything is allocated; then the tree moves to own memory. */
static const void *take_memory(const void *fdt)
{
	size_t size = dt_used_size(fdt);
	void *copy;

	if (board_read(fdt, &board) != HV_OK)
		refuse("this board cannot be used");
	board.console_node = MAX(uart_find_node(fdt), 0);
	board.image = image;
	pmem_on_chunk(el2_map_own);
	plan_read(&plan, &board);
	copy = memcpy(pmem_alloc(size, PAGE_SIZE), fdt, size);
	dt_index_moved(copy);
	board.fdt = copy;
	seed_read(copy, true);
	for_each_module(el2_map_module);
	return copy;
}

static void start_interrupts(const void *fdt)
{
	if (board_boot_cpu(&board, read_sysreg(mpidr_el1)) != HV_OK)
		refuse("the device tree does not list the CPU that booted");
	if (board.gic_node < 0)
		refuse("the device tree has no interrupt controller that Viaduct drives");
	map_node(fdt, board.gic_node);
	map_compatible(fdt, "arm,gic-v3-its");
	map_compatible(fdt, "arm,gic-v2m-frame");
	if (gic_init(fdt, board.gic_node, board.gic_version, board.cpu_count) != HV_OK)
		refuse("the interrupt controller cannot be used");
	its_init(fdt, board.cpu_count);
	v2m_init(fdt);
	cpus_init(board.cpu_count);
	for (unsigned i = 0; i < board.cpu_count; i++)
		cpus[i].mpidr = board.cpu[i].mpidr;
}

static void start_cpus(void)
{
	unsigned online = 0;
	const char *why;

	smccc_init();
	smp_start();
	for (unsigned i = 0; i < board.cpu_count; i++) {
		board.cpu[i].online = cpus[i].online;
		online += cpus[i].online;
	}
	log_info("%u of %u CPUs started", online, board.cpu_count);
	why = idreg_unusable();
	if (why)
		refuse(why);
	board.gic_soft_linked = gic.soft_linked;
	board.has_pmu = idreg_has_pmu();
	board.sve_lengths = idreg_sve_lengths();
}

static void start_pci(const void *fdt)
{
	pci_probe_hosts(fdt, el2_map_config);
	for (unsigned i = 0; i < pci_host_count; i++) {
		pci_enumerate(&pci_hosts[i]);
		pci_assign(&pci_hosts[i]);
	}
	pci_identify();
}

/* What the boot script says counts more than the board's clock. */
static void start_clock(const void *fdt)
{
	uint64_t epoch = board.epoch;
	char path[96];

	if (!epoch && board.rtc_node >= 0 &&
	    rtc_read(fdt, board.rtc_node, el2_map_device, &epoch) != HV_OK) {
		log_warn("%s does not run; guests have no RTC of their own unless they ask for it",
			 dt_path(fdt, board.rtc_node, path, sizeof(path)));
		board.rtc_node = -1;
		return;
	}
	vrtc_set_time(epoch);
}

static const void *module_data(struct range pa)
{
	return pa_to_va(PA(pa.base));
}

static void plan_all(void)
{
	const struct s2_limits el2 = { idreg_cpu_pa_bits(), idreg_cpu_fwb() };

	plan.geo = s2_geometry(el2, iommu_s2_limits());
	plan.module_data = module_data;
	plan_guests(&plan);
	for (unsigned i = 0; i < plan.guest_count; i++)
		entropy_split(&entropy, &plan.guest[i].entropy);
	if (!entropy.seeded)
		log_warn("no kaslr-seed or rng-seed in /chosen, no RNDR: guests get no seeds, "
			 "and Viaduct's stack canary can be guessed");
	plan_print(&plan);
}

/* The lowest CPU without a guest takes what is nobody's; else CPU 0. */
static unsigned housekeeper(void)
{
	for (unsigned i = 0; i < cpu_count; i++)
		if (cpus[i].online && !cpus[i].vcpu)
			return i;
	return 0;
}

static void uart_fired(void *arg, uint32_t intid, struct vcpu *cur)
{
	(void)arg, (void)intid, (void)cur;
	console_poll();
}

static void start_housekeeping(void)
{
	unsigned cpu = housekeeper();

	iommu_route(cpu);
	if (pci_ports_init(devices_told)) {
		timer_set_ports_cpu(cpu);
		gic.ops->send_sgi(cpu, SGI_KICK); /* it may sleep already */
	}
	if (uart_intid && irq_register(uart_intid, uart_fired, NULL, IRQ_END_EL2) == HV_OK) {
		gic_route(uart_intid, cpu);
		gic_set_edge(cpu, uart_intid, false);
		gic_set_enabled(cpu, uart_intid, true);
		console_start_irq();
	}
}

/* Each guest has its CPUs from here on, and enters them at life_start(). */
static void place_guests(void)
{
	for (unsigned i = 0; i < vm_count; i++)
		for (unsigned c = 0; c < vms[i]->vcpu_count; c++)
			__atomic_store_n(&cpus[vms[i]->vcpu[c]->cpu].vcpu, vms[i]->vcpu[c],
					 __ATOMIC_RELEASE);
}

void power_off(void)
{
	if (stay_on) {
		log_info("no guest is left; the machine stays on");
		return;
	}
	log_info("no guest is left; power off");
	console_flush();
	smc(PSCI_FN_SYSTEM_OFF, 0, 0, 0);
	cpu_stop();
}

void vm_stop(struct vcpu *v, enum life_end why)
{
	if (life_stop(v, why))
		power_off();
	cpu_park();
}

__attribute__((optimize("no-stack-protector"))) void start(const void *fdt, uint64_t entry_ticks)
{
	uintptr_t canary;

	if (dt_check(fdt, DTB_MAX) != HV_OK)
		cpu_stop(); /* nothing to say it on */
	image = el2_early_memory();
	tree = (struct range){ (uintptr_t)fdt, dt_cells((const char *)fdt + 4, 1) };
	el2_init(tree);
	dt_index(fdt);
	register_callbacks();
	seed_read(fdt, false);
	entropy_get(&entropy, "stack canary", &canary, sizeof(canary));
	__stack_chk_guard = canary & ~UINT64_C(0xff); /* strings end before it */
	start_console(fdt);
	log_info("Viaduct %s at 0x%lx, EL2", VIADUCT_VERSION, (uintptr_t)_start);
	if (read_sysreg(hcr_el2) & BIT(HCR_E2H_BIT))
		refuse("this CPU has HCR_EL2.E2H fixed to 1");
	if (arch_time_hz() == 0) /* only EL3 may write it */
		refuse("CNTFRQ_EL0 is 0: firmware did not set the counter's frequency");
	iommu_probe(fdt, el2_map_device); /* from here on no device writes to memory */
	fdt = take_memory(fdt);
	crash_on_fault(dt_string(fdt, dt_find(fdt, "/chosen"), "viaduct,on-fault"));
	start_interrupts(fdt);
	start_cpus();
	iommu_start(fdt);
	start_pci(fdt);
	start_clock(fdt);
	plan_all();
	el2_window_init();
	idreg_plan(plan.geo);
	build_guests(&plan, el2_map_device);
	operator_init(&plan);
	stay_on = dt_bool(fdt, dt_find(fdt, "/chosen"), "viaduct,stay-on");
	place_guests();
	if (irq_register(SGI_STOP, crash_stop, NULL, IRQ_END_EL2) != HV_OK ||
	    irq_register(PPI_HYP_TIMER, timer_fired, NULL, IRQ_END_EL2) != HV_OK)
		refuse("an interrupt of Viaduct's own is taken");
	start_housekeeping();
	pmem_seal();
	log_info("%zu KiB of memory for Viaduct itself, image included",
		 (pmem_own_bytes() + (size_t)(_end - _start)) >> 10);
	log_info("ticks of %lu Hz: entry %lu first-guest %lu copy %lu inflate %lu scrub %lu",
		 read_sysreg(cntfrq_el0), entry_ticks, arch_time_ticks(), load_ticks.copy,
		 load_ticks.inflate, load_ticks.scrub);
	for_each_module(el2_unmap); /* load.c reads them through windows */
	el2_unmap(tree);
	el2_seal();
	if (vm_count == 0)
		power_off();
	for (unsigned i = 0; i < vm_count; i++)
		life_start(vms[i]);
	cpu_run();
}
