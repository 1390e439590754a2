/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See hv/faults.h. A fault goes one way: whose it is (attribute), what is to be done (decide: pure,
 * under one lock), and that is done with no lock held: silencing takes the IOMMU's locks and
 * logging the console's.
 */
#include <arch/time.h>
#include <hv/faults.h>
#include <hv/log.h>
#include <hv/pci.h>
#include <hv/plan.h>
#include <hv/pmem.h>
#include <hv/sort.h>
#include <hv/spinlock.h>

/* Whose a stream is: decided when the guests are built, and for ever. */
struct source {
	struct iommu *iommu;
	uint32_t sid;
	const struct pci_func *func; /* NULL: a platform device's, or nobody's */
	const struct vm *vm;         /* NULL: no guest's */
};

/* What is known of a stream that faulted, since its guest started but for the budgets. */
struct record {
	uint32_t lines; /* printed, each has its key */
	uint32_t unprinted;
	uint32_t in_second; /* events since `second` */
	uint64_t second;    /* ticks */
	uint32_t storms;    /* how often it was cut */
	bool cut;           /* platform device: until the guest ends */
	/* Of refused DMA, and of what was done about it; they go on from life to life. */
	struct ratelimit log, alerts;
	uint64_t key[FAULT_LINES];
};

/* StreamIDs of no device share one record, so that forged ones leave room for the others. */
#define NOBODY UINT32_MAX

/* Each stream there is, by IOMMU and StreamID: set before the first guest runs. */
static size_t stream_count __ro_after_boot;
static uint64_t *streams __ro_after_boot;
static struct source *sources __ro_after_boot;

static struct spinlock lock; /* all of: */
static struct record *records __ro_after_boot;

static bool is_nobody(const struct source *s)
{
	return !s->func && !s->vm;
}

static bool has_stream(const struct vm *vm, const struct iommu *i, uint32_t sid)
{
	plan_for_each_stream(s, vm->plan)
		if (s->iommu == i && s->sid == sid)
			return true;
	return false;
}

static struct source attribute(struct iommu *i, uint32_t sid)
{
	struct source s = { .iommu = i, .sid = sid, .func = pci_by_sid(i, sid) };

	for (unsigned n = 0; n < vm_count; n++)
		if (s.func ? vms[n]->id == s.func->owner : has_stream(vms[n], i, sid))
			s.vm = vms[n];
	return s;
}

static void record_stream(struct iommu *i, uint32_t sid)
{
	if (streams)
		streams[stream_count] = iommu_stream_key(i, sid);
	stream_count++;
}

/* Once to count them, once to write them down. */
static void add_all(void)
{
	stream_count = 0;
	iommu_for_each(i)
		record_stream(i, NOBODY);
	pci_for_each(f)
		for (unsigned n = 0; n < f->sid_count; n++)
			record_stream(f->iommu, f->sid[n]);
	for (unsigned n = 0; n < vm_count; n++)
		plan_for_each_stream(s, vms[n]->plan)
			record_stream(s->iommu, s->sid);
}

static void drop_repetitions(void)
{
	size_t kept = 0;

	for (size_t n = 0; n < stream_count; n++)
		if (!kept || streams[kept - 1] != streams[n])
			streams[kept++] = streams[n];
	stream_count = kept;
}

void faults_init(void)
{
	streams = NULL;
	add_all();
	streams = pmem_alloc(MAX(stream_count, (size_t)1) * sizeof(*streams), 64);
	add_all();
	sort_keys(streams, stream_count);
	drop_repetitions();
	sources = pmem_alloc(MAX(stream_count, (size_t)1) * sizeof(*sources), 64);
	records = pmem_alloc(MAX(stream_count, (size_t)1) * sizeof(*records), 64);
	for (size_t n = 0; n < stream_count; n++) {
		sources[n] = attribute(&iommus[streams[n] >> 32], (uint32_t)streams[n]);
		records[n] = (struct record){ .log = RATELIMIT(2 * FAULT_LINES, 5000),
					      .alerts = RATELIMIT(8, 5000) };
	}
}

/* The number of its source and record; stream_count: there is none. */
static size_t find_source(const struct iommu *i, uint32_t sid)
{
	size_t n = sort_find(streams, stream_count, iommu_stream_key(i, sid));

	if (n < stream_count && streams[n] == iommu_stream_key(i, sid))
		return n;
	return sid == NOBODY ? stream_count : find_source(i, NOBODY);
}

enum verdict { COUNT, PRINT, CUT };

/* Of the event, what is known, and whether the stream is cut already; `hz` ticks are a second. */
static enum verdict decide_fault(struct record *r, const struct source *s,
				 const struct iommu_fault *f, bool cut, uint64_t now, uint64_t hz)
{
	/* The page has 52 bits at most. Without an address the stream takes its place. */
	uint64_t key = (f->has_addr ? f->addr >> 12 : f->sid) << 8 | f->code;

	if (cut)
		return COUNT;
	if (now - r->second >= hz) {
		r->second = now;
		r->in_second = 0;
	}
	if (!is_nobody(s) && ++r->in_second > FAULT_BUDGET) {
		r->in_second = 0;
		r->storms++;
		return CUT;
	}
	for (uint32_t n = 0; n < r->lines; n++)
		if (r->key[n] == key)
			return COUNT;
	if (r->lines == FAULT_LINES)
		return COUNT;
	r->key[r->lines++] = key;
	return PRINT;
}

struct name {
	char text[80];
};

/* "disk: device 0000:01:00.0 (StreamID 0x100)" */
static struct name source_name(const struct source *s)
{
	const char *owner = s->func ? "no guest" : s->iommu->name, *kind = "no device";
	struct name n = { "" };

	if (s->func)
		kind = "device ";
	else if (s->vm)
		kind = "platform device";
	fmt_print(n.text, sizeof(n.text), "%s: %s%s (StreamID 0x%x)", s->vm ? s->vm->name : owner,
		  kind, s->func ? s->func->name : "", s->sid);
	return n;
}

static void print_fault(const struct source *s, const struct iommu_fault *f)
{
	char where[40] = "";

	if (f->has_addr)
		fmt_print(where, sizeof(where), " %s IPA 0x%lx",
			  f->write ? "write to" : "read from", f->addr);
	log_spare("%s: DMA%s refused: %s", source_name(s).text, where, f->reason);
}

/*
 * The line comes with the first storm of a life, the second, the fourth, and so on: the guest may
 * reset its device and begin anew.
 */
static void cut_stream(const struct source *s, bool alert)
{
	pci_cut_stream(s->iommu, s->sid);
	if (alert)
		log_err("%s: more than %u refused DMA within a second; quarantined",
			source_name(s).text, FAULT_BUDGET);
}

void faults_report(struct iommu *i, const struct iommu_fault *f)
{
	bool cut = pci_stream_is_cut(i, f->sid);
	size_t n = find_source(i, f->sid);
	enum verdict v = COUNT;
	bool alert = false;
	struct record *r;
	struct source s;
	uint32_t missed;

	if (n == stream_count)
		return;
	r = &records[n];
	s = sources[n];
	s.sid = f->sid; /* also where it is nobody's */
	spin_lock(&lock, LOCK_FAULTS);
	v = decide_fault(r, &s, f, cut || r->cut, arch_time_ticks(), arch_time_hz());
	r->unprinted += v != PRINT;
	r->cut |= v == CUT && !s.func;
	if (v == CUT && !(r->storms & (r->storms - 1)))
		alert = ratelimit_pass(&r->alerts, &missed);
	if (v == PRINT && !ratelimit_pass(&r->log, &missed)) {
		v = COUNT;
		r->unprinted++;
	}
	spin_unlock(&lock);
	if (v == PRINT)
		print_fault(&s, f);
	else if (v == CUT)
		cut_stream(&s, alert);
}

/* Its IOMMU lets nothing through any more; bus mastering off as well, and the owners are named. */
void faults_iommu_died(struct iommu *i)
{
	pci_for_each(f) {
		if (f->bridge || f->iommu != i)
			continue;
		pci_quarantine(f);
		pci_quarantine_done(f); /* nothing else to be done: the IOMMU blocks them */
		for (unsigned n = 0; n < vm_count; n++)
			if (vms[n]->id == f->owner)
				log_err("%s: device %s: quarantined, because %s failed",
					vms[n]->name, f->name, i->name);
	}
}

/* What was counted only; the record begins anew. */
static void end_record(const struct source *s, struct record *r)
{
	uint32_t unprinted, missed;

	spin_lock(&lock, LOCK_FAULTS);
	unprinted = r->unprinted;
	*r = (struct record){ .log = r->log, .alerts = r->alerts };
	spin_unlock(&lock);
	if (unprinted && ratelimit_pass(&r->log, &missed))
		log_spare("%s: %u more refused DMA", source_name(s).text, unprinted);
}

void faults_guest_end(const struct vm *vm)
{
	for (size_t n = 0; n < stream_count; n++)
		if (sources[n].vm == vm)
			end_record(&sources[n], &records[n]);
}
