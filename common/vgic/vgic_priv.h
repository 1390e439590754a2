/* SPDX-License-Identifier: Apache-2.0 */
/*
 * State of a virtual GIC, private to common/vgic/. All of it but sgi_pending is under vgic->lock.
 *
 * A line's state has one home at a time:
 *   list register  bank->resident is set, bank->loc says which vCPU and list register. The bit may
 *                  be stale: the guest ends an interrupt without an exit. Only the vCPU's own CPU
 *                  can look, so others ask it (cpu->fold) to read the register back.
 *   software       bank->pending, ->active: not in a list register. For an active one loc says
 *                  which vCPU will end it.
 *   the wire       bank->level of an emulated device: pending while high and not edge.
 *                  An SGI of GICv2 whose list register is busy waits in cpu->sgi_source alone.
 *   physical GIC   a HW-linked line (bank->hw). EL2 holds the physical line active exactly while
 *                  the virtual one is pending or active; whatever EL2 does not want, it gives
 *                  back: pending there again, and not active.
 */
#ifndef VGIC_PRIV_H
#define VGIC_PRIV_H

#include <hv/bits.h>
#include <hv/gic.h>
#include <hv/irq.h>
#include <hv/limits.h>
#include <hv/nospec.h>
#include <hv/spinlock.h>
#include <hv/vgic.h>
#include <hv/vm.h>
#include <spec/gicv2.h>
#include <spec/gicv3.h>

#define VGIC_IIDR       0x56000000U /* product 'V'; we have no JEP106 code */
#define VGIC_PIDR2      ((uint32_t)gic.version << 4 | 0xbU)
#define VGIC_PRIO_MASK  0xf8 /* 5 bits */
#define VGIC_LPI_QUEUES 32   /* one a priority */
#define VGIC_BANKS      32   /* of 32 lines; a power of two */
#define VGIC_ALL_LRS    (~0U >> (32 - gic.lr_count))
#define LR_STATE        (LR_PENDING | LR_ACTIVE)

struct vgic_bank {
	struct vgic_vm *vgic;
	struct vcpu *owner; /* of SGIs and PPIs; NULL: SPIs */
	uint32_t first;     /* INTID of line 0 */
	uint32_t hw;
	uint16_t pintid[32]; /* where hw */

	/* From here on cleared by a reset. */
	/* As in IGROUPR, ISENABLER, the upper bits of ICFGR, IPRIORITYR: the guest reads these
	 * without the lock, so they are written with write_once(). */
	uint32_t group, enabled, edge;
	union {
		uint8_t prio[32];
		uint32_t prio_word[8]; /* little endian */
	};
	uint32_t level; /* its device looks at it without the lock, too */
	uint32_t pending, active;
	uint32_t resident;
	uint32_t held; /* an access to their registers is at work: not into a list register now */
	uint16_t loc[32]; /* vCPU << 4 | list register; evicted SGI of GICv2: vCPU << 4 | source */
	uint32_t router[32]; /* SPIs: low word of GICD_IROUTER; GICv2: the byte of GICD_ITARGETSR */
};

/* What the handler of an assigned SPI is called with. */
struct vgic_line {
	struct vgic_bank *bank;
	uint32_t i;
};

struct vgic_cpu_state {
	uint32_t sgi_pending; /* SGIs from any vCPU; atomic */
	bool online;          /* written with write_once(): senders of SGIs take no lock */
	/* From here on cleared by a reset. */
	uint32_t ready;              /* banks that may hold something to deliver here */
	uint16_t fold;               /* list registers that this vCPU's CPU is asked to read back */
	bool asleep;                 /* GICR_WAKER.ProcessorSleep */
	bool evicted;                /* active lines may be without a list register */
	uint64_t hcr;                /* what ICH_HCR_EL2 was given */
	uint32_t lr_id[VGIC_LR_MAX]; /* what is in it, or was last */
	struct vlpi *lr_lpi[VGIC_LR_MAX]; /* NULL: not an LPI, or one that was cleared; lpi.c's */
	union { /* GICv2: who sent each SGI that waits, as GICD_SPENDSGIR has it */
		uint8_t sgi_source[GIC_SGI_COUNT];
		uint32_t sgi_source_word[GIC_SGI_COUNT / 4];
	};
	struct vgic_bank priv; /* SGIs and PPIs */
	/* What a redistributor keeps while its CPU is off. */
	uint64_t propbaser, pendbaser;
	bool lpis_on;                           /* GICR_CTLR.EnableLPIs */
	uint32_t lpi_ready;                     /* LPI queues that are not empty */
	struct vlpi *lpi_last[VGIC_LPI_QUEUES]; /* circular lists by their last element */
};

struct vgic_vm {
	struct spinlock lock;
	uint32_t ctlr;      /* GICD_CTLR_G0, G1; read without the lock, too */
	uint8_t bank_count; /* with bank 0 */
	bool lpis;
	uint32_t v2m_first, v2m_count; /* SPIs of the virtual GICv2m frame; 0: it has none */
	struct vm *vm;
	struct vgic_bank *spi[VGIC_BANKS]; /* by bank; NULL: there is none, as bank 0 of SPIs */
};

/*
 * The lock of a guest's vGIC is held. What takes one of these is called with the lock, and what
 * returns one has taken it.
 */
struct vgic_locked {
	struct vgic_vm *v;
};

static inline struct vgic_locked vgic_lock(struct vgic_vm *g)
{
	spin_lock(&g->lock, LOCK_VGIC);
	return (struct vgic_locked){ g };
}

static inline void vgic_unlock(struct vgic_locked l)
{
	spin_unlock(&l.v->lock);
}

/* An SGI of GICv2: one for each sender, and all of one number take turns in one list register. */
static inline bool has_source(uint32_t intid)
{
	return intid < GIC_SGI_COUNT && gic.version == 2;
}

/* Only vCPU n: GICD_IROUTER's affinity, or GICD_ITARGETSR's mask. */
static inline uint32_t router_of_vcpu(unsigned n)
{
	return gic.version == 2 ? 1U << n : vcpu_affinity(n);
}

/* A set of lines of one bank, as an access to their registers names them: with the lock held. */
struct vgic_set {
	struct vgic_locked l;
	struct vcpu *cur; /* who accesses */
	struct vgic_bank *bank;
	uint32_t lane; /* line in the bank that the access begins at */
	uint8_t size;  /* of the access */
};

static inline struct vgic_cpu_state *cpu_of(const struct vcpu *v)
{
	return v->vgic.state;
}

/*
 * A bank of SPIs that a guest names, below VGIC_BANKS; NULL: the guest has none of that number. The
 * mask holds when the caller's check is mispredicted as well, see nospec.h.
 */
static inline struct vgic_bank *spi_bank(const struct vgic_vm *g, uint32_t n)
{
	return g->spi[index_nospec_pow2(n, VGIC_BANKS)];
}

/* Bank n as vCPU v sees it. n < bank_count. */
static inline struct vgic_bank *bank_of(const struct vcpu *v, uint32_t n)
{
	return n ? spi_bank(v->vm->vgic, n) : &cpu_of(v)->priv;
}

/* Physical CPU of private lines; no matter for SPIs. */
static inline unsigned bank_cpu(const struct vgic_bank *b)
{
	return b->owner ? b->owner->cpu : 0;
}

/* Pending by its wire: an emulated device holds it and it is not edge-triggered. */
static inline uint32_t wired(const struct vgic_bank *b)
{
	return b->level & ~b->edge;
}

/* Lines with something to deliver, to whomever. */
static inline uint32_t deliverable(const struct vgic_bank *b)
{
	return (b->pending | (wired(b) & ~b->resident)) & b->enabled & ~(b->active | b->held);
}

static inline uint16_t loc_of(const struct vcpu *v, unsigned lr)
{
	return (uint16_t)((unsigned)v->index << 4 | lr);
}

static inline bool grp_enabled(const struct vgic_bank *b, uint32_t i)
{
	return b->vgic->ctlr >> (b->group >> i & 1) & 1;
}

/* lr.c. All with the lock held. */
void vgic_attend(const struct vcpu *cur, struct vcpu *to);
void lr_fold(struct vcpu *v, uint32_t lrs); /* own CPU: these list registers back to software */
void lr_request(struct vcpu *cur, struct vcpu *holder, unsigned n);
/* Line i, resident, back to software: at once on the own CPU, else at its holder's next exit. */
void lr_recall(struct vcpu *cur, struct vgic_bank *b, uint32_t i);
void lr_take(struct vcpu *v, unsigned n, uint32_t id); /* n describes id from now on */
void lr_write_line(struct vcpu *v, unsigned n, struct vgic_bank *b, uint32_t i, uint64_t state);
void lr_write_hcr(const struct vcpu *v, bool waiting);
void lr_attend_other(const struct vcpu *v, struct vcpu *to);
uint64_t lr_free_mask(void);
void lr_inject(struct vcpu *v, struct vgic_bank *b, uint32_t i); /* own CPU, HW-linked */

/* deliver.c */
irq_handler_fn vgic_maintenance_irq;

/* line.c: line i of a bank. All with the lock held, but the handlers. */
irq_handler_fn vgic_ppi_irq, vgic_spi_irq;
struct vcpu *line_target(const struct vgic_bank *b, uint32_t i);
struct vcpu *line_ready(const struct vgic_bank *b, uint32_t i);
void line_notify(const struct vcpu *cur, const struct vgic_bank *b, uint32_t i);
void line_route(struct vcpu *cur, struct vgic_bank *b, uint32_t i, uint32_t router);
/* One of gic.ops, with the physical line that it is linked to. */
void line_hw(void (*op)(unsigned cpu, uint32_t intid, bool on), const struct vgic_bank *b,
	     uint32_t i, bool on);
void line_give_back(struct vgic_bank *b, uint32_t i);
void line_sync_enable(const struct vgic_bank *b, uint32_t i);
void line_quiesce(const struct vgic_bank *b, uint32_t i);

/* lpi.c: where virtual LPIs are. */
struct vlpi *lpi_first(const struct vgic_cpu_state *st, unsigned queue); /* not an empty one */
/* The first of a queue is in v's list register n from now on. */
void lpi_listed(struct vgic_locked l, struct vcpu *v, unsigned n, struct vlpi *lpi);
/*
 * n, which has one, has it no more; `pending` is how it was there. Who has to look: NULL, nobody.
 */
struct vcpu *lpi_unlisted(struct vgic_locked l, struct vcpu *v, unsigned n, uint64_t lr);
/* The one in n, if it is to be pending there once more and may; NULL: n has to be read back. */
struct vlpi *lpi_listed_again(struct vgic_locked l, const struct vcpu *v, unsigned n);
void lpi_unlist_all(struct vgic_locked l, struct vcpu *v); /* not pending there any more */
void lpi_drop_all(struct vgic_locked l, struct vcpu *v);   /* queued ones are not pending */

/* regs.c: the registers that are alike in the distributor and in SGI_base. `owner` is the vCPU
 * of SGI_base, NULL for the distributor; GICv2's distributor has a bank 0, its accessor's. What is
 * not there leaves *a alone. */
enum emul vgic_lines_access(struct vcpu *cur, struct vcpu *owner, uint32_t off,
			    struct mmio_access *a);
emul_fn vgic_dist_access;

/* dist.c: what else the distributor has */
enum emul vgic_dist_other(struct vcpu *vcpu, struct mmio_access *a);

/* redist.c */
emul_fn vgic_redist_access;

/* v2.c */
enum emul vgic_v2_sgis(struct vcpu *vcpu, struct mmio_access *a); /* GICD_SGIR .. GICD_SPENDSGIR */
emul_fn vgic_v2_dir_access;

/* A 64-bit register after a write of its whole or one half. */
static inline uint64_t part_put(uint64_t reg, const struct mmio_access *a)
{
	unsigned sh = (a->off & 4) * 8;

	return a->size == 8 ? a->value :
			      (reg & ~(BITS(31, 0) << sh)) | (a->value & BITS(31, 0)) << sh;
}

#endif
