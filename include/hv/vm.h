/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A guest and its vCPUs. Every vCPU is pinned to one physical CPU for ever; there is no
 * scheduler, so a guest's EL1 registers live in the hardware and "the current vCPU" is a constant
 * of the CPU. Pure code is handed the vCPU that trapped.
 */
#ifndef HV_VM_H
#define HV_VM_H

#include <hv/emul.h>
#include <hv/limits.h>
#include <hv/log.h>
#include <hv/s2.h>
#include <hv/spinlock.h>
#include <hv/types.h>
#include <hv/vgic.h>

/* Guest state while it is trapped. Layout known to arch/arm64/vectors.S. */
struct guest_regs {
	uint64_t x[31];
	uint64_t pc;     /* ELR_EL2 */
	uint64_t pstate; /* SPSR_EL2 */
};

/*
 * Who changes a vCPU's state, by vcpu_change_state():
 *
 *	OFF -> CLAIMED            who calls PSCI CPU_ON, or starts the guest: one wins
 *	CLAIMED -> ON_PENDING     the same, when the entry point is written
 *	ON_PENDING -> ON          its own CPU, which enters it
 *	ON_PENDING -> OFF         its own CPU: the guest is being stopped
 *	ON -> OFF                 its own CPU, which parks
 *	ON -> SUSPENDED           its own CPU, in CPU_SUSPEND or SYSTEM_SUSPEND
 *	SUSPENDED -> ON           its own CPU, when an interrupt is there for it
 *	SUSPENDED -> OFF          its own CPU, which parks: the guest is being stopped
 */
enum vcpu_state {
	VCPU_OFF,        /* parked at EL2; PSCI may turn it on */
	VCPU_CLAIMED,    /* somebody's CPU_ON is writing its entry point */
	VCPU_ON_PENDING, /* CPU_ON accepted, not yet entered */
	VCPU_ON,
	VCPU_SUSPENDED, /* its CPU sleeps at EL2; PSCI calls it on */
	VCPU_STATES,
};

/* Why a CPU came to EL2: traps by what the guest did, then interrupts by kind. */
enum exit_reason {
	EXIT_MMIO,
	EXIT_CALL,
	EXIT_IPI, /* ICC_SGI1R_EL1 */
	EXIT_SYSREG,
	EXIT_OTHER,
	EXIT_KICK,  /* Viaduct's own SGIs */
	EXIT_TIMER, /* PPIs but for: */
	EXIT_MAINTENANCE,
	EXIT_LINE, /* SPIs */
	EXIT_MSI,
	EXIT_REASONS,
};

struct vcpu {
	struct vgic_vcpu vgic; /* first: the hottest */
	struct vm *vm;
	uint16_t index;               /* in vm->vcpu; see vcpu_affinity() */
	uint16_t cpu;                 /* physical CPU it is pinned to */
	enum vcpu_state state;        /* vcpu_change_state() */
	uint64_t entry;               /* IPA, for VCPU_ON_PENDING and powered down */
	uint64_t context;             /* x0 at entry */
	uint64_t exits[EXIT_REASONS]; /* since boot; written on its own CPU */
};

/*
 * The affinity of vCPU `index`, as in MPIDR_EL1 (DDI 0487 D23.2). A cluster has 16 vCPUs, as many
 * as one write of ICC_SGI1R_EL1 reaches; so a guest with at most 16 vCPUs has one cluster.
 */
static inline uint32_t vcpu_affinity(unsigned index)
{
	return (index & 15) | index >> 4 << 8;
}

/* Who has it: a number that may be no vCPU's. MAX_VCPUS: no vCPU can have it. */
static inline uint32_t vcpu_index_of(uint64_t affinity)
{
	uint64_t index = (affinity & 15) | (affinity >> 8 & 0xff) << 4;

	return index < MAX_VCPUS && vcpu_affinity((unsigned)index) == affinity ? (uint32_t)index :
										 MAX_VCPUS;
}

/*
 * Who changes a guest's state, by vm_change_state():
 *
 *	READY -> RUNNING                    boot
 *	RUNNING -> STOPPING                 a vCPU that ends the guest: one wins and does the rest
 *	STOPPING -> STARTING, WAITING, OFF  that vCPU's CPU, when the others are parked
 *	WAITING -> STARTING                 vCPU 0's CPU, when the time is over
 *	WAITING -> OFF                      vCPU 0's CPU, when it is asked to
 *	OFF -> STARTING                     vCPU 0's CPU, when it is asked to
 *	STARTING -> RUNNING, OFF            the CPU that made it STARTING, when the guest is loaded
 */
enum vm_state {
	VM_READY, /* loaded, not yet entered */
	VM_RUNNING,
	VM_STOPPING, /* its vCPUs park */
	VM_WAITING,  /* it crashed, and starts again at wake_at */
	VM_STARTING, /* its devices are reset, its RAM is filled */
	VM_OFF,
	VM_STATES,
};

/* What the operator wants of a guest: life_ask(); CRASH: its watchdog, life_crash(). */
enum vm_asked {
	VM_ASKED_NOTHING,
	VM_ASKED_STOP,
	VM_ASKED_START,
	VM_ASKED_RESTART,
	VM_ASKED_CRASH,
};

/* What a guest has of its CPUs where its declaration does not keep it from it: bits. */
enum vm_features {
	VM_PMU = 1, /* performance monitors */
	VM_SVE = 2,
};

struct guest_ram {
	ipa_t ipa;
	pa_t pa;
	uint64_t size;
};

struct guest_plan;

struct vm {
	/* Built at boot, and fixed from then on */
	char name[GUEST_NAME_MAX];
	uint8_t id;              /* number in the plan, also where an earlier guest is refused */
	struct guest_plan *plan; /* what it is started from, again and again */
	uint8_t features;        /* enum vm_features; fixed at boot */
	void *load_work;         /* IMAGE_WORK bytes: inflates its kernel, writes its tree */
	uint16_t vcpu_count;
	uint32_t cpu_on_count; /* vCPUs that others turned on, so far */
	struct vcpu **vcpu;
	uint8_t ram_count;
	/* Read-only after boot, as the next. */
	struct guest_ram *ram;
	/* MAX_EMUL, by the low byte of a mark; [0] answers for what has none (vPCI's windows). */
	struct emul_region *emul;
	uint8_t emul_count;
	bool open_bus; /* what nobody answers reads as all ones, and writes go nowhere */
	struct vgic_vm *vgic;
	struct vits *vits;    /* NULL: no MSI */
	struct vpci *vpci;    /* NULL: no PCI */
	bool devices_changed; /* vpci_look() is to be called */
	struct vuart *vuart;
	struct vrtc *vrtc;           /* NULL: no clock */
	struct vwatchdog *vwatchdog; /* NULL: no watchdog */
	uint16_t console;            /* ring of drivers/serial/console.c */

	/* Run time: address spaces */
	struct s2 cpu_s2;            /* RAM, BARs, marks */
	struct s2 dma_s2;            /* RAM, MSI doorbell; what its devices reach */
	struct spinlock config_lock; /* cpu_s2 and vPCI mappings */

	/* Run time: its lives */
	enum vm_state state;     /* vm_change_state() */
	enum vm_asked asked;     /* taken when a state is changed for it */
	uint32_t backoff_ms;     /* before it last started again behind a crash; 0: never */
	uint64_t wake_at;        /* ticks; while VM_WAITING */
	uint64_t lives;          /* restarts so far */
	uint64_t cntvoff;        /* virtual counter offset, equal on all vCPUs */
	struct ratelimit log;    /* lines that this guest can cause at will */
	struct ratelimit alerts; /* lines about its life, and of what it was kept from */
	uint64_t isv0_aborts;
};

extern struct vm **vms; /* vms[0 .. vm_count) */
extern unsigned vm_count;

/*
 * Registers an emulator for the IPAs [base, base + size), 4 KiB aligned, and marks the range in
 * vm->cpu_s2. Boot only. HV_ENOMEM: MAX_EMUL kinds are taken. `*kind` (may be NULL) gets the number
 * for further marks of the same emulator: s2_mark(.., emul_mark(kind, cookie)).
 */
enum hv_status __must_check vm_emulate(struct vm *vm, ipa_t base, uint64_t size, emul_fn *fn,
				       void *arg, uint8_t *kind);
/* The same without marking anything yet. */
enum hv_status __must_check vm_emul_add(struct vm *vm, struct range ipas, emul_fn *fn, void *arg,
					uint8_t *kind);
/* The answer where nobody answers: vm->emul[0], and behind the bridge's windows. */
emul_fn vm_unmapped;
#define VM_ALL_IPAS ((struct range){ 0, UINT64_MAX })

/*
 * A mark of stage 2 (see hv/s2.h), as emulators use it: bits [7:0] are the kind, an index of
 * vm->emul; above, the cookie says to the emulator which of its ranges this is. Kind 0 is what has
 * no mark; the last one is what S2_MAPPED reads as, and has no range: the access is made again.
 */
#define EMUL_MAPPED (MAX_EMUL - 1)
_Static_assert((MAX_EMUL & (MAX_EMUL - 1)) == 0 && MAX_EMUL <= 256, "a kind is bits of a mark");

/* The mark of this kind and cookie, not 0 unless both are. */
static inline uint64_t emul_mark(uint8_t kind, uint32_t cookie)
{
	return (uint64_t)cookie << 8 | kind;
}

/* An index of vm->emul, in range for every mark. */
static inline unsigned emul_mark_kind(uint64_t mark)
{
	return mark & (MAX_EMUL - 1);
}

/* What emul_mark() was given. */
static inline uint32_t emul_mark_cookie(uint64_t mark)
{
	return (uint32_t)(mark >> 8);
}

/*
 * Finds and calls the emulator of a->ipa. Hot, so here. EMUL_RETRY where the address is not in the
 * emulator's range: another vCPU has just mapped it, or the mark was another address's (its table
 * was being freed, see hv/s2.h).
 */
static inline enum emul vm_emulate_access(struct vcpu *vcpu, struct mmio_access *a)
{
	const struct vm *vm = vcpu->vm;
	uint64_t mark = s2_mark_at(&vm->cpu_s2, a->ipa);
	const struct emul_region *e = &vm->emul[emul_mark_kind(mark)];

	a->off = a->ipa.v - e->base;
	if (a->off >= e->size)
		return EMUL_RETRY;
	a->cookie = emul_mark_cookie(mark);
	return e->fn(vcpu, e->arg, a);
}

/*
 * Copies guest memory, once, through this CPU's window. `from` is checked against the guest's RAM:
 * HV_EINVAL when a byte is outside (nothing is copied) or poisoned (some of it may be).
 */
enum hv_status __must_check vm_copy_from(const struct vm *vm, void *to, ipa_t from, size_t size);

/* Translates an IPA in the guest's RAM; false when it is not RAM or shorter than size there. */
bool vm_ram_pa(const struct vm *vm, ipa_t ipa, uint64_t size, pa_t *pa);

/*
 * One log line "viaduct: <guest>: ..." that the guest can cause at will. It goes on from life to
 * life: a burst, then one each VM_LOG_MS; how many were dropped the next line says.
 */
void vm_log(struct vm *vm, const char *fmt, ...) __printf(2, 3);
#define VM_LOG_BURST 32
#define VM_LOG_MS    2000

/* The same for the guest's life and its containment: no noise of vm_log() is in its way. */
void vm_alert(struct vm *vm, enum log_level level, const char *fmt, ...) __printf(3, 4);
#define VM_ALERT_BURST 32
#define VM_ALERT_MS    1000

/* " mmio=1 call=2 ...", at most VM_EXITS_TEXT bytes with NUL; returns its length. */
#define VM_EXITS_TEXT 320
size_t vm_exits_print(char *text, size_t size, const uint64_t exits[EXIT_REASONS]);

/* The guest's state now; another CPU may change it at once. Any CPU, no lock. */
enum vm_state vm_state(const struct vm *vm);
/* False: the state is not `from` (any more). Any CPU; see enum vm_state for which one may. */
bool __must_check vm_change_state(struct vm *vm, enum vm_state from, enum vm_state to);
/* Returns the state that it was: `from` where it was changed. */
enum vcpu_state vcpu_change_state(struct vcpu *v, enum vcpu_state from, enum vcpu_state to);

/* Makes another CPU leave the guest and look at its vCPU (SGI). No-op when `to` is `from`. */
void vcpu_kick(const struct vcpu *from, const struct vcpu *to);
/* Makes this CPU trap again as soon as the guest runs: there is work left that was bounded. */
void vcpu_repost(const struct vcpu *self);

#endif
