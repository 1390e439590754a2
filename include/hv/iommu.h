/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The IOMMU of the board, whichever kind: streams abort until attached.
 *
 * Locking: every operation takes the lock of the IOMMU; callers hold at most a guest's
 * configuration lock. On a dead IOMMU every operation returns at once: nothing gets through it.
 */
#ifndef HV_IOMMU_H
#define HV_IOMMU_H

#include <hv/mmio.h>
#include <hv/s2.h>
#include <hv/spinlock.h>
#include <hv/status.h>
#include <hv/types.h>

struct iommu_driver;

struct iommu_fault {
	uint32_t sid;       /* StreamID */
	uint64_t addr;      /* IPA that the device used; valid when has_addr */
	const char *reason; /* "translation", "permission", ... */
	uint8_t code;       /* number of the reason */
	bool has_addr;
	bool write;
};

struct iommu_stream {
	struct iommu *iommu;
	uint32_t sid;
};

struct iommu {
	char name[40]; /* device-tree path's last part, for the log */
	uint32_t phandle;
	uint16_t index;   /* in iommus */
	uint8_t version;  /* of the SMMU architecture: 1, 2, 3 */
	uint8_t oas_bits; /* output address size */
	uint8_t sid_bits;
	uint32_t sid_ignored; /* bits that do not tell streams apart: 0 in every StreamID of ours */
	bool s2;              /* was started: translates stage-2 */
	bool fwb;
	bool coherent;
	bool dead; /* does not answer: everything behind it is aborted */

	/* iommu.c's own */
	void *priv; /* the driver's */
	int node;
	struct mmio m;
	struct spinlock lock; /* all but the records of faults */
	bool busy, left_over; /* someone drains; faults wait for it */
	bool told;            /* of its death */
	uint32_t *irq;        /* INTIDs of its wires */
	unsigned irq_count, irq_room;
};

extern struct iommu *iommus; /* as many as the device tree has */
extern unsigned iommu_count;

/* One number for a stream of the board, to sort and to find by. */
static inline uint64_t iommu_stream_key(const struct iommu *i, uint32_t sid)
{
	return (uint64_t)i->index << 32 | sid;
}

#define iommu_for_each(i) for (struct iommu *i = iommus; i < iommus + iommu_count; i++)

/*
 * Finds every SMMU in the device tree, maps its registers with `map` and puts it into global abort:
 * the first thing done with the platform. Then, with pmem and interrupts up, iommu_start builds
 * tables and queues. An SMMU that cannot be driven stays in abort.
 */
void iommu_probe(const void *fdt, void (*map)(struct range));
void iommu_start(const void *fdt);
/*
 * For the crash path, when no other CPU runs: puts every IOMMU into global abort for ever. Takes no
 * lock, because its holder may be stopped. False if an IOMMU does not confirm it.
 */
bool iommu_block_all(void);
/* What all IOMMUs that translate at stage 2 can do; without any, no limit. Boot, after start. */
struct s2_limits iommu_s2_limits(void);
struct iommu *iommu_find(uint32_t phandle);
/*
 * Stage-2 translation of `sid` by `dma`; passes through abort. A VMID stands for one root while it
 * is attached. The first time it may take memory, so before pmem_seal. NULL: to abort, without
 * events where it can; invalidated, synced. HV_EUNSUPP: cannot translate; HV_ETIMEOUT: dead;
 * HV_EINVAL: there is no such stream, or, with NULL, it aborts by absence; HV_ENOMEM: no room for
 * a further stream, or no context for a further guest.
 */
enum hv_status iommu_attach(struct iommu *i, uint32_t sid, const struct s2 *dma);
/* Forgets a VMID's translations of [ipa, ipa + size), in every IOMMU; complete on return. */
void iommu_flush(uint16_t vmid, ipa_t ipa, uint64_t size);
/* The interrupts of all IOMMUs go to this CPU (CPU 0 until then). */
void iommu_route(unsigned cpu);
/* Handles what an interrupt left over; cheap when there is nothing. Any CPU. */
void iommu_poll(void);

/* What the IOMMU drivers need from above: registered once at boot, before iommu_probe(). */
struct iommu_callbacks {
	/* A fault, already decoded. From interrupt context, at most a batch an interrupt. */
	void (*fault)(struct iommu *i, const struct iommu_fault *f);
	/*
	 * `i` does not answer any more; it is in global abort and `dead` already. Once for each
	 * IOMMU, with no IOMMU lock held, on the CPU that needed it.
	 */
	void (*died)(struct iommu *i);
	/* An interrupt left events over: arranges that iommu_poll() runs soon, on any CPU. */
	void (*arm_poll_timer)(void);
};
void iommu_set_callbacks(const struct iommu_callbacks *c);

#endif
