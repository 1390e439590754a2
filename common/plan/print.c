/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plan for the boot log: what each guest gets, one fact a line, and for what it does not get
 * the reason. An engineer reads here which SPI, StreamID or address to look for.
 */
#include <hv/dt.h>
#include <hv/log.h>

#include "plan_priv.h"

const char *plan_size(uint64_t bytes)
{
	static const char unit[][6] = { "bytes", "KiB", "MiB", "GiB", "TiB" };
	static char texts[4][24];
	static unsigned turn;
	char *buf = texts[turn++ % ARRAY_SIZE(texts)];
	unsigned u = 0;

	for (; u + 1 < ARRAY_SIZE(unit) && bytes && !(bytes & 1023); u++)
		bytes >>= 10;
	fmt_print(buf, sizeof(texts[0]), "%lu %s", bytes, unit[u]);
	return buf;
}

static void print_range(const char *guest, const char *what, const char *space, struct range r,
			const char *note)
{
	log_info("%s:   %-9s%s 0x%lx, %s%s", guest, what, space, r.base, plan_size(r.size), note);
}

static void print_memory(const struct guest_plan *g)
{
	for (unsigned i = 0; i < g->ram_count; i++)
		log_info("%s:   RAM      PA 0x%lx as IPA 0x%lx, %s", g->name, g->ram[i].pa.v,
			 g->ram[i].ipa.v, plan_size(g->ram[i].size));
	print_range(g->name, "kernel", "PA", g->module[MODULE_KERNEL], "");
	if (g->module[MODULE_RAMDISK].size)
		print_range(g->name, "ramdisk", "PA", g->module[MODULE_RAMDISK], "");
	if (g->module[MODULE_PARTIAL].size)
		print_range(g->name, "partial", "PA", g->module[MODULE_PARTIAL], ", device tree");
}

static void print_regions(const struct guest_plan *g)
{
	for (unsigned i = 0; i < g->region_count; i++) {
		const struct plan_region *r = &g->region[i];

		log_info("%s:   %sPA 0x%lx as IPA 0x%lx, %s %s", g->name,
			 r->id[0] ? "shared   " : "device   ", r->pa.base, r->ipa,
			 plan_size(r->pa.size), r->id);
	}
	for (unsigned i = 0; i < g->line_count; i++)
		log_info("%s:   device   SPI %u as SPI %u", g->name, g->line[i].pintid - 32,
			 g->line[i].vintid - 32);
	plan_for_each_stream(s, g)
		log_info("%s:   device   StreamID 0x%x of %s", g->name, s->sid, s->iommu->name);
}

static void print_cpus(const struct guest_plan *g)
{
	char list[160], sve[24] = "";
	size_t len = 0;

	/* Of many the last are on lines of their own. */
	for (unsigned i = 0; i < g->vcpu_count; i++) {
		if (len > sizeof(list) - 8) {
			log_info("%s:   CPUs    %s", g->name, list);
			len = 0;
		}
		len += fmt_print(list + len, sizeof(list) - len, " %u", g->vcpu[i].cpu);
	}
	if (g->sve_bits)
		fmt_print(sve, sizeof(sve), "; SVE, %u bits", g->sve_bits);
	log_info("%s:   CPUs    %s%s%s%s%s", g->name, list, g->vpl011 ? "; vpl011" : "; no console",
		 g->pmu == PLAN_ON ? "; PMU" : "", sve,
		 g->stop_on_crash ? "; stops on a crash" : "");
}

static void print_bars(const char *guest, const struct plan_device *d)
{
	for (unsigned i = 0; i < PCI_BARS; i++) {
		const struct pci_bar *bar = &d->func->bar[i];

		if (bar->size && (bar->io || !bar->assigned))
			log_info("%s:       BAR%u     %s: %s", guest, i, plan_size(bar->size),
				 bar->io ? "I/O ports, not given" : "has no address, not given");
		else if (bar->size)
			log_info("%s:       BAR%u     PA 0x%lx, %s, %s-bit%s, %s", guest, i,
				 bar->pa.v, plan_size(bar->size), bar->mem64 ? "64" : "32",
				 bar->prefetch ? " prefetchable" : "",
				 d->as.device_memory[i] ? "device" : "normal-nc");
	}
}

static void print_isolation(const char *guest, const struct plan_device *d)
{
	const struct pci_func *f = d->func;
	char sids[64] = "";
	size_t len = 0;

	for (unsigned i = 0; i < f->sid_count; i++)
		len += fmt_print(sids + len, sizeof(sids) - len, " 0x%x", f->sid[i]);
	if (f->iommu && f->iommu->s2)
		log_info("%s:       group    %u, StreamID%s of %s", guest, f->group, sids,
			 f->iommu->name);
	else
		log_warn("%s:       group    %u, NO IOMMU: this guest's device can reach all "
			 "memory",
			 guest, f->group);
}

static void print_msi(const char *guest, const struct plan_device *d)
{
	const struct pci_func *f = d->func;
	char table[40] = "", where[40];

	if (d->msi == PLAN_OFF) {
		log_info("%s:       MSI      none: %s", guest, d->msi_note);
		return;
	}
	if (f->msix_count)
		fmt_print(table, sizeof(table), ", table in BAR%u at 0x%x", f->msix[MSIX_TABLE].bar,
			  (uint32_t)f->msix[MSIX_TABLE].at.base);
	if (d->as.msi.ctrl->by_device)
		fmt_print(where, sizeof(where), "ITS, DeviceID 0x%x", f->device_id);
	else
		fmt_print(where, sizeof(where), "GICv2m frame 0x%lx", d->as.msi.ctrl->page.v);
	log_info("%s:       MSI      %s%s%s%s, %s, %u vectors%s", guest,
		 d->as.msi_direct ? "direct" : "trapped", d->msi_note ? " (" : "",
		 d->msi_note ? d->msi_note : "", d->msi_note ? ")" : "", where, d->as.msi.count,
		 table);
}

static void print_intx(const struct plan *p, const struct guest_plan *g,
		       const struct plan_device *d)
{
	const struct plan_device *intruder = plan_intx_intruder(p, g, d);
	const struct pci_func *f = d->func;
	const char *pins = "-ABCD";

	if (d->intx_note) {
		log_info("%s:       INTx     none: %s", g->name, d->intx_note);
		return;
	}
	log_info("%s:       INTx     pin %c, SPI %u as SPI %u%s", g->name, pins[d->as.intx_pin],
		 f->intx.intid - 32, d->as.intx_virq - 32,
		 f->intx_stuck ? "; DisINTx does not silence it" : "");
	if (intruder)
		log_warn("%s:       SPI %u is within reach of %s of guest \"%s\": if hostile, it "
			 "can hold it asserted; with intx = \"off\" %s does not need it",
			 g->name, f->intx.intid - 32, intruder->func->name,
			 p->guest[intruder->func->owner].name, f->name);
}

static void print_device(const struct plan *p, const struct guest_plan *g,
			 const struct plan_device *d)
{
	const struct pci_func *f = d->func;
	const char *guest = g->name;
	const char *reset = pci_reset_method(f);

	log_info("%s:   device  %s [%04x:%04x] as 00:%02x.%x", guest, f->name, f->vendor, f->device,
		 d->as.devfn >> 3, d->as.devfn & 7);
	print_isolation(guest, d);
	print_bars(guest, d);
	print_msi(guest, d);
	print_intx(p, g, d);
	if (d->msi == PLAN_OFF && d->intx_note)
		log_warn("%s:       it cannot interrupt its guest", guest);
	log_info("%s:       reset    %s", guest,
		 reset ? reset : "NONE: each start finds the device as the last one left it");
}

static void print_gic(const struct plan *p, const struct guest_plan *g)
{
	const struct guest_plan *mate = g->v2m_count ? plan_frame_mate(p, g, g->msi) : NULL;
	const char *msi = "";

	if (g->its)
		msi = "; virtual ITS";
	else if (g->v2m_count)
		msi = "; virtual GICv2m frame";
	else if (g->has_pci)
		msi = "; no MSI, its PCI devices have INTx only";
	log_info("%s:   GIC      version %u, as this board has%s%s", g->name, g->gic_version, msi,
		 p->board->gic_soft_linked ? "; EL2 ends its interrupts" : "");
	if (g->v2m_count)
		log_info("%s:   v2m      IPA 0x%lx, SPIs %u to %u", g->name, g->msi_base.v,
			 g->v2m_first - 32, g->v2m_first + g->v2m_count - 33);
	if (mate)
		log_warn("%s:   its MSI frame is that of \"%s\" as well: their interrupts are NOT "
			 "isolated from each other",
			 g->name, mate->name);
}

static void print_clocks(const struct plan *p, const struct guest_plan *g)
{
	const struct board *b = p->board;
	char path[96] = "viaduct,epoch";

	if (!b->epoch && b->rtc_node >= 0)
		dt_path(b->fdt, b->rtc_node, path, sizeof(path));
	if (g->rtc_note)
		log_info("%s:   RTC      none: %s", g->name, g->rtc_note);
	else if (g->rtc_virq)
		log_info("%s:   RTC      IPA 0x%x, SPI %u, time from %s", g->name, GUEST_RTC_BASE,
			 g->rtc_virq - 32,
			 b->epoch || b->rtc_node >= 0 ? path : "nowhere: it begins at 0");
	if (g->watchdog_virq)
		log_info("%s:   watchdog IPA 0x%x, SPI %u", g->name, GUEST_WATCHDOG_BASE,
			 g->watchdog_virq - 32);
}

static void print_own(const struct plan *p, const struct guest_plan *g)
{
	print_cpus(g);
	print_gic(p, g);
	print_clocks(p, g);
	print_memory(g);
	print_regions(g);
	if (!g->has_pci)
		return;
	print_range(g->name, "BARs", "IPA", g->vpci.mem32, ", 32-bit");
	if (g->vpci.mem64.size)
		print_range(g->name, "BARs", "IPA", g->vpci.mem64, ", 64-bit");
	if (g->msi)
		log_info("%s:   doorbell IPA 0x%lx", g->name, g->vpci.dma_doorbell.v);
	log_info("%s:   DMA      %s", g->name, g->coherent ? "coherent" : "not coherent");
}

unsigned plan_print_guest(const struct plan *p, const struct guest_plan *g, unsigned first,
			  unsigned count)
{
	unsigned i = first;

	if (!first)
		print_own(p, g);
	for (; i < g->device_count && i - first < count; i++)
		print_device(p, g, &g->device[i]);
	return i < g->device_count ? i : 0;
}

/* Who the hardware does not keep apart, and who of them is why; groups of one are not worth it. */
static void print_group(unsigned group)
{
	const struct pci_func *f;
	char list[200];
	size_t len = 0;

	if (!pci_in_group(group, 1))
		return;
	for (unsigned n = 0; (f = pci_in_group(group, n)); n++) {
		const char *why = pci_open_why(f);

		if (len > sizeof(list) - 40) {
			log_info("group %u:%s", group, list);
			len = 0;
		}
		len += fmt_print(list + len, sizeof(list) - len, " %s%s%s%s", f->name,
				 why ? " (" : "", why ? why : "", why ? ")" : "");
	}
	log_info("group %u:%s", group, list);
}

/* What no guest has: it is quarantined, and this says what it would take to assign it. */
static void print_free(void)
{
	pci_for_each(f)
		if (!f->bridge && f->owner == PCI_NO_OWNER)
			log_info("device %s [%04x:%04x], group %u: no guest has it%s%s", f->name,
				 f->vendor, f->device, f->group,
				 f->refused ? "; cannot be assigned: " : "",
				 f->refused ? f->refused : "");
}

void plan_print(const struct plan *p)
{
	char path[96];

	for (unsigned i = 0; i < p->guest_count; i++) {
		const struct guest_plan *g = &p->guest[i];

		dt_path(p->board->fdt, g->node, path, sizeof(path));
		if (plan_refused(g)) {
			log_err("guest \"%s\" (%s) refused: %s", g->name, path, g->refused);
			continue;
		}
		log_info("guest \"%s\" (%s) starts", g->name, path);
		(void)plan_print_guest(p, g, 0, UINT32_MAX);
	}
	if (!p->guest_count)
		log_err("there is no guest: give /chosen a child with compatible = \"xen,domain\"");
	for (unsigned i = 0; i < pci_func_count; i++)
		print_group(i);
	print_free();
}
