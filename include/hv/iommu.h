/*
 * The IOMMU of the board, whichever kind: streams abort until attached.
 *
 * Locking: every operation takes locks of the IOMMU; callers hold
 * at most a guest's configuration lock. On a dead IOMMU every operation returns at once: nothing
 * gets through it.
 */
#ifndef HV_IOMMU_H
#define HV_IOMMU_H

#include <hv/s2.h>
#include <hv/status.h>
#include <hv/types.h>

struct iommu;
struct vcpu;

struct iommu_fault {
	uint32_t sid;	   /* StreamID */
	uint64_t addr;	   /* IPA that the device used; valid when has_addr */
	const char *reason; /* "translation", "permission", ... */
	uint8_t code;	   /* number of the reason */
	bool has_addr;
	bool write;
};

struct iommu_stream {
	struct iommu *iommu;
	uint32_t sid;
};

struct iommu_ops {
	/*
	 * Stage-2 translation of `sid` by `dma`; passes through abort. HV_ETIMEOUT: dead; HV_ENOMEM:
	 * it has no context for a further guest. A VMID stands for one root while it is attached.
	 * NULL: to abort, without events where it can; invalidated, synced. HV_EINVAL: it does by
	 * absence; HV_ETIMEOUT: everything does.
	 */
	enum hv_status (*attach)(struct iommu *i, uint32_t sid, const struct s2 *dma);
	void (*flush)(struct iommu *i, uint16_t vmid, ipa_t ipa, uint64_t size);
	enum hv_status (*prepare)(struct iommu *i, uint32_t sid); /* behind iommu_prepare */
};

struct iommu {
	const struct iommu_ops *ops;
	char name[40];		 /* device-tree path's last part, for the log */
	uint32_t phandle;
	uint8_t version;	 /* of the SMMU architecture: 1, 2, 3 */
	uint8_t oas_bits;	 /* output address size */
	uint8_t sid_bits;
	uint32_t sid_ignored;	 /* bits that do not tell streams apart: 0 in every StreamID of ours */
	bool s2;		 /* was started: translates stage-2 */
	bool fwb;
	bool coherent;
	bool dead;		 /* does not answer: everything behind it is aborted */
	void *priv;
};

extern struct iommu iommus[];
extern unsigned iommu_count;

/*
 * Finds every SMMU in the device tree, maps its registers with `map` and puts it into global abort:
 * the first thing done with the platform. Then, with pmem and interrupts up, iommu_start builds
 * tables and queues. An SMMU that cannot be driven stays in abort.
 */
void iommu_probe(const void *fdt, void (*map)(struct range));
void iommu_start(const void *fdt);
struct iommu *iommu_find(uint32_t phandle);
/*
 * Makes room for a stream that will be attached: memory, so at boot, between iommu_start and
 * pmem_seal. The stream stays aborted. HV_EINVAL: no such stream; HV_EUNSUPP: cannot translate;
 * HV_ENOMEM: no room.
 */
enum hv_status __must_check iommu_prepare(struct iommu *i, uint32_t sid);
/* The interrupts of all IOMMUs go to this CPU (CPU 0 until then). */
void iommu_route(unsigned cpu);
/* Handles what an interrupt left over; cheap when there is nothing. Any CPU. */
void iommu_poll(void);
/* An interrupt left events over, on this CPU: the callee makes iommu_poll run soon. May be NULL. */
extern void (*iommu_retry)(void);

/* Every fault, already decoded, from interrupt context, bounded per interrupt. Set at boot. */
typedef void iommu_fault_fn(struct iommu *i, const struct iommu_fault *f);
extern iommu_fault_fn *iommu_on_fault;
/*
 * `i` does not answer any more; it is in global abort and `dead` already. The callee turns bus
 * mastering off behind it. Called once, with no IOMMU lock held, from whatever needed the queue.
 */
extern void (*iommu_on_death)(struct iommu *i);

#endif
