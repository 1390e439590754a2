/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See hv/faults.h. Called from interrupt context with IOMMU events, which devices cause at will:
 * each is looked up among the streams that faulted before, decided under one lock, and acted on
 * after it: silencing takes the IOMMU's locks and logging the console's.
 */
#include <arch/time.h>
#include <hv/faults.h>
#include <hv/limits.h>
#include <hv/log.h>
#include <hv/pci.h>
#include <hv/plan.h>
#include <hv/spinlock.h>

struct stream {
	struct iommu *iommu;
	uint32_t sid;
	uint32_t lines; /* printed, each has its key */
	uint32_t unprinted;
	uint32_t in_second; /* events since `second` */
	uint64_t second;    /* ticks */
	bool silent;
	uint64_t key[FAULT_LINES];
};

#define NOBODY UINT32_MAX

static struct spinlock lock;
static struct stream streams[MAX_PCI_FUNCS];
static unsigned stream_count;

static struct stream *find_stream(struct iommu *i, uint32_t sid)
{
	for (unsigned n = 0; n < stream_count; n++)
		if (streams[n].sid == sid && streams[n].iommu == i)
			return &streams[n];
	return NULL;
}

/* The guest of a function, or, where there is none, of the platform device with this stream. */
static const struct vm *owner_of(const struct pci_func *f, const struct iommu *i, uint32_t sid)
{
	for (unsigned n = 0; n < vm_count; n++) {
		const struct vm *vm = vms[n];

		if (f && vm->id == f->owner)
			return vm;
		plan_for_each_stream(s, vm->plan)
			if (!f && s->iommu == i && s->sid == sid)
				return vm;
	}
	return NULL;
}

/* StreamIDs of no device share one record, so that forged ones leave room for the others. */
static struct stream *get_stream(struct iommu *i, uint32_t sid)
{
	struct stream *s = find_stream(i, sid);

	if (!s && !pci_by_sid(i, sid) && !owner_of(NULL, i, sid)) {
		sid = NOBODY;
		s = find_stream(i, sid);
	}
	if (s || stream_count == ARRAY_SIZE(streams))
		return s;
	s = &streams[stream_count];
	*s = (struct stream){ .iommu = i, .sid = sid };
	__atomic_store_n(&stream_count, stream_count + 1, __ATOMIC_RELEASE);
	return s;
}

enum verdict { COUNT, PRINT, SILENCE };

static enum verdict decide(struct stream *s, const struct iommu_fault *f)
{
	uint64_t now = arch_time_ticks();
	/* The page has 52 bits at most. Without an address the stream takes its place. */
	uint64_t key = (f->has_addr ? f->addr >> 12 : f->sid) << 8 | f->code;
	bool known = s->silent || s->lines == FAULT_LINES;

	if (now - s->second >= arch_time_hz()) {
		s->second = now;
		s->in_second = 0;
	}
	if (!s->silent && s->sid != NOBODY && ++s->in_second > FAULT_BUDGET) {
		s->silent = true;
		return SILENCE;
	}
	for (uint32_t n = 0; n < s->lines; n++)
		known |= s->key[n] == key;
	if (known)
		return COUNT;
	s->key[s->lines++] = key;
	return PRINT;
}

struct name {
	char text[80];
};

/* "disk: device 0000:01:00.0 (StreamID 0x100)" */
static struct name name_of(struct iommu *i, uint32_t sid)
{
	const struct pci_func *f = pci_by_sid(i, sid);
	const struct vm *vm = owner_of(f, i, sid);
	const char *kind = "no device", *owner = i->name;
	struct name n = { "" };

	if (f) {
		kind = "device ";
		owner = "no guest";
	} else if (vm) {
		kind = "platform device";
	}
	fmt_print(n.text, sizeof(n.text), "%s: %s%s (StreamID 0x%x)", vm ? vm->name : owner, kind,
		  f ? f->name : "", sid);
	return n;
}

static void print(struct iommu *i, const struct iommu_fault *f)
{
	char where[40] = "";

	if (f->has_addr)
		fmt_print(where, sizeof(where), " %s IPA 0x%lx",
			  f->write ? "write to" : "read from", f->addr);
	log_warn("%s: DMA%s refused: %s", name_of(i, f->sid).text, where, f->reason);
}

static void quarantine(struct iommu *i, uint32_t sid)
{
	iommu_attach(i, sid, NULL);
	pci_for_each(f)
		if (!f->bridge && pci_has_stream(f, i, sid))
			pci_quiesce(f);
	log_err("%s: more than %u refused DMA within a second; quarantined", name_of(i, sid).text,
		FAULT_BUDGET);
}

void faults_report(struct iommu *i, const struct iommu_fault *f)
{
	enum verdict v = COUNT;
	struct stream *s;

	spin_lock(&lock);
	s = get_stream(i, f->sid);
	if (s) {
		v = decide(s, f);
		s->unprinted += v != PRINT;
	}
	spin_unlock(&lock);
	if (v == PRINT)
		print(i, f);
	else if (v == SILENCE)
		quarantine(i, f->sid);
}

/* Its IOMMU lets nothing through any more; bus mastering off as well, and the owners are named. */
void faults_iommu_died(struct iommu *i)
{
	pci_for_each(f) {
		const struct vm *vm = owner_of(f, i, 0);

		if (f->bridge || f->iommu != i)
			continue;
		pci_quiesce(f);
		if (vm)
			log_err("%s: device %s: quarantined, because %s failed", vm->name, f->name,
				i->name);
	}
}

void faults_guest_end(const struct vm *vm)
{
	for (unsigned n = 0; n < __atomic_load_n(&stream_count, __ATOMIC_ACQUIRE); n++) {
		struct stream *s = &streams[n];
		const struct pci_func *f = pci_by_sid(s->iommu, s->sid);
		uint32_t unprinted;

		if (owner_of(f, s->iommu, s->sid) != vm)
			continue;
		spin_lock(&lock);
		unprinted = s->unprinted;
		*s = (struct stream){ .iommu = s->iommu, .sid = s->sid };
		spin_unlock(&lock);
		if (unprinted)
			log_info("%s: %u more refused DMA", name_of(s->iommu, s->sid).text,
				 unprinted);
	}
}
