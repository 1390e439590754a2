/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The payloads' runtime: MMU, exceptions, other CPUs, firmware calls, time. mmu_build() runs with
 * the MMU off, everything else behind it.
 */
#include "rt_priv.h"

#define HEAP_SIZE (1024 * 1024)

u8 stacks[RT_MAX_CPUS][RT_STACK_SIZE] __attribute__((section(".noinit"), aligned(65536)));
u64 first_simd[RT_MAX_CPUS][64] __attribute__((section(".noinit"), aligned(64))); /* start.S */
extern char head[]; /* where the image lies */
static u8 heap[HEAP_SIZE] __attribute__((section(".noinit"), aligned(65536)));
static size_t heap_used;
struct machine machine;

/* --- MMU (DDI 0487 D8.3: VMSAv8-64, 4 KiB granule, 48 bits) --- */

#define PTE_TABLE   UINT64_C(3)
#define PTE_BLOCK   UINT64_C(1)
#define PTE_PAGE    UINT64_C(3)
#define PTE_AF      BIT(10)
#define PTE_ISH     (UINT64_C(3) << 8)
#define PTE_XN      (UINT64_C(3) << 53)
#define PTE_ATTR(n) ((u64)(n) << 2)
#define PTE_ADDR    UINT64_C(0x0000fffffffff000)

#define L1_TABLES 2 /* 1 TiB: RAM, and QEMU's high PCI window at 512 GiB */

static u64 l0[512] __attribute__((aligned(4096)));
static u64 l1[L1_TABLES][512] __attribute__((aligned(4096)));
static u64 pool[16][512] __attribute__((aligned(4096)));
static unsigned pool_used;
struct {
	u64 mair, tcr, ttbr, sctlr;
} mmu_regs;

static u64 leaf_attributes(enum map_type type)
{
	static const u64 attr[] = {
		[MAP_DEVICE] = PTE_ATTR(0) | PTE_XN,
		[MAP_NORMAL] = PTE_ATTR(1) | PTE_ISH,
		[MAP_NC] = PTE_ATTR(2) | PTE_ISH,
	};

	return attr[type] | PTE_AF;
}

static u64 *l1_entry(u64 pa)
{
	return &l1[(pa >> 39) & (L1_TABLES - 1)][(pa >> 30) & 511];
}

static void map_gib(u64 pa, enum map_type type)
{
	*l1_entry(pa) = (pa & ~(BIT(30) - 1)) | leaf_attributes(type) | PTE_BLOCK;
}

void mmu_build(u64 dtb, u64 image)
{
	u64 parange = sysreg_read(id_aa64mmfr0_el1) & 15;

	for (unsigned i = 0; i < L1_TABLES; i++)
		l0[i] = (u64)l1[i] | PTE_TABLE;
	for (u64 gib = 0; gib < L1_TABLES * 512; gib++)
		map_gib(gib << 30, MAP_DEVICE);
	map_gib(dtb, MAP_NORMAL);
	map_gib(image, MAP_NORMAL);
	map_gib((u64)heap + HEAP_SIZE, MAP_NORMAL);

	mmu_regs.mair = 0x04 | 0xff << 8 | 0x44 << 16; /* nGnRE, WB, NC */
	mmu_regs.tcr = 16 | 1 << 8 | 1 << 10 | 3 << 12 | BIT(23) |
		       (parange > 5 ? 5 : parange) << 32; /* T0SZ, WB, ISH, EPD1, IPS */
	mmu_regs.ttbr = (u64)l0;
	mmu_regs.sctlr = 0x30d00800 | BIT(0) | BIT(2) | BIT(3) | BIT(12); /* RES1, M C SA I */
}

static void tlb_flush(void)
{
	__asm__ volatile("dsb ishst\n\ttlbi vmalle1is\n\tdsb ish\n\tisb" : : : "memory");
}

/* The table below *entry, made of the block that stands there. */
static u64 *table_below(u64 *entry, unsigned shift, bool last)
{
	u64 *table, block = *entry;

	if ((block & 3) == PTE_TABLE)
		return (u64 *)(block & PTE_ADDR);
	if (pool_used == ARRAY_COUNT(pool)) {
		print("PAYLOAD %s: too many map_page FAIL\n", payload_name);
		return pool[0];
	}
	table = pool[pool_used++];
	for (u64 i = 0; i < 512; i++)
		table[i] = (block & ~UINT64_C(3)) + (i << shift) + (last ? PTE_PAGE : PTE_BLOCK);
	*entry = 0; /* break before make, DDI 0487 D8.16 */
	tlb_flush();
	*entry = (u64)table | PTE_TABLE;
	return table;
}

void map_page(u64 pa, enum map_type type)
{
	u64 *l2 = table_below(l1_entry(pa), 21, false);
	u64 *l3 = table_below(&l2[(pa >> 21) & 511], 12, true);

	l3[(pa >> 12) & 511] = 0;
	tlb_flush();
	l3[(pa >> 12) & 511] = (pa & PTE_ADDR) | leaf_attributes(type) | PTE_PAGE;
	dsb();
	isb();
}

static void map_ram(void)
{
	for (u64 pa = machine.ram_base; pa < machine.ram_base + machine.ram_size; pa += BIT(30))
		map_gib(pa, MAP_NORMAL);
	tlb_flush();
}

/* --- exceptions --- */

static struct {
	bool armed;
	u64 esr, far;
} fault[RT_MAX_CPUS];

void fault_arm(void)
{
	fault[cpu_index()].esr = 0;
	fault[cpu_index()].armed = true;
	__asm__ volatile("dsb sy\n\tisb" : : : "memory");
}

u64 fault_taken(void)
{
	__asm__ volatile("dsb sy\n\tisb" : : : "memory");
	fault[cpu_index()].armed = false;
	return *(volatile u64 *)&fault[cpu_index()].esr;
}

u64 fault_address(void)
{
	return fault[cpu_index()].far;
}

static void trap_sync(struct trap_regs *regs)
{
	unsigned cpu = cpu_index();
	u64 esr = sysreg_read(esr_el1);

	if (!fault[cpu].armed) {
		print("PAYLOAD %s: unexpected exception cpu=%u esr=%lx far=%lx pc=head+%lx "
		      "lr=%lx FAIL\n",
		      payload_name, cpu, esr, sysreg_read(far_el1), regs->pc - (u64)head,
		      regs->x[30]);
		check(false, "survives");
		finish();
	}
	fault[cpu].esr = esr;
	fault[cpu].far = sysreg_read(far_el1);
	regs->pc = ESR_EC(esr) == 0x21 ? regs->x[30] : regs->pc + 4;
}

void rt_trap(u64 kind, struct trap_regs *regs)
{
	switch (kind) {
	case 4:
		trap_sync(regs);
		break;
	case 5:
		gic_irq();
		break;
	default:
		print("PAYLOAD %s: unexpected vector=%lu esr=%lx pc=%lx FAIL\n", payload_name, kind,
		      sysreg_read(esr_el1), regs->pc);
		if (kind != 7)
			finish();
	}
}

/* --- CPUs and firmware --- */

static volatile u32 arrivals[RT_MAX_CPUS]; /* of a CPU, which may be off again when one looks */

unsigned cpu_index(void)
{
	return (unsigned)sysreg_read(tpidr_el1);
}

#define CALL(name, insn)                                                                           \
	int64_t name(u64 fn, u64 a, u64 b, u64 c)                                                  \
	{                                                                                          \
		register u64 x0 __asm__("x0") = fn;                                                \
		register u64 x1 __asm__("x1") = a;                                                 \
		register u64 x2 __asm__("x2") = b;                                                 \
		register u64 x3 __asm__("x3") = c;                                                 \
		__asm__ volatile(insn                                                              \
				 : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3)                          \
				 :                                                                 \
				 : "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", \
				   "x14", "x15", "x16", "x17", "memory");                          \
		return (int64_t)x0;                                                                \
	}
CALL(hvc, "hvc #0")
CALL(smc, "smc #0")

int64_t psci(u64 fn, u64 a, u64 b, u64 c)
{
	int64_t r = machine.psci_smc ? smc(fn, a, b, c) : hvc(fn, a, b, c);

	return fn >> 30 & 1 ? r : (int32_t)r; /* SMC32: a 32-bit result */
}

extern char secondary_entry[];

bool cpu_start(unsigned cpu)
{
	u32 before = arrivals[cpu];
	int64_t r = psci(PSCI_CPU_ON, machine.mpidr[cpu] & 0xff00ffffff, (u64)secondary_entry, cpu);

	for (unsigned i = 0; !r && i < 1000; i++) {
		if (arrivals[cpu] != before)
			return true;
		delay_ms(1);
	}
	print("PAYLOAD %s: cpu_on cpu=%u result=%ld FAIL\n", payload_name, cpu, r);
	return false;
}

void rt_secondary(u64 cpu)
{
	gic_cpu_init();
	arrivals[cpu]++;
	dsb();
	payload_secondary((unsigned)cpu);
	irq_off();
	psci(PSCI_CPU_OFF, 0, 0, 0);
	for (;;)
		wfi();
}

__attribute__((weak)) void payload_secondary(unsigned cpu)
{
	(void)cpu;
}

void rt_main(const void *dtb, u64 first_instruction)
{
	machine.first_instruction = first_instruction;
	dt_read(dtb);
	map_ram();
	if (machine.gicd)
		gic_init();
	payload_main();
	finish();
}

/* --- memory, locks, time --- */

void spin_lock(u32 *lock)
{
	while (__atomic_exchange_n(lock, 1, __ATOMIC_ACQUIRE))
		while (__atomic_load_n(lock, __ATOMIC_RELAXED))
			;
}

void spin_unlock(u32 *lock)
{
	__atomic_store_n(lock, 0, __ATOMIC_RELEASE);
}

void *rt_alloc(size_t size, size_t align)
{
	size_t at = (heap_used + align - 1) & ~(align - 1);

	if (at + size > HEAP_SIZE) {
		print("PAYLOAD %s: heap too small FAIL\n", payload_name);
		finish();
	}
	heap_used = at + size;
	for (size_t i = 0; i < size; i++)
		heap[at + i] = 0;
	return &heap[at];
}

u64 counter(void)
{
	u64 v;

	__asm__ volatile("isb\n\tmrs %0, cntvct_el0\n\tisb" : "=r"(v) : : "memory");
	return v;
}

u64 counter_hz(void)
{
	return sysreg_read(cntfrq_el0);
}

static bool wait_for(const volatile u32 *word, u32 at_least, unsigned ms)
{
	u64 end = counter() + counter_hz() / 1000 * ms;

	while (*word < at_least) {
		if (counter() > end)
			return false;
		relax();
	}
	return true;
}

/* Who waits long expects it to come, and only the host may be busy: what is late is not lost. */
bool wait_until(const volatile u32 *word, u32 at_least, unsigned ms)
{
	return wait_for(word, at_least, ms < 500 ? ms : ms * 20);
}

void delay_ms(unsigned ms)
{
	u32 never = 0;

	wait_for(&never, 1, ms);
}

static volatile u32 ticks;

static void tick(u32 intid)
{
	(void)intid;
	ticks++;
	sysreg_write(cntv_ctl_el0, 2); /* masked until the next beat */
}

void heartbeat(bool sleep, bool (*watch)(void))
{
	u32 beats = (u32)arg_number("beats", 20);
	u64 next = counter();

	gic_enable(27, tick);
	irq_on();
	for (u32 i = 1; i <= beats; i++) {
		next += counter_hz() / 10;
		sysreg_write(cntv_cval_el0, next);
		sysreg_write(cntv_ctl_el0, 1);
		while (ticks < i)
			if (sleep)
				wfi();
		if (watch)
			check(watch(), "beat=%u unchanged", i);
		else
			report("beat=%u\n", i);
	}
	irq_off();
	gic_disable(27);
	check(ticks == beats, "beats=%u", ticks);
}
