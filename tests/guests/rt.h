/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The runtime of the EL1 payloads: what a payload needs to check a guest's machine from inside.
 * It runs as a guest of Viaduct and on the bare machine (QEMU virt at EL1) alike: everything is
 * found through the device tree. A payload defines payload_name and payload_main(); lines are
 * "PAYLOAD name: key=value ... ok|FAIL", the last one is "PAYLOAD name: ok" or "... FAIL".
 */
#ifndef RT_H
#define RT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RT_MAX_CPUS   24
#define RT_STACK_SIZE 16384 /* as in start.S */

typedef uint64_t u64;
typedef uint32_t u32;
typedef uint16_t u16;
typedef uint8_t u8;

#define BIT(n)         (UINT64_C(1) << (n))
#define ARRAY_COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define MIN(a, b)      ((a) < (b) ? (a) : (b))

#define sysreg_read(name)                                                                          \
	({                                                                                         \
		u64 value_;                                                                        \
		__asm__ volatile("mrs %0, " #name : "=r"(value_) : : "memory");                    \
		value_;                                                                            \
	})
#define sysreg_write(name, v) __asm__ volatile("msr " #name ", %0" : : "r"((u64)(v)) : "memory")
#define isb()                 __asm__ volatile("isb" : : : "memory")
#define dsb()                 __asm__ volatile("dsb sy" : : : "memory")
#define wfi()                 __asm__ volatile("dsb sy\n\twfi" : : : "memory")
/* QEMU: another CPU's turn */
#define relax()   __asm__ volatile("yield" : : : "memory")
#define irq_on()  __asm__ volatile("msr daifclr, #2" : : : "memory")
#define irq_off() __asm__ volatile("msr daifset, #2" : : : "memory")

static inline u8 r8(u64 a)
{
	u32 v;

	__asm__ volatile("ldrb %w0, [%1]" : "=r"(v) : "r"(a) : "memory");
	return (u8)v;
}

static inline u16 r16(u64 a)
{
	u32 v;

	__asm__ volatile("ldrh %w0, [%1]" : "=r"(v) : "r"(a) : "memory");
	return (u16)v;
}

static inline u32 r32(u64 a)
{
	u32 v;

	__asm__ volatile("ldr %w0, [%1]" : "=r"(v) : "r"(a) : "memory");
	return v;
}

static inline u64 r64(u64 a)
{
	u64 v;

	__asm__ volatile("ldr %0, [%1]" : "=r"(v) : "r"(a) : "memory");
	return v;
}

static inline void w8(u64 a, u8 v)
{
	__asm__ volatile("strb %w0, [%1]" : : "r"(v), "r"(a) : "memory");
}

static inline void w16(u64 a, u16 v)
{
	__asm__ volatile("strh %w0, [%1]" : : "r"(v), "r"(a) : "memory");
}

static inline void w32(u64 a, u32 v)
{
	__asm__ volatile("str %w0, [%1]" : : "r"(v), "r"(a) : "memory");
}

/* An access of 1, 2, 4 or 8 bytes. */
static inline u64 read_width(u64 a, unsigned bytes)
{
	switch (bytes) {
	case 1:
		return r8(a);
	case 2:
		return r16(a);
	case 4:
		return r32(a);
	}
	return r64(a);
}

static inline void w64(u64 a, u64 v)
{
	__asm__ volatile("str %0, [%1]" : : "r"(v), "r"(a) : "memory");
}

static inline void write_width(u64 a, unsigned bytes, u64 v)
{
	switch (bytes) {
	case 1:
		w8(a, (u8)v);
		break;
	case 2:
		w16(a, (u16)v);
		break;
	case 4:
		w32(a, (u32)v);
		break;
	default:
		w64(a, v);
	}
}

/*
 * --- a payload defines these; the secondary function runs on each started CPU, then it is off ---
 */
extern const char payload_name[];
void payload_main(void);
void payload_secondary(unsigned cpu);
extern u64 first_simd[RT_MAX_CPUS][64]; /* V0..V31 as a CPU found them when it was last entered */

/* --- output: whole lines, never mixed between CPUs --- */
void print(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void print_line(const char *head, const char *fmt, va_list ap); /* head, text and line end */
void report(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Prints "PAYLOAD name: ... ok" or "... FAIL", and counts the failures. Returns `good`. */
bool check(bool good, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Says `what` and waits until the harness sends a byte: it looks at the machine from outside. */
void await_harness(const char *what);
/* Prints the last line and switches the machine (or guest) off. */
void finish(void) __attribute__((noreturn));

/* --- the machine --- */
struct machine {
	const void *dtb;
	u64 first_instruction; /* CNTPCT_EL0 as the first instruction read it */
	u64 uart;              /* 0: none */
	u64 ram_base, ram_size;
	u64 gicd, gicr, gicr_size;
	u64 gicc; /* GICv2; 0: GICv3 */
	u64 its;  /* 0: none */
	u64 v2m;  /* 0: none */
	bool psci_smc;
	unsigned cpus;
	u64 mpidr[RT_MAX_CPUS];
	int pci; /* node, or negative */
	u64 ecam, ecam_size;
	u64 mem32_cpu, mem32_pci, mem32_size; /* windows; size 0: none */
	u64 mem64_cpu, mem64_pci, mem64_size;
};
extern struct machine machine;

/* The first page of memory that outlives this guest, mapped; NULL: it has no shared memory. */
void *shared_page(void);

/* A word of the kernel command line "name=value"; NULL when it is not there. */
const char *arg_find(const char *name);
u64 arg_number(const char *name, u64 otherwise);
/* Parses hexadecimal with 0x or decimal; *end is set behind it. */
u64 parse_number(const char *s, const char **end);

unsigned cpu_index(void);
void *rt_alloc(size_t size, size_t align); /* zeroed, for ever */
u64 counter(void);                         /* CNTVCT_EL0 between ISBs */
u64 counter_hz(void);
bool wait_until(const volatile u32 *word, u32 at_least, unsigned ms);
void delay_ms(unsigned ms);

/* --- page table: identity, RAM Normal-WB executable, the rest Device-nGnRE --- */
enum map_type { MAP_DEVICE, MAP_NORMAL, MAP_NC };
void map_page(u64 pa, enum map_type type); /* one 4 KiB page; executable unless Device */

/* --- firmware --- */
#define PSCI_VERSION       UINT64_C(0x84000000)
#define PSCI_CPU_SUSPEND   UINT64_C(0xc4000001)
#define PSCI_CPU_OFF       UINT64_C(0x84000002)
#define PSCI_CPU_ON        UINT64_C(0xc4000003)
#define PSCI_AFFINITY_INFO UINT64_C(0xc4000004)
#define PSCI_MIGRATE       UINT64_C(0xc4000005)
#define PSCI_SYSTEM_OFF    UINT64_C(0x84000008)
#define PSCI_SYSTEM_RESET  UINT64_C(0x84000009)
#define PSCI_FEATURES      UINT64_C(0x8400000a)
#define PSCI_UNKNOWN       UINT64_C(0xc400ffff) /* no such function */
int64_t hvc(u64 fn, u64 a, u64 b, u64 c);
int64_t smc(u64 fn, u64 a, u64 b, u64 c);
int64_t psci(u64 fn, u64 a, u64 b, u64 c); /* through the method of the device tree */
bool cpu_start(unsigned cpu);              /* runs payload_secondary(cpu) there */

/* --- exceptions that a payload provokes: armed, then one instruction, then taken() --- */
void fault_arm(void);
u64 fault_taken(void); /* ESR_EL1, 0: nothing happened; disarms */
u64 fault_address(void);
#define ESR_EC(esr)  ((u32)((esr) >> 26))
#define ESR_FSC(esr) ((u32)(esr) & 0x3f)

/* --- GICv3, or GICv2 where machine.gicc is not 0 --- */
typedef void irq_fn(u32 intid);
void gic_init(void);                    /* distributor, and this CPU */
void gic_cpu_init(void);                /* another CPU */
u64 gic_redist(void);                   /* GICv3: frame of this CPU */
u32 gic_mask(unsigned cpu);             /* GICv2: its bit in GICD_ITARGETSR, once it runs */
void gic_enable(u32 intid, irq_fn *fn); /* SGI, PPI, SPI, LPI (handler only) */
void gic_disable(u32 intid);
void gic_sgi(u32 intid, unsigned cpu);
/*
 * By hand, with interrupts masked: IAR, EOIR, DIR (with the source of a GICv2 SGI), EOImode, PMR.
 */
u32 gic_ack(void);
void gic_end(u32 iar);
void gic_deactivate(u32 iar);
void gic_split(bool on);
void gic_mask_below(u8 prio);
void gic_route(u32 intid, unsigned cpu); /* SPI */
u64 gic_frame(u32 intid);                /* that its registers are in, at the offsets of GICD_* */
extern volatile u32 irq_spurious;        /* interrupts without a handler */

/* --- LPIs, and the ITS: collection 0 is CPU 0 --- */
#define LPI_FIRST 8192
void gic_lpis_on(void); /* of this CPU */
bool gic_lpis_are_on(void);
void lpi_property(u32 lpi, u8 byte); /* priority, and bit 0: enabled; then its_inv() */
bool its_init(void);                 /* with gic_lpis_on() */
void its_queue_again(void);          /* the queue of its_init() again, behind another one */
void its_map_collection(u32 id, unsigned cpu);
void its_move(u32 device, u32 event, u32 collection);
void its_inv(u32 device, u32 event);
void its_map_device(u32 device, u32 events);
void its_map_event(u32 device, u32 event, u32 lpi);
void its_int(u32 device, u32 event);
bool its_command(const u64 cmd[4]);                     /* false: the queue stands still */
bool its_commands(const u64 (*cmd)[4], unsigned count); /* in one go; at most 127 */
void its_again(void); /* tables, queue and collection 0 of its_init(), whatever was done to them */
void gic_quiet(void); /* everything disabled, not pending and not active */

/* --- PCI --- */
struct pci_dev {
	u8 bus, devfn;
	u64 cfg;    /* its config space */
	u64 bar[6]; /* CPU address, 0: none */
	u64 bar_size[6];
};
bool pci_find(u32 vendor_device, unsigned nth, struct pci_dev *d); /* 0xffffffff: any */
void pci_assign(struct pci_dev *d);         /* sizes and places all memory BARs, MEM and BME on */
u8 pci_cap(const struct pci_dev *d, u8 id); /* offset, 0: none */
u32 pci_intx(const struct pci_dev *d);      /* INTID from the host's interrupt-map; 0: none */
/* DeviceID and doorbell through msi-map; false: the host has no ITS. */
bool pci_msi_target(const struct pci_dev *d, u32 *device_id, u64 *doorbell);
/*
 * Makes `count` messages arrive as interrupts intid, intid + 1, ... (gic_enable them): a device
 * writes data + n to the doorbell. A power of two. False: there is no MSI controller.
 */
struct msi {
	u64 doorbell;
	u32 data, intid;
};
bool msi_prepare(const struct pci_dev *d, u32 count, struct msi *m);
/* Writes the MSI capability and enables it; false when there is none. */
bool pci_msi_enable(const struct pci_dev *d, u64 address, u32 data, bool on);
/* The same for one vector of MSI-X, unmasked; its BAR is assigned. The entry's address, or 0. */
bool pci_msix_enable(const struct pci_dev *d, u32 vector, u64 address, u32 data);
u64 pci_msix_entry(const struct pci_dev *d, u32 vector);

/* --- a beat: one line each period, `watch` (may be NULL) says whether all is well --- */
void heartbeat(bool sleep, bool (*watch)(void));

#endif
