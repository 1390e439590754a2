/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PCI, the physical side: host bridges, functions, BARs, requester IDs, isolation groups. What is
 * decided on is captured at discovery, before any guest owned a device, and never read again for
 * a decision. Boot only, single threaded, but for pci_cfg_* (one aligned access each; functions
 * are disjoint, so callers need a lock only for their own read-modify-write).
 */
#ifndef HV_PCI_H
#define HV_PCI_H

#include <hv/dt.h>
#include <hv/iommu.h>
#include <hv/limits.h>
#include <hv/log.h>
#include <hv/msi.h>
#include <hv/status.h>
#include <hv/types.h>

/* Behind the BARs a bridge keeps its windows, which are placed as they are. */
enum { PCI_BARS = 6, PCI_SLOT_MEM = PCI_BARS, PCI_SLOT_PREF, PCI_SLOTS };

enum { PCI_WINDOW_IO, PCI_WINDOW_MEM32, PCI_WINDOW_MEM64, PCI_WINDOW_KINDS };

struct pci_window {
	uint8_t kind;
	bool prefetch;
	uint64_t pci; /* PCI address */
	uint64_t cpu; /* PA */
	uint64_t size;
	uint64_t next; /* allocation cursor, PCI address */
};

struct pci_host {
	uint16_t segment;
	uint8_t bus_first, bus_last;
	struct range ecam; /* PA; bus_first is at its base */
	unsigned window_count;
	struct pci_window window[8];
	int node; /* in the host device tree */
	const void *fdt;
	bool coherent;          /* dma-coherent */
	bool probe_only;        /* linux,pci-probe-only: keep firmware's BARs */
	unsigned inbound_count; /* dma-ranges: what devices may address; 0: everything */
	struct range inbound[8];
	bool own_doorbell;               /* MSIs pass at the controller's own address only */
	bool full;                       /* it has more functions than there is room for */
	unsigned func_first, func_count; /* its slice of pci_funcs */
	uint32_t waited_us;              /* for functions that were not ready */
	char name[40];
};

struct pci_bar {
	uint64_t size; /* bytes; 0: absent, or upper half of a 64-bit BAR */
	uint64_t pci;  /* assigned PCI address; before that, firmware's */
	pa_t pa;       /* as the CPU sees it */
	bool mem64, prefetch, io;
	bool assigned;
	uint8_t align_shift; /* while it is placed */
};

/* What a function is, and what happens to it: the table of what follows is in device.c. */
enum pci_state {
	PCI_ABSENT,
	PCI_IDLE,        /* quiet: of no guest, or its guest does not run */
	PCI_OWNED,       /* in the hands of its guest: only here it may be bus master */
	PCI_WAKING,      /* the same, but it came from D3hot without its state */
	PCI_RESETTING,   /* reads as all ones until the reset is over */
	PCI_LOST,        /* does not answer: reads as all ones */
	PCI_QUARANTINED, /* its guest may use its registers; no DMA, no interrupts */
	PCI_STATES,
};
enum pci_event {
	PCI_CLAIM,   /* its guest starts */
	PCI_RELEASE, /* its guest ended */
	PCI_SLEPT,   /* to D0 from a D3hot in which it lost its state */
	PCI_WOKE,    /* answers again */
	PCI_RESET_BEGINS,
	PCI_RESET_DONE,
	PCI_RESET_FAILED,
	PCI_VANISHED, /* from the bus */
	PCI_STORM,    /* more faults than its budget, or its IOMMU died */
	PCI_EVENTS,
};

struct pci_part {
	uint8_t bar;
	struct range at; /* in it */
};
enum { MSIX_TABLE, MSIX_PBA };

/* A reset that is under way, of reset.c. */
struct pci_reset {
	uint8_t stage; /* 0: none is */
	uint8_t how;
	uint64_t due;         /* ticks: when the stage is over at the latest */
	uint64_t next_look;   /* ticks: no look at whether it is ready before */
	uint32_t gap_us;      /* from that look to the next */
	bool anew;            /* it was lost: another device may be there now */
	struct ratelimit log; /* lines about resets of this function; a port's, about errors */
};

/*
 * A function. All but the last part is captured at boot, before a guest had the device, and never
 * read from it again for a decision.
 */
struct pci_func {
	/* Found: enumerate.c, caps.c, bars.c */
	struct pci_host *host;
	struct pci_func *parent; /* bridge above, NULL on the root bus */
	uint16_t bdf;            /* requester ID: bus 15:8, device 7:3, function 2:0 */
	char name[16];           /* "0000:01:00.0" */
	uint16_t vendor, device;
	uint32_t subsystem;  /* config dword 0x2c */
	uint32_t class_rev;  /* config dword 0x08 */
	uint8_t header_type; /* without bit 7 */
	bool multifunction;
	bool bridge;
	uint8_t bus_secondary, bus_subordinate; /* bridges */
	uint8_t irq_pin;                        /* 0 none, 1..4 */
	bool intx_stuck; /* DisINTx does not work: its line cannot be silenced */
	struct pci_bar bar[PCI_SLOTS];

	/* Its capabilities: offsets, 0: absent; validated, inside config space */
	uint8_t cap_pm, cap_msi, cap_msix, cap_pcie, cap_af;
	uint16_t cap_acs, cap_rebar, cap_aer, cap_dpc;
	uint8_t rebar_count; /* resizable BARs; sizes as at boot: */
	uint8_t rebar_size[PCI_BARS];
	bool ext_config;         /* offsets >= 0x100 answer */
	uint8_t pcie_type;       /* device/port type of the PCIe capability */
	bool pcie_v2;            /* version 2 of it or later: has DEVCTL2 */
	bool flr;                /* function level reset of the PCIe capability */
	bool af_flr;             /* of the AF capability */
	bool pm_reset;           /* D3hot to D0 resets it */
	uint8_t mps;             /* largest payload it can: 128 << mps */
	uint16_t msix_count;     /* 0: none, or unusable */
	struct pci_part msix[2]; /* table and pending bits, in memory BARs that exist */
	uint8_t msi_count;       /* vectors offered: 1..32; 0: none */
	bool msi_64, msi_mask;   /* layout of the capability (§7.7.1), as when it was found */

	/* Decided: fabric.c, identify.c, groups.c. Its identity towards SMMU and ITS. */
	uint16_t devctl, devctl2, lnkctl, acs_ctrl; /* what each reset gives back */
	uint8_t alias_count;
	uint16_t alias[4];   /* requester IDs its transactions may carry */
	struct iommu *iommu; /* NULL: no IOMMU translates it */
	uint8_t sid_count;
	uint32_t sid[4];      /* StreamIDs of the aliases, without repetition */
	struct msi_ctrl *msi; /* NULL: no MSI controller */
	uint32_t device_id;   /* ITS DeviceID */
	struct dt_irq intx;   /* physical line after swizzle; intid 0: none */
	bool open_way;        /* it, or a bridge above it, keeps no requests apart (groups.c) */
	bool isolates;        /* ACS is on with all that a group's border needs */
	uint16_t group;       /* isolation group, index of its first member */
	const char *refused;  /* why it cannot be given to a guest, or NULL */
	uint16_t owner;       /* vm id, or PCI_NO_OWNER; the planner's, or given back by build.c */
	bool watched;         /* it reports errors, and ports above it are looked at (ports.c) */
	uint32_t layout;      /* ... then: where its capabilities were, in one number */

	/* Run time */
	uint32_t state;       /* enum pci_state; device.c changes it, on any CPU */
	uint16_t command;     /* COMMAND as its guest wants it */
	uint32_t cutting;     /* CPUs that quarantine it just now: no reset ends meanwhile */
	uint32_t correctable; /* errors that it said were corrected */
	struct pci_reset reset;
};

#define PCI_NO_OWNER 0xffff

extern struct pci_host *pci_hosts; /* own memory, as many as the device tree has */
extern unsigned pci_host_count;
extern struct pci_func *pci_funcs; /* own memory, as many as were found */
extern unsigned pci_func_count;

/* All there are, or those of a host bridge; a bridge comes before what is below it. */
#define pci_for_each(f) for (struct pci_func *f = pci_funcs; f < &pci_funcs[pci_func_count]; f++)
#define pci_for_each_of(f, h)                                                                      \
	for (struct pci_func *f = &pci_funcs[(h)->func_first];                                     \
	     f < &pci_funcs[(h)->func_first + (h)->func_count]; f++)

/*
 * Boot, in this order: pci_probe_hosts finds the host bridges (`map` maps registers as Device at
 * EL2; NULL: there is no hardware, its registers hold what firmware should have written), then for
 * each host pci_enumerate (captures and silences every function, numbers buses, sizes BARs) and
 * pci_assign (places BARs, opens the bridges), and once for all pci_identify. Afterwards bus
 * mastering and MEM decode are off and INTx disabled on every endpoint. What cannot be used has
 * `refused` set.
 */
void pci_probe_hosts(const void *fdt, void (*map)(struct range));
void pci_enumerate(struct pci_host *h);
void pci_assign(struct pci_host *h);
void pci_identify(void); /* aliases, streams, DeviceIDs, INTx, groups: all hosts */

/*
 * Config space of a physical function; size 1, 2, 4, aligned, off < 4096. Absent functions and
 * faults read all ones; writes there are dropped.
 */
uint32_t pci_cfg_read(const struct pci_func *f, unsigned off, unsigned size);
void pci_cfg_write(const struct pci_func *f, unsigned off, unsigned size, uint32_t value);
uint32_t pci_host_read(const struct pci_host *h, unsigned bdf, unsigned off, unsigned size);

/*
 * "segment:bus:dev.fn", "segment:bus:dev.fn/dev.fn/...", "pci:vendor:device" (hex, as in Linux'
 * pci=). HV_EINVAL malformed, HV_ENOENT no such function, HV_ECONFLICT ambiguous.
 */
enum hv_status __must_check pci_find(const char *name, struct pci_func **out);
/*
 * Candidate n, from 0, for a name that is ambiguous or that nothing has: the functions of its IDs;
 * else those of its slot; else those of its bus. NULL: there are no more.
 */
struct pci_func *pci_candidate(const char *name, unsigned n);
/*
 * Why `f` does not keep requests of its own, or of what is below it, from turning around in it
 * (PCIe r6.0 §6.12.1), and so joins those to its group; NULL: it does.
 */
const char *pci_open_why(const struct pci_func *f);

/* True if requests of `f` reach IOMMU `i` with StreamID `sid`. Fixed after pci_identify(). */
static inline bool pci_has_stream(const struct pci_func *f, const struct iommu *i, uint32_t sid)
{
	for (unsigned n = 0; f->iommu == i && n < f->sid_count; n++)
		if (f->sid[n] == sid)
			return true;
	return false;
}

/*
 * Boot: can the device raise this line (INTID, not 0) by INTx? Its pin register does not bind it:
 * it may send Assert_INTA to INTD alike (PCIe r6.0 §2.2.8.1), and DisINTx is its own to obey.
 */
bool pci_can_assert(const struct pci_func *f, uint32_t intid);

/*
 * The functions that send with this StreamID, number n from 0, in the order of pci_funcs; NULL:
 * there are no more. Any context, and quick: a binary search. From pci_identify on.
 */
struct pci_func *pci_with_stream(const struct iommu *i, uint32_t sid, unsigned n);
#define pci_for_each_with(f, i, sid)                                                               \
	for (unsigned n_ = 0, on_ = 1; on_; on_ = 0)                                               \
		for (struct pci_func * f; (f = pci_with_stream(i, sid, n_)); n_++)
/* Of these the one that a guest has; else rather an endpoint. */
struct pci_func *pci_by_sid(const struct iommu *i, uint32_t sid);

/*
 * The functions of an isolation group, and those that use a DeviceID (of any MSI controller),
 * number n from 0, in the order of pci_funcs; NULL: there are no more. By binary search. From
 * pci_identify on; boot.
 */
struct pci_func *pci_in_group(unsigned group, unsigned n);
struct pci_func *pci_with_device_id(uint32_t device_id, unsigned n);

/*
 * One capability of a list. Whatever the device says, the capabilities lie in config space and do
 * not overlap, and the list ends.
 */
#define PCI_EXT 0x100 /* an extended one's number: this and its ID */

struct pci_cap {
	const struct pci_func *func;
	uint32_t id, off, size, next; /* bytes */
	uint32_t head;                /* its first dword */
	bool malformed;               /* at the end of the list: it should go on */
	uint64_t taken[16];           /* of config space, a bit a dword: those that came */
};
enum pci_list { PCI_LIST, PCI_LIST_EXTENDED }; /* PCIe r6.0 §7.5.1.1.11, §7.6.3 */
/*
 * Walks a list: c = pci_cap_list(f, which); while (pci_cap_next(&c)) ... Reads the device's config
 * space. Boot only, no lock.
 */
struct pci_cap pci_cap_list(const struct pci_func *f, enum pci_list which);
bool pci_cap_next(struct pci_cap *c);

/*
 * Any context. A lock, or the barrier of pci_command_write, orders it where that matters. It is on
 * the path of every config access, so it is no call.
 */
__attribute__((always_inline)) static inline enum pci_state pci_state(const struct pci_func *f)
{
	return (enum pci_state)__atomic_load_n(&f->state, __ATOMIC_RELAXED);
}

/* Any CPU, any context: the state that it left, or PCI_ABSENT: the event changes nothing. */
enum pci_state pci_event(struct pci_func *f, enum pci_event e);
/*
 * COMMAND of a function that a guest has (PCIe r6.0 §7.5.1.1.3). Unless it is owned, and stays so,
 * bus mastering is left out and INTx disabled.
 */
void pci_command_write(struct pci_func *f, uint32_t command);
/*
 * Bus mastering off until a reset; false: it was, or is being reset, or lost. Any CPU; one config
 * write. The caller does what else there is to be done, cuts streams, and says pci_quarantine_done:
 * no reset of the function ends before, so none of this comes behind the reset that undoes it.
 */
bool pci_quarantine(struct pci_func *f);
void pci_quarantine_done(struct pci_func *f);
/*
 * Must this stream abort? One of its functions is quarantined, or all that it has are lost. Whoever
 * attaches a stream asks this behind it, too: it may have changed meanwhile, on another CPU.
 */
bool pci_stream_is_cut(const struct iommu *i, uint32_t sid);
/*
 * Quarantines all functions that send with this StreamID, and has it abort. Any CPU, no lock of an
 * IOMMU held.
 */
void pci_cut_stream(struct iommu *i, uint32_t sid);
/* The same for all streams of a function. */
void pci_contain(struct pci_func *f);
/* It is gone from the bus: touched no more, its streams abort. False: it was lost before. */
bool pci_lose(struct pci_func *f);

/*
 * The ports above the functions that guests have: links, slots and error messages are looked at by
 * time (ports.c), as PCIe r6.0 §6.2 and §6.7 have them. `told` hears of each function of a guest
 * that something happened to; it may be lost or quarantined since.
 *
 * Before pmem_seal, with all guests built; false: there is nothing to look at. Then poll, on one
 * CPU for ever: returns how long until the next call, in us.
 */
typedef void pci_told_fn(struct pci_func *f, bool grave, const char *what);
bool pci_ports_init(pci_told_fn *told);
uint32_t pci_ports_poll(void);

/* Memory BARs to where they are assigned. */
void pci_bars_write(const struct pci_func *f);

/* Bus master off, INTx disabled, MEM off, MSI and MSI-X off, read back. */
void pci_quiesce(const struct pci_func *f);
/* "FLR", "AF", "PM", "bus", or NULL: there is no way to reset it. */
const char *pci_reset_method(const struct pci_func *f);
/*
 * Quiesces, drains, resets by that method, waits until ready (bounded, 60 s) and restores what
 * boot had set; the function stays quiet, in D0. Without a method it is only quieted and restored.
 * Neither call waits: step goes as far as time has come. HV_EAGAIN: not yet, call it again.
 * HV_ETIMEOUT: did not come back. HV_ECONFLICT: came back as something else. The function is idle
 * then, or lost. One caller at a time.
 */
void pci_reset_begin(struct pci_func *f);
enum hv_status __must_check pci_reset_step(struct pci_func *f);
/* All functions of an owner, waiting once for all, in `wait`. Boot, or the stopped guest's CPU. */
enum hv_status __must_check pci_reset_owned(uint16_t owner, void (*wait)(void *arg), void *arg);

#endif
