/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside vpci/. A function's config space is a byte a dword, naming a row of rules.c, and a shadow
 * dword. Decisions (cfg_decide) are pure; what performs them cannot fail.
 *
 * func->lock guards the shadow and the hardware of that function. What decides mappings (live,
 * base, held, mapped of every function) changes only under vm->config_lock, taken inside it.
 * Whether a function may be touched, mapped or be bus master is its state (hv/pci.h); while it is
 * being reset only state_settle touches it.
 */
#ifndef VPCI_PRIV_H
#define VPCI_PRIV_H

#include <hv/bits.h>
#include <hv/spinlock.h>
#include <hv/vpci.h>
#include <spec/pci.h>

#define vpci_for_each(f, v) for (struct vpci_func *f = (v)->func; f < &(v)->func[(v)->count]; f++)

#define DW(off)      ((unsigned)(off) / 4)
#define VPCI_NO_FUNC 0xff
#define PCI_ALL_ONES 0xffffffffu

/* One dword. A bit that no mask names reads 0 and ignores writes. */
struct cfg_rule {
	uint32_t hw;   /* lives in the device; otherwise in the shadow */
	uint32_t rw;   /* a write lands where the bit lives */
	uint32_t w1c;  /* writing 1 clears it where it lives; never written 1 on our own account */
	uint32_t boot; /* shadow: starts as the device had it at boot */
	uint32_t set;  /* shadow: starts as 1, and a writable one does so again */
};

enum cfg_row {
	ROW_NONE,  /* reads 0, writes ignored */
	ROW_FIXED, /* set at boot */
	ROW_BOOT,  /* as the device had it at boot */
	ROW_READ,  /* as the device has it */
	ROW_RAW,   /* the guest's as it is, where its declaration says so */
	ROW_CAP,   /* first dword of a capability that has no row of its own */
	ROW_ECAP,
	ROW_COMMAND,
	ROW_CACHELINE,
	ROW_INTERRUPT,
	ROW_BAR,
	ROW_BAR_HI, /* upper half of a 64-bit one */
	ROW_PM,
	ROW_PM_CSR,
	ROW_PCIE,
	ROW_DEVCAP,
	ROW_DEVCTL,
	ROW_DEVCAP2,
	ROW_DEVCTL2,
	ROW_MSI_CTRL,
	ROW_MSI_ADDR,
	ROW_MSI_ADDR_HI,
	ROW_MSI_DATA,
	ROW_MSI_MASK,
	ROW_MSIX,
	ROW_AF_CTRL,
	ROW_UNC_STATUS,
	ROW_UNC_MASK,
	ROW_UNC_SEVERITY,
	ROW_COR_STATUS,
	ROW_COR_MASK,
	ROW_COUNT,
};

extern const struct cfg_rule cfg_rules[ROW_COUNT];

/* What a write comes to: the new shadow, and at most one write of the guest's own width. */
struct cfg_verdict {
	uint32_t shadow;
	uint32_t value; /* in place in the dword */
	bool to_hw;
};
struct cfg_verdict cfg_decide(const struct cfg_rule *r, uint32_t lanes, uint32_t hw_now,
			      uint32_t value, uint32_t shadow);

/* One vector of a trapped MSI-X table as the guest wrote it (§7.7.2). */
union vpci_vector {
	struct {
		uint64_t addr;
		uint32_t data, ctrl;
	};
	uint32_t word[4];
};

enum { MODE_INTX, MODE_MSI, MODE_MSIX };

struct vpci_func {
	/* Fixed at boot */
	struct vpci *v;
	struct pci_func *pf;
	struct vpci_assignment as;
	uint16_t dwords; /* of config space that have a row; behind it everything reads 0 */
	const uint8_t *row;
	uint32_t *initial;  /* the shadow at power-on */
	uint8_t msi, msix;  /* visible capabilities, byte offset; 0: none */
	uint8_t granted;    /* MSI: messages, a power of two */
	uint16_t vectors;   /* MSI-X */
	bool direct;        /* ... whose table is mapped straight through */
	uint8_t present;    /* BARs that the guest sees, a bit each */
	uint8_t small;      /* of them: below 4 KiB */
	uint8_t page_alone; /* small ones whose host page holds nobody else's BAR */

	/* Run time, under `lock` */
	struct spinlock lock;
	uint32_t *shadow;
	uint8_t mode;              /* MODE_INTX, MODE_MSI, MODE_MSIX */
	bool decoding;             /* physical MEM is on, read back */
	bool stopped;              /* a vector ran away */
	uint32_t *idle;            /* a vector: messages in a row that changed nothing */
	union vpci_vector *vector; /* NULL: direct */
	uint64_t woken_at;         /* ticks; PCI_WAKING */
	uint8_t logged;            /* BARs, a bit each */

	/* Run time, under vm->config_lock */
	bool live;       /* decodes: MEM, D0, and its state lets it */
	uint8_t held;    /* BARs that have their range; first come, first served */
	uint8_t blocked; /* BARs that wait until somebody moves away */
	uint64_t base[PCI_BARS];
	uint64_t mapped[PCI_BARS]; /* where, and flags: */
#define MAPPED         UINT64_C(1)
#define MAPPED_CROWDED UINT64_C(2) /* all of it is trapped */
#define MAPPED_FLAGS   UINT64_C(3)
};

struct vpci {
	struct vm *vm;
	struct vpci_config cfg;
	uint64_t doorbell; /* where guests send MSIs; 0: none */
	uint8_t bar_kind;  /* emulator of trapped pages */
	uint64_t move_due; /* ticks: no MOVI before */
	unsigned count;
	uint8_t by_devfn[256];
	struct vpci_func func[];
};

/* The host bridge's windows; there is no RAM in them. */
static inline bool vpci_in_window(const struct vpci *v, uint64_t ipa, uint64_t size)
{
	return range_contains(v->cfg.mem32, ipa, size) || range_contains(v->cfg.mem64, ipa, size);
}

/* Its registers behind BARs are the guest's; otherwise they read all ones. */
static inline bool func_decodes(const struct vpci_func *f)
{
	enum pci_state state = pci_state(f->pf);

	return state == PCI_OWNED || state == PCI_QUARANTINED;
}

/* Its config space is the guest's; otherwise it reads all ones. */
static inline bool func_answers(const struct vpci_func *f)
{
	return func_decodes(f) || pci_state(f->pf) == PCI_WAKING;
}

/* What nobody answers. */
static inline uint64_t ones(unsigned size)
{
	return ~UINT64_C(0) >> (64 - 8 * size);
}

/* config.c: one access inside a dword. Takes the lock. */
uint32_t vpci_cfg_read(struct vpci_func *f, unsigned off, unsigned size);
void vpci_cfg_write(struct vpci_func *f, unsigned off, unsigned size, uint32_t value);

/* bridge.c: the ECAM, and the parts of the windows that nobody claims. */
emul_fn vpci_ecam_access, vpci_window_access;

/* caps.c: rows and initial shadow, allocated, from the device as it is at boot. */
void caps_build(struct vpci_func *f);

/* The cookie of a trapped page's mark: one of the functions that have a BAR there, and its BAR. */
static inline uint32_t bar_cookie(const struct vpci_func *f, unsigned bar)
{
	return (uint32_t)(f - f->v->func) << 3 | bar;
}

/* What bar_cookie() was given, as a number of the function; a stale mark may give any number. */
static inline unsigned bar_cookie_func(uint32_t cookie)
{
	return cookie >> 3;
}

static inline unsigned bar_cookie_bar(uint32_t cookie)
{
	return cookie & 7;
}

/* bars.c: recomputes the mappings after a change of BARs, COMMAND or power. Lock held, not
 * config_lock. */
void bars_update(struct vpci_func *f);
/* The hook of a write to dword `dw`, which the shadow has. Lock held. */
void bar_wrote(struct vpci_func *f, unsigned dw);
/* Boot: which BARs there are; the pages of them that EL2 itself touches are mapped. */
void bars_init(struct vpci_func *f);
void bars_map_at_el2(const struct vpci_func *f);

/* trap.c: accesses to trapped pages of BARs. Takes the lock. */
emul_fn vpci_bar_access;

/* state.c: what the device is set to; all with the lock held. *_wrote: the shadow has what the
 * guest wrote, `old` is what it was. */
void command_wrote(struct vpci_func *f, uint32_t old);
void pm_wrote(struct vpci_func *f, uint32_t old);
void devctl_wrote(struct vpci_func *f);
void devctl2_wrote(struct vpci_func *f, uint32_t old);
void af_wrote(struct vpci_func *f);
bool state_live(const struct vpci_func *f);
bool state_wake(struct vpci_func *f);    /* to D0; true when it was not there */
void state_lose(struct vpci_func *f);    /* waking from now on */
void state_command(struct vpci_func *f); /* writes COMMAND as shadow and mode want it */
/* The device lost everything: give it back, in bounded time. It may be lost then. */
void state_restore(struct vpci_func *f);
/* The guest wrote `value` to a dword of a function that is lost: a reset may bring it back. */
void state_revive(struct vpci_func *f, unsigned dw, uint32_t value);
bool state_settle(struct vpci_func *f); /* back from reset or D3hot: restores; true when it did */

/* msi.c */
void msi_init(struct vpci_func *f); /* before caps_build: what can be granted */
/* Boot: handlers of the function's vectors. HV_ECONFLICT, HV_EINVAL: irq_register() says so. */
enum hv_status __must_check msi_connect(struct vpci_func *f);
void msi_write_masks(struct vpci_func *f); /* the shadow's mask bits to the device. Lock held */
/* The interrupt mode from the shadow to the device, and COMMAND with it. Lock held. */
void msi_apply(struct vpci_func *f);
/* The doorbell as the device is told it: an IPA behind an IOMMU, else a PA. */
uint64_t msi_device_address(const struct vpci_func *f);

/* msix.c */
/* The whole physical table, physical MEM on; false: not done by `end` (ticks). */
bool __must_check msix_program(struct vpci_func *f, uint64_t end);
/* An access to a trapped table, at byte `off` of it. Lock held. */
uint64_t msix_read(const struct vpci_func *f, unsigned off, unsigned size);
void msix_write(struct vpci_func *f, unsigned off, unsigned size, uint64_t value);
void msix_forget(struct vpci_func *f); /* the guest's table as after power-on */

#endif
